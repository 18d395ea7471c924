//! Certificate and key in files that the operator gives.

use std::path::Path;

use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

use super::{Material, TlsError, read};
use crate::app::read_private;

pub(super) fn load(certificate: &Path, key: &Path) -> Result<Material, TlsError> {
    let unfit = |path: &Path, what: String| TlsError::Content { path: path.to_owned(), what };
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unfit(certificate, format!("no readable PEM certificate ({error})")))?;
    if chain.is_empty() {
        return Err(unfit(certificate, "no PEM certificate".to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&read_private(key)?)
        .map_err(|error| unfit(key, format!("no readable PEM private key ({error})")))?;
    Ok(Material { chain, key, authority: None })
}
