//! What this process remembers of sign-ins that failed. How many there may be is decided in `domain`.
//!
//! In memory, for each process alone: a secret that Adept made is not found by guessing, so that what the limit protects is
//! this process's time, its log, and a client that tries for ever.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::SignedDuration;

use crate::domain::{AddressShare, ClientId, FailedSignIns, LimitExceeded, Taken, TenantId};

/// So many buckets are kept before full ones are looked for.
const KEPT: usize = 10_000;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Account(TenantId, ClientId),
    Address(AddressShare),
}

#[derive(Default)]
struct Buckets {
    taken: HashMap<Key, Taken>,
    /// When full ones are looked for again: a search pays for itself.
    search_at: usize,
}

/// The buckets that are not full. An attacker makes no more of them than fail in a few seconds: each is full again soon.
#[derive(Default)]
pub(super) struct FailureBuckets(Mutex<Buckets>);

impl FailureBuckets {
    /// Counts a sign-in that failed at `now` of the monotonic clock, unless it is one too many.
    pub(super) fn count(
        &self,
        account: Option<(TenantId, ClientId)>,
        address: Option<IpAddr>,
        now: SignedDuration,
    ) -> Result<(), LimitExceeded> {
        let account = account.map(|(tenant, client)| Key::Account(tenant, client));
        let address = address.map(|address| Key::Address(AddressShare::of(address)));
        // A panic elsewhere leaves the buckets consistent.
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |key: Option<Key>| key.map(|key| buckets.taken.get(&key).copied().unwrap_or_default());
        let after = FailedSignIns { account: of(account), address: of(address) }.and_one_more(now)?;
        let after = [account.zip(after.account), address.zip(after.address)];
        buckets.taken.extend(after.into_iter().flatten());
        if buckets.taken.len() > buckets.search_at.max(KEPT) {
            buckets.taken.retain(|_, taken| !taken.is_full(now));
            buckets.search_at = 2 * buckets.taken.len();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn account(number: u128) -> Option<(TenantId, ClientId)> {
        Some((TenantId(Uuid::from_u128(1)), ClientId(Uuid::from_u128(number))))
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn accounts_and_addresses_have_buckets_of_their_own() {
        let (buckets, now) = (FailureBuckets::default(), SignedDuration::ZERO);
        for number in 0..100 {
            buckets.count(account(number), address("2001:db8::1"), now).unwrap();
        }
        let same_network = buckets.count(account(200), address("2001:db8::2"), now).unwrap_err();
        assert_eq!(same_network.limit, 100);
        buckets.count(account(200), address("2001:db8:0:1::1"), now).unwrap();
        for _ in 0..20 {
            buckets.count(account(300), None, now).unwrap();
        }
        assert_eq!(buckets.count(account(300), address("192.0.2.1"), now).unwrap_err().limit, 20);
        buckets.count(account(300), address("192.0.2.1"), SignedDuration::from_secs(3)).unwrap();
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let buckets = FailureBuckets::default();
        for number in 0..100_000u128 {
            let second = SignedDuration::from_secs(i64::try_from(number / 1000).unwrap());
            buckets.count(account(number), None, second).unwrap();
        }
        assert!(buckets.0.lock().unwrap().taken.len() <= KEPT + 1);
    }
}
