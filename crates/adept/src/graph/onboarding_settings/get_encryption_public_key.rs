//! `GET /deviceManagement/depOnboardingSettings/{id}/getEncryptionPublicKey()`

use adept_odata::Kind;

use crate::graph::{
    Graph, entity::value_response, request_context::RequestContext, route::HandlerResult, value::Value,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let id = request.setting_id()?;
    let certificate = graph.app.settings.encryption_public_key(&request.caller, id).await?;
    Ok(value_response(graph, request, Kind::String, &Value::optional_text(certificate.as_deref())))
}
