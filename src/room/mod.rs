//! The domain: a room is a deterministic state machine over an ordered log (architecture.md §1).
//!
//! Nothing here reads a clock, a socket, a file or a random generator. May use: `wire` for packet types.

mod ask;
mod attribute_ops;
mod attributes;
mod audience;
mod broadcast;
mod check;
pub mod command;
mod dedup;
mod enter;
pub mod entry;
mod ephemeral;
mod expression;
mod fuzzing;
mod history;
mod listing;
mod member;
mod message;
mod missed;
mod moderation;
mod moderator;
mod mutes;
mod notify;
mod page;
pub mod permissions;
mod position;
mod presence;
mod priority;
mod profile;
mod queries;
mod queue;
mod queue_ops;
mod rate;
mod recall;
mod record;
mod report;
mod robot;
pub mod role;
mod roster;
mod settings;
mod snapshot;
mod space;
mod state;
mod stored;
mod tag_ops;
mod tags;
mod timed;

pub use broadcast::Broadcast;
pub use command::{
    Actor, AddRobots, Ask, Command, Create, Enter, NoticePriority, OnBehalf, Op, Open, Origin, Query, Recall, RemoveRobots,
    Robot, RobotProfile, Stamp,
};
pub use entry::{Audience, Entry, Kick, Outcome, Presence, PushBody, Record};
#[doc(hidden)]
pub use ephemeral::check_devices;
pub use expression::Expression;
#[doc(hidden)]
pub use expression::fuzz_expression;
#[doc(hidden)]
pub use fuzzing::fuzz_commands;
pub use history::{HistoryFilter, HistoryScope};
pub use missed::Collector;
pub use moderator::{Moderated, Moderator, SharedModerator, Verdict, WordList, is_stand_in};
pub use page::{Anchor, HistoryPage, HistoryQuery, Pager};
pub use position::{Link, Missed, Replay, ReplayScope, Standing};
#[doc(hidden)]
pub use record::fuzz_record;
pub use record::{FindQuery, Opens, without_content};
pub use report::{ClientFacts, InOut, QueueReport, Report, Reported, Reports, Way};
pub use settings::{MultiClient, Settings};
pub use state::Room;
