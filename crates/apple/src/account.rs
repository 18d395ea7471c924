//! The answer to `GET /account`: whose server a token belongs to. Every field may be missing, and unknown ones are
//! ignored; a field of an unexpected type counts as missing.

use serde_json::{Map, Value};

/// The most devices that this library asks for in one page (Apple's documented maximum).
pub const LARGEST_PAGE: u32 = 1000;

/// Apple's account detail; texts are cut at 1,024 characters. Source of the fields: Apple's page "Account Detail"; from `org_id` on since protocol 3.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Account {
    /// The server's name in the portal.
    pub server_name: Option<String>,
    /// Stable across token renewals. Compare [`Account::normalized_server_uuid`] instead.
    pub server_uuid: Option<String>,
    /// The Apple account that downloaded the current token.
    pub admin_id: Option<String>,
    /// Older name of `admin_id`.
    pub facilitator_id: Option<String>,
    /// The organization's name.
    pub org_name: Option<String>,
    /// The organization's e-mail address.
    pub org_email: Option<String>,
    /// The organization's telephone number.
    pub org_phone: Option<String>,
    /// The organization's postal address.
    pub org_address: Option<String>,
    /// The organization's customer id.
    pub org_id: Option<String>,
    /// Equals `organizationIdHash` of Apps and Books.
    pub org_id_hash: Option<String>,
    /// `edu`, `org` or `tvprovider`.
    pub org_type: Option<String>,
    /// `v1` before, `v2` since Apple Business and School Manager.
    pub org_version: Option<String>,
    /// The paths that this server may call.
    pub urls: Vec<AccountUrl>,
}

/// A path that the server may call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AccountUrl {
    /// Path, such as `/devices/sync`.
    pub uri: String,
    /// Methods, such as `POST`.
    pub http_methods: Vec<String>,
    /// Page size that Apple takes when none is sent.
    pub default_limit: Option<u32>,
    /// Largest page size.
    pub maximum_limit: Option<u32>,
}

impl Account {
    /// The page size to send: the smallest of `ours`, what the account says for `path`, and 1000; at least 1.
    #[must_use]
    pub fn page_limit(&self, path: &str, ours: u32) -> u32 {
        let listed = self.urls.iter().filter(|url| url.uri.trim_end_matches('/') == path);
        let theirs = listed.filter_map(|url| url.maximum_limit).filter(|maximum| *maximum > 0).min();
        ours.min(theirs.unwrap_or(LARGEST_PAGE)).clamp(1, LARGEST_PAGE)
    }

    /// `server_uuid` in upper case without dashes: both spellings occur for one server.
    #[must_use]
    pub fn normalized_server_uuid(&self) -> Option<String> {
        Some(normalized_uuid(self.server_uuid.as_deref()?)).filter(|uuid| !uuid.is_empty())
    }

    pub(crate) fn from_json(mut object: Map<String, Value>) -> Self {
        let mut text = |key: &str| object.remove(key).and_then(into_text).map(shortened);
        Self {
            server_name: text("server_name"),
            server_uuid: text("server_uuid"),
            admin_id: text("admin_id"),
            facilitator_id: text("facilitator_id"),
            org_name: text("org_name"),
            org_email: text("org_email"),
            org_phone: text("org_phone"),
            org_address: text("org_address"),
            org_id: text("org_id"),
            org_id_hash: text("org_id_hash"),
            org_type: text("org_type"),
            org_version: text("org_version"),
            urls: into_list(object.remove("urls")).filter_map(AccountUrl::from_json).collect(),
        }
    }
}

impl AccountUrl {
    fn from_json(value: Value) -> Option<Self> {
        let Value::Object(mut object) = value else { return None };
        let number = |key: &str| u32::try_from(object.get("limit")?.get(key)?.as_u64()?).ok();
        let (default_limit, maximum_limit) = (number("default"), number("maximum"));
        Some(Self {
            uri: object.remove("uri").and_then(into_text).map(shortened)?,
            http_methods: into_list(object.remove("http_method")).filter_map(into_text).collect(),
            default_limit,
            maximum_limit,
        })
    }
}

/// A uuid of a server or profile in upper case without dashes, for comparing: both spellings occur for one thing.
#[must_use]
pub fn normalized_uuid(uuid: &str) -> String {
    let kept = uuid.trim().chars().filter(|letter| *letter != '-');
    kept.map(|letter| letter.to_ascii_uppercase()).collect()
}

/// Text, or a number as text; nothing for an empty text and every other type.
pub(crate) fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The most characters of a text that is kept for people to see.
const LONGEST_TEXT: usize = 1024;

/// `text`, cut to 1,024 characters.
pub(crate) fn shortened(mut text: String) -> String {
    if text.len() > LONGEST_TEXT
        && let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT)
    {
        text.truncate(end);
    }
    text
}

/// The elements of an array; a lone value is a list of one.
pub(crate) fn into_list(value: Option<Value>) -> impl Iterator<Item = Value> {
    match value {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(single) => vec![single],
    }
    .into_iter()
}
