//! The one table from what went wrong to status, Graph's code and a plain sentence. It writes no HTTP.

use std::{borrow::Cow, time::Duration};

use axum::http::StatusCode;

use super::{Error, Row, shortened};
use crate::{app, auth::Denied, domain::Permission, graph::throttle::LimitExceeded};

/// How long clients wait when no other wait is known.
const SHORT_WAIT: Duration = Duration::from_secs(5);

impl Error {
    /// The row of this error.
    pub(in crate::graph) fn row(self) -> Row {
        let row = Row::new;
        let bad_request = |message: Cow<'static, str>| row(StatusCode::BAD_REQUEST, "BadRequest", message);
        match self {
            Self::App(error) => app_row(error),
            Self::Denied(denied) => denied_row(denied),
            Self::Forbidden { needed } => row(StatusCode::FORBIDDEN, "Forbidden", needs(needed).into()),
            Self::UnknownVersion(version) => {
                bad_request(format!("Invalid version: '{}'. The versions are beta and v1.0.", shortened(&version)).into())
            }
            Self::UnknownSegment(segment) => {
                bad_request(format!("Resource not found for the segment '{}'.", shortened(&segment)).into())
            }
            Self::BadPath => bad_request("The path is not valid percent-encoded UTF-8 text.".into()),
            Self::MethodNotAllowed { offered } => Row {
                offered,
                ..row(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "Request_BadRequest",
                    "Specified HTTP method is not allowed for the request target.".into(),
                )
            },
            Self::Throttled(LimitExceeded { limit, wait }) => Row {
                retry_after: Some(wait),
                rate_limit: Some(limit),
                ..row(
                    StatusCode::TOO_MANY_REQUESTS,
                    "TooManyRequests",
                    "Too many requests. Nothing was changed; wait as long as Retry-After says and try again.".into(),
                )
            },
            Self::PreconditionFailed => row(
                StatusCode::PRECONDITION_FAILED,
                "PreconditionFailed",
                "The value of If-Match is not that of the resource: Adept gives out no entity tags, and '*' means any \
                 state. Nothing was changed."
                    .into(),
            ),
            Self::BadBatch(bad) => bad_request(bad.to_string().into()),
            Self::BadItem(sentence) => bad_request(sentence.into()),
            Self::FailedDependency => row(
                StatusCode::FAILED_DEPENDENCY,
                "FailedDependency",
                "A request that this one depends on failed, so this one was not made. Nothing was changed by it.".into(),
            ),
            Self::NotAcceptable => row(
                StatusCode::NOT_ACCEPTABLE,
                "NotAcceptable",
                "None of the media types in the Accept header can be served; application/json can.".into(),
            ),
            Self::TooLarge { limit } => row(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                format!("The body is larger than the {limit} bytes that are accepted here. Nothing was changed.").into(),
            ),
            Self::BrokenBody => {
                bad_request("The body ended before it was complete. Nothing was changed; send it again.".into())
            }
            Self::UnsupportedMediaType => row(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "The body must be JSON without content coding (Content-Type: application/json). Nothing was changed."
                    .into(),
            ),
            Self::BadBody(bad) => bad_request(bad.to_string().into()),
            Self::BadQuery(bad) => bad_request(bad.to_string().into()),
            Self::UnsupportedOption(option) => {
                bad_request(format!("The query option '{option}' is not supported here.").into())
            }
            Self::NoNavigation(name) => bad_request(
                format!("'{}' is not a navigation property that '$expand' can follow here.", shortened(&name)).into(),
            ),
            Self::Unfilterable(name) => bad_request(
                format!("The property '{}' cannot be used in '$filter' or '$orderby'.", shortened(&name)).into(),
            ),
            Self::ForeignSkipToken => bad_request(
                "The '$skiptoken' does not belong to this request: follow '@odata.nextLink' unchanged, or start \
                 again without the token."
                    .into(),
            ),
            Self::BadArgument { name, expected } => {
                bad_request(format!("The argument '{name}' must be {expected}.").into())
            }
        }
    }
}

impl Row {
    const fn new(status: StatusCode, code: &'static str, message: Cow<'static, str>) -> Self {
        Self { status, code, message, retry_after: None, rate_limit: None, offered: Vec::new(), cause: None }
    }
}

fn app_row(error: app::Error) -> Row {
    let message = error.to_string().into();
    match error {
        app::Error::NotFound { .. } => Row::new(StatusCode::NOT_FOUND, "ResourceNotFound", message),
        app::Error::Invalid(_) => Row::new(StatusCode::BAD_REQUEST, "BadRequest", message),
        app::Error::Conflict(_) => Row::new(StatusCode::CONFLICT, "Conflict", message),
        app::Error::Unavailable { retry_after, cause, .. } => Row {
            retry_after: Some(retry_after.unwrap_or(SHORT_WAIT)),
            cause: Some(cause),
            ..Row::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message)
        },
        // Clients repeat 429, 503 and 504 by themselves, and this must not be repeated unseen: 500 without Retry-After.
        app::Error::Unconfirmed { cause } | app::Error::Internal { cause } => Row {
            cause: Some(cause),
            ..Row::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message)
        },
    }
}

