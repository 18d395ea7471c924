//! Large and hostile text: refused at once, or read within a millisecond.

use std::time::{Duration, Instant};

use adept_odata::{
    MAX_DEPTH, MAX_TERMS, MAX_TEXT, Problem, parse_expand, parse_filter, parse_orderby, parse_query_string,
    parse_select,
};

use crate::fixture::{Fixture, NOW};

/// The best of several runs, so that a busy machine does not count.
fn fastest(mut work: impl FnMut()) -> Duration {
    (0..50)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .min()
        .unwrap()
}

/// A millisecond as built for use; tests are built without optimization.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 5 } else { 1 });

fn problem(text: &str) -> Problem {
    parse_filter(text, &Fixture, NOW).unwrap_err().problem
}

#[test]
fn four_kilobytes_at_full_depth_are_read_within_the_limit() {
    let open = "not (id eq 'abc' or ".repeat(MAX_DEPTH);
    let close = ")".repeat(MAX_DEPTH);
    let mut text = format!("{open}id eq 'abc'");
    while text.len() + close.len() + 18 <= MAX_TEXT {
        text.push_str(" and size eq 12345");
    }
    text.push_str(&close);
    assert!(text.len() > MAX_TEXT - 20);
    let filter = parse_filter(&text, &Fixture, NOW).unwrap();
    let time = fastest(|| drop(parse_filter(&text, &Fixture, NOW)));
    assert!(time < LIMIT, "{time:?}");
    assert!(parse_filter(&filter.to_string(), &Fixture, NOW) == Ok(filter));
}

#[test]
fn nesting_is_accepted_to_the_limit_and_refused_beyond() {
    let nested = |levels: usize| format!("{}id eq 'a'{}", "(".repeat(levels), ")".repeat(levels));
    assert!(parse_filter(&nested(MAX_DEPTH), &Fixture, NOW).is_ok());
    assert_eq!(problem(&nested(MAX_DEPTH + 1)), Problem::TooDeep { limit: MAX_DEPTH });
    let lowered = |levels: usize| format!("{}id{} eq 'a'", "tolower(".repeat(levels), ")".repeat(levels));
    assert!(parse_filter(&lowered(MAX_DEPTH), &Fixture, NOW).is_ok());
    assert_eq!(problem(&lowered(MAX_DEPTH + 1)), Problem::TooDeep { limit: MAX_DEPTH });
    // A comparison of comparisons, or a sum, is as deep as it is long.
    for (first, more) in [("isDeleted", " ne true"), ("size eq 1", " add 1")] {
        let chained = |count: usize| format!("{first}{}", more.repeat(count));
        assert!(parse_filter(&chained(MAX_DEPTH), &Fixture, NOW).is_ok(), "{first}{more}");
        assert_eq!(problem(&chained(400)), Problem::TooDeep { limit: MAX_DEPTH }, "{first}{more}");
    }
}

#[test]
fn terms_are_counted() {
    let list = |count: usize| format!("size in ({}1)", "1,".repeat(count - 2));
    assert!(parse_filter(&list(MAX_TERMS), &Fixture, NOW).is_ok());
    assert_eq!(problem(&list(MAX_TERMS + 1)), Problem::TooMany { what: "terms", limit: MAX_TERMS });
}

#[test]
fn hostile_text_is_refused_within_the_limit() {
    let long = "a".repeat(MAX_TEXT);
    let hostile = [
        "(".repeat(MAX_TEXT),
        "not ".repeat(MAX_TEXT / 4),
        "not(".repeat(MAX_TEXT / 4),
        "tolower(".repeat(MAX_TEXT / 8),
        "'".repeat(MAX_TEXT),
        "a/".repeat(MAX_TEXT / 2),
        "resources/any(a:".repeat(MAX_TEXT / 16),
        "id eq ".repeat(MAX_TEXT / 6),
        "deadbeef-".repeat(MAX_TEXT / 9),
        format!("({}", "1,".repeat(2000)),
        "1 and ".repeat(MAX_TEXT / 6),
        "id eq '1' and ".repeat(MAX_TEXT / 14),
        long,
        "(".repeat(20 * 1024 * 1024),
    ];
    for text in hostile {
        let start = &text[..20.min(text.len())];
        assert!(parse_filter(&text, &Fixture, NOW).is_err(), "{start}");
        let time = fastest(|| drop(parse_filter(&text, &Fixture, NOW)));
        assert!(time < LIMIT, "{start}… {time:?}");
        let time = fastest(|| {
            drop(parse_expand(&text));
            drop(parse_orderby(&text, &Fixture, NOW));
            drop(parse_select(&text, &Fixture));
            drop(parse_query_string(&text));
        });
        assert!(time < LIMIT, "{start}… {time:?}");
    }
}

#[test]
fn text_beyond_the_limit_is_refused_whatever_it_says() {
    let longest = format!("id eq '{}'", "a".repeat(MAX_TEXT - 8));
    assert!(parse_filter(&longest, &Fixture, NOW).is_ok());
    let error = parse_filter(&format!("{longest} "), &Fixture, NOW).unwrap_err();
    assert_eq!(error.to_string(), "$filter is too long: at most 4096 bytes are accepted.");
}

#[test]
fn parentheses_side_by_side_are_not_nested() {
    let text = vec!["(id eq 'a')"; 2 * MAX_DEPTH].join(" and ");
    assert!(parse_filter(&text, &Fixture, NOW).is_ok());
    let text = vec!["contains(id,'a')"; 2 * MAX_DEPTH].join(" or ");
    assert!(parse_filter(&text, &Fixture, NOW).is_ok());
}

#[test]
fn a_chain_takes_no_more_stack_than_its_first_link() {
    for link in ["true and ", "true or ", "not "] {
        let text = format!("{}true", link.repeat(400));
        let small = std::thread::Builder::new().stack_size(128 * 1024);
        let is_read = small.spawn(move || parse_filter(&text, &Fixture, NOW).is_ok()).unwrap().join();
        assert!(is_read.unwrap(), "{link}");
    }
}

#[test]
fn each_option_is_read_up_to_the_longest_text_and_a_path_up_to_eight_names() {
    let padded = |text: &str, length: usize| format!("{text}{}", " ".repeat(length - text.len()));
    for length in [MAX_TEXT, MAX_TEXT + 1, 2 * MAX_TEXT] {
        let text = padded("id", length);
        let problem = |what| Some(Problem::TooLong { what, limit: MAX_TEXT }).filter(|_| length > MAX_TEXT);
        assert_eq!(parse_expand(&text).err().map(|error| error.problem), problem("$expand"));
        assert_eq!(parse_orderby(&text, &Fixture, NOW).err().map(|error| error.problem), problem("$orderby"));
        assert_eq!(parse_select(&text, &Fixture).err().map(|error| error.problem), problem("$select"));
    }
    let path = |names: usize| vec!["id"; names].join("/");
    assert!(matches!(problem(&path(8)), Problem::UnknownProperty { .. }));
    assert!(matches!(problem(&path(9)), Problem::TooMany { what: "names in one path", limit: 8 }));
}
