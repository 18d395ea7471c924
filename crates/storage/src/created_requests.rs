//! Creates that their clients may repeat: which entity each of them made. What makes two requests the same is decided at
//! the edge.

use adept_domain::{RequestKey, TenantId};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{
    CreatedRequests, Error,
    db::{Statement, Transaction, sql},
    purge::AgedRows,
};

/// How long a create is remembered.
pub const CREATES_REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

/// What came of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityCreated<Id> {
    /// It was made.
    Done,
    /// An earlier request of the same key made this one.
    Earlier(Id),
    /// Something that it belongs to does not exist.
    NotFound,
}

/// Claims a create for the new entity `id` until the end of the transaction; a concurrent twin waits here. Returns the
/// entity that an earlier one made, if `exists` finds a row of it; the caller commits then too. Without a key every create is new.
pub(super) async fn claim(
    tx: &mut Transaction,
    tenant: TenantId,
    key: Option<RequestKey>,
    (id, now): (Uuid, Timestamp),
    exists: impl FnOnce(Uuid) -> Statement,
) -> Result<Option<Uuid>, Error> {
    let Some(key) = key else { return Ok(None) };
    let row = (tenant, key.0.to_vec(), id, now);
    // A time that lies ahead counts as now, also from now on: it would otherwise be remembered until it has come.
    let claim =
        sql("INSERT INTO created_requests (tenant, request, entity, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant, request) DO UPDATE SET created_at = CASE \
             WHEN created_requests.created_at > excluded.created_at THEN excluded.created_at ELSE \
             created_requests.created_at END RETURNING entity, created_at")
        .bind(row.clone());
    let claimed = tx.first(claim, |row| Ok((row.get("entity")?, row.get("created_at")?))).await?;
    let Some((earlier, made)) = claimed else {
        return Err(Error::Corrupt("a create could not be claimed".to_owned()));
    };
    if earlier == id {
        return Ok(None);
    }
    if now.duration_since(made) < CREATES_REMEMBERED && tx.row(exists(earlier)).await?.is_some() {
        return Ok(Some(earlier));
    }
    let update =
        sql("UPDATE created_requests SET entity = $3, created_at = $4 WHERE tenant = $1 AND request = $2");
    tx.execute_one("claiming a create", update.bind(row)).await?;
    Ok(None)
}

impl CreatedRequests {
    /// Forgets the creates before `before`; returns how many. One that lies ahead of `now` counts as made now.
    pub async fn purge(&self, before: Timestamp, now: Timestamp) -> Result<u64, Error> {
        let rows =
            AgedRows { table: "created_requests", time: "created_at", condition: "TRUE", counted: false };
        rows.date_back(&self.db, now, now).await?;
        rows.purge(&self.db, before).await
    }
}
