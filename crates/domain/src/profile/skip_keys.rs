//! The panes of Setup Assistant that a profile can skip: the one table of Apple's keys, and the booleans by which Graph
//! names some of them. The API, the documents and the pages for people read it.
//!
//! Sources: Apple, `other/skipkeys.yaml` of the device management schema (2026); Graph's names and descriptions of the
//! booleans, since Microsoft publishes no table of the pairs.

use super::{ENABLED_SKIP_KEYS, Profile, ProfileKind, ProfilePatch, ProfileValue};

/// A key of Apple's `skip_setup_items`, and the versions of the systems that know it.
#[derive(Clone, Copy, Debug)]
pub struct SkipKey {
    /// As Apple spells it; case matters there.
    pub key: &'static str,
    /// iOS and iPadOS, macOS, tvOS, visionOS; none where the system has no such pane.
    pub offers: [Option<Offer>; 4],
}

/// Since when, and until when, a system knows a key.
#[derive(Clone, Copy, Debug)]
pub struct Offer {
    /// The first version.
    pub since: &'static str,
    /// The version that calls it deprecated.
    pub deprecated: Option<&'static str>,
    /// The version that no longer has the pane.
    pub removed: Option<&'static str>,
    /// The pane may show before the device has its profile, and is not skipped then.
    pub late: bool,
}

const NO: Option<Offer> = None;

const fn since(version: &'static str) -> Option<Offer> {
    Some(Offer { since: version, deprecated: None, removed: None, late: false })
}

const fn late(version: &'static str) -> Option<Offer> {
    Some(Offer { since: version, deprecated: None, removed: None, late: true })
}

const fn fading(version: &'static str, deprecated: &'static str) -> Option<Offer> {
    Some(Offer { since: version, deprecated: Some(deprecated), removed: None, late: false })
}

const fn gone(version: &'static str, removed: &'static str) -> Option<Offer> {
    Some(Offer { since: version, deprecated: None, removed: Some(removed), late: false })
}

const fn key(key: &'static str, offers: [Option<Offer>; 4]) -> SkipKey {
    SkipKey { key, offers }
}

