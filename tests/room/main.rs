//! Rooms, without sockets and without a clock: commands go in, answers and events come out.
#![cfg(feature = "server")]

#[path = "../support/link.rs"]
mod link;

mod attributes;
mod broadcast;
mod ephemeral;
mod expression;
mod follows_the_model;
mod members;
#[cfg(target_os = "linux")]
mod memory;
mod messages;
mod model;
mod moderation;
mod permissions;
mod policies;
mod presence;
mod priority;
mod profile;
mod queue;
mod recall;
mod replay;
mod reports;
mod robots;
mod space;
mod tagged;
mod tags;
mod tags_asked_for;
mod tags_model;
mod timed;
mod world;
