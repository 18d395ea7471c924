//! Tables and properties of what is believed.

use proptest::prelude::*;

use super::*;

/// Proxies at 10.0.0.0/8, 2001:db8:f::/48 and one single address.
fn proxies(header: ProxyHeader) -> TrustedProxies {
    let networks = ["10.0.0.0/8", "2001:db8:f::/48", "192.0.2.1/32"].map(|text| text.parse().unwrap());
    TrustedProxies::new(networks, header)
}

fn client(header: ProxyHeader, peer: &str, lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| line.as_bytes());
    proxies(header).client(peer.parse().unwrap(), lines).to_string()
}

#[test]
fn the_client_is_the_first_address_from_the_right_that_is_no_proxy() {
    for (peer, lines, expected) in [
        // Only a proxy is believed.
        ("198.51.100.9", &["203.0.113.5"][..], "198.51.100.9"),
        ("2001:db8:e::1", &["203.0.113.5"], "2001:db8:e::1"),
        ("10.1.2.3", &["203.0.113.5"], "203.0.113.5"),
        ("192.0.2.1", &["203.0.113.5"], "203.0.113.5"),
        ("192.0.2.2", &["203.0.113.5"], "192.0.2.2"),
        ("::ffff:10.1.2.3", &["203.0.113.5"], "203.0.113.5"),
        ("2001:db8:f::7", &["::ffff:203.0.113.5"], "203.0.113.5"),
        // Several proxies, several lines, blanks and empty elements.
        ("10.1.2.3", &["6.6.6.6, 203.0.113.5,10.9.9.9 ,\t2001:db8:f::2"], "203.0.113.5"),
        ("10.1.2.3", &["6.6.6.6", "203.0.113.5", "10.9.9.9"], "203.0.113.5"),
        ("10.1.2.3", &["203.0.113.5", "", " , ,"], "203.0.113.5"),
        ("10.1.2.3", &["10.4.4.4, 10.5.5.5"], "10.4.4.4"),
        ("10.1.2.3", &[], "10.1.2.3"),
        // Ports and brackets.
        ("10.1.2.3", &["203.0.113.5:4711"], "203.0.113.5"),
        ("10.1.2.3", &["[2001:db8:1::5]:4711"], "2001:db8:1::5"),
        ("10.1.2.3", &["[2001:db8:1::5]"], "2001:db8:1::5"),
        ("10.1.2.3", &["2001:db8:1::5"], "2001:db8:1::5"),
        // What is no address ends the search at the last proxy that is known.
        ("10.1.2.3", &["203.0.113.5, unknown"], "10.1.2.3"),
        ("10.1.2.3", &["203.0.113.5, unknown, 10.9.9.9"], "10.9.9.9"),
        ("10.1.2.3", &["203.0.113.5, 10.9.9.9:x"], "10.1.2.3"),
        ("10.1.2.3", &["203.0.113.5:65536"], "10.1.2.3"),
        ("10.1.2.3", &["203.0.113.5:+80"], "10.1.2.3"),
        ("10.1.2.3", &["203.0.113.05"], "10.1.2.3"),
        ("10.1.2.3", &["[203.0.113.5]"], "10.1.2.3"),
        ("10.1.2.3", &["[2001:db8:1::5"], "10.1.2.3"),
        ("10.1.2.3", &["fe80::1%eth0"], "10.1.2.3"),
        ("10.1.2.3", &["\"203.0.113.5\""], "10.1.2.3"),
        ("10.1.2.3", &["for=203.0.113.5"], "10.1.2.3"),
    ] {
        assert_eq!(client(ProxyHeader::XForwardedFor, peer, lines), expected, "{peer} {lines:?}");
    }
}

