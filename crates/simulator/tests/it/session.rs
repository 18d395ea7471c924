//! `GET /session`: who gets in, and what everybody else hears.

use adept_simulator::Options;
use serde_json::json;

use crate::signer::{self, Keys};
use crate::support::{JSON, Server, Sim, TestResponse, nonce, now};

/// A call with exactly this `Authorization` header.
async fn present(sim: &Sim, authorization: &str) -> TestResponse {
    let request = sim.request("GET", "/session").header("content-type", JSON);
    sim.send(request.header("authorization", authorization)).await
}

fn parameters(sim: &Sim, keys: &Keys) -> Vec<(String, String)> {
    signer::signed(keys, "GET", &format!("{}/session", sim.simulator.url()), &now().to_string(), &nonce())
}

async fn ready() -> (Sim, Server) {
    let sim = Sim::start().await;
    let server = sim.server().await;
    (sim, server)
}

#[tokio::test]
async fn a_signed_call_gets_128_upper_case_hex_digits() {
    let (sim, server) = ready().await;
    let token = sim.session(&server.keys).await;
    assert_eq!(token.len(), 128);
    assert!(token.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')));
}

#[tokio::test]
async fn realm_order_and_spaces_do_not_matter() {
    let (sim, server) = ready().await;
    for (realm, comma) in [(Some("ADM"), ", "), (None, ","), (Some(""), " , "), (Some("One, two"), ", ")] {
        let mut signed = parameters(&sim, &server.keys);
        signed.reverse();
        assert_eq!(present(&sim, &signer::header(&signed, realm, comma)).await.status, 200, "{realm:?}");
    }
    let lower = signer::header(&parameters(&sim, &server.keys), None, ", ").replacen("OAuth", "oauth", 1);
    assert_eq!(present(&sim, &lower).await.status, 200);
}

#[tokio::test]
async fn the_version_may_be_left_out() {
    let (sim, server) = ready().await;
    let (url, time, nonce) = (format!("{}/session", sim.simulator.url()), now().to_string(), nonce());
    let unsigned = [
        ("oauth_consumer_key", server.keys.consumer_key.as_str()),
        ("oauth_token", &server.keys.access_token),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", &time),
        ("oauth_nonce", &nonce),
    ];
    let base = signer::base_string("GET", &url, &unsigned);
    let signature = signer::hmac_sha1(&base, &server.keys.consumer_secret, &server.keys.access_secret);
    let mut signed: Vec<_> = unsigned.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    signed.push(("oauth_signature".to_owned(), signature));
    assert_eq!(present(&sim, &signer::header(&signed, None, ",")).await.status, 200);
}

#[tokio::test]
async fn a_query_is_part_of_what_is_signed() {
    let (sim, server) = ready().await;
    let header = signer::header(&parameters(&sim, &server.keys), None, ",");
    let request =
        sim.request("GET", "/session?x=1").header("content-type", JSON).header("authorization", header);
    assert_eq!(sim.send(request).await.refusal(), (401, "signature_invalid"));
}

#[tokio::test]
async fn every_name_of_this_machine_may_be_signed_whatever_the_host_header_says() {
    let (sim, server) = ready().await;
    let port = sim.simulator.url().rsplit_once(':').unwrap().1.to_owned();
    for host in ["127.0.0.1", "localhost", "[::1]"] {
        let url = format!("http://{host}:{port}/session");
        let signed = signer::signed(&server.keys, "GET", &url, &now().to_string(), &nonce());
        let request =
            sim.request("GET", "/session").header("content-type", JSON).header("host", "elsewhere.example");
        let answer = sim.send(request.header("authorization", signer::header(&signed, None, ","))).await;
        assert_eq!(answer.status, 200, "{host}");
    }
    let signed =
        signer::signed(&server.keys, "GET", "http://elsewhere.example/session", &now().to_string(), &nonce());
    let request =
        sim.request("GET", "/session").header("content-type", JSON).header("host", "elsewhere.example");
    let answer = sim.send(request.header("authorization", signer::header(&signed, None, ","))).await;
    assert_eq!(answer.refusal(), (401, "signature_invalid"));
}

#[tokio::test]
async fn an_external_url_is_the_only_one_that_counts() {
    let options =
        Options { external_url: Some("HTTPS://Apple.Example:443/".to_owned()), ..Options::default() };
    let sim = Sim::with(options).await;
    let server = sim.server().await;
    let own = signer::header(&parameters(&sim, &server.keys), None, ",");
    assert_eq!(present(&sim, &own).await.refusal(), (401, "signature_invalid"));
    let signed =
        signer::signed(&server.keys, "GET", "https://apple.example/session", &now().to_string(), &nonce());
    assert_eq!(present(&sim, &signer::header(&signed, None, ",")).await.status, 200);
}

#[tokio::test]
async fn an_external_url_that_is_none_stops_the_start() {
    let options = Options { external_url: Some("apple.example".to_owned()), ..Options::default() };
    let error =
        adept_simulator::Simulator::start("127.0.0.1:0".parse().unwrap(), options).await.err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

#[tokio::test]
async fn the_content_type_must_be_spelled_exactly() {
    let (sim, server) = ready().await;
    for kind in [None, Some("application/json"), Some("application/json; charset=utf-8")] {
        let mut request = sim.request("GET", "/session");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        let header = signer::header(&parameters(&sim, &server.keys), None, ",");
        let answer = sim.send(request.header("authorization", header)).await;
        assert_eq!(answer.refusal(), (400, ""), "{kind:?}");
        assert!(answer.headers["x-sim-reason"].to_str().unwrap().contains("Content-Type"));
    }
}

#[tokio::test]
async fn missing_doubled_and_unsupported_parameters_are_bad_requests() {
    let (sim, server) = ready().await;
    let good = parameters(&sim, &server.keys);
    let required = good.iter().map(|(name, _)| name.clone()).filter(|name| name != "oauth_version");
    for name in required.collect::<Vec<_>>() {
        let without: Vec<_> = good.iter().filter(|(other, _)| *other != name).cloned().collect();
        let answer = present(&sim, &signer::header(&without, None, ",")).await;
        assert_eq!(answer.refusal(), (400, "oauth_problem=parameter_absent"), "{name}");
        let emptied: Vec<_> = without.into_iter().chain([(name.clone(), String::new())]).collect();
        assert_eq!(present(&sim, &signer::header(&emptied, None, ",")).await.status, 400, "{name}");
    }
    for (name, value) in good.clone() {
        let twice: Vec<_> = good.iter().cloned().chain([(name.clone(), value)]).collect();
        let answer = present(&sim, &signer::header(&twice, None, ",")).await;
        assert_eq!(answer.refusal(), (400, "oauth_problem=parameter_rejected"), "{name}");
    }
    let changed = |name: &str, value: &str| {
        let mut changed = good.clone();
        changed.iter_mut().filter(|(other, _)| other == name).for_each(|pair| pair.1 = value.to_owned());
        signer::header(&changed, None, ",")
    };
    let callback: Vec<_> =
        good.iter().cloned().chain([("oauth_callback".to_owned(), "oob".to_owned())]).collect();
    for (header, body) in [
        (changed("oauth_signature_method", "PLAINTEXT"), "oauth_problem=signature_method_rejected"),
        (changed("oauth_signature_method", "hmac-sha1"), "oauth_problem=signature_method_rejected"),
        (changed("oauth_version", "2.0"), "oauth_problem=version_rejected"),
        (changed("oauth_timestamp", "noon"), "oauth_problem=parameter_rejected"),
        (signer::header(&callback, None, ","), "oauth_problem=parameter_rejected"),
        ("OAuth oauth_nonce=bare".to_owned(), "oauth_problem=parameter_rejected"),
        ("OAuth oauth_nonce=\"%zz\"".to_owned(), "oauth_problem=parameter_rejected"),
        ("OAuth".to_owned(), "oauth_problem=parameter_absent"),
    ] {
        assert_eq!(present(&sim, &header).await.refusal(), (400, body), "{header}");
    }
    let header = signer::header(&good, None, ",");
    let two = sim.request("GET", "/session").header("content-type", JSON);
    let two = two.header("authorization", &header).header("authorization", &header);
    assert_eq!(sim.send(two).await.refusal(), (400, "oauth_problem=parameter_rejected"));
}

#[tokio::test]
async fn no_oauth_at_all_is_unauthorized() {
    let (sim, _) = ready().await;
    let none = sim.request("GET", "/session").header("content-type", JSON);
    assert_eq!(sim.send(none).await.refusal(), (401, "UNAUTHORIZED"));
    assert_eq!(present(&sim, "Bearer abc").await.refusal(), (401, "UNAUTHORIZED"));
}

#[tokio::test]
async fn a_signature_by_other_secrets_is_invalid_and_the_base_string_is_shown() {
    let (sim, server) = ready().await;
    for keys in [
        Keys { consumer_secret: "CS_wrong".to_owned(), ..server.keys.clone() },
        Keys { access_secret: "AS_wrong".to_owned(), ..server.keys.clone() },
    ] {
        let answer = sim.send(sim.session_request(&keys)).await;
        assert_eq!(answer.refusal(), (401, "signature_invalid"));
        assert!(answer.headers["x-sim-reason"].to_str().unwrap().contains("GET&http%3A%2F%2F127.0.0.1%3A"));
    }
    let url = format!("{}/session", sim.simulator.url());
    let as_post = signer::signed(&server.keys, "POST", &url, &now().to_string(), &nonce());
    assert_eq!(
        present(&sim, &signer::header(&as_post, None, ",")).await.refusal(),
        (401, "signature_invalid")
    );
}

#[tokio::test]
async fn a_nonce_counts_once_and_only_with_a_good_signature() {
    let (sim, server) = ready().await;
    let url = format!("{}/session", sim.simulator.url());
    let header = |keys: &Keys, time: i64| {
        signer::header(&signer::signed(keys, "GET", &url, &time.to_string(), "the-nonce"), None, ",")
    };
    let forged = Keys { access_secret: "AS_forged".to_owned(), ..server.keys.clone() };
    assert_eq!(present(&sim, &header(&forged, now())).await.refusal(), (401, "signature_invalid"));
    assert_eq!(present(&sim, &header(&server.keys, now())).await.status, 200);
    assert_eq!(present(&sim, &header(&server.keys, now())).await.refusal(), (401, "nonce_used"));
    assert_eq!(present(&sim, &header(&server.keys, now() - 60)).await.refusal(), (401, "nonce_used"));
    let other = sim.server().await;
    assert_eq!(present(&sim, &header(&other.keys, now())).await.status, 200, "another consumer's nonce");
}

#[tokio::test]
async fn a_timestamp_may_be_five_minutes_off() {
    let (sim, server) = ready().await;
    let url = format!("{}/session", sim.simulator.url());
    for (offset, status) in [(-290, 200), (290, 200), (-320, 401), (320, 401), (i64::MIN / 2, 401)] {
        let signed = signer::signed(&server.keys, "GET", &url, &(now() + offset).to_string(), &nonce());
        let answer = present(&sim, &signer::header(&signed, None, ",")).await;
        assert_eq!(answer.status, status, "{offset}");
        assert_eq!(answer.text == "timestamp_refused", status == 401, "{offset}");
    }
}

#[tokio::test]
async fn unknown_and_mismatched_credentials_have_their_own_codes() {
    let (sim, server) = ready().await;
    let unknown = Keys { consumer_key: "CK_unknown".to_owned(), ..server.keys.clone() };
    assert_eq!(sim.send(sim.session_request(&unknown)).await.refusal(), (401, "consumer_key_unknown"));
    let mixed = Keys { access_token: sim.server().await.keys.access_token, ..server.keys.clone() };
    assert_eq!(sim.send(sim.session_request(&mixed)).await.refusal(), (401, "token_rejected"));
}

#[tokio::test]
async fn a_second_token_of_the_same_account_keeps_its_identity_and_kills_the_first() {
    let (sim, server) = ready().await;
    let session = sim.session(&server.keys).await;
    let newer = sim.issue(&server.uuid, "").await;
    let stem = |keys: &Keys| keys.access_token.rsplit_once('O').unwrap().0.to_owned();
    assert_eq!(newer.consumer_key, server.keys.consumer_key);
    assert_eq!(stem(&newer), stem(&server.keys));
    assert_ne!(newer.consumer_secret, server.keys.consumer_secret);
    assert_ne!(newer.access_secret, server.keys.access_secret);
    assert_eq!(sim.ask(&session, "GET", "/account", json!(null)).await.refusal(), (403, "FORBIDDEN"));
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (401, "signature_invalid"));
    sim.session(&newer).await;
    sim.option(json!({ "credential_status": 403 })).await;
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (403, "signature_invalid"));
}

