//! The simulator as its users meet it: over HTTP, with a signer and a token reader of the tests' own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop where it stands")]

mod account;
mod activation_lock;
mod answers;
mod ber;
mod calls;
mod certificate;
mod clock;
mod devices;
mod devices_sync;
mod disown;
mod enrollment;
mod fault_answers;
mod fault_pages;
mod fault_wire;
mod faults;
mod handle;
mod life;
mod portal;
mod profile;
mod profile_devices;
mod raw;
mod readme;
mod scenario;
mod server_devices;
mod session;
mod signer;
mod support;
mod throttle;
mod token;
