//! Sealing: secrets are encrypted before they reach the database, bound to the row they belong to.
//!
//! A sealed value is `1 | key id (16) | wrap nonce (12) | wrapped data key (32 + 16) | nonce (12) | text and tag`.
//! Each value has its own random data key, wrapped by the sealing key, both with AES-256-GCM-SIV (RFC 8452), so that
//! the sealing key can be exchanged by wrapping again and a repeated nonce is harmless. The associated data names
//! table, column, tenant and row, and for the wrapped key also the key id: a value that was moved does not open.

use std::{
    fmt::Display,
    fs,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, rand,
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::{Error, PrivateFileError, read_private};
use adept_domain::{SettingKey, TenantId};

const VERSION: u8 = 1;
const KEY_ID: usize = 16;
const NONCE: usize = 12;
const TAG: usize = 16;
const DATA_KEY: usize = 32;
const HEADER: usize = 1 + KEY_ID + NONCE + DATA_KEY + TAG + NONCE;
const FILE_PREFIX: &str = "adept-sealing-key-1 ";

/// Where a sealed value stands; part of what is authenticated.
pub struct SealedField {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The tenant; the nil tenant for deployment-wide rows.
    pub tenant: TenantId,
    /// The rest of the row's key.
    pub row: String,
}

impl SealedField {
    /// One in the row that `id` names among those of a setting.
    pub fn of_setting(table: &'static str, column: &'static str, key: SettingKey, id: impl Display) -> Self {
        Self { table, column, tenant: key.tenant, row: format!("{}/{id}", key.id) }
    }

    fn associated_data(&self) -> Vec<u8> {
        // Length-prefixed, so that no two places have the same bytes.
        let tenant = self.tenant.to_string();
        let parts = [self.table, self.column, tenant.as_str(), self.row.as_str()];
        parts.iter().flat_map(|p| (p.len() as u32).to_be_bytes().into_iter().chain(p.bytes())).collect()
    }
}

/// The key-encryption key. It has no `Debug`, is zeroized and never leaves this module.
pub struct SealingKey {
    id: [u8; KEY_ID],
    key: LessSafeKey,
}

/// Why a sealing key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealingKeyError {
    /// It does not exist.
    #[error(
        "there is no sealing key at {0}; restore it from the backup, or make one with `adept keys new {0}`"
    )]
    Missing(PathBuf),
    /// It exists already; it is never replaced.
    #[error("{0} exists already and was left as it is; a sealing key is never replaced, choose another name")]
    Exists(PathBuf),
    /// Others may read or change it.
    #[error("the sealing key {0}")]
    TooOpen(PrivateFileError),
    /// It is not what `adept keys new` makes.
    #[error("{0} is not a sealing key as `adept keys new` makes it; restore it from the backup")]
    Malformed(PathBuf),
    /// It could not be read or written.
    #[error("the sealing key {path} could not be read or written: {cause}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The system gave no randomness.
    #[error("the system gave no random bytes")]
    NoRandomness,
}

