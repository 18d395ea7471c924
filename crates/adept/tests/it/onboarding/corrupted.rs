//! Corrupted tokens of every class, by the thousand: one answer, and no class that takes longer than another.
//!
//! `ADEPT_CORRUPTED_TOKENS=10000 cargo xtask test -p adept --test it corrupted --cargo-profile release --no-capture` opens so many and
//! compares the times, which an idle machine shows; every other run opens a few and compares the answers alone.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use adept::app::AppOptions;
use adept_apple::{
    certificate::Certificate,
    key_pair::PrivateKey,
    token::{SealedToken, TokenError},
};
use reqwest::Method;

use super::{Pair, pair, spliced::seen, upload};
use crate::support::{
    random::Random,
    sealed_file::SealedFile,
    test_app::{TestApp, app_options},
};

/// The most by which the medians of two classes may differ.
const APART: f64 = 0.05;

/// A class, and what makes one of it of a file as Apple writes it, or of one that holds the JSON alone.
type Class = (&'static str, fn(&SealedFile, &SealedFile, &mut Random) -> SealedFile);

const CLASSES: [Class; 11] = [
    ("RSA", |apple, _, random| apple.with_spoiled_key(random)),
    ("padding", |apple, _, _| apple.with_wrong_padding()),
    ("text", |apple, _, random| apple.damaged(1 + random.below(apple.blocks() as u64 - 3) as usize)),
    ("in front", |apple, _, random| spliced(apple, random, 0)),
    ("in the middle", |apple, _, random| spliced(apple, random, 1)),
    ("behind", |apple, _, random| spliced(apple, random, 2)),
    ("cut", |apple, _, random| {
        apple.without(1 + random.below(apple.blocks() as u64 - 2) as usize..apple.blocks())
    }),
    ("a block missing", |apple, _, random| {
        let index = 1 + random.below(apple.blocks() as u64 - 2) as usize;
        apple.without(index..index + 1)
    }),
    ("header field", |apple, _, _| apple.with_first_block_changed(b"Content-", b"Contend-")),
    ("frame", |_, bare, _| bare.with_first_block_changed(b"{", b"[")),
    ("JSON", |_, bare, _| bare.with_first_block_changed(b"{\"cons", b"{\"cont")),
];

fn spliced(apple: &SealedFile, random: &mut Random, way: usize) -> SealedFile {
    let index = random.below(apple.blocks() as u64) as usize;
    let chosen: Vec<_> = (0..apple.block).map(|_| random.below(256) as u8).collect();
    apple.spliced(&chosen, index)[way].clone()
}

/// A setting whose token is open by its own key, and two of its files.
struct Stolen {
    pair: Pair,
    certificate: Certificate,
    private_key: PrivateKey,
    apple: SealedFile,
    bare: SealedFile,
}

async fn stolen(test: &TestApp, cipher: &str) -> Stolen {
    let client = test.admin().await;
    let pair = pair(test, &client).await;
    let file = async |query: &str| {
        let path = format!("/servers/{}/token?cipher={cipher}{query}", pair.server);
        SealedFile::of(&test.portal.call(Method::POST, &path, String::new()).await)
    };
    let (bare, apple) = (file("&inner_headers=false&wrapper=false").await, file("").await);
    let key = adept::domain::SettingKey::new(test.storage.default_tenant(), pair.setting.parse().unwrap());
    let row = test.storage.key_pairs.list(key).await.unwrap().remove(0);
    let private_key = PrivateKey::from_pkcs8_der(&test.storage.key_pairs.open(key, &row).unwrap()).unwrap();
    let certificate = Certificate::from_der(&row.certificate).unwrap();
    assert!(SealedToken::read(bare.file().as_bytes()).unwrap().open(&certificate.id(), &private_key).is_ok());
    assert_eq!(upload(&client, &pair.setting, &apple.file()).await.status, 204);
    Stolen { pair, certificate, private_key, apple, bare }
}

impl Stolen {
    /// Opens a file without a service around. How long reading its bytes takes depends on nothing that is sealed.
    fn open(&self, file: &str) -> Duration {
        let (sealed, id) = (SealedToken::read(file.as_bytes()).unwrap(), self.certificate.id());
        let start = Instant::now();
        let opened = sealed.open(&id, &self.private_key);
        let took = start.elapsed();
        assert_eq!(opened.err(), Some(TokenError::Unreadable));
        took
    }
}

#[tokio::test]
async fn corrupted_tokens_of_every_class_are_one_answer() {
    let wanted = std::env::var("ADEPT_CORRUPTED_TOKENS").ok().map(|number| number.parse::<usize>().unwrap());
    let ciphers = ["aes-128-cbc", "des-ede3-cbc"];
    let rounds = wanted.unwrap_or(200).div_ceil(CLASSES.len() * ciphers.len() * 2);
    let test = TestApp::start_as(AppOptions { open_failures: 0, ..app_options() }).await;
    let client = test.admin().await;
    let mut random = Random::seeded();
    let mut answers = BTreeMap::new();
    for cipher in ciphers {
        let stolen = stolen(&test, cipher).await;
        let mut times = [(); 2].map(|()| CLASSES.map(|_| Vec::new()));
        for _ in 0..rounds {
            for (class, (name, make)) in CLASSES.iter().enumerate() {
                let mut file = || make(&stolen.apple, &stolen.bare, &mut random).file();
                times[0][class].push(stolen.open(&file()));
                let file = file();
                let start = Instant::now();
                let answer = upload(&client, &stolen.pair.setting, &file).await;
                times[1][class].push(start.elapsed());
                answers.entry(seen(&answer).to_string()).or_insert_with(Vec::new).push((cipher, *name));
            }
        }
        for (way, times) in ["opened", "uploaded"].into_iter().zip(times) {
            compare(&format!("{cipher}, {way}"), times, wanted.is_some());
        }
    }
    assert_eq!(answers.len(), 1, "{answers:#?}");
    assert!(answers.keys().all(|answer| answer.starts_with("[400,\"BadRequest\",")), "{answers:#?}");
}

/// Prints the median of each class, and compares them.
#[expect(clippy::print_stdout, reason = "the times are what a run by hand is for")]
fn compare(what: &str, times: [Vec<Duration>; CLASSES.len()], strictly: bool) {
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6
    });
    let (least, most) =
        medians.iter().fold((f64::MAX, 0.0), |(least, most), one| (one.min(least), one.max(most)));
    let apart = most / least - 1.0;
    println!("{what}: medians of the classes are {:.1} % apart", apart * 100.0);
    for ((name, _), median) in CLASSES.iter().zip(medians) {
        println!("  {name:16} {median:9.1} us");
    }
    assert!(!strictly || apart < APART, "{what}: the classes can be told apart by their times");
}
