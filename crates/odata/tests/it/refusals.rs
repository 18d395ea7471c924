//! What a `$filter` may not look like, and which message its author gets.

use adept_odata::{Problem, parse_filter};

use crate::fixture::{Fixture, NOW, refusal};

#[test]
fn a_misspelt_operator_is_pointed_at() {
    assert_eq!(
        refusal("serialNumber eqq 'x'"),
        "Syntax error at position 14 in 'serialNumber eqq ''x''': \
         expected a comparison (eq, ne, gt, ge, lt, le or in)."
    );
    assert_eq!(parse_filter("serialNumber eqq 'x'", &Fixture, NOW).unwrap_err().position, 13);
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
fn properties_that_are_there_and_cannot_be_compared_are_not_called_unknown() {
    for (text, path) in [
        ("photo eq 1", "photo"),
        ("actor/photo eq 1", "actor/photo"),
        ("resources/any(r:r/photo eq 1)", "resources/photo"),
        ("microsoft.graph.special/photo eq 1", "microsoft.graph.special/photo"),
    ] {
        let expected = format!("The property '{path}' cannot be used in '$filter' or '$orderby'.");
        assert_eq!(refusal(text), expected, "{text}");
    }
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
    wrong("syncedDeviceCount", "Edm.Int32", "5.");
    wrong("syncedDeviceCount", "Edm.Int32", "1e100");
    wrong("syncedDeviceCount", "Edm.Int32", "1e5e5");
    wrong("syncedDeviceCount", "Edm.Int32", "0x5");
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
    assert!(refusal("roleScopeTagIds eq null").contains("use any(…) or all(…)"));
    assert!(refusal("actor eq 'a'").contains("compare one of its members"));
    assert!(refusal("actor eq actor").contains("compare one of its members"));
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
    for (text, sentence) in [
        (
            "matchesPattern(id,'a')",
            "The function 'matchesPattern' is not supported; contains, startswith, endswith, length, indexof, substring, \
             trim, concat, year, month, day, hour, minute, second, date, isof, maxdatetime, mindatetime, now, tolower and \
             toupper are.",
        ),
        (
            "discoverySource has 'adminImport'",
            "The operator 'has' is not supported: no property here is an enumeration of flags; use eq or in.",
        ),
        (
            "size divby 2 eq 1",
            "The operator 'divby' is not supported: only whole numbers are calculated with; use div.",
        ),
        ("size add 1 eq 1", ARITHMETIC),
        ("syncedDeviceCount mul syncedDeviceCount mul 9 eq 1", ARITHMETIC),
        ("syncedDeviceCount add 1.5 eq 1", ARITHMETIC),
        ("-id eq 'a'", ARITHMETIC),
        ("id add 'a' eq 'b'", ARITHMETIC),
        ("activityDateTime sub activityDateTime eq 1", ARITHMETIC),
        ("id eq @p1", "Parameter aliases and annotations are not supported: '@p1'."),
        ("$root/x eq 1", "In an expression this is not supported: '$root'."),
        ("$it eq 1", "'$it' in a path is not supported here."),
        ("size eq INF", "Numbers that are not finite are not supported: 'INF'."),
        ("resources/$count($filter=displayName eq 'a') gt 1", "'$count(…)' in a path is not supported here."),
        ("resources/$filter eq 1", "'$filter' in a path is not supported here."),
        ("duration'P1D' eq duration'P1D'", "duration'P1D' is not supported without a property beside it."),
        ("concat(tokenName,null) eq 'a'", NULL_ARGUMENT),
        ("tolower(null) eq 'a'", NULL_ARGUMENT),
        ("year(null) eq 1", NULL_ARGUMENT),
        ("substring(id,null) eq 'a'", NULL_ARGUMENT),
        ("null", NULL_CONDITION),
        ("null and true", NULL_CONDITION),
        ("isDeleted or null", NULL_CONDITION),
        ("not null", NULL_CONDITION),
        ("resources/any(r:null)", NULL_CONDITION),
        ("tokenName in (description)", LIST),
        ("tokenName in ('a',tolower('B'))", LIST),
        ("size in ((1))", LIST),
        (
            "'0' in roleScopeTagIds",
            "A literal before 'in' is not supported: a property or a function can stand there.",
        ),
        ("2 in (1,2)", "A literal before 'in' is not supported: a property or a function can stand there."),
        (
            "id in roleScopeTagIds",
            "A collection behind 'in' is not supported: list the values in parentheses, or use any(…) with eq.",
        ),
        ("isof(description,'Edm.String')", "isof is supported of an entity and of a lambda variable alone."),
    ] {
        assert_eq!(refusal(text), sentence, "{text}");
    }
}

const NULL_ARGUMENT: &str =
    "'null' as an argument of a function is not supported: compare with it by eq or ne.";
const NULL_CONDITION: &str = "'null' as a condition is not supported: compare with it by eq or ne.";
const LIST: &str = "A property or an expression in the list behind 'in' is not supported: only literals are.";
const ARITHMETIC: &str =
    "Arithmetic on other than whole numbers, or whose result may not fit 64 bits, is not supported.";

#[test]
fn operands_of_two_types_are_named_with_both() {
    assert_eq!(
        refusal("id eq size"),
        "'id' of type 'Edm.String' cannot be compared with 'size' of type 'Edm.Int64'."
    );
    assert_eq!(
        refusal("date(activityDateTime) eq activityDateTime"),
        "'date(activityDateTime)' of type 'Edm.Date' cannot be compared with 'activityDateTime' of type \
         'Edm.DateTimeOffset'."
    );
    assert!(refusal("length(id) eq 'a'").starts_with("The property 'length(id)' is of type 'Edm.Int32'"));
    assert!(refusal("contains(id,'a') eq 'true'").starts_with("The property 'contains(id,'a')' is of type"));
}

#[test]
fn types_that_are_not_there_are_named() {
    for text in [
        "isof('microsoft.graph.other')",
        "microsoft.graph.other/extra eq 1",
        "resources/any(r:isof(r,'microsoft.graph.other'))",
    ] {
        assert_eq!(refusal(text), "There is no type named 'microsoft.graph.other' here.", "{text}");
    }
    assert!(refusal("extra eq 1").starts_with("Could not find a property named 'extra'"));
    assert!(refusal("microsoft.graph.special/nope eq 1").starts_with("Could not find a property named"));
}

#[test]
fn broken_text_is_pointed_at() {
    let broken = |text: &str, position: usize| {
        let error = parse_filter(text, &Fixture, NOW).unwrap_err();
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
    broken("contains(id)", 11);
    broken("substring(id)", 12);
    broken("substring(id,1,2,3)", 16);
    broken("now(1)", 4);
    broken("year(id) eq 1", 5);
    broken("substring(id,'a') eq 'b'", 13);
    broken("5 -3 eq 2", 2);
    broken("size add", 8);
    broken("contains(size,'a')", 9);
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
        let error = parse_filter(&format!("{before}?{after}"), &Fixture, NOW).unwrap_err();
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
