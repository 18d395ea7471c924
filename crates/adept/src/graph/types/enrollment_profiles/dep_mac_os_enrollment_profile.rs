//! `depMacOSEnrollmentProfile`: profiles for macOS.

use adept_odata::Kind;

use super::{DEP_ENROLLMENT_BASE_PROFILE, P, ROTATION, kept, password};
use crate::{
    domain::{Profile, ProfileField as F, ProfilePatch},
    graph::{
        types::{Base, EntityType},
        value::Value,
    },
};

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.
pub(in crate::graph) static DEP_MAC_OS_ENROLLMENT_PROFILE: EntityType<Profile, F, ProfilePatch> =
    EntityType {
        name: "microsoft.graph.depMacOSEnrollmentProfile",
        base: Base::Type(&DEP_ENROLLMENT_BASE_PROFILE),
        is_abstract: false,
        properties: &[
            kept!("accessibilityScreenDisabled", Kind::Boolean),
            kept!("adminAccountFullName", Kind::String, nullable),
            // Kept sealed, and never shown.
            P::new("adminAccountPassword", Kind::String, |_| Value::Null)
                .nullable()
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
        navigations: &[],
        of_row: None,
    };
