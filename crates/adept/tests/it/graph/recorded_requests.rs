//! The requests of `fixtures/requests`, each answered as its sender expects.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    client::send,
    test_app::{S, TestApp},
};

#[tokio::test]
async fn every_recorded_request_is_answered_as_its_sender_expects() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/requests/requests.json");
    let recorded: Vec<Value> = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = test.onboarded(&admin, 2).await;
    let profile = async |kind: &str| {
        let body = json!({ "@odata.type": format!("#microsoft.graph.{kind}"), "displayName": kind });
        let made = admin.post(&format!("/beta/{S}/{setting}/enrollmentProfiles"), &body).await;
        made.json()["id"].as_str().unwrap().to_owned()
    };
    let devices = admin.get_json(&format!("/beta/{S}/{setting}/importedAppleDeviceIdentities")).await;
    let of_device = |name: &str| devices["value"][0][name].as_str().unwrap().to_owned();
    let ids = BTreeMap::from([
        ("{ios}", profile("depIOSEnrollmentProfile").await),
        ("{mac}", profile("depMacOSEnrollmentProfile").await),
        ("{device}", of_device("id")),
        ("{serial}", of_device("serialNumber")),
        ("{tenant}", test.storage.default_tenant().to_string()),
        ("{setting}", setting.clone()),
    ]);
    let filled = |text: &str| ids.iter().fold(text.to_owned(), |text, (name, id)| text.replace(name, id));
    let (anonymous, mut wrong) = (test.anonymous(), Vec::new());
    for one in &recorded {
        let text = |name: &str| one[name].as_str().unwrap();
        let mut path = filled(text("path"));
        if let Some(rest) = path.strip_prefix('S') {
            path = format!("/beta/{S}{rest}");
        }
        let client = if one["anonymous"] == true { &anonymous } else { &admin };
        let mut request = client.request(Method::from_bytes(text("method").as_bytes()).unwrap(), &path);
        for (name, value) in one["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap());
        }
        if let Some(body) = one.get("body") {
            request = request.header("content-type", "application/json").body(filled(&body.to_string()));
        } else if let Some(body) = one["text"].as_str() {
            request = request.body(filled(body));
        }
        let answer = send(request).await;
        let mut say = |what: String| wrong.push(format!("{}: {what}: {}", text("what"), answer.text));
        if json!(answer.status) != one["status"] {
            say(format!("status {}", answer.status));
            continue;
        }
        for (pointer, expected) in one["json"].as_object().into_iter().flatten() {
            let expected: Value = serde_json::from_str(&filled(&expected.to_string())).unwrap();
            if answer.json().pointer(pointer) != Some(&expected) {
                say(format!("{pointer} is not {expected}"));
            }
        }
        for part in one["contains"].as_array().into_iter().flatten() {
            if !answer.text.contains(part.as_str().unwrap()) {
                say(format!("{part} is not there"));
            }
        }
        for (name, part) in one["header"].as_object().into_iter().flatten() {
            let part = part.as_str().unwrap();
            if !answer.headers.get(name).is_some_and(|value| value.to_str().unwrap().contains(part)) {
                say(format!("the header {name} does not hold {part}"));
            }
        }
    }
    assert!(recorded.len() > 40 && wrong.is_empty(), "{}", wrong.join("\n\n"));
}
