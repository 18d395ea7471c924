//! What a profile must be like to be defined. One code for each refusal; the order of the checks is a guess.

use axum::http::Uri;
use serde_json::{Map, Value};

use super::problem::Problem;
use crate::world::Switches;

const TEXTS: [&str; 9] = [
    "profile_name",
    "url",
    "configuration_web_url",
    "department",
    "org_magic",
    "support_phone_number",
    "support_email_address",
    "language",
    "region",
];
const FLAGS: [&str; 9] = [
    "allow_pairing",
    "is_supervised",
    "is_mandatory",
    "is_mdm_removable",
    "await_device_configured",
    "is_multi_user",
    "auto_advance_setup",
    "is_return_to_service",
    "do_not_use_profile_from_backup",
];
const LISTS: [&str; 4] = ["devices", "anchor_certs", "supervising_host_certs", "skip_setup_items"];

/// Known fields must have their JSON types; unknown ones may be anything.
pub(super) fn types(profile: &Map<String, Value>) -> Result<(), Problem> {
    let list_of_texts =
        |value: &Value| value.as_array().is_some_and(|items| items.iter().all(Value::is_string));
    let wrong = |names: &[&'static str], fits: &dyn Fn(&Value) -> bool| {
        names.iter().copied().find(|name| profile.get(*name).is_some_and(|value| !fits(value)))
    };
    let wrong = wrong(&TEXTS, &Value::is_string)
        .or_else(|| wrong(&FLAGS, &Value::is_boolean))
        .or_else(|| wrong(&LISTS, &list_of_texts));
    wrong.map_or(Ok(()), |name| Err(Problem::malformed(format!("{name} has the wrong JSON type."))))
}

/// Every rule that Apple publishes a code for. Absent is fine where it is not required; empty is not.
pub(super) fn rules(profile: &Map<String, Value>, switches: &Switches) -> Result<(), Problem> {
    let text = |name: &str| profile.get(name).and_then(Value::as_str);
    let flag = |name: &str| profile.get(name).and_then(Value::as_bool);
    let bounded = |name: &str, most: usize, code: &'static str| match text(name) {
        Some(value) if value.is_empty() || value.chars().count() > most => {
            Err(Problem::bad_request(code, format!("{name} must have 1 to {most} characters.")))
        }
        _ => Ok(()),
    };
    let required = |name: &str, code: &'static str| match text(name) {
        None => Err(Problem::bad_request(code, format!("{name} is missing."))),
        Some(_) => Ok(()),
    };
    required("profile_name", "CONFIG_NAME_REQUIRED")?;
    bounded("profile_name", 125, "CONFIG_NAME_INVALID")?;
    required("url", "CONFIG_URL_REQUIRED")?;
    if !text("url").is_some_and(is_url) {
        let reason = "url must be an absolute URL, percent-encoded, of at most 2000 characters.";
        return Err(Problem::bad_request("CONFIG_URL_INVALID", reason));
    }
    if switches.legacy_profile_checks {
        required("department", "DEPARTMENT_REQUIRED")?;
        required("support_phone_number", "SUPPORT_PHONE_REQUIRED")?;
    }
    bounded("department", 125, "DEPARTMENT_INVALID")?;
    if text("org_magic") != Some("") || !switches.allow_empty_org_magic {
        bounded("org_magic", 256, "MAGIC_INVALID")?;
    }
    bounded("support_phone_number", 50, "SUPPORT_PHONE_INVALID")?;
    bounded("support_email_address", 250, "SUPPORT_EMAIL_INVALID")?;
    let language = text("language")
        .is_none_or(|text| matches!(text.len(), 2 | 3) && text.bytes().all(|byte| byte.is_ascii_lowercase()));
    let region = text("region")
        .is_none_or(|text| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()));
    if !language || !region {
        let reason = "language is two or three lower-case letters, region two upper-case letters.";
        return Err(Problem::bad_request("LOCALE_INVALID", reason));
    }
    if flag("is_mdm_removable") == Some(false) && flag("is_supervised") != Some(true) {
        let reason = "is_mdm_removable can be false only when is_supervised is true.";
        return Err(Problem::bad_request("FLAGS_INVALID", reason));
    }
    Ok(())
}

