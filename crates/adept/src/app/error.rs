//! Why the service does not do what a caller asks for. `graph` maps it to statuses; the CLI prints it.

use std::{fmt::Display, time::Duration};

use adept_apple::token::TokenError;
use jiff::Timestamp;

use crate::storage;

/// The message is for the caller, the cause only for the log. Nothing was changed, [`Error::Unconfirmed`],
/// [`Error::PartlyDone`] and [`Error::Internal`] apart, of which that is not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It does not exist for this caller.
    #[error("{what} does not exist.")]
    NotFound {
        /// Such as "The onboarding setting".
        what: &'static str,
    },
    /// What the caller sent is at fault.
    #[error("{0}")]
    Invalid(String),
    /// A server token is sealed to a key pair of ours, and cannot be read.
    #[error("{0} Nothing was changed.")]
    Unreadable(TokenError),
    /// It contradicts what is stored.
    #[error("{0}")]
    Conflict(String),
    /// Not now; the same request may succeed later.
    #[error("{message}")]
    Unavailable {
        /// For the caller.
        message: String,
        /// When to try again.
        retry_after: Option<Duration>,
        /// For the log.
        cause: String,
    },
    /// The caller's tenant asks for too much at once.
    #[error(
        "Other requests of this tenant hold its share of this service. Nothing was changed; try again when they are \
         answered."
    )]
    ShareTaken,
    /// Too many uploads could not be opened.
    #[error(
        "Too many server tokens that are sealed to this key pair could not be opened, so this one was not tried. Nothing was \
         changed. Wait as long as Retry-After says, download the token again and upload that."
    )]
    TooManyFailedOpens {
        /// How many a caller may send at once.
        limit: u32,
        /// Until the next one is tried.
        wait: Duration,
    },
    /// More devices would be released within a day than the operator admits.
    #[error(
        "This tenant may have {left} more devices released until {renewed_at:.0}. Nothing was changed. Check the list: a \
         released device leaves the organization for good. To release more at once, the operator starts `adept serve` with a \
         higher --max-release."
    )]
    TooManyReleases {
        /// How many more are admitted.
        left: i64,
        /// When as many are admitted again as a day has.
        renewed_at: Timestamp,
    },
    /// The database did not confirm the change.
    #[error(
        "The database did not confirm the change. This may have taken effect; look before you repeat it."
    )]
    Unconfirmed {
        /// For the log.
        cause: String,
    },
    /// The entity was written, and then its default profiles could not be.
    #[error(
        "The entity was written, but its default profiles may be as before. Read them, and send again what is missing; \
         do not repeat the whole request."
    )]
    PartlyDone {
        /// For the log.
        cause: String,
    },
    /// A fault of the service.
    #[error("Internal error. The operator finds the cause in the log, under this request's id.")]
    Internal {
        /// For the log.
        cause: String,
    },
}

impl Error {
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::Conflict(message.into())
    }

    pub(super) fn internal(what: &str, error: impl Display) -> Self {
        Self::Internal { cause: format!("{what}: {error}") }
    }

    pub(super) fn unavailable(
        message: impl Into<String>,
        retry_after: Option<Duration>,
        cause: impl ToString,
    ) -> Self {
        Self::Unavailable { message: message.into(), retry_after, cause: cause.to_string() }
    }

    /// The same behind a change that was made, so that nobody is told that nothing was changed.
    pub fn behind_a_change(self) -> Self {
        let cause = self.cause().map(str::to_owned);
        Self::PartlyDone { cause: cause.unwrap_or_else(|| self.to_string()) }
    }

    /// What the log says and the caller is not told.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::Unavailable { cause, .. }
            | Self::Unconfirmed { cause }
            | Self::PartlyDone { cause }
            | Self::Internal { cause } => Some(cause),
            Self::NotFound { .. }
            | Self::Invalid(_)
            | Self::Unreadable(_)
            | Self::Conflict(_)
            | Self::ShareTaken
            | Self::TooManyReleases { .. }
            | Self::TooManyFailedOpens { .. } => None,
        }
    }

    pub(crate) const NO_SETTING: Self = Self::NotFound { what: "The onboarding setting" };
    pub(crate) const NO_PROFILE: Self = Self::NotFound { what: "The enrollment profile" };
    pub(crate) const NO_DEVICE: Self = Self::NotFound { what: "The device" };
}

impl From<storage::Error> for Error {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::Unavailable(_) | storage::Error::OutOfTime(_) => Self::unavailable(
                "The database cannot be used now. Nothing was changed; try again later, or ask the operator to look at the \
                 service's readiness page.",
                Some(Duration::from_secs(5)),
                error,
            ),
            storage::Error::SlowQuery(_) => Self::invalid(
                "This query takes longer than the 5 s that a request's may take. Nothing was changed. Ask for less at a time: a \
                 narrower $filter, an $orderby of fewer properties.",
            ),
            storage::Error::ShareTaken => Self::ShareTaken,
            storage::Error::CommitUnknown(_) => Self::Unconfirmed { cause: error.to_string() },
            storage::Error::Position => Self::invalid(
                "The $skiptoken does not belong to this list. Start again without it and follow @odata.nextLink as it is.",
            ),
            storage::Error::Taken(_)
            | storage::Error::Corrupt(_)
            | storage::Error::Unsealable(_)
            | storage::Error::Migration(_)
            | storage::Error::Options(_) => Self::Internal { cause: error.to_string() },
        }
    }
}
