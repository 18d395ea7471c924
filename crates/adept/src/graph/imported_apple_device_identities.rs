//! The operations of a setting's `importedAppleDeviceIdentities`.

mod import;

use adept_odata::{CompareOp, Expr, Literal};

pub(super) use import::import_apple_device_identity_list;

use super::{
    body::LIMIT,
    entity::EntitySet,
    onboarding_settings::{self, setting_of},
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    types::IMPORTED_APPLE_DEVICE_IDENTITY,
};
use crate::domain::{DeviceField, DevicePatch, DeviceRow, ProfileId, SettingField, SettingId};

/// The operation that lists them.
pub(super) const LIST: &str = "importedAppleDeviceIdentity.list";

/// A setting's devices.
pub(super) fn set(setting: SettingId) -> EntitySet<DeviceRow, DeviceField, DevicePatch> {
    let path = format!("{}('{setting}')/importedAppleDeviceIdentities", onboarding_settings::SET);
    EntitySet::new(&IMPORTED_APPLE_DEVICE_IDENTITY, path)
}

/// Lets a filter name a desired profile in each of its forms, though only the bare one is stored.
pub(super) fn with_bare_profiles(filter: Option<&mut Expr<DeviceField>>, setting: SettingId) {
    const PROFILE: Expr<DeviceField> = Expr::Field(DeviceField::RequestedProfile);
    let bare = |value: &mut Literal| {
        if let Literal::Text(text) = value
            && let Some(id) = ProfileId::named(text, setting)
        {
            *text = id.to_string();
        }
    };
    let Some(filter) = filter else { return };
    filter.visit_mut(&mut |expr| match expr {
        Expr::Compare(_, left, right) if **left == PROFILE => {
            if let Expr::Literal(value) = &mut **right {
                bare(value);
            }
        }
        Expr::In(left, values) if **left == PROFILE => values.iter_mut().for_each(bare),
        _ => {}
    });
}

/// The same for settings whose devices are filtered: of which setting the profile is, is asked beside.
pub(super) fn with_profiles_of_settings(filter: Option<&mut Expr<SettingField>>) {
    const PROFILE: Expr<SettingField> = Expr::Field(SettingField::Device(DeviceField::RequestedProfile));
    let is_profile = |text: &str| {
        let (setting, id) = ProfileId::with_setting(text)?;
        let equal = |field, id: String| Expr::compare(field, CompareOp::Eq, Literal::Text(id));
        let profile = equal(SettingField::Device(DeviceField::RequestedProfile), id.to_string());
        Some(profile.and(equal(SettingField::Id, setting.to_string())))
    };
    let of_literal = |value: &Literal| if let Literal::Text(text) = value { is_profile(text) } else { None };
    let Some(filter) = filter else { return };
    filter.visit_mut(&mut |expr| match expr {
        Expr::Compare(op @ (CompareOp::Eq | CompareOp::Ne), left, right) if **left == PROFILE => {
            let Expr::Literal(value) = &**right else { return };
            let Some(is_profile) = of_literal(value) else { return };
            *expr = if *op == CompareOp::Eq { is_profile } else { is_profile.negated() };
        }
        Expr::In(left, values) if **left == PROFILE => {
            let (full, bare): (Vec<_>, Vec<_>) =
                std::mem::take(values).into_iter().partition(|value| of_literal(value).is_some());
            let bare = Some(Expr::In(left.clone(), bare.clone())).filter(|_| !bare.is_empty());
            let each = bare.into_iter().chain(full.iter().filter_map(of_literal));
            *expr = each.reduce(Expr::or).unwrap_or(Expr::constant(false));
        }
        _ => {}
    });
}

pub(super) async fn list(request: &RequestContext<'_>) -> HandlerResult {
    let setting = request.setting_id()?;
    let mut listing = request.listing(set(setting))?;
    with_bare_profiles(listing.query.filter.as_mut(), setting);
    let listed = request.app().devices.list(&request.caller, setting, &listing.query).await?;
    Ok(listing.response(request, listed, Vec::new()))
}

pub(super) async fn count(request: &RequestContext<'_>) -> HandlerResult {
    let setting = request.setting_id()?;
    let mut filter = request.count_filter(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    with_bare_profiles(filter.as_mut(), setting);
    let count = request.app().devices.count(&request.caller, setting, filter.as_ref()).await?;
    Ok(GraphResponse::count(count))
}

pub(super) async fn get(request: &RequestContext<'_>) -> HandlerResult {
    let (setting, device) = (request.setting_id()?, request.device_id()?);
    let shape = request.shape(&IMPORTED_APPLE_DEVICE_IDENTITY)?;
    let device = request.app().devices.get(&request.caller, setting, device).await?;
    shape.answer(request, &set(setting), &device, &[])
}

pub(super) async fn create(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let setting = setting_of(request).await?.id;
    let input = IMPORTED_APPLE_DEVICE_IDENTITY.read(request.object(&body)?)?;
    let key = request.create_key(&body)?;
    let device = request.app().devices.create(&request.origin(), setting, input, key).await?;
    Ok(request.created(&set(setting), &device))
}

pub(super) async fn update(request: &RequestContext<'_>) -> HandlerResult {
    let body = request.receive(LIMIT).await?;
    let (setting, device) = (request.setting_id()?, request.device_id()?);
    let devices = &request.app().devices;
    devices.get(&request.caller, setting, device).await?;
    let patch = IMPORTED_APPLE_DEVICE_IDENTITY.read(request.object(&body)?)?;
    let device = devices.update(&request.origin(), setting, device, patch).await?;
    Ok(request.changed(&set(setting), &device))
}

pub(super) async fn delete(request: &RequestContext<'_>) -> HandlerResult {
    let (setting, device) = (request.setting_id()?, request.device_id()?);
    request.app().devices.remove(&request.origin(), setting, device).await?;
    Ok(GraphResponse::no_content())
}