/// RFC 2396 with the IPv6 literals of RFC 2732, absolute and with a host.
pub(super) fn is_url(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.!~*'();/?:@&=+$,%#[]".contains(&byte);
    let escapes = text
        .split('%')
        .skip(1)
        .all(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_hexdigit));
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    let absolute = address.parse::<Uri>().ok().is_some_and(|uri| {
        let (Some(authority), Some(_)) = (uri.authority(), uri.scheme()) else { return false };
        let named = authority.as_str().rsplit('@').next().unwrap_or_default();
        let port = named.strip_prefix(authority.host()).unwrap_or_default();
        !authority.host().is_empty() && port.trim_start_matches(':').bytes().all(|byte| byte.is_ascii_digit())
    });
    text.len() <= 2000 && text.bytes().all(allowed) && escapes && !fragment.contains('#') && absolute
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn urls_are_absolute_and_encoded() {
        let long = format!("https://mdm.example.com/{}", "a".repeat(2000 - 24));
        for good in [
            "https://mdm.example.com/enroll",
            "https://[2001:db8::1]:8443/e?x=%C3%A4&y=1#z",
            "http://u:p@h/;a,b",
            &long,
        ] {
            assert!(is_url(good), "{good}");
        }
        let longer = format!("{long}a");
        for bad in [
            "",
            "enroll",
            "/enroll",
            "https://",
            "https:///x",
            "https://mdm.example.com/a b",
            "https://mdm.example.com/ä",
            "https://mdm.example.com/%",
            "https://mdm.example.com/%1",
            "https://mdm.example.com/%zz",
            "https://mdm.example.com/a#b#c",
            "https://mdm.example.com:port/",
            "https://mdm.example.com/{x}",
            &longer,
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    proptest! {
        /// Every profile is judged, and what passes is as it must be.
        #[test]
        fn no_profile_is_too_strange(
            fields in prop::collection::btree_map(
                prop::sample::select([&TEXTS[..], &FLAGS, &LISTS, &["new"]].concat()),
                prop_oneof![
                    Just(json!("")), Just(json!("Staff")), Just(json!("https://h/")), Just(json!("EN")),
                    Just(json!("ü".repeat(200))), Just(json!(true)), Just(json!(false)), Just(json!(7)),
                    Just(json!(["a"])), Just(json!([1])), Just(json!({ "a": [] })),
                ],
                0..8,
            ),
            required in any::<bool>(),
        ) {
            let mut profile: Map<String, Value> =
                fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
            if required {
                profile.insert("profile_name".to_owned(), json!("Staff"));
                profile.insert("url".to_owned(), json!("https://h/"));
            }
            let good = types(&profile).and_then(|()| rules(&profile, &Switches::default()));
            if let Err(problem) = good {
                prop_assert_eq!(problem.status, 400);
                prop_assert!(!problem.code.is_empty());
            } else {
                let text = |name: &&str| profile.get(*name).is_none_or(|value| value.as_str().is_some_and(|text| !text.is_empty()));
                prop_assert!(TEXTS.iter().filter(|name| **name != "configuration_web_url").all(text));
                prop_assert!(profile["url"].as_str().is_some_and(is_url));
                let fixed = profile.get("is_mdm_removable") == Some(&json!(false));
                prop_assert!(!fixed || profile.get("is_supervised") == Some(&json!(true)));
            }
        }

        #[test]
        fn no_url_is_too_strange(text in ".{0,60}", rest in "[ -~]{0,40}") {
            is_url(&text);
            let with_a_space = format!("https://h/{rest} ");
            prop_assert!(!is_url(&with_a_space));
        }
    }
}
