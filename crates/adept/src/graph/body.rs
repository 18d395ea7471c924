//! Receives a body up to a limit. What is left unread is drained by `serve`.

use std::sync::PoisonError;

use axum::http::{HeaderMap, HeaderValue, header};
use futures_util::StreamExt;
use zeroize::Zeroizing;

use super::{
    digest::Digest,
    error::Error,
    input::{Members, members},
    request_context::{InBatch, RequestContext},
    response::{LONGEST_ID, client_request_id, usable_id},
};
use crate::domain::{CallerKind, RequestKey};

/// What a token upload may hold, in bytes: a token of 64 KiB in base64, and JSON around it.
pub(super) const TOKEN_LIMIT: usize = 256 * 1024;
/// What any other body may hold, in bytes.
pub(super) const LIMIT: usize = 1024 * 1024;

/// A body that was received. It is wiped when dropped, since bodies hold tokens and passwords.
pub(super) struct BodyBytes(Zeroizing<Vec<u8>>);

impl RequestContext<'_> {
    /// The whole body; an error when it is longer than `limit` bytes.
    pub(super) async fn receive(&self, limit: usize) -> Result<BodyBytes, Error> {
        let announced = announced(self.headers());
        if announced.is_some_and(|length| length > limit) {
            return Err(Error::TooLarge { limit });
        }
        // With the final size known, the vector never moves and leaves no copy.
        let mut bytes = Zeroizing::new(Vec::with_capacity(announced.unwrap_or(0)));
        let body = std::mem::take(&mut *self.body.lock().unwrap_or_else(PoisonError::into_inner));
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| Error::BrokenBody)?;
            if bytes.len() + chunk.len() > limit {
                return Err(Error::TooLarge { limit });
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(BodyBytes(bytes))
    }

    /// The members of a JSON body.
    pub(super) fn object(&self, body: &BodyBytes) -> Result<Members, Error> {
        self.check_is_json()?;
        Ok(members(&body.0, false)?)
    }

    /// An error when the body of an action without parameters holds any.
    pub(super) fn expect_no_parameters(&self, body: &BodyBytes) -> Result<(), Error> {
        if body.0.trim_ascii().is_empty() {
            return Ok(());
        }
        self.check_is_json()?;
        let operation = self.endpoint.route.operation;
        let name = operation.split_once('.').map_or(operation, |(_, name)| name);
        let none = super::types::ActionType::<()> { name, parameters: &[] };
        Ok(none.read(members(&body.0, true)?)?)
    }

    /// What a create is recognized by when it is repeated; none without a client's id of the request. An error when
    /// the id cannot be used: the client would rely on it in vain.
    pub(super) fn create_key(&self, body: &BodyBytes) -> Result<Option<RequestKey>, Error> {
        let Some((header, id)) = client_request_id(self.headers()) else { return Ok(None) };
        let id = usable_id(id).ok_or(Error::UnusableRequestId { header, longest: LONGEST_ID })?;
        let client = self.caller.client.map(|client| client.0.into_bytes());
        let user = match &self.caller.kind {
            CallerKind::User { user_id, .. } => Some(user_id.as_bytes()),
            CallerKind::Application | CallerKind::Operator => None,
        };
        let item = self.parts.extensions.get::<InBatch>().map(|batch| batch.item.as_bytes());
        let mut digest = Digest::new();
        digest.path(self.endpoint.route.operation, &self.endpoint.keys);
        for part in
            [client.as_ref().map(<[u8; 16]>::as_slice), user, item, Some(id.as_bytes()), Some(&body.0)]
        {
            digest.part(part);
        }
        Ok(Some(RequestKey(digest.finish())))
    }

    /// Scripts send JSON without a content type; any other content type is refused.
    fn check_is_json(&self) -> Result<(), Error> {
        let coded = self.headers().get(header::CONTENT_ENCODING);
        if coded.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(Error::UnsupportedMediaType);
        }
        match self.headers().get(header::CONTENT_TYPE).is_none_or(is_json) {
            true => Ok(()),
            false => Err(Error::UnsupportedMediaType),
        }
    }
}

/// Whether a content type is one of JSON in UTF-8, or none, whatever its other parameters.
pub(super) fn is_json(content_type: &HeaderValue) -> bool {
    let mut parts = content_type.as_bytes().split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let media = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_at_checked(8)?;
        name.eq_ignore_ascii_case(b"charset=").then(|| value.trim_ascii())
    });
    let utf8 = |charset: &[u8]| {
        let known: [&[u8]; 5] = [b"utf-8", b"utf8", b"\"utf-8\"", b"\"utf8\"", b"us-ascii"];
        known.iter().any(|known| known.eq_ignore_ascii_case(charset))
    };
    [&b""[..], b"application/json", b"text/json"].iter().any(|json| media.eq_ignore_ascii_case(json))
        && charset.is_none_or(utf8)
}

/// `Content-Length`, in bytes.
fn announced(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
