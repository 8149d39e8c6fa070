//! Every bound of the system, with its unit and the reason for its value. Open to every module, one file for each part of the system.
//!
//! `_CHARS` counts Unicode scalar values, `_BYTES` bytes of UTF-8, `_MS` milliseconds. All limits are inclusive: a value over
//! its limit is refused with 414, never cut.

mod account;
mod client;
mod dispatch;
mod figures;
mod front;
mod hooks;
mod http;
mod log;
mod message;
mod room;
mod server;
mod session;
mod wire;

pub use account::*;
pub use client::*;
pub use dispatch::*;
pub use figures::*;
pub use front::*;
pub use hooks::*;
pub use http::*;
pub use log::*;
pub use message::*;
pub use room::*;
pub use server::*;
pub use session::*;
pub use wire::*;
