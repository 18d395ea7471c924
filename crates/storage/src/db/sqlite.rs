//! SQLite: one connection that writes and several that only read. Readers are interrupted at their limit; the writer
//! never is, and works in short transactions.

use std::{
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    str::FromStr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions, Connection, Executor, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};

use super::{
    DatabaseOptions,
    pool::{Link, Pool},
};
use crate::Error;

/// SQLite compares the clock whenever it has run about so many of its instructions.
const INSTRUCTIONS: i32 = 10_000;
/// How long a statement waits for another process's write.
const BUSY: Duration = Duration::from_secs(5);
/// How long a connection is waited for.
const WAIT: Duration = Duration::from_secs(10);

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Until when a reader's statement may run, in milliseconds since [`START`].
#[derive(Clone)]
pub struct Deadline(Arc<AtomicU64>);

impl Deadline {
    fn none() -> Self {
        Self(Arc::new(AtomicU64::new(u64::MAX)))
    }

    fn is_over(&self) -> bool {
        START.elapsed().as_millis() as u64 >= self.0.load(Ordering::Relaxed)
    }

    /// From now on statements end after `limit`.
    pub fn set(&self, limit: Duration) {
        let end = (START.elapsed() + limit).as_millis() as u64;
        self.0.store(end, Ordering::Relaxed);
    }
}

/// How to open a connection.
pub struct SqliteOptions {
    connect: SqliteConnectOptions,
    /// Whether it only reads, and so may be interrupted.
    reads: bool,
}

/// A connection.
pub struct SqliteLink {
    /// sqlx's.
    pub conn: SqliteConnection,
    /// When its statement is interrupted; none for the writer.
    pub deadline: Option<Deadline>,
}

impl Link for SqliteLink {
    type Options = SqliteOptions;

    async fn open(options: &SqliteOptions) -> Result<Self, Error> {
        let mut conn = options.connect.connect().await?;
        if !options.reads {
            return Ok(Self { conn, deadline: None });
        }
        let deadline = Deadline::none();
        let looked_at = deadline.clone();
        conn.lock_handle().await?.set_progress_handler(INSTRUCTIONS, move || !looked_at.is_over());
        Ok(Self { conn, deadline: Some(deadline) })
    }

    async fn answers(&mut self) -> bool {
        self.conn.ping().await.is_ok()
    }

    fn interrupt(&mut self) {
        if let Some(deadline) = &self.deadline {
            deadline.set(Duration::ZERO);
        }
    }

    /// The rollback runs behind what is still running, which is short.
    async fn recover(mut self, _busy: bool) -> Option<Self> {
        if let Some(deadline) = &self.deadline {
            // The statement is interrupted by now or was never begun; the rollback is not to be.
            self.conn.ping().await.ok()?;
            deadline.set(WAIT);
        }
        match self.conn.execute("ROLLBACK").await {
            Ok(_) => Some(self),
            // Where nothing is open there is nothing to roll back, which SQLite calls an error of the plainest code.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("1") => Some(self),
            Err(_) => None,
        }
    }

    async fn close(self) {
        let _ = self.conn.close().await;
    }
}

/// The pools of one file: the writer, readers of requests, readers of the background.
pub async fn open(options: &DatabaseOptions) -> Result<[Pool<SqliteLink>; 3], Error> {
    let connect = SqliteConnectOptions::from_str(&options.url)
        .map_err(|e| Error::Options(format!("the SQLite URL is not readable: {e}")))?
        .busy_timeout(BUSY)
        // What belongs to a setting goes with it on PostgreSQL by itself.
        .foreign_keys(true)
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
    let read = connect.read_only(true).create_if_missing(false);
    let writer = Pool::new(SqliteOptions { connect: write, reads: false }, 1, WAIT, false);
    drop(writer.lend().await?);
    let readers = || {
        let options_of_reader = SqliteOptions { connect: read.clone(), reads: true };
        Pool::new(options_of_reader, options.connections.clamp(1, 4), WAIT, false)
    };
    Ok([writer, readers(), readers()])
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
