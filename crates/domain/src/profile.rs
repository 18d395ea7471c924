//! Enrollment profiles: their types, what their properties hold, and what of them decides. Which properties a type has
//! is Graph's description of it; Apple's rules for them are in `rules`, what Apple is told in `terms`, the panes of
//! Setup Assistant in `skip_keys`.

mod apple_profile;
mod ownership;
mod rules;
mod skip_keys;

use std::collections::BTreeMap;

use jiff::Timestamp;
use zeroize::Zeroizing;

pub use apple_profile::{AppleTerms, Pairing};
pub use ownership::{EnrollmentUrl, Ownership, RecognizedProfile};
pub use rules::{ProfileFault, check_enrollment_url, check_profile};
pub use skip_keys::{Offer, PANES, RETIRED_KEYS, SKIP_KEYS, SkipKey, skip_keys_page};

use super::{DevicePlatform, ProfileId, SettingId, SettingKey, TenantId};

words! {
    /// The types of profiles.
    pub enum ProfileKind: eq_ignore_ascii_case {
        /// `enrollmentProfile`: a policy of Apple Configurator, or the least that Apple needs.
        Plain = "enrollmentProfile",
        /// `depEnrollmentProfile`: from the time when one type served iOS and macOS.
        Dep = "depEnrollmentProfile",
        /// `depIOSEnrollmentProfile`.
        Ios = "depIOSEnrollmentProfile",
        /// `depMacOSEnrollmentProfile`.
        MacOs = "depMacOSEnrollmentProfile",
        /// `depTvOSEnrollmentProfile`.
        TvOs = "depTvOSEnrollmentProfile",
        /// `depVisionOSEnrollmentProfile`.
        VisionOs = "depVisionOSEnrollmentProfile",
    }
}

impl ProfileKind {
    /// The platform whose default a profile of this type can be. The old type was iOS's before it was everyone's.
    pub const fn platform(self) -> Option<DevicePlatform> {
        match self {
            Self::Plain => None,
            Self::Dep | Self::Ios => Some(DevicePlatform::Ios),
            Self::MacOs => Some(DevicePlatform::MacOs),
            Self::TvOs => Some(DevicePlatform::TvOs),
            Self::VisionOs => Some(DevicePlatform::VisionOs),
        }
    }

    /// Whether the type names panes of Setup Assistant by their keys, besides naming some by properties.
    pub const fn lists_skip_keys(self) -> bool {
        matches!(self, Self::Ios | Self::MacOs)
    }
}

/// The value of a property; null is the absence of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProfileValue {
    /// Only inside a complex value of a patch: the member is cleared.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Int(i64),
    /// Text, a GUID or a member of an enumeration.
    Text(String),
    /// A collection.
    List(Vec<ProfileValue>),
    /// A complex value.
    Object(BTreeMap<String, ProfileValue>),
}

/// Values by the names of their properties, in Graph's words.
pub type ProfileValues = BTreeMap<String, ProfileValue>;

/// An enrollment profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The owner.
    pub tenant: TenantId,
    /// The setting it belongs to.
    pub setting: SettingId,
    /// Unique within the setting; Graph shows it behind the setting's id.
    pub id: ProfileId,
    /// Its type, for ever.
    pub kind: ProfileKind,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// Every other property that has a value.
    pub values: ProfileValues,
    /// Whether an administrator's password is kept, sealed.
    pub has_admin_password: bool,
    /// Whether it is its platform's default.
    pub is_default: bool,
    /// Grows with whatever Apple has to be told; 1 at first.
    pub revision: i64,
    /// Grows with every change.
    pub version: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub modified_at: Timestamp,
    /// Where its devices enroll, as the operator configured it; none when that is open. Not stored.
    pub enrollment_url: Option<String>,
}

/// What a caller writes of a profile. No `Debug`: it may hold a password.
#[derive(Default)]
pub struct ProfilePatch {
    /// `displayName`.
    pub display_name: Option<Option<String>>,
    /// `description`.
    pub description: Option<Option<String>>,
    /// The other properties; none clears one.
    pub values: BTreeMap<&'static str, Option<ProfileValue>>,
    /// `isDefault`: whether it shall be its platform's default.
    pub is_default: Option<bool>,
    /// A new password of the administrator's account, or none any more.
    pub admin_password: Option<Option<Zeroizing<String>>>,
}

/// The list of keys that iOS's and macOS's types have besides their booleans.
const ENABLED_SKIP_KEYS: &str = "enabledSkipKeys";

