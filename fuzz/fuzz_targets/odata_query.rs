//! The raw query string and `$expand`, to the innermost one.
#![no_main]

use adept_odata::{parse_expand, parse_query_string, with_skiptoken};
use libfuzzer_sys::fuzz_target;

fn expand(text: &str) {
    for item in parse_expand(text).unwrap_or_default() {
        if let Some(inner) = item.options.expand {
            assert!(inner.len() < text.len());
            expand(&inner);
        }
    }
}

fuzz_target!(|raw: &str| {
    expand(raw);
    let Ok(options) = parse_query_string(raw) else { return };
    expand(options.expand.as_deref().unwrap_or_default());
    if let Ok(next) = parse_query_string(&with_skiptoken(raw, "next")) {
        assert_eq!(next.skiptoken.as_deref(), Some("next"));
        assert_eq!((next.filter, next.top, next.skip), (options.filter, options.top, None));
    }
});
