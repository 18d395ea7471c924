//! What the tests stand on: a setting with devices, profiles made through Graph, and the truth at Apple.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    onboarding::{asked, pair, upload},
    support::{
        client::Client,
        database::Kind,
        test_app::{S, TestApp},
    },
};

/// Another product's profile.
pub const FOREIGN: &str = "0123456789ABCDEF0123456789ABCDEF";

pub const KINDS: [(&str, &str); 4] = [
    ("depIOSEnrollmentProfile", "ios"),
    ("depMacOSEnrollmentProfile", "macOS"),
    ("depTvOSEnrollmentProfile", "tvOS"),
    ("depVisionOSEnrollmentProfile", "visionOS"),
];

pub struct Ground {
    pub test: TestApp,
    pub setting: String,
    pub server: String,
}

impl Ground {
    /// A setting whose `devices` are synchronized; nothing was reconciled yet.
    pub async fn new(kind: Kind, devices: u32) -> Self {
        let test = TestApp::start_on_kind(kind).await;
        Self::on(test, devices).await
    }

    pub async fn on(test: TestApp, devices: u32) -> Self {
        let client = test.admin().await;
        let pair = pair(&test, &client).await;
        test.portal.give_devices(&pair.server, devices).await;
        let token = test.portal.token(&pair.server).await;
        assert_eq!(upload(&client, &pair.setting, &token).await.status, 204);
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
        Self { test, setting: pair.setting, server: pair.server }
    }

    /// Bearer tokens end when the clock moves.
    pub async fn client(&self) -> Client {
        self.test.admin().await
    }

    fn path(&self, rest: &str) -> String {
        format!("/beta/{S}/{}/{rest}", self.setting)
    }

