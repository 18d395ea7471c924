//! SQLite: one connection that writes and several that only read. Readers are interrupted at their limit; the writer
//! never is, and works in short transactions.

mod thread;

use std::{
    borrow::Cow,
    fs::OpenOptions,
    io,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc, LazyLock, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use percent_encoding::percent_decode_str;
use rusqlite::{Connection, OpenFlags};

pub use thread::{Answered, Command, Failure, Outcome, Wants};

use self::thread::{ConnectionThread, ROLLBACK};
use super::{
    DatabaseOptions,
    pool::{Link, Pool, State},
    purpose::Purpose,
    row::Row,
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

/// Statements that a connection keeps prepared.
const PREPARED: usize = 200;

/// How to open a connection.
#[derive(Clone)]
pub struct SqliteOptions {
    file: PathBuf,
    flags: OpenFlags,
    /// What is run first.
    pragmas: String,
    /// Whether it only reads, and so may be interrupted.
    reads: bool,
}

/// A connection.
pub struct SqliteLink {
    thread: ConnectionThread,
    /// When its statement is interrupted; none for the writer.
    deadline: Option<Deadline>,
}

impl SqliteLink {
    /// Runs statements, one behind the other, and answers the last one. A reader is interrupted at its limit; the writer is
    /// waited for. Until it has ended the connection counts as busy.
    pub async fn run(&mut self, state: &mut State, after: State, commands: Vec<Command>) -> Outcome {
        if let Some(deadline) = &self.deadline {
            deadline.set(Purpose::current().statement_limit());
        }
        let before = std::mem::replace(state, State::Busy);
        let outcome = self.thread.run(commands).await;
        *state = match &outcome {
            Ok(_) => after,
            Err((_, failure)) if failure.spoils_connection() => State::Broken,
            Err(_) => before,
        };
        outcome
    }

    /// Has statements run whose failure fails what is run behind them, up to the rollback.
    pub fn send(&mut self, commands: Vec<Command>) {
        self.thread.send(commands);
    }
}

/// A connection that many share for reads by key, one behind the other: each takes microseconds, and a thread for each of
/// them would have to be woken for each of them.
#[derive(Clone)]
pub struct SharedReader {
    options: SqliteOptions,
    link: Arc<Mutex<Kept>>,
}

/// What a shared reader has.
#[derive(Default)]
struct Kept {
    link: Option<Arc<SqliteLink>>,
    is_closed: bool,
}

impl SharedReader {
    /// Opens nothing yet.
    fn new(options: SqliteOptions) -> Self {
        Self { options, link: Arc::default() }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a statement that reads by key.
    pub async fn run(&self, command: Command) -> Result<Answered, Error> {
        let kept = self.kept().link.clone();
        let link = match kept {
            Some(link) => link,
            None => self.open().await?,
        };
        if let Some(deadline) = &link.deadline {
            deadline.set(Purpose::current().statement_limit());
        }
        link.thread.run_shared(command).await.map_err(|(_, failure)| {
            if failure.spoils_connection() {
                self.kept().link = None;
            }
            failure.into()
        })
    }

    async fn open(&self) -> Result<Arc<SqliteLink>, Error> {
        let closed = || Error::Unavailable("it is being closed".to_owned());
        if self.kept().is_closed {
            return Err(closed());
        }
        let opened = Arc::new(SqliteLink::open(&self.options).await?);
        let mut kept = self.kept();
        if kept.is_closed {
            return Err(closed());
        }
        Ok(Arc::clone(kept.link.insert(opened)))
    }

    /// Closes the connection behind what is under way; nothing is read from then on.
    pub async fn close(&self) {
        let link = {
            let mut kept = self.kept();
            kept.is_closed = true;
            kept.link.take()
        };
        if let Some(link) = link {
            link.thread.close().await;
        }
    }
}

impl Link for SqliteLink {
    type Options = SqliteOptions;

    async fn open(options: &SqliteOptions) -> Result<Self, Error> {
        let deadline = options.reads.then(Deadline::none);
        let (options, looked_at) = (options.clone(), deadline.clone());
        let thread = ConnectionThread::start(move || {
            let connection = Connection::open_with_flags(&options.file, options.flags)?;
            connection.busy_timeout(BUSY)?;
            connection.set_prepared_statement_cache_capacity(PREPARED);
            connection.execute_batch(&options.pragmas)?;
            if let Some(deadline) = looked_at {
                connection.progress_handler(INSTRUCTIONS, Some(move || deadline.is_over()))?;
            }
            Ok(connection)
        });
        Ok(Self { thread: thread.await?, deadline })
    }

    async fn answers(&mut self) -> bool {
        self.thread.run(Vec::new()).await.is_ok()
    }

    fn interrupt(&mut self) {
        if let Some(deadline) = &self.deadline {
            deadline.set(Duration::ZERO);
        }
    }

    /// The rollback runs behind what is still running, which is short.
    async fn recover(self, _busy: bool) -> Option<Self> {
        if let Some(deadline) = &self.deadline {
            // The statement is interrupted by now or was never begun; the rollback is not to be.
            if let Err((_, Failure::Ended)) = self.thread.run(Vec::new()).await {
                return None;
            }
            deadline.set(WAIT);
        }
        match self.thread.run(vec![Command::plain(ROLLBACK)]).await {
            Ok(_) => Some(self),
            // Where nothing is open there is nothing to roll back, which SQLite calls an error of the plainest code.
            Err((_, Failure::Refused { code: 1, .. })) => Some(self),
            Err(_) => None,
        }
    }

    async fn close(self) {
        self.thread.close().await;
    }
}

/// The file that a URL names, and how it is opened. A name may hold `%3F` for a question mark and `%25` for a percent sign.
fn file_of(url: &str) -> Result<(PathBuf, OpenFlags), Error> {
    let unreadable = |why: &str| Error::Options(format!("the SQLite URL is not readable: {why}"));
    let name = url.trim_start_matches("sqlite:").trim_start_matches("//");
    let (name, query) = name.split_once('?').unwrap_or((name, ""));
    let flags = match query {
        "mode=ro" => OpenFlags::SQLITE_OPEN_READ_ONLY,
        "" | "mode=rw" => OpenFlags::SQLITE_OPEN_READ_WRITE,
        "mode=rwc" => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        _ => return Err(unreadable("the only parameter is mode, which is ro, rw or rwc")),
    };
    let name: Cow<'_, str> =
        percent_decode_str(name).decode_utf8().map_err(|_| unreadable("its file name is not UTF-8"))?;
    Ok((PathBuf::from(name.as_ref()), flags | OpenFlags::SQLITE_OPEN_NO_MUTEX))
}

/// The pools of one file: the writer, readers of requests, readers of the background; and the reader that all share.
pub async fn open(options: &DatabaseOptions) -> Result<([Pool<SqliteLink>; 3], SharedReader), Error> {
    let (file, mut flags) = file_of(&options.url)?;
    let is_read_only = flags.contains(OpenFlags::SQLITE_OPEN_READ_ONLY);
    // What belongs to a setting goes with it on PostgreSQL by itself.
    let mut pragmas = "PRAGMA foreign_keys = ON; PRAGMA mmap_size = 0;".to_owned();
    if let Some(pages) = options.sqlite_max_pages {
        pragmas.push_str(&format!("PRAGMA max_page_count = {pages};"));
    }
    if !is_read_only {
        if options.create {
            flags |= OpenFlags::SQLITE_OPEN_CREATE;
        }
        if flags.contains(OpenFlags::SQLITE_OPEN_CREATE) {
            make_private(&file)?;
        }
    }
    let read = SqliteOptions {
        file: file.clone(),
        flags: OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        pragmas: pragmas.clone(),
        reads: true,
    };
    if !is_read_only {
        // A sync touches most of an index in every transaction: keep it in memory, copy it back seldom.
        pragmas.push_str(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768; \
             PRAGMA wal_autocheckpoint = 16000; PRAGMA secure_delete = ON;",
        );
    }
    let write = SqliteOptions { file, flags, pragmas, reads: false };
    let writer = Pool::new(write, 1, WAIT, false);
    drop(writer.lend().await?);
    let readers = || Pool::new(read.clone(), options.connections.clamp(1, 4), WAIT, false);
    Ok(([writer, readers(), readers()], SharedReader::new(read.clone())))
}

/// Folds the log into the file and cuts it to nothing; false while a reader needs what only the log holds. Readers are not
/// waited for, since no other write would begin meanwhile.
pub async fn empty_log(writer: &mut SqliteLink, state: &mut State) -> Result<bool, Error> {
    let command = |text: String, wants| vec![Command { text: text.into(), values: Vec::new(), wants }];
    let wait_for_others =
        |time: Duration| command(format!("PRAGMA busy_timeout = {};", time.as_millis()), Wants::Script);
    let checkpoint = command("PRAGMA wal_checkpoint(TRUNCATE)".to_owned(), Wants::Rows);
    writer.run(state, State::Clean, wait_for_others(Duration::ZERO)).await.map_err(|(_, failure)| failure)?;
    let tried = writer.run(state, State::Clean, checkpoint).await;
    let restored = writer.run(state, State::Clean, wait_for_others(BUSY)).await;
    let answered = tried.and_then(|answered| restored.map(|_| answered)).map_err(|(_, failure)| failure)?;
    let row = answered.rows.into_iter().next().map(Row::Sqlite);
    row.map_or(Ok(true), |row| Ok(row.get::<i64>("busy")? == 0))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Ground, Transaction, sql};

    #[tokio::test]
    async fn a_thread_that_ended_before_it_answered_a_commit_leaves_its_outcome_open() {
        let ground = Ground::sqlite("ended").await;
        let mut tx = ground.db.begin().await.unwrap();
        tx.execute_any(sql("INSERT INTO rows VALUES (1, 'lost')")).await.unwrap();
        if let Transaction::Sqlite(tx) = &mut tx {
            tx.lent.parts().unwrap().0.thread.close().await;
        }
        let ended = tx.commit().await;
        assert!(matches!(ended, Err(Error::CommitUnknown(_))), "{ended:?}");
        ground.end().await;
    }

    #[tokio::test]
    async fn a_statement_behind_one_that_failed_is_known_not_to_have_been_run() {
        let thread = ConnectionThread::start(Connection::open_in_memory).await.unwrap();
        thread.send(vec![Command::plain("INSERT INTO nowhere VALUES (1)")]);
        assert!(matches!(thread.run(vec![Command::plain("COMMIT")]).await, Err((false, _))));
        assert!(
            matches!(thread.run(vec![Command::plain(ROLLBACK)]).await, Err((true, _))),
            "nothing is open"
        );
        let batch = ["BEGIN", "INSERT INTO nowhere VALUES (1)", "COMMIT"].map(Command::plain);
        assert!(matches!(thread.run(batch.into()).await, Err((false, _))));
        assert!(thread.run(vec![Command::plain("COMMIT")]).await.is_ok());
        assert!(matches!(thread.run(vec![Command::plain("COMMIT")]).await, Err((true, _))));
    }
}
