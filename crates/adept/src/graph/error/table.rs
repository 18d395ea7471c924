//! The one table from what went wrong to status and Graph's code. It writes no HTTP; the sentences stand with the errors.

use std::time::Duration;

use axum::http::StatusCode;

use super::{Error, Row};
use crate::{app, auth::Denied, domain::LimitExceeded};

/// How long clients wait when no other wait is known.
const SHORT_WAIT: Duration = Duration::from_secs(5);

impl Error {
    /// The row of this error.
    pub(in crate::graph) fn row(self) -> Row {
        let mut row = Row {
            message: self.to_string(),
            status: StatusCode::BAD_REQUEST,
            code: "BadRequest",
            retry_after: None,
            rate_limit: None,
            offered: Vec::new(),
            cause: None,
        };
        (row.status, row.code) = match self {
            Self::App(app::Error::Invalid(_) | app::Error::Unreadable(_))
            | Self::RepeatedAuthorization
            | Self::UnknownVersion(_)
            | Self::UnknownSegment(_)
            | Self::BadPath
            | Self::UnsupportedAlias(_)
            | Self::UnusableRequestId { .. }
            | Self::BadBatch(_)
            | Self::BadItem(_)
            | Self::BrokenBody
            | Self::BadBody(_)
            | Self::BadQuery(_)
            | Self::UnsupportedOption(_)
            | Self::OptionOfLists(_)
            | Self::NoNavigation(_)
            | Self::UnsupportedExpand(_)
            | Self::ForeignSkipToken
            | Self::BadArgument { .. } => (StatusCode::BAD_REQUEST, "BadRequest"),
            Self::App(app::Error::NotFound { .. }) => (StatusCode::NOT_FOUND, "ResourceNotFound"),
            Self::App(app::Error::Conflict(_)) => (StatusCode::CONFLICT, "Conflict"),
            Self::App(app::Error::Unavailable { retry_after, cause, .. }) => {
                row.retry_after = Some(retry_after.unwrap_or(SHORT_WAIT));
                row.cause = Some(cause);
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
            }
            // Clients repeat 429, 503 and 504 by themselves, and this must not be repeated unseen: 500 without Retry-After.
            Self::App(
                app::Error::Unconfirmed { cause }
                | app::Error::PartlyDone { cause }
                | app::Error::Internal { cause },
            ) => {
                row.cause = Some(cause);
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError")
            }
            Self::Denied(
                Denied::Missing
                | Denied::Malformed
                | Denied::Expired
                | Denied::NotYetValid
                | Denied::WrongAudience
                | Denied::WrongIssuer
                | Denied::BadSignature
                | Denied::UnknownTenant
                | Denied::UnknownClient
                | Denied::DisabledClient,
            ) => (StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken"),
            Self::Denied(Denied::PersonalAccount | Denied::DisabledTenant)
            | Self::Forbidden { .. }
            | Self::App(app::Error::TooManyReleases { .. }) => (StatusCode::FORBIDDEN, "Forbidden"),
            Self::Denied(Denied::Unavailable) => {
                row.retry_after = Some(SHORT_WAIT);
                (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable")
            }
            Self::MethodNotAllowed { offered } => {
                row.offered = offered;
                (StatusCode::METHOD_NOT_ALLOWED, "Request_BadRequest")
            }
            Self::App(app::Error::ShareTaken) => {
                row.retry_after = Some(SHORT_WAIT);
                (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")
            }
            Self::App(app::Error::TooManyFailedOpens { limit, wait })
            | Self::Throttled(LimitExceeded { limit, wait }) => {
                row.retry_after = Some(wait);
                row.rate_limit = Some(limit);
                (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests")
            }
            Self::PreconditionFailed => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            Self::FailedDependency => (StatusCode::FAILED_DEPENDENCY, "FailedDependency"),
            Self::NotAcceptable | Self::OnlyXml => (StatusCode::NOT_ACCEPTABLE, "NotAcceptable"),
            Self::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
            Self::AnswerTooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "ResponseTooLarge"),
            Self::UnsupportedMediaType => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"),
        };
        row
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Method;

    use super::*;
    use crate::{
        domain::Permission,
        graph::error::{BadBatch, BadBody},
    };

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
                Error::App(app::Error::Conflict(sentence()).behind_a_change()),
                500,
                "InternalServerError",
                "The entity was written, but its default profiles may be as before. Read them, and send again what is missing; \
                 do not repeat the whole request.",
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
            (
                Error::App(app::Error::TooManyFailedOpens { limit: 20, wait: Duration::from_secs(60) }),
                429,
                "TooManyRequests",
                "Too many server tokens that are sealed to this key pair could not be opened",
            ),
            (Error::PreconditionFailed, 412, "PreconditionFailed", "The value of If-Match"),
            (
                Error::UnusableRequestId { header: "client-request-id", longest: 5 },
                400,
                "BadRequest",
                "The value of the header client-request-id must be at most 5 printable",
            ),
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
            (
                Error::OptionOfLists("$top"),
                400,
                "BadRequest",
                "The query option '$top' can be applied only to",
            ),
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
