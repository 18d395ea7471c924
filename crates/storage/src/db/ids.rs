//! Ids: 16 bytes in columns, hexadecimal digits in JSON, text with hyphens where clients compare parts of them.

use adept_domain::SettingKey;
use uuid::Uuid;

use super::Row;
use crate::Error;

/// An id as it stands in JSON, to be read with `unhex`.
pub fn hex(id: Uuid) -> String {
    id.simple().to_string()
}

/// An expression whose value is the id in that column as clients write it: lower case, with hyphens.
pub fn id_text(column: &str) -> String {
    let part = |from: u8, length: u8| format!("substr(hex({column}), {from}, {length})");
    let parts = [part(1, 8), part(9, 4), part(13, 4), part(17, 4), part(21, 12)];
    format!("lower(({}) COLLATE \"binary\")", parts.join(" || '-' || "))
}

impl Row {
    /// An id of 16 bytes.
    pub fn id<T: From<Uuid>>(&self, column: &'static str) -> Result<T, Error> {
        self.optional_id(column)?.ok_or_else(|| Error::Corrupt(format!("column {column}: no id")))
    }

    /// An id of 16 bytes, or none for NULL.
    pub fn optional_id<T: From<Uuid>>(&self, column: &'static str) -> Result<Option<T>, Error> {
        let Some(bytes) = self.bytes(column)? else { return Ok(None) };
        let id = Uuid::from_slice(bytes);
        id.map(|id| Some(id.into())).map_err(|_| Error::Corrupt(format!("column {column}: not an id")))
    }

    /// A setting and its owner, in the columns `tenant` and the named one.
    pub fn key(&self, id: &'static str) -> Result<SettingKey, Error> {
        Ok(SettingKey { tenant: self.id("tenant")?, id: self.id(id)? })
    }
}
