//! Every query that a known client was seen to send is read, and means what the client meant.

use adept_odata::{
    CompareOp, Expr, Function, Literal, OrderBy, Select, parse_expand, parse_orderby, parse_query_string,
    parse_select,
};

use crate::fixture::{Field, Fixture, NOW, parse};

fn equals(field: &'static str, value: Literal) -> Expr<Field> {
    Expr::compare(Field(field), CompareOp::Eq, value)
}

fn text(value: &str) -> Literal {
    Literal::Text(value.to_owned())
}

const ADMIN_IMPORT: Literal = Literal::Enum { member: "adminImport", ordinal: 1 };
const PROGRAM: Literal = Literal::Enum { member: "deviceEnrollmentProgram", ordinal: 2 };

#[test]
fn the_portals_device_list_filters_by_source_and_profile() {
    let profile = "1f2c3d4e-5a6b-4c7d-8e9f-001122334455";
    let filter =
        parse(&format!("discoverySource eq 'AdminImport' and requestedEnrollmentProfileId eq '{profile}'"));
    let expected =
        equals("discoverySource", ADMIN_IMPORT).and(equals("requestedEnrollmentProfileId", text(profile)));
    assert_eq!(filter, expected);
}

#[test]
fn scripts_search_devices_by_part_of_the_serial_number() {
    let filter = parse("discoverySource eq 'deviceEnrollmentProgram' and contains(serialNumber,'X')");
    let call =
        Expr::Call(Function::Contains, vec![Expr::Field(Field("serialNumber")), Expr::Literal(text("X"))]);
    assert_eq!(filter, equals("discoverySource", PROGRAM).and(call));
}

#[test]
fn scripts_find_a_setting_by_its_apple_account() {
    assert_eq!(parse("appleIdentifier eq 'u@x'"), equals("appleIdentifier", text("u@x")));
}

#[test]
fn audit_readers_ask_for_a_component_and_a_time_span() {
    let filter = parse(
        "componentName eq 'Enrollment' and activityDateTime gt 2026-01-01T00:00:00.000Z \
         and activityDateTime le 2026-02-01T00:00:00Z and activityOperationType ne 'Get'",
    );
    let time = |text: &str| Literal::DateTime(text.parse().unwrap());
    let compare = |field, op, value| Expr::compare(Field(field), op, value);
    let expected = Expr::And(vec![
        equals("componentName", text("Enrollment")),
        compare("activityDateTime", CompareOp::Gt, time("2026-01-01T00:00:00Z")),
        compare("activityDateTime", CompareOp::Le, time("2026-02-01T00:00:00Z")),
        compare("activityOperationType", CompareOp::Ne, text("Get")),
    ]);
    assert_eq!(filter, expected);
}

#[test]
fn audit_readers_ask_for_the_events_of_one_resource() {
    let predicate = Box::new(equals("resources/resourceId", text("a_b")));
    let expected = Expr::Any(Field("resources"), predicate);
    assert_eq!(parse("resources/any(s:s/resourceId eq 'a_b')"), expected);
    assert_eq!(parse("resources/any( S : s/ResourceId eq 'a_b' )"), expected);
}

#[test]
fn the_sdks_encoded_filter_reaches_the_parser_as_typed() {
    let query = "$filter=tokenName%20eq%20%27my%20O%27%27Brien%20%26%20S%C3%B6hne%20%231%27";
    let options = parse_query_string(query).unwrap();
    let filter = parse(options.filter.as_deref().unwrap());
    assert_eq!(filter, equals("tokenName", text("my O'Brien & Söhne #1")));
}

#[test]
fn the_sdks_other_options_are_read() {
    let options = parse_query_string("$count=true&$top=1").unwrap();
    assert_eq!((options.count, options.top), (Some(true), Some(1)));

    let options = parse_query_string("$orderby=tokenName%20desc&$top=100").unwrap();
    assert_eq!(options.top, Some(100));
    let order = parse_orderby(options.orderby.as_deref().unwrap(), &Fixture, NOW).unwrap();
    let by = Expr::Field(Field("tokenName"));
    assert_eq!(order, [OrderBy { by, descending: true }]);

    let options = parse_query_string("%24select=tokenName,id").unwrap();
    let select = parse_select(options.select.as_deref().unwrap(), &Fixture).unwrap();
    assert_eq!(select, Select::Fields(vec![Field("tokenName"), Field("id")]));

    for path in ["enrollmentProfiles", "defaultIosEnrollmentProfile", "defaultMacOsEnrollmentProfile"] {
        let options = parse_query_string(&format!("?$expand={path}")[1..]).unwrap();
        assert_eq!(parse_expand(options.expand.as_deref().unwrap()).unwrap()[0].path, path);
    }
}

#[test]
fn an_unknown_property_in_select_is_named_with_its_type() {
    let error = parse_select("displayName,description", &Fixture).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Could not find a property named 'displayName' on type 'microsoft.graph.fixture'."
    );
}
