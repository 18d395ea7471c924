//! The switches of `PUT /_sim/options`: where Apple's behavior is unknown or varies, each reading can be chosen.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{PortalRefused, World};

/// How an error code is written into a body.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ErrorBodies {
    /// `INVALID_CURSOR`
    Bare,
    /// ` INVALID_CURSOR` with space and line end around it
    Padded,
    /// `"INVALID_CURSOR"`
    Quoted,
    /// `{"code":"INVALID_CURSOR"}`
    Code,
}

/// Which calls are refused for their `User-Agent`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum UserAgentChecks {
    /// The device calls, as Apple documents it.
    Devices,
    /// `/session` and `/account` as well.
    Everywhere,
}

/// What a `deleted` entry of a sync page holds.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DeletedRecords {
    /// Serial number and operation only.
    Bare,
    /// The device as it was last.
    Full,
}

/// What sync says on the new server when a device was moved there.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MovedIn {
    Added,
    Modified,
}

/// What details say about a device that the server does not have.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum UnknownDevice {
    NotAccessible,
    NotFound,
}

/// What assigning an unknown profile is refused with, at status 404.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum UnknownProfile {
    #[serde(rename = "PROFILE_NOT_FOUND")]
    ProfileNotFound,
    #[serde(rename = "NOT_FOUND")]
    NotFound,
    /// An empty body.
    #[serde(rename = "")]
    Empty,
}

/// What a disown is answered with when the server may not release devices.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DisownRefusal {
    /// 403 `ACCESS_DENIED`
    AccessDenied,
    /// `FAILED` for each device
    Failed,
}

/// The name of the list in `/os-beta-enrollment/tokens`.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum BetaTokensKey {
    /// As documented.
    BetaEnrollmentTokens,
    /// As seen from the real service.
    SeedBuildTokens,
    Both,
}

/// How `Retry-After` is written.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RetryAfter {
    Seconds,
    /// An HTTP date.
    Date,
    /// Not at all.
    Absent,
}

/// What a fetch continued after too long a time is answered with.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) enum OldFetchCursor {
    /// The next page.
    #[serde(rename = "works")]
    Works,
    #[serde(rename = "EXPIRED_CURSOR")]
    Expired,
    #[serde(rename = "INVALID_CURSOR")]
    Invalid,
}

/// What time the timestamp of a signature must be near to.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum SignatureClock {
    /// The simulator's, which may have been moved.
    Simulator,
    /// The machine's, for clients whose clock cannot be moved along.
    Machine,
    /// None: any timestamp will do.
    Any,
}

