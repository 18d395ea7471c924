//! `$filter` and `$orderby` as Graph's clients write them: each names something that is there, and selects what it says.

use serde_json::{Value, json};

use crate::support::{
    client::Client,
    test_app::{S, TestApp, WRITE},
};

struct Stage {
    _test: TestApp,
    admin: Client,
    setting: String,
}

impl Stage {
    /// One setting with three devices and three profiles, one of them a default; another with one device.
    async fn set() -> Self {
        let test = TestApp::start().await;
        let permissions = [WRITE, "DeviceManagementApps.Read.All"];
        let admin = test.client(test.storage.default_tenant(), &permissions).await;
        let (setting, _) = (test.onboarded(&admin, 3).await, test.onboarded(&admin, 1).await);
        for (kind, name, more) in [
            (
                "depIOSEnrollmentProfile",
                "Phones",
                json!({ "zoomDisabled": true, "enabledSkipKeys": ["Siri", "TOS"] }),
            ),
            ("depMacOSEnrollmentProfile", "Macs", json!({ "zoomDisabled": true })),
            ("enrollmentProfile", "Plain", json!({ "description": " a  " })),
        ] {
            let mut body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": name });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            let made = admin.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await;
            assert_eq!(made.status, 201, "{}", made.text);
            if name == "Phones" {
                let id = made.json()["id"].as_str().unwrap().to_owned();
                let path = format!("/beta/{S}/{setting}/enrollmentProfiles/{id}/setDefaultProfile");
                assert_eq!(admin.post(&path, &json!({})).await.status, 204);
            }
        }
        Self { _test: test, admin, setting }
    }

    fn set_of(&self, name: &str) -> String {
        match name {
            "settings" => format!("/beta/{S}"),
            "profiles" => format!("/beta/{S}/{}/enrollmentProfiles", self.setting),
            "devices" => format!("/beta/{S}/{}/importedAppleDeviceIdentities", self.setting),
            _ => "/beta/deviceManagement/auditEvents".to_owned(),
        }
    }

    /// How many rows a filter selects, in the list and by `$count`.
    async fn count(&self, set: &str, filter: &str) -> usize {
        let set = self.set_of(set);
        let page = self.admin.get_json(&format!("{set}?$filter={filter}&$count=true")).await;
        let rows = page["value"].as_array().unwrap().len();
        assert_eq!(page["@odata.count"], rows, "{filter}");
        let counted = self.admin.get(&format!("{set}/$count?$filter={filter}")).await.text;
        assert_eq!(counted, rows.to_string(), "{filter}");
        rows
    }
}