/// Every key, in the order of Apple's list: iOS and iPadOS, macOS, tvOS, visionOS.
#[rustfmt::skip]
pub const SKIP_KEYS: &[SkipKey] = &[
    key("Accessibility", [NO, late("11.0"), NO, NO]),
    key("AccessibilityAppearance", [since("17.0"), NO, NO, NO]),
    key("ActionButton", [since("17.0"), NO, NO, NO]),
    key("Android", [since("9.0"), NO, NO, NO]),
    key("Appearance", [since("13.0"), since("10.14"), NO, NO]),
    key("AppleID", [since("7.0"), since("10.9"), since("10.2"), since("26.0")]),
    key("AppStore", [since("14.3"), since("11.1"), NO, NO]),
    key("Biometric", [since("8.1"), since("10.12.4"), NO, since("26.0")]),
    key("CameraButton", [since("18.0"), NO, NO, NO]),
    key("DeviceToDeviceMigration", [since("12.4"), NO, NO, NO]),
    key("Diagnostics", [since("7.0"), since("10.9"), since("10.2"), since("26.0")]),
    key("DisplayTone", [fading("9.3.2", "15.0"), fading("10.13.6", "12.0"), NO, NO]),
    key("EnableLockdownMode", [since("17.1"), since("14.0"), NO, NO]),
    key("FileVault", [NO, since("10.10"), NO, NO]),
    key("HomeButtonSensitivity", [fading("10.0", "15.0"), NO, NO, NO]),
    key("iCloudDiagnostics", [NO, since("10.12.4"), NO, NO]),
    key("iCloudStorage", [NO, since("10.13.4"), NO, NO]),
    key("iMessageAndFaceTime", [since("12.0"), NO, NO, NO]),
    key("Intelligence", [since("18.0"), since("15.0"), NO, since("26.0")]),
    key("Keyboard", [late("13.0"), NO, NO, NO]),
    key("LiquidGlass", [since("27.0"), since("27.0"), NO, NO]),
    key("Location", [since("7.0"), since("10.11"), since("10.2"), since("26.0")]),
    key("MessagingActivationUsingPhoneNumber", [since("10.0"), NO, NO, NO]),
    key("Multitasking", [since("26.0"), NO, NO, NO]),
    key("OnBoarding", [fading("11.0", "14.0"), NO, NO, NO]),
    key("OSShowcase", [since("26.0"), since("26.1"), NO, NO]),
    key("Passcode", [since("7.0"), since("10.9"), NO, since("26.0")]),
    key("Payment", [since("8.1"), since("10.12.4"), NO, since("26.0")]),
    key("Privacy", [since("11.3"), since("10.13.4"), since("11.3"), since("26.0")]),
    key("Restore", [since("7.0"), since("10.9"), NO, NO]),
    key("RestoreCompleted", [since("14.0"), NO, NO, NO]),
    key("ScreenSaver", [NO, NO, since("10.2"), NO]),
    key("Safety", [since("16.0"), NO, NO, NO]),
    key("SafetyAndHandling", [late("18.4"), NO, NO, NO]),
    key("ScreenTime", [since("12.0"), since("10.15"), NO, since("26.0")]),
    key("SIMSetup", [since("12.0"), NO, NO, NO]),
    key("Siri", [since("7.0"), since("10.12"), since("10.2"), since("26.0")]),
    key("SoftwareUpdate", [since("12.0"), since("15.4"), NO, since("26.0")]),
    key("SpokenLanguage", [late("13.0"), NO, NO, NO]),
    key("TapToSetup", [NO, NO, late("10.2"), NO]),
    key("TermsOfAddress", [late("16.0"), late("13.0"), NO, NO]),
    key("Tips", [NO, NO, NO, since("26.0")]),
    key("TOS", [since("7.0"), since("10.9"), since("10.2"), since("26.0")]),
    key("TVHomeScreenSync", [NO, NO, since("11.0"), NO]),
    key("TVProviderSignIn", [NO, NO, since("11.0"), NO]),
    key("TVRoom", [NO, NO, since("11.4"), NO]),
    key("UnlockWithWatch", [NO, since("15.0"), NO, NO]),
    key("UpdateCompleted", [since("14.0"), since("26.1"), NO, NO]),
    key("Wallpaper", [NO, gone("14.1", "26.0"), NO, NO]),
    key("WatchMigration", [since("11.0"), NO, NO, NO]),
    key("WebContentFiltering", [gone("18.2", "26.1"), NO, NO, NO]),
    key("Welcome", [since("13.0"), since("15.0"), NO, since("26.0")]),
    key("Zoom", [fading("8.3", "17.0"), NO, NO, since("26.0")]),
];

/// Keys that Apple lists no longer and that older profiles still name.
pub const RETIRED_KEYS: &[&str] = &["Registration", "PreferredLanguage", "ExpressLanguage"];

/// Graph's booleans, each with the key of the pane that it skips. A boolean belongs to whatever type has it.
pub const PANES: &[(&str, &str)] = &[
    ("accessibilityScreenDisabled", "Accessibility"),
    ("appearanceScreenDisabled", "Appearance"),
    ("appleIdDisabled", "AppleID"),
    ("applePayDisabled", "Payment"),
    ("autoUnlockWithWatchDisabled", "UnlockWithWatch"),
    ("chooseYourLockScreenDisabled", "Appearance"),
    ("deviceToDeviceMigrationDisabled", "DeviceToDeviceMigration"),
    ("diagnosticsDisabled", "Diagnostics"),
    ("displayToneSetupDisabled", "DisplayTone"),
    ("expressLanguageScreenDisabled", "ExpressLanguage"),
    ("fileVaultDisabled", "FileVault"),
    ("homeButtonScreenDisabled", "HomeButtonSensitivity"),
    ("iCloudDiagnosticsDisabled", "iCloudDiagnostics"),
    ("iCloudStorageDisabled", "iCloudStorage"),
    ("iMessageAndFaceTimeScreenDisabled", "iMessageAndFaceTime"),
    ("locationDisabled", "Location"),
    ("macOSFileVaultDisabled", "FileVault"),
    ("macOSRegistrationDisabled", "Registration"),
    ("onBoardingScreenDisabled", "OnBoarding"),
    ("passCodeDisabled", "Passcode"),
    ("preferredLanguageScreenDisabled", "PreferredLanguage"),
    ("privacyPaneDisabled", "Privacy"),
    ("registrationDisabled", "Registration"),
    ("restoreBlocked", "Restore"),
    ("restoreCompletedScreenDisabled", "RestoreCompleted"),
    ("restoreFromAndroidDisabled", "Android"),
    ("screenTimeScreenDisabled", "ScreenTime"),
    ("simSetupScreenDisabled", "SIMSetup"),
    ("siriDisabled", "Siri"),
    ("softwareUpdateScreenDisabled", "SoftwareUpdate"),
    ("termsAndConditionsDisabled", "TOS"),
    ("touchIdDisabled", "Biometric"),
    ("updateCompleteScreenDisabled", "UpdateCompleted"),
    ("watchMigrationScreenDisabled", "WatchMigration"),
    ("welcomeScreenDisabled", "Welcome"),
    ("zoomDisabled", "Zoom"),
];

