//! The history of syncs: a line per run, written in the transactions of what the run stores. Of several runs in a row
//! that stored nothing and ended alike there is one line, so that quiet polls do not fill the table.

use jiff::Timestamp;

use super::{
    Error, Syncs,
    db::{Row, Transaction, sql, sql_of_parts},
    purge::PURGED_AT_ONCE,
};
use adept_domain::{
    DeviceChanges, Lease, SettingKey, SyncKind, SyncOutcome, SyncRun, setting_state::SyncEnd,
};

/// The part of a run that one transaction stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunPart {
    /// When the run began.
    pub started_at: Timestamp,
    /// When this part is stored.
    pub now: Timestamp,
    /// What was read: a run with a full resync reads deltas first and last, and only its fetch finds drift.
    pub kind: SyncKind,
    /// Apple's pages.
    pub pages: i64,
    /// Records on them without a serial number.
    pub unreadable: i64,
}

/// The columns that add up over the parts of a run.
const SUMS: &str =
    "pages, added, changed, removed, drift_added, drift_changed, drift_removed, unconfirmed, unreadable";

/// Adds a part to the run's line, and how the run ended when it did.
pub(super) async fn note(
    tx: &mut Transaction,
    lease: &Lease,
    part: &RunPart,
    changes: DeviceChanges,
    unconfirmed: i64,
    end: Option<&SyncEnd>,
) -> Result<(), Error> {
    let drift = if part.kind == SyncKind::FullResync { changes } else { DeviceChanges::default() };
    let sum = |column: &str| format!("{column} = sync_runs.{column} + excluded.{column}");
    let sums: Vec<_> = SUMS.split(", ").map(sum).collect();
    let insert = sql_of_parts(format!(
        "INSERT INTO sync_runs (tenant, setting, run, started_at, runs, kind, {SUMS}, outcome, ended_at, code) \
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
         ON CONFLICT (tenant, setting, run) DO UPDATE SET {}, \
         kind = CASE WHEN excluded.kind = 'delta_sync' THEN sync_runs.kind ELSE excluded.kind END, \
         outcome = excluded.outcome, ended_at = excluded.ended_at, code = excluded.code",
        sums.join(", ")
    ))
    .bind((lease.key, lease.epoch, part.started_at, part.kind, part.pages, changes.added))
    .bind((changes.changed, changes.removed, drift.added, drift.changed, drift.removed))
    .bind((unconfirmed, part.unreadable))
    .bind((end.map_or(SyncOutcome::Running, |end| end.outcome), end.map(|end| end.now)))
    .bind(end.and_then(|end| end.code.as_deref()));
    tx.execute_one("a line of the sync history", insert).await
}

/// Closes the run's line. One that stored nothing and ended like the line before is counted there.
pub(super) async fn end(
    tx: &mut Transaction,
    lease: &Lease,
    part: &RunPart,
    end: &SyncEnd,
) -> Result<(), Error> {
    note(tx, lease, part, DeviceChanges::default(), 0, Some(end)).await?;
    let update = sql("UPDATE sync_runs SET runs = runs + 1, ended_at = $4, pages = pages + (SELECT pages \
        FROM sync_runs AS mine WHERE mine.tenant = $1 AND mine.setting = $2 AND mine.run = $3) \
        WHERE tenant = $1 AND setting = $2 AND run = (SELECT MAX(earlier.run) FROM sync_runs AS earlier \
        WHERE earlier.tenant = $1 AND earlier.setting = $2 AND earlier.run < $3) AND (kind = 'delta_sync' \
        OR pages = 0) AND added = 0 AND changed = 0 AND removed = 0 AND EXISTS (SELECT 1 \
        FROM sync_runs AS mine WHERE mine.tenant = $1 AND mine.setting = $2 AND mine.run = $3 \
        AND (mine.kind = 'delta_sync' OR mine.pages = 0) AND mine.added = 0 AND mine.changed = 0 \
        AND mine.removed = 0 AND mine.kind = sync_runs.kind AND mine.unreadable = sync_runs.unreadable \
        AND mine.outcome = sync_runs.outcome AND COALESCE(mine.code, '') = COALESCE(sync_runs.code, ''))")
    .bind((lease.key, lease.epoch, end.now));
    let alike = tx.execute(update).await?;
    if alike == 1 {
        let delete = sql("DELETE FROM sync_runs WHERE tenant = $1 AND setting = $2 AND run = $3")
            .bind((lease.key, lease.epoch));
        tx.execute_one("a line of the sync history that another stands for", delete).await?;
    }
    Ok(())
}

