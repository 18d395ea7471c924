//! `auditEvents`: who changed what; read only.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, send},
    test_app::{S, TestApp},
};

const APPS: &str = "DeviceManagementApps.Read.All";
const LOG: &str = "deviceManagement/auditEvents";

async fn list(client: &Client, query: &str) -> Vec<Value> {
    client.get_json(&format!("/beta/{LOG}{query}")).await["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_change_names_its_actor_and_its_resource() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let patched = admin.patch(&format!("/beta/{S}/{id}"), &json!({ "tokenName": "New" })).await;
    let reader = test.client(test.storage.default_tenant(), &[APPS]).await;
    let events = list(&reader, "?$orderby=activityDateTime%20desc,id%20desc").await;
    assert_eq!(events.len(), 2);
    let event = &events[0];
    assert_eq!(event["activityType"], "patch DepOnboardingSetting");
    assert_eq!(event["activityOperationType"], "Patch");
    assert_eq!(event["activityResult"], "Success");
    assert_eq!((&event["componentName"], &event["category"]), (&json!("Enrollment"), &json!("Enrollment")));
    assert_eq!(event["correlationId"], patched.header("request-id"));
    assert_eq!(event["actor"]["auditActorType"], "Application");
    assert_eq!(event["actor"]["applicationDisplayName"], "Test");
    let resource = &event["resources"][0];
    assert_eq!(
        (&resource["resourceId"], &resource["auditResourceType"]),
        (&json!(id), &json!("DepOnboardingSetting"))
    );
    let change = json!({ "displayName": "tokenName", "oldValue": "Test", "newValue": "New" });
    assert_eq!(resource["modifiedProperties"], json!([change]));

    let one = reader.get_json(&format!("/beta/{LOG}/{}", event["id"].as_str().unwrap())).await;
    assert_eq!(one["@odata.context"], format!("{}/beta/$metadata#{LOG}/$entity", test.url));
    assert_eq!(one["resources"], event["resources"]);
    assert_eq!(reader.get(&format!("/beta/{LOG}/$count")).await.text, "2");
}

#[tokio::test]
async fn every_change_shows_the_old_value() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 3).await;
    let base = format!("/beta/{S}/{id}");
    let reader = test.client(test.storage.default_tenant(), &[APPS]).await;
    let told = async || {
        let events = list(&reader, "?$orderby=activityDateTime%20desc,id%20desc&$top=1").await;
        let changes = events[0]["resources"][0]["modifiedProperties"].as_array().unwrap().clone();
        let change = |c: &Value| json!([c["displayName"], c["oldValue"], c["newValue"]]);
        (events[0]["activity"].clone(), Value::from_iter(changes.iter().map(change)))
    };
    let make = async |name: &str| {
        let body = json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": name });
        let made = admin.post(&format!("{base}/enrollmentProfiles"), &body).await.json();
        made["id"].as_str().unwrap().to_owned()
    };
    let (first, second) = (make("first").await, make("second").await);

    // The former default.
    admin.act(&format!("{base}/enrollmentProfiles/{first}/setDefaultProfile")).await;
    let default = "defaultIosEnrollmentProfile";
    let set = json!([["isDefault", "false", "true"], [default, null, first]]);
    assert_eq!(told().await, (json!("setDefaultProfile"), set));
    admin.act(&format!("{base}/enrollmentProfiles/{second}/setDefaultProfile")).await;
    let set = json!([["isDefault", "false", "true"], [default, first, second]]);
    assert_eq!(told().await, (json!("setDefaultProfile"), set));
    assert_eq!(admin.delete(&format!("{base}/{default}/$ref")).await.status, 204);
    let cleared = json!([["isDefault", "true", "false"], [default, second, null]]);
    assert_eq!(told().await, (json!("clearDefaultProfile"), cleared));

    // The former desired state for a device.
    let devices = admin.get_json(&format!("{base}/importedAppleDeviceIdentities")).await;
    let serial = devices["value"][0]["serialNumber"].as_str().unwrap();
    let bare = |id: &str| id.split_once('_').unwrap().1.to_owned();
    for (profile, former) in [(&first, None), (&second, Some(bare(&first))), (&second, None)] {
        let path = format!("{base}/enrollmentProfiles/{profile}/updateDeviceProfileAssignment");
        assert_eq!(admin.post(&path, &json!({ "deviceIds": [serial] })).await.status, 204);
        let mut changes = vec![json!(["deviceIds", null, serial])];
        changes.extend(former.map(|former| {
            json!(["requestedEnrollmentProfileId", format!("{serial}: {former}"), bare(profile)])
        }));
        assert_eq!(told().await, (json!("updateDeviceProfileAssignment"), json!(changes)));
    }

    // What an import added and changed.
    let import = format!("{base}/importedAppleDeviceIdentities/importAppleDeviceIdentityList");
    let body = json!({ "importedAppleDeviceIdentities": [{ "serialNumber": "A1", "description": "old" }, { "serialNumber": "A2" }] });
    assert_eq!(admin.post(&import, &body).await.status, 200);
    let list = "importedAppleDeviceIdentities";
    let added = json!([[list, null, "2 added, 0 changed, 0 refused"], ["serialNumber", null, "A1, A2"]]);
    assert_eq!(told().await, (json!("importAppleDeviceIdentityList"), added));
    let body = json!({
        "importedAppleDeviceIdentities": [{ "serialNumber": "A1", "description": "new" }, { "serialNumber": "A2" }],
        "overwriteImportedDeviceIdentities": true,
    });
    assert_eq!(admin.post(&import, &body).await.status, 200);
    let changed =
        json!([[list, null, "0 added, 2 changed, 0 refused"], ["description", "A1: old", "A1: new"]]);
    assert_eq!(told().await, (json!("importAppleDeviceIdentityList"), changed));

    // The properties of a new setting; a requested sync changes no visible property but has an actor.
    let body = json!({ "tokenName": "t", "dataSharingConsentGranted": true, "roleScopeTagIds": ["7"] });
    assert_eq!(admin.post(&format!("/beta/{S}"), &body).await.status, 201);
    let made = json!([
        ["tokenName", null, "t"],
        ["dataSharingConsentGranted", "false", "true"],
        ["roleScopeTagIds", null, "7"]
    ]);
    assert_eq!(told().await, (json!("create DepOnboardingSetting"), made));
    assert_eq!(admin.act(&format!("{base}/syncWithAppleDeviceEnrollmentProgram")).await.status, 204);
    assert_eq!(told().await, (json!("syncWithAppleDeviceEnrollmentProgram"), json!([])));
}

