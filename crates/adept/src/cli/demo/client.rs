//! A client of the service that shows on the stage what it sends and what is returned.

use std::time::{Duration, Instant};

use reqwest::{Certificate, Method, header};
use serde_json::Value;

use super::stage::{Stage, Who};
use crate::cli::Failure;

/// Nothing here takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The client.
pub(super) struct Client {
    http: reqwest::Client,
    base: String,
    bearer: Option<String>,
    /// Requests sent, shown or not.
    pub(super) sent: usize,
}

/// What is sent with a request, and what is shown of it.
pub(super) struct Body {
    media_type: &'static str,
    sent: String,
    shown: String,
}

impl Body {
    /// A JSON document; shown in full.
    pub(super) fn json(document: &Value) -> Self {
        Self { media_type: "application/json", sent: document.to_string(), shown: document.to_string() }
    }

    /// A form.
    pub(super) fn form(sent: String) -> Self {
        Self { media_type: "application/x-www-form-urlencoded", shown: String::new(), sent }
    }

    /// With this shown in place of a secret.
    pub(super) fn shown_as(self, shown: &str) -> Self {
        Self { shown: shown.to_owned(), ..self }
    }
}

/// An answer.
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) text: String,
    took: Duration,
}

impl Response {
    /// The body as JSON; null when it is none.
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Client {
    /// A client of the service at `base` that trusts `ca` (PEM) and nothing else.
    pub(super) fn of_adept(base: &str, ca: &str) -> Result<Self, Failure> {
        let unfit = |error| Failure::failed(format!("no HTTPS client for the demo: {error}"));
        let ca = Certificate::from_pem(ca.as_bytes()).map_err(unfit)?;
        let http = reqwest::Client::builder().tls_certs_only([ca]).no_proxy().timeout(TIMEOUT).build();
        let http = http.map_err(unfit)?;
        Ok(Self { http, base: base.to_owned(), bearer: None, sent: 0 })
    }

    /// Signs every further request with this bearer token.
    pub(super) fn sign_with(&mut self, token: &str) {
        self.bearer = Some(format!("Bearer {token}"));
    }

    /// Sends a request and shows it; a status other than `expected` ends the demo.
    pub(super) async fn call(
        &mut self,
        stage: &mut Stage,
        method: Method,
        path: &str,
        body: Option<Body>,
        expected: u16,
    ) -> Result<Response, Failure> {
        stage.ask(Who::Adept, method.as_str(), path);
        let said = body.as_ref().map(|body| body.shown.clone());
        let answer = match self.send(method.clone(), path, body).await {
            Ok(answer) => answer,
            Err(failure) => {
                stage.unanswered();
                return Err(failure);
            }
        };
        stage.answered(answer.status, answer.took);
        if let Some(said) = said {
            stage.body(&said);
        }
        if answer.status != expected {
            return Err(Failure::failed(format!(
                "{method} {} was answered with {} instead of {expected}: {}",
                stage.named(path),
                answer.status,
                answer.text.trim()
            )));
        }
        Ok(answer)
    }

    /// Sends a request and shows nothing.
    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Body>,
    ) -> Result<Response, Failure> {
        let mut request = self.http.request(method, format!("{}{path}", self.base));
        if let Some(bearer) = &self.bearer {
            request =
                request.header(header::AUTHORIZATION, bearer).header(header::ACCEPT, "application/json");
        }
        if let Some(Body { media_type, sent, .. }) = body {
            request = request.header(header::CONTENT_TYPE, media_type).body(sent);
        }
        self.sent += 1;
        let started = Instant::now();
        let unanswered =
            |error: reqwest::Error| Failure::failed(format!("{} does not answer: {error}", self.base));
        let response = request.send().await.map_err(unanswered)?;
        let (status, took) = (response.status().as_u16(), started.elapsed());
        let text = response.text().await.map_err(unanswered)?;
        Ok(Response { status, text, took })
    }
}
