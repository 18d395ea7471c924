//! `adept doctor`: every finding says how to fix it, and the exit code whether one failed.

use std::{
    fs,
    io::{Read, Write},
    os::unix::fs::PermissionsExt,
};

use adept::domain::Permission;
use adept_simulator::Simulator;
use sqlx::{Connection as _, Executor as _};

use super::{adept, command, ended};
use crate::{serve::started::Started, support::database::tempfolder::Folder};

/// The line about `about`.
#[track_caller]
fn finding<'a>(out: &'a str, about: &str) -> &'a str {
    out.lines()
        .find(|line| line.get(6..).is_some_and(|rest| rest.starts_with(about)))
        .unwrap_or_else(|| panic!("{about}: {out}"))
}

#[test]
fn before_the_first_start_it_says_what_will_be_made_and_that_apple_is_not_there() {
    let folder = Folder::new();
    let data = format!("--data-dir={}/none", folder.path().display());
    let seen = adept(&["doctor", &data, "--apple-url=http://127.0.0.1:1"]);
    assert_eq!(seen.code, 1, "{seen:?}");
    assert!(finding(&seen.out, "data folder").starts_with("warn"));
    assert!(finding(&seen.out, "sealing key").contains("adept serve"));
    assert!(finding(&seen.out, "database").starts_with("fail"));
    assert!(finding(&seen.out, "TLS").contains("ca.pem"));
    assert!(finding(&seen.out, "public URL").contains("adept serve"));
    assert!(finding(&seen.out, "Apple").contains("firewall"));
    assert!(!folder.path().join("none").exists(), "it changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_is_found_healthy() {
    let apple = Simulator::start("127.0.0.1:0".parse().unwrap(), Default::default()).await.unwrap();
    let service = Started::new().await;
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(service.folder.path(), private).unwrap();
    let application = service.application(&[Permission::ServiceConfigReadWrite]).await;
    let token = service.sign_in(&application).await;
    let path = service.url("/beta/deviceManagement/depOnboardingSettings");
    let made =
        service.http.post(path).bearer_auth(token).json(&serde_json::json!({ "tokenName": "Head office" }));
    assert_eq!(made.send().await.unwrap().status(), 201);

    let mut doctor = command(&["doctor"]);
    doctor
        .env("ADEPT_DATA_DIR", service.folder.path())
        .env("ADEPT_PUBLIC_URL", service.running.url())
        .env("ADEPT_METRICS_LISTEN", service.running.metrics_url().unwrap().trim_start_matches("http://"))
        .env("ADEPT_APPLE_URL", apple.url());
    let seen = tokio::task::spawn_blocking(|| ended(doctor)).await.unwrap();
    assert_eq!(seen.code, 0, "{seen:?}");
    for about in
        ["data folder", "sealing key", "schema", "database", "TLS", "public URL", "scheduler", "Apple"]
    {
        assert!(finding(&seen.out, about).starts_with("ok"), "{about}: {}", seen.out);
    }
    let token = finding(&seen.out, "token");
    assert!(
        token.starts_with("warn") && token.contains("Head office") && token.contains("upload"),
        "{token}"
    );
    apple.stop().await;
}

#[test]
fn what_is_wrong_with_files_is_named_with_the_command_that_fixes_it() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(data.join("sealing.key"), "no key").unwrap();
    fs::set_permissions(data.join("sealing.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let mut old = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    old.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let (cert, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&cert, old.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&key_file, key.serialize_pem()).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).unwrap();
    let seen = adept(&[
        "doctor",
        "--data-dir",
        data.to_str().unwrap(),
        "--tls-cert",
        cert.to_str().unwrap(),
        "--tls-key",
        key_file.to_str().unwrap(),
        "--apple-url=http://127.0.0.1:1",
        "--listen=0.0.0.0:8443",
    ]);
    assert_eq!(seen.code, 1);
    assert!(finding(&seen.out, "data folder").contains("chmod 700"));
    assert!(finding(&seen.out, "sealing key").contains("chmod 600"));
    assert!(finding(&seen.out, "certificate").contains("renew"));
    assert!(finding(&seen.out, "private key").contains("chmod 600"));
    assert!(finding(&seen.out, "public URL").contains("--public-url"));
}

/// What the doctor says of a fresh database after `change` was made to it.
async fn after(change: &'static str) -> super::Ended {
    let folder = Folder::new();
    let data = format!("--data-dir={}", folder.path().display());
    let permission = "--permission=DeviceManagementApps.Read.All";
    adept(&["client", "add", "a", permission, "--new-database", &data]).is(0, "");
    let file = format!("sqlite://{}", folder.path().join("adept.db").display());
    let mut database = sqlx::SqliteConnection::connect(&file).await.unwrap();
    database.execute(change).await.unwrap();
    database.close().await.unwrap();
    adept(&["doctor", &data, "--apple-url=http://127.0.0.1:1", "--metrics-listen=off"])
}

#[tokio::test]
async fn a_schema_that_is_older_half_migrated_or_newer_is_told_apart() {
    for (change, says) in [
        ("DELETE FROM _sqlx_migrations", "no schema yet"),
        ("UPDATE _sqlx_migrations SET success = FALSE", "stopped half way"),
        (
            "INSERT INTO _sqlx_migrations VALUES (999, 'later', CURRENT_TIMESTAMP, TRUE, x'00', 0); \
             UPDATE schema_compatibility SET oldest_writer = 999",
            "start the newer version",
        ),
    ] {
        let seen = after(change).await;
        let schema = finding(&seen.out, "schema");
        assert!(seen.code == 1 && schema.starts_with("fail") && schema.contains(says), "{schema}");
        assert!(!seen.out.contains("a write was tried"), "{}", seen.out);
    }
}

#[tokio::test]
async fn writes_that_fail_are_found_by_writing() {
    let seen =
        after("CREATE TRIGGER full BEFORE INSERT ON deployment BEGIN SELECT RAISE(FAIL, 'no'); END").await;
    let database = finding(&seen.out, "database");
    assert!(seen.code == 1 && database.starts_with("fail") && database.contains("no"), "{database}");
}

#[test]
fn a_stuck_scheduler_of_a_running_service_fails() {
    let folder = Folder::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let operators = format!("--metrics-listen={}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        let mut head = [0; 1024];
        let _ = client.read(&mut head).unwrap();
        let body = r#"{"status":"ready","scheduler":"stuck since 2026-11-28T12:00:00Z"}"#;
        write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    });
    let data = format!("--data-dir={}", folder.path().display());
    let seen = adept(&["doctor", &data, "--apple-url=http://127.0.0.1:1", &operators]);
    let scheduler = finding(&seen.out, "scheduler");
    assert!(seen.code == 1 && scheduler.starts_with("fail"), "{scheduler}");
    assert!(
        scheduler.contains("stuck since 2026-11-28T12:00:00Z") && scheduler.contains("Restart"),
        "{scheduler}"
    );
}
