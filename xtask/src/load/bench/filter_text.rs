//! The largest filters that are read, and larger ones that are refused: the crate that reads them, called directly.

use std::hint::black_box;
use std::time::Instant;

use adept_odata::{IsOf, Kind, MAX_DEPTH, MAX_TERMS, MAX_TEXT, Schema, parse_filter};

use jiff::Timestamp;

use super::{Bench, Row, median, percentile};
use crate::Result;

/// Two properties, as a filter needs them.
struct Device;

impl Schema<&'static str> for Device {
    fn type_name(&self) -> &str {
        "microsoft.graph.importedAppleDeviceIdentity"
    }

    fn field(&self, path: &[&str]) -> Option<(&'static str, Kind)> {
        match path {
            ["serialNumber"] => Some(("serialNumber", Kind::String)),
            ["isDeleted"] => Some(("isDeleted", Kind::Boolean)),
            _ => None,
        }
    }

    fn is_of(&self, _path: &[&str], _type_name: &str) -> IsOf<&'static str> {
        IsOf::Unknown
    }
}

pub(super) fn measure(bench: &Bench) -> Result<Vec<Row>> {
    let times = bench.count(1000, 50);
    let largest = largest();
    let taken = judge(std::slice::from_ref(&largest), times, true)?;
    let refused = judge(&too_large(&largest), times, false)?;
    let row = |figure: String, [middle, ninety_nine]: [f64; 2]| Row {
        figure,
        target: "< 1 ms".to_owned(),
        measured: format!("{ninety_nine:.3} ms (median {middle:.3})"),
        reached: Some(ninety_nine < 1.0),
    };
    let size = largest.len();
    Ok(vec![
        row(format!("a filter of {size} bytes and depth {MAX_DEPTH} read: p99 of {times}"), taken),
        row(
            format!("longer, deeper or with more than {MAX_TERMS} terms refused: p99 of the slowest kind"),
            refused,
        ),
    ])
}

/// As long and as deep as a filter may be.
fn largest() -> String {
    // The function's argument is the deepest level.
    let mut text = "not (isDeleted eq true or ".repeat(MAX_DEPTH - 1);
    let close = ")".repeat(MAX_DEPTH - 1);
    text.push_str("contains(serialNumber,'abc')");
    let more = " and serialNumber ne 'C02ABCDEF'";
    while text.len() + close.len() + more.len() <= MAX_TEXT {
        text.push_str(more);
    }
    text.push_str(&" ".repeat(MAX_TEXT - close.len() - text.len()));
    text + &close
}

/// A step too far, and very far.
fn too_large(largest: &str) -> Vec<String> {
    let deeper = format!("({})", largest.replacen("not (isDeleted eq true or ", "((", 1) + ")");
    vec![
        format!("{largest} "),
        format!("{largest} or {}", "serialNumber eq 'a' or ".repeat(500_000)),
        "(".repeat(20_000_000),
        "(".repeat(MAX_TEXT),
        deeper,
        "not(".repeat(MAX_TEXT / 4),
        format!("serialNumber in ({}'1')", "'',".repeat(MAX_TERMS)),
    ]
}

/// Median and ninety-ninth of a hundred of the text that takes longest, in milliseconds.
fn judge(texts: &[String], times: usize, expected: bool) -> Result<[f64; 2]> {
    let mut slowest = [0.0; 2];
    for text in texts {
        let mut took = Vec::with_capacity(times);
        for _ in 0..times {
            let started = Instant::now();
            let read = parse_filter(black_box(text), &Device, Timestamp::UNIX_EPOCH).is_ok();
            took.push(started.elapsed().as_secs_f64() * 1000.0);
            if read != expected {
                let start: String = text.chars().take(40).collect();
                return Err(format!("A filter of {} bytes, {start}…, was read: {read}.", text.len()));
            }
        }
        let ninety_nine = percentile(&mut took, 99);
        if ninety_nine > slowest[1] {
            slowest = [median(&took), ninety_nine];
        }
    }
    Ok(slowest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_filter_is_read_and_none_that_is_larger() {
        let largest = largest();
        assert_eq!(largest.len(), MAX_TEXT);
        assert!(judge(std::slice::from_ref(&largest), 1, true).is_ok());
        assert!(judge(&too_large(&largest), 1, false).is_ok());
    }
}
