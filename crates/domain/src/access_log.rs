//! What the audit log keeps of sign-ins, and of requests and uploads that were refused: of many alike one entry and their number, so that
//! nobody fills the log by trying.

use std::collections::HashSet;

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{AuditResource, Caller, ClientId, TenantId};

words! {
    /// What happened. Its word is the activity in the log.
    pub enum AccessKind: eq {
        /// A client was given a token.
        SignedIn = "signIn",
        /// A client was given none.
        SignInRefused = "refuse signIn",
        /// A request was refused because of who made it.
        RequestDenied = "deny Request",
        /// A server token was refused that could be read, or was none.
        UploadRefused = "refuse uploadDepToken",
        /// A server token that was sealed to the setting was not opened.
        UploadUnreadable = "refuse unreadable uploadDepToken",
    }
}

/// Who did it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessActor {
    /// It showed who it is.
    Verified(Caller),
    /// It did not: the client that it claims to be, if any.
    Unverified(Option<ClientId>),
}

/// Sign-ins or refused requests that are alike, of one minute or hour.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessEntry {
    /// The same for all that are alike, in every process; sorts by time.
    pub id: Uuid,
    /// Whose log they belong to.
    pub tenant: TenantId,
    /// What happened.
    pub kind: AccessKind,
    /// Who did it.
    pub actor: AccessActor,
    /// Where the first came from.
    pub address: Option<std::net::IpAddr>,
    /// What the first was about.
    pub resource: AuditResource,
    /// Why the first was refused.
    pub reason: Option<String>,
    /// The first.
    pub at: Timestamp,
    /// The last.
    pub last_at: Timestamp,
    /// How many there were.
    pub times: u32,
    /// The first one's request.
    pub correlation: Uuid,
}

/// The most entries of callers who did not show who they are, of one tenant and minute.
const MOST_UNVERIFIED: usize = 60;

/// What tells entries of unverified callers from others in their ids.
const UNVERIFIED: u8 = 0;
const VERIFIED: u8 = 1;

impl AccessKind {
    /// Those within such a time are one entry: a client that asks for a token now and then is no news.
    fn window(self) -> SignedDuration {
        match self {
            Self::SignedIn => SignedDuration::from_hours(1),
            Self::SignInRefused | Self::RequestDenied | Self::UploadRefused | Self::UploadUnreadable => {
                SignedDuration::from_mins(1)
            }
        }
    }

    /// `Success` or `Failure`, in Graph's words.
    pub fn result(self) -> &'static str {
        match self {
            Self::SignedIn => "Success",
            Self::SignInRefused | Self::RequestDenied | Self::UploadRefused | Self::UploadUnreadable => {
                "Failure"
            }
        }
    }

    /// When the minute or hour of `at` began, in milliseconds.
    fn window_start(self, at: Timestamp) -> u64 {
        let milliseconds = u64::try_from(at.as_millisecond()).unwrap_or_default();
        let window = u64::try_from(self.window().as_millis()).unwrap_or(u64::MAX);
        milliseconds - milliseconds % window
    }
}

/// An id that begins as those of version 7 do, with a time, so that it sorts among them; it is of version 8 and its own.
fn id(start: u64, class: u8, rest: [u8; 9]) -> Uuid {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&start.to_be_bytes()[2..]);
    bytes[6] = 0x80 | class;
    bytes[7..].copy_from_slice(&rest);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    Uuid::from_bytes(bytes)
}

impl AccessActor {
    fn class(&self) -> u8 {
        match self {
            Self::Verified(_) => VERIFIED,
            Self::Unverified(_) => UNVERIFIED,
        }
    }
}

impl AccessEntry {
    /// The id of an entry: `digest` is of its tenant, kind, caller and address share.
    pub fn id_of(kind: AccessKind, actor: &AccessActor, at: Timestamp, digest: [u8; 9]) -> Uuid {
        id(kind.window_start(at), actor.class(), digest)
    }

    /// Takes another one that is alike.
    pub fn merge(&mut self, other: &Self) {
        self.times = self.times.saturating_add(other.times);
        self.last_at = self.last_at.max(other.last_at);
    }

    /// The ids among which the entries of unverified callers of its minute are: from the first up to before the second. None
    /// where its caller is verified.
    pub fn unverified_range(&self) -> Option<(Uuid, Uuid)> {
        let start = self.kind.window_start(self.at);
        let range = (id(start, UNVERIFIED, [0; 9]), id(start, VERIFIED, [0; 9]));
        matches!(self.actor, AccessActor::Unverified(_)).then_some(range)
    }

