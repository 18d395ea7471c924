//! Apple's error codes and the status that each usually comes with.

/// The code and its status; `None` as the status is as the option `credential_status` says.
pub(crate) fn find(code: &str) -> Option<(&'static str, Option<u16>)> {
    CODES.iter().find(|(known, _)| *known == code).copied()
}

/// All of them, for people.
pub(super) fn list() -> String {
    CODES.map(|(code, _)| code).join(", ")
}

const CODES: [(&str, Option<u16>); 39] = [
    ("MALFORMED_REQUEST_BODY", Some(400)),
    ("USER_AGENT_MISSING", Some(400)),
    ("USER_AGENT_INVALID", Some(400)),
    ("CURSOR_REQUIRED", Some(400)),
    ("INVALID_CURSOR", Some(400)),
    ("EXPIRED_CURSOR", Some(400)),
    ("EXHAUSTED_CURSOR", Some(400)),
    ("DEVICE_ID_REQUIRED", Some(400)),
    ("PROFILE_UUID_REQUIRED", Some(400)),
    ("CONFIG_NAME_REQUIRED", Some(400)),
    ("CONFIG_NAME_INVALID", Some(400)),
    ("CONFIG_URL_REQUIRED", Some(400)),
    ("CONFIG_URL_INVALID", Some(400)),
    ("DEPARTMENT_REQUIRED", Some(400)),
    ("DEPARTMENT_INVALID", Some(400)),
    ("MAGIC_INVALID", Some(400)),
    ("SUPPORT_PHONE_REQUIRED", Some(400)),
    ("SUPPORT_PHONE_INVALID", Some(400)),
    ("SUPPORT_EMAIL_INVALID", Some(400)),
    ("LOCALE_INVALID", Some(400)),
    ("FLAGS_INVALID", Some(400)),
    ("ORG_NOT_SUPPORTED", Some(400)),
    ("MDM_SERVICE_DISCOVERY_URL_REQUIRED", Some(400)),
    ("MDM_SERVICE_DISCOVERY_URL_NOT_VALID", Some(400)),
    ("UNAUTHORIZED", Some(401)),
    ("token_expired", Some(401)),
    ("consumer_key_unknown", Some(401)),
    ("timestamp_refused", Some(401)),
    ("nonce_used", Some(401)),
    ("signature_invalid", None),
    ("token_rejected", None),
    ("FORBIDDEN", Some(403)),
    ("ACCESS_DENIED", Some(403)),
    ("T_C_NOT_SIGNED", Some(403)),
    ("APPLE_SEED_FOR_IT_TURNED_OFF", Some(403)),
    ("NOT_FOUND", Some(404)),
    ("PROFILE_NOT_FOUND", Some(404)),
    ("DEVICE_NOT_FOUND", Some(404)),
    ("TOO_MANY_REQUESTS", Some(429)),
];
