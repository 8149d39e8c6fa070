//! The kind of subject that nodes have: rooms. The one place of `dispatch` that knows.

use crate::id::RoomId;
use crate::room::{Room, Settings};

/// One worker's part of dispatch.
pub type Hub = super::hub::Hub<Room>;

/// Settings of a hub.
pub type HubConfig = super::hub::Config<Settings, RoomId>;

/// Something a hub wants done.
pub type Effect = super::hub::Effect<Room>;

/// A request to a room, on its way to the worker that owns it.
pub type Request = super::mail::Request<Room>;

/// One piece of a batch between workers.
pub type Mail = super::mail::Mail<Room>;

/// A broadcast on its way through the rooms of one worker.
pub type Broadcasting = super::broadcast::Broadcasting<Room>;

/// Everything that one commit covers.
pub type Writes = super::commit::Writes<Room>;

/// A command for which the log has to say where something stands.
pub type Find = super::commit::Find<Room>;

/// A connection that waits for what it missed.
pub type CatchUp = super::replay::CatchUp<Room>;

/// Whoever waits for an answer.
pub type Asker = super::mail::Asker<RoomId>;

/// A request of a connection, as far as its answer needs it.
pub type Asked = super::mail::Asked<RoomId>;

/// Which rooms each account is in.
pub type AccountRooms = super::accounts::AccountRooms<RoomId>;

/// Counts of one quarter of an hour.
pub type Tallies = super::tally::Tallies<RoomId>;
