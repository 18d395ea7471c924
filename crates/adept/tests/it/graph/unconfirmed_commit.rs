//! A commit that PostgreSQL makes and whose confirmation is lost on the way: the answer says so, and the same request
//! finds what it made.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use adept::storage::StorageOptions;
use reqwest::Method;
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{
    client::send,
    database::Kind,
    test_app::{S, TestApp},
};

/// A relay between service and database that can lose the answer to the next COMMIT, and the connection with it.
struct Relay {
    address: String,
    cuts: Arc<AtomicBool>,
}

impl Relay {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let cuts = Arc::new(AtomicBool::new(false));
        let relay = Self { address, cuts: Arc::clone(&cuts) };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&cuts)));
            }
        });
        relay
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, cuts: Arc<AtomicBool>) {
    let (mut sent, mut received) = (vec![0; 65_536], vec![0; 65_536]);
    let mut is_cut = false;
    loop {
        tokio::select! {
            read = client.read(&mut sent) => match read {
                Ok(length @ 1..) => {
                    let commits = sent[..length].windows(6).any(|bytes| bytes == b"COMMIT");
                    is_cut |= commits && cuts.swap(false, Ordering::Relaxed);
                    server.write_all(&sent[..length]).await.unwrap();
                }
                _ => return,
            },
            read = server.read(&mut received) => match read {
                Ok(length @ 1..) if !is_cut => client.write_all(&received[..length]).await.unwrap(),
                // The database has committed, and the confirmation is lost.
                _ => return,
            },
        }
    }
}

#[tokio::test]
async fn a_lost_confirmation_is_500_and_its_repetition_finds_the_entity() {
    let direct = TestApp::start_on_kind(Kind::Postgres).await;
    let mut options: StorageOptions = direct.database.options();
    let (credentials, rest) = options.database.url.split_once('@').unwrap();
    let (server, name) = rest.split_once('/').unwrap();
    let relay = Relay::to(server.to_owned()).await;
    options.database.url = format!("{credentials}@{}/{name}", relay.address);
    let test = direct.another(&options).await;
    let client = test.admin().await;
    let create = || {
        let body = json!({ "tokenName": "One" });
        let request = client.request(Method::POST, &format!("{}/beta/{S}", test.url));
        send(request.json(&body).header("client-request-id", "a"))
    };
    relay.cuts.store(true, Ordering::Relaxed);
    let answer = create().await;
    answer.is_refused(500, "InternalServerError", "This may have taken effect; look before you repeat it.");
    assert!(!answer.headers.contains_key("retry-after"));
    assert_eq!(client.get(&format!("/beta/{S}/$count?$filter=tokenName%20eq%20'One'")).await.text, "1");
    let again = create().await;
    assert_eq!((again.status, &again.json()["tokenName"]), (201, &json!("One")));
    assert_eq!(client.get(&format!("/beta/{S}/$count?$filter=tokenName%20eq%20'One'")).await.text, "1");
}
