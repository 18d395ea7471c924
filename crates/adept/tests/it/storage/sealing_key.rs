//! The sealing key: made once, never replaced, refused when it is the wrong one or open to others.

use std::os::unix::fs::PermissionsExt as _;

use adept::storage::{OpenError, SealingKey, SealingKeyError, Storage};

use crate::support::database::{Kind, TestDatabase, noon, tenant};

async fn open(database: &TestDatabase) -> Result<Storage, OpenError> {
    Storage::open(&database.options(), noon(), tenant(1)).await
}

#[tokio::test]
async fn a_first_start_makes_it_with_mode_0600() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    open(&database).await.unwrap();
    let mode = std::fs::metadata(database.key_file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_lost_key_stops_the_start_and_is_not_made_again() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    open(&database).await.unwrap().close().await;
    std::fs::remove_file(database.key_file()).unwrap();
    let refused = open(&database).await.err().unwrap();
    assert!(matches!(refused, OpenError::SealingKey(SealingKeyError::Missing(_))), "{refused}");
    assert!(!database.key_file().exists());
}

#[tokio::test]
async fn another_key_stops_the_start_and_says_what_to_restore() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    open(&database).await.unwrap().close().await;
    std::fs::remove_file(database.key_file()).unwrap();
    SealingKey::create(&database.key_file()).unwrap();
    let refused = open(&database).await.err().unwrap();
    assert!(refused.to_string().contains("restore the key file that belongs to this database"), "{refused}");
}

#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    SealingKey::create(&database.key_file()).unwrap();
    for mode in [0o644, 0o620, 0o601] {
        std::fs::set_permissions(database.key_file(), std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = open(&database).await.err().unwrap();
        assert!(refused.to_string().contains("chmod 600"), "{mode:o}: {refused}");
    }
}

#[tokio::test]
async fn an_existing_file_is_never_replaced() {
    let database = TestDatabase::new(Kind::Sqlite).await;
    SealingKey::create(&database.key_file()).unwrap();
    let before = std::fs::read(database.key_file()).unwrap();
    assert!(matches!(SealingKey::create(&database.key_file()), Err(SealingKeyError::Exists(_))));
    assert_eq!(std::fs::read(database.key_file()).unwrap(), before);
}

#[tokio::test]
async fn postgresql_never_makes_one_since_replicas_share_it() {
    let database = TestDatabase::new(Kind::Postgres).await;
    let refused = open(&database).await.err().unwrap();
    assert!(refused.to_string().contains("adept keys new"), "{refused}");
}
