//! Calls about devices that Apple refuses as a whole: the device that causes it is found, and the others go on.

use adept::app::Counted;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::ground::Ground;
use crate::{
    onboarding::{asked, script, shown},
    serve::started::Started,
    support::database::{Kind, on_both_databases},
    sync::{fault, held, release},
};

const IOS: &str = "depIOSEnrollmentProfile";
const REFUSED: &str = "CALL_REFUSED";

/// Apple refuses every call to `path` that names `serial`, or each of its calls; answers the rule's id.
async fn refuses(ground: &Ground, path: &str, serial: Option<&str>, answer: Value) -> String {
    let on = json!({ "path": path, "body_contains": serial });
    fault(&ground.test, json!({ "match": on, "times": null, "do": { "answer": answer } })).await
}

/// How many devices of the setting wait, and for what.
async fn waiting(ground: &Ground) -> Vec<(&'static str, i64)> {
    let waiting = ground.test.app.assignment.status().await.waiting;
    waiting.into_iter().map(|devices| (devices.state, devices.devices)).collect()
}

/// What `adept setting list` says beside the service.
fn setting_list(ground: &Ground, arguments: &[&str]) -> String {
    let database = &ground.test.database;
    let (url, key) = (format!("--database-url={}", database.url), database.key_file());
    let key = format!("--sealing-key-file={}", key.display());
    let tenant = format!("--tenant={}", ground.test.storage.default_tenant());
    let listed = crate::cli::adept(&[&["setting", "list", &url, &key, &tenant], arguments].concat());
    assert_eq!(listed.code, 0, "{listed:?}");
    listed.out
}

async fn one_device_does_not_hold_the_others_up(kind: Kind) {
    let ground = Ground::new(kind, 40).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    let bad = &serials[27];
    let rule = refuses(&ground, "/profile/devices", Some(bad), json!({ "status": 400 })).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;

    let truth = ground.truth().await;
    let without: Vec<&String> = truth.iter().filter(|(_, name)| name.is_none()).map(|(it, _)| it).collect();
    assert_eq!(without, [bad]);
    assert!(ground.assignments().await <= 12, "{}", ground.assignments().await);
    assert_eq!(waiting(&ground).await, [(REFUSED, 1)]);
    assert_eq!(ground.test.app.counters.of(&Counted::DeviceResult("assign", REFUSED)), 1);
    assert_eq!(ground.history(bad).await.last().unwrap().1.as_deref(), Some(REFUSED));
    let told = ground.test.app.devices.explain(bad).await.unwrap().remove(0).sentences.join("\n");
    assert!(told.contains("CALL_REFUSED: Apple refuses every call that names this device"), "{told}");
    assert!(told.contains("It rests until "), "{told}");
    assert_eq!(shown(&ground.client().await, &ground.setting).await["lastSyncErrorCode"], 0);
    let refused =
        ground.test.storage.assignments.refused_devices(ground.test.storage.default_tenant()).await.unwrap();
    assert_eq!((refused[0].devices, &refused[0].named), (1, &vec![bad.clone()]));
    if kind == Kind::Sqlite {
        let line = format!("names one of 1 devices (first 5): \"{bad}\".");
        assert!(setting_list(&ground, &[]).contains(&line), "{}", setting_list(&ground, &[]));
        assert!(setting_list(&ground, &["--json"]).contains("\"refusedDeviceCount\":1"));
    }

    // It rests for a day, and is tried again then.
    let calls = ground.assignments().await;
    ground.pass(SignedDuration::from_hours(23)).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, calls);
    ground.test.portal.call(Method::DELETE, &format!("/faults/{rule}"), String::new()).await;
    ground.pass(SignedDuration::from_hours(2)).await;
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!(waiting(&ground).await, []);
    if kind == Kind::Sqlite {
        assert!(!setting_list(&ground, &[]).contains("refuses every call"));
    }
}

