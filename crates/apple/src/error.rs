//! What Apple, or the way to Apple, answered instead of the expected result: one typed list for every spelling. It decides
//! nothing: whether a refusal stops a sync or an upload is the caller's business.

use std::{fmt, time::Duration};

use jiff::SignedDuration;

pub use crate::endpoint::Endpoint;

/// Why a call failed. Apple's codes are compared without regard to case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AppleErrorKind {
    /// `token_expired`: the server token is over a year old.
    TokenExpired,
    /// `token_rejected`: the server token was replaced, or its Apple account was deleted.
    TokenRejected,
    /// `signature_invalid`: the secrets are not, or no longer, the token's.
    SignatureInvalid,
    /// `consumer_key_unknown`: Apple knows no such server.
    ConsumerKeyUnknown,
    /// `timestamp_refused`: the signing time is too far from Apple's.
    TimestampRefused,
    /// `nonce_used`: the signed request was seen before.
    NonceUsed,
    /// 401 without a better reason, or a `/session` answer without a session in it.
    Unauthorized,
    /// 403 `FORBIDDEN`, or 403 without a better reason.
    Forbidden,
    /// `ACCESS_DENIED`: the token is valid, but not for this.
    AccessDenied,
    /// `T_C_NOT_SIGNED`: the organization has to accept new terms.
    TermsNotSigned,
    /// `APPLE_SEED_FOR_IT_TURNED_OFF`: the organization has no access to beta releases.
    SeedTurnedOff,
    /// `CURSOR_REQUIRED`.
    CursorRequired,
    /// `INVALID_CURSOR`: not a cursor of this server; forget it and fetch everything.
    InvalidCursor,
    /// `EXHAUSTED_CURSOR`: the fetch is complete; go on with sync and the same cursor.
    ExhaustedCursor,
    /// `EXPIRED_CURSOR`: over seven days old; fetch everything.
    ExpiredCursor,
    /// `DEVICE_ID_REQUIRED`; also said by this library, which sends no request without a serial number.
    DeviceIdRequired,
    /// More serial numbers than [`crate::client::MOST_SERIALS`] in one request, which was not sent.
    TooManySerials,
    /// `PROFILE_UUID_REQUIRED`.
    ProfileUuidRequired,
    /// Apple defines no such profile, for this reason.
    ProfileRefused(ProfileFault),
    /// `MDM_SERVICE_DISCOVERY_URL_REQUIRED` or `…_NOT_VALID`: the address is missing, malformed or not https.
    DiscoveryUrlRefused,
    /// `ORG_NOT_SUPPORTED`: Apple does not offer this to the organization.
    OrgNotSupported,
    /// `USER_AGENT_MISSING`.
    UserAgentMissing,
    /// `USER_AGENT_INVALID`: Apple refuses this product name.
    UserAgentInvalid,
    /// `MALFORMED_REQUEST_BODY`, another parameter fault, or a 400 without a code.
    MalformedRequest,
    /// 404, or a code that ends in `NOT_FOUND`, under any status: an unknown profile, device or address.
    NotFound,
    /// 429.
    TooManyRequests,
    /// 5xx.
    ServerError,
    /// 3xx. It was not followed.
    Redirected,
    /// Another 4xx, or a code that this library does not know.
    Refused,
    /// The answer is none of Apple's: an undecodable 200, or HTML.
    NotUnderstood,
    /// A 200 longer than the configured limit.
    BodyTooLarge,
    /// No complete answer in time.
    Timeout,
    /// No connection, or one that broke before the answer was complete.
    Unreachable,
    /// The system's random source gave nothing, so that no request could be signed.
    NoRandomness,
}

