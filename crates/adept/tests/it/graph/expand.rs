//! `$expand` on settings and above them, and the links of full metadata.

use serde_json::{Value, json};

use crate::support::test_app::{S, TestApp, WRITE};

fn encoded(text: &str) -> String {
    text.replace(' ', "%20").replace('\'', "%27")
}

#[tokio::test]
async fn devices_are_shown_with_their_setting_as_their_own_list_shows_them() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 30).await;
    let path = format!("/beta/{S}/{id}");
    let set = format!("{S}('{id}')/importedAppleDeviceIdentities");
    let all = admin.get_json(&format!("{path}/importedAppleDeviceIdentities")).await;
    let whole = admin.get_json(&format!("{path}?$expand=importedAppleDeviceIdentities")).await;
    assert_eq!(whole["importedAppleDeviceIdentities"], all["value"]);
    let context = format!("{}/beta/$metadata#{S}(importedAppleDeviceIdentities())/$entity", test.url);
    assert_eq!(whole["@odata.context"], context);
    let context = format!("{}/beta/$metadata#{set}", test.url);
    assert_eq!(whole["importedAppleDeviceIdentities@odata.context"], context);

    let nested = "$select=tokenName&$expand=importedAppleDeviceIdentities($select=serialNumber;$filter=startswith(\
                  serialNumber,'') and platform ne 'android';$orderby=serialNumber desc;$skip=1;$top=7;$count=true)";
    let shown = admin.get_json(&format!("{path}?{}", encoded(nested))).await;
    assert_eq!(shown.as_object().unwrap().keys().filter(|name| !name.contains('@')).count(), 2);
    assert_eq!(shown["importedAppleDeviceIdentities@odata.count"], 30);
    let mut serials: Vec<&Value> =
        all["value"].as_array().unwrap().iter().map(|row| &row["serialNumber"]).collect();
    serials.reverse();
    let devices = shown["importedAppleDeviceIdentities"].as_array().unwrap();
    assert_eq!(devices.len(), 7);
    let next = admin.get_json(shown["importedAppleDeviceIdentities@odata.nextLink"].as_str().unwrap()).await;
    assert_eq!(
        next["value"][0],
        json!({ "serialNumber": serials[8] }),
        "$top is the size of a page here too"
    );
    for (device, serial) in devices.iter().zip(&serials[1..]) {
        assert_eq!(device, &json!({ "serialNumber": serial }));
    }
    // Some clients select what they expand.
    let both = "$select=tokenName,EnrollmentProfiles&$expand=enrollmentProfiles";
    assert_eq!(
        admin.get_json(&format!("{path}?{both}")).await,
        admin.get_json(&format!("{path}?{}", both.replace(",EnrollmentProfiles", ""))).await
    );
    for (query, part) in [
        ("$expand=nothing", "'nothing' is not a navigation"),
        ("$expand=importedAppleDeviceIdentities($select=nothing)", "nothing"),
        ("$expand=importedAppleDeviceIdentities($expand=x)", "$expand"),
        ("$expand=importedAppleDeviceIdentities($search=x)", "$search"),
        ("$expand=importedAppleDeviceIdentities($levels=2)", "$levels"),
        ("$expand=importedAppleDeviceIdentities($filter=x", "expected ')'"),
        ("$expand=enrollmentProfiles,enrollmentProfiles", "enrollmentProfiles"),
    ] {
        let refused = admin.get(&format!("{path}?{query}")).await;
        refused.is_refused(400, "BadRequest", "");
        assert!(refused.text.contains(part), "{query}: {}", refused.text);
    }
    admin.get(&format!("{path}/importedAppleDeviceIdentities?$expand=x")).await.is_refused(
        400,
        "BadRequest",
        "$expand",
    );
}

