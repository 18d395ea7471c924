//! One description of each Graph type: its properties, their EDM types, whether they may be null, who sets them. It feeds
//! serialization, `$select`, `$filter`, `$orderby`, the reading of bodies and `$metadata`, so that no property is listed twice.
//! It holds no values and writes no JSON.

mod audit_event;
mod bounds;
mod complex;
mod dep_onboarding_setting;
mod device_management;
mod enrollment_profiles;
mod enums;
mod imported_apple_device_identity;
mod model;
mod operations;
mod schema;

use adept_odata::Kind;

pub(super) use audit_event::{AUDIT_EVENT, AUDIT_EVENT_V1};
pub(super) use bounds::Bounds;
pub(super) use complex::{ComplexType, Member};
pub(super) use dep_onboarding_setting::{DEP_ONBOARDING_SETTING, RELEASE_APPLE_DEVICES, UPLOAD_DEP_TOKEN};
pub(super) use device_management::{DEVICE_MANAGEMENT, DEVICE_MANAGEMENT_V1, DeviceManagement};
pub(super) use enrollment_profiles::{
    DEP_ENROLLMENT_BASE_PROFILE, DEP_ENROLLMENT_PROFILE, DEP_IOS_ENROLLMENT_PROFILE,
    DEP_MAC_OS_ENROLLMENT_PROFILE, DEP_TV_OS_ENROLLMENT_PROFILE, DEP_VISION_OS_ENROLLMENT_PROFILE,
    ENROLLMENT_PROFILE, ProfileType, UPDATE_DEVICE_PROFILE_ASSIGNMENT, kinds_of, profile_type,
    profile_type_named,
};
pub(super) use enums::NumberedEnum;
pub(super) use imported_apple_device_identity::{
    IMPORTED_APPLE_DEVICE_IDENTITIES, IMPORTED_APPLE_DEVICE_IDENTITY, IMPORTED_APPLE_DEVICE_IDENTITY_RESULT,
    OVERWRITE,
};
pub(super) use model::{ENTITY, EntityDescription, Model};
pub(super) use operations::{Binding, Operation};
pub(super) use schema::{Selectable, Selected, is_called};

use schema::{DerivedTypes, Reach};

use super::value::{InputValue, Value};

/// An entity type, shown from rows `R`, filtered and ordered by fields `F`, written through `W`.
pub(super) struct EntityType<R: 'static, F: 'static, W: 'static> {
    /// The qualified name.
    pub(super) name: &'static str,
    /// What it extends.
    pub(super) base: Base<R, F, W>,
    /// Whether every row is of a type that extends this one.
    pub(super) is_abstract: bool,
    /// The own properties, in the order in which they are shown.
    pub(super) properties: &'static [Property<R, F, W>],
    /// What leads on to other entities; a body that holds one is refused.
    pub(super) navigations: &'static [Navigation],
    /// The type of a row, where it may be one that extends this one.
    pub(super) of_row: Option<OfRow<R, F, W>>,
    /// The types that extend this one, or that extend the same one, where a query may name them.
    pub(super) derived: Option<DerivedTypes<R, F, W>>,
    /// What a query may ask of the entities that the navigations lead to.
    pub(super) reach: Option<Reach<F>>,
}

/// The type of a row.
pub(super) type OfRow<R, F, W> = fn(&R) -> &'static EntityType<R, F, W>;

/// What an entity type extends.
pub(super) enum Base<R: 'static, F: 'static, W: 'static> {
    /// `microsoft.graph.entity`, whose `id` stands first among the own properties.
    Entity,
    /// A type that is shown from the same rows; its properties come before the own ones.
    Type(&'static EntityType<R, F, W>),
    /// A type of that name, shown from other rows; an entity of this one shows that one's properties too.
    Other(&'static str),
}

/// A navigation property: it leads from an entity to others.
pub(super) struct Navigation {
    /// As Graph spells it; accepted in any ASCII case.
    pub(super) name: &'static str,
    /// The qualified name of the type at the other end.
    pub(super) target: &'static str,
    /// Whether there may be many.
    pub(super) collection: bool,
    /// Whether the entities there belong to this one and have no other address.
    pub(super) contained: bool,
}

impl Navigation {
    /// To the entities that belong to this one.
    const fn contained(name: &'static str, target: &'static str) -> Self {
        Self { name, target, collection: true, contained: true }
    }

    /// To at most one entity that has its own address.
    const fn reference(name: &'static str, target: &'static str) -> Self {
        Self { name, target, collection: false, contained: false }
    }
}

/// A property of an entity type.
pub(super) struct Property<R, F: 'static, W> {
    /// As Graph spells it; accepted in any ASCII case.
    pub(super) name: &'static str,
    /// The EDM type.
    pub(super) kind: Kind,
    /// Whether null is a value of it.
    pub(super) nullable: bool,
    /// What `$filter` and `$orderby` compare; none when they cannot use it.
    pub(super) field: Option<F>,
    /// The same for the members of a complex value, or of the items of a collection of them.
    pub(super) members: &'static [(&'static str, F)],
    /// Its value in a row.
    pub(super) value: fn(&R) -> Value<'_>,
    /// Stores what a client sent; none when the server alone sets it, and what is sent is ignored.
    pub(super) write: Option<Write<W>>,
}

/// Stores a value that fits the kind and nullability it was checked against.
pub(super) type Write<W> = fn(&mut W, InputValue);

/// An action with its parameters, whose arguments are gathered in an `A`.
pub(super) struct ActionType<A: 'static> {
    /// The action's name.
    pub(super) name: &'static str,
    /// What its body may hold.
    pub(super) parameters: &'static [Parameter<A>],
}

