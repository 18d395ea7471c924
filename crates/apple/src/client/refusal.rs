//! From status and body of an answer to one kind of failure. The spellings are those that Apple, Apple's own test
//! server and other implementations of the service are known to use; where a body says nothing, the status decides.

use serde_json::Value;

use crate::error::{AppleErrorKind, BodyForm, Endpoint, ProfileFault};

/// How much of an answer that is not a success is read and kept, in bytes.
pub(super) const KEPT: usize = 1024;

/// The longest code that is taken for one, in bytes.
const LONGEST_CODE: usize = 64;

/// Words that servers write behind a code without a gap, as in `token_expiredUnauthorized`.
const STATUS_WORDS: [&str; 4] = ["unauthorized", "forbidden", "badrequest", "bad_request"];

/// What the body of an answer looks like; its content type cannot be trusted.
pub(super) fn form(body: &[u8]) -> BodyForm {
    match body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body).trim_ascii() {
        [] => BodyForm::Empty,
        [b'<', ..] => BodyForm::Html,
        // It may be cut, so that it cannot be read as JSON any more.
        [b'{' | b'[', ..] => BodyForm::Json,
        body if code(body).is_some() => BodyForm::Code,
        _ => BodyForm::Text,
    }
}

/// What an answer that is not a 200 amounts to.
pub(super) fn kind(endpoint: Endpoint, status: u16, body: &[u8]) -> (AppleErrorKind, Option<String>) {
    let code = code(body);
    let named = code.as_deref().and_then(|code| kind_of_code(endpoint, code));
    let html = form(body) == BodyForm::Html;
    let kind = match (status, named) {
        (300..=399, _) => AppleErrorKind::Redirected,
        (429, _) => AppleErrorKind::TooManyRequests,
        (500..=599, _) => AppleErrorKind::ServerError,
        (400..=499, Some(kind)) => kind,
        (408, None) => AppleErrorKind::Timeout,
        // Something between Apple and us answers in HTML; it says nothing about the credentials.
        (400 | 401 | 403 | 404, None) if html => AppleErrorKind::NotUnderstood,
        (400, None) if code.is_none() => AppleErrorKind::MalformedRequest,
        (401, None) => AppleErrorKind::Unauthorized,
        (403, None) => AppleErrorKind::Forbidden,
        (404, None) => AppleErrorKind::NotFound,
        (400..=499, None) => AppleErrorKind::Refused,
        _ => AppleErrorKind::NotUnderstood,
    };
    (kind, code)
}

/// A 200 whose body is nothing but a known code: old servers answer so.
pub(super) fn in_success(endpoint: Endpoint, body: &[u8]) -> Option<(AppleErrorKind, String)> {
    let code = if body.len() <= KEPT { code(body)? } else { return None };
    Some((kind_of_code(endpoint, &code)?, code))
}

/// The code in a body that is bare, surrounded by space, quoted JSON, `{"code"}`, `{"error"}` or `oauth_problem=`.
fn code(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body)).ok()?.trim();
    let text = match text.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(text).ok()?,
        b'{' => code_in_json(&serde_json::from_str(text).ok()?)?.to_owned(),
        _ => text.to_owned(),
    };
    let text = text.trim();
    let text = text.split('&').find_map(|pair| pair.strip_prefix("oauth_problem=")).unwrap_or(text);
    let looks_right = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    ((1..=LONGEST_CODE).contains(&text.len()) && text.bytes().all(looks_right)).then(|| text.to_owned())
}

/// The text of `code` or `error`, also one level down: `{"error": {"code": "…"}}`.
fn code_in_json(value: &Value) -> Option<&str> {
    let fields = [value.get("code"), value.get("error"), value.pointer("/error/code")];
    fields.into_iter().flatten().find_map(Value::as_str)
}

fn kind_of_code(endpoint: Endpoint, code: &str) -> Option<AppleErrorKind> {
    let code = code.to_ascii_lowercase();
    known(endpoint, &code).or_else(|| {
        let stem = STATUS_WORDS.into_iter().find_map(|word| code.strip_suffix(word))?;
        known(endpoint, stem)
    })
}

/// The codes in lower case: those of Apple's pages in capitals, those of OAuth problem reporting as they are.
fn known(endpoint: Endpoint, code: &str) -> Option<AppleErrorKind> {
    Some(match code {
        // Elsewhere than at /session it is the session that has expired.
        "expired_token" if endpoint != Endpoint::Session => AppleErrorKind::Unauthorized,
        "token_expired" | "expired_token" => AppleErrorKind::TokenExpired,
        "token_rejected" | "token_revoked" | "token_used" => AppleErrorKind::TokenRejected,
        "signature_invalid" => AppleErrorKind::SignatureInvalid,
        "consumer_key_unknown" | "consumer_key_rejected" | "consumer_key_refused" => {
            AppleErrorKind::ConsumerKeyUnknown
        }
        "timestamp_refused" => AppleErrorKind::TimestampRefused,
        "nonce_used" => AppleErrorKind::NonceUsed,
        "unauthorized" => AppleErrorKind::Unauthorized,
        "forbidden" => AppleErrorKind::Forbidden,
        "access_denied" => AppleErrorKind::AccessDenied,
        "t_c_not_signed" => AppleErrorKind::TermsNotSigned,
        "apple_seed_for_it_turned_off" => AppleErrorKind::SeedTurnedOff,
        "cursor_required" => AppleErrorKind::CursorRequired,
        "invalid_cursor" => AppleErrorKind::InvalidCursor,
        "exhausted_cursor" => AppleErrorKind::ExhaustedCursor,
        "expired_cursor" => AppleErrorKind::ExpiredCursor,
        "device_id_required" => AppleErrorKind::DeviceIdRequired,
        "profile_uuid_required" => AppleErrorKind::ProfileUuidRequired,
        "mdm_service_discovery_url_required" | "mdm_service_discovery_url_not_valid" => {
            AppleErrorKind::DiscoveryUrlRefused
        }
        "org_not_supported" => AppleErrorKind::OrgNotSupported,
        "user_agent_missing" => AppleErrorKind::UserAgentMissing,
        "user_agent_invalid" => AppleErrorKind::UserAgentInvalid,
        "malformed_request_body"
        | "message_format_error"
        | "parameter_absent"
        | "parameter_rejected"
        | "signature_method_rejected"
        | "version_rejected" => AppleErrorKind::MalformedRequest,
        "not_found" | "profile_not_found" | "device_not_found" => AppleErrorKind::NotFound,
        "too_many_requests" => AppleErrorKind::TooManyRequests,
        "internal_server_error" => AppleErrorKind::ServerError,
        code => AppleErrorKind::ProfileRefused(profile_fault(code)?),
    })
}

/// What is wrong with a profile, from Apple's page "Define a Profile"; `…_required` of all but the first two is protocol 1.
fn profile_fault(code: &str) -> Option<ProfileFault> {
    Some(match code {
        "config_name_required" | "config_name_invalid" => ProfileFault::Name,
        "config_url_required" | "config_url_invalid" => ProfileFault::Url,
        "department_invalid" | "department_required" => ProfileFault::Department,
        "magic_invalid" => ProfileFault::Magic,
        "support_phone_invalid" | "support_phone_required" => ProfileFault::SupportPhone,
        "support_email_invalid" => ProfileFault::SupportEmail,
        "locale_invalid" => ProfileFault::Locale,
        "flags_invalid" => ProfileFault::Flags,
        _ => return None,
    })
}
