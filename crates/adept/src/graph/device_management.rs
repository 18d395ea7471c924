//! The operations of the singleton `deviceManagement`.

use super::{
    entity::EntitySet,
    expand::Expansions,
    listing::shape_of,
    protocol::Version,
    request_context::RequestContext,
    route::HandlerResult,
    types::{DEVICE_MANAGEMENT, DEVICE_MANAGEMENT_V1, DeviceManagement},
    value::Value,
};

/// Suggested devices a day, for any type: this service enrolls no devices, so it limits none.
const SUGGESTED_LIMIT: i64 = 1_000_000;

pub(super) async fn get(request: &RequestContext<'_>) -> HandlerResult {
    let options = request.options_of_one()?;
    let kind = match request.endpoint.version {
        Version::Beta => &DEVICE_MANAGEMENT,
        Version::V1 => &DEVICE_MANAGEMENT_V1,
    };
    let expansions = Expansions::of(&options, kind)?;
    let mut shape = shape_of(&options, kind)?;
    shape.expanded = expansions.names();
    let expanded = expansions.expand_device_management(request).await?;
    let (tenant, maximum_dep_tokens) = (request.caller.tenant, request.app().settings.maximum);
    let set = EntitySet::new(kind, "deviceManagement");
    shape.answer(request, &set, &DeviceManagement { tenant, maximum_dep_tokens }, &expanded)
}

pub(super) async fn get_suggested_enrollment_limit(request: &RequestContext<'_>) -> HandlerResult {
    request.options_of_one()?;
    Ok(request.document("microsoft.graph.suggestedEnrollmentLimit", |document| {
        Value::Int(SUGGESTED_LIMIT).write(document.member("suggestedDailyLimit"));
    }))
}
