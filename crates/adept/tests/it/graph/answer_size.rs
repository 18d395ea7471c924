//! How long an answer may be: what a batch or an expanded entity cannot hold is left out, and said so.

use serde_json::{Value, json};

use crate::support::{
    client::Client,
    test_app::{S, TestApp},
};

const LONGEST: usize = 8 * 1024 * 1024;

/// A setting whose list of devices is over a million bytes long.
async fn with_long_devices(admin: &Client) -> String {
    let setting = admin.create_setting().await;
    let import = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities/importAppleDeviceIdentityList");
    for half in 0..2 {
        let device = |number: usize| json!({ "serialNumber": format!("D{half}{number:04}"), "description": "x".repeat(1000) });
        let devices: Vec<_> = (0..500).map(device).collect();
        let body =
            json!({ "importedAppleDeviceIdentities": devices, "overwriteImportedDeviceIdentities": false });
        assert_eq!(admin.post(&import, &body).await.status, 200);
    }
    setting
}

/// A long page is written while it is sent, so that its length is not known before; in all else it is a page like others.
#[tokio::test]
async fn a_page_in_many_pieces_holds_every_row_once() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = with_long_devices(&admin).await;
    let list = format!("/beta/{S}/{setting}/importedAppleDeviceIdentities");
    for (top, is_long) in [(1, false), (20, false), (40, true), (999, true), (1000, true)] {
        let answer = admin.get(&format!("{list}?$top={top}&$count=true")).await;
        assert_eq!(answer.headers.contains_key("content-length"), !is_long, "{top}");
        let page = answer.json();
        let serials: Vec<_> = page["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|device| device["serialNumber"].as_str().unwrap().to_owned())
            .collect();
        let expected: Vec<_> =
            (0..top).map(|number| format!("D{}{:04}", number / 500, number % 500)).collect();
        assert_eq!(serials, expected);
        assert_eq!((&page["@odata.count"], page["@odata.nextLink"].is_string()), (&json!(1000), top < 1000));
        let at = |part: &str| answer.text.find(part);
        assert!(at("@odata.nextLink") < at("\"value\":["), "the link comes before the rows");
    }
}

#[tokio::test]
async fn a_batch_leaves_out_the_reads_that_do_not_fit_and_makes_every_write() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let setting = with_long_devices(&admin).await;
    let read = |id: usize| json!({ "id": id.to_string(), "method": "GET", "url": format!("/{S}/{setting}/importedAppleDeviceIdentities") });
    let mut requests: Vec<_> = (1..=19).map(read).collect();
    requests[18]["dependsOn"] = json!(["18"]);
    requests
        .push(json!({ "id": "20", "method": "POST", "url": format!("/{S}"), "body": { "tokenName": "Made" },
        "headers": { "Content-Type": "application/json" } }));
    let answer = admin.post("/beta/$batch", &json!({ "requests": requests })).await;
    assert!(answer.text.len() < LONGEST + 64 * 1024, "{}", answer.text.len());
    let answer = answer.json();
    let responses = answer["responses"].as_array().unwrap();
    let statuses: Vec<_> = responses.iter().map(|response| response["status"].as_u64().unwrap()).collect();
    let shown = statuses.iter().take_while(|status| **status == 200).count();
    assert!((3..8).contains(&shown), "{statuses:?}");
    assert!(statuses[shown..18].iter().all(|status| *status == 413), "{statuses:?}");
    // What depends on one that was left out failed for that reason.
    assert_eq!(statuses[18..], [424, 201]);
    let error = &responses[shown]["body"]["error"];
    assert_eq!(error["code"], "ResponseTooLarge");
    assert!(error["message"].as_str().unwrap().contains("8388608 bytes"), "{error}");
}

#[tokio::test]
async fn expanded_lists_that_do_not_fit_are_links() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    for _ in 0..10 {
        with_long_devices(&admin).await;
    }
    let query = "$expand=importedAppleDeviceIdentities($top=1000;$skip=2;$select=serialNumber,description)";
    let answer = admin.get(&format!("/beta/{S}?{query}")).await;
    assert!(answer.text.len() < LONGEST + 256 * 1024, "{}", answer.text.len());
    let answer = answer.json();
    let settings = answer["value"].as_array().unwrap();
    assert_eq!(settings.len(), 10);
    let devices = |setting: &Value| setting["importedAppleDeviceIdentities"].as_array().unwrap().len();
    let lengths: Vec<_> = settings.iter().map(devices).collect();
    let full = lengths.iter().take_while(|length| **length == 998).count();
    assert!((4..10).contains(&full) && lengths[full..].iter().all(|length| *length == 0), "{lengths:?}");
    let link = settings[9]["importedAppleDeviceIdentities@odata.nextLink"].as_str().unwrap();
    let rest = admin.get_json(link).await;
    assert_eq!(rest["value"].as_array().unwrap().len(), 998);
    assert_eq!(rest["value"][0].as_object().unwrap().len(), 2);
}
