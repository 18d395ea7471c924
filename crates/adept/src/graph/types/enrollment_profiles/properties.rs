//! The properties of each type of profile.
//!
//! Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.

use adept_odata::Kind;

use super::{CERTIFICATES, DERIVED, P, ProfileType, ROTATION, kept, of_profile, password};
use crate::{
    domain::ProfileField as F,
    graph::{
        types::{Base, EntityType, enums::ITUNES_PAIRING_MODE},
        value::Value,
    },
};

/// `isDefault` of both types that have it.
const IS_DEFAULT: P = P::new("isDefault", Kind::Boolean, |profile| Value::Bool(profile.is_default))
    .field(F::IsDefault)
    .write(|patch, input| patch.is_default = input.bool());

/// `enrollmentProfile`: what every profile has.
pub(in crate::graph) static ENROLLMENT_PROFILE: ProfileType = EntityType {
    of_row: Some(of_profile),
    derived: DERIVED,
    ..EntityType::new(
        "microsoft.graph.enrollmentProfile",
        Base::Entity,
        &[
            P::new("id", Kind::String, |profile| Value::Text(profile.full_id().into())).field(F::Id),
            P::text("configurationEndpointUrl", |profile| {
                Value::optional_text(profile.enrollment_url.as_deref())
            }),
            P::text("description", |profile| Value::optional_text(profile.description.as_deref()))
                .field(F::Description)
                .write(|patch, input| patch.description = Some(input.into_text())),
            P::text("displayName", |profile| Value::optional_text(profile.display_name.as_deref()))
                .field(F::DisplayName)
                .write(|patch, input| patch.display_name = Some(input.into_text())),
            kept!("enableAuthenticationViaCompanyPortal", Kind::Boolean),
            kept!("requireCompanyPortalOnSetupAssistantEnrolledDevices", Kind::Boolean),
            kept!("requiresUserAuthentication", Kind::Boolean),
        ],
    )
};

/// `depEnrollmentBaseProfile`: what the profiles for iOS and macOS have in common.
pub(in crate::graph) static DEP_ENROLLMENT_BASE_PROFILE: ProfileType = EntityType {
    is_abstract: true,
    of_row: Some(of_profile),
    derived: DERIVED,
    ..EntityType::new(
        "microsoft.graph.depEnrollmentBaseProfile",
        Base::Type(&ENROLLMENT_PROFILE),
        &[
            kept!("appleIdDisabled", Kind::Boolean),
            kept!("applePayDisabled", Kind::Boolean),
            kept!("configurationWebUrl", Kind::Boolean),
            kept!("deviceNameTemplate", Kind::String, nullable),
            kept!("diagnosticsDisabled", Kind::Boolean),
            kept!("displayToneSetupDisabled", Kind::Boolean),
            kept!("enabledSkipKeys", Kind::Collection(&Kind::String), nullable),
            kept!("enrollmentTimeAzureAdGroupIds", Kind::Collection(&Kind::Guid), nullable),
            IS_DEFAULT,
            kept!("isMandatory", Kind::Boolean),
            kept!("locationDisabled", Kind::Boolean),
            kept!("privacyPaneDisabled", Kind::Boolean),
            kept!("profileRemovalDisabled", Kind::Boolean),
            kept!("restoreBlocked", Kind::Boolean),
            kept!("screenTimeScreenDisabled", Kind::Boolean),
            kept!("siriDisabled", Kind::Boolean),
            kept!("supervisedModeEnabled", Kind::Boolean),
            kept!("supportDepartment", Kind::String, nullable),
            kept!("supportPhoneNumber", Kind::String, nullable),
            kept!("termsAndConditionsDisabled", Kind::Boolean),
            kept!("touchIdDisabled", Kind::Boolean),
            kept!("waitForDeviceConfiguredConfirmation", Kind::Boolean),
        ],
    )
};

/// `depEnrollmentProfile`: the old type, from before there was one for each platform. It does not extend the common base of
/// the others.
pub(in crate::graph) static DEP_ENROLLMENT_PROFILE: ProfileType = EntityType {
    derived: DERIVED,
    ..EntityType::new(
        "microsoft.graph.depEnrollmentProfile",
        Base::Type(&ENROLLMENT_PROFILE),
        &[
            kept!("appleIdDisabled", Kind::Boolean),
            kept!("applePayDisabled", Kind::Boolean),
            kept!("awaitDeviceConfiguredConfirmation", Kind::Boolean),
            kept!("diagnosticsDisabled", Kind::Boolean),
            kept!("enableSharedIPad", Kind::Boolean),
            kept!("iTunesPairingMode", Kind::Enum(&ITUNES_PAIRING_MODE)),
            IS_DEFAULT,
            kept!("isMandatory", Kind::Boolean),
            kept!("locationDisabled", Kind::Boolean),
            kept!("macOSFileVaultDisabled", Kind::Boolean),
            kept!("macOSRegistrationDisabled", Kind::Boolean),
            kept!("managementCertificates", CERTIFICATES, nullable),
            kept!("passCodeDisabled", Kind::Boolean),
            kept!("profileRemovalDisabled", Kind::Boolean),
            kept!("restoreBlocked", Kind::Boolean),
            kept!("restoreFromAndroidDisabled", Kind::Boolean),
            kept!("sharedIPadMaximumUserCount", Kind::Int32),
            kept!("siriDisabled", Kind::Boolean),
            kept!("supervisedModeEnabled", Kind::Boolean),
            kept!("supportDepartment", Kind::String, nullable),
            kept!("supportPhoneNumber", Kind::String, nullable),
            kept!("termsAndConditionsDisabled", Kind::Boolean),
            kept!("touchIdDisabled", Kind::Boolean),
            kept!("zoomDisabled", Kind::Boolean),
        ],
    )
};

