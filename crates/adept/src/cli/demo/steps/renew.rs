//! A year later: someone downloads a new token, which kills the old one; and someone picks the wrong file.

use reqwest::Method;

use super::{super::grouped, DEVICES, LATER, Script, synced_since};
use crate::{cli::Failure, domain::TokenState};

impl Script<'_> {
    pub(super) async fn renew_token(&mut self) -> Result<(), Failure> {
        let about = "Downloading a new one kills the old one at once, at the real Apple too. Meanwhile devices were bought.";
        self.stage.step("Renew the token", about).await;
        let server = self.server.clone();
        let token = self.download_token(&server).await?;
        self.buy_devices(LATER).await?;

        let path = self.path("/syncWithAppleDeviceEnrollmentProgram");
        self.adept.call(self.stage, Method::POST, &path, None, 204).await?;
        let dead = TokenState::Revoked.sync_error_code();
        let before =
            self.wait_until("Apple's refusal", |now| now["lastSyncErrorCode"] == dead, |_| {}).await?;
        self.stage.change("lastSyncErrorCode", "0", &dead.to_string());
        self.stage.quote(TokenState::Revoked.sentence());

        let pages = self.asked_of_apple("POST /server/devices").await?;
        self.upload(token, 204).await?;
        self.wait_until("the sync", synced_since(&before, DEVICES + LATER), |_| {}).await?;
        self.show_changes(&before).await?;
        if self.asked_of_apple("POST /server/devices").await? != pages {
            return Err(Failure::failed("the renewal made Adept fetch every device again"));
        }
        self.stage.fact(&format!(
            "The sync went on where it had stopped: {LATER} devices came, {} were not asked for again.",
            grouped(DEVICES)
        ));
        Ok(())
    }

    pub(super) async fn refuse_another_server(&mut self) -> Result<(), Failure> {
        let about = "The same key, the same organization, the wrong server: taking this token would swap all devices.";
        self.stage.step("Refuse another server's token", about).await;
        let other = self.add_server("Warehouse", "{other}").await?;
        let token = self.download_token(&other).await?;
        let before = self.setting_now().await?;
        let answer = self.upload(token, 409).await?.json();
        let error = &answer["error"];
        self.stage.quote(&format!(
            "{}: {}",
            error["code"].as_str().unwrap_or("-"),
            error["message"].as_str().unwrap_or("-")
        ));
        if self.show_changes(&before).await? != before {
            return Err(Failure::failed("the refused upload changed the setting"));
        }
        self.stage.fact("Nothing changed.");
        Ok(())
    }
}
