//! The token endpoint: what official clients send is understood, everything else is refused with a code and a sentence.

use adept::{
    domain::{AuditEntry, Permission},
    storage::ListQuery,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use crate::{
    graph::access_audit::to_an_hours_begin,
    serve::started::{Application, FORM, Started, client as client_of, encoded},
    support::client::{ClientResponse, send},
};

const WRITE: &[Permission] = &[Permission::ServiceConfigReadWrite];

/// What every client sends, with `changes` made; a change to nothing leaves a field out.
fn form<'a>(
    application: &'a Application,
    client: &'a str,
    changes: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut form = vec![
        ("client_id", client),
        ("client_secret", application.secret.reveal()),
        ("grant_type", "client_credentials"),
        ("scope", "https://localhost/.default"),
    ];
    for (name, value) in changes {
        form.retain(|(field, _)| field != name);
        if !value.is_empty() {
            form.push((name, value));
        }
    }
    form
}

fn check_granted(answer: &ClientResponse) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    let granted = answer.json();
    assert_eq!((&granted["token_type"], &granted["expires_in"]), (&json!("Bearer"), &json!(3599)));
    assert_eq!(granted["ext_expires_in"], 3599);
    granted
}

fn check_refused(answer: &ClientResponse, status: u16, error: &str, code: u32, case: &str) {
    assert_eq!(answer.status, status, "{case}: {}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    let refused = answer.json();
    assert_eq!(refused["error"], error, "{case}");
    assert_eq!(refused["error_codes"], json!([code]), "{case}");
    let description = refused["error_description"].as_str().unwrap();
    assert!(description.starts_with(&format!("AADSTS{code}: ")), "{case}: {description}");
    let (trace, correlation) =
        (refused["trace_id"].as_str().unwrap(), refused["correlation_id"].as_str().unwrap());
    for part in [trace, correlation, refused["timestamp"].as_str().unwrap()] {
        assert!(description.contains(part), "{case}: {description}");
    }
    assert!(uuid::Uuid::parse_str(trace).is_ok() && uuid::Uuid::parse_str(correlation).is_ok());
}

#[tokio::test]
async fn what_the_python_client_sends_is_granted_and_opens_graph() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    let form = form(
        &application,
        &client,
        &[("client_info", "1"), ("claims", r#"{"access_token": {"xms_cc": {"values": ["CP1"]}}}"#)],
    );
    let request = service
        .http
        .post(service.url(&format!("/{}/oauth2/v2.0/token", application.tenant)))
        .header(CONTENT_TYPE, FORM)
        .header("x-client-sku", "MSAL.Python")
        .header("x-client-ver", "1.39.0")
        .header("x-client-os", "linux")
        .header("x-client-cpu", "x64")
        .header("x-ms-lib-capability", "retry-after, h429")
        .header("client-request-id", "00000000-0000-4000-8000-000000000001")
        .body(encoded(&form));
    let granted = check_granted(&send(request).await);
    let graph = service.http.get(service.url("/beta/deviceManagement/depOnboardingSettings"));
    let listed = graph.bearer_auth(granted["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(listed.status(), 200);
}

#[tokio::test]
async fn what_the_node_client_sends_is_granted() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    let form = form(
        &application,
        &client,
        &[
            ("x-client-SKU", "msal.js.node"),
            ("x-client-VER", "5.6.0"),
            ("x-client-OS", "linux"),
            ("x-client-CPU", "x64"),
            ("x-ms-lib-capability", "retry-after, h429"),
            ("x-client-current-telemetry", "5|771,2,,,|,"),
            ("x-client-last-telemetry", "5|0|||0,0"),
            ("client-request-id", "00000000-0000-4000-8000-000000000002"),
        ],
    );
    let path = format!(
        "/{}/oauth2/v2.0/token?client-request-id=00000000-0000-4000-8000-000000000002",
        application.tenant
    );
    let request = service
        .http
        .post(service.url(&path))
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded;charset=utf-8")
        .body(encoded(&form));
    check_granted(&send(request).await);
}

#[tokio::test]
async fn every_known_scope_is_granted_and_becomes_the_audience() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    let with_port = format!("{}/.default", service.running.url());
    for scope in ["https://localhost/.default", with_port.as_str(), "https://graph.microsoft.com/.default"] {
        let answer =
            service.token(application.tenant, &form(&application, &client, &[("scope", scope)])).await;
        let token = check_granted(&answer)["access_token"].as_str().unwrap().to_owned();
        let graph = service.http.get(service.url("/beta/deviceManagement/depOnboardingSettings"));
        assert_eq!(graph.bearer_auth(token).send().await.unwrap().status(), 200, "{scope}");
    }
}

#[tokio::test]
async fn credentials_may_come_as_http_basic() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    let url = service.url(&format!("/{}/oauth2/v2.0/token", application.tenant));
    let post = |authorization: String, changes: &[(&str, &str)]| {
        let body = encoded(&form(&application, &client, changes));
        send(
            service
                .http
                .post(&url)
                .header(CONTENT_TYPE, FORM)
                .header("authorization", authorization)
                .body(body),
        )
    };
    let basic = |secret: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("{client}:{secret}")));
    let right = basic(application.secret.reveal());
    let bare = [("client_id", ""), ("client_secret", "")];
    check_granted(&post(right.clone(), &bare).await);
    check_granted(&post(right.clone(), &[("client_secret", "")]).await);
    let wrong = post(basic("wrong"), &bare).await;
    check_refused(&wrong, 401, "invalid_client", 7_000_215, "wrong secret");
    assert_eq!(wrong.header("www-authenticate"), "Basic realm=\"adept\"");
    check_refused(&post(right.clone(), &[]).await, 400, "invalid_request", 90_014, "both");
    let other = [("client_id", "00000000-0000-0000-0000-000000000001"), ("client_secret", "")];
    check_refused(&post(right, &other).await, 400, "invalid_request", 90_014, "another id");
    let twice = service.http.post(&url).header(CONTENT_TYPE, FORM).header("authorization", basic("x"));
    let twice = twice.header("authorization", basic("y")).body(encoded(&form(&application, &client, &bare)));
    check_refused(&send(twice).await, 400, "invalid_request", 90_014, "sent twice");
    for unreadable in ["Basic !", "Basic YQ==", "Bearer abc"] {
        let answer = post(unreadable.to_owned(), &bare).await;
        check_refused(&answer, 401, "invalid_client", 7_000_218, unreadable);
    }
}

