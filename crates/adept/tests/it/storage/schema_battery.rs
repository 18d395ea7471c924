//! The schema on either database: what goes with what, and which programs may use it.

use adept::{
    domain::SettingKey,
    storage::{OpenError, SchemaState, Storage},
};
use tokio_util::sync::CancellationToken;

use super::{KIND, battery::make};
use crate::support::{
    database::{TestDatabase, noon, tenant},
    test_app::TestApp,
};

/// What belongs to a setting, and a row of each: the columns behind tenant and setting, and their values.
const OF_A_SETTING: [(&str, &str, &str); 10] = [
    ("server_tokens", "id, key_pair, expires_at, token_sealed", "unhex('01'), unhex('01'), 0, unhex('01')"),
    ("apple_waits", "consumer, until, longest", "'c', 0, 0"),
    ("open_failures", "key_pair, caller, refilled_at", "unhex('01'), unhex('01'), 0"),
    (
        "devices",
        "serial_key, serial, id, platform, created_at, record, digest",
        "'s', 'S', unhex('01'), 'ios', 0, '{}', '0'",
    ),
    ("device_events", "serial_key, at, event", "'s', 0, 'wanted'"),
    (
        "sync_runs",
        "run, started_at, runs, kind, pages, added, changed, removed, drift_added, drift_changed, drift_removed, unconfirmed, unreadable, outcome",
        "1, 0, 1, 'delta_sync', 0, 0, 0, 0, 0, 0, 0, 0, 0, 'ok'",
    ),
    (
        "enrollment_profiles",
        "id, kind, properties, revision, version, created_at, modified_at",
        "unhex('01'), 'enrollmentProfile', '{}', 1, 1, 0, 0",
    ),
    ("default_profiles", "platform, profile, set_at", "'ios', unhex('01'), 0"),
    ("profile_definitions", "profile, revision, attempts, attempted_at", "unhex('01'), 1, 0, 0"),
    ("in_flight_calls", "id, serials, started_at", "unhex('01'), '[]', 0"),
];

const APPLE_PROFILE: &str = "INSERT INTO apple_profiles (tenant, setting, apple_uuid, profile, revision, received_at) \
    SELECT tenant, id, 'u', unhex('01'), 1, 0 FROM settings WHERE tenant <> id";

/// One more of its own beside the key pair that it is made with.
fn rows_of(key: SettingKey) -> Vec<String> {
    let key = format!("unhex('{}'), unhex('{}')", key.tenant.0.simple(), key.id.0.simple());
    let insert = |(table, columns, values)| {
        format!("INSERT INTO {table} (tenant, setting, {columns}) VALUES ({key}, {values})")
    };
    OF_A_SETTING.map(insert).to_vec()
}

async fn counted(database: &TestDatabase, table: &str) -> i64 {
    database.number(&format!("SELECT COUNT(*) FROM {table}")).await
}

#[tokio::test]
async fn what_belongs_to_a_setting_goes_with_it_and_apples_ids_of_profiles_go_with_the_tenant() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    storage.tenants.create(tenant(2), "Other", noon(), None).await.unwrap();
    let setting = make(&storage, tenant(2), 1, "One").await;
    for row in rows_of(setting.key()) {
        database.execute(&row).await.unwrap();
    }
    database.execute(APPLE_PROFILE).await.unwrap();

    database.execute("DELETE FROM settings WHERE tenant <> id").await.unwrap();
    for (table, _, _) in OF_A_SETTING {
        assert_eq!(counted(&database, table).await, 0, "{table}");
    }
    assert_eq!(counted(&database, "key_pairs").await, 0);
    assert_eq!(
        (counted(&database, "apple_profiles").await, counted(&database, "audit_events").await),
        (1, 1)
    );

    let tenant = tenant(2).0.simple();
    database.execute(&format!("DELETE FROM tenants WHERE id = unhex('{tenant}')")).await.unwrap();
    assert_eq!(
        (counted(&database, "apple_profiles").await, counted(&database, "audit_events").await),
        (0, 0)
    );
    assert_eq!((counted(&database, "settings").await, counted(&database, "tenants").await), (1, 1));
}

