//! The database, the sealing key, and the tokens that are stored.

use super::{
    super::open::{self, WhenMissing},
    Finding, Severity, clocks,
};
use crate::{
    app::Clock,
    config,
    domain::{CLOCKS_APART, Setting, TokenStanding, TokenState},
    storage::{
        OpenError, SchemaState, SchemaStatus, SealingKey, SealingKeyError, SettingHealth, Storage,
        StorageOptions,
    },
};

pub(super) async fn check(flags: &config::Storage, clock: &Clock) -> Vec<Finding> {
    let options = match open::options(flags, WhenMissing::Fail) {
        Ok(options) => options,
        Err(failure) => return vec![Finding::fail("database", failure.message)],
    };
    let mut findings = vec![sealing_key(&options)];
    let migrated = match Storage::schema(&options.database).await {
        Ok(schema) => {
            let finding = schema_finding(&schema);
            let fits = finding.severity != Severity::Fail;
            findings.push(finding);
            fits
        }
        // What cannot be opened is said below.
        Err(_) => true,
    };
    if !migrated {
        return findings;
    }
    match Storage::inspect(&options).await {
        Ok(storage) => {
            findings.push(writable(&storage, clock).await);
            findings.extend(database_clock(&storage, clock).await);
            findings.extend(tokens(&storage, clock).await);
            storage.close().await;
        }
        Err(error) => findings.push(unopened(&error)),
    }
    findings
}

fn schema_finding(schema: &SchemaStatus) -> Finding {
    match schema.state() {
        SchemaState::Equal => Finding::ok("schema", schema.sentence()),
        SchemaState::Newer if schema.may_write() => Finding::warn("schema", schema.sentence()),
        SchemaState::Newer | SchemaState::Older | SchemaState::Unfinished => {
            Finding::fail("schema", schema.sentence())
        }
    }
}

/// PostgreSQL's clock tells a wrong one of this machine's where Apple cannot be reached.
async fn database_clock(storage: &Storage, clock: &Clock) -> Option<Finding> {
    let theirs = storage.deployment.database_clock().await.ok().flatten()?;
    Some(clocks(clock.now(), theirs, "the database server's", "set both by NTP"))
}

/// What was heard of Apple cannot lie ahead, unless a clock was wrong then or is wrong now.
fn seen_ahead(settings: &[SettingHealth], clock: &Clock) -> Option<Finding> {
    let latest = settings.iter().filter_map(|health| health.checked_at).max()?;
    let ahead = latest.duration_since(clock.now());
    (ahead > CLOCKS_APART).then(|| {
        let seconds = ahead.as_secs();
        let text = format!(
            "Apple was last heard at {latest}, {seconds} s ahead of this machine's clock: it is slow now, or was \
             fast then; set it by NTP"
        );
        Finding::fail("clock", text)
    })
}

fn sealing_key(options: &StorageOptions) -> Finding {
    const ABOUT: &str = "sealing key";
    let shown = options.sealing_key_file.display();
    match SealingKey::read(&options.sealing_key_file) {
        Ok(key) => {
            Finding::ok(ABOUT, format!("{shown} has id {}; keep a copy apart from the database", key.id()))
        }
        Err(SealingKeyError::Missing(_)) => Finding::warn(
            ABOUT,
            format!(
                "{shown} is not there: with a new SQLite database `adept serve` makes it, otherwise restore it from the backup"
            ),
        ),
        Err(error) => Finding::fail(ABOUT, error.to_string()),
    }
}

fn unopened(error: &OpenError) -> Finding {
    match error {
        OpenError::Database(cause) => Finding::fail(
            "database",
            format!(
                "{cause}. Check --data-dir or --database-url; `adept serve` makes a new SQLite database by itself"
            ),
        ),
        OpenError::SealingKey(cause) => Finding::fail("sealing key", cause.to_string()),
        OpenError::WrongSealingKey { .. } => Finding::fail("sealing key", error.to_string()),
    }
}

/// A write that changes nothing would be no trial: SQLite does not make it.
async fn writable(storage: &Storage, clock: &Clock) -> Finding {
    const ABOUT: &str = "database";
    match storage.deployment.probe(clock.now()).await.writable {
        Ok(()) => Finding::ok(ABOUT, "it answers, and a write was tried with success"),
        Err(error) => Finding::fail(
            ABOUT,
            format!("{error}. Reads work, changes do not: free disk space, or make the database writable"),
        ),
    }
}

async fn tokens(storage: &Storage, clock: &Clock) -> Vec<Finding> {
    match storage.settings.health().await {
        Ok(settings) if settings.is_empty() => {
            vec![Finding::ok("tokens", "there are no onboarding settings yet")]
        }
        Ok(settings) => {
            let tokens = settings.iter().map(|health| token(&health.setting, clock));
            tokens.chain(seen_ahead(&settings, clock)).collect()
        }
        Err(error) => vec![Finding::fail("tokens", format!("they cannot be read: {error}"))],
    }
}

fn token(setting: &Setting, clock: &Clock) -> Finding {
    const ABOUT: &str = "token";
    let name = setting.token_name.as_deref().unwrap_or("(no name)");
    let standing = setting.standing(clock.now());
    let text = format!("{name} ({}): {}", setting.id, standing.sentence());
    match standing {
        TokenStanding::State(TokenState::Ok) => Finding::ok(ABOUT, text),
        TokenStanding::Expiring { .. }
        | TokenStanding::Unverified
        | TokenStanding::Failing
        | TokenStanding::State(
            TokenState::None | TokenState::Throttled | TokenState::Unreachable | TokenState::Terms,
        ) => Finding::warn(ABOUT, text),
        TokenStanding::State(
            TokenState::Expired
            | TokenState::Revoked
            | TokenState::Forbidden
            | TokenState::NotUnderstood
            | TokenState::OurClock
            | TokenState::WrongServer,
        ) => Finding::fail(ABOUT, text),
    }
}
