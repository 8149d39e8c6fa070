//! What a connection goes over: a socket, or TLS over one.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
#[cfg(feature = "tls")]
use std::sync::Arc;

use tokio::net::TcpStream;

use crate::error::Code;

/// What a connection goes over.
#[cfg(feature = "tls")]
pub(super) type Stream = tokio_util::either::Either<TcpStream, Box<tokio_rustls::client::TlsStream<TcpStream>>>;
/// What a connection goes over.
#[cfg(not(feature = "tls"))]
pub(super) type Stream = TcpStream;

/// How to speak TLS; used for all connections of a client, for it also keeps what makes the next handshake shorter.
#[cfg(feature = "tls")]
pub(crate) type Secure = Arc<rustls::ClientConfig>;
/// How to speak TLS: not at all.
#[cfg(not(feature = "tls"))]
pub(crate) type Secure = std::convert::Infallible;

/// Whose certificates are good at `tls://` addresses. The host's name, or its number, is checked against the certificate in any case.
#[derive(Clone, Default)]
pub enum Trust {
    /// Those the system trusts; where it says nothing, as on Android and iOS, those Mozilla trusts.
    #[default]
    System,
    /// Those the certificates in this PEM file vouch for, and no others. Read at the first connection.
    File(PathBuf),
    /// As this configuration says, its cryptography included. It should name the protocol `chatroom/1` (ALPN).
    #[cfg(feature = "tls")]
    Config(Arc<rustls::ClientConfig>),
}

impl std::fmt::Debug for Trust {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trust::System => write!(f, "System"),
            Trust::File(path) => f.debug_tuple("File").field(path).finish(),
            #[cfg(feature = "tls")]
            Trust::Config(_) => write!(f, "Config(…)"),
        }
    }
}

impl Trust {
    /// How to speak TLS. Reads files.
    #[cfg(feature = "tls")]
    pub(crate) fn secure(&self) -> io::Result<Secure> {
        use crate::tls::{Anchors, WIRE_ALPN, client_config};
        let anchors = match self {
            Trust::System => Anchors::System,
            Trust::File(path) => Anchors::File(path),
            Trust::Config(config) => return Ok(config.clone()),
        };
        client_config(anchors, &[WIRE_ALPN]).map(Arc::new).map_err(|reason| io::Error::new(io::ErrorKind::InvalidInput, reason))
    }

    /// How to speak TLS: not at all.
    #[cfg(not(feature = "tls"))]
    pub(crate) fn secure(&self) -> io::Result<Secure> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this library is built without TLS (feature `tls`)"))
    }
}

/// Takes an address apart: whether it asks for TLS, host and port together, and the host alone.
pub(crate) fn parse(address: &str) -> Option<(bool, &str, &str)> {
    let (is_tls, place) = match address.strip_prefix("tls://") {
        Some(place) => (true, place),
        None => (false, address),
    };
    let (host, port) = place.rsplit_once(':')?;
    // A number of version 6 stands in brackets before a port, and without them in a certificate.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    (!host.is_empty() && !host.contains('/') && port.parse::<u16>().is_ok()).then_some((is_tls, place, host))
}

/// Why there is no transport to an address: a code, and words without the address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal {
    pub code: Code,
    pub text: String,
}

impl Refusal {
    /// 415: what may be otherwise the next time.
    pub fn no_server(text: impl Into<String>) -> Refusal {
        Refusal { code: Code::NoServer, text: text.into() }
    }

    /// 509: something answers, and it is no chatroomd.
    #[cfg(feature = "tls")]
    fn not_ours(text: impl Into<String>) -> Refusal {
        Refusal { code: Code::InvalidProtocol, text: text.into() }
    }
}

