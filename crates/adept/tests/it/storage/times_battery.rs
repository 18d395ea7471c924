//! Stored times on either database: each has a legal length or is a past time, and what a wrong clock stored is believed
//! no further.

use adept::{
    domain::{AppleRecord, OperationType, Setting},
    storage::{AppleSession, Storage, TokenRow, Work},
};
use jiff::{SignedDuration, Timestamp};

use super::{
    KIND,
    battery::{
        LENGTHS, claim, claim_one, ended, id, later, make, observed, part, record, server, store_page, upload,
    },
};
use crate::support::database::{Kind, TestDatabase, noon, tenant};

/// A clock that was this far ahead for a moment.
const FAR: i64 = 400 * 86_400;

/// Every stored deadline: the column, and what it is for, which says how far ahead it may lie.
const DEADLINES: [(&str, &str); 10] = [
    ("setting_states.lease_until", "lease"),
    ("setting_states.sync_due_at", "sync_interval"),
    ("setting_states.full_fetch_due_at", "full_resync_interval"),
    ("setting_states.assignment_due_at", "LONGEST_REST"),
    ("devices.assign_due_at", "LONGEST_REST"),
    ("devices.release_due_at", "LONGEST_REST"),
    ("profile_definitions.again_at", "LONGEST_REST"),
    ("server_tokens.session_claimed_until", "SESSION_CLAIM"),
    ("apple_waits.until", "apple_waits.longest"),
    ("open_failures.refilled_at", "OpenBudget"),
];

/// Every stored time at which something was: where something depends on it, one that lies ahead counts as now.
const PAST_TIMES: [&str; 34] = [
    "apple_profiles.received_at",
    "apple_profiles.unknown_at",
    "audit_events.at",
    "audit_events.last_at",
    "clients.created_at",
    "created_requests.created_at",
    "default_profiles.set_at",
    "foreign_profiles.checked_at",
    "device_events.at",
    "devices.absent_since",
    "devices.assigned_at",
    "devices.created_at",
    "devices.desired_at",
    "devices.operation_at",
    "devices.release_requested_at",
    "devices.tombstone_at",
    "enrollment_profiles.created_at",
    "enrollment_profiles.modified_at",
    "in_flight_calls.started_at",
    "key_pairs.created_at",
    "profile_definitions.attempted_at",
    "release_days.began_at",
    "setting_states.bare_refused_since",
    "setting_states.cursor_issued_at",
    "setting_states.deleted_at",
    "setting_states.modified_at",
    "setting_states.sync_started_at",
    "setting_states.sync_succeeded_at",
    "setting_states.sync_triggered_at",
    "setting_states.token_checked_at",
    "settings.created_at",
    "sync_runs.ended_at",
    "sync_runs.started_at",
    "tenants.created_at",
];

/// Times that Apple states and that no clock of ours made: the end of a server token.
const STATED_TIMES: [&str; 2] = ["server_tokens.expires_at", "setting_states.token_expires_at"];

/// Every column that may hold a time by its name, `table.column`.
async fn time_columns(database: &TestDatabase) -> Vec<String> {
    let query = match KIND {
        Kind::Sqlite => {
            "SELECT t.name || '.' || c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c \
             WHERE t.type = 'table' AND upper(c.type) = 'BIGINT'"
        }
        Kind::Postgres => {
            "SELECT c.table_name || '.' || c.column_name FROM information_schema.columns AS c \
             JOIN information_schema.tables AS t ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
             WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type = 'bigint'"
        }
    };
    let mut columns = database.texts(query).await;
    columns.retain(|column| {
        let last = column.rsplit(['.', '_']).next().unwrap();
        matches!(last, "at" | "until" | "since" | "on" | "date" | "time" | "due" | "expiry" | "deadline")
            && !column.starts_with("_sqlx_migrations.")
    });
    columns.sort();
    columns
}

