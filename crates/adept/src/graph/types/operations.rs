//! Graph's bound actions and functions: what they are bound to, what they take, what they return.
//!
//! Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata, and the models of Microsoft's own clients.

use adept_odata::Kind;

use super::{
    IMPORTED_APPLE_DEVICE_IDENTITIES, Member, RELEASE_APPLE_DEVICES, UPDATE_DEVICE_PROFILE_ASSIGNMENT,
    UPLOAD_DEP_TOKEN,
};
use crate::graph::protocol::Version;

/// A bound action or function.
pub(in crate::graph) struct Operation {
    /// Without the namespace.
    pub(in crate::graph) name: &'static str,
    pub(in crate::graph) binding: Binding,
    /// What an action's body, or a function's parentheses, may hold.
    pub(in crate::graph) takes: fn() -> Vec<Member>,
    /// None for an action without a result. A result may be null unless it is a collection.
    pub(in crate::graph) returns: Option<Kind>,
    /// Whether it changes something.
    pub(in crate::graph) is_action: bool,
}

/// What an operation is bound to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::graph) enum Binding {
    /// An entity of this type.
    One(&'static str),
    /// A collection of them.
    Many(&'static str),
}

impl Operation {
    /// What a version offers on an entity of one of these types.
    pub(in crate::graph) fn bound_to(
        version: Version,
        types: &[&str],
    ) -> impl Iterator<Item = &'static Self> {
        let offered = match version {
            Version::Beta => BETA,
            Version::V1 => V1,
        };
        let is_bound =
            |operation: &&Self| matches!(operation.binding, Binding::One(name) if types.contains(&name));
        offered.iter().filter(is_bound)
    }

    const fn action(name: &'static str, binding: Binding, takes: fn() -> Vec<Member>) -> Self {
        Self { name, binding, takes, returns: None, is_action: true }
    }

    const fn function(name: &'static str, binding: Binding, takes: fn() -> Vec<Member>, kind: Kind) -> Self {
        Self { name, binding, takes, returns: Some(kind), is_action: false }
    }

    const fn returning(mut self, kind: Kind) -> Self {
        self.returns = Some(kind);
        self
    }
}

const SETTING: Binding = Binding::One("microsoft.graph.depOnboardingSetting");
const PROFILE: Binding = Binding::One("microsoft.graph.enrollmentProfile");
const SETTINGS: Binding = Binding::Many("microsoft.graph.depOnboardingSetting");

const AUDIT_EVENTS: Binding = Binding::Many("microsoft.graph.auditEvent");
const TEXTS: Kind = Kind::Collection(&Kind::String);

const GET_AUDIT_CATEGORIES: Operation =
    Operation::function("getAuditCategories", AUDIT_EVENTS, Vec::new, TEXTS);
const GET_AUDIT_ACTIVITY_TYPES: Operation = Operation::function(
    "getAuditActivityTypes",
    AUDIT_EVENTS,
    || vec![Member::nullable("category", Kind::String)],
    TEXTS,
);

/// What the released version offers.
pub(super) static V1: &[Operation] = &[GET_AUDIT_CATEGORIES, GET_AUDIT_ACTIVITY_TYPES];

/// What beta offers.
pub(super) static BETA: &[Operation] = &[
    Operation::function(
        "getSuggestedEnrollmentLimit",
        Binding::One("microsoft.graph.deviceManagement"),
        || vec![Member::nullable("enrollmentType", Kind::String)],
        Kind::Complex("microsoft.graph.suggestedEnrollmentLimit"),
    ),
    Operation::function(
        "getExpiringVppTokenCount",
        SETTINGS,
        || vec![Member::nullable("expiringBeforeDateTime", Kind::String)],
        Kind::Int32,
    ),
    Operation::function("getEncryptionPublicKey", SETTING, Vec::new, Kind::String),
    Operation::action("generateEncryptionPublicKey", SETTING, Vec::new).returning(Kind::String),
    Operation::action("uploadDepToken", SETTING, || UPLOAD_DEP_TOKEN.members()),
    Operation::action("syncWithAppleDeviceEnrollmentProgram", SETTING, Vec::new),
    Operation::action("shareForSchoolDataSyncService", SETTING, Vec::new),
    Operation::action("unshareForSchoolDataSyncService", SETTING, Vec::new),
    Operation::action("releaseAppleDevices", SETTING, || RELEASE_APPLE_DEVICES.members()),
    Operation::action("setDefaultProfile", PROFILE, Vec::new),
    Operation::action("updateDeviceProfileAssignment", PROFILE, || {
        UPDATE_DEVICE_PROFILE_ASSIGNMENT.members()
    }),
    Operation::function("exportMobileConfig", PROFILE, Vec::new, Kind::String),
    Operation::action(
        "importAppleDeviceIdentityList",
        Binding::Many("microsoft.graph.importedAppleDeviceIdentity"),
        || {
            const DEVICE: Kind = Kind::Complex("microsoft.graph.importedAppleDeviceIdentity");
            vec![
                Member::nullable(IMPORTED_APPLE_DEVICE_IDENTITIES, Kind::Collection(&DEVICE)),
                Member::required("overwriteImportedDeviceIdentities", Kind::Boolean),
            ]
        },
    )
    .returning(Kind::Collection(&Kind::Complex("microsoft.graph.importedAppleDeviceIdentityResult"))),
    GET_AUDIT_CATEGORIES,
    GET_AUDIT_ACTIVITY_TYPES,
];
