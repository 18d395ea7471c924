//! The one place that knows that there are two databases. Everything above hands over one SQL text and typed values.
//!
//! A few definitions make one text possible: PostgreSQL is given a collation named `binary`, as SQLite has, the
//! functions `hex(bytea)` and `unhex(text)`, and a function `json_each(text)` whose columns are named `value` and, for an
//! item that is plain text, `atom`, as SQLite's are (`db/migrate.rs`). Bytes do not travel in JSON: an id goes there as
//! hexadecimal digits ([`hex`]) and is read with `unhex`.
//!
//! SQLite has one writer and several readers; write transactions begin with `BEGIN IMMEDIATE`, so that a transaction
//! never fails in the middle because it read first.

mod failure;
mod fair_semaphore;
mod ids;
mod inserted;
mod migrate;
mod pool;
mod postgres;
mod purpose;
mod row;
mod sqlite;
mod statement;
#[cfg(test)]
mod tests;
mod write_gate;

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, postgres::PgArguments, query::Query};

pub use fair_semaphore::{FairSemaphore, Permit, in_share_of};
pub use ids::{hex, id_text};
pub use purpose::Purpose;
pub use row::Row;
pub use statement::{Binds, KEYS_PER_STATEMENT, Lock, Statement, Value, sql, sql_of_parts};

#[cfg(test)]
pub(crate) use tests::Ground;

use self::{
    pool::{Lent, Pool, State, watched},
    postgres::{Postgres, PostgresLink},
    sqlite::{Answered, Command, SharedReader, SqliteLink, Wants},
    write_gate::WriteGate,
};
use super::Error;

/// The server puts no limit to VACUUM and ANALYZE; a line that went silent must not hold them forever.
const ANALYZE: Duration = Duration::from_secs(30 * 60);

/// Behind BEGIN, for as long as the transaction lasts: a plan is made for each statement and none is kept.
const PLAN_EACH_TIME: &str = "; SET LOCAL plan_cache_mode = force_custom_plan";

/// How to open a database.
#[derive(Clone, Debug)]
pub struct DatabaseOptions {
    /// `sqlite://PATH[?mode=ro]` or `postgres://…`; with `pooler=transaction` sessions belong to a pooler in that mode.
    pub url: String,
    /// The largest number of pages a SQLite file may grow to; applied to every connection.
    pub sqlite_max_pages: Option<u32>,
    /// Connections to keep at most, those for bearer checks and for the probe apart (PostgreSQL), or readers (SQLite).
    pub connections: u32,
    /// PostgreSQL ends a transaction whose process says nothing for this long, 5 s at least: the others' locks.
    pub lease: Duration,
    /// Whether a missing SQLite file is made.
    pub create: bool,
}

/// An open database.
#[derive(Clone)]
pub enum Db {
    /// One file.
    Sqlite(Sqlites),
    /// A server; every replica has its own pools.
    Postgres(Postgres),
}

/// The connections to one file.
#[derive(Clone)]
pub struct Sqlites {
    /// One connection; every write goes through it.
    writer: Pool<SqliteLink>,
    /// Connections that only read, for requests.
    readers: Pool<SqliteLink>,
    /// The same for the background.
    background: Pool<SqliteLink>,
    /// For reads by key, of both.
    by_key: SharedReader,
    gate: WriteGate,
}

impl Sqlites {
    fn readers(&self) -> &Pool<SqliteLink> {
        match Purpose::current() {
            Purpose::Request | Purpose::Caller => &self.readers,
            Purpose::Background | Purpose::Probe => &self.background,
        }
    }
}

/// A transaction. Dropped without [`Transaction::commit`] it is rolled back.
pub enum Transaction {
    /// On the writer, or on a reader.
    Sqlite(SqliteTransaction),
    /// On any connection.
    Postgres(PostgresTransaction),
}

/// A transaction of SQLite's. What nobody waits for goes to the connection's thread with what comes next.
pub struct SqliteTransaction {
    lent: Lent<SqliteLink>,
    unsent: Vec<Command>,
}

