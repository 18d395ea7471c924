//! `$expand`: the entities that navigations lead to, shown with the entity that they lead from. Each expanded list is the
//! list that the navigation's own address shows, with the options in the parentheses.

mod device_management;
mod setting;

use adept_odata::{Expand, QueryOptions, parse_expand};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    Graph,
    entity::ExpandedMembers,
    error::Error,
    listing::{Listing, refuse_search},
    protocol::{Metadata, Version},
    request_context::RequestContext,
    skiptoken::request_digest,
    types::{DEP_ONBOARDING_SETTING, EntityType, Navigation},
    value::Value,
};
use crate::{app::Listed, domain::Caller};

/// The bytes of an option that are escaped in a link.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b',')
    .remove(b'(')
    .remove(b')')
    .remove(b'/')
    .remove(b':');

/// Rows on a page when a collection of each is shown too.
const ROWS: u32 = 20;

/// The navigations that a query expands.
pub(super) struct Expansions {
    scope: ExpandScope,
    items: Vec<ExpandItem>,
}

/// One navigation, with the options of the list that it leads to.
struct ExpandItem {
    navigation: &'static Navigation,
    options: QueryOptions,
    inner: Expansions,
}

/// The caller, and how the answer is shown.
#[derive(Clone)]
struct ExpandScope {
    caller: Caller,
    version: Version,
    metadata: Metadata,
}

impl Expansions {
    /// Reads the `$expand` of a query of entities of this type.
    pub(super) fn of<R, F, W>(
        request: &RequestContext,
        options: &QueryOptions,
        kind: &EntityType<R, F, W>,
    ) -> Result<Self, Error> {
        let scope = ExpandScope {
            caller: request.caller.clone(),
            version: request.version,
            metadata: request.metadata,
        };
        Self::read(&scope, options, &kind.all_navigations())
    }

    fn read(
        scope: &ExpandScope,
        options: &QueryOptions,
        navigations: &[&'static Navigation],
    ) -> Result<Self, Error> {
        let items = match &options.expand {
            None => Vec::new(),
            Some(text) => {
                let items = parse_expand(text).map_err(Error::BadQuery)?.into_iter();
                items.map(|item| expand_item(scope, item, navigations)).collect::<Result<_, _>>()?
            }
        };
        Ok(Self { scope: scope.clone(), items })
    }

    /// The names of the expanded navigations.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.items.iter().map(|item| item.navigation.name).collect()
    }

    /// How many rows a page may hold.
    pub(super) fn page(&self) -> u32 {
        if self.items.iter().any(|item| item.navigation.collection) { ROWS } else { u32::MAX }
    }
}

/// One of the navigations. Of the entities that they lead to only settings lead on.
fn expand_item(
    scope: &ExpandScope,
    item: Expand,
    navigations: &[&'static Navigation],
) -> Result<ExpandItem, Error> {
    let navigation = navigations.iter().find(|navigation| navigation.name.eq_ignore_ascii_case(&item.path));
    let navigation = *navigation.ok_or_else(|| Error::NoNavigation(item.path.clone()))?;
    refuse_search(&item.options)?;
    if item.levels.is_some() {
        return Err(Error::UnsupportedOption("$levels"));
    }
    let nested = match navigation.target == DEP_ONBOARDING_SETTING.name {
        true => DEP_ONBOARDING_SETTING.all_navigations(),
        false => Vec::new(),
    };
    let inner = Expansions::read(scope, &item.options, &nested)?;
    Ok(ExpandItem { navigation, options: item.options, inner })
}

/// One navigation of one entity.
struct ExpandedNavigation<'a> {
    graph: &'a Graph,
    scope: &'a ExpandScope,
    item: &'a ExpandItem,
}

impl ExpandedNavigation<'_> {
    /// The list that the navigation's own address would show: that operation with those keys.
    fn listing<R, F: Copy + PartialEq, W>(
        &self,
        operation: &str,
        keys: &[String],
        kind: &EntityType<R, F, W>,
    ) -> Result<Listing<F>, Error> {
        let options = &self.item.options;
        let digest = request_digest(self.scope.version, operation, keys, None, options);
        let mut listing = Listing::of(options, kind, self.scope.metadata, digest)?;
        listing.shape.expanded = self.item.inner.names();
        listing.query.top = listing.query.top.min(self.item.inner.page());
        Ok(listing)
    }

    /// A page of the list, with the expanded navigations of each row, and the link to the next page.
    fn list<R, F, W>(
        &self,
        listing: &Listing<F>,
        kind: &'static EntityType<R, F, W>,
        set: &str,
        listed: &Listed<R>,
        nested: &[ExpandedMembers],
        expanded: &mut ExpandedMembers,
    ) {
        let name = self.item.navigation.name;
        self.context(set, expanded);
        if let Some(total) = listed.total {
            expanded.push((format!("{name}@odata.count"), json(&Value::Int(total))));
        }
        let path = format!("/{}/{set}", self.scope.version.as_str());
        if let Some(link) = listing.next_link(self.graph, &path, &written(&self.item.options), listed) {
            expanded.push((format!("{name}@odata.nextLink"), json(&Value::text(&link))));
        }
        let mut rows = Vec::new();
        listing.rows(&self.graph.root(self.scope.version), kind, set, listed, nested, &mut rows);
        expanded.push((name.to_owned(), rows));
    }

    fn context(&self, set: &str, expanded: &mut ExpandedMembers) {
        if self.scope.metadata != Metadata::None {
            let context = self.graph.context(self.scope.version, set);
            let name = format!("{}@odata.context", self.item.navigation.name);
            expanded.push((name, json(&Value::text(&context))));
        }
    }
}

fn json(value: &Value<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    value.write(&mut out);
    out
}

/// The options as a query string, for the link to the next page.
fn written(options: &QueryOptions) -> String {
    let all = [
        ("$filter", options.filter.clone()),
        ("$orderby", options.orderby.clone()),
        ("$select", options.select.clone()),
        ("$expand", options.expand.clone()),
        ("$top", options.top.map(|top| top.to_string())),
        ("$count", options.count.map(|count| count.to_string())),
    ];
    let mut query = String::new();
    for (name, value) in all {
        let Some(value) = value else { continue };
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.extend(utf8_percent_encode(&value, ESCAPED));
    }
    query
}
