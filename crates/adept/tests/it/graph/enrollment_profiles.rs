//! `enrollmentProfiles`: every type created, read, changed, made a default, assigned, exported, deleted.

use adept::{
    app::{App, AppOptions, AppleOptions},
    domain::{Caller, ProfileId},
};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, send},
    database::Kind,
    test_app::{READ, S, TestApp, app_options},
};

const TYPES: [&str; 6] = [
    "enrollmentProfile",
    "depEnrollmentProfile",
    "depIOSEnrollmentProfile",
    "depMacOSEnrollmentProfile",
    "depTvOSEnrollmentProfile",
    "depVisionOSEnrollmentProfile",
];

fn of_type(name: &str) -> Value {
    json!({ "@odata.type": format!("#microsoft.graph.{name}"), "displayName": format!("A {name}") })
}

async fn make(client: &Client, setting: &str, body: &Value) -> Value {
    let answer = client.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn path(setting: &str, profile: &Value) -> String {
    format!("/beta/{S}/{setting}/enrollmentProfiles/{}", profile["id"].as_str().unwrap())
}

/// Serial numbers of a setting's devices, in order.
async fn serials(client: &Client, setting: &str) -> Vec<String> {
    let page = client.get_json(&format!("/beta/{S}/{setting}/importedAppleDeviceIdentities")).await;
    let rows = page["value"].as_array().unwrap().iter();
    rows.map(|row| row["serialNumber"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_profile_of_every_type_is_visible_at_once_under_its_id() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    for (place, name) in TYPES.into_iter().enumerate() {
        let body = of_type(name);
        let answer = admin.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let made = answer.json();
        let id = made["id"].as_str().unwrap();
        assert!(id.starts_with(&format!("{setting}_")) && id.len() == 73, "{id}");
        let set = format!("{S}('{setting}')/enrollmentProfiles");
        assert_eq!(answer.header("location"), format!("{}/beta/{set}('{id}')", test.url));
        assert_eq!(made["@odata.context"], format!("{}/beta/$metadata#{set}/$entity", test.url));
        match name {
            "enrollmentProfile" => assert!(made.get("@odata.type").is_none()),
            _ => assert_eq!(made["@odata.type"], format!("#microsoft.graph.{name}")),
        }
        assert_eq!(made["displayName"], body["displayName"]);
        assert_eq!(made["requiresUserAuthentication"], false);
        let url =
            format!("https://mdm.example.org/enroll/{setting}?tenant={}&v=1", test.storage.default_tenant());
        assert_eq!(made["configurationEndpointUrl"], url);
        assert_eq!(admin.get_json(&path(&setting, &made)).await, made);
        let page = admin.get_json(&format!("/beta/{S}/{setting}/enrollmentProfiles?$count=true")).await;
        assert_eq!(page["@odata.count"], place + 1);
        assert_eq!(page["value"][place]["displayName"], made["displayName"]);
        assert_eq!(page["value"][place].get("@odata.type"), made.get("@odata.type"));
    }
    assert_eq!(admin.get(&format!("/beta/{S}/{setting}/enrollmentProfiles/$count")).await.text, "6");
}

#[tokio::test]
async fn an_id_is_accepted_in_each_of_its_forms() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let made = make(&admin, &setting, &of_type("depIOSEnrollmentProfile")).await;
    let id = made["id"].as_str().unwrap();
    let bare = id.split_once('_').unwrap().1;
    let profiles = format!("/beta/{S}/{setting}/enrollmentProfiles");
    for path in [
        format!("{profiles}/{bare}"),
        format!("{profiles}('{id}')"),
        format!("{profiles}/ECV2_{id}"),
        format!("{profiles}/{}", id.to_uppercase()),
        format!("{profiles}('{id}')/"),
    ] {
        assert_eq!(admin.get_json(&path).await["id"], id, "{path}");
    }
    let other = admin.create_setting().await;
    for path in [
        format!("{profiles}/{other}_{bare}"),
        format!("/beta/{S}/{other}/enrollmentProfiles/{bare}"),
        format!("{profiles}/nothing"),
    ] {
        admin.get(&path).await.is_refused(404, "ResourceNotFound", "enrollment profile does not exist");
    }
}

#[tokio::test]
async fn written_values_are_read_back_and_others_have_their_default() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let written = json!({
        "@odata.type": "microsoft.graph.DEPIOSENROLLMENTPROFILE", "displayName": "iPads", "description": "for class",
        "supervisedModeEnabled": true, "profileRemovalDisabled": true, "supportDepartment": "IT",
        "enabledSkipKeys": ["Siri", "NextYear"], "locationDisabled": true, "iTunesPairingMode": "ALLOW",
        "passcodeLockGracePeriodInSeconds": 60, "sharedIPadMaximumUserCount": 5, "isDefault": true,
        "enrollmentTimeAzureAdGroupIds": ["AAAAAAAA-0000-4000-8000-000000000001"], "id": "ignored",
    });
    let made = make(&admin, &setting, &written).await;
    for (name, expected) in [
        ("description", json!("for class")),
        ("supervisedModeEnabled", json!(true)),
        ("supportDepartment", json!("IT")),
        ("supportPhoneNumber", Value::Null),
        ("enabledSkipKeys", json!(["Siri", "NextYear", "Location"])),
        ("locationDisabled", json!(true)),
        ("siriDisabled", json!(true)),
        ("zoomDisabled", json!(false)),
        ("iTunesPairingMode", json!("allow")),
        ("passcodeLockGracePeriodInSeconds", json!(60)),
        ("sharedIPadMaximumUserCount", json!(5)),
        ("userSessionTimeoutInSeconds", json!(0)),
        ("managementCertificates", json!([])),
        ("enrollmentTimeAzureAdGroupIds", json!(["aaaaaaaa-0000-4000-8000-000000000001"])),
        ("isDefault", json!(true)),
    ] {
        assert_eq!(made[name], expected, "{name}");
    }
    assert_eq!(made.as_object().unwrap().len(), 2 + 7 + 22 + 29);

    let path = path(&setting, &made);
    let patch = json!({ "locationDisabled": false, "supportDepartment": null, "displayName": "iPads 2" });
    let answer = admin.patch(&path, &patch).await;
    assert_eq!((answer.status, answer.text.as_str()), (204, ""));
    let changed = admin.get_json(&path).await;
    assert_eq!(changed["enabledSkipKeys"], json!(["Siri", "NextYear"]));
    assert_eq!((&changed["supportDepartment"], &changed["displayName"]), (&Value::Null, &json!("iPads 2")));
    assert_eq!(changed["iTunesPairingMode"], "allow");
    let wanted = admin.request(Method::PATCH, &path).header("prefer", "return=representation").json(&patch);
    assert_eq!(send(wanted).await.json(), changed);
    let selected = admin.get_json(&format!("{path}?$select=id,siriDisabled")).await;
    assert_eq!(selected["siriDisabled"], true);
    // A client can write back what it read.
    assert_eq!(admin.patch(&path, &changed).await.status, 204);
    assert_eq!(admin.get_json(&path).await, changed);
}

#[tokio::test]
async fn lists_are_filtered_and_ordered_by_every_property_of_their_type() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let (ios, mac) =
        ("#microsoft.graph.depIOSEnrollmentProfile", "#microsoft.graph.depMacOSEnrollmentProfile");
    let group = "aaaaaaaa-0000-4000-8000-000000000001";
    for body in [
        json!({ "@odata.type": ios, "displayName": "a", "siriDisabled": true, "requiresUserAuthentication": true,
                "iTunesPairingMode": "allow", "supportDepartment": "IT" }),
        json!({ "@odata.type": ios, "displayName": "b", "passcodeLockGracePeriodInSeconds": 60,
                "sharedIPadMaximumUserCount": 3, "enabledSkipKeys": ["Zoom", "Location"],
                "enrollmentTimeAzureAdGroupIds": [group] }),
        json!({ "@odata.type": mac, "displayName": "c", "siriDisabled": true, "adminAccountPassword": "s3cret" }),
        json!({ "displayName": "d" }),
    ] {
        make(&admin, &setting, &body).await;
    }
    let names = async |of_type: &str, query: &str| {
        let page = admin.get_json(&format!("/beta/{S}/{setting}/enrollmentProfiles{of_type}?{query}")).await;
        let rows = page["value"].as_array().unwrap().iter();
        rows.map(|row| row["displayName"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join("")
    };
    assert_eq!(names("", "$filter=requiresUserAuthentication").await, "a");
    assert_eq!(names("", "$orderby=requiresUserAuthentication desc,displayName desc").await, "adcb");
    let of_ios = "/microsoft.graph.depIOSEnrollmentProfile";
    for (filter, found) in [
        ("siriDisabled eq true", "a"),
        ("siriDisabled ne true and isDefault eq false", "b"),
        ("iTunesPairingMode eq 'disallow'", "b"),
        ("iTunesPairingMode ge 'allow'", "a"),
        ("passcodeLockGracePeriodInSeconds ge 60", "b"),
        ("passcodeLockGracePeriodInSeconds eq null", "a"),
        ("sharedIPadMaximumUserCount in (0,7)", "a"),
        ("contains(supportDepartment,'t')", "a"),
        ("supportDepartment eq null", "b"),
        ("enabledSkipKeys/any(k:k eq 'zoom')", "b"),
        ("enabledSkipKeys/any(k:startswith(k,'si') or k eq 'Zoom')", "ab"),
        ("enabledSkipKeys/all(k:k eq 'Siri')", "a"),
        ("enrollmentTimeAzureAdGroupIds/any()", "b"),
        ("enrollmentTimeAzureAdGroupIds/any(g:g eq AAAAAAAA-0000-4000-8000-000000000001)", "b"),
    ] {
        assert_eq!(names(of_ios, &format!("$filter={filter}&$orderby=displayName")).await, found, "{filter}");
    }
    assert_eq!(
        names("/graph.depEnrollmentBaseProfile", "$filter=siriDisabled&$orderby=displayName").await,
        "ac"
    );
    assert_eq!(names(of_ios, "$orderby=sharedIPadMaximumUserCount desc,siriDisabled").await, "ba");
    let profiles = format!("/beta/{S}/{setting}/enrollmentProfiles");
    for (path, part) in [
        (
            format!("{profiles}?$filter=siriDisabled"),
            "named 'siriDisabled' on type 'microsoft.graph.enrollmentProfile'",
        ),
        (
            format!("{profiles}/graph.depMacOSEnrollmentProfile?$filter=adminAccountPassword eq 's3cret'"),
            "'adminAccountPassword' cannot be used",
        ),
        (
            format!("{profiles}/graph.depMacOSEnrollmentProfile?$orderby=adminAccountPassword"),
            "'adminAccountPassword' cannot be used",
        ),
        (
            format!("{profiles}{of_ios}?$filter=managementCertificates/any()"),
            "'managementCertificates' cannot be used",
        ),
    ] {
        admin.get(&path).await.is_refused(400, "BadRequest", part);
    }
}

#[tokio::test]
async fn a_password_is_never_shown_and_complex_values_are_changed_by_member() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let made = make(
        &admin,
        &setting,
        &json!({
            "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile", "displayName": "Macs",
            "adminAccountUserName": "admin", "adminAccountPassword": "s3cret",
            "depProfileAdminAccountPasswordRotationSetting": { "autoRotationPeriodInDays": 30,
                "depProfileDelayAutoRotationSetting": { "onRetrievalAutoRotatePasswordEnabled": true } },
        }),
    )
    .await;
    assert_eq!(
        (&made["adminAccountUserName"], &made["adminAccountPassword"]),
        (&json!("admin"), &Value::Null)
    );
    let rotation = json!({ "autoRotationPeriodInDays": 30, "depProfileDelayAutoRotationSetting":
        { "onRetrievalAutoRotatePasswordEnabled": true, "onRetrievalDelayAutoRotatePasswordInHours": 0 } });
    assert_eq!(made["depProfileAdminAccountPasswordRotationSetting"], rotation);
    let path = path(&setting, &made);
    let patch =
        json!({ "depProfileAdminAccountPasswordRotationSetting": { "autoRotationPeriodInDays": 60 } });
    assert_eq!(admin.patch(&path, &patch).await.status, 204);
    let changed = admin.get_json(&path).await["depProfileAdminAccountPasswordRotationSetting"].clone();
    assert_eq!(changed["autoRotationPeriodInDays"], 60);
    assert_eq!(changed["depProfileDelayAutoRotationSetting"], rotation["depProfileDelayAutoRotationSetting"]);
    assert!(!admin.get(&path).await.text.contains("s3cret"));
}

#[tokio::test]
async fn invalid_properties_are_refused_by_name_and_change_nothing() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let profiles = format!("/beta/{S}/{setting}/enrollmentProfiles");
    let ios = "#microsoft.graph.depIOSEnrollmentProfile";
    for (body, part) in [
        (json!({}), "'displayName' must not be empty"),
        (json!({ "displayName": "" }), "'displayName' must not be empty"),
        (
            json!({ "displayName": "x", "nothing": 1 }),
            "'nothing' does not exist on type 'microsoft.graph.enrollmentProfile'",
        ),
        (json!({ "displayName": "x", "siriDisabled": true }), "'siriDisabled' does not exist"),
        (json!({ "@odata.type": "#microsoft.graph.nothing", "displayName": "x" }), "'@odata.type'"),
        (
            json!({ "@odata.type": "#microsoft.graph.depEnrollmentBaseProfile", "displayName": "x" }),
            "'@odata.type'",
        ),
        (json!({ "@odata.type": 7, "displayName": "x" }), "'@odata.type'"),
        (json!({ "@odata.type": ios, "displayName": "x", "siriDisabled": null }), "'siriDisabled'"),
        (json!({ "@odata.type": ios, "displayName": "x", "siriDisabled": "true" }), "'siriDisabled'"),
        (
            json!({ "@odata.type": ios, "displayName": "x", "iTunesPairingMode": "maybe" }),
            "'iTunesPairingMode'",
        ),
        (
            json!({ "@odata.type": ios, "displayName": "x", "iTunesPairingMode": "requiresCertificate" }),
            "managementCertificates",
        ),
        (
            json!({ "@odata.type": ios, "displayName": "x", "managementCertificates": [{ "certificate": "AAAA" }] }),
            "managementCertificates[0]",
        ),
        (
            json!({ "@odata.type": ios, "displayName": "x", "managementCertificates": [{ "key": "AAAA" }] }),
            "'key' does not exist",
        ),
        (json!({ "@odata.type": ios, "displayName": "x", "enabledSkipKeys": "Siri" }), "'enabledSkipKeys'"),
        (
            json!({ "@odata.type": ios, "displayName": "x", "enabledSkipKeys": ["Privacy"] }),
            "privacyPaneDisabled",
        ),
        (
            json!({ "@odata.type": ios, "displayName": "x", "profileRemovalDisabled": true }),
            "supervisedModeEnabled",
        ),
        (
            json!({ "@odata.type": ios, "displayName": "x", "supportDepartment": "d".repeat(126) }),
            "'supportDepartment'",
        ),
        (
            json!({ "@odata.type": ios, "displayName": "x", "supportPhoneNumber": "1".repeat(51) }),
            "'supportPhoneNumber'",
        ),
    ] {
        admin.post(&profiles, &body).await.is_refused(400, "BadRequest", part);
    }
    assert_eq!(admin.get(&format!("{profiles}/$count")).await.text, "0");

    let made = make(&admin, &setting, &of_type("depIOSEnrollmentProfile")).await;
    let path = path(&setting, &made);
    for (body, part) in [
        (json!({ "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile" }), "cannot be changed"),
        (json!({ "@odata.type": "#microsoft.graph.enrollmentProfile" }), "cannot be changed"),
        (json!({ "displayName": null }), "'displayName' must not be empty"),
        (json!({ "profileRemovalDisabled": true }), "supervisedModeEnabled"),
    ] {
        admin.patch(&path, &body).await.is_refused(400, "BadRequest", part);
    }
    assert_eq!(admin.get_json(&path).await, made);
    let deleted = admin.delete(&path).await;
    assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
    admin.get(&path).await.is_refused(404, "ResourceNotFound", "does not exist");
}