/// A transaction of PostgreSQL's.
pub struct PostgresTransaction {
    lent: Lent<PostgresLink>,
    /// A statement failed: a COMMIT would be answered like any other, and roll back.
    has_failed: bool,
}

/// A statement as a connection's thread takes it.
fn sqlite_command(statement: Statement, wants: Wants) -> Command {
    let Some((first, width)) = statement.inserted else {
        let (text, values) = statement.into_parts('?');
        return Command { text, values, wants };
    };
    let placeholders: Vec<_> = (1..=first + width).map(|number| format!("${number}")).collect();
    let text = statement.text.replace("{inserted}", &format!("VALUES ({})", placeholders.join(", ")));
    Command { text: text.into(), values: statement.values, wants: Wants::Each { first, width } }
}

fn postgres_query(statement: Statement, pooled: bool) -> PostgresQuery {
    if let Some((first, width)) = statement.inserted {
        return inserted::query(&statement.text, statement.values, first, width).persistent(!pooled);
    }
    let lock = match statement.lock {
        Some(Lock::Wait) => " FOR NO KEY UPDATE",
        Some(Lock::Skip) => " FOR NO KEY UPDATE SKIP LOCKED",
        None => "",
    };
    let (mut text, values) = statement.into_parts('$');
    text.to_mut().push_str(lock);
    // A pooler gives the next transaction another session, which knows no statement of ours.
    let query = sqlx::query(AssertSqlSafe(text)).persistent(!pooled);
    values.into_iter().fold(query, postgres_bind)
}

type PostgresQuery = Query<'static, sqlx::Postgres, PgArguments>;

fn postgres_bind(query: PostgresQuery, value: Value) -> PostgresQuery {
    match value {
        Value::Text(v) => query.bind(v),
        Value::Word(v) => query.bind(v),
        Value::Int(v) => query.bind(v),
        Value::Bool(v) => query.bind(v),
        Value::Bytes(v) => query.bind(v),
        Value::Id(v) => query.bind(*v.as_bytes()),
    }
}

/// Runs a statement on PostgreSQL. Over its limit the connection is closed and not waited for.
macro_rules! on_postgres {
    ($lent:expr, $after:expr, $statement:expr, $run:ident) => {{
        let (link, state) = $lent.parts()?;
        let query = postgres_query($statement, link.options.pooled);
        watched(state, link.options.limit, $after, query.$run(&mut link.conn)).await
    }};
}

/// What is read by `rows`.
macro_rules! reads {
    ($this:ident, $($receiver:tt)+) => {
        /// Reads at most one row.
        pub async fn row($($receiver)+, statement: Statement) -> Result<Option<Row>, Error> {
            Ok($this.rows(statement).await?.into_iter().next())
        }

        /// Reads every row.
        pub async fn all<T, C: FromIterator<T>>(
            $($receiver)+,
            statement: Statement,
            read: impl Fn(&Row) -> Result<T, Error>,
        ) -> Result<C, Error> {
            $this.rows(statement).await?.iter().map(read).collect()
        }

        /// Reads the first row, if there is one.
        pub async fn first<T>(
            $($receiver)+,
            statement: Statement,
            read: impl Fn(&Row) -> Result<T, Error>,
        ) -> Result<Option<T>, Error> {
            $this.row(statement).await?.as_ref().map(read).transpose()
        }

        /// The number in the column `total` of the first row; 0 where there is none.
        pub async fn count($($receiver)+, statement: Statement) -> Result<i64, Error> {
            Ok($this.first(statement, |row| row.get("total")).await?.unwrap_or(0))
        }
    };
}

