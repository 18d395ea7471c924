//! Profiles at Apple that no row of ours names: ours after a restored backup or a lost answer, or another product's.

use jiff::SignedDuration;

use super::ground::Ground;
use crate::{onboarding::asked, support::database::Kind};

const IOS: &str = "depIOSEnrollmentProfile";

async fn devices_with_a_later_revision_of_ours_are_ours(kind: Kind) {
    let ground = Ground::new(kind, 8).await;
    let profile = ground.profile(IOS, "Classroom").await;
    ground.make_default(&profile).await;
    ground.settle().await;
    let serials = ground.serials(Some("ios")).await;
    assert!(!serials.is_empty());
    // The backup is from before the profile was defined, so it knows no id of Apple's.
    let restored = "DELETE FROM apple_profiles; DELETE FROM profile_definitions; UPDATE devices SET assigned_uuid = NULL;";
    ground.test.database.execute(restored).await.unwrap();

    let calls = ground.assignments().await;
    ground.rename(&profile, IOS, "Renamed").await;
    ground.settle().await;
    let truth = ground.truth().await;
    assert!(serials.iter().all(|serial| truth[serial].as_deref() == Some("Renamed")), "{truth:?}");
    assert_eq!(ground.assignments().await, calls + 1);
    assert_eq!(asked(&ground.test, "GET /profile").await, 1, "Apple is asked once");
    ground.pass(SignedDuration::from_hours(1)).await;
    ground.sync().await;
    assert_eq!(asked(&ground.test, "GET /profile").await, 1);
}

#[tokio::test]
async fn devices_with_a_later_revision_of_ours_are_ours_on_sqlite() {
    devices_with_a_later_revision_of_ours_are_ours(Kind::Sqlite).await;
}

#[tokio::test]
async fn devices_with_a_later_revision_of_ours_are_ours_on_postgresql() {
    devices_with_a_later_revision_of_ours_are_ours(Kind::Postgres).await;
}
