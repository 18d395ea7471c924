//! `GET /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile/$ref`

use super::default_of;
use crate::{
    domain::DevicePlatform,
    graph::{
        Graph,
        enrollment_profiles::set,
        protocol::Metadata,
        request_context::RequestContext,
        response::GraphResponse,
        route::HandlerResult,
        value::{Object, Value},
    },
};

pub(in crate::graph) async fn handle(
    graph: &Graph,
    request: &mut RequestContext,
    platform: DevicePlatform,
) -> HandlerResult {
    let (setting, profile) = default_of(graph, request, platform).await?;
    let version = request.version.as_str();
    let address = format!("{}/{version}/{}('{}')", graph.public_url, set(setting), profile.full_id());
    let mut out = Vec::with_capacity(512);
    let mut document = Object::open(&mut out);
    if request.metadata != Metadata::None {
        Value::Text(graph.context(request.version, "$ref").into()).write(document.member("@odata.context"));
    }
    Value::Text(address.into()).write(document.member("@odata.id"));
    document.close();
    Ok(GraphResponse::json(out, request.metadata))
}
