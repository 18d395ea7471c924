//! Who has a copy of a token and no key learns nothing by having altered copies opened: CBC protects no text from changes,
//! so every one of them must be refused alike.

use adept_apple::token::TokenError;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::support::encoding::Text;
use super::support::seal::{
    CIPHERS, Cipher, Parts, Shape, Transport, assemble, encrypt, encrypt_key, parts, random,
};
use super::support::splice::{SplicePoint, insert, splice};
use super::support::{JSON, KEY, open, token};

fn shape(cipher: Cipher) -> Shape {
    Shape { cipher, ..Shape::DER }
}

fn sealed(cipher: Cipher) -> Parts {
    parts(&Text::APPLE.of(JSON), &shape(cipher), &KEY)
}

fn assert_refused(parts: &Parts, cipher: Cipher, what: &dyn std::fmt::Debug) {
    let refusal = open(&assemble(parts, &shape(cipher))).err();
    assert_eq!(refusal, Some(TokenError::Unreadable), "{what:?}");
}

#[test]
fn a_stolen_block_is_read_nowhere_beside_the_whole_token() {
    for cipher in CIPHERS {
        let original = sealed(cipher);
        assert!(open(&assemble(&original, &shape(cipher))).is_ok());
        for point in SplicePoint::ALL {
            for stolen in 0..original.content.len() / cipher.block_len() {
                let mut parts = original.clone();
                splice(&mut parts, cipher, point, stolen);
                assert_refused(&parts, cipher, &(cipher, point, stolen));
            }
        }
    }
}

/// The best guess of all: under the thief's block the stolen one reads as blanks, which may stand there.
#[test]
fn a_right_guess_is_refused_like_a_wrong_one() {
    let text = Text::APPLE.of(JSON);
    for cipher in CIPHERS {
        let block = cipher.block_len();
        for stolen in 1..text.len() / block {
            let mut parts = sealed(cipher);
            let at = |index: usize| index * block..(index + 1) * block;
            let guess: Vec<u8> = (parts.content[at(stolen - 1)].iter())
                .zip(&text[at(stolen)])
                .map(|(before, byte)| before ^ byte ^ b' ')
                .collect();
            let copy = parts.content[at(stolen)].to_vec();
            let (iv, content) = (parts.iv.clone(), parts.content.clone());
            for original in [vec![], iv] {
                parts.iv = guess.clone();
                parts.content = [&copy, &original, &content[..]].concat();
                assert_refused(&parts, cipher, &(cipher, stolen, original.len()));
            }
        }
    }
}

/// A member that nobody reads would be a place for anything. One is made of blocks of the token itself: `"access_to`, then
/// what comes out where two blocks meet, then `secret":"…",` and all that follows it. It is tried with one that is printable.
#[test]
fn blocks_that_make_an_ignored_member_of_the_token_are_refused() {
    let cipher = Cipher::TripleDes;
    let fill = 15 - JSON.find("consumer_secret").unwrap() % 8;
    let mut text =
        JSON.replace("\"consumer_secret", &format!("{}\"consumer_secret", " ".repeat(fill))).into_bytes();
    text.extend(vec![8 - (text.len() % 8) as u8; 8 - text.len() % 8]);
    let find = |name: &[u8]| text.windows(name.len()).position(|part| part == name).unwrap();
    let to = (find(b"access_token\"") + 1).next_multiple_of(8);
    let from = (find(b"consumer_secret\"") + 1).next_multiple_of(8);
    assert_eq!(&text[from..from + 14], b"onsumer_secret");
    let (key, iv, content) = loop {
        let (key, mut content) = (random(cipher.key_len()), text.clone());
        let iv = encrypt(cipher, &key, &mut content);
        let garbled = (0..8).map(|at| text[from + at] ^ content[from - 8 + at] ^ content[to - 8 + at]);
        if garbled.into_iter().all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\') {
            break (key, iv, content);
        }
    };
    let mut parts = sealed(cipher);
    (parts.iv, parts.encrypted_key) = (iv, encrypt_key(Transport::Pkcs1, &KEY, &key));
    parts.content = content.clone();
    assert!(open(&assemble(&parts, &shape(cipher))).is_ok());
    parts.content = [&content[..to], &content[from..]].concat();
    assert_refused(&parts, cipher, &"an ignored member");
}

/// One change of a message's blocks.
#[derive(Debug, Clone)]
enum Change {
    Copy(Index, Index),
    Move(Index, Index),
    Drop(Index),
    New(Index),
    Flip(Index, u8),
    Cut(Index),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let change = prop_oneof![
        any::<(Index, Index)>().prop_map(|(from, to)| Change::Copy(from, to)),
        any::<(Index, Index)>().prop_map(|(from, to)| Change::Move(from, to)),
        any::<Index>().prop_map(Change::Drop),
        any::<Index>().prop_map(Change::New),
        (any::<Index>(), 1..=255_u8).prop_map(|(at, bits)| Change::Flip(at, bits)),
        any::<Index>().prop_map(Change::Cut),
    ];
    prop::collection::vec(change, 1..5)
}

fn change(parts: &mut Parts, block: usize, change: &Change) {
    let blocks = parts.content.len() / block;
    let start = |index: &Index| index.index(blocks) * block;
    match change {
        Change::Copy(from, to) => {
            let copy = parts.content[start(from)..start(from) + block].to_vec();
            insert(parts, start(to), &copy);
        }
        Change::Move(from, to) => {
            let (from, to) = (start(from), start(to));
            let moved: Vec<u8> = parts.content.drain(from..from + block).collect();
            insert(parts, to.min(parts.content.len()), &moved);
        }
        Change::Drop(at) if blocks > 1 => drop(parts.content.drain(start(at)..start(at) + block)),
        Change::New(at) => insert(parts, start(at), &random(block)),
        Change::Flip(at, bits) => {
            let at = at.index(parts.content.len());
            parts.content[at] ^= bits;
        }
        Change::Cut(at) if start(at) > 0 => parts.content.truncate(start(at)),
        Change::Drop(_) | Change::Cut(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_is_done_to_the_blocks_of_a_token_it_is_the_token_or_refused(
        cipher in select(&CIPHERS[..]),
        changes in changes(),
    ) {
        let original = sealed(cipher);
        let mut parts = original.clone();
        for one in &changes {
            change(&mut parts, cipher.block_len(), one);
        }
        match open(&assemble(&parts, &shape(cipher))) {
            Ok(opened) => prop_assert!(parts.content == original.content && opened == token()),
            Err(refusal) => prop_assert_eq!(refusal, TokenError::Unreadable),
        }
    }
}
