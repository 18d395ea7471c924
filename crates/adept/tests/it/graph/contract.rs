//! The contract: every operation, type, property, enum member and status of `fixtures/contract/graph.json` is served.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, ClientResponse, send},
    test_app::{S, TestApp, WRITE},
};

/// What the contract describes and this service does not serve yet, and why.
const LATER: [(&str, &str); 7] = [
    ("subscription", "subscriptions are not served yet"),
    ("changeNotificationCollection", "sent to subscribers only"),
    ("changeNotification", "sent to subscribers only"),
    ("resourceData", "sent to subscribers only"),
    ("changeNotificationEncryptedContent", "sent to subscribers only"),
    ("changeType", "of subscriptions"),
    ("lifecycleEventType", "of subscriptions"),
];

/// Members of the actor that v1.0 does not have (graph.json describes beta).
const ONLY_BETA: [&str; 4] = ["type", "remoteTenantId", "remoteUserId", "userRoleScopeTags"];

fn contract() -> Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/contract/graph.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

fn list<'v>(value: &'v Value, name: &str) -> &'v [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn is_later(name: &str) -> bool {
    LATER.iter().any(|(later, _)| *later == name)
}

/// An element of the EDMX document and those inside it. The document has one tag a line.
#[derive(Default, Debug)]
struct Element {
    name: String,
    attributes: BTreeMap<String, String>,
    inside: Vec<Element>,
}

impl Element {
    fn read<'l>(lines: &mut impl Iterator<Item = &'l str>) -> Self {
        let mut root = Self::default();
        root.fill(lines);
        root
    }

    fn fill<'l>(&mut self, lines: &mut impl Iterator<Item = &'l str>) {
        while let Some(line) = lines.next() {
            if line.starts_with("</") {
                return;
            }
            let tag = line.strip_prefix('<').unwrap().strip_suffix('>').unwrap();
            let (tag, closed) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
            let (name, mut rest) = tag.split_once(' ').unwrap_or((tag, ""));
            let mut element = Self { name: name.to_owned(), ..Self::default() };
            while let Some((attribute, value)) = rest.split_once("=\"") {
                let (value, more) = value.split_once('"').unwrap();
                element.attributes.insert(attribute.trim().to_owned(), value.to_owned());
                rest = more;
            }
            if !closed {
                element.fill(lines);
            }
            self.inside.push(element);
        }
    }

    fn get(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute).map(String::as_str)
    }

    fn all<'e>(&'e self, name: &'static str) -> impl Iterator<Item = &'e Element> + use<'e> {
        self.inside.iter().filter(move |element| element.name == name)
    }

    fn named(&self, kind: &'static str, name: &str) -> &Element {
        self.all(kind)
            .find(|element| element.get("Name") == Some(name))
            .unwrap_or_else(|| panic!("no {kind} {name}"))
    }
}