#[test]
fn elements_of_forwarded_are_read_with_quotes_brackets_ports_and_other_pairs() {
    for (lines, expected) in [
        (&["for=203.0.113.5"][..], "203.0.113.5"),
        (&["For=\"203.0.113.5:4711\";proto=https"], "203.0.113.5"),
        (&["proto=https; FOR=\"[2001:db8:1::5]:4711\" ;by=10.1.2.3"], "2001:db8:1::5"),
        (&["for=\"[2001:db8:1::5]\""], "2001:db8:1::5"),
        (&["for=\"[2001:db8:1::5]:_hidden\""], "2001:db8:1::5"),
        (&["for=6.6.6.6, for=203.0.113.5, for=10.9.9.9"], "203.0.113.5"),
        (&["for=6.6.6.6", "for=203.0.113.5;host=\"a,for=6.6.6.6;x\"", "for=10.9.9.9"], "203.0.113.5"),
        (&["for=203.0.113.5;host=\"a\\\", for=6.6.6.6\""], "203.0.113.5"),
        (&["for=203.0.113.5;host=\"a\\\\\", for=10.9.9.9"], "203.0.113.5"),
        (&["for=\"203\\.0.113.5\""], "203.0.113.5"),
        // A client that never closes its quote hides nothing.
        (&["for=\", for=203.0.113.5"], "203.0.113.5"),
        (&["for=\"\\", "for=\"[2001:db8:1::5]\""], "2001:db8:1::5"),
        // No address.
        (&["for=203.0.113.5, for=unknown"], "10.1.2.3"),
        (&["for=203.0.113.5, for=_gateway"], "10.1.2.3"),
        (&["for=203.0.113.5, proto=https"], "10.1.2.3"),
        (&["for=203.0.113.5;for=6.6.6.6"], "10.1.2.3"),
        (&["for=\"203.0.113.5"], "10.1.2.3"),
        (&["for=203.0.113.5\""], "10.1.2.3"),
        (&["203.0.113.5"], "10.1.2.3"),
        (&["for=\"[2001:db8:1::5]:_\""], "10.1.2.3"),
    ] {
        assert_eq!(client(ProxyHeader::Forwarded, "10.1.2.3", lines), expected, "{lines:?}");
    }
}

#[test]
fn without_a_trusted_proxy_nothing_is_believed() {
    let lines = ["203.0.113.5".as_bytes()];
    let peer = "::ffff:127.0.0.1".parse().unwrap();
    assert_eq!(TrustedProxies::default().client(peer, lines.into_iter()).to_string(), "127.0.0.1");
}

/// Parts of what clients and proxies write, joined at random.
fn written() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&str] = &[
        "\"",
        "\\",
        ",",
        ";",
        "=",
        "for=",
        "For=",
        " ",
        "[",
        "]",
        ":",
        "1",
        "10.0.0.1",
        "6.6.6.6",
        "2001:db8::6",
        "host=a",
        "unknown",
        "_x",
        "é",
    ];
    proptest::collection::vec(proptest::sample::select(PIECES), 0..20)
        .prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    /// Whatever a client sends in front, in the same line or in lines before, it stays who it is.
    #[test]
    fn what_a_client_writes_itself_never_makes_it_another(
        before in proptest::collection::vec(written(), 0..3),
        same_line in written(),
        address in any::<IpAddr>(),
        hops in 0..3,
    ) {
        for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
            let element = |address: IpAddr| match (header, address) {
                (ProxyHeader::XForwardedFor, _) => address.to_string(),
                (ProxyHeader::Forwarded, IpAddr::V4(_)) => format!("for={address};proto=https"),
                (ProxyHeader::Forwarded, IpAddr::V6(_)) => format!("for=\"[{address}]:1\";host=\"a\\\"\""),
            };
            let proxies = proxies(header);
            prop_assume!(!proxies.trusts(address));
            let mut line = same_line.clone();
            for address in [address].into_iter().chain((0..hops).map(|hop| IpAddr::from([10, 0, 0, hop as u8]))) {
                line.extend([b",".as_slice(), element(address).as_bytes()].concat());
            }
            let lines = before.iter().chain([&line]).map(Vec::as_slice);
            let proxy = "10.255.0.1".parse().unwrap();
            prop_assert_eq!(proxies.client(proxy, lines), address.to_canonical());
        }
    }

    #[test]
    fn a_peer_that_is_no_proxy_is_the_client_whatever_it_writes(lines in proptest::collection::vec(written(), 0..4)) {
        for header in [ProxyHeader::XForwardedFor, ProxyHeader::Forwarded] {
            let peer = "198.51.100.9".parse().unwrap();
            prop_assert_eq!(proxies(header).client(peer, lines.iter().map(Vec::as_slice)), peer);
        }
    }
}
