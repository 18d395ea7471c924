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
pub(in crate::graph) trait DescribedEntity: Sync {
    /// The qualified name.
    fn name(&self) -> &'static str;
    /// The qualified name of what it extends.
    fn base(&self) -> &'static str;
    /// Whether no entity is of exactly this type.
    fn is_abstract(&self) -> bool;
    /// The own properties; `id` is the root's.
    fn own(&self) -> Vec<Member>;
    /// The own navigations.
    fn navigations(&self) -> &'static [Navigation];
}

impl<R, F: Sync, W> DescribedEntity for EntityType<R, F, W> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn base(&self) -> &'static str {
        match self.base {
            Base::Entity => ENTITY,
            Base::Type(base) => base.name,
            Base::Other(name) => name,
        }
    }

    fn is_abstract(&self) -> bool {
        self.is_abstract
    }

    fn own(&self) -> Vec<Member> {
        let own = self.properties.iter().filter(|property| property.name != "id");
        own.map(|property| Member { name: property.name, kind: property.kind, nullable: property.nullable })
            .collect()
    }

    fn navigations(&self) -> &'static [Navigation] {
        self.navigations
    }
}

/// All types and operations of a version.
pub(in crate::graph) struct Model {
    /// Each after what it extends.
    pub(in crate::graph) entities: Vec<&'static dyn DescribedEntity>,
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
                    &DEVICE_MANAGEMENT,
                    &DEP_ONBOARDING_SETTING,
                    &ENROLLMENT_PROFILE,
                    &DEP_ENROLLMENT_BASE_PROFILE,
                    &DEP_ENROLLMENT_PROFILE,
                    &DEP_IOS_ENROLLMENT_PROFILE,
                    &DEP_MAC_OS_ENROLLMENT_PROFILE,
                    &DEP_TV_OS_ENROLLMENT_PROFILE,
                    &DEP_VISION_OS_ENROLLMENT_PROFILE,
                    &IMPORTED_APPLE_DEVICE_IDENTITY,
                    &IMPORTED_APPLE_DEVICE_IDENTITY_RESULT,
                    &AUDIT_EVENT,
                ],
                complex: complex::BETA,
                enums: enums::ALL,
                operations: operations::BETA,
            },
            Version::V1 => Self {
                entities: vec![&DEVICE_MANAGEMENT_V1, &AUDIT_EVENT_V1],
                complex: complex::V1,
                enums: &[],
                operations: operations::V1,
            },
        }
    }
}
