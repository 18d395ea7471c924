//! A certificate authority for one machine: made on first start, so that TLS works before anyone bought a certificate.
//!
//! It vouches for `localhost`, `127.0.0.1`, `::1` and the public URL's host and, by critical name constraints, can
//! certify nothing else, not even names below those, and servers only: a client that trusts it trusts no more than this
//! service. Whether what lies in the folder is still
//! good is decided by the same verification that clients do, at a time a month ahead.

use std::{
    fs,
    io::Write,
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp, tz::Offset};
use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SerialNumber,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject};

use super::{Material, TlsError, Trust, issuer, not_after, not_before, provider};

/// The authority's life. Long, since every client has to be given a new one.
const AUTHORITY_DAYS: i64 = 3650;
/// A certificate's life. Apple's and browsers' limit is 398 days.
const LEAF_DAYS: i64 = 397;
/// A certificate that ends sooner is made again.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The authority's certificate, to be trusted by clients.
pub fn authority_file(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

fn authority_key_file(folder: &Path) -> PathBuf {
    folder.join("ca.key")
}

/// Certificate and key in one file, so that they are always each other's.
pub fn leaf_file(folder: &Path) -> PathBuf {
    folder.join("server.pem")
}

/// What the folder holds, if it is good for a month; else a new certificate; else a new authority as well.
pub(super) fn load(folder: &Path, host: &str, now: Timestamp) -> Result<Material, TlsError> {
    let names = names(host);
    if let Some((ca_pem, ca)) = read_authority(folder).filter(|(_, ca)| is_for(ca, &names, host, now)) {
        let known = || Some(Trust { ca_pem: ca_pem.clone(), ca_file: authority_file(folder), is_new: false });
        if let Some((chain, key)) = read_leaf(folder).filter(|(chain, _)| accepted(&ca, chain, &names, now)) {
            return Ok(Material { chain, key, authority: known() });
        }
        if let Some(key) =
            read_authority_key(folder).filter(|_| outlives_a_leaf(&ca, now) && has_begun(&ca, now))
        {
            let leaf = make_leaf(&names, host, key, now)?;
            let (chain, key) = parse_leaf(leaf.as_bytes()).ok_or_else(unreadable)?;
            if accepted(&ca, &chain, &names, now) {
                write(&leaf_file(folder), &leaf, 0o600)?;
                return Ok(Material { chain, key, authority: known() });
            }
        }
    }
    make_everything(folder, host, &names, now)
}

fn make_everything(
    folder: &Path,
    host: &str,
    names: &[String],
    now: Timestamp,
) -> Result<Material, TlsError> {
    fs::create_dir_all(folder).map_err(|cause| TlsError::File { path: folder.to_owned(), cause })?;
    let key = KeyPair::generate().map_err(making)?;
    let (key_pem, pem) =
        (key.serialize_pem(), authority_params(names, host, now)?.self_signed(&key).map_err(making)?.pem());
    let leaf = make_leaf(names, host, key, now)?;
    write(&authority_key_file(folder), &key_pem, 0o600)?;
    write(&authority_file(folder), &pem, 0o644)?;
    write(&leaf_file(folder), &leaf, 0o600)?;
    let (chain, key) = parse_leaf(leaf.as_bytes()).ok_or_else(unreadable)?;
    let authority = Some(Trust { ca_pem: pem, ca_file: authority_file(folder), is_new: true });
    Ok(Material { chain, key, authority })
}

/// Names and addresses that the certificate must be good for.
fn names(host: &str) -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    let host = host.trim_matches(['[', ']']);
    if !names.iter().any(|name| name == host) {
        names.push(host.to_owned());
    }
    names
}

fn authority_params(names: &[String], host: &str, now: Timestamp) -> Result<CertificateParams, TlsError> {
    let mut params = common_params(Vec::new(), now, AUTHORITY_DAYS)?;
    params.distinguished_name.push(DnType::OrganizationName, "Adept");
    params.distinguished_name.push(DnType::CommonName, format!("Adept local authority for {host}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let permitted = names.iter().map(|name| match name.parse() {
        Err(_) => GeneralSubtree::DnsName(name.clone()),
        Ok(ip @ IpAddr::V4(_)) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, 32)),
        Ok(ip @ IpAddr::V6(_)) => GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(ip, 128)),
    });
    // A permitted name stands for all below it as well (RFC 5280 §4.2.1.10).
    let below = names.iter().filter(|name| name.parse::<IpAddr>().is_err());
    let excluded = below.map(|name| GeneralSubtree::DnsName(format!(".{name}")));
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted.collect(),
        excluded_subtrees: excluded.collect(),
    });
    Ok(params)
}

