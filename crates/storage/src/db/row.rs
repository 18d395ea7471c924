//! A row that either database answered, and its values by column.

use std::str::FromStr;

use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Sqlite, Type, postgres::PgRow, sqlite::SqliteRow};

use crate::Error;

/// A row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// The value of a column; an unfit type or name is [`Error::Corrupt`].
    pub fn get<T>(&self, column: &'static str) -> Result<T, Error>
    where
        for<'r> T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
        for<'i> &'i str: ColumnIndex<SqliteRow> + ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .map_err(|e| Error::Corrupt(format!("column {column}: {e}")))
    }

    /// A time, or none for NULL.
    pub fn time(&self, column: &'static str) -> Result<Option<jiff::Timestamp>, Error> {
        self.get::<Option<i64>>(column)?
            .map(|micros| {
                jiff::Timestamp::from_microsecond(micros)
                    .map_err(|e| Error::Corrupt(format!("column {column}: {e}")))
            })
            .transpose()
    }

    /// A text column read with `FromStr`.
    pub fn parse<T: FromStr>(&self, column: &'static str) -> Result<T, Error> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| Error::Corrupt(format!("column {column}: unfit value")))
    }
}
