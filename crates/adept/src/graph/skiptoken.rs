//! `$skiptoken`: where a page ended, and a digest of path and options, so that it fits only the request it was made for.
//! It holds no tenant: that always comes from the caller.

use adept_odata::QueryOptions;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{digest::Digest, error::Error, protocol::Version};
use crate::app::Position;

/// What a token is bound to.
pub(super) type RequestDigest = [u8; 16];

/// Digests operation, keys, cast and options, however they are spelt.
pub(super) fn request_digest(
    version: Version,
    operation: &str,
    keys: &[String],
    cast: Option<&str>,
    options: &QueryOptions,
) -> RequestDigest {
    let QueryOptions {
        filter,
        orderby,
        select,
        expand,
        search,
        skiptoken: _,
        format: _,
        top,
        skip: _,
        count,
    } = options;
    let mut digest = Digest::new();
    digest.part(Some(version.as_str().as_bytes()));
    digest.path(operation, keys);
    digest.part(cast.map(str::as_bytes));
    for text in [filter, orderby, select, expand, search] {
        digest.part(text.as_deref().map(str::as_bytes));
    }
    digest.part(top.map(|top| top.to_string()).as_deref().map(str::as_bytes));
    digest.part(count.map(|count| count.to_string()).as_deref().map(str::as_bytes));
    digest.finish()
}

/// Digest and position.
pub(super) fn close_token(position: &Position, digest: &RequestDigest) -> String {
    let mut token = digest.to_vec();
    token.extend(position.0.as_bytes());
    URL_SAFE_NO_PAD.encode(token)
}

/// The position in a token; an error when it was made for another request.
pub(super) fn open_token(token: &str, digest: &RequestDigest) -> Result<Position, Error> {
    let open = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let position = bytes.strip_prefix(digest)?;
        Some(Position(String::from_utf8(position.to_vec()).ok()?))
    };
    open().ok_or(Error::ForeignSkipToken)
}
