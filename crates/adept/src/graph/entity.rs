//! Writes entities as Graph shows them: selected properties, context, and what `odata.metadata` adds.

use adept_odata::Kind;
use axum::http::{StatusCode, header};

use super::{
    Graph,
    protocol::{Metadata, Version},
    request_context::RequestContext,
    response::{GraphResponse, ODATA_ENTITY_ID, PREFERENCE_APPLIED},
    service::Root,
    types::{ComplexType, EntityType, Operation},
    value::{Object, Value},
};

/// How entities are shown.
pub(super) struct Shape {
    pub(super) metadata: Metadata,
    /// The indexes of the selected properties; none for all.
    pub(super) selected: Option<Vec<usize>>,
    /// The navigations that are shown with their entities.
    pub(super) expanded: Vec<&'static str>,
    /// Whether the path narrowed the entities to a type, which each then names.
    pub(super) narrowed: bool,
}

/// The expanded navigations of one entity, written already: members, annotations among them.
pub(super) type ExpandedMembers = Vec<(String, Vec<u8>)>;

impl Shape {
    /// Everything.
    pub(super) fn whole(metadata: Metadata) -> Self {
        Self { metadata, selected: None, expanded: Vec::new(), narrowed: false }
    }

    /// One entity as a document. `set` is the path of its collection below the version.
    pub(super) fn document<R, F, W>(
        &self,
        graph: &Graph,
        request: &RequestContext,
        kind: &'static EntityType<R, F, W>,
        row: &R,
        set: &str,
    ) -> GraphResponse {
        self.document_with(graph, request, kind, row, set, &Vec::new())
    }

    /// The same with its expanded navigations.
    pub(super) fn document_with<R, F, W>(
        &self,
        graph: &Graph,
        request: &RequestContext,
        kind: &'static EntityType<R, F, W>,
        row: &R,
        set: &str,
        expanded: &ExpandedMembers,
    ) -> GraphResponse {
        let mut out = Vec::with_capacity(1024);
        let mut document = Object::open(&mut out);
        self.context(graph, request.version, kind.of(row), set, "/$entity", &mut document);
        self.entity(&graph.root(request.version), kind, row, set, &mut document);
        write_expanded(expanded, &mut document);
        document.close();
        GraphResponse::json(out, self.metadata)
    }

    /// `@odata.context` of a document: the set, what was selected of it, and `suffix`.
    pub(super) fn context<R, F, W>(
        &self,
        graph: &Graph,
        version: Version,
        kind: &EntityType<R, F, W>,
        set: &str,
        suffix: &str,
        document: &mut Object<'_>,
    ) {
        if self.metadata == Metadata::None {
            return;
        }
        let all = kind.all_properties();
        let selected = self.selected.iter().flatten().map(|index| all[*index].name.to_owned());
        let expanded = self.expanded.iter().map(|name| format!("{name}()"));
        let names: Vec<String> = selected.chain(expanded).collect();
        let selected = if names.is_empty() { String::new() } else { format!("({})", names.join(",")) };
        let context = graph.context(version, &format!("{set}{selected}{suffix}"));
        Value::Text(context.into()).write(document.member("@odata.context"));
    }

    /// The members of one entity of a set of `declared`; a type that derives from that one is named.
    pub(super) fn entity<R, F, W>(
        &self,
        root: &Root,
        declared: &'static EntityType<R, F, W>,
        row: &R,
        set: &str,
        object: &mut Object<'_>,
    ) {
        let kind = declared.of(row);
        if self.metadata == Metadata::Full {
            annotate(kind, row, set, object);
            if self.selected.is_none() {
                links(root, kind, &address(kind, row, set), object);
            }
        } else if self.metadata == Metadata::Minimal && (kind.name != declared.name || self.narrowed) {
            Value::Text(format!("#{}", kind.name).into()).write(object.member("@odata.type"));
        }
        let all = kind.all_properties();
        let mut write = |index: usize| {
            let property = all[index];
            if self.metadata == Metadata::Full
                && let Some(type_name) = annotation(property.kind)
            {
                Value::Text(type_name.into()).write(object.annotation(property.name, "@odata.type"));
            }
            let value = (property.value)(row);
            match self.metadata {
                Metadata::Full => write_typed(property.kind, &value, object.member(property.name)),
                Metadata::None | Metadata::Minimal => value.write(object.member(property.name)),
            }
        };
        match &self.selected {
            None => (0..all.len()).for_each(&mut write),
            Some(indexes) => indexes.iter().copied().for_each(&mut write),
        }
    }
}

/// An entity after a write, as `Prefer: return` asks: whole, or not at all.
pub(super) fn write_response(request: &RequestContext, entity: GraphResponse) -> GraphResponse {
    match request.prefers_minimal() {
        None => entity,
        Some(true) => entity.minimal().header(PREFERENCE_APPLIED, "return=minimal"),
        Some(false) => entity.header(PREFERENCE_APPLIED, "return=representation"),
    }
}

