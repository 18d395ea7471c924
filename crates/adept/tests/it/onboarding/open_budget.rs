//! The budget of uploads that cannot be opened: who is over it is not opened, and nobody else notices.

use std::{
    io,
    sync::{Arc, Mutex},
};

use adept::{
    app::{AppOptions, Counted, TokenUpload},
    domain::{Caller, Origin},
};
use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Pair, pair, trust, upload};
use crate::support::{
    client::{Client, ClientResponse},
    database::{Kind, on_both_databases},
    sealed_file::SealedFile,
    test_app::{S, TestApp, WRITE, app_options},
};

on_both_databases!(
    a_caller_over_the_budget_waits_while_another_administrator_renews
    many_callers_together_are_over_the_budget_of_a_key_pair_alone
    replicas_share_a_budget_and_no_more_than_it_is_answered
    refused_uploads_are_one_entry_a_minute_that_counts_them
    what_a_clock_stored_that_was_ahead_is_not_believed
);

/// A file that is sealed to the setting's key pair and cannot be read.
async fn unreadable(test: &TestApp, pair: &Pair) -> String {
    SealedFile::of(&test.portal.token(&pair.server).await).damaged(2).file()
}

async fn another_caller(test: &TestApp) -> Client {
    test.client(test.storage.default_tenant(), &[WRITE]).await
}

fn is_over(answer: &ClientResponse, retry_after: &str) {
    answer.is_refused(429, "TooManyRequests", "was not tried. Nothing was changed.");
    assert_eq!(answer.header("retry-after"), retry_after);
}

fn is_unreadable(answer: &ClientResponse) {
    answer.is_refused(400, "BadRequest", "cannot be read, though it is sealed to the right certificate");
}

async fn a_caller_over_the_budget_waits_while_another_administrator_renews(kind: Kind) {
    let test = TestApp::start_in_still_time(kind).await;
    let (thief, admin) = (another_caller(&test).await, another_caller(&test).await);
    let pair = pair(&test, &admin).await;
    let unreadable = unreadable(&test, &pair).await;
    for _ in 0..20 {
        is_unreadable(&upload(&thief, &pair.setting, &unreadable).await);
    }
    let renewal = test.portal.token(&pair.server).await;
    for file in [&unreadable, &renewal] {
        is_over(&upload(&thief, &pair.setting, file).await, "60");
    }
    // What is no token of this setting is refused as ever.
    upload(&thief, &pair.setting, "{}").await.is_refused(400, "BadRequest", "not a server token");
    assert_eq!(upload(&admin, &pair.setting, &renewal).await.status, 204);

    // Another key pair of the same setting; a later one is the newest.
    test.clock.advance(SignedDuration::from_secs(1));
    let generate = format!("/beta/{S}/{}/generateEncryptionPublicKey", pair.setting);
    assert_eq!(thief.act(&generate).await.status, 200);
    trust(&test, &admin, &pair.setting, &pair.server).await;
    let renewal = test.portal.token(&pair.server).await;
    assert_eq!(upload(&thief, &pair.setting, &renewal).await.status, 204);

    // One a minute with the first.
    is_over(&upload(&thief, &pair.setting, &unreadable).await, "59");
    test.clock.advance(SignedDuration::from_secs(60));
    is_unreadable(&upload(&thief, &pair.setting, &unreadable).await);
    is_over(&upload(&thief, &pair.setting, &unreadable).await, "59");
    let counted = |reason| test.app.counters.of(&Counted::FailedOpen(reason));
    assert_eq!((counted("unreadable"), counted("over_budget")), (21, 4));
}

