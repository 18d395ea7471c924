//! One request and its answer: headers out, bounded body in, and everything that can go wrong on the way as one
//! [`AppleError`]. It retries nothing and knows nothing of who shares a session.

use std::{error::Error, time::Instant};

use aws_lc_rs::rand;
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Method, Response,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue},
};
use serde::Serialize;

use super::{
    Client,
    config::RequestOutcome,
    decode::{self, Decoded},
    http_time, refusal,
};
use crate::{
    error::{AppleError, AppleErrorKind, BodyForm, Endpoint},
    oauth,
    secret::Secret,
    token::ServerToken,
};

const SESSION: HeaderName = HeaderName::from_static("x-adm-auth-session");

/// A request, and how its answer is decoded. It can be sent again.
pub(super) struct Request<T> {
    pub(super) endpoint: Endpoint,
    /// The one parameter of the query that some calls have.
    pub(super) query: Option<(&'static str, String)>,
    /// JSON; empty where nothing is sent.
    pub(super) body: Vec<u8>,
    /// A secret in the body, which no error may show.
    pub(super) secret: Option<Secret>,
    pub(super) decode: fn(&[u8]) -> Decoded<T>,
}

impl<T> Request<T> {
    /// A request without query and body.
    pub(super) const fn bare(endpoint: Endpoint, decode: fn(&[u8]) -> Decoded<T>) -> Self {
        Self { endpoint, query: None, body: Vec::new(), secret: None, decode }
    }

    /// A request that carries JSON.
    pub(super) fn json(
        endpoint: Endpoint,
        body: &impl Serialize,
        decode: fn(&[u8]) -> Decoded<T>,
    ) -> Result<Self, AppleError> {
        let body = serde_json::to_vec(body)
            .map_err(|_| AppleError::new(AppleErrorKind::MalformedRequest, endpoint))?;
        Ok(Self { body, ..Self::bare(endpoint, decode) })
    }
}

/// An answer, or the lack of one.
pub(super) struct Exchange<T> {
    pub(super) result: Result<T, AppleError>,
    /// The session to use from now on, which an answer of any status may bring.
    pub(super) rotated: Option<Secret>,
}

/// What the head of an answer says, independent of the body.
#[derive(Default)]
struct Head {
    status: Option<u16>,
    retry_after: Option<std::time::Duration>,
    clock_skew: Option<SignedDuration>,
    date: Option<Timestamp>,
    rotated: Option<Secret>,
}

impl Head {
    fn of(response: &Response, now: Timestamp) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers());
        Self {
            status: Some(status),
            retry_after: http_time::retry_after(headers, now),
            clock_skew: http_time::clock_skew(headers, now),
            date: http_time::date(headers),
            rotated: headers
                .get(SESSION)
                .and_then(|value| decode::session_text(value.to_str().ok()?.trim().to_owned())),
        }
    }
}

/// Why there is nothing to return.
struct Failure {
    kind: AppleErrorKind,
    code: Option<String>,
    body: BodyForm,
    is_unsent: bool,
    detail: Option<String>,
}

impl From<AppleErrorKind> for Failure {
    fn from(kind: AppleErrorKind) -> Self {
        Self { kind, code: None, body: BodyForm::Empty, is_unsent: false, detail: None }
    }
}

impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let kind = if error.is_timeout() { AppleErrorKind::Timeout } else { AppleErrorKind::Unreachable };
        let is_unsent = error.is_connect();
        let error = error.without_url();
        let mut detail = error.to_string();
        let mut cause = error.source();
        while let Some(source) = cause {
            detail = format!("{detail}: {source}");
            cause = source.source();
        }
        Self { is_unsent, detail: Some(printable(&detail)), ..kind.into() }
    }
}

impl Client {
    /// Sends `request` with `session`, or signed with `token` if there is none.
    pub(super) async fn exchange<T>(
        &self,
        request: &Request<T>,
        token: &ServerToken,
        session: Option<&Secret>,
    ) -> Exchange<T> {
        let started = Instant::now();
        let (head, outcome) = match self.send(request, token, session).await {
            Ok(response) => {
                let head = Head::of(&response, (self.inner.config.clock)());
                (head, self.read(request, token, session, response).await)
            }
            Err(failure) => (Head::default(), Err(failure)),
        };
        let result = outcome.map_err(|failure| AppleError {
            kind: failure.kind,
            endpoint: request.endpoint,
            status: head.status,
            code: failure.code,
            retry_after: head.retry_after,
            body: failure.body,
            clock_skew: head.clock_skew,
            is_unsent: failure.is_unsent,
            detail: failure.detail,
        });
        let failure = result.as_ref().err();
        self.report(
            &RequestOutcome {
                endpoint: request.endpoint,
                status: head.status,
                code: failure.and_then(|failure| failure.code.clone()),
                kind: failure.map(|failure| failure.kind),
                clock_skew: head.clock_skew,
                date: head.date,
                took: started.elapsed(),
            },
            failure.and_then(|failure| failure.detail.as_deref()),
        );
        Exchange { result, rotated: head.rotated }
    }

