//! The operations of the singleton `deviceManagement`.

use super::{
    entity::EntitySet,
    expand::Expansions,
    listing::shape_of,
    request_context::RequestContext,
    route::HandlerResult,
    types::{DEVICE_MANAGEMENT, DeviceManagement},
    value::Value,
};

/// Suggested devices a day, for any type: this service enrolls no devices, so it limits none.
const SUGGESTED_LIMIT: i64 = 1_000_000;

pub(super) async fn get(request: &RequestContext<'_>) -> HandlerResult {
    let options = request.options()?;
    let expansions = Expansions::of(&options, &DEVICE_MANAGEMENT)?;
    let mut shape = shape_of(&options, &DEVICE_MANAGEMENT)?;
    shape.expanded = expansions.names();
    let expanded = expansions.expand_device_management(request).await?;
    let (tenant, maximum_dep_tokens) = (request.caller.tenant, request.app().settings.maximum);
    let set = EntitySet::new(&DEVICE_MANAGEMENT, "deviceManagement");
    Ok(shape.document(request, &set, &DeviceManagement { tenant, maximum_dep_tokens }, &expanded))
}

pub(super) async fn get_suggested_enrollment_limit(request: &RequestContext<'_>) -> HandlerResult {
    Ok(request.document("microsoft.graph.suggestedEnrollmentLimit", |document| {
        Value::Int(SUGGESTED_LIMIT).write(document.member("suggestedDailyLimit"));
    }))
}
