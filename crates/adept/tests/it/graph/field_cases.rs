//! Requests that programs in the field were seen to send, answered as their authors expect.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, send},
    test_app::{READ, S, TestApp, WRITE},
};

async fn profile(admin: &Client, setting: &str, kind: &str, more: Value) -> Value {
    let mut body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": kind });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = admin.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap()
}

#[tokio::test]
async fn a_sync_of_every_row_of_the_list_succeeds() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    // One with a token, one without; the empty one for Apple Configurator is no row, and takes a sync all the same.
    let (_, _) = (test.onboarded(&admin, 1).await, admin.create_setting().await);
    let listed = admin.get_json(&format!("/beta/{S}")).await;
    assert_eq!((listed["value"].as_array().unwrap().len(), &listed["@odata.count"]), (2, &json!(2)));
    let rows = listed["value"].as_array().unwrap().iter().map(|row| text(row, "id").to_owned());
    for id in rows.chain([test.storage.default_tenant().to_string()]) {
        let path = format!("/beta/{S}/{id}/syncWithAppleDeviceEnrollmentProgram");
        assert_eq!(admin.act(&path).await.status, 204, "{id}");
    }
}

#[tokio::test]
async fn a_default_profile_is_bound_by_its_url_and_every_other_binding_is_refused() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let (setting, other) = (admin.create_setting().await, admin.create_setting().await);
    let ios = profile(&admin, &setting, "depIOSEnrollmentProfile", json!({})).await;
    let mac = profile(&admin, &setting, "depMacOSEnrollmentProfile", json!({})).await;
    let foreign = profile(&admin, &other, "depIOSEnrollmentProfile", json!({})).await;
    let path = format!("/beta/{S}/{setting}");
    let at = |setting: &str, profile: &Value| {
        format!("/beta/{S}('{setting}')/enrollmentProfiles('{}')", text(profile, "id"))
    };
    let default = async |name: &str| {
        let shown = admin.get_json(&format!("{path}?$expand={name}")).await;
        shown[name]["id"].as_str().map(str::to_owned)
    };
    let own = at(&setting, &ios);
    for url in [own.clone(), format!("{}{own}", test.url), own.trim_start_matches("/beta/").to_owned()] {
        let cleared = admin.patch(&path, &json!({ "defaultIosEnrollmentProfile@odata.bind": null })).await;
        assert_eq!(cleared.status, 200, "{}", cleared.text);
        assert_eq!(default("defaultIosEnrollmentProfile").await, None);
        let bound = admin.patch(&path, &json!({ "DefaultIosEnrollmentProfile@odata.bind": url })).await;
        assert_eq!(bound.status, 200, "{}", bound.text);
        assert_eq!(default("defaultIosEnrollmentProfile").await.as_deref(), ios["id"].as_str(), "{url}");
    }
    for (body, part) in [
        (
            json!({ "defaultIosEnrollmentProfile@odata.bind": at(&setting, &mac) }),
            "'defaultIosEnrollmentProfile@odata.bind'",
        ),
        (
            json!({ "defaultIosEnrollmentProfile@odata.bind": at(&other, &foreign) }),
            "'defaultIosEnrollmentProfile@odata.bind'",
        ),
        (
            json!({ "defaultIosEnrollmentProfile@odata.bind": "https://example.com/x" }),
            "'defaultIosEnrollmentProfile@odata.bind'",
        ),
        (json!({ "enrollmentProfiles@odata.bind": [own] }), "not supported"),
        (json!({ "x@odata.bind": own }), "'x@odata.bind' is not supported"),
        (json!({ "roleScopeTagIds": [null] }), "roleScopeTagIds[0]"),
    ] {
        admin.patch(&path, &body).await.is_refused(400, "BadRequest", part);
    }
    admin
        .post(&format!("/beta/{S}"), &json!({ "defaultIosEnrollmentProfile@odata.bind": own }))
        .await
        .is_refused(400, "BadRequest", "not supported");
    assert_eq!(default("defaultIosEnrollmentProfile").await.as_deref(), ios["id"].as_str());
    assert_eq!(default("defaultMacOsEnrollmentProfile").await, None);
}

