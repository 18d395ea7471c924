//! Adept: a self-hosted service that speaks the Apple-enrollment part of Microsoft Graph and does the work behind it.
//!
//! The library exists for the binary and the tests; `ARCHITECTURE.md` is the way in.

pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub use adept_domain as domain;
pub mod graph;
pub mod oauth;
pub mod serve;
pub use adept_storage as storage;
