//! A fresh database per test. PostgreSQL comes from `ADEPT_TEST_POSTGRES_URL`, which `cargo xtask test` sets.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use adept::{
    domain::TenantId,
    storage::{DatabaseOptions, SealingKey, Storage, StorageOptions},
};
use jiff::Timestamp;
use sqlx::Connection as _;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file in a temporary folder.
    Sqlite,
    /// A database of its own on the test server.
    Postgres,
}

/// Makes a test for each database of each function named.
macro_rules! on_both_databases {
    ($($test:ident)*) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::database::Kind::Sqlite).await;
            })*
        }

        mod on_postgresql {
            $(#[tokio::test]
            async fn $test() {
                super::$test($crate::support::database::Kind::Postgres).await;
            })*
        }
    };
}
pub(crate) use on_both_databases;

/// A fresh database with a sealing key; removed at the end.
pub struct TestDatabase {
    /// Its URL.
    pub url: String,
    /// A folder of its own.
    pub folder: tempfolder::Folder,
    dropped: Option<String>,
    /// Whether a test wrote devices past the storage, which keeps books of them.
    writes_devices: AtomicBool,
}

/// What is kept of devices in their own transactions, made again from the devices.
const KEPT_OF_DEVICES: &str = "DELETE FROM device_counts; DELETE FROM serial_blocks; \
    INSERT INTO device_counts (tenant, setting, platform, source, deleted, supervised, desired_profile, profile_status, number) \
    SELECT tenant, setting, platform, source, deleted, COALESCE(supervised, FALSE), \
    COALESCE(desired_profile, unhex('00000000000000000000000000000000')), COALESCE(profile_status, ''), COUNT(*) \
    FROM devices GROUP BY 1, 2, 3, 4, 5, 6, 7, 8; \
    INSERT INTO serial_blocks (tenant, setting, description, block, serial_keys) \
    SELECT tenant, setting, lower(substr(COALESCE(description, ''), 1, 40) COLLATE \"binary\"), 0, \
    string_agg(serial_key || '\n', '') FROM devices GROUP BY 1, 2, 3;";

/// Devices that are counted otherwise than they are stored, and serial numbers that do not stand in a block of their setting
/// and description, of which 40 characters count in tests.
const KEPT_WRONGLY: &str = "WITH stored AS (SELECT tenant, setting, platform, source, deleted, \
    COALESCE(supervised, FALSE) AS supervised, desired_profile, profile_status, COUNT(*) AS number FROM devices \
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8), \
    counted AS (SELECT tenant, setting, platform, source, deleted, supervised, desired_profile, profile_status, number \
    FROM counted_devices) \
    SELECT (SELECT COUNT(*) FROM (SELECT * FROM stored EXCEPT SELECT * FROM counted) AS missing) \
    + (SELECT COUNT(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM stored) AS wrong) \
    + (SELECT COUNT(*) FROM devices WHERE NOT EXISTS (SELECT 1 FROM serial_blocks \
    WHERE serial_blocks.tenant = devices.tenant AND serial_blocks.setting = devices.setting \
    AND serial_blocks.description = lower(substr(COALESCE(devices.description, ''), 1, 40) COLLATE \"binary\") \
    AND instr(serial_keys, serial_key || '\n') > 0))";

/// A time that every test can start from.
pub fn noon() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

/// An id that is the same in every run.
pub fn tenant(number: u128) -> TenantId {
    TenantId(uuid::Uuid::from_u128(0x1000_0000_0000_4000_8000_0000_0000_0000 + number))
}

fn postgres_server() -> String {
    std::env::var("ADEPT_TEST_POSTGRES_URL").expect(
        "ADEPT_TEST_POSTGRES_URL is not set: run `cargo xtask test`, or `cargo xtask pg` in another terminal",
    )
}

impl TestDatabase {
    /// A fresh, empty database.
    pub async fn new(kind: Kind) -> Self {
        let folder = tempfolder::Folder::new();
        match kind {
            Kind::Sqlite => {
                let url = format!("sqlite://{}", folder.path().join("adept.db").display());
                Self { url, folder, dropped: None, writes_devices: AtomicBool::new(false) }
            }
            Kind::Postgres => {
                let server = postgres_server();
                let name = format!("adept_test_{}", folder.name());
                let mut admin = sqlx::PgConnection::connect(&server).await.unwrap();
                let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
                sqlx::raw_sql(create).execute(&mut admin).await.unwrap();
                let (base, _) = server.rsplit_once('/').unwrap();
                let url = format!("{base}/{name}");
                Self { url, folder, dropped: Some(name), writes_devices: AtomicBool::new(false) }
            }
        }
    }

    /// How to open it; the sealing key is made beside it.
    pub fn options(&self) -> StorageOptions {
        StorageOptions {
            database: DatabaseOptions {
                url: self.pooled().unwrap_or_else(|| self.url.clone()),
                sqlite_max_pages: None,
                connections: 8,
                create: true,
                lease: std::time::Duration::from_secs(30),
            },
            sealing_key_file: self.key_file(),
            may_create_sealing_key: self.dropped.is_none(),
        }
    }

