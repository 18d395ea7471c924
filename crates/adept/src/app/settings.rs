//! Onboarding settings: list, read, make, change, delete.

use std::sync::Arc;

use adept_odata::Expr;
use tokio::sync::Notify;

use super::{Clock, Error, ListQuery, Listed, audit::event, cores::Cores};
use crate::{
    domain::{
        Caller, Change, NewSetting, Origin, RequestKey, Setting, SettingField, SettingId, SettingKey,
        SettingPatch, TokenType, setting_state::Deletion,
    },
    storage::{self, Created, Restored},
};

/// How often a repeated create whose entity is deleted just then is tried.
pub(super) const CREATES_TRIED: usize = 3;

/// Onboarding settings.
pub struct Settings {
    pub(super) settings: storage::Settings,
    pub(super) key_pairs: storage::KeyPairs,
    pub(super) tokens: storage::Tokens,
    pub(super) syncs: storage::Syncs,
    pub(super) cores: Cores,
    pub(super) clock: Clock,
    pub(super) wake: Arc<Notify>,
    /// How many a tenant may have: `maximumDepTokens`.
    pub maximum: i32,
}

/// One setting of the caller's.
pub(super) async fn visible(
    settings: &storage::Settings,
    caller: &Caller,
    id: SettingId,
) -> Result<Setting, Error> {
    settings.get(SettingKey::new(caller.tenant, id)).await?.ok_or(Error::NO_SETTING)
}

impl Settings {
    /// Lists the caller's settings.
    pub async fn list(
        &self,
        caller: &Caller,
        query: &ListQuery<SettingField>,
    ) -> Result<Listed<Setting>, Error> {
        Ok(self.settings.list(caller.tenant, query).await?)
    }

    /// Counts the caller's settings that fulfil the filter.
    pub async fn count(&self, caller: &Caller, filter: Option<&Expr<SettingField>>) -> Result<i64, Error> {
        Ok(self.settings.count(caller.tenant, filter).await?)
    }

    /// One setting of the caller's.
    pub async fn get(&self, caller: &Caller, id: SettingId) -> Result<Setting, Error> {
        visible(&self.settings, caller, id).await
    }

    /// Makes a setting with its first key pair, once for its `request`.
    pub async fn create(
        &self,
        origin: &Origin,
        new: NewSetting,
        request: Option<RequestKey>,
    ) -> Result<Setting, Error> {
        let maximum = i64::from(self.maximum);
        let now = self.clock.now();
        let key = SettingKey { tenant: origin.caller.tenant, id: SettingId(self.clock.new_id()) };
        let mut setting = Setting::new(key, TokenType::Dep, new.token_name, now);
        setting.data_sharing_consent = new.data_sharing_consent;
        setting.role_scope_tag_ids = new.role_scope_tag_ids.or(setting.role_scope_tag_ids);
        let key_pair = self.new_key_pair().await?;
        let blank = Setting { role_scope_tag_ids: None, ..Setting::new(key, TokenType::Dep, None, now) };
        let changes = changes(&blank, &setting);
        let event = event(&self.clock, Some(origin), "create DepOnboardingSetting", &setting, changes);
        for _ in 0..CREATES_TRIED {
            match self.settings.create(&setting, &key_pair, maximum, request, &event).await? {
                Created::Done => return Ok(setting),
                Created::Earlier(id) => match visible(&self.settings, &origin.caller, id).await {
                    // Deleted just now: it is made again.
                    Err(Error::NotFound { .. }) => {}
                    earlier => return earlier,
                },
                Created::TooMany => {
                    return Err(Error::Conflict(format!(
                        "This tenant has as many onboarding settings as are allowed, {maximum}, or more. Nothing was \
                         changed. Delete one that is not needed, or let the operator raise the limit."
                    )));
                }
            }
        }
        Err(Error::NO_SETTING)
    }