#[tokio::test]
async fn devices_are_assigned_by_serial_number_all_or_none() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let (setting, other) = (test.onboarded(&admin, 3).await, test.onboarded(&admin, 1).await);
    let (own, foreign) = (serials(&admin, &setting).await, serials(&admin, &other).await);
    let body = json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "x", "supervisedModeEnabled": true });
    let made = make(&admin, &setting, &body).await;
    let (profile, id) = (path(&setting, &made), made["id"].as_str().unwrap());
    let bare = id.split_once('_').unwrap().1;
    let assign = format!("{profile}/updateDeviceProfileAssignment");
    for (body, part) in [
        (json!({}), "'deviceIds' is missing"),
        (json!({ "deviceIds": [] }), "'deviceIds' is missing"),
        (json!({ "deviceIds": own[0] }), "'deviceIds' must be of type"),
        (json!({ "deviceIds": [own[0], 7] }), "'deviceIds[1]' must be of type"),
        (json!({ "deviceIds": [own[0], foreign[0]] }), &foreign[0]),
        (json!({ "deviceIds": [own[0], "NOTHING"] }), "NOTHING"),
        (json!({ "deviceIds": [own[0]], "other": 1 }), "'other' is not a parameter"),
    ] {
        admin.post(&assign, &body).await.is_refused(400, "BadRequest", part);
    }
    let devices = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities");
    let wanting = async |text: &str| {
        let filter = format!("requestedEnrollmentProfileId eq '{text}'");
        admin.get(&format!("{devices}/$count?$filter={filter}")).await.text
    };
    assert_eq!(wanting(bare).await, "0");
    let qualified =
        format!("{S}('{setting}')/enrollmentProfiles('{id}')/microsoft.graph.updateDeviceProfileAssignment");
    let body = json!({ "deviceIds": [own[0], own[1].to_lowercase(), own[0]] });
    assert_eq!(admin.post(&format!("/beta/{qualified}"), &body).await.status, 204);
    assert_eq!((wanting(bare).await, wanting(id).await), ("2".to_owned(), "2".to_owned()));
    let page = admin.get_json(&format!("{devices}?$filter=serialNumber eq '{}'", own[0])).await;
    let device = &page["value"][0];
    assert_eq!(
        (&device["requestedEnrollmentProfileId"], &device["isSupervised"]),
        (&json!(bare), &json!(true))
    );
    assert!(device["requestedEnrollmentProfileAssignmentDateTime"].is_string());

    admin.delete(&profile).await.is_refused(409, "Conflict", "2 devices are assigned");
    let next = make(&admin, &setting, &of_type("depMacOSEnrollmentProfile")).await;
    let body = json!({ "deviceIds": [own[0], own[1]] });
    let assign = format!("{}/updateDeviceProfileAssignment", path(&setting, &next));
    assert_eq!(admin.post(&assign, &body).await.status, 204);
    assert_eq!(admin.delete(&profile).await.status, 204);
}

