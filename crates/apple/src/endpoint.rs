//! The calls of Apple's service, each with its method and path. What they carry is in `client/`.

use std::fmt;

/// The calls of Apple's service that this library makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET /session`: credentials in, session out.
    Session,
    /// `GET /account`: whose server this is.
    Account,
    /// `POST /server/devices`: one page of all devices.
    FetchDevices,
    /// `POST /devices/sync`: one page of changes.
    SyncDevices,
    /// `POST /devices`: details of named devices.
    DeviceDetails,
    /// `POST /devices/disown`: devices leave the organization for good.
    DisownDevices,
    /// `POST /device/activationlock`: one device is locked.
    ActivationLock,
    /// `GET /device/replacementDetails`: which device one replaces.
    ReplacementDetails,
    /// `POST /profile`: a new profile.
    DefineProfile,
    /// `GET /profile`: a profile as Apple keeps it.
    ReadProfile,
    /// `POST /profile/devices`: devices get a profile. By `PUT`, the older form, if the client is configured so.
    AssignProfile,
    /// `DELETE /profile/devices`: devices lose their profile.
    RemoveProfile,
    /// `POST /account-driven-enrollment/profile`: where devices find the service for a managed Apple account.
    SetServiceDiscovery,
    /// `GET /account-driven-enrollment/profile`.
    ServiceDiscovery,
    /// `DELETE /account-driven-enrollment/profile`.
    ClearServiceDiscovery,
    /// `GET /os-beta-enrollment/tokens`: what lets devices take part in beta releases.
    BetaTokens,
}

impl Endpoint {
    /// The path, as Apple's account detail lists it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Session => "/session",
            Self::Account => "/account",
            Self::FetchDevices => "/server/devices",
            Self::SyncDevices => "/devices/sync",
            Self::DeviceDetails => "/devices",
            Self::DisownDevices => "/devices/disown",
            // Singular, unlike all that take several devices.
            Self::ActivationLock => "/device/activationlock",
            Self::ReplacementDetails => "/device/replacementDetails",
            Self::DefineProfile | Self::ReadProfile => "/profile",
            Self::AssignProfile | Self::RemoveProfile => "/profile/devices",
            Self::SetServiceDiscovery | Self::ServiceDiscovery | Self::ClearServiceDiscovery => {
                "/account-driven-enrollment/profile"
            }
            Self::BetaTokens => "/os-beta-enrollment/tokens",
        }
    }

    /// `GET`, `POST` or `DELETE`.
    #[must_use]
    pub const fn method(self) -> &'static str {
        match self {
            Self::Session
            | Self::Account
            | Self::ReplacementDetails
            | Self::ReadProfile
            | Self::ServiceDiscovery
            | Self::BetaTokens => "GET",
            Self::FetchDevices
            | Self::SyncDevices
            | Self::DeviceDetails
            | Self::DisownDevices
            | Self::ActivationLock
            | Self::DefineProfile
            | Self::AssignProfile
            | Self::SetServiceDiscovery => "POST",
            Self::RemoveProfile | Self::ClearServiceDiscovery => "DELETE",
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
