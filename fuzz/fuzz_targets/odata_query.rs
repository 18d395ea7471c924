//! The raw query string and `$expand`, to the innermost one.
#![no_main]

#[expect(dead_code, reason = "each target asks for one of them")]
#[path = "../properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|raw: &str| {
    properties::query(raw);
});
