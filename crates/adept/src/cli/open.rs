//! Opens what commands need, as the configuration says.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::SignedDuration;
use rustls_pki_types::{CertificateDer, pem::PemObject as _};
use zeroize::Zeroizing;

use super::{Exit, Failure};
use crate::{
    app::{App, AppOptions, AppleOptions, Clock, SharedProfileOptions},
    config,
    domain::TenantId,
    storage::{self, DatabaseOptions, OpenError, Storage, StorageOptions, read_private},
};

/// Connections to a database server, or readers of a file.
const CONNECTIONS: u32 = 16;

/// Apple needs this long for a call that changes a thousand devices. Such calls are cut before the lease ends, so with a
/// shorter one they might never succeed.
const SHORTEST_LEASE: SignedDuration = SignedDuration::from_secs(10);

/// What becomes of a database that is not there yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum WhenMissing {
    /// It is made, with its sealing key.
    Make,
    /// That is an error: a typing mistake must not make an empty one.
    Fail,
}

/// How the storage is opened.
pub(super) fn options(flags: &config::Storage, missing: WhenMissing) -> Result<StorageOptions, Failure> {
    let database = flags.database(url_in_file).map_err(Failure::usage)?;
    let may_create = missing == WhenMissing::Make;
    Ok(StorageOptions {
        database: DatabaseOptions {
            url: database.url.to_string(),
            sqlite_max_pages: flags.sqlite_max_pages,
            connections: CONNECTIONS,
            create: may_create,
            lease: AppOptions::default().lease,
        },
        sealing_key_file: flags.sealing_key_file(),
        may_create_sealing_key: database.is_local && may_create,
    })
}

/// The database URL in a file, which holds a password and is read by nobody else.
fn url_in_file(file: &Path) -> Result<Zeroizing<String>, String> {
    let content = read_private(file).map_err(|error| format!("--database-url-file: {error}"))?;
    let text = str::from_utf8(&content).map_err(|_| format!("{} holds no text", file.display()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// The storage. Its folder is made when it may be.
pub(super) async fn storage(
    flags: &config::Storage,
    missing: WhenMissing,
    clock: &Clock,
) -> Result<Storage, Failure> {
    storage_with_lease(flags, missing, AppOptions::default().lease, clock).await
}

/// The same, whose database sessions end when it is silent for a lease of that length.
pub(super) async fn storage_with_lease(
    flags: &config::Storage,
    missing: WhenMissing,
    lease: Duration,
    clock: &Clock,
) -> Result<Storage, Failure> {
    let mut options = options(flags, missing)?;
    options.database.lease = lease;
    if missing == WhenMissing::Make {
        make_private_folder(&flags.data_dir, true).map_err(|error| {
            let folder = flags.data_dir.display();
            Failure::usage(format!(
                "the data folder {folder} cannot be made: {error}. Choose another with --data-dir"
            ))
        })?;
    }
    let fresh_tenant = TenantId(clock.new_id());
    Storage::open(&options, clock.now(), fresh_tenant).await.map_err(|error| match &error {
        OpenError::Database(storage::Error::Unavailable(_)) if missing == WhenMissing::Fail => {
            let place = match (&flags.database_url, &flags.database_url_file) {
                (None, None) => format!("{} holds no database of Adept that can be opened", flags.data_dir.display()),
                _ => "the database of --database-url cannot be opened".to_owned(),
            };
            let hint = "Nothing was made or changed. Name the right folder with --data-dir or the database with \
                        --database-url; `adept serve` makes a new database, and `adept client add --new-database` too.";
            Failure::new(Exit::Unavailable, format!("{place} ({error}). {hint}"))
        }
        OpenError::Database(storage::Error::Options(_)) | OpenError::SealingKey(_) => Failure::usage(error),
        _ => Failure::new(Exit::Unavailable, error),
    })
}

/// The application over an existing database, for what calls nothing at Apple, whose address then does not matter.
pub(super) async fn app_without_apple(flags: &config::Storage) -> Result<(Storage, Arc<App>), Failure> {
    let clock = Clock::system();
    let storage = storage(flags, WhenMissing::Fail, &clock).await?;
    let app = App::new(storage.clone(), &AppleOptions::default(), clock, AppOptions::default());
    Ok((storage, app.map_err(Failure::failed)?))
}

/// The application over a storage.
pub(super) fn app(storage: Storage, flags: &config::Apple, clock: Clock) -> Result<Arc<App>, Failure> {
    let apple = AppleOptions {
        url: flags.apple_url.clone(),
        user_agent: flags.apple_user_agent.clone(),
        allow_plain_http: flags.allow_plain_apple,
        ..AppleOptions::default()
    };
    if flags.lease < SHORTEST_LEASE {
        return Err(Failure::usage(
            "--lease is under 10s: calls that change something at Apple are cut before it ends, so they might never \
             succeed. Give 10s or more.",
        ));
    }
    let options = AppOptions {
        maximum_dep_tokens: flags.maximum_dep_tokens,
        open_failures: flags.open_failures,
        max_release: flags.max_release,
        sync_interval: flags.sync_interval.unsigned_abs(),
        full_fetch_interval: flags.full_fetch_interval.unsigned_abs(),
        lease: flags.lease.unsigned_abs(),
        mdm_url: flags.mdm_url.clone(),
        shared_profile_options: shared_profile_options(&flags.profiles)?,
        ..AppOptions::default()
    };
    App::new(storage, &apple, clock, options).map_err(|error| Failure::usage(format!("--apple-url: {error}")))
}

/// The shared profile options, their certificates read from their file.
fn shared_profile_options(flags: &config::Profiles) -> Result<SharedProfileOptions, Failure> {
    let anchor_certs = match &flags.anchor_certs {
        None => Vec::new(),
        Some(file) => {
            let unfit = |error: &dyn std::fmt::Display| {
                Failure::usage(format!("--anchor-certs {}: {error}", file.display()))
            };
            let read = CertificateDer::pem_file_iter(file).map_err(|error| unfit(&error))?;
            let read: Result<Vec<_>, _> = read.collect();
            read.map_err(|error| unfit(&error))?.iter().map(|der| BASE64_STANDARD.encode(der)).collect()
        }
    };
    Ok(SharedProfileOptions {
        org_magic: flags.org_magic.clone(),
        support_email_address: flags.support_email.clone(),
        language: flags.language.clone(),
        region: flags.region.clone(),
        anchor_certs,
    })
}

/// Makes a folder that only this user may enter, with those above it when `recursive`; an error when it is there and that
/// is not set.
pub(super) fn make_private_folder(folder: &Path, recursive: bool) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(recursive);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
