//! libchatroom: an open, self-hosted chat room engine. A binary wire protocol, the server `chatroomd`, and a client library
//! with a C interface.
//!
//! A room is a deterministic state machine over an ordered log. Bytes become packets in [`wire`], a connection's protocol is
//! ruled by [`session`], rooms live in [`room`], who hears what is decided in [`dispatch`], what must last goes into [`log`].
//! [`account`] knows who is who, [`server`] has the sockets and threads, [`admin`] the HTTP interface; [`client`] is the other
//! end, [`capi`] the same for C, [`cli`] for people. [`error`], [`limits`] and [`id`] are open to all.
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "server")]
pub mod account;
#[cfg(feature = "server")]
pub mod admin;
#[cfg(feature = "capi")]
pub mod capi;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "server")]
pub mod dispatch;
pub mod error;
pub mod id;
pub mod limits;
#[cfg(feature = "server")]
pub mod log;
#[cfg(feature = "server")]
pub mod room;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
pub mod wire;
