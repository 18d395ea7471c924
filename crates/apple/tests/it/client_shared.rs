//! Sessions that several processes share. A client of its own stands for each process, and a list in memory for the
//! store that all of them reach.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use adept_apple::{
    client::{KeepOutcome, Session, SharedSessionStore, StoreError, StoreFuture, StoreLookup},
    error::AppleErrorKind as Kind,
    secret::Secret,
};
use tokio::task::JoinSet;

use crate::client_server::{Reply, Seen, Server, token};

const ACCOUNT: &str = "/account";
const SESSION: &str = "/session";

#[derive(Default)]
struct MemoryStore {
    kept: Mutex<Row>,
    finds: AtomicUsize,
    keeps: AtomicUsize,
}

#[derive(Default)]
struct Row {
    session: Option<String>,
    revision: i64,
    is_claimed: bool,
    /// How often a claim is still found before it ends.
    claim_left: Option<usize>,
    is_gone: bool,
    is_broken: bool,
}

impl MemoryStore {
    fn answer<T: Send + 'static>(&self, work: impl FnOnce(&mut Row) -> T) -> StoreFuture<'_, T> {
        let mut row = self.kept.lock().unwrap();
        let answer =
            if row.is_broken { Err(StoreError("no database".to_owned())) } else { Ok(work(&mut row)) };
        Box::pin(async move {
            // As long as a real store takes at least.
            tokio::task::yield_now().await;
            answer
        })
    }

    fn set(&self, change: impl FnOnce(&mut Row)) {
        change(&mut self.kept.lock().unwrap());
    }

    fn session(&self) -> Option<String> {
        self.kept.lock().unwrap().session.clone()
    }

    fn counts(&self) -> (usize, usize) {
        (self.finds.load(Ordering::SeqCst), self.keeps.load(Ordering::SeqCst))
    }
}

impl SharedSessionStore for MemoryStore {
    fn key(&self) -> &str {
        "the only one"
    }

    fn find(&self, refused: i64) -> StoreFuture<'_, StoreLookup> {
        self.finds.fetch_add(1, Ordering::SeqCst);
        self.answer(|row| match &row.session {
            _ if row.is_gone => StoreLookup::TokenReplaced,
            Some(session) if row.revision > refused => {
                StoreLookup::Kept { session: Secret::new(session.clone()), revision: row.revision }
            }
            _ => {
                if let Some(left) = &mut row.claim_left {
                    *left -= 1;
                    row.is_claimed = *left > 0;
                }
                match std::mem::replace(&mut row.is_claimed, true) {
                    true => StoreLookup::Busy,
                    false => StoreLookup::Claimed { revision: row.revision },
                }
            }
        })
    }

    fn keep<'a>(&'a self, session: &'a Secret, revision: i64) -> StoreFuture<'a, KeepOutcome> {
        self.keeps.fetch_add(1, Ordering::SeqCst);
        let session = session.expose().to_owned();
        self.answer(move |row| match row.is_gone {
            true => KeepOutcome::TokenReplaced,
            false if row.revision != revision => KeepOutcome::Superseded,
            false => {
                (row.session, row.revision, row.is_claimed) = (Some(session), revision + 1, false);
                KeepOutcome::Kept
            }
        })
    }

    fn give_up(&self, revision: i64) -> StoreFuture<'_, ()> {
        self.answer(move |row| {
            if row.revision == revision {
                row.is_claimed = false;
            }
        })
    }
}

/// Another process: a client that shares nothing with the others but the store.
fn process(server: &Server, store: &Arc<MemoryStore>) -> Session {
    server.client().shared_session(token("a"), Arc::clone(store) as Arc<dyn SharedSessionStore>)
}

fn account_for(seen: &Seen, good: &[&str]) -> Reply {
    if good.contains(&seen.session()) { Reply::new(200, "{}") } else { Reply::new(401, "UNAUTHORIZED") }
}

#[tokio::test]
async fn a_restart_goes_on_with_the_session_that_was_kept() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let store = Arc::new(MemoryStore::default());
    for _ in 0..3 {
        let process = process(&server, &store);
        process.account().await.unwrap();
        process.account().await.unwrap();
    }
    assert_eq!(server.seen(SESSION).len(), 1);
    assert_eq!(store.counts(), (3, 1), "asked once by each process, written once");
}

#[tokio::test]
async fn many_processes_open_one_session() {
    for (before, revision) in [(None, 0), (Some("OLD"), 7)] {
        let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
        let store = Arc::new(MemoryStore::default());
        store.set(|row| (row.session, row.revision) = (before.map(str::to_owned), revision));
        let mut calls = JoinSet::new();
        for _ in 0..12 {
            let process = process(&server, &store);
            calls.spawn(async move {
                // Two callers in each process.
                let (first, second) = tokio::join!(process.account(), process.account());
                first.and(second)
            });
        }
        assert!(calls.join_all().await.iter().all(Result::is_ok), "{before:?}");
        assert_eq!(server.seen(SESSION).len(), 1, "{before:?}");
        assert_eq!(store.counts().1, 1, "{before:?}");
    }
}

