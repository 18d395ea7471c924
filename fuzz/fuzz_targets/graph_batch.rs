//! The body of a `$batch`: no bytes break it, and none of its parts leads elsewhere.
#![no_main]

libfuzzer_sys::fuzz_target!(|body: &[u8]| {
    adept::graph::probes::batch(body);
});
