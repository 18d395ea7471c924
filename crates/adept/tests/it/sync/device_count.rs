//! The number of listed devices: kept by each page's commit, and counted at the end of every complete fetch.

use super::{resyncs, synced};
use crate::{
    onboarding::{shown, syncs},
    support::{database::Kind, test_app::TestApp},
};

async fn a_wrong_count_is_right_after_the_next_fetch(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let client = test.admin().await;
    let pair = synced(&test, &client, 12).await;
    for wrong in [0, 7, 1_000_000] {
        let count =
            format!("UPDATE setting_states SET device_count = {wrong} WHERE token_in_use IS NOT NULL");
        test.database.execute(&count).await.unwrap();
        test.portal.give_devices(&pair.server, 1).await;
        assert!(syncs(&test, &client, &pair.setting).await);
        assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], wrong + 1, "deltas add to it");
        resyncs(&test, &pair.setting).await;
        let listed = super::listed(&client, &pair.setting).await.len();
        assert_eq!(shown(&client, &pair.setting).await["syncedDeviceCount"], listed, "{wrong}");
    }
    assert_eq!(super::listed(&client, &pair.setting).await.len(), 15);
}

#[tokio::test]
async fn a_wrong_count_is_right_after_the_next_fetch_on_sqlite() {
    a_wrong_count_is_right_after_the_next_fetch(Kind::Sqlite).await;
}

#[tokio::test]
async fn a_wrong_count_is_right_after_the_next_fetch_on_postgresql() {
    a_wrong_count_is_right_after_the_next_fetch(Kind::Postgres).await;
}