async fn many_callers_together_are_over_the_budget_of_a_key_pair_alone(kind: Kind) {
    let test = TestApp::start_in_still_time(kind).await;
    let test = test.started_as(AppOptions { open_failures: 2, ..app_options() }).await;
    let admin = test.admin().await;
    let (pair, other) = (pair(&test, &admin).await, pair(&test, &admin).await);
    let unreadable = unreadable(&test, &pair).await;
    for _ in 0..10 {
        let thief = another_caller(&test).await;
        for _ in 0..2 {
            is_unreadable(&upload(&thief, &pair.setting, &unreadable).await);
        }
        is_over(&upload(&thief, &pair.setting, &unreadable).await, "60");
    }
    let renewal = test.portal.token(&pair.server).await;
    is_over(&upload(&admin, &pair.setting, &renewal).await, "6");
    let elsewhere = test.portal.token(&other.server).await;
    assert_eq!(upload(&admin, &other.setting, &elsewhere).await.status, 204);
    // The operator of the machine is not limited, and counts for nobody.
    let tenant = test.storage.default_tenant();
    let operator = Origin { caller: Caller::operator(tenant), request: test.clock.new_id() };
    let id = pair.setting.parse().unwrap();
    let upload_as_operator = async |file: &str| {
        let upload = TokenUpload { apple_id: None, dep_token: file.to_owned().into() };
        test.app.tokens.upload_token(&operator, id, upload).await
    };
    for _ in 0..30 {
        assert!(upload_as_operator(&unreadable).await.is_err());
    }
    upload_as_operator(&renewal).await.unwrap();
    test.clock.advance(SignedDuration::from_secs(7));
    assert_eq!(upload(&admin, &pair.setting, &renewal).await.status, 204);
}

async fn replicas_share_a_budget_and_no_more_than_it_is_answered(kind: Kind) {
    let test = TestApp::start_in_still_time(kind).await;
    let token = test.signer.application(&test.storage, test.storage.default_tenant(), &[WRITE]).await;
    let thief = test.with(&token);
    let pair = pair(&test, &thief).await;
    let unreadable = unreadable(&test, &pair).await;
    let other = test.another(&test.database.options()).await;
    let replicas = [thief, other.with(&token)];
    let uploads = (0..50).map(|number| upload(&replicas[number % 2], &pair.setting, &unreadable));
    let mut answers = [0; 2];
    for answer in futures_util::future::join_all(uploads).await {
        match answer.status {
            400 => is_unreadable(&answer),
            _ => answer.is_refused(429, "TooManyRequests", "was not tried"),
        }
        answers[usize::from(answer.status == 429)] += 1;
    }
    assert_eq!(answers, [20, 30]);
}

async fn refused_uploads_are_one_entry_a_minute_that_counts_them(kind: Kind) {
    let test = TestApp::start_in_still_time(kind).await;
    let (thief, other) = (another_caller(&test).await, another_caller(&test).await);
    let pair = pair(&test, &thief).await;
    let unreadable = unreadable(&test, &pair).await;
    let wrong = "-----BEGIN CERTIFICATE-----";
    // To the start of a minute, so that all of it lies in one.
    let second = test.clock.now().as_second().rem_euclid(60);
    test.clock.advance(SignedDuration::from_secs(61 - second));
    for _ in 0..22 {
        upload(&thief, &pair.setting, &unreadable).await;
    }
    let second = SignedDuration::from_secs(1);
    test.clock.advance(second);
    for _ in 0..3 {
        upload(&other, &pair.setting, wrong).await;
    }
    test.clock.advance(second);
    upload(&other, &pair.setting, &unreadable).await;
    test.clock.advance(SignedDuration::from_secs(60));
    upload(&thief, &pair.setting, &unreadable).await;
    test.app.access_audit.flush().await.unwrap();

    let reader = test.client(test.storage.default_tenant(), &["DeviceManagementApps.Read.All"]).await;
    let path = "/beta/deviceManagement/auditEvents?$filter=activityResult%20eq%20'Failure'&$orderby=activityDateTime";
    let entries = reader.get_json(path).await["value"].clone();
    let told = |entry: &Value| {
        let resource = &entry["resources"][0];
        assert_eq!(entry["activityResult"], "Failure");
        assert_eq!(
            (&resource["resourceId"], &resource["displayName"]),
            (&json!(pair.setting), &json!("Test"))
        );
        assert!(entry["actor"]["ipAddress"].is_string(), "{entry}");
        let of = |name: &str| {
            let mut changes = resource["modifiedProperties"].as_array().unwrap().iter();
            changes.find(|change| change["displayName"] == name).map(|change| change["newValue"].clone())
        };
        let reason = of("reason").unwrap();
        let kind =
            if reason.as_str().unwrap().contains("right certificate") { "unreadable" } else { "wrong" };
        let activity = entry["activity"].as_str().unwrap();
        assert_eq!(activity.contains("unreadable"), kind == "unreadable", "{activity}: {reason}");
        (of("times").unwrap_or(json!("1")), kind)
    };
    let told: Vec<_> = entries.as_array().unwrap().iter().map(told).collect();
    let expected = [("22", "unreadable"), ("3", "wrong"), ("1", "unreadable"), ("1", "unreadable")];
    assert_eq!(told, expected.map(|(times, kind)| (json!(times), kind)));
    let done = "/beta/deviceManagement/auditEvents/$count?$filter=activityResult%20eq%20'Success'";
    assert_eq!(reader.get(done).await.text, "1", "the setting was created");
}