/// A parameter of an action; null may be sent for it.
pub(super) struct Parameter<A> {
    /// As Graph spells it; accepted in any ASCII case.
    pub(super) name: &'static str,
    /// The EDM type.
    pub(super) kind: Kind,
    /// How long a text or a list may be.
    pub(super) bounds: Bounds,
    /// Stores what a client sent.
    pub(super) write: Write<A>,
}

impl<A> Parameter<A> {
    const fn new(name: &'static str, kind: Kind, write: Write<A>) -> Self {
        Self { name, kind, bounds: Bounds::ARGUMENT, write }
    }

    /// A file, of which what it stands for says what is wrong with it.
    const fn file(mut self) -> Self {
        self.bounds = Bounds::FILE;
        self
    }
}

impl<A> ActionType<A> {
    /// The parameters without regard to the type that the arguments are gathered in.
    fn members(&self) -> Vec<Member> {
        self.parameters.iter().map(|known| Member::nullable(known.name, known.kind)).collect()
    }
}

impl<R, F, W> Property<R, F, W> {
    /// A property that is never null and that the server alone sets.
    const fn new(name: &'static str, kind: Kind, value: fn(&R) -> Value<'_>) -> Self {
        Self { name, kind, nullable: false, field: None, members: &[], value, write: None }
    }

    /// A text that may be null.
    const fn text(name: &'static str, value: fn(&R) -> Value<'_>) -> Self {
        Self::new(name, Kind::String, value).nullable()
    }

    /// A moment that is never null.
    const fn moment(name: &'static str, value: fn(&R) -> Value<'_>) -> Self {
        Self::new(name, Kind::DateTimeOffset, value)
    }

    /// With null among its values.
    const fn nullable(mut self) -> Self {
        self.nullable = true;
        self
    }

    /// For `$filter` and `$orderby`.
    const fn field(mut self, field: F) -> Self
    where
        F: Copy,
    {
        self.field = Some(field);
        self
    }

    /// With members for `$filter` and `$orderby`.
    const fn members(mut self, members: &'static [(&'static str, F)]) -> Self
    where
        F: Copy,
    {
        self.members = members;
        self
    }

    /// Set by clients.
    const fn write(mut self, write: Write<W>) -> Self {
        self.write = Some(write);
        self
    }
}

impl<R, F, W> EntityType<R, F, W> {
    /// A type that leads nowhere and that no type of the same rows extends.
    const fn new(name: &'static str, base: Base<R, F, W>, properties: &'static [Property<R, F, W>]) -> Self {
        Self {
            name,
            base,
            is_abstract: false,
            properties,
            navigations: &[],
            of_row: None,
            derived: None,
            reach: None,
        }
    }

    /// The actual type of a row.
    pub(super) fn of(&'static self, row: &R) -> &'static Self {
        self.of_row.map_or(self, |of_row| of_row(row))
    }

    /// The property of that name, in any ASCII case, and its index.
    pub(super) fn property(&self, name: &str) -> Option<(usize, &'static Property<R, F, W>)> {
        self.all_properties()
            .into_iter()
            .enumerate()
            .find(|(_, property)| property.name.eq_ignore_ascii_case(name))
    }

    /// Every property, those of the base first: an index in a base is the same index in what extends it.
    pub(super) fn all_properties(&self) -> Vec<&'static Property<R, F, W>> {
        self.lineage().into_iter().flat_map(|kind| kind.properties).collect()
    }

    /// The qualified names of the type and of what it extends.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.lineage().into_iter().map(|kind| kind.name).collect()
    }

    /// Every navigation, those of the base first.
    pub(super) fn all_navigations(&self) -> Vec<&'static Navigation> {
        self.lineage().into_iter().flat_map(|kind| kind.navigations).collect()
    }

    /// The types of the same rows that it extends, and itself as the last.
    fn lineage(&self) -> Vec<&Self> {
        let mut lineage = match self.base {
            Base::Type(base) => base.lineage(),
            Base::Entity | Base::Other(_) => Vec::new(),
        };
        lineage.push(self);
        lineage
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{DevicePlatform, DiscoverySource, TokenType};

    fn is_sound<R, F, W>(kind: &EntityType<R, F, W>) {
        assert_eq!(kind.all_properties()[0].name, "id");
        for (index, property) in kind.all_properties().into_iter().enumerate() {
            let (found, _) = kind.property(&property.name.to_ascii_uppercase()).unwrap();
            assert_eq!(found, index, "{} is there once", property.name);
            assert!(kind.all_navigations().iter().all(|navigation| navigation.name != property.name));
        }
    }

    #[test]
    fn every_type_begins_with_its_id_and_names_everything_once() {
        is_sound(&DEP_ONBOARDING_SETTING);
        is_sound(&IMPORTED_APPLE_DEVICE_IDENTITY);
        is_sound(&DEVICE_MANAGEMENT);
        for kind in crate::domain::ProfileKind::ALL {
            is_sound(profile_type(kind));
        }
        is_sound(&DEVICE_MANAGEMENT_V1);
        is_sound(&AUDIT_EVENT);
        is_sound(&AUDIT_EVENT_V1);
    }

    #[test]
    fn every_word_of_domain_is_a_member_of_graphs_enum() {
        assert!(TokenType::ALL.iter().all(|word| enums::DEP_TOKEN_TYPE.members.contains(&word.as_str())));
        assert!(DevicePlatform::ALL.iter().all(|word| enums::PLATFORM.members.contains(&word.as_str())));
        assert!(
            DiscoverySource::ALL.iter().all(|word| enums::DISCOVERY_SOURCE.members.contains(&word.as_str()))
        );
    }
}
