//! `POST /deviceManagement/depOnboardingSettings/{id}/generateEncryptionPublicKey`

use adept_odata::Kind;

use super::setting_of;
use crate::graph::{
    Graph, body::LIMIT, entity::value_response, request_context::RequestContext, route::HandlerResult,
    value::Value,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(graph, request).await?;
    request.expect_no_parameters(&body)?;
    let certificate =
        graph.app.settings.generate_encryption_public_key(&request.origin(), setting.id).await?;
    Ok(value_response(graph, request, Kind::String, &Value::text(&certificate)))
}
