//! `GET /deviceManagement/auditEvents/$count`

use super::kind;
use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let filter = call.counted(kind(call.version))?;
    let count = graph.app.count_audit_events(&call.caller, filter.as_ref()).await?;
    Ok(Answer::text(count.to_string()))
}
