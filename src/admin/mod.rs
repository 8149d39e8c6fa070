//! The HTTP API of rest-api.md, health and metrics: parses a call, asks the rooms what a member would ask them, prints the answer.
//!
//! Has no rule of its own about rooms or accounts.
//! May use: `server`, `room`, `log`, `account`.

mod accounts;
mod answer;
mod body;
mod call;
mod described;
mod endpoint;
mod engine;
mod form;
mod gate;
mod head;
mod history;
mod listen;
mod members;
mod messages;
mod notification;
mod objects;
mod openapi;
mod parameter;
mod queue;
mod robots;
mod rooms;
mod shapes;
mod source;
mod spelling;
mod stats;
mod strangers;
mod tags;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use crate::account::Directory;
use crate::config::Http;
use crate::error::Status;
use crate::figures::{TopQuery, TopRooms};
use crate::id::{AccountId, RoomId};
use crate::room::{Actor, Command, Create, Query};
use crate::server::Session;
use crate::wire::{self, pb};

pub use listen::Serving;

/// The way to the rooms and connections, wherever they live. The server implements it; a call for a room of another application is 404.
pub trait Rooms: Clone + Send + Sync + 'static {
    /// Creates a room; answers when that is durable.
    fn create(&self, create: Create) -> impl Future<Output = Result<RoomId, Status>> + Send;

    /// Has a room of the application `app_key` changed; answers when that is durable.
    fn command(
        &self,
        app_key: &str,
        room: RoomId,
        command: Command,
    ) -> impl Future<Output = Result<wire::Response, Status>> + Send;

    /// As [`Rooms::command`], and says who its actor was in the room before it, if it was anybody there. Both take one trip.
    fn command_seen(
        &self,
        app_key: &str,
        room: RoomId,
        command: Command,
    ) -> impl Future<Output = Result<(Option<pb::Member>, wire::Response), Status>> + Send;

    /// Asks a room of the application `app_key` something.
    fn query(
        &self,
        app_key: &str,
        room: RoomId,
        actor: Actor,
        query: Query,
    ) -> impl Future<Output = Result<wire::Response, Status>> + Send;

    /// Sends a message to every room of the application in which somebody is; answers when all of them have it.
    fn broadcast(
        &self,
        app_key: &str,
        actor: Actor,
        request: pb::MessageSendRequest,
    ) -> impl Future<Output = Result<pb::MessageSendResponse, Status>> + Send;

    /// The rooms of the application that lead within an hour or a day.
    fn top_rooms(&self, app_key: &str, query: TopQuery) -> impl Future<Output = Result<TopRooms, Status>> + Send;

    /// The rooms an account has created over HTTP and that are not closed.
    fn open_rooms_of(&self, app_key: &str, creator: &AccountId) -> impl Future<Output = Result<Vec<RoomId>, Status>> + Send;

    /// Addresses where clients connect over TCP, as `host:port`; an unspecified host means the address of this machine that the
    /// caller reaches.
    fn addresses(&self) -> Vec<String>;

    /// Addresses where clients connect over WebSocket, likewise.
    fn web_socket_addresses(&self) -> Vec<String> {
        self.addresses()
    }

    /// The connections on which each of these accounts has logged in, in their order.
    fn sessions(&self, app_key: &str, accounts: &[AccountId])
    -> impl Future<Output = Result<Vec<Vec<Session>>, Status>> + Send;

    /// Closes the connections of an account that was blocked; they are told why, with the application's own words.
    fn put_out(&self, app_key: &str, account: &AccountId, ext: &str) -> impl Future<Output = ()> + Send;

    /// Has the connections of an account know whether it may send.
    fn set_muted(&self, app_key: &str, account: &AccountId, muted: bool) -> impl Future<Output = ()> + Send;
}

/// What the HTTP API works with.
pub struct Admin<R> {
    /// The rooms.
    pub rooms: R,
    /// Applications and accounts.
    pub accounts: Arc<Directory>,
    /// Gives the metrics in Prometheus' text form.
    pub metrics: Arc<dyn Fn() -> String + Send + Sync>,
    /// True while both listeners accept and no drain has begun.
    pub ready: Arc<AtomicBool>,
    /// Says why the store takes nothing at present; nothing while it is well.
    pub store_failure: Arc<dyn Fn() -> Option<String> + Send + Sync>,
    /// Base path and rate.
    pub http: Http,
}

/// The path of every endpoint below the base, and the codes rest-api.md §4 lists for it beside 200; none where it lists none.
pub fn endpoints() -> Vec<(&'static str, Option<&'static [i32]>)> {
    endpoint::listed::<crate::server::Engine>()
}

/// Answers that the process lives, in the words of the API; also below the base. Needs no signature.
const LIVENESS: &str = "/health/liveness.action";

/// Answers every HTTP request the node gets. Must be served on a tokio runtime with timers.
fn routes<R: Rooms>(admin: Admin<R>, started: Instant, strangers: Arc<strangers::Strangers>) -> Router {
    let Admin { rooms, accounts, metrics, ready, store_failure, http } = admin;
    // Every answer shares the one text.
    let description = Bytes::from(openapi::print::<R>(&http.base));
    // The configuration was checked.
    let proxies = source::Proxies(http.trusted_proxies().unwrap_or_default());
    let api = Arc::new(call::Api { rooms, accounts, gate: gate::Gate::new(), strangers, proxies, http, started });
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route(LIVENESS, get(async || answer::bare()).post(async || answer::bare()))
        .route("/readyz", get(async move || readiness(ready.load(Ordering::Acquire), store_failure())))
        .route("/metrics", get(async move || prometheus(metrics())))
        .route("/openapi.json", get(async move || described(description)))
        .fallback(async move |request| call::serve(&api, request).await)
}

fn readiness(is_ready: bool, store_failure: Option<String>) -> Response {
    match store_failure {
        Some(cause) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: the store failed: {cause}\n")).into_response(),
        None if is_ready => "ready\n".into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "not ready\n").into_response(),
    }
}

fn described(text: Bytes) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], text).into_response()
}

fn prometheus(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
}
