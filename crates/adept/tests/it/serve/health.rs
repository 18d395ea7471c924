//! `/livez`, `/readyz` and `/version`, with and without details.

use serde_json::json;

use super::started::Started;
use crate::support::database::tempfolder::Folder;

#[tokio::test]
async fn a_healthy_service_is_alive_ready_and_says_its_version() {
    let service = Started::new().await;
    assert_eq!(service.get("/livez").await.status, 200);
    let ready = service.get("/readyz").await;
    assert_eq!((ready.status, ready.header("cache-control")), (200, "no-store"));
    assert_eq!(
        ready.json(),
        json!({ "status": "ready", "reasons": [], "scheduler": "running", "tokensInTrouble": 0 })
    );
    let version = service.get("/version").await.json();
    assert_eq!(version, json!({ "name": "adept", "version": env!("CARGO_PKG_VERSION") }));
}

#[tokio::test]
async fn on_a_read_only_database_it_starts_reads_and_says_why_it_is_not_ready() {
    let folder = Folder::new();
    let url = format!("--database-url=sqlite://{}?mode=ro", folder.path().join("adept.db").display());
    let service = Started::inside(folder, &[]).await;
    let application = service.application(&[adept::domain::Permission::ServiceConfigReadWrite]).await;
    let token = service.sign_in(&application).await;
    let Started { running, folder, .. } = service;
    let address = running.url().to_owned();
    let app = running.app().clone();
    running.stop().await;
    app.storage().close().await;

    let same_address = format!("--listen=127.0.0.1:{}", address.rsplit(':').next().unwrap());
    let service = Started::inside(folder, &[&url, &same_address]).await;
    assert_eq!(service.get("/livez").await.status, 200);
    let ready = service.get("/readyz").await;
    assert_eq!(ready.status, 503);
    let reasons = ready.json()["reasons"].to_string();
    assert!(reasons.contains("The database is read-only"), "{reasons}");
    assert!(!reasons.contains("code"), "the cause is the operator's: {reasons}");
    let detailed = service.operator("/readyz").await;
    assert!(detailed.json()["reasons"].to_string().contains("readonly"), "{}", detailed.text);

    let path = "/beta/deviceManagement/depOnboardingSettings";
    let with_token = |request: reqwest::RequestBuilder| request.bearer_auth(&token);
    let read = with_token(service.http.get(service.url(path))).send().await.unwrap();
    assert_eq!(read.status(), 200);
    let write = with_token(service.http.post(service.url(path))).json(&json!({ "tokenName": "a" }));
    assert_eq!(write.send().await.unwrap().status(), 503);
}

#[tokio::test]
async fn only_the_operator_is_shown_tokens() {
    let service = Started::new().await;
    let application = service.application(&[adept::domain::Permission::ServiceConfigReadWrite]).await;
    let token = service.sign_in(&application).await;
    let path = service.url("/beta/deviceManagement/depOnboardingSettings");
    let made = service.http.post(path).bearer_auth(token).json(&json!({ "tokenName": "Head office" }));
    assert_eq!(made.send().await.unwrap().status(), 201);
    let public = service.get("/readyz").await;
    assert!(!public.text.contains("Head office"), "{}", public.text);
    let tokens = service.operator("/readyz").await.json()["tokens"].clone();
    assert_eq!(tokens[0]["name"], "Head office");
    assert_eq!(tokens[0]["state"], "none");
    assert_eq!(tokens[0]["tenant"], service.storage().default_tenant().to_string());
}

#[tokio::test]
async fn the_operators_listener_serves_nothing_else_and_the_public_one_no_metrics() {
    let service = Started::new().await;
    let nothing = service.get("/metrics").await;
    assert!(nothing.status == 400 && nothing.text.contains("/beta"), "{nothing:?}");
    assert_eq!(service.operator("/beta/deviceManagement").await.status, 404);
    assert_eq!(service.operator("/livez").await.status, 200);
    assert_eq!(service.operator("/version").await.status, 200);
}
