//! What the tests share.

pub mod client;
pub mod database;
pub mod portal;
pub mod random;
pub mod sealed_file;
pub mod test_app;
pub mod tokens;
