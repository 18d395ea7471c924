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
const MOST_SLOTS: usize = 10_000;

/// SHA-256 of the four secrets of a token.
type Fingerprint = [u8; 32];

/// The sessions of one client.
#[derive(Default)]
pub(super) struct Slots(Mutex<Shelf>);

#[derive(Default)]
struct Shelf {
    slots: HashMap<Fingerprint, (Arc<Slot>, u64)>,
    /// Grows with each look-up: a clock for "unused for longest".
    looked_up: u64,
}

impl Slots {
    /// The slot of these credentials; two calls with equal credentials share one.
    pub(super) fn slot(&self, token: &ServerToken) -> Arc<Slot> {
        let mut shelf = lock(&self.0);
        shelf.looked_up += 1;
        let (now, fingerprint) = (shelf.looked_up, fingerprint(token));
        if shelf.slots.len() >= MOST_SLOTS && !shelf.slots.contains_key(&fingerprint) {
            // A slot that somebody holds is dropped last: it would be doubled when that token is asked for again.
            let oldest =
                shelf.slots.iter().min_by_key(|(_, (slot, used))| (Arc::strong_count(slot) > 1, *used));
            if let Some(oldest) = oldest.map(|(fingerprint, _)| *fingerprint) {
                shelf.slots.remove(&oldest);
            }
        }
        let (slot, used) = shelf.slots.entry(fingerprint).or_default();
        *used = now;
        Arc::clone(slot)
    }

