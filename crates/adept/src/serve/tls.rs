//! TLS: which certificate the listener shows, and how a new one replaces it without a restart.
//!
//! TLS 1.2 and 1.3, session tickets, HTTP/2 and HTTP/1.1 by ALPN. Knows nothing of HTTP itself.

pub mod local_ca;
mod operator_files;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use adept_apple::certificate::Certificate;
use axum_server::tls_rustls::RustlsConfig;
use jiff::Timestamp;
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, aws_lc_rs},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_util::sync::CancellationToken;

use super::signals::Signals;
use crate::app::{Clock, PrivateFileError};

/// How often certificate files are read again.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

/// Where the certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Made by a local certificate authority that lives in `folder` and vouches for this machine and `host` alone.
    LocalCa {
        /// Where authority and certificate are kept.
        folder: PathBuf,
        /// The public URL's host: a name or an address.
        host: String,
    },
    /// Files of the operator.
    Files {
        /// PEM: the certificate, then its intermediates.
        certificate: PathBuf,
        /// PEM: the private key (PKCS #8, PKCS #1 or SEC 1).
        key: PathBuf,
    },
}

/// Why there is no certificate to show. Says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read or written.
    #[error("{path}: {cause}. Check that the file exists and that this user may read and write it")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The private key's file is not private, or cannot be read.
    #[error("the TLS key {0}")]
    Key(#[from] PrivateFileError),
    /// A file holds something else.
    #[error("{path} holds {what}. Nothing was changed; put the right file there")]
    Content {
        /// The file.
        path: PathBuf,
        /// What was found or is absent.
        what: String,
    },
    /// A key or certificate could not be made.
    #[error("the local certificate could not be made: {0}")]
    Making(String),
}

/// A certificate chain and its key, as they lie in files.
struct Material {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    /// The authority that clients have to trust, when it is ours.
    authority: Option<Trust>,
}

/// What clients of a local authority have to trust.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The authority's certificate.
    pub ca_pem: String,
    /// Where it lies.
    pub ca_file: PathBuf,
    /// Whether it was made just now, so that clients do not know it yet.
    pub is_new: bool,
}

/// The listener's TLS.
pub struct Tls {
    source: Source,
    rustls: RustlsConfig,
    shown: Mutex<Vec<CertificateDer<'static>>>,
    trust: Option<Trust>,
}

impl Tls {
    /// Reads or makes the certificate.
    pub fn open(source: Source, now: Timestamp) -> Result<Self, TlsError> {
        let material = source.load(now)?;
        let trust = material.authority.clone();
        let shown = Mutex::new(material.chain.clone());
        let rustls = RustlsConfig::from_config(Arc::new(server_config(material, &source)?));
        Ok(Self { source, rustls, shown, trust })
    }

    /// For the listener.
    pub fn rustls(&self) -> RustlsConfig {
        self.rustls.clone()
    }

    /// What clients have to trust; none with the operator's own files.
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    /// Reads the files again and shows another certificate when they changed, or when ours nears its end. True when
    /// it changed; on an error the old one stays.
    pub fn look_again(&self, now: Timestamp) -> Result<bool, TlsError> {
        let material = self.source.load(now)?;
        let (chain, authority) = (material.chain.clone(), material.authority.clone());
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown == chain {
            return Ok(false);
        }
        self.rustls.reload_from_config(Arc::new(server_config(material, &self.source)?));
        *shown = chain;
        if let Some(trust) = authority.filter(|authority| authority.is_new) {
            let file = trust.ca_file.display();
            tracing::warn!(%file, "a new local authority was made: clients must trust this file");
        }
        Ok(true)
    }

    /// Looks again every minute, and at once on SIGHUP, until `shutdown`.
    pub fn keep_fresh(
        self: Arc<Self>,
        clock: Clock,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> {
        // Before the task has its first turn: a signal that nobody listens for ends the process.
        let mut hangups = Signals::hangup();
        async move {
            loop {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(LOOK_AGAIN) => {}
                    () = hangups.next() => {}
                }
                let (tls, now) = (Arc::clone(&self), clock.now());
                match tokio::task::spawn_blocking(move || tls.look_again(now)).await {
                    Ok(Ok(true)) => tracing::info!("the TLS certificate changed and is in use"),
                    Ok(Ok(false)) => {}
                    Ok(Err(error)) => {
                        tracing::warn!(%error, "the TLS certificate could not be read again; the old one stays in use");
                    }
                    Err(error) => tracing::error!(%error, "looking at the TLS certificate failed"),
                }
            }
        }
    }
}

impl Source {
    fn load(&self, now: Timestamp) -> Result<Material, TlsError> {
        match self {
            Self::LocalCa { folder, host } => local_ca::load(folder, host, now),
            Self::Files { certificate, key } => operator_files::load(certificate, key),
        }
    }

    fn certificate_file(&self) -> PathBuf {
        match self {
            Self::LocalCa { folder, .. } => local_ca::leaf_file(folder),
            Self::Files { certificate, .. } => certificate.clone(),
        }
    }
}

/// `notAfter` of an X.509 certificate in DER; none when it is not one.
pub fn not_after(der: &[u8]) -> Option<Timestamp> {
    Certificate::from_der(der).ok().map(|certificate| certificate.not_after())
}

/// `notBefore` of an X.509 certificate in DER; none when it is not one.
pub fn not_before(der: &[u8]) -> Option<Timestamp> {
    Certificate::from_der(der).ok().map(|certificate| certificate.not_before())
}

/// The issuer's name in an X.509 certificate in DER; none when it is not one.
fn issuer(der: &[u8]) -> Option<Vec<u8>> {
    Certificate::from_der(der).ok().map(|certificate| certificate.id().issuer)
}

/// The cryptography of every TLS connection of this process.
pub fn provider() -> Arc<CryptoProvider> {
    CryptoProvider::get_default().cloned().unwrap_or_else(|| Arc::new(aws_lc_rs::default_provider()))
}

fn server_config(material: Material, source: &Source) -> Result<ServerConfig, TlsError> {
    let unfit =
        |error: rustls::Error| TlsError::Content { path: source.certificate_file(), what: error.to_string() };
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(unfit)?
        .with_no_client_auth()
        .with_single_cert(material.chain, material.key)
        .map_err(unfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(unfit)?;
    Ok(config)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|cause| TlsError::File { path: path.to_owned(), cause })
}