/// Booleans that only one of the two types with a list of keys has; the others belong to both or to neither.
const IOS_ONLY: &[&str] = &[
    "appearanceScreenDisabled",
    "deviceToDeviceMigrationDisabled",
    "expressLanguageScreenDisabled",
    "homeButtonScreenDisabled",
    "iMessageAndFaceTimeScreenDisabled",
    "onBoardingScreenDisabled",
    "preferredLanguageScreenDisabled",
    "restoreCompletedScreenDisabled",
    "restoreFromAndroidDisabled",
    "simSetupScreenDisabled",
    "softwareUpdateScreenDisabled",
    "updateCompleteScreenDisabled",
    "watchMigrationScreenDisabled",
    "welcomeScreenDisabled",
];
const MAC_ONLY: &[&str] = &[
    "accessibilityScreenDisabled",
    "autoUnlockWithWatchDisabled",
    "chooseYourLockScreenDisabled",
    "fileVaultDisabled",
    "iCloudDiagnosticsDisabled",
    "iCloudStorageDisabled",
    "registrationDisabled",
];
const OLD_ONLY: &[&str] = &["macOSFileVaultDisabled", "macOSRegistrationDisabled"];

/// Whether a key may stand in `enabledSkipKeys`; else the boolean to set. Observed: Graph refuses these two.
pub(super) fn is_listable(key: &str) -> Result<(), &'static str> {
    match key {
        _ if key.eq_ignore_ascii_case("Privacy") => Err("privacyPaneDisabled"),
        _ if key.eq_ignore_ascii_case("Registration") => Err("registrationDisabled"),
        _ => Ok(()),
    }
}

/// The booleans of a type that lists keys, with their keys.
fn panes_of(kind: ProfileKind) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    PANES.iter().filter(move |(flag, _)| match kind {
        ProfileKind::Ios => !MAC_ONLY.contains(flag) && !OLD_ONLY.contains(flag),
        ProfileKind::MacOs => !IOS_ONLY.contains(flag) && !OLD_ONLY.contains(flag),
        ProfileKind::Plain | ProfileKind::Dep | ProfileKind::TvOs | ProfileKind::VisionOs => false,
    })
}

/// Makes booleans and list agree after a change. A pane is skipped if the change says so in either way; what it names in
/// one way only is decided by that; what it does not name stays. The two keys that the list cannot hold have their
/// boolean alone.
pub(super) fn agree(profile: &mut Profile, patch: &ProfilePatch) {
    if !profile.kind.lists_skip_keys() {
        return;
    }
    let mut listed: Vec<String> = Vec::new();
    for key in profile.listed_skip_keys() {
        if !listed.iter().any(|known| known == key) {
            listed.push(key.to_owned());
        }
    }
    let list_given = patch.values.contains_key(ENABLED_SKIP_KEYS);
    for (flag, key) in panes_of(profile.kind) {
        if is_listable(key).is_err() {
            continue;
        }
        let in_list = listed.iter().any(|known| known == key);
        let given = patch.values.get(flag).map(|_| profile.flag(flag));
        let skipped = match given {
            Some(flag) => flag || (list_given && in_list),
            None => in_list,
        };
        if skipped && !in_list {
            listed.push((*key).to_owned());
        } else if !skipped {
            listed.retain(|known| known != key);
        }
        match skipped {
            true => profile.values.insert((*flag).to_owned(), ProfileValue::Bool(true)),
            false => profile.values.remove(*flag),
        };
    }
    let items = listed.into_iter().map(ProfileValue::Text).collect();
    profile.values.insert(ENABLED_SKIP_KEYS.to_owned(), ProfileValue::List(items));
}

