//! A reader of one tenant, with slow filters in batches on many connections, does not keep another tenant from its work.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use adept::domain::{Permission, TenantId};
use futures_util::future::join_all;
use reqwest::Client;
use serde_json::{Value, json};

use super::started::{self, Application, Started};
use crate::support::{
    database::{Kind, TestDatabase, on_both_databases, tempfolder::Folder},
    test_app::S,
};

/// Connections of the attacker.
const CONNECTIONS: usize = 64;

/// What another tenant waits for one request at most, on a machine whose cores the attacker shares.
const BOUND: Duration = Duration::from_secs(2);

async fn service(kind: Kind) -> (Started, TestDatabase) {
    let database = TestDatabase::new(kind).await;
    database.open().await.close().await;
    let url = format!("--database-url={}", database.url);
    let key = format!("--sealing-key-file={}", database.key_file().display());
    (Started::inside(Folder::new(), &["--plain-http", &url, &key]).await, database)
}

async fn in_another_tenant(service: &Started) -> Application {
    let tenant = TenantId(service.clock.new_id());
    service.storage().tenants.create(tenant, "Other", service.clock.now(), None).await.unwrap();
    service.application_of(tenant, &[Permission::ServiceConfigReadWrite]).await
}

/// A setting with thousands of devices, made by the one who then reads it.
async fn with_devices(service: &Started, token: &str) -> String {
    let post = async |path: &str, body: &Value| {
        let asked = service.http.post(service.url(path)).bearer_auth(token).json(body);
        asked.send().await.unwrap().json::<Value>().await.unwrap()
    };
    let made = post(&format!("/beta/{S}"), &json!({ "tokenName": "a" })).await;
    let list = format!("{S}/{}/importedAppleDeviceIdentities", made["id"].as_str().unwrap());
    for batch in 0..4 {
        let device = |number: usize| json!({ "serialNumber": format!("S{batch}{number:04}"), "description": "x".repeat(500) });
        let devices: Vec<_> = (0..1000).map(device).collect();
        let body =
            json!({ "importedAppleDeviceIdentities": devices, "overwriteImportedDeviceIdentities": false });
        post(&format!("/beta/{list}/importAppleDeviceIdentityList"), &body).await;
    }
    list
}

/// Twenty slow reads of four kilobytes together.
fn slow_batch(list: &str, round: usize) -> Value {
    let request = |id: usize| {
        let parts: Vec<_> =
            (0..3).map(|term| format!("contains(description,'{id}y{round}{term}')")).collect();
        let url = format!("/{list}?$count=true&$filter={}", parts.join(" or "));
        json!({ "id": id.to_string(), "method": "GET", "url": url })
    };
    json!({ "requests": (0..20).map(request).collect::<Vec<_>>() })
}

async fn slow_batches_leave_another_tenant_reads_writes_and_sign_ins(kind: Kind) {
    let (service, _database) = service(kind).await;
    let writer = service.sign_in(&service.application(&[Permission::ServiceConfigReadWrite]).await).await;
    let list = with_devices(&service, &writer).await;
    let reader = service.sign_in(&service.application(&[Permission::ServiceConfigRead]).await).await;
    let other = in_another_tenant(&service).await;
    let token = service.sign_in(&other).await;
    let settings = service.url(&format!("/beta/{S}"));
    let made = service.http.post(&settings).bearer_auth(&token).json(&json!({ "tokenName": "b" }));
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    let own = format!("{settings}/{}", made["id"].as_str().unwrap());

    let answered = AtomicUsize::new(0);
    // To make one takes time, which must not be measured.
    let clients: Vec<Client> =
        (0..CONNECTIONS).map(|_| started::client(&service.running).build().unwrap()).collect();
    let attack = join_all(clients.iter().enumerate().map(async |(round, http)| {
        loop {
            let asked =
                http.post(service.url("/beta/$batch")).bearer_auth(&reader).json(&slow_batch(&list, round));
            let status = asked.send().await.unwrap().status().as_u16();
            assert!([200, 429].contains(&status), "{status}");
            answered.fetch_add(1, Ordering::Relaxed);
        }
    }));
    let work = async {
        let mut took = Vec::new();
        let mut round = 0;
        // Until the attack has shown that it is one.
        while round < 10 || answered.load(Ordering::Relaxed) < CONNECTIONS {
            round += 1;
            let started = Instant::now();
            let read = service.http.get(&settings).bearer_auth(&token).send().await.unwrap();
            took.push(("read", started.elapsed()));
            let started = Instant::now();
            let change = json!({ "tokenName": format!("{round}") });
            let write = service.http.patch(&own).bearer_auth(&token).json(&change).send().await.unwrap();
            took.push(("write", started.elapsed()));
            let started = Instant::now();
            service.sign_in(&other).await;
            took.push(("sign-in", started.elapsed()));
            assert_eq!((read.status().as_u16(), write.status().as_u16()), (200, 200));
        }
        took
    };
    let took = tokio::select! {
        took = work => took,
        _ = attack => Vec::new(),
    };
    assert!(!took.is_empty(), "the attack ended by itself");
    assert!(took.iter().all(|(_, took)| *took < BOUND), "{took:?}");
}

on_both_databases! {
    slow_batches_leave_another_tenant_reads_writes_and_sign_ins
}
