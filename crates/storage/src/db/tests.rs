//! What a database that locks, sleeps, dies or fills up does to its connections, on both databases.

use std::{
    future::{Future, poll_fn},
    path::PathBuf,
    pin::pin,
    process::Command,
    task::Poll,
    time::{Duration, Instant},
};

use super::*;

const TABLE: &str = "CREATE TABLE rows (id BIGINT PRIMARY KEY, value TEXT NOT NULL)";
/// No lease is as short; sessions that idle in a transaction end after 5 s.
const LEASE: Duration = Duration::from_secs(1);

/// An empty table in a database of the test's own, with one connection for the background.
pub(crate) struct Ground {
    /// The database.
    pub(crate) db: Db,
    url: String,
    name: Option<String>,
}

impl Ground {
    pub(crate) async fn sqlite(name: &str) -> Self {
        let file = std::env::temp_dir().join(format!("adept-db-{name}-{}.db", std::process::id()));
        Self::at(format!("sqlite://{}", file.display()), None).await
    }

    pub(crate) async fn postgres(name: &str) -> Self {
        let server = server();
        let name = format!("adept_test_db_{name}_{}", std::process::id());
        run(&server, &format!("CREATE DATABASE {name}")).await;
        let (base, _) = server.rsplit_once('/').unwrap();
        Self::at(format!("{base}/{name}"), Some(name)).await
    }

    async fn at(url: String, name: Option<String>) -> Self {
        let ground = Self { db: opened(&url).await, url, name };
        ground.write(TABLE).await.unwrap();
        ground
    }

    async fn write(&self, text: &'static str) -> Result<(), Error> {
        write(&self.db, text).await
    }

    async fn count(&self) -> i64 {
        let row = self.db.row(sql("SELECT COUNT(*) AS total FROM rows")).await.unwrap().unwrap();
        row.get("total").unwrap()
    }

    /// Sessions of PostgreSQL's that hold a transaction open.
    async fn idle_transactions(&self) -> i64 {
        let mut admin = sqlx::PgConnection::connect(&self.url).await.unwrap();
        let count = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
        sqlx::query_scalar(count).fetch_one(&mut admin).await.unwrap()
    }

    pub(crate) async fn end(self) {
        self.db.close().await;
        match (self.name, self.url.strip_prefix("sqlite://")) {
            (Some(name), _) => run(&server(), &format!("DROP DATABASE {name} WITH (FORCE)")).await,
            (None, Some(file)) => std::fs::remove_file(file).unwrap(),
            (None, None) => {}
        }
    }
}

fn server() -> String {
    std::env::var("ADEPT_TEST_POSTGRES_URL").expect("`cargo xtask test` sets it")
}

async fn run(url: &str, text: &str) {
    let mut admin = sqlx::PgConnection::connect(url).await.unwrap();
    admin.execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned()))).await.unwrap();
}

async fn opened(url: &str) -> Db {
    let url = url.to_owned();
    let options = DatabaseOptions { url, sqlite_max_pages: None, connections: 2, create: true, lease: LEASE };
    Db::open(&options).await.unwrap()
}

async fn write(db: &Db, text: &'static str) -> Result<(), Error> {
    let mut tx = db.begin().await?;
    tx.execute(sql(text)).await?;
    tx.commit().await
}

/// Polls once and drops what is not ready; whether it was dropped. A fast database may have answered already.
async fn is_given_up<T>(work: impl Future<Output = T>) -> bool {
    let mut work = pin!(work);
    poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())).await
}

/// `slow` inserts a row and is not answered before it was polled for the first time.
async fn transactions_that_are_given_up_leave_nothing_behind(ground: Ground, slow: &'static str) {
    let mut given_up = [0, 0];
    for _ in 0..50 {
        given_up[0] += u32::from(is_given_up(ground.db.begin()).await);
        let mut tx = ground.db.begin().await.unwrap();
        tx.execute(sql("INSERT INTO rows VALUES (1, 'given up')")).await.unwrap();
        let statement = tx.execute(sql(slow));
        given_up[1] += u32::from(is_given_up(statement).await);
        drop(tx);
        let mut tx = ground.db.begin().await.unwrap();
        assert!(matches!(tx.execute(sql("INSERT INTO nowhere VALUES (1)")).await, Err(Error::Corrupt(_))));
        drop(tx);
        assert_eq!(ground.count().await, 0);
    }
    // A busy machine may have answered each BEGIN by then.
    assert!(given_up[1] > 0, "run before it was given up: {given_up:?}");
    ground.write("INSERT INTO rows VALUES (1, 'kept')").await.unwrap();
    assert_eq!(ground.count().await, 1);
    if ground.name.is_some() {
        assert_eq!(ground.idle_transactions().await, 0);
    }
    ground.end().await;
}

