//! The certificate that is shown: the local authority's, or the operator's.

use std::{
    fs,
    net::IpAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use adept::serve::tls::{self, Source, Tls, local_ca, not_after};
use jiff::{SignedDuration, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject};

use super::started::{Started, client};
use crate::support::database::{noon, tempfolder::Folder};

fn local(folder: &Folder, host: &str) -> Source {
    Source::LocalCa { folder: folder.path().to_owned(), host: host.to_owned() }
}

fn first_certificate(path: &Path) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(&fs::read(path).unwrap()).unwrap()
}

/// Whether a client that trusts the folder's authority accepts this certificate for that name.
fn is_accepted(folder: &Folder, leaf: &CertificateDer<'_>, name: &str, now: Timestamp) -> bool {
    let mut roots = RootCertStore::empty();
    roots.add(first_certificate(&local_ca::authority_file(folder.path()))).unwrap();
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), tls::provider()).build().unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let now = UnixTime::since_unix_epoch(Duration::from_secs(now.as_second().unsigned_abs()));
    verifier.verify_server_cert(leaf, &[], &name, &[], now).is_ok()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

#[test]
fn the_local_certificate_is_good_for_this_machine_and_the_public_host() {
    for (host, names) in [
        ("localhost", &["localhost", "127.0.0.1", "::1"][..]),
        ("adept.example.org", &["localhost", "127.0.0.1", "::1", "adept.example.org"]),
        ("192.0.2.7", &["localhost", "192.0.2.7"]),
        ("[2001:db8::7]", &["localhost", "2001:db8::7"]),
    ] {
        let folder = Folder::new();
        let tls = Tls::open(local(&folder, host), noon()).unwrap();
        assert!(tls.trust().unwrap().is_new);
        let leaf = first_certificate(&local_ca::leaf_file(folder.path()));
        for name in names {
            assert!(is_accepted(&folder, &leaf, name, noon()), "{host}: {name}");
        }
        assert!(!is_accepted(&folder, &leaf, "example.org", noon()));
        let life = not_after(&leaf).unwrap().duration_since(noon());
        assert!(life <= days(398) && life > days(390), "{life}");
    }
}

#[test]
fn the_local_authority_cannot_vouch_for_anyone_else() {
    let folder = Folder::new();
    Tls::open(local(&folder, "adept.example.org"), noon()).unwrap();
    let key = KeyPair::from_pem(&fs::read_to_string(folder.path().join("ca.key")).unwrap()).unwrap();
    let mut authority = CertificateParams::default();
    authority.distinguished_name.remove(DnType::CommonName);
    authority.distinguished_name.push(DnType::OrganizationName, "Adept");
    authority.distinguished_name.push(DnType::CommonName, "Adept local authority for adept.example.org");
    let issuer = Issuer::new(authority, key);
    for (name, accepted) in [
        ("adept.example.org", true),
        ("example.org", false),
        ("127.0.0.2", false),
        ("localhost.example.org", false),
        // Not even for names below its own.
        ("a.adept.example.org", false),
        ("*.adept.example.org", false),
        ("a.localhost", false),
    ] {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
        let name = name.replace('*', "b");
        assert_eq!(is_accepted(&folder, leaf.der(), &name, noon()), accepted, "{name}");
        let file = folder.path().join("made.pem");
        fs::write(&file, leaf.pem()).unwrap();
        assert_eq!(openssl_accepts(&folder, &file, &name, noon()), accepted, "{name}");
    }
    // Nor for anything but a server, nor through another authority.
    let mut params = CertificateParams::new(vec!["adept.example.org".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &issuer).unwrap();
    assert!(!is_accepted(&folder, leaf.der(), "adept.example.org", noon()));
    let mut params = CertificateParams::default();
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, "Between");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate().unwrap();
    let between = params.signed_by(&key, &issuer).unwrap();
    let below = Issuer::new(params, key);
    let mut params = CertificateParams::new(vec!["adept.example.org".to_owned()]).unwrap();
    params.use_authority_key_identifier_extension = true;
    let leaf = params.signed_by(&KeyPair::generate().unwrap(), &below).unwrap();
    // Rustls takes no path length from an authority that it was told to trust.
    let file = folder.path().join("made.pem");
    fs::write(&file, format!("{}{}", leaf.pem(), between.pem())).unwrap();
    let said = openssl_verify(&folder, &file, "adept.example.org", noon());
    assert!(String::from_utf8_lossy(&said.stderr).contains("path length constraint exceeded"), "{said:?}");
    let shown = openssl(&["x509", "-in", &pem_of_authority(&folder), "-noout", "-text"]);
    let text = String::from_utf8(shown.stdout).unwrap();
    for part in ["CA:TRUE, pathlen:0", "TLS Web Server Authentication", "X509v3 Name Constraints: critical"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("Client Authentication"), "{text}");
}

