//! What a profile must be like, so that Apple takes it when it is defined there. Pure; every fault is found before
//! anything is stored.
//!
//! Source: Apple, "Define a Profile" (`POST /profile`): the rules behind its error codes, here named beside each.

use super::{Profile, ProfileValue, skip_keys::is_listable};

/// `department`: `DEPARTMENT_INVALID` beyond this many characters.
const DEPARTMENT: usize = 125;
/// `support_phone_number`: `SUPPORT_PHONE_INVALID` beyond this many characters.
const PHONE: usize = 50;
/// `url`: `CONFIG_URL_INVALID` beyond this many characters.
const URL: usize = 2000;

/// Why a profile cannot be. Displays as the sentence for the caller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProfileFault {
    /// `CONFIG_NAME_REQUIRED`.
    #[error("'displayName' must not be empty: Apple needs a name for every profile.")]
    NoName,
    /// `DEPARTMENT_INVALID`, `SUPPORT_PHONE_INVALID`.
    #[error("'{property}' has {length} characters; Apple takes {limit} at most.")]
    TooLong {
        /// The property.
        property: &'static str,
        /// What it has.
        length: usize,
        /// What it may have.
        limit: usize,
    },
    /// `FLAGS_INVALID`.
    #[error(
        "'profileRemovalDisabled' needs 'supervisedModeEnabled': Apple lets users remove the management of devices that \
         are not supervised."
    )]
    RemovalNeedsSupervision,
    /// A property that means nothing without another one.
    #[error("'{property}' needs '{needs}'.")]
    Needs {
        /// What is set.
        property: &'static str,
        /// What is not.
        needs: &'static str,
    },
    /// As Graph answers for the keys that have a boolean only.
    #[error("'enabledSkipKeys' cannot hold '{key}'; set '{instead}' instead.")]
    KeyNotListable {
        /// The key.
        key: String,
        /// The boolean.
        instead: &'static str,
    },
    /// A key that cannot be one.
    #[error("'enabledSkipKeys' holds an empty key, or one that is not plain letters and digits.")]
    KeyMalformed,
    /// A number below zero.
    #[error("'{property}' must not be negative.")]
    Negative {
        /// The property.
        property: String,
    },
    /// Pairing without anyone who may pair.
    #[error(
        "'iTunesPairingMode' is 'requiresCertificate', so 'managementCertificates' must hold at least one certificate."
    )]
    NoPairingCertificate,
    /// `CONFIG_URL_REQUIRED`, `CONFIG_URL_INVALID`.
    #[error(
        "the enrollment URL is empty, longer than 2000 characters, or holds characters that a URL cannot hold"
    )]
    Url,
}

/// Whether Apple would take the profile, as far as that can be known here.
pub fn check_profile(profile: &Profile) -> Result<(), ProfileFault> {
    if profile.display_name.as_deref().is_none_or(|name| name.trim().is_empty()) {
        return Err(ProfileFault::NoName);
    }
    for (property, limit) in [("supportDepartment", DEPARTMENT), ("supportPhoneNumber", PHONE)] {
        let length = profile.text(property).map_or(0, |text| text.chars().count());
        if length > limit {
            return Err(ProfileFault::TooLong { property, length, limit });
        }
    }
    if profile.flag("profileRemovalDisabled") && !profile.flag("supervisedModeEnabled") {
        return Err(ProfileFault::RemovalNeedsSupervision);
    }
    check_company_portal(profile)?;
    for key in profile.listed_skip_keys() {
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ProfileFault::KeyMalformed);
        }
        if let Err(instead) = is_listable(key) {
            return Err(ProfileFault::KeyNotListable { key: key.to_owned(), instead });
        }
    }
    let negative = |value: &ProfileValue| matches!(value, ProfileValue::Int(number) if *number < 0);
    if let Some((property, _)) = profile.values.iter().find(|(_, value)| negative(value)) {
        return Err(ProfileFault::Negative { property: property.clone() });
    }
    let requires = profile.text("iTunesPairingMode") == Some("requiresCertificate");
    if requires && profile.items("managementCertificates").is_empty() {
        return Err(ProfileFault::NoPairingCertificate);
    }
    Ok(())
}

/// What Graph says of its properties about Company Portal: a token to install it with is there for signing in by it, and a
/// device that shows nothing else needs both.
/// Source: the descriptions of the properties in Microsoft Graph's metadata.
fn check_company_portal(profile: &Profile) -> Result<(), ProfileFault> {
    const SIGN_IN: &str = "enableAuthenticationViaCompanyPortal";
    const TOKEN: &str = "companyPortalVppTokenId";
    const ALONE: &str = "enableSingleAppEnrollmentMode";
    let (signs_in, has_token) = (profile.flag(SIGN_IN), profile.text(TOKEN).is_some());
    let needs = |property, needs| Err(ProfileFault::Needs { property, needs });
    match profile.flag(ALONE) {
        true if !signs_in => needs(ALONE, SIGN_IN),
        true if !has_token => needs(ALONE, TOKEN),
        _ if has_token && !signs_in => needs(TOKEN, SIGN_IN),
        _ => Ok(()),
    }
}

