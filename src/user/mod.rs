//! The user as one kind of subject (im.md §0.1): everything that belongs to one account. It has two halves. The *lasting* one is the
//! state of a [`User`], logged and loaded when something is asked of it. The *passing* one is presence: on which connections the
//! account has logged in, and which rooms it has entered; it lies in memory at the account's owner and is in no log.
//!
//! Nothing here reads a clock, a socket, a file or a random generator. May use: `subject`, `wire` for the form of what is kept.

mod command;
mod contract;
mod passing;
mod record;
mod state;

pub use command::{Op, Query};
pub use passing::{Beyond, Passing, Session};
pub use record::Record;
pub use state::{Settings, User};
