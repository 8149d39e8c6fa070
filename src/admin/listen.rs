//! The HTTP listener: a thread of its own that gives way to those of the wire protocol, with a bound on connections and times
//! within which callers must speak.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::call::elapsed_ms;
use super::head;
use super::source::{Ends, Proxies};
use super::strangers::Strangers;
use super::{Admin, Rooms};
use crate::limits::{self, ACCEPT_PAUSE_MS_MAX, BLOCKING_THREADS_MAX, HTTP_FAILURE_PAUSE_MS, HTTP_HEAD_BYTES_MAX};
use crate::server::{ConnectionGate, give_way};

/// A running HTTP listener.
pub struct Serving {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Serving {
    /// Serves the API on a listener, on a thread of its own.
    pub fn start<R: Rooms>(listener: std::net::TcpListener, admin: Admin<R>) -> io::Result<Serving> {
        Serving::start_over(listener, admin, |stream| std::future::ready(Some(stream)))
    }

    /// As [`Serving::start`], over whatever `shake` makes of a connection; nothing, if that came to nothing. How long it may take is its
    /// own business; meanwhile the connection has its place.
    pub fn start_over<R, S, F>(
        listener: std::net::TcpListener,
        admin: Admin<R>,
        shake: impl Fn(TcpStream) -> F + Send + 'static,
    ) -> io::Result<Serving>
    where
        R: Rooms,
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        F: Future<Output = Option<S>> + Send + 'static,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS_MAX)
            .thread_name("http-disk")
            .build()?;
        let listener = {
            let _guard = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("http".to_owned()).spawn(move || {
            give_way();
            runtime.block_on(async {
                tokio::select! {
                    () = accept(listener, Doors::new(admin), shake) => {}
                    _ = stopped => {}
                }
            });
            // A call that waits for the disk need not be waited for: whoever made it gets no answer.
            runtime.shutdown_background();
        })?;
        Ok(Serving { stop, thread })
    }

    /// Closes the listener and every connection. Blocks until that is done.
    pub fn stop(self) {
        // The thread may have ended by a panic; then there is nothing to stop.
        let _ = self.stop.send(());
        if self.thread.join().is_err() {
            tracing::error!("the HTTP API ended by a panic");
        }
    }
}

/// What every connection needs.
struct Doors {
    router: TowerToHyperService<Router>,
    http: http1::Builder,
    gate: ConnectionGate,
    /// Those have the connections of many callers, and are bound by the number of all alone.
    proxies: Proxies,
    strangers: Arc<Strangers>,
    started: Instant,
    body_time_max: Duration,
}

impl Doors {
    fn new<R: Rooms>(admin: Admin<R>) -> Arc<Doors> {
        let bounds = admin.http.clone();
        let (started, strangers) = (Instant::now(), Arc::new(Strangers::new()));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(Duration::from_millis(bounds.head_timeout_ms))
            .max_header_size(HTTP_HEAD_BYTES_MAX)
            .max_buf_size(HTTP_HEAD_BYTES_MAX);
        Arc::new(Doors {
            router: TowerToHyperService::new(super::routes(admin, started, strangers.clone())),
            http,
            gate: ConnectionGate::new(bounds.connections_max, bounds.connections_per_address_max),
            proxies: Proxies(bounds.trusted_proxies().unwrap_or_default()),
            strangers,
            started,
            body_time_max: Duration::from_millis(bounds.body_timeout_ms),
        })
    }

    /// Under which address a connection is counted.
    fn counted(&self, peer: IpAddr) -> IpAddr {
        if self.proxies.trusts(peer) { IpAddr::from(Ipv4Addr::LOCALHOST) } else { peer }
    }

    /// Answers the requests of one connection until it ends.
    async fn serve(&self, mut stream: impl AsyncRead + AsyncWrite + Unpin, ends: Ends) {
        let service = service_fn(|request: Request<Incoming>| async move {
            match head::refuse(request.map(Body::new), self.body_time_max) {
                Ok(mut request) => {
                    request.extensions_mut().insert(ends);
                    self.router.call(request).await
                }
                Err(refusal) => Ok(*refusal),
            }
        });
        if let Err(error) = self.http.serve_connection(TokioIo::new(&mut stream), service).await {
            tracing::debug!(peer = %ends.peer, %error, "an HTTP connection broke off");
            linger(&mut stream).await;
        }
    }
}

/// Reads on for a moment what a refused caller is still sending: closing on it would reset the connection, and the refusal be lost.
async fn linger(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let reading = async {
        let _ = stream.shutdown().await;
        let (mut buffer, mut left) = ([0; 4096], limits::HTTP_BODY_BYTES_MAX);
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            left = left.saturating_sub(read);
            if left == 0 {
                break;
            }
        }
    };
    // Whatever comes later is lost with the connection.
    let _ = tokio::time::timeout(Duration::from_millis(limits::HTTP_LINGER_MS), reading).await;
}

async fn accept<S, F>(listener: TcpListener, doors: Arc<Doors>, shake: impl Fn(TcpStream) -> F)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = Option<S>> + Send + 'static,
{
    let mut pause_ms = 0;
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                pause_ms = 0;
                let local = stream.local_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |local| local.ip().to_canonical());
                if let Some(place) = admit(&doors, &stream, Ends { peer: peer.ip().to_canonical(), local }) {
                    tokio::spawn(attend(place, shake(stream)));
                }
            }
            // Out of descriptors or memory: without a pause the same error would come at once, and burn the processor.
            Err(error) => {
                pause_ms = (pause_ms * 2).clamp(10, ACCEPT_PAUSE_MS_MAX);
                tracing::warn!(%error, pause_ms, "cannot accept; raise the limit of open files (ulimit -n)");
                tokio::time::sleep(Duration::from_millis(pause_ms)).await;
            }
        }
    }
}

/// Gives a connection its place, if there is one.
fn admit(doors: &Arc<Doors>, stream: &TcpStream, ends: Ends) -> Option<Place> {
    let peer = ends.peer;
    let counted = doors.counted(peer);
    if let Err(reason) = doors.gate.enter(counted) {
        tracing::debug!(%peer, reason, "HTTP connection refused");
        metrics::counter!("chatroom_http_connections_refused_total", "reason" => reason).increment(1);
        return None;
    }
    let place = Place { doors: doors.clone(), ends };
    let _ = stream.set_nodelay(true);
    // A caller that does not read its answer would otherwise keep its place for good.
    #[cfg(target_os = "linux")]
    let _ = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(Duration::from_millis(limits::HTTP_WRITE_TIMEOUT_MS)));
    Some(place)
}

/// Serves a connection, which keeps its place until it ends; who has failed too often is not even listened to at once.
async fn attend<S: AsyncRead + AsyncWrite + Unpin>(place: Place, shaken: impl Future<Output = Option<S>>) {
    let Place { doors, ends } = &place;
    if doors.strangers.is_over(elapsed_ms(doors.started), ends.peer) {
        tokio::time::sleep(Duration::from_millis(HTTP_FAILURE_PAUSE_MS)).await;
    }
    if let Some(stream) = shaken.await {
        doors.serve(stream, *ends).await;
    }
}

/// A connection's place, which comes free however the connection ends.
struct Place {
    doors: Arc<Doors>,
    ends: Ends,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.doors.gate.leave(self.doors.counted(self.ends.peer));
    }
}
