//! `importedAppleDeviceIdentities`: the devices of a setting, walked page by page.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use crate::support::{
    client::{Client, send},
    database::Kind,
    test_app::{S, TestApp},
};

/// Follows the links to the end; returns the serial numbers in order and the size of each page.
async fn walk(client: &Client, first: &str) -> (Vec<String>, Vec<usize>) {
    let (mut serials, mut pages) = (Vec::new(), Vec::new());
    let mut next = Some(first.to_owned());
    while let Some(url) = next {
        let page = client.get_json(&url).await;
        let rows = page["value"].as_array().unwrap();
        pages.push(rows.len());
        serials.extend(rows.iter().map(|row| row["serialNumber"].as_str().unwrap().to_owned()));
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
    }
    (serials, pages)
}

#[tokio::test]
async fn links_lead_through_every_device_once() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 2500).await;
    let devices = format!("/beta/{S}('{id}')/importedAppleDeviceIdentities");
    assert_eq!(admin.get(&format!("{devices}/$count")).await.text, "2500");

    let (serials, pages) = walk(&admin, &devices).await;
    assert_eq!(pages, [1000, 1000, 500]);
    assert_eq!(serials.iter().collect::<BTreeSet<_>>().len(), 2500);

    let (down, pages) =
        walk(&admin, &format!("{devices}?$orderby=serialNumber%20desc&$top=999&$select=serialNumber")).await;
    assert_eq!(pages, [999, 999, 502], "$top is the size of a page");
    let mut expected = serials.clone();
    expected.sort_by_key(|serial| std::cmp::Reverse(serial.to_ascii_lowercase()));
    assert_eq!(down, expected);

    let (skipped, pages) = walk(&admin, &format!("{devices}?$skip=900&$top=1500")).await;
    assert_eq!(pages, [1000, 600]);
    assert_eq!(skipped, serials[900..]);

    let (all, pages) = walk(&admin, &format!("{devices}?$top=5000")).await;
    assert_eq!((all, pages), (serials.clone(), vec![1000, 1000, 500]));

    let sized = send(admin.request(Method::GET, &devices).header("prefer", "odata.maxpagesize=7")).await;
    assert_eq!(sized.header("preference-applied"), "odata.maxpagesize=7");
    assert_eq!(sized.json()["value"].as_array().unwrap().len(), 7);
}

#[tokio::test]
async fn a_link_is_absolute_and_keeps_path_and_options() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 3).await;
    let path = format!("/beta/devicemanagement/depOnboardingSettings('{id}')/importedAppleDeviceIdentities/");
    let query = "$filter=discoverySource%20eq%20'deviceEnrollmentProgram'&$count=true&$top=2&custom=x";
    // The page's own size makes a link necessary.
    let first =
        send(admin.request(Method::GET, &format!("{path}?{query}")).header("prefer", "odata.maxpagesize=1"))
            .await;
    let first = first.json();
    assert_eq!(first["@odata.count"], 3);
    let link = first["@odata.nextLink"].as_str().unwrap();
    let sent = query.replace('\'', "%27");
    assert!(link.starts_with(&format!("{}{path}?{sent}&$skiptoken=", test.url)), "{link}");
    let second = admin.get_json(link).await;
    assert_eq!(second["value"].as_array().unwrap().len(), 2);
    assert!(second.get("@odata.nextLink").is_none());
    assert!(second.get("@odata.count").is_none(), "the total comes with the first page");

    // The same request in another spelling takes the token, any other request does not.
    let token = link.split_once("$skiptoken=").unwrap().1;
    let devices = format!("/beta/{S}/{id}/importedAppleDeviceIdentities");
    assert_eq!(admin.get(&format!("{devices}?{query}&%24skiptoken={token}")).await.status, 200);
    let other = admin.create_setting().await;
    for foreign in [
        format!("{devices}?$skiptoken={token}"),
        format!("{devices}?{}&$skiptoken={token}", query.replace("$top=2", "$top=3")),
        format!("/beta/{S}/{other}/importedAppleDeviceIdentities?{query}&$skiptoken={token}"),
        format!("/beta/{S}?{query}&$skiptoken={token}"),
        format!("{devices}?{query}&$skiptoken={}", &token[..token.len() - 30]),
    ] {
        let answer = admin.get(&foreign).await;
        assert_eq!(answer.status, 400, "{foreign}: {}", answer.text);
    }
}

