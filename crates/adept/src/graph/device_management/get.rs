//! `GET /deviceManagement`

use crate::graph::{
    Graph,
    call::Call,
    router::Outcome,
    types::{DEVICE_MANAGEMENT, DeviceManagement},
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let shape = call.shape(&DEVICE_MANAGEMENT)?;
    let shown =
        DeviceManagement { tenant: call.caller.tenant, maximum_dep_tokens: graph.app.maximum_dep_tokens() };
    Ok(shape.document(graph, call, &DEVICE_MANAGEMENT, &shown, "deviceManagement"))
}
