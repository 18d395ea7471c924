//! The query of a list: options in, one page out, and the link to the next. It neither filters nor orders itself.
//!
//! `$top` is the size of a page, as in Graph, and not of the whole: the link leads on to the rest.

use adept_odata::{
    Expr, OrderBy, QueryOptions, Select, parse_filter, parse_orderby, parse_query_string, parse_select,
    with_skiptoken,
};
use jiff::Timestamp;

use super::{
    entity::{EntitySet, ExpandedMembers, Shape, written},
    error::Error,
    page::Page,
    request_context::RequestContext,
    response::GraphResponse,
    skiptoken::{RequestDigest, close_token, open_token, request_digest},
    types::{EntityType, Selectable, Selected},
    value::{Value, write_array, write_object},
};
use crate::app::{ListQuery, Listed};

/// Rows per page at most, as in Intune.
const PAGE: u32 = 1000;

/// A requested list.
pub(super) struct Listing<R: 'static, F: 'static, W: 'static> {
    /// What is listed.
    pub(super) set: EntitySet<R, F, W>,
    /// For `app`.
    pub(super) query: ListQuery<F>,
    pub(super) shape: Shape,
    /// Whether rows are shown at all: `$top=0` asks for the total alone.
    has_rows: bool,
    digest: RequestDigest,
    preferred_page: Option<u32>,
}

impl RequestContext<'_> {
    /// Reads the query of a list.
    pub(super) fn listing<R, F: Copy + PartialEq, W>(
        &self,
        set: EntitySet<R, F, W>,
    ) -> Result<Listing<R, F, W>, Error> {
        self.listing_of(&unexpanded(self.options()?)?, set)
    }

    /// The query, read and not yet understood. `$search` is not offered.
    pub(super) fn options(&self) -> Result<QueryOptions, Error> {
        let options = parse_query_string(self.query())?;
        refuse_search(&options)?;
        Ok(options)
    }

    /// The query of one thing, or of a part of it.
    pub(super) fn options_of_one(&self) -> Result<QueryOptions, Error> {
        let options = self.options()?;
        refuse_list_options(&options)?;
        // What is shown of a property is the path's business.
        let of_entities = [("$select", options.select.is_some()), ("$expand", options.expand.is_some())];
        match of_entities.into_iter().find(|(_, is_given)| *is_given) {
            Some((option, _)) if !self.endpoint.property.is_empty() => Err(Error::UnsupportedOption(option)),
            _ => Ok(options),
        }
    }

    /// The list that these options ask for, `$expand` left to the caller.
    pub(super) fn listing_of<R, F: Copy + PartialEq, W>(
        &self,
        options: &QueryOptions,
        set: EntitySet<R, F, W>,
    ) -> Result<Listing<R, F, W>, Error> {
        let at = &self.endpoint;
        let digest = request_digest(at.version, at.route.operation, &at.keys, at.cast, options);
        let mut listing = Listing::of(options, set, digest, self.app().clock().now())?;
        listing.preferred_page = self.preferred_page_size();
        listing.shape.narrowed = at.cast.is_some();
        if let Some(size) = &mut listing.preferred_page {
            *size = (*size).min(PAGE);
            listing.query.top = listing.query.top.min(*size);
        }
        Ok(listing)
    }

    /// Reads the query of a `$count` segment.
    pub(super) fn count_filter<R, F: Copy + PartialEq, W>(
        &self,
        kind: &EntityType<R, F, W>,
    ) -> Result<Option<Expr<F>>, Error> {
        filter(&self.options()?, kind, self.app().clock().now())
    }

    /// Reads the query of one entity.
    pub(super) fn shape<R, F: Copy, W>(&self, kind: &EntityType<R, F, W>) -> Result<Shape, Error> {
        shape_of(&unexpanded(self.options_of_one()?)?, kind)
    }
}

/// How one entity is shown, `$expand` left to the caller.
pub(super) fn shape_of<R, F: Copy, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
) -> Result<Shape, Error> {
    Ok(Shape { selected: selected(options, kind)?, ..Shape::default() })
}

impl<R, F: Copy + PartialEq, W> Listing<R, F, W> {
    /// The list that these options ask for.
    pub(super) fn of(
        options: &QueryOptions,
        set: EntitySet<R, F, W>,
        digest: RequestDigest,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let kind = set.kind;
        let after = options.skiptoken.as_deref().map(|token| open_token(token, &digest)).transpose()?;
        let first = after.is_none();
        let query = ListQuery {
            filter: filter(options, kind, now)?,
            order: order(options, kind, now)?,
            top: options.top.map_or(PAGE, |top| top.clamp(1, PAGE)),
            skip: if first { options.skip.unwrap_or(0) } else { 0 },
            after,
            // As in Graph, the total comes with the first page.
            count: first && options.count == Some(true),
        };
        let (has_rows, shape) = (options.top != Some(0), shape_of(options, kind)?);
        Ok(Self { set, query, shape, has_rows, digest, preferred_page: None })
    }
}

