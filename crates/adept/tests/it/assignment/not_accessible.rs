//! Devices that Apple listed and then does not know: a complete fetch finds out what became of them, once.

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::ground::Ground;
use crate::{onboarding::asked, support::database::Kind};

const IOS: &str = "depIOSEnrollmentProfile";
const HOUR: SignedDuration = SignedDuration::from_hours(1);

async fn fetches(ground: &Ground) -> u64 {
    asked(&ground.test, "POST /server/devices").await
}

async fn one_that_left_silently(kind: Kind) {
    let ground = Ground::new(kind, 10).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.pass(HOUR).await;
    ground.settle().await;
    ground.portal(Method::PUT, "/options", json!({ "moved_out_silently": true })).await;
    let other = ground.another_server().await;
    ground.move_device(&ground.server, &serials[0], &other).await;
    let before = fetches(&ground).await;
    ground.want(&profile, &serials[..2]).await;
    ground.settle().await;
    assert_eq!(fetches(&ground).await, before + 1, "at once");
    assert_eq!(ground.serials(None).await, serials[1..], "the fetch tells that it is gone");
    let words: Vec<_> = ground.history(&serials[0]).await.into_iter().map(|(word, _)| word).collect();
    assert_eq!(words, ["wanted", "not_assigned", "absent"]);
    assert_eq!(ground.truth().await[&serials[1]].as_deref(), Some("Wanted"));
}

#[tokio::test]
async fn a_device_that_left_without_a_word_is_found_by_a_complete_fetch_on_sqlite() {
    one_that_left_silently(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_device_that_left_without_a_word_is_found_by_a_complete_fetch_on_postgresql() {
    one_that_left_silently(Kind::Postgres).await;
}

#[tokio::test]
async fn a_device_that_apple_lists_all_the_same_leads_to_one_fetch_only() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.pass(HOUR).await;
    ground.settle().await;
    ground.script_status(&serials[0], "assign", "NOT_ACCESSIBLE", json!({ "times": 9 })).await;
    let before = fetches(&ground).await;
    ground.want(&profile, &serials[..1]).await;
    for _ in 0..3 {
        ground.settle().await;
        ground.pass(HOUR * 25).await;
    }
    assert_eq!(fetches(&ground).await, before + 1);
    assert_eq!(ground.assignments().await, 3, "and is tried again daily");
    assert_eq!(ground.serials(None).await.len(), 3);
}

#[tokio::test]
async fn fetches_that_are_asked_for_are_a_sync_interval_apart() {
    let ground = Ground::new(Kind::Sqlite, 4).await;
    let profile = ground.profile(IOS, "Wanted").await;
    let serials = ground.serials(None).await;
    ground.pass(HOUR).await;
    ground.settle().await;
    let before = fetches(&ground).await;
    for serial in &serials {
        ground.script_status(serial, "assign", "NOT_ACCESSIBLE", json!({})).await;
        ground.want(&profile, std::slice::from_ref(serial)).await;
        ground.settle().await;
    }
    assert_eq!(fetches(&ground).await, before + 1, "not one for each");
    ground.pass(SignedDuration::from_mins(31)).await;
    ground.settle().await;
    assert_eq!(fetches(&ground).await, before + 2, "what was found later is not forgotten");
    ground.pass(SignedDuration::from_mins(31)).await;
    ground.settle().await;
    assert_eq!(fetches(&ground).await, before + 2);
}