#[tokio::test]
async fn transactions_that_are_given_up_leave_nothing_behind_on_sqlite() {
    let slow = "INSERT INTO rows VALUES (2, 'given up')";
    transactions_that_are_given_up_leave_nothing_behind(Ground::sqlite("given_up").await, slow).await;
}

#[tokio::test]
async fn transactions_that_are_given_up_leave_nothing_behind_on_postgresql() {
    let slow = "INSERT INTO rows SELECT 2, 'given up' FROM pg_sleep(0.02)";
    transactions_that_are_given_up_leave_nothing_behind(Ground::postgres("given_up").await, slow).await;
}

/// A test on both databases.
macro_rules! on_both {
    ($test:ident, $sqlite:ident, $postgresql:ident) => {
        #[tokio::test]
        async fn $sqlite() {
            $test(Ground::sqlite(stringify!($test)).await).await;
        }

        #[tokio::test]
        async fn $postgresql() {
            $test(Ground::postgres(stringify!($test)).await).await;
        }
    };
}

/// On SQLite the failure of a write that nobody waits for shows later; nothing of its transaction is stored.
async fn a_write_of_too_few_rows_fails_its_transaction(ground: Ground) {
    let written = async |last: &'static str| {
        let mut tx = ground.db.begin().await?;
        tx.execute_any(sql("INSERT INTO rows VALUES (1, 'a')")).await?;
        tx.execute_one("one row", sql("UPDATE rows SET value = 'b' WHERE id = 7")).await?;
        if !last.is_empty() {
            tx.execute(sql(last)).await?;
        }
        tx.commit().await
    };
    for last in ["", "INSERT INTO rows VALUES (2, 'c')"] {
        let ended = written(last).await;
        assert!(
            matches!(&ended, Err(Error::Corrupt(what)) if what.contains("one row touched 0")),
            "{ended:?}"
        );
        assert_eq!(ground.count().await, 0);
    }
    ground.write("INSERT INTO rows VALUES (1, 'kept')").await.unwrap();
    ground.end().await;
}

on_both!(
    a_write_of_too_few_rows_fails_its_transaction,
    a_write_of_too_few_rows_fails_its_transaction_on_sqlite,
    a_write_of_too_few_rows_fails_its_transaction_on_postgresql
);

async fn a_closed_database_answers_nothing(ground: Ground) {
    let read = async || ground.db.row(sql("SELECT COUNT(*) AS total FROM rows").by_key()).await;
    assert!(read().await.unwrap().is_some());
    ground.db.close().await;
    assert!(matches!(read().await, Err(Error::Unavailable(_))));
    ground.end().await;
}

on_both!(
    a_closed_database_answers_nothing,
    a_closed_database_answers_nothing_on_sqlite,
    a_closed_database_answers_nothing_on_postgresql
);

async fn many_rows_are_inserted_all_or_none(ground: Ground) {
    let statement = "INSERT INTO rows (value, id) {inserted}";
    let plain = async |ids: &[i64]| {
        let mut tx = ground.db.begin().await?;
        let ids = ids.iter().map(|id| Value::from(*id)).collect();
        tx.execute_any(sql(statement).bind("many").inserting(ids, 1)).await?;
        tx.commit().await
    };
    plain(&[1, 2, 3]).await.unwrap();
    assert!(matches!(plain(&[4, 5, 2]).await, Err(Error::Taken(_))));
    assert_eq!(ground.count().await, 3, "none of the rows beside the one that is taken");
    plain(&[4, 5]).await.unwrap();
    assert_eq!(ground.count().await, 5);
    ground.end().await;
}

on_both!(
    many_rows_are_inserted_all_or_none,
    many_rows_are_inserted_all_or_none_on_sqlite,
    many_rows_are_inserted_all_or_none_on_postgresql
);

