//! Both tenants write, to their own entities and to the other's: no write of one changes what the other sees.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Config, RngAlgorithm, TestRng};
use crate::support::{
    client::{Client, send},
    test_app::{S, TestApp, WRITE},
};

/// How often the tenants alternate, and how many requests one makes each time.
const TURNS: usize = 40;
const REQUESTS: usize = 12;

/// A tenant, and the ids of its own entities.
struct Tenant {
    client: Client,
    /// Part of every name that this tenant writes.
    word: &'static str,
    settings: Vec<String>,
    profiles: Vec<String>,
    devices: Vec<String>,
    serials: Vec<String>,
    /// Every id that one of its entities ever had.
    ids: Vec<String>,
    made: usize,
}

/// Random numbers that choose the request, whose entities it names, and whether it is in a batch.
type Choice = (usize, usize, usize, bool, bool);

fn ids(page: &Value, name: &str) -> Vec<String> {
    page["value"].as_array().into_iter().flatten().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

impl Tenant {
    async fn new(test: &TestApp, id: adept::domain::TenantId, word: &'static str) -> Self {
        let client = test.client(id, &[WRITE, "DeviceManagementApps.Read.All"]).await;
        let setting = test.onboarded(&client, 3).await;
        let page = client.get_json(&format!("/beta/{S}/{setting}/importedAppleDeviceIdentities")).await;
        let (devices, serials) = (ids(&page, "id"), ids(&page, "serialNumber"));
        let body = json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": word });
        let profile = client.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await.json();
        let profiles = vec![profile["id"].as_str().unwrap().to_owned()];
        let known = [&devices, &serials, &profiles].into_iter().flatten().cloned();
        let ids = known.chain([setting.clone(), id.to_string()]).collect();
        Self { client, word, settings: vec![setting], profiles, devices, serials, ids, made: 0 }
    }

    /// A name that was never used before.
    fn name(&mut self) -> String {
        self.made += 1;
        format!("{}{}", self.word, self.made)
    }

    /// Everything that this tenant sees, counts included.
    async fn shown(&self) -> Vec<String> {
        let query = "$expand=depOnboardingSettings($count=true;$expand=enrollmentProfiles($count=true),\
                     importedAppleDeviceIdentities($count=true),defaultIosEnrollmentProfile),\
                     auditEvents($count=true;$top=5;$orderby=activityDateTime desc)";
        let mut all = vec![self.client.get(&format!("/beta/deviceManagement?{query}")).await.text];
        for path in [
            format!("/beta/{S}/{}/getEncryptionPublicKey", self.settings[0]),
            format!("/beta/{S}/$count"),
            "/v1.0/deviceManagement/auditEvents/$count".to_owned(),
            "/beta/deviceManagement/auditEvents/getAuditActivityTypes(category='Enrollment')".to_owned(),
        ] {
            all.push(self.client.get(&path).await.text);
        }
        all
    }

    /// Records what a successful request created or deleted.
    fn learn(&mut self, path: &str, status: u64, body: &Value) {
        let known = body["id"].as_str().map(str::to_owned);
        if let (201, Some(id)) = (status, known) {
            self.ids.push(id.clone());
            if path.ends_with("/enrollmentProfiles") { &mut self.profiles } else { &mut self.settings }
                .push(id);
        }
        if status == 200 && path.ends_with("importAppleDeviceIdentityList") {
            self.ids.extend(ids(body, "id"));
            self.devices.extend(ids(body, "id"));
            self.serials.extend(ids(body, "serialNumber"));
        }
    }
}

/// A request of `own`, on its own entities or on those of `other`.
fn request(own: &mut Tenant, other: &Tenant, (what, which, whose, _, _): Choice) -> (Method, String, Value) {
    let name = own.name();
    let of = |own: &[String], other: &[String]| match whose {
        0 | 1 => other[which % other.len()].clone(),
        _ => own[which % own.len()].clone(),
    };
    // One's own setting with another's profile or device, or all of one owner.
    let setting = if whose == 0 { other.settings[0].clone() } else { own.settings[0].clone() };
    let profile = of(&own.profiles, &other.profiles);
    let device = of(&own.devices, &other.devices);
    let serial = of(&own.serials, &other.serials);
    let below = format!("/beta/{S}/{setting}");
    let one = format!("{below}/enrollmentProfiles/{profile}");
    let devices = format!("{below}/importedAppleDeviceIdentities");
    let ios = "#microsoft.graph.depIOSEnrollmentProfile";
    match what {
        0 => (Method::PATCH, below, json!({ "tokenName": name, "roleScopeTagIds": ["0", name] })),
        1 => (
            Method::POST,
            format!("{below}/enrollmentProfiles"),
            json!({ "@odata.type": ios, "displayName": name }),
        ),
        2 => (Method::PATCH, one, json!({ "displayName": name, "siriDisabled": true })),
        3 => (Method::POST, format!("{one}/setDefaultProfile"), json!({})),
        4 => (Method::POST, format!("{one}/updateDeviceProfileAssignment"), json!({ "deviceIds": [serial] })),
        5 => (Method::DELETE, one, Value::Null),
        6 => (
            Method::POST,
            format!("{devices}/importAppleDeviceIdentityList"),
            json!({ "importedAppleDeviceIdentities": [{ "serialNumber": name, "description": name }] }),
        ),
        7 => (Method::PATCH, format!("{devices}/{device}"), json!({ "description": name })),
        8 => (Method::DELETE, format!("{devices}/{device}"), Value::Null),
        9 => (Method::POST, format!("/beta/{S}"), json!({ "tokenName": name })),
        10 => (Method::DELETE, format!("{below}/defaultIosEnrollmentProfile/$ref"), Value::Null),
        11 => {
            let target = format!("/beta/{S}('{setting}')/enrollmentProfiles('{profile}')");
            let url = format!("{}{target}", own.client.base());
            (Method::PUT, format!("{below}/defaultIosEnrollmentProfile/$ref"), json!({ "@odata.id": url }))
        }
        12 => (Method::POST, format!("{below}/generateEncryptionPublicKey"), json!({})),
        13 => (Method::POST, format!("{below}/syncWithAppleDeviceEnrollmentProgram"), json!({})),
        14 => {
            (Method::POST, format!("{below}/releaseAppleDevices"), json!({ "deviceSerialNumbers": [serial] }))
        }
        15 => (Method::POST, format!("{below}/uploadDepToken"), json!({ "depToken": name })),
        16 => (Method::DELETE, below, Value::Null),
        17 => (
            Method::GET,
            format!("{below}?$expand=enrollmentProfiles,importedAppleDeviceIdentities"),
            Value::Null,
        ),
        _ => (Method::GET, "/beta/deviceManagement/auditEvents?$count=true".to_owned(), Value::Null),
    }
}

#[tokio::test]
async fn a_write_of_one_tenant_changes_nothing_for_another() {
    let test = TestApp::start().await;
    let mut own = Tenant::new(&test, test.storage.default_tenant(), "Alpha").await;
    let mut other = Tenant::new(&test, test.other_tenant().await, "Omega").await;
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let choices = (0..20_usize, any::<usize>(), 0..6_usize, any::<bool>(), any::<bool>());
    let (mut written, mut refused) = (0, 0);
    for turn in 0..TURNS {
        let before = other.shown().await;
        for _ in 0..REQUESTS {
            let choice = choices.new_tree(&mut runner).unwrap().current();
            let (method, path, body) = request(&mut own, &other, choice);
            let said = format!("{method} {path} {body}");
            let item = json!({ "id": "1", "method": method.as_str(), "url": path, "body": body });
            let second =
                json!({ "id": "2", "method": "GET", "url": format!("/{S}?$expand=enrollmentProfiles") });
            let batched = choice.3;
            let answer = if batched {
                own.client.post("/beta/$batch", &json!({ "requests": [item, second] })).await
            } else if body.is_null() {
                send(own.client.request(method.clone(), &path)).await
            } else {
                send(own.client.request(method.clone(), &path).json(&body)).await
            };
            // The caller's own text may be repeated in a message.
            for mark in other.ids.iter().map(String::as_str).chain([other.word]) {
                let seen = !said.contains(mark) && answer.text.contains(mark);
                let start: String = answer.text.chars().take(500).collect();
                assert!(!seen, "turn {turn}: {said} shows {mark}: {start}");
            }
            let (status, shown) = match batched {
                true => {
                    let first = answer.json()["responses"][0].clone();
                    (first["status"].as_u64().unwrap(), first["body"].clone())
                }
                false => (answer.status.into(), serde_json::from_str(&answer.text).unwrap_or_default()),
            };
            // Entities of another tenant do not exist, in any request.
            let foreign = other.ids.iter().any(|id| said.contains(id));
            assert!(!foreign || [400, 404].contains(&status), "turn {turn}: {said}: {status}");
            own.learn(&path, status, &shown);
            match method != Method::GET && status < 300 {
                true => written += 1,
                false if foreign => refused += 1,
                false => {}
            }
        }
        assert!(other.shown().await == before, "turn {turn} of {} changed what the other sees", own.word);
        std::mem::swap(&mut own, &mut other);
    }
    assert!(written > 80 && refused > 80, "both were tried: {written} written, {refused} refused");
}