#[tokio::test]
async fn every_way_to_ask_selects_what_it_says() {
    let stage = Stage::set().await;
    for (set, filter, rows) in [
        ("profiles", "isof('microsoft.graph.depIOSEnrollmentProfile')", 1),
        ("profiles", "isof(microsoft.graph.depEnrollmentBaseProfile)", 2),
        ("profiles", "not isof('graph.depIOSEnrollmentProfile')", 2),
        ("profiles", "isof('microsoft.graph.enrollmentProfile')", 3),
        ("profiles", "isof('microsoft.graph.depOnboardingSetting')", 0),
        ("profiles", "microsoft.graph.depIOSEnrollmentProfile/zoomDisabled eq true", 1),
        ("profiles", "microsoft.graph.depMacOSEnrollmentProfile/zoomDisabled", 1),
        ("profiles", "microsoft.graph.depIOSEnrollmentProfile/zoomDisabled eq null", 2),
        ("profiles", "length(displayName) eq 4 or indexof(displayName,'ones') eq 2", 2),
        ("profiles", "substring(displayName,1,3) eq 'HON'", 1),
        ("profiles", "trim(description) eq 'a'", 1),
        ("profiles", "concat(concat(displayName,'-'),'x') eq 'macs-x'", 1),
        ("profiles", "contains(description,'a')", 1),
        ("profiles", "not contains(description,'a')", 0),
        ("profiles", "description ne 'b'", 3),
        ("profiles/microsoft.graph.depIOSEnrollmentProfile", "enabledSkipKeys/$count eq 3", 1),
        (
            "devices",
            "year(createdDateTime) ge 2020 and month(createdDateTime) in (1,2,3,4,5,6,7,8,9,10,11,12)",
            3,
        ),
        ("devices", "date(createdDateTime) le 2200-01-01 and createdDateTime le now()", 3),
        ("devices", "lastContactedDateTime eq mindatetime()", 3),
        ("devices", "lastContactedDateTime eq createdDateTime", 0),
        ("devices", "length(serialNumber) mod 2 eq 0 or length(serialNumber) mod 2 eq 1", 3),
        ("settings", "syncedDeviceCount eq 3.0", 1),
        ("settings", "syncedDeviceCount gt 2.5 and syncedDeviceCount lt 3e0 add 1", 1),
        ("settings", "syncedDeviceCount mul 2 sub 1 eq 5", 1),
        ("settings", "importedAppleDeviceIdentities/$count eq 3", 1),
        ("settings", "importedAppleDeviceIdentities/any(d:d/isDeleted eq false)", 2),
        ("settings", "enrollmentProfiles/any(p:p/displayName eq 'phones')", 1),
        ("settings", "enrollmentProfiles/any(p:isof(p,'microsoft.graph.depMacOSEnrollmentProfile'))", 1),
        ("settings", "enrollmentProfiles/any(p:p/microsoft.graph.depMacOSEnrollmentProfile/zoomDisabled)", 1),
        (
            "settings",
            "enrollmentProfiles/all(p:p/displayName ne 'Macs') and enrollmentProfiles/$count gt 0",
            0,
        ),
        ("settings", "defaultIosEnrollmentProfile ne null", 1),
        ("settings", "defaultMacOsEnrollmentProfile ne null", 0),
        ("settings", "defaultIosEnrollmentProfile/displayName eq 'PHONES'", 1),
        ("settings", "$it/defaultIosEnrollmentProfile/enabledSkipKeys/any(k:k eq 'siri')", 1),
        ("settings", "roleScopeTagIds/$count eq 1", 2),
        ("settings", "microsoft.graph.depOnboardingSetting/tokenName eq 'test'", 2),
        ("settings", "microsoft.graph.entity/id ne 'x' and isof('microsoft.graph.entity')", 2),
        ("settings", "isof('graph.entity') and not isof('Edm.String')", 2),
        ("settings", "importedAppleDeviceIdentities/any(d:isof(d,microsoft.graph.entity))", 2),
        (
            "settings",
            "importedAppleDeviceIdentities/any(d:d/microsoft.graph.importedAppleDeviceIdentity/isDeleted eq false)",
            2,
        ),
        ("profiles", "isof('microsoft.graph.entity')", 3),
        ("devices", "maxdatetime() ge 9999-12-31T00:00:00Z and maxdatetime() gt createdDateTime", 3),
        ("devices", "maxdatetime() eq 9999-12-31T23:59:59.9999999Z and createdDateTime lt maxdatetime()", 3),
        ("devices", "9999-12-31T00:00:00Z le maxdatetime() and year(maxdatetime()) eq 9999", 3),
    ] {
        let (name, cast) = set.split_once('/').unwrap_or((set, ""));
        let found = match cast {
            "" => stage.count(name, filter).await,
            cast => {
                let path = format!("{}/{cast}?$filter={filter}", stage.set_of(name));
                stage.admin.get_json(&path).await["value"].as_array().unwrap().len()
            }
        };
        // The empty setting of Apple Configurator is a row of its own.
        assert_eq!(found, rows, "{set}: {filter}");
    }
    let events = stage.count("audit", "activityDateTime le now()").await;
    assert_eq!(stage.count("audit", "hour(activityDateTime) ge 0 and resources/$count eq 1").await, events);
    assert!(events > 3);
    for filter in [
        "resources/any(r:isof(r,'microsoft.graph.auditResource'))",
        "resources/any(r:r/microsoft.graph.auditResource/resourceId ne null)",
        "not resources/any(r:isof(r,'microsoft.graph.auditActor'))",
    ] {
        assert_eq!(stage.count("audit", filter).await, events, "{filter}");
    }
}

