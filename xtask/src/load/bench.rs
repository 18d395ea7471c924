//! `load bench`: every figure of docs/performance.md, measured and printed as a table with its target.

mod assign;
mod changes;
mod filter_text;
mod first_sync;
mod fleet;
mod get_setting;
mod idle_memory;
mod lists;
mod onboarded;
mod replicas;
mod size;
mod start;
mod token_open;
mod upload;
mod waits;

use std::time::{Duration, Instant};

use clap::Args;

use crate::Result;
use crate::apple::LoggedCall;
use crate::database::Kind;
use crate::machine::{self, Rsa};
use crate::process::cpu_with_children;
use crate::test_bed::{Options, TestBed};

#[derive(Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    options: Options,
    /// Measure only this.
    #[arg(long, value_name = "NAME", value_parser = clap::builder::PossibleValuesParser::new(FIGURES.map(|(name, _)| name)))]
    only: Option<String>,
    /// Measure briefly, to see that it works; the numbers mean nothing.
    #[arg(long)]
    quick: bool,
}

/// What every figure is measured with.
struct Bench {
    bed: TestBed,
    quick: bool,
    rsa: Rsa,
}

/// RSA is measured for this long on both sides of a stretch that is compared with it.
const BESIDE: Duration = Duration::from_millis(250);

impl Bench {
    /// How often something is measured, or how much of it is made: less with `--quick`.
    fn count(&self, full: usize, quick: usize) -> usize {
        if self.quick { quick } else { full }
    }

    /// Does `stretch` between two slices of RSA; with the operations per second that one core did in them.
    fn beside_rsa<T>(&self, stretch: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
        let before = self.rsa.per_second(BESIDE)?;
        let result = stretch()?;
        Ok((result, f64::midpoint(before, self.rsa.per_second(BESIDE)?)))
    }

    /// The devices of the largest fleet.
    fn million(&self) -> usize {
        self.count(1_000_000, 50_000)
    }
}

/// One line of the table.
struct Row {
    figure: String,
    target: String,
    measured: String,
    /// None where there is no target.
    reached: Option<bool>,
}

type Figure = fn(&Bench) -> Result<Vec<Row>>;

const FIGURES: [(&str, Figure); 15] = [
    ("token", token_open::measure),
    ("upload", |bench| on_both(bench, upload::measure)),
    ("get", |bench| on_both(bench, get_setting::measure)),
    ("sync-delayed", |bench| on_both(bench, first_sync::delayed)),
    ("sync", |bench| on_both(bench, first_sync::undelayed)),
    ("million", |bench| on_both(bench, first_sync::million)),
    ("lists", |bench| on_both(bench, lists::measure)),
    ("filter-text", filter_text::measure),
    ("changes", |bench| on_both(bench, changes::measure)),
    ("assign", |bench| on_both(bench, assign::measure)),
    ("waits", |bench| on_both(bench, waits::measure)),
    ("replicas", replicas::measure),
    ("idle", |bench| on_both(bench, idle_memory::measure)),
    ("start", |bench| on_both(bench, start::measure)),
    ("size", size::measure),
];

fn on_both(bench: &Bench, figure: fn(&Bench, Kind) -> Result<Vec<Row>>) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    // Without a server only SQLite is measured.
    let kinds = Kind::BOTH.into_iter().filter(|kind| *kind == Kind::Sqlite || bench.bed.postgres.is_some());
    for kind in kinds {
        rows.extend(figure(bench, kind)?);
    }
    Ok(rows)
}

/// Measures, and prints the table. Fails when something could not be measured; a target that is not reached is no failure.
pub(crate) fn run(flags: &Flags) -> Result {
    let bench = Bench { bed: TestBed::new(&flags.options)?, quick: flags.quick, rsa: Rsa::new()? };
    machine::print(&bench.bed, flags.quick)?;
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    for (name, figure) in FIGURES {
        if flags.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        let started = Instant::now();
        match figure(&bench) {
            Ok(measured) => rows.extend(measured),
            Err(error) => failures.push(format!("{name}: {error}")),
        }
        eprintln!("{name}: {:.0} s", started.elapsed().as_secs_f64());
    }
    print!("{}", table(&rows));
    if failures.is_empty() {
        return Ok(());
    }
    bench.bed.keep();
    Err(format!("Not measured:\n{}\nLogs are in {}.", failures.join("\n"), bench.bed.folder().display()))
}

