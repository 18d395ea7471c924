//! `$metadata`: the description of the types as an EDMX 4.0 document. The descriptions are in `types`. Types are written
//! with their full names, since some generators of clients do not follow the alias.
//!
//! Source of the form: OASIS, "OData Common Schema Definition Language (CSDL) Version 4.0".

use std::{fmt::Write, sync::LazyLock};

use adept_odata::Kind;
use axum::http::request::Parts;
use bytes::Bytes;

use super::{
    Graph,
    error::Error,
    protocol::{Version, format_of},
    response::GraphResponse,
    route::HandlerResult,
    types::{Binding, ENTITY, EntityDescription, Member, Model, Operation},
};

static BETA: LazyLock<Bytes> = LazyLock::new(|| document(Version::Beta).into());
static V1: LazyLock<Bytes> = LazyLock::new(|| document(Version::V1).into());

/// Describes the version. `Accept` is not looked at: there is only this media type, and clients send the one that they ask
/// everything with. `$format` is meant for this document.
pub(super) fn handle(_graph: &Graph, version: Version, parts: &Parts) -> HandlerResult {
    if format_of(parts).is_some_and(|format| !is_xml(&format)) {
        return Err(Error::OnlyXml);
    }
    let document = match version {
        Version::Beta => &BETA,
        Version::V1 => &V1,
    };
    Ok(GraphResponse::document("application/xml", Bytes::clone(document)))
}

fn is_xml(format: &str) -> bool {
    let media = format.split(';').next().unwrap_or_default().trim();
    ["xml", "application/xml"].iter().any(|known| known.eq_ignore_ascii_case(media))
}

/// The document of that version.
fn document(version: Version) -> String {
    let model = Model::of(version);
    let mut xml = Xml { text: r#"<?xml version="1.0" encoding="utf-8"?>"#.to_owned() };
    xml.open("edmx:Edmx", &[("Version", "4.0"), ("xmlns:edmx", "http://docs.oasis-open.org/odata/ns/edmx")]);
    xml.open("edmx:DataServices", &[]);
    let namespace = [
        ("Namespace", "microsoft.graph"),
        ("Alias", "graph"),
        ("xmlns", "http://docs.oasis-open.org/odata/ns/edm"),
    ];
    xml.open("Schema", &namespace);
    for numbered in model.enums {
        xml.open("EnumType", &[("Name", own_name(numbered.kind.name))]);
        for (index, member) in numbered.kind.members.iter().enumerate() {
            let number = (index * numbered.step).to_string();
            xml.leaf("Member", &[("Name", member), ("Value", &number)]);
        }
        xml.close("EnumType");
    }
    xml.root_entity();
    for entity in &model.entities {
        xml.entity(entity);
    }
    for complex in model.complex {
        let name = ("Name", own_name(complex.name));
        // A type without listed members is open.
        let attributes =
            if complex.members.is_empty() { vec![name, ("OpenType", "true")] } else { vec![name] };
        xml.open("ComplexType", &attributes);
        complex.members.iter().for_each(|member| xml.property(member));
        xml.close("ComplexType");
    }
    for operation in model.operations {
        xml.operation(operation);
    }
    xml.open("EntityContainer", &[("Name", "GraphService")]);
    xml.leaf("Singleton", &[("Name", "deviceManagement"), ("Type", "microsoft.graph.deviceManagement")]);
    xml.close("EntityContainer");
    xml.close("Schema");
    xml.close("edmx:DataServices");
    xml.close("edmx:Edmx");
    xml.text
}

/// A document that is being written. Names and types are ours and need no escape.
struct Xml {
    text: String,
}

impl Xml {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.text.push('>');
    }

    fn leaf(&mut self, name: &str, attributes: &[(&str, &str)]) {
        self.begin(name, attributes);
        self.text.push_str("/>");
    }

    fn begin(&mut self, name: &str, attributes: &[(&str, &str)]) {
        // Writing to text cannot fail.
        let _ = write!(self.text, "\n<{name}");
        for (attribute, value) in attributes {
            let _ = write!(self.text, " {attribute}=\"{value}\"");
        }
    }

    fn close(&mut self, name: &str) {
        let _ = write!(self.text, "\n</{name}>");
    }

    fn root_entity(&mut self) {
        self.open("EntityType", &[("Name", own_name(ENTITY)), ("Abstract", "true")]);
        self.open("Key", &[]);
        self.leaf("PropertyRef", &[("Name", "id")]);
        self.close("Key");
        self.property(&Member::required("id", Kind::String));
        self.close("EntityType");
    }

    fn entity(&mut self, entity: &EntityDescription) {
        let mut attributes = vec![("Name", own_name(entity.name)), ("BaseType", entity.base)];
        if entity.is_abstract {
            attributes.push(("Abstract", "true"));
        }
        self.open("EntityType", &attributes);
        entity.own.iter().for_each(|member| self.property(member));
        for navigation in entity.navigations {
            let target = navigation.target;
            let target =
                if navigation.collection { format!("Collection({target})") } else { target.to_owned() };
            let mut attributes = vec![("Name", navigation.name), ("Type", &*target)];
            if navigation.contained {
                attributes.push(("ContainsTarget", "true"));
            }
            self.leaf("NavigationProperty", &attributes);
        }
        self.close("EntityType");
    }

    fn property(&mut self, member: &Member) {
        self.typed("Property", Some(member.name), member.kind, member.nullable, false);
    }

    fn operation(&mut self, operation: &Operation) {
        let element = if operation.is_action { "Action" } else { "Function" };
        self.open(element, &[("Name", operation.name), ("IsBound", "true")]);
        let bound_to = match operation.binding {
            Binding::One(name) => name.to_owned(),
            Binding::Many(name) => format!("Collection({name})"),
        };
        self.leaf("Parameter", &[("Name", "bindingParameter"), ("Type", &bound_to)]);
        for parameter in (operation.takes)() {
            self.typed("Parameter", Some(parameter.name), parameter.kind, parameter.nullable, true);
        }
        if let Some(kind) = operation.returns {
            self.typed("ReturnType", None, kind, kind == Kind::String, true);
        }
        self.close(element);
    }

    /// What has a type and, unless it is a result, a name. Of the text of operations Graph says that it is plain.
    fn typed(&mut self, element: &str, name: Option<&str>, kind: Kind, nullable: bool, plain: bool) {
        let written = kind.to_string();
        let mut attributes: Vec<_> = name.map(|name| ("Name", name)).into_iter().collect();
        attributes.push(("Type", &written));
        if plain && matches!(kind, Kind::String | Kind::Collection(Kind::String)) {
            attributes.push(("Unicode", "false"));
        }
        if !nullable {
            attributes.push(("Nullable", "false"));
        }
        self.leaf(element, &attributes);
    }
}

/// A qualified name without its namespace.
fn own_name(qualified: &'static str) -> &'static str {
    qualified.rsplit_once('.').map_or(qualified, |(_, name)| name)
}
