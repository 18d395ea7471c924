//! Apple out of reach, or behind something that answers in its place: nothing is given up for it.

use jiff::SignedDuration;
use serde_json::json;

use super::ground::Ground;
use crate::{
    onboarding::{asked, script},
    support::database::Kind,
};

const IOS: &str = "depIOSEnrollmentProfile";

/// Runs whatever falls due in the time.
async fn pass(ground: &Ground, minutes: i64) {
    for _ in 0..minutes {
        ground.settle().await;
        ground.pass(SignedDuration::from_mins(1)).await;
    }
}

async fn an_hour_without_a_network(kind: Kind) {
    let mut ground = Ground::new(kind, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    ground.want(&profile, &ground.serials(None).await).await;
    let cut_off = ground.test.cut_off().await;
    for _ in 0..60 {
        while cut_off.app.scheduler.sync_what_is_due().await.unwrap() > 0 {}
        while cut_off.app.scheduler.assign_what_is_due().await.unwrap() > 0 {}
        ground.pass(SignedDuration::from_mins(1)).await;
    }
    ground.test = ground.test.started_as(crate::support::test_app::app_options()).await;
    pass(&ground, 32).await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!((ground.defined().await, asked(&ground.test, "POST /devices").await), (1, 0));
}

#[tokio::test]
async fn after_an_hour_without_a_network_everything_comes_by_itself_on_sqlite() {
    an_hour_without_a_network(Kind::Sqlite).await;
}

#[tokio::test]
async fn after_an_hour_without_a_network_everything_comes_by_itself_on_postgresql() {
    an_hour_without_a_network(Kind::Postgres).await;
}

#[tokio::test]
async fn a_proxys_refusal_is_no_lost_answer() {
    let ground = Ground::new(Kind::Sqlite, 3).await;
    let profile = ground.profile(IOS, "Wanted").await;
    for path in ["/profile", "/profile/devices"] {
        let page =
            json!({ "path": path, "method": "POST", "status": 403, "body": "<html>No</html>", "times": 4 });
        script(&ground.test, page).await;
    }
    ground.want(&profile, &ground.serials(None).await).await;
    pass(&ground, 9 * 16).await;
    assert!(ground.truth().await.values().all(|name| name.as_deref() == Some("Wanted")));
    assert_eq!(
        asked(&ground.test, "POST /devices").await,
        0,
        "no answer was lost, so nothing has to be read"
    );
}
