//! `load failover`: three replicas on a PostgreSQL whose primary is killed again and again under load. No upload that was
//! answered with 204 may be lost, and every client must be served again within 30 s of the promotion.

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::Result;
use crate::apple::{Apple, Portal};
use crate::database::Kind;
use crate::graph::{Graph, upload_body};
use crate::service::Launch;
use crate::test_bed::{Options, Postgres, TestBed};

const REPLICAS: usize = 3;
const SETTINGS: usize = 6;
const DEVICES: usize = 120;

/// The longest time from a promotion to an answered upload of every client.
const BACK: Duration = Duration::from_secs(30);

/// The longest time from the end of the load to a sync of every setting.
const SYNCED: Duration = Duration::from_secs(90);

/// How long the load runs between two kills.
const BETWEEN: Duration = Duration::from_secs(4);

#[derive(Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    options: Options,
    /// How often the primary is killed.
    #[arg(long, default_value_t = 5)]
    kills: u64,
    /// Makes the times between kills differ.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The program that keeps the pair of servers.
    #[arg(long)]
    xtask: PathBuf,
}

/// The guard of the pair of servers, which ends when its input does.
struct Pair {
    guard: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
}

impl Pair {
    fn start(xtask: &PathBuf, folder: &std::path::Path) -> Result<(Self, Postgres)> {
        let mut command = Command::new(xtask);
        command.arg("pg-pair").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut guard =
            command.spawn().map_err(|error| format!("Cannot start the pair's guard: {error}."))?;
        let (Some(input), Some(output)) = (guard.stdin.take(), guard.stdout.take()) else {
            return Err("The pair's guard has no pipes.".into());
        };
        let mut pair = Self { guard, input: Some(input), output: BufReader::new(output).lines() };
        let line = pair.line()?;
        let (url, createdb) = line.split_once(' ').ok_or("The pair's guard printed no URL.")?;
        let postgres = Postgres { url: url.to_owned(), pid: 0, createdb: createdb.into() };
        Ok((pair, postgres))
    }

    /// Kills the primary; when the standby was promoted.
    fn fail_over(&mut self) -> Result<Instant> {
        let input = self.input.as_mut().ok_or("The pair's guard has ended.")?;
        input.write_all(b"kill\n").map_err(|error| format!("The pair's guard has ended: {error}."))?;
        self.line().map(|_| Instant::now())
    }

    fn line(&mut self) -> Result<String> {
        let line = self.output.next().ok_or("The pair's guard has ended; the lines above say why.")?;
        line.map_err(|error| format!("The pair's guard cannot be read: {error}."))
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        drop(self.input.take());
        if let Err(error) = self.guard.wait() {
            eprintln!("The pair of servers may still run: {error}.");
        }
    }
}

/// A setting, and what its client was answered.
struct Client {
    setting: String,
    server: String,
    /// The expiry of each token whose upload was answered with 204, and when.
    answered: Mutex<Vec<(Timestamp, Instant)>>,
}

/// Kills the primary as often as asked, and checks what is stored.
pub(crate) fn run(flags: &Flags) -> Result {
    let mut bed = TestBed::new(&flags.options)?;
    let folder = std::env::temp_dir().join(format!("adept-pair-{}", std::process::id()));
    let (mut pair, postgres) = Pair::start(&flags.xtask, &folder)?;
    bed.postgres = Some(postgres);
    let outcome = on_pair(&bed, &mut pair, flags);
    if outcome.is_err() {
        bed.keep();
        eprintln!("Logs are in {}.", bed.folder().display());
    }
    outcome
}

fn on_pair(bed: &TestBed, pair: &mut Pair, flags: &Flags) -> Result {
    let apple = Apple::start(bed)?;
    let launch = Launch::new(bed, Kind::Postgres, apple.port, &["--lease", "10s"])?;
    let credentials = launch.add_client()?;
    let mut services = vec![launch.start()?];
    for _ in 1..REPLICAS {
        services.push(launch.replica(bed)?.start()?);
    }
    let graphs: Vec<Graph> =
        services.iter().map(|service| service.sign_in(&credentials)).collect::<Result<_>>()?;
    let connect = || -> Vec<Graph> {
        graphs.iter().zip(&services).map(|(graph, service)| graph.over(service.connect())).collect()
    };
    let mut portal = apple.portal();
    let mut graph = graphs[0].over(services[0].connect());
    let mut clients = Vec::new();
    for number in 0..SETTINGS {
        let setting = graph.create(&format!("failover {number}"))?;
        let server = portal.register(&graph.public_key(&setting)?)?;
        portal.add_devices(&server, DEVICES)?;
        clients.push(Client { setting, server, answered: Mutex::default() });
    }
    let over = AtomicBool::new(false);
    let slowest = std::thread::scope(|scope| {
        let threads: Vec<_> = clients
            .iter()
            .map(|client| {
                let (graphs, portal, over) = (connect(), apple.portal(), &over);
                scope.spawn(move || upload(client, graphs, portal, over))
            })
            .collect();
        let killed = kill(pair, &clients, flags, &|| threads.iter().any(|thread| thread.is_finished()));
        over.store(true, Ordering::SeqCst);
        for thread in threads {
            thread.join().unwrap_or_else(|_| Err("A thread of the load panicked.".into()))?;
        }
        killed
    })?;
    let mut uploads = 0;
    for client in &clients {
        uploads += check(client, &mut graph, &mut portal)
            .map_err(|error| format!("Setting {}: {error}", client.setting))?;
    }
    println!(
        "{} failovers, {uploads} uploads answered with 204, none lost; every client was served again within {:.1} s",
        flags.kills,
        slowest.as_secs_f64()
    );
    Ok(())
}

