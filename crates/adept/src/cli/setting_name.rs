//! A setting as operators name it: by its id or by its name. What is not there is answered with what is named alike.

use std::{convert::Infallible, str::FromStr};

use super::{Exit, Failure};
use crate::{domain::Setting, storage::Storage};

/// A setting's id, or its `tokenName` in any ASCII case.
#[derive(Clone, Debug)]
pub struct SettingName(String);

impl FromStr for SettingName {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.trim().to_owned()))
    }
}

/// How many names are suggested at most, and how much alike they must be, from 0 to 1.
const SUGGESTED: usize = 3;
const ALIKE: f64 = 0.6;

impl SettingName {
    /// The setting of that name among those of all tenants that are not deleted.
    pub(super) async fn find(&self, storage: &Storage) -> Result<Setting, Failure> {
        let settings = storage.settings.health().await?.into_iter().map(|health| health.setting);
        self.among("setting", settings.collect())
    }

    /// The same among deleted ones.
    pub(super) async fn find_deleted(&self, storage: &Storage) -> Result<Setting, Failure> {
        let deleted = storage.settings.list_soft_deleted().await?.into_iter().map(|(setting, _)| setting);
        self.among("deleted setting", deleted.collect())
    }

    fn among(&self, what: &str, settings: Vec<Setting>) -> Result<Setting, Failure> {
        let wanted = &self.0;
        if let Some(setting) = settings.iter().find(|one| one.id.to_string().eq_ignore_ascii_case(wanted)) {
            return Ok(setting.clone());
        }
        let named = |one: &&Setting| {
            one.token_name.as_ref().is_some_and(|name| name.trim().eq_ignore_ascii_case(wanted))
        };
        let found: Vec<_> = settings.iter().filter(named).collect();
        match found[..] {
            [only] => Ok(only.clone()),
            [] => Err(Failure::new(Exit::NotFound, self.not_found(what, &settings))),
            _ => {
                let ids: Vec<_> = found.iter().map(|setting| setting.id.to_string()).collect();
                let count = found.len();
                let message =
                    format!("{count} {what}s are named '{wanted}': use an id, {}", ids.join(" or "));
                Err(Failure::new(Exit::Refused, message))
            }
        }
    }

    fn not_found(&self, what: &str, settings: &[Setting]) -> String {
        let wanted = self.0.to_ascii_lowercase();
        let likeness = |name: &str| {
            let name = name.to_ascii_lowercase();
            if !wanted.is_empty() && name.contains(&wanted) {
                1.0
            } else {
                strsim::jaro_winkler(&name, &wanted)
            }
        };
        let mut alike: Vec<(f64, String)> = settings
            .iter()
            .filter_map(|setting| {
                let name = setting.token_name.as_deref()?;
                Some((likeness(name), format!("'{name}' ({})", setting.id)))
            })
            .filter(|(likeness, _)| *likeness >= ALIKE)
            .collect();
        alike.sort_by(|(a, name), (b, other)| b.total_cmp(a).then_with(|| name.cmp(other)));
        let names: Vec<_> = alike.into_iter().take(SUGGESTED).map(|(_, name)| name).collect();
        match names.is_empty() {
            true => format!("there is no {what} {}; `adept setting list` names them all", self.0),
            false => format!("there is no {what} {}; named alike: {}", self.0, names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::domain::{SettingId, SettingKey, TenantId, TokenType};

    fn settings(names: &[Option<&str>]) -> Vec<Setting> {
        let made = names.iter().enumerate().map(|(number, name)| {
            let id = SettingId(Uuid::from_u128(number as u128 + 1));
            let key = SettingKey::new(TenantId(Uuid::nil()), id);
            Setting::new(key, TokenType::Dep, name.map(str::to_owned), Timestamp::UNIX_EPOCH)
        });
        made.collect()
    }

    fn find(wanted: &str, names: &[Option<&str>]) -> Result<u128, String> {
        let found = wanted.parse::<SettingName>().unwrap().among("setting", settings(names));
        found.map(|setting| setting.id.0.as_u128()).map_err(|failure| failure.message)
    }

    #[test]
    fn a_setting_is_found_by_its_id_or_by_its_name() {
        let names = [Some("Schools Berlin"), Some("Offices"), None, Some(" Depot ")];
        assert_eq!(find("00000000-0000-0000-0000-000000000003", &names), Ok(3));
        assert_eq!(find("schools berlin", &names), Ok(1));
        assert_eq!(find(" OFFICES ", &names), Ok(2));
        assert_eq!(find("depot", &names), Ok(4));
        // An id is an id, even if another setting has it for a name.
        let names = [Some("00000000-0000-0000-0000-000000000002"), Some("b")];
        assert_eq!(find("00000000-0000-0000-0000-000000000002", &names), Ok(2));
    }

    #[test]
    fn a_name_of_several_settings_is_refused_with_their_ids() {
        let refused = find("twins", &[Some("Twins"), Some("twins")]).unwrap_err();
        assert!(refused.contains("2 settings are named 'twins'"), "{refused}");
        assert!(refused.contains("000000000001 or ") && refused.contains("000000000002"), "{refused}");
    }

    #[test]
    fn what_is_not_there_is_answered_with_names_alike() {
        let names = [Some("Schools Berlin"), Some("Schools Bremen"), Some("Offices"), Some("Workshops")];
        let refused = find("Scools Berlin", &names).unwrap_err();
        assert!(
            refused.starts_with("there is no setting Scools Berlin; named alike: 'Schools Berlin' ("),
            "{refused}"
        );
        assert!(!refused.contains("Offices"), "{refused}");
        assert!(find("schools", &names).unwrap_err().contains("'Schools Bremen'"));
        assert!(find("zzz", &names).unwrap_err().ends_with("`adept setting list` names them all"));
        assert!(find("", &[Some("a")]).is_err());
    }
}