#[tokio::test]
async fn every_time_column_has_a_legal_length_or_is_a_past_time() {
    let database = TestDatabase::new(KIND).await;
    database.open().await.close().await;
    let found = time_columns(&database).await;
    let mut known: Vec<_> = DEADLINES.iter().map(|(column, _)| *column).collect();
    known.extend(PAST_TIMES);
    known.extend(STATED_TIMES);
    known.sort_unstable();
    assert_eq!(found, known, "left: the schema; right: the lists of this test");
}

async fn onboarded(storage: &Storage) -> Setting {
    let made = make(storage, tenant(1), 1, "s").await;
    upload(storage, &made, 1, 0, &server("AAAA", None), true).await;
    made
}

#[tokio::test]
async fn a_lease_that_its_holder_renews_just_before_it_is_taken_over_stays_its_holders() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    onboarded(&storage).await;
    let running = claim_one(&storage, noon()).await;
    let due = storage.leases.due_settings(Work::Sync, later(30), &LENGTHS).await.unwrap();
    let seen: Vec<_> = due.iter().map(|due| observed(due, 30)).collect();
    assert!(storage.leases.renew(&running.lease, later(30), &LENGTHS).await.unwrap());
    assert!(storage.leases.claim(Work::Sync, &seen, later(31), &LENGTHS).await.unwrap().is_empty());
    assert!(storage.leases.renew(&running.lease, later(40), &LENGTHS).await.unwrap());
}

#[tokio::test]
async fn a_claim_on_a_session_that_a_wrong_clock_dated_is_not_believed() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = onboarded(&storage).await;
    let known = storage.tokens.load(made.key()).await.unwrap().unwrap();
    let row = TokenRow { key: made.key(), token: known.in_use.unwrap().id };
    let find = async |now: Timestamp| {
        let until = now + SignedDuration::from_secs(60);
        matches!(
            storage.apple_sessions.find(&row, 0, now, until).await.unwrap(),
            AppleSession::Claimed { .. }
        )
    };
    assert!(find(later(FAR)).await);
    assert!(find(noon()).await, "it lies further ahead than one may");
    assert!(!find(noon()).await, "this one is believed");
    assert!(!find(later(-120)).await, "also by a clock that is two minutes behind");
    assert!(find(later(60)).await, "for a minute");
    assert!(find(later(-86_400)).await);
}

/// A device that Apple listed, by its key, and the columns that say what is due.
async fn device(database: &TestDatabase, made: &Setting, key: &str, (columns, values): (&str, &str)) {
    let (tenant, setting) = (made.tenant.0.simple(), made.id.0.simple());
    let device = id(900_000 + key.bytes().map(u128::from).sum::<u128>()).simple();
    let insert = format!(
        "INSERT INTO devices (tenant, setting, serial_key, serial, id, platform, record, digest, {columns}) \
         VALUES (unhex('{tenant}'), unhex('{setting}'), '{key}', '{key}', unhex('{device}'), 'ios', '{{}}', '0', {values})"
    );
    database.execute(&insert).await.unwrap();
}