#[tokio::test]
async fn nothing_is_stored_for_a_setting_that_does_not_exist() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let nowhere = SettingKey::new(storage.default_tenant(), uuid::Uuid::from_u128(7).into());
    for row in rows_of(nowhere) {
        let refused = database.execute(&row).await.unwrap_err();
        assert!(refused.as_database_error().unwrap().is_foreign_key_violation(), "{row}: {refused}");
    }
}

async fn refused(database: &TestDatabase) -> [String; 3] {
    let options = database.options();
    let opened = Storage::open(&options, noon(), tenant(1)).await.err().unwrap();
    let inspected = Storage::inspect(&options).await.err().unwrap();
    let migrated = Storage::migrate(&options.database).await.err().unwrap();
    [opened, inspected, OpenError::from(migrated)].map(|error| error.to_string())
}

#[tokio::test]
async fn a_database_of_an_unreleased_version_is_refused_and_left_as_it_is() {
    let database = TestDatabase::new(KIND).await;
    database.execute("CREATE TABLE onboarding_settings (id TEXT)").await.unwrap();
    for error in refused(&database).await {
        assert!(error.contains("unreleased version") && error.contains("upload each token again"), "{error}");
    }
    assert_eq!(counted(&database, "onboarding_settings").await, 0);
    assert!(database.execute("SELECT 1 FROM settings").await.is_err(), "no table was made");

    let database = TestDatabase::new(KIND).await;
    database.open().await.close().await;
    database.execute("UPDATE _sqlx_migrations SET checksum = unhex('00')").await.unwrap();
    for error in refused(&database).await {
        assert!(error.contains("unreleased version"), "{error}");
    }
}

#[tokio::test]
async fn a_program_that_is_older_than_the_schema_goes_on_until_the_schema_says_otherwise() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    assert_eq!(storage.deployment.schema_status().await.unwrap().state(), SchemaState::Equal);
    let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
        VALUES (2, 'newer', TRUE, unhex('00'), 0)";
    database.execute(newer).await.unwrap();
    assert!(storage.deployment.may_write().await.unwrap());
    let status = storage.deployment.schema_status().await.unwrap();
    assert_eq!((status.found, status.newest, status.state()), (2, 1, SchemaState::Newer));
    database.open().await.close().await;
    Storage::inspect(&database.options()).await.unwrap().close().await;

    database.execute("UPDATE schema_compatibility SET oldest_writer = 2").await.unwrap();
    assert!(!storage.deployment.may_write().await.unwrap());
    for error in refused(&database).await {
        assert!(error.contains("start the newer version of Adept"), "{error}");
    }
    assert_eq!(storage.tenants.list().await.unwrap().len(), 1, "reading goes on");
}

#[tokio::test]
async fn a_database_without_its_schema_is_not_inspected() {
    let database = TestDatabase::new(KIND).await;
    database.open().await.close().await;
    database.execute("DELETE FROM _sqlx_migrations").await.unwrap();
    let error = Storage::inspect(&database.options()).await.err().unwrap().to_string();
    assert!(error.contains("no schema yet") && error.contains("adept migrate"), "{error}");
}

#[tokio::test]
async fn a_program_below_the_line_claims_nothing_and_says_so_until_the_line_is_back() {
    let test = TestApp::start_on_kind(KIND).await;
    let line = |version: i64| format!("UPDATE schema_compatibility SET oldest_writer = {version}");
    test.database.execute(&line(2)).await.unwrap();
    let shutdown = CancellationToken::new();
    let background = tokio::spawn(std::sync::Arc::clone(&test.app.scheduler).run(shutdown.clone()));
    while !test.app.scheduler.schema_refused() {
        tokio::task::yield_now().await;
    }
    test.database.execute(&line(1)).await.unwrap();
    while test.app.scheduler.schema_refused() {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    background.await.unwrap();
}
