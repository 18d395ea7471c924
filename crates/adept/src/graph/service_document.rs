//! The service document at the root of a version: what the version begins with.

use axum::http::request::Parts;

use super::{
    Graph,
    entity::document,
    error::Error,
    protocol::{Version, asked_for},
    route::HandlerResult,
    value::Value,
};

/// Names what the version begins with.
pub(super) fn handle(graph: &Graph, version: Version, parts: &Parts) -> HandlerResult {
    let metadata = asked_for(parts).ok_or(Error::NotAcceptable)?;
    let context = format!("{}/{}/$metadata", graph.public_url, version.as_str());
    let root = [("name", "deviceManagement"), ("kind", "Singleton"), ("url", "deviceManagement")];
    let root = Value::Object(root.map(|(name, value)| (name, Value::text(value))).to_vec());
    Ok(document(metadata, &context, |document| Value::List(vec![root]).write(document.member("value"))))
}
