//! A POST on a collection that carries a `client-request-id`: made once, however often it is sent.

use adept::domain::{Caller, NewSetting, Origin, RequestKey};
use futures_util::future::join_all;
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::{Client, ClientResponse, send},
    database::Kind,
    test_app::{S, TestApp},
};

const IDS: [&str; 2] = ["client-request-id", "x-ms-client-request-id"];

async fn create(client: &Client, path: &str, body: &Value, id: (&str, &str)) -> ClientResponse {
    send(client.request(Method::POST, &format!("/beta/{path}")).json(body).header(id.0, id.1)).await
}

/// The id of the entity that a create answered with 201.
#[track_caller]
fn id(answer: &ClientResponse) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

async fn count(client: &Client, path: &str) -> u64 {
    client.get(&format!("/beta/{path}/$count")).await.text.parse().unwrap()
}

/// The collections of a tenant with one onboarding setting, each with a body that makes an entity and a body that changes
/// one.
async fn collections(client: &Client) -> [(String, Value, Value); 3] {
    let setting = format!("{S}('{}')", client.create_setting().await);
    [
        (S.to_owned(), json!({ "tokenName": "One" }), json!({ "tokenName": "Two" })),
        (
            format!("{setting}/enrollmentProfiles"),
            json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "One" }),
            json!({ "displayName": "Two" }),
        ),
        (
            format!("{setting}/importedAppleDeviceIdentities"),
            json!({ "serialNumber": "C02XK1QZMD6T", "description": "One" }),
            json!({ "description": "Two" }),
        ),
    ]
}

#[tokio::test]
async fn a_repeated_create_answers_with_the_entity_as_it_is_now() {
    for (kind, header) in [(Kind::Sqlite, IDS[0]), (Kind::Postgres, IDS[1])] {
        let test = TestApp::start_on_kind(kind).await;
        let client = test.admin().await;
        for (path, body, patch) in collections(&client).await {
            let before = count(&client, &path).await;
            let first = create(&client, &path, &body, (header, "a")).await;
            let made = id(&first);
            client.patch(&format!("/beta/{path}('{made}')"), &patch).await;
            let again = create(&client, &path, &body, (header, "a")).await;
            assert_eq!((id(&again), count(&client, &path).await), (made.clone(), before + 1), "{path}");
            assert_eq!(again.header("location"), first.header("location"));
            for (name, value) in patch.as_object().unwrap() {
                assert_eq!(&again.json()[name], value, "{path}");
            }
            client.delete(&format!("/beta/{path}('{made}')")).await;
            let renewed = id(&create(&client, &path, &body, (header, "a")).await);
            assert_ne!(renewed, made, "{path}: it was deleted");
            assert_eq!(id(&create(&client, &path, &body, (header, "a")).await), renewed, "{path}");
            assert_eq!(count(&client, &path).await, before + 1, "{path}");
        }
    }
}

#[tokio::test]
async fn any_printable_id_makes_once_and_any_other_is_refused() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    for (path, body, _) in collections(&client).await {
        let before = count(&client, &path).await;
        let made = id(&create(&client, &path, &body, (IDS[0], "two words")).await);
        assert_eq!(id(&create(&client, &path, &body, (IDS[0], "two words")).await), made, "{path}");
        assert_eq!(count(&client, &path).await, before + 1, "{path}");
        for (header, unfit) in [(IDS[0], &*"x".repeat(257)), (IDS[1], "a\tb"), (IDS[0], "\u{e9}")] {
            let refused = create(&client, &path, &body, (header, unfit)).await;
            refused.is_refused(400, "BadRequest", &format!("The value of the header {header} must be"));
        }
        assert_eq!(count(&client, &path).await, before + 1, "{path}: what is refused is not made");
    }
    // Where one of the two headers can be used, it is; one without a value is none.
    let both = client.request(Method::POST, &format!("/beta/{S}")).header(IDS[0], "a\tb").header(IDS[1], "a");
    let first = id(&send(both.json(&json!({ "tokenName": "Both" }))).await);
    assert_eq!(id(&create(&client, S, &json!({ "tokenName": "Both" }), (IDS[0], "a")).await), first);
    id(&create(&client, S, &json!({ "tokenName": "None" }), (IDS[0], "")).await);
    // A request of a batch is refused for its own id, or for the batch's where it has none.
    for (outer, inner) in [("two words", "a\tb"), ("a\tb", "")] {
        let item = json!({
            "id": "1", "method": "POST", "url": S, "body": { "tokenName": "In a batch" },
            "headers": { "Content-Type": "application/json", "client-request-id": inner },
        });
        let batch = client.request(Method::POST, "/beta/$batch").header(IDS[0], outer);
        let answer = send(batch.json(&json!({ "requests": [item] }))).await.json();
        assert_eq!(answer["responses"][0]["status"], 400, "{answer}");
    }
}

#[tokio::test]
async fn creates_that_differ_in_id_path_body_or_caller_are_each_made() {
    let test = TestApp::start().await;
    let (client, other) = (test.admin().await, test.admin().await);
    let (body, otherwise) = (json!({ "tokenName": "One" }), json!({ "tokenName": "Two" }));
    let mut made = vec![
        id(&create(&client, S, &body, (IDS[0], "a")).await),
        id(&create(&client, S, &body, (IDS[0], "b")).await),
        id(&create(&client, S, &otherwise, (IDS[0], "a")).await),
        id(&create(&other, S, &body, (IDS[0], "a")).await),
        id(&client.post(&format!("/beta/{S}"), &body).await),
        id(&client.post(&format!("/beta/{S}"), &body).await),
    ];
    let profile = json!({ "displayName": "One" });
    for setting in made.clone() {
        made.push(id(&create(
            &client,
            &format!("{S}/{setting}/enrollmentProfiles"),
            &profile,
            (IDS[0], "a"),
        )
        .await));
    }
    let all = made.len();
    made.sort();
    made.dedup();
    assert_eq!(made.len(), all);
    // A refused create is not remembered.
    let path = format!("{S}/{}/importedAppleDeviceIdentities", client.create_setting().await);
    let wrong = json!({ "serialNumber": "C02", "requestedEnrollmentProfileId": "none" });
    for _ in 0..2 {
        assert_eq!(create(&client, &path, &wrong, (IDS[0], "a")).await.status, 400);
    }
}

