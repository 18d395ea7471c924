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
    /// A key pair of a setting.
    KeyPairId,
    /// A listed device (`importedAppleDeviceIdentity`).
    DeviceId,
    /// An enrollment profile; unique within its setting.
    ProfileId,
    /// An application that may ask the built-in issuer for tokens.
    ClientId,
}

impl TenantId {
    /// The owner of rows that belong to the deployment: the sealing canary and the issuer's signing key.
    pub const DEPLOYMENT: Self = Self(Uuid::nil());

    /// Microsoft's tenant of personal accounts; its tokens are refused before any tenant is looked up.
    /// Source: Microsoft identity platform, "ID token claims reference" (`tid`).
    pub const PERSONAL_ACCOUNTS: Self = Self(Uuid::from_u128(0x9188040d_6c67_4c5b_b112_36a304b66dad));
}