#[tokio::test]
async fn is_default_takes_effect_or_is_refused() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let first = profile(&admin, &setting, "depIOSEnrollmentProfile", json!({ "isDefault": true })).await;
    let second = profile(&admin, &setting, "depIOSEnrollmentProfile", json!({ "isDefault": false })).await;
    assert_eq!((&first["isDefault"], &second["isDefault"]), (&json!(true), &json!(false)));
    let path = |profile: &Value| format!("/beta/{S}/{setting}/enrollmentProfiles/{}", text(profile, "id"));
    let default = format!("/beta/{S}/{setting}/defaultIosEnrollmentProfile");
    assert_eq!(admin.get_json(&default).await["id"], first["id"]);
    assert_eq!(admin.patch(&path(&second), &json!({ "isDefault": true })).await.status, 204);
    assert_eq!(admin.get_json(&default).await["id"], second["id"]);
    assert_eq!(admin.get_json(&path(&first)).await["isDefault"], false);
    // What is so already stays so.
    assert_eq!(admin.patch(&path(&first), &json!({ "isDefault": false })).await.status, 204);
    assert_eq!(admin.get_json(&default).await["id"], second["id"]);
    assert_eq!(admin.patch(&path(&second), &json!({ "isDefault": false })).await.status, 204);
    admin.get(&default).await.is_refused(404, "ResourceNotFound", "default profile");
    // Apple's older type is for iPhone and iPad too.
    let older = profile(&admin, &setting, "depEnrollmentProfile", json!({ "isDefault": true })).await;
    assert_eq!(admin.get_json(&default).await["id"], older["id"]);
}

#[tokio::test]
async fn a_batch_with_an_atomicity_group_is_refused_whole() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let request = |id: &str| {
        json!({ "id": id, "atomicityGroup": "g", "method": "POST", "url": S, "body": { "tokenName": id },
                "headers": { "Content-Type": "application/json" } })
    };
    let batch = json!({ "requests": [request("1"), request("2")] });
    let refused = admin.post("/beta/$batch", &batch).await;
    refused.is_refused(400, "BadRequest", "'requests[0].atomicityGroup' is not supported");
    assert_eq!(admin.get(&format!("/beta/{S}/$count")).await.text, "0");
}

#[tokio::test]
async fn one_property_is_read_by_itself() {
    let test = TestApp::start().await;
    let admin = test.client(test.storage.default_tenant(), &[WRITE, "DeviceManagementApps.Read.All"]).await;
    let setting = test.onboarded(&admin, 1).await;
    let ios =
        profile(&admin, &setting, "depIOSEnrollmentProfile", json!({ "enabledSkipKeys": ["NextYear"] }))
            .await;
    let path = format!("/beta/{S}/{setting}");
    let name = admin.get_json(&path).await["tokenName"].clone();
    let shown = admin.get_json(&format!("{path}/tokenName")).await;
    let context = format!("{}/beta/$metadata#{S}('{setting}')/tokenName", test.url);
    assert_eq!(shown, json!({ "@odata.context": context, "value": name }));
    assert_eq!(admin.get_json(&format!("{path}/TOKENNAME")).await["value"], name);
    let raw = admin.get(&format!("{path}/tokenName/$value")).await;
    assert_eq!((raw.header("content-type"), &json!(raw.text)), ("text/plain;charset=utf-8", &name));
    assert_eq!(admin.get_json(&format!("{path}/roleScopeTagIds")).await["value"], json!(["0"]));
    assert_eq!(admin.get(&format!("{path}/roleScopeTagIds/$count")).await.text, "1");
    assert_eq!(admin.get(&format!("{path}/syncedDeviceCount/$value")).await.text, "1");
    let account = admin.get_json("/beta/deviceManagement").await["intuneAccountId"].clone();
    assert_eq!(admin.get_json("/beta/deviceManagement/intuneAccountId").await["value"], account);
    assert_eq!(
        admin.get("/v1.0/deviceManagement/intuneAccountId/$value").await.text,
        account.as_str().unwrap()
    );
    assert_eq!(admin.get("/beta/deviceManagement/settings").await.status, 204);
    let of_profile = format!("{path}/enrollmentProfiles/{}", text(&ios, "id"));
    assert_eq!(admin.get_json(&format!("{of_profile}/enabledSkipKeys")).await["value"], json!(["NextYear"]));
    let of_type = format!("{of_profile}/microsoft.graph.depIOSEnrollmentProfile/zoomDisabled/$value");
    assert_eq!(admin.get(&of_type).await.text, "false");
    assert_eq!(admin.get(&format!("{of_profile}/supportDepartment")).await.status, 204);
    let event = admin.get_json("/beta/deviceManagement/auditEvents?$top=1").await["value"][0].clone();
    let event_path = format!("/beta/deviceManagement/auditEvents/{}", text(&event, "id"));
    assert_eq!(
        admin.get_json(&format!("{event_path}/actor/applicationId")).await["value"],
        event["actor"]["applicationId"]
    );
    assert_eq!(
        admin.get_json(&format!("{event_path}/actor")).await["applicationId"],
        event["actor"]["applicationId"]
    );
    assert_eq!(admin.get(&format!("{event_path}/resources/$count")).await.text, "1");
    for (path, segment) in [
        (format!("{path}/nothing"), "nothing"),
        (format!("{path}/tokenName/more"), "more"),
        (format!("{path}/tokenName/$value/more"), "$value"),
        (format!("{path}/roleScopeTagIds/$value"), "$value"),
        (format!("{of_profile}/autoAdvanceSetupEnabled"), "autoAdvanceSetupEnabled"),
    ] {
        let part = format!("Resource not found for the segment '{segment}'.");
        admin.get(&path).await.is_refused(400, "BadRequest", &part);
    }
    let put = admin.request(Method::PUT, &format!("{path}/tokenName")).json(&json!({ "value": "x" }));
    assert_eq!(send(put).await.status, 405);
    let unknown = format!("/beta/{S}/00000000-0000-4000-8000-000000000000/tokenName");
    admin.get(&unknown).await.is_refused(404, "ResourceNotFound", "does not exist");
}

