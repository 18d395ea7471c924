//! Starting and stopping.

use adept::{app::Clock, cli::Exit};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::started::{Started, flags};
use crate::support::database::tempfolder::Folder;

#[tokio::test]
async fn a_request_in_flight_is_answered_after_stop_was_asked_and_no_new_one_is_taken() {
    let service = Started::with(&["--plain-http"]).await;
    let address = service.running.url().trim_start_matches("http://").replace("localhost", "127.0.0.1");
    let tenant = service.storage().default_tenant();
    let mut client = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /{tenant}/oauth2/v2.0/token HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 12\r\n\r\n"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; 25];
    client.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");

    let stopping = tokio::spawn(service.running.stop());
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!stopping.is_finished());
    client.write_all(b"grant_type=a").await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("unsupported_grant_type"), "{answer}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn dropping_a_service_frees_its_address() {
    let service = Started::with(&["--plain-http"]).await;
    let address = service.running.url().trim_start_matches("http://").replace("localhost", "127.0.0.1");
    drop(service);
    while TcpStream::connect(&address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_address_that_is_taken_and_a_url_that_cannot_be_are_said_so() {
    let held = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("--listen={}", held.local_addr().unwrap());
    let metrics_taken = taken.replace("--listen", "--metrics-listen");
    let cases: [(&[&str], Exit, &str); 6] = [
        (&[&taken], Exit::Failed, "--listen: cannot listen on"),
        (&[&metrics_taken], Exit::Failed, "--metrics-listen off"),
        (&["--listen=0.0.0.0:0"], Exit::Usage, "--public-url"),
        (&["--public-url=http://localhost:1"], Exit::Usage, "--plain-http"),
        (&["--public-url=https://localhost/adept"], Exit::Usage, "scheme, host and port alone"),
        (&["--apple-url=http://apple.example.org"], Exit::Usage, "--apple-url"),
    ];
    for (more, exit, part) in cases {
        let folder = Folder::new();
        let started = adept::cli::serve::start(&flags(folder.path(), more), Clock::system()).await;
        let failure = started.err().unwrap_or_else(|| panic!("{more:?} started"));
        assert_eq!(failure.exit, exit, "{}", failure.message);
        assert!(failure.message.contains(part), "{}", failure.message);
    }
}

#[tokio::test]
async fn without_a_metrics_listener_it_starts_beside_another_program_that_has_one() {
    let first = Started::new().await;
    assert!(first.running.metrics_url().is_some());
    let second = Started::with(&["--metrics-listen=off"]).await;
    assert!(second.running.metrics_url().is_none());
    assert_eq!(second.get("/livez").await.status, 200);
}

#[tokio::test]
async fn the_public_url_is_what_clients_see() {
    let service = Started::with(&["--public-url=https://adept.example.org"]).await;
    let tenant = service.storage().default_tenant();
    assert_eq!(service.running.url(), "https://adept.example.org");
    let address = service.running.address();
    let http =
        super::started::client(&service.running).resolve("adept.example.org", address).build().unwrap();
    let url = format!(
        "https://adept.example.org:{}/{tenant}/v2.0/.well-known/openid-configuration",
        address.port()
    );
    let document: serde_json::Value = http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], format!("https://adept.example.org/{tenant}/v2.0"));
    let token_endpoint = format!("https://adept.example.org/{tenant}/oauth2/v2.0/token");
    assert_eq!(document["token_endpoint"], token_endpoint);
}