async fn schema(test: &TestApp, version: &str) -> Element {
    let answer = test.anonymous().get(&format!("/{version}/$metadata")).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/xml"));
    let mut lines = answer.text.lines();
    assert_eq!(lines.next(), Some(r#"<?xml version="1.0" encoding="utf-8"?>"#));
    let mut root = Element::read(&mut lines);
    let mut edmx = root.inside.pop().unwrap();
    assert_eq!((edmx.name.as_str(), edmx.get("Version")), ("edmx:Edmx", Some("4.0")));
    let mut schema = edmx.inside.pop().unwrap().inside.pop().unwrap();
    assert_eq!((schema.get("Namespace"), schema.get("Alias")), (Some("microsoft.graph"), Some("graph")));
    let container = schema.inside.pop().unwrap();
    assert_eq!((container.name.as_str(), container.get("Name")), ("EntityContainer", Some("GraphService")));
    assert_eq!(
        container.named("Singleton", "deviceManagement").get("Type"),
        Some("microsoft.graph.deviceManagement")
    );
    schema
}

/// Name, type and nullability of each of them.
fn described(members: &[Value]) -> BTreeSet<(String, String, bool)> {
    let member = |member: &Value| {
        (text(member, "name").to_owned(), text(member, "type").to_owned(), member["nullable"] != false)
    };
    members.iter().map(member).collect()
}

fn served<'e>(members: impl Iterator<Item = &'e Element>) -> BTreeSet<(String, String, bool)> {
    let member = |member: &Element| {
        let (name, kind) = (member.get("Name").unwrap(), member.get("Type").unwrap());
        (name.to_owned(), kind.to_owned(), member.get("Nullable") != Some("false"))
    };
    members.map(member).collect()
}

#[tokio::test]
async fn metadata_describes_every_type_as_the_contract_does() {
    let test = TestApp::start().await;
    let (contract, schema) = (contract(), schema(&test, "beta").await);
    let mut expected = BTreeSet::new();
    for kind in list(&contract, "entityTypes").iter().filter(|kind| !is_later(text(kind, "name"))) {
        let name = text(kind, "name");
        expected.insert(name);
        let own = schema.named("EntityType", name);
        assert_eq!(own.get("BaseType"), kind["baseType"].as_str(), "{name}");
        assert_eq!(own.get("Abstract") == Some("true"), kind["abstract"] == true, "{name}");
        assert_eq!(own.get("OpenType") == Some("true"), kind["openType"] == true, "{name}");
        assert_eq!(served(own.all("Property")), described(list(kind, "properties")), "{name}");
        let ways: BTreeSet<_> = own
            .all("NavigationProperty")
            .map(|way| {
                (
                    way.get("Name").unwrap(),
                    way.get("Type").unwrap(),
                    way.get("ContainsTarget") == Some("true"),
                )
            })
            .collect();
        let described: BTreeSet<_> = list(kind, "navigationProperties")
            .iter()
            .map(|way| (text(way, "name"), text(way, "type"), way["containsTarget"] == true))
            .collect();
        assert_eq!(ways, described, "{name}");
    }
    let known: BTreeSet<_> = schema.all("EntityType").map(|kind| kind.get("Name").unwrap()).collect();
    assert_eq!(known, expected, "nothing else is described");
    assert_eq!(schema.named("EntityType", "entity").all("Key").count(), 1);

    for kind in list(&contract, "complexTypes").iter().filter(|kind| !is_later(text(kind, "name"))) {
        let name = text(kind, "name");
        let own = schema.named("ComplexType", name);
        assert_eq!(own.get("OpenType") == Some("true"), kind["openType"] == true, "{name}");
        assert_eq!(served(own.all("Property")), described(list(kind, "properties")), "{name}");
    }
    for kind in list(&contract, "enums").iter().filter(|kind| !is_later(text(kind, "name"))) {
        let own = schema.named("EnumType", text(kind, "name"));
        let members: Vec<_> =
            own.all("Member").map(|m| json!({ "name": m.get("Name"), "value": m.get("Value").unwrap().parse::<i64>().unwrap() })).collect();
        assert_eq!(json!(members), kind["members"], "{}", text(kind, "name"));
    }
}

#[tokio::test]
async fn metadata_describes_every_action_and_function_as_the_contract_does() {
    let test = TestApp::start().await;
    let (contract, beta, v1) = (contract(), schema(&test, "beta").await, schema(&test, "v1.0").await);
    let mut expected = BTreeSet::new();
    for operation in list(&contract, "operations").iter().filter(|operation| operation["later"] != true) {
        let element = match text(operation, "kind") {
            "action" => "Action",
            "function" => "Function",
            _ => continue,
        };
        let name = text(operation, "id").rsplit_once('.').unwrap().1;
        for version in list(operation, "versions") {
            let own = (if version == "beta" { &beta } else { &v1 }).named(element, name);
            assert_eq!(own.get("IsBound"), Some("true"), "{name}");
            let mut parameters = own.all("Parameter");
            let binding = parameters.next().unwrap();
            assert_eq!(binding.get("Name"), Some("bindingParameter"), "{name}");
            assert_eq!(binding.get("Type"), Some(text(operation, "boundTo")), "{name}");
            let parameters: Vec<_> = parameters.collect();
            assert!(
                parameters
                    .iter()
                    .all(|p| p.get("Type") != Some("Edm.String") || p.get("Unicode") == Some("false")),
                "{name}"
            );
            assert_eq!(served(parameters.into_iter()), described(list(operation, "parameters")), "{name}");
            expected.insert((version.as_str().unwrap(), name));
            let returns = own.all("ReturnType").next().and_then(|kind| kind.get("Type"));
            match (&operation["responseType"], returns) {
                (Value::Null, None) => {}
                (Value::String(described), Some(kind)) => {
                    assert!(described.contains(kind), "{name}: {described}, {kind}");
                }
                other => panic!("{name} returns {other:?}"),
            }
        }
    }
    let bound = |version, schema: &'_ Element| -> BTreeSet<(&str, String)> {
        let all = schema.all("Action").chain(schema.all("Function"));
        all.map(|own| (version, own.get("Name").unwrap().to_owned())).collect()
    };
    let known: BTreeSet<_> = bound("beta", &beta).into_iter().chain(bound("v1.0", &v1)).collect();
    let expected: BTreeSet<_> =
        expected.into_iter().map(|(version, name)| (version, name.to_owned())).collect();
    assert_eq!(known, expected, "nothing else is described");
}

