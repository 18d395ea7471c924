//! Identifiers: one type each, so that a setting's id never passes for a tenant's.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use uuid::{Builder, Uuid};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// A tenant (directory). Every row but the deployment's own belongs to one.
    TenantId,
    /// An onboarding setting (`depOnboardingSetting`).
    SettingId,
    /// A stored server token; unique within its setting.
    TokenId,
    /// A key pair of a setting.
    KeyPairId,
    /// A listed device (`importedAppleDeviceIdentity`).
    DeviceId,
    /// An enrollment profile; unique within its setting.
    ProfileId,
    /// An application that may ask the built-in issuer for tokens.
    ClientId,
}

/// A setting and its owner: what names everything that belongs to a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SettingKey {
    /// The owner.
    pub tenant: TenantId,
    /// The setting.
    pub id: SettingId,
}

impl SettingKey {
    /// The setting `id` of `tenant`.
    pub const fn new(tenant: TenantId, id: SettingId) -> Self {
        Self { tenant, id }
    }
}

impl TenantId {
    /// The owner of rows that belong to the deployment: the sealing canary and the issuer's signing key.
    pub const DEPLOYMENT: Self = Self(Uuid::nil());

    /// Microsoft's tenant of personal accounts; its tokens are refused before any tenant is looked up.
    /// Source: Microsoft identity platform, "ID token claims reference" (`tid`).
    pub const PERSONAL_ACCOUNTS: Self = Self(Uuid::from_u128(0x9188040d_6c67_4c5b_b112_36a304b66dad));
}

/// The lowest id that is made at a time: a UUIDv7 whose first 64 bits tell the microsecond, so that ids are in the order of the
/// times that they were made at. Times before 1970 count as 1970.
/// Source: RFC 9562, §6.2, method 3 (the part of a millisecond stands in the 12 bits behind the version).
pub fn first_id_at(time: Timestamp) -> Uuid {
    let micros = u64::try_from(time.as_microsecond()).unwrap_or(0);
    let part = (micros % 1000 * 4096 / 1000) as u16;
    let [high, low] = part.to_be_bytes();
    Builder::from_unix_timestamp_millis(micros / 1000, &[high, low, 0, 0, 0, 0, 0, 0, 0, 0]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_in_the_order_of_the_microseconds_they_were_made_at() {
        let at = |micros| first_id_at(Timestamp::from_microsecond(micros).unwrap());
        let days = [
            -5,
            0,
            1,
            999,
            1000,
            1001,
            1_764_000_000_000_000,
            1_764_000_000_000_001,
            253_402_207_200_000_000,
        ];
        for pair in days.windows(2) {
            let order = if pair[0] < 0 { std::cmp::Ordering::Equal } else { std::cmp::Ordering::Less };
            assert_eq!(at(pair[0]).cmp(&at(pair[1])), order, "{pair:?}");
        }
        assert_eq!(at(1_764_000_000_000_500).to_string(), "019ab697-e800-7800-8000-000000000000");
    }
}
