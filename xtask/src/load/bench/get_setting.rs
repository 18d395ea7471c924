//! Authenticated reads of one setting over TLS: the service on one core, the load on another.

use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::time::{Duration, Instant};

use super::onboarded::{Onboarded, give_token};
use super::{Bench, Row, database_cpu, joined, median, range, thousands};
use crate::Result;
use crate::database::Kind;
use crate::graph::lost;
use crate::machine;
use crate::process::Process;

const CONNECTIONS: usize = 16;
/// Where the service runs, and where the load.
const CORES: (usize, usize) = (0, 1);

pub(super) fn measure(bench: &Bench, kind: Kind) -> Result<Vec<Row>> {
    if machine::cores() < 2 {
        return Err("This needs two cores: one for the service, one for the load.".to_owned());
    }
    let begin = |launch: &crate::service::Launch| launch.start_on_core(CORES.0);
    let mut on = Onboarded::start(bench, kind, &[], begin)?;
    let pair = on.pair("get")?;
    give_token(&mut on.graph, &on.apple, &pair)?;
    let request = on.graph.request(&on.graph.setting_path(&pair.setting));

    let home = affinity()?;
    move_to(&CORES.1.to_string())?;
    let (mut rates, mut quotients, mut of_rsa) = (vec![], vec![], vec![]);
    let (mut services, mut loads, mut databases) = (vec![], vec![], vec![]);
    let cpu = || Ok::<_, String>((on.service.process.cpu()?, own_cpu()?, database_cpu(bench, kind)?));
    let outcome = (0..=bench.count(10, 1)).try_for_each(|round| {
        // The first round warms up.
        let time = Duration::from_secs(if round == 0 { 1 } else { bench.count(3, 2) as u64 });
        let ((before, (count, took), after), rsa) =
            bench.beside_rsa(|| Ok((cpu()?, reads(&on, &request, time)?, cpu()?)))?;
        let share =
            |now: Duration, then: Duration| now.saturating_sub(then).as_secs_f64() / took.as_secs_f64();
        if round > 0 {
            let rate = count as f64 / took.as_secs_f64();
            rates.push(rate);
            quotients.push(rate / rsa);
            of_rsa.push(rsa);
            services.push(share(after.0, before.0));
            loads.push(share(after.1, before.1));
            databases.push(share(after.2, before.2));
        }
        Ok::<(), String>(())
    });
    move_to(&home)?;
    outcome?;

    let (quotient, service, load) = (median(&quotients), median(&services), median(&loads));
    let bound = if load > 0.97 && service < 0.97 {
        "; THE LOAD WAS THE BOUND, the service could do more"
    } else {
        ""
    };
    let beside = match kind {
        Kind::Sqlite => String::new(),
        Kind::Postgres => format!(", PostgreSQL {:.0} % of any core", median(&databases) * 100.0),
    };
    let target = if kind == Kind::Sqlite { 4.0 } else { 2.4 };
    Ok(vec![Row {
        figure: format!(
            "GET of one setting over TLS, 16 connections, service on one core, load on the other, {kind}: per second, over \
             RSA operations per second of one core"
        ),
        target: format!("≥ {target}"),
        measured: format!(
            "{quotient:.2} ({}): {}/s at {} RSA/s ({}); service {:.0} % of its core, load {:.0} % of its core{beside}{bound}",
            range(&quotients, 2),
            thousands(median(&rates)),
            thousands(median(&of_rsa)),
            range(&of_rsa, 0),
            service * 100.0,
            load * 100.0
        ),
        reached: Some(quotient >= target),
    }])
}

/// Reads on every connection for `time`; returns the number of reads and the exact time.
fn reads(on: &Onboarded, request: &[u8], time: Duration) -> Result<(usize, Duration)> {
    let together = Barrier::new(CONNECTIONS + 1);
    let (counts, took) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..CONNECTIONS)
            .map(|_| {
                let together = &together;
                scope.spawn(move || {
                    // The connection is made, TLS and all, before the clock runs.
                    let mut client = on.service.connect();
                    let connected = client.repeat(request).map_err(lost);
                    together.wait();
                    connected?;
                    let started = Instant::now();
                    let mut count = 0usize;
                    while started.elapsed() < time {
                        match client.repeat(request).map_err(lost)?.status {
                            200 => count += 1,
                            status => return Err(format!("A read was answered {status}.")),
                        }
                    }
                    Ok(count)
                })
            })
            .collect();
        together.wait();
        let started = Instant::now();
        (joined(threads), started.elapsed())
    });
    Ok((counts?.iter().sum(), took))
}

fn own_cpu() -> Result<Duration> {
    Process::cpu_of(std::process::id())
}

/// The cores we may run on, as `taskset` writes them.
fn affinity() -> Result<String> {
    let text = std::fs::read_to_string("/proc/self/status").map_err(|error| error.to_string())?;
    let cores = text.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    cores.map(|cores| cores.trim().to_owned()).ok_or_else(|| "The kernel names no cores.".into())
}

/// Moves this process, all threads, to those cores.
fn move_to(cores: &str) -> Result {
    let id = std::process::id().to_string();
    let status = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", cores, &id])
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("Cannot start taskset (Debian: util-linux): {error}."))?;
    if status.success() { Ok(()) } else { Err(format!("taskset could not move us to core {cores}.")) }
}
