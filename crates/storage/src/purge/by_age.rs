//! Rows that are too old, or whose time a wrong clock set: changed by ranges of their time, in short transactions.
//!
//! A range of times is found by their index whatever PostgreSQL knows of the table. Rows of one time are changed together:
//! they were written by one transaction.

use adept_domain::{Fence, deadline::later};
use jiff::Timestamp;

use super::PURGED_AT_ONCE;
use crate::{
    Error,
    db::{Db, Statement, Transaction, sql_of_parts},
    device_counts,
    setting_state::lock,
};

/// Rows with an index of their time.
pub(crate) struct AgedRows {
    /// The table.
    pub table: &'static str,
    /// The column of their time.
    pub time: &'static str,
    /// What else holds of them.
    pub condition: &'static str,
    /// Whether they are devices, whose numbers are kept.
    pub counted: bool,
}

impl AgedRows {
    /// The statement that dates those from `first` to `last`, both included, or removes them.
    fn change(&self, date: Option<Timestamp>, first: i64, last: i64) -> Statement {
        let Self { table, time, condition, counted } = self;
        let which = format!("{condition} AND {time} >= $1 AND {time} <= $2");
        match date {
            None if *counted => {
                let removed = device_counts::REMOVED;
                sql_of_parts(format!("DELETE FROM {table} WHERE {which} RETURNING {removed}"))
                    .bind((first, last))
            }
            None => sql_of_parts(format!("DELETE FROM {table} WHERE {which}")).bind((first, last)),
            Some(to) => {
                sql_of_parts(format!("UPDATE {table} SET {time} = $3 WHERE {which}")).bind((first, last, to))
            }
        }
    }

    /// The statement that finds the time of one of those from `first` to `last`, so many rows behind the first of them.
    fn find(&self, first: i64, last: i64, offset: u64) -> Statement {
        let Self { table, time, condition, .. } = self;
        sql_of_parts(format!(
            "SELECT {time} AS time FROM {table} WHERE {condition} AND {time} >= $1 AND {time} <= $2 \
             ORDER BY {time} LIMIT 1 OFFSET {offset}"
        ))
        .bind((first, last))
    }

    /// Takes the settings of the devices from `first` to `last`, as everyone does who changes devices.
    async fn lock_settings(&self, tx: &mut Transaction, first: i64, last: i64) -> Result<(), Error> {
        let Self { table, time, condition, .. } = self;
        let select = sql_of_parts(format!(
            "SELECT DISTINCT tenant, setting FROM {table} WHERE {condition} AND {time} >= $1 AND {time} <= $2 \
             ORDER BY tenant, setting"
        ));
        for key in tx.all::<_, Vec<_>>(select.bind((first, last)), |row| row.get("setting")).await? {
            lock(tx, key, &Fence::Exists).await?;
        }
        Ok(())
    }

    /// Removes rows older than `before`; answers how many.
    pub(crate) async fn purge(&self, db: &Db, before: Timestamp) -> Result<u64, Error> {
        let last = before.as_microsecond().saturating_sub(1);
        self.change_by_ranges(db, (i64::MIN, last), |_| None).await
    }

    /// Dates rows to `now` that lie behind `ahead`, as no row does that a right clock dated.
    pub(crate) async fn date_back(&self, db: &Db, ahead: Timestamp, now: Timestamp) -> Result<u64, Error> {
        let first = ahead.as_microsecond().saturating_add(1);
        self.change_by_ranges(db, (first, i64::MAX), |range| apart(now, range)).await
    }

    /// Dates rows to `now` that are older than `before`, as no row is that a right clock dated.
    pub(crate) async fn date_forward(
        &self,
        db: &Db,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let last = before.as_microsecond().saturating_sub(1);
        self.change_by_ranges(db, (i64::MIN, last), |range| apart(now, range)).await
    }

    /// Changes the rows of these times, so many at once: dates those of each range, or removes them.
    async fn change_by_ranges(
        &self,
        db: &Db,
        (mut first, last): (i64, i64),
        date: impl Fn(i64) -> Option<Timestamp>,
    ) -> Result<u64, Error> {
        let mut changed = 0;
        for range in 0.. {
            let mut tx = db.begin_bulk().await?;
            let Some(row) = tx.row(self.find(first, last, 0)).await? else {
                tx.commit().await?;
                break;
            };
            first = row.get("time")?;
            let end = tx.row(self.find(first, last, PURGED_AT_ONCE - 1)).await?;
            let end = end.map_or(Ok(last), |row| row.get("time"))?;
            let date = date(range);
            let change = self.change(date, first, end);
            if self.counted && date.is_none() {
                self.lock_settings(&mut tx, first, end).await?;
                let removed = tx.rows(change).await?;
                device_counts::removed(&mut tx, &removed).await?;
                changed += removed.len() as u64;
            } else {
                changed += tx.execute(change).await?;
            }
            tx.commit().await?;
            if end == last {
                break;
            }
            first = end.saturating_add(1);
        }
        Ok(changed)
    }
}

/// Rows that are dated together get a time for each range, so that they are removed by ranges too.
fn apart(now: Timestamp, range: i64) -> Option<Timestamp> {
    Some(later(now, jiff::SignedDuration::from_micros(-range)))
}
