//! `adept simulator`.

use super::{Going, adept, command};

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