#[tokio::test]
async fn a_sync_leaves_desired_profiles_alone() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = test.onboarded(&admin, 2).await;
    let own = serials(&admin, &setting).await;
    let made = make(&admin, &setting, &of_type("depIOSEnrollmentProfile")).await;
    let assign = format!("{}/updateDeviceProfileAssignment", path(&setting, &made));
    assert_eq!(admin.post(&assign, &json!({ "deviceIds": own })).await.status, 204);
    let sync = format!("/beta/{S}/{setting}/syncWithAppleDeviceEnrollmentProgram");
    assert_eq!(admin.act(&sync).await.status, 204);
    test.app.scheduler.sync_what_is_due().await.unwrap();
    let devices = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities");
    let filter = "$filter=requestedEnrollmentProfileId ne null";
    assert_eq!(admin.get(&format!("{devices}/$count?{filter}")).await.text, "2");
}

#[tokio::test]
async fn an_exported_profile_points_to_the_enrollment_url() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let reader = test.client(test.storage.default_tenant(), &[READ]).await;
    let setting = admin.create_setting().await;
    let made = make(&admin, &setting, &json!({ "displayName": "A & <B>" })).await;
    for spelling in ["exportMobileConfig", "exportMobileConfig()", "microsoft.graph.exportMobileConfig()"] {
        let exported = reader.get_json(&format!("{}/{spelling}", path(&setting, &made))).await;
        let text = exported["value"].as_str().unwrap();
        let url = format!(
            "<string>https://mdm.example.org/enroll/{setting}?tenant={}&amp;v=1</string>",
            test.storage.default_tenant()
        );
        assert!(text.starts_with("<?xml") && text.contains(&url), "{text}");
        assert!(
            text.contains("<string>A &amp; &lt;B&gt;</string>")
                && text.contains("<string>Profile Service</string>")
        );
    }
}

