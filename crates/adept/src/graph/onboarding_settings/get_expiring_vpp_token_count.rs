//! `GET /deviceManagement/depOnboardingSettings/getExpiringVppTokenCount(expiringBeforeDateTime='…')`

use adept_odata::Kind;
use jiff::{Timestamp, civil};

use crate::graph::{
    Graph, entity::value_response, error::Error, request_context::RequestContext, route::HandlerResult,
    value::Value,
};

pub(in crate::graph) async fn handle(graph: &Graph, request: &mut RequestContext) -> HandlerResult {
    let before = request.arguments.first().map_or("", String::as_str);
    if before.parse::<Timestamp>().is_err() && before.parse::<civil::DateTime>().is_err() {
        let expected = "a date such as '2027-01-31T00:00:00Z'";
        return Err(Error::BadArgument { name: "expiringBeforeDateTime", expected });
    }
    // Adept keeps no tokens of Apple's volume purchase program, so none of them ever expires.
    Ok(value_response(graph, request, Kind::Int32, &Value::Int(0)))
}
