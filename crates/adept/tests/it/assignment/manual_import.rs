//! Devices written by hand while something else happens to them: nothing that was answered is lost, and no wait ends.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::ground::Ground;
use crate::support::{client::ClientResponse, database::Kind, test_app::S};

const IOS: &str = "depIOSEnrollmentProfile";

/// A device as Graph shows it.
async fn shown(ground: &Ground, serial: &str) -> Value {
    let path = format!(
        "/beta/{S}/{}/importedAppleDeviceIdentities?$filter=serialNumber eq '{serial}'",
        ground.setting
    );
    ground.client().await.get_json(&path).await["value"][0].clone()
}

async fn patch(ground: &Ground, id: &str, body: &Value) -> ClientResponse {
    let path = format!("/beta/{S}/{}/importedAppleDeviceIdentities/{id}", ground.setting);
    ground.client().await.patch(&path, body).await
}

async fn import(ground: &Ground, device: &Value, overwrite: bool) -> Value {
    let path =
        format!("/beta/{S}/{}/importedAppleDeviceIdentities/importAppleDeviceIdentityList", ground.setting);
    let body =
        json!({ "importedAppleDeviceIdentities": [device], "overwriteImportedDeviceIdentities": overwrite });
    ground.client().await.post(&path, &body).await.json()["value"][0].clone()
}

/// Runs `statements` in a transaction that holds the setting, as a sync or a desired profile does, while `request` waits for it.
async fn before<T: Send + 'static>(
    ground: &Arc<Ground>,
    statements: &str,
    request: impl Future<Output = T> + Send + 'static,
) -> T {
    let url = &ground.test.database.url;
    ground.test.database.devices_are_written();
    let mut holder = PgConnection::connect(url).await.unwrap();
    let mut watcher = PgConnection::connect(url).await.unwrap();
    let taken = format!(
        "BEGIN; UPDATE setting_states SET desired_generation = desired_generation + 1 WHERE setting = unhex(replace('{}', '-', '')); {statements}",
        ground.setting
    );
    holder.execute(sqlx::raw_sql(AssertSqlSafe(taken))).await.unwrap();
    let request = tokio::spawn(request);
    const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
        AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(WAITING).fetch_one(&mut watcher).await.unwrap() == 0 {
        assert!(!request.is_finished(), "the request waits for anyone who holds the setting");
    }
    holder.execute("COMMIT").await.unwrap();
    request.await.unwrap()
}

#[tokio::test]
async fn a_desired_profile_that_is_answered_first_outlives_a_description_or_an_import_without_a_profile() {
    let ground = Arc::new(Ground::new(Kind::Postgres, 2).await);
    let profile = ground.profile(IOS, "Wanted").await;
    for (serial, overwrites) in ground.serials(None).await.into_iter().zip([false, true]) {
        let id = shown(&ground, &serial).await["id"].as_str().unwrap().to_owned();
        let desired = format!(
            "UPDATE devices SET desired_profile = unhex(replace('{profile}', '-', '')), desired_at = 1, platform = 'tvOS' \
             WHERE serial = '{serial}'"
        );
        let (of, named) = (Arc::clone(&ground), serial.clone());
        let answer = before(&ground, &desired, async move {
            let body = json!({ "serialNumber": named, "description": "new" });
            match overwrites {
                true => import(&of, &body, true).await,
                false => patch(&of, &id, &json!({ "description": "new" })).await.json(),
            }
        });
        assert_eq!(answer.await["requestedEnrollmentProfileId"], json!(profile));
        let now = shown(&ground, &serial).await;
        assert_eq!(now["requestedEnrollmentProfileId"], json!(profile));
        assert_eq!((&now["description"], &now["platform"]), (&json!("new"), &json!("tvOS")));
    }
}

#[tokio::test]
async fn a_desired_profile_that_was_taken_back_first_is_not_written_again() {
    let ground = Arc::new(Ground::new(Kind::Postgres, 1).await);
    let profile = ground.profile(IOS, "Wanted").await;
    let serial = ground.serials(None).await[0].clone();
    ground.want(&profile, std::slice::from_ref(&serial)).await;
    let id = shown(&ground, &serial).await["id"].as_str().unwrap().to_owned();
    let gone = format!(
        "UPDATE devices SET desired_profile = NULL, desired_at = NULL; \
         DELETE FROM enrollment_profiles WHERE id = unhex(replace('{profile}', '-', ''))"
    );
    let of = Arc::clone(&ground);
    let answer =
        before(&ground, &gone, async move { patch(&of, &id, &json!({ "description": "new" })).await }).await;
    assert_eq!(answer.json()["requestedEnrollmentProfileId"], Value::Null);
    assert_eq!(shown(&ground, &serial).await["requestedEnrollmentProfileId"], Value::Null);
}

