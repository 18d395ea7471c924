//! A purge of many rows, an import, a page that says that many devices left, or what a wrong clock put off, holds up no other
//! write on either database.
//! `ADEPT_TEST_ROWS=1000000 cargo xtask test -p adept holds_up_no_other_write` does it with a million rows of each table.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use adept::{
    domain::{OperationType, Setting},
    storage::{DeviceWrites, Error, Storage, Work},
};

use super::{
    KIND,
    battery::{
        LENGTHS, claim_one, ended, event, later, make, observed, part, record, server, store_page, upload,
    },
};
use crate::support::database::{TestDatabase, noon, tenant};

const DAY: i64 = 86_400;

/// The longest that another write may wait.
const LONGEST: Duration = Duration::from_secs(1);

/// Rows of each table.
fn rows() -> u32 {
    std::env::var("ADEPT_TEST_ROWS").map_or(30_000, |rows| rows.parse().unwrap())
}

/// Does `work` while others write without pause.
#[expect(clippy::print_stderr, reason = "a run by hand shows how long it took")]
async fn beside_writes<T>(storage: &Storage, what: &str, work: impl Future<Output = T>) -> T {
    let is_over = Arc::new(AtomicBool::new(false));
    let writer = {
        let (storage, is_over) = (storage.clone(), Arc::clone(&is_over));
        tokio::spawn(async move {
            let (mut longest, mut writes) = (Duration::ZERO, 0u32);
            while !is_over.load(Ordering::Relaxed) {
                let began = Instant::now();
                assert!(
                    storage.tenants.set_disabled(tenant(2), writes.is_multiple_of(2), None).await.unwrap()
                );
                longest = longest.max(began.elapsed());
                writes += 1;
            }
            (longest, writes)
        })
    };
    let began = Instant::now();
    let done = work.await;
    is_over.store(true, Ordering::Relaxed);
    let took = began.elapsed();
    let (longest, writes) = writer.await.unwrap();
    let told =
        format!("{KIND:?}, {what}: {took:.1?}; the longest of {writes} writes beside it took {longest:.1?}");
    eprintln!("{told}");
    assert!(longest < LONGEST, "{told}");
    done
}

/// A setting with a token, in a database with a second tenant.
async fn ground() -> (TestDatabase, Storage, Setting) {
    let database = TestDatabase::new(KIND).await;
    let storage = database.open().await;
    storage.tenants.create(tenant(2), "other", noon(), None).await.unwrap();
    let made = make(&storage, tenant(1), 1, "s").await;
    upload(&storage, &made, 1, 0, &server("AAAA", None), true).await;
    (database, storage, made)
}

/// Adds rows; `columns` and `values` are those beside the setting, and `i` counts.
async fn fill(database: &TestDatabase, made: &Setting, table: &str, (columns, values): (&str, &str)) {
    let (tenant, setting, count) = (made.tenant.0.simple(), made.id.0.simple(), rows());
    let insert = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO {table} (tenant, setting, {columns}) SELECT unhex('{tenant}'), unhex('{setting}'), {values} FROM n"
    );
    database.execute(&insert).await.unwrap();
}

/// Adds devices with one more column; what Apple lists comes a thousand at once.
async fn devices(database: &TestDatabase, made: &Setting, (column, value): (&str, &str)) {
    let columns = format!("serial_key, serial, id, platform, created_at, record, digest, {column}");
    let values = format!(
        "'c' || CAST(i AS TEXT), 'C' || CAST(i AS TEXT), unhex('01' || substr('000000000000000000000000000000' || \
         CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1)), 'ios', 0, '{{}}', '0', {value}"
    );
    fill(database, made, "devices", (&columns, &values)).await;
}

