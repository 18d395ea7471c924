//! `$expand` and what stands in its parentheses.

use adept_odata::{Expand, Levels, MAX_DEPTH, QueryOptions, parse_expand};

fn refusal(text: &str) -> String {
    parse_expand(text).unwrap_err().to_string()
}

#[test]
fn items_are_separated_by_commas_outside_parentheses_and_quotes() {
    let items = parse_expand("a, b($select=x,y;$filter=n eq 'it''s;,)(') ,c/$ref").unwrap();
    let paths: Vec<_> = items.iter().map(|item| item.path.as_str()).collect();
    assert_eq!(paths, ["a", "b", "c/$ref"]);
    assert_eq!(items[1].options.select.as_deref(), Some("x,y"));
    assert_eq!(items[1].options.filter.as_deref(), Some("n eq 'it''s;,)('"));
}

#[test]
fn every_nested_option_is_read() {
    let text = "p($SELECT=a;$filter=b eq 1; $orderby = c desc;$top=0;skip=2;$count=TRUE;$expand=d($expand=e);$levels=max;)";
    let expected = Expand {
        path: "p".to_owned(),
        options: QueryOptions {
            select: Some("a".to_owned()),
            filter: Some("b eq 1".to_owned()),
            orderby: Some("c desc".to_owned()),
            top: Some(0),
            skip: Some(2),
            count: Some(true),
            expand: Some("d($expand=e)".to_owned()),
            ..QueryOptions::default()
        },
        levels: Some(Levels::Max),
    };
    assert_eq!(parse_expand(text).unwrap(), [expected]);
    assert_eq!(parse_expand("p($levels=3)").unwrap()[0].levels, Some(Levels::Count(3)));
    assert_eq!(parse_expand("p()").unwrap()[0].options, QueryOptions::default());
}

#[test]
fn broken_expansions_are_refused() {
    for broken in [
        "",
        ",",
        "a,",
        "a b",
        "a(",
        "a)",
        "a($select=b",
        "a($select=b)c",
        "a($filter='x)",
        "($top=1)",
        "a(x)",
    ] {
        assert!(refusal(broken).starts_with("Syntax error"), "{broken}");
    }
    assert_eq!(refusal("a,A"), "'A' is given more than once.");
    assert_eq!(refusal("a($top=1;top=2)"), "'$top' is given more than once.");
    assert_eq!(refusal("a($levels=1;levels=2)"), "'$levels' is given more than once.");
    assert_eq!(refusal("a($skiptoken=x)"), "The query option '$skiptoken' is not supported.");
    assert_eq!(refusal("a($apply=x)"), "The query option '$apply' is not supported.");
    assert!(refusal("a($top=-1)").contains("expected a non-negative integer"));
    assert!(refusal("a($levels=-1)").contains("expected 'max' or a number"));
}

#[test]
fn nesting_and_numbers_are_bounded() {
    let nested = |levels: usize| format!("{}a{}", "a($expand=".repeat(levels), ")".repeat(levels));
    assert!(parse_expand(&nested(MAX_DEPTH)).is_ok());
    assert!(refusal(&nested(MAX_DEPTH + 1)).contains("nested too deeply"));
    let many: Vec<_> = (0..21).map(|index| format!("a{index}")).collect();
    assert!(parse_expand(&many[..20].join(",")).is_ok());
    assert!(refusal(&many.join(",")).contains("at most 20"));
}

#[test]
fn what_is_wrong_is_pointed_at_by_its_byte_in_the_whole_text() {
    for (text, position) in [
        ("a, b c", 3),
        ("a,  (x)", 4),
        ("a, b($select=c", 14),
        ("a, b($filter='c)", 16),
        ("a, b)", 4),
        ("a, b($select=c)d", 16),
        ("a, b( c )", 6),
        ("a, b($select=c; $top=x)", 16),
        ("a, b($select=c;$apply=d)", 15),
        ("a, b($select=c;$levels=no)", 15),
        ("a,b,A", 4),
        ("a, b($expand=c($top=1)), b", 24),
    ] {
        assert_eq!(parse_expand(text).unwrap_err().position, position, "{text}");
    }
}

#[test]
fn a_message_says_which_sign_is_missing() {
    assert!(refusal("a($filter='x)").contains("expected a closing quote"));
    assert!(refusal("a($select=b").contains("expected ')'."));
    assert!(refusal("a)").contains("expected '(' before this ')'"));
    assert!(refusal("a($select=b)c").contains("expected ')' at the end"));
}
