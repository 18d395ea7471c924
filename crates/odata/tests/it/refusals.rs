//! What a `$filter` may not look like, and which message its author gets.

use adept_odata::{Problem, parse_filter};

use crate::fixture::{Fixture, refusal};

#[test]
fn a_misspelt_operator_is_pointed_at() {
    assert_eq!(
        refusal("serialNumber eqq 'x'"),
        "Syntax error at position 14 in 'serialNumber eqq ''x''': \
         expected a comparison (eq, ne, gt, ge, lt, le or in)."
    );
    assert_eq!(parse_filter("serialNumber eqq 'x'", &Fixture).unwrap_err().position, 13);
}

#[test]
fn unknown_properties_are_named_with_the_type_that_lacks_them() {
    let lacks = |text: &str, name: &str, type_name: &str| {
        assert_eq!(refusal(text), format!("Could not find a property named '{name}' on type '{type_name}'."));
    };
    lacks("nope eq 1", "nope", "microsoft.graph.fixture");
    lacks("actor/nope eq 1", "nope", "microsoft.graph.auditActor");
    lacks("id/nope eq 1", "nope", "Edm.String");
    lacks("resources/any(r:r/nope eq 1)", "nope", "microsoft.graph.auditResource");
    lacks("discoverySource eq adminImport", "adminImport", "microsoft.graph.fixture");
}

#[test]
fn literals_of_another_type_are_named_with_the_property_and_its_type() {
    let wrong = |property: &str, expected: &str, literal: &str| {
        let prefix = format!(
            "The property '{property}' is of type '{expected}' and cannot be compared with {literal} "
        );
        let sentence = refusal(&format!("{property} eq {literal}"));
        assert!(sentence.starts_with(&prefix), "{sentence}");
    };
    wrong("syncedDeviceCount", "Edm.Int32", "'5'");
    wrong("syncedDeviceCount", "Edm.Int32", "5.0");
    wrong("size", "Edm.Int64", "9223372036854775808");
    wrong("serialNumber", "Edm.String", "5");
    wrong("serialNumber", "Edm.String", "deadbeef-0000-4000-8000-00000000000a");
    wrong("isSupervised", "Edm.Boolean", "'true'");
    wrong("correlationId", "Edm.Guid", "'{deadbeef-0000-4000-8000-00000000000a}'");
    wrong("discoverySource", "microsoft.graph.discoverySource", "2");
    wrong("discoverySource", "microsoft.graph.discoverySource", "microsoft.graph.platform'ios'");
    wrong("discoverySource", "microsoft.graph.discoverySource", "microsoft.graph.platform'unknown'");
    wrong("discoverySource", "microsoft.graph.discoverySource", "contoso.discoverySource'unknown'");
    for date in [
        "2026-02-30T00:00:00Z",
        "2026-01-31T08:00:00",
        "2026-01-31T08:00:00+24:00",
        "2026-01-31T08:00:00+25:00",
        "2026-01-31T08:00:00+01:60",
        "2026-01-31T08:00:00+01:61",
        "2026-01-31T",
        "2026-01-31TZ",
        "2026-1-31",
        "'2026-01-31 08:00:00Z'",
        "'2026-01-31T08:00:00*01:00'",
        "2026-01-31T08:00:00+0100",
        "2026-01-31Z",
        "-2026-01-31",
        "'yesterday'",
        "'2026-01-31T08:00:00Z[UTC]'",
    ] {
        wrong("activityDateTime", "Edm.DateTimeOffset", date);
    }
    let sentence = refusal("activityDateTime eq 2026-01-31x08:00:00 02:00");
    assert!(sentence.contains("with 2026-01-31x08:00:00 (position 21)"), "{sentence}");
}

#[test]
fn an_unknown_enum_member_is_answered_with_the_members() {
    assert_eq!(
        refusal("discoverySource eq 'adminimports'"),
        "'adminimports' at position 20 is not a member of 'microsoft.graph.discoverySource'; \
         the members are unknown, adminImport, deviceEnrollmentProgram."
    );
    let qualified = refusal("discoverySource eq microsoft.graph.discoverySource'android'");
    assert!(qualified.contains("is not a member of 'microsoft.graph.discoverySource'"), "{qualified}");
}

#[test]
fn collections_and_complex_values_are_not_compared() {
    assert_eq!(
        refusal("resources/resourceId eq 'a'"),
        "'resources' is a collection: use resources/any(…) or resources/all(…)."
    );
    assert!(refusal("roleScopeTagIds eq '0'").contains("use any(…) or all(…)"));
    assert!(refusal("actor eq null").contains("compare one of its members"));
    assert!(refusal("resources/any(r:r eq 'a')").contains("compare one of its members"));
    assert_eq!(refusal("id/any(i:i eq 'a')"), "'id' is not a collection: 'any' and 'all' need one.");
    assert!(refusal("roleScopeTagIds/any(t:t/any(u:u eq '0'))").contains("is not a collection"));
}

#[test]
fn one_collection_is_not_walked_by_two_variables_at_once() {
    assert!(refusal("resources/any(a:resources/any(b:b/displayName eq 'x'))").contains("already in use"));
    assert!(refusal("resources/any(a:roleScopeTagIds/any(a:a eq 'x'))").contains("already in use"));
}

