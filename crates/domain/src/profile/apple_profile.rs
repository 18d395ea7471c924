//! What Apple is told of a profile. A profile's revision grows when this changes, and only then: Apple's profiles cannot
//! be changed, so each revision is another one there and is assigned again.

use super::{Profile, ProfileKind, ProfileValue};

/// Apple's limit for `profile_name`, in characters.
const NAME: usize = 125;

/// Who may pair with a device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Every host.
    Allowed,
    /// No host.
    Refused,
    /// Hosts with one of these certificates (DER in base64).
    Hosts(Vec<String>),
}

/// A profile in Apple's words, the enrollment URL and what is configured for all profiles apart.
/// Source: Apple, "Profile" of the device assignment service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppleTerms {
    /// `profile_name`: 1 to 125 characters.
    pub name: String,
    /// `is_supervised`.
    pub supervised: bool,
    /// `is_mandatory`.
    pub mandatory: bool,
    /// `is_mdm_removable`.
    pub removable: bool,
    /// `await_device_configured`.
    pub awaits_configuration: bool,
    /// `is_multi_user`.
    pub multi_user: bool,
    /// `auto_advance_setup`.
    pub auto_advance: bool,
    /// Whether the device shows a web page to sign in (`configuration_web_url`).
    pub web_sign_in: bool,
    /// `department`; never empty.
    pub department: Option<String>,
    /// `support_phone_number`; never empty.
    pub support_phone: Option<String>,
    /// `allow_pairing` and `supervising_host_certs`.
    pub pairing: Pairing,
    /// `skip_setup_items`.
    pub skipped: Vec<String>,
}

impl Profile {
    /// The profile in Apple's words.
    pub fn apple_terms(&self) -> AppleTerms {
        let own = |name| self.text(name).map(str::to_owned);
        AppleTerms {
            name: self.display_name.as_deref().unwrap_or_default().chars().take(NAME).collect(),
            supervised: self.flag("supervisedModeEnabled"),
            mandatory: self.flag("isMandatory"),
            removable: !self.flag("profileRemovalDisabled"),
            awaits_configuration: self.flag("waitForDeviceConfiguredConfirmation")
                || self.flag("awaitDeviceConfiguredConfirmation"),
            multi_user: self.flag("enableSharedIPad"),
            auto_advance: self.flag("autoAdvanceSetupEnabled"),
            web_sign_in: self.flag("configurationWebUrl") && self.flag("requiresUserAuthentication"),
            department: own("supportDepartment"),
            support_phone: own("supportPhoneNumber"),
            pairing: self.pairing(),
            skipped: self.skipped().into_iter().map(str::to_owned).collect(),
        }
    }

    fn pairing(&self) -> Pairing {
        match self.text("iTunesPairingMode") {
            Some("allow") => Pairing::Allowed,
            Some("requiresCertificate") => Pairing::Hosts(self.certificates().map(str::to_owned).collect()),
            // Graph shows `disallow` where nothing was set.
            _ if matches!(self.kind, ProfileKind::Dep | ProfileKind::Ios) => Pairing::Refused,
            // Apple's own default, for types without the property.
            _ => Pairing::Allowed,
        }
    }

    /// The certificates of hosts that may pair, as the caller wrote them.
    pub fn certificates(&self) -> impl Iterator<Item = &str> {
        self.items("managementCertificates").iter().filter_map(|item| match item {
            ProfileValue::Object(members) => members.get("certificate")?.as_text(),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::samples::*, *};

    #[test]
    fn what_stays_here_does_not_change_what_apple_is_told() {
        let told = profile(ProfileKind::Ios).apple_terms();
        let mut changed = profile(ProfileKind::Ios);
        changed.description = Some("for us".to_owned());
        changed.apply(&patch(vec![
            ("deviceNameTemplate", ProfileValue::Text("{{SERIAL}}".to_owned())),
            ("companyPortalVppTokenId", ProfileValue::Text("1".to_owned())),
            ("supportDepartment", ProfileValue::Text(String::new())),
        ]));
        assert_eq!(changed.apple_terms(), told);
        changed.apply(&patch(vec![("siriDisabled", ProfileValue::Bool(true))]));
        assert_eq!(changed.apple_terms(), AppleTerms { skipped: vec!["Siri".to_owned()], ..told });
    }

    #[test]
    fn either_wait_makes_the_device_wait_and_removal_is_turned_around() {
        for name in ["waitForDeviceConfiguredConfirmation", "awaitDeviceConfiguredConfirmation"] {
            let mut waiting = profile(ProfileKind::Ios);
            waiting.apply(&patch(vec![(name, ProfileValue::Bool(true))]));
            assert!(waiting.apple_terms().awaits_configuration);
        }
        let mut kept = profile(ProfileKind::MacOs);
        assert!(kept.apple_terms().removable);
        kept.apply(&patch(vec![("profileRemovalDisabled", ProfileValue::Bool(true))]));
        assert!(!kept.apple_terms().removable);
    }

    #[test]
    fn a_name_is_cut_to_what_apple_takes() {
        let long = Profile { display_name: Some("ö".repeat(200)), ..profile(ProfileKind::TvOs) };
        assert_eq!(long.apple_terms().name, "ö".repeat(125));
    }

    #[test]
    fn who_may_pair_follows_the_mode_and_else_what_the_type_shows() {
        let certificate = |text: &str| {
            let member = ("certificate".to_owned(), ProfileValue::Text(text.to_owned()));
            ProfileValue::Object([member].into())
        };
        let certificates =
            ProfileValue::List(vec![certificate("one"), ProfileValue::Null, certificate("two")]);
        for kind in ProfileKind::ALL {
            let is_shown = matches!(kind, ProfileKind::Dep | ProfileKind::Ios);
            let unset = if is_shown { Pairing::Refused } else { Pairing::Allowed };
            for (mode, expected) in [
                ("allow", Pairing::Allowed),
                ("requiresCertificate", Pairing::Hosts(vec!["one".to_owned(), "two".to_owned()])),
                ("disallow", unset.clone()),
                ("", unset),
            ] {
                let mut profile = profile(kind);
                profile.apply(&patch(vec![
                    ("iTunesPairingMode", ProfileValue::Text(mode.to_owned())),
                    ("managementCertificates", certificates.clone()),
                ]));
                assert_eq!(profile.apple_terms().pairing, expected, "{mode:?} of {kind:?}");
            }
        }
    }

    #[test]
    fn a_device_shows_a_page_to_sign_in_only_when_both_the_page_and_signing_in_are_asked_for() {
        for (page, sign_in) in [(false, false), (false, true), (true, false), (true, true)] {
            let mut profile = profile(ProfileKind::Ios);
            profile.apply(&patch(vec![
                ("configurationWebUrl", ProfileValue::Bool(page)),
                ("requiresUserAuthentication", ProfileValue::Bool(sign_in)),
            ]));
            assert_eq!(profile.apple_terms().web_sign_in, page && sign_in, "{page} {sign_in}");
        }
    }
}
