//! Access: bearer tokens, permissions, tenants.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use crate::support::{
    client::send,
    test_app::{READ, S, TestApp, WRITE},
};

#[tokio::test]
async fn without_a_good_bearer_token_no_answer_reveals_whether_a_path_exists() {
    let test = TestApp::start().await;
    for path in ["/beta/deviceManagement", "/beta/nothing", "/v1.0/nothing", &format!("/beta/{S}")] {
        let answer = test.anonymous().get(path).await;
        answer.is_refused(401, "InvalidAuthenticationToken", "Access token is empty");
        let challenge = answer.header("www-authenticate");
        assert!(
            challenge.starts_with("Bearer realm=\"\", authorization_uri=\"http://127.0.0.1:"),
            "{challenge}"
        );
        assert!(challenge.ends_with(
            "/common/oauth2/v2.0/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\""
        ));
    }
}

#[tokio::test]
async fn a_bad_bearer_token_is_refused_before_any_other_check() {
    let test = TestApp::start().await;
    let tenant = test.storage.default_tenant();
    let client = test.signer.registered(&test.storage, tenant).await;
    let claims = |changes| test.signer.claims(tenant, client, &changes);
    let now = test.clock.now().as_second();
    let personal = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let issuer = |tenant: &str| format!("{}/{tenant}/v2.0", test.url);
    let stranger = "11111111-1111-4111-8111-111111111111";
    let tokens = [
        ("not.a.token".to_owned(), 401, "does not hold a readable bearer token"),
        (test.signer.forge(&claims(json!({ "roles": [WRITE] }))), 401, "not signed by this service"),
        (test.signer.sign(&claims(json!({ "roles": [WRITE], "exp": now - 600 }))), 401, "expired"),
        (test.signer.sign(&claims(json!({ "roles": [WRITE], "nbf": now + 600 }))), 401, "not yet valid"),
        (
            test.signer.sign(&claims(json!({ "roles": [WRITE], "aud": "https://example.com" }))),
            401,
            "audience",
        ),
        (test.signer.sign(&claims(json!({ "roles": [WRITE], "iss": "https://example.com" }))), 401, "issuer"),
        (
            test.signer.sign(&claims(json!({ "roles": [WRITE], "tid": stranger, "iss": issuer(stranger) }))),
            401,
            "tenant is unknown",
        ),
        (
            test.signer.sign(&claims(json!({ "roles": [WRITE], "appid": stranger, "azp": stranger }))),
            401,
            "application is unknown",
        ),
        (
            test.signer.sign(&claims(json!({ "scp": WRITE, "tid": personal, "iss": issuer(personal) }))),
            403,
            "Personal Microsoft accounts",
        ),
    ];
    for (token, status, part) in tokens {
        let code = if status == 401 { "InvalidAuthenticationToken" } else { "Forbidden" };
        // A path that does not exist, a method that is not offered: the token is checked first.
        for path in [format!("/beta/{S}"), "/beta/nothing".to_owned()] {
            test.with(&token).act(&path).await.is_refused(status, code, part);
        }
    }
    let basic = test.anonymous().request(Method::GET, "/beta/nothing").header("authorization", "Basic YTpi");
    send(basic).await.is_refused(401, "InvalidAuthenticationToken", "readable bearer token");
}

#[tokio::test]
async fn a_bearer_token_expires_while_it_is_in_use() {
    let test = TestApp::start().await;
    let reader = test.client(test.storage.default_tenant(), &[READ]).await;
    reader.get_json(&format!("/beta/{S}")).await;
    test.clock.advance(SignedDuration::from_hours(2));
    reader.get(&format!("/beta/{S}")).await.is_refused(401, "InvalidAuthenticationToken", "expired");
}

#[tokio::test]
async fn each_operation_needs_its_permission() {
    let test = TestApp::start().await;
    let tenant = test.storage.default_tenant();
    let id = test.admin().await.create_setting().await;
    let nobody = test.client(tenant, &[]).await;
    let apps = test.client(tenant, &["DeviceManagementApps.Read.All"]).await;
    let reader = test.client(tenant, &[READ]).await;

    let reads = "one of the following scopes: DeviceManagementServiceConfig.Read.All, \
                 DeviceManagementServiceConfig.ReadWrite.All";
    for path in ["", "/$count", &format!("/{id}"), &format!("/{id}/importedAppleDeviceIdentities")] {
        let path = format!("/beta/{S}{path}");
        nobody.get(&path).await.is_refused(403, "Forbidden", reads);
        apps.get(&path).await.is_refused(403, "Forbidden", reads);
        assert_eq!(reader.get(&path).await.status, 200);
    }
    let writes = "must have one of the following scopes: DeviceManagementServiceConfig.ReadWrite.All";
    for (method, path) in [
        (Method::POST, String::new()),
        (Method::PATCH, format!("/{id}")),
        (Method::DELETE, format!("/{id}")),
        (Method::POST, format!("/{id}/uploadDepToken")),
        (Method::POST, format!("/{id}/generateEncryptionPublicKey")),
        (Method::POST, format!("/{id}/syncWithAppleDeviceEnrollmentProgram")),
        (Method::POST, format!("/{id}/shareForSchoolDataSyncService")),
        (Method::POST, format!("/{id}/unshareForSchoolDataSyncService")),
    ] {
        let request = reader.request(method, &format!("/beta/{S}{path}")).body("garbage");
        send(request).await.is_refused(403, "Forbidden", writes);
    }
    nobody.get("/beta/deviceManagement").await.is_refused(403, "Forbidden", "DeviceManagementApps.Read.All");
    let shown = apps.get_json("/beta/deviceManagement").await;
    assert_eq!(shown["intuneAccountId"], tenant.to_string());
    assert_eq!(shown["maximumDepTokens"], 100);
    assert_eq!(shown["lastReportAggregationDateTime"], "0001-01-01T00:00:00Z");
}

