//! Syncs that people ask for, and the history of syncs. They run elsewhere.

use super::{Error, Settings, audit::event, settings};
use crate::domain::{
    Caller, Origin, SettingId, SyncRun,
    deadline::{CLOCKS_APART, later},
};

impl Settings {
    /// Makes a sync of one of the caller's settings due now. Never refused; requests coalesce, and for a setting without a
    /// token there is nothing to do.
    pub async fn request_sync(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        self.make_sync_due(origin, id, "syncWithAppleDeviceEnrollmentProgram", false).await.map(drop)
    }

    /// Makes a sync of a setting due now that ends with a fetch of everything; for the operator, who is told when there is no
    /// token. A wait that Apple asked for is lifted.
    pub async fn request_full_fetch(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        let key = settings::visible(&self.settings, &origin.caller, id).await?.key();
        self.tokens.lift_apple_waits(key).await?;
        match self.make_sync_due(origin, id, "resync DepOnboardingSetting", true).await? {
            true => Ok(()),
            false => Err(Error::conflict(
                "This setting has no server token yet, so there is nothing to synchronize. Nothing was changed. Upload a \
                 token first.",
            )),
        }
    }

    /// False when the setting has no token.
    async fn make_sync_due(
        &self,
        origin: &Origin,
        id: SettingId,
        activity: &'static str,
        full: bool,
    ) -> Result<bool, Error> {
        let setting = settings::visible(&self.settings, &origin.caller, id).await?;
        let event = event(&self.clock, Some(origin), activity, &setting, Vec::new());
        let requested = self.syncs.request(setting.key(), full, self.clock.now(), &event).await?;
        let is_due = requested.ok_or(Error::NO_SETTING)?;
        if is_due {
            self.wake.notify_one();
        }
        Ok(is_due)
    }

    /// The latest lines of a setting's sync history, newest first.
    pub async fn sync_runs(&self, caller: &Caller, id: SettingId, limit: u32) -> Result<Vec<SyncRun>, Error> {
        let setting = settings::visible(&self.settings, caller, id).await?;
        // What ended just now by our clock may be alive by that of the replica which holds it.
        let alive = later(self.clock.now(), -CLOCKS_APART);
        Ok(self.syncs.runs(setting.key(), alive, limit.into()).await?)
    }
}