type Changes = &'static [(&'static str, &'static str)];

#[tokio::test]
async fn every_field_that_is_missing_wrong_or_repeated_is_named() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    let cases: [(Changes, u16, &str, u32); 12] = [
        (&[("grant_type", "")], 400, "invalid_request", 900_144),
        (&[("grant_type", "password")], 400, "unsupported_grant_type", 70_003),
        (&[("grant_type", "refresh_token\r\n")], 400, "unsupported_grant_type", 70_003),
        (&[("client_id", "")], 400, "invalid_request", 900_144),
        (&[("client_secret", "")], 401, "invalid_client", 7_000_218),
        (&[("scope", "")], 400, "invalid_request", 900_144),
        (&[("scope", "https://management.azure.com/.default")], 400, "invalid_scope", 70_011),
        (&[("scope", "https://localhost")], 400, "invalid_scope", 70_011),
        (&[("scope", "https://localhost/.default offline_access")], 400, "invalid_scope", 70_011),
        (&[("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (&[("client_id", "00000000-0000-0000-0000-000000000001")], 401, "invalid_client", 7_000_215),
        (&[("client_id", "no guid")], 401, "invalid_client", 7_000_215),
    ];
    for (changes, status, error, code) in cases {
        let answer = service.token(application.tenant, &form(&application, &client, changes)).await;
        check_refused(&answer, status, error, code, &format!("{changes:?}"));
        assert!(!answer.text.contains(application.secret.reveal()));
    }
    for field in ["client_id", "client_secret", "grant_type", "scope"] {
        let mut twice = form(&application, &client, &[]);
        twice.push((field, "again"));
        let answer = service.token(application.tenant, &twice).await;
        check_refused(&answer, 400, "invalid_request", 90_014, field);
        assert!(answer.text.contains(field));
    }
}

#[tokio::test]
async fn what_is_no_form_is_refused_in_the_same_shape() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let url = service.url(&format!("/{}/oauth2/v2.0/token", application.tenant));
    let large = format!("grant_type={}", "a".repeat(70_000));
    for (content_type, body, status) in
        [("application/json", "{}", 400), (FORM, large.as_str(), 400), ("", "", 400)]
    {
        let request = service.http.post(&url).header(CONTENT_TYPE, content_type).body(body.to_owned());
        let answer = send(request).await;
        assert_eq!(answer.status, status, "{content_type}: {}", answer.text);
        assert_eq!(answer.json()["error"], "invalid_request", "{content_type}");
    }
    assert_eq!(service.get(&format!("/{}/oauth2/v2.0/token", application.tenant)).await.status, 405);
}

#[tokio::test]
async fn unknown_disabled_and_foreign_tenants_give_no_token() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    let form = form(&application, &client, &[]);
    let ask = async |tenant: &str| {
        let url = service.url(&format!("/{tenant}/oauth2/v2.0/token"));
        send(service.http.post(url).header(CONTENT_TYPE, FORM).body(encoded(&form))).await
    };
    let unknown = "00000000-0000-0000-0000-000000000001";
    check_refused(&ask(unknown).await, 400, "invalid_request", 90_002, "unknown");
    check_refused(&ask("organizations").await, 400, "invalid_request", 900_023, "no guid");
    let other = adept::domain::TenantId(uuid::Uuid::from_u128(3));
    service.storage().tenants.create(other, "Other", service.clock.now(), None).await.unwrap();
    check_refused(&ask(&other.to_string()).await, 401, "invalid_client", 7_000_215, "foreign");
    service
        .storage()
        .clients
        .set_disabled((application.tenant, application.client), true, None)
        .await
        .unwrap();
    let disabled = ask(&application.tenant.to_string()).await;
    check_refused(&disabled, 401, "invalid_client", 7_000_112, "disabled client");
    service.storage().tenants.set_disabled(application.tenant, true, None).await.unwrap();
    let disabled = ask(&application.tenant.to_string()).await;
    check_refused(&disabled, 400, "invalid_request", 5_000_224, "disabled tenant");
}

