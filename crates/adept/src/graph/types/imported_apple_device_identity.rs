//! `importedAppleDeviceIdentity`.

use adept_odata::Kind;

use super::{
    Base, EntityType, Property,
    enums::{DISCOVERY_SOURCE, ENROLLMENT_STATE, PLATFORM},
};
use crate::{
    domain::{DeviceField as F, DeviceRow},
    graph::value::Value,
};

type P = Property<DeviceRow, F, ()>;

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata. Devices come from Apple: clients write none yet.
pub(in crate::graph) static IMPORTED_APPLE_DEVICE_IDENTITY: EntityType<DeviceRow, F, ()> = EntityType {
    name: "microsoft.graph.importedAppleDeviceIdentity",
    base: Base::Entity,
    is_abstract: false,
    properties: &[
        P::new("id", Kind::String, |device| Value::Guid(device.id.0)).field(F::Id),
        P::new("serialNumber", Kind::String, |device| Value::text(&device.serial))
            .nullable()
            .field(F::SerialNumber),
        P::new("requestedEnrollmentProfileId", Kind::String, |device| {
            Value::optional_text(device.wanted_profile.as_deref())
        })
        .nullable()
        .field(F::RequestedProfile),
        P::new("requestedEnrollmentProfileAssignmentDateTime", Kind::DateTimeOffset, |device| {
            device.wanted_at.map_or(Value::Null, Value::DateTime)
        })
        .nullable()
        .field(F::RequestedProfileAt),
        // What the wanted profile says; no profile, no supervision.
        P::new("isSupervised", Kind::Boolean, |_| Value::Bool(false)),
        P::new("discoverySource", Kind::Enum(&DISCOVERY_SOURCE), |device| {
            Value::Enum(device.source.as_str())
        })
        .field(F::DiscoverySource),
        P::new("isDeleted", Kind::Boolean, |device| Value::Bool(device.deleted))
            .nullable()
            .field(F::IsDeleted),
        P::new("createdDateTime", Kind::DateTimeOffset, |device| Value::DateTime(device.created_at))
            .field(F::Created),
        // Whether a device ever came to the management service is that service's knowledge, not ours.
        P::new("lastContactedDateTime", Kind::DateTimeOffset, |_| Value::moment(None)),
        P::new("description", Kind::String, |device| Value::optional_text(device.description.as_deref()))
            .nullable()
            .field(F::Description),
        P::new("enrollmentState", Kind::Enum(&ENROLLMENT_STATE), |_| Value::Enum("notContacted")),
        P::new("platform", Kind::Enum(&PLATFORM), |device| Value::Enum(device.platform.as_str()))
            .field(F::Platform),
    ],
    navigations: &[],
    of_row: None,
};
