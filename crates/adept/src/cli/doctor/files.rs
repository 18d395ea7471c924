//! Folders and certificate files.

use std::{fs, path::Path};

use jiff::{SignedDuration, Timestamp};
use rustls_pki_types::{CertificateDer, pem::PemObject};

use super::Finding;
use crate::{
    config,
    serve::tls::{local_ca, not_after},
    storage::{PrivateFileError, read_private},
};

/// A certificate of the operator's that ends within this time should be renewed.
const SOON: SignedDuration = SignedDuration::from_hours(21 * 24);

pub(super) fn data_folder(folder: &Path) -> Vec<Finding> {
    const ABOUT: &str = "data folder";
    let shown = folder.display();
    let Ok(metadata) = fs::metadata(folder) else {
        return vec![Finding::warn(
            ABOUT,
            format!("{shown} is not there yet; `adept serve` makes it, or set --data-dir"),
        )];
    };
    if !metadata.is_dir() {
        return vec![Finding::fail(ABOUT, format!("{shown} is not a folder; set --data-dir to one"))];
    }
    let mut findings = Vec::new();
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o007 != 0 {
            let text = format!("{shown} can be entered by everyone (mode {mode:o}); run `chmod 700 {shown}`");
            findings.push(Finding::warn(ABOUT, text));
        }
    }
    if metadata.permissions().readonly() {
        findings.push(Finding::fail(ABOUT, format!("{shown} is read-only; run `chmod u+w {shown}`")));
    }
    if findings.is_empty() {
        findings.push(Finding::ok(ABOUT, format!("{shown} is there and private")));
    }
    findings
}

pub(super) fn certificates(flags: &config::Serve, now: Timestamp) -> Vec<Finding> {
    const ABOUT: &str = "TLS";
    if flags.listening.plain_http {
        let text =
            "plain HTTP: a proxy in front must have TLS, since official clients refuse to sign in without";
        return vec![Finding::warn(ABOUT, text)];
    }
    match (&flags.listening.tls_cert, &flags.listening.tls_key) {
        (Some(certificate), Some(key)) => vec![operators(certificate, now), private(key)],
        _ => {
            let folder = flags.storage.tls_folder();
            let ca = local_ca::authority_file(&folder);
            let text = if ca.is_file() {
                format!("clients must trust {}; the certificate below it renews itself", ca.display())
            } else {
                format!("`adept serve` will make a local authority, {}; clients must trust it", ca.display())
            };
            vec![Finding::ok(ABOUT, text)]
        }
    }
}

fn operators(path: &Path, now: Timestamp) -> Finding {
    const ABOUT: &str = "certificate";
    let shown = path.display();
    let pem = match fs::read(path) {
        Ok(pem) => pem,
        Err(error) => {
            return Finding::fail(ABOUT, format!("{shown} cannot be read ({error}); set --tls-cert"));
        }
    };
    let end = CertificateDer::from_pem_slice(&pem).ok().and_then(|der| not_after(&der));
    match end {
        None => {
            Finding::fail(ABOUT, format!("{shown} holds no PEM certificate; put the chain there, leaf first"))
        }
        Some(end) if end <= now => {
            Finding::fail(ABOUT, format!("{shown} ended {end}; renew it, it is read again by itself"))
        }
        Some(end) if end <= now + SOON => Finding::warn(ABOUT, format!("{shown} ends {end}; renew it soon")),
        Some(end) => Finding::ok(ABOUT, format!("{shown} is valid until {end}")),
    }
}

fn private(path: &Path) -> Finding {
    const ABOUT: &str = "private key";
    let shown = path.display();
    match read_private(path) {
        Err(PrivateFileError::Io { cause, .. }) => {
            Finding::fail(ABOUT, format!("{shown} cannot be read ({cause}); set --tls-key"))
        }
        Err(error @ PrivateFileError::TooOpen { .. }) => Finding::fail(ABOUT, error.to_string()),
        Ok(_) => Finding::ok(ABOUT, format!("{shown} is there and private")),
    }
}
