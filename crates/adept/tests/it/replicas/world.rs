//! What the replicas work on: a database with many settings, and a simulated Apple with a server for each of them. The
//! settings are written by the storage and share a key pair: making a thousand key pairs takes a minute.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use adept::{
    app::Clock,
    domain::{AuditEvent, AuditResource, KeyPairId, Setting, SettingId, SettingKey, TenantId, TokenType},
    storage::{NewKeyPair, Storage},
};
use adept_apple::key_pair::KeyPair;
use adept_simulator::Simulator;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};

use crate::support::{
    database::{Kind, TestDatabase},
    portal::Portal,
};

/// A setting, its server at Apple and how many devices that has at first.
pub struct Onboarded {
    pub setting: SettingId,
    pub server: String,
}

/// The database, Apple, and the settings with their servers. The database goes last.
pub struct World {
    pub storage: Storage,
    pub clock: Clock,
    pub settings: Vec<Onboarded>,
    pub portal: Portal,
    simulator: Simulator,
    pub database: TestDatabase,
}

impl World {
    /// So many settings without tokens; their servers have up to twelve devices, and five fit a page.
    pub async fn with_settings(count: usize) -> Self {
        adept::cli::install_crypto_providers();
        let database = TestDatabase::new(Kind::Postgres).await;
        let storage = database.open().await;
        let simulator = Simulator::start("127.0.0.1:0".parse().unwrap(), Default::default()).await.unwrap();
        let portal = Portal::at(simulator.url());
        let options =
            json!({ "limit_default": 5, "limit_maximum": 5, "session_ttl_seconds": 3600 }).to_string();
        portal.call(Method::PUT, "/options", options).await;
        let clock = Clock::system();
        let pair = KeyPair::generate("Replicas", clock.now()).unwrap();

        let (storage_, portal_, clock_, pair_) = (&storage, &portal, &clock, &pair);
        let making = stream::iter(0..count).map(|number| async move {
            let setting = make(storage_, clock_, pair_, number, count).await;
            let server = portal_.server().await;
            portal_.trust(&server, &pair_.certificate.pem()).await;
            portal_.give_devices(&server, number as u32 % 13).await;
            Onboarded { setting, server }
        });
        let mut settings: Vec<Onboarded> = making.buffer_unordered(8).collect().await;
        settings.sort_by_key(|onboarded| onboarded.setting.0);
        Self { storage, clock, settings, portal, simulator, database }
    }

    pub fn apple_url(&self) -> String {
        self.simulator.url()
    }

    pub fn tenant(&self) -> TenantId {
        self.storage.default_tenant()
    }

    /// Adds a rule that holds until it is removed; its id.
    pub async fn add_fault(&self, mut rule: Value) -> String {
        rule["times"] = Value::Null;
        let added = self.portal.call(Method::POST, "/faults", rule.to_string()).await;
        serde_json::from_str::<Value>(&added).unwrap()["id"].to_string()
    }

    pub async fn remove_fault(&self, rule: &str) {
        self.portal.call(Method::DELETE, &format!("/faults/{rule}"), String::new()).await;
    }

    /// How many calls the rule acted on.
    pub async fn acted(&self, rule: &str) -> u64 {
        let rule = self.portal.call(Method::GET, &format!("/faults/{rule}"), String::new()).await;
        serde_json::from_str::<Value>(&rule).unwrap()["acted"].as_u64().unwrap()
    }

    pub async fn forget_calls(&self) {
        self.portal.call(Method::DELETE, "/requests", String::new()).await;
    }

    /// How often Apple was asked for `call` since its calls were forgotten.
    pub async fn calls(&self, call: &str) -> u64 {
        let counts = self.portal.call(Method::GET, "/counts", String::new()).await;
        serde_json::from_str::<Value>(&counts).unwrap()[call].as_u64().unwrap_or(0)
    }

