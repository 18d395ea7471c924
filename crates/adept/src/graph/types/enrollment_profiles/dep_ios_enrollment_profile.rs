//! `depIOSEnrollmentProfile`: profiles for iOS and iPadOS.

use adept_odata::Kind;

use super::{CERTIFICATES, DEP_ENROLLMENT_BASE_PROFILE, kept};
use crate::{
    domain::{Profile, ProfileField as F, ProfilePatch},
    graph::types::{Base, EntityType, enums::ITUNES_PAIRING_MODE},
};

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.
pub(in crate::graph) static DEP_IOS_ENROLLMENT_PROFILE: EntityType<Profile, F, ProfilePatch> = EntityType {
    name: "microsoft.graph.depIOSEnrollmentProfile",
    base: Base::Type(&DEP_ENROLLMENT_BASE_PROFILE),
    is_abstract: false,
    properties: &[
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
    navigations: &[],
    of_row: None,
};
