//! A network in the configuration: an address, or a prefix as in `10.0.0.0/8`.

use ipnet::IpNet;
use serde::Deserialize;

/// An IPv4 or IPv6 network; an address alone is a network of one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Network(pub IpNet);

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Network, String> {
        text.parse()
    }
}

impl std::str::FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let address = |text: &str| text.parse().ok().map(|address: std::net::IpAddr| IpNet::from(address.to_canonical()));
        let network =
            address(text).or_else(|| text.parse::<IpNet>().ok().filter(|network| network.addr() == network.network()));
        network.map(Network).ok_or_else(|| {
            format!("'{text}' is no network: write an address, or a prefix with nothing behind it, as in 10.0.0.0/8")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_network_of_one_and_a_prefix_has_nothing_behind_it() {
        let network = |text: &str| text.parse::<Network>().map(|network| network.0.to_string());
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1/32"),
            ("::ffff:192.0.2.1", "192.0.2.1/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("2001:db8::/32", "2001:db8::/32"),
            ("::1", "::1/128"),
            ("0.0.0.0/0", "0.0.0.0/0"),
        ] {
            assert_eq!(network(text).as_deref(), Ok(expected));
        }
        for text in ["", "10.0.0.1/8", "10.0.0.0/33", "10.0.0", "localhost", "10.0.0.0/", "10.0.0.0 "] {
            assert!(network(text).is_err(), "{text}");
        }
    }
}
