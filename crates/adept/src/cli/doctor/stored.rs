//! The database, the sealing key, and the tokens that are stored.

use super::{
    super::open::{self, WhenMissing},
    Finding,
};
use crate::{
    app::Clock,
    config,
    domain::{Setting, TokenStanding, TokenState},
    storage::{OpenError, SealingKey, SealingKeyError, Storage, StorageOptions},
};

pub(super) async fn check(flags: &config::Storage, clock: &Clock) -> Vec<Finding> {
    let options = match open::options(flags, WhenMissing::Fail) {
        Ok(options) => options,
        Err(failure) => return vec![Finding::bad("database", failure.message)],
    };
    let mut findings = vec![sealing_key(&options)];
    match Storage::inspect(&options).await {
        Ok(storage) => {
            findings.push(writable(&storage).await);
            findings.extend(tokens(&storage, clock).await);
            storage.close().await;
        }
        Err(error) => findings.push(unopened(&error)),
    }
    findings
}

fn sealing_key(options: &StorageOptions) -> Finding {
    const ABOUT: &str = "sealing key";
    let shown = options.sealing_key_file.display();
    match SealingKey::read(&options.sealing_key_file) {
        Ok(key) => {
            Finding::good(ABOUT, format!("{shown} has id {}; keep a copy apart from the database", key.id()))
        }
        Err(SealingKeyError::Missing(_)) => Finding::mind(
            ABOUT,
            format!(
                "{shown} is not there: with a new SQLite database `adept serve` makes it, else restore it from the backup"
            ),
        ),
        Err(error) => Finding::bad(ABOUT, error.to_string()),
    }
}

fn unopened(error: &OpenError) -> Finding {
    match error {
        OpenError::Database(cause) => Finding::bad(
            "database",
            format!(
                "{cause}. Check --data-dir or --database-url; `adept serve` makes a new SQLite database by itself"
            ),
        ),
        OpenError::SealingKey(cause) => Finding::bad("sealing key", cause.to_string()),
        OpenError::WrongSealingKey { .. } => Finding::bad("sealing key", error.to_string()),
    }
}

async fn writable(storage: &Storage) -> Finding {
    const ABOUT: &str = "database";
    match storage.writable().await {
        Ok(()) => Finding::good(ABOUT, "it answers, its schema fits, and it takes writes"),
        Err(error) => Finding::bad(
            ABOUT,
            format!("{error}. Reads work, changes do not: free disk space, or make the database writable"),
        ),
    }
}

async fn tokens(storage: &Storage, clock: &Clock) -> Vec<Finding> {
    match storage.health().await {
        Ok(settings) if settings.is_empty() => {
            vec![Finding::good("tokens", "there are no onboarding settings yet")]
        }
        Ok(settings) => settings.iter().map(|health| token(&health.setting, clock)).collect(),
        Err(error) => vec![Finding::bad("tokens", format!("they cannot be read: {error}"))],
    }
}

fn token(setting: &Setting, clock: &Clock) -> Finding {
    const ABOUT: &str = "token";
    let name = setting.token_name.as_deref().unwrap_or("(no name)");
    let standing = setting.standing(clock.now());
    let text = format!("{name} ({}): {}", setting.id, standing.sentence());
    match standing {
        TokenStanding::State(TokenState::Ok) => Finding::good(ABOUT, text),
        TokenStanding::Expiring { .. }
        | TokenStanding::Unverified
        | TokenStanding::Failing
        | TokenStanding::State(
            TokenState::None | TokenState::Throttled | TokenState::Unreachable | TokenState::Terms,
        ) => Finding::mind(ABOUT, text),
        TokenStanding::State(
            TokenState::Expired
            | TokenState::Revoked
            | TokenState::Forbidden
            | TokenState::NotUnderstood
            | TokenState::OurClock
            | TokenState::WrongServer,
        ) => Finding::bad(ABOUT, text),
    }
}
