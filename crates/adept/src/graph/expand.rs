//! `$expand`: the entities that navigations lead to, shown with the entity that they lead from. Each expanded list is the
//! list that the navigation's own address shows, with the options in the parentheses.

mod device_management;
mod setting;

use adept_odata::{Expand, QueryOptions, parse_expand};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    entity::{EntitySet, ExpandedMembers},
    error::Error,
    listing::{Listing, refuse_search},
    protocol::Metadata,
    request_context::RequestContext,
    skiptoken::request_digest,
    types::{DEP_ONBOARDING_SETTING, EntityType, Navigation},
    value::Value,
};
use crate::app::Listed;

/// Rows on a page when a collection of each is shown too.
const ROWS: u32 = 20;

/// The navigations that a query expands.
pub(super) struct Expansions(Vec<ExpandItem>);

/// One navigation, with the options of the list that it leads to.
struct ExpandItem {
    navigation: &'static Navigation,
    options: QueryOptions,
    inner: Expansions,
}

impl Expansions {
    /// Reads the `$expand` of a query of entities of this type.
    pub(super) fn of<R, F, W>(options: &QueryOptions, kind: &EntityType<R, F, W>) -> Result<Self, Error> {
        Self::read(options, &kind.all_navigations())
    }

    fn read(options: &QueryOptions, navigations: &[&'static Navigation]) -> Result<Self, Error> {
        let Some(text) = &options.expand else { return Ok(Self(Vec::new())) };
        let items = parse_expand(text)?.into_iter();
        items.map(|item| expand_item(item, navigations)).collect::<Result<_, _>>().map(Self)
    }

    /// The names of the expanded navigations.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.0.iter().map(|item| item.navigation.name).collect()
    }

    /// How many rows a page may hold.
    pub(super) fn page(&self) -> u32 {
        if self.0.iter().any(|item| item.navigation.collection) { ROWS } else { u32::MAX }
    }
}

/// One of the navigations. Of the entities that they lead to only settings lead on.
fn expand_item(item: Expand, navigations: &[&'static Navigation]) -> Result<ExpandItem, Error> {
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
    let inner = Expansions::read(&item.options, &nested)?;
    Ok(ExpandItem { navigation, options: item.options, inner })
}

/// One navigation of one entity.
struct ExpandedNavigation<'a> {
    request: &'a RequestContext<'a>,
    item: &'a ExpandItem,
}

impl ExpandedNavigation<'_> {
    /// The list that the navigation's own address would show: that operation with those keys.
    fn listing<R, F: Copy + PartialEq, W>(
        &self,
        operation: &str,
        keys: &[String],
        set: EntitySet<R, F, W>,
    ) -> Result<Listing<R, F, W>, Error> {
        let options = &self.item.options;
        let digest = request_digest(self.request.endpoint.version, operation, keys, None, options);
        let mut listing = Listing::of(options, set, digest)?;
        listing.shape.expanded = self.item.inner.names();
        listing.query.top = listing.query.top.min(self.item.inner.page());
        Ok(listing)
    }

    /// A page of the list, with the expanded navigations of each row, and the link to the next page.
    fn list<R, F, W>(
        &self,
        listing: &Listing<R, F, W>,
        listed: &Listed<R>,
        nested: &[ExpandedMembers],
        expanded: &mut ExpandedMembers,
    ) {
        let (name, set) = (self.item.navigation.name, &listing.set.path);
        self.context(set, expanded);
        if let Some(total) = listed.total {
            expanded.push((format!("{name}@odata.count"), json(&Value::Int(total))));
        }
        let path = format!("/{}/{set}", self.request.endpoint.version.as_str());
        if let Some(link) = listing.next_link(self.request, &path, &written(&self.item.options), listed) {
            expanded.push((format!("{name}@odata.nextLink"), json(&Value::text(&link))));
        }
        let mut rows = Vec::new();
        listing.rows(self.request, listed, nested, &mut rows);
        expanded.push((name.to_owned(), rows));
    }

    fn context(&self, set: &str, expanded: &mut ExpandedMembers) {
        if self.request.metadata != Metadata::None {
            let name = format!("{}@odata.context", self.item.navigation.name);
            expanded.push((name, json(&Value::text(&self.request.context(set)))));
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
        query.extend(utf8_percent_encode(&value, NON_ALPHANUMERIC));
    }
    query
}