/// Kills the primary again and again; the longest time from a promotion until every client was answered.
fn kill(
    pair: &mut Pair,
    clients: &[Client],
    flags: &Flags,
    has_failed: &dyn Fn() -> bool,
) -> Result<Duration> {
    let mut slowest = Duration::ZERO;
    for number in 0..flags.kills {
        std::thread::sleep(BETWEEN + Duration::from_millis((flags.seed * 7919 + number * 613) % 2000));
        let promoted = pair.fail_over()?;
        let is_back = |client: &Client| {
            let answered = client.answered.lock().map(|list| list.last().map(|(_, at)| *at));
            answered.is_ok_and(|at| at.is_some_and(|at| at > promoted))
        };
        while !clients.iter().all(is_back) {
            if has_failed() {
                return Ok(slowest);
            }
            if promoted.elapsed() > BACK {
                let waiting = clients.iter().filter(|client| !is_back(client)).count();
                return Err(format!(
                    "{waiting} clients were not served within {} s of a promotion.",
                    BACK.as_secs()
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        println!(
            "failover {}: every client served {:.1} s after the promotion",
            number + 1,
            promoted.elapsed().as_secs_f64()
        );
        slowest = slowest.max(promoted.elapsed());
    }
    Ok(slowest)
}

/// Renews a setting's token again and again. A client without a clear answer sends the same file to the next replica.
fn upload(client: &Client, mut graphs: Vec<Graph>, mut portal: Portal, over: &AtomicBool) -> Result {
    let mut expires = Timestamp::from_second(1_924_992_000).unwrap_or(Timestamp::MAX);
    let mut replica = 0;
    while !over.load(Ordering::SeqCst) {
        expires = expires.checked_add(SignedDuration::from_mins(1)).unwrap_or(expires);
        let body = upload_body(&portal.issue(&client.server, Some(&expires.to_string()))?);
        loop {
            replica = (replica + 1) % graphs.len();
            match graphs[replica].upload(&client.setting, &body) {
                Ok(response) if response.status == 204 => break,
                Ok(response) if response.status < 500 => {
                    return Err(format!("An upload was refused with {}.", response.status));
                }
                // An answer that leaves open whether the upload took effect, or none.
                _ => std::thread::sleep(Duration::from_millis(100)),
            }
        }
        let mut answered = client.answered.lock().map_err(|_| "A thread of the load panicked.")?;
        answered.push((expires, Instant::now()));
        drop(answered);
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

/// What must be stored at the end: the last token, an audit entry for each answered one, and Apple's devices.
fn check(client: &Client, graph: &mut Graph, portal: &mut Portal) -> Result<usize> {
    let answered = client.answered.lock().map_err(|_| "A thread of the load panicked.")?;
    let stored = graph.setting(&client.setting)?.expires;
    let last = answered.last().map(|(expires, _)| expires.to_string());
    if stored != last {
        return Err(format!("AN ANSWERED UPLOAD IS LOST: {last:?} was answered last, {stored:?} is stored."));
    }
    let mut audited = graph.audited_expiries(&client.setting)?;
    let mut expected: Vec<String> = answered.iter().map(|(expires, _)| expires.to_string()).collect();
    audited.sort();
    expected.sort();
    if audited != expected {
        return Err(format!(
            "{} uploads were answered, and the audit has {}.",
            expected.len(),
            audited.len()
        ));
    }
    let started = Instant::now();
    let asked = graph.setting(&client.setting)?.triggered;
    graph.request_sync(&client.setting).map_err(crate::graph::lost)?.expect(204)?;
    loop {
        let now = graph.setting(&client.setting)?;
        let is_new = now.synced > asked && now.synced >= now.triggered;
        let devices = graph.devices(&client.setting)?.into_iter().filter(|(_, device)| !device.deleted);
        if is_new && devices.map(|(serial, _)| serial).eq(portal.serials(&client.server)?) {
            return Ok(expected.len());
        }
        if started.elapsed() > SYNCED {
            return Err("Its devices are not Apple's after a sync.".to_owned());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
