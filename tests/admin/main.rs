//! The HTTP API: each endpoint, what its callers may do, and what members hear of it.
#![cfg(feature = "server")]

#[path = "../support/http_caller.rs"]
mod http_caller;
#[path = "../support/mod.rs"]
mod support;

mod accounts;
mod broadcast;
mod calls;
mod headers;
mod history;
mod http_and_wire;
mod http_calls;
mod http_endpoints;
mod listener;
mod members;
mod messages;
mod openapi;
mod queue;
mod robots;
mod rooms;
mod server;
mod stats;
mod tags;
mod world;
