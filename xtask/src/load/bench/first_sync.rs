//! The first sync of a large fleet: from the upload that starts it to Graph saying that every device is there.

use std::time::{Duration, Instant};

use super::onboarded::{Onboarded, give_token};
use super::{Bench, Row, database_cpu, median, range, thousands};
use crate::Result;
use crate::database::Kind;

/// The longest sync that is waited for.
const PATIENCE: Duration = Duration::from_secs(300);

struct Synced {
    seconds: f64,
    /// VmHWM, in bytes.
    peak: u64,
    /// CPU seconds of the service, of Apple's side and of PostgreSQL.
    cpu: [f64; 3],
}

/// With 50 ms for each page of 1,000.
pub(super) fn delayed(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = fleet(bench);
    let synced = sync(bench, kind, devices, 50)?;
    Ok(vec![Row {
        figure: format!(
            "first sync of {} devices at 50 ms per page of 1,000, {kind}",
            thousands(devices as f64)
        ),
        reach: "< 30 s".to_owned(),
        measured: format!("{:.1} s", synced.seconds),
        met: Some(synced.seconds < 30.0),
    }])
}

/// As fast as Apple's side answers.
pub(super) fn undelayed(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = fleet(bench);
    let runs = (0..bench.count(3, 1)).map(|_| sync(bench, kind, devices, 0));
    let runs = runs.collect::<Result<Vec<Synced>>>()?;
    let rates: Vec<f64> = runs.iter().map(|run| devices as f64 / run.seconds).collect();
    let rate = median(&rates);
    let peak = runs.iter().map(|run| run.peak).max().unwrap_or_default() as f64 / 1e6;
    let reach = if kind == Kind::Sqlite { 50_000.0 } else { 30_000.0 };
    Ok(vec![
        Row {
            figure: format!("the same without delay, {kind}"),
            reach: format!("≥ {} devices/s", thousands(reach)),
            measured: format!(
                "{}/s ({} of {} runs; {})",
                thousands(rate),
                range(&rates, 0),
                rates.len(),
                shares(kind, &runs)
            ),
            met: Some(rate >= reach),
        },
        Row {
            figure: format!("most memory in that sync (VmHWM), {kind}"),
            reach: "< 150 MB".to_owned(),
            measured: format!("{peak:.0} MB"),
            met: Some(peak < 150.0),
        },
    ])
}

/// How many cores each side kept busy: who is the bound.
fn shares(kind: Kind, runs: &[Synced]) -> String {
    let cores = |of: usize| median(&runs.iter().map(|run| run.cpu[of] / run.seconds).collect::<Vec<_>>());
    let database = match kind {
        Kind::Sqlite => String::new(),
        Kind::Postgres => format!(", PostgreSQL {:.2}", cores(2)),
    };
    format!("cores kept busy: service {:.2}, Apple's side {:.2}{database}", cores(0), cores(1))
}

fn fleet(bench: &Bench) -> usize {
    bench.count(200_000, 20_000)
}

fn sync(bench: &Bench, kind: Kind, devices: usize, delay: u64) -> Result<Synced> {
    let mut on = Onboarded::start(bench, kind, &[], crate::service::Launch::start)?;
    let pair = on.pair("fleet")?;
    let mut portal = on.apple.portal();
    portal.add_devices(&pair.server, devices)?;
    portal.delay_pages(delay)?;
    let cpu = |on: &Onboarded| {
        let used = [on.service.process.cpu()?, on.apple.process.cpu()?, database_cpu(bench, kind)?];
        Ok::<_, String>(used.map(|time| time.as_secs_f64()))
    };
    let before = cpu(&on)?;
    let started = Instant::now();
    give_token(&mut on.graph, &on.apple, &pair)?;
    loop {
        let setting = on.graph.setting(&pair.setting)?;
        if setting.synced.is_some() {
            let seconds = started.elapsed().as_secs_f64();
            if setting.devices != devices as u64 || setting.error_code != 0 {
                return Err(format!("The sync ended with {setting:?}, not with {devices} devices."));
            }
            let after = cpu(&on)?;
            return Ok(Synced {
                seconds,
                peak: on.service.process.memory("VmHWM")?,
                cpu: std::array::from_fn(|of| after[of] - before[of]),
            });
        }
        if started.elapsed() > PATIENCE {
            let log = on.launch.log();
            return Err(format!(
                "The sync did not end; {} may say why. Last seen: {setting:?}",
                log.display()
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
