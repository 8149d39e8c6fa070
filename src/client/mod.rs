//! A client: one login, one connection, restored when lost. The tokio driver over [`session::ClientSession`](crate::session).
//!
//! [`start`] spawns one task, which owns the socket. [`Client`] speaks to it over a bounded queue and never blocks; what
//! happens unasked comes out of [`Events`]. A host that does not read its events stops the client from reading its socket, and
//! in the end the server from sending: nothing piles up here. A host that wants no events drops [`Events`].
//!
//! May use `session`, `wire` and `tls`.

mod attempt;
mod connection;
mod event;
mod flush;
mod options;
mod race;
mod requests;
mod room_event;
mod task;
mod telling;
mod transport;
mod whole_queue;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};

pub use event::{Event, LogLevel, LogLine, State};
pub use options::ClientOptions;
pub use room_event::{RoomEvent, derive};
pub use transport::Trust;
#[cfg(feature = "capi")]
pub(crate) use transport::parse as parse_address;

pub use crate::session::{BatchConfig, RoomState, RoomStateCause, RoomStateChange};

use crate::error::{Code, Status};
use crate::limits;
use crate::wire::{Request, Response, pb};
use flush::Flush;

/// What the host says to the task.
enum Command {
    Request(Request, Completion),
    Connect(oneshot::Sender<Result<(), Status>>),
    Disconnect(oneshot::Sender<()>),
    Token(String),
    BeginBatch(i64, BatchConfig, oneshot::Sender<Result<(), Status>>),
    EndBatch(i64, Completion),
    Cancel(RequestHandle),
    Flush(Flush),
    Check,
}

/// Names an accepted request, to cancel it. No two requests of a client have the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RequestHandle(pub u64);

type Done = Box<dyn FnOnce(Result<Response, Status>) + Send>;

/// The promise to complete a request exactly once: whoever lets go of it unfulfilled completes it as closed.
struct Completion {
    done: Option<Done>,
    request: RequestHandle,
    /// The request's place among those that may be open.
    permit: Option<OwnedSemaphorePermit>,
}

impl Completion {
    fn complete(mut self, result: Result<Response, Status>) {
        // First, so that who is told may ask for more.
        drop(self.permit.take());
        if let Some(done) = self.done.take() {
            done(result);
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        if let Some(done) = self.done.take() {
            done(Err(closed()));
        }
    }
}

/// The status of what a closed client is asked.
fn closed() -> Status {
    Status::new(Code::NotInitialised, "the client is closed")
}

/// The status of what is too much.
fn busy() -> Status {
    Status::new(Code::Busy, "too many requests are open: wait for some of them")
}

/// What the task lets everybody see.
struct Shared {
    /// Open requests: one permit each.
    open: Arc<Semaphore>,
    /// The last request that was named.
    last_request: AtomicU64,
    /// Raised once, to close.
    closing: watch::Sender<bool>,
    /// Where the client stands.
    state: watch::Sender<State>,
    /// What the server's clock showed at a time of ours; `None` before the first login.
    clock: watch::Sender<Option<(tokio::time::Instant, i64)>>,
}

/// A client's handle. Clones speak to the same client; when the last one is dropped, the client closes.
///
/// Any thread, any time. No method blocks; the asynchronous ones wait for their answer.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

/// What happens unasked, in order. Bounded: while the host leaves too much unread, the client reads nothing.
///
/// Because answers come over the same socket as events, a task must not wait for an answer while it is the only one that
/// reads events: with very many events waiting, the request would end with 408.
pub struct Events {
    events: mpsc::Receiver<Event>,
    closed: bool,
}

/// Starts a client. It connects when it is told to. Must be called within a tokio runtime that has I/O and time enabled.
pub fn start(options: ClientOptions) -> (Client, Events) {
    // Requests are bounded by their permits; the rest of the queue is for connects, disconnects and tokens.
    let (commands, commands_out) = mpsc::channel(2 * limits::CLIENT_QUEUE_MAX);
    let (events_in, events) = mpsc::channel(limits::CLIENT_EVENTS_MAX);
    let shared = Arc::new(Shared {
        open: Arc::new(Semaphore::new(limits::CLIENT_QUEUE_MAX)),
        last_request: AtomicU64::new(0),
        closing: watch::Sender::new(false),
        state: watch::Sender::new(State::Disconnected),
        clock: watch::Sender::new(None),
    });
    tokio::spawn(task::run(options, shared.clone(), commands_out, events_in));
    (Client { commands, shared }, Events { events, closed: false })
}

impl Client {
    /// Connects and logs in; returns when the client is in (S5), or with the reason why it never will be.
    ///
    /// Failures that may pass are tried again as often as the options say. 20002 when it is connected already.
    pub async fn connect(&self) -> Result<(), Status> {
        let (done, outcome) = oneshot::channel();
        self.commands.send(Command::Connect(done)).await.map_err(|_| closed())?;
        outcome.await.unwrap_or_else(|_| Err(closed()))
    }