impl AppleErrorKind {
    /// What happened and, where someone can fix it, what to do.
    const fn sentence(self) -> &'static str {
        match self {
            Self::TokenExpired => "the server token has expired; download a new one from Apple",
            Self::TokenRejected => {
                "Apple no longer accepts the server token, which was replaced or revoked; download a new one"
            }
            Self::SignatureInvalid => {
                "Apple no longer accepts the server token's secrets; download the newest token"
            }
            Self::ConsumerKeyUnknown => "Apple does not know the server that the token belongs to",
            Self::TimestampRefused => "Apple refused the time of the request; check this machine's clock",
            Self::NonceUsed => "Apple has seen this signed request before",
            Self::Unauthorized => "Apple did not accept the session or the credentials",
            Self::Forbidden => {
                "Apple forbids the request; the Apple account that downloaded the token may have been deleted"
            }
            Self::AccessDenied => "Apple does not let this server token do that",
            Self::TermsNotSigned => {
                "the organization has to accept Apple's new terms in Apple Business or School Manager"
            }
            Self::SeedTurnedOff => "the organization has turned access to beta releases off",
            Self::CursorRequired => "Apple wants a cursor that was not sent",
            Self::InvalidCursor => "Apple does not know the cursor; a full fetch is needed",
            Self::ExhaustedCursor => "the cursor has already returned every device",
            Self::ExpiredCursor => "the cursor is over seven days old; a full fetch is needed",
            Self::DeviceIdRequired => "Apple wants serial numbers that were not sent",
            Self::TooManySerials => "more serial numbers than fit one request; it was not sent",
            Self::ProfileUuidRequired => "Apple wants a profile's identifier that was not sent",
            Self::ProfileRefused(fault) => fault.sentence(),
            Self::DiscoveryUrlRefused => {
                "Apple refuses the service discovery address; it has to be a well-formed https address"
            }
            Self::OrgNotSupported => "Apple does not offer this to the organization",
            Self::UserAgentMissing => "Apple wants a User-Agent; configure one",
            Self::UserAgentInvalid => "Apple refuses this User-Agent; configure another",
            Self::MalformedRequest => "Apple could not read the request",
            Self::NotFound => "Apple found nothing there",
            Self::TooManyRequests => "Apple asks for fewer requests",
            Self::ServerError => "Apple's service failed",
            Self::Redirected => "the answer was a redirect, which is not followed; check the base URL",
            Self::Refused => "Apple refused the request",
            Self::NotUnderstood => "the answer was not understood",
            Self::BodyTooLarge => "the answer was too long and was dropped",
            Self::Timeout => "Apple did not answer in time",
            Self::Unreachable => "Apple could not be reached or cut the connection",
            Self::NoRandomness => "the system gave no random bytes to sign the request with",
        }
    }
}

/// Why Apple refuses to define a profile: one code of its page "Define a Profile" each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProfileFault {
    /// `CONFIG_NAME_REQUIRED` or `CONFIG_NAME_INVALID`: the name has 1 to 125 characters.
    Name,
    /// `CONFIG_URL_REQUIRED` or `CONFIG_URL_INVALID`: the enrollment address has 1 to 2000 characters and is a URL.
    Url,
    /// `DEPARTMENT_INVALID`: empty or over 125 characters; `DEPARTMENT_REQUIRED` before protocol 2.
    Department,
    /// `MAGIC_INVALID`: empty or over 256 characters.
    Magic,
    /// `SUPPORT_PHONE_INVALID`: empty or over 50 characters; `SUPPORT_PHONE_REQUIRED` before protocol 2.
    SupportPhone,
    /// `SUPPORT_EMAIL_INVALID`: empty or over 250 characters.
    SupportEmail,
    /// `LOCALE_INVALID`: language and region do not go together.
    Locale,
    /// `FLAGS_INVALID`: not removable, but not supervised either.
    Flags,
}

impl ProfileFault {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Name => "Apple refuses the profile's name, which has 1 to 125 characters",
            Self::Url => "Apple refuses the profile's enrollment address",
            Self::Department => "Apple refuses the profile's department, which has 1 to 125 characters",
            Self::Magic => "Apple refuses the profile's organization word, which has 1 to 256 characters",
            Self::SupportPhone => {
                "Apple refuses the profile's telephone number, which has 1 to 50 characters"
            }
            Self::SupportEmail => "Apple refuses the profile's e-mail address, which has 1 to 250 characters",
            Self::Locale => "Apple does not know the profile's combination of language and region",
            Self::Flags => "Apple wants a profile that cannot be removed to be supervised",
        }
    }
}

/// The form of an answer that is no success: it shows whether Apple itself answered, or something on the way to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyForm {
    /// No body, or no answer at all.
    #[default]
    Empty,
    /// Nothing but a code, as Apple writes it: bare or quoted.
    Code,
    /// JSON.
    Json,
    /// Markup, which Apple's service does not write: a gateway or a proxy answered.
    Html,
    /// Any other text.
    Text,
}

/// The longest wait that is believed from Apple itself.
const LONGEST_FROM_APPLE: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest wait that is believed from a failure, or from something on the way to Apple.
const LONGEST_FROM_A_FAILURE: Duration = Duration::from_secs(15 * 60);

/// How long no request is sent for a token, from what an answer asks for; `None` if it may not ask. Only a 429 that Apple
/// wrote is believed for up to 24 hours; a 5xx, HTML of any status, and a 429 in other words for up to 15 minutes.
#[must_use]
pub fn believed_wait(status: u16, form: BodyForm, asked: Duration) -> Option<Duration> {
    let longest = match (status, form) {
        (500..=599, _) | (_, BodyForm::Html) | (429, BodyForm::Text) => LONGEST_FROM_A_FAILURE,
        (429, BodyForm::Empty | BodyForm::Code | BodyForm::Json) => LONGEST_FROM_APPLE,
        _ => return None,
    };
    Some(asked.min(longest))
}