/// A certificate for `names` and its key, as PEM, signed by `authority`.
fn make_leaf(names: &[String], host: &str, authority: KeyPair, now: Timestamp) -> Result<String, TlsError> {
    let mut params = common_params(names.to_vec(), now, LEAF_DAYS)?;
    params.distinguished_name.push(DnType::CommonName, "Adept");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let issuer = Issuer::new(authority_params(names, host, now)?, authority);
    let key = KeyPair::generate().map_err(making)?;
    let certificate = params.signed_by(&key, &issuer).map_err(making)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// Valid from a day ago, because clocks differ; a random positive serial number of 128 bits.
fn common_params(names: Vec<String>, now: Timestamp, days: i64) -> Result<CertificateParams, TlsError> {
    let mut serial = [0u8; 16];
    aws_lc_rs::rand::fill(&mut serial).map_err(|_| TlsError::Making("no randomness".to_owned()))?;
    serial[0] = serial[0] & 0x7f | 0x40;
    let begin = now - SignedDuration::from_hours(24);
    let mut params = CertificateParams::new(names).map_err(making)?;
    params.distinguished_name = DistinguishedName::new();
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    let midnight = |time: Timestamp| {
        let date = Offset::UTC.to_datetime(time);
        rcgen::date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = midnight(begin);
    params.not_after = midnight(begin + SignedDuration::from_hours(24 * days));
    Ok(params)
}

/// Whether a client that trusts `ca` accepts `chain` for every name, now and for a month.
fn accepted(
    ca: &CertificateDer<'static>,
    chain: &[CertificateDer<'static>],
    names: &[String],
    now: Timestamp,
) -> bool {
    let Some((leaf, intermediates)) = chain.split_first() else { return false };
    let mut roots = RootCertStore::empty();
    // Verification looks at names that an authority may vouch for, and not at its time.
    if roots.add(ca.clone()).is_err() || !outlives(ca, now + RENEW_BEFORE) || !has_begun(ca, now) {
        return false;
    }
    let Ok(verifier) = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build()
    else {
        return false;
    };
    let at =
        |time: Timestamp| UnixTime::since_unix_epoch(Duration::from_secs(time.as_second().unsigned_abs()));
    names.iter().all(|name| {
        ServerName::try_from(name.as_str()).is_ok_and(|name| {
            [now, now + RENEW_BEFORE]
                .into_iter()
                .all(|time| verifier.verify_server_cert(leaf, intermediates, &name, &[], at(time)).is_ok())
        })
    })
}

/// Whether the authority was made for exactly these names: its own one tells. One for other names may vouch for more.
fn is_for(ca: &CertificateDer<'_>, names: &[String], host: &str, now: Timestamp) -> bool {
    let alike = authority_params(names, host, now).ok();
    let alike = alike.and_then(|params| params.self_signed(&KeyPair::generate().ok()?).ok());
    alike.is_some_and(|alike| issuer(ca).is_some_and(|name| Some(name) == issuer(alike.der())))
}

fn has_begun(der: &CertificateDer<'_>, now: Timestamp) -> bool {
    not_before(der).is_some_and(|begin| begin <= now)
}

fn outlives(der: &CertificateDer<'_>, time: Timestamp) -> bool {
    not_after(der).is_some_and(|end| end > time)
}

fn outlives_a_leaf(ca: &CertificateDer<'_>, now: Timestamp) -> bool {
    outlives(ca, now + SignedDuration::from_hours(24 * LEAF_DAYS))
}

fn read_authority(folder: &Path) -> Option<(String, CertificateDer<'static>)> {
    let pem = fs::read_to_string(authority_file(folder)).ok()?;
    let ca = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    Some((pem, ca))
}

fn read_authority_key(folder: &Path) -> Option<KeyPair> {
    let pem = String::from_utf8(read_private(&authority_key_file(folder))?).ok()?;
    KeyPair::from_pem(&pem).ok()
}

fn read_leaf(folder: &Path) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    parse_leaf(&read_private(&leaf_file(folder))?)
}

/// A file that holds a key, and is for this user alone again if something, a restored backup say, made it wider.
fn read_private(path: &Path) -> Option<Vec<u8>> {
    let read = fs::read(path).ok()?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = fs::metadata(path).ok()?.permissions();
        if permissions.mode() & 0o077 != 0 {
            tracing::warn!(file = %path.display(), "others could read this key; its mode is 0600 again");
            permissions.set_mode(0o600);
            fs::set_permissions(path, permissions).ok()?;
        }
    }
    Some(read)
}

fn parse_leaf(pem: &[u8]) -> Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().ok()?;
    Some((chain, PrivateKeyDer::from_pem_slice(pem).ok()?))
}

/// Writes beside the file and moves over it: a reader never sees half of it, and a key is never wider than `mode`.
fn write(path: &Path, text: &str, mode: u32) -> Result<(), TlsError> {
    let beside = path.with_extension(format!("{}.tmp", std::process::id()));
    let written = (|| {
        let _ = fs::remove_file(&beside);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
        let mut file = options.open(&beside)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|cause| TlsError::File { path: path.to_owned(), cause })
}

fn making(error: rcgen::Error) -> TlsError {
    TlsError::Making(error.to_string())
}

fn unreadable() -> TlsError {
    TlsError::Making("it cannot be read back".to_owned())
}
