//! Matches a path against the tree that the table of routes spans. It runs no handler and knows no HTTP.

use super::{
    path::{Parentheses, Segment, segments},
    route::Route,
};

/// The routes of one version of the API.
pub(super) struct Tree {
    nodes: Vec<Node>,
}

#[derive(Default)]
struct Node {
    children: Vec<Child>,
    /// The node below a key, if this one is a collection.
    key: Option<usize>,
    routes: Vec<&'static Route>,
    /// The types that a segment may narrow the entities of this node to, without their namespace.
    casts: &'static [&'static str],
    /// Whether a name is that of a property, where the node is one entity.
    has_property: Option<HasProperty>,
}

/// Whether the entity of a node has a property of that name, in any ASCII case.
pub(super) type HasProperty = fn(&str) -> bool;

struct Child {
    name: &'static str,
    form: Form,
    node: usize,
}

#[derive(PartialEq, Eq)]
enum Form {
    /// A property or `$count`: its name as it stands; a collection may carry a key in parentheses.
    Plain,
    /// An action or function: with or without namespace and `()`, and with exactly these arguments.
    Bound(Vec<&'static str>),
}

/// A path that matches.
pub(super) struct PathMatch<'t> {
    /// What is offered there, by method; at least one.
    pub(super) routes: &'t [&'static Route],
    /// The keys in it, first to last.
    pub(super) keys: Vec<String>,
    /// What follows the entity's own path: a property, then its members, `$value` or `$count`, as written.
    pub(super) property: Vec<String>,
    /// The type that the path narrows its entities to.
    pub(super) cast: Option<&'static str>,
    /// The arguments of a function, in the order of its template.
    pub(super) arguments: Vec<String>,
}

/// Why a path matches nothing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PathError {
    /// The first segment that leads nowhere, as the caller wrote it.
    Segment(String),
    /// The path is not percent-encoded UTF-8.
    Encoding,
    /// A value is left to a parameter alias, as the caller wrote it.
    Alias(String),
}

impl Tree {
    /// Spans the tree of these routes.
    pub(super) fn of(tables: impl IntoIterator<Item = &'static [Route]>) -> Self {
        let mut tree = Self { nodes: vec![Node::default()] };
        for route in tables.into_iter().flatten() {
            let node = tree.grow(route.template, route.verb.bound);
            tree.nodes[node].routes.push(route);
        }
        tree
    }

    /// Lets the entities of a collection, all or one, be narrowed to these types.
    pub(super) fn narrow(&mut self, template: &'static str, casts: &'static [&'static str]) {
        let collection = self.grow(template, false);
        let one = self.below_key(collection);
        self.nodes[collection].casts = casts;
        self.nodes[one].casts = casts;
    }

    /// Lets the properties of the one entity at a path be read by themselves.
    pub(super) fn describe(&mut self, template: &'static str, has_property: HasProperty) {
        let node = self.grow(template, false);
        self.nodes[node].has_property = Some(has_property);
    }

    /// Adds the nodes of a path, whose last segment is an operation if `bound`; returns the index of its node.
    pub(super) fn grow(&mut self, template: &'static str, bound: bool) -> usize {
        let mut at = 0;
        let mut parts = template.split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            at = match part.starts_with('{') {
                true => self.below_key(at),
                false => self.below(at, part, bound && parts.peek().is_none()),
            };
        }
        at
    }

    fn below_key(&mut self, at: usize) -> usize {
        if let Some(node) = self.nodes[at].key {
            return node;
        }
        let node = self.add();
        self.nodes[at].key = Some(node);
        node
    }

    fn add(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }

    fn below(&mut self, at: usize, part: &'static str, bound: bool) -> usize {
        let (name, arguments) = part.split_once('(').unwrap_or((part, ")"));
        if let Some(child) = self.nodes[at].children.iter().find(|child| child.name == name) {
            return child.node;
        }
        let arguments = arguments.split(['=', ',']).step_by(2).filter(|name| *name != ")");
        let form = if bound { Form::Bound(arguments.collect()) } else { Form::Plain };
        let node = self.add();
        self.nodes[at].children.push(Child { name, form, node });
        node
    }

    /// Matches a path, in any case of its names.
    pub(super) fn find(&self, path: &str) -> Result<PathMatch<'_>, PathError> {
        let mut at = 0;
        let mut last = String::new();
        let mut found = PathMatch {
            routes: &[],
            keys: Vec::new(),
            property: Vec::new(),
            cast: None,
            arguments: Vec::new(),
        };
        for segment in segments(path) {
            let segment = segment.map_err(|_| PathError::Encoding)?;
            if !found.property.is_empty() {
                found.property.push(segment.text().to_owned());
                continue;
            }
            at = self
                .step(at, &segment, &mut found)
                .ok_or_else(|| PathError::Segment(segment.text().to_owned()))?;
            if let Some(alias) = segment.alias() {
                return Err(PathError::Alias(alias.to_owned()));
            }
            segment.text().clone_into(&mut last);
        }
        found.routes = &self.nodes[at].routes;
        // A node that only leads on is no resource.
        if found.routes.is_empty() { Err(PathError::Segment(last)) } else { Ok(found) }
    }

    fn step(&self, at: usize, segment: &Segment<'_>, found: &mut PathMatch<'_>) -> Option<usize> {
        let node = &self.nodes[at];
        let (bare, qualified) = segment.unqualified();
        for child in &node.children {
            match &child.form {
                Form::Plain if child.name.eq_ignore_ascii_case(segment.name()) => {
                    return self.beside_key(child.node, segment, found);
                }
                Form::Bound(names) if child.name.eq_ignore_ascii_case(bare) => {
                    found.arguments = arguments(names, segment.parentheses()?)?;
                    return Some(child.node);
                }
                Form::Plain | Form::Bound(_) => {}
            }
        }
        if qualified && found.cast.is_none() {
            let cast = node.casts.iter().find(|cast| cast.eq_ignore_ascii_case(bare))?;
            found.cast = Some(cast);
            return self.beside_key(at, segment, found);
        }
        if node.has_property.is_some_and(|has| has(segment.text())) {
            found.property.push(segment.text().to_owned());
            return Some(at);
        }
        let key = node.key.filter(|_| !qualified && !segment.text().starts_with('$'))?;
        found.keys.push(segment.text().to_owned());
        Some(key)
    }

    /// The node of the entity that a key in the segment's parentheses names; without one the node itself.
    fn beside_key(&self, node: usize, segment: &Segment<'_>, found: &mut PathMatch<'_>) -> Option<usize> {
        let Some(key) = segment.key()? else { return Some(node) };
        found.keys.push(key);
        self.nodes[node].key
    }
}

/// The arguments of a call in the order of `names`; none when they are others.
fn arguments(names: &[&str], parentheses: Parentheses) -> Option<Vec<String>> {
    let mut named = match parentheses {
        Parentheses::Absent | Parentheses::Empty => Vec::new(),
        Parentheses::Key(name, value) => vec![(name?, value)],
        Parentheses::Named(all) => all,
    };
    if named.len() != names.len() {
        return None;
    }
    let take = |name: &&str| {
        let index = named.iter().position(|(other, _)| other.eq_ignore_ascii_case(name))?;
        Some(named.swap_remove(index).1)
    };
    names.iter().map(take).collect()
}
