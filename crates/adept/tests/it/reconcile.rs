//! Reconciling against a simulated Apple: what devices are to have, and what Apple has in the end.

mod anything;
mod assigned;
mod defined;
pub mod ground;
mod lost;
mod moved;
mod released;
mod told;
