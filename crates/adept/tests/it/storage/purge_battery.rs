//! The purge of settings on either database: in short transactions, whole or not at all against a restoration, and it
//! goes on where a process that was killed stopped.

use adept::{
    domain::{Setting, setting_state::Deletion},
    storage::{Restored, Storage},
};

use super::{
    KIND,
    battery::{event, later, make},
};
use crate::support::database::{Kind, TestDatabase, noon, tenant};

const MONTH: i64 = 31 * 86_400;

/// Deletions of devices fail from the six thousand and first on, as if the process were killed there.
const KILLED: [&str; 2] = [
    "CREATE TABLE purge_budget (n BIGINT);
     INSERT INTO purge_budget VALUES (6000);
     CREATE TRIGGER killed BEFORE DELETE ON devices BEGIN
         SELECT RAISE(ABORT, 'killed') FROM purge_budget WHERE n = 0;
         UPDATE purge_budget SET n = n - 1;
     END;",
    "CREATE SEQUENCE purge_budget;
     CREATE FUNCTION killed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
         IF nextval('purge_budget') > 6000 THEN RAISE EXCEPTION 'killed'; END IF;
         RETURN OLD;
     END $$;
     CREATE TRIGGER killed BEFORE DELETE ON devices FOR EACH ROW EXECUTE FUNCTION killed();",
];

async fn devices(database: &TestDatabase, setting: &Setting, count: u32) {
    let (tenant, id) = (setting.tenant.0.simple(), setting.id.0.simple());
    let number = setting.id.0.as_u128() & 0xff;
    let insert = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO devices (tenant, setting, serial_key, serial, id, platform, created_at, record, digest) \
         SELECT unhex('{tenant}'), unhex('{id}'), 'c' || CAST(i AS TEXT), 'C' || CAST(i AS TEXT), \
         unhex('{number:02x}' || substr('000000000000000000000000000000' || CAST(i AS TEXT), \
         length(CAST(i AS TEXT)) + 1)), 'ios', 0, '{{}}', '0' FROM n"
    );
    database.execute(&insert).await.unwrap();
}

async fn deleted(storage: &Storage, database: &TestDatabase, number: u128, count: u32) -> Setting {
    let made = make(storage, tenant(1), number, "s").await;
    devices(database, &made, count).await;
    let deletion =
        storage.settings.soft_delete(made.key(), false, noon(), &event(2_000 + number, &made)).await;
    assert_eq!(deletion.unwrap(), Some(Deletion::Allowed));
    made
}

#[tokio::test]
async fn a_purge_removes_five_thousand_rows_at_once_and_goes_on_after_a_kill() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = deleted(&storage, &database, 1, 12_000).await;
    database.execute(KILLED[usize::from(KIND == Kind::Postgres)]).await.unwrap();
    storage.settings.purge(later(MONTH)).await.unwrap_err();
    assert_eq!(database.number("SELECT COUNT(*) FROM devices").await, 7_000, "one step is durable");
    storage.close().await;

    // Another process finds it half purged: nobody can restore it, and the rest goes.
    let storage = database.open().await;
    let restored = storage.settings.restore(made.key(), later(MONTH), &event(3_000, &made)).await.unwrap();
    assert_eq!(restored, Restored::NotThere);
    let alive = ["DROP TRIGGER killed", "DROP TRIGGER killed ON devices"];
    database.execute(alive[usize::from(KIND == Kind::Postgres)]).await.unwrap();
    assert_eq!(storage.settings.purge(later(MONTH)).await.unwrap(), 1);
    for table in ["devices", "key_pairs"] {
        assert_eq!(database.number(&format!("SELECT COUNT(*) FROM {table}")).await, 0, "{table}");
    }
    assert_eq!(database.number("SELECT COUNT(*) FROM settings WHERE tenant <> id").await, 0);
}

#[tokio::test]
async fn two_processes_that_purge_one_setting_at_once_remove_it_whole_and_once() {
    let database = TestDatabase::new(KIND).await;
    let (storage, other) = (database.open().await, database.open().await);
    deleted(&storage, &database, 1, 12_000).await;
    let (first, second) =
        tokio::join!(storage.settings.purge(later(MONTH)), other.settings.purge(later(MONTH)));
    let again = storage.settings.purge(later(MONTH)).await.unwrap();
    assert_eq!(first.unwrap() + second.unwrap() + again, 1);
    assert_eq!(database.number("SELECT COUNT(*) FROM devices").await, 0);
}

#[tokio::test]
async fn of_a_purge_and_a_restoration_one_wins_whole() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let other = database.open().await;
    for round in 1..=12 {
        let made = deleted(&storage, &database, round, 20).await;
        let undo = event(3_000 + round, &made);
        let (purged, restored) = tokio::join!(
            storage.settings.purge(later(MONTH)),
            other.settings.restore(made.key(), later(MONTH), &undo)
        );
        let left = database.number("SELECT COUNT(*) FROM devices").await;
        match restored.unwrap() {
            Restored::Done => {
                assert_eq!((purged.unwrap(), left), (0, 20), "round {round}");
                assert!(storage.settings.get(made.key()).await.unwrap().is_some(), "round {round}");
                assert_eq!(storage.settings.purge(later(MONTH)).await.unwrap(), 0);
                let end = event(4_000 + round, &made);
                storage.settings.soft_delete(made.key(), true, noon(), &end).await.unwrap();
                storage.settings.purge(later(MONTH)).await.unwrap();
            }
            Restored::NotThere => assert_eq!((purged.unwrap(), left), (1, 0), "round {round}"),
            taken => panic!("round {round}: {taken:?}"),
        }
    }
}

#[tokio::test]
async fn a_setting_whose_deletion_was_dated_ahead_is_kept_for_a_month_from_now() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    deleted(&storage, &database, 1, 1).await;
    let ahead = later(400 * 86_400).as_microsecond();
    database
        .execute(&format!("UPDATE setting_states SET deleted_at = {ahead} WHERE deleted_at > 0"))
        .await
        .unwrap();
    assert_eq!(storage.settings.purge(noon()).await.unwrap(), 0);
    assert_eq!(storage.settings.purge(later(29 * 86_400)).await.unwrap(), 0);
    assert_eq!(storage.settings.purge(later(30 * 86_400)).await.unwrap(), 1);
}
