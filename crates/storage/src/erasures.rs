//! Erased secrets on SQLite, whose log keeps what was erased until it is folded into the file: that something was erased is
//! noted in the erasing transaction, so that a process that comes later knows it too. On PostgreSQL nothing is noted: its log
//! and its dead rows are its own.

use adept_domain::TenantId;

use super::{
    Deployment, Error,
    db::{Binds, Transaction, sql_of_parts},
    deployment::value_of,
};

/// The deployment's row that counts erasures.
const ERASURES: &str = "erasures";

/// Notes that the transaction erases sealed values, if there is a row of `rows`: a table and a condition.
pub(super) async fn note(tx: &mut Transaction, rows: &str, values: impl Binds) -> Result<(), Error> {
    if !tx.log_keeps_erased_rows() {
        return Ok(());
    }
    let note = sql_of_parts(format!(
        "INSERT INTO deployment (tenant, name, value) SELECT unhex('{}'), '{ERASURES}', '1' FROM {rows} LIMIT 1 \
         ON CONFLICT (tenant, name) DO UPDATE SET value = CAST(CAST(deployment.value AS BIGINT) + 1 AS TEXT)",
        TenantId::DEPLOYMENT.0.simple()
    ));
    tx.execute_any(note.bind(values)).await
}

impl Deployment {
    /// Counts the erasures that were noted; none where none was.
    pub async fn erasures(&self) -> Result<Option<String>, Error> {
        self.db.first(value_of(ERASURES).by_key(), |row| row.get("value")).await
    }

    /// Folds SQLite's log into the file and empties it, unless somebody reads an older state; answers whether it is empty.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        self.db.empty_log().await
    }
}
