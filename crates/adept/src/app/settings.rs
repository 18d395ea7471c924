//! Onboarding settings: list, read, make, change, delete.

use adept_odata::Filter;
use jiff::SignedDuration;

use super::{App, Error, ListQuery, Listed};
use crate::{
    domain::{
        Caller, Change, NewSetting, Origin, RequestKey, ServerIdentity, Setting, SettingField, SettingId,
        SettingPatch, SyncStatus, TokenState, TokenType,
    },
    storage::{CREATES_REMEMBERED, Created},
};

/// How long a deleted setting can be brought back.
const KEPT_AFTER_DELETION: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How long a device that is gone stays listed as deleted.
const GONE_DEVICES_KEPT: SignedDuration = SignedDuration::from_hours(45 * 24);

/// How long the history of a device is kept: a year and a month, for whoever compares with a year ago.
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
        self.storage.setting(caller.tenant, id).await?.ok_or(Error::NO_SETTING)
    }

    /// Makes a setting with its first key pair, once for its `key`.
    pub async fn create_setting(
        &self,
        origin: &Origin,
        new: NewSetting,
        key: Option<RequestKey>,
    ) -> Result<Setting, Error> {
        let maximum = i64::from(self.options.maximum_dep_tokens);
        let now = self.clock.now();
        let setting = Setting {
            tenant: origin.caller.tenant,
            id: SettingId(self.ids.uuid(&self.clock)),
            token_name: new.token_name,
            apple_identifier: None,
            token_type: TokenType::Dep,
            data_sharing_consent: new.data_sharing_consent,
            share_with_school_data_sync: false,
            role_scope_tag_ids: Some(new.role_scope_tag_ids.unwrap_or_else(|| vec!["0".to_owned()])),
            created_at: now,
            modified_at: now,
            token_state: TokenState::None,
            token_verified: false,
            token_generation: 0,
            token_expires_at: None,
            server: ServerIdentity::default(),
            sync: SyncStatus::default(),
        };
        let key_pair = self.new_key_pair().await?;
        let blank = Setting {
            token_name: None,
            data_sharing_consent: false,
            role_scope_tag_ids: None,
            ..setting.clone()
        };
        let changes = changes(&blank, &setting);
        let event = self.event(Some(origin), "create DepOnboardingSetting", "Create", &setting, changes);
        match self.storage.create_setting(&setting, &key_pair, maximum, key, &event).await? {
            Created::Done => Ok(setting),
            Created::Earlier(id) => self.setting(&origin.caller, id).await,
            Created::TooMany => Err(Error::Conflict(format!(
                "This tenant has {maximum} onboarding settings, as many as are allowed. Nothing was changed. Delete one \
                 that is not needed, or let the operator raise the limit."
            ))),
        }
    }

    /// Changes what people may change of a setting.
    pub async fn update_setting(
        &self,
        origin: &Origin,
        id: SettingId,
        patch: SettingPatch,
    ) -> Result<Setting, Error> {
        let old = self.setting(&origin.caller, id).await?;
        let mut new = old.clone();
        if let Some(token_name) = patch.token_name {
            new.token_name = token_name;
        }
        if let Some(consent) = patch.data_sharing_consent {
            new.data_sharing_consent = consent;
        }
        if let Some(tags) = patch.role_scope_tag_ids {
            new.role_scope_tag_ids = tags;
        }
        self.store_changed(origin, "patch DepOnboardingSetting", "Patch", &old, new).await
    }

    /// Notes whether the token is shared with School Data Sync.
    pub async fn share_with_school_data_sync(
        &self,
        origin: &Origin,
        id: SettingId,
        share: bool,
    ) -> Result<(), Error> {
        let old = self.setting(&origin.caller, id).await?;
        let activity =
            if share { "shareForSchoolDataSyncService" } else { "unshareForSchoolDataSyncService" };
        let new = Setting { share_with_school_data_sync: share, ..old.clone() };
        self.store_changed(origin, activity, "Action", &old, new).await.map(|_| ())
    }

    async fn store_changed(
        &self,
        origin: &Origin,
        activity: &'static str,
        operation: &'static str,
        old: &Setting,
        mut new: Setting,
    ) -> Result<Setting, Error> {
        new.modified_at = self.clock.now();
        let event = self.event(Some(origin), activity, operation, &new, changes(old, &new));
        match self.storage.update_setting(&new, &event).await? {
            true => Ok(new),
            false => Err(Error::NO_SETTING),
        }
    }

    /// Deletes a setting: hidden now, its tokens erased, purged after 30 days. Refused while its token lives at Apple
    /// and devices are listed, as Intune does.
    pub async fn delete_setting(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        let setting = self.setting(&origin.caller, id).await?;
        let expired = setting.token_expires_at.is_none_or(|expiry| expiry <= self.clock.now());
        let live = setting.token_generation > 0 && !expired && !setting.token_state.refused_as_credential();
        if live && setting.sync.device_count > 0 {
            return Err(Error::Conflict(format!(
                "{} devices are listed under this setting and its server token is valid. Nothing was changed. Move the \
                 devices to another server or revoke the token in Apple Business or School Manager first; the operator \
                 can also remove it with `adept setting remove {id} --force`.",
                setting.sync.device_count
            )));
        }
        self.soft_delete_setting(origin, &setting).await
    }

    /// Deletes a setting whatever its state; for the operator.
    pub async fn remove_setting(&self, origin: &Origin, id: SettingId) -> Result<(), Error> {
        let setting = self.setting(&origin.caller, id).await?;
        self.soft_delete_setting(origin, &setting).await
    }

    async fn soft_delete_setting(&self, origin: &Origin, setting: &Setting) -> Result<(), Error> {
        if setting.token_type == TokenType::None {
            return Err(Error::Conflict(
                "This is the tenant's setting for Apple Configurator, which is always there. Nothing was changed."
                    .to_owned(),
            ));
        }
        let changes = Change::between("tokenName", setting.token_name.as_deref(), None).into_iter().collect();
        let event = self.event(Some(origin), "delete DepOnboardingSetting", "Delete", setting, changes);
        let now = self.clock.now();
        let (tenant, id, generation) = (setting.tenant, setting.id, setting.token_generation);
        if self.storage.soft_delete_setting(tenant, id, generation, now, &event).await? {
            return Ok(());
        }
        match self.storage.setting(tenant, id).await? {
            None => Err(Error::NO_SETTING),
            Some(_) => Err(Error::Conflict(
                "The setting was given another token just now. Nothing was changed; look at it and try again.".to_owned(),
            )),
        }
    }

    /// Brings a deleted setting back, without its token; for the operator.
    pub async fn restore_setting(&self, id: SettingId) -> Result<Setting, Error> {
        let hidden = self.storage.soft_deleted_settings().await?;
        let (setting, _) =
            hidden.into_iter().find(|(setting, _)| setting.id == id).ok_or(Error::NO_SETTING)?;
        let origin = Origin { caller: Caller::operator(setting.tenant), request: self.ids.uuid(&self.clock) };
        let event = self.event(Some(&origin), "restore DepOnboardingSetting", "Action", &setting, Vec::new());
        match self.storage.restore_setting(&setting, self.clock.now(), &event).await? {
            true => Ok(setting),
            false => Err(Error::Conflict(
                "Another setting stands for this server by now. Nothing was changed; delete that one first."
                    .to_owned(),
            )),
        }
    }

    /// Removes for good what was kept long enough: settings deleted over 30 days ago, devices that are gone for 45
    /// days, lines of devices' histories that are over 400 days old, and lines of the sync history that are over 90 days old and not among a setting's latest 100.
    pub async fn purge(&self) -> Result<Purged, Error> {
        let now = self.clock.now();
        let before = |kept| now.checked_sub(kept).unwrap_or(now);
        Ok(Purged {
            settings: self.storage.purge_settings(before(KEPT_AFTER_DELETION)).await?,
            devices: self.storage.purge_tombstones(before(GONE_DEVICES_KEPT)).await?,
            device_events: self.storage.purge_device_events(before(DEVICE_EVENTS_KEPT)).await?,
            created_requests: self.storage.purge_created_requests(before(CREATES_REMEMBERED), now).await?,
            sync_runs: self.storage.purge_sync_runs(before(SYNC_RUNS_KEPT), SYNC_RUNS_KEPT_ALWAYS).await?,
        })
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

fn changes(old: &Setting, new: &Setting) -> Vec<Change> {
    let flag = |value: bool| if value { "true" } else { "false" };
    let tags = |setting: &Setting| setting.role_scope_tag_ids.as_ref().map(|tags| tags.join(","));
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
