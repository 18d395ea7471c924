//! Bad input: each is 400 with a message that names the position, and nothing changes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, send},
    test_app::{S, TestApp, WRITE},
};

/// A tenant with data that bad input could change.
struct Stage {
    test: TestApp,
    admin: Client,
    setting: String,
    profile: String,
    device: String,
    serial: String,
    foreign_serial: String,
}

impl Stage {
    async fn set() -> Self {
        let test = TestApp::start().await;
        let permissions = [WRITE, "DeviceManagementApps.Read.All"];
        let admin = test.client(test.storage.default_tenant(), &permissions).await;
        let (setting, other) = (test.onboarded(&admin, 3).await, test.onboarded(&admin, 1).await);
        let body = json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "x" });
        let profile = admin.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await.json();
        let first = async |setting: &str, name: &str| {
            let path = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities?$top=1");
            admin.get_json(&path).await["value"][0][name].as_str().unwrap().to_owned()
        };
        let (device, serial) = (first(&setting, "id").await, first(&setting, "serialNumber").await);
        let foreign_serial = first(&other, "serialNumber").await;
        let profile = profile["id"].as_str().unwrap().to_owned();
        Self { test, admin, setting, profile, device, serial, foreign_serial }
    }

    /// Everything that is stored, as it is shown.
    async fn shown(&self) -> Value {
        let query = "$expand=depOnboardingSettings($orderby=id;$expand=enrollmentProfiles,\
                     importedAppleDeviceIdentities($orderby=id),defaultIosEnrollmentProfile),\
                     auditEvents($orderby=activityDateTime,id)";
        self.admin.get_json(&format!("/beta/deviceManagement?{query}")).await
    }

    /// A path below the setting.
    fn below(&self, rest: &str) -> String {
        format!("/beta/{S}/{}{rest}", self.setting)
    }

    fn profile(&self) -> String {
        self.below(&format!("/enrollmentProfiles/{}", self.profile))
    }

    fn device(&self) -> String {
        self.below(&format!("/importedAppleDeviceIdentities/{}", self.device))
    }
}

