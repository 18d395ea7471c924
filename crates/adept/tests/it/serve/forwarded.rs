//! Whom a request counts as that came through a proxy, as audit and log show it.

use adept::{domain::Permission, serve::probes};
use serde_json::{Value, json};

use super::started::Started;

const SETTINGS: &str = "/beta/deviceManagement/depOnboardingSettings";

/// The addresses in the audit log of a service with these flags after a change by itself and one in a batch, both sent with both
/// headers.
async fn audited(flags: &[&str]) -> Vec<Value> {
    let service = Started::with(&[&["--plain-http"], flags].concat()).await;
    let application =
        service.application(&[Permission::ServiceConfigReadWrite, Permission::AppsReadWrite]).await;
    let token = service.sign_in(&application).await;
    let change = async |path: &str, body: Value| {
        let asked = service.http.post(service.url(path)).bearer_auth(&token).json(&body);
        let asked =
            asked.header("X-Forwarded-For", "6.6.6.6, 203.0.113.5").header("X-Forwarded-For", "127.0.0.1");
        let answer =
            asked.header("Forwarded", "for=\"[2001:db8::5]:4711\";proto=https").send().await.unwrap();
        assert!(answer.status().is_success(), "{answer:?}");
    };
    change(SETTINGS, json!({ "tokenName": "a" })).await;
    let headers = json!({ "Content-Type": "application/json", "X-Forwarded-For": "6.6.6.6", "Forwarded": "for=6.6.6.6" });
    let url = SETTINGS.trim_start_matches("/beta");
    let item =
        json!({ "id": "1", "method": "POST", "url": url, "headers": headers, "body": { "tokenName": "b" } });
    change("/beta/$batch", json!({ "requests": [item] })).await;
    let events = service.http.get(service.url("/beta/deviceManagement/auditEvents")).bearer_auth(&token);
    let events: Value = events.send().await.unwrap().json().await.unwrap();
    let rows = events["value"].as_array().unwrap();
    let made = |row: &&Value| row["resources"][0]["displayName"].as_str().is_some_and(|name| name.len() == 1);
    rows.iter().filter(made).map(|row| row["actor"]["ipAddress"].clone()).collect()
}

#[tokio::test]
async fn the_audit_names_who_asked_the_proxy_by_the_one_header_that_counts() {
    for (flags, address) in [
        (&["--trusted-proxy=10.0.0.0/8,127.0.0.1", "--proxy-header=x-forwarded-for"][..], "203.0.113.5"),
        (&["--trusted-proxy=10.0.0.0/8,127.0.0.1", "--proxy-header=forwarded"], "2001:db8::5"),
        (&["--trusted-proxy=10.0.0.0/8", "--proxy-header=forwarded"], "127.0.0.1"),
        (&[], "127.0.0.1"),
    ] {
        assert_eq!(audited(flags).await, [address, address], "{flags:?}");
    }
}

#[test]
fn every_seed_of_a_forwarding_header_is_read_as_its_name_says() {
    crate::graph::seeds::replay("forwarded", probes::forwarded);
}