#[tokio::test]
async fn a_persons_scopes_decide_over_the_applications_roles() {
    let test = TestApp::start().await;
    let tenant = test.storage.default_tenant();
    let client = test.signer.registered(&test.storage, tenant).await;
    let claims = json!({ "scp": format!("openid {READ}"), "roles": [WRITE], "oid": "someone", "upn": "a@example.com" });
    let person = test.with(&test.signer.sign(&test.signer.claims(tenant, client, &claims)));
    person.get_json(&format!("/beta/{S}")).await;
    person.post(&format!("/beta/{S}"), &json!({})).await.is_refused(403, "Forbidden", WRITE);
}

#[tokio::test]
async fn a_setting_of_another_tenant_does_not_exist() {
    let test = TestApp::start().await;
    let id = test.admin().await.create_setting().await;
    let other = test.client(test.other_tenant().await, &[WRITE]).await;
    assert_eq!(other.get(&format!("/beta/{S}/$count")).await.text, "0");
    assert_eq!(other.get_json(&format!("/beta/{S}")).await["value"], json!([]));
    let nothing = "00000000-0000-4000-8000-000000000000";
    for (method, path) in [
        (Method::GET, String::new()),
        (Method::PATCH, String::new()),
        (Method::DELETE, String::new()),
        (Method::GET, "/getEncryptionPublicKey".to_owned()),
        (Method::POST, "/generateEncryptionPublicKey".to_owned()),
        (Method::POST, "/uploadDepToken".to_owned()),
        (Method::POST, "/syncWithAppleDeviceEnrollmentProgram".to_owned()),
        (Method::POST, "/shareForSchoolDataSyncService".to_owned()),
        (Method::GET, "/importedAppleDeviceIdentities".to_owned()),
        (Method::GET, "/importedAppleDeviceIdentities/$count".to_owned()),
        (Method::GET, format!("/importedAppleDeviceIdentities/{nothing}")),
        (Method::POST, "/importedAppleDeviceIdentities".to_owned()),
        (Method::POST, "/importedAppleDeviceIdentities/importAppleDeviceIdentityList".to_owned()),
        (Method::PATCH, format!("/importedAppleDeviceIdentities/{nothing}")),
        (Method::DELETE, format!("/importedAppleDeviceIdentities/{nothing}")),
        (Method::POST, "/releaseAppleDevices".to_owned()),
        (Method::GET, "/enrollmentProfiles".to_owned()),
        (Method::POST, "/enrollmentProfiles".to_owned()),
        (Method::GET, "/enrollmentProfiles/$count".to_owned()),
        (Method::GET, format!("/enrollmentProfiles/{nothing}")),
        (Method::PATCH, format!("/enrollmentProfiles/{nothing}")),
        (Method::DELETE, format!("/enrollmentProfiles/{nothing}")),
        (Method::POST, format!("/enrollmentProfiles/{nothing}/setDefaultProfile")),
        (Method::POST, format!("/enrollmentProfiles/{nothing}/updateDeviceProfileAssignment")),
        (Method::GET, format!("/enrollmentProfiles/{nothing}/exportMobileConfig")),
        (Method::GET, "/defaultIosEnrollmentProfile".to_owned()),
        (Method::PATCH, "/defaultMacOsEnrollmentProfile".to_owned()),
        (Method::DELETE, "/defaultIosEnrollmentProfile".to_owned()),
        (Method::GET, "/defaultTvOSEnrollmentProfile/$ref".to_owned()),
        (Method::PUT, "/defaultTvOSEnrollmentProfile/$ref".to_owned()),
        (Method::DELETE, "/defaultVisionOSEnrollmentProfile/$ref".to_owned()),
    ] {
        let mut sentences = Vec::new();
        // One that exists elsewhere, one that exists nowhere, and one that cannot exist: the same answer.
        for id in [id.as_str(), nothing, "no-guid"] {
            let answer = send(other.request(method.clone(), &format!("/beta/{S}/{id}{path}"))).await;
            answer.is_refused(404, "ResourceNotFound", "does not exist");
            sentences.push(answer.json()["error"]["message"].clone());
        }
        assert!(sentences.iter().all(|sentence| *sentence == sentences[0]), "{method} {path}: {sentences:?}");
    }
}
