//! The query of a list: options in, one page out, and the link to the next. It neither filters nor orders itself.
//!
//! `$top` is the size of a page, as in Graph, and not of the whole: the link leads on to the rest.

use adept_odata::{
    Filter, ParseError, Problem, QueryOptions, Select, parse_filter, parse_orderby, parse_query_string,
    parse_select, with_skiptoken,
};

use super::{
    Graph,
    entity::{ExpandedMembers, Shape, write_expanded},
    error::Error,
    protocol::Metadata,
    request_context::RequestContext,
    response::{GraphResponse, PREFERENCE_APPLIED},
    service::Root,
    skiptoken::{RequestDigest, close_token, open_token, request_digest},
    types::{EntityType, Selectable},
    value::{Object, Value},
};
use crate::app::{ListQuery, Listed};

/// Rows per page at most, as in Intune.
const PAGE: u32 = 1000;

/// A requested list.
pub(super) struct Listing<F> {
    /// For `app`.
    pub(super) query: ListQuery<F>,
    pub(super) shape: Shape,
    /// Whether rows are shown at all: `$top=0` asks for the total alone.
    has_rows: bool,
    digest: RequestDigest,
    preferred_page: Option<u32>,
}

impl RequestContext {
    /// Reads the query of a list of entities of this type.
    pub(super) fn listing<R, F: Copy + PartialEq, W>(
        &self,
        kind: &EntityType<R, F, W>,
    ) -> Result<Listing<F>, Error> {
        let options = self.options()?;
        refuse_expand(&options)?;
        self.listing_of(&options, kind)
    }

    /// The query, read and not yet understood. `$search` is not offered.
    pub(super) fn options(&self) -> Result<QueryOptions, Error> {
        let options = parse_query_string(&self.query).map_err(Error::BadQuery)?;
        refuse_search(&options)?;
        Ok(options)
    }

    /// The list that these options ask for, `$expand` left to the caller.
    pub(super) fn listing_of<R, F: Copy + PartialEq, W>(
        &self,
        options: &QueryOptions,
        kind: &EntityType<R, F, W>,
    ) -> Result<Listing<F>, Error> {
        let digest = request_digest(self.version, self.operation, &self.keys, self.cast, options);
        let mut listing = Listing::of(options, kind, self.metadata, digest)?;
        listing.preferred_page = self.preferred_page_size();
        listing.shape.narrowed = self.cast.is_some();
        if let Some(size) = listing.preferred_page {
            listing.query.top = listing.query.top.min(size);
        }
        Ok(listing)
    }

    /// Reads the query of a `$count` segment.
    pub(super) fn count_filter<R, F: Copy + PartialEq, W>(
        &self,
        kind: &EntityType<R, F, W>,
    ) -> Result<Option<Filter<F>>, Error> {
        filter(&self.options()?, kind)
    }

    /// Reads the query of one entity.
    pub(super) fn shape<R, F, W>(&self, kind: &EntityType<R, F, W>) -> Result<Shape, Error> {
        let options = self.options()?;
        refuse_expand(&options)?;
        shape_of(&options, kind, self.metadata)
    }
}

/// How one entity is shown, `$expand` left to the caller.
pub(super) fn shape_of<R, F, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
    metadata: Metadata,
) -> Result<Shape, Error> {
    Ok(Shape { metadata, selected: selected(options, kind)?, expanded: Vec::new(), narrowed: false })
}

impl<F: Copy + PartialEq> Listing<F> {
    /// The list that these options ask for.
    pub(super) fn of<R, W>(
        options: &QueryOptions,
        kind: &EntityType<R, F, W>,
        metadata: Metadata,
        digest: RequestDigest,
    ) -> Result<Self, Error> {
        let after = options.skiptoken.as_deref().map(|token| open_token(token, &digest)).transpose()?;
        let first = after.is_none();
        let query = ListQuery {
            filter: filter(options, kind)?,
            order: match &options.orderby {
                None => Vec::new(),
                Some(text) => parse_orderby(text, kind).map_err(|bad| filter_error(bad, kind))?,
            },
            top: options.top.map_or(PAGE, |top| top.clamp(1, PAGE)),
            skip: if first { options.skip.unwrap_or(0) } else { 0 },
            after,
            // As in Graph, the total comes with the first page.
            count: first && options.count == Some(true),
        };
        let has_rows = options.top != Some(0);
        let shape = shape_of(options, kind, metadata)?;
        Ok(Self { query, shape, has_rows, digest, preferred_page: None })
    }
}

