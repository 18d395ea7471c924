//! The whole `uploadDepToken`: CPU time of the service per upload, and uploads per second with everything on this
//! machine. Eight connections upload to eight settings; each token is issued right before it is uploaded, since Apple
//! ends a server's token when it issues the next, so Apple's side of issuing is part of the rate.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::onboarded::{Onboarded, Pair};
use super::{Bench, Row, database_cpu, joined, median, percentile, range, thousands};
use crate::Result;
use crate::database::Kind;
use crate::graph::{lost, upload_body};

const CONNECTIONS: usize = 8;

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let mut on = Onboarded::start(bench, kind, &[], crate::service::Launch::start)?;
    let pairs: Vec<Pair> =
        (0..CONNECTIONS).map(|number| on.pair(&format!("upload {number}"))).collect::<Result<_>>()?;
    // Warms up, and is short enough that the simulator remembers each call with its answer.
    let mut portal = on.apple.portal();
    portal.forget_calls()?;
    let counted = uploads(&on, &pairs, |uploads, _| uploads < 50)?.len() as u64;
    let answers = portal.answers()?;

    let (mut rates, mut costs, mut waits, mut of_rsa) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut of_database, mut of_apple) = (Vec::new(), Vec::new());
    let time = Duration::from_secs(bench.count(3, 2) as u64);
    let cpu =
        || Ok::<_, String>([on.service.process.cpu()?, on.apple.process.cpu()?, database_cpu(bench, kind)?]);
    for _ in 0..bench.count(10, 1) {
        let ((before, took, times, after), rsa) = bench.beside_rsa(|| {
            let (before, started) = (cpu()?, Instant::now());
            let times = uploads(&on, &pairs, |_, now| now.duration_since(started) < time)?;
            Ok((before, started.elapsed(), times, cpu()?))
        })?;
        let count = times.len().max(1) as f64;
        let per_upload = |at: usize| after[at].saturating_sub(before[at]).as_secs_f64() * 1000.0 / count;
        rates.push(count / took.as_secs_f64());
        costs.push(per_upload(0));
        of_apple.push(per_upload(1));
        of_database.push(per_upload(2));
        of_rsa.push(rsa);
        waits.extend(times);
    }
    let beside = match kind {
        Kind::Sqlite => String::new(),
        Kind::Postgres => format!("; PostgreSQL's own {:.2} ms beside it", median(&of_database)),
    };
    let over_rsa = |values: &[f64], times: fn(f64, f64) -> f64| -> Vec<f64> {
        values.iter().zip(&of_rsa).map(|(value, rsa)| times(*value, *rsa)).collect()
    };
    let operations = over_rsa(&costs, |milliseconds, rsa| milliseconds * rsa / 1000.0);
    let quotients = over_rsa(&rates, |rate, rsa| rate / rsa);
    let (cost, quotient, rate) = (median(&operations), median(&quotients), median(&rates));
    let ninety_nine = percentile(&mut waits, 99);
    let rsa = format!("{} RSA/s ({})", thousands(median(&of_rsa)), range(&of_rsa, 0));
    // Only SQLite's rate is compared with RSA; of PostgreSQL's a part is another program's.
    let (target, reached) = match kind {
        Kind::Sqlite => ("≥ 0.30", quotient >= 0.30),
        Kind::Postgres => ("≥ 500/s", rate >= 500.0),
    };
    Ok(vec![
        Row {
            figure: format!(
                "full `uploadDepToken`, {kind}: CPU time of `adept serve` per upload, in RSA operations of one core"
            ),
            target: "≤ 4".to_owned(),
            measured: format!(
                "{cost:.2} ({}): {:.2} ms ({}) at {rsa}{beside}; Apple's side, issuing included, {:.2} ms",
                range(&operations, 2),
                median(&costs),
                range(&costs, 2),
                median(&of_apple)
            ),
            reached: Some(cost <= 4.0),
        },
        Row {
            figure: format!(
                "full `uploadDepToken`, {kind}: uploads per second, everything on this machine, over RSA operations per \
                 second of one core"
            ),
            target: target.to_owned(),
            measured: format!(
                "{quotient:.3} ({}): {}/s ({}) at {rsa}; an upload takes {:.1} ms, 99 % of them at most {ninety_nine:.1} ms",
                range(&quotients, 3),
                thousands(rate),
                range(&rates, 0),
                median(&waits)
            ),
            reached: Some(reached),
        },
        asked_of_apple(kind, counted, &answers),
    ])
}

/// Uploads on every connection while `more` says so, given how many were made on it; milliseconds of each.
fn uploads(on: &Onboarded, pairs: &[Pair], more: impl Fn(usize, Instant) -> bool + Sync) -> Result<Vec<f64>> {
    let more = &more;
    let times = std::thread::scope(|scope| {
        let threads = pairs.iter().map(|pair| {
            scope.spawn(move || {
                let mut graph = on.graph.over(on.service.connect());
                let mut portal = on.apple.portal();
                let mut times = Vec::new();
                while more(times.len(), Instant::now()) {
                    let body = upload_body(&portal.issue(&pair.server, None)?);
                    let started = Instant::now();
                    let answer = graph.upload(&pair.setting, &body).map_err(lost)?;
                    times.push(started.elapsed().as_secs_f64() * 1000.0);
                    answer.expect(204).map_err(|error| format!("An upload: {error}"))?;
                }
                Ok(times)
            })
        });
        joined(threads.collect())
    })?;
    Ok(times.concat())
}

/// One session and one account for each upload. A sync that still runs under the previous token fails to open
/// a session with it: those calls are refused and counted apart.
fn asked_of_apple(kind: Kind, uploads: u64, answers: &BTreeMap<String, u64>) -> Row {
    let count = |name: &str| answers.get(name).copied().unwrap_or_default();
    let (sessions, accounts) = (count("GET /session 200"), count("GET /account 200"));
    Row {
        figure: format!("full `uploadDepToken`, {kind}: what Apple was asked for {uploads} uploads"),
        target: format!("{uploads} sessions, {uploads} accounts"),
        measured: format!(
            "{sessions} sessions, {accounts} accounts; {} sessions refused to syncs under a token just replaced",
            count("GET /session 401")
        ),
        reached: Some(sessions == uploads && accounts == uploads),
    }
}
