//! `adept migrate`.

use super::adept;
use crate::support::database::{Kind, TestDatabase};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_brought_up_to_date_and_a_missing_one_is_not_made() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    let url = format!("--database-url={}", database.url);
    adept(&["migrate", &url]).is(5, "");
    assert!(!database.folder.path().join("adept.db").exists());
    std::fs::write(database.folder.path().join("adept.db"), "").unwrap();
    adept(&["migrate", &url]).is(0, "up to date");
    adept(&["migrate", &url]).is(0, "up to date");
    database.open().await.close().await;
}