#[tokio::test]
async fn the_clients_own_id_of_the_call_comes_back() {
    let service = Started::new().await;
    let tenant = service.storage().default_tenant();
    let id = "00000000-0000-4000-8000-00000000000f";
    let path = format!("/{tenant}/oauth2/v2.0/token?client-request-id={id}");
    let answer = send(service.http.post(service.url(&path)).header(CONTENT_TYPE, FORM)).await;
    assert_eq!(answer.json()["correlation_id"], id);
    let answer = service.token(tenant, &[("client-request-id", id)]).await;
    assert_eq!(answer.json()["correlation_id"], id);
}

/// The value of a metric's line.
async fn metric(service: &Started, line: &str) -> u64 {
    let text = service.operator("/metrics").await.text;
    let value = text.lines().find_map(|found| found.strip_prefix(line));
    value.unwrap_or_else(|| panic!("no {line} in {text}")).trim().parse().unwrap()
}

#[tokio::test]
async fn connections_with_wrong_secrets_lock_nobody_out() {
    let service = Started::new().await;
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    let wrong = form(&application, &client, &[("client_secret", "wrong")]);
    let url = service.url(&format!("/{}/oauth2/v2.0/token", application.tenant));
    let attack = futures_util::future::join_all((0..70).map(|_| async {
        let connection = client_of(&service.running).build().unwrap();
        for _ in 0..15 {
            let request = connection.post(&url).header(CONTENT_TYPE, FORM).body(encoded(&wrong));
            assert!([401, 429].contains(&send(request).await.status));
        }
    }));
    let honest = async {
        for _ in 0..20 {
            check_granted(&service.token(application.tenant, &form(&application, &client, &[])).await);
        }
    };
    tokio::join!(attack, honest);

    let limited = service.token(application.tenant, &wrong).await;
    check_refused(&limited, 429, "temporarily_unavailable", 50_053, "one too many");
    let wait: u64 = limited.header("retry-after").parse().unwrap();
    assert!((1..=3).contains(&wait));
    assert_eq!((limited.header("ratelimit-limit"), limited.header("ratelimit-remaining")), ("20", "0"));
    assert_eq!(limited.header("ratelimit-reset"), limited.header("retry-after"));
    assert_eq!(metric(&service, "adept_sign_ins_total{result=\"granted\"}").await, 20);
    let refused = metric(&service, "adept_sign_ins_total{result=\"refused\"}").await;
    assert!(refused >= 20, "{refused}");
    let limited = metric(&service, "adept_sign_ins_total{result=\"limited\"}").await;
    assert_eq!(refused + limited, 70 * 15 + 1);
}

