//! What follows from `proto/` alone: constants, structs, and the calls of all requests but a few.
//!
//! Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.

mod attributes;
mod constants;
mod given;
mod lending;
mod lent;
mod member;
mod message;
mod queue;
mod reading;
mod results;
mod room;
mod session;

pub use attributes::*;
pub use constants::*;
pub use given::*;
pub(in crate::capi) use lending::*;
pub use lent::*;
pub use member::*;
pub use message::*;
pub use queue::*;
pub use results::*;
pub use room::*;
pub use session::*;

use std::ffi::{c_char, c_void};

use bytes::Bytes;

use super::answer::{Lend, request_of, tell_count, tell_done, tell_view};
use super::boundary::Error;
use super::client::{chatroom_client_t, on};
use super::input::{self, Growing};
use super::lend::{Arena, chatroom_history_t, chatroom_rooms_t, flag};
use super::request::{chatroom_count_fn, chatroom_done_fn};
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_pair_t, chatroom_status_t};
use crate::wire::{Request, Response, pb};