#[tokio::test]
async fn the_released_version_has_the_singleton_that_its_service_document_names() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let shown = admin.get_json("/v1.0/deviceManagement").await;
    let account = test.storage.default_tenant().to_string();
    assert_eq!(
        shown,
        json!({ "@odata.context": format!("{}/v1.0/$metadata#deviceManagement", test.url), "id": "deviceManagement",
                "settings": null, "intuneAccountId": account })
    );
    let beta = admin.get_json("/beta/deviceManagement").await;
    assert_eq!(beta["@odata.context"], format!("{}/beta/$metadata#deviceManagement", test.url));
}

#[tokio::test]
async fn the_format_that_is_asked_for_wins_over_the_accept_header() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    admin.create_setting().await;
    let path = format!("/beta/{S}");
    for (query, context) in [
        ("$format=application/json;odata.metadata=none", false),
        ("$format=application/json;odata.metadata=minimal", true),
        ("$format=json", true),
        ("format=JSON", true),
    ] {
        let accept = ("accept", "application/json;odata.metadata=full");
        let shown = admin.get_with(&format!("{path}?{query}"), accept).await;
        assert_eq!(shown.status, 200, "{query}: {}", shown.text);
        assert_eq!(shown.json().get("@odata.context").is_some(), context, "{query}");
        assert!(shown.json()["value"][0].get("@odata.id").is_none(), "{query}");
    }
    for query in ["$format=xml", "$format=atom", "$format=application/xml"] {
        admin.get(&format!("{path}?{query}")).await.is_refused(406, "NotAcceptable", "$format");
    }
}

#[tokio::test]
async fn head_answers_as_get_without_a_body() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    for path in [
        format!("/beta/{S}"),
        format!("/beta/{S}/{setting}"),
        "/beta/$metadata".to_owned(),
        "/beta".to_owned(),
    ] {
        let (get, head) = (admin.get(&path).await, send(admin.request(Method::HEAD, &path)).await);
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), get.header("content-type"), "{path}");
        assert_eq!(head.header("content-length"), get.text.len().to_string(), "{path}");
    }
    assert_eq!(send(test.anonymous().request(Method::HEAD, "/beta/$metadata")).await.status, 200);
    assert_eq!(send(test.anonymous().request(Method::HEAD, &format!("/beta/{S}"))).await.status, 401);
    let action = format!("/beta/{S}/{setting}/uploadDepToken");
    assert_eq!(send(admin.request(Method::HEAD, &action)).await.status, 405);
}

