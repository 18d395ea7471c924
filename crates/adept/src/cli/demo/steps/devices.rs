//! The devices come: a sync to watch, then a list and a search.

use serde_json::Value;

use super::{super::grouped, DEVICES, Script, synced_since};
use crate::cli::Failure;

impl Script<'_> {
    pub(super) async fn watch_sync(&mut self) -> Result<(), Failure> {
        // It runs already, so that a pause here would hide its beginning.
        self.stage.heading(
            "Watch the devices come",
            "The upload made a sync due. Each page is stored together with Apple's cursor, so that nothing is lost.",
        );
        let path = self.path("?$select=syncedDeviceCount");
        self.get(&path).await?;
        let bar = self.stage.bar(DEVICES);
        let never = Value::from("0001-01-01T00:00:00Z");
        let done = synced_since(&serde_json::json!({ "lastSuccessfulSyncDateTime": never }), DEVICES);
        let failed = |now: &Value| now["lastSyncErrorCode"].as_i64().is_some_and(|code| code != 0);
        let count = |now: &Value| now["syncedDeviceCount"].as_i64().unwrap_or(0);
        let now =
            self.wait_until("the sync", |now| done(now) || failed(now), |now| bar.at(count(now))).await?;
        if failed(&now) {
            return Err(Failure::failed(format!(
                "the sync ended with lastSyncErrorCode {}",
                now["lastSyncErrorCode"]
            )));
        }
        bar.end(self.stage);
        let pages = self.asked_of_apple("POST /server/devices").await?;
        self.stage
            .fact(&format!("Apple was asked for {pages} pages of 100, then for what changed meanwhile."));
        Ok(())
    }

    pub(super) async fn look_at_devices(&mut self) -> Result<(), Failure> {
        let about = "Lists are answered from the database; no list ever waits for Apple.";
        self.stage.step("Look at the devices", about).await;
        let path = self.path("/importedAppleDeviceIdentities?$top=5&$count=true");
        let list = self.get(&path).await?;
        if list["@odata.count"] != DEVICES {
            return Err(Failure::failed(format!(
                "the list counts {} devices, not {DEVICES}",
                list["@odata.count"]
            )));
        }
        let devices: Vec<&Value> = list["value"].as_array().into_iter().flatten().collect();
        self.show_devices(&devices);
        self.stage.fact(&format!("5 of {}; @odata.nextLink leads to the others.", grouped(DEVICES)));

        let serial = devices.last().and_then(|device| device["serialNumber"].as_str()).unwrap_or_default();
        let part = serial.get(2..8).ok_or_else(|| Failure::failed("the list shows no serial number"))?;
        let path =
            self.path(&format!("/importedAppleDeviceIdentities?$filter=contains(serialNumber,'{part}')"));
        let found = self.get(&path).await?;
        let found: Vec<&Value> = found["value"].as_array().into_iter().flatten().collect();
        if !found.iter().any(|device| device["serialNumber"] == serial) {
            return Err(Failure::failed(format!("the search for {part} does not find {serial}")));
        }
        self.show_devices(&found);
        Ok(())
    }

    fn show_devices(&self, devices: &[&Value]) {
        let text = |device: &Value, name: &str| device[name].as_str().unwrap_or("-").to_owned();
        for device in devices {
            let [serial, platform, description] =
                ["serialNumber", "platform", "description"].map(|name| text(device, name));
            self.stage.row(&serial, &platform, &description);
        }
    }
}
