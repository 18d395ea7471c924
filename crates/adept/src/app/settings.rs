//! Onboarding settings: list, read, make, change, delete.

use adept_odata::Filter;
use jiff::{SignedDuration, Timestamp};

use super::{App, Error, ListQuery, Listed};
use crate::{
    domain::{
        Caller, Change, NewSetting, Origin, RequestKey, Setting, SettingField, SettingId, SettingKey,
        SettingPatch, TokenType, deadline::past, setting_state::Deletion,
    },
    storage::{CREATES_REMEMBERED, Created, Edit, Restored, SettingEdit},
};

/// How long a device that Apple no longer lists stays listed as deleted.
const TOMBSTONES_KEPT: SignedDuration = SignedDuration::from_hours(45 * 24);

/// How long the history of a device is kept: a year and a month, for anyone who compares with a year ago.
const DEVICE_EVENTS_KEPT: SignedDuration = SignedDuration::from_hours(400 * 24);
/// How long a line of the sync history is kept at least.
const SYNC_RUNS_KEPT: SignedDuration = SignedDuration::from_hours(90 * 24);

/// How many of a setting's lines are kept, however old.
const SYNC_RUNS_KEPT_ALWAYS: i64 = 100;

impl App {
    /// Lists the caller's settings.
    pub async fn settings(
        &self,
        caller: &Caller,
        query: &ListQuery<SettingField>,
    ) -> Result<Listed<Setting>, Error> {
        Ok(self.storage.settings(caller.tenant, query).await?)
    }

    /// Counts the caller's settings that fulfil the filter.
    pub async fn count_settings(
        &self,
        caller: &Caller,
        filter: Option<&Filter<SettingField>>,
    ) -> Result<i64, Error> {
        Ok(self.storage.count_settings(caller.tenant, filter).await?)
    }

    /// One setting of the caller's.
    pub async fn setting(&self, caller: &Caller, id: SettingId) -> Result<Setting, Error> {
        self.storage.setting(SettingKey::new(caller.tenant, id)).await?.ok_or(Error::NO_SETTING)
    }

    /// Makes a setting with its first key pair, once for its `request`.
    pub async fn create_setting(
        &self,
        origin: &Origin,
        new: NewSetting,
        request: Option<RequestKey>,
    ) -> Result<Setting, Error> {
        let maximum = i64::from(self.options.maximum_dep_tokens);
        let now = self.clock.now();
        let key = SettingKey { tenant: origin.caller.tenant, id: SettingId(self.ids.uuid(&self.clock)) };
        let mut setting = Setting::new(key, TokenType::Dep, new.token_name, now);
        setting.data_sharing_consent = new.data_sharing_consent;
        setting.role_scope_tag_ids = new.role_scope_tag_ids.or(setting.role_scope_tag_ids);
        let key_pair = self.new_key_pair().await?;
        let blank = SettingEdit {
            token_name: None,
            data_sharing_consent: false,
            share_with_school_data_sync: false,
            role_scope_tag_ids: None,
        };
        let changes = changes(&blank, &edit_of(&setting));
        let event = self.event(Some(origin), "create DepOnboardingSetting", "Create", &setting, changes);
        match self.storage.create_setting(&setting, &key_pair, maximum, request, &event).await? {
            Created::Done => Ok(setting),
            Created::Earlier(id) => self.setting(&origin.caller, id).await,
            Created::TooMany => Err(Error::Conflict(format!(
                "This tenant has {maximum} onboarding settings, as many as are allowed. Nothing was changed. Delete one \
                 that is not needed, or let the operator raise the limit."
            ))),
        }
    }

    /// Changes what people may change of a setting: what `patch` names, and nothing else.
    pub async fn update_setting(
        &self,
        origin: &Origin,
        id: SettingId,
        patch: SettingPatch,
    ) -> Result<Setting, Error> {
        self.edit(origin, id, ("patch DepOnboardingSetting", "Patch"), |edit| {
            edit.token_name = patch.token_name.unwrap_or_else(|| edit.token_name.take());
            edit.data_sharing_consent = patch.data_sharing_consent.unwrap_or(edit.data_sharing_consent);
            edit.role_scope_tag_ids =
                patch.role_scope_tag_ids.unwrap_or_else(|| edit.role_scope_tag_ids.take());
        })
        .await
    }

    /// Notes whether the token is shared with School Data Sync.
    pub async fn share_with_school_data_sync(
        &self,
        origin: &Origin,
        id: SettingId,
        share: bool,
    ) -> Result<(), Error> {
        let activity =
            if share { "shareForSchoolDataSyncService" } else { "unshareForSchoolDataSyncService" };
        self.edit(origin, id, (activity, "Action"), |edit| edit.share_with_school_data_sync = share)
            .await
            .map(drop)
    }

    /// Changes a setting under its row's lock.
    async fn edit(
        &self,
        origin: &Origin,
        id: SettingId,
        (activity, operation): (&'static str, &'static str),
        change: impl FnOnce(&mut SettingEdit) + Send,
    ) -> Result<Setting, Error> {
        let key = SettingKey { tenant: origin.caller.tenant, id };
        let edited = self.storage.edit_setting(key, self.clock.now(), |setting| {
            let old = edit_of(setting);
            let mut values = old.clone();
            change(&mut values);
            let changes = changes(&old, &values);
            Edit { values, event: self.event(Some(origin), activity, operation, setting, changes) }
        });
        edited.await?.ok_or(Error::NO_SETTING)
    }

    /// Deletes a setting: softly now, its tokens erased, purged after 30 days. Refused while its token lives at Apple and
    /// devices are listed, as Intune does.
    pub async fn delete_setting(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        self.soft_delete_setting(origin, id, false).await
    }