async fn what_a_clock_stored_that_was_ahead_is_not_believed(kind: Kind) {
    let test = TestApp::start_in_still_time(kind).await;
    let thief = another_caller(&test).await;
    let pair = pair(&test, &thief).await;
    let unreadable = unreadable(&test, &pair).await;
    for _ in 0..20 {
        is_unreadable(&upload(&thief, &pair.setting, &unreadable).await);
    }
    for (ahead, over) in [(2, true), (24 * 60 * 400, false)] {
        let ahead = SignedDuration::from_mins(ahead).as_micros();
        let set =
            format!("UPDATE open_failures SET refilled_at = refilled_at + {ahead} WHERE length(caller) > 0");
        test.database.execute(&set).await.unwrap();
        let answer = upload(&thief, &pair.setting, &unreadable).await;
        if over { answer.is_refused(429, "TooManyRequests", "") } else { is_unreadable(&answer) }
    }
}

#[tokio::test]
async fn without_a_budget_nobody_waits() {
    let test = TestApp::start_as(AppOptions { open_failures: 0, ..app_options() }).await;
    let thief = another_caller(&test).await;
    let pair = pair(&test, &thief).await;
    let unreadable = unreadable(&test, &pair).await;
    for _ in 0..30 {
        is_unreadable(&upload(&thief, &pair.setting, &unreadable).await);
    }
    assert_eq!(test.database.number("SELECT COUNT(*) FROM open_failures").await, 0);
    let path = format!("/servers/{}/token?line_ends=crlf", pair.server);
    let token = test.portal.call(Method::POST, &path, String::new()).await;
    assert_eq!(upload(&thief, &pair.setting, &token).await.status, 204);
}

/// What is logged on this thread, at `WARN` and above.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl io::Write for Logged {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_first_failure_of_a_minute_is_a_warning_that_names_the_caller() {
    let test = TestApp::start_in_still_time(Kind::Sqlite).await;
    let (thief, other) = (another_caller(&test).await, another_caller(&test).await);
    let pair = pair(&test, &thief).await;
    let unreadable = unreadable(&test, &pair).await;
    let logged = Logged::default();
    let writer = logged.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::WARN)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    for _ in 0..25 {
        upload(&thief, &pair.setting, &unreadable).await;
    }
    upload(&other, &pair.setting, &unreadable).await;
    test.clock.advance(SignedDuration::from_secs(60));
    upload(&thief, &pair.setting, &unreadable).await;
    upload(&thief, &pair.setting, "{}").await;
    let lines = String::from_utf8(logged.0.lock().unwrap().clone()).unwrap();
    let warnings: Vec<_> = lines.lines().filter(|line| line.contains("could not be opened")).collect();
    assert_eq!(warnings.len(), 3, "{lines}");
    for warning in warnings {
        assert!(warning.contains(&pair.setting) && warning.contains("address=\"127.0.0.1\""), "{warning}");
    }
}