#[test]
fn legal_odata_that_is_not_offered_says_so() {
    assert!(refusal("length(id) eq 3").starts_with("The function 'length' is not supported"));
    assert!(refusal("id eq description").starts_with("Comparing two properties ('id' and 'description')"));
    assert!(refusal("1 eq 1").starts_with("One side of 'eq'"));
    assert!(refusal("contains(id,'a') eq null").starts_with("A condition can only be compared"));
    assert!(refusal("contains(id,'a') gt false").starts_with("A condition can only be compared"));
}

#[test]
fn broken_text_is_pointed_at() {
    let broken = |text: &str, position: usize| {
        let error = parse_filter(text, &Fixture).unwrap_err();
        assert!(matches!(error.problem, Problem::Syntax { .. }), "{text}: {error}");
        assert_eq!(error.position, position, "{text}: {error}");
    };
    broken("", 0);
    broken("   ", 3);
    broken("id", 2);
    broken("id eq", 5);
    broken("id eq 'a", 6);
    broken("id eq 'a\0'", 8);
    broken("id eq 'a' and", 13);
    broken("id eq 'a' id", 10);
    broken("(id eq 'a'", 10);
    broken("id eq 'a')", 9);
    broken("id in 'a'", 6);
    broken("id in ()", 7);
    broken("id in ('a'", 10);
    broken("id in (description)", 7);
    broken("contains(id)", 11);
    broken("contains(size,'a')", 9);
    broken("contains('a',id)", 9);
    broken("contains(id,5)", 12);
    broken("contains(id,'a','b')", 15);
    broken("tolower(size) eq 'a'", 8);
    broken("resources/all()", 14);
    broken("resources/any(r)", 15);
    broken("resources/", 10);
    broken("id & 1", 3);
    broken("activityDateTime ge 2026-01-31T08:00:00Z 02:00", 41);
    broken("id eq ünder", 6);
    broken("not", 3);
    broken("5", 1);
}

#[test]
fn an_error_repeats_only_a_short_part_of_a_long_text() {
    let text = format!("id eq '{}' öööö and ?", "ö'' ".repeat(500));
    let sentence = refusal(&text);
    assert!(sentence.len() < 300, "{sentence}");
    let name = "x".repeat(3000);
    assert!(refusal(&format!("{name} eq 1")).len() < 300);
}

#[test]
fn only_the_whole_word_is_a_guid() {
    for longer in ["a", "_", ".", "-", "-0"] {
        let text = format!("correlationId eq deadbeef-0000-4000-8000-00000000000a{longer}");
        assert!(refusal(&text).starts_with("Could not find a property named 'deadbeef'"), "{text}");
    }
    for other in ["deadbeef00004000800000000000000a", "deadbeef-0000-4000-8000-00000000000g"] {
        let sentence = refusal(&format!("correlationId eq '{other}'"));
        assert!(sentence.contains("is of type 'Edm.Guid'"), "{sentence}");
    }
}

#[test]
fn any_and_all_are_names_unless_parentheses_follow() {
    let lacks = |text: &str, name: &str| {
        let expected =
            format!("Could not find a property named '{name}' on type 'microsoft.graph.auditResource'.");
        assert_eq!(refusal(text), expected);
    };
    lacks("resources/any eq 1", "any");
    lacks("resources/all eq 1", "all");
    lacks("resources/some(r:r/displayName eq 'a')", "some");
}

#[test]
fn an_excerpt_shows_sixty_bytes_on_either_side_and_says_where_it_is_cut() {
    for (before, after) in [(6, 0), (60, 59), (61, 59), (60, 60), (61, 60), (200, 200)] {
        let (before, after) = (format!("{}id eq ", " ".repeat(before - 6)), "a".repeat(after));
        let error = parse_filter(&format!("{before}?{after}"), &Fixture).unwrap_err();
        let Problem::Syntax { excerpt, .. } = &error.problem else { panic!("{error}") };
        let shown_before = &before[before.len().saturating_sub(60)..];
        // The mistake itself is the first of the sixty behind it.
        let shown_after = &after[..after.len().min(59)];
        let cut = |is_cut| if is_cut { "…" } else { "" };
        let (cut_before, cut_after) = (cut(before.len() > 60), cut(after.len() > 59));
        assert_eq!(*excerpt, format!("{cut_before}{shown_before}?{shown_after}{cut_after}"));
        assert_eq!(error.position, before.len());
    }
}

#[test]
fn a_name_in_a_sentence_is_cut_behind_a_hundred_bytes() {
    for (length, dots) in [(99, ""), (100, ""), (101, "…")] {
        let shown = format!("'{}{dots}'", "x".repeat(length.min(100)));
        let sentence = refusal(&format!("{} eq 1", "x".repeat(length)));
        assert!(sentence.contains(&shown), "{length}: {sentence}");
    }
}

#[test]
fn a_value_without_a_comparison_is_pointed_at() {
    assert!(refusal("(id)").contains("expected a comparison"));
    assert!(refusal("tolower(contains(id,'a')) eq 'a'").contains("expected a property of type 'Edm.String'"));
    assert!(refusal("tolower(5) eq 'a'").contains("expected a property of type 'Edm.String'"));
}
