//! Asking an application over HTTP. The calls run on a thread of their own, so that neither a slow host nor a slow name server
//! holds up a worker or the disk.

use std::io;
use std::time::Duration;

use axum::http::{Request, Uri, header};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::outgoing::{HttpClient, causes};
use crate::front::{NoAnswer, Verdict};
use crate::limits::CALLBACK_ANSWER_BYTES_MAX;

/// Asks applications. Any thread, any runtime.
pub(crate) struct Callbacks {
    client: HttpClient,
    runtime: Handle,
    /// Dropped, it ends the thread.
    _running: oneshot::Sender<()>,
}

impl Callbacks {
    /// Starts the thread of the calls, which go out by `client`.
    pub(crate) fn start(client: HttpClient) -> io::Result<Callbacks> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(crate::limits::CALLBACK_NAME_THREADS_MAX)
            .thread_name("callback-names")
            .build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<()>();
        std::thread::Builder::new().name("callbacks".into()).spawn(move || {
            // Ends with an error when the sender is gone, which is what is waited for.
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        })?;
        Ok(Callbacks { client, runtime: handle, _running: running })
    }

    /// Asks with a JSON object and waits at most so long for the verdict.
    pub(crate) async fn ask(&self, uri: &Uri, question: &impl Serialize, patience_ms: u64) -> Result<Verdict, NoAnswer> {
        let body = serde_json::to_vec(question).map_err(|_| NoAnswer::Unreadable)?;
        let request = Request::post(uri.clone())
            .header(header::CONTENT_TYPE, "application/json; charset=utf-8")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| NoAnswer::Unreachable)?;
        let exchange = exchange(self.client.clone(), request);
        // The clock is that of the calls' own runtime: an answer that came in time counts, however busy the worker is, and a
        // worker that has ended takes no timer away from a call.
        let timed = async move { tokio::time::timeout(Duration::from_millis(patience_ms), exchange).await };
        let asked = self.runtime.spawn(timed);
        asked.await.map_err(|_| NoAnswer::Unreachable)?.map_err(|_| NoAnswer::Timeout)?
    }
}

async fn exchange(client: HttpClient, request: Request<Full<Bytes>>) -> Result<Verdict, NoAnswer> {
    let host = request.uri().host().unwrap_or_default().to_owned();
    let response = client.request(request).await.map_err(|error| {
        tracing::debug!(host, error = causes(&error), "a callback cannot be reached");
        NoAnswer::Unreachable
    })?;
    if !response.status().is_success() {
        return Err(NoAnswer::Status);
    }
    let body = Limited::new(response.into_body(), CALLBACK_ANSWER_BYTES_MAX).collect();
    let body = body.await.map_err(|_| NoAnswer::Unreadable)?.to_bytes();
    serde_json::from_slice(&body).map_err(|_| NoAnswer::Unreadable)
}
