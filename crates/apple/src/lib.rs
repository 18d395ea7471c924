//! Apple's side of the wire: server tokens, the key pairs they are sealed to, and the device-assignment service that
//! they open. It knows nothing of Microsoft Graph and stores nothing.
#![doc = include_str!("../README.md")]

pub mod account;
pub mod activation_lock;
mod ber;
pub mod certificate;
pub mod client;
pub mod device;
mod endpoint;
pub mod enrollment;
pub mod error;
pub mod key_pair;
pub mod oauth;
mod pem;
pub mod profile;
pub mod secret;
pub mod serial_status;
pub mod token;
