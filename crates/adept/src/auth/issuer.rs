//! The built-in issuer: one RSA key for the whole deployment, and the tokens signed with it.
//!
//! Knows no HTTP and no client secrets; its callers were already let in.

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Why there is no key or no signature.
#[derive(Debug, thiserror::Error)]
#[error("the issuer's signing key {0}")]
pub struct KeyError(&'static str);

/// The deployment's signing key, parsed once.
pub(super) struct SigningKey {
    kid: String,
    pair: RsaKeyPair,
    verifying: DecodingKey,
    jwk: Value,
}

impl SigningKey {
    /// A new RSA-2048 key as PKCS #8, to be kept sealed. Takes 50 to 500 ms of CPU.
    pub(super) fn generate() -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let pair =
            aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError("could not be made"))?;
        let der = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&pair)
            .map_err(|_| KeyError("could not be made"))?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// Reads a key that [`SigningKey::generate`] made.
    pub(super) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        let pair = RsaKeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError("is damaged"))?;
        let public = pair.public_key();
        let modulus = public.modulus().big_endian_without_leading_zero();
        let exponent = public.exponent().big_endian_without_leading_zero();
        let verifying = DecodingKey::from_rsa_raw_components(modulus, exponent);
        let (modulus, exponent) =
            (BASE64_URL_SAFE_NO_PAD.encode(modulus), BASE64_URL_SAFE_NO_PAD.encode(exponent));
        let canonical = format!(r#"{{"e":"{exponent}","kty":"RSA","n":"{modulus}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, canonical.as_bytes()));
        let jwk = json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": modulus, "e": exponent,
        });
        Ok(Self { kid, pair, verifying, jwk })
    }

    pub(super) fn kid(&self) -> &str {
        &self.kid
    }

    pub(super) fn verifying(&self) -> &DecodingKey {
        &self.verifying
    }

    /// The public key as a JSON Web Key (RFC 7517), with the members that Entra's document has.
    pub(super) fn jwk(&self) -> &Value {
        &self.jwk
    }

    /// A compact RS256 token over `claims`. Half a millisecond of CPU or more.
    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, KeyError> {
        let part = |json: Result<Vec<u8>, serde_json::Error>| {
            json.map(|bytes| BASE64_URL_SAFE_NO_PAD.encode(bytes))
                .map_err(|_| KeyError("cannot sign these claims"))
        };
        let header = json!({ "typ": "JWT", "alg": "RS256", "kid": self.kid });
        let message = format!("{}.{}", part(serde_json::to_vec(&header))?, part(serde_json::to_vec(claims))?);
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message.as_bytes(), &mut signature)
            .map_err(|_| KeyError("cannot sign"))?;
        Ok(format!("{message}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }
}
