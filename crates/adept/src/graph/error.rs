//! Why a request is refused. What is answered to each is `table`'s knowledge.

mod bad_batch;
mod bad_body;
mod table;

use std::{borrow::Cow, time::Duration};

use adept_odata::ParseError;
use axum::http::{Method, StatusCode};

use super::throttle::LimitExceeded;
use crate::{app, auth::Denied, domain::Permission};

pub(super) use bad_batch::BadBatch;
pub(super) use bad_body::{BadBody, shortened};

/// Why a request is refused.
#[derive(Debug)]
pub(super) enum Error {
    /// The service refused or failed.
    App(app::Error),
    /// The bearer token is not good.
    Denied(Denied),
    /// The token is good and does not allow this.
    Forbidden {
        /// One of these would.
        needed: &'static [Permission],
    },
    /// The API has no such version.
    UnknownVersion(String),
    /// The path leads nowhere from this segment on.
    UnknownSegment(String),
    /// The path is not percent-encoded UTF-8.
    BadPath,
    /// The path is known, the method is not offered there.
    MethodNotAllowed {
        /// The methods that are.
        offered: Vec<Method>,
    },
    /// The caller sent too many requests.
    Throttled(LimitExceeded),
    /// The client's `If-Match` names a state that does not exist.
    PreconditionFailed,
    /// A `$batch` that cannot be run at all.
    BadBatch(BadBatch),
    /// One request of a `$batch` that cannot be run.
    BadItem(&'static str),
    /// A request of a `$batch` that this one depends on failed.
    FailedDependency,
    /// The caller takes none of the formats that are offered.
    NotAcceptable,
    /// The body is longer than the operation takes.
    TooLarge {
        /// In bytes.
        limit: usize,
    },
    /// The body ended early or could not be read.
    BrokenBody,
    /// The body is not JSON by its own account.
    UnsupportedMediaType,
    /// The body does not fit.
    BadBody(BadBody),
    /// A query option does not fit.
    BadQuery(ParseError),
    /// A query option that this operation does not take.
    UnsupportedOption(&'static str),
    /// `$expand` of what leads nowhere.
    NoNavigation(String),
    /// A property that exists and that a list cannot be filtered or ordered by.
    Unfilterable(String),
    /// The `$skiptoken` was not made for this request.
    ForeignSkipToken,
    /// An argument of a function is not what it has to be.
    BadArgument {
        /// Its name.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
}

/// One row of the table.
pub(super) struct Row {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// Graph's code.
    pub(super) code: &'static str,
    /// For the caller.
    pub(super) message: Cow<'static, str>,
    /// For `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// For `RateLimit-Limit`, where a limit was reached.
    pub(super) rate_limit: Option<u32>,
    /// For `Allow`; empty for other errors.
    pub(super) offered: Vec<Method>,
    /// For the log, and never for the caller.
    pub(super) cause: Option<String>,
}

impl From<app::Error> for Error {
    fn from(error: app::Error) -> Self {
        Self::App(error)
    }
}

impl From<BadBatch> for Error {
    fn from(bad: BadBatch) -> Self {
        Self::BadBatch(bad)
    }
}

impl From<BadBody> for Error {
    fn from(bad: BadBody) -> Self {
        Self::BadBody(bad)
    }
}
