//! `GET /deviceManagement`

use crate::graph::{
    Graph,
    expand::Expansions,
    listing::shape_of,
    request_context::RequestContext,
    route::HandlerResult,
    types::{DEVICE_MANAGEMENT, DeviceManagement},
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let options = request.options()?;
    let expansions = Expansions::of(request, &options, &DEVICE_MANAGEMENT)?;
    let mut shape = shape_of(&options, &DEVICE_MANAGEMENT, request.metadata)?;
    shape.expanded = expansions.names();
    let expanded = expansions.expand_device_management(graph).await?;
    let shown =
        DeviceManagement { tenant: request.caller.tenant, maximum_dep_tokens: graph.app.settings.maximum };
    Ok(shape.document_with(graph, request, &DEVICE_MANAGEMENT, &shown, "deviceManagement", &expanded))
}
