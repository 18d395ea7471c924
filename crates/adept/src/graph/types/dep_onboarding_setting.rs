//! `depOnboardingSetting` and the parameters of its actions.

use adept_odata::{IsOf, Kind, Schema, TypeTest};
use zeroize::Zeroizing;

use super::{
    ActionType, Base, ENROLLMENT_PROFILE, EntityType, IMPORTED_APPLE_DEVICE_IDENTITY, Navigation, Parameter,
    Property, Reach, enums::DEP_TOKEN_TYPE, profile_type,
};
use crate::{
    domain::{DevicePlatform, ProfileField, ProfileKind, Setting, SettingField as F, SettingPatch},
    graph::value::Value,
};

type P = Property<Setting, F, SettingPatch>;

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.
pub(in crate::graph) static DEP_ONBOARDING_SETTING: EntityType<Setting, F, SettingPatch> = EntityType {
    navigations: &[
        Navigation::reference("defaultIosEnrollmentProfile", "microsoft.graph.depIOSEnrollmentProfile"),
        Navigation::reference("defaultMacOsEnrollmentProfile", "microsoft.graph.depMacOSEnrollmentProfile"),
        Navigation::reference("defaultTvOSEnrollmentProfile", "microsoft.graph.depTvOSEnrollmentProfile"),
        Navigation::reference(
            "defaultVisionOSEnrollmentProfile",
            "microsoft.graph.depVisionOSEnrollmentProfile",
        ),
        Navigation::contained("enrollmentProfiles", "microsoft.graph.enrollmentProfile"),
        Navigation::contained("importedAppleDeviceIdentities", "microsoft.graph.importedAppleDeviceIdentity"),
    ],
    reach: REACH,
    ..EntityType::new(
        "microsoft.graph.depOnboardingSetting",
        Base::Entity,
        &[
            P::new("id", Kind::String, |setting| Value::Guid(setting.id.0)).field(F::Id),
            P::text("appleIdentifier", |setting| Value::optional_text(setting.apple_identifier.as_deref()))
                .field(F::AppleIdentifier),
            P::moment("tokenExpirationDateTime", |setting| Value::moment(setting.token_expires_at))
                .field(F::TokenExpiration),
            P::moment("lastModifiedDateTime", |setting| Value::DateTime(setting.modified_at))
                .field(F::LastModified),
            P::moment("lastSuccessfulSyncDateTime", |setting| Value::moment(setting.sync.succeeded_at))
                .field(F::LastSuccessfulSync),
            P::moment("lastSyncTriggeredDateTime", |setting| Value::moment(setting.sync.triggered_at))
                .field(F::LastSyncTriggered),
            P::new("shareTokenWithSchoolDataSyncService", Kind::Boolean, |setting| {
                Value::Bool(setting.share_with_school_data_sync)
            })
            .field(F::ShareWithSchoolDataSync),
            P::new("lastSyncErrorCode", Kind::Int32, |setting| {
                Value::Int(setting.token_state.sync_error_code().into())
            })
            .field(F::LastSyncErrorCode),
            P::new("tokenType", Kind::Enum(&DEP_TOKEN_TYPE), |setting| {
                Value::Enum(setting.token_type.as_str())
            })
            .field(F::TokenType),
            P::text("tokenName", |setting| Value::optional_text(setting.token_name.as_deref()))
                .field(F::TokenName)
                .write(|patch, input| patch.token_name = Some(input.into_text())),
            P::new("syncedDeviceCount", Kind::Int32, |setting| Value::Int(setting.sync.device_count))
                .field(F::SyncedDeviceCount),
            P::new("dataSharingConsentGranted", Kind::Boolean, |setting| {
                Value::Bool(setting.data_sharing_consent)
            })
            .field(F::DataSharingConsent)
            .write(|patch, input| patch.data_sharing_consent = input.bool()),
            P::new("roleScopeTagIds", Kind::Collection(&Kind::String), |setting| {
                match &setting.role_scope_tag_ids {
                    None => Value::Null,
                    Some(ids) => Value::List(ids.iter().map(|id| Value::text(id)).collect()),
                }
            })
            .nullable()
            .field(F::RoleScopeTags)
            .write(|patch, input| patch.role_scope_tag_ids = Some(input.into_texts())),
        ],
    )
};

const REACH: Option<Reach<F>> = Some(Reach { field: reached, is_of: reached_is_of });