impl ProfileId {
    /// The profile of `setting` that a client's text names: `{setting}_{profile}`, the profile's GUID alone, or the
    /// former behind `ECV2_`, in any case; none for everything else.
    pub fn named(text: &str, setting: SettingId) -> Option<Self> {
        const GUID: usize = 36;
        let text = without_mark(text);
        let bare = match text.split_once('_') {
            None => text,
            Some((owner, bare)) if owner.eq_ignore_ascii_case(&setting.to_string()) => bare,
            Some(_) => return None,
        };
        // Other spellings of a GUID name nothing: ids are shown in one only.
        if bare.len() == GUID { bare.parse().ok() } else { None }
    }

    /// The profile that a text with its setting's id names, and that setting.
    pub fn with_setting(text: &str) -> Option<(SettingId, Self)> {
        let (owner, _) = without_mark(text).split_once('_')?;
        let owner = owner.parse().ok()?;
        Some((owner, Self::named(text, owner)?))
    }
}

/// Without what Graph writes before the id of a policy that was made in the newer surface.
fn without_mark(text: &str) -> &str {
    match text.get(..5) {
        Some(mark) if mark.eq_ignore_ascii_case("ECV2_") => &text[5..],
        _ => text,
    }
}

impl Profile {
    /// The setting it belongs to.
    pub fn key(&self) -> SettingKey {
        SettingKey { tenant: self.tenant, id: self.setting }
    }

    /// The id that Graph shows.
    pub fn full_id(&self) -> String {
        format!("{}_{}", self.setting, self.id)
    }

