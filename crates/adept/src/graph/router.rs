//! The whole API on one page: path, method, permission, operation, handler. How paths are compared is `tree`'s work, what
//! happens before a handler runs is `dispatch`'s.

use axum::http::Method;

use super::{
    audit_events, batch, configuration_policies, default_profiles, device_management, enrollment_profiles,
    imported_apple_device_identities, metadata, onboarding_settings,
    protocol::Version,
    route::{ANY, AUDIT, POLICIES, READ, Route, RouteAction, Verb, WRITE},
    service_document,
    tree::{HasProperty, Tree},
    types::{
        AUDIT_EVENT, AUDIT_EVENT_V1, DEP_ONBOARDING_SETTING, DEVICE_MANAGEMENT, DEVICE_MANAGEMENT_V1,
        IMPORTED_APPLE_DEVICE_IDENTITY, profile_type,
    },
};
use crate::domain::{DevicePlatform, ProfileKind};

const GET: Verb = Verb { method: Method::GET, bound: false };
const POST: Verb = Verb { method: Method::POST, bound: false };
const PUT: Verb = Verb { method: Method::PUT, bound: false };
const PATCH: Verb = Verb { method: Method::PATCH, bound: false };
const DELETE: Verb = Verb { method: Method::DELETE, bound: false };
const FUNCTION: Verb = Verb { method: Method::GET, bound: true };
const ACTION: Verb = Verb { method: Method::POST, bound: true };

/// `type "path" { VERB "rest of the path" PERMISSIONS name handler(arguments); … }`: the operation is `type.name`.
macro_rules! routes {
    ($($kind:ident $base:expr => {
        $($verb:ident $rest:literal $permissions:ident $name:ident $($handler:ident)::+ $(($argument:expr))?;)+
    })+) => {
        &[$($(Route {
            template: concat!($base, $rest),
            verb: $verb,
            permissions: $permissions,
            operation: concat!(stringify!($kind), ".", stringify!($name)),
            action: RouteAction::Serve(|request| Box::pin($($handler)::+(request $(, $argument)?))),
        }),+),+]
    };
}

/// What leads from a setting to the default profile of a platform.
macro_rules! default_profile {
    ($name:ident $platform:ident) => {
        routes! {
            $name concat!("/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/", stringify!($name)) => {
                GET    ""      READ  get       default_profiles::get(DevicePlatform::$platform);
                GET    "/$ref" READ  getRef    default_profiles::get_ref(DevicePlatform::$platform);
                PUT    "/$ref" WRITE setRef    default_profiles::set_ref(DevicePlatform::$platform);
                DELETE "/$ref" WRITE deleteRef default_profiles::delete(DevicePlatform::$platform);
            }
        }
    };
}

/// The operation whose own requests are dispatched one by one.
pub(super) const BATCH: &str = "protocol.batch";

/// What any version offers, without a permission.
static PROTOCOL: &[Route] = &[
    open("", GET, "protocol.serviceDocument", RouteAction::Public(service_document::handle)),
    open("/$metadata", GET, "protocol.metadata", RouteAction::Public(metadata::handle)),
    open("/$batch", POST, BATCH, RouteAction::Serve(|request| Box::pin(batch::handle(request)))),
];

const fn open(template: &'static str, verb: Verb, operation: &'static str, action: RouteAction) -> Route {
    Route { template, verb, permissions: &[], operation, action }
}

/// What both versions offer.
static COMMON: &[Route] = routes! {
    deviceManagement "/deviceManagement" => {
        GET "" ANY get device_management::get;
    }
    auditEvent "/deviceManagement/auditEvents" => {
        GET      ""        AUDIT list  audit_events::list;
        GET      "/$count" AUDIT count audit_events::count;
        GET      "/{auditEvent-id}" AUDIT get audit_events::get;
        FUNCTION "/getAuditCategories" AUDIT getAuditCategories audit_events::get_audit_categories;
        FUNCTION "/getAuditActivityTypes(category='{category}')" AUDIT
            getAuditActivityTypes audit_events::get_audit_activity_types;
    }
};