    /// The server's devices as Apple knows them: serial number, and the name of the profile that each is to get.
    pub async fn truth(&self, server: &str) -> BTreeMap<String, Option<String>> {
        let path = format!("/servers/{server}/profiles");
        let defined: Value =
            serde_json::from_str(&self.portal.call(Method::GET, &path, String::new()).await).unwrap();
        let names: BTreeMap<&str, &str> = defined["profiles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (text(&one["profile_uuid"]), text(&one["profile"]["profile_name"])))
            .collect();
        let devices = devices(&self.portal, server).await;
        let devices = devices.iter().map(|device| {
            let uuid = device["profile_uuid"].as_str();
            (text(&device["serial_number"]).to_owned(), uuid.map(|uuid| names[uuid].to_owned()))
        });
        devices.collect()
    }

    /// What waits for another day in defining and assigning profiles need not wait any longer.
    pub async fn let_a_day_pass(&self) {
        let mut database = PgConnection::connect(&self.database.url).await.unwrap();
        let day = 24 * 3600 * 1_000_000_i64;
        for change in [
            "UPDATE profile_definitions SET attempted_at = attempted_at - $1, again_at = again_at - $1",
            "UPDATE devices SET assign_due_at = assign_due_at - $1 WHERE assign_due_at IS NOT NULL",
            "UPDATE setting_states SET assignment_due_at = assignment_due_at - $1 WHERE assignment_due_at IS NOT NULL",
        ] {
            sqlx::query(change).bind(day).execute(&mut database).await.unwrap();
        }
    }

    /// Makes a sync of each of `settings` due; the time from which on it counts.
    pub async fn ask_for_syncs(&self, settings: &[Onboarded]) -> Timestamp {
        let now = self.clock.now();
        for onboarded in settings {
            let event =
                event(&self.clock, onboarded.setting, "syncWithAppleDeviceEnrollmentProgram", "Action");
            let asked = self
                .storage
                .syncs
                .request(SettingKey::new(self.tenant(), onboarded.setting), false, now, &event)
                .await;
            assert_eq!(asked.unwrap(), Some(true));
        }
        now
    }

    /// Waits until a sync of each of `settings` that began after `since` has succeeded.
    pub async fn wait_for_syncs(&self, settings: &[Onboarded], since: Timestamp, patience: Duration) {
        let began = Instant::now();
        let mut database = PgConnection::connect(&self.database.url).await.unwrap();
        loop {
            let rows: Vec<(Vec<u8>, String)> = sqlx::query_as(
                "SELECT setting, token_state FROM setting_states WHERE NOT (sync_started_at >= $1 \
                 AND COALESCE(sync_succeeded_at, 0) >= sync_started_at)",
            )
            .bind(since.as_microsecond())
            .fetch_all(&mut database)
            .await
            .unwrap();
            let mut left: BTreeMap<Vec<u8>, String> = rows.into_iter().collect();
            left.retain(|id, _| {
                settings.iter().any(|onboarded| onboarded.setting.0.as_bytes()[..] == id[..])
            });
            if left.is_empty() {
                return;
            }
            let some: Vec<_> = left.iter().take(5).collect();
            assert!(began.elapsed() < patience, "{} settings are not synchronized: {some:?}", left.len());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Whether a sync of the setting ever succeeded.
    pub async fn has_synced(&self, onboarded: &Onboarded) -> bool {
        let known = self
            .storage
            .tokens
            .load(SettingKey::new(self.tenant(), onboarded.setting))
            .await
            .unwrap()
            .unwrap();
        known.setting.sync.succeeded_at.is_some()
    }

    /// The audit names each token that was ever stored once, by its end: exactly those that were `issued`.
    pub async fn compare_audit(&self, issued: &[(SettingId, Vec<String>)]) {
        let mut database = PgConnection::connect(&self.database.url).await.unwrap();
        let rows: Vec<(String, String)> =
            sqlx::query_as("SELECT resource_id, changes FROM audit_events WHERE activity = 'uploadDepToken'")
                .fetch_all(&mut database)
                .await
                .unwrap();
        let mut audited = BTreeMap::<String, Vec<String>>::new();
        for (setting, changes) in rows {
            let changes: Value = serde_json::from_str(&changes).unwrap();
            let ends = changes.as_array().unwrap().iter();
            let ends = ends.filter(|change| change["property"] == "tokenExpirationDateTime");
            let ends = ends.map(|change| change["new"].as_str().unwrap().to_owned());
            audited.entry(setting).or_default().extend(ends);
        }
        for (setting, issued) in issued {
            let mut audited = audited.remove(&setting.to_string()).unwrap_or_default();
            audited.sort();
            assert_eq!(&audited, issued, "the tokens of {setting} in the audit, and those that were stored");
        }
        assert!(audited.is_empty(), "the audit tells of uploads to other settings: {audited:?}");
    }
}

/// Serial numbers of the server's devices, in order.
pub async fn serials(portal: &Portal, server: &str) -> Vec<String> {
    let devices = devices(portal, server).await;
    let mut serials: Vec<String> =
        devices.iter().map(|device| text(&device["serial_number"]).to_owned()).collect();
    serials.sort();
    serials
}

async fn devices(portal: &Portal, server: &str) -> Vec<Value> {
    let path = format!("/servers/{server}/devices?limit=10000");
    let mut page: Value =
        serde_json::from_str(&portal.call(Method::GET, &path, String::new()).await).unwrap();
    match page["devices"].take() {
        Value::Array(devices) => devices,
        other => panic!("the portal lists no devices: {other}"),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

async fn make(storage: &Storage, clock: &Clock, pair: &KeyPair, number: usize, most: usize) -> SettingId {
    let now = clock.now();
    let id = SettingId(clock.new_id());
    let key = SettingKey::new(storage.default_tenant(), id);
    let setting = Setting::new(key, TokenType::Dep, Some(format!("Setting {number}")), now);
    let key_pair = NewKeyPair {
        id: KeyPairId(clock.new_id()),
        created_at: now,
        certificate: pair.certificate.der().to_vec(),
        pkcs8: pair.pkcs8.clone(),
    };
    let event = event(clock, id, "createDepOnboardingSetting", "Create");
    storage.settings.create(&setting, &key_pair, most as i64, None, &event).await.unwrap();
    id
}

fn event(clock: &Clock, setting: SettingId, activity: &'static str, operation: &'static str) -> AuditEvent {
    AuditEvent {
        id: clock.new_id(),
        at: clock.now(),
        actor: None,
        activity,
        operation,
        resource: AuditResource { kind: "DepOnboardingSetting", id: setting.to_string(), name: None },
        changes: Vec::new(),
        correlation: clock.new_id(),
    }
}
