//! `enrollmentProfile` and what extends it: how the values of a profile are shown and read. Which of them decide anything is `domain`'s knowledge.

mod properties;

use std::collections::BTreeMap;

use adept_odata::{IsOf, Kind, Literal, TypeTest};
use zeroize::Zeroizing;

pub(in crate::graph) use properties::*;

use super::{ActionType, ComplexType, DerivedTypes, EntityType, Parameter, Property, is_called};
use crate::{
    domain::{Kept, Profile, ProfileField as F, ProfileKind, ProfilePatch, ProfileValue},
    graph::value::{InputValue, Value},
};

type P = Property<Profile, F, ProfilePatch>;
/// Any type of profile.
pub(in crate::graph) type ProfileType = EntityType<Profile, F, ProfilePatch>;

/// A property that is kept with the profile under its own name.
macro_rules! kept {
    ($name:literal, $kind:expr) => {
        kept!($name, $kind, nullable: false)
    };
    ($name:literal, $kind:expr, nullable) => {
        kept!($name, $kind, nullable: true)
    };
    ($name:literal, $kind:expr, nullable: $nullable:literal) => {
        P { nullable: $nullable, field: super::field($name, $kind, $nullable), ..P::new($name, $kind, |profile| {
            super::shown(profile.values.get($name), $kind, $nullable)
        }) }
        .write(|patch, input| super::keep(patch, $name, input))
    };
}
use kept;

/// What lists compare of a property that is kept under its own name; no type has a moment among those.
const fn field(name: &'static str, kind: Kind, nullable: bool) -> Option<F> {
    let kept = match kind {
        Kind::String | Kind::Guid => Kept::Text,
        Kind::Boolean => Kept::Bool,
        Kind::Int32 | Kind::Int64 if nullable => Kept::OptionalInt,
        Kind::Int32 | Kind::Int64 => Kept::Int,
        Kind::Enum(known) => Kept::Member(known.members),
        Kind::Collection(Kind::String | Kind::Guid) => Kept::Texts,
        Kind::DateTimeOffset | Kind::Date | Kind::Complex(_) | Kind::Collection(_) => return None,
    };
    Some(F::Kept(name, kept))
}

const CERTIFICATES: Kind =
    Kind::Collection(&Kind::Complex("microsoft.graph.managementCertificateWithThumbprint"));
const ROTATION: Kind = Kind::Complex("microsoft.graph.depProfileAdminAccountPasswordRotationSetting");

/// The description of a type.
pub(in crate::graph) fn profile_type(kind: ProfileKind) -> &'static ProfileType {
    match kind {
        ProfileKind::Plain => &ENROLLMENT_PROFILE,
        ProfileKind::Dep => &DEP_ENROLLMENT_PROFILE,
        ProfileKind::Ios => &DEP_IOS_ENROLLMENT_PROFILE,
        ProfileKind::MacOs => &DEP_MAC_OS_ENROLLMENT_PROFILE,
        ProfileKind::TvOs => &DEP_TV_OS_ENROLLMENT_PROFILE,
        ProfileKind::VisionOs => &DEP_VISION_OS_ENROLLMENT_PROFILE,
    }
}

/// Every type knows all of them: a list that is narrowed to one may be asked for another.
const DERIVED: Option<DerivedTypes<Profile, F, ProfilePatch>> =
    Some(DerivedTypes { named: profile_type_named, is_of });

/// The type of that name, whatever its namespace.
pub(in crate::graph) fn profile_type_named(name: &str) -> Option<&'static ProfileType> {
    types().find(|kind| is_called(kind.name, name))
}

fn types() -> impl Iterator<Item = &'static ProfileType> {
    ProfileKind::ALL.into_iter().map(profile_type).chain([&DEP_ENROLLMENT_BASE_PROFILE])
}

/// Being of a type, told by the kind that is stored.
fn is_of(kind: &'static ProfileType) -> IsOf<F> {
    IsOf::Depends(TypeTest { type_name: kind.name, field: F::Kind, values: kinds_of(kind) })
}

/// The kinds of profiles that are of a type, as lists compare them.
pub(in crate::graph) fn kinds_of(kind: &ProfileType) -> Vec<Literal> {
    let all = ProfileKind::ALL.into_iter().enumerate();
    let of_type = all.filter(|(_, other)| profile_type(*other).names().contains(&kind.name));
    of_type.map(|(ordinal, other)| Literal::Enum { member: other.as_str(), ordinal }).collect()
}

fn of_profile(profile: &Profile) -> &'static ProfileType {
    profile_type(profile.kind)
}