#[tokio::test]
async fn every_type_that_metadata_names_is_described_there() {
    let test = TestApp::start().await;
    for version in ["beta", "v1.0"] {
        let schema = schema(&test, version).await;
        let is_type = |name: &str| ["EntityType", "ComplexType", "EnumType"].contains(&name);
        let known: BTreeSet<_> = schema
            .inside
            .iter()
            .filter(|kind| is_type(&kind.name))
            .filter_map(|kind| kind.get("Name"))
            .collect();
        let inside = schema.inside.iter().flat_map(|element| element.inside.iter().chain([element]));
        for named in inside.flat_map(|element| [element.get("Type"), element.get("BaseType")]).flatten() {
            let item = named.strip_prefix("Collection(").map_or(named, |item| item.trim_end_matches(')'));
            let own = item.strip_prefix("microsoft.graph.").is_some_and(|name| known.contains(name));
            assert!(own || item.starts_with("Edm."), "{version}: {named}");
        }
    }
}

/// A tenant with one entity of each type.
struct Stage {
    test: TestApp,
    admin: Client,
    setting: String,
    profiles: BTreeMap<&'static str, String>,
    device: String,
    serial: String,
    event: String,
}

const PROFILES: [(&str, &str); 6] = [
    ("Plain", "enrollmentProfile"),
    ("Dep", "depEnrollmentProfile"),
    ("Ios", "depIOSEnrollmentProfile"),
    ("MacOs", "depMacOSEnrollmentProfile"),
    ("TvOS", "depTvOSEnrollmentProfile"),
    ("VisionOS", "depVisionOSEnrollmentProfile"),
];

impl Stage {
    async fn set() -> Self {
        let test = TestApp::start().await;
        let permissions = [WRITE, "DeviceManagementApps.ReadWrite.All"];
        let admin = test.client(test.storage.default_tenant(), &permissions).await;
        let setting = test.onboarded(&admin, 3).await;
        let mut profiles = BTreeMap::new();
        for (platform, kind) in PROFILES {
            profiles.insert(platform, new_profile(&admin, &setting, kind).await);
        }
        let devices = admin.get_json(&format!("/beta/{S}/{setting}/importedAppleDeviceIdentities")).await;
        let device = &devices["value"][0];
        let (id, serial) = (text(device, "id").to_owned(), text(device, "serialNumber").to_owned());
        let events = admin.get_json("/beta/deviceManagement/auditEvents?$top=1").await;
        let event = text(&events["value"][0], "id").to_owned();
        Self { test, admin, setting, profiles, device: id, serial, event }
    }

    /// The path of an operation with existing keys.
    async fn path(&self, operation: &Value) -> String {
        let id = text(operation, "id");
        let setting = match id {
            "depOnboardingSetting.delete" => self.admin.create_setting().await,
            _ => self.setting.clone(),
        };
        let profile = match id {
            "enrollmentProfile.delete" => {
                new_profile(&self.admin, &setting, "depTvOSEnrollmentProfile").await
            }
            _ => self.profiles["Ios"].clone(),
        };
        text(operation, "path")
            .replace("{depOnboardingSetting-id}", &setting)
            .replace("{enrollmentProfile-id}", &profile)
            .replace("{importedAppleDeviceIdentity-id}", &self.device)
            .replace("{auditEvent-id}", &self.event)
            .replace("{expiringBeforeDateTime}", "2027-01-01T00:00:00Z")
            .replace("{category}", "Enrollment")
            .replace("{enrollmentType}", "any")
    }

