//! A client of Graph in a test: sends what it is told, and keeps the whole answer.

use reqwest::{
    Method, RequestBuilder,
    header::{AUTHORIZATION, HeaderMap},
};
use serde_json::Value;

/// Somebody who calls.
pub struct Client {
    base: String,
    bearer: Option<String>,
    http: reqwest::Client,
}

/// A whole answer.
#[derive(Debug)]
pub struct ClientResponse {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

impl Client {
    pub fn new(base: &str, bearer: Option<&str>) -> Self {
        Self { base: base.to_owned(), bearer: bearer.map(str::to_owned), http: reqwest::Client::new() }
    }

    /// The origin that it calls.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request with this client's bearer token; `path` may be a whole URL.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(method, url);
        match &self.bearer {
            Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> ClientResponse {
        send(self.request(Method::GET, path)).await
    }

    pub async fn get_with(&self, path: &str, header: (&str, &str)) -> ClientResponse {
        send(self.request(Method::GET, path).header(header.0, header.1)).await
    }

    /// What a GET that succeeds shows.
    pub async fn get_json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "GET {path}: {}", answer.text);
        answer.json()
    }

    pub async fn post(&self, path: &str, body: &Value) -> ClientResponse {
        send(self.request(Method::POST, path).json(body)).await
    }

    /// A POST with nothing in it, as clients call actions without parameters.
    pub async fn act(&self, path: &str) -> ClientResponse {
        send(self.request(Method::POST, path)).await
    }

    pub async fn patch(&self, path: &str, body: &Value) -> ClientResponse {
        send(self.request(Method::PATCH, path).json(body)).await
    }

    pub async fn delete(&self, path: &str) -> ClientResponse {
        send(self.request(Method::DELETE, path)).await
    }

    /// Makes a setting and answers its id.
    pub async fn create_setting(&self) -> String {
        let path = format!("/beta/{}", super::test_app::S);
        let answer = self.post(&path, &serde_json::json!({ "tokenName": "Test" })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

/// Sends a request and reads its answer to the end.
pub async fn send(request: RequestBuilder) -> ClientResponse {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    ClientResponse { status, headers, text: response.text().await.unwrap() }
}

impl ClientResponse {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }

    /// Checks a refusal in Graph's shape; `part` is somewhere in its message.
    #[track_caller]
    pub fn is_refused(&self, status: u16, code: &str, part: &str) {
        assert_eq!(self.status, status, "{}", self.text);
        let error = &self.json()["error"];
        assert_eq!(error["code"], code, "{error}");
        assert!(error["message"].as_str().unwrap().contains(part), "{error}");
        assert_eq!(error["innerError"]["request-id"], self.header("request-id"));
        assert_eq!(error["innerError"]["client-request-id"], self.header("client-request-id"));
        assert_eq!(error["innerError"]["date"].as_str().unwrap().len(), "2026-11-23T12:00:00".len());
        assert_eq!(self.header("content-type"), "application/json");
    }
}
