//! The HTTP listener: plain, or over TLS when the configuration has a certificate for it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::node::Node;
use super::shared::Shared;
use super::transport::count_handshake;
use crate::limits::{ACCEPT_PAUSE_MS_MAX, HTTPS_HANDSHAKE_MS, HTTPS_HANDSHAKES_MAX};

impl Node {
    /// Serves HTTP on a listener, over TLS if the configuration has `http.certificate`. Does not end by itself.
    pub fn serve_http(&self, listener: TcpListener, routes: Router) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let shared = self.shared.clone();
        async move {
            if shared.certificates.http.is_none() {
                return axum::serve(listener, routes).await;
            }
            axum::serve(TlsListener { listener, shared, handshakes: JoinSet::new() }, routes).await
        }
    }
}

type Shaken = Option<(TlsStream<TcpStream>, SocketAddr)>;

/// Accepts connections and shakes hands with several at once: who is slow at it holds up nobody else.
struct TlsListener {
    listener: TcpListener,
    shared: Arc<Shared>,
    handshakes: JoinSet<Shaken>,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            tokio::select! {
                Some(shaken) = self.handshakes.join_next() => if let Ok(Some(shaken)) = shaken {
                    return shaken;
                },
                accepted = self.listener.accept(), if self.handshakes.len() < HTTPS_HANDSHAKES_MAX => match accepted {
                    Ok((stream, peer)) => self.begin(stream, peer),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept HTTP; raise the limit of open files (ulimit -n)");
                        sleep(Duration::from_millis(ACCEPT_PAUSE_MS_MAX)).await;
                    }
                },
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

impl TlsListener {
    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        // There is one: the listener was made for it.
        let Some(certificate) = &self.shared.certificates.http else { return };
        let acceptor = TlsAcceptor::from(certificate.current());
        self.handshakes.spawn(async move {
            let why = match timeout(Duration::from_millis(HTTPS_HANDSHAKE_MS), acceptor.accept(stream)).await {
                Ok(Ok(stream)) => {
                    count_handshake("http", "done");
                    return Some((stream, peer));
                }
                Ok(Err(error)) => error.to_string(),
                Err(_) => "it took too long".to_owned(),
            };
            tracing::debug!(%peer, why, "no TLS over HTTP");
            count_handshake("http", "failed");
            None
        });
    }
}
