//! Sessions: opened with a signature, carried in `X-ADM-Auth-Session`, rotated and ended as the switches say.

use std::collections::{HashMap, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::nonces::{Nonces, WINDOW};
use super::{SignatureClock, World};
use crate::clock;

/// Beyond this many sessions the oldest are forgotten, as after a restart.
const REMEMBERED: usize = 200_000;

/// The 64 bytes behind the 128 hex digits.
type Key = [u8; 64];

/// Every session that is remembered, oldest first in `order`.
#[derive(Default)]
pub(super) struct Sessions {
    open: HashMap<Key, Session>,
    order: VecDeque<Key>,
}

struct Session {
    server: usize,
    /// The generation of the token that it was opened with.
    generation: u64,
    opened: Timestamp,
    answers: u32,
    /// Ended before its time.
    expired: bool,
}

/// Why a call is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionRefused {
    /// No session token was sent.
    Missing,
    /// Never issued, forgotten, rotated out, or of a token that was replaced.
    Unknown,
    /// ManualFields out, but too long ago.
    Expired,
}

/// A call that is let in.
pub(crate) struct Admitted {
    pub(crate) server: usize,
    /// The session token to use from now on, when it is time for a new one.
    pub(crate) rotated: Option<String>,
}

impl World {
    /// Whether a signature's timestamp is near enough to `now`.
    pub(crate) fn timely(&self, timestamp: i64, now: Timestamp) -> bool {
        let now = match self.switches.signature_clock {
            SignatureClock::Simulator => now,
            SignatureClock::Machine => clock::machine(),
            SignatureClock::Any => return true,
        };
        now.as_second().abs_diff(timestamp) <= WINDOW.unsigned_abs().as_secs()
    }

    /// Notes the nonce of a valid signature; `false` when it was used before.
    pub(crate) fn note_nonce(&mut self, consumer: &str, nonce: &str, now: Timestamp) -> bool {
        self.nonces.note(consumer, nonce, now)
    }

    /// Opens a session for a server: 128 upper-case hex digits.
    pub(crate) fn open_session(&mut self, server: usize, now: Timestamp) -> String {
        let generation = self.servers[server].generation;
        if self.switches.single_session {
            self.sessions.open.retain(|_, session| session.server != server);
        }
        self.new_session(server, generation, now)
    }

    fn new_session(&mut self, server: usize, generation: u64, now: Timestamp) -> String {
        let bytes = self.random.bytes::<64>("session");
        let session = Session { server, generation, opened: now, answers: 0, expired: false };
        self.sessions.remember(bytes, session);
        write_key(&bytes)
    }

    /// Judges the session token of a call and counts its answer.
    pub(crate) fn admit(&mut self, token: Option<&str>, now: Timestamp) -> Result<Admitted, SessionRefused> {
        let token = token.filter(|token| !token.is_empty()).ok_or(SessionRefused::Missing)?;
        let key = read_key(token).ok_or(SessionRefused::Unknown)?;
        let session = self.sessions.open.get_mut(&key).ok_or(SessionRefused::Unknown)?;
        let server = session.server;
        if !self.servers.get(server).is_some_and(|server| server.lives(session.generation, now)) {
            return Err(SessionRefused::Unknown);
        }
        let ttl = SignedDuration::from_secs(self.switches.session_ttl_seconds.into());
        if session.expired || now.duration_since(session.opened) >= ttl {
            return Err(SessionRefused::Expired);
        }
        session.answers += 1;
        let generation = session.generation;
        if self.switches.rotate_every == 0 || !session.answers.is_multiple_of(self.switches.rotate_every) {
            return Ok(Admitted { server, rotated: None });
        }
        if !self.switches.rotation_keeps_old {
            self.sessions.open.remove(&key);
        }
        Ok(Admitted { server, rotated: Some(self.new_session(server, generation, now)) })
    }

    /// The position of the server that a session token was issued for.
    pub(crate) fn sessions_server(&self, token: &str) -> Option<usize> {
        self.sessions.open.get(&read_key(token)?).map(|session| session.server)
    }

    /// Makes a session too old from now on.
    pub(crate) fn expire_session(&mut self, token: &str) {
        if let Some(session) = read_key(token).and_then(|key| self.sessions.open.get_mut(&key)) {
            session.expired = true;
        }
    }

    /// Makes a session unknown from now on.
    pub(crate) fn forget_session(&mut self, token: &str) {
        if let Some(key) = read_key(token) {
            self.sessions.open.remove(&key);
        }
    }

    /// A new session token in the place of one that is known.
    pub(crate) fn rotate_session(&mut self, token: &str, keep_old: bool, now: Timestamp) -> Option<String> {
        let key = read_key(token)?;
        let Session { server, generation, .. } = *self.sessions.open.get(&key)?;
        if !keep_old {
            self.sessions.open.remove(&key);
        }
        Some(self.new_session(server, generation, now))
    }

    /// Makes all sessions too old, of one server or of every one.
    pub(crate) fn expire_sessions(&mut self, server: Option<usize>) {
        for session in self.sessions.open.values_mut() {
            session.expired |= server.is_none_or(|server| session.server == server);
        }
    }

    /// Forgets sessions and nonces, as a program does that starts again.
    pub(crate) fn restart(&mut self) {
        self.sessions = Sessions::default();
        self.nonces = Nonces::default();
    }
}

impl Sessions {
    fn remember(&mut self, key: Key, session: Session) {
        self.open.insert(key, session);
        self.order.push_back(key);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.open.remove(&oldest);
        }
    }
}

fn write_key(key: &Key) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    key.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Exactly 128 upper-case hex digits, nothing else.
fn read_key(token: &str) -> Option<Key> {
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    };
    let mut key = [0; 64];
    if token.len() != 128 {
        return None;
    }
    for (byte, pair) in key.iter_mut().zip(token.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(key)
}
