//! Takes connections in: on every worker from one shared listening socket, with a back-off when the system has no more to give.

use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::TcpStream;

use super::certificates::Certificate;
use super::transport::Transport;
use super::worker::Worker;
use crate::limits::{ACCEPT_PAUSE_MS_MAX, LISTEN_BACKLOG};

/// Opens a listening socket. Failing, it says which address.
pub(super) fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(LISTEN_BACKLOG)?;
    Ok(socket.into())
}

/// Accepts until the server goes down, and on the second listener, if there is one, over TLS. A worker that is busy accepts less:
/// whoever is free takes the next one.
pub(super) async fn accept(worker: Rc<Worker>, listener: tokio::net::TcpListener, tls: Option<tokio::net::TcpListener>) {
    let plain = take(&worker, listener, None);
    match (tls, worker.shared.certificates.wire.as_ref()) {
        (Some(tls), Some(certificate)) => {
            tokio::join!(plain, take(&worker, tls, Some(certificate)));
        }
        _ => plain.await,
    }
}

async fn take(worker: &Rc<Worker>, listener: tokio::net::TcpListener, certificate: Option<&Certificate>) {
    let mut pause_ms = 0;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause_ms = 0;
                admit(worker, stream, peer, certificate);
            }
            // Out of descriptors or memory: without a pause the same error would come at once, and burn the processor.
            Err(error) => {
                pause_ms = (pause_ms * 2).clamp(10, ACCEPT_PAUSE_MS_MAX);
                tracing::warn!(%error, pause_ms, "cannot accept; raise the limit of open files (ulimit -n)");
                metrics::counter!("chatroom_accept_errors_total").increment(1);
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        }
    }
}

fn admit(worker: &Rc<Worker>, stream: TcpStream, peer: SocketAddr, certificate: Option<&Certificate>) {
    metrics::counter!("chatroom_connections_accepted_total").increment(1);
    let address = peer.ip().to_canonical();
    if let Err(reason) = worker.shared.common.let_in(address) {
        tracing::debug!(%peer, reason, "connection refused");
        metrics::counter!("chatroom_connections_refused_total", "reason" => reason).increment(1);
        return;
    }
    let _ = stream.set_nodelay(true);
    let stream = match certificate {
        None => Ok(Transport::Plain(stream)),
        Some(certificate) => Transport::tls(stream, certificate.current()),
    };
    match stream {
        Ok(stream) => worker.adopt(stream, address),
        Err(error) => {
            tracing::error!(%error, "TLS cannot begin");
            worker.shared.common.turn_away(address);
        }
    }
}
