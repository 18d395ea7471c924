//! OAuth 1.0a signatures (RFC 5849, HMAC-SHA1) for the one request that Apple wants signed. Pure: the time and the
//! nonce are handed in. It signs queries and form fields, not bodies of other types.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use zeroize::Zeroizing;

use crate::token::ServerToken;

/// The value of the `Authorization` header for a request without form fields; `timestamp` is in seconds since 1970.
#[must_use]
pub fn authorization(method: &str, url: &Url, token: &ServerToken, timestamp: i64, nonce: &str) -> String {
    let timestamp = timestamp.to_string();
    let mut parameters = vec![
        ("oauth_consumer_key", token.consumer_key.expose()),
        ("oauth_token", token.access_token.expose()),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", timestamp.as_str()),
        ("oauth_nonce", nonce),
        ("oauth_version", "1.0"),
    ];
    let base = signature_base_string(method, url, &parameters);
    let signature = signature(&base, token.consumer_secret.expose(), token.access_secret.expose());
    parameters.push(("oauth_signature", signature.as_str()));
    // The realm is Apple's own example's. It is never part of what is signed (RFC 5849, section 3.4.1.3.1).
    let fields = parameters.iter().map(|(name, value)| format!(", {name}=\"{}\"", percent_encode(value)));
    format!("OAuth realm=\"ADM\"{}", fields.collect::<String>())
}

/// HMAC-SHA1 of `base` in base64, keyed with both secrets (RFC 5849, section 3.4.2).
#[must_use]
pub fn signature(base: &str, consumer_secret: &str, token_secret: &str) -> String {
    let key = Zeroizing::new(format!("{}&{}", percent_encode(consumer_secret), percent_encode(token_secret)));
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, base.as_bytes()))
}

/// What is signed (RFC 5849, section 3.4.1): method, address, and the sorted parameters of the query and of
/// `parameters` (header and form fields, decoded, without realm and signature).
#[must_use]
pub fn signature_base_string(method: &str, url: &Url, parameters: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (percent_encode(&name), percent_encode(&value)))
        .chain(parameters.iter().map(|(name, value)| (percent_encode(name), percent_encode(value))))
        .collect();
    pairs.sort_unstable();
    let normalized =
        pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let address = base_string_uri(url);
    format!("{}&{}&{}", method.to_ascii_uppercase(), percent_encode(&address), percent_encode(&normalized))
}

/// The address without query and fragment (RFC 5849, section 3.4.1.2): scheme and host in lower case, no default port.
#[must_use]
pub fn base_string_uri(url: &Url) -> String {
    // `Url` has lower-cased scheme and host and dropped the default port when it was parsed.
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

/// Everything but letters, digits and `-._~` as `%XX` in upper case (RFC 5849, section 3.6).
#[must_use]
pub fn percent_encode(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