    /// A body that the operation takes.
    async fn body(&self, id: &str) -> Option<Value> {
        Some(match id {
            "depOnboardingSetting.create" | "depOnboardingSetting.update" => {
                json!({ "tokenName": "Contract" })
            }
            "depOnboardingSetting.uploadDepToken" => {
                json!({ "appleId": null, "depToken": self.token().await })
            }
            "depOnboardingSetting.releaseAppleDevices" => {
                json!({ "depToken": null, "deviceSerialNumbers": [self.serial] })
            }
            "enrollmentProfile.create" => {
                json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "New" })
            }
            "enrollmentProfile.updateDeviceProfileAssignment" => json!({ "deviceIds": [self.serial] }),
            "importedAppleDeviceIdentity.create" => {
                json!({ "serialNumber": "CONTRACT0001", "platform": "ios" })
            }
            "importedAppleDeviceIdentity.update" => json!({ "description": "Contract" }),
            "importedAppleDeviceIdentity.importAppleDeviceIdentityList" => json!({
                "importedAppleDeviceIdentities": [{ "serialNumber": "CONTRACT0002" }],
                "overwriteImportedDeviceIdentities": false,
            }),
            "auditEvent.create" | "auditEvent.update" => json!({}),
            "protocol.batch" => json!({ "requests": [{ "id": 1, "method": "GET", "url": S }] }),
            _ if id.ends_with(".setRef") => {
                let profile = &self.profiles[platform(id)];
                let url =
                    format!("{}/beta/{S}('{}')/enrollmentProfiles('{profile}')", self.test.url, self.setting);
                json!({ "@odata.id": url })
            }
            _ if id.ends_with(".update") => json!({ "displayName": "Contract" }),
            _ => return None,
        })
    }

    /// A renewed token of the setting's own server.
    async fn token(&self) -> String {
        let servers = self.test.portal.call(Method::GET, "/servers", String::new()).await;
        let servers: Value = serde_json::from_str(&servers).unwrap();
        let first =
            servers.as_array().or_else(|| servers["servers"].as_array()).and_then(|all| all.first()).unwrap();
        self.test.portal.token(text(first, "server_uuid")).await
    }

    async fn run(&self, version: &str, operation: &Value) -> ClientResponse {
        let id = text(operation, "id");
        if id.contains(".default") && !id.ends_with(".setRef") {
            let profile = &self.profiles[platform(id)];
            let made = self
                .admin
                .act(&format!("/beta/{S}/{}/enrollmentProfiles/{profile}/setDefaultProfile", self.setting))
                .await;
            assert_eq!(made.status, 204, "{}", made.text);
        }
        let path = format!("/{version}{}", self.path(operation).await);
        let method = Method::from_bytes(text(operation, "method").as_bytes()).unwrap();
        let request = self.admin.request(method, &path);
        match self.body(id).await {
            Some(body) => send(request.json(&body)).await,
            None => send(request).await,
        }
    }
}

/// The platform in `depOnboardingSetting.defaultIosEnrollmentProfile.get`.
fn platform(id: &str) -> &str {
    id.split_once(".default").unwrap().1.split_once("EnrollmentProfile").unwrap().0
}

async fn new_profile(admin: &Client, setting: &str, kind: &str) -> String {
    let body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": kind });
    let made = admin.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await;
    assert_eq!(made.status, 201, "{kind}: {}", made.text);
    text(&made.json(), "id").to_owned()
}

#[tokio::test]
async fn every_operation_is_served_with_its_status_and_type() {
    let (contract, stage) = (contract(), Stage::set().await);
    let mut operations: Vec<_> =
        list(&contract, "operations").iter().filter(|operation| operation["later"] != true).collect();
    // Deletions come last.
    operations.sort_by_key(|operation| {
        let id = text(operation, "id");
        (operation["method"] == "DELETE", id.ends_with("releaseAppleDevices"))
    });
    for operation in operations {
        let expected = operation["refuse"].as_u64().or(operation["successStatus"].as_u64()).unwrap();
        for version in list(operation, "versions") {
            let version = version.as_str().unwrap();
            let answer = stage.run(version, operation).await;
            let id = text(operation, "id");
            assert_eq!(u64::from(answer.status), expected, "{version} {id}: {}", answer.text);
            if let Some(kind) = operation["responseType"].as_str()
                && answer.status < 300
                && answer.status != 204
            {
                let checker = Checker { contract: &contract, version };
                checker.answer(kind, &answer, id);
            }
        }
    }
    for operation in list(&contract, "operations").iter().filter(|operation| operation["later"] == true) {
        let answer = stage.run("beta", operation).await;
        answer.is_refused(400, "BadRequest", "Resource not found for the segment 'subscriptions'.");
    }
}

#[tokio::test]
async fn every_type_of_profile_shows_every_property() {
    let (contract, stage) = (contract(), Stage::set().await);
    let checker = Checker { contract: &contract, version: "beta" };
    for (platform, kind) in PROFILES {
        let path = format!("/beta/{S}/{}/enrollmentProfiles/{}", stage.setting, stage.profiles[platform]);
        for accept in ["application/json", "application/json;odata.metadata=full"] {
            let shown = stage.admin.get_with(&path, ("accept", accept)).await.json();
            checker.entity(&format!("microsoft.graph.{kind}"), &shown, kind);
            let named = shown["@odata.type"] == format!("#microsoft.graph.{kind}");
            assert!(named || (platform == "Plain" && accept == "application/json"), "{kind}");
        }
    }
}