    /// This one among those that have no entry of their own.
    pub fn into_rest(self) -> Self {
        let id = id(self.kind.window_start(self.at), UNVERIFIED, [0; 9]);
        let resource = AuditResource { kind: self.resource.kind, id: "several".to_owned(), name: None };
        let reason =
            Some("Many callers were refused in this minute; these have no entry of their own.".to_owned());
        Self { id, actor: AccessActor::Unverified(None), address: None, resource, reason, ..self }
    }
}

/// Bounds the entries of one tenant's unverified callers in one minute: beside those that are `stored` as many as there may
/// be, and the rest as one.
pub fn bounded(stored: &[Uuid], entries: Vec<AccessEntry>) -> Vec<AccessEntry> {
    let mut ids: HashSet<Uuid> = stored.iter().copied().collect();
    let (mut kept, mut rest): (Vec<AccessEntry>, Option<AccessEntry>) = (Vec::new(), None);
    for entry in entries {
        // One place is the rest's.
        if ids.contains(&entry.id) || ids.len() + 1 < MOST_UNVERIFIED {
            ids.insert(entry.id);
            kept.push(entry);
            continue;
        }
        let entry = entry.into_rest();
        match &mut rest {
            Some(rest) => rest.merge(&entry),
            None => rest = Some(entry),
        }
    }
    kept.extend(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn entry(kind: AccessKind, client: u8, seconds: i64) -> AccessEntry {
        let actor = AccessActor::Unverified(Some(ClientId(Uuid::from_u128(client.into()))));
        AccessEntry {
            id: AccessEntry::id_of(kind, &actor, at(seconds), [client; 9]),
            tenant: TenantId(Uuid::from_u128(1)),
            kind,
            actor,
            address: None,
            resource: AuditResource { kind: "Application", id: "x".to_owned(), name: None },
            reason: None,
            at: at(seconds),
            last_at: at(seconds),
            times: 1,
            correlation: Uuid::nil(),
        }
    }

    #[test]
    fn what_is_alike_has_one_id_for_a_minute_or_an_hour() {
        use AccessKind::{RequestDenied, SignInRefused, SignedIn};
        for (kind, one, other, same) in [
            (SignInRefused, 0, 59, true),
            (SignInRefused, 0, 60, false),
            (RequestDenied, 60, 119, true),
            (RequestDenied, 59, 60, false),
            (SignedIn, 0, 3599, true),
            (SignedIn, 0, 3600, false),
        ] {
            assert_eq!(entry(kind, 1, one).id == entry(kind, 1, other).id, same, "{kind:?} {one} {other}");
            assert_ne!(entry(kind, 1, one).id, entry(kind, 2, one).id);
        }
        assert!(entry(SignedIn, 9, 0).id < entry(SignedIn, 1, 3600).id, "they sort by time");
    }

    #[test]
    fn only_unverified_callers_of_the_minute_are_in_its_range() {
        let one = entry(AccessKind::SignInRefused, 255, 30);
        let (from, to) = one.unverified_range().unwrap();
        assert!(from <= one.id && one.id < to);
        assert!(from <= one.clone().into_rest().id);
        let next = entry(AccessKind::RequestDenied, 0, 60).id;
        assert!(next >= to);
        let caller = AccessActor::Verified(Caller::operator(one.tenant));
        let verified = AccessEntry::id_of(one.kind, &caller, one.at, [0; 9]);
        assert!(verified >= to && verified < next);
        assert_eq!(AccessEntry { actor: caller, ..one }.unverified_range(), None);
    }

    #[test]
    fn unverified_callers_have_sixty_entries_a_minute_and_the_rest_are_counted_in_the_last() {
        let of = |clients: std::ops::Range<u8>| -> Vec<_> {
            clients.map(|client| entry(AccessKind::SignInRefused, client, 0)).collect()
        };
        let ids = |entries: &[AccessEntry]| entries.iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(bounded(&[], of(1..60)), of(1..60));
        let first = bounded(&[], of(1..100));
        assert_eq!(first.len(), 60);
        assert_eq!((first[59].times, first[59].resource.id.as_str()), (40, "several"));
        // Those that have an entry keep it, others join the rest, in whatever order they come.
        let second = bounded(&ids(&first), of(50..120));
        assert_eq!(ids(&second), [&ids(&first)[49..59], &ids(&first)[59..]].concat());
        assert_eq!(second.last().unwrap().times, 60);
    }
}
