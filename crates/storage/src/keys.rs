//! Key pairs of settings. A pair that opened a token is kept as long as its setting; unused ones are bounded.

use jiff::Timestamp;
use zeroize::Zeroizing;

use super::{
    Error, KeyPairs, audit,
    db::{Row, Transaction, sql},
    erasures,
    sealing::{SealedField, SealingKey},
    setting_state::lock,
};
use adept_domain::{AuditEvent, Fence, KeyPairId, KeyStatus, SettingKey};

/// Unused pairs that are kept.
const UNUSED_KEPT: i64 = 20;

/// A key pair that is to be kept. No `Debug`: it holds the private key.
pub struct NewKeyPair {
    /// Ours.
    pub id: KeyPairId,
    /// When it was made.
    pub created_at: Timestamp,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// The private key, PKCS #8 DER.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// A stored key pair; the private key is still sealed.
#[derive(Clone, Debug)]
pub struct KeyPairRow {
    /// Ours.
    pub id: KeyPairId,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it was used for.
    pub status: KeyStatus,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    sealed: Vec<u8>,
}

/// What came of adding a key pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAdded {
    /// It is kept.
    Done,
    /// There is no such setting any more.
    NotFound,
    /// Twenty unused pairs are kept already and the oldest of them is still young.
    TooMany,
}

fn place(key: SettingKey, id: KeyPairId) -> SealedField {
    SealedField::of_setting("key_pairs", "private_key_sealed", key, id)
}

fn key_pair(row: &Row) -> Result<KeyPairRow, Error> {
    Ok(KeyPairRow {
        id: row.get("id")?,
        created_at: row.get("created_at")?,
        status: row.get("status")?,
        certificate: row.get("certificate")?,
        sealed: row.get("private_key_sealed")?,
    })
}

impl KeyPairs {
    /// The key pairs of a setting, newest first.
    pub async fn list(&self, key: SettingKey) -> Result<Vec<KeyPairRow>, Error> {
        let select = sql("SELECT id, created_at, status, certificate, private_key_sealed FROM key_pairs \
            WHERE tenant = $1 AND setting = $2 ORDER BY created_at DESC, id DESC")
        .bind(key)
        .by_key();
        self.db.all(select, key_pair).await
    }

    /// Opens the private key of a stored pair: PKCS #8, DER.
    pub fn open(&self, key: SettingKey, pair: &KeyPairRow) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.key.open(&place(key, pair.id), &pair.sealed)
    }

    /// Adds a pair to a setting. When twenty unused ones are kept, the oldest is dropped if it was made before
    /// `droppable_before`; otherwise nothing changes.
    pub async fn add(
        &self,
        key: SettingKey,
        pair: &NewKeyPair,
        droppable_before: Timestamp,
        event: &AuditEvent,
    ) -> Result<KeyAdded, Error> {
        let sealed = seal_private_key(&self.key, key, pair)?;
        let mut tx = self.db.begin().await?;
        // Taking the setting's row makes the count below hold until the commit.
        if lock(&mut tx, key, &Fence::Exists).await?.is_none() {
            return Ok(KeyAdded::NotFound);
        }
        let select = sql("SELECT id, created_at FROM key_pairs WHERE tenant = $1 AND setting = $2 \
            AND status = 'pending' ORDER BY created_at, id")
        .bind(key);
        let unused = tx.rows(select).await?;
        if unused.len() as i64 >= UNUSED_KEPT {
            let oldest = &unused[0];
            if oldest.get::<Timestamp>("created_at")? >= droppable_before {
                return Ok(KeyAdded::TooMany);
            }
            let delete = sql("DELETE FROM key_pairs WHERE tenant = $1 AND setting = $2 AND id = $3 \
                AND status = 'pending'")
            .bind((key, oldest.get::<KeyPairId>("id")?));
            tx.execute_one("dropping the oldest unused key pair", delete).await?;
            erasures::note(&mut tx, "settings WHERE tenant = $1 AND id = $2", key).await?;
        }
        insert_key_pair(&mut tx, key, pair, sealed).await?;
        audit::commit(tx, key.tenant, event).await?;
        Ok(KeyAdded::Done)
    }
}

pub(super) fn seal_private_key(
    sealing: &SealingKey,
    key: SettingKey,
    pair: &NewKeyPair,
) -> Result<Vec<u8>, Error> {
    sealing.seal(&place(key, pair.id), &pair.pkcs8)
}

pub(super) async fn insert_key_pair(
    tx: &mut Transaction,
    key: SettingKey,
    pair: &NewKeyPair,
    sealed: Vec<u8>,
) -> Result<(), Error> {
    let insert = sql("INSERT INTO key_pairs (tenant, setting, id, created_at, status, certificate, \
        private_key_sealed) VALUES ($1, $2, $3, $4, 'pending', $5, $6)")
    .bind((key, pair.id, pair.created_at, pair.certificate.clone(), sealed));
    tx.execute_one("adding a key pair", insert).await
}
