//! Signatures against the examples of RFC 5849 and RFC 2202.

use adept_apple::{
    oauth::{authorization, base_string_uri, percent_encode, signature, signature_base_string},
    secret::Secret,
    token::ServerToken,
};
use proptest::prelude::*;
use reqwest::Url;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

#[test]
fn the_base_string_is_that_of_rfc_5849_section_3_4_1_1() {
    let parameters = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
        // The form fields of the request.
        ("c2", ""),
        ("a3", "2 q"),
    ];
    let base = signature_base_string(
        "post",
        &url("http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"),
        &parameters,
    );
    assert_eq!(
        base,
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%\
         26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1\
         %26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    );
}

#[test]
fn addresses_are_normalized_as_in_rfc_5849_section_3_4_1_2() {
    assert_eq!(base_string_uri(&url("HTTP://EXAMPLE.COM:80/r%20v/X?id=123")), "http://example.com/r%20v/X");
    assert_eq!(base_string_uri(&url("https://www.example.net:8080/?q=1")), "https://www.example.net:8080/");
    assert_eq!(base_string_uri(&url("https://EXAMPLE.net:443/session#x")), "https://example.net/session");
    assert_eq!(base_string_uri(&url("http://[::1]:8080/session")), "http://[::1]:8080/session");
}

#[test]
fn the_three_requests_of_rfc_5849_section_1_2_have_their_signatures() {
    let common = [("oauth_consumer_key", "dpf43f3p2l4k3l03"), ("oauth_signature_method", "HMAC-SHA1")];
    let sign = |method: &str, address: &str, more: &[(&str, &str)], token_secret: &str| {
        let parameters = [&common[..], more].concat();
        signature(
            &signature_base_string(method, &url(address), &parameters),
            "kd94hf93k423kf44",
            token_secret,
        )
    };
    let initiate = [
        ("oauth_timestamp", "137131200"),
        ("oauth_nonce", "wIjqoS"),
        ("oauth_callback", "http://printer.example.com/ready"),
    ];
    assert_eq!(
        sign("POST", "https://photos.example.net/initiate", &initiate, ""),
        "74KNZJeDHnMBp0EMJ9ZHt/XKycU="
    );
    let token = [
        ("oauth_token", "hh5s93j4hdidpola"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "walatlh"),
        ("oauth_verifier", "hfdp7dh39dks9884"),
    ];
    assert_eq!(
        sign("POST", "https://photos.example.net/token", &token, "hdhd0244k9j7ao03"),
        "gKgrFCywp7rO0OXSjdot/IHF7IU="
    );
    let photos =
        [("oauth_token", "nnch734d00sl2jdk"), ("oauth_timestamp", "137131202"), ("oauth_nonce", "chapoH")];
    assert_eq!(
        sign(
            "GET",
            "http://photos.example.net/photos?file=vacation.jpg&size=original",
            &photos,
            "pfkkdhi9sl3r4s00"
        ),
        "MdpQcU8iPSUjWoN/UDMsK2sui9I="
    );
}

#[test]
fn encoding_leaves_only_the_unreserved_letters_of_rfc_5849_section_3_6() {
    assert_eq!(percent_encode("azAZ09-._~"), "azAZ09-._~");
    assert_eq!(percent_encode("a b+c/d=e&f%\"ü"), "a%20b%2Bc%2Fd%3De%26f%25%22%C3%BC");
}

#[test]
fn the_header_has_apples_form() {
    let secret = |text: &str| Secret::new(text.to_owned());
    let token = ServerToken {
        consumer_key: secret("CK_1"),
        consumer_secret: secret("CS_2"),
        access_token: secret("AT_3 \"+"),
        access_secret: secret("AS_4"),
        access_token_expiry: "2030-01-01T00:00:00Z".parse().unwrap(),
    };
    let header =
        authorization("GET", &url("https://mdmenrollment.apple.com/session"), &token, 1_700_000_000, "n0");
    let (fields, signature) = header.split_once(", oauth_signature=").unwrap();
    assert_eq!(
        fields,
        "OAuth realm=\"ADM\", oauth_consumer_key=\"CK_1\", oauth_token=\"AT_3%20%22%2B\", \
         oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1700000000\", oauth_nonce=\"n0\", oauth_version=\"1.0\""
    );
    assert!(signature.ends_with("%3D\""), "{signature}");
    assert!(!header.contains("CS_2") && !header.contains("AS_4"));
}

proptest! {
    #[test]
    fn any_credentials_make_a_header(parts in proptest::array::uniform5(".{0,40}"), time: i64) {
        let [consumer_key, consumer_secret, access_token, access_secret, nonce] = parts;
        let token = ServerToken {
            consumer_key: Secret::new(consumer_key),
            consumer_secret: Secret::new(consumer_secret),
            access_token: Secret::new(access_token),
            access_secret: Secret::new(access_secret),
            access_token_expiry: jiff::Timestamp::UNIX_EPOCH,
        };
        let header = authorization("GET", &url("https://example.com/session"), &token, time, &nonce);
        prop_assert!(header.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' '));
    }
}