#[tokio::test]
async fn filters_of_the_log_hold_on_both_databases() {
    for kind in [crate::support::database::Kind::Sqlite, crate::support::database::Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let admin = test.admin().await;
        let id = admin.create_setting().await;
        let other = admin.create_setting().await;
        admin.act(&format!("/beta/{S}/{id}/generateEncryptionPublicKey")).await;
        assert_eq!(admin.delete(&format!("/beta/{S}/{other}")).await.status, 204);
        let reader = test.client(test.storage.default_tenant(), &[APPS]).await;
        for (filter, found) in [
            ("componentName eq 'Enrollment'", 4),
            ("componentName eq 'Other'", 0),
            (
                "componentName eq 'Enrollment' and activityDateTime gt 2020-01-01T00:00:00.000Z and activityDateTime \
                 le 2100-01-01T00:00:00Z and activityOperationType ne 'Get'",
                4,
            ),
            ("activityOperationType eq 'action'", 1),
            ("activityType eq 'generateEncryptionPublicKey DepOnboardingSetting'", 1),
            ("activityResult in ('Success','Other')", 4),
            ("startswith(activity,'create')", 2),
            (&format!("resources/any(s:s/resourceId eq '{id}')"), 2),
            (&format!("resources/all(s:s/resourceId eq '{id}' or s/type eq 'x')"), 2),
            ("resources/any()", 4),
            ("resources/any(r:r/auditResourceType eq 'DepOnboardingSetting' and r/displayName eq null)", 0),
            ("actor/auditActorType eq 'ItPro'", 0),
            ("actor/applicationDisplayName eq 'test' and actor/userPrincipalName eq null", 4),
            ("activityDateTime lt 2020-01-01", 0),
        ] {
            let query = format!("?$filter={}&$count=true", filter.replace(' ', "%20"));
            let events = list(&reader, &query).await;
            assert_eq!(events.len(), found, "{filter} on {kind:?}");
            for order in ["displayName", "componentName", "actor/applicationId desc", "activityDateTime desc"]
            {
                let ordered = list(&reader, &format!("{query}&$orderby={}", order.replace(' ', "%20"))).await;
                assert_eq!(ordered.len(), found, "{filter} by {order} on {kind:?}");
            }
        }
        // The released version has the same log with fewer members of the actor.
        let released =
            reader.get_json(&format!("/v1.0/{LOG}?$select=actor,activityDateTime,resources&$top=1")).await;
        assert_eq!(
            released["@odata.context"],
            format!("{}/v1.0/$metadata#{LOG}(actor,activityDateTime,resources)", test.url)
        );
        let actor = released["value"][0]["actor"].as_object().unwrap();
        assert_eq!(actor.len(), 8);
        assert!(!actor.contains_key("remoteTenantId") && !actor.contains_key("type"));
        let next = released["@odata.nextLink"].as_str().unwrap();
        assert_ne!(
            reader.get_json(next).await["value"],
            released["value"],
            "the page is small, the log is long"
        );

        let categories = reader.get_json(&format!("/v1.0/{LOG}/getAuditCategories()")).await;
        assert_eq!(categories["value"], json!(["Enrollment"]));
        let types = format!("/beta/{LOG}/getAuditActivityTypes(category='Enrollment')");
        assert_eq!(
            reader.get_json(&types).await["value"],
            json!([
                "create DepOnboardingSetting",
                "delete DepOnboardingSetting",
                "generateEncryptionPublicKey DepOnboardingSetting"
            ])
        );
        let none = reader.get_json(&types.replace("Enrollment", "Other")).await;
        assert_eq!(none["value"], json!([]));
    }
}

