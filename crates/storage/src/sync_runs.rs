//! The history of syncs: a line per run, written in the transactions of what the run stores. Of several runs in a row
//! that stored nothing and ended alike there is one line, so that quiet polls do not fill the table.

use jiff::Timestamp;

use super::{
    Error, Syncs,
    db::{Row, Transaction, sql},
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

/// Adds a part to the run's line.
pub(super) async fn note(
    tx: &mut Transaction,
    lease: &Lease,
    part: &RunPart,
    changes: DeviceChanges,
    unconfirmed: i64,
) -> Result<(), Error> {
    put(tx, lease, part, changes, unconfirmed, None).await
}

/// The same, with how the run ended.
async fn put(
    tx: &mut Transaction,
    lease: &Lease,
    part: &RunPart,
    changes: DeviceChanges,
    unconfirmed: i64,
    end: Option<&SyncEnd>,
) -> Result<(), Error> {
    let drift = if part.kind == SyncKind::FullResync { changes } else { DeviceChanges::default() };
    tx.execute_one(
        "a line of the sync history",
        sql("INSERT INTO sync_runs (tenant, setting, run, started_at, runs, kind, pages, added, changed, removed, \
             drift_added, drift_changed, drift_removed, unconfirmed, unreadable, outcome, ended_at, code) \
             VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) \
             ON CONFLICT (tenant, setting, run) DO UPDATE SET \
             kind = CASE WHEN excluded.kind = 'delta_sync' THEN sync_runs.kind ELSE excluded.kind END, \
             pages = sync_runs.pages + excluded.pages, added = sync_runs.added + excluded.added, \
             changed = sync_runs.changed + excluded.changed, removed = sync_runs.removed + excluded.removed, \
             drift_added = sync_runs.drift_added + excluded.drift_added, \
             drift_changed = sync_runs.drift_changed + excluded.drift_changed, \
             drift_removed = sync_runs.drift_removed + excluded.drift_removed, \
             unconfirmed = sync_runs.unconfirmed + excluded.unconfirmed, \
             unreadable = sync_runs.unreadable + excluded.unreadable, \
             outcome = excluded.outcome, ended_at = excluded.ended_at, code = excluded.code")
        .key(lease.key)
        .bind(lease.epoch)
        .bind(part.started_at)
        .bind(part.kind.as_str())
        .bind(part.pages)
        .bind(changes.added)
        .bind(changes.changed)
        .bind(changes.removed)
        .bind(drift.added)
        .bind(drift.changed)
        .bind(drift.removed)
        .bind(unconfirmed)
        .bind(part.unreadable)
        .bind(end.map_or(SyncOutcome::Running, |end| end.outcome).as_str())
        .bind(end.map(|end| end.now))
        .bind(end.and_then(|end| end.code.as_deref())),
    )
    .await
}

/// Closes the run's line. One that stored nothing and ended like the line before is counted there.
pub(super) async fn end(
    tx: &mut Transaction,
    lease: &Lease,
    part: &RunPart,
    end: &SyncEnd,
) -> Result<(), Error> {
    put(tx, lease, part, DeviceChanges::default(), 0, Some(end)).await?;
    let alike = tx
        .execute(
            sql("UPDATE sync_runs SET runs = runs + 1, ended_at = $4, pages = pages + \
                 (SELECT pages FROM sync_runs AS mine WHERE mine.tenant = $1 AND mine.setting = $2 AND mine.run = $3) \
                 WHERE tenant = $1 AND setting = $2 AND run = (SELECT MAX(earlier.run) FROM sync_runs AS earlier \
                     WHERE earlier.tenant = $1 AND earlier.setting = $2 AND earlier.run < $3) \
                 AND (kind = 'delta_sync' OR pages = 0) AND added = 0 AND changed = 0 AND removed = 0 AND EXISTS \
                     (SELECT 1 FROM sync_runs AS mine WHERE mine.tenant = $1 AND mine.setting = $2 AND mine.run = $3 \
                      AND (mine.kind = 'delta_sync' OR mine.pages = 0) AND mine.added = 0 AND mine.changed = 0 \
                      AND mine.removed = 0 AND mine.kind = sync_runs.kind \
                      AND mine.unreadable = sync_runs.unreadable AND mine.outcome = sync_runs.outcome \
                      AND COALESCE(mine.code, '') = COALESCE(sync_runs.code, ''))")
            .key(lease.key)
            .bind(lease.epoch)
            .bind(end.now),
        )
        .await?;
    if alike == 1 {
        tx.execute_one(
            "a line of the sync history that another stands for",
            sql("DELETE FROM sync_runs WHERE tenant = $1 AND setting = $2 AND run = $3")
                .key(lease.key)
                .bind(lease.epoch),
        )
        .await?;
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
    tx.execute_any(
        sql("UPDATE sync_runs SET ended_at = $4, outcome = $5 \
             WHERE tenant = $1 AND setting = $2 AND run = $3 AND outcome = 'running'")
        .key(lease.key)
        .bind(lease.epoch)
        .bind(now)
        .bind(outcome.as_str()),
    )
    .await?;
    Ok(())
}

fn run(row: &Row) -> Result<SyncRun, Error> {
    let unfit = |what: &str| Error::Corrupt(format!("the sync history has an unknown {what}"));
    let outcome = SyncOutcome::from_word(&row.get::<String>("outcome")?).ok_or_else(|| unfit("outcome"))?;
    let still = row.get::<bool>("still")?;
    Ok(SyncRun {
        run: row.get("run")?,
        started_at: row.time("started_at")?.unwrap_or_default(),
        ended_at: row.time("ended_at")?,
        runs: row.get("runs")?,
        kind: SyncKind::from_word(&row.get::<String>("kind")?).ok_or_else(|| unfit("kind"))?,
        pages: row.get("pages")?,
        changes: DeviceChanges {
            added: row.get("added")?,
            changed: row.get("changed")?,
            removed: row.get("removed")?,
        },
        drift: DeviceChanges {
            added: row.get("drift_added")?,
            changed: row.get("drift_changed")?,
            removed: row.get("drift_removed")?,
        },
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
        let rows = self
            .db
            .rows(
                sql("SELECT run, started_at, ended_at, runs, kind, pages, added, changed, removed, drift_added, \
                     drift_changed, drift_removed, unconfirmed, unreadable, outcome, code, \
                     EXISTS (SELECT 1 FROM setting_overview WHERE setting_overview.tenant = $1 \
                         AND setting_overview.id = $2 AND lease_epoch = run AND lease_until > $3) AS still \
                     FROM sync_runs WHERE tenant = $1 AND setting = $2 ORDER BY run DESC LIMIT $4")
                .key(key)
                .bind(alive)
                .bind(limit),
            )
            .await?;
        rows.iter().map(run).collect()
    }

    /// Forgets lines that began before `before`, but keeps the latest `keep` of each setting. Answers how many went.
    pub async fn purge_runs(&self, before: Timestamp, keep: i64) -> Result<u64, Error> {
        let old = sql("SELECT DISTINCT tenant, setting FROM sync_runs WHERE started_at < $1").bind(before);
        let mut purged = 0;
        for row in &self.db.rows(old).await? {
            purged += self.purge_runs_of(row.key("setting")?, before, keep).await?;
        }
        Ok(purged)
    }

    /// The same for one setting, by ranges of the runs' numbers.
    async fn purge_runs_of(&self, key: SettingKey, before: Timestamp, keep: i64) -> Result<u64, Error> {
        let newest = sql("SELECT run FROM sync_runs WHERE tenant = $1 AND setting = $2 \
                          ORDER BY run DESC LIMIT 1 OFFSET $3")
        .key(key)
        .bind(keep);
        let Some(newest) = self.db.row(newest).await? else { return Ok(0) };
        let newest: i64 = newest.get("run")?;
        let (mut purged, mut behind) = (0, i64::MIN);
        loop {
            let mut tx = self.db.begin_bulk().await?;
            let last = sql(
                "SELECT run FROM sync_runs WHERE tenant = $1 AND setting = $2 AND run > $3 AND run <= $4 \
                            ORDER BY run LIMIT 1 OFFSET $5",
            )
            .key(key)
            .bind(behind)
            .bind(newest)
            .bind(i64::try_from(PURGED_AT_ONCE).unwrap_or(i64::MAX));
            let last = tx.row(last).await?.map(|row| row.get("run")).transpose()?;
            let delete =
                sql("DELETE FROM sync_runs WHERE tenant = $1 AND setting = $2 AND run > $3 AND run <= $4 \
                              AND started_at < $5")
                .key(key)
                .bind(behind)
                .bind(last.unwrap_or(newest))
                .bind(before);
            purged += tx.execute(delete).await?;
            tx.commit().await?;
            match last {
                Some(last) => behind = last,
                None => return Ok(purged),
            }
        }
    }
}
