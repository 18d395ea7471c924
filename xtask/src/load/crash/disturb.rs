//! What disturbs a service that continues afterwards (`stop.rs` has the other way), and connections to PostgreSQL that are cut
//! behind COMMIT.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::proxy::Proxy;
use super::tally::Tally;
use crate::Result;
use crate::graph::Graph;
use crate::process::Process;
use crate::service::Service;

/// How long the load continues after a disturbance, in which the service does its late work.
pub(super) const LATE: Duration = Duration::from_secs(2);

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

    /// From now on the service may leave open what took effect.
    pub(super) fn disturb(&self) {
        self.disturbed.store(true, Ordering::SeqCst);
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
pub(super) fn answers(service: &mut Service, graph: &Graph) -> Result {
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