#[test]
fn openssl_accepts_the_local_certificate_by_each_of_its_names() {
    for host in ["adept.example.org", "192.0.2.7", "localhost"] {
        let folder = Folder::new();
        Tls::open(local(&folder, host), noon()).unwrap();
        let leaf = local_ca::leaf_file(folder.path());
        for name in ["localhost", "127.0.0.1", "::1", host] {
            assert!(openssl_accepts(&folder, &leaf, name, noon()), "{host}: {name}");
        }
        assert!(!openssl_accepts(&folder, &leaf, "example.org", noon()));
    }
}

fn openssl(arguments: &[&str]) -> Output {
    Command::new("openssl").args(arguments).output().expect("openssl is installed")
}

fn pem_of_authority(folder: &Folder) -> String {
    local_ca::authority_file(folder.path()).display().to_string()
}

/// The same question to OpenSSL, which also looks at the authority's own time and purpose.
fn openssl_accepts(folder: &Folder, leaf: &Path, name: &str, now: Timestamp) -> bool {
    openssl_verify(folder, leaf, name, now).status.success()
}

fn openssl_verify(folder: &Folder, leaf: &Path, name: &str, now: Timestamp) -> Output {
    let kind = if name.parse::<IpAddr>().is_ok() { "-verify_ip" } else { "-verify_hostname" };
    let (authority, now) = (pem_of_authority(folder), now.as_second().to_string());
    let leaf = leaf.display().to_string();
    openssl(&[
        "verify",
        "-x509_strict",
        "-purpose",
        "sslserver",
        "-no-CAfile",
        "-no-CApath",
        "-no-CAstore",
        "-trusted",
        &authority,
        "-untrusted",
        &leaf,
        "-attime",
        &now,
        kind,
        name,
        &leaf,
    ])
}

#[test]
fn keys_of_the_local_authority_are_private() {
    let folder = Folder::new();
    Tls::open(local(&folder, "localhost"), noon()).unwrap();
    for file in ["ca.key", "server.pem"] {
        let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
        fs::set_permissions(folder.path().join(file), fs::Permissions::from_mode(0o644)).unwrap();
    }
    // Both keys are read: the certificate nears its end.
    let key = fs::read(folder.path().join("ca.key")).unwrap();
    assert!(!Tls::open(local(&folder, "localhost"), noon() + days(370)).unwrap().trust().unwrap().is_new);
    assert_eq!(fs::read(folder.path().join("ca.key")).unwrap(), key);
    for file in ["ca.key", "server.pem"] {
        let mode = fs::metadata(folder.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file} was wider");
    }
    let mut files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["ca.key", "ca.pem", "server.pem"]);
}

#[test]
fn a_later_start_makes_nothing() {
    let folder = Folder::new();
    Tls::open(local(&folder, "localhost"), noon()).unwrap();
    let before = fs::read(local_ca::leaf_file(folder.path())).unwrap();
    let again = Tls::open(local(&folder, "localhost"), noon() + days(300)).unwrap();
    assert!(!again.trust().unwrap().is_new);
    assert!(!again.look_again(noon() + days(300)).unwrap());
    assert_eq!(fs::read(local_ca::leaf_file(folder.path())).unwrap(), before);
}

#[test]
fn a_certificate_near_its_end_is_made_again_by_the_same_authority() {
    let folder = Folder::new();
    let tls = Tls::open(local(&folder, "localhost"), noon()).unwrap();
    let authority = fs::read(local_ca::authority_file(folder.path())).unwrap();
    let later = noon() + days(370);
    assert!(tls.look_again(later).unwrap());
    assert_eq!(fs::read(local_ca::authority_file(folder.path())).unwrap(), authority);
    let leaf = first_certificate(&local_ca::leaf_file(folder.path()));
    assert!(not_after(&leaf).unwrap() > later + days(390));
    assert!(is_accepted(&folder, &leaf, "localhost", later));
}