#[tokio::test]
async fn invalid_values_are_refused_by_their_path_and_change_nothing() {
    let stage = Stage::set().await;
    let before = stage.shown().await;
    let settings = format!("/beta/{S}");
    let (profiles, devices) =
        (stage.below("/enrollmentProfiles"), stage.below("/importedAppleDeviceIdentities"));
    let import = format!("{devices}/importAppleDeviceIdentityList");
    let assign = format!("{}/updateDeviceProfileAssignment", stage.profile());
    let release = stage.below("/releaseAppleDevices");
    let upload = stage.below("/uploadDepToken");
    let (setting, profile, device) = (stage.below(""), stage.profile(), stage.device());
    let ios = "#microsoft.graph.depIOSEnrollmentProfile";
    let cases = [
        // Unknown properties and parameters.
        (
            "POST",
            &settings,
            json!({ "nothing": 1 }),
            "'nothing' does not exist on type 'microsoft.graph.depOnboardingSetting'",
        ),
        ("PATCH", &setting, json!({ "tokenName": "y", "nothing": 1 }), "'nothing' does not exist"),
        (
            "POST",
            &profiles,
            json!({ "@odata.type": ios, "displayName": "y", "nothing": 1 }),
            "'nothing' does not exist on type 'microsoft.graph.depIOSEnrollmentProfile'",
        ),
        ("PATCH", &profile, json!({ "displayName": "y", "nothing": 1 }), "'nothing' does not exist"),
        (
            "PATCH",
            &device,
            json!({ "description": "y", "nothing": 1 }),
            "'nothing' does not exist on type 'microsoft.graph.importedAppleDeviceIdentity'",
        ),
        (
            "POST",
            &import,
            json!({ "importedAppleDeviceIdentities": [{ "serialNumber": "A1" }, { "serialNumber": "A2", "nothing": 1 }] }),
            "'nothing' does not exist",
        ),
        (
            "POST",
            &upload,
            json!({ "depToken": "x", "nothing": 1 }),
            "'nothing' is not a parameter of the action 'uploadDepToken'",
        ),
        (
            "POST",
            &release,
            json!({ "deviceSerialNumbers": [stage.serial], "nothing": 1 }),
            "'nothing' is not a parameter",
        ),
        // Wrong types.
        (
            "PATCH",
            &setting,
            json!({ "dataSharingConsentGranted": "true" }),
            "'dataSharingConsentGranted' must be of type 'Edm.Boolean'",
        ),
        (
            "PATCH",
            &setting,
            json!({ "roleScopeTagIds": ["0", 1] }),
            "'roleScopeTagIds[1]' must be of type 'Edm.String'",
        ),
        (
            "PATCH",
            &profile,
            json!({ "sharedIPadMaximumUserCount": "3" }),
            "'sharedIPadMaximumUserCount' must be of type 'Edm.Int32'",
        ),
        (
            "PATCH",
            &profile,
            json!({ "sharedIPadMaximumUserCount": 3_000_000_000_u32 }),
            "'sharedIPadMaximumUserCount' must be of type 'Edm.Int32'",
        ),
        (
            "PATCH",
            &profile,
            json!({ "siriDisabled": null }),
            "'siriDisabled' of type 'Edm.Boolean' cannot be null",
        ),
        (
            "PATCH",
            &profile,
            json!({ "enrollmentTimeAzureAdGroupIds": ["x"] }),
            "'enrollmentTimeAzureAdGroupIds[0]' must be of type 'Edm.Guid'",
        ),
        (
            "PATCH",
            &profile,
            json!({ "enrollmentTimeAzureAdGroupIds": [null] }),
            "'enrollmentTimeAzureAdGroupIds[0]' of type 'Edm.Guid' cannot be null",
        ),
        (
            "PATCH",
            &profile,
            json!({ "managementCertificates": [{ "certificate": 1 }] }),
            "'managementCertificates[0]/certificate' must be of type 'Edm.String'",
        ),
        (
            "POST",
            &import,
            json!({ "importedAppleDeviceIdentities": {} }),
            "'importedAppleDeviceIdentities' must be of type",
        ),
        (
            "POST",
            &import,
            json!({ "importedAppleDeviceIdentities": ["A1"] }),
            "'importedAppleDeviceIdentities[0]' must be of type",
        ),
        // Unknown members of enums.
        (
            "PATCH",
            &profile,
            json!({ "iTunesPairingMode": "maybe" }),
            "'iTunesPairingMode' must be of type 'microsoft.graph.iTunesPairingMode'",
        ),
        ("PATCH", &profile, json!({ "iTunesPairingMode": 1 }), "'iTunesPairingMode'"),
        (
            "PATCH",
            &device,
            json!({ "platform": "beOS" }),
            "'platform' must be of type 'microsoft.graph.platform'",
        ),
        // The type of an entity stays.
        (
            "PATCH",
            &setting,
            json!({ "@odata.type": "#microsoft.graph.enrollmentProfile", "tokenName": "y" }),
            "This is a 'microsoft.graph.depOnboardingSetting'",
        ),
        (
            "PATCH",
            &profile,
            json!({ "@odata.type": "#microsoft.graph.depMacOSEnrollmentProfile" }),
            "This is a 'microsoft.graph.depIOSEnrollmentProfile'",
        ),
        (
            "PATCH",
            &profile,
            json!({ "@odata.type": "#microsoft.graph.nothing" }),
            "'@odata.type' names no type",
        ),
        (
            "PATCH",
            &device,
            json!({ "@odata.type": "#microsoft.graph.device" }),
            "This is a 'microsoft.graph.importedAppleDeviceIdentity'",
        ),
        // Serial numbers.
        (
            "POST",
            &assign,
            json!({ "deviceIds": stage.serial }),
            "'deviceIds' must be of type 'Collection(Edm.String)'",
        ),
        (
            "POST",
            &assign,
            json!({ "deviceIds": [stage.serial, stage.foreign_serial] }),
            &stage.foreign_serial,
        ),
        (
            "POST",
            &release,
            json!({ "deviceSerialNumbers": [stage.serial, stage.foreign_serial] }),
            &stage.foreign_serial,
        ),
        // Rules.
        (
            "PATCH",
            &profile,
            json!({ "companyPortalVppTokenId": "7" }),
            "'companyPortalVppTokenId' needs 'enableAuthenticationViaCompanyPortal'",
        ),
        (
            "PATCH",
            &profile,
            json!({ "enableSingleAppEnrollmentMode": true }),
            "'enableSingleAppEnrollmentMode' needs",
        ),
        (
            "PATCH",
            &profile,
            json!({ "profileRemovalDisabled": true }),
            "'profileRemovalDisabled' needs 'supervisedModeEnabled'",
        ),
    ];
    for (method, path, body, part) in cases {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        send(stage.admin.request(method, path).json(&body)).await.is_refused(400, "BadRequest", part);
    }
    // A body that is not JSON is refused by every operation with a body.
    for (method, path) in [
        (Method::POST, &settings),
        (Method::PATCH, &setting),
        (Method::POST, &profiles),
        (Method::PATCH, &profile),
        (Method::POST, &devices),
        (Method::PATCH, &device),
        (Method::POST, &import),
        (Method::POST, &assign),
        (Method::POST, &release),
        (Method::POST, &upload),
    ] {
        for (body, part) in [
            (&b"{\"tokenName\": \"x\""[..], "line 1, column 17"),
            (b"{\"displayName\": 'x'}", "line 1, column 17"),
            (b"\xff\xfe", "not UTF-8"),
            (b"{\"displayName\": \"\xe9\"}", "not UTF-8"),
            (b"[{}]", "must be a JSON object"),
        ] {
            let sent = stage.admin.request(method.clone(), path).header("content-type", "application/json");
            send(sent.body(body.to_vec())).await.is_refused(400, "BadRequest", part);
        }
    }
    assert_eq!(stage.shown().await, before);
}

