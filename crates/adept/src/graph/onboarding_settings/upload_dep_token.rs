//! `POST /deviceManagement/depOnboardingSettings/{id}/uploadDepToken`

use super::setting_of;
use crate::{
    app::TokenUpload,
    graph::{
        Graph, body::TOKEN_LIMIT, error::BadBody, request_context::RequestContext, response::GraphResponse,
        route::HandlerResult, types::UPLOAD_DEP_TOKEN,
    },
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(TOKEN_LIMIT).await?;
    let setting = setting_of(graph, request).await?;
    let input = UPLOAD_DEP_TOKEN.read(request.object(&body)?)?;
    if input.dep_token.trim().is_empty() {
        return Err(BadBody::Missing { parameter: "depToken" }.into());
    }
    let upload = TokenUpload { apple_id: input.apple_id, dep_token: input.dep_token };
    graph.app.tokens.upload_token(&request.origin(), setting.id, upload).await?;
    Ok(GraphResponse::no_content())
}
