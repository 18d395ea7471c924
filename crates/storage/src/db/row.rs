//! A row that either database answered, and its values by column.

use std::{str::FromStr, sync::Arc};

use rusqlite::types::ValueRef;
use sqlx::{ColumnIndex, Decode, Postgres, Row as _, Type, postgres::PgRow};

use crate::Error;

/// A row of an answer.
pub enum Row {
    /// From SQLite.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

/// A row of SQLite's.
pub struct SqliteRow {
    /// The names of its columns, shared by all rows of its statement.
    pub columns: Arc<[Box<str>]>,
    /// Their values.
    pub values: Box<[SqliteValue]>,
}

/// A value of SQLite's, without numbers that are not whole: no column holds any.
pub enum SqliteValue {
    /// NULL
    Null,
    /// INTEGER
    Int(i64),
    /// TEXT; none where it is not UTF-8.
    Text(Option<String>),
    /// BLOB
    Bytes(Vec<u8>),
    /// REAL
    Unfit,
}

impl From<ValueRef<'_>> for SqliteValue {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(value) => Self::Int(value),
            ValueRef::Text(value) => Self::Text(std::str::from_utf8(value).ok().map(str::to_owned)),
            ValueRef::Blob(value) => Self::Bytes(value.to_vec()),
            ValueRef::Real(_) => Self::Unfit,
        }
    }
}

/// A type that a value of SQLite's can be read as.
pub trait FromSqlite: Sized {
    /// None when the value is of another type.
    fn from_sqlite(value: &SqliteValue) -> Option<Self>;
}

impl FromSqlite for i64 {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        if let SqliteValue::Int(value) = value { Some(*value) } else { None }
    }
}

impl FromSqlite for bool {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        i64::from_sqlite(value).map(|value| value != 0)
    }
}

impl FromSqlite for String {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        if let SqliteValue::Text(value) = value { value.clone() } else { None }
    }
}

impl FromSqlite for Vec<u8> {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        if let SqliteValue::Bytes(value) = value { Some(value.clone()) } else { None }
    }
}

impl<T: FromSqlite> FromSqlite for Option<T> {
    fn from_sqlite(value: &SqliteValue) -> Option<Self> {
        match value {
            SqliteValue::Null => Some(None),
            value => T::from_sqlite(value).map(Some),
        }
    }
}

impl SqliteRow {
    fn value(&self, column: &'static str) -> Result<&SqliteValue, Error> {
        let at = self.columns.iter().position(|name| **name == *column);
        at.and_then(|at| self.values.get(at))
            .ok_or_else(|| Error::Corrupt(format!("column {column}: there is none")))
    }
}

impl Row {
    /// The value of a column; an unfit type or name is [`Error::Corrupt`].
    pub fn get<T>(&self, column: &'static str) -> Result<T, Error>
    where
        for<'r> T: FromSqlite + Decode<'r, Postgres> + Type<Postgres>,
        for<'i> &'i str: ColumnIndex<PgRow>,
    {
        match self {
            Self::Sqlite(row) => {
                let value = T::from_sqlite(row.value(column)?);
                value.ok_or_else(|| Error::Corrupt(format!("column {column}: of another type")))
            }
            Self::Postgres(row) => {
                row.try_get(column).map_err(|e| Error::Corrupt(format!("column {column}: {e}")))
            }
        }
    }

    /// The bytes of a column, or none for NULL.
    pub(super) fn bytes(&self, column: &'static str) -> Result<Option<&[u8]>, Error> {
        match self {
            Self::Sqlite(row) => match row.value(column)? {
                SqliteValue::Null => Ok(None),
                SqliteValue::Bytes(bytes) => Ok(Some(bytes)),
                _ => Err(Error::Corrupt(format!("column {column}: of another type"))),
            },
            Self::Postgres(row) => {
                row.try_get(column).map_err(|e| Error::Corrupt(format!("column {column}: {e}")))
            }
        }
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
