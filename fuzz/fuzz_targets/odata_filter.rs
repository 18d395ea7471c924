//! `$filter`: no text breaks it, and whatever is read prints as itself.
#![no_main]

#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|text: &str| {
    properties::filter(text);
});
