//! Whether a profile that Apple has and that we do not know is ours: after a restored backup, or after the answer to its
//! definition was lost. Pure.

use jiff::Timestamp;

use crate::SettingKey;

/// Where devices enroll: what the operator configured, with `{settingId}` and `{tenantId}` where wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrollmentUrl(pub String);

impl EnrollmentUrl {
    /// The URL of one setting.
    pub fn of(&self, key: SettingKey) -> String {
        self.0.replace("{settingId}", &key.id.to_string()).replace("{tenantId}", &key.tenant.to_string())
    }

    /// Whether no two settings have the same one.
    fn names_setting(&self) -> bool {
        self.0.contains("{settingId}")
    }

    /// Whether a profile with this `url` and `profile_name` at Apple is the setting's. An organization that moves here from
    /// another product with the same MDM has profiles with exactly our URL; where the URL does not name the setting, the
    /// name must be that of a profile of this setting too.
    pub fn is_own_profile(&self, key: SettingKey, url: &str, name: &str, known_names: &[String]) -> bool {
        let same_url = url.trim_end_matches('/') == self.of(key).trim_end_matches('/');
        same_url && (self.names_setting() || known_names.iter().any(|known| known == name))
    }
}

/// What is known of a profile of Apple's that no row of ours named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// It is ours, of a revision that we do not know any more.
    Own,
    /// It is another product's.
    Foreign,
}

/// A profile of Apple's about which Apple was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecognizedProfile {
    /// Apple's id.
    pub apple_uuid: String,
    /// Whose it is.
    pub ownership: Ownership,
    /// When Apple was asked.
    pub at: Timestamp,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{SettingId, TenantId};

    #[test]
    fn a_profile_is_ours_by_a_url_that_names_the_setting_or_by_url_and_name() {
        let key = SettingKey { tenant: TenantId(Uuid::from_u128(1)), id: SettingId(Uuid::from_u128(2)) };
        let other = SettingKey { id: SettingId(Uuid::from_u128(3)), ..key };
        let names = ["Classroom".to_owned()];
        let own = EnrollmentUrl("https://mdm.example/{tenantId}/{settingId}".to_owned());
        let shared = EnrollmentUrl("https://mdm.example/enroll".to_owned());
        for (template, url, name, expected) in [
            (&own, own.of(key), "anything", true),
            (&own, own.of(key) + "/", "anything", true),
            (&own, own.of(other), "Classroom", false),
            (&own, "https://mdm.example/".to_owned(), "Classroom", false),
            (&shared, shared.of(key), "Classroom", true),
            (&shared, shared.of(key), "classroom", false),
            (&shared, shared.of(key), "another product's", false),
            (&shared, "https://elsewhere.example/enroll".to_owned(), "Classroom", false),
            (&shared, String::new(), "Classroom", false),
        ] {
            assert_eq!(template.is_own_profile(key, &url, name, &names), expected, "{url} {name}");
        }
    }
}