async fn count(database: &TestDatabase, table: &str) -> i64 {
    database.number(&format!("SELECT COUNT(*) FROM {table}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_a_setting_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    devices(&database, &made, ("assign_due_at", "NULL")).await;
    storage.settings.soft_delete(made.key(), true, noon(), &event(2_000, &made)).await.unwrap();
    let purge = storage.settings.purge(later(31 * DAY));
    assert_eq!(beside_writes(&storage, "a deleted setting", purge).await.unwrap(), 1);
    assert_eq!(count(&database, "devices").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_tombstones_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    let at = format!("TRUE, {} + i / 1000", noon().as_microsecond());
    devices(&database, &made, ("deleted, tombstone_at", &at)).await;
    let purge = storage.devices.purge_tombstones(later(DAY), later(46 * DAY));
    assert_eq!(beside_writes(&storage, "tombstones", purge).await.unwrap(), u64::from(rows()));
    assert_eq!(count(&database, "devices").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn dating_tombstones_back_that_lie_ahead_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    let at = format!("TRUE, {} + i / 1000", later(400 * DAY).as_microsecond());
    devices(&database, &made, ("deleted, tombstone_at", &at)).await;
    let purge =
        async |days: i64| storage.devices.purge_tombstones(later((days - 45) * DAY), later(days * DAY)).await;
    assert_eq!(beside_writes(&storage, "tombstones ahead", purge(0)).await.unwrap(), 0);
    let ahead = format!("devices WHERE tombstone_at > {}", noon().as_microsecond());
    assert_eq!(count(&database, &ahead).await, 0);
    assert_eq!(purge(44).await.unwrap(), 0);
    assert_eq!(beside_writes(&storage, "tombstones dated back", purge(46)).await.unwrap(), u64::from(rows()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_devices_histories_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    let at = format!("'c' || CAST(i AS TEXT), {} + i / 1000, 'absent'", noon().as_microsecond());
    fill(&database, &made, "device_events", ("serial_key, at, event", &at)).await;
    let purge = storage.devices.purge_events(later(DAY));
    assert_eq!(beside_writes(&storage, "devices' histories", purge).await.unwrap(), u64::from(rows()));
    assert_eq!(count(&database, "device_events").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_the_sync_history_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    let columns = "run, started_at, runs, kind, pages, added, changed, removed, drift_added, drift_changed, drift_removed, \
        unconfirmed, unreadable, outcome";
    let values =
        format!("i, {} + i, 1, 'delta_sync', 1, 1, 0, 0, 0, 0, 0, 0, 0, 'ok'", noon().as_microsecond());
    fill(&database, &made, "sync_runs", (columns, &values)).await;
    let purge = storage.syncs.purge_runs(later(DAY), 100);
    assert_eq!(beside_writes(&storage, "sync history", purge).await.unwrap(), u64::from(rows()) - 100);
    assert_eq!(database.number("SELECT MIN(run) FROM sync_runs").await, i64::from(rows()) - 99);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_of_remembered_creates_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    let insert = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) \
         INSERT INTO created_requests (tenant, request, entity, created_at) SELECT unhex('{}'), \
         unhex(substr('00000000000000000000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1)), \
         unhex('{}'), {} + i FROM n",
        rows(),
        made.tenant.0.simple(),
        made.id.0.simple(),
        noon().as_microsecond()
    );
    database.execute(&insert).await.unwrap();
    let ahead = storage.created_requests.purge(later(-2 * DAY), later(-DAY));
    assert_eq!(beside_writes(&storage, "creates that lie ahead", ahead).await.unwrap(), 0);
    let newest = database.number("SELECT MAX(created_at) FROM created_requests").await;
    assert!(newest <= later(-DAY).as_microsecond());
    let purge = storage.created_requests.purge(later(0), later(DAY));
    assert_eq!(beside_writes(&storage, "creates", purge).await.unwrap(), u64::from(rows()));
    assert_eq!(count(&database, "created_requests").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_of_devices_that_a_wrong_clock_put_off_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    let first = claim_one(&storage, noon()).await;
    let ok = adept::domain::SyncOutcome::Token(adept::domain::TokenState::Ok);
    storage.syncs.end(&first.lease, &part(&first, 0), ended(&first, ok, noon(), later(1800))).await.unwrap();
    let far = later(400 * DAY).as_microsecond();
    devices(&database, &made, ("assign_due_at", &far.to_string())).await;
    database.execute(&format!("UPDATE setting_states SET assignment_due_at = {far}")).await.unwrap();
    let claim = async {
        let due = storage.leases.due_settings(Work::Assignment, noon(), &LENGTHS).await.unwrap();
        let due: Vec<_> = due.iter().map(|due| observed(due, 0)).collect();
        storage.leases.claim(Work::Assignment, &due, noon(), &LENGTHS).await.unwrap().remove(0)
    };
    let claim = beside_writes(&storage, "a claim", claim).await;
    let healed = format!("devices WHERE assign_due_at = {}", noon().as_microsecond());
    assert_eq!(count(&database, &healed).await, 1_000);
    // As a run does at its end: the next one is due when the first of the others is, which is not believed.
    let (generation, before) = (claim.state.assignment.desired_generation, later(1));
    let next = storage.assignments.rest_devices(&claim.lease, generation, before, true).await.unwrap();
    let horizon = later(DAY + 120);
    assert!(next.is_some_and(|next| next > horizon), "the next claim follows at once: {next:?}");
}

/// Serial numbers of the devices that [`devices`] makes.
fn serials(number: usize) -> Vec<String> {
    (1..=number).map(|number| format!("C{number}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_overwrites_thousands_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    devices(&database, &made, ("assign_due_at", "NULL")).await;
    let event = event(3_000, &made);
    let described = |mut changed: Vec<adept::domain::DeviceRow>| {
        changed.iter_mut().for_each(|device| device.description = Some(format!("new {}", device.serial)));
        Ok::<_, Error>(DeviceWrites { new: Vec::new(), changed, event })
    };
    let serials = serials(4_000);
    let import = storage.devices.write(made.key(), &serials, &[], noon(), described);
    assert!(beside_writes(&storage, "an import", import).await.unwrap());
    assert_eq!(count(&database, "devices WHERE description = 'new ' || serial").await, 4_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_says_that_thousands_left_holds_up_no_other_write() {
    let (database, storage, made) = ground().await;
    devices(&database, &made, ("assign_due_at", "NULL")).await;
    let claim = claim_one(&storage, noon()).await;
    let left = serials(8_000).into_iter().zip(0..);
    let page = left.map(|(serial, at)| record(&serial, Some((OperationType::Deleted, -at)), 1)).collect();
    let stored = beside_writes(&storage, "a page", store_page(&storage, &claim, 0, page)).await;
    assert_eq!(stored, Some((0, 0, 8_000)));
    assert_eq!(count(&database, "devices WHERE deleted").await, 8_000);
}
