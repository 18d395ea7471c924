//! The running service: TLS, health, metrics, and how it ends.

mod certificates;
mod health;
mod metrics;
mod running;
pub mod started;
mod token_expiry_log;
