//! The battery on PostgreSQL.

const KIND: crate::support::database::Kind = crate::support::database::Kind::Postgres;

#[path = "battery.rs"]
mod battery;

#[path = "profiles_battery.rs"]
mod profiles_battery;

#[path = "filter_battery.rs"]
mod filter_battery;

#[path = "sessions_battery.rs"]
mod sessions_battery;

#[path = "schema_battery.rs"]
mod schema_battery;

#[path = "times_battery.rs"]
mod times_battery;

#[path = "purge_battery.rs"]
mod purge_battery;

#[path = "lost_updates_battery.rs"]
mod lost_updates_battery;

#[path = "purge_waits_battery.rs"]
mod purge_waits_battery;
