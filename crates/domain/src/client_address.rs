//! Where a request came from, and who shares what an address may take.

use std::{fmt, net::IpAddr};

/// The address that a request came from: its peer's, or the one that a proxy of the operator names. One that came over IPv4 to
/// a socket for both is an IPv4 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Who counts as one where something is shared among addresses: an IPv4 address, or the /64 of an IPv6 address, of which one
/// machine has as many as it likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressShare(IpAddr);

/// The part of an IPv6 address that names its network.
const NETWORK: u128 = !(u64::MAX as u128);

impl AddressShare {
    /// The share of an address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => Self(IpAddr::V6((address.to_bits() & NETWORK).into())),
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

impl fmt::Display for AddressShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shares_with_those_of_its_own_machine_or_network() {
        for (address, share) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
            ("2001:db8:1:3::", "2001:db8:1:3::/64"),
            ("::1", "::/64"),
        ] {
            assert_eq!(AddressShare::of(address.parse().unwrap()).to_string(), share, "{address}");
        }
    }
}
