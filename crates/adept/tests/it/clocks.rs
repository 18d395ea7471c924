//! The whole service under clocks that are wrong for a while, alive or killed meanwhile: afterwards everything goes on
//! within its legal length, replicas share the work, and nothing was purged.

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::json;

use crate::{assignment::ground::Ground, support::test_app::S};

/// Each test once on every database.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::support::database::Kind::Sqlite).await;
            })+
        }
        mod on_postgresql {
            $(#[tokio::test]
            async fn $test() {
                super::$test(crate::support::database::Kind::Postgres).await;
            })+
        }
    };
}

mod apart;
mod deadlines;
mod killed;
mod purges;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// How far a clock is wrong for eight seconds: years, days, hours, and less than clocks may differ.
const WRONG: [SignedDuration; 8] = [
    SignedDuration::from_hours(400 * 24),
    DAY,
    SignedDuration::from_hours(6),
    SignedDuration::from_secs(100),
    SignedDuration::from_secs(-100),
    SignedDuration::from_hours(-6),
    SignedDuration::from_hours(-24),
    SignedDuration::from_hours(-400 * 24),
];

/// Two clocks that are tolerated may differ by so much.
const APART: SignedDuration = SignedDuration::from_mins(2);

/// What happens under wrong clocks is the worst here: Apple accepts every signature, whatever its time.
async fn apple_takes_any_time(ground: &Ground) {
    ground.portal(Method::PUT, "/options", json!({ "signature_clock": "any" })).await;
}

/// Eight rounds of the scheduler, a second apart.
async fn eight_seconds(ground: &Ground) {
    for _ in 0..8 {
        ground.test.app.scheduler.sync_what_is_due().await.unwrap();
        ground.test.app.scheduler.assign_what_is_due().await.unwrap();
        ground.pass(SECOND).await;
    }
}

/// Lets the scheduler run, `step` by step, until `holds`; an error names what does not hold by then.
async fn within(
    ground: &Ground,
    (longest, step): (SignedDuration, SignedDuration),
    what: &str,
    holds: impl AsyncFn() -> bool,
) {
    let started = ground.test.clock.elapsed();
    loop {
        ground.test.app.scheduler.sync_what_is_due().await.unwrap();
        ground.test.app.scheduler.assign_what_is_due().await.unwrap();
        if holds().await {
            return;
        }
        let passed = ground.test.clock.elapsed() - started;
        assert!(passed < longest, "{what}: not after {passed:?}");
        ground.pass(step.min(longest - passed)).await;
    }
}

/// A person asks for a sync.
async fn asks_for_a_sync(ground: &Ground) {
    let path = format!("/beta/{S}/{}/syncWithAppleDeviceEnrollmentProgram", ground.setting);
    assert_eq!(ground.client().await.act(&path).await.status, 204);
}

/// When the last sync of the setting succeeded.
async fn last_success(ground: &Ground) -> Timestamp {
    let query = "SELECT COALESCE(MAX(sync_succeeded_at), 0) FROM setting_states";
    Timestamp::from_microsecond(ground.test.database.number(query).await).unwrap()
}

/// Whether as many devices are listed as Apple has.
async fn lists_all(ground: &Ground) -> bool {
    ground.serials(None).await.len() == ground.truth().await.len()
}
