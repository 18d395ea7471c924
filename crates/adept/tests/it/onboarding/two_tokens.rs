//! The two tokens of a renewal that was taken while terms waited: both are kept until Apple accepts one of them, and only
//! Apple's own words about a credential decide between them. Each step runs in a process that was started for it.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Pair, pair, script, shown, terms::set_terms, upload};
use crate::support::{
    database::{Kind, on_both_databases},
    test_app::TestApp,
};

/// A setting with a verified token and a renewal that Apple has not accepted yet.
struct Renewed {
    test: TestApp,
    pair: Pair,
    /// The file of the renewal.
    renewal: String,
}

/// What is stored of the tokens.
#[derive(Debug, PartialEq, Eq)]
struct Stored {
    generation: i64,
    /// Tokens that are kept.
    tokens: i64,
    /// Whether the one in use had a good `/account`.
    is_verified: bool,
}

impl Renewed {
    /// Apple takes the verified token until it has seen the renewal, whose terms nobody accepted.
    async fn new(kind: Kind) -> Self {
        let test = TestApp::start_on_kind(kind).await;
        let client = test.admin().await;
        let pair = pair(&test, &client).await;
        test.portal.give_devices(&pair.server, 3).await;
        assert_eq!(upload(&client, &pair.setting, &test.portal.token(&pair.server).await).await.status, 204);
        assert_eq!(test.app.scheduler.sync_what_is_due().await.unwrap(), 1);
        let path = format!("/servers/{}/token?expires=2099-01-01T00:00:00Z", pair.server);
        let renewal = test.portal.call(Method::POST, &path, String::new()).await;
        set_terms(&test, &pair.server, false).await;
        let renewed = Self { test, pair, renewal };
        renewed.upload().await;
        assert_eq!(renewed.stored().await, Stored { generation: 2, tokens: 2, is_verified: false });
        renewed
    }

    async fn upload(&self) {
        let client = self.test.admin().await;
        let answer = upload(&client, &self.pair.setting, &self.renewal).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
    }

    async fn accept_terms(&self) {
        set_terms(&self.test, &self.pair.server, true).await;
    }

    async fn stored(&self) -> Stored {
        let database = &self.test.database;
        let of = async |column| {
            let query =
                format!("SELECT CAST({column} AS BIGINT) FROM setting_states WHERE token_in_use IS NOT NULL");
            database.number(&query).await
        };
        let verified = "(CASE WHEN token_in_use = token_verified THEN 1 ELSE 0 END)";
        Stored {
            generation: of("token_generation").await,
            tokens: database.number("SELECT COUNT(*) FROM server_tokens").await,
            is_verified: of(verified).await == 1,
        }
    }

    /// Time goes by, and a process that was just started runs the sync that is due, if one is.
    async fn sync_after(&self, time: SignedDuration) -> usize {
        self.test.clock.advance(time);
        let advance = json!({ "seconds": time.as_secs() }).to_string();
        self.test.portal.call(Method::POST, "/clock/advance", advance).await;
        self.test.another(&self.test.database.options()).await.app.scheduler.sync_what_is_due().await.unwrap()
    }

    /// Runs syncs until one succeeds with the renewal.
    async fn comes_to_the_renewal(&self) {
        for _ in 0..6 {
            self.sync_after(SignedDuration::from_mins(31)).await;
        }
        let stored = self.stored().await;
        assert!(stored.is_verified && stored.tokens == 1, "{stored:?}");
        let shown = shown(&self.test.admin().await, &self.pair.setting).await;
        assert_eq!(shown["lastSyncErrorCode"], 0);
        assert!(shown["tokenExpirationDateTime"].as_str().unwrap().starts_with("2099-01-01"), "{shown}");
    }

    /// Apple answers every call of `path` so until [`Self::answers_again`].
    async fn answers(&self, path: &str, answer: &Value) {
        let mut answer = answer.clone();
        answer["path"] = path.into();
        answer["times"] = 50.into();
        script(&self.test, answer).await;
    }

    async fn answers_again(&self) {
        self.test.portal.call(Method::DELETE, "/answers", String::new()).await;
    }
}

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn the_renewal_is_used_once_terms_are_accepted(kind: Kind) {
    let renewed = Renewed::new(kind).await;
    for _ in 0..5 {
        // As long as nobody accepts them both stay.
        renewed.sync_after(MINUTE * 31).await;
        assert_eq!(renewed.stored().await, Stored { generation: 2, tokens: 2, is_verified: false });
        assert_eq!(shown(&renewed.test.admin().await, &renewed.pair.setting).await["lastSyncErrorCode"], 3);
    }
    renewed.accept_terms().await;
    renewed.comes_to_the_renewal().await;
    assert_eq!(renewed.stored().await.generation, 2);
}

/// What says nothing of the credential, by the path that it answers.
fn proxies_words() -> Vec<(&'static str, Value)> {
    let html = json!({ "Content-Type": "text/html" });
    let mut words = Vec::new();
    for path in ["/session", "/account"] {
        for status in [401, 403] {
            words.push((path, json!({ "status": status })));
            words.push((path, json!({ "status": status, "headers": html, "body": "<html>Sign in</html>" })));
            words.push((path, json!({ "status": status, "body": "Access is not allowed from here." })));
            words.push((path, json!({ "status": status, "body": "{\"message\":\"Forbidden\"}" })));
            words.push((path, json!({ "status": status, "body": "Forbidden" })));
            words.push((path, json!({ "status": status, "body": "Unauthorized" })));
            words.push((path, json!({ "status": status, "body": "timestamp_refused" })));
            words.push((path, json!({ "status": status, "body": "nonce_used" })));
        }
        words.push((path, json!({ "status": 200, "headers": html, "body": "<html>Sign in</html>" })));
        words.push((path, json!({ "status": 404 })));
        words.push((path, json!({ "status": 400, "body": "MALFORMED_REQUEST_BODY" })));
        words.push((path, json!({ "status": 502, "headers": html, "body": "<html>" })));
        words.push((path, json!({ "status": 302, "headers": { "Location": "https://login.example.org" } })));
    }
    words.push(("/account", json!({ "status": 403, "body": "FORBIDDEN" })));
    words.push(("/account", json!({ "status": 403, "body": "ACCESS_DENIED" })));
    words
}