#[test]
fn a_certificate_that_is_not_valid_yet_is_made_again() {
    let folder = Folder::new();
    Tls::open(local(&folder, "localhost"), noon()).unwrap();
    let tls = Tls::open(local(&folder, "localhost"), noon() + days(370)).unwrap();
    let ahead = first_certificate(&local_ca::leaf_file(folder.path()));
    assert!(tls::not_before(&ahead).unwrap() > noon());
    assert!(tls.look_again(noon()).unwrap());
    let leaf = first_certificate(&local_ca::leaf_file(folder.path()));
    assert!(is_accepted(&folder, &leaf, "localhost", noon()));
    assert!(!Tls::open(local(&folder, "localhost"), noon()).unwrap().trust().unwrap().is_new);
}

#[test]
fn another_host_an_ended_authority_and_damage_make_a_new_authority() {
    let folder = Folder::new();
    let is_new = |host: &str, now| Tls::open(local(&folder, host), now).unwrap().trust().unwrap().is_new;
    assert!(is_new("a.example.org", noon()));
    assert!(is_new("b.example.org", noon()));
    assert!(!is_new("b.example.org", noon()));
    assert!(is_new("b.example.org", noon() + days(3640)));
    assert!(is_new("b.example.org", noon()), "not valid yet, made under a clock that was ahead");
    assert!(is_new("localhost", noon()), "it vouches for a host that is the service's no more");
    for file in ["ca.pem", "ca.key"] {
        fs::write(folder.path().join(file), "damaged").unwrap();
        fs::remove_file(local_ca::leaf_file(folder.path())).unwrap();
        assert!(is_new("b.example.org", noon()), "{file}");
    }
    fs::write(local_ca::leaf_file(folder.path()), "damaged").unwrap();
    assert!(!is_new("b.example.org", noon()), "the authority is still good");
}

/// A self-signed certificate in files of the operator's.
fn give(folder: &Folder) -> (String, Source) {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    let (certificate, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&certificate, &pem).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    (pem, Source::Files { certificate, key: key_file })
}

#[test]
fn given_files_are_read_again_and_broken_ones_change_nothing() {
    let folder = Folder::new();
    let (_, source) = give(&folder);
    let tls = Tls::open(source, noon()).unwrap();
    assert!(tls.trust().is_none());
    assert!(!tls.look_again(noon()).unwrap());
    let (pem, _) = give(&folder);
    assert!(tls.look_again(noon()).unwrap());

    for (file, text) in [("cert.pem", ""), ("cert.pem", "damaged"), ("key.pem", "damaged")] {
        let good = fs::read(folder.path().join(file)).unwrap();
        fs::write(folder.path().join(file), text).unwrap();
        assert!(tls.look_again(noon()).is_err(), "{file}: {text}");
        fs::write(folder.path().join(file), good).unwrap();
    }
    // A certificate whose key has not been replaced yet.
    let other = KeyPair::generate().unwrap().serialize_pem();
    fs::write(folder.path().join("key.pem"), other).unwrap();
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    assert!(Tls::open(Source::Files { certificate, key }, noon()).is_err());
    assert_eq!(fs::read_to_string(folder.path().join("cert.pem")).unwrap(), pem);
}

#[tokio::test]
async fn given_files_are_what_clients_see() {
    let files = Folder::new();
    let (pem, _) = give(&files);
    let flag = |name: &str, file: &str| format!("--{name}={}", files.path().join(file).display());
    let service = Started::with(&[&flag("tls-cert", "cert.pem"), &flag("tls-key", "key.pem")]).await;
    assert!(service.running.trust().is_none());
    let certificate = reqwest::Certificate::from_pem(pem.as_bytes()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([certificate]).build().unwrap();
    assert_eq!(http.get(service.url("/livez")).send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn clients_of_both_http_versions_and_by_every_local_name_are_answered() {
    let service = Started::new().await;
    let answer = service.http.get(service.url("/livez")).send().await.unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let old = client(&service.running).http1_only().build().unwrap();
    for host in ["localhost", "127.0.0.1"] {
        let url = service.url("/livez").replace("localhost", host);
        let answer = old.get(url).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.version()), (200, reqwest::Version::HTTP_11));
    }
    let old = client(&service.running).tls_version_max(reqwest::tls::Version::TLS_1_2).build().unwrap();
    assert_eq!(old.get(service.url("/livez")).send().await.unwrap().status(), 200);
    let stranger = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    assert!(stranger.get(service.url("/livez")).send().await.is_err());
}
