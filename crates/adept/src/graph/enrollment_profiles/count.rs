//! `GET /deviceManagement/depOnboardingSettings/{id}/enrollmentProfiles/$count`

use super::{listed_type, narrowed};
use crate::graph::{Graph, answer::Answer, call::Call, router::Outcome};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut Call) -> Outcome {
    let setting = call.setting_id()?;
    let filter = narrowed(call, call.counted(listed_type(call))?);
    let count = graph.app.count_profiles(&call.caller, setting, filter.as_ref()).await?;
    Ok(Answer::text(count.to_string()))
}
