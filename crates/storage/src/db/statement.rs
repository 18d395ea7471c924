//! Statements: one text, typed values, and lists of rows whose placeholders are written by the database that runs them.

use std::borrow::Cow;

use adept_domain::SettingKey;

/// Keys that a statement lists at most: each costs SQLite a look at the list of those before it.
pub const KEYS_PER_STATEMENT: usize = 500;

/// A bound value. `None` is a typed NULL: PostgreSQL refuses a text NULL for a number.
#[derive(Clone, Debug)]
pub enum Value {
    /// TEXT
    Text(Option<String>),
    /// BIGINT
    Int(Option<i64>),
    /// BOOLEAN
    Bool(bool),
    /// BYTEA
    Bytes(Option<Vec<u8>>),
    /// TEXT that is one of our words.
    Word(&'static str),
    /// BYTEA of 16 bytes.
    Id(uuid::Uuid),
}

impl Value {
    /// Text that is handed over. There is no `From<String>`, so that an id that was written out is never bound: a database
    /// would find no row for it and say nothing.
    pub fn text(text: String) -> Self {
        Self::Text(Some(text))
    }
}

/// How a row is taken that is about to be written, until the end of the transaction. SQLite has one writer, which has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Waits for anyone who has it.
    Wait,
    /// Leaves it out where somebody has it.
    Skip,
}

/// A statement: text and values.
pub struct Statement {
    pub(super) text: Cow<'static, str>,
    /// How it takes the rows that it reads.
    pub(super) lock: Option<Lock>,
    pub(super) values: Vec<Value>,
    /// The number of values before those that are listed.
    listed: Option<usize>,
    /// The number of values before those that are inserted, which all rows have, and of those in a row.
    pub(super) inserted: Option<(usize, usize)>,
    pub(super) by_key: bool,
}

/// A statement of fixed text.
pub fn sql(text: &'static str) -> Statement {
    sql_of_parts(text)
}

/// A statement whose text was put together from fixed parts; no user text may be among them.
pub fn sql_of_parts(text: impl Into<Cow<'static, str>>) -> Statement {
    Statement {
        text: text.into(),
        lock: None,
        values: Vec::new(),
        listed: None,
        inserted: None,
        by_key: false,
    }
}

impl Statement {
    /// Binds the next `$n`: one value, or the values of a tuple; a [`SettingKey`] is two, its tenant and its id.
    pub fn bind(mut self, values: impl Binds) -> Self {
        values.bind_to(&mut self.values);
        self
    }

    /// Takes the rows that it reads.
    pub fn locking(mut self, lock: Lock) -> Self {
        self.lock = Some(lock);
        self
    }

    /// It reads a few rows by their keys, which takes microseconds: SQLite answers it behind others of its kind.
    pub fn by_key(mut self) -> Self {
        self.by_key = true;
        self
    }

    /// Puts texts in the place of `{listed}`; nothing can be bound behind them.
    pub fn listing(mut self, texts: &[String]) -> Self {
        self.listed = Some(self.values.len());
        self.values.extend(texts.iter().map(Value::from));
        self
    }

    /// Inserts rows of `width` values each behind the values that are bound before, which all have: what stands in the place
    /// of `{inserted}`. Nothing can be bound behind them.
    pub fn inserting(mut self, values: Vec<Value>, width: usize) -> Self {
        self.inserted = Some((self.values.len(), width));
        self.values.extend(values);
        self
    }

    /// The same statement behind a word such as `EXPLAIN`.
    #[cfg(test)]
    pub fn behind(mut self, word: &str) -> Self {
        self.text = format!("{word} {}", self.text).into();
        self
    }

    /// The text, with a placeholder for each value that is listed, and all values.
    pub(super) fn into_parts(self, sign: char) -> (Cow<'static, str>, Vec<Value>) {
        let Some(first) = self.listed else { return (self.text, self.values) };
        let all: Vec<_> = (first + 1..=self.values.len()).map(|number| format!("{sign}{number}")).collect();
        (self.text.replace("{listed}", &all.join(", ")).into(), self.values)
    }
}

/// What the next placeholders of a statement are bound to.
pub trait Binds {
    /// Appends its values.
    fn bind_to(self, values: &mut Vec<Value>);
}

impl<T: Into<Value>> Binds for T {
    fn bind_to(self, values: &mut Vec<Value>) {
        values.push(self.into());
    }
}

impl Binds for SettingKey {
    fn bind_to(self, values: &mut Vec<Value>) {
        values.extend([self.tenant.into(), self.id.into()]);
    }
}

impl Binds for Vec<Value> {
    fn bind_to(mut self, values: &mut Vec<Value>) {
        values.append(&mut self);
    }
}

macro_rules! tuples {
    ($first:ident $($name:ident)*) => {
        impl<$first: Binds, $($name: Binds),*> Binds for ($first, $($name,)*) {
            #[expect(non_snake_case, reason = "a value is named as its type")]
            fn bind_to(self, values: &mut Vec<Value>) {
                let ($first, $($name,)*) = self;
                $first.bind_to(values);
                $($name.bind_to(values);)*
            }
        }
        tuples! { $($name)* }
    };
    () => {};
}
tuples! { A B C D E F G H I J K L M N O P Q }

macro_rules! into_value {
    ($($from:ty => |$v:ident| $to:expr),+ $(,)?) => {$(
        impl From<$from> for Value {
            fn from($v: $from) -> Self { $to }
        }
    )+};
}
into_value! {
    &str => |v| Value::Text(Some(v.to_owned())),
    &String => |v| v.as_str().into(),
    Option<String> => |v| Value::Text(v),
    &Option<String> => |v| v.as_deref().into(),
    Option<&str> => |v| Value::Text(v.map(str::to_owned)),
    serde_json::Value => |v| Value::Text(Some(v.to_string())),
    u32 => |v| i64::from(v).into(),
    Option<u32> => |v| v.map(i64::from).into(),
    i64 => |v| Value::Int(Some(v)),
    Option<i64> => |v| Value::Int(v),
    bool => |v| Value::Bool(v),
    uuid::Uuid => |v| Value::Id(v),
    Vec<u8> => |v| Value::Bytes(Some(v)),
    jiff::Timestamp => |v| Value::Int(Some(v.as_microsecond())),
    Option<jiff::Timestamp> => |v| Value::Int(v.map(|t| t.as_microsecond())),
}