#[tokio::test]
async fn devices_and_definitions_that_a_wrong_clock_put_off_are_due_when_the_setting_is_claimed() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = onboarded(&storage).await;
    let first = claim_one(&storage, noon()).await;
    let end =
        ended(&first, adept::domain::SyncOutcome::Token(adept::domain::TokenState::Ok), noon(), later(1800));
    storage.syncs.end(&first.lease, &part(&first, 0), end).await.unwrap();
    let micros = |seconds| later(seconds).as_microsecond();
    for (key, due) in [("far", FAR), ("near", 86_400), ("edge", 86_520)] {
        let values = format!("0, {}, {}, {}", micros(due), micros(0), micros(due));
        let columns = "created_at, assign_due_at, release_requested_at, release_due_at";
        device(&database, &made, key, (columns, &values)).await;
    }
    let definition = format!(
        "INSERT INTO profile_definitions (tenant, setting, profile, revision, attempts, attempted_at, failure, again_at) \
         SELECT tenant, id, id, 1, 0, 0, 'DENIED', {} FROM settings WHERE tenant <> id",
        micros(FAR)
    );
    database.execute(&definition).await.unwrap();
    let due_far = format!("UPDATE setting_states SET assignment_due_at = {}", micros(FAR));
    database.execute(&due_far).await.unwrap();

    let due = storage.leases.due_settings(Work::Assignment, noon(), &LENGTHS).await.unwrap();
    let due: Vec<_> = due.iter().map(|due| observed(due, 0)).collect();
    assert_eq!(storage.leases.claim(Work::Assignment, &due, noon(), &LENGTHS).await.unwrap().len(), 1);
    let at = async |column: &str, key: &str| {
        let query = format!("SELECT {column} FROM devices WHERE serial_key = '{key}'");
        Timestamp::from_microsecond(database.number(&query).await).unwrap()
    };
    for column in ["assign_due_at", "release_due_at"] {
        assert_eq!(at(column, "far").await, noon(), "{column}");
        assert_eq!(at(column, "near").await, later(86_400), "{column}");
        assert_eq!(at(column, "edge").await, later(86_520), "{column}");
    }
    assert_eq!(database.number("SELECT again_at FROM profile_definitions").await, micros(0));
}

#[tokio::test]
async fn a_tombstone_that_lies_ahead_counts_as_of_now_and_is_purged_45_days_later() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = onboarded(&storage).await;
    let values = format!("TRUE, 0, {}", later(FAR).as_microsecond());
    device(&database, &made, "gone", ("deleted, created_at, tombstone_at", &values)).await;
    let purge = async |days: i64| {
        let now = later(days * 86_400);
        storage.devices.purge_tombstones(now - SignedDuration::from_hours(45 * 24), now).await.unwrap()
    };
    assert_eq!(purge(0).await, 0);
    assert_eq!(database.number("SELECT tombstone_at FROM devices").await, noon().as_microsecond());
    assert_eq!(purge(45).await, 0);
    assert_eq!(purge(46).await, 1);
}

#[tokio::test]
async fn a_device_first_seen_by_a_clock_that_was_ahead_can_still_be_absent() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = onboarded(&storage).await;
    let claim = claim_one(&storage, noon()).await;
    for (key, created) in [("a", -60), ("b", 5), ("c", FAR)] {
        device(&database, &made, key, ("created_at", &later(created).as_microsecond().to_string())).await;
    }
    let listed = storage.syncs.listed_by_apple(&claim.lease, (noon(), later(10)), "", 10).await.unwrap();
    let keys: Vec<_> = listed.iter().map(|device| device.key.as_str()).collect();
    assert_eq!(keys, ["a", "c"], "b was first seen by this run");
}

#[tokio::test]
async fn a_device_dated_by_a_clock_that_was_ahead_is_changed_by_apples_next_record() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    onboarded(&storage).await;
    let claim = claim_one(&storage, noon()).await;
    assert_eq!(store_page(&storage, &claim, 0, vec![record("C1", None, 1)]).await, Some((1, 0, 0)));
    let ahead = format!("UPDATE devices SET operation_at = {}", later(FAR).as_microsecond());
    database.execute(&ahead).await.unwrap();
    // Apple's date lies before the moment at which the record arrives, as it always does.
    let changed: AppleRecord = record("C1", Some((OperationType::Modified, -600)), 2);
    assert_eq!(store_page(&storage, &claim, 1, vec![changed]).await, Some((0, 1, 0)));
    let operation = database.number("SELECT operation_at FROM devices").await;
    assert_eq!(operation, later(-600).as_microsecond());
    let stale: AppleRecord = record("C1", Some((OperationType::Modified, -601)), 3);
    assert_eq!(store_page(&storage, &claim, 2, vec![stale]).await, Some((0, 0, 0)));
}

