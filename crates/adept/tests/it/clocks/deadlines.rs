//! A clock that was wrong while the service ran: each deadline that it set is believed for its legal length at most.

use adept::domain::{Caller, Origin, SyncKind};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::json;

use super::{
    APART, DAY, MINUTE, SECOND, WRONG, apple_takes_any_time, asks_for_a_sync, eight_seconds, last_success,
    lists_all, within,
};
use crate::{
    assignment::ground::{Ground, KINDS},
    onboarding::script,
    support::{
        database::Kind,
        test_app::{TestApp, app_options},
    },
};

const HALF_AN_HOUR: SignedDuration = SignedDuration::from_mins(30);

/// What is due a day later at most, by its kind.
#[derive(Clone, Copy, Debug)]
enum Rest {
    FailedDevice,
    ThrottledDevice,
    Release,
    Definition,
    Wait,
}

on_both_databases!(
    syncs_go_on_within_half_an_hour,
    a_full_resync_comes_within_a_week,
    what_rests_goes_on_within_a_day,
    a_process_that_started_later_counts_as_later_whatever_its_clock_said,
);

async fn syncs_go_on_within_half_an_hour(kind: Kind) {
    let ground = Ground::new(kind, 3).await;
    ground.settle().await;
    for believed in [true, false] {
        if believed {
            apple_takes_any_time(&ground).await;
        } else {
            ground.portal(Method::PUT, "/options", json!({ "signature_clock": "simulator" })).await;
        }
        for wrong in WRONG {
            ground.test.clock.set_by(wrong);
            asks_for_a_sync(&ground).await;
            eight_seconds(&ground).await;
            ground.test.clock.set_by(-wrong);
            ground.test.portal.give_devices(&ground.server, 1).await;
            let before = ground.test.clock.now();
            within(
                &ground,
                (HALF_AN_HOUR + APART, MINUTE * 4),
                &format!("a sync after {wrong:?}"),
                async || lists_all(&ground).await && last_success(&ground).await >= before,
            )
            .await;
            // And the next one, at its interval.
            ground.test.portal.give_devices(&ground.server, 1).await;
            let next = (HALF_AN_HOUR, MINUTE * 5);
            within(&ground, next, &format!("the next one after {wrong:?}"), async || {
                lists_all(&ground).await
            })
            .await;
        }
    }
}

async fn a_full_resync_comes_within_a_week(kind: Kind) {
    let ground = Ground::new(kind, 3).await;
    ground.settle().await;
    apple_takes_any_time(&ground).await;
    for wrong in [DAY * 400, DAY * 8, -DAY, -DAY * 400] {
        ground.test.clock.set_by(wrong);
        let caller = Caller::operator(ground.test.storage.default_tenant());
        let origin = Origin { caller, request: ground.test.clock.new_id() };
        ground.test.app.settings.request_full_fetch(&origin, ground.setting.parse().unwrap()).await.unwrap();
        eight_seconds(&ground).await;
        ground.test.clock.set_by(-wrong);
        let before = ground.test.clock.now();
        let caller = Caller::operator(ground.test.storage.default_tenant());
        let id = ground.setting.parse().unwrap();
        let week = (DAY * 7 + APART + HALF_AN_HOUR, HALF_AN_HOUR);
        within(&ground, week, &format!("a full resync after {wrong:?}"), async || {
            let runs = ground.test.app.settings.sync_runs(&caller, id, 100).await.unwrap();
            // Quiet ones share a line, which ends when the last of them did.
            runs.iter().any(|run| run.kind != SyncKind::Delta && run.ended_at.is_some_and(|at| at >= before))
        })
        .await;
    }
}

async fn what_rests_goes_on_within_a_day(kind: Kind) {
    for rest in [Rest::FailedDevice, Rest::ThrottledDevice, Rest::Release, Rest::Definition, Rest::Wait] {
        for wrong in [DAY * 300, DAY, SignedDuration::from_hours(6), -DAY] {
            goes_on_within_a_day(kind, rest, wrong).await;
        }
    }
}

async fn goes_on_within_a_day(kind: Kind, rest: Rest, wrong: SignedDuration) {
    let ground = Ground::new(kind, 2).await;
    ground.settle().await;
    apple_takes_any_time(&ground).await;
    let permissions = format!("/servers/{}/permissions", ground.server);
    ground.portal(Method::PUT, &permissions, json!({ "release_devices": true })).await;
    let serials = ground.serials(None).await;
    ground.test.clock.set_by(wrong);
    let profile = ground.profile(KINDS[0].0, "Wanted").await;
    match rest {
        Rest::FailedDevice => ground.script_status(&serials[0], "assign", "FAILED", json!({})).await,
        Rest::ThrottledDevice => ground.script_status(&serials[0], "assign", "THROTTLED", json!({})).await,
        Rest::Release => ground.script_status(&serials[0], "disown", "FAILED", json!({})).await,
        Rest::Definition => {
            let refusal =
                json!({ "path": "/profile", "method": "POST", "status": 403, "body": "ACCESS_DENIED" });
            script(&ground.test, refusal).await;
        }
        Rest::Wait => {
            let headers = json!({ "Retry-After": "86400" });
            let path = "/profile/devices";
            script(&ground.test, json!({ "path": path, "status": 429, "headers": headers })).await;
        }
    }
    match rest {
        Rest::Release => ground.want_released(&serials[..1]).await,
        _ => ground.want(&profile, &serials[..1]).await,
    }
    eight_seconds(&ground).await;
    ground.test.clock.set_by(-wrong);
    let what = format!("{rest:?} after {wrong:?} on {kind:?}");
    within(&ground, (DAY + APART + HALF_AN_HOUR, MINUTE * 10), &what, async || {
        let truth = ground.truth().await;
        match rest {
            Rest::Release => !truth.contains_key(&serials[0]),
            _ => truth[&serials[0]].as_deref() == Some("Wanted"),
        }
    })
    .await;
}

async fn a_process_that_started_later_counts_as_later_whatever_its_clock_said(kind: Kind) {
    let first = TestApp::start_on_kind(kind).await;
    for wrong in [DAY * 400, -DAY * 400] {
        first.app.shared_profile_options.note().await;
        let ground = Ground::on(first.started_as(app_options()).await, 1).await;
        ground.settle().await;
        ground.test.clock.set_by(wrong);
        let moved = Some(format!("https://other.example.org/{}/{{settingId}}", wrong.as_hours() > 0));
        let options = adept::app::AppOptions { mdm_url: moved, ..app_options() };
        let later = ground.test.started_as(options).await;
        later.app.shared_profile_options.note().await;
        ground.test.clock.set_by(-wrong);
        let profile = ground.profile(KINDS[0].0, "Wanted").await;
        let serials = ground.serials(None).await;
        ground.want(&profile, &serials).await;
        ground.pass(SECOND).await;
        ground.test.app.scheduler.sync_what_is_due().await.unwrap();
        assert_eq!(ground.test.app.scheduler.assign_what_is_due().await.unwrap(), 0, "it started earlier");
        while later.app.scheduler.sync_what_is_due().await.unwrap()
            + later.app.scheduler.assign_what_is_due().await.unwrap()
            > 0
        {}
        assert_eq!(ground.truth().await[&serials[0]].as_deref(), Some("Wanted"), "{wrong:?}");
    }
}