/// Closes the line, if there is one, of a run that lost its lease, token or setting, or whose process stops.
pub(super) async fn cut_off(
    tx: &mut Transaction,
    lease: &Lease,
    outcome: SyncOutcome,
    now: Timestamp,
) -> Result<(), Error> {
    let update = sql("UPDATE sync_runs SET ended_at = $4, outcome = $5 WHERE tenant = $1 AND setting = $2 \
        AND run = $3 AND outcome = 'running'")
    .bind((lease.key, lease.epoch, now, outcome));
    tx.execute_any(update).await
}

fn run(row: &Row) -> Result<SyncRun, Error> {
    let outcome = row.get("outcome")?;
    let still = row.get::<bool>("still")?;
    let changes = |[added, changed, removed]: [&str; 3]| {
        let (added, changed, removed) = (row.get(added)?, row.get(changed)?, row.get(removed)?);
        Ok::<_, Error>(DeviceChanges { added, changed, removed })
    };
    Ok(SyncRun {
        run: row.get("run")?,
        started_at: row.get("started_at")?,
        ended_at: row.get("ended_at")?,
        runs: row.get("runs")?,
        kind: row.get("kind")?,
        pages: row.get("pages")?,
        changes: changes(["added", "changed", "removed"])?,
        drift: changes(["drift_added", "drift_changed", "drift_removed"])?,
        unconfirmed: row.get("unconfirmed")?,
        unreadable: row.get("unreadable")?,
        outcome: if outcome == SyncOutcome::Running && !still { SyncOutcome::CutShort } else { outcome },
        code: row.get("code")?,
    })
}

impl Syncs {
    /// The latest lines of a setting's sync history, newest first. A run whose lease ended before `alive`, or was taken over,
    /// before it wrote its end was cut short.
    pub async fn runs(&self, key: SettingKey, alive: Timestamp, limit: i64) -> Result<Vec<SyncRun>, Error> {
        let select = sql_of_parts(format!(
            "SELECT run, started_at, ended_at, runs, kind, {SUMS}, outcome, code, EXISTS (SELECT 1 \
             FROM setting_overview WHERE setting_overview.tenant = $1 AND setting_overview.id = $2 \
             AND lease_epoch = run AND lease_until > $3) AS still \
             FROM sync_runs WHERE tenant = $1 AND setting = $2 ORDER BY run DESC LIMIT $4"
        ))
        .bind((key, alive, limit));
        self.db.all(select, run).await
    }

    /// Forgets lines that began before `before`, but keeps the latest `keep` of each setting. Answers how many went.
    pub async fn purge_runs(&self, before: Timestamp, keep: i64) -> Result<u64, Error> {
        let old = sql("SELECT DISTINCT tenant, setting FROM sync_runs WHERE started_at < $1").bind(before);
        let mut purged = 0;
        for key in self.db.all::<_, Vec<_>>(old, |row| row.get("setting")).await? {
            purged += self.purge_runs_of(key, before, keep).await?;
        }
        Ok(purged)
    }

    /// The same for one setting, by ranges of the runs' numbers.
    async fn purge_runs_of(&self, key: SettingKey, before: Timestamp, keep: i64) -> Result<u64, Error> {
        let newest = sql("SELECT run FROM sync_runs WHERE tenant = $1 AND setting = $2 ORDER BY run DESC \
            LIMIT 1 OFFSET $3")
        .bind((key, keep));
        let newest: Option<i64> = self.db.first(newest, |row| row.get("run")).await?;
        let Some(newest) = newest else { return Ok(0) };
        let (mut purged, mut behind) = (0, i64::MIN);
        loop {
            let mut tx = self.db.begin_bulk().await?;
            let last = sql("SELECT run FROM sync_runs WHERE tenant = $1 AND setting = $2 AND run > $3 \
                AND run <= $4 ORDER BY run LIMIT 1 OFFSET $5")
            .bind((key, behind, newest, i64::try_from(PURGED_AT_ONCE).unwrap_or(i64::MAX)));
            let last = tx.first(last, |row| row.get("run")).await?;
            let delete = sql("DELETE FROM sync_runs WHERE tenant = $1 AND setting = $2 AND run > $3 \
                AND run <= $4 AND started_at < $5")
            .bind((key, behind, last.unwrap_or(newest), before));
            purged += tx.execute(delete).await?;
            tx.commit().await?;
            match last {
                Some(last) => behind = last,
                None => return Ok(purged),
            }
        }
    }
}