#[tokio::test]
async fn lists_are_ordered_by_whatever_has_an_order() {
    let stage = Stage::set().await;
    let names = async |set: &str, order: &str| {
        let mut path = format!("{}?$orderby={order}&$top=1", stage.set_of(set));
        let mut names = Vec::new();
        // Page by page, so that every position is met.
        loop {
            let page: Value = stage.admin.get_json(&path).await;
            let rows = page["value"].as_array().unwrap().iter();
            names.extend(rows.map(|row| row["displayName"].as_str().unwrap_or("").to_owned()));
            match page["@odata.nextLink"].as_str() {
                Some(link) => {
                    path = link.split_once("/beta/").map(|(_, rest)| format!("/beta/{rest}")).unwrap()
                }
                None => return names,
            }
        }
    };
    assert_eq!(names("profiles", "length(displayName) desc,displayName").await, ["Phones", "Plain", "Macs"]);
    assert_eq!(names("profiles", "substring(displayName,1)").await, ["Macs", "Phones", "Plain"]);
    assert_eq!(
        names("profiles", "microsoft.graph.depIOSEnrollmentProfile/zoomDisabled desc,displayName").await,
        ["Phones", "Macs", "Plain"]
    );
    assert_eq!(names("profiles", "contains(displayName,'la') desc,displayName").await[0], "Plain");
    for order in ["importedAppleDeviceIdentities/$count desc", "defaultIosEnrollmentProfile/displayName desc"]
    {
        let page = stage.admin.get_json(&format!("/beta/{S}?$orderby={order}&$top=1")).await;
        assert_eq!(page["value"][0]["id"], stage.setting, "{order}");
    }
}

#[tokio::test]
async fn what_is_not_offered_is_refused_by_its_name() {
    let stage = Stage::set().await;
    for (set, query, sentence) in [
        ("settings", "$filter=tokenType has 'dep'", "The operator 'has' is not supported"),
        (
            "settings",
            "$filter=matchesPattern(tokenName,'a')",
            "The function 'matchesPattern' is not supported",
        ),
        ("settings", "$filter=cast(tokenName,Edm.String) eq 'a'", "The function 'cast' is not supported"),
        ("settings", "$filter=syncedDeviceCount divby 2 eq 1", "The operator 'divby' is not supported"),
        ("settings", "$filter=syncedDeviceCount add 0.5 eq 1", "Arithmetic on other than whole numbers"),
        ("settings", "$filter=tokenName eq @name", "Parameter aliases and annotations are not supported"),
        ("settings", "$filter=$root/deviceManagement/id eq 'x'", "not supported: '$root'"),
        (
            "settings",
            "$filter=enrollmentProfiles/$count($filter=true) gt 0",
            "'$count(…)' in a path is not supported",
        ),
        (
            "settings",
            "$filter=isof('microsoft.graph.user')",
            "There is no type named 'microsoft.graph.user' here",
        ),
        (
            "settings",
            "$filter=microsoft.graph.user/x eq 1",
            "There is no type named 'microsoft.graph.user' here",
        ),
        ("settings", "$filter=enrollmentProfiles/displayName eq 'x'", "use enrollmentProfiles/any(…)"),
        ("settings", "$orderby=enrollmentProfiles", "cannot be sorted by"),
        ("devices", "$filter=serialNumber eq length(serialNumber)", "cannot be compared with"),
        (
            "audit",
            "$filter=resources/any(r:r/modifiedProperties/any(p:p/displayName eq 'x'))",
            "'resources/modifiedProperties' cannot be used in '$filter'",
        ),
        ("audit", "$filter=actor/type eq 'x'", "The property 'actor/type' cannot be used"),
        ("audit", "$filter=actor ne null", "The property 'actor' cannot be used"),
        ("audit", "$filter=actor/nope eq 'x'", "named 'nope' on type 'microsoft.graph.auditActor'"),
        ("audit", "$orderby=actor/type", "The property 'actor/type' cannot be used"),
        (
            "audit",
            "$select=resources/modifiedProperties/displayName",
            "'resources/modifiedProperties/displayName' in '$select' is not supported",
        ),
        ("settings", "$select=enrollmentProfiles/displayName", "in '$select' is not supported"),
        (
            "settings",
            "$select=enrollmentProfiles/nope",
            "named 'nope' on type 'microsoft.graph.enrollmentProfile'",
        ),
        (
            "profiles",
            "$filter=microsoft.graph.depMacOSEnrollmentProfile/adminAccountPassword eq 'x'",
            "The property 'microsoft.graph.depMacOSEnrollmentProfile/adminAccountPassword' cannot be used",
        ),
        (
            "profiles",
            "$filter=microsoft.graph.depMacOSEnrollmentProfile/nope eq 'x'",
            "named 'nope' on type 'microsoft.graph.depMacOSEnrollmentProfile'",
        ),
        (
            "settings",
            "$filter=enrollmentProfiles/any(p:p/configurationEndpointUrl eq 'x')",
            "The property 'enrollmentProfiles/configurationEndpointUrl' cannot be used",
        ),
        (
            "settings",
            "$filter=defaultIosEnrollmentProfile/managementCertificates/any(c:c/thumbprint eq 'x')",
            "'defaultIosEnrollmentProfile/managementCertificates' cannot be used",
        ),
        (
            "settings",
            "$filter=concat(tokenName,null) eq 'x'",
            "'null' as an argument of a function is not supported",
        ),
        ("settings", "$filter=null", "'null' as a condition is not supported"),
        ("settings", "$filter=tokenName in (description)", "in the list behind 'in' is not supported"),
    ] {
        let answer = stage.admin.get(&format!("{}?{query}", stage.set_of(set))).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        let message = answer.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(sentence), "{query}: {message}");
    }
}

