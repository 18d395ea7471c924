//! The members of Graph's enumerations, in the order of their numbers: what a property of such a type may hold, and how
//! two of them compare. Which of them the service ever says is told by the words beside (`DevicePlatform` and others).
//!
//! Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.

/// `depTokenType`.
pub const DEP_TOKEN_TYPE: &[&str] = &["none", "dep", "appleSchoolManager"];

/// `platform`.
pub const PLATFORM: &[&str] = &[
    "unknown",
    "ios",
    "android",
    "windows",
    "windowsMobile",
    "macOS",
    "visionOS",
    "tvOS",
    "unknownFutureValue",
];

/// `discoverySource`.
pub const DISCOVERY_SOURCE: &[&str] = &["unknown", "adminImport", "deviceEnrollmentProgram"];

/// `enrollmentState`.
pub const ENROLLMENT_STATE: &[&str] =
    &["unknown", "enrolled", "pendingReset", "failed", "notContacted", "blocked"];

/// `iTunesPairingMode`.
pub const ITUNES_PAIRING_MODE: &[&str] = &["disallow", "allow", "requiresCertificate"];
