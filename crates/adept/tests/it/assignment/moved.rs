//! Devices that leave and come back: they converge by their state, whatever Apple calls the operation.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::Ground;
use crate::support::database::Kind;

const IOS: &str = "depIOSEnrollmentProfile";

async fn moved_away_and_back(kind: Kind, options: serde_json::Value) {
    let ground = Ground::new(kind, 10).await;
    ground.portal(Method::PUT, "/options", options).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    ground.sync().await;
    let serial = &serials[0];

    // To the same server again: Apple takes the profile away and may call it anything.
    let to = json!({ "to": ground.server });
    let path = format!("/servers/{}/devices/{serial}/move", ground.server);
    ground.portal(Method::POST, &path, to).await;
    assert_eq!(ground.truth().await[serial], None);
    ground.sync().await;
    assert_eq!(ground.truth().await[serial].as_deref(), Some("Wanted"));
    assert_eq!(ground.assignments().await, 2, "assigned once more, and once only");
    ground.sync().await;
    assert_eq!(ground.assignments().await, 2);
    let words: Vec<_> = ground.history(serial).await.into_iter().map(|(word, _)| word).collect();
    assert_eq!(words.iter().filter(|word| *word == "assigned").count(), 2);
    assert!(words.contains(&"contradicted".to_owned()), "{words:?}");
}

#[tokio::test]
async fn a_device_that_was_added_again_is_assigned_again_on_sqlite() {
    moved_away_and_back(Kind::Sqlite, json!({})).await;
    moved_away_and_back(Kind::Sqlite, json!({ "moved_in_as": "modified" })).await;
}

#[tokio::test]
async fn a_device_that_was_added_again_is_assigned_again_on_postgresql() {
    moved_away_and_back(Kind::Postgres, json!({})).await;
}

#[tokio::test]
async fn a_device_that_went_away_keeps_its_desired_profile_and_gets_it_when_it_is_back() {
    let ground = Ground::new(Kind::Sqlite, 10).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    let serial = &serials[0];
    ground.want(&profile, &serials).await;
    ground.settle().await;
    let device = format!("/servers/{}/devices/{serial}", ground.server);
    let kept = ground.portal(Method::GET, &device, json!(null)).await;
    ground.test.portal.call(Method::DELETE, &device, String::new()).await;
    ground.sync().await;
    let calls = ground.assignments().await;
    ground.pass(SignedDuration::from_mins(10)).await;
    ground.sync().await;
    assert_eq!(ground.assignments().await, calls, "there is nothing to do for a device that is gone");

    let again = json!({ "devices": [{ "serial_number": serial, "os": kept["os"], "model": kept["model"] }] });
    ground.portal(Method::POST, &format!("/servers/{}/devices", ground.server), again).await;
    ground.sync().await;
    assert_eq!(ground.truth().await[serial].as_deref(), Some("Wanted"));
    let words: Vec<_> = ground.history(serial).await.into_iter().map(|(word, _)| word).collect();
    assert!(words.contains(&"absent".to_owned()) && words.contains(&"listed_again".to_owned()), "{words:?}");
}

#[tokio::test]
async fn devices_that_come_later_get_the_default() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile("depMacOSEnrollmentProfile", "Macs").await;
    ground.make_default(&profile).await;
    ground.settle().await;
    let new = json!({ "devices": [{ "serial_number": "C02LATER0001", "os": "OSX", "model": "iMac" }] });
    ground.portal(Method::POST, &format!("/servers/{}/devices", ground.server), new).await;
    ground.sync().await;
    assert_eq!(ground.truth().await["C02LATER0001"].as_deref(), Some("Macs"));
}

#[tokio::test]
async fn an_imported_device_gets_its_profile_once_apple_lists_it() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile("depMacOSEnrollmentProfile", "Macs").await;
    let body = json!({ "importedAppleDeviceIdentities": [{
        "serialNumber": "C02IMPORT001", "requestedEnrollmentProfileId": profile, "platform": "macOS" }] });
    let path = format!(
        "/beta/{}/{}/importedAppleDeviceIdentities/importAppleDeviceIdentityList",
        crate::support::test_app::S,
        ground.setting
    );
    let answer = ground.client().await.post(&path, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    ground.settle().await;
    assert_eq!(ground.assignments().await, 0);
    let new = json!({ "devices": [{ "serial_number": "C02IMPORT001", "os": "OSX", "model": "iMac" }] });
    ground.portal(Method::POST, &format!("/servers/{}/devices", ground.server), new).await;
    ground.sync().await;
    assert_eq!(ground.truth().await["C02IMPORT001"].as_deref(), Some("Macs"));
}

async fn moved_in_as_modified(kind: Kind) {
    let ground = Ground::new(kind, 10).await;
    ground.portal(Method::PUT, "/options", json!({ "moved_in_as": "modified" })).await;
    let profile = ground.profile("depMacOSEnrollmentProfile", "Macs").await;
    ground.make_default(&profile).await;
    ground.settle().await;
    let calls = ground.assignments().await;
    let other = ground.another_server().await;
    let new = json!({ "devices": [{ "serial_number": "C02MOVED0001", "os": "OSX", "model": "iMac" }] });
    ground.portal(Method::POST, &format!("/servers/{other}/devices"), new).await;
    ground.pass(SignedDuration::from_secs(5)).await;
    ground.move_device(&other, "C02MOVED0001", &ground.server).await;
    ground.sync().await;
    assert_eq!(ground.truth().await["C02MOVED0001"].as_deref(), Some("Macs"));
    ground.sync().await;
    ground.sync().await;
    assert_eq!(ground.assignments().await, calls + 1, "once");
}

#[tokio::test]
async fn a_device_that_moves_in_and_is_called_modified_is_assigned_once_on_sqlite() {
    moved_in_as_modified(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_device_that_moves_in_and_is_called_modified_is_assigned_once_on_postgresql() {
    moved_in_as_modified(Kind::Postgres).await;
}

#[tokio::test]
async fn a_profile_that_was_removed_at_apple_is_assigned_again_even_if_the_record_still_names_it() {
    let ground = Ground::new(Kind::Sqlite, 1).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.want(&profile, &serials).await;
    ground.settle().await;
    ground.sync().await;
    let path = format!("/servers/{}/devices/{}", ground.server, serials[0]);
    let uuid = ground.portal(Method::GET, &path, json!(null)).await["profile_uuid"].clone();
    assert!(uuid.is_string());
    ground.pass(SignedDuration::from_secs(5)).await;
    let removed = json!({ "profile_status": "removed", "profile_uuid": uuid });
    ground.portal(Method::PATCH, &path, removed).await;
    ground.sync().await;
    assert_eq!(ground.assignments().await, 2);
    let told = ("contradicted".to_owned(), Some("removed".to_owned()));
    assert!(ground.history(&serials[0]).await.contains(&told), "not that it has another profile");
}
