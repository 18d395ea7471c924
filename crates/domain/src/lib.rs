//! The words of the service and the rules that need nothing but words.
//!
//! Pure: no clock, no random source, no serde, no SQL, no HTTP. Times and ids are handed in.
//!
//! # Glossary
//!
//! | here | Microsoft Graph | Apple |
//! |---|---|---|
//! | [`Setting`] | `depOnboardingSetting` | what Adept knows of one device management *server* |
//! | [`ServerIdentity`] | – | `server_uuid`, `org_id` and names of `GET /account` |
//! | server token | `depToken` | the decrypted `.p7m`: OAuth 1.0a credentials of one server |
//! | token generation | – | counts the server tokens a setting has had; learned facts are bound to one |
//! | key pair | `getEncryptionPublicKey` | the "public key certificate" uploaded in Apple Business/School Manager |
//! | [`Profile`] | `enrollmentProfile` and what derives from it | a profile of `POST /profile`; one per revision |
//! | [`SkipKey`] | `enabledSkipKeys`, `…Disabled` | `skip_setup_items` |
//! | wanted profile | `requestedEnrollmentProfileId` | the profile that a device shall be given |
//! | [`Device`] | `importedAppleDeviceIdentity` | a device record of `/server/devices` and `/devices/sync` |
//! | serial | `serialNumber` | `serial_number` |
//! | delta | – | `/devices/sync`; a *fetch* is `/server/devices` |
//! | [`Tenant`](TenantId) | the directory (tenant) a caller signs in to | – |

#[macro_use]
mod words;

mod access;
mod access_log;
mod assignment;
mod audit;
mod client_address;
pub mod deadline;
mod device;
mod device_event;
mod device_pacing;
mod device_release;
mod fields;
mod halving;
mod ids;
pub mod members;
mod onboarding;
mod open_budget;
mod private_file;
mod profile;
pub mod purge;
mod rate_limit;
mod release_quota;
mod serial;
pub mod setting_state;
mod sync_run;
mod token_state;

pub use access::{Caller, CallerKind, Origin, Permission, Permissions, RequestKey};
pub use access_log::{AccessActor, AccessEntry, AccessKind, bounded};
pub use assignment::{
    AFTER_REFUSED_DEFINITION, ANSWER_LOST, ASSIGNMENTS_A_DAY, AssignmentResult, Definition, DefinitionTries,
    MOST_DEVICES, NO_MDM_URL, Reason, Target, about_definition, definition,
};
pub use audit::{AuditActor, AuditEntry, AuditEvent, AuditResource, Change, RecordedChange};
pub use client_address::{AddressShare, ClientAddress};
pub use deadline::CLOCKS_APART;
pub use device::{
    AppleRecord, DevicePatch, DevicePlatform, DeviceRow, DiscoverySource, FoldedPage, OperationType,
    StoredDevice, fold_page, latest_record_time,
};
pub use device_event::{DeviceEvent, DeviceEventKind, READ_BACK};
pub use device_pacing::{DevicePacing, RecordChange};
pub use device_release::DeviceRelease;
pub use fields::{AuditField, DeviceField, Kept, ProfileField, SettingField};
pub use halving::{AFTER_HALVING, Halving, RefusedCall, is_about_devices};
pub use ids::{
    ClientId, DeviceId, KeyPairId, ProfileId, SettingId, SettingKey, TenantId, TokenId, first_id_at,
};
pub use onboarding::{
    Acceptance, AccountFacts, KeyStatus, Known, NewSetting, Refusal, ServerIdentity, Setting, SettingPatch,
    SyncStatus, TokenComparison, TokenType, Verification, accept,
};
pub use open_budget::{OPEN_FAILURES, OpenBudget, OpenFailures};
pub use private_file::FileRights;
pub use profile::{
    AppleTerms, EnrollmentUrl, Offer, Ownership, PANES, Pairing, Profile, ProfileFault, ProfileKind,
    ProfilePatch, ProfileValue, ProfileValues, RETIRED_KEYS, RecognizedProfile, SKIP_KEYS, SkipKey,
    check_enrollment_url, check_profile, skip_keys_page,
};
pub use rate_limit::{
    Buckets, FAILED_SIGN_INS_FROM_ADDRESS, FAILED_SIGN_INS_OF_ACCOUNT, FailedSignIns, LimitExceeded, Quota,
    RateLimit, Taken,
};
pub use release_quota::{RELEASES_A_DAY, ReleaseDay, ReleaseQuotaExceeded};
pub use serial::{is_same_serial, serial_key};
pub use setting_state::{Fence, Lease, SettingState};
pub use sync_run::{DeviceChanges, SyncKind, SyncOutcome, SyncRun, too_many_absent};
pub use token_state::{TokenStanding, TokenState};

/// A device as listed to callers.
pub type Device = DeviceRow;
