//! The one place where every write begins, and is refused once a newer program made the schema such that this one would
//! damage it. Reading goes on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::Error;

/// Whether this program may still write; shared by all clones of a database.
#[derive(Clone, Default)]
pub struct WriteGate(Arc<AtomicBool>);

impl WriteGate {
    /// From now on writes are refused, or allowed again.
    pub fn refuse(&self, refuse: bool) {
        self.0.store(refuse, Ordering::Relaxed);
    }

    /// [`Error::Unavailable`] while writes are refused.
    pub fn pass(&self) -> Result<(), Error> {
        match self.0.load(Ordering::Relaxed) {
            false => Ok(()),
            true => Err(Error::Unavailable(
                "a newer version of Adept migrated it beyond what this version may write; replace this one with the \
                 newer version"
                    .to_owned(),
            )),
        }
    }
}
