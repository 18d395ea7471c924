//! `adept keys`: the key that seals secrets in the database.

use std::path::PathBuf;

use clap::Subcommand;

use super::{Exit, Failure, note, say};
use crate::storage::{SealingKey, SealingKeyError};

/// What to do with keys.
#[derive(Subcommand)]
pub enum Keys {
    /// Make a sealing key in a new file, mode 0600
    New {
        /// The file; an existing one is never replaced
        file: PathBuf,
    },
}

pub(super) fn run(command: &Keys) -> Result<(), Failure> {
    let Keys::New { file } = command;
    let key = SealingKey::create(file).map_err(|error| match error {
        SealingKeyError::Exists(_) => Failure::new(Exit::Refused, error),
        _ => Failure::failed(error),
    })?;
    say(key.id());
    note(format_args!(
        "{} holds a new sealing key of that id. Keep a copy apart from the database.",
        file.display()
    ));
    Ok(())
}
