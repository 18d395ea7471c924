//! The live Apple session of each set of credentials: who may replace it, and how many callers share one `/session`.
//! It makes no request and asks no other process; it orders what others do.
//!
//! Whether a second session ends the first, and whether a rotated-out one still works, Apple does not say. So there is
//! one session per token, and of two answers that bring a new one, that to the later request wins.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::digest;

use crate::{error::AppleError, secret::Secret, token::ServerToken};

/// How many tokens' sessions are kept; beyond that the one unused for longest is dropped and opened again when needed.
const MOST_ENTRIES: usize = 10_000;

/// SHA-256 of the four secrets of a token.
type Fingerprint = [u8; 32];

/// The sessions of one client.
#[derive(Default)]
pub(super) struct SessionCache(Mutex<Entries>);

#[derive(Default)]
struct Entries {
    entries: HashMap<Fingerprint, (Arc<SessionEntry>, u64)>,
    /// Grows with each look-up: a clock for "unused for longest".
    looked_up: u64,
}

impl SessionCache {
    /// The entry of these credentials; two calls with equal credentials share one.
    pub(super) fn entry(&self, token: &ServerToken) -> Arc<SessionEntry> {
        let mut cache = lock(&self.0);
        cache.looked_up += 1;
        let (now, fingerprint) = (cache.looked_up, fingerprint(token));
        if cache.entries.len() >= MOST_ENTRIES && !cache.entries.contains_key(&fingerprint) {
            // An entry in use is dropped last: the next lookup of its token would make a second one.
            let oldest =
                cache.entries.iter().min_by_key(|(_, (entry, used))| (Arc::strong_count(entry) > 1, *used));
            if let Some(oldest) = oldest.map(|(fingerprint, _)| *fingerprint) {
                cache.entries.remove(&oldest);
            }
        }
        let (entry, used) = cache.entries.entry(fingerprint).or_default();
        *used = now;
        Arc::clone(entry)
    }

    /// Drops the session of these credentials.
    pub(super) fn forget(&self, token: &ServerToken) {
        let entry = lock(&self.0).entries.remove(&fingerprint(token));
        if let Some((entry, _)) = entry {
            lock(&entry.state).live = None;
        }
    }
}

fn fingerprint(token: &ServerToken) -> Fingerprint {
    let mut hash = digest::Context::new(&digest::SHA256);
    for secret in [&token.consumer_key, &token.consumer_secret, &token.access_token, &token.access_secret] {
        // The length goes first, so that moving a letter from one secret to the next makes another fingerprint.
        hash.update(&secret.expose().len().to_le_bytes());
        hash.update(secret.expose().as_bytes());
    }
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(hash.finish().as_ref());
    fingerprint
}

/// One token's session and the queue of those who want a new one.
#[derive(Default)]
pub(super) struct SessionEntry {
    state: Mutex<State>,
    /// Held by the caller that sends `/session`. Waiters get in one by one and find the result; a caller that is canceled
    /// half-way frees the lock for the next.
    single_flight: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    /// Requests sent so far: the order in which answers count.
    sent: u64,
    /// Number of the newest `/session` request that was begun, and of the newest that was answered, with its outcome.
    begun: u64,
    ended: u64,
    failure: Option<AppleError>,
    known: Known,
}

/// What is known of the store in which processes share the session.
#[derive(Default)]
struct Known {
    key: String,
    /// The newest revision that was seen there, and the newest that Apple refused.
    revision: i64,
    refused: i64,
}

#[derive(Clone)]
struct Live {
    session: Arc<Secret>,
    /// The `/session` request that this session, or the one it was rotated from, came from.
    opened_by: u64,
    /// The request whose answer brought it.
    brought_by: u64,
    /// Whether other processes find it, or never will.
    is_shared: bool,
}

/// The right to send one request with a session.
pub(super) struct SessionUse {
    live: Live,
    order: u64,
}

