//! One test binary: it mirrors the service. Everything runs on real databases, real HTTP and Apple's simulator.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on stops where it stands"
)]
#![expect(clippy::duplicate_mod, reason = "each battery runs once on every database")]

mod apple_sessions;
mod assignment;
mod auth;
mod cli;
mod clocks;
mod demo;
mod graph;
mod oauth;
mod onboarding;
// Wants the machine for itself: `cargo xtask crash --replicas`, and a step of `cargo xtask ci`.
#[cfg(feature = "failpoints")]
mod replicas;
mod serve;
mod storage;
mod support;
mod sync;
