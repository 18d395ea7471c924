//! Every production is treated as the table says.

use adept_odata::{
    grammar::{PRODUCTIONS, Support, page},
    parse_expand, parse_filter, parse_orderby, parse_query_string, parse_select,
};

use crate::fixture::{Fixture, NOW};

/// The sentence with which an example is refused.
fn refusal(option: &str, example: &str) -> Option<String> {
    let error = match option {
        "$filter" => parse_filter(example, &Fixture, NOW).err(),
        "$orderby" => parse_orderby(example, &Fixture, NOW).err(),
        "$select" => parse_select(example, &Fixture).err(),
        "$expand" => parse_expand(example).err(),
        "query" => parse_query_string(example).err(),
        other => panic!("{other} is no option"),
    };
    error.map(|error| error.to_string())
}

#[test]
fn every_production_is_taken_or_refused_as_the_table_says() {
    for production in PRODUCTIONS {
        match production.support {
            Support::Taken(option, example) => {
                assert_eq!(refusal(option, example), None, "{}: {example}", production.rules);
            }
            Support::Refused(option, example, words) => {
                let sentence = refusal(option, example);
                let sentence = sentence.unwrap_or_else(|| panic!("{}: {example} is taken", production.rules));
                assert!(sentence.contains(words), "{}: {example}: {sentence}", production.rules);
            }
            Support::OutOfScope(reason) => assert!(!reason.is_empty()),
        }
    }
}

#[test]
fn the_page_shows_every_production_once() {
    let page = page();
    for production in PRODUCTIONS {
        assert_eq!(page.matches(&format!("\n| {} |", production.rules)).count(), 1, "{}", production.rules);
    }
}
