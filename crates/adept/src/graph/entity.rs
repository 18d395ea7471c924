//! Writes entities as Graph shows them: selected properties, context, and what `odata.metadata` adds.

use adept_odata::Kind;
use axum::http::{StatusCode, header};

use super::{
    error::Error,
    protocol::{Metadata, Version},
    request_context::RequestContext,
    response::GraphResponse,
    route::HandlerResult,
    types::{ComplexType, EntityType, Operation, Property, Selected},
    value::{Object, Value, write_array, write_object},
};

/// A set of entities: their type, and the set's path below the version, with its keys in parentheses.
pub(super) struct EntitySet<R: 'static, F: 'static, W: 'static> {
    pub(super) kind: &'static EntityType<R, F, W>,
    pub(super) path: String,
}

impl<R, F, W> EntitySet<R, F, W> {
    /// The set of that path.
    pub(super) fn new(kind: &'static EntityType<R, F, W>, path: impl Into<String>) -> Self {
        Self { kind, path: path.into() }
    }

    /// Where an entity is, below the version.
    pub(super) fn address(&self, row: &R) -> String {
        let set = &self.path;
        match self.kind.all_properties().first().map(|id| (id.value)(row)) {
            Some(Value::Guid(id)) => format!("{set}('{id}')"),
            Some(Value::Text(id)) if id != *set => format!("{set}('{id}')"),
            // A singleton is not one of many.
            _ => set.clone(),
        }
    }
}

/// How entities are shown; by default with every property.
#[derive(Default)]
pub(super) struct Shape {
    /// What was selected, each once, in the order written; none for all.
    pub(super) selected: Option<Vec<Selected>>,
    /// The navigations that are shown with their entities.
    pub(super) expanded: Vec<&'static str>,
    /// Whether the path narrowed the entities to a type, which each then names.
    pub(super) narrowed: bool,
}

/// What entities are written with, of the request that they answer.
pub(super) struct EntityWriter {
    metadata: Metadata,
    version: Version,
    /// Where the URLs of that version begin.
    root: String,
}

/// The expanded navigations of one entity, written already: members, annotations among them.
pub(super) type ExpandedMembers = Vec<(String, Vec<u8>)>;

impl Shape {
    /// What was asked for of one entity: all of it, or a property by itself.
    pub(super) fn answer<R, F, W>(
        &self,
        request: &RequestContext<'_>,
        set: &EntitySet<R, F, W>,
        row: &R,
        expanded: &[(String, Vec<u8>)],
    ) -> HandlerResult {
        match request.endpoint.property.split_first() {
            None => Ok(self.document(request, set, row, expanded)),
            Some((name, rest)) => {
                let unknown = || Error::UnknownSegment(name.clone());
                let (_, property) = set.kind.of(row).property(name).ok_or_else(unknown)?;
                let at = format!("{}/{}", set.address(row), property.name);
                property_document(request, at, property.kind, &(property.value)(row), rest)
            }
        }
    }

    /// One entity as a document, with its expanded navigations.
    pub(super) fn document<R, F, W>(
        &self,
        request: &RequestContext<'_>,
        set: &EntitySet<R, F, W>,
        row: &R,
        expanded: &[(String, Vec<u8>)],
    ) -> GraphResponse {
        // A singleton is not one of many.
        let of_many = if set.address(row) == set.path { "" } else { "/$entity" };
        let fragment = format!("{}{of_many}", self.fragment(&set.path));
        let writer = request.entity_writer();
        request.document(&fragment, |document| self.entity(&writer, set, row, expanded, document))
    }

    /// What the context says of a document: the set and what was selected of it.
    pub(super) fn fragment(&self, set: &str) -> String {
        let selected = self.selected.iter().flatten().map(|selected| {
            let parts = [selected.of_type, Some(selected.property), selected.member];
            parts.into_iter().flatten().collect::<Vec<_>>().join("/")
        });
        let expanded = self.expanded.iter().map(|name| format!("{name}()"));
        let names: Vec<String> = selected.chain(expanded).collect();
        if names.is_empty() { set.to_owned() } else { format!("{set}({})", names.join(",")) }
    }

