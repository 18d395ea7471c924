//! Graph's enums, with their members in the order of their numbers. They are written and never read from a row's word.

use adept_odata::EnumType;

/// `microsoft.graph.depTokenType`: 0 to 2.
pub(super) static DEP_TOKEN_TYPE: EnumType =
    EnumType { name: "microsoft.graph.depTokenType", members: &["none", "dep", "appleSchoolManager"] };

/// `microsoft.graph.platform`: 0 to 8.
pub(super) static PLATFORM: EnumType = EnumType {
    name: "microsoft.graph.platform",
    members: &[
        "unknown",
        "ios",
        "android",
        "windows",
        "windowsMobile",
        "macOS",
        "visionOS",
        "tvOS",
        "unknownFutureValue",
    ],
};

/// `microsoft.graph.discoverySource`: 0, 2 and 4.
pub(super) static DISCOVERY_SOURCE: EnumType = EnumType {
    name: "microsoft.graph.discoverySource",
    members: &["unknown", "adminImport", "deviceEnrollmentProgram"],
};

/// `microsoft.graph.enrollmentState`: 0 to 5.
pub(super) static ENROLLMENT_STATE: EnumType = EnumType {
    name: "microsoft.graph.enrollmentState",
    members: &["unknown", "enrolled", "pendingReset", "failed", "notContacted", "blocked"],
};
