//! Public keys: what an administrator uploads in Apple's portal, so that Apple seals the server token for us.

use adept_apple::{
    certificate::Certificate,
    key_pair::{KeyPair, PrivateKey},
};
use jiff::SignedDuration;

use super::{Error, Settings, audit::event, open_token::foreign_certificate, settings};
use crate::{
    domain::{Caller, Change, KeyPairId, Origin, SettingId, SettingKey, TokenType},
    storage::{KeyAdded, KeyPairRow, NewKeyPair},
};

/// An unused pair younger than this is never dropped for a newer one: someone may be on the way to Apple with it.
const UNUSED_PROTECTED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The common name of the certificates; people see it in Apple's portal.
const COMMON_NAME: &str = "Adept server token";

impl Settings {
    /// The newest pair's certificate as PEM; none for a setting that has no pair (the pseudo-setting).
    pub async fn encryption_public_key(
        &self,
        caller: &Caller,
        id: SettingId,
    ) -> Result<Option<String>, Error> {
        settings::visible(&self.settings, caller, id).await?;
        let key = SettingKey::new(caller.tenant, id);
        let Some(pair) = self.key_pairs.list(key).await?.into_iter().next() else { return Ok(None) };
        let key_pairs = self.key_pairs.clone();
        self.cores.run(move || checked_pem(&pair, &key_pairs.open(key, &pair)?)).await?.map(Some)
    }

    /// Adds a pair and answers its certificate as PEM. No older pair stops working by that.
    pub async fn generate_encryption_public_key(
        &self,
        origin: &Origin,
        id: SettingId,
    ) -> Result<String, Error> {
        let setting = settings::visible(&self.settings, &origin.caller, id).await?;
        if setting.token_type == TokenType::None {
            return Err(Error::conflict(
                "The setting for Apple Configurator has no token and needs no key. Nothing was changed.",
            ));
        }
        let pair = self.new_key_pair().await?;
        let certificate = pem(&pair.certificate)?;
        let droppable = self.clock.now().checked_sub(UNUSED_PROTECTED).unwrap_or(setting.created_at);
        let changes = Change::among([("encryptionPublicKey", None, Some(&pair.id.to_string()))]);
        let event = event(&self.clock, Some(origin), "generateEncryptionPublicKey", &setting, changes);
        match self.key_pairs.add(setting.key(), &pair, droppable, &event).await? {
            KeyAdded::Done => Ok(certificate),
            KeyAdded::NotFound => Err(Error::NO_SETTING),
            KeyAdded::TooMany => Err(Error::conflict(
                "This setting has 20 key pairs that were never used, all of them less than 30 days old. Nothing was \
                 changed. Use one of them: getEncryptionPublicKey answers the newest.",
            )),
        }
    }

    pub(super) async fn new_key_pair(&self) -> Result<NewKeyPair, Error> {
        let now = self.clock.now();
        let failed = |e| Error::Internal { cause: format!("no key pair could be made: {e}") };
        let pair = self.cores.run(move || KeyPair::generate(COMMON_NAME, now)).await?.map_err(failed)?;
        Ok(NewKeyPair {
            id: KeyPairId(self.clock.new_id()),
            created_at: now,
            certificate: pair.certificate.der().to_vec(),
            pkcs8: pair.pkcs8,
        })
    }
}

/// The certificate of a pair as PEM, where it is of this private key.
fn checked_pem(pair: &KeyPairRow, pkcs8: &[u8]) -> Result<String, Error> {
    let certificate = Certificate::from_der(&pair.certificate)
        .map_err(|e| Error::Internal { cause: format!("a stored certificate is unfit: {e}") })?;
    let private_key = PrivateKey::from_pkcs8_der(pkcs8)
        .map_err(|e| Error::Internal { cause: format!("the stored private key is unfit: {e}") })?;
    if !certificate.is_of(&private_key) {
        return Err(foreign_certificate(pair.id));
    }
    Ok(certificate.pem())
}

fn pem(der: &[u8]) -> Result<String, Error> {
    let unfit = |e| Error::Internal { cause: format!("a stored certificate is unfit: {e}") };
    Certificate::from_der(der).map(|certificate| certificate.pem()).map_err(unfit)
}