/// What is shown of a value: where none may be null and there is none, the least one.
fn shown(value: Option<&ProfileValue>, kind: Kind, nullable: bool) -> Value<'_> {
    match (kind, value) {
        (Kind::Collection(item), Some(ProfileValue::List(items))) => {
            Value::List(items.iter().map(|value| shown(Some(value), *item, true)).collect())
        }
        // Clients walk over collections without asking whether there is one.
        (Kind::Collection(_), _) => Value::List(Vec::new()),
        (Kind::Complex(name), Some(ProfileValue::Object(members))) => {
            let known = ComplexType::named(name).map_or(&[][..], |kind| kind.members);
            let member = |known: &super::Member| {
                (known.name, shown(members.get(known.name), known.kind, known.nullable))
            };
            Value::Object(known.iter().map(member).collect())
        }
        (Kind::Enum(members), Some(ProfileValue::Text(text))) => {
            members.member(text).map_or(Value::Null, |(_, member)| Value::Enum(member))
        }
        (_, Some(ProfileValue::Bool(value))) => Value::Bool(*value),
        (_, Some(ProfileValue::Int(number))) => Value::Int(*number),
        (_, Some(ProfileValue::Text(text))) => Value::text(text),
        _ if nullable => Value::Null,
        (Kind::Boolean, _) => Value::Bool(false),
        (Kind::Int32 | Kind::Int64, _) => Value::Int(0),
        (Kind::Enum(members), _) => members.members.first().map_or(Value::Null, |member| Value::Enum(member)),
        (Kind::String | Kind::DateTimeOffset | Kind::Date | Kind::Guid | Kind::Complex(_), _) => Value::Null,
    }
}

fn keep(patch: &mut ProfilePatch, name: &'static str, input: InputValue) {
    patch.values.insert(name, value(input));
}

fn value(input: InputValue) -> Option<ProfileValue> {
    Some(match input {
        InputValue::Null => return None,
        InputValue::Bool(value) => ProfileValue::Bool(value),
        InputValue::Int(number) => ProfileValue::Int(number),
        InputValue::Text(text) => ProfileValue::Text(text.into_owned()),
        InputValue::Enum(member) => ProfileValue::Text(member.to_owned()),
        InputValue::Guid(guid) => ProfileValue::Text(guid.hyphenated().to_string()),
        InputValue::DateTime(moment) => ProfileValue::Text(moment.to_string()),
        InputValue::List(items) => ProfileValue::List(items.into_iter().filter_map(value).collect()),
        InputValue::Object(members) => {
            let member = |(name, input): (&str, InputValue)| {
                (name.to_owned(), value(input).unwrap_or(ProfileValue::Null))
            };
            ProfileValue::Object(members.into_iter().map(member).collect::<BTreeMap<_, _>>())
        }
    })
}

/// A password that was sent; an empty one is none.
fn password(input: InputValue) -> Option<Zeroizing<String>> {
    input.into_text().filter(|text| !text.is_empty()).map(Zeroizing::new)
}

/// The argument of `updateDeviceProfileAssignment`: serial numbers.
pub(in crate::graph) static UPDATE_DEVICE_PROFILE_ASSIGNMENT: ActionType<Vec<String>> = ActionType {
    name: "updateDeviceProfileAssignment",
    parameters: &[Parameter::new("deviceIds", Kind::Collection(&Kind::String), |serials, input| {
        *serials = input.into_texts().unwrap_or_default();
    })],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::PANES;

    #[test]
    fn every_type_has_the_properties_of_its_base_and_its_own() {
        for (kind, properties) in [
            (ProfileKind::Plain, 7),
            (ProfileKind::Dep, 7 + 24),
            (ProfileKind::Ios, 7 + 22 + 29),
            (ProfileKind::MacOs, 7 + 22 + 23),
            (ProfileKind::TvOs, 7),
            (ProfileKind::VisionOs, 7),
        ] {
            let described = profile_type(kind);
            assert_eq!(described.all_properties().len(), properties, "{}", described.name);
            assert!(described.name.ends_with(kind.as_str()));
            assert!(
                described
                    .all_properties()
                    .iter()
                    .all(|property| property.kind != Kind::Boolean || !property.nullable)
            );
        }
    }

    #[test]
    fn every_boolean_that_skips_a_pane_belongs_to_a_type() {
        for (flag, _) in PANES {
            let has = |kind: &ProfileKind| profile_type(*kind).property(flag).is_some();
            assert!(ProfileKind::ALL.iter().any(has), "{flag}");
        }
    }
}