#[tokio::test]
async fn three_hundred_clients_behind_one_address_sign_in_and_none_is_refused() {
    let service = Started::new().await;
    let mut clients = Vec::new();
    for _ in 0..300 {
        clients.push(service.application(WRITE).await);
    }
    let begun = std::time::Instant::now();
    let sign_ins = clients.iter().map(|application| async {
        let client = application.client.to_string();
        // Each makes one mistake of its own first.
        let wrong = form(application, &client, &[("client_secret", "wrong")]);
        let wrong = service.token(application.tenant, &wrong).await;
        assert!([401, 429].contains(&wrong.status), "{}", wrong.text);
        check_granted(&service.token(application.tenant, &form(application, &client, &[])).await);
    });
    futures_util::future::join_all(sign_ins).await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(60));
}

/// What the log of the default tenant holds of this kind, oldest first.
async fn logged(service: &Started, activity: &str) -> Vec<AuditEntry> {
    service.running.app().access_audit.flush().await.unwrap();
    let query = ListQuery { top: 100, ..ListQuery::default() };
    let listed = service.storage().audit.list(service.storage().default_tenant(), &query).await.unwrap();
    let mut entries: Vec<_> = listed.rows.into_iter().filter(|entry| entry.activity == activity).collect();
    entries.reverse();
    entries
}

#[tokio::test]
async fn sign_ins_are_in_the_audit_log_and_many_alike_are_one_entry() {
    let service = Started::new().await;
    to_an_hours_begin(&service.clock);
    let application = service.application(WRITE).await;
    let client = application.client.to_string();
    for _ in 0..3 {
        service.sign_in(&application).await;
    }
    let wrong = form(&application, &client, &[("client_secret", "wrong")]);
    let mut traces = Vec::new();
    for _ in 0..25 {
        traces.push(service.token(application.tenant, &wrong).await.json()["trace_id"].clone());
    }
    let unknown = adept::domain::TenantId(uuid::Uuid::from_u128(5));
    assert_eq!(service.token(unknown, &wrong).await.status, 400);
    let missing = form(&application, &client, &[("client_secret", "")]);
    assert_eq!(service.token(application.tenant, &missing).await.status, 401);

    let granted = logged(&service, "signIn").await;
    assert_eq!(granted.len(), 1);
    let (entry, actor) = (&granted[0], &granted[0].actor);
    assert_eq!(
        (entry.times, entry.result.as_str(), entry.activity_type.as_str()),
        (3, "Success", "signIn Application")
    );
    assert_eq!((actor.client.as_ref(), actor.client_name.as_deref()), (Some(&client), Some("Test")));
    assert_eq!(actor.address.as_deref(), Some("127.0.0.1"));
    assert_eq!((&entry.resource_id, entry.resource_name.as_deref()), (&client, Some("Test")));

    let refused = logged(&service, "refuse signIn").await;
    assert_eq!(refused.len(), 2, "{refused:?}");
    let (entry, actor) = (&refused[0], &refused[0].actor);
    // Wrong secrets, those that were too many, and what named an unknown tenant.
    assert_eq!((entry.times, entry.result.as_str()), (26, "Failure"));
    assert_eq!((actor.client.as_ref(), actor.client_name.as_deref()), (Some(&client), Some("not signed in")));
    assert_eq!(entry.correlation.to_string(), traces[0].as_str().unwrap());
    assert!(entry.changes[0].new.as_ref().unwrap().contains("Invalid client secret"));
    assert_eq!((refused[1].times, refused[1].actor.client.as_ref()), (1, None));

    // Another minute, another entry; good ones have one an hour.
    service.clock.set_by(jiff::SignedDuration::from_mins(1));
    service.token(application.tenant, &wrong).await;
    service.sign_in(&application).await;
    assert_eq!(logged(&service, "refuse signIn").await.len(), 3);
    assert_eq!(logged(&service, "signIn").await[0].times, 4);
}
