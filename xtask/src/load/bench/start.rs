//! From starting the program to its first answer over TLS: on an empty folder, later, and later with many settings.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::onboarded::{Onboarded, give_token, pair};
use super::{Bench, Row, joined, median, range, thousands};
use crate::Result;
use crate::apple::Apple;
use crate::database::Kind;
use crate::machine;
use crate::service::Launch;

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let times = bench.count(10, 3);
    // Nothing listens there, which a start does not notice.
    let nowhere = crate::service::free_port()?;
    let mut first = Vec::new();
    let mut launch = None;
    for _ in 0..times {
        let fresh = Launch::new(&bench.bed, kind, nowhere, &[])?;
        first.push(start_once(&fresh)?);
        launch = Some(fresh);
    }
    let launch = launch.ok_or("Nothing was started.")?;
    settle(&launch)?;
    let later = (0..times).map(|_| start_once(&launch)).collect::<Result<Vec<_>>>()?;

    let settings = bench.count(2000, 100);
    let (full, _apple) = onboarded_many(bench, kind, settings)?;
    let with_settings = (0..times).map(|_| start_once(&full)).collect::<Result<Vec<_>>>()?;
    Ok(vec![
        row(kind, "first start", 1000.0, &first),
        row(kind, "later, without settings", 100.0, &later),
        row(
            kind,
            &format!("later, with {} settings and their tokens", thousands(settings as f64)),
            300.0,
            &with_settings,
        ),
    ])
}

/// Milliseconds to the first answer. The service then gets SIGTERM.
fn start_once(launch: &Launch) -> Result<f64> {
    let (service, took) = launch.start_with(|_| {})?;
    service.process.stop()?;
    Ok(took.as_secs_f64() * 1000.0)
}

/// Signs in once: by then the first start has made everything that it makes, the signing key included.
fn settle(launch: &Launch) -> Result {
    let credentials = launch.add_client()?;
    let service = launch.start()?;
    drop(service.sign_in(&credentials)?);
    service.process.stop()
}

fn row(kind: Kind, what: &str, target: f64, milliseconds: &[f64]) -> Row {
    let middle = median(milliseconds);
    Row {
        figure: format!("start to first answer, {kind}: {what}"),
        target: format!("< {target:.0} ms"),
        measured: format!("{middle:.0} ms ({} of {})", range(milliseconds, 0), milliseconds.len()),
        reached: Some(middle < target),
    }
}

/// A database with `count` settings, each with a token and synchronized once; no process uses it.
fn onboarded_many(bench: &Bench, kind: Kind, settings: usize) -> Result<(Launch, Apple)> {
    let most = settings.to_string();
    let on = Onboarded::start(bench, kind, &["--maximum-dep-tokens", &most], Launch::start)?;
    let made = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let threads = (0..2 * machine::cores()).map(|_| {
            scope.spawn(|| {
                let mut graph = on.graph.over(on.service.connect());
                loop {
                    let number = made.fetch_add(1, Ordering::Relaxed);
                    if number >= settings {
                        return Ok(());
                    }
                    let pair = pair(&mut graph, &on.apple, &format!("setting {number}"))?;
                    give_token(&mut graph, &on.apple, &pair)?;
                }
            })
        });
        joined(threads.collect())
    })?;
    let mut portal = on.apple.portal();
    let waiting = Instant::now();
    while portal.counts()?.get("POST /devices/sync").is_none_or(|count| *count < settings as u64) {
        if waiting.elapsed() > Duration::from_secs(120) {
            return Err("The settings' first syncs do not end.".to_owned());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let Onboarded { service, graph, launch, apple, .. } = on;
    drop(graph);
    service.process.stop()?;
    Ok((launch, apple))
}