impl Db {
    /// Opens without changing anything but, on SQLite, making the file when `create` says so.
    pub async fn open(options: &DatabaseOptions) -> Result<Self, Error> {
        if options.url.starts_with("postgres://") || options.url.starts_with("postgresql://") {
            return Ok(Self::Postgres(Postgres::open(options).await?));
        }
        let ([writer, readers, background], by_key) = sqlite::open(options).await?;
        Ok(Self::Sqlite(Sqlites { writer, readers, background, by_key, gate: WriteGate::default() }))
    }

    /// The database server's clock; none for SQLite, which has only ours.
    pub async fn clock(&self) -> Result<Option<jiff::Timestamp>, Error> {
        let Self::Postgres(_) = self else { return Ok(None) };
        let text = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000000)::bigint AS now";
        self.first(sql(text), |row| row.get("now")).await
    }

    /// Reads outside any transaction.
    pub async fn rows(&self, statement: Statement) -> Result<Vec<Row>, Error> {
        match self {
            Self::Sqlite(sqlite) if statement.by_key => {
                Ok(rows_of(sqlite.by_key.run(sqlite_command(statement, Wants::Rows)).await?))
            }
            Self::Sqlite(sqlite) => {
                let mut lent = sqlite.readers().lend().await?;
                let (link, state) = lent.parts()?;
                let command = sqlite_command(statement, Wants::Rows);
                let answered = link.run(state, State::Clean, vec![command]).await;
                Ok(rows_of(answered.map_err(|(_, failure)| failure)?))
            }
            // Behind a pooler the limits hold only in a transaction, and a statement is prepared and run in one session only
            // there. Reading goes on while writes are refused.
            Self::Postgres(postgres) if postgres.is_pooled() => {
                let mut tx = begin_postgres(postgres, "").await?;
                let rows = tx.rows(statement).await?;
                tx.commit().await?;
                Ok(rows)
            }
            Self::Postgres(postgres) => {
                let mut lent = postgres.pool().lend().await?;
                let rows = on_postgres!(lent, State::Clean, statement, fetch_all)?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    reads!(self, &self);

    /// Writes in a transaction of its own; answers the number of rows touched.
    pub async fn write(&self, statement: Statement) -> Result<u64, Error> {
        let mut tx = self.begin().await?;
        let touched = tx.execute(statement).await?;
        tx.commit().await?;
        Ok(touched)
    }

    fn gate(&self) -> &WriteGate {
        match self {
            Self::Sqlite(sqlite) => &sqlite.gate,
            Self::Postgres(postgres) => &postgres.gate,
        }
    }

    /// From now on no write transaction begins, or they do again.
    pub fn refuse_writes(&self, refuse: bool) {
        self.gate().refuse(refuse);
    }

    /// Begins a write transaction; [`Error::Unavailable`] while writes are refused.
    pub async fn begin(&self) -> Result<Transaction, Error> {
        self.begin_with("").await
    }

    /// Begins a write transaction on a table that may have grown a thousandfold since the connection was opened:
    /// PostgreSQL would keep the plans that it made while the table was empty.
    pub async fn begin_bulk(&self) -> Result<Transaction, Error> {
        self.begin_with(PLAN_EACH_TIME).await
    }

    async fn begin_with(&self, setting: &str) -> Result<Transaction, Error> {
        self.gate().pass()?;
        match self {
            Self::Sqlite(sqlite) => begin_sqlite(&sqlite.writer, "BEGIN IMMEDIATE").await,
            Self::Postgres(postgres) => begin_postgres(postgres, setting).await,
        }
    }

    /// Has PostgreSQL analyze a table that grew much: how many rows there are it otherwise learns within a minute or two,
    /// and until then an index alone answers nothing. SQLite's plans depend on no such numbers.
    pub async fn settle(&self, table: &'static str) -> Result<(), Error> {
        if let Self::Postgres(postgres) = self {
            let mut conn = postgres.maintain().await?;
            let analyze = conn.execute(sqlx::raw_sql(AssertSqlSafe(format!("VACUUM (ANALYZE) {table}"))));
            let silent = || Error::Unavailable(format!("ANALYZE of {table} took over half an hour"));
            tokio::time::timeout(ANALYZE, analyze).await.map_err(|_| silent())??;
            let _ = conn.close().await;
        }
        Ok(())
    }

    /// Begins to read a table that may have grown a thousandfold; see [`Db::begin_bulk`]. Nothing can be written.
    pub async fn read_bulk(&self) -> Result<Transaction, Error> {
        match self {
            Self::Sqlite(sqlite) => begin_sqlite(sqlite.readers(), "BEGIN").await,
            Self::Postgres(postgres) => begin_postgres(postgres, PLAN_EACH_TIME).await,
        }
    }

    /// Whether this process made a transaction durable within the last `time`.
    pub fn has_committed_within(&self, time: Duration) -> bool {
        match self {
            Self::Sqlite(Sqlites { writer, .. }) => writer.has_committed_within(time),
            Self::Postgres(postgres) => postgres.has_committed_within(time),
        }
    }

    /// Folds SQLite's log into the file and empties it; false while somebody reads what only the log holds. Writers wait
    /// meanwhile, but not for readers. PostgreSQL looks after its log itself.
    pub async fn empty_log(&self) -> Result<bool, Error> {
        let Self::Sqlite(sqlite) = self else { return Ok(true) };
        let mut lent = sqlite.writer.lend().await?;
        let (link, state) = lent.parts()?;
        sqlite::empty_log(link, state).await
    }

    /// Waits for what is under way and closes every connection; SQLite folds its log into the file.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(Sqlites { writer, readers, background, by_key, .. }) => {
                tokio::join!(readers.close(), background.close(), by_key.close());
                writer.close().await;
            }
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

async fn begin_postgres(postgres: &Postgres, setting: &str) -> Result<Transaction, Error> {
    let mut lent = postgres.pool().lend().await?;
    let (link, state) = lent.parts()?;
    link.begin(state, setting).await?;
    Ok(Transaction::Postgres(PostgresTransaction { lent, has_failed: false }))
}

/// The transaction begins with its first statement.
async fn begin_sqlite(pool: &Pool<SqliteLink>, begin: &'static str) -> Result<Transaction, Error> {
    let mut lent = pool.lend().await?;
    let (_, state) = lent.parts()?;
    *state = State::Open;
    Ok(Transaction::Sqlite(SqliteTransaction { lent, unsent: vec![Command::plain(begin)] }))
}

fn rows_of(answered: Answered) -> Vec<Row> {
    answered.rows.into_iter().map(Row::Sqlite).collect()
}

impl Transaction {
    /// Whether what is erased stays in a log that is ours to empty.
    pub fn log_keeps_erased_rows(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    /// From here on PostgreSQL makes a plan for each statement and keeps none; see [`Db::begin_bulk`].
    pub async fn plan_each_time(&mut self) -> Result<(), Error> {
        self.set("SET LOCAL plan_cache_mode = force_custom_plan").await
    }

    /// From here on PostgreSQL keeps the plan of a statement: for one that only adds rows, making it costs as much as
    /// running it, and no other is to be found.
    pub async fn plan_once(&mut self) -> Result<(), Error> {
        self.set("SET LOCAL plan_cache_mode = force_generic_plan").await
    }

    async fn set(&mut self, setting: &'static str) -> Result<(), Error> {
        if let Self::Postgres(tx) = self {
            let (link, state) = tx.lent.parts()?;
            let set = link.conn.execute(sqlx::raw_sql(setting));
            let set = watched(state, link.options.limit, State::Open, set).await;
            tx.noted(set)?;
        }
        Ok(())
    }

    /// Reads inside the transaction.
    pub async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, Error> {
        Ok(match self {
            Self::Sqlite(tx) => rows_of(tx.run(sqlite_command(statement, Wants::Rows)).await?),
            Self::Postgres(tx) => {
                let rows = on_postgres!(tx.lent, State::Open, statement, fetch_all);
                tx.noted(rows)?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    reads!(self, &mut self);

    /// Writes; answers the number of rows touched.
    pub async fn execute(&mut self, statement: Statement) -> Result<u64, Error> {
        Ok(match self {
            Self::Sqlite(tx) => tx.run(sqlite_command(statement, Wants::Count)).await?.touched,
            Self::Postgres(tx) => {
                let done = on_postgres!(tx.lent, State::Open, statement, execute);
                tx.noted(done)?.rows_affected()
            }
        })
    }

    /// Writes exactly one row, or fails and leaves the transaction to be dropped. The failure may show only with a later
    /// statement or at the commit.
    pub async fn execute_one(&mut self, what: &'static str, statement: Statement) -> Result<(), Error> {
        if let Self::Sqlite(tx) = self {
            return tx.leave(sqlite_command(statement, Wants::One(what)));
        }
        match self.execute(statement).await? {
            1 => Ok(()),
            rows => Err(Error::Corrupt(format!("{what} touched {rows} rows instead of one"))),
        }
    }

    /// Writes any number of rows. The failure may show only with a later statement or at the commit.
    pub async fn execute_any(&mut self, statement: Statement) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => tx.leave(sqlite_command(statement, Wants::Count)),
            Self::Postgres(_) => self.execute(statement).await.map(drop),
        }
    }

    /// Runs several statements without values, on SQLite.
    async fn execute_script(&mut self, text: String) -> Result<(), Error> {
        match self {
            Self::Sqlite(tx) => {
                tx.leave(Command { text: text.into(), values: Vec::new(), wants: Wants::Script })
            }
            Self::Postgres(_) => Err(Error::Corrupt("a script runs on SQLite only".to_owned())),
        }
    }

    /// Makes it durable. [`Error::CommitUnknown`] when the answer was lost.
    pub async fn commit(self) -> Result<(), Error> {
        let committed = match self {
            Self::Sqlite(tx) => return tx.commit().await,
            Self::Postgres(PostgresTransaction { has_failed: true, .. }) => {
                return Err(Error::Unavailable("a statement of the transaction failed".to_owned()));
            }
            Self::Postgres(PostgresTransaction { mut lent, .. }) => {
                let (link, state) = lent.parts()?;
                let commit = link.conn.execute(sqlx::raw_sql("COMMIT"));
                watched(state, link.options.limit, State::Clean, commit).await.map(|_| lent.note_commit())
            }
        };
        committed.map_err(|error| match failure::is_refusal(&error) {
            true => Error::from(error),
            false => Error::CommitUnknown(error.to_string()),
        })
    }
}

impl SqliteTransaction {
    /// Sends what was left so far and the statement, and waits for its answer.
    async fn run(&mut self, command: Command) -> Result<Answered, Error> {
        let mut commands = std::mem::take(&mut self.unsent);
        commands.push(command);
        let (link, state) = self.lent.parts()?;
        Ok(link.run(state, State::Open, commands).await.map_err(|(_, failure)| failure)?)
    }

    /// Leaves a statement to be sent with the next one; many rows are sent at once.
    fn leave(&mut self, command: Command) -> Result<(), Error> {
        let is_large = matches!(command.wants, Wants::Each { .. });
        self.unsent.push(command);
        if is_large {
            let (link, _) = self.lent.parts()?;
            link.send(std::mem::take(&mut self.unsent));
        }
        Ok(())
    }

    async fn commit(mut self) -> Result<(), Error> {
        let mut commands = std::mem::take(&mut self.unsent);
        commands.push(Command::plain("COMMIT"));
        let (link, state) = self.lent.parts()?;
        let committed = link.run(state, State::Clean, commands).await;
        committed
            .map(|_| self.lent.note_commit())
            .map_err(|(was_tried, failure)| failure.of_commit(was_tried))
    }
}

impl PostgresTransaction {
    fn noted<T>(&mut self, ended: sqlx::Result<T>) -> sqlx::Result<T> {
        self.has_failed |= ended.is_err();
        ended
    }
}