/// `depIOSEnrollmentProfile`: profiles for iOS and iPadOS.
pub(in crate::graph) static DEP_IOS_ENROLLMENT_PROFILE: ProfileType = EntityType {
    derived: DERIVED,
    ..EntityType::new(
        "microsoft.graph.depIOSEnrollmentProfile",
        Base::Type(&DEP_ENROLLMENT_BASE_PROFILE),
        &[
            kept!("appearanceScreenDisabled", Kind::Boolean),
            kept!("awaitDeviceConfiguredConfirmation", Kind::Boolean),
            kept!("carrierActivationUrl", Kind::String, nullable),
            kept!("companyPortalVppTokenId", Kind::String, nullable),
            kept!("deviceToDeviceMigrationDisabled", Kind::Boolean),
            kept!("enableSharedIPad", Kind::Boolean),
            kept!("enableSingleAppEnrollmentMode", Kind::Boolean),
            kept!("expressLanguageScreenDisabled", Kind::Boolean),
            kept!("forceTemporarySession", Kind::Boolean),
            kept!("homeButtonScreenDisabled", Kind::Boolean),
            kept!("iMessageAndFaceTimeScreenDisabled", Kind::Boolean),
            kept!("iTunesPairingMode", Kind::Enum(&ITUNES_PAIRING_MODE)),
            kept!("managementCertificates", CERTIFICATES, nullable),
            kept!("onBoardingScreenDisabled", Kind::Boolean),
            kept!("passCodeDisabled", Kind::Boolean),
            kept!("passcodeLockGracePeriodInSeconds", Kind::Int32, nullable),
            kept!("preferredLanguageScreenDisabled", Kind::Boolean),
            kept!("restoreCompletedScreenDisabled", Kind::Boolean),
            kept!("restoreFromAndroidDisabled", Kind::Boolean),
            kept!("sharedIPadMaximumUserCount", Kind::Int32),
            kept!("simSetupScreenDisabled", Kind::Boolean),
            kept!("softwareUpdateScreenDisabled", Kind::Boolean),
            kept!("temporarySessionTimeoutInSeconds", Kind::Int32),
            kept!("updateCompleteScreenDisabled", Kind::Boolean),
            kept!("userSessionTimeoutInSeconds", Kind::Int32),
            kept!("userlessSharedAadModeEnabled", Kind::Boolean),
            kept!("watchMigrationScreenDisabled", Kind::Boolean),
            kept!("welcomeScreenDisabled", Kind::Boolean),
            kept!("zoomDisabled", Kind::Boolean),
        ],
    )
};

/// `depMacOSEnrollmentProfile`: profiles for macOS.
pub(in crate::graph) static DEP_MAC_OS_ENROLLMENT_PROFILE: ProfileType = EntityType {
    derived: DERIVED,
    ..EntityType::new(
        "microsoft.graph.depMacOSEnrollmentProfile",
        Base::Type(&DEP_ENROLLMENT_BASE_PROFILE),
        &[
            kept!("accessibilityScreenDisabled", Kind::Boolean),
            kept!("adminAccountFullName", Kind::String, nullable),
            // Kept sealed, and never shown.
            P::text("adminAccountPassword", |_| Value::Null)
                .write(|patch, input| patch.admin_password = Some(password(input))),
            kept!("adminAccountUserName", Kind::String, nullable),
            kept!("autoAdvanceSetupEnabled", Kind::Boolean),
            kept!("autoUnlockWithWatchDisabled", Kind::Boolean),
            kept!("chooseYourLockScreenDisabled", Kind::Boolean),
            kept!("depProfileAdminAccountPasswordRotationSetting", ROTATION, nullable),
            kept!("dontAutoPopulatePrimaryAccountInfo", Kind::Boolean),
            kept!("enableRestrictEditing", Kind::Boolean),
            kept!("fileVaultDisabled", Kind::Boolean),
            kept!("hideAdminAccount", Kind::Boolean),
            kept!("iCloudDiagnosticsDisabled", Kind::Boolean),
            kept!("iCloudStorageDisabled", Kind::Boolean),
            kept!("passCodeDisabled", Kind::Boolean),
            kept!("primaryAccountFullName", Kind::String, nullable),
            kept!("primaryAccountUserName", Kind::String, nullable),
            kept!("registrationDisabled", Kind::Boolean),
            kept!("requestRequiresNetworkTether", Kind::Boolean),
            kept!("setPrimarySetupAccountAsRegularUser", Kind::Boolean),
            kept!("skipPrimarySetupAccountCreation", Kind::Boolean),
            kept!("usePlatformSSODuringSetupAssistant", Kind::Boolean),
            kept!("zoomDisabled", Kind::Boolean),
        ],
    )
};

/// `depTvOSEnrollmentProfile`, which has no property of its own.
pub(in crate::graph) static DEP_TV_OS_ENROLLMENT_PROFILE: ProfileType = EntityType {
    derived: DERIVED,
    ..EntityType::new("microsoft.graph.depTvOSEnrollmentProfile", Base::Type(&ENROLLMENT_PROFILE), &[])
};

/// `depVisionOSEnrollmentProfile`, which has no property of its own.
pub(in crate::graph) static DEP_VISION_OS_ENROLLMENT_PROFILE: ProfileType = EntityType {
    derived: DERIVED,
    ..EntityType::new("microsoft.graph.depVisionOSEnrollmentProfile", Base::Type(&ENROLLMENT_PROFILE), &[])
};
