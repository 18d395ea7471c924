//! Records and texts that no document of Apple's has: each spoils itself and nothing else.

use adept_apple::{
    device::{Device, DevicePage, normalized_serial},
    error::{AppleError, AppleErrorKind as Kind},
    token::ServerToken,
};
use proptest::prelude::*;
use serde_json::json;

use crate::client_server::{Reply, Server, token};
use crate::support::{JSON, repository};

async fn page_of(body: impl Into<Vec<u8>>) -> Result<DevicePage, AppleError> {
    let body = body.into();
    let server = Server::with_sessions(move |_| Reply::new(200, body.clone())).await;
    server.client().session(token("a")).fetch_devices(None, 100).await
}

fn serials(page: &DevicePage) -> Vec<&str> {
    page.devices.iter().map(|device| &*device.serial_number).collect()
}

#[tokio::test]
async fn a_lone_surrogate_spoils_its_field_alone() {
    for (spoiled, read) in [
        (r"MBP \ud83d", "MBP \u{fffd}"),
        (r"\udc00 MBP", "\u{fffd} MBP"),
        (r"a\ud800\u0041", "a\u{fffd}A"),
        (r"\ud800\ud83d\ude00", "\u{fffd}\u{1f600}"),
        (r"\\ud800\uDBFF", "\\ud800\u{fffd}"),
    ] {
        let body = format!(
            r#"{{"devices":[{{"serial_number":"A","description":"{spoiled}","color":"red"}},{{"serial_number":"B"}}],
            "cursor":"c"}}"#
        );
        let page = page_of(body).await.unwrap();
        assert_eq!((serials(&page), page.unreadable), (vec!["A", "B"], 0), "{spoiled}");
        assert_eq!(page.devices[0].description.as_deref(), Some(read), "{spoiled}");
        assert_eq!(page.devices[0].color.as_deref(), Some("red"));
    }
    let unknown = r#"{"devices":[{"serial_number":"A","x":{"\ud800":["\udfff"]}}],"cursor":"c"}"#;
    assert_eq!(page_of(unknown).await.unwrap().devices[0].other["x"], json!({"\u{fffd}": ["\u{fffd}"]}));
}

#[tokio::test]
async fn bytes_that_are_not_utf_8_spoil_their_field_alone() {
    let mut body = br#"{"devices":[{"serial_number":"A","model":"M?","color":"red"}],"cursor":"c"}"#.to_vec();
    let at = body.iter().position(|byte| *byte == b'?').unwrap();
    body.splice(at..=at, [0xed, 0xa0, 0x80]);
    let page = page_of(body).await.unwrap();
    let device = &page.devices[0];
    assert_eq!(device.color.as_deref(), Some("red"));
    assert!(device.model.as_deref().unwrap().starts_with("M\u{fffd}"));
}

#[tokio::test]
async fn what_is_nested_deeper_than_the_reader_goes_spoils_nothing_else() {
    for levels in [90, 126, 127, 128, 129, 1000, 50_000] {
        let deep = "[".repeat(levels) + "1" + &"]".repeat(levels);
        let body = format!(
            r#"{{"devices":[{{"serial_number":"A","x":{deep},"color":"red"}},{{"serial_number":"B"}}],"z":{deep},"cursor":"c"}}"#
        );
        let page = page_of(body).await.unwrap_or_else(|error| panic!("{levels} levels: {error}"));
        // What is too deep is left out, so that not even its size counts.
        assert_eq!((serials(&page), page.unreadable), (vec!["A", "B"], 0), "{levels} levels");
        assert_eq!(page.cursor.as_deref(), Some("c"));
        assert_eq!(page.devices[0].color.as_deref(), Some("red"), "{levels} levels");
        assert!(page.devices[0].other.contains_key("x"), "{levels} levels");
    }
}

