//! Limits of requests by application, tenant and address, where the operator asks for them. In memory, for each process alone.

use std::sync::{Mutex, PoisonError};

use jiff::SignedDuration;

use crate::domain::{
    AddressShare, Buckets, Caller, ClientAddress, ClientId, LimitExceeded, Quota, RateLimit, TenantId,
};

/// So many requests a minute; none is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestLimits {
    /// Of one application.
    pub of_client: Option<RateLimit>,
    /// Of one tenant.
    pub of_tenant: Option<RateLimit>,
    /// From one address.
    pub from_address: Option<RateLimit>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Client(TenantId, Option<ClientId>),
    Tenant(TenantId),
    Address(AddressShare),
}

/// A limit that was reached: its word in metrics, and the limit.
pub(super) type Reached = (&'static str, LimitExceeded);

/// What requests took.
#[derive(Default)]
pub(super) struct LimitCounters {
    limits: RequestLimits,
    taken: Mutex<Buckets<Key>>,
}

impl LimitCounters {
    pub(super) fn new(limits: RequestLimits) -> Self {
        Self { limits, taken: Mutex::default() }
    }

    /// Counts a request from an address, before anything else is looked at.
    pub(super) fn admit_address(
        &self,
        address: Option<ClientAddress>,
        now: SignedDuration,
    ) -> Result<Option<Quota>, Reached> {
        let key = address.map(|ClientAddress(address)| Key::Address(AddressShare::of(address)));
        self.admit([("address", self.limits.from_address, key)], now)
    }

    /// Counts a request of a caller. Where one limit is reached it counts towards none.
    pub(super) fn admit_caller(
        &self,
        caller: &Caller,
        now: SignedDuration,
    ) -> Result<Option<Quota>, Reached> {
        let client = ("client", self.limits.of_client, Some(Key::Client(caller.tenant, caller.client)));
        let tenant = ("tenant", self.limits.of_tenant, Some(Key::Tenant(caller.tenant)));
        self.admit([client, tenant], now)
    }

    /// What is left of the limit that is nearest, where any applies.
    fn admit<const N: usize>(
        &self,
        limits: [(&'static str, Option<RateLimit>, Option<Key>); N],
        now: SignedDuration,
    ) -> Result<Option<Quota>, Reached> {
        if limits.iter().all(|(_, limit, _)| limit.is_none()) {
            return Ok(None);
        }
        let applied = limits.into_iter().filter_map(|(by, limit, key)| Some((by, limit?, key?)));
        let mut buckets = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut after, mut nearest) = (Vec::new(), None);
        for (by, limit, key) in applied {
            let taken = limit.take(buckets.taken(&key), now).map_err(|exceeded| (by, exceeded))?;
            nearest = nearer(nearest, Some(limit.quota(taken, now)));
            after.push((key, taken));
        }
        buckets.keep(after, now);
        Ok(nearest)
    }
}

/// The one of which less is left.
pub(super) fn nearer(one: Option<Quota>, other: Option<Quota>) -> Option<Quota> {
    one.into_iter().chain(other).min_by_key(|quota| quota.remaining)
}