#[tokio::test]
async fn a_device_that_apple_refuses_stands_alone_and_the_others_are_assigned_on_sqlite() {
    one_device_does_not_hold_the_others_up(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_device_that_apple_refuses_stands_alone_and_the_others_are_assigned_on_postgresql() {
    one_device_does_not_hold_the_others_up(Kind::Postgres).await;
}

#[tokio::test]
async fn devices_that_apple_refuses_alone_are_in_the_metrics() {
    let ground = Ground::new(Kind::Sqlite, 5).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    refuses(&ground, "/profile/devices", Some(&serials[2]), json!({ "status": 400 })).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    let database = &ground.test.database;
    let key = format!("--sealing-key-file={}", database.key_file().display());
    let service = Started::with(&[&format!("--database-url={}", database.url), &key]).await;
    let scrape = service.operator("/metrics").await.text;
    let tenant = ground.test.storage.default_tenant();
    let labels = format!("tenant=\"{tenant}\",setting=\"{}\"", ground.setting);
    let line = format!("adept_waiting_devices{{{labels},state=\"CALL_REFUSED\"}} 1\n");
    assert!(scrape.contains(&line), "{line} is not in\n{scrape}");
    // What Apple said of them is counted by the process that asked.
    let counted = ground.test.app.counters.all();
    let scrape = crate::serve::metrics::text_of(&counted);
    let line = "adept_device_results_total{asked=\"assign\",result=\"CALL_REFUSED\"} 1\n";
    assert!(scrape.contains(line), "{line} is not in\n{scrape}");
}

#[tokio::test]
async fn a_device_that_apple_does_not_release_stands_alone_and_the_others_are_released() {
    let ground = Ground::new(Kind::Sqlite, 20).await;
    let permissions = format!("/servers/{}/permissions", ground.server);
    ground.portal(Method::PUT, &permissions, json!({ "release_devices": true })).await;
    let serials = ground.serials(None).await;
    let malformed = json!({ "status": 413, "body": "MALFORMED_REQUEST_BODY" });
    refuses(&ground, "/devices/disown", Some(&serials[3]), malformed).await;
    ground.want_released(&serials[..9]).await;
    ground.settle().await;
    assert_eq!(ground.truth().await.len(), 12);
    assert!(ground.truth().await.contains_key(&serials[3]));
    let word = ground.history(&serials[3]).await.pop().unwrap();
    assert_eq!(word, ("not_released".to_owned(), Some(REFUSED.to_owned())));
    // Once more after a day, and not again.
    let calls = asked(&ground.test, "POST /devices/disown").await;
    for hours in [23, 2, 25, 25] {
        ground.pass(SignedDuration::from_hours(hours)).await;
        ground.settle().await;
    }
    assert_eq!(asked(&ground.test, "POST /devices/disown").await, calls + 1);
}

#[tokio::test]
async fn when_apple_refuses_whichever_devices_it_is_named_no_device_is_marked() {
    let ground = Ground::new(Kind::Sqlite, 60).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let rule = refuses(&ground, "/profile/devices", None, json!({ "status": 400 })).await;
    ground.want(&profile, &ground.serials(None).await).await;
    ground.settle().await;
    assert!(ground.assignments().await < 40, "{}", ground.assignments().await);
    assert_eq!(waiting(&ground).await, [("due", 60)]);
    let state = &ground.test.storage.settings.health().await.unwrap()[0].setting.token_state;
    assert_eq!(*state, adept::domain::TokenState::NotUnderstood);
    ground.test.portal.call(Method::DELETE, &format!("/faults/{rule}"), String::new()).await;
    ground.pass(SignedDuration::from_mins(16)).await;
    ground.settle().await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    let state = &ground.test.storage.settings.health().await.unwrap()[0].setting.token_state;
    assert_eq!(*state, adept::domain::TokenState::Ok);
}

#[tokio::test]
async fn what_cannot_be_halved_in_one_run_goes_on_after_a_quarter_of_an_hour() {
    let ground = Ground::new(Kind::Sqlite, 200).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    let bad: Vec<&String> = serials.iter().skip(5).step_by(13).collect();
    for serial in &bad {
        refuses(&ground, "/profile/devices", Some(serial), json!({ "status": 400 })).await;
    }
    ground.want(&profile, &serials).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 65, "one call, and those about halves");
    ground.pass(SignedDuration::from_mins(14)).await;
    ground.settle().await;
    assert_eq!(ground.assignments().await, 65);
    for _ in 0..4 {
        ground.pass(SignedDuration::from_mins(2)).await;
        ground.settle().await;
        ground.pass(SignedDuration::from_mins(14)).await;
        ground.settle().await;
    }
    let truth = ground.truth().await;
    assert_eq!(truth.values().filter(|name| name.is_none()).count(), bad.len());
    assert_eq!(waiting(&ground).await, [(REFUSED, i64::try_from(bad.len()).unwrap())]);
}

#[tokio::test]
async fn what_is_about_the_token_the_profile_the_terms_or_a_wait_is_never_halved() {
    for answer in [
        json!({ "status": 403, "body": "T_C_NOT_SIGNED" }),
        json!({ "status": 403, "body": "FORBIDDEN" }),
        json!({ "status": 401, "body": "token_rejected" }),
        json!({ "status": 400, "body": "PROFILE_UUID_REQUIRED" }),
        json!({ "status": 429, "headers": { "Retry-After": "600" } }),
        json!({ "status": 500 }),
        json!({ "status": 400, "headers": { "Content-Type": "text/html" }, "body": "<html>" }),
        json!({ "status": 200, "body": "<html>" }),
    ] {
        let ground = Ground::new(Kind::Sqlite, 10).await;
        let profile = ground.profile(IOS, "Wanted").await;
        refuses(&ground, "/profile/devices", None, answer.clone()).await;
        ground.want(&profile, &ground.serials(None).await).await;
        ground.settle().await;
        let calls = ground.assignments().await;
        // A refused session is opened again, and the call repeated once.
        assert!(calls <= 2, "{answer}: {calls}");
        assert!(waiting(&ground).await.iter().all(|(state, _)| *state != REFUSED), "{answer}");
    }
}

#[tokio::test]
async fn a_call_about_a_half_whose_answer_was_lost_is_read_from_apple() {
    let ground = Ground::new(Kind::Sqlite, 16).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    // The whole is refused; the answer about the first half is lost.
    script(&ground.test, json!({ "path": "/profile/devices", "status": 400 })).await;
    let lost = json!({ "match": { "path": "/profile/devices" }, "times": 1,
        "do": { "disconnect": { "applied": true } } });
    fault(&ground.test, lost).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    let key =
        adept::domain::SettingKey::new(ground.test.storage.default_tenant(), ground.setting.parse().unwrap());
    assert!(ground.test.storage.assignments.unresolved_calls(key).await.unwrap().len() <= 1);
    for _ in 0..3 {
        ground.pass(SignedDuration::from_mins(16)).await;
        ground.settle().await;
    }
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!(ground.test.storage.assignments.unresolved_calls(key).await.unwrap(), []);
}

async fn another_profile_that_is_wanted_meanwhile_is_assigned_at_once(kind: Kind) {
    let ground = Ground::new(kind, 2).await;
    let (first, second) = (ground.profile(IOS, "First").await, ground.profile(IOS, "Second").await);
    let serials = ground.serials(None).await;
    let rule = refuses(&ground, "/profile/devices", Some(&serials[0]), json!({ "status": 400 })).await;
    ground.want(&first, &serials).await;
    // Both, then the one that stands alone, then the other one, at which nobody is marked yet.
    let hold = json!({ "match": { "path": "/profile/devices", "nth": 3 }, "do": { "hold": "after" } });
    let hold = fault(&ground.test, hold).await;
    let app = std::sync::Arc::clone(&ground.test.app);
    let running = tokio::spawn(async move { app.scheduler.assign_what_is_due().await.unwrap() });
    held(&ground.test, &hold, 1).await;
    ground.test.portal.call(Method::DELETE, &format!("/faults/{rule}"), String::new()).await;
    ground.want(&second, &serials[..1]).await;
    release(&ground.test, &hold).await;
    running.await.unwrap();
    ground.settle().await;
    let truth = ground.truth().await;
    assert_eq!(truth[&serials[0]].as_deref(), Some("Second"), "what became of the first keeps it waiting");
    assert_eq!(truth[&serials[1]].as_deref(), Some("First"));
}

on_both_databases! {
    another_profile_that_is_wanted_meanwhile_is_assigned_at_once
}