    /// Deletes a setting although it is in use; for the operator.
    pub async fn remove_setting(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        self.soft_delete_setting(origin, id, true).await
    }

    async fn soft_delete_setting(&self, origin: &Origin, id: SettingId, forced: bool) -> Result<(), Error> {
        let setting = self.setting(&origin.caller, id).await?;
        let changes = Change::between("tokenName", setting.token_name.as_deref(), None).into_iter().collect();
        let event = self.event(Some(origin), "delete DepOnboardingSetting", "Delete", &setting, changes);
        let deletion =
            self.storage.soft_delete_setting(setting.key(), forced, self.clock.now(), &event).await?;
        match deletion.ok_or(Error::NO_SETTING)? {
            Deletion::Allowed => Ok(()),
            Deletion::PseudoSetting => Err(Error::Conflict(
                "This is the tenant's setting for Apple Configurator, which is always there. Nothing was changed."
                    .to_owned(),
            )),
            Deletion::InUse(devices) => Err(Error::Conflict(format!(
                "{devices} devices are listed under this setting and its server token is valid. Nothing was changed. Move \
                 the devices to another server or revoke the token in Apple Business or School Manager first; the \
                 operator can also remove it with `adept setting remove {id} --force`."
            ))),
        }
    }

    /// Brings a deleted setting back, without its token; for the operator.
    pub async fn restore_setting(&self, id: SettingId) -> Result<Setting, Error> {
        let deleted = self.storage.soft_deleted_settings().await?;
        let (setting, _) =
            deleted.into_iter().find(|(setting, _)| setting.id == id).ok_or(Error::NO_SETTING)?;
        let origin = Origin { caller: Caller::operator(setting.tenant), request: self.ids.uuid(&self.clock) };
        let event = self.event(Some(&origin), "restore DepOnboardingSetting", "Action", &setting, Vec::new());
        match self.storage.restore_setting(setting.key(), self.clock.now(), &event).await? {
            Restored::Done => Ok(setting),
            Restored::NotThere => Err(Error::NO_SETTING),
            Restored::ServerTaken(other, _) => Err(Error::Conflict(format!(
                "The setting {other} stands for this server by now. Nothing was changed. Delete that one first."
            ))),
        }
    }

    /// Removes for good what was kept long enough: settings deleted over 30 days ago, devices that are gone for 45
    /// days, lines of devices' histories that are over 400 days old, and lines of the sync history that are over 90 days old and
    /// not among a setting's latest 100. It believes the clock; [`App::purge_if_due`] asks others first.
    pub async fn purge(&self) -> Result<Purged, Error> {
        self.purge_at(self.clock.now()).await
    }

    pub(super) async fn purge_at(&self, now: Timestamp) -> Result<Purged, Error> {
        let before = |kept| now.checked_sub(kept).unwrap_or(now);
        if let Some(last) = self.storage.purged_at().await? {
            // What the last purge should have found was dated since then, by a clock that was behind.
            let last = past(last, now);
            let settings = self.storage.date_deletions_forward(last, now).await?;
            let tombstones = last.checked_sub(TOMBSTONES_KEPT).unwrap_or(last);
            let devices = self.storage.date_tombstones_forward(tombstones, now).await?;
            if settings + devices > 0 {
                tracing::warn!(
                    settings,
                    devices,
                    "a clock that was behind dated deletions; they are kept as if they were made now"
                );
            }
        }
        let purged = Purged {
            settings: self.storage.purge_settings(now).await?,
            devices: self.storage.purge_tombstones(before(TOMBSTONES_KEPT), now).await?,
            device_events: self.storage.purge_device_events(before(DEVICE_EVENTS_KEPT)).await?,
            created_requests: self.storage.purge_created_requests(before(CREATES_REMEMBERED), now).await?,
            sync_runs: self.storage.purge_sync_runs(before(SYNC_RUNS_KEPT), SYNC_RUNS_KEPT_ALWAYS).await?,
        };
        self.storage.note_purged(now).await?;
        Ok(purged)
    }
}

/// How many of what the purge removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Purged {
    /// Settings.
    pub settings: u64,
    /// Devices that were gone.
    pub devices: u64,
    /// Lines of devices' histories.
    pub device_events: u64,
    /// Lines of the sync history.
    pub sync_runs: u64,
    /// Creates that are no longer remembered.
    pub created_requests: u64,
}

/// What people may change of a setting, as it is.
fn edit_of(setting: &Setting) -> SettingEdit {
    SettingEdit {
        token_name: setting.token_name.clone(),
        data_sharing_consent: setting.data_sharing_consent,
        share_with_school_data_sync: setting.share_with_school_data_sync,
        role_scope_tag_ids: setting.role_scope_tag_ids.clone(),
    }
}

fn changes(old: &SettingEdit, new: &SettingEdit) -> Vec<Change> {
    let flag = |value: bool| if value { "true" } else { "false" };
    let tags = |edit: &SettingEdit| edit.role_scope_tag_ids.as_ref().map(|tags| tags.join(","));
    [
        Change::between("tokenName", old.token_name.as_deref(), new.token_name.as_deref()),
        Change::between(
            "dataSharingConsentGranted",
            Some(flag(old.data_sharing_consent)),
            Some(flag(new.data_sharing_consent)),
        ),
        Change::between(
            "shareTokenWithSchoolDataSyncService",
            Some(flag(old.share_with_school_data_sync)),
            Some(flag(new.share_with_school_data_sync)),
        ),
        Change::between("roleScopeTagIds", tags(old).as_deref(), tags(new).as_deref()),
    ]
    .into_iter()
    .flatten()
    .collect()
}