#[tokio::test]
async fn a_wait_that_a_wrong_clock_dated_is_over_for_good() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = onboarded(&storage).await;
    let day = SignedDuration::from_hours(24);
    let keep = async |now: i64| {
        storage.tokens.keep_apple_wait(made.key(), "c", later(now + 86_400), day, later(now)).await.unwrap();
    };
    let wait = async |now: i64| storage.tokens.apple_wait(made.key(), "c", later(now)).await.unwrap();
    for ahead in [FAR, 86_400, 121] {
        keep(ahead).await;
        assert_eq!(wait(0).await, None, "{ahead} s ahead");
        assert_eq!(wait(ahead).await, None, "also when its time comes near");
    }
    keep(120).await;
    assert_eq!(wait(0).await, Some(later(86_520)), "clocks may differ by so much");
    assert_eq!(wait(86_519).await, Some(later(86_520)));
    assert_eq!(wait(86_520).await, None);
}

#[tokio::test]
async fn neither_of_two_tokens_is_lost_to_a_clock_for_which_both_have_expired() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = onboarded(&storage).await;
    upload(&storage, &made, 2, 1, &server("AAAA", None), false).await;
    let swap = async |seen, now| {
        let refused = adept::domain::TokenState::Revoked;
        let event = super::battery::event(9_000 + seen as u128, &made);
        storage.tokens.restore_other(made.key(), seen, refused, now, &LENGTHS, &event).await.unwrap()
    };
    let tokens = async || database.number("SELECT COUNT(*) FROM server_tokens").await;
    assert!(!swap(2, later(FAR)).await, "it has expired by that clock");
    assert_eq!(tokens().await, 2);
    assert!(swap(2, noon()).await);
    assert!(!swap(3, later(FAR)).await);
    assert_eq!(tokens().await, 2);
    assert!(swap(3, noon()).await, "and back");
}

#[tokio::test]
async fn a_disabled_tenant_rests_and_what_is_under_way_for_it_ends_with_its_lease() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    onboarded(&storage).await;
    let due = storage.leases.due_settings(Work::Sync, noon(), &LENGTHS).await.unwrap();
    let running = claim_one(&storage, noon()).await;
    assert!(storage.leases.renew(&running.lease, later(10), &LENGTHS).await.unwrap());
    assert!(storage.tenants.set_disabled(tenant(1), true, None).await.unwrap());
    assert!(!storage.leases.renew(&running.lease, later(20), &LENGTHS).await.unwrap());
    assert_eq!(storage.assignments.renew_for_call(&running.lease, later(20), &LENGTHS).await.unwrap(), None);
    assert!(storage.leases.due_settings(Work::Sync, later(900), &LENGTHS).await.unwrap().is_empty());
    // It was found due just before.
    let due: Vec<_> = due.iter().map(|due| observed(due, 60)).collect();
    assert!(storage.leases.claim(Work::Sync, &due, later(900), &LENGTHS).await.unwrap().is_empty());
    assert!(storage.tenants.set_disabled(tenant(1), false, None).await.unwrap());
    assert_eq!(claim(&storage, later(900), 10).await.len(), 1);
}

#[tokio::test]
async fn below_the_schemas_line_leases_are_not_renewed_and_nothing_is_written_until_it_is_back() {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    let made = onboarded(&storage).await;
    let running = claim_one(&storage, noon()).await;
    database.execute("UPDATE schema_compatibility SET oldest_writer = 9").await.unwrap();
    assert!(!storage.leases.renew(&running.lease, later(10), &LENGTHS).await.unwrap());
    assert_eq!(storage.assignments.renew_for_call(&running.lease, later(10), &LENGTHS).await.unwrap(), None);
    assert!(!storage.deployment.may_write().await.unwrap());
    let refused = storage.tenants.set_disabled(tenant(1), true, None).await.unwrap_err().to_string();
    assert!(refused.contains("newer version"), "{refused}");
    assert!(storage.settings.get(made.key()).await.unwrap().is_some(), "reading goes on");
    database.execute("UPDATE schema_compatibility SET oldest_writer = 1").await.unwrap();
    assert!(storage.deployment.may_write().await.unwrap());
    assert!(storage.leases.renew(&running.lease, later(10), &LENGTHS).await.unwrap());
}
