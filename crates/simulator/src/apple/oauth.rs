//! OAuth 1.0a (RFC 5849) as `/session` demands it: HMAC-SHA1, parameters in the `Authorization` header.
//! Reading and checking only. Which secrets belong to a key is not known here.

use aws_lc_rs::hmac;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::problem::Problem;

const REQUIRED: [&str; 6] = [
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
];

/// The parameters of a signed call, decoded.
pub(super) struct Signed {
    pub(super) consumer_key: String,
    pub(super) token: String,
    pub(super) timestamp: i64,
    pub(super) nonce: String,
    signature: Vec<u8>,
    /// Everything that is signed, encoded, sorted and joined (RFC 5849 §3.4.1.3.2).
    parameters: String,
}

impl Signed {
    /// Reads the header and the query of a call; anything missing, doubled or unsupported is a bad request.
    pub(super) fn read(headers: &HeaderMap, query: &str) -> Result<Signed, Problem> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let header = values.next().ok_or_else(|| unauthorized("The call has no Authorization header."))?;
        if values.next().is_some() {
            return Err(rejected("There is more than one Authorization header."));
        }
        let header = header.to_str().map_err(|_| rejected("The Authorization header is not ASCII."))?;
        let (scheme, rest) = header.trim().split_once(' ').unwrap_or((header.trim(), ""));
        if !scheme.eq_ignore_ascii_case("OAuth") {
            return Err(unauthorized("The Authorization header is not of the OAuth scheme."));
        }
        let mut parameters = split_header(rest)?;
        for (at, (name, _)) in parameters.iter().enumerate() {
            if parameters[..at].iter().any(|(earlier, _)| earlier == name) {
                return Err(rejected(format!("The parameter {name} is there twice.")));
            }
        }
        parameters.retain(|(name, _)| name != "realm");
        if let Some((name, _)) = parameters.iter().find(|(name, _)| {
            name.starts_with("oauth_") && name != "oauth_version" && !REQUIRED.contains(&name.as_str())
        }) {
            return Err(rejected(format!("The parameter {name} is not supported.")));
        }
        let find = |wanted: &str| {
            let found = parameters.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
            found.filter(|value| !value.is_empty()).ok_or_else(|| absent(wanted))
        };
        let method = find("oauth_signature_method")?;
        if method != "HMAC-SHA1" {
            let reason = format!("The signature method {method:?} is not supported; use HMAC-SHA1.");
            return Err(Problem::bad_request("oauth_problem=signature_method_rejected", reason));
        }
        if find("oauth_version").is_ok_and(|version| version != "1.0") {
            return Err(Problem::bad_request("oauth_problem=version_rejected", "oauth_version must be 1.0."));
        }
        let signature = find("oauth_signature")?;
        let timestamp = find("oauth_timestamp")?;
        let timestamp =
            timestamp.parse().map_err(|_| rejected("oauth_timestamp is not a number of seconds."))?;
        let signed = Signed {
            consumer_key: find("oauth_consumer_key")?,
            token: find("oauth_token")?,
            timestamp,
            nonce: find("oauth_nonce")?,
            signature: STANDARD.decode(signature).unwrap_or_default(),
            parameters: String::new(),
        };
        parameters.retain(|(name, _)| name != "oauth_signature");
        parameters.extend(split_query(query));
        Ok(Signed { parameters: joined(&parameters), ..signed })
    }

    /// Whether the signature fits these secrets for a call of `method` on one of the `urls`.
    pub(super) fn fits(&self, method: &str, urls: &[String], path: &str, secrets: [&str; 2]) -> bool {
        let key = format!("{}&{}", encode(secrets[0]), encode(secrets[1]));
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
        let fits = |url: &String| {
            let base = self.base_string(method, &format!("{url}{path}"));
            hmac::verify(&key, base.as_bytes(), &self.signature).is_ok()
        };
        urls.iter().any(fits)
    }

    /// The text that is signed (RFC 5849 §3.4.1.1).
    pub(super) fn base_string(&self, method: &str, url: &str) -> String {
        format!("{method}&{}&{}", encode(url), encode(&self.parameters))
    }
}

/// A base URL as it is signed (RFC 5849 §3.4.1.2): scheme and host in lower case, no default port, no query, and
/// here no slash at the end. `None` when it is no http or https URL.
pub(crate) fn base_url(url: &str) -> Option<String> {
    let uri: axum::http::Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let default = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
    let port =
        uri.port_u16().filter(|port| *port != default).map(|port| format!(":{port}")).unwrap_or_default();
    Some(format!("{scheme}://{host}{port}{}", uri.path().trim_end_matches('/')))
}

/// RFC 5849 §3.6: everything but the unreserved characters, in upper-case hex.
fn encode(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len() + text.len() / 2);
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => {
                out.push('%');
                out.push(char::from(DIGITS[usize::from(byte >> 4)]));
                out.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
    out
}

