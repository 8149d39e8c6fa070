//! The domain: a room is a deterministic state machine over an ordered log (design.md §1).
//!
//! Nothing here reads a clock, a socket, a file or a random generator. May use: `wire` for packet types.

mod ask;
mod check;
pub mod command;
mod dedup;
mod enter;
pub mod entry;
mod fuzzing;
mod listing;
mod member;
mod message;
mod moderation;
mod notify;
pub mod permissions;
mod presence;
mod profile;
mod queue;
mod queue_ops;
mod rate;
pub mod role;
mod roster;
mod settings;
mod snapshot;
mod state;
mod stored;

pub use command::{Actor, Ask, Command, Create, Enter, Op, Origin, Query, Stamp};
pub use entry::{Audience, Entry, Kick, Outcome, Presence, PushBody, Record};
#[doc(hidden)]
pub use fuzzing::fuzz_commands;
pub use settings::Settings;
pub use state::Room;
