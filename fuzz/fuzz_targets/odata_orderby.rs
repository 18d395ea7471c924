//! `$orderby` and `$select`: no text breaks them, and an order is read again as it is written.
#![no_main]

#[expect(dead_code, reason = "each target asks for one of them")]
#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::orderby(text);
});