    async fn send<T>(
        &self,
        request: &Request<T>,
        token: &ServerToken,
        session: Option<&Secret>,
    ) -> Result<Response, Failure> {
        let mut url = self.inner.base.clone();
        url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), request.endpoint));
        if let Some((name, value)) = &request.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        let (name, value) = match session {
            Some(session) => (SESSION, HeaderValue::from_str(session.expose())),
            None => {
                let seconds = (self.inner.config.clock)().as_second();
                let method = request.endpoint.method();
                let value = oauth::authorization(method, &url, token, seconds, &nonce()?);
                (AUTHORIZATION, HeaderValue::from_str(&value))
            }
        };
        // Sessions are checked when they come in and signatures are percent-encoded: both always fit a header.
        let mut value = value.map_err(|_| AppleErrorKind::MalformedRequest)?;
        value.set_sensitive(true);
        let mut call = self.inner.http.request(self.method(request.endpoint), url);
        if !request.body.is_empty() {
            call = call.body(request.body.clone());
        }
        Ok(call.header(name, value).send().await?)
    }

    fn method(&self, endpoint: Endpoint) -> Method {
        match endpoint.method() {
            _ if endpoint == Endpoint::AssignProfile && self.inner.config.assign_by_put => Method::PUT,
            "POST" => Method::POST,
            "DELETE" => Method::DELETE,
            _ => Method::GET,
        }
    }

    async fn read<T>(
        &self,
        request: &Request<T>,
        token: &ServerToken,
        session: Option<&Secret>,
        mut response: Response,
    ) -> Result<T, Failure> {
        let (endpoint, status) = (request.endpoint, response.status().as_u16());
        if status != 200 {
            let secrets = [&token.consumer_secret, &token.access_token, &token.access_secret];
            let body = masked(
                &start_of(&mut response).await,
                secrets.into_iter().chain(session).chain(&request.secret),
            );
            let (kind, code) = refusal::kind(endpoint, status, body.as_bytes());
            return Err(Failure {
                code,
                body: refusal::form(body.as_bytes()),
                detail: Some(printable(&body)).filter(|text| !text.is_empty()),
                ..kind.into()
            });
        }
        let body = whole(&mut response, self.inner.config.max_body).await?;
        if let Some((kind, code)) = refusal::in_success(endpoint, &body) {
            return Err(Failure { code: Some(code), body: BodyForm::Code, ..kind.into() });
        }
        (request.decode)(&body).map_err(|kind| {
            // The body itself may hold a session or people's addresses, so only its length and type are reported.
            let kept = format!("{} bytes of {}", body.len(), content_type(response.headers()));
            Failure { detail: Some(kept), body: refusal::form(&body), ..kind.into() }
        })
    }

    fn report(&self, answer: &RequestOutcome, detail: Option<&str>) {
        tracing::debug!(
            endpoint = answer.endpoint.as_str(),
            status = answer.status,
            code = answer.code,
            kind = answer.kind.map(tracing::field::debug),
            took_ms = answer.took.as_secs_f64() * 1e3,
            detail,
            "Apple answered or failed to"
        );
        if let Some(on_request_outcome) = &self.inner.config.on_request_outcome {
            on_request_outcome(answer);
        }
    }
}

/// 128 random bits in hex.
fn nonce() -> Result<String, Failure> {
    let mut nonce = [0; 16];
    rand::fill(&mut nonce).map_err(|_| AppleErrorKind::NoRandomness)?;
    Ok(format!("{:032x}", u128::from_be_bytes(nonce)))
}

/// The body, as long as it is no longer than `most` bytes.
async fn whole(response: &mut Response, most: usize) -> Result<Vec<u8>, Failure> {
    let announced =
        response.content_length().map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced > most {
        return Err(AppleErrorKind::BodyTooLarge.into());
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > most {
            return Err(AppleErrorKind::BodyTooLarge.into());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The first bytes of a body that matters only for its code; the rest is never read, and a cut one will do.
async fn start_of(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < refusal::KEPT {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        body.extend_from_slice(&chunk);
    }
    body.truncate(refusal::KEPT);
    body
}

/// The text of `body` without any of `secrets`, which a proxy or a test server may have echoed.
fn masked<'a>(body: &[u8], secrets: impl Iterator<Item = &'a Secret>) -> String {
    let mut text = String::from_utf8_lossy(body).into_owned();
    for secret in secrets.map(Secret::expose).filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "***");
        if body.len() >= refusal::KEPT {
            // The body was cut off, perhaps in the middle of a secret.
            let mut starts = (1..secret.len()).rev().filter_map(|end| secret.get(..end));
            let cut = starts.find(|start| text.ends_with(start)).map_or(0, str::len);
            text.truncate(text.len() - cut);
        }
    }
    text
}

fn printable(text: &str) -> String {
    text.trim()
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .scan(0, |length, letter| {
            *length += letter.len_utf8();
            (*length <= refusal::KEPT).then_some(letter)
        })
        .collect()
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.map_or_else(|| "no type".to_owned(), |value| value.chars().take(64).collect())
}