#[tokio::test]
async fn a_batch_that_cannot_be_run_changes_nothing() {
    let stage = Stage::set().await;
    let before = stage.shown().await;
    let rename = |id: usize, waits_for: &[usize]| {
        json!({ "id": id, "method": "PATCH", "url": format!("/{S}/{}", stage.setting), "dependsOn": waits_for,
                "headers": { "Content-Type": "application/json" }, "body": { "tokenName": "spoilt" } })
    };
    let many: Vec<_> = (0..21).map(|id| rename(id, &[])).collect();
    for (requests, part) in [
        (json!(many), "at most 20 requests, and this one holds 21"),
        (json!([rename(1, &[]), rename(2, &[4]), rename(3, &[2]), rename(4, &[3])]), "'2' depends on itself"),
        (json!([rename(1, &[]), rename(2, &[7])]), "'2' depends on '7'"),
        (json!([rename(1, &[]), rename(1, &[])]), "has the id '1'"),
        (json!([rename(1, &[]), { "id": 2, "method": "PATCH" }]), "'requests[1].url'"),
        (json!({}), "'requests'"),
    ] {
        let answer = stage.admin.post("/beta/$batch", &json!({ "requests": requests })).await;
        answer.is_refused(400, "BadRequest", part);
    }
    assert_eq!(stage.shown().await, before);
    let most: Vec<_> = (0..20).map(|id| rename(id, &[])).collect();
    let answer = stage.admin.post("/beta/$batch", &json!({ "requests": most })).await.json();
    assert!(answer["responses"].as_array().unwrap().iter().all(|response| response["status"] == 200));
}

#[tokio::test]
async fn an_invalid_query_option_is_refused() {
    let stage = Stage::set().await;
    let (profiles, devices) =
        (stage.below("/enrollmentProfiles"), stage.below("/importedAppleDeviceIdentities"));
    let of_mac = format!("{profiles}/microsoft.graph.depMacOSEnrollmentProfile");
    for (path, query, part) in [
        (
            &of_mac,
            "$filter=adminAccountPassword eq 'x'",
            "'adminAccountPassword' cannot be used in '$filter'",
        ),
        (
            &of_mac,
            "$filter=depProfileAdminAccountPasswordRotationSetting eq null",
            "cannot be used in '$filter'",
        ),
        (&profiles, "$filter=configurationEndpointUrl eq 'x'", "'configurationEndpointUrl' cannot be used"),
        (&profiles, "$filter=nothing eq 1", "named 'nothing' on type 'microsoft.graph.enrollmentProfile'"),
        (
            &devices,
            "$filter=platform eq 'beOS'",
            "'beOS' at position 13 is not a member of 'microsoft.graph.platform'",
        ),
        (&devices, "$filter=isDeleted eq 'x'", "'isDeleted' is of type 'Edm.Boolean'"),
        (&devices, "$filter=createdDateTime gt yesterday", "named 'yesterday'"),
        (&devices, "$filter=serialNumber eq 'x' und 1", "position 21"),
        (&devices, "$filter=serialNumber/any(s:s eq 'x')", "'serialNumber' is not a collection"),
    ] {
        stage.admin.get(&format!("{path}?{query}")).await.is_refused(400, "BadRequest", part);
    }
}