#[tokio::test]
async fn the_rest_of_an_expanded_list_follows_its_link() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 1500).await;
    let query =
        encoded("$expand=importedAppleDeviceIdentities($filter=isDeleted eq false;$select=serialNumber)");
    for (path, place) in [(format!("/beta/{S}/{id}?{query}"), ""), (format!("/beta/{S}?{query}"), "/value")] {
        let shown = admin.get_json(&path).await;
        let setting = match place {
            "" => &shown,
            _ => shown["value"].as_array().unwrap().iter().find(|setting| setting["id"] == *id).unwrap(),
        };
        let first = setting["importedAppleDeviceIdentities"].as_array().unwrap();
        assert_eq!(first.len(), 1000);
        let link = setting["importedAppleDeviceIdentities@odata.nextLink"].as_str().unwrap();
        let rest = admin.get_json(link).await;
        let rest = rest["value"].as_array().unwrap();
        assert_eq!(rest.len(), 500);
        let mut serials: Vec<_> = first.iter().chain(rest).map(ToString::to_string).collect();
        serials.sort();
        serials.dedup();
        assert_eq!(serials.len(), 1500);
    }
}

#[tokio::test]
async fn profiles_and_defaults_are_shown_with_their_setting() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let path = format!("/beta/{S}/{id}");
    let mut made = Vec::new();
    for kind in ["depIOSEnrollmentProfile", "depMacOSEnrollmentProfile", "enrollmentProfile"] {
        let body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": kind });
        made.push(admin.post(&format!("{path}/enrollmentProfiles"), &body).await.json());
    }
    let ios = made[0]["id"].as_str().unwrap();
    assert_eq!(admin.act(&format!("{path}/enrollmentProfiles/{ios}/setDefaultProfile")).await.status, 204);
    let shown = admin
        .get_json(&format!(
            "{path}?$expand=enrollmentProfiles,defaultIosEnrollmentProfile($select=displayName),defaultMacOsEnrollmentProfile"
        ))
        .await;
    assert_eq!(shown["enrollmentProfiles"].as_array().unwrap().len(), 3);
    let of_type = json!("#microsoft.graph.depIOSEnrollmentProfile");
    let default = json!({ "@odata.type": of_type, "displayName": "depIOSEnrollmentProfile" });
    assert_eq!(shown["defaultIosEnrollmentProfile"], default);
    assert_eq!(shown["defaultMacOsEnrollmentProfile"], Value::Null);
    let page = admin
        .get_json(&format!("/beta/{S}?$filter=id%20eq%20'{id}'&$expand=defaultIosEnrollmentProfile"))
        .await;
    assert_eq!(page["value"][0]["defaultIosEnrollmentProfile"]["id"], ios);

    // A path may narrow the profiles to a type.
    let cast = format!("{path}/enrollmentProfiles/microsoft.graph.depIOSEnrollmentProfile");
    let narrowed = admin.get_json(&format!("{cast}?$select=id,isDefault")).await;
    assert_eq!(narrowed["value"], json!([{ "@odata.type": of_type, "id": ios, "isDefault": true }]));
    assert_eq!(admin.get(&format!("{cast}/$count")).await.text, "1");
    assert_eq!(admin.get_json(&format!("{cast}/{ios}")).await["id"], ios);
    assert_eq!(admin.get_json(&format!("{cast}('{ios}')")).await["id"], ios);
    let base = format!("{path}/enrollmentProfiles/graph.DEPENROLLMENTBASEPROFILE");
    assert_eq!(admin.get(&format!("{base}/$count")).await.text, "2");
    let plain = made[2]["id"].as_str().unwrap();
    admin.get(&format!("{cast}/{plain}")).await.is_refused(404, "ResourceNotFound", "profile");
    let unknown = format!("{path}/enrollmentProfiles/microsoft.graph.depOnboardingSetting");
    admin.get(&unknown).await.is_refused(400, "BadRequest", "microsoft.graph.depOnboardingSetting");
}