    /// [`Client::connect`] for a caller that is not asynchronous: the order goes out at once, the outcome comes later. A
    /// receiver that fails stands for a closed client.
    pub fn try_connect(&self) -> Result<oneshot::Receiver<Result<(), Status>>, Status> {
        let (done, outcome) = oneshot::channel();
        self.try_order(Command::Connect(done)).map(|()| outcome)
    }

    /// [`Client::disconnect`] for a caller that is not asynchronous. A receiver that fails stands for a closed client.
    pub fn try_disconnect(&self) -> Result<oneshot::Receiver<()>, Status> {
        let (done, outcome) = oneshot::channel();
        self.try_order(Command::Disconnect(done)).map(|()| outcome)
    }

    /// [`Client::set_token`] for a caller that is not asynchronous.
    pub fn try_set_token(&self, token: impl Into<String>) -> Result<(), Status> {
        self.try_order(Command::Token(token.into()))
    }

    fn try_order(&self, command: Command) -> Result<(), Status> {
        self.commands.try_send(command).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => busy(),
            mpsc::error::TrySendError::Closed(_) => closed(),
        })
    }

    /// Logs out and closes the transport; returns when it is closed. The client can connect again.
    pub async fn disconnect(&self) {
        let (done, outcome) = oneshot::channel();
        if self.commands.send(Command::Disconnect(done)).await.is_ok() {
            // An error means that the client has closed instead, which is what was asked for, and more.
            let _ = outcome.await;
        }
    }

    /// Asks the server, and waits for its answer or for the status that stands for it. A caller that stops waiting does not
    /// cancel the request.
    pub async fn request(&self, request: Request) -> Result<Response, Status> {
        let (done, outcome) = oneshot::channel();
        self.request_with(request, move |result| {
            // Nobody listens any more when the caller was cancelled.
            let _ = done.send(result);
        })?;
        outcome.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Asks the server, and gives the request's name for [`Client::cancel`]; `done` is called exactly once, on the client's task, and must not block.
    ///
    /// Refused at once, and `done` dropped without a call, with 503 when too many requests are open, and with 20000 when the
    /// client is closed.
    pub fn request_with(
        &self,
        request: Request,
        done: impl FnOnce(Result<Response, Status>) + Send + 'static,
    ) -> Result<RequestHandle, Status> {
        self.request_as(self.new_handle(), request, done)
    }

    /// A name that no request has yet.
    fn new_handle(&self) -> RequestHandle {
        RequestHandle(self.shared.last_request.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// [`Client::request_with`] under a name that is given.
    fn request_as(
        &self,
        handle: RequestHandle,
        request: Request,
        done: impl FnOnce(Result<Response, Status>) + Send + 'static,
    ) -> Result<RequestHandle, Status> {
        self.promise(handle, done, |completion| Command::Request(request, completion))
    }

    /// Cancels a request: it completes with 191002, unless it is complete already. One that waits for a connection is never
    /// sent; one that was sent may have been done all the same, and is not repeated. Returns at once.
    pub fn cancel(&self, request: RequestHandle) -> Result<(), Status> {
        self.try_order(Command::Cancel(request))
    }

    /// Waits until every send that was accepted before this call is complete, whatever it came to; 408 when some are not after
    /// `patience`, which go on all the same.
    pub async fn flush(&self, patience: Duration) -> Result<(), Status> {
        self.try_flush(patience)?.await.unwrap_or_else(|_| Err(closed()))
    }

    /// [`Client::flush`] for a caller that is not asynchronous. A receiver that fails stands for a closed client.
    pub fn try_flush(&self, patience: Duration) -> Result<oneshot::Receiver<Result<(), Status>>, Status> {
        let permit = self.shared.open.clone().try_acquire_owned().map_err(|_| busy())?;
        let (done, outcome) = oneshot::channel();
        // A time beyond what can be counted is a day, longer than any send takes.
        let now = tokio::time::Instant::now();
        let deadline = now.checked_add(patience).unwrap_or(now + Duration::from_secs(86_400));
        self.try_order(Command::Flush(Flush { deadline, done, permit, last: None })).map(|()| outcome)
    }

    /// Hands a command over that promises to complete `done`; refused, it completes nothing.
    fn promise(
        &self,
        request: RequestHandle,
        done: impl FnOnce(Result<Response, Status>) + Send + 'static,
        command: impl FnOnce(Completion) -> Command,
    ) -> Result<RequestHandle, Status> {
        let permit = self.shared.open.clone().try_acquire_owned().map_err(|_| busy())?;
        let completion = Completion { done: Some(Box::new(done)), request, permit: Some(permit) };
        self.commands.try_send(command(completion)).map(|()| request).map_err(|refused| {
            let (command, status) = match refused {
                mpsc::error::TrySendError::Full(command) => (command, busy()),
                mpsc::error::TrySendError::Closed(command) => (command, closed()),
            };
            if let Command::Request(_, mut completion) | Command::EndBatch(_, mut completion) = command {
                completion.done = None;
            }
            status
        })
    }

    /// From here on, attributes that are set or deleted in this room are collected, and succeed at once; their own `force`,
    /// `update_owner` and `delete_after_owner_left` do not count, the batch's do. At most 50 operations: one more is 419. The
    /// collection is discarded when the room is left.
    ///
    /// Errors: 403 outside the room, 417 while a batch is begun there.
    pub async fn begin_attributes_batch(&self, room_id: i64, config: BatchConfig) -> Result<(), Status> {
        self.try_begin_attributes_batch(room_id, config)?.await.unwrap_or_else(|_| Err(closed()))
    }

    /// [`Client::begin_attributes_batch`] for a caller that is not asynchronous. A receiver that fails stands for a closed
    /// client.
    pub fn try_begin_attributes_batch(
        &self,
        room_id: i64,
        config: BatchConfig,
    ) -> Result<oneshot::Receiver<Result<(), Status>>, Status> {
        let (done, outcome) = oneshot::channel();
        self.try_order(Command::BeginBatch(room_id, config, done)).map(|()| outcome)
    }

    /// Sends what was collected since the begin, as one change. An empty batch succeeds without being sent. Whatever comes of
    /// it, the batch is over; only one refused at once with 503 goes on.
    ///
    /// Errors: 406 without a batch, and those of the change.
    pub async fn end_attributes_batch(&self, room_id: i64) -> Result<pb::AttributesChangeResponse, Status> {
        let (done, outcome) = oneshot::channel();
        self.end_attributes_batch_with(room_id, move |result| {
            // Nobody listens any more when the caller was cancelled.
            let _ = done.send(result);
        })?;
        match outcome.await.unwrap_or_else(|_| Err(closed()))? {
            Response::AttributesBatch(response) => Ok(response),
            _ => Err(requests::mismatch()),
        }
    }

    /// [`Client::end_attributes_batch`] for a caller that is not asynchronous; `done` as for [`Client::request_with`].
    pub fn end_attributes_batch_with(
        &self,
        room_id: i64,
        done: impl FnOnce(Result<Response, Status>) + Send + 'static,
    ) -> Result<RequestHandle, Status> {
        self.promise(self.new_handle(), done, |completion| Command::EndBatch(room_id, completion))
    }

    /// For a host with reason to doubt the connection: the network was changed, the application came back to the foreground.
    /// A connection that shows no sign of life within 2.5 s is given up and made anew at once; one that waits to be made anew
    /// waits no longer. What comes of it, the events tell. Returns at once.
    pub fn check_connection(&self) -> Result<(), Status> {
        self.try_order(Command::Check)
    }

    /// Sets the token of the next login, as [`Event::WillReconnect`] invites to. A session that lives is renewed with
    /// [`Client::renew_token`] instead.
    pub async fn set_token(&self, token: impl Into<String>) {
        // A closed client needs no token.
        let _ = self.commands.send(Command::Token(token.into())).await;
    }

    /// Where the client stands.
    pub fn state(&self) -> State {
        *self.shared.state.borrow()
    }

    /// The server's clock in milliseconds since 1970, as estimated at the last login; `None` before the first.
    pub fn server_time_ms(&self) -> Option<i64> {
        let (at, server_ms) = (*self.shared.clock.borrow())?;
        Some(server_ms.saturating_add(i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX)))
    }

    /// Closes the client for good: logs out, completes what is open with 20000, then [`Event::Closed`]. Returns at once.
    pub fn close(&self) {
        self.shared.closing.send_replace(true);
    }
}

impl Events {
    /// The next event; after [`Event::Closed`] there is none. May be cancelled without loss.
    pub async fn next(&mut self) -> Option<Event> {
        match self.events.recv().await {
            Some(event) => Some(event),
            None if self.closed => None,
            None => {
                self.closed = true;
                Some(Event::Closed)
            }
        }
    }
}

/// A fresh message id: a random UUID (version 4), as a client that sends without one makes for itself.
pub fn new_message_id() -> String {
    crate::session::uuid(&mut fastrand::Rng::new())
}