fn denied_row(denied: Denied) -> Row {
    let (status, code, retry_after) = match denied {
        Denied::Missing
        | Denied::Malformed
        | Denied::Expired
        | Denied::NotYetValid
        | Denied::WrongAudience
        | Denied::WrongIssuer
        | Denied::BadSignature
        | Denied::UnknownTenant
        | Denied::UnknownClient
        | Denied::DisabledClient => (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", None),
        Denied::PersonalAccount | Denied::DisabledTenant => (StatusCode::FORBIDDEN, "Forbidden", None),
        Denied::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", Some(SHORT_WAIT)),
    };
    Row { retry_after, ..Row::new(status, code, denied.to_string().into()) }
}

fn needs(permissions: &[Permission]) -> String {
    let names: Vec<_> = permissions.iter().map(|permission| permission.as_str()).collect();
    format!(
        "Application is not authorized to perform this operation. Application must have one of the following scopes: {}",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::graph::error::{BadBatch, BadBody};

    fn sentence() -> String {
        "Said so.".to_owned()
    }

    #[test]
    fn every_error_has_its_status_code_and_sentence() {
        let unavailable = app::Error::Unavailable {
            message: sentence(),
            retry_after: Some(Duration::from_secs(7)),
            cause: "disk".to_owned(),
        };
        let table = [
            (
                Error::App(app::Error::NotFound { what: "The device" }),
                404,
                "ResourceNotFound",
                "The device does not exist.",
            ),
            (Error::App(app::Error::Invalid(sentence())), 400, "BadRequest", "Said so."),
            (Error::App(app::Error::Conflict(sentence())), 409, "Conflict", "Said so."),
            (Error::App(unavailable), 503, "ServiceUnavailable", "Said so."),
            (
                Error::App(app::Error::Internal { cause: "bug".to_owned() }),
                500,
                "InternalServerError",
                "Internal error",
            ),
            (
                Error::App(app::Error::Unconfirmed { cause: "cut".to_owned() }),
                500,
                "InternalServerError",
                "The database did not confirm the change. This may have taken effect; look before you repeat it.",
            ),
            (Error::Denied(Denied::Missing), 401, "InvalidAuthenticationToken", "Access token is empty"),
            (Error::Denied(Denied::PersonalAccount), 403, "Forbidden", "Personal Microsoft accounts"),
            (Error::Denied(Denied::DisabledTenant), 403, "Forbidden", "The tenant is disabled"),
            (Error::Denied(Denied::Unavailable), 503, "ServiceUnavailable", "The token could not be checked"),
            (
                Error::Forbidden { needed: &[Permission::AppsRead, Permission::AppsReadWrite] },
                403,
                "Forbidden",
                "Application is not authorized to perform this operation. Application must have one of the following \
                 scopes: DeviceManagementApps.Read.All, DeviceManagementApps.ReadWrite.All",
            ),
            (Error::UnknownVersion("v2".to_owned()), 400, "BadRequest", "Invalid version: 'v2'"),
            (
                Error::UnknownSegment("x".to_owned()),
                400,
                "BadRequest",
                "Resource not found for the segment 'x'.",
            ),
            (Error::BadPath, 400, "BadRequest", "The path is not valid"),
            (
                Error::MethodNotAllowed { offered: vec![Method::GET] },
                405,
                "Request_BadRequest",
                "Specified HTTP method is not allowed for the request target.",
            ),
            (
                Error::Throttled(LimitExceeded { limit: 100, wait: Duration::from_millis(1500) }),
                429,
                "TooManyRequests",
                "Too many requests.",
            ),
            (Error::PreconditionFailed, 412, "PreconditionFailed", "The value of If-Match"),
            (Error::BadBatch(BadBatch::NoRequests), 400, "BadRequest", "A batch holds"),
            (Error::BadItem("Said so."), 400, "BadRequest", "Said so."),
            (Error::FailedDependency, 424, "FailedDependency", "A request that this one depends on"),
            (Error::NotAcceptable, 406, "NotAcceptable", "None of the media types"),
            (
                Error::TooLarge { limit: 5 },
                413,
                "RequestEntityTooLarge",
                "The body is larger than the 5 bytes",
            ),
            (Error::BrokenBody, 400, "BadRequest", "The body ended"),
            (Error::UnsupportedMediaType, 415, "UnsupportedMediaType", "The body must be JSON"),
            (Error::BadBody(BadBody::NotAnObject), 400, "BadRequest", "The body must be a JSON object."),
            (
                Error::UnsupportedOption("$search"),
                400,
                "BadRequest",
                "The query option '$search' is not supported",
            ),
            (Error::NoNavigation("x".to_owned()), 400, "BadRequest", "'x' is not a navigation"),
            (Error::Unfilterable("x".to_owned()), 400, "BadRequest", "The property 'x' cannot be used"),
            (Error::ForeignSkipToken, 400, "BadRequest", "The '$skiptoken' does not belong"),
            (
                Error::BadArgument { name: "a", expected: "b" },
                400,
                "BadRequest",
                "The argument 'a' must be b.",
            ),
        ];
        for (error, status, code, message) in table {
            let shown = format!("{error:?}");
            let row = error.row();
            assert_eq!((row.status.as_u16(), row.code), (status, code), "{shown}");
            assert!(row.message.starts_with(message), "{shown}: {}", row.message);
            assert_eq!(row.retry_after.is_some(), [429, 503].contains(&status), "{shown}");
            assert_eq!(row.offered.is_empty(), status != 405, "{shown}");
        }
    }

    #[test]
    fn a_cause_is_never_in_the_answer() {
        for error in [
            app::Error::Internal { cause: "s3cret".to_owned() },
            app::Error::Unavailable { message: sentence(), retry_after: None, cause: "s3cret".to_owned() },
        ] {
            let row = Error::App(error).row();
            assert_eq!(row.cause.as_deref(), Some("s3cret"));
            assert!(!row.message.contains("s3cret"));
        }
    }

    #[test]
    fn text_of_the_caller_is_repeated_in_part_only() {
        let row = Error::UnknownSegment("ö".repeat(4000)).row();
        assert!(row.message.len() < 200);
    }
}
