//! `load crash`: many runs, each with a seed of its own. A run kills the service several times during uploads, syncs and
//! assignments, and checks after each kill the promises of docs/reliability.md.

mod assigned;
mod changes;
mod check;
mod desired;
mod disturb;
mod drive;
mod history;
mod kill;
mod proxy;
mod random;
mod stop;
mod tally;
mod world;

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;

use crate::Result;
use crate::database::Kind;
use crate::test_bed::{Options, TestBed};
use kill::{Disturbance, Failpoint, Kill};
use random::Random;
use tally::Tally;
use world::World;

/// When a thread's connection broke, and how; none when it saw in time that the service is dead.
type Broken = Option<(Instant, io::Error)>;

/// Kills in one run.
const KILLS: usize = 3;

#[derive(Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    options: Options,
    /// How many runs.
    #[arg(long, default_value_t = 25)]
    runs: u64,
    /// The first run's seed; each next run has the next number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// On which database; with both, odd seeds run on SQLite and even ones on PostgreSQL.
    #[arg(long, default_value = "both")]
    database: Databases,
    /// Runs at the same time: they mostly wait.
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// The program under test was built with the feature `failpoints`, so it can also end at named points.
    #[arg(long)]
    failpoints: bool,
    /// Only this in place of every kill.
    #[arg(long)]
    only: Option<Disturbance>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Databases {
    Sqlite,
    Postgres,
    Both,
}

impl Databases {
    /// Follows from the seed alone, so that one run can be repeated by it.
    fn of(self, seed: u64) -> Kind {
        match self {
            Databases::Sqlite => Kind::Sqlite,
            Databases::Postgres => Kind::Postgres,
            Databases::Both if seed % 2 == 1 => Kind::Sqlite,
            Databases::Both => Kind::Postgres,
        }
    }
}

/// Does every run, several at a time, and stops at the first that fails.
pub(crate) fn run(flags: &Flags) -> Result {
    let bed = TestBed::new(&flags.options)?;
    let started = Instant::now();
    let next = AtomicU64::new(flags.seed);
    let end = flags.seed + flags.runs;
    let failed = AtomicBool::new(false);
    let total = Mutex::new(Tally::default());
    let worker = || {
        let mut failures = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                break;
            }
            let kind = flags.database.of(seed);
            match one(&bed, (seed, kind), flags) {
                Ok(tally) => {
                    println!("seed {seed:>4}  {kind:<10}  {tally}");
                    if let Ok(mut total) = total.lock() {
                        total.add(&tally);
                    }
                }
                Err(error) => {
                    failed.store(true, Ordering::Relaxed);
                    failures.push(format!(
                        "seed {seed} on {kind}: {error}\nTo repeat it: {}",
                        repeat(seed, kind)
                    ));
                }
            }
        }
        failures
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..flags.at_once.max(1)).map(|_| scope.spawn(worker)).collect();
        let panicked = |_| vec!["A thread of the run panicked.".to_owned()];
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(panicked)).collect()
    });
    let total = total.into_inner().unwrap_or_default();
    println!("\n{}\nin {:.0} s", total.summary(), started.elapsed().as_secs_f64());
    if failures.is_empty() {
        return Ok(());
    }
    bed.keep();
    Err(format!("{}\nData and logs are in {}.", failures.join("\n\n"), bed.folder().display()))
}

/// Longer than Adept waits before it defines a profile again whose answer was lost.
const DEFINITION_AGAIN: SignedDuration = SignedDuration::from_mins(6);

fn repeat(seed: u64, kind: Kind) -> String {
    let database = match kind {
        Kind::Sqlite => "sqlite",
        Kind::Postgres => "postgres",
    };
    format!("cargo xtask crash --runs 1 --seed {seed} --database {database}")
}

/// One run: its own service, database and Apple, and several kills.
fn one(bed: &TestBed, (seed, kind): (u64, Kind), flags: &Flags) -> Result<Tally> {
    let mut random = Random::new(seed);
    let mut world = World::new(bed, kind, &mut random)?;
    let outcome = in_world(&mut world, kind, &mut random, flags);
    if outcome.is_err()
        && let Err(error) = world.keep_database(bed)
    {
        eprintln!("The database of seed {seed} is not kept: {error}");
    }
    outcome
}

fn in_world(world: &mut World, kind: Kind, random: &mut Random, flags: &Flags) -> Result<Tally> {
    let mut tally = Tally { runs: 1, ..Tally::default() };
    let log = world.log();
    for number in 1..=KILLS {
        let kill = Kill::choose(random, kind, flags.only, flags.failpoints, number == 1);
        let named = |when: &str, error: String| {
            format!("{when} kill {number} ({kill}): {error}\nThe service's log: {}", log.display())
        };
        let driven = drive::until_killed(world, kill, random);
        tally.add(&driven.map_err(|error| named("before", error))?);
        tally.kills += 1;
        // Minutes pass first, for which a bearer token lasts; then days, for which Apple may ask to wait.
        let passed = if number == 1 { DEFINITION_AGAIN } else { SignedDuration::from_hours(25) };
        world.let_pass(passed)?;
        if matches!(kill, Kill::At(place, _) if place.leaves_a_call()) && random.once_in(2) {
            let again = world.end_again(Kill::At(Failpoint::DetailsRead, 1));
            tally.kills += u64::from(again.map_err(|error| named("again after", error))?);
            // Another setting may have been about to define a profile: an answer that was lost is waited for.
            world.let_pass(DEFINITION_AGAIN)?;
        }
        tally.add(&check::after(world, kill).map_err(|error| named("after", error))?);
    }
    Ok(tally)
}

/// An answer that leaves open whether the request took effect counts as none.
fn open() -> io::Error {
    io::Error::other("the answer leaves open whether the request took effect")
}