#[tokio::test]
async fn full_metadata_links_navigations_and_operations() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = admin.create_setting().await;
    let full = ("accept", "application/json;odata.metadata=full");
    let shown = admin.get_with(&format!("/beta/{S}/{id}"), full).await.json();
    let at = format!("{}/beta/{S}('{id}')", test.url);
    for name in ["enrollmentProfiles", "importedAppleDeviceIdentities", "defaultIosEnrollmentProfile"] {
        assert_eq!(shown[format!("{name}@odata.navigationLink")], format!("{at}/{name}"));
        assert_eq!(shown[format!("{name}@odata.associationLink")], format!("{at}/{name}/$ref"));
        let link = shown[format!("{name}@odata.navigationLink")].as_str().unwrap();
        assert!([200, 404].contains(&admin.get(link).await.status), "{link}");
    }
    let action = &shown["#microsoft.graph.uploadDepToken"];
    assert_eq!(action["title"], "microsoft.graph.uploadDepToken");
    assert_eq!(action["target"], format!("{at}/microsoft.graph.uploadDepToken"));
    let key = shown["#microsoft.graph.getEncryptionPublicKey"]["target"].as_str().unwrap();
    assert!(admin.get_json(key).await["value"].is_string());
    // Some clients send back what they read, names of operations included.
    assert_eq!(admin.patch(&format!("/beta/{S}/{id}"), &shown).await.status, 200);
    admin.patch(&format!("/beta/{S}/{id}"), &json!({ "nothing": 1 })).await.is_refused(
        400,
        "BadRequest",
        "nothing",
    );
    let part = admin.get_with(&format!("/beta/{S}/{id}?$select=id"), full).await.json();
    assert!(part.get("#microsoft.graph.uploadDepToken").is_none());

    let reader = test.client(test.storage.default_tenant(), &["DeviceManagementApps.Read.All"]).await;
    let log = reader.get_with("/beta/deviceManagement/auditEvents", full).await.json();
    let event = &log["value"][0];
    assert_eq!(event["actor"]["@odata.type"], "#microsoft.graph.auditActor");
    assert_eq!(event["actor"]["userPermissions@odata.type"], "#Collection(String)");
    assert_eq!(event["resources"][0]["@odata.type"], "#microsoft.graph.auditResource");
    assert_eq!(event["correlationId@odata.type"], "#Guid");
}