#[tokio::test]
async fn the_log_is_paged() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for _ in 0..5 {
        admin.create_setting().await;
    }
    let reader = test.client(test.storage.default_tenant(), &[APPS]).await;
    let mut next = Some(format!("/v1.0/{LOG}?$orderby=activityDateTime%20desc"));
    let mut seen = Vec::new();
    while let Some(path) = next {
        let request = reader.request(Method::GET, &path).header("prefer", "odata.maxpagesize=2");
        let page = send(request).await.json();
        seen.extend(page["value"].as_array().unwrap().iter().map(|event| event["id"].to_string()));
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);
}

#[tokio::test]
async fn the_log_is_read_only_and_needs_its_own_permission() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    admin.create_setting().await;
    let event = test.client(test.storage.default_tenant(), &[APPS]).await;
    let id = list(&event, "").await[0]["id"].as_str().unwrap().to_owned();
    for version in ["beta", "v1.0"] {
        let (all, one) = (format!("/{version}/{LOG}"), format!("/{version}/{LOG}/{id}"));
        for (method, path) in [(Method::POST, &all), (Method::PATCH, &one), (Method::DELETE, &one)] {
            let answer = send(event.request(method, path).json(&json!({}))).await;
            answer.is_refused(405, "Request_BadRequest", "method is not allowed");
        }
        admin.get(&all).await.is_refused(403, "Forbidden", APPS);
    }
    let stranger = test.client(test.other_tenant().await, &[APPS]).await;
    assert_eq!(list(&stranger, "").await, [] as [Value; 0]);
    stranger.get(&format!("/beta/{LOG}/{id}")).await.is_refused(404, "ResourceNotFound", "audit event");
    let types = stranger.get_json(&format!("/beta/{LOG}/getAuditActivityTypes(category='Enrollment')")).await;
    assert_eq!(types["value"], json!([]));
}
