//! `$filter`: no text breaks it, and whatever is read prints as itself.
#![no_main]

#[expect(dead_code, reason = "each target asks for one of them")]
#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::filter(text);
});
