//! A subject is a deterministic state machine over an ordered log (im.md §0.1). A room is one kind of subject; here stands what
//! `dispatch` asks of every kind, and the parts that kinds share.
//!
//! Nothing here reads a clock, a socket, a file or a random generator. May use: `wire` for packet types.

mod account;
mod actor;
mod audience;
pub mod check;
mod contract;
mod entry;
mod lazy;
mod letter;
mod moderator;
mod position;
mod question;
mod server_id;
mod shard;

pub use account::{AccountHash, AccountKey, Note};
pub use actor::{Actor, NoticePriority, OnBehalf, Origin};
pub use audience::Audience;
pub use contract::{
    Admission, Answer, Downlink, Entering, Key, Operation, Part, Question, Quota, Rules, Scope, Subject, Telling,
};
pub use entry::{Ask, Class, Command, Entry, Kick, Link, Outcome, Presence, PushBody, Stamp};
pub(crate) use lazy::{Lazy, Vacant, vacant};
pub use letter::{Address, Letter, LetterId};
pub use moderator::{Moderated, Moderator, SharedModerator, Verdict};
pub use position::{Boundaries, Missed, Predecessor, Replay, Resumption, Standing};
pub use question::Gathering;
pub use server_id::{ServerId, ServerIds};
pub use shard::Shard;
