//! SIGSTOP for longer than the lease, then SIGCONT. On PostgreSQL the service is stopped in the midst of a sync, whose lease it
//! holds: while Apple's answer is on its way, or inside a transaction that has the setting's row. Another process must take
//! the setting over, and nothing of what the stopped one does later may be stored.

use std::time::{Duration, Instant};

use super::disturb::{LATE, Signals, answers};
use super::proxy::Proxy;
use super::tally::Tally;
use super::world::{LEASE, Replica};
use crate::Result;
use crate::apple::{Apple, Portal};
use crate::database::Inspection;
use crate::graph::{Graph, lost, upload_body};
use crate::service::Service;

/// How long after the end of a lease another process may take until it works on the setting.
const TAKE_OVER: Duration = Duration::from_secs(5);

/// How long a service is stopped at least: a little more than its lease.
const STOPPED: Duration = Duration::from_secs(12);

/// The longest time until a sync is under way, or is inside a transaction.
const UNDER_WAY: Duration = Duration::from_secs(20);

/// The longest time that the other process needs for the sync that it took over.
const SYNCED: Duration = Duration::from_secs(20);

/// A setting with a token that nothing else works on, so that its sync is under way when the service is stopped.
pub(super) struct Watched {
    id: String,
    server: String,
    database: Inspection,
}

/// What a stop on PostgreSQL needs.
pub(super) struct Others<'a> {
    pub(super) replica: &'a Replica,
    pub(super) watched: &'a Watched,
    pub(super) proxy: &'a Proxy,
    /// Whether the service is stopped inside a transaction.
    pub(super) in_transaction: bool,
}

impl Watched {
    /// Makes it and uploads its token.
    pub(super) fn begin(graph: &mut Graph, portal: &mut Portal, database: Inspection) -> Result<Self> {
        let id = graph.create("watched")?;
        let server = portal.register(&graph.public_key(&id)?)?;
        let token = portal.issue(&server, None)?;
        graph.upload(&id, &upload_body(&token)).map_err(lost)?.expect(204)?;
        Ok(Self { id, server, database })
    }

    /// The number that `what` gives of the setting's row in `setting_states`, or of its lines in `sync_runs`.
    fn number(&self, what: &str, table: &str, condition: &str) -> Result<i64> {
        let setting = self.id.replace('-', "");
        let rows = format!("FROM {table} WHERE setting = decode('{setting}', 'hex') {condition}");
        self.database.number(&format!("SELECT {what} {rows}"))
    }

    fn epoch(&self) -> Result<i64> {
        self.number("lease_epoch", "setting_states", "")
    }

    /// Whether a transaction has its row.
    fn is_locked(&self) -> Result<bool> {
        let setting = self.id.replace('-', "");
        let free = format!(
            "WITH free AS (SELECT 1 FROM setting_states WHERE setting = decode('{setting}', 'hex') \
             FOR NO KEY UPDATE SKIP LOCKED) SELECT COUNT(*) FROM free"
        );
        Ok(self.database.number(&free)? == 0)
    }

    /// What the run of this epoch stored so far: its pages, and one for an end that is not its being fenced.
    fn stored_by(&self, epoch: i64) -> Result<i64> {
        let ended = "CASE WHEN outcome IN ('running', 'superseded') THEN 0 ELSE 1 END";
        let stored = format!("COALESCE(SUM(pages + {ended}), 0)");
        self.number(&stored, "sync_runs", &format!("AND run = {epoch}"))
    }

    /// Runs after this epoch that came to their end.
    fn ended_after(&self, epoch: i64) -> Result<i64> {
        self.number("COUNT(*)", "sync_runs", &format!("AND run > {epoch} AND outcome = 'ok'"))
    }
}

/// Stops the service for longer than its lease.
pub(super) fn stop(
    service: &mut Service,
    others: Option<&Others<'_>>,
    (graph, apple): (&Graph, &Apple),
    signals: &Signals,
) -> Result<Tally> {
    let Some(others) = others else {
        signals.disturb();
        service.process.signal("STOP")?;
        std::thread::sleep(STOPPED);
        service.process.signal("CONT")?;
        answers(service, graph)?;
        std::thread::sleep(LATE);
        return Ok(Tally { stopped: 1, ..Tally::default() });
    };
    let Others { watched, proxy, in_transaction, .. } = others;
    let mut portal = apple.portal();
    portal.add_devices(&watched.server, 1)?;
    let rule = portal.hold_changes(&watched.server)?;
    let mut connection = graph.over(service.connect());
    connection.request_sync(&watched.id).map_err(lost)?.expect(204)?;
    portal.wait_until_held(rule)?;
    let epoch = watched.epoch()?;
    // The other process sees the lease while it is renewed.
    let (other, _) = others.replica.start()?;
    signals.disturb();
    if *in_transaction {
        proxy.hold_commits();
        portal.let_go(rule)?;
        until(UNDER_WAY, "The sync comes to no transaction.", || watched.is_locked())?;
    }
    service.process.signal("STOP")?;
    let stopped = Instant::now();
    if !in_transaction {
        portal.let_go(rule)?;
    }
    let stored = watched.stored_by(epoch);
    let taken_over = take_over(watched, epoch);
    std::thread::sleep(STOPPED.saturating_sub(stopped.elapsed()));
    service.process.signal("CONT")?;
    proxy.end_hold();
    taken_over?;
    answers(service, graph)?;
    std::thread::sleep(LATE);
    if watched.stored_by(epoch)? != stored? {
        return Err(format!("A STOPPED PROCESS IS NOT FENCED: run {epoch} of {} stored more.", watched.id));
    }
    drop(other);
    Ok(Tally { stopped: 1, taken_over: 1, in_transactions: u64::from(*in_transaction), ..Tally::default() })
}

/// Waits until another process works on the setting, and until its run came to its end.
fn take_over(watched: &Watched, epoch: i64) -> Result {
    let late = "A STOPPED PROCESS HOLDS OTHERS UP: its setting is not taken over.";
    until(LEASE + TAKE_OVER, late, || Ok(watched.epoch()? > epoch))?;
    until(SYNCED, "The sync that was taken over comes to no end.", || Ok(watched.ended_after(epoch)? > 0))
}

/// Waits until it holds; `otherwise` is the error when that takes too long.
fn until(longest: Duration, otherwise: &str, holds: impl Fn() -> Result<bool>) -> Result {
    let began = Instant::now();
    while !holds()? {
        if began.elapsed() > longest {
            return Err(format!("{otherwise} It was waited for {} s.", longest.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