#[tokio::test]
async fn an_import_of_what_a_sync_lists_first_is_kept_or_refused_as_it_says() {
    let ground = Arc::new(Ground::new(Kind::Postgres, 1).await);
    let profile = ground.profile(IOS, "Wanted").await;
    for (serial, id, overwrites) in
        [("NEW1", uuid::Uuid::from_u128(1), true), ("NEW2", uuid::Uuid::from_u128(2), false)]
    {
        let listed = format!(
            "INSERT INTO devices (tenant, setting, serial_key, serial, id, platform, created_at, digest, record) \
             SELECT tenant, setting, LOWER('{serial}'), '{serial}', unhex(replace('{id}', '-', '')), 'ios', 1, '1', '{{}}' \
             FROM devices LIMIT 1"
        );
        let of = Arc::clone(&ground);
        let body = json!({ "serialNumber": serial, "requestedEnrollmentProfileId": profile });
        let answer = before(&ground, &listed, async move { import(&of, &body, overwrites).await }).await;
        let kept = if overwrites { json!(profile) } else { Value::Null };
        assert_eq!((&answer["status"], &answer["platform"]), (&json!(overwrites), &json!("ios")));
        assert_eq!(shown(&ground, serial).await["requestedEnrollmentProfileId"], kept);
        let words: Vec<_> = ground.history(serial).await.into_iter().map(|(word, _)| word).collect();
        assert_eq!(words.contains(&"wanted".to_owned()), overwrites, "{words:?}");
    }
}

#[tokio::test]
async fn a_device_that_was_taken_out_of_the_list_first_is_not_found() {
    let ground = Arc::new(Ground::new(Kind::Postgres, 1).await);
    let serial = ground.serials(None).await[0].clone();
    let id = shown(&ground, &serial).await["id"].as_str().unwrap().to_owned();
    let of = Arc::clone(&ground);
    let request = async move { patch(&of, &id, &json!({ "description": "new" })).await.status };
    assert_eq!(before(&ground, "DELETE FROM devices", request).await, 404);
}

async fn keeps_its_wait(kind: Kind) {
    let ground = Ground::new(kind, 1).await;
    let (profile, other) = (ground.profile(IOS, "Wanted").await, ground.profile(IOS, "Other").await);
    let serial = ground.serials(None).await[0].clone();
    let id = shown(&ground, &serial).await["id"].as_str().unwrap().to_owned();
    ground.script_status(&serial, "assign", "FAILED", json!({})).await;
    ground.want(&profile, std::slice::from_ref(&serial)).await;
    ground.settle().await;
    let calls = ground.assignments().await;
    for minute in 0..5 {
        ground.pass(SignedDuration::from_mins(10)).await;
        let answer = patch(&ground, &id, &json!({ "description": format!("looked at {minute}") })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        ground.settle().await;
        assert_eq!(ground.assignments().await, calls, "Apple is left alone for an hour");
    }
    let changed = json!({ "requestedEnrollmentProfileId": other });
    assert_eq!(patch(&ground, &id, &changed).await.status, 200);
    ground.settle().await;
    assert_eq!(
        ground.truth().await[&serial].as_deref(),
        Some("Other"),
        "another desired state is tried at once"
    );
}

#[tokio::test]
async fn another_description_ends_no_wait_on_sqlite() {
    keeps_its_wait(Kind::Sqlite).await;
}

#[tokio::test]
async fn another_description_ends_no_wait_on_postgresql() {
    keeps_its_wait(Kind::Postgres).await;
}

#[tokio::test]
async fn a_serial_number_with_blanks_around_it_is_the_same_one() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let serial = ground.serials(None).await[0].clone();
    let answer = import(&ground, &json!({ "serialNumber": format!(" {serial} ") }), false).await;
    assert_eq!(answer["status"], false);
}
