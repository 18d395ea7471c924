//! Throttling as Graph does it: so many requests in so many seconds, by tenant and by application. Off by default;
//! it exists to test clients, not to protect the service.
//!
//! Source: Microsoft Graph, "Service-specific throttling limits", Intune enrollment and auditing services.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};

use crate::domain::{Caller, ClientId, LimitExceeded, TenantId};

/// A limit, and which requests are counted together towards it.
struct Rule {
    by_tenant: bool,
    by_application: bool,
    only_writes: bool,
    /// The most requests.
    limit: u32,
    /// In how many seconds.
    seconds: i64,
}

const RULES: [Rule; 5] = [
    Rule { by_tenant: true, by_application: false, only_writes: false, limit: 2000, seconds: 20 },
    Rule { by_tenant: true, by_application: true, only_writes: false, limit: 1000, seconds: 20 },
    Rule { by_tenant: false, by_application: true, only_writes: false, limit: 2000, seconds: 1 },
    Rule { by_tenant: true, by_application: false, only_writes: true, limit: 200, seconds: 20 },
    Rule { by_tenant: true, by_application: true, only_writes: true, limit: 100, seconds: 20 },
];

/// The index of a rule, and whose requests are counted by it.
type ThrottleKey = (usize, Option<TenantId>, Option<ClientId>);

/// The times of the requests that still count, by what they count towards.
#[derive(Default)]
pub(super) struct ThrottleCounters {
    seen: Mutex<HashMap<ThrottleKey, VecDeque<Timestamp>>>,
}

/// How many keys are kept before those without recent requests are removed.
const KEPT: usize = 10_000;

impl ThrottleCounters {
    /// Counts a request, unless one of the limits is reached: then it is not counted.
    pub(super) fn admit(&self, caller: &Caller, writes: bool, now: Timestamp) -> Result<(), LimitExceeded> {
        let applied = RULES.iter().enumerate().filter(|(_, rule)| writes || !rule.only_writes);
        let keys: Vec<ThrottleKey> = applied
            .map(|(index, rule)| {
                let client = caller.client.filter(|_| rule.by_application);
                (index, rule.by_tenant.then_some(caller.tenant), client)
            })
            .collect();
        // A panic elsewhere leaves the counters consistent.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() > KEPT {
            seen.retain(|key, times| {
                let seconds = RULES[key.0].seconds;
                times.back().is_some_and(|last| *last > now - SignedDuration::from_secs(seconds))
            });
        }
        for key in &keys {
            let Rule { limit, seconds, .. } = RULES[key.0];
            let window = SignedDuration::from_secs(seconds);
            let times = seen.entry(*key).or_default();
            while times.front().is_some_and(|first| *first <= now - window) {
                times.pop_front();
            }
            if times.len() >= limit as usize
                && let Some(first) = times.front()
            {
                let wait = (*first + window).duration_since(now).unsigned_abs();
                return Err(LimitExceeded { limit, wait });
            }
        }
        for key in keys {
            seen.entry(key).or_default().push_back(now);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
        let throttled = ThrottleCounters::default();
        let one = caller(1, 1);
        for write in 0..100 {
            assert_eq!(throttled.admit(&one, true, at(write * 10)), Ok(()));
        }
        let refused = throttled.admit(&one, true, at(5000));
        assert_eq!(refused, Err(LimitExceeded { limit: 100, wait: Duration::from_secs(15) }));
        assert_eq!(throttled.admit(&one, false, at(5000)), Ok(()), "it may still read");
        assert_eq!(throttled.admit(&caller(2, 1), true, at(5000)), Ok(()), "another tenant may still write");
        for write in 0..100 {
            assert_eq!(throttled.admit(&caller(1, 2), true, at(5000 + write)), Ok(()));
        }
        let refused = throttled.admit(&caller(1, 3), true, at(6000)).unwrap_err();
        assert_eq!(refused.limit, 200, "the tenant as a whole reached its limit");
        assert_eq!(throttled.admit(&one, true, at(20_000)), Ok(()), "the first one no longer counts");
        assert!(throttled.admit(&one, true, at(20_000)).is_err());
    }

    #[test]
    fn an_application_asks_two_thousand_times_a_second_in_all_tenants() {
        let throttled = ThrottleCounters::default();
        for request in 0..2000 {
            assert_eq!(throttled.admit(&caller(request % 4, 7), false, at(0)), Ok(()));
        }
        let refused = throttled.admit(&caller(9, 7), false, at(1)).unwrap_err();
        assert_eq!(refused, LimitExceeded { limit: 2000, wait: Duration::from_millis(999) });
        assert_eq!(throttled.admit(&caller(9, 7), false, at(1000)), Ok(()));
    }
}
