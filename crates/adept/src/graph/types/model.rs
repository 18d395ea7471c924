//! The types and operations of a version of the API, without regard to rows, for `$metadata`.

use super::{
    AUDIT_EVENT, AUDIT_EVENT_V1, Base, ComplexType, DEP_ENROLLMENT_BASE_PROFILE, DEP_ENROLLMENT_PROFILE,
    DEP_IOS_ENROLLMENT_PROFILE, DEP_MAC_OS_ENROLLMENT_PROFILE, DEP_ONBOARDING_SETTING,
    DEP_TV_OS_ENROLLMENT_PROFILE, DEP_VISION_OS_ENROLLMENT_PROFILE, DEVICE_MANAGEMENT, DEVICE_MANAGEMENT_V1,
    ENROLLMENT_PROFILE, EntityType, IMPORTED_APPLE_DEVICE_IDENTITY, IMPORTED_APPLE_DEVICE_IDENTITY_RESULT,
    Member, Navigation, NumberedEnum, Operation, complex, enums, operations,
};
use crate::graph::protocol::Version;

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
}
