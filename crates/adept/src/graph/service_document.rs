//! The service document at the root of a version: what the version begins with.

use axum::http::HeaderMap;

use super::{
    Graph,
    error::Error,
    protocol::{Metadata, Version, accepted},
    response::GraphResponse,
    route::HandlerResult,
    value::{Object, Value},
};

/// Names what the version begins with.
pub(super) fn handle(graph: &Graph, version: Version, headers: &HeaderMap) -> HandlerResult {
    let metadata = accepted(headers).ok_or(Error::NotAcceptable)?;
    let mut out = Vec::with_capacity(256);
    let mut document = Object::open(&mut out);
    if metadata != Metadata::None {
        let context = format!("{}/{}/$metadata", graph.public_url, version.as_str());
        Value::text(&context).write(document.member("@odata.context"));
    }
    let root = [("name", "deviceManagement"), ("kind", "Singleton"), ("url", "deviceManagement")];
    let root = Value::Object(root.map(|(name, value)| (name, Value::text(value))).to_vec());
    Value::List(vec![root]).write(document.member("value"));
    document.close();
    Ok(GraphResponse::json(out, metadata))
}
