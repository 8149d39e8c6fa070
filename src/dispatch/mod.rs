//! Which worker owns a room, who hears what, and who is too slow (architecture.md §5). No disk, no sockets, no clock.
//!
//! A [`Hub`] is one worker's part: the rooms it owns and the feeds its connections read. Hubs talk by [`Mail`]. What a hub wants
//! done, it leaves in its outputs for the server to take. May use: `wire`, `room`.

mod accounts;
mod broadcast;
mod commit;
mod downlink;
mod endings;
mod failure;
mod feed;
mod hub;
mod item;
mod mail;
mod owner;
mod replay;
mod report;
mod tally;
mod upkeep;

pub use crate::room::Class;
pub use accounts::{AccountRooms, Reserved};
pub use broadcast::{Broadcasting, Told};
pub use commit::{Find, Writes};
pub use downlink::Downlink;
pub use feed::{Feed, Missed, Outlet, Place};
pub use hub::{Counters, Effect, Hub, HubConfig, Rules};
pub use item::Item;
pub use mail::{Answer, Asked, Asker, Mail, Request, owner_of};
pub use replay::CatchUp;
pub use tally::{RoomTally, Tallies};
