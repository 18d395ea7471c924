//! The parsers seen from outside: what real clients send, what is refused, and that nothing is slow.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod contract;
mod expand;
mod filter;
mod fixture;
mod grammar;
mod limits;
mod matches;
mod orderby_and_select;
mod properties;
mod query_string;
mod refusals;
mod seeds;
