//! The raw query string.

use adept_odata::{MAX_QUERY, QueryOptions, parse_query_string, with_skiptoken};

fn refusal(raw: &str) -> String {
    parse_query_string(raw).unwrap_err().to_string()
}

#[test]
fn names_are_known_in_any_spelling() {
    for name in ["$filter", "filter", "%24filter", "$FILTER", "%24%46ilter"] {
        let options = parse_query_string(&format!("{name}=a%20b+c%2Bd")).unwrap();
        assert_eq!(
            options,
            QueryOptions { filter: Some("a b c+d".to_owned()), ..QueryOptions::default() },
            "{name}"
        );
    }
}

#[test]
fn all_options_are_read() {
    let raw = "$filter=a&$orderby=b&$select=c&$expand=d&$search=%22e%22&$skiptoken=f%3D&$format=json&$top=0&$skip=7&$count=False";
    let text = |text: &str| Some(text.to_owned());
    let expected = QueryOptions {
        filter: text("a"),
        orderby: text("b"),
        select: text("c"),
        expand: text("d"),
        search: text("\"e\""),
        skiptoken: text("f="),
        format: text("json"),
        top: Some(0),
        skip: Some(7),
        count: Some(false),
    };
    assert_eq!(parse_query_string(raw).unwrap(), expected);
}

#[test]
fn a_value_may_hold_an_equals_sign_and_pieces_may_be_empty() {
    assert_eq!(parse_query_string("&&$filter=a=b&").unwrap().filter.as_deref(), Some("a=b"));
    assert_eq!(parse_query_string("").unwrap(), QueryOptions::default());
}

#[test]
fn custom_options_are_ignored_and_unknown_system_options_are_named() {
    assert_eq!(parse_query_string("api-version=1&x&x&@p=1").unwrap(), QueryOptions::default());
    assert_eq!(refusal("$apply=x"), "The query option '$apply' is not supported.");
    assert_eq!(refusal("%24deltatoken=x"), "The query option '$deltatoken' is not supported.");
    assert_eq!(refusal("$=x"), "The query option '$' is not supported.");
}

#[test]
fn an_option_is_given_once() {
    assert_eq!(refusal("$top=1&top=1"), "'$top' is given more than once.");
    assert_eq!(refusal("$filter=a&%24Filter=b"), "'$filter' is given more than once.");
    assert_eq!(parse_query_string("a=1&$filter=x&$FILTER=y").unwrap_err().position, 14);
}

#[test]
fn numbers_and_booleans_have_their_form() {
    for value in ["-1", "%2B1", "1.5", "", "x", "99999999999x", "%201"] {
        assert!(
            refusal(&format!("$top={value}"))
                .contains("'$top' is not valid: expected a non-negative integer")
        );
        assert!(refusal(&format!("$skip={value}")).contains("'$skip' is not valid"));
    }
    // Larger than any page is as good as the largest number.
    let huge = parse_query_string("$top=99999999999&$skip=4294967296").unwrap();
    assert_eq!((huge.top, huge.skip), (Some(u32::MAX), Some(u32::MAX)));
    assert!(refusal("$count=yes").contains("'$count' is not valid: expected true or false"));
}

#[test]
fn broken_encoding_is_refused_where_it_is() {
    for (raw, position) in [
        ("$filter=%", 8),
        ("$filter=a%2", 9),
        ("$filter=%zz", 8),
        ("$filter=%00", 8),
        ("$filter=ab\0", 10),
        ("x=1&$filter=ab%4", 14),
        ("%ff=1", 0),
    ] {
        assert_eq!(parse_query_string(raw).unwrap_err().position, position, "{raw}");
        assert!(refusal(raw).contains("not valid percent-encoded UTF-8"), "{raw}");
    }
    assert!(parse_query_string("$filter=%C3").is_err());
}

#[test]
fn the_whole_is_bounded() {
    let raw = format!("x={}", "a".repeat(MAX_QUERY - 2));
    assert!(parse_query_string(&raw).is_ok());
    assert_eq!(
        refusal(&format!("{raw}a")),
        "The query string is too long: at most 16384 bytes are accepted."
    );
}

#[test]
fn the_next_page_keeps_everything_but_the_position() {
    assert_eq!(with_skiptoken("", "a b'"), "$skiptoken=a%20b%27");
    assert_eq!(
        with_skiptoken("%24top=5&$filter=a%20eq%20%27b%27&SkipToken=old&%24skip=3&x=1", "n_-.~1"),
        "%24top=5&$filter=a%20eq%20%27b%27&x=1&$skiptoken=n_-.~1"
    );
}
