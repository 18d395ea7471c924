//! Ids: 16 bytes in columns, hexadecimal digits in JSON, text with hyphens where clients compare parts of them.

use uuid::Uuid;

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
