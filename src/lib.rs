//! libchatroom.
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
pub mod room;
#[cfg(feature = "server")]
pub mod server;
pub mod session;
pub mod wire;