impl<F> Listing<F> {
    /// The page as a document. `set` is the path of the list below the version, with its keys in parentheses.
    pub(super) fn response<R, W>(
        &self,
        graph: &Graph,
        request: &RequestContext,
        kind: &'static EntityType<R, F, W>,
        set: &str,
        listed: &Listed<R>,
    ) -> GraphResponse {
        self.response_with(graph, request, kind, set, listed, &[])
    }

    /// The same with the expanded navigations of each row.
    pub(super) fn response_with<R, W>(
        &self,
        graph: &Graph,
        request: &RequestContext,
        kind: &'static EntityType<R, F, W>,
        set: &str,
        listed: &Listed<R>,
        expanded: &[ExpandedMembers],
    ) -> GraphResponse {
        let mut out = Vec::with_capacity(256 + listed.rows.len() * 512);
        let mut document = Object::open(&mut out);
        self.shape.context(graph, request.version, kind, set, "", &mut document);
        if let Some(total) = listed.total {
            Value::Int(total).write(document.member("@odata.count"));
        }
        if let Some(link) = self.next_link(graph, &request.path, &request.query, listed) {
            Value::text(&link).write(document.member("@odata.nextLink"));
        }
        self.rows(&graph.root(request.version), kind, set, listed, expanded, document.member("value"));
        document.close();
        let response = GraphResponse::json(out, self.shape.metadata);
        match self.preferred_page {
            Some(size) => response.header(PREFERENCE_APPLIED, format!("odata.maxpagesize={size}")),
            None => response,
        }
    }

    /// The rows of a page as an array.
    pub(super) fn rows<R, W>(
        &self,
        root: &Root,
        kind: &'static EntityType<R, F, W>,
        set: &str,
        listed: &Listed<R>,
        expanded: &[ExpandedMembers],
        out: &mut Vec<u8>,
    ) {
        out.push(b'[');
        for (index, row) in self.shown(listed).iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let mut object = Object::open(out);
            self.shape.entity(root, kind, row, set, &mut object);
            if let Some(expanded) = expanded.get(index) {
                write_expanded(expanded, &mut object);
            }
            object.close();
        }
        out.push(b']');
    }

    fn shown<'l, R>(&self, listed: &'l Listed<R>) -> &'l [R] {
        if self.has_rows { &listed.rows } else { &[] }
    }

    /// The URL of the next page of what `path` and `query` ask for.
    pub(super) fn next_link<R>(
        &self,
        graph: &Graph,
        path: &str,
        query: &str,
        listed: &Listed<R>,
    ) -> Option<String> {
        let position = listed.next.as_ref().filter(|_| self.has_rows)?;
        let token = close_token(position, &self.digest);
        Some(format!("{}{path}?{}", graph.public_url, with_skiptoken(query, &token)))
    }
}

pub(super) fn refuse_search(options: &QueryOptions) -> Result<(), Error> {
    match options.search {
        Some(_) => Err(Error::UnsupportedOption("$search")),
        None => Ok(()),
    }
}

pub(super) fn refuse_expand(options: &QueryOptions) -> Result<(), Error> {
    if options.expand.is_some() {
        return Err(Error::UnsupportedOption("$expand"));
    }
    Ok(())
}

fn filter<R, F: Copy, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
) -> Result<Option<Filter<F>>, Error> {
    let read = |text| parse_filter(text, kind).map_err(|bad| filter_error(bad, kind));
    options.filter.as_deref().map(read).transpose()
}

/// The indexes of the selected properties, in the order written; none for all. A navigation may be selected and is shown
/// only when it is expanded.
fn selected<R, F, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
) -> Result<Option<Vec<usize>>, Error> {
    let Some(text) = &options.select else { return Ok(None) };
    match parse_select(text, &Selectable(kind)).map_err(Error::BadQuery)? {
        Select::All => Ok(None),
        Select::Fields(mut indexes) => {
            indexes.retain(|index| *index < kind.all_properties().len());
            Ok(Some(indexes))
        }
    }
}

/// Distinguishes a property that exists but cannot be compared from one that does not exist.
fn filter_error<R, F, W>(bad: ParseError, kind: &EntityType<R, F, W>) -> Error {
    match &bad.problem {
        Problem::UnknownProperty { name, .. } if kind.property(name).is_some() => {
            Error::Unfilterable(name.clone())
        }
        _ => Error::BadQuery(bad),
    }
}