impl SessionUse {
    pub(super) fn session(&self) -> &Secret {
        &self.live.session
    }
}

/// What a caller finds in the cache: a session, or since when to wait for one.
pub(super) enum Lookup {
    Hit(SessionUse),
    Miss(Since),
}

/// A caller accepts the outcome of any `/session` request that ends, or for a verification begins, after this.
#[derive(Clone, Copy)]
pub(super) struct Since {
    number: u64,
    verification: bool,
}

impl Since {
    /// Whether only a new `/session` request will do.
    pub(super) fn is_verification(self) -> bool {
        self.verification
    }
}

/// A caller's part in one `/session` request that all waiting callers share.
pub(super) enum Role<'a> {
    /// Another caller's request ended after this caller began to wait.
    Follower(Result<SessionUse, AppleError>),
    /// Another caller left a session that is still good.
    Cached(SessionUse),
    /// This caller has to send the request.
    Leader(SingleFlight<'a>),
}

/// The exclusive right to send `/session`, for as long as it lives.
pub(super) struct SingleFlight<'a> {
    entry: &'a SessionEntry,
    number: u64,
    order: u64,
    _alone: tokio::sync::MutexGuard<'a, ()>,
}

impl SessionEntry {
    /// The live session, if there is one.
    pub(super) fn lookup(&self) -> Lookup {
        let mut state = lock(&self.state);
        match state.use_live() {
            Some(session_use) => Lookup::Hit(session_use),
            None => Lookup::Miss(Since { number: state.ended, verification: false }),
        }
    }

    /// From now on: only requests that are begun after this call count.
    pub(super) fn since_now(&self) -> Since {
        Since { number: lock(&self.state).begun, verification: true }
    }

    /// Waits until no other caller is sending `/session`.
    pub(super) async fn join(&self, since: Since) -> Role<'_> {
        let alone = self.single_flight.lock().await;
        let mut state = lock(&self.state);
        if state.ended > since.number {
            if let Some(failure) = state.failure.clone() {
                return Role::Follower(Err(failure));
            }
            // Opened and already refused again: this caller sends its own request.
            if let Some(session_use) = state.use_live() {
                return Role::Follower(Ok(session_use));
            }
        }
        if !since.verification
            && let Some(session_use) = state.use_live()
        {
            return Role::Cached(session_use);
        }
        state.begun += 1;
        state.sent += 1;
        Role::Leader(SingleFlight { entry: self, number: state.begun, order: state.sent, _alone: alone })
    }

    /// A session came with the answer to the request of `session_use`.
    pub(super) fn rotate(&self, session_use: &SessionUse, session: Secret) {
        let mut state = lock(&self.state);
        let Some(live) = &mut state.live else { return };
        let newer = live.opened_by == session_use.live.opened_by && live.brought_by < session_use.order;
        if newer && *live.session != session {
            live.session = Arc::new(session);
            live.brought_by = session_use.order;
            live.is_shared = false;
        }
    }

    /// The session of `session_use` was refused. If it is still the newest one, there is none from now on.
    pub(super) fn refused(&self, session_use: &SessionUse) {
        let state = &mut *lock(&self.state);
        if let Some(live) = state.live.take_if(|live| live.session == session_use.live.session)
            && live.is_shared
        {
            state.known.refused = state.known.revision;
        }
    }

    /// The newest revision under `key` that Apple refused; 0 if none is known.
    pub(super) fn refused_at(&self, key: &str) -> i64 {
        lock(&self.state).known_of(key).refused
    }

    /// A session that others do not find under `key` yet, and the revision that it is to replace.
    pub(super) fn unshared(&self, key: &str) -> Option<(Arc<Secret>, i64)> {
        let mut state = lock(&self.state);
        let revision = state.known_of(key).revision;
        let live = state.live.as_ref().filter(|live| !live.is_shared)?;
        Some((Arc::clone(&live.session), revision))
    }

    /// `session` is what others find, under that revision, or the store has no row for this token any more.
    pub(super) fn shared(&self, session: &Secret, revision: i64) {
        let mut state = lock(&self.state);
        state.known.revision = state.known.revision.max(revision);
        if let Some(live) = state.live.as_mut().filter(|live| *live.session == *session) {
            live.is_shared = true;
        }
    }

    /// Others have another session: `session` is used no more, so that there is one for all.
    pub(super) fn superseded(&self, session: &Secret) {
        lock(&self.state).live.take_if(|live| *live.session == *session && !live.is_shared);
    }
}

