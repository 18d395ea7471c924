//! `adept simulator` as a program of its own, and its portal side, `/_sim`: Apple as administrators and tests see it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::Result;
use crate::graph::lost;
use crate::http::Client;
use crate::process::Process;
use crate::service::free_port;
use crate::test_bed::TestBed;

/// Most devices that the portal lists at once.
const AT_ONCE: usize = 10_000;

/// A running simulator, killed when dropped.
pub(crate) struct Apple {
    pub(crate) process: Process,
    pub(crate) port: u16,
}

impl Apple {
    /// Starts it and waits until it answers.
    pub(crate) fn start(bed: &TestBed) -> Result<Self> {
        let port = free_port()?;
        let log = bed.new_folder("simulator")?.join("simulator.log");
        let mut command = std::process::Command::new(&bed.adept);
        command.args(["simulator", "--listen", &format!("127.0.0.1:{port}")]);
        let mut apple = Self { process: Process::start(&mut command, &log)?, port };
        let started = Instant::now();
        while apple.portal().counts().is_err() {
            if apple.process.ended()?.is_some() || started.elapsed() > Duration::from_secs(20) {
                return Err(format!("`adept simulator` did not start; {} may say why.", log.display()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(apple)
    }

    /// The portal, over a connection of its own.
    pub(crate) fn portal(&self) -> Portal {
        Portal { client: Client::plain(self.port) }
    }
}

/// A device's state at Apple.
pub(crate) struct State {
    pub(crate) os: String,
    pub(crate) description: Option<String>,
    /// The uuid of its profile.
    pub(crate) profile: Option<String>,
    pub(crate) status: String,
}

impl State {
    /// Whether it is an iPhone or an iPad.
    pub(crate) fn is_mobile(&self) -> bool {
        matches!(self.os.as_str(), "iOS" | "iPadOS")
    }

    /// Whether it is a Mac.
    pub(crate) fn is_mac(&self) -> bool {
        self.os == "OSX"
    }
}

/// A call to one of Apple's paths.
pub(crate) struct LoggedRequest {
    pub(crate) at: jiff::Timestamp,
    pub(crate) path: String,
    /// The server whose session was used; empty where it has none.
    pub(crate) server: String,
}

/// The portal side.
pub(crate) struct Portal {
    client: Client,
}

impl Portal {
    /// Registers a server with the certificate that its tokens are sealed to; its uuid.
    pub(crate) fn register(&mut self, certificate: &str) -> Result<String> {
        let server = self.ask("POST", "/_sim/servers", &json!({}), 201)?;
        let server: Value = serde_json::from_slice(&server).map_err(|error| error.to_string())?;
        let uuid = server["server_uuid"].as_str().ok_or("A new server has no uuid.")?.to_owned();
        let path = format!("/_sim/servers/{uuid}/certificate");
        self.send("PUT", &path, certificate.as_bytes(), 204)?;
        Ok(uuid)
    }

    /// Issues a token, which invalidates the one before; returns the file. `expires` is a time such as `2031-01-31T00:00:00Z`.
    pub(crate) fn issue(&mut self, server: &str, expires: Option<&str>) -> Result<Vec<u8>> {
        let query = expires.map_or_else(String::new, |expires| format!("?expires={expires}"));
        self.send("POST", &format!("/_sim/servers/{server}/token{query}"), b"", 200)
    }

    /// Makes devices from the simulator's seed.
    pub(crate) fn add_devices(&mut self, server: &str, count: usize) -> Result {
        let path = format!("/_sim/servers/{server}/devices");
        self.ask("POST", &path, &json!({ "count": count }), 200).map(drop)
    }

    /// Changes the description of a device, unless it was released meanwhile.
    pub(crate) fn describe_device(&mut self, server: &str, serial: &str, description: &str) -> Result {
        self.change_device("PATCH", server, serial, &json!({ "description": description }))
    }

    /// Removes a device, unless it was released meanwhile.
    pub(crate) fn remove_device(&mut self, server: &str, serial: &str) -> Result {
        self.change_device("DELETE", server, serial, &Value::Null)
    }

    fn change_device(&mut self, method: &str, server: &str, serial: &str, change: &Value) -> Result {
        let path = format!("/_sim/servers/{server}/devices/{serial}");
        let answer = self.client.ask(method, &path, &[], change.to_string().as_bytes()).map_err(lost)?;
        if answer.status == 404 {
            return Ok(());
        }
        answer.expect(204).map(drop).map_err(|error| format!("The portal, {method} {path}: {error}"))
    }

    /// The serial number of every device of a server now.
    pub(crate) fn serials(&mut self, server: &str) -> Result<Vec<String>> {
        Ok(self.states(server)?.into_keys().collect())
    }

    /// Every device of a server now, by serial number.
    pub(crate) fn states(&mut self, server: &str) -> Result<BTreeMap<String, State>> {
        let mut all = BTreeMap::new();
        loop {
            let path = format!("/_sim/servers/{server}/devices?offset={}&limit={AT_ONCE}", all.len());
            let page = self.read(&path)?;
            let devices = page["devices"].as_array().ok_or("The portal lists no devices.")?;
            for device in devices {
                let text = |name: &str| device[name].as_str().map(str::to_owned);
                let state = State {
                    os: text("os").unwrap_or_default(),
                    description: text("description"),
                    profile: text("profile_uuid").filter(|uuid| !uuid.is_empty()),
                    status: text("profile_status").unwrap_or_default(),
                };
                all.insert(text("serial_number").ok_or("A device has no serial number.")?, state);
            }
            if devices.len() < AT_ONCE {
                return Ok(all);
            }
        }
    }

    /// The name of each profile that a server's client defined, by its uuid.
    pub(crate) fn profiles(&mut self, server: &str) -> Result<BTreeMap<String, String>> {
        let list = self.read(&format!("/_sim/servers/{server}/profiles?serials=0"))?;
        let profiles = list["profiles"].as_array().ok_or("The portal lists no profiles.")?.iter();
        let pair = |profile: &Value| {
            let name = profile["profile"]["profile_name"].as_str()?;
            Some((profile["profile_uuid"].as_str()?.to_owned(), name.to_owned()))
        };
        profiles.map(|profile| pair(profile).ok_or_else(|| format!("The portal lists {profile}."))).collect()
    }

    /// How many devices of a server carry a profile that its client defined.
    pub(crate) fn assigned(&mut self, server: &str) -> Result<u64> {
        let list = self.read(&format!("/_sim/servers/{server}/profiles?serials=0"))?;
        let profiles = list["profiles"].as_array().ok_or("The portal lists no profiles.")?;
        Ok(profiles.iter().filter_map(|profile| profile["devices"].as_u64()).sum())
    }

    /// Puts another product's profile on a device.
    pub(crate) fn put_profile(&mut self, server: &str, serial: &str, uuid: &str) -> Result {
        let path = format!("/_sim/servers/{server}/devices/{serial}");
        self.ask("PATCH", &path, &json!({ "profile_status": "assigned", "profile_uuid": uuid }), 204)
            .map(drop)
    }

    /// Permits a server to release devices.
    pub(crate) fn let_release(&mut self, server: &str) -> Result {
        let path = format!("/_sim/servers/{server}/permissions");
        self.ask("PUT", &path, &json!({ "release_devices": true }), 204).map(drop)
    }

    /// Moves Apple's clock forward by seconds.
    pub(crate) fn advance(&mut self, seconds: i64) -> Result {
        self.ask("POST", "/_sim/clock/advance", &json!({ "seconds": seconds }), 200).map(drop)
    }

    /// How long each page of devices is held back.
    pub(crate) fn delay_pages(&mut self, milliseconds: u64) -> Result {
        self.delay("/server/devices", milliseconds)?;
        self.delay("/devices/sync", milliseconds)
    }

    /// How long each answer to one of Apple's paths is held back.
    pub(crate) fn delay(&mut self, path: &str, milliseconds: u64) -> Result {
        self.ask("PUT", "/_sim/delay", &json!({ "milliseconds": milliseconds, "path": path }), 204).map(drop)
    }

    /// The next answers to delta syncs report no change, and carry a cursor that Apple does not know later.
    pub(crate) fn hide_changes(&mut self, times: u32) -> Result {
        let body = json!({ "devices": [], "cursor": "no-changes", "more_to_follow": false }).to_string();
        let answer = json!({ "path": "/devices/sync", "status": 200, "body": body, "times": times });
        self.ask("POST", "/_sim/answers", &answer, 201).map(drop)
    }

    /// Ends `hide_changes`.
    pub(crate) fn show_changes(&mut self) -> Result {
        self.send("DELETE", "/_sim/answers", b"", 204).map(drop)
    }

    /// The largest page of devices.
    pub(crate) fn limit_pages(&mut self, devices: u32) -> Result {
        let options = json!({ "limit_default": devices, "limit_maximum": devices });
        self.ask("PUT", "/_sim/options", &options, 200).map(drop)
    }

    /// Forgets which calls were made.
    pub(crate) fn forget_calls(&mut self) -> Result {
        self.send("DELETE", "/_sim/requests", b"", 204).map(drop)
    }

    /// How often each call was made, such as `GET /account`.
    pub(crate) fn counts(&mut self) -> Result<BTreeMap<String, u64>> {
        let counts = self.send("GET", "/_sim/counts", b"", 200)?;
        serde_json::from_slice(&counts).map_err(|error| format!("The counts are not as expected: {error}."))
    }

    /// The last 10,000 calls, oldest first.
    pub(crate) fn calls(&mut self) -> Result<Vec<LoggedRequest>> {
        let list = self.send("GET", "/_sim/requests", b"", 200)?;
        let list: Value = serde_json::from_slice(&list).map_err(|error| error.to_string())?;
        let call = |call: &Value| {
            Some(LoggedRequest {
                at: call["time"].as_str()?.parse().ok()?,
                path: call["path"].as_str()?.to_owned(),
                server: call["server_uuid"].as_str().unwrap_or_default().to_owned(),
            })
        };
        let calls = list["requests"].as_array().ok_or("The portal lists no requests.")?;
        calls.iter().map(|each| call(each).ok_or_else(|| format!("The portal lists {each}."))).collect()
    }

    /// How often each of the last 10,000 calls was answered with which status, such as `GET /session 200`.
    pub(crate) fn answers(&mut self) -> Result<BTreeMap<String, u64>> {
        let list = self.send("GET", "/_sim/requests", b"", 200)?;
        let list: Value = serde_json::from_slice(&list).map_err(|error| error.to_string())?;
        let mut answers = BTreeMap::new();
        for call in list["requests"].as_array().ok_or("The portal lists no requests.")? {
            let text = |name: &str| call[name].as_str().unwrap_or_default();
            let name = format!("{} {} {}", text("method"), text("path"), call["status"]);
            *answers.entry(name).or_default() += 1;
        }
        Ok(answers)
    }

    fn read(&mut self, path: &str) -> Result<Value> {
        let body = self.send("GET", path, b"", 200)?;
        serde_json::from_slice(&body).map_err(|error| format!("{path} is not JSON: {error}."))
    }

    fn ask(&mut self, method: &str, path: &str, body: &Value, expected: u16) -> Result<Vec<u8>> {
        self.send(method, path, body.to_string().as_bytes(), expected)
    }

    fn send(&mut self, method: &str, path: &str, body: &[u8], expected: u16) -> Result<Vec<u8>> {
        let answer = self.client.ask(method, path, &[], body).map_err(lost)?;
        answer.expect(expected).map_err(|error| format!("The portal, {method} {path}: {error}"))
    }
}
