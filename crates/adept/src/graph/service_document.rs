//! The service document at the root of a version: what the version begins with.

use axum::http::HeaderMap;

use super::{
    Edge,
    request_context::{Metadata, Version, accepted},
    response::GraphResponse,
    router::Outcome,
    value::{Object, Value},
};

/// Tells everyone where to begin.
pub(super) fn tell(edge: &Edge, version: Version, headers: &HeaderMap) -> Outcome {
    let metadata = accepted(headers)?;
    let mut out = Vec::with_capacity(256);
    let mut document = Object::open(&mut out);
    if metadata != Metadata::None {
        let context = format!("{}/{}/$metadata", edge.graph.public_url, version.as_str());
        Value::text(&context).write(document.member("@odata.context"));
    }
    let root = [("name", "deviceManagement"), ("kind", "Singleton"), ("url", "deviceManagement")];
    let root = Value::Object(root.map(|(name, value)| (name, Value::text(value))).to_vec());
    Value::List(vec![root]).write(document.member("value"));
    document.close();
    Ok(GraphResponse::json(out, metadata))
}
