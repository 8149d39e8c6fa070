//! Which worker owns a room, who hears what, and who is too slow (architecture.md §5). No disk, no sockets, no clock.
//!
//! A [`Hub`] is one worker's part: the rooms it owns and the feeds its connections read. Hubs talk by [`Mail`]. What a hub wants
//! done, it leaves in its outputs for the server to take. May use: `wire`, `subject`; `kinds.rs` alone knows which kinds of
//! subjects there are.

mod apply;
mod broadcast;
mod commit;
mod cover;
mod desk;
mod downlink;
mod endings;
mod envelope;
mod failure;
mod feed;
mod hub;
mod inbox;
mod item;
mod kinds;
mod letters;
mod live;
mod mail;
mod outbox;
mod owner;
mod replay;
mod report;
mod saved;
mod tally;
#[cfg(test)]
mod tests;
mod upkeep;
mod verdicts;

pub use broadcast::Told;
pub use cover::Rebuilt;
pub use envelope::{ENVELOPE_PART, Envelope};
pub use feed::{Feed, Missed, Outlet, Place};
pub use hub::Counters;
pub use item::Item;
pub use kinds::{
    Asked, Asker, Broadcasting, Bundle, CatchUp, Effect, Find, Hub, HubConfig, HubOf, Mail, Request, RoomWrites, Tallies,
    UserAsked, UserAsker, UserEffect, UserHub, UserMail, UserRequest, UserWrites, Writes,
};
pub use letters::{Note, Post, Sent, ShardChange, Source, Verdict};
pub use mail::owner_of;
pub use tally::RoomTally;

pub use crate::subject::{Answer, Class, Downlink, Rules};