    /// Changes what people may change of a setting: what `patch` names, and nothing else.
    pub async fn update(
        &self,
        origin: &Origin,
        id: SettingId,
        patch: SettingPatch,
    ) -> Result<Setting, Error> {
        self.edit(origin, id, "patch DepOnboardingSetting", |edit| {
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
        self.edit(origin, id, activity, |edit| edit.share_with_school_data_sync = share).await.map(drop)
    }

    /// Changes a setting under its row's lock.
    async fn edit(
        &self,
        origin: &Origin,
        id: SettingId,
        activity: &'static str,
        change: impl FnOnce(&mut Setting) + Send,
    ) -> Result<Setting, Error> {
        let key = SettingKey { tenant: origin.caller.tenant, id };
        let edited = self.settings.edit(key, self.clock.now(), |setting| {
            let old = setting.clone();
            change(setting);
            event(&self.clock, Some(origin), activity, &old, changes(&old, setting))
        });
        edited.await?.ok_or(Error::NO_SETTING)
    }

    /// Deletes a setting: softly now, its tokens erased, purged after 30 days. Refused while its token lives at Apple and
    /// devices are listed, as Intune does, unless the operator forces it.
    pub async fn delete(&self, origin: &Origin, id: SettingId, is_forced: bool) -> Result<(), Error> {
        let setting = visible(&self.settings, &origin.caller, id).await?;
        let changes = Change::among([("tokenName", setting.token_name.as_deref(), None)]);
        let event = event(&self.clock, Some(origin), "delete DepOnboardingSetting", &setting, changes);
        let deletion = self.settings.soft_delete(setting.key(), is_forced, self.clock.now(), &event).await?;
        match deletion.ok_or(Error::NO_SETTING)? {
            Deletion::Allowed => Ok(()),
            Deletion::PseudoSetting => Err(Error::conflict(
                "This is the tenant's setting for Apple Configurator, which is always there. Nothing was changed.",
            )),
            Deletion::InUse(devices) => Err(Error::Conflict(format!(
                "{devices} devices are listed under this setting and its server token is valid. Nothing was changed. Move \
                 the devices to another server or revoke the token in Apple Business or School Manager first; the \
                 operator can also remove it with `adept setting remove {id} --force`."
            ))),
        }
    }

    /// Brings a deleted setting back, without its token; for the operator.
    pub async fn restore(&self, id: SettingId) -> Result<Setting, Error> {
        let deleted = self.settings.list_soft_deleted().await?;
        let (setting, _) =
            deleted.into_iter().find(|(setting, _)| setting.id == id).ok_or(Error::NO_SETTING)?;
        let origin = Origin { caller: Caller::operator(setting.tenant), request: self.clock.new_id() };
        let event = event(&self.clock, Some(&origin), "restore DepOnboardingSetting", &setting, Vec::new());
        match self.settings.restore(setting.key(), self.clock.now(), &event).await? {
            Restored::Done => Ok(setting),
            Restored::NotThere => Err(Error::NO_SETTING),
            Restored::ServerTaken(other, _) => Err(Error::Conflict(format!(
                "The setting {other} stands for this server by now. Nothing was changed. Delete that one first."
            ))),
        }
    }
}

/// What people changed of a setting.
fn changes(old: &Setting, new: &Setting) -> Vec<Change> {
    let flag = |value: bool| Some(if value { "true" } else { "false" });
    let tags = |setting: &Setting| setting.role_scope_tag_ids.as_ref().map(|tags| tags.join(","));
    Change::among([
        ("tokenName", old.token_name.as_deref(), new.token_name.as_deref()),
        ("dataSharingConsentGranted", flag(old.data_sharing_consent), flag(new.data_sharing_consent)),
        (
            "shareTokenWithSchoolDataSyncService",
            flag(old.share_with_school_data_sync),
            flag(new.share_with_school_data_sync),
        ),
        ("roleScopeTagIds", tags(old).as_deref(), tags(new).as_deref()),
    ])
}
