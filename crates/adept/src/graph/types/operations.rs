//! Graph's bound actions and functions: what they are bound to, what they take, what they return.
//!
//! Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata, and the models of Microsoft's own clients.

use adept_odata::Kind;

use super::{
    HasParameters, IMPORTED_APPLE_DEVICE_IDENTITIES, Member, RELEASE_APPLE_DEVICES,
    UPDATE_DEVICE_PROFILE_ASSIGNMENT, UPLOAD_DEP_TOKEN,
};
use crate::graph::protocol::Version;

/// A bound action or function.
pub(in crate::graph) struct Operation {
    /// Without the namespace.
    pub(in crate::graph) name: &'static str,
    pub(in crate::graph) binding: Binding,
    /// What an action's body, or a function's parentheses, may hold.
    pub(in crate::graph) takes: Parameters,
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

/// Where the parameters are described.
pub(in crate::graph) enum Parameters {
    /// With the type of the action.
    Action(&'static dyn HasParameters),
    /// Here.
    Listed(&'static [Member]),
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

    /// The parameters.
    pub(in crate::graph) fn parameters(&self) -> Vec<Member> {
        match self.takes {
            Parameters::Action(action) => action.parameters(),
            Parameters::Listed(members) => members.to_vec(),
        }
    }

    const fn action(name: &'static str, binding: Binding, takes: &'static dyn HasParameters) -> Self {
        Self { name, binding, takes: Parameters::Action(takes), returns: None, is_action: true }
    }

    const fn plain_action(name: &'static str, binding: Binding) -> Self {
        Self { name, binding, takes: Parameters::Listed(&[]), returns: None, is_action: true }
    }

    const fn function(
        name: &'static str,
        binding: Binding,
        parameters: &'static [Member],
        kind: Kind,
    ) -> Self {
        Self { name, binding, takes: Parameters::Listed(parameters), returns: Some(kind), is_action: false }
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

const GET_AUDIT_CATEGORIES: Operation = Operation::function("getAuditCategories", AUDIT_EVENTS, &[], TEXTS);
const GET_AUDIT_ACTIVITY_TYPES: Operation = Operation::function(
    "getAuditActivityTypes",
    AUDIT_EVENTS,
    &[Member::nullable("category", Kind::String)],
    TEXTS,
);

/// What the released version offers.
pub(super) static V1: &[Operation] = &[GET_AUDIT_CATEGORIES, GET_AUDIT_ACTIVITY_TYPES];

/// What beta offers.
pub(super) static BETA: &[Operation] = &[
    Operation::function(
        "getSuggestedEnrollmentLimit",
        Binding::One("microsoft.graph.deviceManagement"),
        &[Member::nullable("enrollmentType", Kind::String)],
        Kind::Complex("microsoft.graph.suggestedEnrollmentLimit"),
    ),
    Operation::function(
        "getExpiringVppTokenCount",
        SETTINGS,
        &[Member::nullable("expiringBeforeDateTime", Kind::String)],
        Kind::Int32,
    ),
    Operation::function("getEncryptionPublicKey", SETTING, &[], Kind::String),
    Operation::plain_action("generateEncryptionPublicKey", SETTING).returning(Kind::String),
    Operation::action("uploadDepToken", SETTING, &UPLOAD_DEP_TOKEN),
    Operation::plain_action("syncWithAppleDeviceEnrollmentProgram", SETTING),
    Operation::plain_action("shareForSchoolDataSyncService", SETTING),
    Operation::plain_action("unshareForSchoolDataSyncService", SETTING),
    Operation::action("releaseAppleDevices", SETTING, &RELEASE_APPLE_DEVICES),
    Operation::plain_action("setDefaultProfile", PROFILE),
    Operation::action("updateDeviceProfileAssignment", PROFILE, &UPDATE_DEVICE_PROFILE_ASSIGNMENT),
    Operation::function("exportMobileConfig", PROFILE, &[], Kind::String),
    Operation {
        name: "importAppleDeviceIdentityList",
        binding: Binding::Many("microsoft.graph.importedAppleDeviceIdentity"),
        takes: Parameters::Listed(&[
            Member::nullable(
                IMPORTED_APPLE_DEVICE_IDENTITIES,
                Kind::Collection(&Kind::Complex("microsoft.graph.importedAppleDeviceIdentity")),
            ),
            Member::required("overwriteImportedDeviceIdentities", Kind::Boolean),
        ]),
        returns: Some(Kind::Collection(&Kind::Complex("microsoft.graph.importedAppleDeviceIdentityResult"))),
        is_action: true,
    },
    GET_AUDIT_CATEGORIES,
    GET_AUDIT_ACTIVITY_TYPES,
];