#[tokio::test]
async fn of_concurrent_twins_one_creates_and_the_others_read() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let client = test.admin().await;
        for (path, body, _) in collections(&client).await {
            let before = count(&client, &path).await;
            let twins = (0..8).map(|_| create(&client, &path, &body, (IDS[0], "twin")));
            let mut made: Vec<_> = join_all(twins).await.iter().map(id).collect();
            made.dedup();
            assert_eq!((made.len(), count(&client, &path).await), (1, before + 1), "{kind:?} {path}");
        }
    }
}

#[tokio::test]
async fn requests_of_a_batch_are_distinguished_by_their_ids() {
    let test = TestApp::start().await;
    let client = test.admin().await;
    let item = |id: &str| json!({ "id": id, "method": "POST", "url": S, "body": { "tokenName": "One" } });
    let batch = json!({ "requests": [item("1"), item("2")] });
    let mut made = Vec::new();
    for _ in 0..2 {
        let answer = create(&client, "$batch", &batch, (IDS[1], "a")).await;
        let responses = answer.json()["responses"].as_array().unwrap().clone();
        made.push(responses.iter().map(|response| response["body"]["id"].clone()).collect::<Vec<_>>());
    }
    assert_eq!(made[0], made[1]);
    assert_ne!(made[0][0], made[0][1]);
}

#[tokio::test]
async fn a_create_is_remembered_for_a_day_by_any_clock() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let caller = Caller::operator(test.storage.default_tenant());
        let create = async || {
            let origin = Origin { caller: caller.clone(), request: test.app.clock().new_id() };
            let new = NewSetting { token_name: None, data_sharing_consent: false, role_scope_tag_ids: None };
            test.app.settings.create(&origin, new, Some(RequestKey([7; 32]))).await.unwrap().id
        };
        let first = create().await;
        test.clock.advance(SignedDuration::from_hours(23));
        assert_eq!(create().await, first);
        assert_eq!(test.app.purge.now().await.unwrap().created_requests, 0);
        test.clock.advance(SignedDuration::from_hours(2));
        let second = create().await;
        assert_ne!(second, first);
        // The clock was ahead: the create counts as made now.
        test.clock.advance(SignedDuration::from_hours(-48));
        assert_eq!(create().await, second);
        assert_eq!(test.app.purge.now().await.unwrap().created_requests, 0);
        test.clock.advance(SignedDuration::from_hours(25));
        assert_eq!(test.app.purge.now().await.unwrap().created_requests, 1);
        assert_ne!(create().await, second);
    }
}

#[tokio::test]
async fn a_create_that_a_clock_dated_ahead_counts_as_of_now_from_its_repetition_on() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let client = test.admin().await;
        for (path, body, _) in collections(&client).await {
            let made = id(&create(&client, &path, &body, (IDS[0], "ahead")).await);
            let far = test.clock.now() + SignedDuration::from_hours(400 * 24);
            let dated = format!("UPDATE created_requests SET created_at = {}", far.as_microsecond());
            test.database.execute(&dated).await.unwrap();
            assert_eq!(id(&create(&client, &path, &body, (IDS[0], "ahead")).await), made, "{kind:?} {path}");
            // Nothing purges here; a day later it is no longer remembered.
            let stored = test.database.number("SELECT MIN(created_at) FROM created_requests").await;
            let now = test.clock.now().as_microsecond();
            assert!(stored <= now, "{kind:?} {path}: {stored} is ahead of {now}");
            assert!(stored > now - 60_000_000, "{kind:?} {path}: it counts as of now");
            let long_ago =
                format!("UPDATE created_requests SET created_at = {stored} - {}", 86_400_000_000i64);
            test.database.execute(&long_ago).await.unwrap();
            let count_before = count(&client, &path).await;
            let again = create(&client, &path, &body, (IDS[0], "ahead")).await;
            if !path.ends_with("Identities") {
                assert_ne!(id(&again), made, "{kind:?} {path}");
                assert_eq!(count(&client, &path).await, count_before + 1);
            }
        }
    }
}

/// A client repeats its create while somebody deletes what it makes.
async fn is_never_answered_with_404(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    for (path, body, _) in collections(&client).await.into_iter().skip(1) {
        for round in 0..15 {
            let name = format!("round-{round}");
            let mut made = id(&create(&client, &path, &body, (IDS[0], &name)).await);
            for _ in 0..10 {
                let deleted = format!("/beta/{path}('{made}')");
                let repeat = || create(&client, &path, &body, (IDS[0], &name));
                let (one, two, three, four, _) =
                    tokio::join!(repeat(), repeat(), repeat(), repeat(), client.delete(&deleted));
                for answer in [&one, &two, &three, &four] {
                    id(answer);
                }
                made = id(&create(&client, &path, &body, (IDS[0], &name)).await);
            }
            client.delete(&format!("/beta/{path}('{made}')")).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_create_whose_entity_is_deleted_while_it_is_repeated_is_made_again_on_sqlite() {
    is_never_answered_with_404(Kind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_create_whose_entity_is_deleted_while_it_is_repeated_is_made_again_on_postgresql() {
    is_never_answered_with_404(Kind::Postgres).await;
}