    /// The URL by way of the pooler that `cargo xtask test --pgbouncer` starts.
    fn pooled(&self) -> Option<String> {
        let port = std::env::var("ADEPT_TEST_POOLER_PORT").ok()?;
        let (server, _) = self.url.strip_prefix("postgres://")?.rsplit_once(':')?;
        Some(format!("postgres://{server}:{port}/{}?pooler=transaction", self.dropped.as_ref()?))
    }

    /// Where its sealing key lies.
    pub fn key_file(&self) -> PathBuf {
        self.folder.path().join("sealing.key")
    }

    /// Runs statements as they stand; an error is what the database says.
    pub async fn execute(&self, statements: &str) -> Result<(), sqlx::Error> {
        if ["INTO devices", "UPDATE devices", "FROM devices"].iter().any(|words| statements.contains(words)) {
            self.devices_are_written();
        }
        let sql = sqlx::raw_sql(sqlx::AssertSqlSafe(statements.to_owned()));
        match self.dropped {
            None => {
                let options = self.url.parse::<sqlx::sqlite::SqliteConnectOptions>()?.create_if_missing(true);
                let mut connection = sqlx::SqliteConnection::connect_with(&options).await?;
                sql.execute(&mut connection).await?;
                connection.close().await
            }
            Some(_) => sql.execute(&mut sqlx::PgConnection::connect(&self.url).await?).await.map(|_| ()),
        }
    }

    /// A test writes devices past the storage: what is kept of them is not compared at the end.
    pub fn devices_are_written(&self) {
        self.writes_devices.store(true, Ordering::Relaxed);
    }

    /// Makes what is kept of devices fit those that a test wrote itself.
    pub async fn keep_devices(&self) {
        self.execute(KEPT_OF_DEVICES).await.unwrap();
        self.writes_devices.store(false, Ordering::Relaxed);
    }

    /// The number that a query gives.
    pub async fn number(&self, query: &str) -> i64 {
        let sql = sqlx::AssertSqlSafe(query.to_owned());
        match self.dropped {
            None => {
                let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
            Some(_) => {
                let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap()
            }
        }
    }

    /// The texts that a query gives.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let sql = sqlx::AssertSqlSafe(query.to_owned());
        match self.dropped {
            None => {
                let mut connection = sqlx::SqliteConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
            Some(_) => {
                let mut connection = sqlx::PgConnection::connect(&self.url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut connection).await.unwrap()
            }
        }
    }

    /// Opens it, with the first test tenant as the default one.
    pub async fn open(&self) -> Storage {
        if self.dropped.is_some() && !self.key_file().exists() {
            SealingKey::create(&self.key_file()).unwrap();
        }
        if self.pooled().is_some() {
            // Migrations need a session of their own.
            let direct = DatabaseOptions { url: self.url.clone(), ..self.options().database };
            Storage::migrate(&direct).await.unwrap();
        }
        Storage::open(&self.options(), noon(), tenant(1)).await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let checked = !std::thread::panicking() && !*self.writes_devices.get_mut();
        let (url, name) = (self.url.clone(), self.dropped.take());
        // A thread of its own: the test's runtime may be gone or be the one that drops this.
        let wrong = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let wrong = if checked { kept_wrongly(&url).await.unwrap_or_default() } else { 0 };
                let Some(name) = name else { return wrong };
                let server = postgres_server();
                if let Ok(mut admin) = sqlx::PgConnection::connect(&server).await {
                    let drop = sqlx::AssertSqlSafe(format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
                    let _ = sqlx::raw_sql(drop).execute(&mut admin).await;
                }
                wrong
            })
        })
        .join();
        assert_eq!(wrong.ok(), Some(0), "devices are kept otherwise than they are stored");
    }
}

/// How much of what is kept of devices is wrong; an error where a test left no database behind that can be read.
async fn kept_wrongly(url: &str) -> Result<i64, sqlx::Error> {
    match url.starts_with("sqlite:") {
        true => {
            let mut connection = sqlx::SqliteConnection::connect(url).await?;
            sqlx::query_scalar(KEPT_WRONGLY).fetch_one(&mut connection).await
        }
        false => {
            let mut connection = sqlx::PgConnection::connect(url).await?;
            sqlx::query_scalar(KEPT_WRONGLY).fetch_one(&mut connection).await
        }
    }
}

pub mod tempfolder {
    //! A folder that is gone at the end.

    use std::path::{Path, PathBuf};

    /// A temporary folder.
    pub struct Folder(PathBuf);

    impl Folder {
        /// Makes one with a name that nobody else has.
        #[expect(clippy::disallowed_methods, reason = "names of folders need not be repeatable")]
        pub fn new() -> Self {
            let path = std::env::temp_dir().join(format!("adept-test-{}", uuid::Uuid::new_v4().simple()));
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }

        /// Where it is.
        pub fn path(&self) -> &Path {
            &self.0
        }

        /// The part of its name that nobody else has.
        pub fn name(&self) -> String {
            self.0.file_name().unwrap().to_string_lossy().replace("adept-test-", "")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}
