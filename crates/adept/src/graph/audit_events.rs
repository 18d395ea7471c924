//! The operations of `auditEvents`. The log can only be read.

use adept_odata::{Kind, parse_query_string};

use super::{
    entity::EntitySet,
    error::Error,
    protocol::Version,
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    types::{AUDIT_EVENT, AUDIT_EVENT_V1},
    value::Value,
};
use crate::{
    app::AuditLog,
    domain::{AuditEntry, AuditField},
};

/// The operation that lists them.
pub(super) const LIST: &str = "auditEvent.list";

/// The collection, of the type as the request's version knows it.
pub(super) fn set(request: &RequestContext<'_>) -> EntitySet<AuditEntry, AuditField, ()> {
    let kind = match request.endpoint.version {
        Version::Beta => &AUDIT_EVENT,
        Version::V1 => &AUDIT_EVENT_V1,
    };
    EntitySet::new(kind, "deviceManagement/auditEvents")
}

pub(super) async fn list(request: &RequestContext<'_>) -> HandlerResult {
    let listing = request.listing(set(request))?;
    let listed = request.app().audit.list(&request.caller, &listing.query).await?;
    Ok(listing.response(request, listed, Vec::new()))
}

pub(super) async fn count(request: &RequestContext<'_>) -> HandlerResult {
    let filter = request.count_filter(set(request).kind)?;
    Ok(GraphResponse::count(request.app().audit.count(&request.caller, filter.as_ref()).await?))
}

pub(super) async fn get(request: &RequestContext<'_>) -> HandlerResult {
    let set = set(request);
    let shape = request.shape(set.kind)?;
    let event = request.app().audit.get(&request.caller, request.audit_event_id()?).await?;
    shape.answer(request, &set, &event, &[])
}

pub(super) async fn get_audit_categories(request: &RequestContext<'_>) -> HandlerResult {
    names(request, &[AuditLog::AUDIT_COMPONENT.to_owned()])
}

pub(super) async fn get_audit_activity_types(request: &RequestContext<'_>) -> HandlerResult {
    names(request, &request.app().audit.activity_types(&request.caller, request.argument()).await?)
}

/// The page of these names that the query asks for.
fn names(request: &RequestContext<'_>, names: &[String]) -> HandlerResult {
    let options = parse_query_string(request.query())?;
    for (value, option) in [
        (&options.filter, "$filter"),
        (&options.orderby, "$orderby"),
        (&options.select, "$select"),
        (&options.expand, "$expand"),
        (&options.search, "$search"),
        (&options.skiptoken, "$skiptoken"),
    ] {
        if value.is_some() {
            return Err(Error::UnsupportedOption(option));
        }
    }
    let at_most = |number: Option<u32>, default| number.map_or(default, |number| number as usize);
    let shown = names.iter().skip(at_most(options.skip, 0)).take(at_most(options.top, usize::MAX));
    Ok(request.document(&Kind::Collection(&Kind::String).to_string(), |document| {
        if options.count == Some(true) {
            Value::Int(i64::try_from(names.len()).unwrap_or(i64::MAX)).write(document.member("@odata.count"));
        }
        Value::List(shown.map(|name| Value::text(name)).collect()).write(document.member("value"));
    }))
}
