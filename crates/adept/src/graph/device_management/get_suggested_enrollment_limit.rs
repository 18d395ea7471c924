//! `GET /deviceManagement/getSuggestedEnrollmentLimit(enrollmentType='…')`

use crate::graph::{
    Graph,
    protocol::Metadata,
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    value::{Object, Value},
};

/// Suggested devices a day, for any type: this service enrolls no devices, so it limits none.
const SUGGESTED_LIMIT: i64 = 1_000_000;

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let mut out = Vec::with_capacity(256);
    let mut document = Object::open(&mut out);
    if request.metadata != Metadata::None {
        let context = graph.context(request.version, "microsoft.graph.suggestedEnrollmentLimit");
        Value::text(&context).write(document.member("@odata.context"));
    }
    Value::Int(SUGGESTED_LIMIT).write(document.member("suggestedDailyLimit"));
    document.close();
    Ok(GraphResponse::json(out, request.metadata))
}
