//! `POST /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/updateDeviceProfileAssignment`

use super::profile_of;
use crate::graph::{
    Graph, body::LIMIT, error::BadBody, request_context::RequestContext, response::GraphResponse,
    route::HandlerResult, types::UPDATE_DEVICE_PROFILE_ASSIGNMENT,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let profile = profile_of(graph, request).await?;
    let serials = UPDATE_DEVICE_PROFILE_ASSIGNMENT.read(request.object(&body)?)?;
    if serials.is_empty() {
        return Err(BadBody::Missing { parameter: "deviceIds" }.into());
    }
    graph.app.profiles.assign(&request.origin(), profile.setting, profile.id, serials).await?;
    Ok(GraphResponse::no_content())
}
