//! How far a database was migrated, read without changing anything.

use super::{Db, sql};
use crate::Error;

/// How a database's schema compares with the one of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// It has none.
    Missing,
    /// It is this program's; its version.
    Current(i64),
    /// Migrations are missing.
    Older {
        /// The newest that was applied.
        version: i64,
        /// The newest of this program.
        newest: i64,
    },
    /// This migration was begun and not ended.
    Unfinished(i64),
    /// A newer program migrated it.
    Newer {
        /// The newest that was applied.
        version: i64,
        /// The newest of this program.
        newest: i64,
    },
}

impl Db {
    /// Compares the schema with `newest`, the newest version that this program knows.
    pub async fn schema(&self, newest: i64) -> Result<Schema, Error> {
        let rows =
            match self.rows(sql("SELECT version, success FROM _sqlx_migrations ORDER BY version")).await {
                Ok(rows) => rows,
                // There is no such table.
                Err(Error::Corrupt(_)) => return Ok(Schema::Missing),
                Err(other) => return Err(other),
            };
        let mut version = 0;
        for row in rows {
            version = row.get("version")?;
            if !row.get::<bool>("success")? {
                return Ok(Schema::Unfinished(version));
            }
        }
        Ok(match version {
            0 => Schema::Missing,
            _ if version < newest => Schema::Older { version, newest },
            _ if version > newest => Schema::Newer { version, newest },
            _ => Schema::Current(version),
        })
    }

    /// The database server's clock; none for SQLite, which has only ours.
    pub async fn clock(&self) -> Result<Option<jiff::Timestamp>, Error> {
        let Self::Postgres(_) = self else { return Ok(None) };
        let text = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now";
        match self.row(sql(text)).await? {
            Some(row) => row.time("now"),
            None => Ok(None),
        }
    }
}