#[tokio::test]
async fn a_release_is_accepted_for_devices_that_apple_lists() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = test.onboarded(&admin, 2).await;
    let own = serials(&admin, &setting).await;
    let release = format!("/beta/{S}/{setting}/releaseAppleDevices");
    for (body, part) in [
        (json!({}), "'deviceSerialNumbers' is missing"),
        (json!({ "deviceSerialNumbers": [own[0], "NOTHING"] }), "NOTHING"),
        (json!({ "deviceSerialNumbers": own[0] }), "must be of type"),
    ] {
        admin.post(&release, &body).await.is_refused(400, "BadRequest", part);
    }
    for _ in 0..2 {
        let body = json!({ "depToken": setting, "deviceSerialNumbers": own });
        assert_eq!(admin.post(&release, &body).await.status, 204);
    }
    let reader = test.client(test.storage.default_tenant(), &[READ]).await;
    reader.post(&release, &json!({ "deviceSerialNumbers": own })).await.is_refused(
        403,
        "Forbidden",
        "ReadWrite",
    );
}

/// Nobody releases a whole organization by one wrong list.
#[tokio::test]
async fn a_tenant_releases_so_many_devices_within_a_day_as_the_operator_admits() {
    let test = TestApp::start_in_still_time(Kind::Sqlite).await;
    let test = test.started_as(AppOptions { max_release: 3, ..app_options() }).await;
    let admin = test.admin().await;
    let (one, other) = (test.onboarded(&admin, 3).await, test.onboarded(&admin, 2).await);
    let (of_one, of_other) = (serials(&admin, &one).await, serials(&admin, &other).await);
    let release = async |setting: &str, serials: &[String]| {
        let body = json!({ "deviceSerialNumbers": serials });
        test.admin().await.post(&format!("/beta/{S}/{setting}/releaseAppleDevices"), &body).await
    };
    assert_eq!(release(&one, &of_one[..2]).await.status, 204);
    // Devices whose release is requested already are none more.
    assert_eq!(release(&one, &of_one[..2]).await.status, 204);
    let left = "1 more devices released until";
    release(&other, &of_other).await.is_refused(403, "Forbidden", left);
    release(&other, &of_other).await.is_refused(403, "Forbidden", "--max-release");
    assert_eq!(release(&one, &of_one).await.status, 204);
    release(&other, &of_other[..1]).await.is_refused(403, "Forbidden", "0 more devices released until");
    test.clock.advance(SignedDuration::from_hours(24));
    assert_eq!(release(&other, &of_other).await.status, 204);
}

