//! The one place that knows that there are two databases. Everything above hands over one SQL text and typed values.
//!
//! Two definitions make one text possible: PostgreSQL is given a collation named `binary`, as SQLite has, and a
//! function `json_each(text)` whose columns are named `value` and, for an item that is plain text, `atom`, as SQLite's
//! are (`POSTGRES_PRELUDE`).
//!
//! SQLite has one writer and several readers; write transactions begin with `BEGIN IMMEDIATE`, so that a transaction
//! never fails in the middle because it read first.

mod failure;
mod statement;

use std::{
    fmt::Write as _, fs::OpenOptions, io, os::unix::fs::OpenOptionsExt as _, path::Path, str::FromStr,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ColumnIndex, Decode, Executor, Postgres, Row as _, Sqlite, Type,
    migrate::{Migration, MigrationType, Migrator},
    postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow},
    query::Query,
    sqlite::{
        SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous,
    },
};

pub use statement::{Statement, Value, sql, sql_of_parts};

use super::Error;

const POSTGRES_PRELUDE: &str = r#"
    DO $$ BEGIN
        PERFORM pg_advisory_xact_lock(4711203);
        IF NOT EXISTS (SELECT FROM pg_collation WHERE collname = 'binary') THEN
            CREATE COLLATION "binary" FROM "C";
        END IF;
        -- An earlier one had fewer columns, and those cannot be replaced.
        IF NOT EXISTS (SELECT FROM pg_proc WHERE proname = 'json_each' AND 'atom' = ANY (proargnames)) THEN
            DROP FUNCTION IF EXISTS json_each(text);
        END IF;
    END $$;
    CREATE OR REPLACE FUNCTION json_each(text) RETURNS TABLE (value jsonb, atom text)
        LANGUAGE sql IMMUTABLE ROWS 1000 AS 'SELECT e, e #>> ''{}'' FROM jsonb_array_elements($1::jsonb) AS e';
"#;

/// How to open a database.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// `sqlite://PATH[?mode=ro]` or `postgres://…`.
    pub url: String,
    /// The largest number of pages a SQLite file may grow to; applied to every connection.
    pub sqlite_max_pages: Option<u32>,
    /// Connections to keep at most (PostgreSQL), or readers (SQLite).
    pub connections: u32,
    /// Whether a missing SQLite file is made.
    pub create: bool,
}

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

    /// An id of 16 bytes.
    pub fn id(&self, column: &'static str) -> Result<uuid::Uuid, Error> {
        let bytes: Vec<u8> = self.get(column)?;
        uuid::Uuid::from_slice(&bytes).map_err(|_| Error::Corrupt(format!("column {column}: not an id")))
    }

    /// A text column read with `FromStr`.
    pub fn parse<T: FromStr>(&self, column: &'static str) -> Result<T, Error> {
        let text: String = self.get(column)?;
        text.parse().map_err(|_| Error::Corrupt(format!("column {column}: unfit value")))
    }
}

/// An open database.
#[derive(Clone)]
pub enum Db {
    /// One file.
    Sqlite {
        /// One connection; every write goes through it.
        writer: SqlitePool,
        /// Several connections that only read.
        readers: SqlitePool,
    },
    /// A server; every replica has its own pool.
    Postgres(PgPool),
}

/// A write transaction.
pub enum Transaction {
    /// On the writer.
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    /// On any connection.
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Many values have nameless placeholders here: SQLite would look each name up in a list of all of them. Behind numbered
/// ones they need their number, since nameless ones are counted apart.
fn sqlite_query(statement: Statement) -> Query<'static, Sqlite, SqliteArguments> {
    let (text, values) = match statement.is_all_rows() {
        true => statement.into_parts(|_, list| list.push('?')),
        false => statement.into_parts(|number, list| {
            let _ = write!(list, "?{number}");
        }),
    };
    values.into_iter().fold(sqlx::query(AssertSqlSafe(text)), |query, value| match value {
        Value::Text(v) => query.bind(v),
        Value::Int(v) => query.bind(v),
        Value::Bool(v) => query.bind(v),
        Value::Bytes(v) => query.bind(v),
    })
}

