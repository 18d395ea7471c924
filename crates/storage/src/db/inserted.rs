//! Rows that are inserted, as PostgreSQL takes them: one array for each column. Thousands of parameters cost it more than
//! the rows.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;

use super::{PostgresQuery, postgres_bind, statement::Value};

/// The values of a column, and their type's name.
enum Column {
    Text(Vec<Option<String>>),
    Int(Vec<Option<i64>>),
    Bool(Vec<bool>),
    Bytes(Vec<Option<Vec<u8>>>),
}

impl Column {
    fn of(first: &Value) -> Self {
        match first {
            Value::Text(_) | Value::Word(_) => Self::Text(Vec::new()),
            Value::Int(_) => Self::Int(Vec::new()),
            Value::Bool(_) => Self::Bool(Vec::new()),
            Value::Bytes(_) | Value::Id(_) => Self::Bytes(Vec::new()),
        }
    }

    const fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Int(_) => "bigint",
            Self::Bool(_) => "boolean",
            Self::Bytes(_) => "bytea",
        }
    }

    /// A value of another type than the column's first is NULL, which every such column refuses.
    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Text(column), Value::Text(value)) => column.push(value),
            (Self::Text(column), Value::Word(value)) => column.push(Some(value.to_owned())),
            (Self::Int(column), Value::Int(value)) => column.push(value),
            (Self::Bool(column), Value::Bool(value)) => column.push(value),
            (Self::Bytes(column), Value::Bytes(value)) => column.push(value),
            (Self::Bytes(column), Value::Id(value)) => column.push(Some(value.as_bytes().to_vec())),
            (Self::Text(column), _) => column.push(None),
            (Self::Int(column), _) => column.push(None),
            (Self::Bool(column), _) => column.push(false),
            (Self::Bytes(column), _) => column.push(None),
        }
    }
}

/// The statement for rows of `width` values, behind the first ones, which are for all rows.
pub(super) fn query(text: &str, values: Vec<Value>, first: usize, width: usize) -> PostgresQuery {
    let mut values = values.into_iter();
    let common: Vec<Value> = values.by_ref().take(first).collect();
    let mut columns: Vec<Column> = values.as_slice().iter().take(width).map(Column::of).collect();
    for (at, value) in values.enumerate() {
        columns[at % width].push(value);
    }
    let mut rows = "SELECT ".to_owned();
    for number in 1..=first {
        let _ = write!(rows, "${number}, ");
    }
    rows.push_str("inserted.* FROM unnest(");
    for (at, column) in columns.iter().enumerate() {
        let _ =
            write!(rows, "{}${}::{}[]", if at == 0 { "" } else { ", " }, first + 1 + at, column.type_name());
    }
    rows.push_str(") AS inserted");
    let query = sqlx::query(AssertSqlSafe(text.replace("{inserted}", &rows)));
    let query = common.into_iter().fold(query, postgres_bind);
    columns.into_iter().fold(query, |query, column| match column {
        Column::Text(values) => query.bind(values),
        Column::Int(values) => query.bind(values),
        Column::Bool(values) => query.bind(values),
        Column::Bytes(values) => query.bind(values),
    })
}