#[tokio::test]
async fn device_management_expands_its_settings_and_their_navigations() {
    let test = TestApp::start().await;
    let permissions = [WRITE, "DeviceManagementApps.Read.All"];
    let admin = test.client(test.storage.default_tenant(), &permissions).await;
    let id = test.onboarded(&admin, 30).await;
    let root = "/beta/deviceManagement";
    let body = json!({ "displayName": "p" });
    admin.post(&format!("/beta/{S}/{id}/enrollmentProfiles"), &body).await;
    let nested = "$select=id&$expand=depOnboardingSettings($filter=tokenType eq 'dep';$select=id;$count=true;$expand=\
                  importedAppleDeviceIdentities($orderby=serialNumber desc;$top=3;$select=serialNumber),\
                  enrollmentProfiles($filter=displayName eq 'p';$select=displayName),defaultIosEnrollmentProfile)";
    let shown = admin.get_json(&format!("{root}?{}", encoded(nested))).await;
    assert_eq!(
        (&shown["id"], &shown["depOnboardingSettings@odata.count"]),
        (&json!("deviceManagement"), &json!(1))
    );
    let setting = &shown["depOnboardingSettings"][0];
    assert_eq!((&setting["id"], &setting["defaultIosEnrollmentProfile"]), (&json!(id), &Value::Null));
    assert_eq!(setting["enrollmentProfiles"], json!([body]));
    assert_eq!(setting["importedAppleDeviceIdentities"].as_array().unwrap().len(), 3);
    let context = format!("{}/beta/$metadata#{S}", test.url);
    assert_eq!(shown["depOnboardingSettings@odata.context"], context);

    let events = admin.get_json(&format!("{root}/auditEvents?$orderby=activityDateTime%20desc&$top=2")).await;
    let query = "$expand=auditEvents($orderby=activityDateTime desc;$top=2)";
    assert_eq!(admin.get_json(&format!("{root}?{}", encoded(query))).await["auditEvents"], events["value"]);
    for (query, part) in [
        (
            "$expand=depOnboardingSettings($expand=depOnboardingSettings)",
            "'depOnboardingSettings' is not a navigation",
        ),
        ("$expand=auditEvents($expand=x)", "'x' is not a navigation"),
        ("$expand=depOnboardingSettings($select=nothing)", "'nothing'"),
        ("$expand=settings", "'settings' is not a navigation"),
    ] {
        admin.get(&format!("{root}?{query}")).await.is_refused(400, "BadRequest", part);
    }

    // A caller without permission for the log does not read it here.
    let reader =
        test.client(test.storage.default_tenant(), &["DeviceManagementServiceConfig.Read.All"]).await;
    assert_eq!(reader.get(&format!("{root}?$expand=depOnboardingSettings")).await.status, 200);
    reader.get(&format!("{root}?$expand=auditEvents")).await.is_refused(
        403,
        "Forbidden",
        "DeviceManagementApps.Read.All",
    );
    let auditor = test.client(test.storage.default_tenant(), &["DeviceManagementApps.Read.All"]).await;
    let refused = auditor.get(&format!("{root}?$expand=depOnboardingSettings")).await;
    refused.is_refused(403, "Forbidden", "DeviceManagementServiceConfig.Read.All");
}

#[tokio::test]
async fn the_rest_of_an_expanded_list_of_settings_follows_its_link() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for _ in 0..25 {
        admin.create_setting().await;
    }
    let query =
        encoded("$expand=depOnboardingSettings($select=id;$skip=1;$expand=enrollmentProfiles($select=id))");
    let shown = admin.get_json(&format!("/beta/deviceManagement?{query}")).await;
    let first = shown["depOnboardingSettings"].as_array().unwrap();
    let rest = admin.get_json(shown["depOnboardingSettings@odata.nextLink"].as_str().unwrap()).await;
    let rest = rest["value"].as_array().unwrap();
    assert_eq!(
        (first.len(), rest.len()),
        (20, 4),
        "25 less the skipped one, and without the empty one for Apple Configurator"
    );
    let all: Vec<_> = first.iter().chain(rest).collect();
    assert!(all.iter().all(|setting| setting["enrollmentProfiles"] == json!([])));
    let ids: std::collections::BTreeSet<_> =
        all.iter().map(|setting| setting["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 24);
}

#[tokio::test]
async fn the_options_of_a_navigation_are_checked_though_it_leads_nowhere() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let path = format!("/beta/{S}/{setting}");
    for (expand, part) in [
        ("defaultIosEnrollmentProfile($select=nope)", "property named 'nope'"),
        ("defaultMacOsEnrollmentProfile($select=homeButtonScreenDisabled)", "'homeButtonScreenDisabled'"),
        ("defaultIosEnrollmentProfile($filter=isDefault)", "'$filter' can be applied only to collections"),
        ("defaultIosEnrollmentProfile($top=1)", "'$top' can be applied only to collections"),
        ("defaultIosEnrollmentProfile($count=true)", "'$count' can be applied only to collections"),
        ("defaultTvOSEnrollmentProfile($orderby=id)", "'$orderby' can be applied only to collections"),
        ("defaultTvOSEnrollmentProfile($skip=1)", "'$skip' can be applied only to collections"),
        ("enrollmentProfiles($filter=nope eq 1)", "property named 'nope'"),
        ("importedAppleDeviceIdentities($orderby=nope)", "property named 'nope'"),
    ] {
        admin.get(&format!("{path}?$expand={expand}")).await.is_refused(400, "BadRequest", part);
    }
    let all = "/beta/deviceManagement?$expand=depOnboardingSettings($filter=false;$expand=enrollmentProfiles($select=nope))";
    admin.get(all).await.is_refused(400, "BadRequest", "property named 'nope'");
}

