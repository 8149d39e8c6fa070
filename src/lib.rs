//! libchatroom: an open, self-hosted chat room engine. A binary wire protocol, the server `chatroomd`, and a client library
//! with a C interface.
//!
//! A subject is a deterministic state machine over an ordered log; [`subject`] says what every kind has to answer, and [`room`] and
//! [`user`] are the kinds there are. Bytes become packets in [`wire`], a connection's protocol is ruled by [`session`], what it wants of several
//! rooms by [`front`]; who hears what is decided in [`dispatch`], what must last goes into [`log`]. [`account`] knows who is who,
//! [`server`] has the sockets and threads, [`config`] what they are told, [`figures`] what happened in rooms by hours and days;
//! [`admin`] is the HTTP interface, [`client`] the other end, [`capi`] the same for C, [`cli`] for people. `sim`, behind a
//! feature, runs them in worlds out of one seed. [`error`], [`limits`] and [`id`] are open to all.
//!
//! ```
//! use bytes::{Bytes, BytesMut};
//! use chatroom::wire::{FrameCodec, Packet, Request};
//! use tokio_util::codec::Decoder;
//!
//! let mut bytes = BytesMut::new();
//! Request::Ping(Bytes::new()).encode(1, &mut bytes);
//! assert_eq!(bytes[..], [0xC1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x4B, 0x5E, 0xAA, 0xE7]);
//!
//! let frame = FrameCodec::default().decode(&mut bytes)?.expect("all of it has arrived");
//! assert_eq!(Packet::decode(frame)?, Packet::Request { sequence: 1, request: Request::Ping(Bytes::new()) });
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
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
pub mod config;
#[cfg(feature = "server")]
pub mod dispatch;
pub mod error;
#[cfg(feature = "server")]
pub mod figures;
#[cfg(feature = "server")]
pub mod front;
#[cfg(feature = "server")]
mod hooks;
pub mod id;
pub mod limits;
#[cfg(feature = "server")]
pub mod log;
#[cfg(feature = "server")]
pub mod planted;
#[cfg(feature = "server")]
pub mod room;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
#[cfg(feature = "sim")]
pub mod sim;
#[cfg(feature = "server")]
pub mod subject;
#[cfg(feature = "server")]
pub(crate) mod text;
#[cfg(all(feature = "tls", any(feature = "client", feature = "server")))]
mod tls;
#[cfg(feature = "server")]
pub mod user;
pub mod wire;
