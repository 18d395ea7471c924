//! The setting that every tenant has for Apple Configurator: always there, without token and keys.

use serde_json::{Value, json};

use crate::support::{
    client::Client,
    test_app::{S, TestApp},
};

/// The ids in the list, which `$count`, `$expand` and a filter agree with.
async fn listed(client: &Client) -> Vec<String> {
    let ids = |rows: &Value| -> Vec<String> {
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
    };
    let page = client.get_json(&format!("/beta/{S}?$count=true")).await;
    let listed = ids(&page["value"]);
    assert_eq!(page["@odata.count"], listed.len());
    assert_eq!(client.get(&format!("/beta/{S}/$count")).await.text, listed.len().to_string());
    let expanded = client.get_json("/beta/deviceManagement?$expand=depOnboardingSettings").await;
    assert_eq!(ids(&expanded["depOnboardingSettings"]), listed);
    let none = client.get(&format!("/beta/{S}/$count?$filter=tokenType eq 'none'")).await.text;
    assert_eq!(
        none,
        page["value"].as_array().unwrap().iter().filter(|row| row["tokenType"] == "none").count().to_string()
    );
    listed
}

#[tokio::test]
async fn it_has_the_tenants_id_and_is_not_listed_while_it_is_empty() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let account = admin.get_json("/beta/deviceManagement").await["intuneAccountId"].clone();
    let path = format!("/beta/{S}/{}", account.as_str().unwrap());
    let shown = admin.get_json(&path).await;
    assert_eq!((&shown["id"], &shown["tokenType"]), (&account, &json!("none")));
    let own = admin.create_setting().await;
    assert_eq!(listed(&admin).await, [own.as_str()]);
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
    assert_eq!(listed(&admin).await, [account.to_string()]);
    let import = json!({ "importedAppleDeviceIdentities": [
        { "serialNumber": "CART1", "platform": "ios", "requestedEnrollmentProfileId": id }] });
    let answer = admin
        .post(&format!("{path}/importedAppleDeviceIdentities/importAppleDeviceIdentityList"), &import)
        .await;
    assert_eq!(answer.json()["value"][0]["status"], true, "{}", answer.text);
    let refused = admin.delete(&format!("{path}/enrollmentProfiles/{id}")).await;
    refused.is_refused(409, "Conflict", "1 devices are assigned");
}
