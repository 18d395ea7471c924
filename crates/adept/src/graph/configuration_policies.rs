//! `configurationPolicies`, of which there are none here: programs ask for the newer enrollment policies first and turn to
//! `enrollmentProfiles` when the list is empty. No query option is read, since none could change the answer.
//!
//! Observed: CIPP, Terraform providers and migration scripts since Intune's service release 2606.

use super::{request_context::RequestContext, response::GraphResponse, route::HandlerResult, value::Value};

pub(super) async fn list(request: &RequestContext<'_>) -> HandlerResult {
    Ok(request.document("deviceManagement/configurationPolicies", |document| {
        Value::Int(0).write(document.member("@odata.count"));
        Value::List(Vec::new()).write(document.member("value"));
    }))
}

pub(super) async fn count(_request: &RequestContext<'_>) -> HandlerResult {
    Ok(GraphResponse::count(0))
}