/// Compares answers with the contract's types.
struct Checker<'c> {
    contract: &'c Value,
    version: &'c str,
}

impl Checker<'_> {
    fn answer(&self, kind: &str, answer: &ClientResponse, at: &str) {
        if let Some(item) = kind.strip_prefix("Collection(").and_then(|kind| kind.strip_suffix(')')) {
            for (index, value) in list(&answer.json(), "value").iter().enumerate() {
                self.value(item, false, value, &format!("{at}[{index}]"));
            }
            assert!(answer.json()["value"].is_array(), "{at}: {}", answer.text);
        } else if kind.starts_with("microsoft.graph.") {
            self.value(kind, false, &answer.json(), at);
        } else if kind.starts_with("{\"value\"") {
            assert!(answer.json().get("value").is_some(), "{at}: {}", answer.text);
        } else if kind == "text/plain integer" {
            assert_eq!(answer.header("content-type"), "text/plain");
            answer.text.parse::<u64>().unwrap();
        }
    }

    fn kind(&self, list_name: &str, name: &str) -> Option<&Value> {
        list(self.contract, list_name).iter().find(|kind| text(kind, "fullName").eq_ignore_ascii_case(name))
    }

    fn entity(&self, declared: &str, value: &Value, at: &str) {
        let actual = value["@odata.type"].as_str().map_or(declared, |name| name.trim_start_matches('#'));
        let mut properties = BTreeMap::new();
        let mut next = Some(actual);
        while let Some(name) = next {
            let kind = self.kind("entityTypes", name).unwrap_or_else(|| panic!("{at}: no type {name}"));
            properties
                .extend(list(kind, "properties").iter().map(|property| (text(property, "name"), property)));
            next = kind["baseType"].as_str();
        }
        self.members(&properties, value, at);
    }

    fn members(&self, properties: &BTreeMap<&str, &Value>, value: &Value, at: &str) {
        let shown = value.as_object().unwrap_or_else(|| panic!("{at}: {value} is no object"));
        for (name, property) in properties {
            if self.version == "v1.0" && at.ends_with("/actor") && ONLY_BETA.contains(name) {
                assert!(!shown.contains_key(*name), "{at}/{name} is beta's");
                continue;
            }
            let place = format!("{at}/{name}");
            let value = shown.get(*name).unwrap_or_else(|| panic!("{place} is not shown"));
            self.value(text(property, "type"), property["nullable"] != false, value, &place);
        }
        for name in shown.keys().filter(|name| !name.contains('@') && !name.starts_with('#')) {
            assert!(properties.contains_key(name.as_str()), "{at}/{name} is not in the contract");
        }
    }

    fn value(&self, kind: &str, nullable: bool, value: &Value, at: &str) {
        if value.is_null() {
            assert!(nullable, "{at} is null");
            return;
        }
        if let Some(item) = kind.strip_prefix("Collection(").and_then(|kind| kind.strip_suffix(')')) {
            let items = value.as_array().unwrap_or_else(|| panic!("{at}: {value} is no array"));
            items.iter().for_each(|value| self.value(item, true, value, at));
            return;
        }
        let fits = match kind {
            "Edm.String" => value.is_string(),
            "Edm.Boolean" => value.is_boolean(),
            "Edm.Int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "Edm.DateTimeOffset" => value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok()),
            "Edm.Guid" => value.as_str().is_some_and(|text| uuid::Uuid::parse_str(text).is_ok()),
            _ => {
                if self.kind("entityTypes", kind).is_some() {
                    return self.entity(kind, value, at);
                }
                if let Some(complex) = self.kind("complexTypes", kind) {
                    let members = list(complex, "properties");
                    let members = members.iter().map(|member| (text(member, "name"), member)).collect();
                    return self.members(&members, value, at);
                }
                let members =
                    list(self.kind("enums", kind).unwrap_or_else(|| panic!("no type {kind}")), "members");
                members.iter().any(|member| &member["name"] == value)
            }
        };
        assert!(fits, "{at}: {value} is no {kind}");
    }
}

#[tokio::test]
async fn the_root_of_each_version_is_a_service_document() {
    let test = TestApp::start().await;
    for version in ["beta", "v1.0"] {
        for root in [format!("/{version}"), format!("/{version}/")] {
            let shown = test.anonymous().get_json(&root).await;
            assert_eq!(shown["@odata.context"], format!("{}/{version}/$metadata", test.url));
            let singleton =
                json!({ "name": "deviceManagement", "kind": "Singleton", "url": "deviceManagement" });
            assert_eq!(shown["value"], json!([singleton]));
        }
    }
}