/// Whether Apple would take the URL where devices enroll.
pub fn check_enrollment_url(url: &str) -> Result<(), ProfileFault> {
    let is_written = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'{' | b'}');
    if url.is_empty() || url.len() > URL || !url.bytes().all(is_written) {
        Err(ProfileFault::Url)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ProfileKind, samples::*},
        *,
    };

    fn with(kind: ProfileKind, values: Vec<(&'static str, ProfileValue)>) -> Result<(), ProfileFault> {
        let mut checked = profile(kind);
        checked.apply(&patch(values));
        check_profile(&checked)
    }

    fn text(text: impl Into<String>) -> ProfileValue {
        ProfileValue::Text(text.into())
    }

    #[test]
    fn a_profile_needs_a_name_whatever_its_type() {
        for kind in ProfileKind::ALL {
            assert_eq!(check_profile(&profile(kind)), Ok(()));
            for name in [None, Some(String::new()), Some(" ".to_owned())] {
                let nameless = Profile { display_name: name, ..profile(kind) };
                assert_eq!(check_profile(&nameless), Err(ProfileFault::NoName));
            }
        }
    }

    #[test]
    fn lengths_are_counted_in_characters_and_empty_is_as_good_as_absent() {
        for (property, limit) in [("supportDepartment", 125), ("supportPhoneNumber", 50)] {
            assert_eq!(with(ProfileKind::Ios, vec![(property, text("ö".repeat(limit)))]), Ok(()));
            assert_eq!(with(ProfileKind::Ios, vec![(property, text(""))]), Ok(()));
            let refused = with(ProfileKind::Ios, vec![(property, text("ö".repeat(limit + 1)))]);
            assert_eq!(refused, Err(ProfileFault::TooLong { property, length: limit + 1, limit }));
        }
    }

    #[test]
    fn company_portal_is_set_up_whole_or_not_at_all() {
        let sign_in = ("enableAuthenticationViaCompanyPortal", ProfileValue::Bool(true));
        let token = ("companyPortalVppTokenId", text("7"));
        let alone = ("enableSingleAppEnrollmentMode", ProfileValue::Bool(true));
        let needs = |property, needs| Err(ProfileFault::Needs { property, needs });
        for (values, expected) in [
            (vec![sign_in.clone()], Ok(())),
            (vec![sign_in.clone(), token.clone()], Ok(())),
            (vec![sign_in.clone(), token.clone(), alone.clone()], Ok(())),
            (vec![("companyPortalVppTokenId", text(""))], Ok(())),
            (vec![token.clone()], needs(token.0, sign_in.0)),
            (vec![alone.clone()], needs(alone.0, sign_in.0)),
            (vec![alone.clone(), token.clone()], needs(alone.0, sign_in.0)),
            (vec![alone.clone(), sign_in.clone()], needs(alone.0, token.0)),
        ] {
            assert_eq!(with(ProfileKind::Ios, values.clone()), expected, "{values:?}");
        }
    }

    #[test]
    fn management_stays_only_on_supervised_devices() {
        let (locked, supervised) = (
            ("profileRemovalDisabled", ProfileValue::Bool(true)),
            ("supervisedModeEnabled", ProfileValue::Bool(true)),
        );
        for kind in [ProfileKind::Dep, ProfileKind::Ios, ProfileKind::MacOs] {
            assert_eq!(with(kind, vec![locked.clone()]), Err(ProfileFault::RemovalNeedsSupervision));
            assert_eq!(with(kind, vec![locked.clone(), supervised.clone()]), Ok(()));
        }
    }

    #[test]
    fn keys_with_a_boolean_of_their_own_are_refused_in_the_list() {
        for key in ["Privacy", "privacy", "Registration"] {
            let refused = with(ProfileKind::MacOs, vec![("enabledSkipKeys", texts(&["Siri", key]))]);
            assert!(matches!(refused, Err(ProfileFault::KeyNotListable { .. })), "{key}");
        }
        for key in ["", "Si ri", "<Siri>"] {
            let refused = with(ProfileKind::MacOs, vec![("enabledSkipKeys", texts(&[key]))]);
            assert_eq!(refused, Err(ProfileFault::KeyMalformed), "{key}");
        }
        // Apple adds keys every year, so an unknown one is no fault.
        assert_eq!(with(ProfileKind::MacOs, vec![("enabledSkipKeys", texts(&["NextYear"]))]), Ok(()));
    }

    #[test]
    fn numbers_and_pairing_make_sense() {
        let negative = with(ProfileKind::Ios, vec![("userSessionTimeoutInSeconds", ProfileValue::Int(-1))]);
        assert!(matches!(negative, Err(ProfileFault::Negative { .. })));
        let zero = with(ProfileKind::Ios, vec![("userSessionTimeoutInSeconds", ProfileValue::Int(0))]);
        assert_eq!(zero, Ok(()));
        let pairing = ("iTunesPairingMode", text("requiresCertificate"));
        assert_eq!(with(ProfileKind::Ios, vec![pairing.clone()]), Err(ProfileFault::NoPairingCertificate));
        let certificates = ("managementCertificates", texts(&["c"]));
        assert_eq!(with(ProfileKind::Ios, vec![pairing, certificates]), Ok(()));
    }

    #[test]
    fn an_enrollment_url_is_short_and_written_as_urls_are() {
        for url in ["https://mdm.example.org/enroll?id=1", &"h".repeat(2000)] {
            assert_eq!(check_enrollment_url(url), Ok(()), "{url}");
        }
        for url in ["", "https://mdm.example.org/a b", "https://mdm.example.org/{id}", &"h".repeat(2001)] {
            assert_eq!(check_enrollment_url(url), Err(ProfileFault::Url), "{url}");
        }
    }
}
