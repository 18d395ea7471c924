//! What is played: the life of a server token in nine steps, each a few requests and what they changed.
//!
//! This file holds what the steps share. A step checks every answer; the first that is not as it must be ends the demo.

mod devices;
mod onboard;
mod renew;

use std::time::{Duration, Instant};

use adept_simulator::Simulator;
use reqwest::Method;
use serde_json::Value;

use super::{
    client::Client,
    portal::{ShownPortal, refused},
    stage::Stage,
};
use crate::{auth::ClientSecret, cli::Failure, storage::ClientRow};

/// The collection that everything happens in.
const SETTINGS: &str = "/beta/deviceManagement/depOnboardingSettings";
/// Devices that Apple lists at first.
const DEVICES: i64 = 2500;
/// Devices that are bought later.
const LATER: i64 = 3;
/// How often the setting is looked at while a sync runs.
const LOOK: Duration = Duration::from_millis(60);
/// How long a sync may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The application that the demo signs in with.
pub(super) struct DemoApplication {
    pub(super) row: ClientRow,
    pub(super) secret: ClientSecret,
}

/// The result of a demo that ran to its end.
pub(super) struct Summary {
    /// The setting's id.
    pub(super) setting: String,
    /// The organization's `org_id` in Apple's portal.
    pub(super) organization: String,
    /// Devices listed under the setting.
    pub(super) devices: i64,
    /// Requests that were sent to the service.
    pub(super) requests: usize,
    /// How long it took.
    pub(super) took: Duration,
}

/// The demo as a sequence of steps.
pub(super) struct Script<'a> {
    stage: &'a mut Stage,
    adept: Client,
    portal: ShownPortal,
    application: &'a DemoApplication,
    /// The setting's id, once there is one.
    setting: String,
    /// The setting's certificate, once it was fetched.
    certificate: String,
    /// The organization and the server that stand in Apple's portal.
    organization: String,
    server: String,
}

impl<'a> Script<'a> {
    /// A demo against the service at this address and the simulator.
    pub(super) fn new(
        stage: &'a mut Stage,
        adept: &str,
        ca: &str,
        simulator: &Simulator,
        application: &'a DemoApplication,
    ) -> Result<Self, Failure> {
        Ok(Self {
            stage,
            adept: Client::of_adept(adept, ca)?,
            portal: ShownPortal::of(simulator),
            application,
            setting: String::new(),
            certificate: String::new(),
            organization: String::new(),
            server: String::new(),
        })
    }

    /// Plays every step.
    pub(super) async fn play(&mut self) -> Result<Summary, Failure> {
        let started = Instant::now();
        self.sign_in().await?;
        self.create_setting().await?;
        self.fetch_public_key().await?;
        let token = self.visit_portal().await?;
        self.upload_token(token).await?;
        self.watch_sync().await?;
        self.look_at_devices().await?;
        self.renew_token().await?;
        self.refuse_another_server().await?;
        Ok(Summary {
            setting: self.setting.clone(),
            organization: self.organization.clone(),
            devices: DEVICES + LATER,
            requests: self.adept.sent,
            took: started.elapsed(),
        })
    }

    /// The path of the setting, or of something below it.
    fn path(&self, below: &str) -> String {
        format!("{SETTINGS}/{}{below}", self.setting)
    }

    /// The answer to a request that is shown.
    async fn get(&mut self, path: &str) -> Result<Value, Failure> {
        Ok(self.adept.call(self.stage, Method::GET, path, None, 200).await?.json())
    }

    /// The setting as it is now, without showing the request.
    async fn setting_now(&mut self) -> Result<Value, Failure> {
        let path = self.path("");
        let answer = self.adept.send(Method::GET, &path, None).await?;
        match answer.status {
            200 => Ok(answer.json()),
            status => Err(Failure::failed(format!("GET {path} was answered with {status}: {}", answer.text))),
        }
    }

    /// Reads the setting and shows what differs from `before`.
    async fn show_changes(&mut self, before: &Value) -> Result<Value, Failure> {
        let after = self.get(&self.path("")).await?;
        for (name, new) in after.as_object().into_iter().flatten() {
            let (old, new) = (shown(before.get(name).unwrap_or(&Value::Null)), shown(new));
            if old != new {
                self.stage.change(name, &old, &new);
            }
        }
        Ok(after)
    }

    /// Looks at the setting until `done`; `seen` is called each time.
    async fn wait_until(
        &mut self,
        what: &str,
        done: impl Fn(&Value) -> bool,
        mut seen: impl FnMut(&Value),
    ) -> Result<Value, Failure> {
        let started = Instant::now();
        loop {
            let now = self.setting_now().await?;
            seen(&now);
            if done(&now) {
                return Ok(now);
            }
            if started.elapsed() > TIMEOUT {
                let code = &now["lastSyncErrorCode"];
                return Err(Failure::failed(format!(
                    "{what} did not happen within {} s; lastSyncErrorCode is {code}",
                    TIMEOUT.as_secs()
                )));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// How often the service asked Apple for something, since the start.
    async fn asked_of_apple(&mut self, call: &str) -> Result<i64, Failure> {
        let counts = self.portal.quiet.counts().await.map_err(refused)?;
        Ok(counts.get(call).map_or(0, |count| count.cast_signed()))
    }
}

/// A value for people: moments without their fractions of a second.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let fraction = text.find('.').filter(|_| text.starts_with("\"20") && text.ends_with("Z\""));
    match fraction {
        Some(at) if text.as_bytes().get(11) == Some(&b'T') => format!("{}Z\"", &text[..at]),
        _ => text,
    }
}

/// Whether a sync came to its end since `before` and left that many devices.
fn synced_since(before: &Value, devices: i64) -> impl Fn(&Value) -> bool + use<> {
    const TIME: &str = "lastSuccessfulSyncDateTime";
    let before = before[TIME].clone();
    move |now| now[TIME] != before && now["syncedDeviceCount"] == devices
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::shown;

    #[test]
    fn moments_lose_their_fractions_and_nothing_else_changes() {
        assert_eq!(shown(&json!("2027-01-31T12:00:00.123456Z")), "\"2027-01-31T12:00:00Z\"");
        for text in ["2027-01-31T12:00:00Z", "20.5 GiBZ", "v1.0"] {
            assert_eq!(shown(&json!(text)), format!("\"{text}\""));
        }
        assert_eq!(shown(&json!(null)), "null");
    }
}