/// Every key that is skipped: the list, then the booleans that it does not cover.
pub(super) fn skipped(profile: &Profile) -> Vec<&str> {
    let mut skipped: Vec<&str> = profile.listed_skip_keys().collect();
    for (flag, key) in PANES {
        if profile.flag(flag) && !skipped.contains(key) {
            skipped.push(key);
        }
    }
    skipped
}

/// The reference of the keys, as Markdown.
pub fn skip_keys_page() -> String {
    let mut page = String::from(
        "# Skip keys\n\n\
         Panes of Apple's Setup Assistant that an enrollment profile can skip: by key in `enabledSkipKeys`, or by the\n\
         boolean beside it. Version: introduced. Late: the pane may show before the device has its profile. Unknown keys\n\
         are passed on to Apple as they are.\n\n\
         | key | iOS, iPadOS | macOS | tvOS | visionOS | booleans |\n|---|---|---|---|---|---|\n",
    );
    for known in SKIP_KEYS {
        let offers: Vec<String> = known.offers.iter().map(|offer| shown(offer.as_ref())).collect();
        page.push_str(&format!("| `{}` | {} | {} |\n", known.key, offers.join(" | "), booleans(known.key)));
    }
    page.push_str("\nKeys that Apple no longer lists:\n\n| key | booleans |\n|---|---|\n");
    for key in RETIRED_KEYS {
        page.push_str(&format!("| `{key}` | {} |\n", booleans(key)));
    }
    page.push_str(
        "\n`Privacy` and `Registration` are refused in `enabledSkipKeys`, as in Microsoft Graph: set their booleans.\n",
    );
    page
}

fn shown(offer: Option<&Offer>) -> String {
    let Some(offer) = offer else { return "–".to_owned() };
    let mut shown = offer.since.to_owned();
    if let Some(version) = offer.deprecated {
        shown.push_str(&format!(", deprecated {version}"));
    }
    if let Some(version) = offer.removed {
        shown.push_str(&format!(", removed {version}"));
    }
    if offer.late {
        shown.push_str(", late");
    }
    shown
}