/// Connects to what an address of the list stands for, over TLS if the address says so; then `secure` must say how.
pub(super) async fn open(address: &str, stands_for: SocketAddr, secure: Option<Secure>) -> Result<Stream, Refusal> {
    let unfit = || Refusal::no_server("the address must be host:port or tls://host:port");
    let (is_tls, _, host) = parse(address).ok_or_else(unfit)?;
    let stream = TcpStream::connect(stands_for).await.map_err(|error| Refusal::no_server(error.to_string()))?;
    // Without it, small frames wait for acknowledgements of earlier ones; where it fails, they do.
    let _ = stream.set_nodelay(true);
    match secure {
        Some(secure) if is_tls => shake_hands(stream, secure, host).await,
        None if is_tls => Err(unfit()),
        _ => Ok(plain(stream)),
    }
}

#[cfg(feature = "tls")]
fn plain(stream: TcpStream) -> Stream {
    tokio_util::either::Either::Left(stream)
}

#[cfg(not(feature = "tls"))]
fn plain(stream: TcpStream) -> Stream {
    stream
}

#[cfg(feature = "tls")]
async fn shake_hands(stream: TcpStream, secure: Secure, host: &str) -> Result<Stream, Refusal> {
    let name = rustls::pki_types::ServerName::try_from(host.to_owned());
    let name = name.map_err(|_| Refusal::no_server("a certificate cannot be for such a name"))?;
    let stream = tokio_rustls::TlsConnector::from(secure).connect(name, stream).await.map_err(|error| explain(&error))?;
    Ok(tokio_util::either::Either::Right(Box::new(stream)))
}

/// A handshake that failed, in words that say what to look at.
#[cfg(feature = "tls")]
fn explain(error: &io::Error) -> Refusal {
    use rustls::{AlertDescription, Error};
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(why)) => {
            Refusal::no_server(format!("its certificate is not good here: {why:?}: {error}; the CA file says which ones are"))
        }
        Some(Error::AlertReceived(AlertDescription::NoApplicationProtocol) | Error::NoApplicationProtocol) => {
            Refusal::not_ours("what answers there speaks TLS, and not chatroomd's protocol (ALPN chatroom/1)")
        }
        Some(Error::InvalidMessage(_)) => Refusal::not_ours(format!(
            "what answers there does not speak TLS ({error}): leave tls:// out, or name the port of the TLS listener"
        )),
        _ if matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset) => Refusal::no_server(
            format!("it accepted the connection and closed it in the TLS handshake ({error}): does it speak TLS at that port?"),
        ),
        _ => Refusal::no_server(format!("the TLS handshake failed: {error}")),
    }
}

#[cfg(not(feature = "tls"))]
async fn shake_hands(_: TcpStream, secure: Secure, _: &str) -> Result<Stream, Refusal> {
    match secure {}
}

/// Names the service that sent these first bytes in place of chatroomd, and says what to do about it.
pub(super) fn foreign(first: &[u8]) -> &'static str {
    match first {
        [b'H', b'T', b'T', b'P', ..] => {
            "what answers there speaks HTTP: is it the port of chatroomd's HTTP API? Its ready line names the one for clients: wire=…"
        }
        [0x15 | 0x16, 0x03, ..] => "what answers there speaks TLS: write tls:// before the address",
        [b'S', b'S', b'H', b'-', ..] => "what answers there is an SSH server",
        _ => "what answers there is not chatroomd, or not its port for clients",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(parse("chat.example.com:7400"), Some((false, "chat.example.com:7400", "chat.example.com")));
        assert_eq!(parse("tls://chat.example.com:7443"), Some((true, "chat.example.com:7443", "chat.example.com")));
        assert_eq!(parse("tls://[::1]:7443"), Some((true, "[::1]:7443", "::1")));
        for (first, word) in
            [(&b"HTTP/1.1 400"[..], "HTTP"), (&[0x15, 3, 3], "tls://"), (b"SSH-2", "SSH"), (b"x", "not chatroomd")]
        {
            assert!(foreign(first).contains(word), "{first:?}");
        }
        for wrong in ["", "host", "tls://host", ":1", "tls://:1", "host:port", "http://host:80", "host:70000"] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
