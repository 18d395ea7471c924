//! `GET /deviceManagement/depOnboardingSettings/{id}/default…EnrollmentProfile/$ref`

use super::default_of;
use crate::graph::{
    Graph,
    enrollment_profiles::set,
    request_context::{Metadata, RequestContext},
    response::GraphResponse,
    router::Outcome,
    value::{Object, Value},
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let (setting, profile) = default_of(graph, call).await?;
    let version = call.version.as_str();
    let address = format!("{}/{version}/{}('{}')", graph.public_url, set(setting), profile.full_id());
    let mut out = Vec::with_capacity(512);
    let mut document = Object::open(&mut out);
    if call.metadata != Metadata::None {
        Value::Text(graph.context(call.version, "$ref").into()).write(document.member("@odata.context"));
    }
    Value::Text(address.into()).write(document.member("@odata.id"));
    document.close();
    Ok(GraphResponse::json(out, call.metadata))
}
