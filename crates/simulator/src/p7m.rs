//! Server tokens as the portal hands them out: an S/MIME message around CMS EnvelopedData.
//!
//! This module reads the uploaded certificate and seals text for it. It knows nothing of organizations, servers
//! or what the text says, and it never opens a token: only the owner of the private key can.

mod ber;
mod certificate;
mod der;
mod mime;
mod seal;

pub(crate) use certificate::Certificate;
pub(crate) use mime::Shape;
pub(crate) use seal::Cipher;
use seal::SealFailed;

/// The `.p7m` file that carries `json` to the owner of `recipient`.
pub(crate) fn token_file(recipient: &Certificate, json: &str, shape: &Shape) -> Result<Vec<u8>, SealFailed> {
    let message = mime::inner(json, shape);
    let sealed = seal::seal(recipient, message.into_bytes(), shape.cipher, shape.chunks)?;
    Ok(mime::outer(&sealed, shape))
}