/// A failed call. No field holds a secret; `Display` is one sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AppleError {
    /// What happened.
    pub kind: AppleErrorKind,
    /// The request that failed; [`Endpoint::Session`] when another call needed a session first.
    pub endpoint: Endpoint,
    /// HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// Apple's code as Apple spelt it: at most 64 letters, digits and `_-.`.
    pub code: Option<String>,
    /// How long the answer asks to wait (`Retry-After`), at most seven days; see [`AppleError::server_wait`].
    pub retry_after: Option<Duration>,
    /// What the body of the answer looks like.
    pub body: BodyForm,
    /// Apple's `Date` minus our clock, when they are over two minutes apart.
    pub clock_skew: Option<SignedDuration>,
    /// Whether the request surely never left: there was no connection to send it on.
    pub is_unsent: bool,
    /// For the log: the transport's reason or the start of the answer, printable, at most 1 KiB, secrets masked.
    pub detail: Option<String>,
}

impl AppleError {
    /// A failure of which no more is known than its kind.
    #[must_use]
    pub const fn new(kind: AppleErrorKind, endpoint: Endpoint) -> Self {
        Self {
            kind,
            endpoint,
            status: None,
            code: None,
            retry_after: None,
            body: BodyForm::Empty,
            clock_skew: None,
            is_unsent: false,
            detail: None,
        }
    }

    /// How long no request is sent for this token: what is believed of `retry_after`.
    #[must_use]
    pub fn server_wait(&self) -> Option<Duration> {
        believed_wait(self.status?, self.body, self.retry_after?)
    }

    /// Whether a new session may help: any 401, or 403 `FORBIDDEN`, unless the code says that a person has to act.
    pub(crate) fn asks_for_new_session(&self) -> bool {
        match self.kind {
            AppleErrorKind::TermsNotSigned | AppleErrorKind::AccessDenied | AppleErrorKind::SeedTurnedOff => {
                false
            }
            AppleErrorKind::Forbidden => {
                self.status == Some(401) || self.status == Some(403) && self.code.is_some()
            }
            _ => self.status == Some(401),
        }
    }
}

impl fmt::Display for AppleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({} {}", self.kind.sentence(), self.endpoint.method(), self.endpoint)?;
        match (self.status, &self.code) {
            (Some(status), Some(code)) => write!(f, " answered {status} {code})")?,
            (Some(status), None) => write!(f, " answered {status})")?,
            (None, _) => write!(f, ")")?,
        }
        if let Some(wait) = self.retry_after {
            write!(f, "; it asks to wait {} s", wait.as_secs())?;
        }
        if let Some(skew) = self.clock_skew {
            let (seconds, way) =
                (skew.unsigned_abs().as_secs(), if skew.is_negative() { "ahead of" } else { "behind" });
            write!(f, "; this machine's clock is {seconds} s {way} Apple's")?;
        }
        Ok(())
    }
}

impl std::error::Error for AppleError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_believed_as_long_as_its_author_deserves() {
        const YEAR: u64 = 31_536_000;
        let (quarter, day) = (Some(900), Some(86_400));
        for (status, form, asked, believed) in [
            (429, BodyForm::Empty, YEAR, day),
            (429, BodyForm::Code, YEAR, day),
            (429, BodyForm::Json, YEAR, day),
            (429, BodyForm::Text, YEAR, quarter),
            (429, BodyForm::Html, YEAR, quarter),
            (429, BodyForm::Code, 30, Some(30)),
            (429, BodyForm::Code, 0, Some(0)),
            (503, BodyForm::Html, YEAR, quarter),
            (503, BodyForm::Empty, YEAR, quarter),
            (503, BodyForm::Json, 899, Some(899)),
            (500, BodyForm::Code, YEAR, quarter),
            (599, BodyForm::Text, YEAR, quarter),
            (403, BodyForm::Html, YEAR, quarter),
            (200, BodyForm::Html, YEAR, quarter),
            (403, BodyForm::Code, 30, None),
            (401, BodyForm::Empty, 30, None),
            (200, BodyForm::Json, 30, None),
        ] {
            let wait = believed_wait(status, form, Duration::from_secs(asked)).map(|wait| wait.as_secs());
            assert_eq!(wait, believed, "{status} {form:?} {asked}");
        }
    }
}
