//! `$expand`: what is behind the navigations of an entity, shown with it. Each list that is expanded is the list that the
//! navigation's own address shows, with the options that stand in the parentheses.

mod device_management;
mod setting;

use adept_odata::{Expand, QueryOptions, parse_expand};

use super::{
    Graph,
    entity::Behind,
    error::Error,
    listing,
    listing::Listing,
    request_context::{Metadata, RequestContext, Version},
    types::{DEP_ONBOARDING_SETTING, EntityType, Navigation},
    value::Value,
};
use crate::{app::Listed, domain::Caller};

/// Rows on a page when a collection of each is shown too.
const ROWS: u32 = 20;

/// What is expanded.
pub(super) struct Expansions {
    asked: ExpandScope,
    wanted: Vec<Wanted>,
}

/// One navigation, and what is asked of what is behind it.
struct Wanted {
    way: &'static Navigation,
    options: QueryOptions,
    inner: Expansions,
}

/// Who asks, and how the answer is to look.
#[derive(Clone)]
struct ExpandScope {
    caller: Caller,
    version: Version,
    metadata: Metadata,
}

impl Expansions {
    /// What the `$expand` of a query of entities of this type asks for.
    pub(super) fn of<R, F, W>(
        call: &RequestContext,
        options: &QueryOptions,
        kind: &EntityType<R, F, W>,
    ) -> Result<Self, Error> {
        let asked =
            ExpandScope { caller: call.caller.clone(), version: call.version, metadata: call.metadata };
        Self::read(&asked, options, &kind.ways())
    }

    fn read(
        asked: &ExpandScope,
        options: &QueryOptions,
        ways: &[&'static Navigation],
    ) -> Result<Self, Error> {
        let wanted = match &options.expand {
            None => Vec::new(),
            Some(text) => {
                let items = parse_expand(text).map_err(Error::BadQuery)?.into_iter();
                items.map(|item| understood(asked, item, ways)).collect::<Result<_, _>>()?
            }
        };
        Ok(Self { asked: asked.clone(), wanted })
    }

    /// The names of what is expanded.
    pub(super) fn names(&self) -> Vec<&'static str> {
        self.wanted.iter().map(|wanted| wanted.way.name).collect()
    }

    /// How many rows a page may hold.
    pub(super) fn page(&self) -> u32 {
        if self.wanted.iter().any(|wanted| wanted.way.collection) { ROWS } else { u32::MAX }
    }
}

/// One of the navigations. Of what lies behind them only settings lead on.
fn understood(asked: &ExpandScope, item: Expand, ways: &[&'static Navigation]) -> Result<Wanted, Error> {
    let way = ways.iter().find(|way| way.name.eq_ignore_ascii_case(&item.path));
    let way = *way.ok_or_else(|| Error::NoNavigation(item.path.clone()))?;
    listing::refuse_search(&item.options)?;
    if item.levels.is_some() {
        return Err(Error::UnsupportedOption("$levels"));
    }
    let beyond = match way.target == DEP_ONBOARDING_SETTING.name {
        true => DEP_ONBOARDING_SETTING.ways(),
        false => Vec::new(),
    };
    let inner = Expansions::read(asked, &item.options, &beyond)?;
    Ok(Wanted { way, options: item.options, inner })
}

/// One navigation of one entity.
struct At<'a> {
    graph: &'a Graph,
    asked: &'a ExpandScope,
    wanted: &'a Wanted,
}

impl At<'_> {
    /// The list that the navigation's own address would show: that operation with those keys.
    fn listing<R, F: Copy + PartialEq, W>(
        &self,
        operation: &str,
        keys: &[String],
        kind: &EntityType<R, F, W>,
    ) -> Result<Listing<F>, Error> {
        let options = &self.wanted.options;
        let digest = listing::digest(self.asked.version, operation, keys, None, options);
        let mut listing = Listing::of(options, kind, self.asked.metadata, digest)?;
        listing.shape.expanded = self.wanted.inner.names();
        listing.query.top = listing.query.top.min(self.wanted.inner.page());
        Ok(listing)
    }

    /// A page of what is behind, with what is behind each row of it, and the link to the next one.
    fn list<R, F, W>(
        &self,
        listing: &Listing<F>,
        kind: &'static EntityType<R, F, W>,
        set: &str,
        listed: &Listed<R>,
        beyond: &[Behind],
        behind: &mut Behind,
    ) {
        let name = self.wanted.way.name;
        self.context(set, behind);
        if let Some(total) = listed.total {
            behind.push((format!("{name}@odata.count"), json(&Value::Int(total))));
        }
        let path = format!("/{}/{set}", self.asked.version.as_str());
        if let Some(link) = listing.next_link(self.graph, &path, &written(&self.wanted.options), listed) {
            behind.push((format!("{name}@odata.nextLink"), json(&Value::text(&link))));
        }
        let mut rows = Vec::new();
        listing.rows(&self.graph.root(self.asked.version), kind, set, listed, beyond, &mut rows);
        behind.push((name.to_owned(), rows));
    }

    fn context(&self, set: &str, behind: &mut Behind) {
        if self.asked.metadata != Metadata::None {
            let context = self.graph.context(self.asked.version, set);
            let name = format!("{}@odata.context", self.wanted.way.name);
            behind.push((name, json(&Value::text(&context))));
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
        for byte in value.bytes() {
            match byte {
                b'-' | b'.' | b'_' | b'~' | b',' | b'(' | b')' | b'/' | b':' => query.push(char::from(byte)),
                byte if byte.is_ascii_alphanumeric() => query.push(char::from(byte)),
                byte => query.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    query
}
