//! What must hold of any forwarding header, said as assertions: a fuzz target calls it, and the test that replays its seeds.
//! The service itself does not.

use std::net::{IpAddr, Ipv4Addr};

use super::forwarded::{ProxyHeader, TrustedProxies};

/// Lines of such a header, the first one naming it, from a proxy that appends the address of the client that sent them. Whatever
/// they say, the client is who it is; true when they alone name one.
pub fn forwarded(input: &[u8]) -> bool {
    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 9));
    const PROXY: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let mut lines = input.split(|byte| *byte == b'\n');
    let named = lines.next().unwrap_or_default();
    let header = if named.eq_ignore_ascii_case(b"forwarded") {
        ProxyHeader::Forwarded
    } else {
        ProxyHeader::XForwardedFor
    };
    let element: &[u8] = match header {
        ProxyHeader::XForwardedFor => b", 198.51.100.9, 10.0.0.2",
        ProxyHeader::Forwarded => b", for=198.51.100.9;host=\"a\\\"\", for=\"10.0.0.2:80\"",
    };
    let proxies = TrustedProxies::new("10.0.0.0/8".parse(), header);
    let lines: Vec<&[u8]> = lines.collect();
    let found = proxies.client(PROXY, lines.iter().copied());
    assert_eq!(proxies.client(CLIENT, lines.iter().copied()), CLIENT);
    let appended = lines.iter().copied().chain([&element[2..]]);
    assert_eq!(proxies.client(PROXY, appended), CLIENT);
    let appended_to_the_line = [lines.join(&b','), element.to_vec()].concat();
    assert_eq!(proxies.client(PROXY, [appended_to_the_line.as_slice()].into_iter()), CLIENT);
    !proxies.trusts(found)
}
