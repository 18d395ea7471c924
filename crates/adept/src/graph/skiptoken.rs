//! `$skiptoken`: where a page ended, and a digest of path and options, so that it fits only the request it was made for.
//! It holds no tenant: that always comes from the caller.

use adept_odata::QueryOptions;
use aws_lc_rs::digest::{Context, SHA256};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{error::Error, protocol::Version};
use crate::app::Position;

const LENGTH: usize = 16;

/// What a token is bound to.
pub(super) type Digest = [u8; LENGTH];

/// Digests operation, keys, cast and options, however they are spelt.
pub(super) fn digest(
    version: Version,
    operation: &str,
    keys: &[String],
    cast: Option<&str>,
    options: &QueryOptions,
) -> Digest {
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
    let mut digest = Context::new(&SHA256);
    let mut part = |text: Option<&str>| {
        digest.update(&[u8::from(text.is_some())]);
        digest.update(&text.map_or(0, str::len).to_le_bytes());
        digest.update(text.unwrap_or_default().as_bytes());
    };
    part(Some(version.as_str()));
    part(Some(operation));
    part(cast);
    for key in keys {
        part(Some(&key.to_ascii_lowercase()));
    }
    for text in [filter, orderby, select, expand, search] {
        part(text.as_deref());
    }
    part(top.map(|top| top.to_string()).as_deref());
    part(count.map(|count| count.to_string()).as_deref());
    let mut short = [0; LENGTH];
    short.copy_from_slice(&digest.finish().as_ref()[..LENGTH]);
    short
}

/// Digest and position.
pub(super) fn close_token(position: &Position, digest: &Digest) -> String {
    let mut token = digest.to_vec();
    token.extend(position.0.as_bytes());
    URL_SAFE_NO_PAD.encode(token)
}

/// The position in a token; an error when it was made for another request.
pub(super) fn open_token(token: &str, digest: &Digest) -> Result<Position, Error> {
    let open = || {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let position = bytes.strip_prefix(digest)?;
        Some(Position(String::from_utf8(position.to_vec()).ok()?))
    };
    open().ok_or(Error::ForeignSkipToken)
}
