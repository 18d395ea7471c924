//! Manual import of devices: in lists, and made, changed and deleted one by one, without a call to Apple.

use serde_json::{Value, json};

use crate::support::test_app::{S, TestApp};

#[tokio::test]
async fn an_import_returns_a_result_for_each_device() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let devices = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities");
    let import = format!("{devices}/importAppleDeviceIdentityList");
    let profile = admin
        .post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &json!({ "displayName": "x" }))
        .await
        .json()["id"]
        .clone();
    let body = json!({ "importedAppleDeviceIdentities": [
        { "@odata.type": "#microsoft.graph.importedAppleDeviceIdentity", "serialNumber": "AAA111", "description": "one",
          "platform": "macOS", "requestedEnrollmentProfileId": profile },
        { "serialNumber": "aaa111" },
        { "serialNumber": "" },
        { "description": "no serial" },
        { "serialNumber": "BBB222", "requestedEnrollmentProfileId": "nothing" },
        { "serialNumber": "CCC333", "isSupervised": true },
    ], "overwriteImportedDeviceIdentities": false });
    let answer = admin.post(&import, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(
        answer["@odata.context"],
        format!("{}/beta/$metadata#Collection(microsoft.graph.importedAppleDeviceIdentityResult)", test.url)
    );
    let results = answer["value"].as_array().unwrap();
    let taken: Vec<_> = results.iter().map(|result| result["status"].as_bool().unwrap()).collect();
    assert_eq!(taken, [true, false, false, false, false, true]);
    assert_eq!(results[0]["discoverySource"], "adminImport");
    assert_eq!(
        results[0]["requestedEnrollmentProfileId"].as_str(),
        profile.as_str().unwrap().split('_').nth(1)
    );
    assert_eq!((&results[1]["serialNumber"], &results[5]["isSupervised"]), (&json!("aaa111"), &json!(true)));
    assert_eq!(admin.get(&format!("{devices}/$count")).await.text, "2");
    let found = admin.get(&format!("{devices}/$count?$filter=discoverySource eq 'AdminImport'")).await.text;
    assert_eq!(found, "2");
    assert_eq!(admin.get_json(&format!("/beta/{S}/{setting}")).await["syncedDeviceCount"], 2);

    let again = |overwrite: bool| {
        json!({
        "importedAppleDeviceIdentities": [{ "serialNumber": "AAA111", "description": "two" }],
        "overwriteImportedDeviceIdentities": overwrite })
    };
    let refused = admin.post(&import, &again(false)).await.json();
    assert_eq!(
        (&refused["value"][0]["status"], &refused["value"][0]["description"]),
        (&json!(false), &json!("one"))
    );
    let changed = admin.post(&import, &again(true)).await.json();
    assert_eq!(
        (&changed["value"][0]["status"], &changed["value"][0]["description"]),
        (&json!(true), &json!("two"))
    );
    assert_eq!(changed["value"][0]["id"], results[0]["id"]);
    assert_eq!(changed["value"][0]["platform"], "macOS");
    assert_eq!(admin.get(&format!("{devices}/$count")).await.text, "2");
}

#[tokio::test]
async fn an_invalid_import_is_refused_as_a_whole() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let devices = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities");
    let import = format!("{devices}/importAppleDeviceIdentityList");
    let many: Vec<Value> = (0..5001).map(|number| json!({ "serialNumber": format!("S{number}") })).collect();
    for (body, part) in [
        (json!({}), "'importedAppleDeviceIdentities' is missing"),
        (json!({ "importedAppleDeviceIdentities": {} }), "'importedAppleDeviceIdentities' must be"),
        (json!({ "importedAppleDeviceIdentities": [7] }), "'importedAppleDeviceIdentities[0]' must be"),
        (json!({ "importedAppleDeviceIdentities": [{ "serialNumber": 7 }] }), "'serialNumber' must be"),
        (json!({ "importedAppleDeviceIdentities": [{ "serial": "A" }] }), "'serial' does not exist"),
        (json!({ "importedAppleDeviceIdentities": [], "other": 1 }), "'other' is not a parameter"),
        (json!({ "importedAppleDeviceIdentities": many }), "5001 devices are more than the 5000"),
    ] {
        admin.post(&import, &body).await.is_refused(400, "BadRequest", part);
    }
    let most = json!({ "importedAppleDeviceIdentities": many[..5000] });
    assert_eq!(admin.post(&import, &most).await.json()["value"].as_array().unwrap().len(), 5000);
    assert_eq!(admin.get(&format!("{devices}/$count")).await.text, "5000");
}

#[tokio::test]
async fn a_device_is_created_changed_and_deleted() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let devices = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities");
    let made = admin.post(&devices, &json!({ "serialNumber": "AAA111", "description": "one" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let device = format!("{devices}/{}", made["id"].as_str().unwrap());
    assert_eq!((&made["discoverySource"], &made["isDeleted"]), (&json!("adminImport"), &json!(false)));
    assert_eq!(admin.get_json(&device).await, made);
    let again = admin.post(&devices, &json!({ "serialNumber": "aaa111" })).await;
    again.is_refused(409, "Conflict", "listed under the setting already");
    admin.post(&devices, &json!({})).await.is_refused(400, "BadRequest", "'serialNumber'");
    let changed =
        admin.patch(&device, &json!({ "description": null, "platform": "TVOS", "isSupervised": true })).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let changed = changed.json();
    assert_eq!((&changed["description"], &changed["platform"]), (&Value::Null, &json!("tvOS")));
    assert_eq!(admin.get_json(&device).await, changed);
    for (body, part) in [
        (json!({ "serialNumber": "OTHER" }), "cannot be changed"),
        (json!({ "platform": "android" }), "'platform' must be one of Apple's"),
        (json!({ "requestedEnrollmentProfileId": "nothing" }), "must name a profile of this setting"),
        (json!({ "nothing": 1 }), "'nothing' does not exist"),
    ] {
        admin.patch(&device, &body).await.is_refused(400, "BadRequest", part);
    }
    assert_eq!(admin.get_json(&device).await, changed);
    assert_eq!(admin.delete(&device).await.status, 204);
    admin.delete(&device).await.is_refused(404, "ResourceNotFound", "The device");
    assert_eq!(admin.get_json(&format!("/beta/{S}/{setting}")).await["syncedDeviceCount"], 0);
}