#[tokio::test]
async fn a_serial_number_is_compared_without_blanks_and_case_and_kept_as_it_came() {
    let body = r#"{"devices":[{"serial_number":" ODD00003 "},{"serial_number":"odd00004\t"},{"serial_number":"ODD5"},
        {"serial_number":"  "},{"serial_number":"\u00a0"}],"cursor":"c"}"#;
    let page = page_of(body).await.unwrap();
    assert_eq!((serials(&page), page.unreadable), (vec!["ODD00003", "ODD00004", "ODD5"], 2));
    let spelled: Vec<_> = page.devices.iter().map(|device| device.serial_number_as_sent.as_deref()).collect();
    assert_eq!(spelled, [Some(" ODD00003 "), Some("odd00004\t"), None]);
    assert_eq!(page.devices[0].record_json(), r#"{"serial_number":" ODD00003 "}"#);
    assert_eq!(normalized_serial(" odd00003 "), "ODD00003");
}

#[tokio::test]
async fn details_and_statuses_find_a_device_under_any_spelling() {
    let server = Server::with_sessions(|seen| {
        Reply::new(
            200,
            match seen.path.as_str() {
                "/devices" => r#"{"devices":{" odd3 ":{"response_status":"SUCCESS"}}}"#,
                _ => r#"{"devices":{" odd3 ":"SUCCESS"}}"#,
            },
        )
    })
    .await;
    let session = server.client().session(token("a"));
    let details = session.device_details(&["ODD3"]).await.unwrap();
    assert_eq!(details["ODD3"].serial_number, "ODD3");
    let statuses = session.disown_devices(&["ODD3"]).await.unwrap();
    assert_eq!(statuses.of["ODD3"].as_str(), "SUCCESS");
}

#[tokio::test]
async fn a_record_over_64_kib_counts_as_unreadable() {
    let record = |key: &str, size: usize| match key {
        "deep" => json!({ "serial_number": "BIG", "deep": { "list": vec!["x"; size / 4] } }),
        key => json!({ "serial_number": "BIG", key: "x".repeat(size) }),
    };
    for key in ["description", "unknown", "deep", "op_date", "imei"] {
        for (size, unreadable) in [(60 * 1024, 0), (66 * 1024, 1), (3 << 20, 1)] {
            let body = json!({ "devices": [{"serial_number": "A"}, record(key, size), {"serial_number": "B"}],
                "cursor": "c" });
            let page = page_of(body.to_string()).await.unwrap();
            assert_eq!(page.unreadable, unreadable, "{key} {size}");
            assert_eq!((page.devices.len(), page.records), (3 - unreadable, 3), "{key} {size}");
        }
    }
    let many: serde_json::Map<_, _> =
        (0..9000).map(|number| (format!("key{number}"), json!(number))).collect();
    let page = page_of(json!({ "devices": [many], "cursor": "c" }).to_string()).await.unwrap();
    assert_eq!((page.devices.len(), page.unreadable), (0, 1));
}

#[tokio::test]
async fn a_page_over_16_mib_is_dropped() {
    let body = json!({ "devices": [{"serial_number": "A", "x": "y".repeat(16 << 20)}], "cursor": "c" });
    assert_eq!(page_of(body.to_string()).await.unwrap_err().kind, Kind::BodyTooLarge);
}

#[tokio::test]
async fn texts_are_cut_at_1024_characters() {
    let long = "ä".repeat(1500);
    let cut = Some("ä".repeat(1024));
    let body = json!({ "devices": [{"serial_number": "A", "description": long, "os": long}], "cursor": "c" });
    let page = page_of(body.to_string()).await.unwrap();
    assert_eq!((&page.devices[0].description, &page.devices[0].os), (&cut, &cut));
    let account = json!({ "server_name": long, "org_name": "x".repeat(5 << 20) }).to_string();
    let server = Server::with_sessions(move |_| Reply::new(200, account.clone())).await;
    let account = server.client().session(token("a")).account().await.unwrap();
    assert_eq!((account.server_name, account.org_name.map(|name| name.len())), (cut, Some(1024)));
}

