//! Good answers: accounts, pages and details, in all the shapes that Apple and others give them.

use adept_apple::{
    account::Account,
    device::{Device, DevicePage, OpType, ProfileStatus},
    error::{AppleError, AppleErrorKind},
};
use jiff::Timestamp;
use serde_json::json;

use crate::client_server::{Reply, Server, token};

async fn account(body: &str) -> Result<Account, AppleError> {
    let body = body.to_owned();
    Server::with_sessions(move |_| Reply::new(200, body.clone()))
        .await
        .client()
        .session(token("a"))
        .account()
        .await
}

async fn page(body: &str) -> Result<DevicePage, AppleError> {
    let body = body.to_owned();
    let server = Server::with_sessions(move |_| Reply::new(200, body.clone())).await;
    server.client().session(token("a")).fetch_devices(None, 100).await
}

async fn device(body: &str) -> Device {
    let page = page(&format!(r#"{{"devices":[{body}],"cursor":"c","more_to_follow":false}}"#)).await.unwrap();
    assert_eq!((page.devices.len(), page.unreadable), (1, 0), "{body}");
    page.devices.into_iter().next().unwrap()
}

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

#[tokio::test]
async fn an_account_is_read_whole() {
    let account = account(
        r#"{"server_name":"MDM","server_uuid":"9cbaa3a4-77a4-4e43-b2a6-0a1b2c3d4e5f","admin_id":"admin@example.com",
        "facilitator_id":"old@example.com","org_name":"Org","org_email":"o@example.com","org_phone":4089967550,
        "org_address":"1 Street\nTown","org_id":"1234","org_id_hash":"ab12","org_type":"edu","org_version":"v2",
        "something_new":{"deep":[1]},
        "urls":[{"uri":"/server/devices","http_method":["POST"],"limit":{"default":100,"maximum":500}},
                {"uri":"/devices/sync","http_method":"POST","limit":{"default":1000,"maximum":5000}},
                {"uri":"/account","http_method":["GET"]},{"no":"uri"},7,null]}"#,
    )
    .await
    .unwrap();
    assert_eq!(account.server_name.as_deref(), Some("MDM"));
    assert_eq!(account.normalized_server_uuid().as_deref(), Some("9CBAA3A477A44E43B2A60A1B2C3D4E5F"));
    assert_eq!(account.org_phone.as_deref(), Some("4089967550"));
    assert_eq!(account.org_type.as_deref(), Some("edu"));
    assert_eq!(account.urls.len(), 3);
    assert_eq!(account.urls[1].http_methods, ["POST"]);
    assert_eq!(account.urls[1].default_limit, Some(1000));

    assert_eq!(account.page_limit("/server/devices", 1000), 500);
    assert_eq!(account.page_limit("/server/devices", 200), 200);
    assert_eq!(account.page_limit("/devices/sync", 9999), 1000);
    assert_eq!(account.page_limit("/account", 9999), 1000);
    assert_eq!(account.page_limit("/nowhere", 0), 1);
}

#[tokio::test]
async fn an_account_may_lack_everything() {
    for body in ["{}", r#"{"server_uuid":null,"org_name":"","urls":null,"admin_id":["x"]}"#, "\u{feff}{}"] {
        let account = account(body).await.unwrap();
        assert_eq!(account, Account::default(), "{body}");
        assert_eq!(account.normalized_server_uuid(), None);
        assert_eq!(account.page_limit("/devices/sync", 1000), 1000);
    }
    for body in ["", "[]", "null", "7", "{", "{}x"] {
        assert_eq!(account(body).await.unwrap_err().kind, AppleErrorKind::NotUnderstood, "{body}");
    }
}

#[tokio::test]
async fn a_device_is_read_whole() {
    let device = device(
        r#"{"serial_number":"C02X","model":"MacBook Pro","description":"MBP 13.3 SPACE GRAY\/2.0GHZ","color":"SPACE GRAY",
        "asset_tag":"A1","profile_status":"PUSHED","profile_uuid":"88FC4E378FFD4B0D9C0DD2C0D6D9D2B5",
        "profile_assign_time":"2026-01-02T03:04:05Z","profile_push_time":"2026-01-02T03:04:05.25Z",
        "device_assigned_date":"2026-01-02T05:04:05+02:00","device_assigned_by":"a@example.com","os":"OSX",
        "device_family":"Mac","mdm_migration_deadline":"2026-05-01T00:00:00Z","imei":["1","2"],"meid":["3"],"eid":"4",
        "wifi_mac_address":"aa","bluetooth_mac_address":"bb","ethernet_mac_address":"cc","is_replacement_device":true,
        "released_by_replacement":false,"op_type":"ADDED","op_date":"2026-01-02T03:04:05Z","response_status":"SUCCESS",
        "brand_new":{"a":[1,"b"]},"gone":null}"#,
    )
    .await;
    let mut expected = Device::default();
    expected.serial_number = "C02X".to_owned();
    expected.model = Some("MacBook Pro".to_owned());
    expected.description = Some("MBP 13.3 SPACE GRAY/2.0GHZ".to_owned());
    expected.color = Some("SPACE GRAY".to_owned());
    expected.asset_tag = Some("A1".to_owned());
    expected.profile_status = Some(ProfileStatus::Pushed);
    expected.profile_uuid = Some("88FC4E378FFD4B0D9C0DD2C0D6D9D2B5".to_owned());
    expected.profile_assign_time = time("2026-01-02T03:04:05Z");
    expected.profile_push_time = time("2026-01-02T03:04:05.25Z");
    expected.device_assigned_date = time("2026-01-02T03:04:05Z");
    expected.device_assigned_by = Some("a@example.com".to_owned());
    expected.os = Some("OSX".to_owned());
    expected.device_family = Some("Mac".to_owned());
    expected.mdm_migration_deadline = time("2026-05-01T00:00:00Z");
    expected.imei = vec!["1".to_owned(), "2".to_owned()];
    expected.meid = vec!["3".to_owned()];
    expected.eid = Some("4".to_owned());
    expected.wifi_mac_address = Some("aa".to_owned());
    expected.bluetooth_mac_address = Some("bb".to_owned());
    expected.ethernet_mac_address = Some("cc".to_owned());
    expected.is_replacement_device = Some(true);
    expected.released_by_replacement = Some(false);
    expected.op_type = Some(OpType::Added);
    expected.op_date = time("2026-01-02T03:04:05Z");
    expected.response_status = Some("SUCCESS".to_owned());
    expected.other = json!({"brand_new": {"a": [1, "b"]}, "gone": null}).as_object().unwrap().clone();
    assert_eq!(device, expected);
}