#[tokio::test]
async fn another_account_has_another_consumer_key_and_gets_its_own_back_later() {
    let (sim, server) = ready().await;
    let other = sim.issue(&server.uuid, "?account=second%40example.com").await;
    assert_ne!(other.consumer_key, server.keys.consumer_key);
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (401, "token_rejected"));
    let session = sim.session(&other).await;
    let account = sim.ask(&session, "GET", "/account", json!(null)).await.json();
    assert_eq!(account["admin_id"], "second@example.com");
    assert_eq!(account["server_uuid"], server.uuid);
    let again = sim.issue(&server.uuid, "?account=devices%40example.com").await;
    assert_eq!(again.consumer_key, server.keys.consumer_key);
    assert_eq!(sim.send(sim.session_request(&other)).await.refusal(), (401, "token_rejected"));
}

#[tokio::test]
async fn a_revoked_token_is_rejected_and_its_session_dies() {
    let (sim, server) = ready().await;
    let session = sim.session(&server.keys).await;
    sim.portal(204, "POST", &format!("/servers/{}/revoke", server.uuid), json!(null)).await;
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (401, "token_rejected"));
    assert_eq!(sim.ask(&session, "GET", "/account", json!(null)).await.refusal(), (403, "FORBIDDEN"));
    sim.session(&sim.issue(&server.uuid, "").await).await;
}