#[tokio::test]
async fn devices_are_found_by_their_serial_number() {
    let test = TestApp::start().await;
    let admin = test.admin().await;
    let id = test.onboarded(&admin, 20).await;
    let devices = format!("/beta/{S}/{id}/importedAppleDeviceIdentities");
    let all = admin.get_json(&devices).await;
    let set = format!("deviceManagement/depOnboardingSettings('{id}')/importedAppleDeviceIdentities");
    assert_eq!(all["@odata.context"], format!("{}/beta/$metadata#{set}", test.url));
    let device = &all["value"][3];
    let serial = device["serialNumber"].as_str().unwrap();
    let found = async |filter: &str| {
        let page = admin.get_json(&format!("{devices}?$filter={filter}&$count=true")).await;
        assert_eq!(page["@odata.count"].as_u64().unwrap(), page["value"].as_array().unwrap().len() as u64);
        page["value"].as_array().unwrap().iter().filter(|row| *row == device).count()
    };
    for filter in [
        format!("serialNumber eq '{serial}'"),
        format!("serialNumber eq '{}'", serial.to_lowercase()),
        format!("contains(serialNumber,'{}')", &serial[2..8]),
        format!("startswith(serialNumber,'{}')", &serial[..5]),
        format!("discoverySource eq 'deviceEnrollmentProgram' and contains(serialNumber,'{serial}')"),
        format!("serialNumber in ('{serial}','x') and isDeleted eq false"),
    ] {
        assert_eq!(found(&filter).await, 1, "{filter}");
    }
    assert_eq!(found("discoverySource eq 'AdminImport'").await, 0);
    assert_eq!(admin.get(&format!("{devices}/$count?$filter=serialNumber eq '{serial}'")).await.text, "1");

    let one = admin.get_json(&format!("{devices}/{}", device["id"].as_str().unwrap())).await;
    assert_eq!(one["@odata.context"], format!("{}/beta/$metadata#{set}/$entity", test.url));
    assert_eq!(one["serialNumber"], device["serialNumber"]);
    assert_eq!(one["discoverySource"], "deviceEnrollmentProgram");
    assert_eq!(
        (&one["isDeleted"], &one["requestedEnrollmentProfileId"]),
        (&Value::Bool(false), &Value::Null)
    );
    assert_eq!(one["lastContactedDateTime"], "0001-01-01T00:00:00Z");
    for missing in ["00000000-0000-4000-8000-000000000000", serial] {
        admin.get(&format!("{devices}/{missing}")).await.is_refused(404, "ResourceNotFound", "The device");
    }
    let selected = admin.get_json(&format!("{devices}?$select=serialNumber,platform&$top=1")).await;
    assert_eq!(
        selected["@odata.context"],
        format!("{}/beta/$metadata#{set}(serialNumber,platform)", test.url)
    );
    assert_eq!(selected["value"][0].as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn a_serial_number_in_a_filter_is_compared_without_blanks_and_case() {
    for kind in [Kind::Sqlite, Kind::Postgres] {
        let test = TestApp::start_on_kind(kind).await;
        let admin = test.admin().await;
        let devices = format!("/beta/{S}('{}')/importedAppleDeviceIdentities", admin.create_setting().await);
        for serial in ["C02ONE", "C02TWO", "C03"] {
            let made = admin.post(&devices, &serde_json::json!({ "serialNumber": serial })).await;
            assert_eq!(made.status, 201, "{}", made.text);
        }
        for (filter, expected) in [
            ("serialNumber eq ' c02one '", 1),
            ("serialNumber ne '\tC02ONE'", 2),
            ("serialNumber in ('C02ONE ',' C03')", 2),
            ("serialNumber ge ' C02TWO'", 2),
            ("serialNumber eq 'C02 ONE'", 0),
            // A part of one stands as it was written.
            ("startswith(serialNumber,'c02')", 2),
            ("startswith(serialNumber,' c02')", 0),
            ("contains(serialNumber,' ')", 0),
        ] {
            let filter = filter.replace('\t', "%09").replace(' ', "%20");
            let listed = admin.get_json(&format!("{devices}?$filter={filter}")).await;
            assert_eq!(listed["value"].as_array().unwrap().len(), expected, "{kind:?}: {filter}");
        }
    }
}
