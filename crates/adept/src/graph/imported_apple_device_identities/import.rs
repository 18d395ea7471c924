//! `importAppleDeviceIdentityList`: many devices in one body, and a result for each.

use adept_odata::Kind;
use serde_json::Value as Json;

use super::set;
use crate::{
    domain::DevicePatch,
    graph::{
        body::LIMIT,
        entity::Shape,
        error::BadBody,
        input::Members,
        onboarding_settings::setting_of,
        request_context::RequestContext,
        route::HandlerResult,
        types::{
            IMPORTED_APPLE_DEVICE_IDENTITIES, IMPORTED_APPLE_DEVICE_IDENTITY,
            IMPORTED_APPLE_DEVICE_IDENTITY_RESULT, OVERWRITE,
        },
        value::{write_array, write_object},
    },
};

/// Answers one result for each device, in their order.
pub(in crate::graph) async fn import_apple_device_identity_list(
    request: &RequestContext<'_>,
) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(request).await?.id;
    let (devices, overwrite) = arguments(request.object(&body)?)?;
    let imported = request.app().devices.import(&request.origin(), setting, devices, overwrite).await?;
    let kind = Kind::Complex(IMPORTED_APPLE_DEVICE_IDENTITY_RESULT.name);
    let (writer, set, shape) = (request.entity_writer(), set(setting), Shape::default());
    Ok(request.document(&format!("Collection({kind})"), |document| {
        write_array(document.member("value"), &imported, |imported, out| {
            write_object(out, |result| {
                shape.entity(&writer, &set, &imported.device, &[], result);
                for property in IMPORTED_APPLE_DEVICE_IDENTITY_RESULT.properties {
                    (property.value)(imported).write(result.member(property.name));
                }
            });
        });
    }))
}

/// The devices, each read like one that is made alone, and whether those that are listed are changed.
fn arguments(mut members: Members) -> Result<(Vec<DevicePatch>, bool), BadBody> {
    let name =
        members.keys().find(|name| name.eq_ignore_ascii_case(IMPORTED_APPLE_DEVICE_IDENTITIES)).cloned();
    let device = IMPORTED_APPLE_DEVICE_IDENTITY.name;
    let wrong = |path: String, expected: String| BadBody::WrongType {
        path: format!("{IMPORTED_APPLE_DEVICE_IDENTITIES}{path}"),
        expected,
    };
    let items = match name.and_then(|name| members.remove(&name)) {
        Some(Json::Array(items)) => items,
        None | Some(Json::Null) => {
            return Err(BadBody::Missing { parameter: IMPORTED_APPLE_DEVICE_IDENTITIES });
        }
        Some(_) => return Err(wrong(String::new(), format!("Collection({device})"))),
    };
    let overwrite = OVERWRITE.read(members)?;
    let device = |(index, item)| match item {
        Json::Object(members) => IMPORTED_APPLE_DEVICE_IDENTITY.read(members),
        _ => Err(wrong(format!("[{index}]"), device.to_owned())),
    };
    Ok((items.into_iter().enumerate().map(device).collect::<Result<_, _>>()?, overwrite))
}