impl State {
    fn use_live(&mut self) -> Option<SessionUse> {
        let live = self.live.clone()?;
        self.sent += 1;
        Some(SessionUse { live, order: self.sent })
    }

    fn install(&mut self, flight: &SingleFlight<'_>, session: Secret, is_shared: bool) -> SessionUse {
        let session = Arc::new(session);
        let live = Live { session, opened_by: flight.number, brought_by: flight.order, is_shared };
        self.live = Some(live.clone());
        self.sent += 1;
        SessionUse { live, order: self.sent }
    }

    /// What is known of `key`. Nothing, if it is another key than before: equal credentials may be stored twice.
    fn known_of(&mut self, key: &str) -> &Known {
        if self.known.key != key {
            self.known = Known { key: key.to_owned(), ..Known::default() };
            if let Some(live) = &mut self.live {
                live.is_shared = false;
            }
        }
        &self.known
    }
}

impl SingleFlight<'_> {
    /// Reports the outcome to all waiting callers. A failure leaves a session that may still be live alone.
    pub(super) fn end(self, outcome: Result<Secret, AppleError>) -> Result<SessionUse, AppleError> {
        let mut state = lock(&self.entry.state);
        state.ended = self.number;
        state.failure = outcome.as_ref().err().cloned();
        Ok(state.install(&self, outcome?, false))
    }

    /// No request was needed: another process has a session.
    pub(super) fn found(self, session: Secret, revision: i64) -> SessionUse {
        let mut state = lock(&self.entry.state);
        state.known.revision = revision;
        state.install(&self, session, true)
    }

    /// The session to come is to replace that revision.
    pub(super) fn claimed(&self, revision: i64) {
        lock(&self.entry.state).known.revision = revision;
    }
}

/// Nothing that is held here panics, and each change is whole, so a poisoned lock is still good.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(parts: [&str; 4]) -> ServerToken {
        let [consumer_key, consumer_secret, access_token, access_secret] =
            parts.map(|part| Secret::new(part.to_owned()));
        let access_token_expiry = jiff::Timestamp::UNIX_EPOCH;
        ServerToken { consumer_key, consumer_secret, access_token, access_secret, access_token_expiry }
    }

    #[test]
    fn credentials_are_distinguished_by_every_letter_and_its_position() {
        let entries = SessionCache::default();
        let entry = entries.entry(&token(["a", "b", "c", "d"]));
        assert!(Arc::ptr_eq(&entry, &entries.entry(&token(["a", "b", "c", "d"]))));
        for other in [["ab", "", "c", "d"], ["a", "b", "d", "c"], ["a", "b", "c", "e"], ["A", "b", "c", "d"]]
        {
            assert!(!Arc::ptr_eq(&entry, &entries.entry(&token(other))), "{other:?}");
        }
    }

    #[test]
    fn the_number_of_slots_is_bounded_and_those_in_use_stay() {
        let entries = SessionCache::default();
        let held = entries.entry(&token(["held", "", "", ""]));
        for number in 0..MOST_ENTRIES + 5 {
            entries.entry(&token([&number.to_string(), "", "", ""]));
        }
        assert_eq!(lock(&entries.0).entries.len(), MOST_ENTRIES);
        assert!(Arc::ptr_eq(&held, &entries.entry(&token(["held", "", "", ""]))));
    }
}
