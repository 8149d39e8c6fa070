//! The domain: a room is a deterministic state machine over an ordered log (architecture.md §1).
//!
//! Nothing here reads a clock, a socket, a file or a random generator. May use: `subject`, and `wire` for packet types.

// Macros: what a room repeats of every request (`build/subjects.rs`).
include!(concat!(env!("OUT_DIR"), "/room.rs"));

mod ask;
mod attribute_ops;
mod attributes;
mod audience;
mod audience_ops;
mod broadcast;
mod broadcast_ops;
mod check;
pub mod command;
mod content;
mod contract;
mod dedup;
mod enter;
pub mod entry;
mod ephemeral;
mod expression;
mod facts;
mod fuzzing;
mod history;
mod history_ops;
mod history_page;
mod listing;
mod member;
mod message;
mod missed;
mod moderation;
mod moderator;
mod mutes;
mod notify;
mod paging;
pub mod permissions;
mod position;
mod position_ops;
mod presence;
mod priority;
mod priority_ops;
mod profile;
mod queries;
mod queue;
mod queue_ops;
mod rate;
mod recall;
mod recall_ops;
mod record;
mod report;
mod report_ops;
mod robot;
pub mod role;
mod roster;
mod settings;
mod snapshot;
mod space;
mod space_ops;
mod state;
mod stored;
mod tag_ops;
mod tags;
mod timed;

pub use broadcast::Broadcast;
pub use command::{AddRobots, Create, Enter, Op, Open, Query, Recall, RemoveRobots, Robot, RobotProfile};
pub use entry::{Ask, Command, Entry, Outcome, Record};
#[doc(hidden)]
pub use ephemeral::check_devices;
pub use expression::Expression;
#[doc(hidden)]
pub use fuzzing::{fuzz_commands, fuzz_expression};
pub use history::{HistoryFilter, HistoryScope};
pub use history_page::{Anchor, HistoryPage, HistoryQuery, Pager};
pub use missed::Collector;
pub use moderator::{Moderated, Moderator, SharedModerator, Verdict, WordList, is_stand_in};
pub use position::ReplayScope;
#[doc(hidden)]
pub use record::fuzz_record;
pub use record::{FindQuery, Opens, without_content};
pub use report::{ClientFacts, InOut, Noted, QueueReport, Report, Reported, Reports, Way};
pub use settings::{MultiClient, Settings};
pub use state::Room;

pub use crate::subject::{
    Actor, Audience, Class, Kick, Link, Missed, NoticePriority, OnBehalf, Origin, Predecessor, Presence, PushBody, Replay,
    Stamp, Standing,
};