/// The result of a function or action that is no entity: `{"value": …}` of an EDM type.
pub(super) fn value_response(
    graph: &Graph,
    request: &RequestContext,
    kind: Kind,
    value: &Value<'_>,
) -> GraphResponse {
    let mut out = Vec::with_capacity(2048);
    let mut document = Object::open(&mut out);
    if request.metadata != Metadata::None {
        let context = graph.context(request.version, &kind.to_string());
        Value::Text(context.into()).write(document.member("@odata.context"));
    }
    value.write(document.member("value"));
    document.close();
    GraphResponse::json(out, request.metadata)
}

/// A new entity: 201 and where it is from now on.
pub(super) fn created_response(
    graph: &Graph,
    request: &RequestContext,
    entity: GraphResponse,
    path: &str,
) -> GraphResponse {
    let location = format!("{}/{}/{path}", graph.public_url, request.version.as_str());
    let response =
        write_response(request, entity.status(StatusCode::CREATED)).header(header::LOCATION, &*location);
    // Without a body this is the only header in which the client finds the id (OData 4.0, part 1, 8.3.4).
    if response.status == StatusCode::NO_CONTENT {
        response.header(ODATA_ENTITY_ID, location)
    } else {
        response
    }
}

/// Appends the expanded navigations of an entity.
pub(super) fn write_expanded(expanded: &ExpandedMembers, object: &mut Object<'_>) {
    for (name, json) in expanded {
        object.member(name).extend_from_slice(json);
    }
}

/// Where an entity is, below the version.
fn address<R, F, W>(kind: &EntityType<R, F, W>, row: &R, set: &str) -> String {
    match kind.all_properties().first().map(|id| (id.value)(row)) {
        Some(Value::Guid(id)) => format!("{set}('{id}')"),
        Some(Value::Text(id)) if id != set => format!("{set}('{id}')"),
        // A singleton is not one of many.
        _ => set.to_owned(),
    }
}

fn annotate<R, F, W>(kind: &EntityType<R, F, W>, row: &R, set: &str, object: &mut Object<'_>) {
    Value::Text(format!("#{}", kind.name).into()).write(object.member("@odata.type"));
    let address = address(kind, row, set);
    Value::text(&address).write(object.member("@odata.id"));
    Value::text(&address).write(object.member("@odata.editLink"));
}

/// Where the navigations of an entity lead and where its actions and functions are called.
fn links<R, F, W>(root: &Root, kind: &EntityType<R, F, W>, address: &str, object: &mut Object<'_>) {
    let at = format!("{}/{address}", root.url);
    for navigation in kind.all_navigations() {
        let to = format!("{at}/{}", navigation.name);
        let reference = format!("{to}/$ref");
        Value::text(&reference).write(object.annotation(navigation.name, "@odata.associationLink"));
        Value::text(&to).write(object.annotation(navigation.name, "@odata.navigationLink"));
    }
    for operation in Operation::bound_to(root.version, &kind.names()) {
        let title = format!("microsoft.graph.{}", operation.name);
        let target = format!("{at}/{title}");
        let shown = Value::Object(vec![("title", Value::text(&title)), ("target", Value::text(&target))]);
        shown.write(object.annotation("#", &title));
    }
}

/// A value whose complex parts name their types.
fn write_typed(kind: Kind, value: &Value<'_>, out: &mut Vec<u8>) {
    match (kind, value) {
        (Kind::Collection(item @ Kind::Complex(_)), Value::List(items)) => {
            out.push(b'[');
            for (index, value) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_typed(*item, value, out);
            }
            out.push(b']');
        }
        (Kind::Complex(name), Value::Object(members)) => {
            let complex = ComplexType::named(name);
            let mut object = Object::open(out);
            Value::Text(format!("#{name}").into()).write(object.member("@odata.type"));
            for (name, value) in members {
                let Some(member) = complex.and_then(|complex| complex.member(name)) else {
                    value.write(object.member(name));
                    continue;
                };
                if let Some(type_name) = annotation(member.kind) {
                    Value::Text(type_name.into()).write(object.annotation(name, "@odata.type"));
                }
                write_typed(member.kind, value, object.member(name));
            }
            object.close();
        }
        _ => value.write(out),
    }
}

/// The type that full metadata names; JSON itself distinguishes text, booleans and 32-bit numbers.
fn annotation(kind: Kind) -> Option<String> {
    match kind {
        Kind::String | Kind::Boolean | Kind::Int32 | Kind::Complex(_) => None,
        Kind::Int64 => Some("#Int64".to_owned()),
        Kind::DateTimeOffset => Some("#DateTimeOffset".to_owned()),
        Kind::Guid => Some("#Guid".to_owned()),
        Kind::Enum(members) => Some(format!("#{}", members.name)),
        Kind::Collection(item) => {
            Some(format!("#Collection({})", item.to_string().trim_start_matches("Edm.")))
        }
    }
}
