//! Dispatching: rooms find their owner, commands their room, and events everybody who is to hear them.
#![cfg(feature = "server")]

mod broadcast;
mod client_rooms;
mod downlink;
mod feed;
mod hub;
mod memory;
mod positions;
mod rooms_of_accounts;
mod world;