#[tokio::test]
async fn a_default_of_the_older_type_is_selected_from_as_the_newer_one() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = admin.create_setting().await;
    let path = format!("/beta/{S}/{setting}");
    let older = json!({ "@odata.type": "#microsoft.graph.depEnrollmentProfile", "displayName": "Old", "isDefault": true });
    assert_eq!(admin.post(&format!("{path}/enrollmentProfiles"), &older).await.status, 201);
    let select = "$select=displayName,homeButtonScreenDisabled,siriDisabled";
    let expanded = format!("{path}?$expand=defaultIosEnrollmentProfile({select})");
    for shown in [
        admin.get_json(&expanded).await["defaultIosEnrollmentProfile"].clone(),
        admin.get_json(&format!("{path}/defaultIosEnrollmentProfile?{select}")).await,
    ] {
        assert_eq!(
            (&shown["displayName"], &shown["siriDisabled"]),
            (&json!("Old"), &json!(false)),
            "{shown}"
        );
        assert!(shown.get("homeButtonScreenDisabled").is_none(), "{shown}");
    }
}

#[tokio::test]
async fn options_of_lists_are_refused_where_there_is_one_thing() {
    let test = TestApp::start().await;
    let admin = test.client(test.storage.default_tenant(), &[WRITE, "DeviceManagementApps.Read.All"]).await;
    let setting = test.onboarded(&admin, 1).await;
    let path = format!("/beta/{S}/{setting}");
    let profile = json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "x", "isDefault": true });
    let profile = admin.post(&format!("{path}/enrollmentProfiles"), &profile).await.json()["id"].clone();
    let profile = format!("{path}/enrollmentProfiles/{}", profile.as_str().unwrap());
    let first = async |list: &str| {
        let page = admin.get_json(&format!("{list}?$top=1")).await;
        format!("{list}/{}", page["value"][0]["id"].as_str().unwrap())
    };
    let device = first(&format!("{path}/importedAppleDeviceIdentities")).await;
    let event = first("/beta/deviceManagement/auditEvents").await;
    for one in [
        path.clone(),
        format!("{path}/tokenName"),
        format!("{path}/tokenName/$value"),
        format!("{path}/roleScopeTagIds"),
        format!("{path}/getEncryptionPublicKey"),
        format!("{path}/defaultIosEnrollmentProfile"),
        format!("{path}/defaultIosEnrollmentProfile/$ref"),
        format!("{profile}/exportMobileConfig()"),
        "/beta/deviceManagement".to_owned(),
        "/beta/deviceManagement/intuneAccountId".to_owned(),
        "/beta/deviceManagement/getSuggestedEnrollmentLimit(enrollmentType='x')".to_owned(),
        profile,
        device,
        event,
    ] {
        assert_eq!(admin.get(&format!("{one}?custom=1")).await.status, 200, "{one}");
        for option in ["$filter=id eq 'x'", "$top=1", "$skip=1", "$orderby=id", "$count=true", "$skiptoken=x"]
        {
            let name = option.split('=').next().unwrap();
            let part = format!("'{name}' can be applied only to collections of entities");
            admin.get(&format!("{one}?{option}")).await.is_refused(400, "BadRequest", &part);
        }
        admin.get(&format!("{one}?$search=x")).await.is_refused(
            400,
            "BadRequest",
            "'$search' is not supported",
        );
    }
    for option in ["$select=id", "$expand=enrollmentProfiles"] {
        let part = format!("'{}' is not supported here", option.split('=').next().unwrap());
        admin.get(&format!("{path}/tokenName?{option}")).await.is_refused(400, "BadRequest", &part);
    }
}
