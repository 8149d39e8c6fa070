//! The kinds of subjects that nodes have: rooms and users. The one place of `dispatch` that knows. A worker has a hub for each kind,
//! so that every call is resolved when it is compiled, and no kind pays for another.

use crate::id::{RoomId, UserId};
use crate::room::{Room, Settings};
use crate::user::User;

/// One worker's part of dispatch, as far as one kind goes.
pub type HubOf<S> = super::hub::Hub<S>;

/// The same for rooms.
pub type Hub = super::hub::Hub<Room>;

/// The same for users.
pub type UserHub = super::hub::Hub<User>;

/// Settings of a hub.
pub type HubConfig = super::hub::Config<Settings>;

/// Something a hub wants done.
pub type Effect = super::hub::Effect<Room>;

/// The same of a hub of users.
pub type UserEffect = super::hub::Effect<User>;

/// A request to a room, on its way to the worker that owns it.
pub type Request = super::mail::Request<Room>;

/// A request to a user, on its way to the worker that owns it.
pub type UserRequest = super::mail::Request<User>;

/// One piece of a batch between workers.
pub type Mail = super::mail::Mail<Room>;

/// The same about users.
pub type UserMail = super::mail::Mail<User>;

/// A broadcast on its way through the rooms of one worker.
pub type Broadcasting = super::broadcast::Broadcasting<Room>;

/// Everything of rooms that one commit covers.
pub type RoomWrites = super::commit::Writes<Room>;

/// Everything of users that one commit covers.
pub type UserWrites = super::commit::Writes<User>;

/// A command for which the log has to say where something stands.
pub type Find = super::commit::Find<Room>;

/// A connection that waits for what it missed.
pub type CatchUp = super::replay::CatchUp<Room>;

/// Whoever waits for an answer.
pub type Asker = super::mail::Asker<RoomId>;

/// A request of a connection, as far as its answer needs it.
pub type Asked = super::mail::Asked<RoomId>;

/// A request of a connection to a user, as far as its answer needs it.
pub type UserAsked = super::mail::Asked<UserId>;

/// Counts of one quarter of an hour.
pub type Tallies = super::tally::Tallies<RoomId>;

/// Everything of a worker that one commit covers.
#[derive(Default)]
pub struct Writes {
    /// Of its rooms.
    pub rooms: RoomWrites,
    /// Of its users.
    pub users: UserWrites,
}

/// Mail for one worker.
#[derive(Default)]
pub struct Bundle {
    /// About rooms, in the order it was sent.
    pub rooms: Vec<Mail>,
    /// About users, in the order it was sent.
    pub users: Vec<UserMail>,
}

impl Bundle {
    /// Mail about rooms alone.
    pub fn of_rooms(rooms: Vec<Mail>) -> Bundle {
        Bundle { rooms, ..Bundle::default() }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.rooms.is_empty() && self.users.is_empty()
    }

    /// Adds what came later.
    pub fn append(&mut self, later: Bundle) {
        self.rooms.extend(later.rooms);
        self.users.extend(later.users);
    }

    /// About how many bytes it keeps alive while it waits.
    pub fn weight(&self) -> usize {
        self.rooms.iter().map(Mail::weight).sum::<usize>() + self.users.iter().map(UserMail::weight).sum::<usize>()
    }
}
