//! Everything that is tested from outside the library, in one binary.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod client_answers;
mod client_bad_records;
mod client_devices;
mod client_enrollment;
mod client_profiles;
mod client_refusals;
mod client_server;
mod client_session;
mod client_shared;
mod client_transport;
mod key_pair;
mod oauth;
mod support;
mod token_frame;
mod token_properties;
mod token_refusals;
mod token_sample;
mod token_seeds;
mod token_shapes;
mod token_spliced;
