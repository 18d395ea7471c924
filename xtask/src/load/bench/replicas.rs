//! Several `adept serve` on one PostgreSQL: they share what is due, and nothing is done twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::onboarded::{Onboarded, Pair, give_token, pair};
use super::{Bench, Row, joined, median, range, thousands};
use crate::Result;
use crate::database::Kind;
use crate::graph::{Graph, lost};

/// Milliseconds of each page.
const DELAY: u64 = 100;

/// Client connections.
const CONNECTIONS: usize = 8;

/// The longest round that is waited for.
const TIMEOUT: Duration = Duration::from_secs(300);

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let settings = bench.count(1000, 60);
    let most = settings.to_string();
    let flags = ["--maximum-dep-tokens", most.as_str()];
    let mut on = Onboarded::start(bench, Kind::Postgres, &flags, crate::service::Launch::start)?;
    let made = each(&on, settings, |graph, number| {
        let pair = pair(graph, &on.apple, &format!("setting {number}"))?;
        on.apple.portal().add_devices(&pair.server, 20)?;
        give_token(graph, &on.apple, &pair)?;
        Ok(pair)
    })?;
    // The first connection has been idle for longer than the service keeps one.
    on.graph = on.graph.over(on.service.connect());
    for pair in &made {
        super::fleet::wait(&mut on, pair, |setting| setting.synced.is_some())?;
    }
    on.apple.portal().delay_pages(DELAY)?;
    let (mut alone, mut together, mut twice) = (Vec::new(), Vec::new(), 0);
    // The first round warms up.
    for round in 0..=bench.count(3, 1) {
        let (one, again) = sync_all(&on, &made)?;
        twice += again;
        let others = [on.launch.replica(&bench.bed)?, on.launch.replica(&bench.bed)?];
        let running = others.iter().map(crate::service::Launch::start).collect::<Result<Vec<_>>>()?;
        let (three, again) = sync_all(&on, &made)?;
        twice += again;
        running.into_iter().try_for_each(|service| service.process.stop())?;
        if round > 0 {
            alone.push(one);
            together.push(three);
        }
    }
    let ratio = median(&together) / median(&alone);
    Ok(vec![
        Row {
            figure: format!(
                "syncs of {} settings by three replicas on this machine, over the time that one needs, PostgreSQL",
                thousands(settings as f64)
            ),
            target: "≤ 1.1".to_owned(),
            measured: format!(
                "{ratio:.2} ({:.2} s over {:.2} s; {} over {})",
                median(&together),
                median(&alone),
                range(&together, 2),
                range(&alone, 2)
            ),
            reached: Some(ratio <= 1.1),
        },
        Row {
            figure: "settings that were synced twice meanwhile".to_owned(),
            target: "0".to_owned(),
            measured: twice.to_string(),
            reached: Some(twice == 0),
        },
    ])
}

/// Requests a sync of each setting; seconds until Apple got a call for each, and how many got two.
fn sync_all(on: &Onboarded, pairs: &[Pair]) -> Result<(f64, usize)> {
    // Two syncs of a setting begin a second apart at least.
    std::thread::sleep(Duration::from_secs(2));
    let mut portal = on.apple.portal();
    portal.forget_calls()?;
    let started = Instant::now();
    each(on, pairs.len(), |graph, number| {
        let answer = graph.request_sync(&pairs[number].setting).map_err(lost)?;
        answer.expect(204).map(drop)
    })?;
    while portal.counts()?.get("POST /devices/sync").is_none_or(|count| *count < pairs.len() as u64) {
        if started.elapsed() > TIMEOUT {
            return Err("The syncs do not end.".to_owned());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let seconds = started.elapsed().as_secs_f64();
    // A setting that is synced twice is synced twice soon.
    std::thread::sleep(Duration::from_secs(3));
    let mut of_server: BTreeMap<String, usize> = BTreeMap::new();
    for call in portal.calls()?.into_iter().filter(|call| call.path == "/devices/sync") {
        *of_server.entry(call.server).or_default() += 1;
    }
    if of_server.len() != pairs.len() {
        return Err(format!("Apple was asked for {} of {} servers.", of_server.len(), pairs.len()));
    }
    Ok((seconds, of_server.values().filter(|count| **count > 1).count()))
}

/// Does it for each number below `count`, on several connections; results in no order.
fn each<T: Send>(
    on: &Onboarded,
    count: usize,
    work: impl Fn(&mut Graph, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let (next, work) = (AtomicUsize::new(0), &work);
    let done = std::thread::scope(|scope| {
        let threads = (0..CONNECTIONS).map(|_| {
            scope.spawn(|| {
                let mut graph = on.graph.over(on.service.connect());
                let mut done = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= count {
                        return Ok(done);
                    }
                    done.push(work(&mut graph, number)?);
                }
            })
        });
        joined(threads.collect())
    })?;
    Ok(done.into_iter().flatten().collect())
}
