//! `depEnrollmentBaseProfile`: what the profiles for iOS and macOS have in common.

use adept_odata::Kind;

use super::{ENROLLMENT_PROFILE, P, kept, of_profile};
use crate::{
    domain::{Profile, ProfileField as F, ProfilePatch},
    graph::{
        types::{Base, EntityType},
        value::Value,
    },
};

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.
pub(in crate::graph) static DEP_ENROLLMENT_BASE_PROFILE: EntityType<Profile, F, ProfilePatch> = EntityType {
    name: "microsoft.graph.depEnrollmentBaseProfile",
    base: Base::Type(&ENROLLMENT_PROFILE),
    is_abstract: true,
    properties: &[
        kept!("appleIdDisabled", Kind::Boolean),
        kept!("applePayDisabled", Kind::Boolean),
        kept!("configurationWebUrl", Kind::Boolean),
        kept!("deviceNameTemplate", Kind::String, nullable),
        kept!("diagnosticsDisabled", Kind::Boolean),
        kept!("displayToneSetupDisabled", Kind::Boolean),
        kept!("enabledSkipKeys", Kind::Collection(&Kind::String), nullable),
        kept!("enrollmentTimeAzureAdGroupIds", Kind::Collection(&Kind::Guid), nullable),
        P::new("isDefault", Kind::Boolean, |profile| Value::Bool(profile.is_default)).field(F::IsDefault),
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
    navigations: &[],
    of_row: Some(of_profile),
};
