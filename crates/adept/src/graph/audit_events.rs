//! The operations of `auditEvents`, one file each, and what they share. The log can only be read.

pub(super) mod count;
pub(super) mod get;
pub(super) mod get_audit_activity_types;
pub(super) mod get_audit_categories;
pub(super) mod list;

use adept_odata::{Kind, parse_query_string};

use super::{
    Graph,
    error::Error,
    protocol::{Metadata, Version},
    request_context::RequestContext,
    response::GraphResponse,
    types::{AUDIT_EVENT, AUDIT_EVENT_V1, EntityType},
    value::{Object, Value},
};
use crate::domain::{AuditEntry, AuditField};

/// The operation that lists them.
pub(super) const LIST: &str = "auditEvent.list";

/// The collection's path below the version.
pub(super) const SET: &str = "deviceManagement/auditEvents";

/// The type as the version knows it.
pub(super) fn kind(version: Version) -> &'static EntityType<AuditEntry, AuditField, ()> {
    match version {
        Version::Beta => &AUDIT_EVENT,
        Version::V1 => &AUDIT_EVENT_V1,
    }
}

/// The page of these names that the query asks for.
fn names(graph: &Graph, request: &RequestContext, names: &[String]) -> Result<GraphResponse, Error> {
    let options = parse_query_string(&request.query).map_err(Error::BadQuery)?;
    for (value, option) in [(&options.filter, "$filter"), (&options.search, "$search")] {
        if value.is_some() {
            return Err(Error::UnsupportedOption(option));
        }
    }
    let at_most = |number: Option<u32>, default| number.map_or(default, |number| number as usize);
    let shown = names.iter().skip(at_most(options.skip, 0)).take(at_most(options.top, usize::MAX));
    let mut out = Vec::with_capacity(512);
    let mut document = Object::open(&mut out);
    if request.metadata != Metadata::None {
        let context = graph.context(request.version, &Kind::Collection(&Kind::String).to_string());
        Value::text(&context).write(document.member("@odata.context"));
    }
    if options.count == Some(true) {
        Value::Int(i64::try_from(names.len()).unwrap_or(i64::MAX)).write(document.member("@odata.count"));
    }
    Value::List(shown.map(|name| Value::text(name)).collect()).write(document.member("value"));
    document.close();
    Ok(GraphResponse::json(out, request.metadata))
}
