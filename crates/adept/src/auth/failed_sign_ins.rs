//! What this process remembers of sign-ins that failed. How many there may be is decided in `domain`.
//!
//! In memory, for each process alone: a secret that Adept made is not found by guessing, so that what the limit protects is
//! this process's time, its log, and a client that tries for ever.

use std::{
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use jiff::SignedDuration;

use crate::domain::{AddressShare, Buckets, ClientId, FailedSignIns, LimitExceeded, TenantId};

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Account(TenantId, ClientId),
    Address(AddressShare),
}

/// The buckets that are not full. An attacker makes no more of them than fail in a few seconds: each is full again soon.
#[derive(Default)]
pub(super) struct FailureBuckets(Mutex<Buckets<Key>>);

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
        let of = |key: Option<Key>| key.map(|key| buckets.taken(&key));
        let after = FailedSignIns { account: of(account), address: of(address) }.and_one_more(now)?;
        let after = [account.zip(after.account), address.zip(after.address)];
        buckets.keep(after.into_iter().flatten(), now);
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
}
