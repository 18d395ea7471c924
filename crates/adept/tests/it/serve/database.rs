//! A database that goes silent, is gone or is locked: what answers, how soon, and that everything goes on afterwards.

use std::time::{Duration, Instant};

use adept::storage::{Purpose, StorageOptions};
use sqlx::{Connection as _, Executor as _};

use super::{
    proxy::{Line, Proxy, until},
    started::Started,
};
use crate::support::database::{Kind, TestDatabase, noon, tempfolder::Folder, tenant};

const SECOND: Duration = Duration::from_secs(1);

/// A service whose way to PostgreSQL the test holds.
struct OnPostgres {
    service: Started,
    proxy: Proxy,
    _database: TestDatabase,
}

impl OnPostgres {
    async fn start() -> Self {
        let database = TestDatabase::new(Kind::Postgres).await;
        database.open().await.close().await;
        let proxy = Proxy::to(&database.url).await;
        let url = format!("--database-url={}", proxy.url);
        let key = format!("--sealing-key-file={}", database.key_file().display());
        let service = Started::inside(Folder::new(), &[&url, &key]).await;
        Self { service, proxy, _database: database }
    }
}

/// What scrape and readiness say; both answer within a second.
async fn is_writable(service: &Started) -> bool {
    let begun = Instant::now();
    let ready = service.operator("/readyz").await;
    assert!(begun.elapsed() < SECOND, "/readyz took {:?}", begun.elapsed());
    let begun = Instant::now();
    let scrape = service.operator("/metrics").await;
    assert!(begun.elapsed() < SECOND, "/metrics took {:?}", begun.elapsed());
    assert_eq!(service.operator("/livez").await.status, 200, "a restart would not help");
    scrape.text.contains("adept_database_writable 1") && ready.status == 200
}

async fn health_follows(on: &OnPostgres, line: Line) {
    until("it works", 10 * SECOND, async || is_writable(&on.service).await).await;
    on.proxy.set(line);
    until("it is seen", 5 * SECOND, async || !is_writable(&on.service).await).await;
    on.proxy.set(Line::OpenForNew);
    until("it works again", 10 * SECOND, async || is_writable(&on.service).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_readiness_answer_within_a_second_while_postgresql_is_silent_or_gone() {
    let on = OnPostgres::start().await;
    health_follows(&on, Line::Cut).await;
    let on = OnPostgres::start().await;
    health_follows(&on, Line::Silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_database_never_answers_ends_within_28_seconds() {
    let on = OnPostgres::start().await;
    let service = on.service;
    let application = service.application(&[adept::domain::Permission::ServiceConfigReadWrite]).await;
    let token = service.sign_in(&application).await;
    on.proxy.set(Line::Silent);
    let url = service.url("/beta/deviceManagement/depOnboardingSettings");
    let request = service.http.post(url).bearer_auth(token).json(&serde_json::json!({ "tokenName": "a" }));
    let asked = tokio::spawn(request.send());
    until("the silence is seen", 5 * SECOND, async || service.operator("/readyz").await.status == 503).await;
    let begun = Instant::now();
    service.running.stop().await;
    assert!(begun.elapsed() < 28 * SECOND, "{:?}", begun.elapsed());
    let answer = asked.await.unwrap().unwrap();
    assert!(answer.status().is_server_error(), "{}", answer.status());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_readiness_answer_within_a_second_while_another_process_locks_the_sqlite_file() {
    let service = Started::new().await;
    until("it works", 10 * SECOND, async || is_writable(&service).await).await;
    // What a first start makes is made: nothing else of the service's own waits for the lock.
    let keys = format!("/{}/discovery/v2.0/keys", service.storage().default_tenant());
    assert_eq!(service.get(&keys).await.status, 200);
    let file = format!("sqlite://{}", service.folder.path().join("adept.db").display());
    let mut other = sqlx::SqliteConnection::connect(&file).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    until("it is seen", 5 * SECOND, async || !is_writable(&service).await).await;
    let reasons = service.get("/readyz").await.json()["reasons"].to_string();
    assert!(reasons.contains("reads work"), "{reasons}");
    other.execute("ROLLBACK").await.unwrap();
    until("it works again", 10 * SECOND, async || is_writable(&service).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_go_silent_are_replaced_and_never_waited_for() {
    let database = TestDatabase::new(Kind::Postgres).await;
    database.open().await.close().await;
    let proxy = Proxy::to(&database.url).await;
    let mut options: StorageOptions = database.options();
    options.database.url.clone_from(&proxy.url);
    let storage = adept::storage::Storage::open(&options, noon(), tenant(1)).await.unwrap();
    Purpose::Request.scope(storage.tenants.list()).await.unwrap();
    proxy.set(Line::Silent);
    let begun = Instant::now();
    assert!(Purpose::Request.scope(storage.tenants.list()).await.is_err());
    assert!(begun.elapsed() < 7 * SECOND, "{:?}", begun.elapsed());
    proxy.set(Line::OpenForNew);
    let begun = Instant::now();
    Purpose::Request.scope(storage.tenants.list()).await.unwrap();
    storage.tenants.list().await.unwrap();
    assert!(begun.elapsed() < 3 * SECOND, "{:?}", begun.elapsed());
    storage.close().await;
}
