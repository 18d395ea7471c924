//! Graph's enums and their numbers. Their members are `domain`'s.

use adept_odata::EnumType;

use crate::domain::members;

/// An enum and its numbers.
pub(in crate::graph) struct NumberedEnum {
    pub(in crate::graph) kind: &'static EnumType,
    /// The distance between the numbers of two members; the first one is 0.
    pub(in crate::graph) step: usize,
}

/// Every enum.
pub(super) static ALL: &[NumberedEnum] = &[
    NumberedEnum { kind: &DEP_TOKEN_TYPE, step: 1 },
    NumberedEnum { kind: &PLATFORM, step: 1 },
    NumberedEnum { kind: &DISCOVERY_SOURCE, step: 2 },
    NumberedEnum { kind: &ENROLLMENT_STATE, step: 1 },
    NumberedEnum { kind: &ITUNES_PAIRING_MODE, step: 1 },
];

/// `microsoft.graph.depTokenType`: 0 to 2.
pub(super) static DEP_TOKEN_TYPE: EnumType =
    EnumType { name: "microsoft.graph.depTokenType", members: members::DEP_TOKEN_TYPE };

/// `microsoft.graph.platform`: 0 to 8.
pub(super) static PLATFORM: EnumType =
    EnumType { name: "microsoft.graph.platform", members: members::PLATFORM };

/// `microsoft.graph.discoverySource`: 0, 2 and 4.
pub(super) static DISCOVERY_SOURCE: EnumType =
    EnumType { name: "microsoft.graph.discoverySource", members: members::DISCOVERY_SOURCE };

/// `microsoft.graph.enrollmentState`: 0 to 5.
pub(super) static ENROLLMENT_STATE: EnumType =
    EnumType { name: "microsoft.graph.enrollmentState", members: members::ENROLLMENT_STATE };

/// `microsoft.graph.iTunesPairingMode`: 0 to 2.
pub(super) static ITUNES_PAIRING_MODE: EnumType =
    EnumType { name: "microsoft.graph.iTunesPairingMode", members: members::ITUNES_PAIRING_MODE };