async fn a_statement_ends_at_its_limit_and_its_connection_goes_on(ground: Ground, endless: &'static str) {
    let begun = Instant::now();
    let ended = Purpose::Probe.scope(ground.db.rows(sql(endless))).await;
    assert!(matches!(ended, Err(Error::OutOfTime(_))), "{:?}", ended.err());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let begun = Instant::now();
    let counted = Purpose::Probe.scope(ground.count()).await;
    assert!(counted == 0 && begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    ground.end().await;
}

#[tokio::test]
async fn a_statement_ends_at_its_limit_and_its_connection_goes_on_on_sqlite() {
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n";
    a_statement_ends_at_its_limit_and_its_connection_goes_on(Ground::sqlite("limit").await, endless).await;
}

#[tokio::test]
async fn a_statement_ends_at_its_limit_and_its_connection_goes_on_on_postgresql() {
    let ground = Ground::postgres("limit").await;
    a_statement_ends_at_its_limit_and_its_connection_goes_on(ground, "SELECT pg_sleep(60)::text").await;
}

#[tokio::test]
async fn a_connection_whose_rollback_fails_is_closed() {
    let ground = Ground::postgres("rollback").await;
    let mut tx = ground.db.begin().await.unwrap();
    tx.execute(sql("INSERT INTO rows VALUES (1, 'lost')")).await.unwrap();
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    run(&ground.url, others).await;
    drop(tx);
    ground.write("INSERT INTO rows VALUES (1, 'kept')").await.unwrap();
    assert_eq!(ground.count().await, 1);
    ground.end().await;
}

#[tokio::test]
async fn a_lock_that_does_not_come_is_not_waited_for() {
    let ground = Ground::postgres("lock").await;
    ground.write("INSERT INTO rows VALUES (1, 'a')").await.unwrap();
    let mut holder = sqlx::PgConnection::connect(&ground.url).await.unwrap();
    holder.execute("BEGIN; UPDATE rows SET value = 'b'").await.unwrap();
    let begun = Instant::now();
    let ended = ground.write("UPDATE rows SET value = 'c'").await;
    assert!(matches!(ended, Err(Error::Unavailable(_))), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
    holder.execute("ROLLBACK").await.unwrap();
    ground.write("UPDATE rows SET value = 'c'").await.unwrap();
    drop(holder);
    ground.end().await;
}

#[tokio::test]
async fn a_process_that_freezes_in_a_transaction_holds_others_up_no_longer_than_a_lease() {
    let ground = Ground::postgres("frozen").await;
    ground.write("INSERT INTO rows VALUES (1, 'a')").await.unwrap();
    let frozen = opened(&ground.url).await;
    let mut tx = frozen.begin().await.unwrap();
    tx.execute(sql("UPDATE rows SET value = 'frozen'")).await.unwrap();
    let begun = Instant::now();
    while ground.write("UPDATE rows SET value = 'b'").await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(8), "the lock did not come");
    }
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    // When it goes on, its transaction is gone and its connection is replaced.
    assert!(matches!(tx.commit().await, Err(Error::Unavailable(_) | Error::CommitUnknown(_))));
    write(&frozen, "UPDATE rows SET value = 'c'").await.unwrap();
    frozen.close().await;
    ground.end().await;
}

/// A file system of its own, gone at the end. Only root may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn new(size: &str) -> Self {
        let path = std::env::temp_dir().join(format!("adept-small-disk-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", size, "tmpfs"]).arg(&path).status();
        assert!(
            mount.unwrap().success(),
            "this test mounts a small file system: run it as root (CONTRIBUTING.md)"
        );
        Self(path)
    }

    /// Takes all the room that is left.
    fn fill(&self) -> PathBuf {
        let file = self.0.join("filler");
        let filled = Command::new("dd")
            .args(["if=/dev/zero", "bs=4096"])
            .arg(format!("of={}", file.display()))
            .output();
        assert!(!filled.unwrap().status.success(), "the disk is full");
        file
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[tokio::test]
async fn writes_work_again_by_themselves_once_a_full_disk_has_room_again() {
    const FILL: &str =
        "INSERT INTO rows SELECT COALESCE((SELECT MAX(id) FROM rows), 0) + 1, hex(zeroblob(30000))";
    let disk = SmallDisk::new("size=4m");
    let ground = Ground::at(format!("sqlite://{}", disk.0.join("adept.db").display()), None).await;
    ground.write(FILL).await.unwrap();
    for _ in 0..3 {
        let before = ground.count().await;
        let filler = disk.fill();
        // What room its files have left is used up first.
        let mut written = 0;
        let error = loop {
            match ground.write(FILL).await {
                Ok(()) => written += 1,
                Err(error) => break error,
            }
        };
        assert!(matches!(error, Error::Unavailable(_)), "{error}");
        assert!(ground.write(FILL).await.is_err(), "it stays full");
        assert_eq!(ground.count().await, before + written, "it can be read while it is full");
        std::fs::remove_file(filler).unwrap();
        ground.write(FILL).await.unwrap();
        assert_eq!(ground.count().await, before + written + 1);
        ground.write("DELETE FROM rows WHERE id > 1").await.unwrap();
    }
    ground.db.close().await;
}