    /// Drops the session of these credentials.
    pub(super) fn forget(&self, token: &ServerToken) {
        let slot = lock(&self.0).slots.remove(&fingerprint(token));
        if let Some((slot, _)) = slot {
            lock(&slot.state).live = None;
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
pub(super) struct Slot {
    state: Mutex<State>,
    /// Held by whoever asks `/session`. Waiters get in one by one and find the result; a caller that gives up half-way
    /// frees the place for the next.
    flight: tokio::sync::Mutex<()>,
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

/// What is known of the place where processes share the session.
#[derive(Default)]
struct Known {
    place: String,
    /// The newest revision that was seen there, and the newest that Apple refused.
    revision: i64,
    refused: i64,
}

#[derive(Clone)]
struct Live {
    session: Arc<Secret>,
    /// The `/session` request that this session, or the one it was rotated from, came from.
    flight: u64,
    /// The request whose answer brought it.
    brought_by: u64,
    /// Whether other processes find it, or never will.
    is_shared: bool,
}

/// The right to send one request with a session.
pub(super) struct Ticket {
    live: Live,
    order: u64,
}

impl Ticket {
    pub(super) fn session(&self) -> &Secret {
        &self.live.session
    }
}

/// What a caller finds: a session, or since when to wait for one.
pub(super) enum Boarding {
    Ready(Ticket),
    Closed(Since),
}

/// A caller takes the outcome of every `/session` request that ends, or for a verification begins, after this.
#[derive(Clone, Copy)]
pub(super) struct Since {
    number: u64,
    verification: bool,
}

impl Since {
    /// Whether only a new `/session` request will do.
    pub(super) fn is_proof(self) -> bool {
        self.verification
    }
}

/// A place in the queue: somebody else's outcome, a session that somebody else found, or the turn to ask.
pub(super) enum Turn<'a> {
    Ended(Result<Ticket, AppleError>),
    Found(Ticket),
    Mine(Flight<'a>),
}

/// The turn to ask `/session`, for as long as it lives.
pub(super) struct Flight<'a> {
    slot: &'a Slot,
    number: u64,
    order: u64,
    _alone: tokio::sync::MutexGuard<'a, ()>,
}

impl Slot {
    /// A ticket if there is a session.
    pub(super) fn board(&self) -> Boarding {
        let mut state = lock(&self.state);
        match state.ticket() {
            Some(ticket) => Boarding::Ready(ticket),
            None => Boarding::Closed(Since { number: state.ended, verification: false }),
        }
    }

    /// From now on: only requests that are begun after this call count.
    pub(super) fn since_now(&self) -> Since {
        Since { number: lock(&self.state).begun, verification: true }
    }

    /// Waits until nobody else is asking `/session`.
    pub(super) async fn turn(&self, since: Since) -> Turn<'_> {
        let alone = self.flight.lock().await;
        let mut state = lock(&self.state);
        if state.ended > since.number {
            if let Some(failure) = state.failure.clone() {
                return Turn::Ended(Err(failure));
            }
            // Opened and already refused again: this caller asks itself.
            if let Some(ticket) = state.ticket() {
                return Turn::Ended(Ok(ticket));
            }
        }
        if !since.verification
            && let Some(ticket) = state.ticket()
        {
            return Turn::Found(ticket);
        }
        state.begun += 1;
        state.sent += 1;
        Turn::Mine(Flight { slot: self, number: state.begun, order: state.sent, _alone: alone })
    }

    /// A session came with the answer to the request of `ticket`.
    pub(super) fn rotate(&self, ticket: &Ticket, session: Secret) {
        let mut state = lock(&self.state);
        let Some(live) = &mut state.live else { return };
        let newer = live.flight == ticket.live.flight && live.brought_by < ticket.order;
        if newer && *live.session != session {
            live.session = Arc::new(session);
            live.brought_by = ticket.order;
            live.is_shared = false;
        }
    }

    /// The session of `ticket` was refused. If it is still the newest one, there is none from now on.
    pub(super) fn refused(&self, ticket: &Ticket) {
        let state = &mut *lock(&self.state);
        if let Some(live) = state.live.take_if(|live| live.session == ticket.live.session)
            && live.is_shared
        {
            state.known.refused = state.known.revision;
        }
    }

    /// The newest revision in `place` that Apple refused; 0 if none is known.
    pub(super) fn refused_at(&self, place: &str) -> i64 {
        lock(&self.state).known_at(place).refused
    }

    /// A session that others do not find in `place` yet, and the revision that it is to replace.
    pub(super) fn unshared(&self, place: &str) -> Option<(Arc<Secret>, i64)> {
        let mut state = lock(&self.state);
        let revision = state.known_at(place).revision;
        let live = state.live.as_ref().filter(|live| !live.is_shared)?;
        Some((Arc::clone(&live.session), revision))
    }

    /// `session` is what others find, under that revision, or there is no place any more where they could.
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
    fn ticket(&mut self) -> Option<Ticket> {
        let live = self.live.clone()?;
        self.sent += 1;
        Some(Ticket { live, order: self.sent })
    }

    fn take_off(&mut self, flight: &Flight<'_>, session: Secret, is_shared: bool) -> Ticket {
        let session = Arc::new(session);
        let live = Live { session, flight: flight.number, brought_by: flight.order, is_shared };
        self.live = Some(live.clone());
        self.sent += 1;
        Ticket { live, order: self.sent }
    }

    /// What is known of `place`. Nothing, if it is another place than before: equal credentials may be stored twice.
    fn known_at(&mut self, place: &str) -> &Known {
        if self.known.place != place {
            self.known = Known { place: place.to_owned(), ..Known::default() };
            if let Some(live) = &mut self.live {
                live.is_shared = false;
            }
        }
        &self.known
    }
}

impl Flight<'_> {
    /// Tells everybody who waits how it ended. A failure leaves a session that may still be live alone.
    pub(super) fn end(self, outcome: Result<Secret, AppleError>) -> Result<Ticket, AppleError> {
        let mut state = lock(&self.slot.state);
        state.ended = self.number;
        state.failure = outcome.as_ref().err().cloned();
        Ok(state.take_off(&self, outcome?, false))
    }

    /// There was no need to ask: another process has a session.
    pub(super) fn found(self, session: Secret, revision: i64) -> Ticket {
        let mut state = lock(&self.slot.state);
        state.known.revision = revision;
        state.take_off(&self, session, true)
    }

    /// The session to come is to replace that revision.
    pub(super) fn claimed(&self, revision: i64) {
        lock(&self.slot.state).known.revision = revision;
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
    fn credentials_are_told_apart_by_every_letter_and_its_place() {
        let slots = Slots::default();
        let slot = slots.slot(&token(["a", "b", "c", "d"]));
        assert!(Arc::ptr_eq(&slot, &slots.slot(&token(["a", "b", "c", "d"]))));
        for other in [["ab", "", "c", "d"], ["a", "b", "d", "c"], ["a", "b", "c", "e"], ["A", "b", "c", "d"]]
        {
            assert!(!Arc::ptr_eq(&slot, &slots.slot(&token(other))), "{other:?}");
        }
    }

    #[test]
    fn the_number_of_slots_is_bounded_and_those_in_use_stay() {
        let slots = Slots::default();
        let held = slots.slot(&token(["held", "", "", ""]));
        for number in 0..MOST_SLOTS + 5 {
            slots.slot(&token([&number.to_string(), "", "", ""]));
        }
        assert_eq!(lock(&slots.0).slots.len(), MOST_SLOTS);
        assert!(Arc::ptr_eq(&held, &slots.slot(&token(["held", "", "", ""]))));
    }
}
