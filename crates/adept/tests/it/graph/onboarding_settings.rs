//! `depOnboardingSettings`: list, create, get, update, delete, and the small actions.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::send,
    database::Kind,
    test_app::{S, TestApp},
};

#[tokio::test]
async fn a_new_setting_shows_every_property_of_the_type() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let body = json!({
        "@odata.type": "#microsoft.graph.depOnboardingSetting",
        "id": "ignored", "tokenType": "appleSchoolManager", "syncedDeviceCount": 7,
        "tokenName": "Müller & Söhne \"1\"", "dataSharingConsentGranted": true,
    });
    let answer = admin.post(&format!("/beta/{S}"), &body).await;
    assert_eq!(answer.status, 201);
    let mut shown = answer.json();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("{}/beta/{S}('{id}')", test.url));
    let modified = shown["lastModifiedDateTime"].take();
    assert!(modified.as_str().unwrap().ends_with('Z'));
    let expected = json!({
        "@odata.context": format!("{}/beta/$metadata#{S}/$entity", test.url),
        "id": id,
        "appleIdentifier": null,
        "tokenExpirationDateTime": "0001-01-01T00:00:00Z",
        "lastModifiedDateTime": null,
        "lastSuccessfulSyncDateTime": "0001-01-01T00:00:00Z",
        "lastSyncTriggeredDateTime": "0001-01-01T00:00:00Z",
        "shareTokenWithSchoolDataSyncService": false,
        "lastSyncErrorCode": 0,
        "tokenType": "dep",
        "tokenName": "Müller & Söhne \"1\"",
        "syncedDeviceCount": 0,
        "dataSharingConsentGranted": true,
        "roleScopeTagIds": ["0"],
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_patch_changes_what_it_names_and_null_clears() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let path = format!("/beta/{S}/{}", admin.create_setting().await);
    let patched = admin.patch(&path, &json!({ "roleScopeTagIds": ["1", "2"], "id": "x" })).await;
    assert_eq!(patched.status, 200);
    assert_eq!(patched.json()["tokenName"], "Test");
    assert_eq!(patched.json()["roleScopeTagIds"], json!(["1", "2"]));
    let cleared = admin.patch(&path, &json!({ "tokenName": null })).await.json();
    assert_eq!((&cleared["tokenName"], &cleared["roleScopeTagIds"]), (&Value::Null, &json!(["1", "2"])));
    assert_eq!(admin.get_json(&path).await["tokenName"], Value::Null);
    assert_eq!(admin.patch(&path, &json!({})).await.status, 200);
}

#[tokio::test]
async fn an_invalid_body_is_refused_by_its_path_and_changes_nothing() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let path = format!("/beta/{S}/{}", admin.create_setting().await);
    let before = admin.get_json(&path).await;
    for (body, part) in [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[]", "must be a JSON object"),
        (
            r#"{"displayName":"x"}"#,
            "'displayName' does not exist on type 'microsoft.graph.depOnboardingSetting'",
        ),
        (r#"{"tokenName":["x"]}"#, "'tokenName' must be of type 'Edm.String'"),
        (
            r#"{"tokenName":"x","dataSharingConsentGranted":null}"#,
            "'dataSharingConsentGranted' of type 'Edm.Boolean'",
        ),
        (r#"{"roleScopeTagIds":[1]}"#, "'roleScopeTagIds[0]'"),
    ] {
        // A setting that does not exist comes first: the body is checked later.
        let elsewhere = format!("/beta/{S}/00000000-0000-4000-8000-000000000000");
        send(admin.request(Method::PATCH, &elsewhere).body(body)).await.is_refused(
            404,
            "ResourceNotFound",
            "",
        );
        send(admin.request(Method::PATCH, &path).body(body)).await.is_refused(400, "BadRequest", part);
    }
    let xml = admin.request(Method::PATCH, &path).header("content-type", "application/xml").body("<a/>");
    send(xml).await.is_refused(415, "UnsupportedMediaType", "must be JSON");
    let coded = admin.request(Method::PATCH, &path).header("content-encoding", "gzip").body("{}");
    send(coded).await.is_refused(415, "UnsupportedMediaType", "content coding");
    assert_eq!(admin.get_json(&path).await, before);
    // Scripts send JSON without a content type.
    let unsaid = admin.request(Method::PATCH, &path).body(r#"{"tokenName":"unsaid"}"#);
    assert_eq!(send(unsaid).await.json()["tokenName"], "unsaid");
    let marked = admin.request(Method::PATCH, &path).body("\u{feff}{\"tokenName\":\"marked\"}");
    assert_eq!(send(marked).await.json()["tokenName"], "marked");
}

#[tokio::test]
async fn lists_are_filtered_ordered_selected_and_counted() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let path = format!("/beta/{S}");
    for name in ["beta", "Alpha", "my O'Brien & Söhne #1", "gamma"] {
        assert_eq!(admin.post(&path, &json!({ "tokenName": name })).await.status, 201);
    }
    let names = async |query: &str| {
        let page = admin.get_json(&format!("{path}?{query}")).await;
        let rows = page["value"].as_array().unwrap().iter();
        rows.map(|row| row["tokenName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // What was written reads the same later, to the last digit of its times.
    let made = admin.post(&path, &json!({ "tokenName": "zeta" })).await.json();
    let later = admin.get_json(&format!("{path}/{}", made["id"].as_str().unwrap())).await;
    assert_eq!(made, later);
    assert_eq!(admin.delete(&format!("{path}/{}", made["id"].as_str().unwrap())).await.status, 204);
    assert_eq!(names("$orderby=tokenName%20desc&$top=2").await, ["my O'Brien & Söhne #1", "gamma"]);
    assert_eq!(names("$orderby=tokenName&$skip=1&$top=2").await, ["beta", "gamma"]);
    let filter = "$filter=tokenName%20eq%20%27my%20O%27%27Brien%20%26%20S%C3%B6hne%20%231%27";
    assert_eq!(names(filter).await, ["my O'Brien & Söhne #1"]);
    assert_eq!(names("%24filter=tokenType+eq+'DEP'+and+startswith(tokenName,'b')").await, ["beta"]);
    let gamma = admin.get_json(&format!("{path}?$filter=tokenName%20eq%20'gamma'")).await;
    let gamma = format!("{path}/{}", gamma["value"][0]["id"].as_str().unwrap());
    assert_eq!(admin.patch(&gamma, &json!({ "roleScopeTagIds": ["7", "Eu"] })).await.status, 200);
    assert_eq!(names("$filter=roleScopeTagIds/any(t:t eq 'EU' and tokenType eq 'dep')").await, ["gamma"]);
    assert_eq!(names("$filter=not roleScopeTagIds/all(t:t eq '0')").await, ["gamma"]);
    assert_eq!(names("$filter=roleScopeTagIds/any(t:startswith(t,'0'))&$orderby=tokenName").await.len(), 3);
    let page = admin.get_json(&format!("{path}?$select=TokenName,id&$count=true&$top=1")).await;
    assert_eq!(page["@odata.context"], format!("{}/beta/$metadata#{S}(tokenName,id)", test.url));
    assert_eq!(page["@odata.count"], 4);
    assert_eq!(page["value"][0].as_object().unwrap().len(), 2);
    let text = admin.get(&format!("{path}?$count=true")).await.text;
    assert!(text.find("@odata.count") < text.find("\"value\""), "{text}");
    assert_eq!(admin.get(&format!("{path}/$count?$filter=tokenName eq 'alpha'")).await.text, "1");
    let nothing = admin.get_json(&format!("{path}?$top=0&$count=true")).await;
    assert_eq!((&nothing["value"], &nothing["@odata.count"]), (&json!([]), &json!(4)));
    assert!(nothing.get("@odata.nextLink").is_none());
}

#[tokio::test]
async fn an_invalid_query_is_refused_with_its_position() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for (query, part) in [
        (
            "$select=displayName",
            "Could not find a property named 'displayName' on type 'microsoft.graph.depOnboardingSetting'.",
        ),
        ("$filter=displayName eq 'x'", "Could not find a property named 'displayName'"),
        ("$filter=tokenName eq", "Syntax error"),
        (
            "$filter=roleScopeTagIds eq null",
            "'roleScopeTagIds' of type 'Collection(Edm.String)' cannot be compared",
        ),
        ("$filter=roleScopeTagIds/any(t:t/x eq '1')", "Could not find a property named 'x'"),
        ("$orderby=roleScopeTagIds", "'roleScopeTagIds' cannot be sorted by"),
        ("$orderby=tokenName up", "Syntax error"),
        ("$top=-1", "$top"),
        ("$top=x", "$top"),
        ("$nothing=1", "'$nothing' is not supported"),
        ("$search=x", "'$search' is not supported"),
        ("$expand=tokenName", "'tokenName' is not a navigation property"),
        ("$filter=%ff", "percent-encoded"),
        ("$skiptoken=garbage", "'$skiptoken' does not belong"),
        ("$skiptoken=", "'$skiptoken' does not belong"),
    ] {
        admin.get(&format!("/beta/{S}?{query}")).await.is_refused(400, "BadRequest", part);
    }
    admin.get(&format!("/beta/{S}?custom=1&$format=json")).await.json();
}

#[tokio::test]
async fn actions_without_parameters_take_every_empty_body() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let path = format!("/beta/{S}/{id}/shareForSchoolDataSyncService");
    let post = || admin.request(Method::POST, &path);
    for request in [
        post(),
        post().header("content-length", "0"),
        post().header("content-type", "application/json").body(""),
        post().header("content-type", "application/json; charset=utf-8").body("{}"),
        post().body("{ }\n"),
    ] {
        let answer = send(request).await;
        assert_eq!((answer.status, answer.text.as_str()), (204, ""));
        assert!(!answer.headers.contains_key("content-type"));
    }
    send(post().body(r#"{"extra":1}"#)).await.is_refused(
        400,
        "BadRequest",
        "'extra' is not a parameter of the action 'shareForSchoolDataSyncService'",
    );
    assert_eq!(admin.get_json(&format!("/beta/{S}/{id}")).await["shareTokenWithSchoolDataSyncService"], true);
    assert_eq!(admin.act(&format!("/beta/{S}/{id}/unshareForSchoolDataSyncService")).await.status, 204);
    assert_eq!(
        admin.get_json(&format!("/beta/{S}/{id}")).await["shareTokenWithSchoolDataSyncService"],
        false
    );
}

#[tokio::test]
async fn keys_are_generated_read_and_never_lost() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let path = format!("/beta/{S}/{}", admin.create_setting().await);
    let first = admin.get_json(&format!("{path}/getEncryptionPublicKey")).await["value"].clone();
    assert_eq!(admin.get_json(&format!("{path}/getEncryptionPublicKey()")).await["value"], first);
    let generated = admin.act(&format!("{path}/generateEncryptionPublicKey")).await;
    assert_eq!(generated.status, 200);
    let second = generated.json()["value"].clone();
    assert_ne!(first, second);
    assert_eq!(admin.get_json(&format!("{path}/getEncryptionPublicKey")).await["value"], second);
}

#[tokio::test]
async fn a_deleted_setting_does_not_exist() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let path = format!("/beta/{S}/{}", admin.create_setting().await);
    let deleted = admin.delete(&path).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    admin.get(&path).await.is_refused(404, "ResourceNotFound", "does not exist");
    admin.delete(&path).await.is_refused(404, "ResourceNotFound", "does not exist");
    let sync = admin.act(&format!("{path}/syncWithAppleDeviceEnrollmentProgram")).await;
    sync.is_refused(404, "ResourceNotFound", "does not exist");
}

#[tokio::test]
async fn a_sync_of_a_setting_without_a_token_is_204_and_does_nothing() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let admin = test.admin().await;
        let log = test.client(test.storage.default_tenant(), &["DeviceManagementApps.Read.All"]).await;
        let events = async || log.get("/beta/deviceManagement/auditEvents/$count").await.text;
        // The setting for Apple Configurator has the tenant's id.
        for id in [admin.create_setting().await, test.storage.default_tenant().to_string()] {
            let path = format!("/beta/{S}/{id}");
            let before = (admin.get_json(&path).await, events().await);
            let sync = admin.act(&format!("{path}/syncWithAppleDeviceEnrollmentProgram")).await;
            assert_eq!((sync.status, sync.text.as_str()), (204, ""), "{kind:?} {id}");
            assert_eq!((admin.get_json(&path).await, events().await), before, "{kind:?} {id}");
        }
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn settings_are_filtered_by_their_error_code() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let admin = test.admin().await;
        let (good, waiting) = (test.onboarded(&admin, 1).await, test.onboarded(&admin, 1).await);
        for path in ["/session", "/account", "/devices/sync"] {
            let answer = json!({ "path": path, "status": 403, "body": "T_C_NOT_SIGNED", "times": 9 });
            test.portal.call(Method::POST, "/answers", answer.to_string()).await;
        }
        test.clock.advance(SignedDuration::from_secs(30));
        let sync = format!("/beta/{S}/{waiting}/syncWithAppleDeviceEnrollmentProgram");
        assert_eq!(admin.act(&sync).await.status, 204);
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
        for (filter, ids) in [("eq%203", vec![&waiting]), ("ne%203", vec![&good]), ("eq%201", vec![])] {
            let query = format!("lastSyncErrorCode%20{filter}%20and%20tokenName%20eq%20'Test'&$select=id");
            let page = admin.get_json(&format!("/beta/{S}?$filter={query}")).await;
            let found: Vec<_> = page["value"].as_array().unwrap().iter().map(|row| &row["id"]).collect();
            assert_eq!(found, ids, "{kind:?} {filter}");
        }
    }
}
