//! Answers that were lost, processes that ended, and what changed while a call was under way.

use std::sync::Arc;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::Ground;
use crate::{
    onboarding::{asked, script, upload},
    support::{database::Kind, test_app::S},
};

const IOS: &str = "depIOSEnrollmentProfile";

/// Starts to reconcile while answers of `/profile/devices` take long, and returns once Apple has acted on one.
async fn under_way(ground: &Arc<Ground>) -> tokio::task::JoinHandle<()> {
    let slow = json!({ "milliseconds": 2000, "path": "/profile/devices" });
    ground.portal(Method::PUT, "/delay", slow).await;
    let calls = ground.assignments().await;
    let assignment = {
        let ground = Arc::clone(ground);
        tokio::spawn(async move {
            ground.test.app.scheduler.assign_what_is_due().await.unwrap();
        })
    };
    while ground.assignments().await == calls {
        tokio::task::yield_now().await;
    }
    ground.portal(Method::PUT, "/delay", json!({ "milliseconds": 0, "path": "/profile/devices" })).await;
    assignment
}

async fn details_are_read(kind: Kind) {
    let ground = Arc::new(Ground::new(kind, 10).await);
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    under_way(&ground).await.abort();
    ground.pass(SignedDuration::from_secs(151)).await;
    ground.settle().await;
    assert_eq!(asked(&ground.test, "POST /devices").await, 1);
    assert_eq!(ground.assignments().await, 1, "Apple had done it");
    let last = ground.history(&serials[0]).await.pop();
    assert_eq!(last, Some(("assigned".to_owned(), Some("read_back".to_owned()))));
}

#[tokio::test]
async fn after_a_lost_answer_the_devices_are_read_and_what_is_done_is_not_repeated_on_sqlite() {
    details_are_read(Kind::Sqlite).await;
}

#[tokio::test]
async fn after_a_lost_answer_the_devices_are_read_and_what_is_done_is_not_repeated_on_postgresql() {
    details_are_read(Kind::Postgres).await;
}

#[tokio::test]
async fn after_a_call_that_never_reached_apple_the_devices_are_assigned() {
    let ground = Ground::new(Kind::Sqlite, 10).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    script(&ground.test, json!({ "path": "/profile/devices", "cut": true })).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    ground.pass(SignedDuration::from_mins(6)).await;
    ground.settle().await;
    ground.settle().await;
    assert!(asked(&ground.test, "POST /devices").await >= 1, "they are read before");
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
}

#[tokio::test]
async fn a_desired_profile_that_changes_while_its_assignment_is_under_way_wins() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 10).await);
    let (first, second) = (ground.profile(IOS, "First").await, ground.profile(IOS, "Second").await);
    let serials = ground.serials(None).await;
    ground.want(&first, &serials).await;
    let assignment = under_way(&ground).await;
    ground.want(&second, &serials[..4]).await;
    assignment.await.unwrap();
    ground.settle().await;
    let truth = ground.truth().await;
    for (index, serial) in serials.iter().enumerate() {
        assert_eq!(truth[serial].as_deref(), Some(if index < 4 { "Second" } else { "First" }), "{index}");
    }
}

async fn a_desired_profile_after_a_lost_answer(kind: Kind) {
    let ground = Arc::new(Ground::new(kind, 10).await);
    let (first, second) = (ground.profile(IOS, "First").await, ground.profile(IOS, "Second").await);
    let serials = ground.serials(None).await;
    // Every device was looked at; from now on only those are that something happened to.
    ground.settle().await;
    ground.want(&first, &serials).await;
    under_way(&ground).await.abort();
    ground.want(&second, &serials[..4]).await;
    ground.pass(SignedDuration::from_secs(151)).await;
    ground.settle().await;
    let truth = ground.truth().await;
    for (index, serial) in serials.iter().enumerate() {
        assert_eq!(truth[serial].as_deref(), Some(if index < 4 { "Second" } else { "First" }), "{index}");
    }
    assert_eq!(ground.assignments().await, 2);
}

#[tokio::test]
async fn a_desired_profile_that_changes_after_an_answer_was_lost_wins_on_sqlite() {
    a_desired_profile_after_a_lost_answer(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_desired_profile_that_changes_after_an_answer_was_lost_wins_on_postgresql() {
    a_desired_profile_after_a_lost_answer(Kind::Postgres).await;
}

#[tokio::test]
async fn a_device_that_is_taken_out_of_the_list_before_its_turn_is_not_assigned() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 1010).await);
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    let last = serials.last().unwrap();
    let devices = format!("/beta/{S}/{}/importedAppleDeviceIdentities", ground.setting);
    let found = ground.client().await.get_json(&format!("{devices}?$filter=serialNumber eq '{last}'")).await;
    let device = format!("{devices}/{}", found["value"][0]["id"].as_str().unwrap());
    ground.want(&profile, &serials).await;
    let assignment = under_way(&ground).await;
    // The second thousand is known by now.
    assert_eq!(ground.client().await.delete(&device).await.status, 204);
    assignment.await.unwrap();
    ground.settle().await;
    let truth = ground.truth().await;
    assert_eq!(truth[last], None);
    assert_eq!(truth.values().filter(|name| name.is_some()).count(), 1009);
}

#[tokio::test]
async fn a_profile_that_changes_while_its_assignment_is_under_way_is_assigned_again() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 10).await);
    let profile = ground.profile(IOS, "Old").await;
    ground.want(&profile, &ground.serials(None).await).await;
    let assignment = under_way(&ground).await;
    ground.rename(&profile, IOS, "New").await;
    assignment.await.unwrap();
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("New")));
}

