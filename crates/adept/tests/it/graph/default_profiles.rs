//! The default profiles of a setting: set by action or reference, read, changed, cleared.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, send},
    test_app::{S, TestApp},
};

const PLATFORMS: [(&str, &str); 4] = [
    ("defaultIosEnrollmentProfile", "depIOSEnrollmentProfile"),
    ("defaultMacOsEnrollmentProfile", "depMacOSEnrollmentProfile"),
    ("defaultTvOSEnrollmentProfile", "depTvOSEnrollmentProfile"),
    ("defaultVisionOSEnrollmentProfile", "depVisionOSEnrollmentProfile"),
];

async fn make(client: &Client, setting: &str, kind: &str) -> String {
    let body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": kind });
    let answer = client.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn put(client: &Client, path: &str, body: &Value) -> u16 {
    send(client.request(Method::PUT, path).json(body)).await.status
}

#[tokio::test]
async fn each_platform_has_its_own_default_and_one_at_a_time() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let base = format!("/beta/{S}/{setting}");
    for (navigation, kind) in PLATFORMS {
        admin.get(&format!("{base}/{navigation}")).await.is_refused(
            404,
            "ResourceNotFound",
            "does not exist",
        );
        admin.get(&format!("{base}/{navigation}/$ref")).await.is_refused(
            404,
            "ResourceNotFound",
            "does not exist",
        );
        let first = make(&admin, &setting, kind).await;
        let second = make(&admin, &setting, kind).await;
        for id in [&first, &second, &second] {
            let set = format!("{base}/enrollmentProfiles/{id}/setDefaultProfile");
            assert_eq!(admin.act(&set).await.status, 204);
            let default = admin.get_json(&format!("{base}/{navigation}")).await;
            assert_eq!(
                (&default["id"], &default["@odata.type"]),
                (&json!(id), &json!(format!("#microsoft.graph.{kind}")))
            );
        }
        if let Some(old) =
            admin.get_json(&format!("{base}/enrollmentProfiles/{first}")).await.get("isDefault")
        {
            assert_eq!(old, false);
            assert_eq!(
                admin.get_json(&format!("{base}/enrollmentProfiles/{second}")).await["isDefault"],
                true
            );
        }
        let refusal = admin.delete(&format!("{base}/enrollmentProfiles/{second}")).await;
        refusal.is_refused(409, "Conflict", "default of its platform");
    }
    for (navigation, _) in PLATFORMS {
        assert!(admin.get_json(&format!("{base}/{navigation}")).await["id"].is_string());
    }
}

#[tokio::test]
async fn a_reference_sets_shows_and_clears_a_default() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let other = admin.create_setting().await;
    let (ios, mac) =
        (make(&admin, &setting, PLATFORMS[0].1).await, make(&admin, &setting, PLATFORMS[1].1).await);
    let foreign = make(&admin, &other, PLATFORMS[0].1).await;
    let reference = format!("/beta/{S}/{setting}/{}/$ref", PLATFORMS[0].0);
    let own = format!("{S}('{setting}')/enrollmentProfiles('{ios}')");
    let bare = ios.split_once('_').unwrap().1;
    for url in [
        format!("{}/beta/{own}", test.url),
        own.clone(),
        format!("/beta/{own}"),
        format!("/{S}/{setting}/enrollmentProfiles/{bare}"),
    ] {
        assert_eq!(put(&admin, &reference, &json!({ "@odata.id": url })).await, 204, "{url}");
        let shown = admin.get_json(&reference).await;
        assert_eq!(shown["@odata.id"], format!("{}/beta/{own}", test.url));
        assert_eq!(shown["@odata.context"], format!("{}/beta/$metadata#$ref", test.url));
        for _ in 0..2 {
            assert_eq!(admin.delete(&reference).await.status, 204);
        }
        assert_eq!(admin.get(&reference).await.status, 404);
    }
    for bad in [
        json!({}),
        json!({ "@odata.id": 7 }),
        json!({ "@odata.id": "nothing" }),
        json!({ "@odata.id": format!("https://graph.example.com/beta/{own}") }),
        json!({ "@odata.id": format!("{S}/{setting}") }),
        json!({ "@odata.id": format!("{S}/{other}/enrollmentProfiles/{foreign}") }),
        json!({ "@odata.id": format!("{S}/{setting}/enrollmentProfiles/{mac}") }),
        json!({ "@odata.id": own, "other": 1 }),
    ] {
        assert_eq!(put(&admin, &reference, &bad).await, 400, "{bad}");
    }
    assert_eq!(admin.get(&reference).await.status, 404);
    assert_eq!(
        admin.get_json(&format!("/beta/{S}/{setting}/enrollmentProfiles/{ios}")).await["id"],
        json!(ios)
    );
}

#[tokio::test]
async fn a_default_is_changed_and_cleared_through_its_navigation() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    for (navigation, kind) in &PLATFORMS[..2] {
        let id = make(&admin, &setting, kind).await;
        let profile = format!("/beta/{S}/{setting}/enrollmentProfiles/{id}");
        assert_eq!(admin.act(&format!("{profile}/setDefaultProfile")).await.status, 204);
        let default = format!("/beta/{S}/{setting}/{navigation}");
        let changed = admin.patch(&default, &json!({ "siriDisabled": true })).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(changed.json()["siriDisabled"], true);
        assert_eq!(admin.get_json(&profile).await["siriDisabled"], true);
        for _ in 0..2 {
            assert_eq!(admin.delete(&default).await.status, 204);
        }
        assert_eq!(admin.get(&default).await.status, 404);
        assert_eq!(admin.get_json(&profile).await["isDefault"], false);
        assert_eq!(admin.delete(&profile).await.status, 204);
    }
}

#[tokio::test]
async fn the_old_type_serves_ios_and_a_plain_profile_no_platform() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let base = format!("/beta/{S}/{setting}");
    let old = make(&admin, &setting, "depEnrollmentProfile").await;
    assert_eq!(admin.act(&format!("{base}/enrollmentProfiles/{old}/setDefaultProfile")).await.status, 204);
    let shown = admin.get_json(&format!("{base}/defaultIosEnrollmentProfile")).await;
    assert_eq!((&shown["id"], &shown["isDefault"]), (&json!(old), &json!(true)));
    let plain = make(&admin, &setting, "enrollmentProfile").await;
    let refused = admin.act(&format!("{base}/enrollmentProfiles/{plain}/setDefaultProfile")).await;
    refused.is_refused(400, "BadRequest", "has no platform");
}
