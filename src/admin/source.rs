//! Where a call comes from: the peer of its connection or, where that is a proxy the operator trusts, whom the proxy names.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

use crate::limits;

/// The two ends of a connection; the listener puts them beside each request.
#[derive(Clone, Copy)]
pub(super) struct Ends {
    /// The peer's address.
    pub(super) peer: IpAddr,
    /// The address of this machine at which the connection was accepted.
    pub(super) local: IpAddr,
}

/// Proxies that are believed.
pub(super) struct Proxies(pub(super) Vec<IpNet>);

impl Proxies {
    /// The address a call comes from. Of `X-Forwarded-For` the last address counts that is no trusted proxy's: whatever stands
    /// before it is the caller's own claim. Where the header breaks off or is garbled, the last proxy stands for the caller.
    pub(super) fn source(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut source = peer.to_canonical();
        if !self.trusts(source) {
            return source;
        }
        let values = headers.get_all("X-Forwarded-For");
        let texts = values.iter().rev().flat_map(|value| value.to_str().unwrap_or("garbled").rsplit(','));
        for text in texts.take(limits::FORWARDED_ADDRESSES_MAX) {
            let Some(address) = address(text.trim()) else { return source };
            source = address.to_canonical();
            if !self.trusts(source) {
                return source;
            }
        }
        source
    }

    pub(super) fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What a proxy writes down: an address, one in brackets, or either with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    text.parse::<SocketAddr>().map(|address| address.ip()).or_else(|_| bare().parse()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(peer: &str, forwarded: &[&str]) -> String {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        proxies.source(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_the_word_of_a_trusted_proxy_counts_and_of_it_the_last_stranger() {
        assert_eq!(source("192.0.2.1", &["198.51.100.1"]), "192.0.2.1");
        assert_eq!(source("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(source("::ffff:10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(source("10.0.0.1", &["203.0.113.9, 198.51.100.1,10.0.0.2"]), "198.51.100.1");
        assert_eq!(source("10.0.0.1", &["203.0.113.9", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(source("::1", &["2001:db8::1"]), "2001:db8::1");
        assert_eq!(source("::1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(source("::1", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(source("10.0.0.1", &["203.0.113.7:51234"]), "203.0.113.7");
        assert_eq!(source("10.0.0.1", &["203.0.113.9, unknown"]), "10.0.0.1");
        assert_eq!(source("10.0.0.1", &["203.0.113.9, unknown, 10.0.0.7"]), "10.0.0.7");
    }
}
