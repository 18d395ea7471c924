//! A schema with every kind of property, and rows for it. The field type is its own path.

use std::{collections::BTreeMap, fmt};

use adept_odata::{EnumType, Expr, IsOf, Kind, Literal, Row, Schema, TypeTest, parse_filter};
use jiff::Timestamp;

/// A property path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Field(pub(crate) &'static str);

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

pub(crate) static SOURCE: EnumType = EnumType {
    name: "microsoft.graph.discoverySource",
    members: &["unknown", "adminImport", "deviceEnrollmentProgram"],
};
static RESOURCE: Kind = Kind::Complex("microsoft.graph.auditResource");
static PROPERTY: Kind = Kind::Complex("microsoft.graph.auditProperty");
static STRING: Kind = Kind::String;
static GUID: Kind = Kind::Guid;

pub(crate) static PROPERTIES: &[(&str, Kind)] = &[
    ("id", Kind::String),
    ("serialNumber", Kind::String),
    ("description", Kind::String),
    ("tokenName", Kind::String),
    ("appleIdentifier", Kind::String),
    ("requestedEnrollmentProfileId", Kind::String),
    ("componentName", Kind::String),
    ("activityOperationType", Kind::String),
    ("isSupervised", Kind::Boolean),
    ("isDeleted", Kind::Boolean),
    ("syncedDeviceCount", Kind::Int32),
    ("size", Kind::Int64),
    ("activityDateTime", Kind::DateTimeOffset),
    ("correlationId", Kind::Guid),
    ("discoverySource", Kind::Enum(&SOURCE)),
    ("typeName", Kind::Enum(&TYPES)),
    ("actor", Kind::Complex("microsoft.graph.auditActor")),
    ("actor/userPrincipalName", Kind::String),
    ("roleScopeTagIds", Kind::Collection(&STRING)),
    ("groupIds", Kind::Collection(&GUID)),
    ("resources", Kind::Collection(&RESOURCE)),
    ("resourcesTotal", Kind::Int32),
    ("resources/resourceId", Kind::String),
    ("resources/displayName", Kind::String),
    ("resources/typeName", Kind::Enum(&TYPES)),
    ("resources/modifiedProperties", Kind::Collection(&PROPERTY)),
    ("resources/modifiedProperties/newValue", Kind::String),
];

/// What `now()` says in tests.
pub(crate) const NOW: Timestamp = Timestamp::constant(1_790_000_000, 0);

static TYPES: EnumType = EnumType { name: "microsoft.graph.typeName", members: &["fixture", "special"] };

/// Properties of derived types: the cast that leads to them, the path without it, and the kind.
pub(crate) static DERIVED: &[(&str, &str, Kind)] = &[
    ("microsoft.graph.special", "extra", Kind::Int32),
    ("microsoft.graph.specialResource", "resources/extra", Kind::String),
];

/// Being of a derived type, told by the field `typeName` beside its properties.
pub(crate) fn special(type_name: &str) -> Option<TypeTest<Field>> {
    let (type_name, path, _) = DERIVED.iter().find(|(name, ..)| name.eq_ignore_ascii_case(type_name))?;
    let field = if path.contains('/') { Field("resources/typeName") } else { Field("typeName") };
    Some(TypeTest { type_name, field, values: vec![Literal::Enum { member: "special", ordinal: 1 }] })
}

pub(crate) struct Fixture;

impl Schema<Field> for Fixture {
    fn type_name(&self) -> &str {
        "microsoft.graph.fixture"
    }

    fn field(&self, path: &[&str]) -> Option<(Field, Kind)> {
        if let Some(place) = path.iter().position(|name| name.contains('.')) {
            let bare = [&path[..place], &path[place + 1..]].concat().join("/");
            let (_, name, kind) = DERIVED.iter().find(|(cast, name, _)| {
                cast.eq_ignore_ascii_case(path[place]) && name.eq_ignore_ascii_case(&bare)
            })?;
            return Some((Field(name), *kind));
        }
        let joined = path.join("/");
        let (name, kind) = PROPERTIES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&joined))?;
        Some((Field(name), *kind))
    }

    /// A picture is everywhere, and nothing can be compared with it.
    fn type_of(&self, path: &[&str]) -> Option<String> {
        match path {
            ["photo"] | [_, "photo"] => Some("Edm.Stream".to_owned()),
            path => self.field(path).map(|(_, kind)| kind.item().to_string()),
        }
    }

    fn is_of(&self, path: &[&str], type_name: &str) -> IsOf<Field> {
        let of_row = path.is_empty();
        if of_row && type_name.eq_ignore_ascii_case(self.type_name()) {
            return IsOf::Fixed(true);
        }
        match special(type_name) {
            Some(test) if of_row != test.field.0.contains('/') => IsOf::Depends(test),
            Some(_) => IsOf::Fixed(false),
            None => IsOf::Unknown,
        }
    }
}

pub(crate) fn parse(text: &str) -> Expr<Field> {
    parse_filter(text, &Fixture, NOW).unwrap_or_else(|error| panic!("{text}: {error}"))
}

pub(crate) fn refusal(text: &str) -> String {
    match parse_filter(text, &Fixture, NOW) {
        Ok(filter) => panic!("{text} was read as {filter}"),
        Err(error) => error.to_string(),
    }
}

/// A row, or an item with the fields of the row around it.
#[derive(Clone, Default)]
pub(crate) struct Record {
    values: BTreeMap<Field, Literal>,
    items: BTreeMap<Field, Vec<Record>>,
}

impl Record {
    pub(crate) fn with(mut self, field: &'static str, value: Literal) -> Self {
        self.values.insert(Field(field), value);
        self
    }

    pub(crate) fn text(self, field: &'static str, value: &str) -> Self {
        self.with(field, Literal::Text(value.to_owned()))
    }

    pub(crate) fn items(mut self, field: &'static str, items: Vec<Record>) -> Self {
        self.items.insert(Field(field), items);
        self
    }
}

impl Row<Field> for Record {
    fn value(&self, field: &Field) -> Option<Literal> {
        self.values.get(field).cloned()
    }

    fn items(&self, collection: &Field) -> Vec<Box<dyn Row<Field> + '_>> {
        let items = self.items.get(collection).into_iter().flatten();
        items
            .map(|item| {
                let mut item = item.clone();
                for (field, value) in &self.values {
                    item.values.entry(*field).or_insert_with(|| value.clone());
                }
                Box::new(item) as Box<dyn Row<Field>>
            })
            .collect()
    }
}