#[tokio::test]
async fn a_renewal_while_an_assignment_is_under_way_discards_its_outcome_and_reads_it_again() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 10).await);
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    let assignment = under_way(&ground).await;
    let token = ground.test.portal.token(&ground.server).await;
    assert_eq!(upload(&ground.client().await, &ground.setting, &token).await.status, 204);
    assignment.await.unwrap();
    assert_eq!(ground.history(&serials[0]).await.len(), 1, "only the desired state");
    ground.pass(SignedDuration::from_secs(151)).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 1);
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
}

#[tokio::test]
async fn a_setting_deleted_while_an_assignment_is_under_way_stays_deleted() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 10).await);
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
    let assignment = under_way(&ground).await;
    let revoke = format!("/servers/{}/revoke", ground.server);
    ground.test.portal.call(Method::POST, &revoke, String::new()).await;
    let origin = adept::domain::Origin {
        caller: adept::domain::Caller::operator(ground.test.storage.default_tenant()),
        request: uuid::Uuid::from_u128(1),
    };
    ground.test.app.settings.delete(&origin, ground.setting.parse().unwrap(), true).await.unwrap();
    assignment.await.unwrap();
    assert_eq!(ground.settle().await, 0);
    ground.client().await.get(&format!("/beta/{S}/{}", ground.setting)).await.is_refused(
        404,
        "ResourceNotFound",
        "",
    );
}

#[tokio::test]
async fn a_run_that_lost_its_lease_stores_nothing_and_another_one_finds_out() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 10).await);
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    let assignment = under_way(&ground).await;
    ground.pass(SignedDuration::from_secs(151)).await;
    ground.settle().await;
    assert_eq!(asked(&ground.test, "POST /devices").await, 1);
    let told = ground.history(&serials[0]).await;
    assignment.await.unwrap();
    assert_eq!((ground.history(&serials[0]).await, told.len()), (told, 2));
    assert_eq!(ground.assignments().await, 1);
}

#[tokio::test]
async fn a_sync_that_is_asked_for_goes_between_two_calls() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 2500).await);
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
    ground.pass(SignedDuration::from_secs(2)).await;
    let assignment = under_way(&ground).await;
    let path = format!("/beta/{S}/{}/syncWithAppleDeviceEnrollmentProgram", ground.setting);
    assert_eq!(ground.client().await.act(&path).await.status, 204);
    assignment.await.unwrap();
    assert_eq!(ground.assignments().await, 1);
    assert_eq!(ground.test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
    ground.settle().await;
    assert_eq!(ground.assignments().await, 3);
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
}

#[tokio::test]
async fn a_process_that_ends_between_two_calls_leaves_nothing_that_is_asked_twice() {
    let ground = Arc::new(Ground::new(Kind::Sqlite, 2500).await);
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
    let slow = |milliseconds: u64| json!({ "milliseconds": milliseconds, "path": "/profile/devices" });
    ground.portal(Method::PUT, "/delay", slow(500)).await;
    let assignment = {
        let ground = Arc::clone(&ground);
        tokio::spawn(async move { ground.test.app.scheduler.assign_what_is_due().await.unwrap() })
    };
    while ground.assignments().await < 2 {
        tokio::task::yield_now().await;
    }
    assignment.abort();
    ground.portal(Method::PUT, "/delay", slow(0)).await;
    ground.pass(SignedDuration::from_secs(151)).await;
    ground.settle().await;
    assert!((1..=2).contains(&asked(&ground.test, "POST /devices").await));
    assert_eq!(ground.assignments().await, 3);
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
}

/// A renewal is uploaded while Apple throttles a device of a call.
async fn a_throttled_device_waits_after_a_renewal(kind: Kind) {
    let ground = Arc::new(Ground::new(kind, 2).await);
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    let wait = json!({ "retry_after_seconds": 7200 });
    ground.script_status(&serials[0], "assign", "THROTTLED", wait).await;
    ground.want(&profile, &serials[..1]).await;
    let assignment = under_way(&ground).await;
    let token = ground.test.portal.token(&ground.server).await;
    assert_eq!(upload(&ground.client().await, &ground.setting, &token).await.status, 204);
    assignment.await.unwrap();
    for minutes in [1, 110] {
        ground.pass(SignedDuration::from_mins(minutes)).await;
        ground.settle().await;
        assert_eq!(ground.assignments().await, 1, "{kind:?}");
    }
    ground.pass(SignedDuration::from_mins(15)).await;
    ground.settle().await;
    assert_eq!(ground.truth().await[&serials[0]].as_deref(), Some("Wanted"));
}

#[tokio::test]
async fn a_wait_that_apple_asked_for_is_kept_when_a_renewal_discards_the_answer() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        a_throttled_device_waits_after_a_renewal(kind).await;
    }
}

#[tokio::test]
async fn what_a_definition_gives_is_kept_when_the_service_stops_in_its_midst() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
    let slow = |milliseconds: u64| json!({ "milliseconds": milliseconds, "path": "/profile" });
    ground.portal(Method::PUT, "/delay", slow(2000)).await;
    let shutdown = tokio_util::sync::CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&ground.test.app.scheduler).run(shutdown.clone()));
    while asked(&ground.test, "POST /profile").await == 0 {
        tokio::task::yield_now().await;
    }
    shutdown.cancel();
    running.await.unwrap();
    ground.portal(Method::PUT, "/delay", slow(0)).await;
    ground.pass(SignedDuration::from_secs(151)).await;
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!(asked(&ground.test, "POST /profile").await, 1);
}
