//! `POST /deviceManagement/depOnboardingSettings/{id}/generateEncryptionPublicKey`

use adept_odata::Kind;

use super::setting_of;
use crate::graph::{
    Graph, body::LIMIT, entity::returned, request_context::RequestContext, router::Outcome, value::Value,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let setting = setting_of(graph, call).await?;
    call.nothing(&body)?;
    let certificate = graph.app.generate_encryption_public_key(&call.origin(), setting.id).await?;
    Ok(returned(graph, call, Kind::String, &Value::text(&certificate)))
}