    /// The members of one entity; a type that derives from the set's is named.
    pub(super) fn entity<R, F, W>(
        &self,
        writer: &EntityWriter,
        set: &EntitySet<R, F, W>,
        row: &R,
        expanded: &[(String, Vec<u8>)],
        object: &mut Object<'_>,
    ) {
        let kind = set.kind.of(row);
        let is_full = writer.metadata == Metadata::Full;
        let is_named = kind.name != set.kind.name || self.narrowed;
        if is_full || writer.metadata == Metadata::Minimal && is_named {
            Value::Text(format!("#{}", kind.name).into()).write(object.member("@odata.type"));
        }
        if is_full {
            let address = set.address(row);
            Value::text(&address).write(object.member("@odata.id"));
            Value::text(&address).write(object.member("@odata.editLink"));
            if self.selected.is_none() {
                writer.links(kind, &address, object);
            }
        }
        let all = kind.all_properties();
        let mut write = |property: &Property<R, F, W>, value: Value<'_>| {
            if is_full {
                write_typed(property.name, property.kind, &value, object);
            } else {
                value.write(object.member(property.name));
            }
        };
        match &self.selected {
            None => all.iter().for_each(|property| write(property, (property.value)(row))),
            Some(selected) => {
                let names = kind.names();
                let of_row: Vec<_> = selected
                    .iter()
                    .filter(|selected| selected.of_type.is_none_or(|of_type| names.contains(&of_type)))
                    .collect();
                for (index, first) in of_row.iter().enumerate() {
                    let is_written = of_row[..index].iter().any(|other| other.property == first.property);
                    let property = all.iter().find(|property| property.name == first.property);
                    let Some(property) = property.filter(|_| !is_written) else { continue };
                    let same = of_row.iter().filter(|other| other.property == first.property);
                    let members: Option<Vec<_>> = same.map(|other| other.member).collect();
                    let value = (property.value)(row);
                    write(
                        property,
                        match members {
                            Some(members) => value.with_members(&members),
                            None => value,
                        },
                    );
                }
            }
        }
        for (name, json) in expanded {
            object.member(name).extend_from_slice(json);
        }
    }
}

impl RequestContext<'_> {
    /// What entities of its answer are written with.
    pub(super) fn entity_writer(&self) -> EntityWriter {
        EntityWriter { metadata: self.metadata, version: self.endpoint.version, root: self.root() }
    }

    /// A document: `@odata.context` with this fragment, then what `write` adds.
    pub(super) fn document(&self, fragment: &str, write: impl FnOnce(&mut Object<'_>)) -> GraphResponse {
        document(self.metadata, &self.context(fragment), write)
    }

    /// The context URL of what `fragment` describes.
    pub(super) fn context(&self, fragment: &str) -> String {
        format!("{}/$metadata#{fragment}", self.root())
    }

    /// The result of a function or action that is no entity: `{"value": …}` of an EDM type.
    pub(super) fn value(&self, kind: Kind, value: &Value<'_>) -> GraphResponse {
        self.document(&kind.to_string(), |document| value.write(document.member("value")))
    }

    /// An entity after a write, as `Prefer: return` asks: whole, or not at all.
    pub(super) fn changed<R, F, W>(&self, set: &EntitySet<R, F, W>, row: &R) -> GraphResponse {
        let entity = || Shape::default().document(self, set, row, &[]);
        match self.prefers_minimal() {
            None => entity(),
            Some(true) => GraphResponse::no_content().header("preference-applied", "return=minimal"),
            Some(false) => entity().header("preference-applied", "return=representation"),
        }
    }

    /// A new entity: 201 and where it is from now on.
    pub(super) fn created<R, F, W>(&self, set: &EntitySet<R, F, W>, row: &R) -> GraphResponse {
        let location = format!("{}/{}", self.root(), set.address(row));
        let response = self.changed(set, row).header(header::LOCATION, &*location);
        match response.status() {
            // Without a body this is the only header in which the client finds the id (OData 4.0, part 1, 8.3.4).
            StatusCode::NO_CONTENT => response.header("odata-entityid", location),
            _ => response.with_status(StatusCode::CREATED),
        }
    }
}

