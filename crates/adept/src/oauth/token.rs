//! `POST /{tenant}/oauth2/v2.0/token`: the client credentials grant.
//!
//! Credentials come in the body or as HTTP Basic. Fields that are not named here are ignored, as is the query string:
//! official clients send a good dozen of their own.

use std::borrow::Cow;

use axum::{
    Extension, Form, Json,
    extract::{
        Path, Query, State,
        rejection::{FormRejection, QueryRejection},
    },
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::json;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{OAuth, error, error::OAuthError, sign_in_log::Attempt};
use crate::{
    app::Purpose,
    auth::{Credentials, Issued, Refused, SignIn},
    domain::ClientAddress,
};

type Fields = Vec<(String, String)>;

pub(super) async fn token(
    State(oauth): State<OAuth>,
    Path(tenant): Path<String>,
    query: Result<Query<Fields>, QueryRejection>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    form: Result<Form<Fields>, FormRejection>,
) -> Response {
    let query = query.map(|Query(fields)| fields).unwrap_or_default();
    let body = form.as_ref().map(|Form(fields)| fields.as_slice()).unwrap_or_default();
    let correlation = correlation_id(&headers, body, &query);
    let address = address.map(|Extension(address)| address);
    let mut attempt = Attempt { trace: oauth.app.clock().new_id(), address, tenant: None, client: None };
    let answered = issue(&oauth, &tenant, &mut attempt, &headers, form).await;
    attempt.record(&oauth, &answered);
    match answered {
        Ok(issued) => granted(&issued),
        Err(refused) => error::answer_as(attempt.trace, &oauth, &refused, correlation),
    }
}

/// The endpoint of version 1, which is not offered.
pub(super) async fn old_token(State(oauth): State<OAuth>) -> Response {
    error::answer(&oauth, OAuthError::OldEndpoint, None)
}

async fn issue(
    oauth: &OAuth,
    tenant: &str,
    attempt: &mut Attempt,
    headers: &HeaderMap,
    form: Result<Form<Fields>, FormRejection>,
) -> Result<Issued, OAuthError> {
    let tenant = OAuth::tenant_id(tenant)?;
    attempt.tenant = Some(tenant);
    let Form(fields) = form.map_err(|rejection| OAuthError::NotAForm(rejection.body_text()))?;
    let grant = field(&fields, "grant_type")?.ok_or(OAuthError::MissingField("grant_type"))?;
    if grant != "client_credentials" {
        return Err(OAuthError::UnsupportedGrant(grant.to_owned()));
    }
    let (client, secret) = credentials(&fields, headers)?;
    attempt.client = client.parse().ok();
    let scope = field(&fields, "scope")?.ok_or(OAuthError::MissingField("scope"))?;
    let audience = oauth.auth.audience_of_scope(scope).ok_or_else(|| {
        let url = oauth.auth.public_url();
        OAuthError::UnknownScope(format!("{}://{}/.default", url.scheme(), url.host()))
    })?;
    let clock = oauth.app.clock();
    let sign_in = SignIn {
        tenant,
        credentials: Credentials { client: attempt.client, secret },
        audience: &audience,
        address: attempt.address.map(|ClientAddress(address)| address),
        token: attempt.trace,
        now: clock.now(),
        elapsed: clock.elapsed(),
    };
    let issued = Purpose::Caller.scope(oauth.auth.issue(sign_in)).await;
    if let Err(Refused::UnknownTenant(_)) = issued {
        attempt.tenant = None;
    }
    Ok(issued?)
}

fn granted(issued: &Issued) -> Response {
    let body = json!({
        "token_type": "Bearer",
        "expires_in": issued.expires_in,
        "ext_expires_in": issued.expires_in,
        "access_token": issued.access_token,
    });
    (error::NO_STORE, Json(body)).into_response()
}

/// A field's value; none when it is missing or empty, an error when it came twice.
fn field<'a>(fields: &'a Fields, name: &'static str) -> Result<Option<&'a str>, OAuthError> {
    let mut values = fields.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let value = values.next();
    if values.next().is_some() {
        return Err(OAuthError::RepeatedField(name));
    }
    Ok(value.filter(|value| !value.is_empty()))
}

/// Client id and secret, from the body or from HTTP Basic.
fn credentials(fields: &Fields, headers: &HeaderMap) -> Result<(String, Zeroizing<String>), OAuthError> {
    let (id, secret) = (field(fields, "client_id")?, field(fields, "client_secret")?);
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (header, second) = (sent.next(), sent.next());
    if second.is_some() {
        return Err(OAuthError::RepeatedHeader);
    }
    let Some(header) = header else {
        let id = id.ok_or(OAuthError::MissingField("client_id"))?;
        let secret = secret.ok_or(OAuthError::MissingSecret)?;
        return Ok((id.to_owned(), Zeroizing::new(secret.to_owned())));
    };
    let (basic_id, basic_secret) = basic(header).ok_or(OAuthError::UnreadableBasic)?;
    if secret.is_some() || id.is_some_and(|id| id != basic_id) {
        return Err(OAuthError::TwoCredentials);
    }
    Ok((basic_id, basic_secret))
}

/// Id and secret of a Basic header; both are form-encoded before they are joined (RFC 6749 §2.3.1).
fn basic(header: &HeaderValue) -> Option<(String, Zeroizing<String>)> {
    let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64_STANDARD.decode(encoded.trim()).ok()?);
    let (id, secret) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some((percent_decoded(id)?, Zeroizing::new(percent_decoded(secret)?)))
}

/// `%XX` and `+` undone. Ids and secrets of this issuer hold neither, so text that was not encoded reads the same.
fn percent_decoded(text: &str) -> Option<String> {
    // The decoder leaves a broken sequence as it is.
    let digits =
        |part: &str| part.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let is_whole = text.split('%').skip(1).all(digits);
    let text = text.replace('+', " ");
    is_whole.then(|| percent_decode_str(&text).decode_utf8().ok().map(Cow::into_owned))?
}

/// The id by which the client will look for this call: a GUID in `client-request-id` (header, body or query).
fn correlation_id<'a>(
    headers: &'a HeaderMap,
    body: &'a [(String, String)],
    query: &'a [(String, String)],
) -> Option<Uuid> {
    const NAME: &str = "client-request-id";
    let in_header = headers.get(NAME).and_then(|value| value.to_str().ok());
    let among = |fields: &'a [(String, String)]| fields.iter().find(|(key, _)| key == NAME);
    let in_fields = || among(body).or_else(|| among(query)).map(|(_, value)| value.as_str());
    Uuid::parse_str(in_header.or_else(in_fields)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(text: &str) -> HeaderValue {
        HeaderValue::from_str(&format!("Basic {}", BASE64_STANDARD.encode(text))).unwrap()
    }

    #[test]
    fn basic_credentials_are_decoded_as_forms_are() {
        let (id, secret) = basic(&header("a%2Db:s%3Ac+d:e")).unwrap();
        assert_eq!((id.as_str(), secret.as_str()), ("a-b", "s:c d:e"));
        for unreadable in ["no colon", "a:%", "a:%4", "a:%zz", "a:%+1", "a:%ff"] {
            assert!(basic(&header(unreadable)).is_none(), "{unreadable}");
        }
        assert!(basic(&HeaderValue::from_static("Bearer abc")).is_none());
        assert!(basic(&HeaderValue::from_static("Basic !")).is_none());
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_decoded_or_refused(text in ".*") {
            let _ = percent_decoded(&text);
        }
    }
}
