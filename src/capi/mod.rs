//! The C ABI. The only module where `unsafe` may be written.
//!
//! Two levels. The *codec* (`chatroom_codec_*`, `chatroom_frame_*`) cuts frames out of bytes and does no I/O: it is for
//! programs with sockets of their own. The *client* (`chatroom_client_*`) is one login with its connection, restored when lost.
//! docs/c-abi.md says who owns what and which thread does what; include/chatroom.h is generated from these files, and those under
//! `generated` from `proto/`.
//!
//! May use `client` and `wire`. Has no rules of its own about rooms: it copies what C hands in, asks the client, and lends C
//! what comes back.
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod answer;
mod boundary;
mod calls;
mod client;
mod codec;
mod event;
mod generated;
mod guard;
mod input;
mod lend;
mod library;
mod listener;
mod options;
mod request;
mod threads;
mod types;

pub use boundary::*;
pub use client::*;
pub use codec::*;
pub use event::*;
pub use generated::*;
pub use lend::*;
pub use library::*;
pub use options::*;
pub use request::*;
pub use types::*;