/// The platform of a default, with the type of its profiles.
fn default_of(navigation: &Navigation) -> Option<(DevicePlatform, ProfileKind)> {
    let kinds = [
        (DevicePlatform::Ios, ProfileKind::Ios),
        (DevicePlatform::MacOs, ProfileKind::MacOs),
        (DevicePlatform::TvOs, ProfileKind::TvOs),
        (DevicePlatform::VisionOs, ProfileKind::VisionOs),
    ];
    kinds.into_iter().find(|(_, kind)| profile_type(*kind).name == navigation.target)
}

fn reached(navigation: &'static Navigation, rest: &[&str]) -> Option<(F, Kind)> {
    if let Some((platform, kind)) = default_of(navigation) {
        if rest.is_empty() {
            return Some((F::DefaultProfile(platform), Kind::Complex(navigation.target)));
        }
        let (field, kind) = profile_type(kind).field(rest)?;
        return Some((F::DefaultProfileField(platform, field), kind));
    }
    if navigation.target == ENROLLMENT_PROFILE.name {
        if rest.is_empty() {
            return Some((
                F::Profiles,
                Kind::Collection(&Kind::Complex("microsoft.graph.enrollmentProfile")),
            ));
        }
        let (field, kind) = ENROLLMENT_PROFILE.field(rest)?;
        return Some((F::Profile(field), kind));
    }
    if rest.is_empty() {
        const DEVICE: Kind = Kind::Complex("microsoft.graph.importedAppleDeviceIdentity");
        return Some((F::Devices, Kind::Collection(&DEVICE)));
    }
    let (field, kind) = IMPORTED_APPLE_DEVICE_IDENTITY.field(rest)?;
    Some((F::Device(field), kind))
}

fn reached_is_of(navigation: &'static Navigation, type_name: &str) -> IsOf<F> {
    let of_profile = |known: IsOf<ProfileField>, field: &dyn Fn(ProfileField) -> F| match known {
        IsOf::Depends(TypeTest { type_name, field: of, values }) => {
            IsOf::Depends(TypeTest { type_name, field: field(of), values })
        }
        IsOf::Fixed(value) => IsOf::Fixed(value),
        IsOf::Unknown => IsOf::Unknown,
    };
    match default_of(navigation) {
        Some((platform, kind)) => of_profile(profile_type(kind).is_of(&[], type_name), &|field| {
            F::DefaultProfileField(platform, field)
        }),
        None if navigation.target == ENROLLMENT_PROFILE.name => {
            of_profile(ENROLLMENT_PROFILE.is_of(&[], type_name), &F::Profile)
        }
        None => match IMPORTED_APPLE_DEVICE_IDENTITY.is_of(&[], type_name) {
            IsOf::Fixed(value) => IsOf::Fixed(value),
            IsOf::Depends(_) | IsOf::Unknown => IsOf::Unknown,
        },
    }
}

/// The arguments of `uploadDepToken`.
#[derive(Default)]
pub(in crate::graph) struct UploadedToken {
    /// `appleId`; none when null, empty or not sent.
    pub(in crate::graph) apple_id: Option<String>,
    /// `depToken`; empty when null or not sent.
    pub(in crate::graph) dep_token: Zeroizing<String>,
}

/// Source: the same document; both parameters are nullable there.
pub(in crate::graph) static UPLOAD_DEP_TOKEN: ActionType<UploadedToken> = ActionType {
    name: "uploadDepToken",
    parameters: &[
        Parameter::new("appleId", Kind::String, |upload, input| {
            upload.apple_id = input.into_text().filter(|text| !text.is_empty());
        }),
        Parameter::new("depToken", Kind::String, |upload: &mut UploadedToken, input| {
            upload.dep_token = Zeroizing::new(input.into_text().unwrap_or_default());
        })
        .file(),
    ],
};

/// The serial numbers of `releaseAppleDevices`. What its `depToken` means is documented nowhere: the setting says
/// already which token is meant.
pub(in crate::graph) static RELEASE_APPLE_DEVICES: ActionType<Vec<String>> = ActionType {
    name: "releaseAppleDevices",
    parameters: &[
        Parameter::new("depToken", Kind::String, |_: &mut Vec<String>, _| {}).file(),
        Parameter::new("deviceSerialNumbers", Kind::Collection(&Kind::String), |serials, input| {
            *serials = input.into_texts().unwrap_or_default();
        }),
    ],
};
