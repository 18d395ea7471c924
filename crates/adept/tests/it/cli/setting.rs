//! `adept setting`: list, look into, remove and restore, beside a running service.

use adept::domain::Permission;
use serde_json::{Value, json};

use super::{Ended, adept};
use crate::serve::started::Started;

const PATH: &str = "/beta/deviceManagement/depOnboardingSettings";

/// The ids that Graph lists.
async fn graph(service: &Started, token: &str) -> Vec<String> {
    let listed = service.http.get(service.url(PATH)).bearer_auth(token).send().await.unwrap();
    let listed: Value = listed.json().await.unwrap();
    listed["value"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_is_listed_removed_and_restored() {
    let service = Started::new().await;
    let application = service.application(&[Permission::ServiceConfigReadWrite]).await;
    let token = service.sign_in(&application).await;
    let made =
        service.http.post(service.url(PATH)).bearer_auth(&token).json(&json!({ "tokenName": "Head office" }));
    let made: Value = made.send().await.unwrap().json().await.unwrap();
    let id = made["id"].as_str().unwrap();
    let data = format!("--data-dir={}", service.folder.path().display());
    let setting = |arguments: &[&str]| -> Ended { adept(&[&["setting"], arguments, &[&data]].concat()) };

    let listed = setting(&["list"]);
    listed.is(0, "");
    assert!(listed.out.contains(id) && listed.out.contains("Head office") && listed.out.contains("none"));
    assert!(listed.out.contains("upload it."), "who must do what: {}", listed.out);
    setting(&["history", id]).is(0, "never synced");
    setting(&["resync", id]).is(4, "no server token");
    let checked = setting(&["check", id]);
    assert!(checked.code == 4 && checked.out.starts_with("none: "), "{checked:?}");
    setting(&["remove", id]).is(0, "restore");
    assert!(!graph(&service, &token).await.contains(&id.to_owned()));
    let listed = setting(&["list", "--json"]).json();
    assert_eq!((&listed[0]["id"], &listed[0]["deleted"]), (&id.into(), &true.into()));
    setting(&["remove", id, "--force"]).is(3, "there is no setting");
    setting(&["restore", id]).is(0, "upload a new one");
    assert!(graph(&service, &token).await.contains(&id.to_owned()));
    setting(&["restore", id]).is(3, "there is no deleted setting");
    setting(&["remove", id, "--force"]).is(0, "restore");
    setting(&["restore", "00000000-0000-0000-0000-000000000001"]).is(3, "there is no deleted setting");
    // By its name as well, in any case; what is not there is answered with what is named alike.
    setting(&["restore", "HEAD OFFICE"]).is(0, "upload a new one");
    setting(&["history", "head office"]).is(0, "never synced");
    setting(&["history", "hed office"]).is(3, "named alike: 'Head office'");
    setting(&["remove", "Head Office", "--force"]).is(0, id);
}
