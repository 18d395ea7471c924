//! Lists: filtered, ordered, and walked by position instead of by number, so that the last page costs what the first
//! does and a row added meanwhile never makes another one be skipped.

use adept_domain::SettingKey;
use adept_odata::{Expr, OrderBy};
use serde_json::Value as Json;
use uuid::Uuid;

use super::{
    Error,
    column::Column,
    db::{Db, Row, Statement, Value},
    filter::{Columns, Sql},
};

/// Where a page ended. Opaque to everyone else; holds no secret, only sort keys of the last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(pub String);

/// What to list.
#[derive(Clone, Debug)]
pub struct ListQuery<F> {
    /// Only rows that fulfil it.
    pub filter: Option<Expr<F>>,
    /// In this order; then by the type's own order.
    pub order: Vec<OrderBy<F>>,
    /// Rows wanted, at most 1,000.
    pub top: u32,
    /// Rows to leave out first.
    pub skip: u32,
    /// Only rows behind this position.
    pub after: Option<Position>,
    /// Whether the total is asked for.
    pub count: bool,
}

impl<F> Default for ListQuery<F> {
    fn default() -> Self {
        Self { filter: None, order: Vec::new(), top: 1000, skip: 0, after: None, count: false }
    }
}

/// A page of a list.
#[derive(Clone, Debug)]
pub struct Listed<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// Where to go on; none at the end.
    pub next: Option<Position>,
    /// How many rows fulfil the filter, where asked for.
    pub total: Option<i64>,
}

/// What rows are ordered by, and whether downwards.
type Keys = Vec<(Column, bool)>;

/// A table as lists see it.
pub(super) struct Source<F> {
    /// `SELECT` list.
    pub(super) columns: &'static str,
    /// The table.
    pub(super) table: &'static str,
    /// The number of its rows, or of what they stand for.
    pub(super) number: &'static str,
    /// The column of each field.
    pub(super) column: Columns<F>,
    /// The order of last resort; unique within what `scope` admits.
    pub(super) tie: Column,
    /// The primary key's columns where a filter first looks for keys only, and rows are read for those of the page: what
    /// the index alone can answer then reads narrow rows. None where there are never many rows.
    pub(super) key: Option<&'static str>,
}

