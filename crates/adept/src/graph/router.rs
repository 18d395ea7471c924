//! The whole API on one page: path, method, permission, operation, handler. How paths are compared is `tree`'s work, what
//! happens before a handler runs is `dispatch`'s.

use axum::http::Method;

use super::{
    audit_events, batch, default_profiles, device_management, enrollment_profiles,
    imported_apple_device_identities, metadata, onboarding_settings,
    protocol::Version,
    route::{ANY, AUDIT, READ, Route, RouteAction, Verb, WRITE},
    service_document,
    tree::Tree,
};
use crate::domain::DevicePlatform;

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
        GET "" ANY get device_management::get;
        FUNCTION "/getSuggestedEnrollmentLimit(enrollmentType='{enrollmentType}')" READ
            getSuggestedEnrollmentLimit device_management::get_suggested_enrollment_limit;
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

/// What is offered under one version.
pub(super) fn tree(version: Version) -> Tree {
    match version {
        Version::Beta => {
            let mut tree = Tree::of([PROTOCOL, COMMON, BETA].into_iter().chain(DEFAULTS));
            tree.narrow(
                "/deviceManagement/depOnboardingSettings/{depOnboardingSetting-id}/enrollmentProfiles",
                PROFILE_TYPES,
            );
            tree
        }
        Version::V1 => Tree::of([PROTOCOL, COMMON]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::tree::{PathError, PathMatch};

    fn find<'t>(tree: &'t Tree, path: &str) -> Result<(&'static str, PathMatch<'t>), PathError> {
        tree.find(path).map(|found| (found.routes[0].operation, found))
    }

    proptest::proptest! {
        #[test]
        fn any_path_is_looked_up_without_a_panic(
            path in "(/|deviceManagement|depOnboardingSettings|uploadDepToken|graph\\.|%27|%|[('=,)$é])*",
        ) {
            let _ = tree(Version::Beta).find(&path);
        }
    }

    #[test]
    fn every_spelling_of_a_path_leads_to_its_operation() {
        let tree = tree(Version::Beta);
        let settings = "/deviceManagement/depOnboardingSettings";
        for (path, operation, keys) in [
            ("", "list", &[][..]),
            ("/", "list", &[]),
            ("/$count", "count", &[]),
            ("/%24count", "count", &[]),
            ("/1", "get", &["1"]),
            ("/1/", "get", &["1"]),
            ("('1')", "get", &["1"]),
            ("(%271%27)", "get", &["1"]),
            ("(1)", "get", &["1"]),
            ("(id='1')", "get", &["1"]),
            ("/a%20b", "get", &["a b"]),
            ("/1/uploadDepToken", "uploadDepToken", &["1"]),
            ("/1/uploadDepToken()", "uploadDepToken", &["1"]),
            ("/1/UPLOADDEPTOKEN/", "uploadDepToken", &["1"]),
            ("('1')/microsoft.graph.uploadDepToken", "uploadDepToken", &["1"]),
            ("('1')/Microsoft.Graph.UploadDepToken", "uploadDepToken", &["1"]),
            ("/1/graph.uploadDepToken", "uploadDepToken", &["1"]),
            ("/1/getEncryptionPublicKey", "getEncryptionPublicKey", &["1"]),
            ("/1/getEncryptionPublicKey()", "getEncryptionPublicKey", &["1"]),
            ("/1/microsoft.graph.getEncryptionPublicKey()", "getEncryptionPublicKey", &["1"]),
        ] {
            let (found, matched) =
                find(&tree, &format!("{settings}{path}")).unwrap_or_else(|_| panic!("{path}"));
            assert_eq!(
                (found, &matched.keys[..]),
                (&*format!("depOnboardingSetting.{operation}"), &own(keys)[..])
            );
        }
        for path in ["/1/importedAppleDeviceIdentities/2", "('1')/IMPORTEDAPPLEDEVICEIDENTITIES('2')"] {
            let (found, matched) =
                find(&tree, &format!("{settings}{path}")).unwrap_or_else(|_| panic!("{path}"));
            assert_eq!((found, matched.keys), ("importedAppleDeviceIdentity.get", own(&["1", "2"])));
        }
        assert!(find(&tree, "devicemanagement/DEPONBOARDINGSETTINGS").is_ok());
    }

    fn own(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn functions_take_exactly_their_named_arguments() {
        let tree = tree(Version::Beta);
        let look_up = |rest: &str| find(&tree, &format!("/deviceManagement/depOnboardingSettings/{rest}"));
        for rest in [
            "getExpiringVppTokenCount(expiringBeforeDateTime='2027-01-01T00:00:00Z')",
            "getExpiringVppTokenCount(expiringBeforeDateTime=%272027-01-01T00%3A00%3A00Z%27)",
            "microsoft.graph.getexpiringvpptokencount(EXPIRINGBEFOREDATETIME='2027-01-01T00:00:00Z')",
        ] {
            let (operation, found) = look_up(rest).unwrap_or_else(|_| panic!("{rest}"));
            assert_eq!(operation, "depOnboardingSetting.getExpiringVppTokenCount");
            assert_eq!(found.arguments, ["2027-01-01T00:00:00Z"]);
        }
        for rest in [
            "getExpiringVppTokenCount",
            "getExpiringVppTokenCount()",
            "getExpiringVppTokenCount('2027')",
            "getExpiringVppTokenCount(other='2027')",
            "getExpiringVppTokenCount(expiringBeforeDateTime='1',expiringBeforeDateTime='2')",
        ] {
            assert_eq!(look_up(rest).err(), Some(PathError::Segment(rest.to_owned())), "{rest}");
        }
    }

    #[test]
    fn the_first_unknown_segment_is_named() {
        let tree = tree(Version::Beta);
        for (path, segment) in [
            ("/users/1/messages", "users"),
            ("/deviceManagement/nothing/else", "nothing"),
            ("/deviceManagement/depOnboardingSettings/1/nothing", "nothing"),
            ("/deviceManagement/depOnboardingSettings/1/2", "2"),
            ("/deviceManagement/depOnboardingSettings/$nothing", "$nothing"),
            ("/deviceManagement/depOnboardingSettings/graph.nothing", "graph.nothing"),
            ("/deviceManagement/depOnboardingSettings()", "depOnboardingSettings()"),
            ("/deviceManagement/depOnboardingSettings('1", "depOnboardingSettings('1"),
            ("/deviceManagement('1')", "deviceManagement('1')"),
            ("/deviceManagement/depOnboardingSettings/1/uploadDepToken('1')", "uploadDepToken('1')"),
            ("/deviceManagement/depOnboardingSettings/1/uploadDepToken/more", "more"),
        ] {
            assert_eq!(find(&tree, path).err(), Some(PathError::Segment(segment.to_owned())), "{path}");
        }
        assert_eq!(find(&tree, "/deviceManagement/%ff").err(), Some(PathError::Encoding));
        let v1 = super::tree(Version::V1);
        for (path, segment) in [
            ("/deviceManagement/depOnboardingSettings", "depOnboardingSettings"),
            ("/deviceManagement", "deviceManagement"),
            ("/users", "users"),
        ] {
            assert_eq!(find(&v1, path).err(), Some(PathError::Segment(segment.to_owned())), "{path}");
        }
    }
}
