//! `GET /deviceManagement`

use crate::graph::{
    Graph,
    expand::Expansions,
    listing::shape_of,
    request_context::RequestContext,
    router::Outcome,
    types::{DEVICE_MANAGEMENT, DeviceManagement},
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let options = call.options()?;
    let expansions = Expansions::of(call, &options, &DEVICE_MANAGEMENT)?;
    let mut shape = shape_of(&options, &DEVICE_MANAGEMENT, call.metadata)?;
    shape.expanded = expansions.names();
    let behind = expansions.behind_device_management(graph).await?;
    let shown =
        DeviceManagement { tenant: call.caller.tenant, maximum_dep_tokens: graph.app.maximum_dep_tokens() };
    Ok(shape.document_with(graph, call, &DEVICE_MANAGEMENT, &shown, "deviceManagement", &behind))
}