/// `None` when a `%` is not followed by two hex digits or the result is not UTF-8.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte != b'%' {
            out.push(*byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        out.push(u8::from_str_radix(Some(digits).filter(|digits| !digits.contains('+'))?, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(out).ok()
}

/// `name="value", name="value"`, both decoded. Spaces around commas do not matter; a comma inside a value, such as a
/// realm's, parts nothing.
fn split_header(text: &str) -> Result<Vec<(String, String)>, Problem> {
    let (mut quoted, mut escaped) = (false, false);
    let is_end = |c: char| {
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        c == ',' && !quoted
    };
    let mut parameters = Vec::new();
    for part in text.split(is_end).map(str::trim).filter(|part| !part.is_empty()) {
        let pair = part.split_once('=').and_then(|(name, value)| {
            let value = value.trim().strip_prefix('"')?.strip_suffix('"')?;
            Some((decode(name.trim())?, decode(value)?))
        });
        parameters
            .push(pair.ok_or_else(|| rejected("The Authorization header is not name=\"value\" pairs."))?);
    }
    Ok(parameters)
}

/// The query as form parameters; what is no valid encoding is taken as it stands.
fn split_query(query: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let spaced = text.replace('+', " ");
        decode(&spaced).unwrap_or(spaced)
    };
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (plain(name), plain(value))
    };
    query.split('&').filter(|part| !part.is_empty()).map(pair).collect()
}

fn joined(parameters: &[(String, String)]) -> String {
    let mut pairs: Vec<_> = parameters.iter().map(|(name, value)| (encode(name), encode(value))).collect();
    pairs.sort_unstable();
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

fn rejected(reason: impl Into<String>) -> Problem {
    Problem::bad_request("oauth_problem=parameter_rejected", reason)
}

fn absent(name: &str) -> Problem {
    Problem::bad_request(
        "oauth_problem=parameter_absent",
        format!("The parameter {name} is missing or empty."),
    )
}

fn unauthorized(reason: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoding_keeps_only_unreserved_characters() {
        assert_eq!(encode("aZ9-._~ /+=%☃"), "aZ9-._~%20%2F%2B%3D%25%E2%98%83");
        assert_eq!(decode("%E2%98%83%2b a").as_deref(), Some("☃+ a"));
        for bad in ["%", "%4", "%zz", "%+1", "%ff"] {
            assert_eq!(decode(bad), None);
        }
    }

    #[test]
    fn a_base_url_has_no_default_port_and_no_capitals() {
        assert_eq!(base_url("HTTP://EXAMPLE.com:80/").as_deref(), Some("http://example.com"));
        assert_eq!(base_url("https://example.com:8443/x/").as_deref(), Some("https://example.com:8443/x"));
        assert_eq!(base_url("http://[::1]:80").as_deref(), Some("http://[::1]"));
        for bad in ["", "example.com", "ftp://example.com", "/path"] {
            assert_eq!(base_url(bad), None);
        }
    }

    /// RFC 5849 §3.4.1.3.2, with the parameters of §3.4.1.1's example.
    #[test]
    fn parameters_are_sorted_by_encoded_name_then_value() {
        let pairs = [
            ("b5", "=%3D"),
            ("a3", "a"),
            ("c@", ""),
            ("a2", "r b"),
            ("oauth_nonce", "7d8f3e4a"),
            ("c2", ""),
            ("a3", "2 q"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(joined(&pairs), "a2=r%20b&a3=2%20q&a3=a&b5=%3D%253D&c%40=&c2=&oauth_nonce=7d8f3e4a");
    }

    fn read(header: &str, query: &str) -> Result<Signed, Problem> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, header.parse().unwrap());
        Signed::read(&headers, query)
    }

    /// The photo request of RFC 5849 §1.2.
    #[test]
    fn the_example_of_the_rfc_fits() {
        let header = "OAuth realm=\"Photos\", oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_token=\"nnch734d00sl2jdk\", \
                      oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"137131202\", oauth_nonce=\"chapoH\", \
                      oauth_signature=\"MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D\"";
        let secrets = ["kd94hf93k423kf44", "pfkkdhi9sl3r4s00"];
        let urls = ["http://photos.example.net".to_owned()];
        let signed = read(header, "file=vacation.jpg&size=original").unwrap();
        assert!(signed.fits("GET", &urls, "/photos", secrets));
        assert!(!signed.fits("POST", &urls, "/photos", secrets));
        assert!(!signed.fits("GET", &urls, "/photo", secrets));
        assert!(!signed.fits("GET", &urls, "/photos", ["kd94hf93k423kf44", "other"]));
        assert!(!read(header, "file=vacation.jpg").unwrap().fits("GET", &urls, "/photos", secrets));
    }

    proptest::proptest! {
        #[test]
        fn no_header_and_no_query_is_too_strange(header in "(OAuth )?[ -~]{0,200}", query in ".{0,60}") {
            let _ = read(&header, &query);
        }

        #[test]
        fn what_is_encoded_decodes_to_itself(text in ".{0,60}") {
            proptest::prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}