fn postgres_query(statement: Statement) -> Query<'static, Postgres, PgArguments> {
    let (text, values) = statement.into_parts(|number, list| {
        let _ = write!(list, "${number}");
    });
    values.into_iter().fold(sqlx::query(AssertSqlSafe(text)), |query, value| match value {
        Value::Text(v) => query.bind(v),
        Value::Int(v) => query.bind(v),
        Value::Bool(v) => query.bind(v),
        Value::Bytes(v) => query.bind(v),
    })
}

/// Makes a missing file that only its owner can read; SQLite gives its log the same mode.
fn make_private(file: &Path) -> Result<(), Error> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    match made {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(Error::Unavailable(format!("{}: {error}", file.display())))
        }
        _ => Ok(()),
    }
}

impl Db {
    /// Opens without changing anything but, on SQLite, making the file when `create` says so.
    pub async fn open(options: &DatabaseOptions) -> Result<Self, Error> {
        if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
            let connect = PgConnectOptions::from_str(&options.url)
                .map_err(|e| Error::Options(format!("the PostgreSQL URL is not readable: {e}")))?
                .application_name("adept");
            let pool = PgPoolOptions::new()
                .max_connections(options.connections)
                .acquire_timeout(Duration::from_secs(5))
                .max_lifetime(Duration::from_secs(30 * 60))
                .connect_with(connect)
                .await?;
            return Ok(Self::Postgres(pool));
        }
        let connect = SqliteConnectOptions::from_str(&options.url)
            .map_err(|e| Error::Options(format!("the SQLite URL is not readable: {e}")))?
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(200)
            .pragma("mmap_size", "0");
        let connect = match options.sqlite_max_pages {
            Some(pages) => connect.pragma("max_page_count", pages.to_string()),
            None => connect,
        };
        let read_only = options.url.split_once('?').is_some_and(|(_, query)| query.contains("mode=ro"));
        let write = match read_only {
            true => connect.clone(),
            false => connect
                .clone()
                .create_if_missing(options.create)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                // A sync touches most of an index in every transaction: keep it in memory, copy it back seldom.
                .pragma("cache_size", "-32768")
                .pragma("wal_autocheckpoint", "16000"),
        };
        if options.create && !read_only {
            make_private(connect.get_filename())?;
        }
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .acquire_timeout(Duration::from_secs(10))
            .idle_timeout(None)
            .max_lifetime(None)
            .test_before_acquire(false)
            .connect_with(write)
            .await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(options.connections.min(4))
            .acquire_timeout(Duration::from_secs(10))
            .test_before_acquire(false)
            .connect_lazy_with(connect.read_only(true).create_if_missing(false));
        Ok(Self::Sqlite { writer, readers })
    }

    /// Applies the migrations that are missing. Replicas that start together wait for one another.
    pub async fn migrate(&self, migrations: &[(i64, &'static str, &'static str)]) -> Result<(), Error> {
        let migrator = Migrator::with_migrations(
            migrations
                .iter()
                .map(|(version, name, text)| {
                    let text = sqlx::SqlSafeStr::into_sql_str(*text);
                    Migration::new(*version, (*name).into(), MigrationType::Simple, text, false)
                })
                .collect(),
        );
        match self {
            Self::Sqlite { writer, .. } => migrator.run(writer).await,
            Self::Postgres(pool) => {
                pool.execute(sqlx::raw_sql(POSTGRES_PRELUDE)).await?;
                migrator.run(pool).await
            }
        }
        .map_err(|e| match e {
            sqlx::migrate::MigrateError::Execute(e) => Error::from(e),
            other => Error::Migration(other.to_string()),
        })
    }

    /// Reads outside any transaction.
    pub async fn rows(&self, statement: Statement) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                sqlite_query(statement).fetch_all(readers).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(pool) => {
                postgres_query(statement).fetch_all(pool).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Reads at most one row outside any transaction.
    pub async fn row(&self, statement: Statement) -> Result<Option<Row>, Error> {
        Ok(match self {
            Self::Sqlite { readers, .. } => {
                sqlite_query(statement).fetch_optional(readers).await?.map(Row::Sqlite)
            }
            Self::Postgres(pool) => postgres_query(statement).fetch_optional(pool).await?.map(Row::Postgres),
        })
    }

    /// Begins a write transaction.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        Ok(match self {
            Self::Sqlite { writer, .. } => Transaction::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Transaction::Postgres(pool.begin().await?),
        })
    }

    /// Begins a write transaction on a table that may have grown a thousandfold since the connection was opened:
    /// PostgreSQL would keep the plans that it made while the table was empty.
    pub async fn begin_bulk(&self) -> Result<Transaction, Error> {
        let mut begun = self.begin().await?;
        begun.plan_anew().await?;
        Ok(begun)
    }

    /// Has PostgreSQL look at a table that grew much: of how many rows there are it else learns within a minute or two,
    /// and until then an index alone answers nothing. SQLite looks at no table before it plans.
    pub async fn settle(&self, table: &'static str) -> Result<(), Error> {
        if let Self::Postgres(pool) = self {
            pool.execute(sqlx::raw_sql(AssertSqlSafe(format!("VACUUM (ANALYZE) {table}")))).await?;
        }
        Ok(())
    }

    /// Begins to read a table that may have grown a thousandfold; see [`Db::begin_bulk`]. Nothing can be written.
    pub async fn read_bulk(&self) -> Result<Transaction, Error> {
        match self {
            Self::Sqlite { readers, .. } => Ok(Transaction::Sqlite(readers.begin().await?)),
            Self::Postgres(_) => self.begin_bulk().await,
        }
    }

    /// Closes every connection; SQLite folds its log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Transaction {
    /// From here on PostgreSQL makes a plan for each statement and keeps none; see [`Db::begin_bulk`].
    pub async fn plan_anew(&mut self) -> Result<(), Error> {
        if let Self::Postgres(tx) = self {
            tx.execute("SET LOCAL plan_cache_mode = force_custom_plan").await?;
        }
        Ok(())
    }

    /// From here on PostgreSQL keeps the plan of a statement: for one that only adds rows, making it costs as much as
    /// running it, and no other is to be found.
    pub async fn plan_once(&mut self) -> Result<(), Error> {
        if let Self::Postgres(tx) = self {
            tx.execute("SET LOCAL plan_cache_mode = force_generic_plan").await?;
        }
        Ok(())
    }

    /// Reads inside the transaction.
    pub async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite(tx) => {
                sqlite_query(statement).fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(tx) => {
                postgres_query(statement).fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Reads at most one row inside the transaction.
    pub async fn row(&mut self, statement: Statement) -> Result<Option<Row>, Error> {
        Ok(match self {
            Self::Sqlite(tx) => sqlite_query(statement).fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Self::Postgres(tx) => {
                postgres_query(statement).fetch_optional(&mut **tx).await?.map(Row::Postgres)
            }
        })
    }

    /// Writes; answers the number of rows touched.
    pub async fn execute(&mut self, statement: Statement) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(tx) => sqlite_query(statement).execute(&mut **tx).await?.rows_affected(),
            Self::Postgres(tx) => postgres_query(statement).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Writes exactly one row, or fails and leaves the transaction to be dropped.
    pub async fn execute_one(&mut self, what: &'static str, statement: Statement) -> Result<(), Error> {
        match self.execute(statement).await? {
            1 => Ok(()),
            rows => Err(Error::Corrupt(format!("{what} touched {rows} rows instead of one"))),
        }
    }

    /// Makes it durable; [`Error::CommitUnknown`] when the database may have done so and did not confirm it.
    pub async fn commit(self) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
        .map_err(failure::of_commit)
    }
}
