//! What an operator may set about rooms; the defaults are those of the table of limits.

use crate::limits;

/// The settings a room works by. Shared by all rooms of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Messages per second of one account in one room; 0: unlimited.
    pub sends_per_second: u32,
    /// Messages of one account in one room at once after a rest.
    pub sends_burst: u32,
    /// Messages per second a room takes from clients; 0: unlimited.
    pub room_intake_per_second: u32,
    /// Fixed members of a room.
    pub fixed_members_max: usize,
    /// Connections of one account in one room; the next one takes the place of the oldest.
    pub connections_per_account_max: usize,
    /// Whether visitors without an account may enter.
    pub anonymous_enabled: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sends_per_second: limits::SENDS_PER_SECOND,
            sends_burst: limits::SENDS_BURST,
            room_intake_per_second: limits::ROOM_INTAKE_PER_SECOND,
            fixed_members_max: limits::FIXED_MEMBERS_MAX,
            connections_per_account_max: limits::CONNECTIONS_PER_ACCOUNT_MAX,
            anonymous_enabled: true,
        }
    }
}
