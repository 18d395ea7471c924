//! `POST /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/{id}/updateDeviceProfileAssignment`

use super::profile_of;
use crate::graph::{
    Graph, body::LIMIT, input_value::BadBody, request_context::RequestContext, response::GraphResponse,
    router::Outcome, types::UPDATE_DEVICE_PROFILE_ASSIGNMENT,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let body = call.receive(LIMIT).await?;
    let profile = profile_of(graph, call).await?;
    let serials = UPDATE_DEVICE_PROFILE_ASSIGNMENT.read(call.object(&body)?)?;
    if serials.is_empty() {
        return Err(BadBody::Missing { parameter: "deviceIds" }.into());
    }
    graph.app.assign_profile(&call.origin(), profile.setting, profile.id, serials).await?;
    Ok(GraphResponse::no_content())
}
