//! `GET /deviceManagement/depOnboardingSettings/getExpiringVppTokenCount(expiringBeforeDateTime='…')`

use adept_odata::Kind;
use jiff::{Timestamp, civil};

use crate::graph::{
    Graph, entity::returned, error::Error, request_context::RequestContext, router::Outcome, value::Value,
};

pub(in crate::graph) async fn handle(graph: &Graph, call: &mut RequestContext) -> Outcome {
    let before = call.arguments.first().map_or("", String::as_str);
    if before.parse::<Timestamp>().is_err() && before.parse::<civil::DateTime>().is_err() {
        let expected = "a date such as '2027-01-31T00:00:00Z'";
        return Err(Error::BadArgument { name: "expiringBeforeDateTime", expected });
    }
    // Adept keeps no tokens of Apple's volume purchase program, so none of them ever expires.
    Ok(returned(graph, call, Kind::Int32, &Value::Int(0)))
}