/// What only `/beta` offers.
static BETA: &[Route] = routes! {
    deviceManagement "/deviceManagement" => {
        FUNCTION "/getSuggestedEnrollmentLimit(enrollmentType='{enrollmentType}')" READ
            getSuggestedEnrollmentLimit device_management::get_suggested_enrollment_limit;
    }
    deviceManagementConfigurationPolicy "/deviceManagement/configurationPolicies" => {
        GET ""        POLICIES list  configuration_policies::list;
        GET "/$count" POLICIES count configuration_policies::count;
    }
    depOnboardingSetting "/deviceManagement/depOnboardingSettings" => {
        GET      ""        READ  list   onboarding_settings::list;
        POST     ""        WRITE create onboarding_settings::create;
        GET      "/$count" READ  count  onboarding_settings::count;
        FUNCTION "/getExpiringVppTokenCount(expiringBeforeDateTime='{expiringBeforeDateTime}')" READ
            getExpiringVppTokenCount onboarding_settings::get_expiring_vpp_token_count;
    }
    depOnboardingSetting "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}" => {
        GET      "" READ  get    onboarding_settings::get;
        PATCH    "" WRITE update onboarding_settings::update;
        DELETE   "" WRITE delete onboarding_settings::delete;
        FUNCTION "/getEncryptionPublicKey" READ
            getEncryptionPublicKey onboarding_settings::get_encryption_public_key;
        ACTION   "/generateEncryptionPublicKey" WRITE
            generateEncryptionPublicKey onboarding_settings::generate_encryption_public_key;
        ACTION   "/uploadDepToken" WRITE
            uploadDepToken onboarding_settings::upload_dep_token;
        ACTION   "/syncWithAppleDeviceEnrollmentProgram" WRITE
            syncWithAppleDeviceEnrollmentProgram onboarding_settings::sync_with_apple_device_enrollment_program;
        ACTION   "/shareForSchoolDataSyncService" WRITE
            shareForSchoolDataSyncService onboarding_settings::share_for_school_data_sync_service(true);
        ACTION   "/unshareForSchoolDataSyncService" WRITE
            unshareForSchoolDataSyncService onboarding_settings::share_for_school_data_sync_service(false);
        ACTION   "/releaseAppleDevices" WRITE releaseAppleDevices onboarding_settings::release_apple_devices;
    }
    enrollmentProfile "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/enrollmentProfiles" => {
        GET  ""        READ  list   enrollment_profiles::list;
        POST ""        WRITE create enrollment_profiles::create;
        GET  "/$count" READ  count  enrollment_profiles::count;
    }
    enrollmentProfile "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/enrollmentProfiles/{enrollmentProfile-id}" => {
        GET      "" READ  get    enrollment_profiles::get;
        PATCH    "" WRITE update enrollment_profiles::update;
        DELETE   "" WRITE delete enrollment_profiles::delete;
        ACTION   "/setDefaultProfile" WRITE setDefaultProfile enrollment_profiles::set_default_profile;
        ACTION   "/updateDeviceProfileAssignment" WRITE
            updateDeviceProfileAssignment enrollment_profiles::update_device_profile_assignment;
        FUNCTION "/exportMobileConfig" READ exportMobileConfig enrollment_profiles::export_mobile_config;
    }
    importedAppleDeviceIdentity "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/importedAppleDeviceIdentities" => {
        GET "" READ list imported_apple_device_identities::list;
        POST "" WRITE create imported_apple_device_identities::create;
        GET "/$count" READ count imported_apple_device_identities::count;
        GET "/{importedAppleDeviceIdentity-id}" READ get imported_apple_device_identities::get;
        PATCH "/{importedAppleDeviceIdentity-id}" WRITE update imported_apple_device_identities::update;
        DELETE "/{importedAppleDeviceIdentity-id}" WRITE delete imported_apple_device_identities::delete;
        ACTION "/importAppleDeviceIdentityList" WRITE
            importAppleDeviceIdentityList imported_apple_device_identities::import_apple_device_identity_list;
    }
};

