//! The demo's data folder: a temporary one that is removed at the end, or a named one that stays.
//!
//! The demo's Apple knows none of the tokens of a real service and would refuse them all, so a folder that the demo
//! did not make is refused.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use crate::{
    app::Clock,
    cli::{Exit, Failure, open::make_private_folder},
};

/// Marks a folder as the demo's own.
const MARK: &str = "made-by-adept-demo";

/// A folder; a temporary one is removed when dropped.
pub(super) struct Folder {
    path: PathBuf,
    temporary: bool,
}

impl Folder {
    /// The named folder, created when missing, or a new temporary one.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let folder = match path {
            Some(path) => Self { path: path.to_owned(), temporary: false },
            None => Self { path: env::temp_dir().join(fresh_name()), temporary: true },
        };
        let path = folder.path.display();
        if folder.path.join("adept.db").exists() && !folder.path.join(MARK).exists() {
            return Err(Failure::new(
                Exit::Refused,
                format!(
                    "{path} holds a database that the demo did not make; its server tokens would be shown to a \
                     simulator. Nothing was changed. Choose another folder with --data-dir"
                ),
            ));
        }
        let failed = |error: io::Error| {
            Failure::usage(format!(
                "the folder {path} cannot be used: {error}. Choose another with --data-dir"
            ))
        };
        make_private_folder(&folder.path, !folder.temporary).map_err(failed)?;
        fs::write(folder.path.join(MARK), "Nothing in this folder is worth keeping.\n").map_err(failed)?;
        Ok(folder)
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it goes at the end.
    pub(super) fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// What becomes of it.
    pub(super) fn fate(&self) -> &'static str {
        if self.temporary { "removed at the end" } else { "stays" }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.temporary {
            // What the system holds on to is left to it: it is the folder for temporary files.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

fn fresh_name() -> String {
    let id = Clock::system().new_id().simple().to_string();
    // The last digits are the random ones.
    let random = id.get(22..).unwrap_or(&id);
    format!("adept-demo-{random}")
}
