//! The row behind `domain`'s [`SettingState`]: locked, loaded, saved. It decides nothing: a change is a transition of the
//! value between [`lock`] and [`save`], in one transaction, and only the claims of due work look for rows otherwise.

#[cfg(test)]
mod statements;

use adept_domain::{
    Fence, ServerIdentity, SettingKey, SettingState, TokenState, TokenType,
    setting_state::{AssignmentState, Cursor, LeaseState, SyncState, TokenSlots},
};
use jiff::Timestamp;

use super::{
    Error, Settings,
    db::{Lock, Row, Statement, Transaction, Value},
};

/// A column of `setting_states` and the value that a state has there.
type Field = (&'static str, fn(&SettingState) -> Value);

/// Every column but the key, each once: what is read, written and inserted.
const FIELDS: &[Field] = &[
    ("apple_identifier", |s| s.apple_identifier.as_deref().into()),
    ("token_type", |s| s.token_type.as_str().into()),
    ("modified_at", |s| s.modified_at.into()),
    ("deleted_at", |s| s.deleted_at.into()),
    ("purging", |s| s.purging.into()),
    ("token_generation", |s| s.token.generation.into()),
    ("token_in_use", |s| s.token.in_use.into()),
    ("token_verified", |s| s.token.verified.into()),
    ("token_newer", |s| s.token.newer.into()),
    ("token_expires_at", |s| s.token.expires_at.into()),
    ("token_state", |s| s.token.state.as_str().into()),
    ("token_checked_at", |s| s.token.checked_at.into()),
    ("credential_refused", |s| s.token.credential_refused.into()),
    ("bare_refusals", |s| s.token.bare_refusals.into()),
    ("bare_refused_since", |s| s.token.bare_refused_since.into()),
    ("server_uuid", |s| s.server.server_uuid.as_deref().into()),
    ("org_id", |s| s.server.org_id.as_deref().into()),
    ("server_name", |s| s.server.server_name.as_deref().into()),
    ("org_name", |s| s.server.org_name.as_deref().into()),
    ("page_limit", |s| i64::from(s.page_limit).into()),
    ("cursor", |s| s.sync.cursor.value.as_deref().into()),
    ("cursor_issued_at", |s| s.sync.cursor.issued_at.into()),
    ("cursor_complete", |s| s.sync.cursor.complete.into()),
    ("cursor_revision", |s| s.sync.cursor.revision.into()),
    ("cursor_limit", |s| s.sync.cursor.limit.map(i64::from).into()),
    ("cursor_repeats", |s| s.sync.cursor.repeats.into()),
    ("sync_due_at", |s| s.sync.due_at.into()),
    ("sync_requests", |s| s.sync.requests.into()),
    ("sync_triggered_at", |s| s.sync.triggered_at.into()),
    ("sync_started_at", |s| s.sync.started_at.into()),
    ("sync_succeeded_at", |s| s.sync.succeeded_at.into()),
    ("sync_failures", |s| s.sync.failures.into()),
    ("full_fetch_due_at", |s| s.sync.full_fetch_due_at.into()),
    ("device_count", |s| s.sync.device_count.into()),
    ("lease_epoch", |s| s.lease.epoch.into()),
    ("lease_until", |s| s.lease.until.into()),
    ("assignment_due_at", |s| s.assignment.due_at.into()),
    ("assignment_requests", |s| s.assignment.requests.into()),
    ("assignment_fault", |s| s.assignment.fault.map(TokenState::as_str).into()),
    ("assignment_failures", |s| s.assignment.failures.into()),
    ("desired_generation", |s| s.assignment.desired_generation.into()),
    ("scan_all", |s| s.assignment.scan_all.into()),
    ("foreign_devices", |s| s.assignment.foreign_devices.into()),
];

fn columns() -> String {
    FIELDS.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ")
}

fn texts() -> &'static [String; 3] {
    static TEXTS: std::sync::LazyLock<[String; 3]> = std::sync::LazyLock::new(|| {
        let set: Vec<_> =
            FIELDS.iter().enumerate().map(|(at, (column, _))| format!("{column} = ${}", at + 3)).collect();
        let values: Vec<_> = (1..=FIELDS.len() + 2).map(|number| format!("${number}")).collect();
        [
            format!(
                "SELECT tenant, setting, {} FROM setting_states WHERE tenant = $1 AND setting = $2",
                columns()
            ),
            format!("UPDATE setting_states SET {} WHERE tenant = $1 AND setting = $2", set.join(", ")),
            format!(
                "INSERT INTO setting_states (tenant, setting, {}) VALUES ({})",
                columns(),
                values.join(", ")
            ),
        ]
    });
    &TEXTS
}

fn write(text: &'static str, state: &SettingState) -> Statement {
    let statement = super::db::sql(text).bind((state.key.tenant, state.key.id));
    FIELDS.iter().fold(statement, |statement, (_, value)| statement.bind(value(state)))
}

impl Settings {
    /// The state of a setting, deleted or not.
    pub async fn state(&self, key: SettingKey) -> Result<Option<SettingState>, Error> {
        let mut tx = self.db.begin().await?;
        let state = load(&mut tx, key).await?;
        // A rollback may take a while, and the row would be taken as long.
        tx.commit().await?;
        Ok(state)
    }
}

