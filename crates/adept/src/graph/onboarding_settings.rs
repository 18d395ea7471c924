//! The operations of `depOnboardingSettings`.

use adept_odata::Kind;
use jiff::{Timestamp, civil};

use super::{
    body::{LIMIT, TOKEN_LIMIT},
    bound_profiles::take_bound,
    entity::EntitySet,
    error::{BadBody, Error},
    expand::Expansions,
    imported_apple_device_identities::with_profiles_of_settings,
    listing::shape_of,
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    types::{DEP_ONBOARDING_SETTING, RELEASE_APPLE_DEVICES, UPLOAD_DEP_TOKEN},
    value::Value,
};
use crate::{
    app::{self, TokenUpload},
    domain::{NewSetting, Setting, SettingField, SettingPatch},
};

/// The operation that lists them.
pub(super) const LIST: &str = "depOnboardingSetting.list";

/// The collection's path below the version.
pub(super) const SET: &str = "deviceManagement/depOnboardingSettings";

/// The collection.
pub(super) fn set() -> EntitySet<Setting, SettingField, SettingPatch> {
    EntitySet::new(&DEP_ONBOARDING_SETTING, SET)
}

/// The setting that the path names; it must exist in the caller's tenant before the rest of a request is checked.
pub(super) async fn setting_of(request: &RequestContext<'_>) -> Result<Setting, Error> {
    Ok(request.app().settings.get(&request.caller, request.setting_id()?).await?)
}

/// The setting that the path of an action without parameters names.
async fn setting_of_bare_action(request: &RequestContext<'_>) -> Result<Setting, Error> {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(request).await?;
    request.expect_no_parameters(&body)?;
    Ok(setting)
}

pub(super) async fn list(request: &RequestContext<'_>) -> HandlerResult {
    let options = request.options()?;
    let expansions = Expansions::of(&options, &DEP_ONBOARDING_SETTING)?;
    let mut listing = request.listing_of(&options, set())?;
    with_profiles_of_settings(listing.query.filter.as_mut());
    listing.shape.expanded = expansions.names();
    listing.query.top = listing.query.top.min(expansions.page());
    // Observed: this list is counted though nobody asks.
    listing.query.count = listing.query.after.is_none();
    let listed = request.app().settings.list(&request.caller, &listing.query).await?;
    let expanded = expansions.expand_settings(request, &listed.rows).await?;
    Ok(listing.response(request, listed, expanded))
}

pub(super) async fn count(request: &RequestContext<'_>) -> HandlerResult {
    let mut filter = request.count_filter(&DEP_ONBOARDING_SETTING)?;
    with_profiles_of_settings(filter.as_mut());
    Ok(GraphResponse::count(request.app().settings.count(&request.caller, filter.as_ref()).await?))
}

pub(super) async fn get(request: &RequestContext<'_>) -> HandlerResult {
    let options = request.options_of_one()?;
    let expansions = Expansions::of(&options, &DEP_ONBOARDING_SETTING)?;
    let mut shape = shape_of(&options, &DEP_ONBOARDING_SETTING)?;
    shape.expanded = expansions.names();
    let setting = [setting_of(request).await?];
    let expanded = expansions.expand_settings(request, &setting).await?.pop().unwrap_or_default();
    shape.answer(request, &set(), &setting[0], &expanded)
}

pub(super) async fn create(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let input = DEP_ONBOARDING_SETTING.read(request.object(&body)?)?;
    let new = NewSetting {
        token_name: input.token_name.flatten(),
        data_sharing_consent: input.data_sharing_consent.unwrap_or_default(),
        // Null means the default here: a new setting has at least one role scope tag.
        role_scope_tag_ids: input.role_scope_tag_ids.flatten(),
    };
    let key = request.create_key(&body)?;
    let setting = request.app().settings.create(&request.origin(), new, key).await?;
    Ok(request.created(&set(), &setting))
}

pub(super) async fn update(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(request).await?;
    let mut members = request.object(&body)?;
    let bound = take_bound(request, &mut members, setting.id).await?;
    let patch = DEP_ONBOARDING_SETTING.read(members)?;
    let (origin, profiles) = (request.origin(), &request.app().profiles);
    let setting = request.app().settings.update(&origin, setting.id, patch).await?;
    for (platform, profile) in bound {
        let done = match profile {
            Some(profile) => profiles.set_default(&origin, setting.id, profile, Some(platform)).await,
            None => profiles.clear_default(&origin, setting.id, platform).await,
        };
        done.map_err(app::Error::behind_a_change)?;
    }
    Ok(request.changed(&set(), &setting))
}

pub(super) async fn delete(request: &RequestContext<'_>) -> HandlerResult {
    request.app().settings.delete(&request.origin(), request.setting_id()?, false).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn get_encryption_public_key(request: &RequestContext<'_>) -> HandlerResult {
    request.options_of_one()?;
    let settings = &request.app().settings;
    let certificate = settings.encryption_public_key(&request.caller, request.setting_id()?).await?;
    Ok(request.value(Kind::String, &Value::optional_text(certificate.as_deref())))
}

pub(super) async fn generate_encryption_public_key(request: &RequestContext<'_>) -> HandlerResult {
    let setting = setting_of_bare_action(request).await?;
    let settings = &request.app().settings;
    let certificate = settings.generate_encryption_public_key(&request.origin(), setting.id).await?;
    Ok(request.value(Kind::String, &Value::text(&certificate)))
}

pub(super) async fn upload_dep_token(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(TOKEN_LIMIT).await?;
    let setting = setting_of(request).await?;
    let input = UPLOAD_DEP_TOKEN.read(request.object(&body)?)?;
    if input.dep_token.trim().is_empty() {
        return Err(BadBody::Missing { parameter: "depToken" }.into());
    }
    let upload = TokenUpload { apple_id: input.apple_id, dep_token: input.dep_token };
    request.app().tokens.upload_token(&request.origin(), setting.id, upload).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn sync_with_apple_device_enrollment_program(request: &RequestContext<'_>) -> HandlerResult {
    let setting = setting_of_bare_action(request).await?;
    request.app().settings.request_sync(&request.origin(), setting.id).await?;
    Ok(GraphResponse::no_content())
}

/// `shareForSchoolDataSyncService` and `unshare…`.
pub(super) async fn share_for_school_data_sync_service(
    request: &RequestContext<'_>,
    share: bool,
) -> HandlerResult {
    let setting = setting_of_bare_action(request).await?;
    request.app().settings.share_with_school_data_sync(&request.origin(), setting.id, share).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn release_apple_devices(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(request).await?;
    let serials = RELEASE_APPLE_DEVICES.read_list("deviceSerialNumbers", request.object(&body)?)?;
    request.app().profiles.release_devices(&request.origin(), setting.id, serials).await?;
    Ok(GraphResponse::no_content())
}

pub(super) async fn get_expiring_vpp_token_count(request: &RequestContext<'_>) -> HandlerResult {
    request.options_of_one()?;
    let before = request.argument();
    if before.parse::<Timestamp>().is_err() && before.parse::<civil::DateTime>().is_err() {
        let expected = "a date such as '2027-01-31T00:00:00Z'";
        return Err(Error::BadArgument { name: "expiringBeforeDateTime", expected });
    }
    // Adept keeps no tokens of Apple's volume purchase program, so none of them ever expires.
    Ok(request.value(Kind::Int32, &Value::Int(0)))
}
