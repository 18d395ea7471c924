//! Entity types as `$filter`, `$orderby` and `$select` see them: which names lead to which fields, and which types there
//! are to be of.

use adept_odata::{IsOf, Kind, Schema};

use super::{ComplexType, ENTITY, EntityType, Model, Navigation};
use crate::graph::protocol::Version;

/// How a type's derived types are told apart.
pub(in crate::graph) struct DerivedTypes<R: 'static, F: 'static, W: 'static> {
    /// The type of that name, if it is one of them or one that they extend.
    pub(super) named: fn(&str) -> Option<&'static EntityType<R, F, W>>,
    /// The test of a row for being of a type.
    pub(super) is_of: fn(&'static EntityType<R, F, W>) -> IsOf<F>,
}

/// The field that a path behind a navigation leads to.
type ReachedField<F> = fn(&'static Navigation, &[&str]) -> Option<(F, Kind)>;

/// What can be asked of the entities that a type's navigations lead to.
pub(in crate::graph) struct Reach<F: 'static> {
    /// What a path means that begins with this navigation; the rest may be empty.
    pub(super) field: ReachedField<F>,
    /// Being of a type, for what the navigation leads to.
    pub(super) is_of: fn(&'static Navigation, &str) -> IsOf<F>,
}

/// Whether a type is meant by what a client wrote: its name in any ASCII case, with one of its namespaces or none.
pub(in crate::graph) fn is_called(type_name: &str, written: &str) -> bool {
    let bare = |name: &str| {
        let lower = name.to_ascii_lowercase();
        let bare = ["microsoft.graph.", "graph."].iter().find_map(|namespace| lower.strip_prefix(namespace));
        bare.map_or(lower.clone(), str::to_owned)
    };
    bare(type_name) == bare(written)
}

/// A path without the cast at its start that says what a complex value is anyway.
fn behind_identity_cast<'p, 't>(path: &'p [&'t str], kind: Kind) -> &'p [&'t str] {
    match (path, kind.item()) {
        ([cast, rest @ ..], Kind::Complex(name)) if cast.contains('.') && is_called(name, cast) => rest,
        _ => path,
    }
}

impl<R, F: Copy, W> EntityType<R, F, W> {
    fn navigation(&self, name: &str) -> Option<&'static Navigation> {
        self.all_navigations().into_iter().find(|navigation| navigation.name.eq_ignore_ascii_case(name))
    }

    /// The type that a path is narrowed to, or widened to: of the root of all types only what it has itself is seen.
    fn cast(&self, name: &str, rest: &[&str]) -> Option<&Self> {
        if self.is_named(name) {
            return Some(self);
        }
        if is_called(ENTITY, name) {
            return rest.iter().all(|name| name.eq_ignore_ascii_case("id")).then_some(self);
        }
        self.derived(name)
    }

    /// Whether it is of the type that a client wrote, or extends it.
    fn is_named(&self, written: &str) -> bool {
        self.names().iter().any(|name| is_called(name, written))
    }

    fn derived(&self, name: &str) -> Option<&'static EntityType<R, F, W>> {
        (self.derived.as_ref()?.named)(name)
    }
}

impl<R, F: Copy, W> Schema<F> for EntityType<R, F, W> {
    fn type_name(&self) -> &str {
        self.name
    }

    fn field(&self, path: &[&str]) -> Option<(F, Kind)> {
        let (first, rest) = path.split_first()?;
        if first.contains('.') {
            return self.cast(first, rest)?.field(rest);
        }
        let Some((_, property)) = self.property(first) else {
            return (self.reach.as_ref()?.field)(self.navigation(first)?, rest);
        };
        match behind_identity_cast(rest, property.kind) {
            [] if rest.is_empty() => Some((property.field?, property.kind)),
            // A cast stands behind one item.
            [] => Some((property.field?, property.kind.item())),
            [member] => {
                let Kind::Complex(complex) = property.kind.item() else { return None };
                let known = |(name, _): &&(&str, F)| name.eq_ignore_ascii_case(member);
                let (name, field) = property.members.iter().find(known)?;
                Some((*field, ComplexType::named(complex)?.member(name)?.kind))
            }
            _ => None,
        }
    }

    fn type_of(&self, path: &[&str]) -> Option<String> {
        Model::of(Version::Beta).type_at(self.name, path)
    }

    fn is_of(&self, path: &[&str], type_name: &str) -> IsOf<F> {
        let model = Model::of(Version::Beta);
        let of_this = match path {
            [] if self.is_named(type_name) || is_called(ENTITY, type_name) => IsOf::Fixed(true),
            [] => match (&self.derived, self.derived(type_name)) {
                (Some(types), Some(derived)) => (types.is_of)(derived),
                _ => IsOf::Unknown,
            },
            [first, ..] => match (&self.reach, self.navigation(first), path.len()) {
                (Some(reach), Some(navigation), 1) => (reach.is_of)(navigation, type_name),
                _ => match model.type_at(self.name, path) {
                    Some(actual) if is_called(&actual, type_name) => IsOf::Fixed(true),
                    _ => IsOf::Unknown,
                },
            },
        };
        match of_this {
            IsOf::Unknown if model.has_type(type_name) => IsOf::Fixed(false),
            known => known,
        }
    }
}

/// What `$select` names: a property, or a member of its complex value or values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::graph) struct Selected {
    /// The type that a row must be of to show it; none for any.
    pub(in crate::graph) of_type: Option<&'static str>,
    /// The property's name, or that of a navigation, which `$expand` shows.
    pub(in crate::graph) property: &'static str,
    /// The member; none for the whole.
    pub(in crate::graph) member: Option<&'static str>,
}

/// An entity type seen by `$select`.
pub(in crate::graph) struct Selectable<'t, R: 'static, F: 'static, W: 'static>(
    pub(in crate::graph) &'t EntityType<R, F, W>,
);

impl<R, F: Copy, W> Schema<Selected> for Selectable<'_, R, F, W> {
    fn type_name(&self) -> &str {
        self.0.name
    }

    fn field(&self, path: &[&str]) -> Option<(Selected, Kind)> {
        let (first, rest) = path.split_first()?;
        if first.contains('.') {
            if self.0.names().iter().any(|name| is_called(name, first)) {
                return self.field(rest);
            }
            let derived = self.0.derived(first)?;
            let (selected, kind) = Selectable(derived).field(rest)?;
            return Some((Selected { of_type: Some(derived.name), ..selected }, kind));
        }
        let Some((_, property)) = self.0.property(first) else {
            let navigation = self.0.navigation(first).filter(|_| rest.is_empty())?;
            let selected = Selected { of_type: None, property: navigation.name, member: None };
            return Some((selected, Kind::Complex(navigation.target)));
        };
        let selected = Selected { of_type: None, property: property.name, member: None };
        let [member] = rest else {
            return Some((selected, property.kind)).filter(|_| rest.is_empty());
        };
        let Kind::Complex(name) = property.kind.item() else { return None };
        let member = ComplexType::named(name)?.member(member)?;
        Some((Selected { member: Some(member.name), ..selected }, member.kind))
    }

    fn type_of(&self, path: &[&str]) -> Option<String> {
        self.0.type_of(path)
    }

    fn is_of(&self, _path: &[&str], _type_name: &str) -> IsOf<Selected> {
        IsOf::Unknown
    }
}
