//! Which connection makes room for a new one when all places are taken. Pure.

use std::{cmp::Reverse, collections::HashMap, time::Duration};

use crate::domain::AddressShare;

/// An open connection, as far as that decision sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Held {
    pub(super) number: u64,
    /// Whose it is; none of a trusted proxy's, which speaks for many and is never closed for others.
    pub(super) share: Option<AddressShare>,
    /// Whether a request on it had a good bearer token.
    pub(super) has_good_bearer: bool,
    /// Whether a request on it is not answered yet.
    pub(super) is_busy: bool,
    /// Since when nothing was asked or answered on it.
    pub(super) idle: Duration,
}

/// The connection to close for a newcomer, which counts already: the idlest of the address that holds most, those without a
/// good bearer token first. None when the newcomer itself has to go.
pub(super) fn displaced(held: &[Held], newcomer: Option<AddressShare>) -> Option<u64> {
    let mut counts = HashMap::<AddressShare, usize>::new();
    for share in held.iter().filter_map(|held| held.share).chain(newcomer) {
        *counts.entry(share).or_default() += 1;
    }
    let most = counts.values().max().copied();
    let of_those =
        held.iter().filter(|held| held.share.and_then(|share| counts.get(&share).copied()) == most);
    let of_those = of_those.filter(|held| held.share.is_some());
    let idlest = of_those.min_by_key(|held| (held.has_good_bearer, held.is_busy, Reverse(held.idle)))?;
    // No address interrupts its own good work.
    let is_own_work = idlest.has_good_bearer && idlest.is_busy && idlest.share == newcomer;
    (!is_own_work).then_some(idlest.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(of: &str) -> Option<AddressShare> {
        (of != "proxy").then(|| AddressShare::of(of.parse().unwrap()))
    }

    /// Connections in the order of their numbers: address, then `+` for a good bearer and `!` for a request under way, then
    /// seconds of idleness.
    fn table(rows: &[(&str, &str, u64)]) -> Vec<Held> {
        let held = |(number, (of, marks, idle)): (usize, &(&str, &str, u64))| Held {
            number: number as u64,
            share: share(of),
            has_good_bearer: marks.contains('+'),
            is_busy: marks.contains('!'),
            idle: Duration::from_secs(*idle),
        };
        rows.iter().enumerate().map(held).collect()
    }

    #[test]
    fn the_idlest_of_the_address_that_holds_most_goes() {
        const A: &str = "192.0.2.1";
        const B: &str = "192.0.2.2";
        const C: &str = "192.0.2.3";
        for (what, rows, newcomer, expected) in [
            ("the one that holds most", &[(A, "", 1), (A, "", 2), (B, "", 9)][..], C, Some(1)),
            ("also when it is the newcomer's", &[(A, "", 1), (A, "", 2), (B, "", 9)], A, Some(1)),
            ("the newcomer counts", &[(A, "", 5), (B, "", 9)], A, Some(0)),
            ("of equals the idlest of all", &[(A, "", 5), (B, "", 9)], C, Some(1)),
            ("none with a good bearer first", &[(A, "+", 9), (A, "", 1), (B, "", 99)], C, Some(1)),
            ("busy without one before idle with one", &[(A, "+", 9), (A, "!", 0)], C, Some(1)),
            ("idle before busy", &[(A, "!", 9), (A, "", 1)], C, Some(1)),
            ("idle with one before busy with one", &[(A, "+!", 9), (A, "+", 1)], C, Some(1)),
            ("good work too, for another address", &[(A, "+!", 3), (A, "+!", 4)], B, Some(1)),
            ("but not for its own", &[(A, "+!", 3), (A, "+!", 4)], A, None),
            ("its own that is no good work", &[(A, "!", 3), (A, "+!", 4)], A, Some(0)),
            ("not a proxy's", &[("proxy", "", 9), ("proxy", "", 9), (A, "", 1)], B, Some(2)),
            ("also not for a proxy", &[("proxy", "", 9), ("proxy", "", 9), (A, "", 1)], "proxy", Some(2)),
            ("only proxies", &[("proxy", "", 9), ("proxy", "", 9)], A, None),
            ("only proxies, for one", &[("proxy", "", 9)], "proxy", None),
            ("nobody", &[], A, None),
            ("a network is one", &[("2001:db8::1", "", 1), ("2001:db8::2", "", 2), (A, "", 9)], B, Some(1)),
            (
                "another network is not",
                &[("2001:db8::1", "", 1), ("2001:db8:0:1::2", "", 2), (A, "", 9)],
                B,
                Some(2),
            ),
            ("IPv4 over either socket", &[("::ffff:192.0.2.1", "", 1), (A, "", 2), (B, "", 9)], C, Some(1)),
        ] {
            assert_eq!(displaced(&table(rows), share(newcomer)), expected, "{what}");
        }
    }
}
