//! The row behind `domain`'s [`SettingState`]: locked, loaded, saved. It decides nothing: a change is a transition of the
//! value between [`lock`] and [`save`], in one transaction, and only the claims of due work look for rows otherwise.

#[cfg(test)]
mod statements;

use adept_domain::{
    Fence, ServerIdentity, SettingKey, SettingState,
    setting_state::{AssignmentState, Cursor, LeaseState, SyncState, TokenSlots},
};

use super::{
    Error, Settings,
    db::{Binds, Db, Lock, Row, Statement, Transaction, sql},
};

/// Hands over every column but the tenant's, each once, and the field that it holds: what is read, written and inserted.
macro_rules! fields {
    ($do:ident $($arguments:tt)*) => { $do!($($arguments)* (SettingState {
        key: "setting",
        apple_identifier: "apple_identifier",
        token_type: "token_type",
        modified_at: "modified_at",
        deleted_at: "deleted_at",
        purging: "purging",
        token: (TokenSlots {
            generation: "token_generation",
            in_use: "token_in_use",
            verified: "token_verified",
            newer: "token_newer",
            expires_at: "token_expires_at",
            state: "token_state",
            checked_at: "token_checked_at",
            credential_refused: "credential_refused",
            bare_refusals: "bare_refusals",
            bare_refused_since: "bare_refused_since",
        }),
        server: (ServerIdentity {
            server_uuid: "server_uuid",
            org_id: "org_id",
            server_name: "server_name",
            org_name: "org_name",
        }),
        page_limit: "page_limit",
        sync: (SyncState {
            cursor: (Cursor {
                value: "cursor",
                issued_at: "cursor_issued_at",
                complete: "cursor_complete",
                revision: "cursor_revision",
                limit: "cursor_limit",
                repeats: "cursor_repeats",
            }),
            due_at: "sync_due_at",
            requests: "sync_requests",
            triggered_at: "sync_triggered_at",
            started_at: "sync_started_at",
            succeeded_at: "sync_succeeded_at",
            failures: "sync_failures",
            full_fetch_due_at: "full_fetch_due_at",
            device_count: "device_count",
        }),
        lease: (LeaseState { epoch: "lease_epoch", until: "lease_until" }),
        assignment: (AssignmentState {
            due_at: "assignment_due_at",
            requests: "assignment_requests",
            fault: "assignment_fault",
            failures: "assignment_failures",
            desired_generation: "desired_generation",
            scan_all: "scan_all",
            foreign_devices: "foreign_devices",
        }),
    })) };
}

macro_rules! list_columns {
    ($to:ident $column:literal) => { $to.push($column) };
    ($to:ident ($type:ident { $($field:ident: $what:tt),+ $(,)? })) => { $(list_columns!($to $what);)+ };
}

macro_rules! list_values {
    ($to:ident $from:expr, $column:literal) => { $from.bind_to(&mut $to) };
    ($to:ident $from:expr, ($type:ident { $($field:ident: $what:tt),+ $(,)? })) => {
        $(list_values!($to $from.$field, $what);)+
    };
}

macro_rules! read_fields {
    ($row:ident $column:literal) => { $row.get($column)? };
    ($row:ident ($type:ident { $($field:ident: $what:tt),+ $(,)? })) => {
        $type { $($field: read_fields!($row $what)),+ }
    };
}

fn columns() -> Vec<&'static str> {
    let mut columns = vec!["tenant"];
    fields!(list_columns columns);
    columns
}

fn texts() -> &'static [String; 3] {
    static TEXTS: std::sync::LazyLock<[String; 3]> = std::sync::LazyLock::new(|| {
        let columns = columns();
        let set: Vec<_> =
            columns[2..].iter().enumerate().map(|(at, column)| format!("{column} = ${}", at + 3)).collect();
        let values: Vec<_> = (1..=columns.len()).map(|number| format!("${number}")).collect();
        let (columns, set, values) = (columns.join(", "), set.join(", "), values.join(", "));
        [
            format!("SELECT {columns} FROM setting_states WHERE tenant = $1 AND setting = $2"),
            format!("UPDATE setting_states SET {set} WHERE tenant = $1 AND setting = $2"),
            format!("INSERT INTO setting_states ({columns}) VALUES ({values})"),
        ]
    });
    &TEXTS
}

fn write(text: &'static str, state: &SettingState) -> Statement {
    let (state, mut values) = (state.clone(), Vec::new());
    fields!(list_values values state,);
    sql(text).bind(values)
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

/// Changes the state of a setting in a transaction of its own; none, and nothing done, when what `fence` names does not hold.
pub(super) async fn change<T>(
    db: &Db,
    key: SettingKey,
    fence: &Fence,
    change: impl FnOnce(&mut SettingState) -> T,
) -> Result<Option<T>, Error> {
    let mut tx = db.begin().await?;
    let Some(mut state) = lock(&mut tx, key, fence).await? else { return Ok(None) };
    let changed = change(&mut state);
    save(&mut tx, &state).await?;
    tx.commit().await?;
    Ok(Some(changed))
}

/// Stores the state of a setting that was just made.
pub(super) async fn insert(tx: &mut Transaction, state: &SettingState) -> Result<(), Error> {
    tx.execute_one("storing a setting's state", write(&texts()[2], state)).await
}

fn state(row: &Row) -> Result<SettingState, Error> {
    Ok(fields!(read_fields row))
}
