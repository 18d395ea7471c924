//! The path of a URL: no text breaks the way to an operation.
#![no_main]

libfuzzer_sys::fuzz_target!(|path: &str| {
    adept::graph::probes::path(path);
});
