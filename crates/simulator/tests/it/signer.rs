//! A reference OAuth 1.0a signer after RFC 5849, written apart from the simulator's reader.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The two halves of a credential pair, as in the token.
#[derive(Clone)]
pub(crate) struct Keys {
    pub(crate) consumer_key: String,
    pub(crate) consumer_secret: String,
    pub(crate) access_token: String,
    pub(crate) access_secret: String,
}

/// RFC 5849 §3.6.
pub(crate) fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' => (byte as char).to_string(),
            _ if byte.is_ascii_alphanumeric() => (byte as char).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// RFC 5849 §3.4.1.1, from a URL without query and all parameters that are signed.
pub(crate) fn base_string(method: &str, url: &str, parameters: &[(&str, &str)]) -> String {
    let mut pairs: Vec<(String, String)> =
        parameters.iter().map(|(name, value)| (escape(name), escape(value))).collect();
    pairs.sort();
    let joined: Vec<String> = pairs.into_iter().map(|(name, value)| name + "=" + &value).collect();
    [method.to_owned(), escape(url), escape(&joined.join("&"))].join("&")
}

/// RFC 5849 §3.4.2, in base64.
pub(crate) fn hmac_sha1(base: &str, consumer_secret: &str, token_secret: &str) -> String {
    let key = escape(consumer_secret) + "&" + &escape(token_secret);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, base.as_bytes()))
}

/// The protocol parameters of a call, signature included.
pub(crate) fn signed(
    keys: &Keys,
    method: &str,
    url: &str,
    timestamp: &str,
    nonce: &str,
) -> Vec<(String, String)> {
    let mut parameters = vec![
        ("oauth_consumer_key", keys.consumer_key.as_str()),
        ("oauth_token", &keys.access_token),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", timestamp),
        ("oauth_nonce", nonce),
        ("oauth_version", "1.0"),
    ];
    let signature =
        hmac_sha1(&base_string(method, url, &parameters), &keys.consumer_secret, &keys.access_secret);
    parameters.push(("oauth_signature", &signature));
    parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

/// The `Authorization` header for these parameters.
pub(crate) fn header(parameters: &[(String, String)], realm: Option<&str>, comma: &str) -> String {
    let realm = realm.map(|realm| format!("realm=\"{realm}\""));
    let pairs = parameters.iter().map(|(name, value)| format!("{}=\"{}\"", escape(name), escape(value)));
    format!("OAuth {}", realm.into_iter().chain(pairs).collect::<Vec<_>>().join(comma))
}

/// The example of RFC 5849 §3.4.1.1.
#[test]
fn the_base_string_is_the_one_of_the_rfc() {
    let parameters = [
        ("b5", "=%3D"),
        ("a3", "a"),
        ("c@", ""),
        ("a2", "r b"),
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
        ("c2", ""),
        ("a3", "2 q"),
    ];
    assert_eq!(
        base_string("POST", "http://example.com/request", &parameters),
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D\
         %26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1\
         %26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    );
}

/// The example of RFC 5849 §1.2.
#[test]
fn the_signature_is_the_one_of_the_rfc() {
    let parameters = [
        ("file", "vacation.jpg"),
        ("size", "original"),
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
    ];
    let base = base_string("GET", "http://photos.example.net/photos", &parameters);
    assert_eq!(hmac_sha1(&base, "kd94hf93k423kf44", "pfkkdhi9sl3r4s00"), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");
}