#[tokio::test]
async fn a_rotated_session_is_kept_and_an_unchanged_one_is_not_written_again() {
    let server = Server::with_sessions(|seen| match seen.nth {
        2 => account_for(seen, &["S1"]).header("x-adm-auth-session", "R1"),
        nth if nth < 3 => account_for(seen, &["S1"]),
        _ => account_for(seen, &["R1"]),
    })
    .await;
    let store = Arc::new(MemoryStore::default());
    let first = process(&server, &store);
    for _ in 0..6 {
        first.account().await.unwrap();
    }
    assert_eq!((store.session().as_deref(), store.counts()), (Some("R1"), (1, 2)));
    process(&server, &store).account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn a_process_whose_session_was_rotated_away_by_another_finds_the_new_one() {
    let server = Server::with_sessions(|seen| match seen.nth {
        0 => account_for(seen, &["S1"]),
        1 => account_for(seen, &["S1"]).header("x-adm-auth-session", "R1"),
        _ => account_for(seen, &["R1"]),
    })
    .await;
    let store = Arc::new(MemoryStore::default());
    let (one, other) = (process(&server, &store), process(&server, &store));
    one.account().await.unwrap();
    other.account().await.unwrap();
    one.account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn a_kept_session_that_apple_refuses_is_replaced_by_one_request() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let store = Arc::new(MemoryStore::default());
    store.set(|row| (row.session, row.revision) = (Some("OLD".to_owned()), 4));
    process(&server, &store).account().await.unwrap();
    assert_eq!(server.paths(), [ACCOUNT, SESSION, ACCOUNT]);
    assert_eq!((store.session().as_deref(), store.kept.lock().unwrap().revision), (Some("S1"), 5));
}

#[tokio::test]
async fn the_claim_of_a_dead_process_holds_nobody_up_for_longer_than_it_lasts() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let store = Arc::new(MemoryStore::default());
    store.set(|row| (row.is_claimed, row.claim_left) = (true, Some(3)));
    process(&server, &store).account().await.unwrap();
    assert_eq!(store.counts().0, 3);
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn a_refused_renewal_gives_the_claim_back() {
    let server = Server::start(|_| Reply::new(403, "token_rejected")).await;
    let store = Arc::new(MemoryStore::default());
    for _ in 0..2 {
        let error = process(&server, &store).account().await.unwrap_err();
        assert_eq!(error.kind, Kind::TokenRejected);
    }
    assert!(!store.kept.lock().unwrap().is_claimed);
    assert_eq!(store.counts().1, 0);
}

#[tokio::test]
async fn a_place_that_does_not_answer_stops_no_call() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let store = Arc::new(MemoryStore::default());
    store.set(|row| row.is_broken = true);
    let process = process(&server, &store);
    process.account().await.unwrap();
    process.account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 1);
    store.set(|row| row.is_broken = false);
    process.account().await.unwrap();
    assert_eq!(store.session().as_deref(), Some("S1"), "shared as soon as that is possible");
}

#[tokio::test]
async fn a_verification_writes_nothing_and_what_it_opened_is_shared_by_the_first_call() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let (client, store) = (server.client(), Arc::new(MemoryStore::default()));
    let verification = client.session(token("a"));
    verification.authenticate().await.unwrap();
    verification.account().await.unwrap();
    assert_eq!(store.counts(), (0, 0));
    let stored = client.shared_session(token("a"), Arc::clone(&store) as Arc<dyn SharedSessionStore>);
    stored.account().await.unwrap();
    assert_eq!((store.session().as_deref(), store.counts()), (Some("S1"), (0, 1)));
    process(&server, &store).account().await.unwrap();
    assert_eq!(server.seen(SESSION).len(), 1);
}

#[tokio::test]
async fn the_place_of_a_replaced_token_is_not_asked_for_ever() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1"])).await;
    let store = Arc::new(MemoryStore::default());
    store.set(|row| row.is_gone = true);
    let process = process(&server, &store);
    for _ in 0..5 {
        process.account().await.unwrap();
    }
    assert_eq!((server.seen(SESSION).len(), store.counts()), (1, (1, 1)));
}

#[tokio::test]
async fn of_two_sessions_the_one_that_was_kept_first_stays() {
    let server = Server::with_sessions(|seen| account_for(seen, &["S1", "KEPT"])).await;
    let (client, store) = (server.client(), Arc::new(MemoryStore::default()));
    client.session(token("a")).authenticate().await.unwrap();
    store.set(|row| (row.session, row.revision) = (Some("KEPT".to_owned()), 1));
    let stored = client.shared_session(token("a"), Arc::clone(&store) as Arc<dyn SharedSessionStore>);
    stored.account().await.unwrap();
    stored.account().await.unwrap();
    let used: Vec<String> = server.seen(ACCOUNT).iter().map(|seen| seen.session().to_owned()).collect();
    assert_eq!(used, ["S1", "KEPT"]);
    assert_eq!(store.session().as_deref(), Some("KEPT"));
}
