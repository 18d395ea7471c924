//! The types and operations of a version of the API, without regard to rows, for `$metadata`.

use super::{
    AUDIT_EVENT, AUDIT_EVENT_V1, Base, ComplexType, DEP_ENROLLMENT_BASE_PROFILE, DEP_ENROLLMENT_PROFILE,
    DEP_IOS_ENROLLMENT_PROFILE, DEP_MAC_OS_ENROLLMENT_PROFILE, DEP_ONBOARDING_SETTING,
    DEP_TV_OS_ENROLLMENT_PROFILE, DEP_VISION_OS_ENROLLMENT_PROFILE, DEVICE_MANAGEMENT, DEVICE_MANAGEMENT_V1,
    ENROLLMENT_PROFILE, EntityType, IMPORTED_APPLE_DEVICE_IDENTITY, IMPORTED_APPLE_DEVICE_IDENTITY_RESULT,
    Member, Navigation, NumberedEnum, Operation, complex, enums, is_called, operations,
};
use crate::graph::protocol::Version;
use adept_odata::Kind;

/// The root of every entity type.
pub(in crate::graph) const ENTITY: &str = "microsoft.graph.entity";

/// An entity type without regard to its rows.
pub(in crate::graph) struct EntityDescription {
    /// The qualified name.
    pub(in crate::graph) name: &'static str,
    /// The qualified name of what it extends.
    pub(in crate::graph) base: &'static str,
    /// Whether no entity is of exactly this type.
    pub(in crate::graph) is_abstract: bool,
    /// The own properties; `id` is the root's.
    pub(in crate::graph) own: Vec<Member>,
    /// The own navigations.
    pub(in crate::graph) navigations: &'static [Navigation],
}

impl<R, F, W> EntityType<R, F, W> {
    fn describe(&self) -> EntityDescription {
        let base = match self.base {
            Base::Entity => ENTITY,
            Base::Type(base) => base.name,
            Base::Other(name) => name,
        };
        let own = self.properties.iter().filter(|property| property.name != "id");
        let own = own
            .map(|own| Member { nullable: own.nullable, ..Member::required(own.name, own.kind) })
            .collect();
        let Self { name, is_abstract, navigations, .. } = *self;
        EntityDescription { name, base, is_abstract, own, navigations }
    }
}

/// All types and operations of a version.
pub(in crate::graph) struct Model {
    /// Each after what it extends.
    pub(in crate::graph) entities: Vec<EntityDescription>,
    pub(in crate::graph) complex: &'static [ComplexType],
    pub(in crate::graph) enums: &'static [NumberedEnum],
    pub(in crate::graph) operations: &'static [Operation],
}

impl Model {
    /// What that version is made of.
    pub(in crate::graph) fn of(version: Version) -> Self {
        match version {
            Version::Beta => Self {
                entities: vec![
                    DEVICE_MANAGEMENT.describe(),
                    DEP_ONBOARDING_SETTING.describe(),
                    ENROLLMENT_PROFILE.describe(),
                    DEP_ENROLLMENT_BASE_PROFILE.describe(),
                    DEP_ENROLLMENT_PROFILE.describe(),
                    DEP_IOS_ENROLLMENT_PROFILE.describe(),
                    DEP_MAC_OS_ENROLLMENT_PROFILE.describe(),
                    DEP_TV_OS_ENROLLMENT_PROFILE.describe(),
                    DEP_VISION_OS_ENROLLMENT_PROFILE.describe(),
                    IMPORTED_APPLE_DEVICE_IDENTITY.describe(),
                    IMPORTED_APPLE_DEVICE_IDENTITY_RESULT.describe(),
                    AUDIT_EVENT.describe(),
                ],
                complex: complex::BETA,
                enums: enums::ALL,
                operations: operations::BETA,
            },
            Version::V1 => Self {
                entities: vec![DEVICE_MANAGEMENT_V1.describe(), AUDIT_EVENT_V1.describe()],
                complex: complex::V1,
                enums: &[],
                operations: operations::V1,
            },
        }
    }

    /// The type of what a path leads to from a type, or of each of its items where it leads to many, also where no list compares
    /// it; none where there is no such path.
    pub(in crate::graph) fn type_at(&self, from: &str, path: &[&str]) -> Option<String> {
        let Some((first, rest)) = path.split_first() else { return Some(from.to_owned()) };
        let next = if first.contains('.') { self.cast(from, first) } else { self.member(from, first) };
        self.type_at(&next?, rest)
    }

    /// Whether there is a type of the name that a client wrote.
    pub(in crate::graph) fn has_type(&self, written: &str) -> bool {
        let entities = self.entities.iter().map(|entity| entity.name);
        let complex = self.complex.iter().map(|complex| complex.name);
        entities.chain(complex).chain([ENTITY]).chain(PRIMITIVE).any(|name| is_called(name, written))
    }

    fn member(&self, of: &str, name: &str) -> Option<String> {
        if let Some(complex) = self.complex.iter().find(|complex| complex.name == of) {
            return complex.member(name).map(|member| member.kind.item().to_string());
        }
        let lineage = self.lineage(of);
        if name.eq_ignore_ascii_case("id") && (!lineage.is_empty() || of == ENTITY) {
            return Some(Kind::String.to_string());
        }
        lineage.into_iter().find_map(|entity| {
            let mut own = entity.own.iter().filter(|own| own.name.eq_ignore_ascii_case(name));
            let mut led = entity.navigations.iter().filter(|led| led.name.eq_ignore_ascii_case(name));
            let own = own.next().map(|own| own.kind.item().to_string());
            own.or_else(|| led.next().map(|navigation| navigation.target.to_owned()))
        })
    }

    /// The type that a cast leads to: the same, one that it extends, or one that extends it.
    fn cast(&self, from: &str, written: &str) -> Option<String> {
        if is_called(from, written) {
            return Some(from.to_owned());
        }
        let own = self.lineage(from);
        if !own.is_empty() && is_called(ENTITY, written) {
            return Some(ENTITY.to_owned());
        }
        let to = self.entities.iter().find(|entity| is_called(entity.name, written))?;
        let is_among =
            |lineage: &[&EntityDescription], name: &str| lineage.iter().any(|one| one.name == name);
        let related = is_among(&own, to.name) || is_among(&self.lineage(to.name), from);
        related.then(|| to.name.to_owned())
    }

    /// The entity type of that name and those that it extends, the root apart.
    fn lineage(&self, name: &str) -> Vec<&EntityDescription> {
        let of_name = |name: &str| self.entities.iter().find(|entity| entity.name == name);
        std::iter::successors(of_name(name), |entity| of_name(entity.base)).collect()
    }
}

/// The types of single values.
const PRIMITIVE: [&str; 6] =
    ["Edm.String", "Edm.Boolean", "Edm.Int32", "Edm.Int64", "Edm.DateTimeOffset", "Edm.Guid"];
