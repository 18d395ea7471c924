//! `importedAppleDeviceIdentity`, and what importing several of them takes and returns.

use adept_odata::Kind;

use super::{
    ActionType, Base, EntityType, Parameter, Property,
    enums::{DISCOVERY_SOURCE, ENROLLMENT_STATE, PLATFORM},
};
use crate::{
    app::Imported,
    domain::{DeviceField as F, DevicePatch, DeviceRow},
    graph::value::Value,
};

type P = Property<DeviceRow, F, DevicePatch>;

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.
pub(in crate::graph) static IMPORTED_APPLE_DEVICE_IDENTITY: EntityType<DeviceRow, F, DevicePatch> =
    EntityType::new(
        "microsoft.graph.importedAppleDeviceIdentity",
        Base::Entity,
        &[
            P::new("id", Kind::String, |device| Value::Guid(device.id.0)).field(F::Id),
            P::text("serialNumber", |device| Value::text(&device.serial))
                .field(F::SerialNumber)
                .write(|patch, input| patch.serial = input.into_text()),
            P::text("requestedEnrollmentProfileId", |device| {
                device.desired_profile.map_or(Value::Null, |id| Value::Guid(id.0))
            })
            .field(F::RequestedProfile)
            .write(|patch, input| {
                patch.desired_profile = Some(input.into_text().filter(|text| !text.is_empty()))
            }),
            P::new("requestedEnrollmentProfileAssignmentDateTime", Kind::DateTimeOffset, |device| {
                device.desired_at.map_or(Value::Null, Value::DateTime)
            })
            .nullable()
            .field(F::RequestedProfileAt),
            P::new("isSupervised", Kind::Boolean, |device| Value::Bool(device.supervised))
                .field(F::IsSupervised)
                .write(|patch, input| patch.supervised = input.bool()),
            P::new("discoverySource", Kind::Enum(&DISCOVERY_SOURCE), |device| {
                Value::Enum(device.source.as_str())
            })
            .field(F::DiscoverySource),
            P::new("isDeleted", Kind::Boolean, |device| Value::Bool(device.deleted))
                .nullable()
                .field(F::IsDeleted),
            P::moment("createdDateTime", |device| Value::DateTime(device.created_at)).field(F::Created),
            // Whether a device ever came to the management service is that service's knowledge, not ours.
            P::moment("lastContactedDateTime", |_| Value::moment(None)).field(F::LastContacted),
            P::text("description", |device| Value::optional_text(device.description.as_deref()))
                .field(F::Description)
                .write(|patch, input| patch.description = Some(input.into_text())),
            P::new("enrollmentState", Kind::Enum(&ENROLLMENT_STATE), |_| Value::Enum("notContacted"))
                .field(F::EnrollmentState),
            P::new("platform", Kind::Enum(&PLATFORM), |device| Value::Enum(device.platform.as_str()))
                .field(F::Platform)
                .write(|patch, input| patch.platform = input.member()),
        ],
    );

/// `importedAppleDeviceIdentityResult`: the device, and whether it was taken.
pub(in crate::graph) static IMPORTED_APPLE_DEVICE_IDENTITY_RESULT: EntityType<Imported, (), ()> =
    EntityType::new(
        "microsoft.graph.importedAppleDeviceIdentityResult",
        Base::Other("microsoft.graph.importedAppleDeviceIdentity"),
        &[Property::new("status", Kind::Boolean, |imported| Value::Bool(imported.accepted))],
    );

/// The parameter of `importAppleDeviceIdentityList` that holds entities.
pub(in crate::graph) const IMPORTED_APPLE_DEVICE_IDENTITIES: &str = "importedAppleDeviceIdentities";

/// The other parameter.
pub(in crate::graph) static OVERWRITE: ActionType<bool> = ActionType {
    name: "importAppleDeviceIdentityList",
    parameters: &[Parameter::new("overwriteImportedDeviceIdentities", Kind::Boolean, |overwrite, input| {
        *overwrite = input.bool().unwrap_or_default();
    })],
};
