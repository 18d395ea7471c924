//! `deviceManagement`: the members that Graph shows by default.

use adept_odata::Kind;

use super::{Base, EntityType, Navigation, Property};
use crate::{domain::TenantId, graph::value::Value};

/// What is shown of the singleton.
pub(in crate::graph) struct DeviceManagement {
    /// `intuneAccountId` is the caller's tenant.
    pub(in crate::graph) tenant: TenantId,
    /// `maximumDepTokens`.
    pub(in crate::graph) maximum_dep_tokens: i32,
}

type P = Property<DeviceManagement, (), ()>;

/// Observed: a captured `GET /beta/deviceManagement`. Two names are misspelt on the wire.
pub(in crate::graph) static DEVICE_MANAGEMENT: EntityType<DeviceManagement, (), ()> = EntityType {
    navigations: &[
        Navigation::contained("depOnboardingSettings", "microsoft.graph.depOnboardingSetting"),
        Navigation::contained("auditEvents", "microsoft.graph.auditEvent"),
    ],
    ..EntityType::new(
        "microsoft.graph.deviceManagement",
        Base::Entity,
        &[
            P::new("id", Kind::String, |_| Value::text("deviceManagement")),
            P::new("settings", Kind::Complex("microsoft.graph.deviceManagementSettings"), |_| Value::Null)
                .nullable(),
            P::new("maximumDepTokens", Kind::Int32, |shown| Value::Int(shown.maximum_dep_tokens.into())),
            P::new("intuneAccountId", Kind::Guid, |shown| Value::Guid(shown.tenant.0)),
            P::moment("lastReportAggregationDateTime", |_| Value::moment(None)),
            P::moment("deviceComplianceReportSummarizationDateTime", |_| Value::moment(None)),
            P::new("legacyPcManangementEnabled", Kind::Boolean, |_| Value::Bool(false)),
            P::new("unlicensedAdminstratorsEnabled", Kind::Boolean, |_| Value::Bool(false)),
        ],
    )
};

/// The part that the released version has.
pub(in crate::graph) static DEVICE_MANAGEMENT_V1: EntityType<DeviceManagement, (), ()> = EntityType {
    navigations: &[Navigation::contained("auditEvents", "microsoft.graph.auditEvent")],
    ..EntityType::new(
        "microsoft.graph.deviceManagement",
        Base::Entity,
        &[
            P::new("id", Kind::String, |_| Value::text("deviceManagement")),
            P::new("settings", Kind::Complex("microsoft.graph.deviceManagementSettings"), |_| Value::Null)
                .nullable(),
            P::new("intuneAccountId", Kind::Guid, |shown| Value::Guid(shown.tenant.0)),
        ],
    )
};
