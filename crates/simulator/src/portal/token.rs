//! Downloading a token, which issues a new one, and revoking it.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderName, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;

use super::Refused;
use crate::Shared;
use crate::p7m::{Cipher, Shape};

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum LineEnds {
    Lf,
    Crlf,
}

/// How the file is wanted. What is absent is as Apple does it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    account: Option<String>,
    expires: Option<String>,
    line_ends: Option<LineEnds>,
    chunks: Option<usize>,
    folded: Option<bool>,
    wrapper: Option<bool>,
    headers: Option<bool>,
    inner_headers: Option<bool>,
    raw: Option<bool>,
    cipher: Option<Cipher>,
}

impl Wanted {
    fn shape(&self) -> Result<Shape, Refused> {
        let apple = Shape::default();
        let chunks = self.chunks.unwrap_or(apple.chunks);
        if !(1..=1000).contains(&chunks) {
            return Err(Refused::invalid("chunks is 1 to 1000."));
        }
        Ok(Shape {
            crlf: self.line_ends.map_or(apple.crlf, |ends| ends == LineEnds::Crlf),
            chunks,
            folded: self.folded.unwrap_or(apple.folded),
            wrapper: self.wrapper.unwrap_or(apple.wrapper),
            headers: self.headers.unwrap_or(apple.headers),
            inner_headers: self.inner_headers.unwrap_or(apple.inner_headers),
            raw: self.raw.unwrap_or(apple.raw),
            cipher: self.cipher.unwrap_or(apple.cipher),
        })
    }

    fn expires(&self) -> Result<Option<Timestamp>, Refused> {
        let read = |text: &String| {
            text.parse().map_err(|_| {
                Refused::invalid(format!("expires must be like 2030-01-31T00:00:00Z, not {text:?}."))
            })
        };
        self.expires.as_ref().map(read).transpose()
    }
}

type File = ([(HeaderName, String); 2], Vec<u8>);

pub(super) async fn issue(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<File, Refused> {
    let Query(wanted) = wanted.map_err(|error| Refused::invalid(error.body_text()))?;
    let (shape, expires) = (wanted.shape()?, wanted.expires()?);
    let now = shared.clock.now();
    let mut world = shared.write();
    let account = wanted.account.filter(|account| !account.is_empty());
    let file = world.issue_token(&uuid, account, expires, &shape, now)?;
    let name = file_name(&world.server(&uuid)?.name, now);
    let headers = [
        (CONTENT_TYPE, "application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-data".to_owned()),
        (CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    Ok((headers, file))
}

pub(super) async fn revoke(
    State(shared): State<Arc<Shared>>,
    Path(uuid): Path<String>,
) -> Result<StatusCode, Refused> {
    shared.write().revoke_token(&uuid)?;
    Ok(StatusCode::NO_CONTENT)
}

/// `<server name>_Token_<time>_smime.p7m`, with what a header or a file system would trip over replaced.
fn file_name(server: &str, now: Timestamp) -> String {
    let time = Timestamp::from_second(now.as_second()).unwrap_or(now).to_string().replace(':', "-");
    let plain = |character: char| match character {
        ' '..='~' if !"\"\\/:*?<>|".contains(character) => character,
        _ => '_',
    };
    format!("{}_Token_{time}_smime.p7m", server.chars().map(plain).collect::<String>())
}