#[tokio::test]
async fn what_powershell_writes_is_taken_or_refused_in_its_words() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let ios = profile(&admin, &setting, "depIOSEnrollmentProfile", json!({ "isDefault": true })).await;
    let path = format!("/beta/{S}/{setting}/enrollmentProfiles/{}", text(&ios, "id"));
    let number = json!({ "sharedIPadMaximumUserCount": 5.0, "userSessionTimeoutInSeconds": 3e2 });
    assert_eq!(admin.patch(&path, &number).await.status, 204);
    let shown = admin.get_json(&path).await;
    assert_eq!(
        (&shown["sharedIPadMaximumUserCount"], &shown["userSessionTimeoutInSeconds"]),
        (&json!(5), &json!(300))
    );
    for broken in [json!(5.5), json!(1e10), json!("5")] {
        let body = json!({ "sharedIPadMaximumUserCount": broken });
        admin.patch(&path, &body).await.is_refused(400, "BadRequest", "'sharedIPadMaximumUserCount'");
    }
    let sync = format!("/beta/{S}/{setting}/syncWithAppleDeviceEnrollmentProgram");
    assert_eq!(admin.post(&sync, &Value::Null).await.status, 204);
    // What an expanded read shows is sent back.
    let of_setting = format!("/beta/{S}/{setting}");
    let mut expanded =
        admin.get_json(&format!("{of_setting}?$expand=defaultIosEnrollmentProfile,enrollmentProfiles")).await;
    expanded["tokenName"] = json!("changed");
    let sent = admin.patch(&of_setting, &expanded).await;
    assert_eq!((sent.status, &sent.json()["tokenName"]), (200, &json!("changed")), "{}", sent.text);

    let sent = |content_type: &str, body: Vec<u8>| {
        send(admin.request(Method::PATCH, &of_setting).header("content-type", content_type).body(body))
    };
    let latin1 = sent("application/json", b"{\"tokenName\":\"\xc4rzte\"}".to_vec()).await;
    latin1.is_refused(400, "BadRequest", "UTF-8");
    let utf16: Vec<u8> = "{\"tokenName\":\"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
    sent("application/json; charset=utf-16", utf16).await.is_refused(415, "UnsupportedMediaType", "UTF-8");
    let utf8 = sent("application/json; Charset=\"UTF-8\"", b"{\"tokenName\":\"fine\"}".to_vec()).await;
    assert_eq!(utf8.status, 200, "{}", utf8.text);
}

#[tokio::test]
async fn empty_texts_of_a_profile_are_read_back_as_they_were_written() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let names = ["supportDepartment", "supportPhoneNumber", "deviceNameTemplate"];
    let more =
        ["primaryAccountFullName", "primaryAccountUserName", "adminAccountUserName", "adminAccountFullName"];
    let written: serde_json::Map<_, _> =
        names.iter().chain(&more).map(|name| ((*name).to_owned(), json!(""))).collect();
    let mac = profile(&admin, &setting, "depMacOSEnrollmentProfile", Value::Object(written)).await;
    for name in names.iter().chain(&more) {
        assert_eq!(mac[*name], "", "{name}");
    }
    let count = format!("/beta/{S}/{setting}/enrollmentProfiles/$count");
    let of_type = "microsoft.graph.depEnrollmentBaseProfile";
    for (filter, found) in [("supportDepartment eq ''", "1"), ("supportDepartment eq null", "0")] {
        assert_eq!(admin.get(&format!("{count}?$filter={of_type}/{filter}")).await.text, found, "{filter}");
    }
    let unnamed = json!({ "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile", "displayName": "" });
    let refused = admin.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &unnamed).await;
    refused.is_refused(400, "BadRequest", "displayName");
}

#[tokio::test]
async fn a_preference_is_read_in_any_case_and_what_was_applied_is_said() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    for (preferred, applied) in [("odata.maxpagesize=100000", 1000), ("MaxPageSize=7", 7)] {
        let listed = admin.get_with(&format!("/beta/{S}"), ("prefer", preferred)).await;
        assert_eq!(listed.header("preference-applied"), format!("odata.maxpagesize={applied}"));
    }
    let patch = |preference: &str| {
        let request = admin.request(Method::PATCH, &format!("/beta/{S}/{setting}"));
        send(request.header("prefer", preference).json(&json!({ "tokenName": "x" })))
    };
    let minimal = patch("Return=Minimal").await;
    assert_eq!((minimal.status, minimal.header("preference-applied")), (204, "return=minimal"));
    let whole = patch("return=REPRESENTATION").await;
    assert_eq!((whole.status, whole.header("preference-applied")), (200, "return=representation"));
}

