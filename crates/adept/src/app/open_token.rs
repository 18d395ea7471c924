//! From what a client uploads to a [`ServerToken`]: which key pair it wants, and the one RSA operation. Nothing is
//! stored and nobody is asked.

use std::sync::Arc;

use adept_apple::{
    certificate::Certificate,
    key_pair::PrivateKey,
    token::{SealedToken, ServerToken, TokenError},
};
use zeroize::Zeroizing;

use super::{Error, Tokens};
use crate::{
    domain::{Caller, KeyPairId, SettingKey},
    storage::KeyPairRow,
};

impl Tokens {
    /// Opens an upload with the key pair that it names, which must be one of this setting.
    pub(super) async fn open_token(
        &self,
        caller: &Caller,
        key: SettingKey,
        dep_token: Zeroizing<String>,
    ) -> Result<(ServerToken, KeyPairId), Error> {
        let pairs = self.key_pairs.list(key).await?;
        // Reading is bounded and takes microseconds, less than another thread would to begin with it.
        let sealed = SealedToken::read(dep_token.as_bytes()).map_err(refused)?;
        let (pair, certificate) = wanted_pair(&sealed, pairs)?;
        let id = pair.id;
        self.opens.check(caller, key, id).await?;
        let key_pairs = self.key_pairs.clone();
        let cache = self.private_keys.clone();
        let open = move || {
            let private_key = match cache.get(&pair.id) {
                Some(private_key) => private_key,
                None => {
                    let pkcs8 = key_pairs.open(key, &pair)?;
                    let unfit = |e| Error::internal("the stored private key is unfit", e);
                    let private_key = Arc::new(PrivateKey::from_pkcs8_der(&pkcs8).map_err(unfit)?);
                    cache.insert(pair.id, Arc::clone(&private_key));
                    private_key
                }
            };
            if !certificate.is_of(&private_key) {
                return Err(foreign_certificate(pair.id));
            }
            sealed.open(&certificate.id(), &private_key).map_err(refused)
        };
        match self.cores.run(open).await? {
            Ok(token) => Ok((token, id)),
            Err(refusal @ Error::Unreadable(_)) => Err(self.opens.count(caller, key, id, refusal).await?),
            Err(refusal) => Err(refusal),
        }
    }
}

fn wanted_pair(sealed: &SealedToken, pairs: Vec<KeyPairRow>) -> Result<(KeyPairRow, Certificate), Error> {
    let wanted = sealed.recipients();
    for pair in pairs {
        let unfit = |e| Error::internal("the stored certificate is unfit", e);
        let certificate = Certificate::from_der(&pair.certificate).map_err(unfit)?;
        if wanted.iter().any(|recipient| certificate.id().matches(recipient)) {
            return Ok((pair, certificate));
        }
    }
    let names: Vec<String> = wanted.iter().take(3).map(ToString::to_string).collect();
    Err(Error::Invalid(format!(
        "The server token is sealed to another certificate ({}) than those of this setting. Nothing was changed. \
         Upload this setting's public key (getEncryptionPublicKey) in Apple Business or School Manager, download a \
         new token there and upload that.",
        names.join("; ")
    )))
}

/// The certificate lies readable beside the sealed key: who can write to the database could put another one there, and Apple
/// would seal server tokens to a stranger's key.
pub(super) fn foreign_certificate(pair: KeyPairId) -> Error {
    Error::Internal {
        cause: format!(
            "the stored certificate of the key pair {pair} is not of its private key; the database was changed"
        ),
    }
}

fn refused(error: TokenError) -> Error {
    match error {
        TokenError::Unreadable => Error::Unreadable(error),
        error => Error::Invalid(format!("{error} Nothing was changed.")),
    }
}
