//! What a run needs: the program under test, a folder of its own on a real disk, a PostgreSQL. Passed by xtask.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use clap::Args;

use crate::Result;

/// Passed by xtask.
#[derive(Args)]
pub(crate) struct Options {
    /// The program `adept`.
    #[arg(long)]
    adept: PathBuf,
    /// Where data is put for the time of the run.
    #[arg(long)]
    folder: PathBuf,
    /// A superuser's URL.
    #[arg(long, requires_all = ["postgres_pid", "createdb"])]
    postgres: Option<String>,
    /// The server's first process.
    #[arg(long)]
    postgres_pid: Option<u32>,
    /// PostgreSQL's program of that name.
    #[arg(long)]
    createdb: Option<PathBuf>,
    /// What was built, for the report.
    #[arg(long, default_value = "unknown")]
    pub(crate) commit: String,
}

/// The same, ready for use. Its folder is removed when it is dropped, unless `keep` was called.
pub(crate) struct TestBed {
    pub(crate) adept: PathBuf,
    pub(crate) commit: String,
    pub(crate) postgres: Option<Postgres>,
    folder: PathBuf,
    folders: AtomicU32,
    keep: std::sync::atomic::AtomicBool,
}

/// A PostgreSQL server whose superuser we are.
pub(crate) struct Postgres {
    pub(crate) url: String,
    pub(crate) pid: u32,
    pub(crate) createdb: PathBuf,
}

impl TestBed {
    /// Makes the folder.
    pub(crate) fn new(options: &Options) -> Result<Self> {
        let folder = options.folder.join(format!("adept-load-{}", std::process::id()));
        std::fs::create_dir(&folder)
            .map_err(|error| format!("Cannot make {}: {error}.", folder.display()))?;
        let postgres = match (&options.postgres, options.postgres_pid, &options.createdb) {
            (Some(url), Some(pid), Some(createdb)) => {
                Some(Postgres { url: url.clone(), pid, createdb: createdb.clone() })
            }
            _ => None,
        };
        // A copy: whatever is built during a run does not change what is under test.
        let adept = folder.join("adept");
        std::fs::copy(&options.adept, &adept)
            .map_err(|error| format!("Cannot copy {}: {error}.", options.adept.display()))?;
        Ok(Self {
            adept,
            commit: options.commit.clone(),
            postgres,
            folder,
            folders: AtomicU32::new(0),
            keep: false.into(),
        })
    }

    /// Where everything lies.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new, empty folder whose name begins with `name`.
    pub(crate) fn new_folder(&self, name: &str) -> Result<PathBuf> {
        let number = self.folders.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(format!("{name}-{number}"));
        std::fs::create_dir(&folder)
            .map_err(|error| format!("Cannot make {}: {error}.", folder.display()))?;
        Ok(folder)
    }

    /// Keeps the folder, for inspection.
    pub(crate) fn keep(&self) {
        self.keep.store(true, Ordering::Relaxed);
    }
}

impl Drop for TestBed {
    fn drop(&mut self) {
        if !self.keep.load(Ordering::Relaxed)
            && let Err(error) = std::fs::remove_dir_all(&self.folder)
        {
            eprintln!("Cannot remove {}: {error}.", self.folder.display());
        }
    }
}
