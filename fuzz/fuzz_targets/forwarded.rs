//! The headers of proxies: what a client writes itself never makes it another.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    adept::serve::probes::forwarded(input);
});