#[tokio::test]
async fn a_token_past_its_expiry_says_so_to_its_owner_only() {
    let (sim, server) = ready().await;
    let old = sim.issue(&server.uuid, "?expires=2021-01-31T00:00:00Z").await;
    assert_eq!(sim.send(sim.session_request(&old)).await.refusal(), (401, "token_expired"));
    let forged = Keys { consumer_secret: "CS_forged".to_owned(), ..old };
    assert_eq!(sim.send(sim.session_request(&forged)).await.refusal(), (401, "signature_invalid"));
}

#[tokio::test]
async fn terms_stop_the_session_and_every_call_until_they_are_accepted() {
    let (sim, server) = ready().await;
    let session = sim.session(&server.keys).await;
    let terms = format!("/organizations/{}/terms", server.org_id);
    sim.portal(204, "PUT", &terms, json!({ "accepted": false })).await;
    assert_eq!(sim.send(sim.session_request(&server.keys)).await.refusal(), (403, "T_C_NOT_SIGNED"));
    for (method, path) in
        [("GET", "/account"), ("POST", "/server/devices"), ("POST", "/devices/sync"), ("POST", "/devices")]
    {
        assert_eq!(
            sim.ask(&session, method, path, json!({})).await.refusal(),
            (403, "T_C_NOT_SIGNED"),
            "{path}"
        );
    }
    let forged = Keys { consumer_secret: "CS_forged".to_owned(), ..server.keys.clone() };
    assert_eq!(sim.send(sim.session_request(&forged)).await.refusal(), (401, "signature_invalid"));
    sim.portal(204, "PUT", &terms, json!({ "accepted": true })).await;
    assert_eq!(sim.ask(&session, "GET", "/account", json!(null)).await.status, 200);
}