fn booleans(key: &str) -> String {
    let named: Vec<String> =
        PANES.iter().filter(|(_, other)| *other == key).map(|(flag, _)| format!("`{flag}`")).collect();
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{super::samples::*, *};

    fn keys(profile: &Profile) -> Vec<&str> {
        profile.listed_skip_keys().collect()
    }

    #[test]
    fn every_boolean_skips_a_key_that_exists_and_no_key_is_there_twice() {
        for (flag, key) in PANES {
            let known = SKIP_KEYS.iter().any(|known| known.key == *key) || RETIRED_KEYS.contains(key);
            assert!(known, "{flag}");
        }
        for (place, known) in SKIP_KEYS.iter().enumerate() {
            assert!(SKIP_KEYS[..place].iter().all(|other| other.key != known.key), "{}", known.key);
            assert!(known.offers.iter().any(Option::is_some), "{}", known.key);
        }
        for kind in [ProfileKind::Ios, ProfileKind::MacOs] {
            let keys: Vec<_> = panes_of(kind).map(|(_, key)| key).collect();
            for (place, key) in keys.iter().enumerate() {
                assert!(!keys[..place].contains(key), "{kind:?} names {key} once");
            }
        }
    }

    #[test]
    fn a_boolean_shows_in_the_list_and_a_key_in_its_boolean() {
        let mut changed = profile(ProfileKind::Ios);
        changed.apply(&patch(vec![
            ("siriDisabled", ProfileValue::Bool(true)),
            ("enabledSkipKeys", texts(&["Location", "NextYear", "Location"])),
        ]));
        assert_eq!(keys(&changed), ["Location", "NextYear", "Siri"]);
        assert!(changed.flag("locationDisabled") && changed.flag("siriDisabled"));

        changed.apply(&patch(vec![("locationDisabled", ProfileValue::Bool(false))]));
        assert_eq!(keys(&changed), ["NextYear", "Siri"]);
        changed.apply(&patch(vec![("enabledSkipKeys", texts(&["Zoom"]))]));
        assert_eq!(keys(&changed), ["Zoom"]);
        assert!(changed.flag("zoomDisabled") && !changed.flag("siriDisabled"));
        changed.apply(&patch(vec![("isMandatory", ProfileValue::Bool(true))]));
        assert_eq!(keys(&changed), ["Zoom"]);
    }

    #[test]
    fn said_both_ways_at_once_a_pane_is_skipped() {
        let mut changed = profile(ProfileKind::MacOs);
        changed.apply(&patch(vec![
            ("locationDisabled", ProfileValue::Bool(false)),
            ("enabledSkipKeys", texts(&["Location"])),
        ]));
        assert_eq!(keys(&changed), ["Location"]);
        assert!(changed.flag("locationDisabled"));
    }

    #[test]
    fn the_keys_that_the_list_cannot_hold_come_from_their_booleans() {
        let mut changed = profile(ProfileKind::MacOs);
        changed.apply(&patch(vec![
            ("privacyPaneDisabled", ProfileValue::Bool(true)),
            ("registrationDisabled", ProfileValue::Bool(true)),
            ("fileVaultDisabled", ProfileValue::Bool(true)),
        ]));
        assert_eq!(keys(&changed), ["FileVault"]);
        assert_eq!(changed.skipped(), ["FileVault", "Privacy", "Registration"]);
        changed.apply(&patch(vec![("enabledSkipKeys", texts(&[]))]));
        assert_eq!(changed.skipped(), ["Privacy", "Registration"]);
    }

    #[test]
    fn the_old_type_has_booleans_only() {
        let mut changed = profile(ProfileKind::Dep);
        changed.apply(&patch(vec![("macOSFileVaultDisabled", ProfileValue::Bool(true))]));
        assert_eq!(changed.skipped(), ["FileVault"]);
        assert!(keys(&changed).is_empty());
    }

    #[test]
    fn the_page_names_every_key() {
        let page = skip_keys_page();
        assert!(SKIP_KEYS.iter().all(|known| page.contains(&format!("| `{}` |", known.key))));
    }

    #[test]
    fn the_page_tells_versions_that_differ_and_the_booleans_of_each_key() {
        let page = skip_keys_page();
        for row in [
            "| `DisplayTone` | 9.3.2, deprecated 15.0 | 10.13.6, deprecated 12.0 | – | – | `displayToneSetupDisabled` |",
            "| `Wallpaper` | – | 14.1, removed 26.0 | – | – |  |",
            "| `Accessibility` | – | 11.0, late | – | – | `accessibilityScreenDisabled` |",
            "| `FileVault` | – | 10.10 | – | – | `fileVaultDisabled`, `macOSFileVaultDisabled` |",
            "| `Registration` | `macOSRegistrationDisabled`, `registrationDisabled` |",
        ] {
            assert!(page.lines().any(|line| line == row), "{row}");
        }
    }

    #[test]
    fn a_boolean_of_the_other_type_or_of_the_old_one_lists_no_key() {
        for (flag, key) in PANES {
            let is_mac_only = MAC_ONLY.contains(flag);
            let is_ios_only = IOS_ONLY.contains(flag);
            let has_listable_key = !OLD_ONLY.contains(flag) && is_listable(key).is_ok();
            for (kind, is_listed) in [
                (ProfileKind::Ios, !is_mac_only),
                (ProfileKind::MacOs, !is_ios_only),
                (ProfileKind::Dep, false),
            ] {
                let mut changed = profile(kind);
                changed.apply(&patch(vec![(*flag, ProfileValue::Bool(true))]));
                let expected: &[&str] = if is_listed && has_listable_key { &[*key] } else { &[] };
                assert_eq!(keys(&changed), expected, "{flag} of {kind:?}");
                assert_eq!(changed.skipped(), [*key], "{flag} of {kind:?}");
            }
        }
    }
}
