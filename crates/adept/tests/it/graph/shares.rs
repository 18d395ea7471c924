//! The requests of one tenant, however heavy, leave the others theirs.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use futures_util::future::{join, join_all};
use serde_json::json;

use crate::support::{
    client::Client,
    database::Kind,
    test_app::{S, TestApp, WRITE},
};

/// Requests of the heavy tenant at any time.
const AT_ONCE: usize = 96;

/// Requests that are slow on purpose.
async fn heavy(client: &Client, setting: &str, number: usize) -> u16 {
    let devices = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities");
    let contains: Vec<_> = (0..100).map(|term| format!("contains(serialNumber,'{number}x{term}')")).collect();
    match number % 3 {
        0 => client.get(&format!("{devices}?$count=true&$filter={}", contains.join(" or "))).await.status,
        1 => {
            let keys = "description,length(serialNumber),serialNumber desc,platform,isDeleted";
            client.get(&format!("{devices}?$orderby={keys}")).await.status
        }
        _ => {
            let request = |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": format!("/{S}?$expand=*") });
            let requests: Vec<_> = (0..20).map(request).collect();
            client.post("/beta/$batch", &json!({ "requests": requests })).await.status
        }
    }
}

async fn the_others_keep_theirs(kind: Kind) {
    let test = TestApp::start_on_kind(kind).await;
    let admin = test.admin().await;
    let other = test.client(test.other_tenant().await, &[WRITE]).await;
    let setting = test.onboarded(&admin, 2000).await;
    let own = format!("/beta/{S}/{}", other.create_setting().await);
    let is_over = AtomicBool::new(false);
    let load = join_all((0..AT_ONCE).map(async |number| {
        let mut answered = 0;
        while !is_over.load(Ordering::Relaxed) {
            let status = heavy(&admin, &setting, number).await;
            assert!([200, 400, 413, 429].contains(&status), "{status}");
            answered += 1;
        }
        answered
    }));
    let measured = async {
        let mut took = Vec::new();
        for number in 0..40 {
            let started = Instant::now();
            let status = match number % 2 {
                0 => other.get(&format!("/beta/{S}?$count=true&$orderby=tokenName")).await.status,
                _ => other.patch(&own, &json!({ "tokenName": format!("{number}") })).await.status,
            };
            took.push(started.elapsed());
            assert!([200, 204].contains(&status), "{status}");
        }
        is_over.store(true, Ordering::Relaxed);
        took.sort();
        took
    };
    let (answered, took) = join(load, measured).await;
    assert!(answered.iter().sum::<usize>() > 0);
    assert!(took[39] < Duration::from_secs(1), "{:?} of {answered:?}", &took[30..]);
}

#[tokio::test]
async fn heavy_requests_of_one_tenant_leave_another_its_own_on_sqlite() {
    the_others_keep_theirs(Kind::Sqlite).await;
}

#[tokio::test]
async fn heavy_requests_of_one_tenant_leave_another_its_own_on_postgresql() {
    the_others_keep_theirs(Kind::Postgres).await;
}
