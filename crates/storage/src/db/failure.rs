//! What the two databases' error codes mean to the storage.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use crate::Error;

/// SQLite result codes (primary) that mean "not now": BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN,
/// PROTOCOL.
const SQLITE_NOT_NOW: [i64; 9] = [5, 6, 7, 8, 9, 10, 13, 14, 15];

/// SQLite result codes (primary) after which its connection is opened again, since what it holds in memory may not be
/// what the file holds: NOMEM, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL.
const SQLITE_SPOILED: [i64; 6] = [7, 10, 11, 13, 14, 15];

/// PostgreSQL SQLSTATE classes that mean "not now": connection, transaction rollback, resources, operator, system;
/// `25006` is a read-only transaction, `25P02` one that failed before, `25P03` one that was idle for too long, `55P03` a
/// lock that did not come in time.
const POSTGRES_NOT_NOW: [&str; 9] = ["08", "40", "53", "57", "58", "25006", "25P02", "25P03", "55P03"];

fn sqlite_code(code: &str) -> Option<i64> {
    code.parse::<i64>().ok().filter(|_| code.len() != 5).map(|c| c & 0xff)
}

/// Whether the connection on which this happened must not be used again.
pub(super) fn spoils_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => match database.try_downcast_ref::<PgDatabaseError>() {
            Some(postgres) => matches!(postgres.severity(), PgSeverity::Fatal | PgSeverity::Panic),
            None => {
                let code = database.code().unwrap_or_default();
                sqlite_code(&code).is_none_or(|code| SQLITE_SPOILED.contains(&code))
            }
        },
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::RowNotFound => false,
        _ => true,
    }
}

/// Whether the database itself said no, so that it is known that nothing was written.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|database| {
        let code = database.code().unwrap_or_default();
        match sqlite_code(&code) {
            Some(primary) => primary != SQLITE_IOERR,
            // The connection was lost, or the server ended it.
            None => !["08", "57"].iter().any(|class| code.starts_with(class)),
        }
    })
}

/// SQLite's IOERR: the log may hold the commit although its write to disk failed.
const SQLITE_IOERR: i64 = 10;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                let sqlite_primary = sqlite_code(&code);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_connection_during_commit_leaves_the_outcome_open() {
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        assert!(!is_refusal(&sqlx::Error::Io(lost)));
        assert!(!is_refusal(&sqlx::Error::WorkerCrashed));
    }
}
