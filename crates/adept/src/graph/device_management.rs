//! The operations of the singleton `deviceManagement`.

pub(super) mod get;
