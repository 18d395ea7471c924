//! What the two databases' error codes mean to the storage.

use crate::Error;

/// SQLite result codes (primary) that mean "not now": BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL.
const SQLITE_NOT_NOW: [i64; 8] = [5, 6, 7, 8, 10, 13, 14, 15];

/// PostgreSQL SQLSTATE classes that mean "not now": connection, transaction rollback, resources, operator, system;
/// `25006` is a read-only transaction.
const POSTGRES_NOT_NOW: [&str; 6] = ["08", "40", "53", "57", "58", "25006"];

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                let sqlite_primary = code.parse::<i64>().ok().filter(|_| code.len() != 5).map(|c| c & 0xff);
                if database.is_unique_violation() {
                    Self::Taken(database.message().to_owned())
                } else if sqlite_primary.is_some_and(|c| SQLITE_NOT_NOW.contains(&c))
                    || POSTGRES_NOT_NOW.iter().any(|class| code.starts_with(class))
                {
                    Self::Unavailable(format!("{} (code {code})", database.message()))
                } else {
                    Self::Corrupt(format!("{} (code {code})", database.message()))
                }
            }
            sqlx::Error::Configuration(_) => Self::Options(error.to_string()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::Decode(_) => {
                Self::Corrupt(error.to_string())
            }
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

/// SQLite's IOERR: the log may hold the commit although its write to disk failed.
const SQLITE_IOERR: i64 = 10;

/// What a failed COMMIT means. Only a refusal by the database itself says that nothing was changed; a connection that was
/// lost, or ended by the server (classes 08 and 57), leaves it open.
pub(super) fn of_commit(error: sqlx::Error) -> Error {
    let is_refused = error.as_database_error().is_some_and(|database| {
        let code = database.code().unwrap_or_default();
        match code.len() {
            5 => !["08", "57"].iter().any(|class| code.starts_with(class)),
            _ => code.parse::<i64>().is_ok_and(|code| code & 0xff != SQLITE_IOERR),
        }
    });
    if is_refused { error.into() } else { Error::CommitUnknown(error.to_string()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_during_commit_leaves_the_outcome_open() {
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(matches!(of_commit(sqlx::Error::Io(lost)), Error::CommitUnknown(_)));
        assert!(matches!(of_commit(sqlx::Error::WorkerCrashed), Error::CommitUnknown(_)));
    }
}