#[tokio::test]
async fn without_an_enrollment_url_none_is_shown_and_an_export_is_refused() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let made = make(&admin, &setting, &json!({ "displayName": "x" })).await;
    let app =
        App::new(test.storage.clone(), &AppleOptions::default(), test.clock.clone(), AppOptions::default())
            .unwrap();
    let caller = Caller::operator(test.storage.default_tenant());
    let setting = setting.parse().unwrap();
    let id = ProfileId::named(made["id"].as_str().unwrap(), setting).unwrap();
    assert_eq!(app.profiles.get(&caller, setting, id).await.unwrap().enrollment_url, None);
    let refused = app.profiles.export_mobile_config(&caller, setting, id).await.unwrap_err();
    assert!(refused.to_string().contains("--mdm-url"), "{refused}");
}

#[tokio::test]
async fn every_change_is_audited_once_without_secrets() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = test.onboarded(&admin, 1).await;
    let reader = test.client(test.storage.default_tenant(), &["DeviceManagementApps.Read.All"]).await;
    let log = "/beta/deviceManagement/auditEvents";
    let before: usize = reader.get(&format!("{log}/$count")).await.text.parse().unwrap();
    let body = json!({ "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile", "displayName": "Macs",
        "adminAccountPassword": "s3cret" });
    let made = make(&admin, &setting, &body).await;
    let (base, profile) = (format!("/beta/{S}/{setting}"), path(&setting, &made));
    let own = serials(&admin, &setting).await;
    let patch = json!({ "adminAccountPassword": "s3cret2", "siriDisabled": true });
    assert_eq!(admin.patch(&profile, &patch).await.status, 204);
    assert_eq!(admin.patch(&profile, &json!({ "displayName": "" })).await.status, 400);
    assert_eq!(admin.act(&format!("{profile}/setDefaultProfile")).await.status, 204);
    assert_eq!(admin.delete(&format!("{base}/defaultMacOsEnrollmentProfile")).await.status, 204);
    assert_eq!(
        admin.delete(&format!("{base}/defaultMacOsEnrollmentProfile")).await.status,
        204,
        "nothing to clear"
    );
    let assign = format!("{profile}/updateDeviceProfileAssignment");
    assert_eq!(admin.post(&assign, &json!({ "deviceIds": own })).await.status, 204);
    assert_eq!(admin.delete(&profile).await.status, 409);
    let release = json!({ "deviceSerialNumbers": own });
    assert_eq!(admin.post(&format!("{base}/releaseAppleDevices"), &release).await.status, 204);
    let devices = format!("{base}/importedAppleDeviceIdentities");
    let import =
        json!({ "importedAppleDeviceIdentities": [{ "serialNumber": "AAA" }, { "serialNumber": "?" }] });
    assert_eq!(admin.post(&format!("{devices}/importAppleDeviceIdentityList"), &import).await.status, 200);
    let page = admin.get_json(&format!("{devices}?$filter=serialNumber eq 'AAA'")).await;
    let device = format!("{devices}/{}", page["value"][0]["id"].as_str().unwrap());
    assert_eq!(admin.patch(&device, &json!({ "description": "d" })).await.status, 200);
    assert_eq!(admin.delete(&device).await.status, 204);
    let events = reader.get_json(&format!("{log}?$orderby=activityDateTime,id")).await;
    let rows = &events["value"].as_array().unwrap()[before..];
    let told: Vec<_> = rows.iter().map(|event| event["activityType"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "create EnrollmentProfile",
            "patch EnrollmentProfile",
            "setDefaultProfile DepMacOSEnrollmentProfile",
            "clearDefaultProfile DepMacOSEnrollmentProfile",
            "updateDeviceProfileAssignment DepMacOSEnrollmentProfile",
            "releaseAppleDevices DepOnboardingSetting",
            "importAppleDeviceIdentityList DepOnboardingSetting",
            "patch ImportedAppleDeviceIdentity",
            "delete ImportedAppleDeviceIdentity",
        ]
    );
    assert!(!events.to_string().contains("s3cret"));
}
