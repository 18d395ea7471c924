//! Complex types: values with members and without an identity, as they are read from bodies and described to clients.
//!
//! Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata, and the models of Microsoft's own clients.

use adept_odata::Kind;

use super::Bounds;

/// A complex type.
pub(in crate::graph) struct ComplexType {
    /// The qualified name.
    pub(in crate::graph) name: &'static str,
    /// In the order in which they are shown.
    pub(in crate::graph) members: &'static [Member],
}

/// A name with a type: a member of a complex type, a property, or a parameter.
#[derive(Clone, Copy)]
pub(in crate::graph) struct Member {
    /// As Graph spells it; accepted in any ASCII case.
    pub(in crate::graph) name: &'static str,
    /// The EDM type.
    pub(in crate::graph) kind: Kind,
    /// Whether null is a value of it.
    pub(in crate::graph) nullable: bool,
    /// How long a text or a list may be that is sent for it.
    pub(in crate::graph) bounds: Bounds,
}

impl ComplexType {
    /// The type of that qualified name.
    pub(in crate::graph) fn named(name: &str) -> Option<&'static Self> {
        BETA.iter().find(|known| known.name == name)
    }

    /// The member of that name, in any ASCII case.
    pub(in crate::graph) fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|known| known.name.eq_ignore_ascii_case(name))
    }
}

impl Member {
    /// With null among its values.
    pub(in crate::graph) const fn nullable(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, nullable: true, bounds: Bounds::of(kind) }
    }

    /// Never null.
    pub(in crate::graph) const fn required(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, nullable: false, bounds: Bounds::of(kind) }
    }

    const fn bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }
}

const TEXT: Kind = Kind::String;
const TEXTS: Kind = Kind::Collection(&Kind::String);

/// Those of the beta version.
pub(in crate::graph) static BETA: &[ComplexType] = &[
    ComplexType {
        name: "microsoft.graph.managementCertificateWithThumbprint",
        members: &[
            Member::nullable("certificate", TEXT).bounds(Bounds::CERTIFICATE),
            Member::nullable("thumbprint", TEXT),
        ],
    },
    ComplexType {
        name: "microsoft.graph.depProfileAdminAccountPasswordRotationSetting",
        members: &[
            Member::required("autoRotationPeriodInDays", Kind::Int32),
            Member::nullable(
                "depProfileDelayAutoRotationSetting",
                Kind::Complex("microsoft.graph.depProfileDelayAutoRotationSetting"),
            ),
        ],
    },
    ComplexType {
        name: "microsoft.graph.depProfileDelayAutoRotationSetting",
        members: &[
            Member::required("onRetrievalAutoRotatePasswordEnabled", Kind::Boolean),
            Member::required("onRetrievalDelayAutoRotatePasswordInHours", Kind::Int32),
        ],
    },
    ComplexType {
        name: "microsoft.graph.suggestedEnrollmentLimit",
        members: &[Member::required("suggestedDailyLimit", Kind::Int32)],
    },
    SETTINGS,
    ComplexType { name: "microsoft.graph.auditActor", members: &AUDIT_ACTOR },
    AUDIT_RESOURCE,
    AUDIT_PROPERTY,
    ComplexType {
        name: "microsoft.graph.roleScopeTagInfo",
        members: &[Member::nullable("displayName", TEXT), Member::nullable("roleScopeTagId", TEXT)],
    },
];

/// Those of the released version.
pub(in crate::graph) static V1: &[ComplexType] = &[
    SETTINGS,
    // Its actor lacks the first member and the last three.
    ComplexType { name: "microsoft.graph.auditActor", members: AUDIT_ACTOR.split_at(9).0.split_at(1).1 },
    AUDIT_RESOURCE,
    AUDIT_PROPERTY,
];

const SETTINGS: ComplexType = ComplexType { name: "microsoft.graph.deviceManagementSettings", members: &[] };

const AUDIT_ACTOR: [Member; 12] = [
    Member::nullable("type", TEXT),
    Member::nullable("auditActorType", TEXT),
    Member::nullable("userPermissions", TEXTS),
    Member::nullable("applicationId", TEXT),
    Member::nullable("applicationDisplayName", TEXT),
    Member::nullable("userPrincipalName", TEXT),
    Member::nullable("servicePrincipalName", TEXT),
    Member::nullable("ipAddress", TEXT),
    Member::nullable("userId", TEXT),
    Member::nullable("remoteTenantId", TEXT),
    Member::nullable("remoteUserId", TEXT),
    Member::nullable(
        "userRoleScopeTags",
        Kind::Collection(&Kind::Complex("microsoft.graph.roleScopeTagInfo")),
    ),
];

const AUDIT_RESOURCE: ComplexType = ComplexType {
    name: "microsoft.graph.auditResource",
    members: &[
        Member::nullable("displayName", TEXT),
        Member::nullable(
            "modifiedProperties",
            Kind::Collection(&Kind::Complex("microsoft.graph.auditProperty")),
        ),
        Member::nullable("type", TEXT),
        Member::nullable("auditResourceType", TEXT),
        Member::nullable("resourceId", TEXT),
    ],
};

const AUDIT_PROPERTY: ComplexType = ComplexType {
    name: "microsoft.graph.auditProperty",
    members: &[
        Member::nullable("displayName", TEXT),
        Member::nullable("oldValue", TEXT),
        Member::nullable("newValue", TEXT),
    ],
};
