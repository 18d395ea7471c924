//! `adept simulator`.

use super::{Going, adept, command};
use crate::support::database::tempfolder::Folder;

#[tokio::test(flavor = "multi_thread")]
async fn the_simulator_says_where_it_is_answers_there_and_ends_when_asked() {
    adept::cli::install_crypto_providers();
    let mut simulator = Going::start(command(&["simulator", "--listen", "127.0.0.1:0"]));
    let line = simulator.until("The simulator is Apple at ");
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let answer = reqwest::get(format!("{url}/account")).await.unwrap();
    assert!(answer.status().is_client_error());
    let (code, _) = simulator.terminate();
    assert_eq!(code, 0);
}

#[test]
fn an_address_that_is_taken_is_said_so() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    adept(&["simulator", "--listen", &address]).is(1, "--listen");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scenario_is_what_it_begins_with_and_wins_over_the_flags() {
    adept::cli::install_crypto_providers();
    let folder = Folder::new();
    let file = folder.path().join("scenario.json");
    let scenario =
        r#"{"clock": {"now": "2030-01-31T10:00:00Z"}, "organizations": [{"servers": [{"devices": 50}]}]}"#;
    std::fs::write(&file, scenario).unwrap();
    let file = format!("--scenario={}", file.display());
    let flags = ["simulator", "--listen=127.0.0.1:0", "--clock=2001-01-01T00:00:00Z", &file];
    let mut simulator = Going::start(command(&flags));
    let line = simulator.until("The simulator is Apple at ");
    let url = line.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
    let ask =
        async |path: &str| reqwest::get(format!("{url}/_sim{path}")).await.unwrap().text().await.unwrap();
    assert_eq!(ask("/clock").await, r#"{"now":"2030-01-31T10:00:00Z","running":false}"#);
    assert!(ask("/servers").await.contains(r#""devices":50"#));
    simulator.terminate();
}

#[test]
fn a_scenario_that_is_not_there_or_not_understood_is_said_so() {
    adept(&["simulator", "--listen=127.0.0.1:0", "--scenario=none.json"]).is(2, "--scenario");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    adept(&["simulator", "--listen=127.0.0.1:0", "--scenario", manifest]).is(2, "scenario is a JSON object");
}