#[tokio::test]
async fn null_empty_and_absent_are_the_same() {
    let bare = device(r#"{"serial_number":"X"}"#).await;
    let mut expected = Device::default();
    expected.serial_number = "X".to_owned();
    assert_eq!(bare, expected);
    for nothing in ["null", "\"\""] {
        let keys = [
            "model",
            "color",
            "profile_status",
            "profile_uuid",
            "profile_assign_time",
            "op_type",
            "op_date",
            "imei",
            "is_replacement_device",
        ];
        let keys = keys.iter().filter(|key| nothing == "null" || !key.starts_with("is_"));
        let fields: String = keys.map(|key| format!(",\"{key}\":{nothing}")).collect();
        assert_eq!(device(&format!("{{\"serial_number\":\"X\"{fields}}}")).await, bare, "{nothing}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_kept_beside_the_record() {
    let device = device(
        r#"{"serial_number":"X","op_date":"last Tuesday","profile_push_time":17,"color":{"name":"red"},
        "is_replacement_device":"yes","imei":[1],"meid":"one","model":"Mac"}"#,
    )
    .await;
    assert_eq!((device.op_date, device.profile_push_time, device.color), (None, None, None));
    assert_eq!((device.model.as_deref(), device.meid), (Some("Mac"), vec!["one".to_owned()]));
    let expected = json!({"op_date": "last Tuesday", "profile_push_time": 17, "color": {"name": "red"},
        "is_replacement_device": "yes", "imei": [1]});
    assert_eq!(&device.other, expected.as_object().unwrap());
}

#[tokio::test]
async fn words_are_read_without_regard_to_case_and_new_ones_survive() {
    for (word, status) in [
        ("empty", ProfileStatus::Empty),
        ("Assigned", ProfileStatus::Assigned),
        ("REMOVED", ProfileStatus::Removed),
        ("Paused", ProfileStatus::Other("Paused".to_owned())),
    ] {
        let device = device(&format!(r#"{{"serial_number":"X","profile_status":"{word}"}}"#)).await;
        assert_eq!(device.profile_status, Some(status));
    }
    for (word, op) in [
        ("added", OpType::Added),
        ("Deleted", OpType::Deleted),
        ("MODIFIED", OpType::Modified),
        ("teleported", OpType::Modified),
    ] {
        let device = device(&format!(r#"{{"serial_number":"X","op_type":"{word}"}}"#)).await;
        assert_eq!(device.op_type, Some(op));
    }
}

#[tokio::test]
async fn a_page_is_read_in_order_and_its_frame_checked() {
    let good = page(
        r#"{"devices":[{"serial_number":"B"},{"serial_number":"A"},{"serial_number":"B"}],"cursor":"next",
        "more_to_follow":true,"fetched_until":"2026-01-01T00:00:00Z","new":1}"#,
    )
    .await
    .unwrap();
    let serials: Vec<&str> = good.devices.iter().map(|device| &*device.serial_number).collect();
    assert_eq!(serials, ["B", "A", "B"]);
    assert_eq!((good.cursor.as_deref(), good.more_to_follow), (Some("next"), true));
    assert_eq!(good.fetched_until, time("2026-01-01T00:00:00Z"));

    for empty in [
        r#"{"cursor":"c","more_to_follow":false}"#,
        r#"{"devices":null,"cursor":"c","more_to_follow":null}"#,
        r#"{"devices":[],"cursor":"c","fetched_until":"never"}"#,
    ] {
        let page = page(empty).await.unwrap();
        assert!(page.devices.is_empty() && !page.more_to_follow && page.fetched_until.is_none(), "{empty}");
        assert_eq!(page.cursor.as_deref(), Some("c"));
    }
    for wrong in [
        "{}",
        r#"{"fetched_until":"2026-01-01T00:00:00Z"}"#,
        r#"{"devices":{},"cursor":"c"}"#,
        r#"{"devices":"none","cursor":"c"}"#,
        r#"{"devices":[],"cursor":7}"#,
        r#"{"devices":[],"cursor":"c","more_to_follow":"yes"}"#,
        // More to follow, but no way to ask for it: taken as it is, the next fetch would begin at the front again.
        r#"{"devices":[],"more_to_follow":true}"#,
        r#"{"devices":[],"cursor":"","more_to_follow":true}"#,
        r#"{"devices":[{"serial_number":"A"}],"cursor":"c""#,
        "[]",
    ] {
        assert_eq!(page(wrong).await.unwrap_err().kind, AppleErrorKind::NotUnderstood, "{wrong}");
    }
}

#[tokio::test]
async fn records_without_a_serial_number_are_counted_and_sink_nothing() {
    let page = page(
        r#"{"devices":[{"serial_number":"A"},{},{"serial_number":null},{"serial_number":""},{"serial_number":5},
        null,7,-7,0.5,true,"X",[1,[2]],{"serial_number":"B"}],"cursor":"c"}"#,
    )
    .await
    .unwrap();
    let serials: Vec<&str> = page.devices.iter().map(|device| &*device.serial_number).collect();
    assert_eq!((serials, page.unreadable), (vec!["A", "B"], 11));
}

#[tokio::test]
async fn a_text_with_a_nul_is_kept_apart_and_a_serial_number_with_one_is_none() {
    let page = page(
        r#"{"devices":[{"serial_number":"A","model":"M\u0000","color":"red"},{"serial_number":"B\u0000"}],"cursor":"c"}"#,
    )
    .await
    .unwrap();
    assert_eq!((page.devices.len(), page.unreadable), (1, 1));
    let device = &page.devices[0];
    assert_eq!((device.model.as_deref(), device.color.as_deref()), (None, Some("red")));
    assert!(device.record_json().contains(r"M\u0000"), "{}", device.record_json());
}

#[tokio::test]
async fn pages_are_asked_for_with_cursor_and_limit() {
    let server = Server::with_sessions(|_| Reply::new(200, r#"{"cursor":"c"}"#)).await;
    let session = server.client().session(token("a"));
    session.fetch_devices(None, 1000).await.unwrap();
    session.fetch_devices(Some("a\"b"), 5000).await.unwrap();
    session.sync_devices("z", 0).await.unwrap();
    let body = |path: &str, nth: usize| -> serde_json::Value {
        let seen = &server.seen(path)[nth];
        assert_eq!((seen.method.as_str(), seen.session()), ("POST", "S1"));
        assert_eq!(seen.header("content-type"), "application/json;charset=UTF8");
        serde_json::from_slice(&seen.body).unwrap()
    };
    assert_eq!(body("/server/devices", 0), json!({"limit": 1000}));
    assert_eq!(body("/server/devices", 1), json!({"cursor": "a\"b", "limit": 1000}));
    assert_eq!(body("/devices/sync", 0), json!({"cursor": "z", "limit": 1}));
}

#[tokio::test]
async fn details_are_asked_for_in_chunks_without_doubles() {
    let server = Server::with_sessions(|seen| {
        let asked: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        let devices: serde_json::Map<_, _> = asked["devices"]
            .as_array()
            .unwrap()
            .iter()
            .map(|serial| (serial.as_str().unwrap().to_owned(), json!({"response_status": "SUCCESS"})))
            .collect();
        Reply::new(200, json!({ "devices": devices }).to_string())
    })
    .await;
    let session = server.client().session(token("a"));
    let mut serials: Vec<String> = (0..2001).map(|number| format!("S{number}")).collect();
    serials.extend_from_within(..500);
    let details = session.device_details(&serials).await.unwrap();
    assert_eq!(details.len(), 2001);
    assert!(details.iter().all(|(serial, device)| *serial == device.serial_number));
    assert_eq!(server.seen("/devices").len(), 3);

    assert!(session.device_details::<String>(&[]).await.unwrap().is_empty());
    assert_eq!(server.seen("/devices").len(), 3);
}

#[tokio::test]
async fn details_are_read_in_every_shape() {
    let server = Server::with_sessions(|_| {
        Reply::new(
            200,
            r#"{"devices":{"A":{"serial_number":"A","model":"Mac","response_status":"SUCCESS"},
            "B":{"response_status":"NOT_ACCESSIBLE"},"C":"NOT_FOUND","D":null,"E":7}}"#,
        )
    })
    .await;
    let serials: Vec<String> = ["A", "B", "C", "D", "E", "F"].map(str::to_owned).to_vec();
    let details = server.client().session(token("a")).device_details(&serials).await.unwrap();
    let status: Vec<_> = details
        .values()
        .map(|device| (&*device.serial_number, device.response_status.as_deref().unwrap()))
        .collect();
    assert_eq!(status, [("A", "SUCCESS"), ("B", "NOT_ACCESSIBLE"), ("C", "NOT_FOUND")]);

    for body in ["{}", r#"{"devices":null}"#, r#"{"devices":[]}"#] {
        let server = Server::with_sessions(move |_| Reply::new(200, body)).await;
        let error = server.client().session(token("a")).device_details(&serials).await.unwrap_err();
        assert_eq!(error.kind, AppleErrorKind::NotUnderstood, "{body}");
    }
}
