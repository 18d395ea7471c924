//! `adept simulator` as a program of its own, and its portal side for threads that block: the simulator's own handle.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use adept_simulator::{Fault, NewServer, PortalError};
use serde_json::{Map, Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::Result;
use crate::process::Process;
use crate::service::free_port;
use crate::test_bed::TestBed;

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
        let handle = adept_simulator::Portal::at(&format!("http://127.0.0.1:{}", self.port));
        Portal { handle, runtime: Builder::new_current_thread().enable_all().build() }
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
pub(crate) struct LoggedCall {
    pub(crate) at: jiff::Timestamp,
    pub(crate) path: String,
    /// The server whose session was used; empty where it has none.
    pub(crate) server: String,
}

impl State {
    fn of(device: &Map<String, Value>) -> Option<(String, Self)> {
        let text = |name: &str| device.get(name)?.as_str().map(str::to_owned);
        let state = Self {
            os: text("os").unwrap_or_default(),
            description: text("description"),
            profile: text("profile_uuid").filter(|uuid| !uuid.is_empty()),
            status: text("profile_status").unwrap_or_default(),
        };
        Some((text("serial_number")?, state))
    }
}

/// The portal side.
pub(crate) struct Portal {
    handle: std::result::Result<adept_simulator::Portal, PortalError>,
    runtime: std::io::Result<Runtime>,
}

impl Portal {
    /// Waits for a call of the handle.
    fn wait<T>(
        &mut self,
        call: impl AsyncFnOnce(&adept_simulator::Portal) -> std::result::Result<T, PortalError>,
    ) -> Result<T> {
        let handle = self.handle.as_ref().map_err(ToString::to_string)?;
        let runtime = self.runtime.as_ref().map_err(ToString::to_string)?;
        runtime.block_on(call(handle)).map_err(|error| error.to_string())
    }

    /// Registers a server with the certificate that its tokens are sealed to; its uuid.
    pub(crate) fn register(&mut self, certificate: &str) -> Result<String> {
        self.wait(async |portal| {
            let server = portal.create_server(&NewServer::default()).await?;
            portal.upload_certificate(&server.server_uuid, certificate.as_bytes()).await?;
            Ok(server.server_uuid)
        })
    }

    /// Issues a token, which invalidates the one before; returns the file. `expires` is a time such as `2031-01-31T00:00:00Z`.
    pub(crate) fn issue(&mut self, server: &str, expires: Option<&str>) -> Result<Vec<u8>> {
        let parameters: Vec<_> = expires.map(|expires| ("expires", expires)).into_iter().collect();
        self.wait(async |portal| Ok(portal.issue_token_with(server, &parameters).await?.bytes))
    }

    /// Makes devices from the simulator's seed.
    pub(crate) fn add_devices(&mut self, server: &str, count: usize) -> Result {
        self.wait(async |portal| portal.seed_devices(server, count as u64).await)
    }

    /// Changes the description of a device, unless it was released meanwhile.
    pub(crate) fn describe_device(&mut self, server: &str, serial: &str, description: &str) -> Result {
        let change = json!({ "description": description });
        self.wait(async |portal| unless_released(portal.change_device(server, serial, &change).await))
    }

    /// Removes a device, unless it was released meanwhile.
    pub(crate) fn remove_device(&mut self, server: &str, serial: &str) -> Result {
        self.wait(async |portal| unless_released(portal.remove_device(server, serial).await))
    }

    /// The serial number of every device of a server now.
    pub(crate) fn serials(&mut self, server: &str) -> Result<Vec<String>> {
        Ok(self.states(server)?.into_keys().collect())
    }

    /// Every device of a server now, by serial number.
    pub(crate) fn states(&mut self, server: &str) -> Result<BTreeMap<String, State>> {
        let devices = self.wait(async |portal| portal.devices(server).await)?;
        devices
            .iter()
            .map(|device| State::of(device).ok_or("A device has no serial number.".into()))
            .collect()
    }

    /// The name of each profile that a server's client defined, by its uuid.
    pub(crate) fn profiles(&mut self, server: &str) -> Result<BTreeMap<String, String>> {
        let profiles = self.wait(async |portal| portal.profiles(server).await)?;
        let name =
            |profile: &Map<String, Value>| profile["profile_name"].as_str().unwrap_or_default().to_owned();
        Ok(profiles.into_iter().map(|each| (each.profile_uuid, name(&each.profile))).collect())
    }

    /// How many devices of a server carry a profile that its client defined.
    pub(crate) fn assigned(&mut self, server: &str) -> Result<u64> {
        let profiles = self.wait(async |portal| portal.profiles(server).await)?;
        Ok(profiles.iter().map(|profile| profile.devices).sum())
    }

    /// Puts another product's profile on a device.
    pub(crate) fn put_profile(&mut self, server: &str, serial: &str, uuid: &str) -> Result {
        let change = json!({ "profile_status": "assigned", "profile_uuid": uuid });
        self.wait(async |portal| portal.change_device(server, serial, &change).await)
    }

    /// Permits a server to release devices.
    pub(crate) fn let_release(&mut self, server: &str) -> Result {
        self.wait(async |portal| portal.set_release_devices(server, true).await)
    }

    /// Moves Apple's clock forward by seconds.
    pub(crate) fn advance(&mut self, seconds: i64) -> Result {
        self.wait(async |portal| portal.advance_clock(seconds).await).map(drop)
    }

    /// How long each page of devices is held back.
    pub(crate) fn delay_pages(&mut self, milliseconds: u64) -> Result {
        self.delay("/server/devices", milliseconds)?;
        self.delay("/devices/sync", milliseconds)
    }

    /// How long each answer to one of Apple's paths is held back.
    pub(crate) fn delay(&mut self, path: &str, milliseconds: u64) -> Result {
        self.wait(async |portal| portal.delay(path, Duration::from_millis(milliseconds)).await)
    }

    /// The next answers to delta syncs report no change, and carry a cursor that Apple does not know later.
    pub(crate) fn hide_changes(&mut self, times: u32) -> Result {
        let body = json!({ "devices": [], "cursor": "no-changes", "more_to_follow": false }).to_string();
        let answer = json!({ "path": "/devices/sync", "status": 200, "body": body, "times": times });
        self.wait(async |portal| portal.call("POST", "/answers", answer.to_string()).await).map(drop)
    }

    /// Ends `hide_changes`.
    pub(crate) fn show_changes(&mut self) -> Result {
        self.wait(async |portal| portal.call("DELETE", "/answers", "").await).map(drop)
    }

    /// The largest page of devices.
    pub(crate) fn limit_pages(&mut self, devices: u32) -> Result {
        let options = json!({ "limit_default": devices, "limit_maximum": devices });
        self.wait(async |portal| portal.set_options(&options).await)
    }

    /// Holds the answer to the server's next call for changes; the number of the rule.
    pub(crate) fn hold_changes(&mut self, server: &str) -> Result<u64> {
        let fault = Fault::hold_after().on("/devices/sync").server(server);
        self.wait(async |portal| portal.add_fault(&fault).await.map(|rule| rule.id))
    }

    /// Waits until the rule holds a call, half a minute at most.
    pub(crate) fn wait_until_held(&mut self, rule: u64) -> Result {
        self.wait(async |portal| portal.wait_for_fault(rule, 1, 1).await.map(drop))
    }

    /// Lets the call go that the rule holds.
    pub(crate) fn let_go(&mut self, rule: u64) -> Result {
        self.wait(async |portal| portal.remove_fault(rule).await)
    }

    /// Forgets which calls were made.
    pub(crate) fn forget_calls(&mut self) -> Result {
        self.wait(async |portal| portal.clear_requests().await)
    }

    /// How often each call was made, such as `GET /account`.
    pub(crate) fn counts(&mut self) -> Result<BTreeMap<String, u64>> {
        self.wait(async |portal| portal.counts().await)
    }

    /// The last 10,000 calls, oldest first.
    pub(crate) fn calls(&mut self) -> Result<Vec<LoggedCall>> {
        let requests = self.wait(async |portal| portal.requests().await)?.into_iter();
        let call = |one: adept_simulator::LoggedRequest| LoggedCall {
            at: one.time,
            path: one.path,
            server: one.server_uuid,
        };
        Ok(requests.map(call).collect())
    }

    /// How often each of the last 10,000 calls was answered with which status, such as `GET /session 200`.
    pub(crate) fn answers(&mut self) -> Result<BTreeMap<String, u64>> {
        let mut answers = BTreeMap::new();
        for call in self.wait(async |portal| portal.requests().await)? {
            *answers.entry(format!("{} {} {}", call.method, call.path, call.status)).or_default() += 1;
        }
        Ok(answers)
    }
}

/// A device that is not there any more needs no change.
fn unless_released(changed: std::result::Result<(), PortalError>) -> std::result::Result<(), PortalError> {
    match changed {
        Err(PortalError::Refused { status: 404, .. }) => Ok(()),
        changed => changed,
    }
}
