//! The body of a call, read whole.

use axum::body::{Body, HttpBody};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unread {
    /// More bytes than are taken; the rest is not waited for.
    TooLarge,
    /// The client broke off, or what it sent is no HTTP.
    Broken,
}

/// Reads up to `most` bytes. A body that is announced as larger is not read at all.
pub(crate) async fn read(body: Body, most: usize) -> Result<Bytes, Unread> {
    if body.size_hint().lower() > most as u64 {
        return Err(Unread::TooLarge);
    }
    let (mut parts, mut whole) = (body.into_data_stream(), BytesMut::new());
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Unread::Broken)?;
        if whole.len() + part.len() > most {
            return Err(Unread::TooLarge);
        }
        whole.extend_from_slice(&part);
    }
    Ok(whole.freeze())
}