#[tokio::test]
async fn a_revoked_account_takes_its_tokens_along_and_downloads_no_other_until_it_is_restored() {
    let (sim, server) = ready().await;
    let other = sim.server().await;
    sim.issue(&other.uuid, "?account=other%40example.com").await;
    let second = sim.issue(&server.uuid, "?account=second%40example.com").await;
    let session = sim.session(&second).await;
    let named = json!({ "account": "second@example.com" });
    for path in ["/accounts/revoke", "/accounts/restore"] {
        sim.portal(404, "POST", path, json!({ "account": "nobody@example.com" })).await;
        sim.portal(400, "POST", path, json!({})).await;
    }
    sim.portal(204, "POST", "/accounts/revoke", named.clone()).await;
    let forbidden = (403, "FORBIDDEN");
    assert_eq!(sim.ask(&session, "GET", "/account", serde_json::Value::Null).await.refusal(), forbidden);
    assert_eq!(sim.send(sim.session_request(&second)).await.refusal(), forbidden);
    // The account that downloaded last downloads again, unless another account is named.
    let token = format!("/servers/{}/token", server.uuid);
    let refusal = sim.portal(409, "POST", &token, serde_json::Value::Null).await;
    assert!(refusal["error"].as_str().unwrap().contains("revoked"), "{refusal}");
    sim.session(&sim.issue(&server.uuid, "?account=third%40example.com").await).await;
    assert_eq!(sim.send(sim.session_request(&second)).await.refusal(), forbidden);

    sim.portal(204, "POST", "/accounts/restore", named).await;
    assert_eq!(sim.send(sim.session_request(&second)).await.refusal(), (401, "token_rejected"));
    sim.session(&sim.issue(&server.uuid, "?account=second%40example.com").await).await;
}
