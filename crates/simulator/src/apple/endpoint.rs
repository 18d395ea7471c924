//! Which paths there are, and with which methods.

use axum::http::Method;

use crate::world::Switches;

/// The paths that are served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Endpoint {
    Session,
    Account,
    ServerDevices,
    DevicesSync,
    Devices,
    Disown,
    ActivationLock,
    ReplacementDetails,
    Profile,
    ProfileDevices,
    AccountDriven,
    BetaTokens,
}

impl Endpoint {
    pub(super) const ALL: [Endpoint; 12] = [
        Endpoint::Account,
        Endpoint::AccountDriven,
        Endpoint::ActivationLock,
        Endpoint::BetaTokens,
        Endpoint::Devices,
        Endpoint::DevicesSync,
        Endpoint::Disown,
        Endpoint::Profile,
        Endpoint::ProfileDevices,
        Endpoint::ReplacementDetails,
        Endpoint::ServerDevices,
        Endpoint::Session,
    ];

    pub(super) fn path(self) -> &'static str {
        match self {
            Endpoint::Session => "/session",
            Endpoint::Account => "/account",
            Endpoint::ServerDevices => "/server/devices",
            Endpoint::DevicesSync => "/devices/sync",
            Endpoint::Devices => "/devices",
            Endpoint::Disown => "/devices/disown",
            Endpoint::ActivationLock => "/device/activationlock",
            Endpoint::ReplacementDetails => "/device/replacementDetails",
            Endpoint::Profile => "/profile",
            Endpoint::ProfileDevices => "/profile/devices",
            Endpoint::AccountDriven => "/account-driven-enrollment/profile",
            Endpoint::BetaTokens => "/os-beta-enrollment/tokens",
        }
    }

    /// The methods that the path takes, in the order in which `/account` lists them.
    pub(super) fn methods(self, switches: &Switches) -> &'static [Method] {
        match self {
            Endpoint::Session | Endpoint::Account | Endpoint::ReplacementDetails | Endpoint::BetaTokens => {
                &[Method::GET]
            }
            Endpoint::ServerDevices
            | Endpoint::DevicesSync
            | Endpoint::Devices
            | Endpoint::Disown
            | Endpoint::ActivationLock => &[Method::POST],
            Endpoint::Profile => &[Method::GET, Method::POST],
            Endpoint::ProfileDevices if switches.assign_by_put_only => &[Method::DELETE, Method::PUT],
            Endpoint::ProfileDevices => &[Method::DELETE, Method::POST, Method::PUT],
            Endpoint::AccountDriven => &[Method::DELETE, Method::GET, Method::POST],
        }
    }

    /// Whether a call may leave anything different.
    pub(super) fn changes_something(self, method: &Method) -> bool {
        match self {
            Endpoint::Disown | Endpoint::ActivationLock | Endpoint::ProfileDevices => true,
            Endpoint::Profile | Endpoint::AccountDriven => method != Method::GET,
            _ => false,
        }
    }
}
