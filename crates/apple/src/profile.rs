//! Apple's enrollment profile, as it is defined and as it is read back. It is not a configuration profile, and it is
//! never changed: a change is a new profile. Which limits Apple sets is in [`crate::error::ProfileFault`].

use serde::Serialize;
use serde_json::{Map, Value};

use crate::account::{into_list, into_text};

/// What a device learns at activation. Source of the fields and defaults: Apple's page "Profile". An absent and an
/// empty text are the same and are not sent: Apple refuses empty ones. Every boolean is sent, because leaving one out
/// means Apple's default and not `false`. Build it with `..Profile::default()`, since Apple adds fields every year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Profile {
    /// 1 to 125 characters.
    pub profile_name: String,
    /// Where the device enrolls: a URL of at most 2000 characters.
    pub url: String,
    /// Obsolete since iOS 13. Default true.
    pub allow_pairing: bool,
    /// Ignored since iOS 13, but still a condition of `is_mdm_removable: false`.
    pub is_supervised: bool,
    /// Always so since iOS 13.
    pub is_mandatory: bool,
    /// Default true; false needs `is_supervised`.
    pub is_mdm_removable: bool,
    /// The device waits in the assistant until it receives DeviceConfigured.
    pub await_device_configured: bool,
    /// Shared iPad.
    pub is_multi_user: bool,
    /// tvOS, and macOS since 11.
    pub auto_advance_setup: bool,
    /// iOS and visionOS since 26.
    pub is_return_to_service: bool,
    /// iOS and visionOS since 26.
    pub do_not_use_profile_from_backup: bool,
    /// ISO 639, two or three letters.
    #[serde(skip_serializing_if = "is_empty")]
    pub language: Option<String>,
    /// ISO 3166-1, two capital letters.
    #[serde(skip_serializing_if = "is_empty")]
    pub region: Option<String>,
    /// An https URL that people sign in at.
    #[serde(skip_serializing_if = "is_empty")]
    pub configuration_web_url: Option<String>,
    /// At most 256 characters; the same for all services of one organization.
    #[serde(skip_serializing_if = "is_empty")]
    pub org_magic: Option<String>,
    /// At most 125 characters.
    #[serde(skip_serializing_if = "is_empty")]
    pub department: Option<String>,
    /// At most 50 characters.
    #[serde(skip_serializing_if = "is_empty")]
    pub support_phone_number: Option<String>,
    /// At most 250 characters.
    #[serde(skip_serializing_if = "is_empty")]
    pub support_email_address: Option<String>,
    /// Base64 DER. If there are any, `url` is not checked against the device's own roots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anchor_certs: Vec<String>,
    /// Base64 DER of the hosts that may pair although `allow_pairing` is false.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub supervising_host_certs: Vec<String>,
    /// The assistant's panes to skip; case counts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skip_setup_items: Vec<String>,
}

impl Default for Profile {
    /// Apple's defaults, without the two fields that Apple requires.
    fn default() -> Self {
        Self {
            profile_name: String::new(),
            url: String::new(),
            allow_pairing: true,
            is_supervised: false,
            is_mandatory: false,
            is_mdm_removable: true,
            await_device_configured: false,
            is_multi_user: false,
            auto_advance_setup: false,
            is_return_to_service: false,
            do_not_use_profile_from_backup: false,
            language: None,
            region: None,
            configuration_web_url: None,
            org_magic: None,
            department: None,
            support_phone_number: None,
            support_email_address: None,
            anchor_certs: Vec::new(),
            supervising_host_certs: Vec::new(),
            skip_setup_items: Vec::new(),
        }
    }
}

/// A profile as Apple keeps it, perhaps defined by another product.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct DefinedProfile {
    /// As Apple spells it; compare by [`crate::account::normalized_uuid`]. Apple's page does not promise it.
    pub profile_uuid: Option<String>,
    /// The profile, with Apple's defaults for what is not listed.
    pub profile: Profile,
    /// Every key that is not listed above.
    pub other: Map<String, Value>,
}

/// What is sent to define a profile: without devices, so that a profile whose answer got lost can hold none.
#[derive(Serialize)]
pub(crate) struct Definition<'a> {
    #[serde(flatten)]
    pub(crate) profile: &'a Profile,
    pub(crate) devices: [(); 0],
}

fn is_empty(text: &Option<String>) -> bool {
    text.as_deref().unwrap_or_default().is_empty()
}

impl DefinedProfile {
    /// `None` if the object has neither a name nor a URL, and so is no profile.
    pub(crate) fn from_json(mut object: Map<String, Value>) -> Option<Self> {
        let defaults = Profile::default();
        let mut flag = |key: &str, default: bool| match object.remove(key) {
            Some(Value::Bool(value)) => value,
            _ => default,
        };
        let allow_pairing = flag("allow_pairing", defaults.allow_pairing);
        let is_supervised = flag("is_supervised", defaults.is_supervised);
        let is_mandatory = flag("is_mandatory", defaults.is_mandatory);
        let is_mdm_removable = flag("is_mdm_removable", defaults.is_mdm_removable);
        let await_device_configured = flag("await_device_configured", defaults.await_device_configured);
        let is_multi_user = flag("is_multi_user", defaults.is_multi_user);
        let auto_advance_setup = flag("auto_advance_setup", defaults.auto_advance_setup);
        let is_return_to_service = flag("is_return_to_service", defaults.is_return_to_service);
        let do_not_use_profile_from_backup =
            flag("do_not_use_profile_from_backup", defaults.do_not_use_profile_from_backup);
        let mut list = |key: &str| into_list(object.remove(key)).filter_map(into_text).collect();
        let (anchor_certs, supervising_host_certs, skip_setup_items) =
            (list("anchor_certs"), list("supervising_host_certs"), list("skip_setup_items"));
        let mut text = |key: &str| object.remove(key).and_then(into_text);
        let (profile_name, url) = (text("profile_name"), text("url"));
        if profile_name.is_none() && url.is_none() {
            return None;
        }
        let profile = Profile {
            profile_name: profile_name.unwrap_or_default(),
            url: url.unwrap_or_default(),
            allow_pairing,
            is_supervised,
            is_mandatory,
            is_mdm_removable,
            await_device_configured,
            is_multi_user,
            auto_advance_setup,
            is_return_to_service,
            do_not_use_profile_from_backup,
            language: text("language"),
            region: text("region"),
            configuration_web_url: text("configuration_web_url"),
            org_magic: text("org_magic"),
            department: text("department"),
            support_phone_number: text("support_phone_number"),
            support_email_address: text("support_email_address"),
            anchor_certs,
            supervising_host_certs,
            skip_setup_items,
        };
        Some(Self { profile_uuid: text("profile_uuid"), profile, other: object })
    }
}
