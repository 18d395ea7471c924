//! Throttling as Graph does it: so many requests in so many seconds, by tenant and by application. Off unless asked for;
//! it is there to try clients against, not to protect the service.
//!
//! Source: Microsoft Graph, "Service-specific throttling limits", Intune enrollment and auditing services.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Caller, ClientId, TenantId};

/// Whether and how callers are throttled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Throttle {
    /// Nobody is.
    #[default]
    Off,
    /// By Graph's documented figures.
    Graph,
}

/// What is counted together.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Counted {
    WritesOfTenant(TenantId),
    WritesOfApplication(TenantId, Option<ClientId>),
    RequestsOfTenant(TenantId),
    RequestsOfApplication(TenantId, Option<ClientId>),
    /// In all tenants.
    RequestsEverywhere(Option<ClientId>),
}

impl Counted {
    /// How many there may be, and in how many seconds.
    const fn limit(self) -> (u32, i64) {
        match self {
            Self::WritesOfTenant(_) => (200, 20),
            Self::WritesOfApplication(..) => (100, 20),
            Self::RequestsOfTenant(_) => (2000, 20),
            Self::RequestsOfApplication(..) => (1000, 20),
            Self::RequestsEverywhere(_) => (2000, 1),
        }
    }
}

/// A caller has had enough for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exceeded {
    /// How many there may be.
    pub(super) limit: u32,
    /// Until there is room again.
    pub(super) wait: Duration,
}

/// The times of the requests that still count, by what they count towards.
#[derive(Default)]
pub(super) struct Throttled {
    seen: Mutex<HashMap<Counted, VecDeque<Timestamp>>>,
}

/// How many of them are kept before those that no longer matter are cleared away.
const KEPT: usize = 10_000;

impl Throttled {
    /// Counts a request, unless one of the limits is reached: then it is not counted.
    pub(super) fn admit(&self, caller: &Caller, writes: bool, now: Timestamp) -> Result<(), Exceeded> {
        let (tenant, client) = (caller.tenant, caller.client);
        let mut towards = vec![
            Counted::RequestsOfTenant(tenant),
            Counted::RequestsOfApplication(tenant, client),
            Counted::RequestsEverywhere(client),
        ];
        if writes {
            towards.push(Counted::WritesOfTenant(tenant));
            towards.push(Counted::WritesOfApplication(tenant, client));
        }
        // What is behind the lock is whole at any moment.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() > KEPT {
            seen.retain(|counted, times| {
                let (_, seconds) = counted.limit();
                times.back().is_some_and(|last| *last > now - SignedDuration::from_secs(seconds))
            });
        }
        for counted in &towards {
            let (limit, seconds) = counted.limit();
            let window = SignedDuration::from_secs(seconds);
            let times = seen.entry(*counted).or_default();
            while times.front().is_some_and(|first| *first <= now - window) {
                times.pop_front();
            }
            if times.len() >= limit as usize
                && let Some(first) = times.front()
            {
                let wait = (*first + window).duration_since(now).unsigned_abs();
                return Err(Exceeded { limit, wait });
            }
        }
        for counted in towards {
            seen.entry(counted).or_default().push_back(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(tenant: u128, client: u128) -> Caller {
        let client = Some(ClientId(uuid::Uuid::from_u128(client)));
        Caller { client, ..Caller::operator(TenantId(uuid::Uuid::from_u128(tenant))) }
    }

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn an_application_writes_a_hundred_times_in_twenty_seconds() {
        let throttled = Throttled::default();
        let one = caller(1, 1);
        for write in 0..100 {
            assert_eq!(throttled.admit(&one, true, at(write * 10)), Ok(()));
        }
        let refused = throttled.admit(&one, true, at(5000));
        assert_eq!(refused, Err(Exceeded { limit: 100, wait: Duration::from_secs(15) }));
        assert_eq!(throttled.admit(&one, false, at(5000)), Ok(()), "it may still read");
        assert_eq!(throttled.admit(&caller(2, 1), true, at(5000)), Ok(()), "another tenant may still write");
        for write in 0..100 {
            assert_eq!(throttled.admit(&caller(1, 2), true, at(5000 + write)), Ok(()));
        }
        let refused = throttled.admit(&caller(1, 3), true, at(6000)).unwrap_err();
        assert_eq!(refused.limit, 200, "the tenant as a whole has had enough");
        assert_eq!(throttled.admit(&one, true, at(20_000)), Ok(()), "the first one no longer counts");
        assert!(throttled.admit(&one, true, at(20_000)).is_err());
    }

    #[test]
    fn an_application_asks_two_thousand_times_a_second_in_all_tenants() {
        let throttled = Throttled::default();
        for request in 0..2000 {
            assert_eq!(throttled.admit(&caller(request % 4, 7), false, at(0)), Ok(()));
        }
        let refused = throttled.admit(&caller(9, 7), false, at(1)).unwrap_err();
        assert_eq!(refused, Exceeded { limit: 2000, wait: Duration::from_millis(999) });
        assert_eq!(throttled.admit(&caller(9, 7), false, at(1000)), Ok(()));
    }
}