/// Takes the row of a setting until the end of the transaction and loads it; none when it is not there, or when what
/// `fence` names does not hold any more.
pub(super) async fn lock(
    tx: &mut Transaction,
    key: SettingKey,
    fence: &Fence,
) -> Result<Option<SettingState>, Error> {
    read(tx, key, Lock::Wait).await.map(|state| state.filter(|state| state.admits(fence)))
}

/// The same for a row that nobody else has taken, deleted or not; none where somebody has.
pub(super) async fn try_lock(tx: &mut Transaction, key: SettingKey) -> Result<Option<SettingState>, Error> {
    read(tx, key, Lock::Skip).await
}

/// The same, whatever became of the setting.
pub(super) async fn load(tx: &mut Transaction, key: SettingKey) -> Result<Option<SettingState>, Error> {
    read(tx, key, Lock::Wait).await
}

async fn read(tx: &mut Transaction, key: SettingKey, lock: Lock) -> Result<Option<SettingState>, Error> {
    let select = super::db::sql(&texts()[0]).bind((key.tenant, key.id)).locking(lock);
    tx.row(select).await?.as_ref().map(state).transpose()
}

/// Saves what became of a locked row.
pub(super) async fn save(tx: &mut Transaction, state: &SettingState) -> Result<(), Error> {
    tx.execute_one("saving a setting's state", write(&texts()[1], state)).await
}

/// Stores the state of a setting that was just made.
pub(super) async fn insert(tx: &mut Transaction, state: &SettingState) -> Result<(), Error> {
    tx.execute_one("storing a setting's state", write(&texts()[2], state)).await
}

fn state(row: &Row) -> Result<SettingState, Error> {
    let count = |column| row.get::<i64>(column);
    Ok(SettingState {
        key: row.key("setting")?,
        apple_identifier: row.get("apple_identifier")?,
        token_type: token_type(row)?,
        modified_at: time(row, "modified_at")?,
        deleted_at: row.time("deleted_at")?,
        purging: row.get("purging")?,
        token: TokenSlots {
            generation: count("token_generation")?,
            in_use: row.optional_id("token_in_use")?,
            verified: row.optional_id("token_verified")?,
            newer: row.optional_id("token_newer")?,
            expires_at: row.time("token_expires_at")?,
            state: token_state(row)?,
            checked_at: row.time("token_checked_at")?,
            credential_refused: row.get("credential_refused")?,
            bare_refusals: count("bare_refusals")?,
            bare_refused_since: row.time("bare_refused_since")?,
        },
        server: server(row)?,
        page_limit: page_size(count("page_limit")?),
        sync: SyncState {
            cursor: Cursor {
                value: row.get("cursor")?,
                issued_at: row.time("cursor_issued_at")?,
                complete: row.get("cursor_complete")?,
                revision: count("cursor_revision")?,
                limit: row.get::<Option<i64>>("cursor_limit")?.map(page_size),
                repeats: count("cursor_repeats")?,
            },
            due_at: row.time("sync_due_at")?,
            requests: count("sync_requests")?,
            triggered_at: row.time("sync_triggered_at")?,
            started_at: row.time("sync_started_at")?,
            succeeded_at: row.time("sync_succeeded_at")?,
            failures: count("sync_failures")?,
            full_fetch_due_at: row.time("full_fetch_due_at")?,
            device_count: count("device_count")?,
        },
        lease: LeaseState { epoch: count("lease_epoch")?, until: row.time("lease_until")? },
        assignment: AssignmentState {
            due_at: row.time("assignment_due_at")?,
            requests: count("assignment_requests")?,
            fault: row.get::<Option<String>>("assignment_fault")?.as_deref().and_then(TokenState::from_word),
            failures: count("assignment_failures")?,
            desired_generation: count("desired_generation")?,
            scan_all: row.get("scan_all")?,
            foreign_devices: row.get("foreign_devices")?,
        },
    })
}

fn time(row: &Row, column: &'static str) -> Result<Timestamp, Error> {
    row.time(column)?.ok_or_else(|| Error::Corrupt(format!("column {column}: no time")))
}

fn page_size(stored: i64) -> u32 {
    u32::try_from(stored).unwrap_or(1000).clamp(1, 1000)
}

/// What is known of the server, in a row that has its columns.
pub(super) fn server(row: &Row) -> Result<ServerIdentity, Error> {
    Ok(ServerIdentity {
        server_uuid: row.get("server_uuid")?,
        org_id: row.get("org_id")?,
        server_name: row.get("server_name")?,
        org_name: row.get("org_name")?,
    })
}

pub(super) fn token_type(row: &Row) -> Result<TokenType, Error> {
    let word: String = row.get("token_type")?;
    TokenType::from_word(&word).ok_or_else(|| unknown("token type", &word))
}

pub(super) fn token_state(row: &Row) -> Result<TokenState, Error> {
    let word: String = row.get("token_state")?;
    TokenState::from_word(&word).ok_or_else(|| unknown("token state", &word))
}

fn unknown(what: &str, word: &str) -> Error {
    Error::Corrupt(format!("the {what} \"{word}\" is not known to this version"))
}
