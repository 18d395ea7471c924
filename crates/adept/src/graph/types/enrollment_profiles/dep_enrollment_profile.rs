//! `depEnrollmentProfile`: the old type, from before there was one for each platform. It does not extend the common base of the others.

use adept_odata::Kind;

use super::{CERTIFICATES, ENROLLMENT_PROFILE, P, kept};
use crate::{
    domain::{Profile, ProfileField as F, ProfilePatch},
    graph::{
        types::{Base, EntityType, enums::ITUNES_PAIRING_MODE},
        value::Value,
    },
};

/// Source: schemas/beta-Prod.csdl of microsoftgraph/msgraph-metadata.
pub(in crate::graph) static DEP_ENROLLMENT_PROFILE: EntityType<Profile, F, ProfilePatch> = EntityType {
    name: "microsoft.graph.depEnrollmentProfile",
    base: Base::Type(&ENROLLMENT_PROFILE),
    is_abstract: false,
    properties: &[
        kept!("appleIdDisabled", Kind::Boolean),
        kept!("applePayDisabled", Kind::Boolean),
        kept!("awaitDeviceConfiguredConfirmation", Kind::Boolean),
        kept!("diagnosticsDisabled", Kind::Boolean),
        kept!("enableSharedIPad", Kind::Boolean),
        kept!("iTunesPairingMode", Kind::Enum(&ITUNES_PAIRING_MODE)),
        P::new("isDefault", Kind::Boolean, |profile| Value::Bool(profile.is_default)).field(F::IsDefault),
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
    navigations: &[],
    of_row: None,
};
