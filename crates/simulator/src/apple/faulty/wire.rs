//! Headers and bytes: what goes out, how slowly, and where it breaks off.

use std::io;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, DATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use jiff::{SignedDuration, Timestamp};

use super::super::headers::http_date;
use super::gzip;
use crate::Shared;
use crate::faults::{Action, Drip, Plan, ReplaceText, Truncate};

/// The answer as the rule lets it out.
pub(in super::super) async fn send(
    shared: Arc<Shared>,
    plan: &Plan,
    response: Response,
    now: Timestamp,
) -> Response {
    if plan.rule.is_none() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    // The bodies are made in memory, so they cannot fail.
    let mut body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    let (mut drip, mut cut) = (None, false);
    for action in &*plan.actions {
        match action {
            Action::ReplaceText(ReplaceText { from, to }) => {
                body = String::from_utf8_lossy(&body).replace(from, to).into();
            }
            Action::Gzip => {
                body = gzip::stored(&body).into();
                parts.headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            Action::DateSkewSeconds(ahead) => {
                let date = now.checked_add(SignedDuration::from_secs(*ahead)).unwrap_or(now);
                parts.headers.insert(DATE, http_date(date));
            }
            _ => {}
        }
    }
    let mut length = body.len();
    for action in &*plan.actions {
        match action {
            Action::Truncate(Truncate { keep, honest_length }) => {
                body.truncate(*keep);
                cut = !honest_length && body.len() < length;
                if !cut {
                    length = body.len();
                }
            }
            Action::Drip(wanted) => drip = Some(*wanted),
            _ => {}
        }
    }
    if cut || drip.is_some() {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    for action in &*plan.actions {
        if let Action::Headers(headers) = action {
            set_headers(&mut parts.headers, headers);
        }
    }
    let body = match (drip, cut) {
        (None, false) => Body::from(body),
        (drip, cut) => in_parts(shared, body, drip, cut),
    };
    Response::from_parts(parts, body)
}

fn set_headers(headers: &mut HeaderMap, wanted: &std::collections::BTreeMap<String, Option<String>>) {
    for (name, value) in wanted {
        // The portal refused names and values that are none.
        let Ok(name) = HeaderName::try_from(name) else { continue };
        match value.as_ref().map(HeaderValue::try_from) {
            Some(Ok(value)) => drop(headers.insert(name, value)),
            _ => drop(headers.remove(name)),
        }
    }
}

/// A body on its way.
struct Sending {
    shared: Arc<Shared>,
    rest: Bytes,
    drip: Drip,
    begun: bool,
    /// The connection ends after the rest instead of waiting for the next call.
    cut: bool,
}

fn in_parts(shared: Arc<Shared>, rest: Bytes, drip: Option<Drip>, cut: bool) -> Body {
    let drip = drip.unwrap_or(Drip { bytes: rest.len().max(1), pause_ms: 0 });
    Body::from_stream(stream::unfold(Sending { shared, rest, drip, begun: false, cut }, next))
}

async fn next(mut sending: Sending) -> Option<(io::Result<Bytes>, Sending)> {
    if sending.rest.is_empty() {
        if !std::mem::take(&mut sending.cut) {
            return None;
        }
        // What was issued before is written while this is pending; an error at once would take it back.
        tokio::task::yield_now().await;
        return Some((Err(io::Error::other("cut on purpose")), sending));
    }
    if sending.begun && !sending.shared.wait(sending.drip.pause_ms).await {
        (sending.rest, sending.cut) = (Bytes::new(), false);
        return Some((Err(io::Error::other("the simulator stops")), sending));
    }
    sending.begun = true;
    let part = sending.rest.split_to(sending.drip.bytes.min(sending.rest.len()));
    Some((Ok(part), sending))
}
