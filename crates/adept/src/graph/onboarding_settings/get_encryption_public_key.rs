//! `GET /deviceManagement/depOnboardingSettings/{id}/getEncryptionPublicKey()`

use adept_odata::Kind;

use crate::graph::{Graph, entity::returned, request_context::RequestContext, router::Outcome, value::Value};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let id = call.setting_id()?;
    let certificate = graph.app.encryption_public_key(&call.caller, id).await?;
    Ok(returned(graph, call, Kind::String, &Value::optional_text(certificate.as_deref())))
}