async fn nothing_is_lost_to_what_a_proxy_says(kind: Kind) {
    let renewed = Renewed::new(kind).await;
    renewed.accept_terms().await;
    for (path, answer) in proxies_words() {
        renewed.answers(path, &answer).await;
        renewed.sync_after(MINUTE * 31).await;
        renewed.answers_again().await;
        let expected = Stored { generation: 2, tokens: 2, is_verified: false };
        assert_eq!(renewed.stored().await, expected, "{path}: {answer}");
        // Another kind of answer lies between two of these, so that none is believed for being repeated.
        renewed.answers("/session", &json!({ "status": 500 })).await;
        renewed.sync_after(MINUTE * 31).await;
        renewed.answers_again().await;
    }
    renewed.comes_to_the_renewal().await;
    assert_eq!(renewed.stored().await.generation, 2);
}

async fn a_coded_refusal_brings_the_verified_token_back_and_the_renewal_stays(kind: Kind) {
    for (path, code, status) in [
        ("/session", "token_rejected", 401),
        ("/account", "token_rejected", 403),
        ("/session", "token_expired", 401),
        ("/session", "consumer_key_unknown", 401),
        ("/session", "signature_invalid", 403),
        ("/session", "FORBIDDEN", 403),
        ("/session", "ACCESS_DENIED", 403),
    ] {
        let renewed = Renewed::new(kind).await;
        renewed.accept_terms().await;
        renewed.answers(path, &json!({ "status": status, "body": code })).await;
        assert_eq!(renewed.sync_after(MINUTE * 31).await, 1, "{code}");
        assert_eq!(renewed.stored().await, Stored { generation: 3, tokens: 2, is_verified: true }, "{code}");
        renewed.answers_again().await;
        // At Apple the renewal has taken the place of the other one, which is refused for good.
        renewed.comes_to_the_renewal().await;
    }
}

async fn a_bare_refusal_is_believed_when_it_comes_three_times_within_a_quarter_of_an_hour_or_more(
    kind: Kind,
) {
    let renewed = Renewed::new(kind).await;
    renewed.accept_terms().await;
    renewed.answers("/session", &json!({ "status": 403 })).await;
    for _ in 0..2 {
        assert_eq!(renewed.sync_after(MINUTE * 31).await, 1);
        assert_eq!(renewed.stored().await, Stored { generation: 2, tokens: 2, is_verified: false });
        assert_eq!(shown(&renewed.test.admin().await, &renewed.pair.setting).await["lastSyncErrorCode"], 11);
    }
    assert_eq!(renewed.sync_after(MINUTE * 31).await, 1);
    assert_eq!(renewed.stored().await, Stored { generation: 3, tokens: 2, is_verified: true });
    renewed.answers_again().await;
    renewed.comes_to_the_renewal().await;
}

async fn the_renewal_may_be_uploaded_again_at_any_time(kind: Kind) {
    let renewed = Renewed::new(kind).await;
    // Once more while terms wait; it is the one in use.
    renewed.upload().await;
    assert_eq!(renewed.stored().await, Stored { generation: 2, tokens: 2, is_verified: false });
    renewed.accept_terms().await;
    renewed.answers("/session", &json!({ "status": 401, "body": "token_rejected" })).await;
    assert_eq!(renewed.sync_after(MINUTE * 31).await, 1);
    renewed.answers_again().await;
    assert_eq!(renewed.stored().await, Stored { generation: 3, tokens: 2, is_verified: true });
    // Terms changed again meanwhile: it is taken again as before.
    set_terms(&renewed.test, &renewed.pair.server, false).await;
    renewed.upload().await;
    let waiting = renewed.stored().await;
    assert_eq!((waiting.tokens, waiting.is_verified), (2, false));
    // Accepted terms let an upload verify at once.
    renewed.accept_terms().await;
    renewed.upload().await;
    let accepted = renewed.stored().await;
    assert_eq!((accepted.tokens, accepted.is_verified), (1, true));
    renewed.comes_to_the_renewal().await;
}

async fn a_later_renewal_takes_the_place_of_the_one_before_it_and_the_verified_one_stays(kind: Kind) {
    let mut renewed = Renewed::new(kind).await;
    let path = format!("/servers/{}/token?expires=2099-01-01T08:00:00Z", renewed.pair.server);
    renewed.renewal = renewed.test.portal.call(Method::POST, &path, String::new()).await;
    renewed.upload().await;
    assert_eq!(renewed.stored().await, Stored { generation: 3, tokens: 2, is_verified: false });
    renewed.accept_terms().await;
    renewed.comes_to_the_renewal().await;
}

on_both_databases! {
    the_renewal_is_used_once_terms_are_accepted
    nothing_is_lost_to_what_a_proxy_says
    a_coded_refusal_brings_the_verified_token_back_and_the_renewal_stays
    a_bare_refusal_is_believed_when_it_comes_three_times_within_a_quarter_of_an_hour_or_more
    the_renewal_may_be_uploaded_again_at_any_time
    a_later_renewal_takes_the_place_of_the_one_before_it_and_the_verified_one_stays
}