fn table(rows: &[Row]) -> String {
    let mut text = "| figure | target | measured | reached |\n|---|---|---|---|\n".to_owned();
    for Row { figure, target, measured, reached } in rows {
        let reached = match reached {
            None => "–",
            Some(true) => "yes",
            Some(false) => "**no**",
        };
        text.push_str(&format!("| {figure} | {target} | {measured} | {reached} |\n"));
    }
    text
}

/// CPU time of PostgreSQL so far; nothing where it is not the database.
fn database_cpu(bench: &Bench, kind: Kind) -> Result<Duration> {
    match (&bench.bed.postgres, kind) {
        (Some(postgres), Kind::Postgres) => cpu_with_children(postgres.pid),
        _ => Ok(Duration::ZERO),
    }
}

/// The most calls to paths that end in `path` that were under way at one moment, each for that long.
fn overlap(calls: &[LoggedCall], path: &str, each: Duration) -> usize {
    let mut starts: Vec<_> =
        calls.iter().filter(|call| call.path.ends_with(path)).map(|call| call.at).collect();
    starts.sort();
    let under_way = |end: usize| {
        let now = starts[end];
        starts[..=end]
            .iter()
            .rev()
            .take_while(|start| now.duration_since(**start).unsigned_abs() < each)
            .count()
    };
    (0..starts.len()).map(under_way).max().unwrap_or_default()
}

/// The median; 0 without values.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.get(sorted.len() / 2), sorted.len()) {
        (None, _) => 0.0,
        (Some(upper), count) if count % 2 == 0 => f64::midpoint(sorted[count / 2 - 1], *upper),
        (Some(middle), _) => *middle,
    }
}

/// The given percentile; sorts the values. 0 without values.
fn percentile(values: &mut [f64], percent: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied().unwrap_or_default()
}

/// Lowest to highest, for people.
fn range(values: &[f64], digits: usize) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{least:.digits$} to {most:.digits$}")
}

/// Thousands apart, for people.
fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Collects the results of threads, or the first error.
fn joined<T>(threads: Vec<std::thread::ScopedJoinHandle<'_, Result<T>>>) -> Result<Vec<T>> {
    threads
        .into_iter()
        .map(|thread| {
            thread.join().unwrap_or_else(|_| Err("A thread of the measurement panicked.".to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert_eq!(median(&[]), 0.0);
    }

    #[test]
    fn calls_overlap_while_the_earlier_one_lasts() {
        let call = |milliseconds: i64| LoggedCall {
            at: jiff::Timestamp::from_millisecond(milliseconds).unwrap(),
            path: "/devices/sync".to_owned(),
            server: String::new(),
        };
        let calls = [call(0), call(50), call(100), call(140), call(149)];
        assert_eq!(overlap(&calls, "/devices/sync", Duration::from_millis(100)), 4);
        assert_eq!(overlap(&calls, "/devices/sync", Duration::from_millis(9)), 1);
        assert_eq!(overlap(&calls, "/session", Duration::from_millis(100)), 0);
    }

    #[test]
    fn one_in_a_hundred_exceeds_the_ninety_ninth() {
        let mut values: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 99), 990.0);
        assert_eq!(percentile(&mut [1.0, 2.0], 99), 2.0);
        assert_eq!(percentile(&mut [], 99), 0.0);
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(1_234_567.4), "1,234,567");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(range(&[2.0, 1.0], 1), "1.0 to 2.0");
    }

    #[test]
    fn the_table_says_what_was_met() {
        let row = |reached| Row { figure: "a".into(), target: "1".into(), measured: "2".into(), reached };
        let text = table(&[row(Some(true)), row(Some(false)), row(None)]);
        assert_eq!(
            text.lines().skip(2).collect::<Vec<_>>(),
            ["| a | 1 | 2 | yes |", "| a | 1 | 2 | **no** |", "| a | 1 | 2 | – |"]
        );
    }
}
