//! A row that either database answered, and its values by column.

use std::sync::Arc;

use adept_domain::{
    AssignmentResult, ClientId, DeviceEventKind, DeviceId, DevicePlatform, DiscoverySource, KeyPairId,
    KeyStatus, ProfileId, ProfileKind, SettingId, SettingKey, SyncKind, SyncOutcome, TenantId, TokenId,
    TokenState, TokenType,
};
use jiff::Timestamp;
use rusqlite::types::Value as SqliteValue;
use sqlx::{Decode, Postgres, Row as _, Type, ValueRef as _, postgres::PgRow};
use uuid::Uuid;

use super::Value;
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

impl SqliteRow {
    fn value(&self, column: &str) -> Result<&SqliteValue, Error> {
        let at = self.columns.iter().position(|name| **name == *column);
        at.and_then(|at| self.values.get(at)).ok_or_else(|| corrupt(column, "there is none"))
    }
}

fn corrupt(column: &str, why: impl std::fmt::Display) -> Error {
    Error::Corrupt(format!("column {column}: {why}"))
}

/// What a column is read as.
pub trait FromColumn: Sized {
    /// Its value in that row; an unfit type or name is [`Error::Corrupt`].
    fn from_column(row: &Row, column: &str) -> Result<Self, Error>;
}

impl Row {
    /// The value of a column; an unfit type or name is [`Error::Corrupt`].
    pub fn get<T: FromColumn>(&self, column: &str) -> Result<T, Error> {
        T::from_column(self, column)
    }

    fn plain<T>(&self, column: &str, of_sqlite: fn(&SqliteValue) -> Option<T>) -> Result<T, Error>
    where
        for<'r> T: Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => {
                of_sqlite(row.value(column)?).ok_or_else(|| corrupt(column, "of another type"))
            }
            Self::Postgres(row) => row.try_get(column).map_err(|error| corrupt(column, error)),
        }
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(row: &Row, column: &str) -> Result<Self, Error> {
        let is_null = match row {
            Row::Sqlite(row) => matches!(row.value(column)?, SqliteValue::Null),
            Row::Postgres(row) => row.try_get_raw(column).map_err(|error| corrupt(column, error))?.is_null(),
        };
        if is_null { Ok(None) } else { T::from_column(row, column).map(Some) }
    }
}

macro_rules! plain {
    ($($type:ty: $value:pat => $read:expr),+ $(,)?) => {$(
        impl FromColumn for $type {
            fn from_column(row: &Row, column: &str) -> Result<Self, Error> {
                row.plain(column, |value| if let $value = value { Some($read) } else { None })
            }
        }
    )+};
}
plain! {
    i64: SqliteValue::Integer(value) => *value,
    bool: SqliteValue::Integer(value) => *value != 0,
    String: SqliteValue::Text(value) => value.clone(),
    Vec<u8>: SqliteValue::Blob(value) => value.clone(),
}

macro_rules! read_as {
    ($($from:ty => $type:ty: $read:expr),+ $(,)?) => {$(
        impl FromColumn for $type {
            fn from_column(row: &Row, column: &str) -> Result<Self, Error> {
                let read: fn($from) -> Result<Self, _> = $read;
                read(row.get(column)?).map_err(|error| corrupt(column, error))
            }
        }
    )+};
}
read_as! {
    i64 => u32: u32::try_from,
    i64 => Timestamp: Timestamp::from_microsecond,
    Vec<u8> => Uuid: |bytes| Uuid::from_slice(&bytes),
    String => Vec<String>: |text| serde_json::from_str(&text),
    String => serde_json::Value: |text| serde_json::from_str(&text),
}

/// A setting and its owner, in the named column and in `tenant`.
impl FromColumn for SettingKey {
    fn from_column(row: &Row, column: &str) -> Result<Self, Error> {
        Ok(Self { tenant: row.get("tenant")?, id: row.get(column)? })
    }
}

/// Ids are 16 bytes.
macro_rules! ids {
    ($($id:ty),+ $(,)?) => {$(
        impl FromColumn for $id {
            fn from_column(row: &Row, column: &str) -> Result<Self, Error> {
                row.get(column).map(Self)
            }
        }

        impl From<$id> for Value {
            fn from(id: $id) -> Self { id.0.into() }
        }

        impl From<Option<$id>> for Value {
            fn from(id: Option<$id>) -> Self { id.map_or(Value::Bytes(None), Value::from) }
        }
    )+};
}
ids!(TenantId, SettingId, TokenId, KeyPairId, DeviceId, ProfileId, ClientId);

/// Words are text; one that is not known is the member behind the colon, or an error.
macro_rules! words {
    ($($word:ty $(: $otherwise:ident)?),+ $(,)?) => {$(
        impl FromColumn for $word {
            fn from_column(row: &Row, column: &str) -> Result<Self, Error> {
                let word: String = row.get(column)?;
                let known = Self::from_word(&word)$(.or(Some(Self::$otherwise)))?;
                known.ok_or_else(|| corrupt(column, format!("'{word}' is not known to this version")))
            }
        }

        impl From<$word> for Value {
            fn from(word: $word) -> Self { Value::Word(word.as_str()) }
        }

        impl From<Option<$word>> for Value {
            fn from(word: Option<$word>) -> Self { word.map_or(Value::Text(None), Value::from) }
        }
    )+};
}
words! {
    TokenType, TokenState, KeyStatus, SyncKind, SyncOutcome, ProfileKind, DeviceEventKind, DevicePlatform: Unknown,
    DiscoverySource: Unknown, AssignmentResult: Failed,
}