#[tokio::test]
async fn a_filter_is_read_up_to_its_limits_and_refused_beyond() {
    let stage = Stage::set().await;
    let count = stage.below("/importedAppleDeviceIdentities/$count");
    let asked = async |filter: &str| {
        let query: String = filter.bytes().map(|byte| format!("%{byte:02x}")).collect();
        stage.admin.get(&format!("{count}?$filter={query}")).await
    };
    let of_length = |length: usize| {
        let start = "serialNumber ne '".to_owned();
        let rest = length - start.len() - 1;
        format!("{start}{}'", "x".repeat(rest))
    };
    assert_eq!(asked(&of_length(4096)).await.text, "3");
    asked(&of_length(4097)).await.is_refused(
        400,
        "BadRequest",
        "$filter is too long: at most 4096 bytes are accepted.",
    );
    let nested = |depth: usize| format!("{}isDeleted{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(asked(&nested(32)).await.text, "0");
    asked(&nested(33)).await.is_refused(
        400,
        "BadRequest",
        "nested too deeply: at most 32 levels are accepted.",
    );
    let denied = |depth: usize| format!("{}isDeleted{}", "not(".repeat(depth), ")".repeat(depth));
    assert_eq!(asked(&denied(31)).await.text, "3");
    asked(&denied(33)).await.is_refused(400, "BadRequest", "at most 32 levels");
    let reader = stage.test.anonymous().get(&format!("{count}?$filter={}", nested(99))).await;
    reader.is_refused(401, "InvalidAuthenticationToken", "empty");
}

#[tokio::test]
async fn what_json_leaves_open_is_refused_by_its_name() {
    let stage = Stage::set().await;
    let before = stage.shown().await;
    let import = stage.below("/importedAppleDeviceIdentities/importAppleDeviceIdentityList");
    let nested = format!(r#"{{"tokenName":{}{}}}"#, "[".repeat(200), "]".repeat(200));
    for (method, path, body, part) in [
        (
            "PATCH",
            stage.below(""),
            r#"{"tokenName":"a","tokenName":"b"}"#,
            "'tokenName' is given more than once",
        ),
        (
            "PATCH",
            stage.below(""),
            r#"{"tokenName":"a","TOKENNAME":"b"}"#,
            "'TOKENNAME' is given more than once",
        ),
        (
            "POST",
            format!("/beta/{S}"),
            r#"{"tokenName":"a","tokenname":"b"}"#,
            "'tokenname' is given more than once",
        ),
        ("PATCH", stage.profile(), r#"{"description":"a","Description":"b"}"#, "'Description' is given more"),
        (
            "PATCH",
            stage.profile(),
            r#"{"managementCertificates":[{"thumbprint":"a","thumbprint":"b"}]}"#,
            "'thumbprint' is given more than once",
        ),
        ("PATCH", stage.device(), r#"{"description":"a","description":"a"}"#, "'description' is given more"),
        (
            "POST",
            import,
            r#"{"importedAppleDeviceIdentities":[{"serialNumber":"A1","serialNumber":"A2"}]}"#,
            "'serialNumber' is given more than once",
        ),
        (
            "POST",
            stage.below("/uploadDepToken"),
            r#"{"depToken":"a","deptoken":"b"}"#,
            "'deptoken' is given more",
        ),
        (
            "POST",
            "/beta/$batch".to_owned(),
            r#"{"requests":[{"id":"1","id":"2","method":"GET","url":"/deviceManagement"}]}"#,
            "'id' is given more than once",
        ),
        ("PATCH", stage.below(""), r#"{"tokenName":1e400}"#, "is too large"),
        ("PATCH", stage.below(""), r#"{"tokenName":"\ud800"}"#, "half of a pair of surrogates"),
        ("PATCH", stage.below(""), r#"{"tokenName":"a\u0000"}"#, "'tokenName' must not hold NUL"),
        ("PATCH", stage.below(""), &nested, "nested deeper than the 64 levels"),
    ] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let sent = stage.admin.request(method, &path).header("content-type", "application/json");
        send(sent.body(body.to_owned())).await.is_refused(400, "BadRequest", part);
    }
    let long = "x".repeat(1025);
    for (path, body) in [
        (stage.below(""), json!({ "tokenName": long })),
        (stage.profile(), json!({ "displayName": long })),
        (stage.profile(), json!({ "description": long })),
        (stage.device(), json!({ "description": long })),
    ] {
        stage.admin.patch(&path, &body).await.is_refused(
            400,
            "BadRequest",
            "longer than the 1024 characters",
        );
    }
    let tags = json!({ "roleScopeTagIds": vec!["0"; 101] });
    stage.admin.patch(&stage.below(""), &tags).await.is_refused(400, "BadRequest", "more than the 100 items");
    assert_eq!(stage.shown().await, before);
}

#[tokio::test]
async fn parameter_aliases_in_a_path_are_refused_by_their_name() {
    let stage = Stage::set().await;
    for path in [
        "/beta/deviceManagement/auditEvents/getAuditActivityTypes(category=@c)?@c='Enrollment'",
        "/beta/deviceManagement/auditEvents/getAuditActivityTypes(category=%40c)?@c='Enrollment'",
        "/beta/deviceManagement/depOnboardingSettings(@c)?@c='x'",
    ] {
        stage.admin.get(path).await.is_refused(
            400,
            "BadRequest",
            "Parameter aliases such as '@c' are not supported",
        );
    }
    let quoted = "/beta/deviceManagement/auditEvents/getAuditActivityTypes(category='@c')";
    assert_eq!(stage.admin.get_json(quoted).await["value"], json!([]));
}