/// The switches. `Default` is the behavior that the public sources agree on most.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Switches {
    /// The status of `signature_invalid` and `token_rejected`: 401 or 403.
    pub(crate) credential_status: u16,
    pub(crate) error_bodies: ErrorBodies,
    /// Page size when a call names none, advertised by `/account`; 1 or more.
    pub(crate) limit_default: u32,
    /// Largest page, advertised by `/account`; 1 or more.
    pub(crate) limit_maximum: u32,
    /// A limit out of range is 400 `MALFORMED_REQUEST_BODY` instead of being clamped.
    pub(crate) strict_limits: bool,
    /// Every n-th answer of a session carries a new session token; 0 means never.
    pub(crate) rotate_every: u32,
    /// A rotated-out session token stays valid until its time is up.
    pub(crate) rotation_keeps_old: bool,
    /// Seconds that a session lives. Apple publishes none.
    pub(crate) session_ttl_seconds: u32,
    /// A new session ends the earlier ones of the same server.
    pub(crate) single_session: bool,
    /// Seconds after which a cursor is `EXPIRED_CURSOR` for sync.
    pub(crate) cursor_ttl_seconds: u32,
    /// Cursors of more than 128 characters.
    pub(crate) long_cursors: bool,
    pub(crate) deleted_records: DeletedRecords,
    pub(crate) user_agent_checks: UserAgentChecks,
    /// Calls of a server within `call_throttle_seconds` before `TOO_MANY_REQUESTS`; 0 means without limit.
    pub(crate) call_throttle_count: u32,
    pub(crate) call_throttle_seconds: u32,
    pub(crate) call_throttle_retry_after: RetryAfter,
    /// What a fetch cursor leads to that is as old as a sync cursor may not be.
    pub(crate) old_fetch_cursor: OldFetchCursor,
    /// Cursors lead nowhere once another Apple account has downloaded the server's token.
    pub(crate) cursors_follow_account: bool,
    /// What the timestamp of a signature is compared with.
    pub(crate) signature_clock: SignatureClock,
    /// Seconds that the `Date` of answers is ahead of the simulator's time.
    pub(crate) date_skew_seconds: i64,
    /// A `User-Agent` that contains one of these, in any case, is `USER_AGENT_INVALID`.
    pub(crate) user_agent_denied: Vec<String>,
    /// An empty `org_magic` is taken instead of being `MAGIC_INVALID`.
    pub(crate) allow_empty_org_magic: bool,
    /// Profiles need a department and a support phone number, as with protocol version 1.
    pub(crate) legacy_profile_checks: bool,
    pub(crate) unknown_profile: UnknownProfile,
    /// The status of `NOT_FOUND` when an unknown profile is asked for: 400, 404 or 200.
    pub(crate) unknown_profile_get_status: u16,
    pub(crate) unknown_device: UnknownDevice,
    /// `POST /profile/devices` is 405.
    pub(crate) assign_by_put_only: bool,
    /// Serial numbers in one call that Apple asks clients to stay within.
    pub(crate) device_list_maximum: usize,
    /// More of them are 400 `MALFORMED_REQUEST_BODY` instead of being answered.
    pub(crate) strict_device_lists: bool,
    /// A device can be assigned so often within `assign_throttle_seconds`; 0 means without limit.
    pub(crate) assign_throttle_count: u32,
    pub(crate) assign_throttle_seconds: u32,
    /// Seconds until an assignment or removal that was answered with `SUCCESS` is to be seen.
    pub(crate) assign_lag_seconds: u32,
    /// Assignments and removals are not to be seen before `POST /_sim/settle`.
    pub(crate) hold_assignments: bool,
    pub(crate) disown_without_permission: DisownRefusal,
    /// Sync does not report devices that are added; only a fetch shows them.
    pub(crate) added_silently: bool,
    pub(crate) moved_in_as: MovedIn,
    /// Sync does not report to the old server that a device was moved away.
    pub(crate) moved_out_silently: bool,
    pub(crate) beta_tokens_key: BetaTokensKey,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            credential_status: 401,
            error_bodies: ErrorBodies::Bare,
            limit_default: 1000,
            limit_maximum: 1000,
            strict_limits: false,
            rotate_every: 0,
            rotation_keeps_old: true,
            session_ttl_seconds: 180,
            single_session: false,
            cursor_ttl_seconds: 7 * 24 * 3600,
            long_cursors: false,
            deleted_records: DeletedRecords::Bare,
            user_agent_checks: UserAgentChecks::Devices,
            call_throttle_count: 0,
            call_throttle_seconds: 60,
            call_throttle_retry_after: RetryAfter::Seconds,
            old_fetch_cursor: OldFetchCursor::Works,
            cursors_follow_account: false,
            signature_clock: SignatureClock::Simulator,
            date_skew_seconds: 0,
            // Observed: Apple refused `nanodep-godep/0` and took `nanodep-g-o-dep/0` and `fleetdm/nanodep`.
            user_agent_denied: vec!["godep".to_owned()],
            allow_empty_org_magic: false,
            legacy_profile_checks: false,
            unknown_profile: UnknownProfile::ProfileNotFound,
            unknown_profile_get_status: 400,
            unknown_device: UnknownDevice::NotAccessible,
            assign_by_put_only: false,
            device_list_maximum: 1000,
            strict_device_lists: false,
            assign_throttle_count: 0,
            assign_throttle_seconds: 24 * 3600,
            assign_lag_seconds: 0,
            hold_assignments: false,
            disown_without_permission: DisownRefusal::AccessDenied,
            added_silently: false,
            moved_in_as: MovedIn::Added,
            moved_out_silently: false,
            beta_tokens_key: BetaTokensKey::BetaEnrollmentTokens,
        }
    }
}

impl World {
    /// Changes the switches that `change` names and leaves the others alone. Nothing changes on an error.
    pub(crate) fn change_switches(&mut self, change: &Value) -> Result<(), PortalRefused> {
        let invalid = |why: String| PortalRefused::Invalid(format!("{why} No option was changed."));
        let Value::Object(change) = change else {
            return Err(invalid("The options must be a JSON object.".to_owned()));
        };
        let mut all = serde_json::to_value(&self.switches).map_err(|error| invalid(format!("{error}.")))?;
        if let Value::Object(all) = &mut all {
            all.extend(change.clone());
        }
        let switches: Switches = serde_json::from_value(all).map_err(|error| invalid(format!("{error}.")))?;
        if !matches!(switches.credential_status, 401 | 403) {
            return Err(invalid("credential_status is 401 or 403.".to_owned()));
        }
        if !matches!(switches.unknown_profile_get_status, 200 | 400 | 404) {
            return Err(invalid("unknown_profile_get_status is 400, 404 or 200.".to_owned()));
        }
        if switches.limit_default == 0 || switches.limit_maximum == 0 {
            return Err(invalid("limit_default and limit_maximum are 1 or more.".to_owned()));
        }
        self.switches = switches;
        Ok(())
    }
}