#[tokio::test]
async fn a_device_is_found_by_its_profiles_whole_id_through_its_setting_too() {
    let stage = Stage::set().await;
    let set = stage.set_of("profiles");
    let profile =
        stage.admin.get_json(&format!("{set}?$filter=displayName eq 'Phones'")).await["value"][0].clone();
    let whole = profile["id"].as_str().unwrap();
    let bare = whole.split_once('_').unwrap().1;
    let devices = stage.admin.get_json(&stage.set_of("devices")).await;
    let serial = devices["value"][0]["serialNumber"].clone();
    let assign = format!("{set}/{whole}/updateDeviceProfileAssignment");
    assert_eq!(stage.admin.post(&assign, &json!({ "deviceIds": [serial] })).await.status, 204);
    let foreign = format!("00000000-0000-4000-8000-000000000000_{bare}");
    let desired = "d/requestedEnrollmentProfileId";
    for (condition, rows) in [
        (format!("{desired} eq '{bare}'"), 1),
        (format!("{desired} eq '{whole}'"), 1),
        (format!("{desired} eq 'ECV2_{}'", whole.to_ascii_uppercase()), 1),
        (format!("'{whole}' eq {desired}"), 1),
        (format!("{desired} eq '{foreign}'"), 0),
        (format!("{desired} in ('x','{whole}')"), 1),
        (format!("{desired} in ('{foreign}')"), 0),
        (format!("{desired} ne '{whole}'"), 2),
        (format!("{desired} ne null and not ({desired} ne '{whole}')"), 1),
    ] {
        let filter = format!("importedAppleDeviceIdentities/any(d:{condition})");
        assert_eq!(stage.count("settings", &filter).await, rows, "{filter}");
        let all = format!("/beta/deviceManagement?$expand=depOnboardingSettings($filter={filter})");
        let expanded = stage.admin.get_json(&all).await;
        assert_eq!(expanded["depOnboardingSettings"].as_array().unwrap().len(), rows, "{filter}");
    }
    for filter in [
        format!("enrollmentProfiles/any(p:p/id eq '{whole}')"),
        format!("defaultIosEnrollmentProfile/id eq '{whole}'"),
    ] {
        assert_eq!(stage.count("settings", &filter).await, 1, "{filter}");
    }
}