#[tokio::test]
async fn the_newer_policies_are_an_empty_list_whatever_is_asked_of_them() {
    let test = TestApp::start().await;
    let reader = test.client(test.storage.default_tenant(), &[READ]).await;
    let path = "/beta/deviceManagement/configurationPolicies";
    let query = "$select=id,name,nothing&$top=500&$filter=(technologies has 'enrollment') and (creationSource eq 'x')";
    for path in [path.to_owned(), format!("{path}?{query}"), format!("{path}?$orderby=((")] {
        let listed = reader.get_json(&path).await;
        assert_eq!((&listed["value"], &listed["@odata.count"]), (&json!([]), &json!(0)), "{path}");
        assert!(listed.get("@odata.nextLink").is_none());
    }
    assert_eq!(reader.get(&format!("{path}/$count")).await.text, "0");
    let other = test.client(test.storage.default_tenant(), &["DeviceManagementConfiguration.Read.All"]).await;
    assert_eq!(other.get(path).await.status, 200);
    let audit = test.client(test.storage.default_tenant(), &["DeviceManagementApps.Read.All"]).await;
    audit.get(path).await.is_refused(403, "Forbidden", "DeviceManagementConfiguration.Read.All");
    reader.get(&format!("{path}/1")).await.is_refused(400, "BadRequest", "segment '1'");
}

#[tokio::test]
async fn the_audit_log_shows_the_newest_first() {
    let test = TestApp::start().await;
    let admin = test.client(test.storage.default_tenant(), &[WRITE, "DeviceManagementApps.Read.All"]).await;
    for _ in 0..3 {
        admin.create_setting().await;
    }
    let times = async |query: &str| {
        let page = admin.get_json(&format!("/beta/deviceManagement/auditEvents{query}")).await;
        let rows = page["value"].as_array().unwrap().iter();
        rows.map(|row| text(row, "id").to_owned()).collect::<Vec<_>>()
    };
    let first = admin.get_json("/beta/deviceManagement/auditEvents?$top=1").await["value"][0].clone();
    assert_eq!(first["actor"]["ipAddress"], "127.0.0.1");
    let from_here = "/beta/deviceManagement/auditEvents/$count?$filter=actor/ipAddress eq '127.0.0.1'";
    assert_ne!(admin.get(from_here).await.text, "0");
    let (newest_first, mut oldest_first) = (times("").await, times("?$orderby=activityDateTime,id").await);
    assert!(newest_first.len() >= 3);
    oldest_first.reverse();
    assert_eq!(newest_first[0], oldest_first[0]);
}

#[tokio::test]
async fn what_is_nowhere_is_refused_in_graphs_words() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for client in [&admin, &test.anonymous()] {
        for path in ["/me", "/v2.0/deviceManagement", "/", "/beta2", "/robots.txt"] {
            client.get(path).await.is_refused(400, "BadRequest", "/beta and /v1.0");
        }
        let posted = client.request(Method::POST, "/me").body(vec![b'a'; 3_000_000]);
        send(posted).await.is_refused(400, "BadRequest", "Invalid version: 'me'");
    }
}

