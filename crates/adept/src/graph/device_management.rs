//! The operations of the singleton `deviceManagement`.

pub(super) mod get;
pub(super) mod get_suggested_enrollment_limit;
