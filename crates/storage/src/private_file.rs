//! Reads a file that holds a secret, if nobody else may.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use adept_domain::FileRights;
use zeroize::Zeroizing;

/// Why a file with a secret was not read.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// Others may read or change it.
    #[error("{path} can be read or changed by others (mode {mode:o}); run `chmod 600 {path}`")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It cannot be read.
    #[error("{path} cannot be read: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// The content. Looks at the file that it opened, so that no other one takes its place.
pub fn read_private(path: &Path) -> Result<Zeroizing<Vec<u8>>, PrivateFileError> {
    let io = |cause| PrivateFileError::Io { path: path.to_owned(), cause };
    let mut file = File::open(path).map_err(io)?;
    let found = file.metadata().map_err(io)?;
    let rights = FileRights { owner: found.uid(), group: found.gid(), mode: found.mode() & 0o777 };
    if !rights.are_private(is_credential(path), &groups()) {
        return Err(PrivateFileError::TooOpen { path: path.to_owned(), mode: rights.mode });
    }
    // Long enough at once: a buffer that grows leaves copies behind.
    let length = usize::try_from(found.len()).unwrap_or_default();
    let mut content = Zeroizing::new(Vec::with_capacity(length + 1));
    file.read_to_end(&mut content).map_err(io)?;
    Ok(content)
}

/// Whether the service manager put it there for this process.
fn is_credential(path: &Path) -> bool {
    let folder =
        std::env::var_os("CREDENTIALS_DIRECTORY").and_then(|folder| Path::new(&folder).canonicalize().ok());
    folder.is_some_and(|folder| path.canonicalize().is_ok_and(|path| path.starts_with(folder)))
}

fn groups() -> Vec<u32> {
    let effective = rustix::process::getegid();
    let others = rustix::process::getgroups().unwrap_or_default();
    others.into_iter().chain([effective]).map(|group| group.as_raw()).collect()
}
