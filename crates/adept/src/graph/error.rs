//! Why a request is refused. What is answered to each is `table`'s knowledge.

mod bad_batch;
mod bad_body;
mod table;

use std::time::Duration;

use adept_odata::ParseError;
use axum::http::{Method, StatusCode};

use crate::{
    app,
    auth::Denied,
    domain::{LimitExceeded, Permission},
};

pub(super) use bad_batch::BadBatch;
pub(super) use bad_body::{BadBody, shortened};

/// Why a request is refused. Displays as the sentence that the caller reads.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    /// The service refused or failed.
    #[error(transparent)]
    App(#[from] app::Error),
    /// The bearer token is not good.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// More than one `Authorization` header.
    #[error("The Authorization header is given more than once: send exactly one. Nothing was changed.")]
    RepeatedAuthorization,
    /// The token is good and does not allow this.
    #[error(
        "Application is not authorized to perform this operation. Application must have one of the following scopes: {}",
        names(.needed)
    )]
    Forbidden {
        /// One of these would.
        needed: &'static [Permission],
    },
    /// The API has no such version.
    #[error(
        "Invalid version: '{}'. Microsoft Graph is below /beta and /v1.0, sign-in below the tenant's id, health at /readyz.",
        shortened(.0)
    )]
    UnknownVersion(String),
    /// The path leads nowhere from this segment on.
    #[error("Resource not found for the segment '{}'.", shortened(.0))]
    UnknownSegment(String),
    /// The path is not percent-encoded UTF-8.
    #[error("The path is not valid percent-encoded UTF-8 text.")]
    BadPath,
    /// A value in the path that the query string would hold.
    #[error(
        "Parameter aliases such as '{}' are not supported: write the value in their place.",
        shortened(.0)
    )]
    UnsupportedAlias(String),
    /// The path is known, the method is not offered there.
    #[error("Specified HTTP method is not allowed for the request target.")]
    MethodNotAllowed {
        /// The methods that are.
        offered: Vec<Method>,
    },
    /// The caller sent too many requests.
    #[error("Too many requests. Nothing was changed; wait as long as Retry-After says and try again.")]
    Throttled(LimitExceeded),
    /// The client's `If-Match` names a state that does not exist.
    #[error(
        "The value of If-Match is not that of the resource: Adept gives out no entity tags, and '*' means any \
         state. Nothing was changed."
    )]
    PreconditionFailed,
    /// A create whose client counts on its id of the request, which cannot be kept.
    #[error(
        "The value of the header {header} must be at most {longest} printable ASCII characters, so that this can be made \
         once however often it is repeated. Nothing was changed."
    )]
    UnusableRequestId {
        /// The header's name.
        header: &'static str,
        /// In bytes.
        longest: usize,
    },
    /// A `$batch` that cannot be run at all.
    #[error(transparent)]
    BadBatch(#[from] BadBatch),
    /// One request of a `$batch` that cannot be run.
    #[error("{0}")]
    BadItem(&'static str),
    /// A request of a `$batch` that this one depends on failed.
    #[error(
        "A request that this one depends on failed, so this one was not made. Nothing was changed by it."
    )]
    FailedDependency,
    /// A request of a `$batch` whose answer does not fit any more.
    #[error(
        "The answers of this batch would together be longer than {limit} bytes, so this one is left out. Nothing was \
         changed by it; send it in a request of its own, or ask for smaller pages."
    )]
    AnswerTooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The caller takes none of the formats that are offered.
    #[error(
        "None of the media types in the Accept header or in '$format' can be served; application/json can."
    )]
    NotAcceptable,
    /// A format of `$metadata` that is not offered.
    #[error("The media type in '$format' cannot be served here; application/xml can.")]
    OnlyXml,
    /// The body is longer than the operation takes.
    #[error("The body is larger than the {limit} bytes that are accepted here. Nothing was changed.")]
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The body ended early or could not be read.
    #[error("The body ended before it was complete. Nothing was changed; send it again.")]
    BrokenBody,
    /// The body is not JSON by its own account.
    #[error(
        "The body must be JSON in UTF-8 without content coding (Content-Type: application/json). Nothing was changed."
    )]
    UnsupportedMediaType,
    /// The body does not fit.
    #[error(transparent)]
    BadBody(#[from] BadBody),
    /// A query option does not fit.
    #[error(transparent)]
    BadQuery(#[from] ParseError),
    /// A query option that this operation does not take.
    #[error("The query option '{0}' is not supported here.")]
    UnsupportedOption(&'static str),
    /// An option of lists, for what is none.
    #[error("The query option '{0}' can be applied only to collections of entities.")]
    OptionOfLists(&'static str),
    /// `$expand` of what leads nowhere.
    #[error("'{}' is not a navigation property that '$expand' can follow here.", shortened(.0))]
    NoNavigation(String),
    /// `$expand` in a form that is not offered.
    #[error("'$expand' of '{}' is not supported here.", shortened(.0))]
    UnsupportedExpand(String),
    /// The `$skiptoken` was not made for this request.
    #[error(
        "The '$skiptoken' does not belong to this request: follow '@odata.nextLink' unchanged, or start again \
         without the token."
    )]
    ForeignSkipToken,
    /// An argument of a function is not what it has to be.
    #[error("The argument '{name}' must be {expected}.")]
    BadArgument {
        /// Its name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

fn names(permissions: &[Permission]) -> String {
    permissions.iter().map(|permission| permission.as_str()).collect::<Vec<_>>().join(", ")
}

/// One row of the table.
pub(super) struct Row {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// Graph's code.
    pub(super) code: &'static str,
    /// For the caller.
    pub(super) message: String,
    /// For `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// For `RateLimit-Limit`, where a limit was reached.
    pub(super) rate_limit: Option<u32>,
    /// For `Allow`; empty for other errors.
    pub(super) offered: Vec<Method>,
    /// For the log, and never for the caller.
    pub(super) cause: Option<String>,
}