    /// A boolean; false unless it was set.
    pub fn flag(&self, name: &str) -> bool {
        matches!(self.values.get(name), Some(ProfileValue::Bool(true)))
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.values.get(name) {
            Some(ProfileValue::Text(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The items of a collection.
    pub fn items(&self, name: &str) -> &[ProfileValue] {
        if let Some(ProfileValue::List(items)) = self.values.get(name) { items } else { &[] }
    }

    /// The keys in `enabledSkipKeys`.
    pub fn listed_skip_keys(&self) -> impl Iterator<Item = &str> {
        self.items(ENABLED_SKIP_KEYS).iter().filter_map(ProfileValue::as_text)
    }

    /// Takes over what a caller wrote; the password is the storage's business. Panes that are named by a boolean and by
    /// a key agree afterwards.
    pub fn apply(&mut self, patch: &ProfilePatch) {
        if let Some(name) = &patch.display_name {
            self.display_name.clone_from(name);
        }
        if let Some(description) = &patch.description {
            self.description.clone_from(description);
        }
        if let Some(password) = &patch.admin_password {
            self.has_admin_password = password.is_some();
        }
        for (name, value) in &patch.values {
            set(&mut self.values, name, value.as_ref().unwrap_or(&ProfileValue::Null));
        }
        skip_keys::agree(self, patch);
    }

    /// Every key of Setup Assistant that is skipped, by a boolean or by its name.
    pub fn skipped(&self) -> Vec<&str> {
        skip_keys::skipped(self)
    }
}

/// Sets a value, or clears it by null; a complex one is replaced member by member.
fn set(values: &mut ProfileValues, name: &str, value: &ProfileValue) {
    match (value, values.get_mut(name)) {
        (ProfileValue::Null, _) => {
            values.remove(name);
        }
        (ProfileValue::Object(new), Some(ProfileValue::Object(old))) => merge(old, new),
        (ProfileValue::Object(new), _) => {
            let mut members = ProfileValues::new();
            merge(&mut members, new);
            values.insert(name.to_owned(), ProfileValue::Object(members));
        }
        (value, _) => {
            values.insert(name.to_owned(), value.clone());
        }
    }
}

fn merge(old: &mut ProfileValues, new: &ProfileValues) {
    new.iter().for_each(|(name, value)| set(old, name, value));
}

impl ProfileValue {
    /// The text that it is.
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

impl std::fmt::Display for ProfileValue {
    /// For people who read the audit log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Text(text) => f.write_str(text),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_string).collect();
                write!(f, "[{}]", items.join(", "))
            }
            Self::Object(members) => {
                let members: Vec<_> =
                    members.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                write!(f, "{{{}}}", members.join(", "))
            }
        }
    }
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;
    use uuid::Uuid;

    /// A profile with a name and nothing else.
    pub fn profile(kind: ProfileKind) -> Profile {
        Profile {
            tenant: TenantId(Uuid::from_u128(1)),
            setting: SettingId(Uuid::from_u128(2)),
            id: ProfileId(Uuid::from_u128(3)),
            kind,
            display_name: Some("Classroom".to_owned()),
            description: None,
            values: ProfileValues::new(),
            has_admin_password: false,
            is_default: false,
            revision: 1,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            modified_at: Timestamp::UNIX_EPOCH,
            enrollment_url: None,
        }
    }

    /// A patch of these values.
    pub fn patch(values: Vec<(&'static str, ProfileValue)>) -> ProfilePatch {
        ProfilePatch {
            values: values.into_iter().map(|(name, value)| (name, Some(value))).collect(),
            ..ProfilePatch::default()
        }
    }

    /// A collection of texts.
    pub fn texts(texts: &[&str]) -> ProfileValue {
        ProfileValue::List(texts.iter().map(|text| ProfileValue::Text((*text).to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::{samples::*, *};

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let mut changed = profile(ProfileKind::Ios);
        changed.apply(&patch(vec![
            ("supportDepartment", ProfileValue::Text("IT".to_owned())),
            ("isMandatory", ProfileValue::Bool(true)),
        ]));
        let mut clearing =
            ProfilePatch { description: Some(Some("d".to_owned())), ..ProfilePatch::default() };
        clearing.values.insert("supportDepartment", None);
        changed.apply(&clearing);
        assert_eq!(changed.display_name.as_deref(), Some("Classroom"));
        assert_eq!(changed.description.as_deref(), Some("d"));
        assert_eq!(changed.text("supportDepartment"), None);
        assert!(changed.flag("isMandatory"));
    }

    #[test]
    fn a_complex_value_is_replaced_member_by_member() {
        let object = |members: &[(&str, i64)]| {
            let members = members.iter().map(|(name, n)| ((*name).to_owned(), ProfileValue::Int(*n)));
            ProfileValue::Object(members.collect())
        };
        let mut changed = profile(ProfileKind::MacOs);
        changed.apply(&patch(vec![("rotation", object(&[("a", 1), ("b", 2)]))]));
        changed.apply(&patch(vec![("rotation", object(&[("b", 3)]))]));
        assert_eq!(changed.values["rotation"], object(&[("a", 1), ("b", 3)]));
        let cleared = ProfileValue::Object([("a".to_owned(), ProfileValue::Null)].into());
        changed.apply(&patch(vec![("rotation", cleared)]));
        assert_eq!(changed.values["rotation"], object(&[("b", 3)]));
    }

    #[test]
    fn an_id_is_understood_in_each_of_its_forms() {
        let (setting, id) = (profile(ProfileKind::Ios).setting, profile(ProfileKind::Ios).id);
        let other = SettingId(uuid::Uuid::from_u128(9));
        let full = profile(ProfileKind::Ios).full_id();
        for text in
            [full.clone(), id.to_string(), format!("ECV2_{full}"), format!("ecv2_{full}").to_uppercase()]
        {
            assert_eq!(ProfileId::named(&text, setting), Some(id), "{text}");
        }
        let foreign = format!("{other}_{id}");
        for text in [
            "",
            "_",
            "ECV2_",
            "é",
            &foreign,
            &id.0.simple().to_string(),
            &format!("{{{id}}}"),
            &format!("_{id}"),
        ] {
            assert_eq!(ProfileId::named(text, setting), None, "{text}");
        }
    }

    #[test]
    fn every_type_is_found_by_its_name_in_any_case() {
        for kind in ProfileKind::ALL {
            assert_eq!(ProfileKind::from_word(&kind.as_str().to_uppercase()), Some(kind));
        }
        assert_eq!(ProfileKind::from_word("depEnrollmentBaseProfile"), None);
    }

    #[test]
    fn a_profile_is_the_default_of_its_types_platform_and_two_types_list_keys() {
        use DevicePlatform::{Ios, MacOs, TvOs, VisionOs};
        for (kind, platform, lists_keys) in [
            (ProfileKind::Plain, None, false),
            (ProfileKind::Dep, Some(Ios), false),
            (ProfileKind::Ios, Some(Ios), true),
            (ProfileKind::MacOs, Some(MacOs), true),
            (ProfileKind::TvOs, Some(TvOs), false),
            (ProfileKind::VisionOs, Some(VisionOs), false),
        ] {
            assert_eq!((kind.platform(), kind.lists_skip_keys()), (platform, lists_keys), "{kind:?}");
        }
    }

    #[test]
    fn a_profile_belongs_to_its_tenants_setting() {
        let profile = profile(ProfileKind::Plain);
        assert_eq!(profile.key(), SettingKey { tenant: profile.tenant, id: profile.setting });
    }

    #[test]
    fn the_audit_log_shows_every_value_as_people_write_it() {
        let object = [("a".to_owned(), ProfileValue::Int(-1)), ("b".to_owned(), ProfileValue::Null)];
        for (value, shown) in [
            (ProfileValue::Null, "null"),
            (ProfileValue::Bool(true), "true"),
            (ProfileValue::Int(7), "7"),
            (ProfileValue::Text("a b".to_owned()), "a b"),
            (texts(&[]), "[]"),
            (texts(&["a"]), "[a]"),
            (texts(&["a", "b", "c"]), "[a, b, c]"),
            (ProfileValue::Object([].into()), "{}"),
            (ProfileValue::Object(object.into()), "{a: -1, b: null}"),
        ] {
            assert_eq!(value.to_string(), shown);
        }
    }
}
