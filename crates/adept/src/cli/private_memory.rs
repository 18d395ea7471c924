//! Keeps secrets in this process's memory from leaving it: no core file, and no other process of the same user reads it.

use super::Failure;

/// From here on. Root can still read it.
#[cfg(target_os = "linux")]
pub(super) fn keep() -> Result<(), Failure> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

    let failed = |error| {
        Failure::failed(format!(
            "this process's memory cannot be kept from others: {error}. Nothing was started; --allow-core goes without"
        ))
    };
    set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(failed)?;
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).map_err(failed)
}

/// Other systems have no such switch.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep() -> Result<(), Failure> {
    Ok(())
}
