//! `POST /deviceManagement/depOnboardingSettings/{id}/importedAppleDeviceIdentities/importAppleDeviceIdentityList`

use adept_odata::Kind;
use serde_json::Value as Json;

use super::set;
use crate::{
    app::Imported,
    domain::{DevicePatch, SettingId},
    graph::{
        Graph,
        body::LIMIT,
        entity::Shape,
        error::BadBody,
        input::Members,
        onboarding_settings::setting_of,
        protocol::Metadata,
        request_context::RequestContext,
        response::GraphResponse,
        route::HandlerResult,
        types::{
            IMPORTED_APPLE_DEVICE_IDENTITIES, IMPORTED_APPLE_DEVICE_IDENTITY,
            IMPORTED_APPLE_DEVICE_IDENTITY_RESULT, OVERWRITE,
        },
        value::{Object, Value},
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?.id;
    let (devices, overwrite) = arguments(request.object(&body)?)?;
    let imported = graph.app.devices.import(&request.origin(), setting, devices, overwrite).await?;
    Ok(response(graph, request, setting, &imported))
}

/// The devices, each read like one that is made alone, and whether those that are listed are changed.
fn arguments(mut members: Members) -> Result<(Vec<DevicePatch>, bool), BadBody> {
    let name =
        members.keys().find(|name| name.eq_ignore_ascii_case(IMPORTED_APPLE_DEVICE_IDENTITIES)).cloned();
    let items = match name.and_then(|name| members.remove(&name)) {
        Some(Json::Array(items)) => items,
        None | Some(Json::Null) => {
            return Err(BadBody::Missing { parameter: IMPORTED_APPLE_DEVICE_IDENTITIES });
        }
        Some(_) => return Err(wrong(String::new(), "Collection")),
    };
    let overwrite = OVERWRITE.read(members)?;
    let device = |(index, item)| match item {
        Json::Object(members) => IMPORTED_APPLE_DEVICE_IDENTITY.read(members),
        _ => Err(wrong(format!("[{index}]"), "")),
    };
    Ok((items.into_iter().enumerate().map(device).collect::<Result<_, _>>()?, overwrite))
}

fn wrong(path: String, collection: &str) -> BadBody {
    let (open, close) = if collection.is_empty() { ("", "") } else { ("(", ")") };
    BadBody::WrongType {
        path: format!("{IMPORTED_APPLE_DEVICE_IDENTITIES}{path}"),
        expected: format!("{collection}{open}{}{close}", IMPORTED_APPLE_DEVICE_IDENTITY.name),
    }
}

/// One result for each device, in their order.
fn response(
    graph: &Graph,
    request: &RequestContext,
    setting: SettingId,
    imported: &[Imported],
) -> GraphResponse {
    let kind = Kind::Complex(IMPORTED_APPLE_DEVICE_IDENTITY_RESULT.name);
    let (set, shape, root) = (set(setting), Shape::whole(request.metadata), graph.root(request.version));
    let mut out = Vec::with_capacity(64 + imported.len() * 512);
    let mut document = Object::open(&mut out);
    if request.metadata != Metadata::None {
        let context = graph.context(request.version, &format!("Collection({kind})"));
        Value::Text(context.into()).write(document.member("@odata.context"));
    }
    let results = document.member("value");
    results.push(b'[');
    for (index, imported) in imported.iter().enumerate() {
        if index > 0 {
            results.push(b',');
        }
        let mut result = Object::open(results);
        shape.entity(&root, &IMPORTED_APPLE_DEVICE_IDENTITY, &imported.device, &set, &mut result);
        for property in IMPORTED_APPLE_DEVICE_IDENTITY_RESULT.properties {
            (property.value)(imported).write(result.member(property.name));
        }
        result.close();
    }
    results.push(b']');
    document.close();
    GraphResponse::json(out, request.metadata)
}
