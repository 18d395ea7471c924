//! `GET /deviceManagement/getSuggestedEnrollmentLimit(enrollmentType='…')`

use crate::graph::{
    Graph,
    request_context::{Metadata, RequestContext},
    response::GraphResponse,
    router::Outcome,
    value::{Object, Value},
};

/// Devices a day that a tenant had better not exceed, whatever the type: nothing here enrolls devices, so nothing here
/// limits them.
const PLENTY: i64 = 1_000_000;

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let mut out = Vec::with_capacity(256);
    let mut document = Object::open(&mut out);
    if call.metadata != Metadata::None {
        let context = graph.context(call.version, "microsoft.graph.suggestedEnrollmentLimit");
        Value::text(&context).write(document.member("@odata.context"));
    }
    Value::Int(PLENTY).write(document.member("suggestedDailyLimit"));
    document.close();
    Ok(GraphResponse::json(out, call.metadata))
}
