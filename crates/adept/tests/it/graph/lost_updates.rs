//! Concurrent changes of one entity: each changes the properties that it names and no others, and none is refused.

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use crate::support::{
    client::Client,
    database::Kind,
    random::Random,
    test_app::{S, TestApp},
};

/// A property that is written, and its value for a random number.
type Property = (&'static str, fn(u64) -> Value);

const ROUNDS: usize = 20;

/// Writes random values of random properties, each property in a request of its own and all at once, round after round.
async fn no_update_is_lost(client: &Client, path: &str, properties: &[Property]) {
    let mut random = Random::seeded();
    let seed = random.seed();
    let mut expected = Map::new();
    for round in 0..ROUNDS {
        let mut bodies = Vec::new();
        for (name, value) in properties {
            if random.below(4) > 0 {
                let value = value(random.below(1000));
                expected.insert((*name).to_owned(), value.clone());
                bodies.push(json!({ *name: value }));
            }
        }
        for answer in join_all(bodies.iter().map(|body| client.patch(path, body))).await {
            assert!([200, 204].contains(&answer.status), "seed {seed}, round {round}: {}", answer.text);
        }
        let shown = client.get_json(path).await;
        for (name, value) in &expected {
            assert_eq!(&shown[name], value, "seed {seed}, round {round}: {name}");
        }
    }
}

#[tokio::test]
async fn concurrent_changes_of_a_profile_are_all_kept() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let client = test.admin().await;
        let setting = format!("/beta/{S}/{}", client.create_setting().await);
        let body =
            json!({ "@odata.type": "#microsoft.graph.depIOSEnrollmentProfile", "displayName": "A profile" });
        let made = client.post(&format!("{setting}/enrollmentProfiles"), &body).await.json();
        let path = format!("{setting}/enrollmentProfiles/{}", made["id"].as_str().unwrap());
        let properties: [Property; 7] = [
            ("displayName", |number| format!("Name {number}").into()),
            ("description", |number| format!("Description {number}").into()),
            ("supportDepartment", |number| format!("Department {number}").into()),
            ("supportPhoneNumber", |number| format!("{number}").into()),
            ("locationDisabled", |number| (number % 2 == 0).into()),
            ("siriDisabled", |number| (number % 2 == 0).into()),
            ("zoomDisabled", |number| (number % 2 == 0).into()),
        ];
        no_update_is_lost(&client, &path, &properties).await;
        assert_eq!(client.act(&format!("{path}/setDefaultProfile")).await.status, 204);
        no_update_is_lost(&client, &format!("{setting}/defaultIosEnrollmentProfile"), &properties).await;
    }
}
