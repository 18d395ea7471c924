//! The ways to disturb a service that continues afterwards: SIGSTOP for longer than its lease, and connections to PostgreSQL
//! that are cut behind COMMIT.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::proxy::Proxy;
use super::tally::Tally;
use super::world::{LEASE, Replica};
use crate::Result;
use crate::apple::Apple;
use crate::graph::Graph;
use crate::process::Process;
use crate::service::Service;

/// How long after the end of a lease another process may take until it works on the setting.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// How long a service is stopped: a little more than its lease.
const STOPPED: Duration = Duration::from_secs(12);

/// How long the load continues after a disturbance, in which the service does its late work.
const LATE: Duration = Duration::from_secs(2);

/// The longest time until a disturbed service answers again.
const ANSWERS: Duration = Duration::from_secs(10);

/// The longest wait for a COMMIT.
const COMMITS: Duration = Duration::from_secs(6);

/// Connections cut one after the other.
const CUTS: u64 = 3;

/// What the threads of the load must know.
#[derive(Default)]
pub(super) struct Signals {
    disturbed: AtomicBool,
    over: AtomicBool,
}

impl Signals {
    /// No thread begins another request.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Whether an answer leaves open if the request took effect, as only a disturbed service may give it.
    pub(super) fn leaves_open(&self, status: u16) -> bool {
        status >= 500 && self.disturbed.load(Ordering::SeqCst)
    }

    fn disturb(&self) {
        self.disturbed.store(true, Ordering::SeqCst);
    }
}

/// Stops the service for longer than its lease. Where there is a replica, it must take over `watched`: pairs of a setting and
/// its server at Apple that nothing keeps from synchronizing.
pub(super) fn stop(
    service: &mut Service,
    replica: Option<&Replica>,
    (graph, apple): (&Graph, &Apple),
    watched: &[(String, String)],
    signals: &Signals,
) -> Result<Tally> {
    let stopped = Instant::now();
    signals.disturb();
    service.process.signal("STOP")?;
    let other = replica.map(Replica::start).transpose();
    let taken_over = other.and_then(|other| {
        let Some(other) = other else { return Ok((None, 0)) };
        let (other, mut graph) = other;
        let taken_over = take_over(&mut graph, apple, watched, stopped)?;
        Ok((Some(other), taken_over))
    });
    std::thread::sleep(STOPPED.saturating_sub(stopped.elapsed()));
    service.process.signal("CONT")?;
    let (other, taken_over) = taken_over?;
    answers(service, graph)?;
    std::thread::sleep(LATE);
    drop(other);
    Ok(Tally { stopped: 1, taken_over, ..Tally::default() })
}

/// Waits until another process works on every watched setting; an error when that takes too long.
fn take_over(
    graph: &mut Graph,
    apple: &Apple,
    watched: &[(String, String)],
    stopped: Instant,
) -> Result<u64> {
    let mut portal = apple.portal();
    // The stopped process makes no call, so every one from now on is the other's.
    portal.forget_calls()?;
    let mut asked = 0;
    loop {
        // A request may be refused or lost while the stopped process holds a lock; then it is repeated.
        while let Some((setting, _)) = watched.get(asked)
            && graph.request_sync(setting).is_ok_and(|response| response.status == 204)
        {
            asked += 1;
        }
        if stopped.elapsed() > LEASE + TAKE_OVER {
            return Err(format!(
                "A STOPPED PROCESS HOLDS OTHERS UP: not all of {} settings were taken over within {} s.",
                watched.len(),
                (LEASE + TAKE_OVER).as_secs()
            ));
        }
        let calls = portal.calls()?;
        if watched.iter().all(|(_, server)| calls.iter().any(|call| call.server == *server)) {
            return Ok(watched.len() as u64);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Cuts connections behind COMMIT, one after the other.
pub(super) fn cut(service: &mut Service, proxy: &Proxy, graph: &Graph, signals: &Signals) -> Result<Tally> {
    signals.disturb();
    let before = proxy.cuts();
    for number in 1..=CUTS {
        proxy.arm();
        let armed = Instant::now();
        while proxy.cuts() < before + number && armed.elapsed() < COMMITS {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    proxy.disarm();
    answers(service, graph)?;
    std::thread::sleep(LATE);
    Ok(Tally { cuts: proxy.cuts() - before, ..Tally::default() })
}

/// The service still runs, and reads its database again soon.
fn answers(service: &mut Service, graph: &Graph) -> Result {
    let mut graph = graph.over(service.connect());
    let started = Instant::now();
    loop {
        let read = graph.list_settings();
        if read.is_ok() {
            return Ok(());
        }
        if let Some(status) = running(&mut service.process)? {
            return Err(status);
        }
        if started.elapsed() > ANSWERS {
            return Err(format!(
                "The service does not answer {} s after it was disturbed: {}",
                ANSWERS.as_secs(),
                read.err().unwrap_or_default()
            ));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// How the service ended by itself; none while it runs.
fn running(process: &mut Process) -> Result<Option<String>> {
    Ok(process.ended()?.map(|status| format!("The service ended by itself ({status}).")))
}