impl SealingKey {
    /// Reads a key file. Refused when others may read or change it.
    pub fn read(path: &Path) -> Result<Self, SealingKeyError> {
        let content = read_private(path).map_err(|error| match error {
            PrivateFileError::Io { cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
                SealingKeyError::Missing(path.to_owned())
            }
            PrivateFileError::Io { path, cause } => SealingKeyError::Io { path, cause },
            error @ PrivateFileError::TooOpen { .. } => SealingKeyError::TooOpen(error),
        })?;
        let malformed = || SealingKeyError::Malformed(path.to_owned());
        let text = std::str::from_utf8(&content).map_err(|_| malformed())?;
        let encoded = text.trim().strip_prefix(FILE_PREFIX).ok_or_else(malformed)?;
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(encoded).map_err(|_| malformed())?);
        Self::from_bytes(&bytes).ok_or_else(malformed)
    }

    /// Makes a new key file with mode 0600, synced to disk together with its folder. Never replaces one.
    pub fn create(path: &Path) -> Result<Self, SealingKeyError> {
        let mut bytes = Zeroizing::new([0u8; DATA_KEY]);
        rand::fill(&mut *bytes).map_err(|_| SealingKeyError::NoRandomness)?;
        let key = Self::from_bytes(&*bytes).ok_or(SealingKeyError::NoRandomness)?;
        let text = Zeroizing::new(format!("{FILE_PREFIX}{}\n", BASE64_STANDARD.encode(*bytes)));
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let unfinished = folder.join(format!(".sealing-key-{}", std::process::id()));
        // Linking a finished file is what makes the key appear whole or not at all, and never replaces one.
        let write = || {
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            let linked = fs::hard_link(&unfinished, path);
            fs::remove_file(&unfinished)?;
            linked?;
            fs::File::open(folder)?.sync_all()
        };
        write().map_err(|cause: io::Error| match cause.kind() {
            io::ErrorKind::AlreadyExists => SealingKeyError::Exists(path.to_owned()),
            _ => SealingKeyError::Io { path: path.to_owned(), cause },
        })?;
        Ok(key)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"adept sealing key id");
        context.update(bytes);
        let id = context.finish().as_ref()[..KEY_ID].try_into().ok()?;
        Some(Self { id, key: LessSafeKey::new(UnboundKey::new(&AES_256_GCM_SIV, bytes).ok()?) })
    }

    /// The id that stands in each sealed value, in hex.
    pub fn id(&self) -> String {
        self.id.iter().map(|b| format!("{b:02x}")).collect()
    }

    /// Seals `text` for its place.
    pub fn seal(&self, place: &SealedField, text: &[u8]) -> Result<Vec<u8>, Error> {
        let failed = |_| Error::Unsealable("the system gave no random bytes".to_owned());
        let mut data_key = Zeroizing::new([0u8; DATA_KEY]);
        let mut nonces = [0u8; 2 * NONCE];
        rand::fill(&mut *data_key).map_err(failed)?;
        rand::fill(&mut nonces).map_err(failed)?;
        let (wrap_nonce, text_nonce) = nonces.split_at(NONCE);

        let aad = place.associated_data();
        let mut wrapped = data_key.to_vec();
        let wrap_tag = self
            .key
            .seal_in_place_separate_tag(nonce(wrap_nonce)?, self.key_aad(&aad), &mut wrapped)
            .map_err(failed)?;
        let mut sealed = Zeroizing::new(text.to_vec());
        let tag = data_cipher(&*data_key)?
            .seal_in_place_separate_tag(nonce(text_nonce)?, Aad::from(&aad), &mut sealed)
            .map_err(failed)?;

        let (wrap_tag, tag) = (wrap_tag.as_ref(), tag.as_ref());
        let parts = [&[VERSION], &self.id[..], wrap_nonce, &wrapped, wrap_tag, text_nonce, &sealed, tag];
        Ok(parts.concat())
    }

    /// Opens what [`seal`](Self::seal) made for the same place with the same key.
    pub fn open(&self, place: &SealedField, value: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let wrong = |why: &str| {
            let SealedField { table, column, row, .. } = place;
            Error::Unsealable(format!("{table}.{column} of row {row}: {why}"))
        };
        if value.len() < HEADER + TAG || value[0] != VERSION {
            return Err(wrong("the value is not in a form that this version knows"));
        }
        let (key_id, rest) = value[1..].split_at(KEY_ID);
        let (wrap_nonce, rest) = rest.split_at(NONCE);
        let (wrapped, rest) = rest.split_at(DATA_KEY + TAG);
        let (text_nonce, sealed) = rest.split_at(NONCE);
        if key_id != self.id {
            return Err(wrong(
                "it was sealed with another sealing key; restore the key file that belongs to it",
            ));
        }
        let aad = place.associated_data();
        let mut wrapped = Zeroizing::new(wrapped.to_vec());
        let data_key = self
            .key
            .open_in_place(nonce(wrap_nonce)?, self.key_aad(&aad), &mut wrapped)
            .map_err(|_| wrong("it was changed or moved"))?;
        let mut text = Zeroizing::new(sealed.to_vec());
        let length = data_cipher(data_key)?
            .open_in_place(nonce(text_nonce)?, Aad::from(&aad), &mut text)
            .map_err(|_| wrong("it was changed or moved"))?
            .len();
        text.truncate(length);
        Ok(text)
    }

    fn key_aad(&self, place: &[u8]) -> Aad<Vec<u8>> {
        Aad::from([place, &self.id].concat())
    }
}

fn data_cipher(key: &[u8]) -> Result<LessSafeKey, Error> {
    let key = UnboundKey::new(&AES_256_GCM_SIV, key);
    key.map(LessSafeKey::new).map_err(|_| Error::Unsealable("the data key has a wrong length".to_owned()))
}

fn nonce(bytes: &[u8]) -> Result<Nonce, Error> {
    Nonce::try_assume_unique_for_key(bytes)
        .map_err(|_| Error::Unsealable("the nonce has a wrong length".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::from_bytes(&[byte; DATA_KEY]).unwrap()
    }

    fn place(row: &str) -> SealedField {
        let (table, column, row) = ("server_tokens", "token_sealed", row.to_owned());
        SealedField { table, column, tenant: TenantId::DEPLOYMENT, row }
    }

    #[test]
    fn what_was_sealed_opens_in_its_place() {
        let sealed = key(1).seal(&place("a"), b"secret").unwrap();
        assert_eq!(&**key(1).open(&place("a"), &sealed).unwrap(), b"secret");
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
    }

    #[test]
    fn a_moved_changed_or_foreign_value_does_not_open() {
        let sealed = key(1).seal(&place("a"), b"secret").unwrap();
        assert!(key(1).open(&place("b"), &sealed).is_err());
        assert!(key(2).open(&place("a"), &sealed).is_err());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key(1).open(&place("a"), &changed).is_err(), "byte {at}");
            assert!(key(1).open(&place("a"), &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn two_seals_of_one_text_differ() {
        assert_ne!(
            key(1).seal(&place("a"), b"secret").unwrap(),
            key(1).seal(&place("a"), b"secret").unwrap()
        );
    }
}
