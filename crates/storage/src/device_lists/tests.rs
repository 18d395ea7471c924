//! Which index a page of devices is found by, on both databases.

use jiff::Timestamp;

use super::*;
use crate::{
    db::{Ground, sql},
    devices::Growth,
};
use adept_domain::{SettingId, TenantId};

/// A tenant's setting without a token.
const KEY: SettingKey = SettingKey::new(TenantId(Uuid::from_u128(1)), SettingId(Uuid::from_u128(1)));

/// iPhones; some of them gone, some wanted for a profile.
const DEVICES: &str = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000) \
    INSERT INTO devices (tenant, setting, serial_key, serial, id, platform, created_at, record, digest, deleted, desired_at) \
    SELECT $1, $2, 'c' || CAST(i AS TEXT), 'C' || CAST(i AS TEXT), \
    unhex(substr('00000000000000000000000000000000' || CAST(i AS TEXT), length(CAST(i AS TEXT)) + 1)), \
    'ios', 0, '{}', '0', i % 5000 = 0, CASE WHEN i % 500 = 0 THEN i END FROM n";

const COUNTS: &str = "INSERT INTO device_counts (tenant, setting, platform, source, deleted, supervised, desired_profile, \
    profile_status, number) SELECT $1, $2, 'ios', 'deviceEnrollmentProgram', atom = 'gone', FALSE, \
    unhex('00000000000000000000000000000000'), '', CASE atom WHEN 'gone' THEN 6 ELSE 29994 END FROM json_each('[\"there\", \"gone\"]')";

async fn filled(ground: &Ground) -> Devices {
    let db = ground.db.clone();
    crate::schema::apply(&db).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    crate::tenants::create(&mut tx, KEY.tenant, "t", Timestamp::UNIX_EPOCH).await.unwrap();
    tx.execute(sql(DEVICES).bind(KEY)).await.unwrap();
    tx.execute_any(sql(COUNTS).bind(KEY)).await.unwrap();
    tx.commit().await.unwrap();
    Devices { db, growth: Growth::default() }
}

async fn are_found_by_an_index(devices: &Devices, primary_key: &str) {
    use DeviceField::{Created, Id, IsDeleted, RequestedProfileAt, SerialNumber};
    let gone = || Expr::compare(IsDeleted, CompareOp::Eq, Literal::Boolean(true));
    let since = || {
        let at = Literal::DateTime(Timestamp::from_second(1_764_000_000).unwrap());
        Expr::compare(Created, CompareOp::Ge, at)
    };
    let with_time =
        || Expr::Compare(CompareOp::Ne, Box::new(Expr::Field(RequestedProfileAt)), Box::new(Expr::Null));
    for (order, filter, index) in [
        (None, None, primary_key),
        (Some(SerialNumber), None, primary_key),
        (Some(Id), None, "devices_id"),
        (Some(Id), Some(since()), "devices_id"),
        (Some(SerialNumber), Some(gone()), "devices_facets"),
        (Some(RequestedProfileAt), Some(with_time()), "devices_desired_at"),
    ] {
        for descending in [false, true] {
            let order: Vec<_> =
                order.iter().map(|field| OrderBy { by: Expr::Field(*field), descending }).collect();
            let filter = filter.clone().unwrap_or(Expr::constant(true));
            let query = ListQuery { order, filter: Some(filter), top: 100, ..ListQuery::default() };
            let chosen = match index {
                "devices_desired_at" => ListIndex::Order,
                _ => devices.index(KEY, query.filter.as_ref(), &query.order).await.unwrap(),
            };
            let plan = SOURCE.plan(&devices.db, &query, chosen.scope(KEY)).await.unwrap();
            assert!(plan.contains(index), "{query:?}: {plan}");
        }
    }
}

#[tokio::test]
async fn sqlite_finds_a_page_of_devices_by_the_index_of_its_order() {
    let ground = Ground::sqlite("lists_plan").await;
    are_found_by_an_index(&filled(&ground).await, "sqlite_autoindex_devices_1").await;
    ground.end().await;
}

#[tokio::test]
async fn postgres_finds_a_page_of_devices_by_the_index_of_its_order() {
    let ground = Ground::postgres("lists_plan").await;
    let devices = filled(&ground).await;
    ground.db.settle("devices").await.unwrap();
    are_found_by_an_index(&devices, "devices_pkey").await;
    ground.end().await;
}

/// Devices as they arrive in a filter's words lie between the ids that it is narrowed to.
#[test]
fn ids_are_narrowed_to_what_a_filter_asks_of_arrival() {
    let at = |micros: i64| Timestamp::from_microsecond(1_764_000_000_000_000 + micros).unwrap();
    let created = |op, time| Expr::compare(DeviceField::Created, op, Literal::DateTime(time));
    let narrowed = |filter: &Expr<DeviceField>, time| {
        let (first, last) = arrival(filter);
        let id = Uuid::from_u128(first_id_at(time).as_u128() | (u128::MAX >> 66));
        first <= id && id <= last
    };
    for (op, before, same, behind) in [
        (CompareOp::Lt, true, true, false),
        (CompareOp::Le, true, true, false),
        (CompareOp::Eq, false, true, false),
        (CompareOp::Ge, false, true, true),
        (CompareOp::Gt, false, true, true),
        (CompareOp::Ne, true, true, true),
    ] {
        let one = created(op, at(0));
        let found = [at(-1), at(0), at(2)].map(|time| narrowed(&one, time));
        assert_eq!(found, [before, same, behind], "{op:?}");
        let both = one.and(created(CompareOp::Gt, at(-1)));
        assert!(!narrowed(&both, at(-2)), "{op:?}");
        assert_eq!(narrowed(&both, at(0)), same, "{op:?}");
    }
    let either = Expr::Or(vec![created(CompareOp::Lt, at(0)), created(CompareOp::Gt, at(9))]);
    assert!(narrowed(&either, at(5)));
}