/// A property by itself, or what `rest` asks of it. `at` is its path below the version.
fn property_document(
    request: &RequestContext<'_>,
    at: String,
    kind: Kind,
    value: &Value<'_>,
    rest: &[String],
) -> HandlerResult {
    let Some((next, rest)) = rest.split_first() else {
        return Ok(match (kind, value) {
            // OData 4.0, part 1, 11.2.3: what is null has no content.
            (_, Value::Null) => GraphResponse::no_content(),
            (Kind::Complex(_), Value::Object(members)) => request.document(&at, |document| {
                members.iter().for_each(|(name, value)| value.write(document.member(name)));
            }),
            _ => request.document(&at, |document| value.write(document.member("value"))),
        });
    };
    let unknown = || Error::UnknownSegment(next.clone());
    let is_last = rest.is_empty();
    match (kind, value) {
        (Kind::Collection(_), _) if is_last && next.eq_ignore_ascii_case("$count") => {
            let items = if let Value::List(items) = value { items.len() } else { 0 };
            Ok(GraphResponse::count(items))
        }
        (Kind::Collection(_), _) => Err(unknown()),
        (Kind::Complex(name), value) => {
            let member =
                ComplexType::named(name).and_then(|complex| complex.member(next)).ok_or_else(unknown)?;
            let of_this =
                |members: &Vec<(&str, Value<'_>)>| members.iter().position(|(name, _)| *name == member.name);
            let found = match value {
                Value::Object(members) => of_this(members).map(|index| &members[index].1),
                _ => None,
            };
            let at = format!("{at}/{}", member.name);
            property_document(request, at, member.kind, found.unwrap_or(&Value::Null), rest)
        }
        (_, Value::Null) if is_last && next.eq_ignore_ascii_case("$value") => Ok(GraphResponse::no_content()),
        _ if is_last && next.eq_ignore_ascii_case("$value") => {
            Ok(GraphResponse::document("text/plain;charset=utf-8", value.as_text().into_owned()))
        }
        _ => Err(unknown()),
    }
}

/// A document with its context, where that is shown, and what `write` adds.
pub(super) fn document(
    metadata: Metadata,
    context: &str,
    write: impl FnOnce(&mut Object<'_>),
) -> GraphResponse {
    GraphResponse::json(written(metadata, context, write), metadata)
}

/// The same as text.
pub(super) fn written(metadata: Metadata, context: &str, write: impl FnOnce(&mut Object<'_>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    write_object(&mut out, |document| {
        if metadata != Metadata::None {
            Value::text(context).write(document.member("@odata.context"));
        }
        write(document);
    });
    out
}

impl EntityWriter {
    /// Where the navigations of an entity lead and where its actions and functions are called.
    fn links<R, F, W>(&self, kind: &EntityType<R, F, W>, address: &str, object: &mut Object<'_>) {
        let at = format!("{}/{address}", self.root);
        for navigation in kind.all_navigations() {
            let to = format!("{at}/{}", navigation.name);
            let reference = format!("{to}/$ref");
            Value::text(&reference).write(object.annotation(navigation.name, "@odata.associationLink"));
            Value::text(&to).write(object.annotation(navigation.name, "@odata.navigationLink"));
        }
        for operation in Operation::bound_to(self.version, &kind.names()) {
            let title = format!("microsoft.graph.{}", operation.name);
            let target = format!("{at}/{title}");
            let shown = Value::Object(vec![("title", Value::text(&title)), ("target", Value::text(&target))]);
            shown.write(object.annotation("#", &title));
        }
    }
}

/// A member whose complex parts name their types.
fn write_typed(name: &str, kind: Kind, value: &Value<'_>, object: &mut Object<'_>) {
    if let Some(type_name) = annotation(kind) {
        Value::Text(type_name.into()).write(object.annotation(name, "@odata.type"));
    }
    write_parts(kind, value, object.member(name));
}

fn write_parts(kind: Kind, value: &Value<'_>, out: &mut Vec<u8>) {
    match (kind, value) {
        (Kind::Collection(item @ Kind::Complex(_)), Value::List(items)) => {
            write_array(out, items, |value, out| write_parts(*item, value, out));
        }
        (Kind::Complex(name), Value::Object(members)) => write_object(out, |object| {
            Value::Text(format!("#{name}").into()).write(object.member("@odata.type"));
            let complex = ComplexType::named(name);
            for (name, value) in members {
                match complex.and_then(|complex| complex.member(name)) {
                    Some(member) => write_typed(name, member.kind, value, object),
                    None => value.write(object.member(name)),
                }
            }
        }),
        _ => value.write(out),
    }
}

/// The type that full metadata names; JSON itself distinguishes text, booleans and 32-bit numbers.
fn annotation(kind: Kind) -> Option<String> {
    match kind {
        Kind::String | Kind::Boolean | Kind::Int32 | Kind::Complex(_) => None,
        Kind::Int64 => Some("#Int64".to_owned()),
        Kind::DateTimeOffset => Some("#DateTimeOffset".to_owned()),
        Kind::Date => Some("#Date".to_owned()),
        Kind::Guid => Some("#Guid".to_owned()),
        Kind::Enum(members) => Some(format!("#{}", members.name)),
        Kind::Collection(item) => {
            Some(format!("#Collection({})", item.to_string().trim_start_matches("Edm.")))
        }
    }
}
