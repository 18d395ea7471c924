//! How much of an open token is RSA: whole opens per second over bare RSA decryptions per second, in one thread.

use std::hint::black_box;
use std::time::{Duration, Instant};

use adept_apple::key_pair::{KeyPair, PrivateKey};
use adept_apple::token::SealedToken;
use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::{Bench, Row, median, range, thousands};
use crate::Result;
use crate::apple::Apple;
use crate::machine;

/// Short enough that a machine whose speed drifts treats both sides alike.
const SLICE: Duration = Duration::from_millis(50);

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let apple = Apple::start(&bench.bed)?;
    let mut portal = apple.portal();
    let pair = KeyPair::generate("load", machine::now()).map_err(|error| error.to_string())?;
    let server = portal.register(&pair.certificate.pem())?;
    let file = portal.issue(&server, None)?;
    drop(apple);

    let key = PrivateKey::from_pkcs8_der(&pair.pkcs8).map_err(|error| error.to_string())?;
    let certificate = pair.certificate.id();
    let open = || -> Result {
        let sealed = SealedToken::read(black_box(&file)).map_err(|error| error.to_string())?;
        black_box(sealed.open(&certificate, &key).map_err(|error| error.to_string())?);
        Ok(())
    };
    let bare = PrivateDecryptingKey::from_pkcs8(&pair.pkcs8).map_err(|error| error.to_string())?;
    let bare = Pkcs1PrivateDecryptingKey::new(bare).map_err(|error| error.to_string())?;
    let sealed_key = sealed_key(&file)?;
    let mut plain = [0; 256];
    let mut decrypt = || -> Result {
        let opened = bare.decrypt(black_box(&sealed_key), &mut plain);
        black_box(opened.map_err(|_| "The sealed content key was not found in the token.")?);
        Ok(())
    };

    // The first slices warm caches and the processor.
    slice(open)?;
    slice(&mut decrypt)?;
    let (mut opens, mut decryptions, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.count(200, 20) {
        let (whole, rsa) = (slice(open)?, slice(&mut decrypt)?);
        opens.push(whole);
        decryptions.push(rsa);
        ratios.push(whole / rsa);
    }
    let ratio = median(&ratios);
    Ok(vec![Row {
        figure:
            "token file in → `ServerToken` out per second on one core, over RSA-2048 decryptions per second"
                .to_owned(),
        target: "≥ 0.85".to_owned(),
        measured: format!(
            "{ratio:.3} ({} opens/s, {} RSA/s; medians of {} slices of 50 ms each, half of all ratios {})",
            thousands(median(&opens)),
            thousands(median(&decryptions)),
            ratios.len(),
            range(middle_half(&mut ratios), 3)
        ),
        reached: Some(ratio >= 0.85),
    }])
}

/// How often `work` is done per second.
fn slice(mut work: impl FnMut() -> Result) -> Result<f64> {
    let started = Instant::now();
    let mut count = 0u32;
    loop {
        work()?;
        count += 1;
        let elapsed = started.elapsed();
        if elapsed >= SLICE {
            return Ok(f64::from(count) / elapsed.as_secs_f64());
        }
    }
}

fn middle_half(values: &mut [f64]) -> &[f64] {
    values.sort_by(f64::total_cmp);
    let quarter = values.len() / 4;
    &values[quarter..values.len() - quarter]
}

/// The content key as RSA sealed it: the only string of 256 bytes (`04 82 01 00`) in the message.
fn sealed_key(file: &[u8]) -> Result<Vec<u8>> {
    let text = String::from_utf8_lossy(file).replace('\r', "");
    let (_, body) = text.split_once("\n\n").ok_or("The token has no body.")?;
    let bytes = BASE64_STANDARD
        .decode(body.split_whitespace().collect::<String>())
        .map_err(|error| format!("The token's body is not base64: {error}."))?;
    let start = bytes
        .windows(4)
        .position(|window| window == [0x04, 0x82, 0x01, 0x00])
        .ok_or("The token holds no key sealed with RSA-2048.")?;
    bytes.get(start + 4..start + 260).map(<[u8]>::to_vec).ok_or_else(|| "The token ends too soon.".into())
}
