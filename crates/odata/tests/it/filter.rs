//! What a `$filter` may look like, case by case. Each text is shown beside the canonical text of its tree.

use crate::fixture::parse;

/// Reads the first and compares with the second, which must print as itself.
fn same(written: &str, canonical: &str) {
    assert_eq!(parse(written).to_string(), canonical, "{written}");
    assert_eq!(parse(canonical).to_string(), canonical);
    assert_eq!(parse(written), parse(canonical), "{written}");
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    same(
        "id eq '1' or id eq '2' and not id eq '3' or isDeleted",
        "id eq '1' or id eq '2' and not (id eq '3') or isDeleted eq true",
    );
    same(
        "(id eq '1' or id eq '2') and (id eq '3' and id eq '4')",
        "(id eq '1' or id eq '2') and id eq '3' and id eq '4'",
    );
    same("not (id eq '1' and id eq '2')", "not (id eq '1' and id eq '2')");
    same("not not not contains(id,'1')", "not contains(id,'1')");
    same("not(not(id eq '1'))", "id eq '1'");
}

#[test]
fn words_and_names_are_read_in_any_case() {
    same("ID EQ 'a' AND NOT(ISDELETED) Or CONTAINS(SerialNumber,'B')", {
        "id eq 'a' and not (isDeleted eq true) or contains(serialNumber,'B')"
    });
    same(
        "ROLESCOPETAGIDS/ANY(T:T EQ '0') and isdeleted eq NULL",
        "roleScopeTagIds/any(e1:e1 eq '0') and isDeleted eq null",
    );
    same("isDeleted eq TRUE or isDeleted eq False", "isDeleted eq true or isDeleted eq false");
}

#[test]
fn a_literal_may_stand_on_the_left() {
    same("5 lt syncedDeviceCount", "syncedDeviceCount gt 5");
    same("5 ge syncedDeviceCount", "syncedDeviceCount le 5");
    same("'a' ne id", "id ne 'a'");
    same("null eq description", "description eq null");
    same("(5) eq (syncedDeviceCount)", "syncedDeviceCount eq 5");
}

#[test]
fn a_condition_may_be_compared_with_true_or_false() {
    same("startswith(id,'a') eq true", "startswith(id,'a')");
    same("startswith(id,'a') ne true", "not startswith(id,'a')");
    same("false eq endswith(id,'a')", "not endswith(id,'a')");
    same("(id eq 'a' or id eq 'b') eq false", "not (id eq 'a' or id eq 'b')");
    same("id eq 'a' eq true ne true", "not (id eq 'a')");
    same("true", "true");
    same("not true or isSupervised", "false or isSupervised eq true");
}

#[test]
fn null_is_a_question_of_its_own() {
    same("description eq null", "description eq null");
    same("description ne null", "description ne null");
    same("not (description eq null)", "description ne null");
    same("description gt null", "false");
    same("description in ('a',null)", "description in ('a') or description eq null");
    same("description in (null)", "description eq null");
}

#[test]
fn lists_hold_literals_of_the_propertys_kind() {
    same("id in ( 'a' , 'b''c' )", "id in ('a','b''c')");
    same("syncedDeviceCount in (1,-2)", "syncedDeviceCount in (1,-2)");
    same("not (discoverySource in ('ADMINIMPORT'))", "not (discoverySource in ('adminImport'))");
}

#[test]
fn text_functions_ignore_case_conversions() {
    same("contains(tolower(serialNumber),tolower('Ab'))", "contains(serialNumber,'Ab')");
    same("toupper(serialNumber) eq 'ABC'", "serialNumber eq 'ABC'");
    same("endswith( actor/userPrincipalName , '@x' )", "endswith(actor/userPrincipalName,'@x')");
    same("contains(id,'a''b(),')", "contains(id,'a''b(),')");
}