impl<F: Copy> Source<F> {
    /// Reads a page. `scope` appends the condition that every row must meet (tenant, setting).
    pub(super) async fn list<T>(
        &self,
        db: &Db,
        query: &ListQuery<F>,
        scope: impl Fn(&mut Sql),
        read: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Listed<T>, Error> {
        let total = match query.count {
            true => Some(self.count(db, query.filter.as_ref(), &scope).await?),
            false => None,
        };
        let top = query.top.clamp(1, 1000) as usize;
        let (mut rows, keys) = self.found(db, query, top + 1, &scope).await?;
        let more = rows.len() > top;
        rows.truncate(top);
        let next = match rows.last() {
            Some(last) if more => Some(Position(Json::from(position_of(last, &keys)?).to_string())),
            _ => None,
        };
        Ok(Listed { rows: rows.iter().map(read).collect::<Result<_, _>>()?, next, total })
    }

    /// Reads the first rows, so many at most, and what they are ordered by.
    pub(super) async fn found(
        &self,
        db: &Db,
        query: &ListQuery<F>,
        most: usize,
        scope: impl Fn(&mut Sql),
    ) -> Result<(Vec<Row>, Keys), Error> {
        let (page, keys) = self.page(query, most, scope)?;
        Ok((db.rows(page.statement()).await.map_err(slow)?, keys))
    }

    /// Asks for that many rows. What they are ordered by comes with it, and whether downwards.
    fn page(
        &self,
        query: &ListQuery<F>,
        most: usize,
        scope: impl Fn(&mut Sql),
    ) -> Result<(Sql, Keys), Error> {
        let mut sql = Sql::new(&format!("SELECT {}", self.columns));
        let mut keys = Vec::with_capacity(query.order.len() + 1);
        for order in &query.order {
            keys.push((sql.term(&order.by, self.column)?, order.descending));
        }
        keys.push((self.tie.clone(), false));
        for (index, (key, _)) in keys.iter().enumerate() {
            sql.push(&format!(", {} AS sort_key_{index}", key.sort_key()));
        }
        let by_key = self.key.filter(|_| query.filter.is_some());
        if let Some(key) = by_key {
            sql.push(&format!(" FROM (SELECT {key}"));
        }
        self.where_clause(&mut sql, query.filter.as_ref(), &scope)?;
        if let Some(position) = &query.after {
            sql.push(" AND (");
            behind(&mut sql, &keys, position)?;
            sql.push(")");
        }
        order_by(&mut sql, &keys);
        sql.push(" LIMIT ").bind(most as i64).push(" OFFSET ").bind(i64::from(query.skip));
        if let Some(key) = by_key {
            sql.push(&format!(") AS page JOIN {} USING ({key})", self.table));
            order_by(&mut sql, &keys);
        }
        Ok((sql, keys))
    }

    /// How the database means to find a page, as it says itself.
    #[cfg(test)]
    pub(super) async fn plan(
        &self,
        db: &Db,
        query: &ListQuery<F>,
        scope: impl Fn(&mut Sql),
    ) -> Result<String, Error> {
        let (page, _) = self.page(query, query.top as usize + 1, scope)?;
        let (explain, column) = match db {
            Db::Sqlite(_) => ("EXPLAIN QUERY PLAN ", "detail"),
            Db::Postgres(_) => ("EXPLAIN ", "QUERY PLAN"),
        };
        let mut lines = Vec::new();
        for row in db.rows(page.behind(explain).statement()).await? {
            lines.push(row.get::<String>(column)?);
        }
        Ok(lines.join("\n"))
    }

    /// All rows that fulfil the filter, where there are never many.
    pub(super) fn all(&self, filter: Option<&Expr<F>>, scope: impl Fn(&mut Sql)) -> Result<Statement, Error> {
        let mut sql = Sql::new(&format!("SELECT {}", self.columns));
        self.where_clause(&mut sql, filter, &scope)?;
        Ok(sql.statement())
    }

    /// Counts the rows that fulfil the filter.
    pub(super) async fn count(
        &self,
        db: &Db,
        filter: Option<&Expr<F>>,
        scope: impl Fn(&mut Sql),
    ) -> Result<i64, Error> {
        let mut sql = Sql::new(&format!("SELECT {} AS total", self.number));
        self.where_clause(&mut sql, filter, &scope)?;
        db.count(sql.statement()).await.map_err(slow)
    }

    fn where_clause(
        &self,
        sql: &mut Sql,
        filter: Option<&Expr<F>>,
        scope: impl Fn(&mut Sql),
    ) -> Result<(), Error> {
        sql.push(&format!(" FROM {} WHERE ", self.table));
        scope(sql);
        if let Some(filter) = filter {
            sql.push(" AND ");
            sql.where_true(filter, self.column)?;
        }
        Ok(())
    }
}

/// What ran too long here was made so slow by its caller.
pub(super) fn slow(error: Error) -> Error {
    match error {
        Error::OutOfTime(cause) => Error::SlowQuery(cause),
        other => other,
    }
}

/// The scope of rows that belong to a setting.
pub(super) fn of_setting(key: SettingKey) -> impl Fn(&mut Sql) {
    move |sql| {
        sql.push("tenant = ").bind(key.tenant).push(" AND setting = ").bind(key.id);
    }
}

fn order_by(sql: &mut Sql, keys: &[(Column, bool)]) {
    sql.push(" ORDER BY ");
    for (index, (key, descending)) in keys.iter().enumerate() {
        let comma = if index > 0 { ", " } else { "" };
        let collation = if key.sorts_as_text() { " COLLATE \"binary\"" } else { "" };
        let direction = if *descending { " DESC" } else { "" };
        sql.push(&format!("{comma}{}{collation}{direction}", key.sort_key()));
    }
}

/// What a row is ordered by, for a position.
pub(super) fn position_of(row: &Row, keys: &[(Column, bool)]) -> Result<Vec<Json>, Error> {
    keys.iter()
        .enumerate()
        .map(|(index, (key, _))| {
            let name = &format!("sort_key_{index}");
            Ok(if key.sorts_as_text() {
                Json::from(row.get::<String>(name)?)
            } else if key.sorts_as_id() {
                Json::from(match row.get::<Vec<u8>>(name)?.is_empty() {
                    true => String::new(),
                    false => row.get::<Uuid>(name)?.hyphenated().to_string(),
                })
            } else {
                Json::from(row.get::<i64>(name)?)
            })
        })
        .collect()
}

/// `a >= x AND ((a > x) OR (a = x AND b > y) …)`, with the directions minded. The first condition follows from the rest;
/// it is what lets a database begin in an index instead of at the first row.
fn behind(sql: &mut Sql, keys: &[(Column, bool)], position: &Position) -> Result<(), Error> {
    let values: Vec<Json> = serde_json::from_str(&position.0).map_err(|_| Error::Position)?;
    if values.len() != keys.len() {
        return Err(Error::Position);
    }
    let value = |(key, value): (&(Column, bool), &Json)| match (key.0.sorts_as_text(), value) {
        (false, Json::String(id)) if key.0.sorts_as_id() => match id.is_empty() {
            true => Some(Value::Bytes(Some(Vec::new()))),
            false => Uuid::try_parse(id).ok().map(Value::from),
        },
        (true, Json::String(text)) => Some(text.into()),
        (false, Json::Number(number)) if !key.0.sorts_as_id() => number.as_i64().map(Value::from),
        _ => None,
    };
    let values: Vec<Value> =
        keys.iter().zip(&values).map(value).collect::<Option<_>>().ok_or(Error::Position)?;
    let compare = |sql: &mut Sql, key: &Column, word: &str, value: &Value| {
        sql.push(&format!("{} {word} ", key.sort_key())).bind(value.clone());
        if key.sorts_as_text() {
            sql.push(" COLLATE \"binary\"");
        }
    };
    if let (Some((key, descending)), Some(value)) = (keys.first(), values.first()) {
        compare(sql, key, if *descending { "<=" } else { ">=" }, value);
        sql.push(" AND (");
    }
    for last in 0..keys.len() {
        sql.push(if last > 0 { " OR (" } else { "(" });
        for (index, ((key, descending), value)) in keys.iter().zip(&values).enumerate().take(last + 1) {
            let word = match (index == last, descending) {
                (false, _) => "=",
                (true, false) => ">",
                (true, true) => "<",
            };
            sql.push(if index > 0 { " AND " } else { "" });
            compare(sql, key, word, value);
        }
        sql.push(")");
    }
    sql.push(")");
    Ok(())
}