/// The default profiles of a setting. Those of iOS and macOS can be changed and removed where they stand.
static DEFAULTS: [&[Route]; 5] = [
    default_profile!(defaultIosEnrollmentProfile Ios),
    default_profile!(defaultMacOsEnrollmentProfile MacOs),
    default_profile!(defaultTvOSEnrollmentProfile TvOs),
    default_profile!(defaultVisionOSEnrollmentProfile VisionOs),
    routes! {
        defaultIosEnrollmentProfile
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/defaultIosEnrollmentProfile" => {
            PATCH  "" WRITE update default_profiles::update(DevicePlatform::Ios);
            DELETE "" WRITE delete default_profiles::delete(DevicePlatform::Ios);
        }
        defaultMacOsEnrollmentProfile
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/defaultMacOsEnrollmentProfile" => {
            PATCH  "" WRITE update default_profiles::update(DevicePlatform::MacOs);
            DELETE "" WRITE delete default_profiles::delete(DevicePlatform::MacOs);
        }
    },
];

/// `enrollmentProfile` and what extends it.
const PROFILE_TYPES: &[&str] = &[
    "enrollmentProfile",
    "depEnrollmentBaseProfile",
    "depEnrollmentProfile",
    "depIOSEnrollmentProfile",
    "depMacOSEnrollmentProfile",
    "depTvOSEnrollmentProfile",
    "depVisionOSEnrollmentProfile",
];

/// Where one entity is, and the properties that it can have.
static ENTITIES: &[(&str, HasProperty)] = &[
    ("/deviceManagement", |name| DEVICE_MANAGEMENT.property(name).is_some()),
    ("/deviceManagement/auditEvents/{auditEvent-id}", |name| AUDIT_EVENT.property(name).is_some()),
    ("/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}", |name| {
        DEP_ONBOARDING_SETTING.property(name).is_some()
    }),
    (
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/enrollmentProfiles/{enrollmentProfile-id}",
        is_property_of_a_profile,
    ),
    (
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/importedAppleDeviceIdentities/\
         {importedAppleDeviceIdentity-id}",
        |name| IMPORTED_APPLE_DEVICE_IDENTITY.property(name).is_some(),
    ),
    (
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/defaultIosEnrollmentProfile",
        is_property_of_a_profile,
    ),
    (
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/defaultMacOsEnrollmentProfile",
        is_property_of_a_profile,
    ),
    (
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/defaultTvOSEnrollmentProfile",
        is_property_of_a_profile,
    ),
    (
        "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/defaultVisionOSEnrollmentProfile",
        is_property_of_a_profile,
    ),
];

/// Of whichever type: a profile that has another one is refused when it is read.
fn is_property_of_a_profile(name: &str) -> bool {
    ProfileKind::ALL.into_iter().any(|kind| profile_type(kind).property(name).is_some())
}

/// What is offered under one version.
pub(super) fn tree(version: Version) -> Tree {
    match version {
        Version::Beta => {
            let mut tree = Tree::of([PROTOCOL, COMMON, BETA].into_iter().chain(DEFAULTS));
            tree.narrow(
                "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/enrollmentProfiles",
                PROFILE_TYPES,
            );
            for (path, has_property) in ENTITIES {
                tree.describe(path, *has_property);
            }
            tree
        }
        Version::V1 => {
            let mut tree = Tree::of([PROTOCOL, COMMON]);
            tree.describe("/deviceManagement", |name| DEVICE_MANAGEMENT_V1.property(name).is_some());
            tree.describe("/deviceManagement/auditEvents/{auditEvent-id}", |name| {
                AUDIT_EVENT_V1.property(name).is_some()
            });
            tree
        }
    }
}

#[cfg(test)]
mod tests;
