//! What was refused, in the audit log: of a kind of refusal the first per caller, address and minute is an entry, and the rest
//! are counted in it, by all replicas. Nothing here refuses anything.

use aws_lc_rs::digest;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Clock, Error, audit::event};
use crate::{
    domain::{AuditResource, Caller, CallerKind, Change, Origin},
    storage,
};

/// The most of a reason that is kept, in characters.
const LONGEST_REASON: usize = 1024;

/// What is refused, and to whom.
pub(super) struct Refused<'a> {
    pub(super) origin: &'a Origin,
    /// The operation, in Graph's words.
    pub(super) activity: &'static str,
    /// Refusals of another kind have an entry of their own.
    pub(super) kind: &'static str,
    pub(super) resource: AuditResource,
    /// What the caller reads.
    pub(super) reason: &'a str,
}

/// The log of refusals.
pub(super) struct RefusalLog {
    pub(super) audit: storage::AuditLog,
    pub(super) clock: Clock,
}

impl RefusalLog {
    /// Notes a refusal; answers how many of its kind there were within the minute. That it cannot be noted takes nothing from
    /// the caller's answer, and is in this service's log.
    pub(super) async fn note(&self, refused: Refused<'_>) -> i64 {
        let Refused { origin, activity, kind, resource, reason } = refused;
        let reason: String = reason.chars().take(LONGEST_REASON).collect();
        let changes = vec![Change { property: "refused", old: None, new: Some(reason) }];
        let mut event = event(&self.clock, Some(origin), activity, resource, changes);
        event.id = id_within_a_minute(event.at, activity, kind, &origin.caller);
        let noted = self.audit.refused(origin.caller.tenant, &event).await.map_err(Error::from);
        noted.unwrap_or_else(|error| {
            tracing::warn!(activity, cause = error.cause(), "a refusal is not in the audit log: {error}");
            0
        })
    }
}

/// The id of the entry for a caller's refusals of a kind in this minute; it sorts by time, as other ids do.
fn id_within_a_minute(now: Timestamp, activity: &str, kind: &str, caller: &Caller) -> Uuid {
    let minute = now.as_second().div_euclid(60);
    let mut hash = digest::Context::new(&digest::SHA256);
    for part in [activity.as_bytes(), kind.as_bytes(), &minute.to_be_bytes(), &caller_digest(caller)] {
        update(&mut hash, part);
    }
    update(&mut hash, caller.address.map_or_else(String::new, |address| address.to_string()).as_bytes());
    let mut random = [0; 10];
    random.copy_from_slice(&hash.finish().as_ref()[..10]);
    let millis = u64::try_from(minute * 60_000).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Names a caller: the application, and the person where there is one.
pub(super) fn caller_digest(caller: &Caller) -> Vec<u8> {
    let mut hash = digest::Context::new(&digest::SHA256);
    update(&mut hash, caller.tenant.0.as_bytes());
    update(&mut hash, caller.client.map(|client| client.0).unwrap_or_default().as_bytes());
    let (kind, person): (u8, &str) = match &caller.kind {
        CallerKind::Application => (0, ""),
        CallerKind::User { user_id, .. } => (1, user_id),
        CallerKind::Operator => (2, ""),
    };
    update(&mut hash, &[kind]);
    update(&mut hash, person.as_bytes());
    hash.finish().as_ref()[..16].to_vec()
}

/// A part and its length, so that no two lists of parts are one text.
fn update(hash: &mut digest::Context, part: &[u8]) {
    hash.update(&(part.len() as u64).to_be_bytes());
    hash.update(part);
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::domain::TenantId;

    #[test]
    fn an_entry_stands_for_one_kind_one_caller_one_address_and_one_minute() {
        let now = Timestamp::constant(1_800_000_000, 0);
        let operator = Caller::operator(TenantId(Uuid::from_u128(1)));
        let id = |seconds, activity, kind, caller: &Caller| {
            id_within_a_minute(now + SignedDuration::from_secs(seconds), activity, kind, caller)
        };
        let user = |user_id: &str| Caller {
            kind: CallerKind::User { user_id: user_id.to_owned(), principal_name: None },
            ..operator.clone()
        };
        let elsewhere = Caller { address: Some("2001:db8::1".parse().unwrap()), ..operator.clone() };
        let application = Caller { kind: CallerKind::Application, ..operator.clone() };
        let ids = [
            id(0, "a", "k", &operator),
            id(60, "a", "k", &operator),
            id(0, "b", "k", &operator),
            id(0, "a", "l", &operator),
            id(0, "a", "k", &elsewhere),
            id(0, "a", "k", &application),
            id(0, "a", "k", &user("u")),
            id(0, "a", "k", &user("v")),
        ];
        for (at, one) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(one), "{at}");
            assert_eq!(one.get_version_num(), 7);
        }
        assert_eq!(id(59, "a", "k", &operator), ids[0]);
        assert!(ids[0] < ids[1], "sorted by time");
    }
}
