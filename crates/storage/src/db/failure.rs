//! What the two databases' error codes mean to the storage.

use sqlx::postgres::{PgDatabaseError, PgSeverity};

use super::sqlite::Failure;
use crate::Error;

/// SQLite result codes (primary) that mean "not now": BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN, PROTOCOL.
const SQLITE_NOT_NOW: [i32; 8] = [5, 6, 7, 8, 10, 13, 14, 15];

/// SQLite's INTERRUPT, by which a reader's statement ends at its limit.
const SQLITE_INTERRUPT: i32 = 9;

/// PostgreSQL's `query_canceled`, by which a statement ends at `statement_timeout`.
const POSTGRES_CANCELED: &str = "57014";

/// SQLite result codes (primary) after which its connection is opened again, since what it holds in memory may not be
/// what the file holds: NOMEM, IOERR, CORRUPT, FULL, CANTOPEN, PROTOCOL.
const SQLITE_SPOILED: [i32; 6] = [7, 10, 11, 13, 14, 15];

/// PostgreSQL SQLSTATE classes that mean "not now": connection, transaction rollback, resources, operator, system;
/// `25006` is a read-only transaction, `25P02` one that failed before, `25P03` one that was idle for too long, `55P03` a
/// lock that did not come in time.
const POSTGRES_NOT_NOW: [&str; 9] = ["08", "40", "53", "57", "58", "25006", "25P02", "25P03", "55P03"];

/// SQLite result codes (extended) of a unique key that is taken: CONSTRAINT_PRIMARYKEY, CONSTRAINT_UNIQUE.
const SQLITE_TAKEN: [i32; 2] = [1555, 2067];

impl Failure {
    /// Whether the connection on which this happened must not be used again.
    pub fn spoils_connection(&self) -> bool {
        match self {
            Self::Refused { code, .. } => SQLITE_SPOILED.contains(&(code & 0xff)),
            Self::Unexpected(_) => false,
            Self::Ended => true,
        }
    }

    /// What it means for the transaction that was to be committed. Unless the commit may have been tried, or where SQLite
    /// itself said no, it is known that nothing was written.
    pub fn of_commit(self, was_tried: bool) -> Error {
        let is_refusal = matches!(self, Self::Refused { code, .. } if code & 0xff != SQLITE_IOERR);
        match Error::from(self) {
            error if !was_tried || is_refusal => error,
            error => Error::CommitUnknown(error.to_string()),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { code, message } if SQLITE_TAKEN.contains(&code) => Self::Taken(message),
            Failure::Refused { code, message } if code & 0xff == SQLITE_INTERRUPT => {
                Self::OutOfTime(format!("{message} (code {code})"))
            }
            Failure::Refused { code, message } if SQLITE_NOT_NOW.contains(&(code & 0xff)) => {
                Self::Unavailable(format!("{message} (code {code})"))
            }
            Failure::Refused { code, message } => Self::Corrupt(format!("{message} (code {code})")),
            Failure::Unexpected(what) => Self::Corrupt(what),
            Failure::Ended => Self::Unavailable("the connection's thread ended".to_owned()),
        }
    }
}

/// Whether the connection to PostgreSQL on which this happened must not be used again.
pub(super) fn spoils_connection(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(database) => database
            .try_downcast_ref::<PgDatabaseError>()
            .is_none_or(|error| matches!(error.severity(), PgSeverity::Fatal | PgSeverity::Panic)),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnNotFound(_) | sqlx::Error::RowNotFound => false,
        _ => true,
    }
}

/// Whether PostgreSQL itself said no, so that it is known that nothing was written: the connection was not lost, and the
/// server did not end it.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|database| {
        let code = database.code().unwrap_or_default();
        !["08", "57"].iter().any(|class| code.starts_with(class))
    })
}

/// SQLite's IOERR: the log may hold the commit although its write to disk failed.
const SQLITE_IOERR: i32 = 10;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => {
                let code = database.code().unwrap_or_default().into_owned();
                if database.is_unique_violation() {
                    Self::Taken(database.message().to_owned())
                } else if code == POSTGRES_CANCELED {
                    Self::OutOfTime(format!("{} (code {code})", database.message()))
                } else if POSTGRES_NOT_NOW.iter().any(|class| code.starts_with(class)) {
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
        let is_open =
            |failure: Failure, was_tried| matches!(failure.of_commit(was_tried), Error::CommitUnknown(_));
        assert!(is_open(Failure::Ended, true));
        let refused = |code| Failure::Refused { code, message: String::new() };
        assert!(
            !is_open(refused(5), true) && is_open(refused(10), true) && is_open(refused(10 | (3 << 8)), true)
        );
        assert!(!is_open(refused(10), false), "a statement before it failed, and it was not sent");
    }
}
