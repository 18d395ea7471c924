//! The setting that every tenant has for Apple Configurator: always there, without token and keys.

use serde_json::{Value, json};

use crate::support::test_app::{S, TestApp};

#[tokio::test]
async fn it_is_always_listed_under_the_tenants_id() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let account = admin.get_json("/beta/deviceManagement").await["intuneAccountId"].clone();
    let listed = admin.get_json(&format!("/beta/{S}")).await;
    assert_eq!((&listed["value"][0]["id"], &listed["value"][0]["tokenType"]), (&account, &json!("none")));
    assert_eq!(admin.get(&format!("/beta/{S}/$count?$filter=tokenType eq 'none'")).await.text, "1");
    let path = format!("/beta/{S}/{}", account.as_str().unwrap());
    assert_eq!(admin.get_json(&format!("{path}/getEncryptionPublicKey")).await["value"], Value::Null);
    admin.act(&format!("{path}/generateEncryptionPublicKey")).await.is_refused(
        409,
        "Conflict",
        "needs no key",
    );
    admin.delete(&path).await.is_refused(409, "Conflict", "always there");
    let sync = admin.act(&format!("{path}/syncWithAppleDeviceEnrollmentProgram")).await;
    assert_eq!(sync.status, 204, "{}", sync.text);
    let upload = admin.post(&format!("{path}/uploadDepToken"), &json!({ "depToken": "AAAA" })).await;
    assert_eq!(upload.status, 400, "{}", upload.text);
}

#[tokio::test]
async fn it_holds_plain_profiles_and_their_devices() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let account = test.storage.default_tenant();
    let path = format!("/beta/{S}/{account}");
    let derived = json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "x" });
    let refused = admin.post(&format!("{path}/enrollmentProfiles"), &derived).await;
    refused.is_refused(400, "BadRequest", "'enrollmentProfile' only");
    let made = admin.post(&format!("{path}/enrollmentProfiles"), &json!({ "displayName": "Carts" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with(&format!("{account}_")));
    let import = json!({ "importedAppleDeviceIdentities": [
        { "serialNumber": "CART1", "platform": "ios", "requestedEnrollmentProfileId": id }] });
    let answer = admin
        .post(&format!("{path}/importedAppleDeviceIdentities/importAppleDeviceIdentityList"), &import)
        .await;
    assert_eq!(answer.json()["value"][0]["status"], true, "{}", answer.text);
    let refused = admin.delete(&format!("{path}/enrollmentProfiles/{id}")).await;
    refused.is_refused(409, "Conflict", "1 devices are assigned");
}
