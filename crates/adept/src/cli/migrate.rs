//! `adept migrate`: brings the database's schema up to date and does nothing else. `serve` does it too.

use super::{
    Failure, note,
    open::{self, WhenMissing},
};
use crate::{config, storage::Storage};

pub(super) async fn run(flags: &config::Storage) -> Result<(), Failure> {
    let options = open::options(flags, WhenMissing::Fail)?;
    Storage::migrate(&options.database).await?;
    note("The database is up to date.");
    Ok(())
}
