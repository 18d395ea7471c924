//! Apple's side of the wire: server tokens, the key pairs they are sealed to, and the device-assignment service that
//! they open. It knows nothing of Microsoft Graph and stores nothing.

pub mod account;
pub mod certificate;
pub mod client;
pub mod device;
pub mod error;
pub mod key_pair;
pub mod oauth;
mod pem;
pub mod secret;
pub mod token;
