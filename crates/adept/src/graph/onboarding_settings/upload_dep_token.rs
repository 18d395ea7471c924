//! `POST /deviceManagement/depOnboardingSettings/{id}/uploadDepToken`

use super::setting_of;
use crate::{
    app::TokenUpload,
    graph::{
        Graph, body::TOKEN_LIMIT, input_value::BadBody, request_context::RequestContext,
        response::GraphResponse, router::Outcome, types::UPLOAD_DEP_TOKEN,
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(TOKEN_LIMIT).await?;
    let setting = setting_of(graph, call).await?;
    let given = UPLOAD_DEP_TOKEN.read(call.object(&body)?)?;
    if given.dep_token.trim().is_empty() {
        return Err(BadBody::Missing { parameter: "depToken" }.into());
    }
    let upload = TokenUpload { apple_id: given.apple_id, dep_token: given.dep_token };
    graph.app.upload_token(&call.origin(), setting.id, upload).await?;
    Ok(GraphResponse::no_content())
}
