//! The domain: a room is a deterministic state machine over an ordered log (design.md §1).
//!
//! Nothing here reads a clock, a socket, a file or a random generator. May use: `wire` for packet types.

mod ask;
pub mod command;
pub mod entry;
mod settings;
mod state;
mod stored;

pub use command::{Actor, Ask, Command, Create, Enter, Op, Origin, Query, Stamp};
pub use entry::{Audience, Entry, Kick, Outcome, Presence, PushBody, Record};
pub use settings::Settings;
pub use state::Room;