#[test]
fn enums_are_read_quoted_or_qualified() {
    for written in [
        "'adminImport'",
        "'ADMINIMPORT'",
        "microsoft.graph.discoverySource'AdminImport'",
        "graph.DiscoverySource'adminImport'",
        "discoverySource'adminImport'",
    ] {
        same(&format!("discoverySource eq {written}"), "discoverySource eq 'adminImport'");
    }
    same("discoverySource ge 'adminimport'", "discoverySource ge 'adminImport'");
}

#[test]
fn dates_are_read_with_fractions_offsets_and_quotes() {
    let same = |written: &str, canonical: &str| {
        same(&format!("activityDateTime ge {written}"), &format!("activityDateTime ge {canonical}"));
    };
    same("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z");
    same("2026-01-31t08:00:00z", "2026-01-31T08:00:00Z");
    same("2026-01-31T08:00:00.123Z", "2026-01-31T08:00:00.123Z");
    same("2026-01-31T08:00:00.1234567Z", "2026-01-31T08:00:00.1234567Z");
    same("2026-01-31T08:00:00.1234567891Z", "2026-01-31T08:00:00.123456789Z");
    same("2026-01-31T08:00:00+02:00", "2026-01-31T06:00:00Z");
    same("2026-01-31T08:00:00.5-05:30", "2026-01-31T13:30:00.5Z");
    same("2026-01-31T08:00:00 02:00", "2026-01-31T06:00:00Z");
    same("2026-01-31T08:00Z", "2026-01-31T08:00:00Z");
    same("2026-01-31", "2026-01-31T00:00:00Z");
    same("'2026-01-31T08:00:00+00:00'", "2026-01-31T08:00:00Z");
    same("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
    // .NET's greatest time lies a day behind the last one that jiff holds.
    same("9999-12-31T23:59:59.9999999Z", "9999-12-30T22:00:00.999999999Z");
    same("0000-01-01T00:00:00+10:00", "0000-01-01T00:00:00Z");
    same("2026-01-31T08:00:00+14:45", "2026-01-30T17:15:00Z");
    same("2026-01-31T08:00:00-23:59", "2026-02-01T07:59:00Z");
    same("2026-01-31T08:00:00.5 12:45", "2026-01-30T19:15:00.5Z");
}

#[test]
fn guids_are_read_with_and_without_quotes() {
    let canonical = "correlationId eq deadbeef-0000-4000-8000-00000000000a";
    same("correlationId eq DEADBEEF-0000-4000-8000-00000000000A", canonical);
    same("correlationId eq 'deadbeef-0000-4000-8000-00000000000a'", canonical);
    same("deadbeef-0000-4000-8000-00000000000a eq correlationId", canonical);
    same(
        "groupIds/any(g:g eq 01234567-0000-4000-8000-00000000000a)",
        "groupIds/any(e1:e1 eq 01234567-0000-4000-8000-00000000000a)",
    );
}

#[test]
fn numbers_are_whole_and_may_be_negative() {
    same("size ge -9223372036854775808", "size ge -9223372036854775808");
    same("syncedDeviceCount lt 3000000000", "syncedDeviceCount lt 3000000000");
}

#[test]
fn any_and_all_walk_collections_and_may_nest() {
    same("resources/any()", "resources/any(e1:true)");
    same("not resources/any()", "not resources/any(e1:true)");
    same("roleScopeTagIds/all(t:t ne '0')", "roleScopeTagIds/all(e1:e1 ne '0')");
    same(
        "resources/any(r:serialNumber eq 'x' and r/modifiedProperties/any(p:p/newValue eq '1' and r/displayName eq '2'))",
        "resources/any(e1:serialNumber eq 'x' and e1/modifiedProperties/any(e2:e2/newValue eq '1' and e1/displayName eq '2'))",
    );
    same(
        "resources/any(a:a/displayName eq '1') and resources/any(a:a/displayName eq '2')",
        "resources/any(e1:e1/displayName eq '1') and resources/any(e1:e1/displayName eq '2')",
    );
    same("resources/any(r:resourcesTotal eq 1)", "resources/any(e1:resourcesTotal eq 1)");
}

#[test]
fn white_space_is_free() {
    same("  id\teq\n'a'  and(id eq 'b')", "id eq 'a' and id eq 'b'");
}
