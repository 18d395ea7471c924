//! How far the synchronization of a setting came, and how many devices are listed: moved under the lease and the revision
//! that were seen.

use jiff::Timestamp;

use super::{
    Error,
    db::{Transaction, sql},
    lease::Lease,
};

/// How a page moves the cursor.
#[derive(Clone, Debug)]
pub struct CursorMove<'a> {
    /// The revision that was seen; it grows in any case.
    pub seen_revision: i64,
    /// Where to; none leaves it where it is.
    pub to: Option<CursorPosition<'a>>,
    /// A fetch came to its end by this: until what it left out is settled, another one is owed from then on.
    pub owes_fetch: Option<FullFetchMove>,
}

/// Where to go on from.
#[derive(Clone, Copy, Debug)]
pub struct CursorPosition<'a> {
    /// Apple's cursor; none starts over.
    pub cursor: Option<&'a str>,
    /// When Apple issued it.
    pub issued_at: Timestamp,
    /// Whether a fetch has come to its end, so that deltas may follow.
    pub complete: bool,
    /// Devices per page that were asked for.
    pub limit: u32,
}

/// When a complete fetch is owed next; what someone asked for meanwhile stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullFetchMove {
    /// The time that this run saw or left there.
    pub seen: Option<Timestamp>,
    /// The time from now on.
    pub to: Timestamp,
}

impl FullFetchMove {
    /// What the statements compare with: no complete fetch is owed at the beginning of time.
    pub(super) fn seen_or_zero(self) -> Timestamp {
        self.seen.unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Moves the cursor under everything that was seen; false when any of it is another by now.
pub(super) async fn move_cursor(
    tx: &mut Transaction,
    lease: &Lease,
    cursor: &CursorMove<'_>,
) -> Result<bool, Error> {
    let to = cursor.to;
    let touched = tx
        .execute(
            sql("UPDATE settings SET cursor_revision = cursor_revision + 1, \
                 cursor = CASE WHEN $10 THEN $6 ELSE cursor END, \
                 cursor_issued_at = CASE WHEN $10 THEN $7 ELSE cursor_issued_at END, \
                 cursor_complete = CASE WHEN $10 THEN $8 ELSE cursor_complete END, \
                 cursor_limit = CASE WHEN $10 THEN $9 ELSE cursor_limit END, \
                 full_fetch_due_at = CASE WHEN COALESCE(full_fetch_due_at, 0) = $11 THEN $12 \
                                          ELSE full_fetch_due_at END \
                 WHERE tenant = $1 AND id = $2 AND lease_epoch = $3 AND token_generation = $4 \
                 AND cursor_revision = $5 AND deleted_at IS NULL")
            .key(lease.key)
            .bind(lease.epoch)
            .bind(lease.generation)
            .bind(cursor.seen_revision)
            .bind(to.and_then(|to| to.cursor))
            .bind(to.map(|to| to.issued_at))
            .bind(to.is_some_and(|to| to.complete))
            .bind(to.map(|to| i64::from(to.limit)))
            .bind(to.is_some())
            .bind(cursor.owes_fetch.map(FullFetchMove::seen_or_zero))
            .bind(cursor.owes_fetch.map(|full_fetch| full_fetch.to)),
        )
        .await?;
    Ok(touched == 1)
}

/// Keeps the number of listed devices.
pub(super) async fn count_devices(tx: &mut Transaction, lease: &Lease, more: i64) -> Result<(), Error> {
    tx.execute_one(
        "counting devices",
        sql("UPDATE settings SET device_count = device_count + $3 WHERE tenant = $1 AND id = $2")
            .key(lease.key)
            .bind(more),
    )
    .await
}