    /// Makes a profile; its bare id.
    pub async fn profile(&self, kind: &str, name: &str) -> String {
        let body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": name });
        let answer = self.client().await.post(&self.path("enrollmentProfiles"), &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        id.rsplit_once('_').map_or(id.clone(), |(_, bare)| bare.to_owned())
    }

    pub async fn make_default(&self, profile: &str) {
        let path = self.path(&format!("enrollmentProfiles/{profile}/setDefaultProfile"));
        assert_eq!(self.client().await.act(&path).await.status, 204);
    }

    pub async fn rename(&self, profile: &str, kind: &str, name: &str) {
        let body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": name });
        let path = self.path(&format!("enrollmentProfiles/{profile}"));
        let answer = self.client().await.patch(&path, &body).await;
        assert!(answer.status < 300, "{}", answer.text);
    }

    pub async fn want(&self, profile: &str, serials: &[String]) {
        let path = self.path(&format!("enrollmentProfiles/{profile}/updateDeviceProfileAssignment"));
        let answer = self.client().await.post(&path, &json!({ "deviceIds": serials })).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    pub async fn want_released(&self, serials: &[String]) {
        let body = json!({ "depToken": null, "deviceSerialNumbers": serials });
        let answer = self.client().await.post(&self.path("releaseAppleDevices"), &body).await;
        assert!(answer.status < 300, "{}", answer.text);
    }

    /// Runs whatever is due until nothing is; answers how many assignment runs that were.
    pub async fn settle(&self) -> usize {
        let mut runs = 0;
        for _ in 0..50 {
            let synced = self.test.app.scheduler.sync_what_is_due().await.unwrap();
            let reconciled = self.test.app.scheduler.assign_what_is_due().await.unwrap();
            runs += reconciled;
            if synced + reconciled == 0 {
                return runs;
            }
        }
        panic!("it never comes to rest");
    }

    /// Moves Adept's clock and Apple's.
    pub async fn pass(&self, time: SignedDuration) {
        self.test.clock.advance(time);
        self.portal(Method::POST, "/clock/advance", json!({ "seconds": time.as_secs() })).await;
    }

    /// A sync that is asked for, and whatever follows from it.
    pub async fn sync(&self) {
        self.pass(SignedDuration::from_secs(2)).await;
        assert_eq!(
            self.client().await.act(&self.path("syncWithAppleDeviceEnrollmentProgram")).await.status,
            204
        );
        self.settle().await;
    }

    pub async fn portal(&self, method: Method, path: &str, body: Value) -> Value {
        let text = self.test.portal.call(method, path, body.to_string()).await;
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Another server of the same organization.
    pub async fn another_server(&self) -> String {
        let own = self.portal(Method::GET, &format!("/servers/{}", self.server), json!(null)).await;
        let made = self.portal(Method::POST, "/servers", json!({ "org_id": own["org_id"] })).await;
        made["server_uuid"].as_str().unwrap().to_owned()
    }

    /// Moves a device as an administrator does in Apple's portal.
    pub async fn move_device(&self, from: &str, serial: &str, to: &str) {
        let path = format!("/servers/{from}/devices/{serial}/move");
        self.portal(Method::POST, &path, json!({ "to": to })).await;
    }

    /// Every device at Apple, with the name of its profile.
    pub async fn truth(&self) -> BTreeMap<String, Option<String>> {
        let profiles =
            self.portal(Method::GET, &format!("/servers/{}/profiles", self.server), json!(null)).await;
        let names: BTreeMap<&str, &str> = profiles["profiles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                (one["profile_uuid"].as_str().unwrap(), one["profile"]["profile_name"].as_str().unwrap())
            })
            .collect();
        let listed = self
            .portal(Method::GET, &format!("/servers/{}/devices?limit=10000", self.server), json!(null))
            .await;
        let devices = listed["devices"].as_array().unwrap().iter();
        devices
            .map(|device| {
                let uuid = device["profile_uuid"].as_str();
                let name = uuid.map(|uuid| names.get(uuid).copied().unwrap_or(uuid).to_owned());
                (device["serial_number"].as_str().unwrap().to_owned(), name)
            })
            .collect()
    }

    /// The serial numbers of devices of a platform, or of all.
    pub async fn serials(&self, platform: Option<&str>) -> Vec<String> {
        let mut serials = Vec::new();
        let mut path = self.path("importedAppleDeviceIdentities");
        let client = self.client().await;
        loop {
            let listed = client.get_json(&path).await;
            for device in listed["value"].as_array().unwrap() {
                if platform.is_none_or(|platform| device["platform"] == platform)
                    && device["isDeleted"] == false
                {
                    serials.push(device["serialNumber"].as_str().unwrap().to_owned());
                }
            }
            let Some(next) = listed["@odata.nextLink"].as_str() else { return serials };
            path = next.strip_prefix(&self.test.url).unwrap().to_owned();
        }
    }

    /// How many profiles Apple has defined for the server.
    pub async fn defined(&self) -> usize {
        let profiles =
            self.portal(Method::GET, &format!("/servers/{}/profiles", self.server), json!(null)).await;
        profiles["profiles"].as_array().unwrap().len()
    }

    pub async fn assignments(&self) -> u64 {
        asked(&self.test, "POST /profile/devices").await
    }

    /// What the next calls say of a device.
    pub async fn script_status(&self, serial: &str, call: &str, status: &str, more: Value) {
        let mut body = json!({ "serial_number": serial, "call": call, "status": status });
        for (key, value) in more.as_object().into_iter().flatten() {
            body[key] = value.clone();
        }
        self.portal(Method::POST, "/statuses", body).await;
    }

    /// The history of a device: what happened and Apple's word or the reason.
    pub async fn history(&self, serial: &str) -> Vec<(String, Option<String>)> {
        let (tenant, setting) = (self.test.storage.default_tenant(), self.setting.parse().unwrap());
        let events = self
            .test
            .storage
            .devices
            .events(adept::domain::SettingKey::new(tenant, setting), serial)
            .await
            .unwrap();
        events.into_iter().map(|event| (event.kind.as_str().to_owned(), event.detail)).collect()
    }
}
