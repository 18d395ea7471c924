//! The running service: TLS, health, metrics, and how it ends.

mod certificates;
mod connections;
mod database;
mod forwarded;
mod health;
mod interrupted;
mod long_uploads;
pub mod metrics;
mod proxy;
mod running;
mod shares;
pub mod started;
mod token_expiry_log;
mod transport;
