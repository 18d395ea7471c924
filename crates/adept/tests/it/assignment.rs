//! Reconciling against a simulated Apple: what devices are to have, and what Apple has in the end.

mod anything;
mod apple_refuses;
mod assigned;
mod defined;
mod explain;
pub mod ground;
mod halved;
mod limits;
mod manual_import;
mod meanwhile;
mod moved;
mod not_accessible;
mod other_platform;
mod outage;
mod recognized;
mod released;
mod unresolved;
