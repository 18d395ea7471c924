//! Identifiers: one type each, so that a setting's id never passes for a tenant's.

use std::{fmt, str::FromStr};

use uuid::Uuid;

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
