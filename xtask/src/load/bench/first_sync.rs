//! The first sync of a large fleet: from the upload that starts it to Graph saying that every device is there.

use super::fleet::{Cpu, Synced, first_sync};
use super::{Bench, Row, median, range, thousands};
use crate::Result;
use crate::database::Kind;

/// With 50 ms for each page of 1,000.
pub(super) fn delayed(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = fleet(bench);
    let synced = sync(bench, kind, devices, 50)?;
    Ok(vec![Row {
        figure: format!(
            "first sync of {} devices at 50 ms per page of 1,000, {kind}",
            thousands(devices as f64)
        ),
        target: "< 30 s".to_owned(),
        measured: format!("{:.1} s", synced.seconds),
        reached: Some(synced.seconds < 30.0),
    }])
}

/// The same with the largest fleet.
pub(super) fn million(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = bench.million();
    let synced = sync(bench, kind, devices, 50)?;
    let peak = synced.peak as f64 / 1e6;
    Ok(vec![
        Row {
            figure: format!(
                "first sync of {} devices at 50 ms per page of 1,000, {kind}",
                thousands(devices as f64)
            ),
            target: "< 120 s".to_owned(),
            measured: format!("{:.1} s", synced.seconds),
            reached: Some(synced.seconds < 120.0),
        },
        Row {
            figure: format!("most memory in that sync (VmHWM), {kind}"),
            target: "< 256 MB".to_owned(),
            measured: format!("{peak:.0} MB"),
            reached: Some(peak < 256.0),
        },
    ])
}

/// As fast as Apple's side answers.
pub(super) fn undelayed(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    let devices = fleet(bench);
    let runs = (0..bench.count(5, 1)).map(|_| sync(bench, kind, devices, 0));
    let runs = runs.collect::<Result<Vec<Synced>>>()?;
    let rates: Vec<f64> = runs.iter().map(|run| devices as f64 / run.seconds).collect();
    let quotients: Vec<f64> = rates.iter().zip(&runs).map(|(rate, run)| rate / run.rsa).collect();
    let rsa: Vec<f64> = runs.iter().map(|run| run.rsa).collect();
    let quotient = median(&quotients);
    let peak = runs.iter().map(|run| run.peak).max().unwrap_or_default() as f64 / 1e6;
    let target = if kind == Kind::Sqlite { 25.0 } else { 13.0 };
    Ok(vec![
        Row {
            figure: format!(
                "the same without delay, {kind}: devices stored per second, over RSA operations per second of one core"
            ),
            target: format!("≥ {target}"),
            measured: format!(
                "{quotient:.1} ({} of {} runs): {}/s at {} RSA/s ({}); {}",
                range(&quotients, 1),
                rates.len(),
                thousands(median(&rates)),
                thousands(median(&rsa)),
                range(&rsa, 0),
                shares(kind, &runs)
            ),
            reached: Some(quotient >= target),
        },
        Row {
            figure: format!("most memory in that sync (VmHWM), {kind}"),
            target: "< 150 MB".to_owned(),
            measured: format!("{peak:.0} MB"),
            reached: Some(peak < 150.0),
        },
    ])
}

/// How many cores each side kept busy: who is the bound.
fn shares(kind: Kind, runs: &[Synced]) -> String {
    let cores =
        |of: fn(&Cpu) -> f64| median(&runs.iter().map(|run| of(&run.cpu) / run.seconds).collect::<Vec<_>>());
    let database = match kind {
        Kind::Sqlite => String::new(),
        Kind::Postgres => format!(", PostgreSQL {:.2}", cores(|cpu| cpu.database)),
    };
    let (service, apple) = (cores(|cpu| cpu.service), cores(|cpu| cpu.apple));
    format!("cores kept busy: service {service:.2}, Apple's side {apple:.2}{database}")
}

fn fleet(bench: &Bench) -> usize {
    bench.count(200_000, 20_000)
}

fn sync(bench: &Bench, kind: Kind, devices: usize, delay: u64) -> Result<Synced> {
    Ok(first_sync(bench, kind, devices, delay)?.first)
}