#[tokio::test]
async fn a_default_profile_is_set_and_cleared_by_the_navigations_own_member() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let (setting, other) = (admin.create_setting().await, admin.create_setting().await);
    let first = profile(&admin, &setting, "depIOSEnrollmentProfile", json!({})).await;
    let second = profile(&admin, &setting, "depIOSEnrollmentProfile", json!({})).await;
    let mac = profile(&admin, &setting, "depMacOSEnrollmentProfile", json!({})).await;
    let foreign = profile(&admin, &other, "depIOSEnrollmentProfile", json!({})).await;
    let path = format!("/beta/{S}/{setting}");
    let (full, metadata) = (format!("{path}?$expand=*"), ("accept", "application/json;odata.metadata=full"));
    let url = |profile: &Value| format!("{S}('{setting}')/enrollmentProfiles('{}')", text(profile, "id"));
    let default = async || {
        let shown = admin.get_json(&format!("{path}?$expand=defaultIosEnrollmentProfile")).await;
        shown["defaultIosEnrollmentProfile"]["id"].as_str().map(str::to_owned)
    };
    let taken = async |body: Value, expected: Option<&Value>| {
        let sent = admin.patch(&path, &body).await;
        assert_eq!(sent.status, 200, "{body}: {}", sent.text);
        assert_eq!(default().await.as_deref(), expected.map(|profile| text(profile, "id")), "{body}");
    };
    taken(json!({ "defaultIosEnrollmentProfile": null }), None).await;
    taken(json!({ "defaultIosEnrollmentProfile": { "id": first["id"] } }), Some(&first)).await;
    taken(json!({ "DEFAULTIOSEnrollmentProfile": { "@odata.id": url(&second) } }), Some(&second)).await;
    // What a read showed changes nothing, with all metadata or without.
    taken(admin.get_json(&full).await, Some(&second)).await;
    taken(admin.get_with(&full, metadata).await.json(), Some(&second)).await;
    taken(json!({ "tokenName": "absent" }), Some(&second)).await;
    let both = json!({ "@odata.id": url(&first), "id": first["id"], "displayName": "read before" });
    taken(json!({ "defaultIosEnrollmentProfile": both }), Some(&first)).await;
    let annotated = json!({
        "defaultIosEnrollmentProfile": first, "defaultIosEnrollmentProfile@odata.bind": url(&second),
    });
    taken(annotated, Some(&second)).await;
    for (member, value) in [
        ("defaultIosEnrollmentProfile", json!(5)),
        ("defaultIosEnrollmentProfile", json!("x")),
        ("defaultIosEnrollmentProfile", json!([])),
        ("defaultIosEnrollmentProfile", json!({})),
        ("defaultIosEnrollmentProfile", json!({ "displayName": "x" })),
        ("defaultIosEnrollmentProfile", json!({ "id": null })),
        ("defaultIosEnrollmentProfile", json!({ "id": mac["id"] })),
        ("defaultIosEnrollmentProfile", json!({ "id": foreign["id"] })),
        ("defaultIosEnrollmentProfile", json!({ "@odata.id": "https://example.com/x" })),
        ("defaultIosEnrollmentProfile", json!({ "@odata.id": url(&first), "id": second["id"] })),
        ("enrollmentProfiles", json!("x")),
        ("enrollmentProfiles", Value::Null),
        ("enrollmentProfiles", json!([{ "displayName": "new" }])),
        ("enrollmentProfiles", json!([first, 5])),
        ("importedAppleDeviceIdentities", json!({ "id": "x" })),
    ] {
        let body = json!({ "tokenName": "not taken", member: value });
        admin.patch(&path, &body).await.is_refused(400, "BadRequest", &format!("'{member}' must be"));
    }
    let contrary =
        json!({ "defaultIosEnrollmentProfile": null, "defaultIosEnrollmentProfile@odata.bind": url(&first) });
    admin.patch(&path, &contrary).await.is_refused(400, "BadRequest", "send one of them");
    let twice =
        r#"{"defaultIosEnrollmentProfile@odata.bind":null,"DefaultIosEnrollmentProfile@odata.bind":null}"#;
    let twice = admin.request(Method::PATCH, &path).header("content-type", "application/json").body(twice);
    send(twice).await.is_refused(400, "BadRequest", "@odata.bind' is given more than once");
    assert_eq!(admin.get_json(&path).await["tokenName"], "absent");
    taken(json!({ "defaultIosEnrollmentProfile": null }), None).await;
}

#[tokio::test]
async fn the_format_of_the_two_public_documents_is_theirs() {
    let test = TestApp::start().await;
    let anyone = test.anonymous();
    for (path, status) in [
        ("/beta?$format=json", 200),
        ("/beta?$format=application/json;odata.metadata=none", 200),
        ("/v1.0/?$format=xml", 406),
        ("/beta/$metadata?$format=xml", 200),
        ("/beta/$metadata?$format=application/xml;charset=utf-8", 200),
        ("/v1.0/$metadata?$format=json", 406),
        ("/beta/$metadata?$format=application/atom%2Bxml", 406),
    ] {
        let answer = anyone.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text);
    }
    assert!(
        anyone
            .get_json("/beta?$format=application/json;odata.metadata=none")
            .await
            .get("@odata.context")
            .is_none()
    );
    anyone.get("/beta/$metadata?$format=json").await.is_refused(406, "NotAcceptable", "application/xml can");
}