#[tokio::test]
async fn a_cursor_that_cannot_be_kept_is_not_understood() {
    for cursor in ["c\\u0000".to_owned(), "x".repeat(20_000)] {
        let body = format!(r#"{{"devices":[],"cursor":"{cursor}","more_to_follow":true}}"#);
        assert_eq!(page_of(body).await.unwrap_err().kind, Kind::NotUnderstood);
    }
}

#[tokio::test]
async fn an_array_never_stands_for_an_object() {
    let server = Server::with_sessions(|_| Reply::new(200, r#"["a","b","c","d","e"]"#)).await;
    let session = server.client().session(token("a"));
    assert_eq!(session.account().await.unwrap_err().kind, Kind::NotUnderstood);
    assert_eq!(session.fetch_devices(None, 1).await.unwrap_err().kind, Kind::NotUnderstood);
    assert_eq!(session.device_details(&["A"]).await.unwrap_err().kind, Kind::NotUnderstood);
    assert_eq!(session.disown_devices(&["A"]).await.unwrap_err().kind, Kind::NotUnderstood);
    assert_eq!(session.profile("A").await.unwrap_err().kind, Kind::NotUnderstood);
    let server = Server::start(|_| Reply::new(200, r#"["S1"]"#)).await;
    let error = server.client().session(token("a")).account().await.unwrap_err();
    assert_eq!(error.kind, Kind::NotUnderstood);

    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(JSON).unwrap();
    let names = ["consumer_key", "consumer_secret", "access_token", "access_secret", "access_token_expiry"];
    let list = json!(names.map(|name| &object[name]));
    assert!(ServerToken::from_json(list.to_string().as_bytes()).is_err());
    assert!(ServerToken::from_json(format!(" {JSON}\n").as_bytes()).is_ok());
}

/// The files that fuzzing starts from stay what their names say.
#[test]
fn every_seed_of_a_page_is_what_its_name_says() {
    let mut files = 0;
    for file in std::fs::read_dir(repository("fuzz/seeds/device_page")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let page = DevicePage::from_json(&std::fs::read(&path).unwrap());
        assert_eq!(page.is_ok(), name.starts_with("valid-"), "{name}");
        files += 1;
    }
    assert!(files >= 12, "{files} seeds");
}

/// One JSON value of any shape, as text that may hold what JSON does not allow inside its strings.
fn junk() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        Just(r"\ud800".to_owned()),
        Just(r"\udfff\ud800".to_owned()),
        Just(r"\u0000".to_owned()),
        Just(r"\\".to_owned()),
        "[a-zA-Z0-9 .:-]{0,20}",
    ];
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        text.prop_map(|text| format!("\"{text}\"")),
    ];
    let key = prop_oneof![Just("serial_number"), Just("op_date"), Just("imei"), Just("os"), Just("new")];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::vec((key.clone(), inner), 0..4).prop_map(|pairs| {
                let pairs = pairs.into_iter().map(|(key, value)| format!("\"{key}\":{value}"));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn good_records_survive_any_junk_between_them(junk in prop::collection::vec(junk(), 0..8)) {
        let mut records = vec![r#"{"serial_number":"FIRST","description":"one"}"#.to_owned()];
        records.extend(junk);
        records.push(r#"{"serial_number":"LAST","description":"two"}"#.to_owned());
        let body = format!(r#"{{"devices":[{}],"cursor":"c"}}"#, records.join(","));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let page = runtime.block_on(page_of(body)).unwrap();
        prop_assert_eq!(page.records, records.len());
        prop_assert_eq!(page.devices.len() + page.unreadable, records.len());
        let ends = [&page.devices[0], &page.devices[page.devices.len() - 1]];
        let described = |device: &Device| (device.serial_number.clone(), device.description.clone());
        prop_assert_eq!(described(ends[0]), ("FIRST".to_owned(), Some("one".to_owned())));
        prop_assert_eq!(described(ends[1]), ("LAST".to_owned(), Some("two".to_owned())));
    }
}