impl<R, F, W> Listing<R, F, W> {
    /// The rows of a page as an array.
    pub(super) fn rows(
        &self,
        request: &RequestContext<'_>,
        listed: &Listed<R>,
        expanded: &[ExpandedMembers],
        out: &mut Vec<u8>,
    ) {
        let (writer, rows): (_, &[R]) =
            (request.entity_writer(), if self.has_rows { &listed.rows } else { &[] });
        write_array(out, rows.iter().enumerate(), |(index, row), out| {
            let expanded = expanded.get(index).map_or(&[][..], Vec::as_slice);
            write_object(out, |object| self.shape.entity(&writer, &self.set, row, expanded, object));
        });
    }

    /// The URL of the next page of what `path` and `query` ask for.
    pub(super) fn next_link(
        &self,
        request: &RequestContext<'_>,
        path: &str,
        query: &str,
        listed: &Listed<R>,
    ) -> Option<String> {
        let position = listed.next.as_ref().filter(|_| self.has_rows)?;
        let token = close_token(position, &self.digest);
        Some(format!("{}{path}?{}", request.graph().public_url, with_skiptoken(query, &token)))
    }
}

impl<R: Send, F: Sync, W> Listing<R, F, W> {
    /// The page as a document, with the expanded navigations of each row. A long one is written while it is sent.
    pub(super) fn response(
        self,
        request: &RequestContext<'_>,
        mut listed: Listed<R>,
        expanded: Vec<ExpandedMembers>,
    ) -> GraphResponse {
        let context = request.context(&self.shape.fragment(&self.set.path));
        let head = written(request.metadata, &context, |document| {
            if let Some(total) = listed.total {
                Value::Int(total).write(document.member("@odata.count"));
            }
            if let Some(link) = self.next_link(request, request.path(), request.query(), &listed) {
                Value::text(&link).write(document.member("@odata.nextLink"));
            }
            write_array(document.member("value"), [(); 0], |(), _| {});
        });
        if !self.has_rows {
            listed.rows.clear();
        }
        let preferred_page = self.preferred_page;
        let page = Page {
            writer: request.entity_writer(),
            set: self.set,
            shape: self.shape,
            rows: listed.rows.into_iter(),
            expanded: expanded.into_iter(),
            next: Some(head),
        };
        let response = GraphResponse::json(page.into_body(), request.metadata);
        match preferred_page {
            Some(size) => response.header("preference-applied", format!("odata.maxpagesize={size}")),
            None => response,
        }
    }
}

/// The query of what nothing is expanded of.
fn unexpanded(options: QueryOptions) -> Result<QueryOptions, Error> {
    match options.expand {
        Some(_) => Err(Error::UnsupportedOption("$expand")),
        None => Ok(options),
    }
}

/// What only lists have an order, pages and a total of.
pub(super) fn refuse_list_options(options: &QueryOptions) -> Result<(), Error> {
    let given = [
        ("$filter", options.filter.is_some()),
        ("$orderby", options.orderby.is_some()),
        ("$top", options.top.is_some()),
        ("$skip", options.skip.is_some()),
        ("$count", options.count.is_some()),
        ("$skiptoken", options.skiptoken.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((option, _)) => Err(Error::OptionOfLists(option)),
        None => Ok(()),
    }
}

/// Checks the options of a list that may never be made.
pub(super) fn check_options<R, F: Copy + PartialEq, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
) -> Result<(), Error> {
    filter(options, kind, Timestamp::UNIX_EPOCH)?;
    order(options, kind, Timestamp::UNIX_EPOCH)?;
    shape_of(options, kind).map(drop)
}

pub(super) fn refuse_search(options: &QueryOptions) -> Result<(), Error> {
    match options.search {
        Some(_) => Err(Error::UnsupportedOption("$search")),
        None => Ok(()),
    }
}

fn filter<R, F: Copy, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
    now: Timestamp,
) -> Result<Option<Expr<F>>, Error> {
    Ok(options.filter.as_deref().map(|text| parse_filter(text, kind, now)).transpose()?)
}

fn order<R, F: Copy + PartialEq, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
    now: Timestamp,
) -> Result<Vec<OrderBy<F>>, Error> {
    Ok(options.orderby.as_deref().map_or(Ok(Vec::new()), |text| parse_orderby(text, kind, now))?)
}

/// What is selected, in the order written; none for all. A navigation may be selected and is shown only when it is
/// expanded.
fn selected<R, F: Copy, W>(
    options: &QueryOptions,
    kind: &EntityType<R, F, W>,
) -> Result<Option<Vec<Selected>>, Error> {
    let Some(text) = &options.select else { return Ok(None) };
    match parse_select(text, &Selectable(kind))? {
        Select::All => Ok(None),
        Select::Fields(mut fields) => {
            let navigations = kind.all_navigations();
            fields.retain(|field| !navigations.iter().any(|navigation| navigation.name == field.property));
            Ok(Some(fields))
        }
    }
}
