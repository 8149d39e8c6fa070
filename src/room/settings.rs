//! What an operator may set about rooms; the defaults are those of the table of limits.

use super::moderator::SharedModerator;
use crate::limits;

/// The settings a room works by. Shared by all rooms of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Messages per second of one account in one room; 0: unlimited.
    pub sends_per_second: u32,
    /// Messages of one account in one room at once after a rest.
    pub sends_burst: u32,
    /// Messages of one account in one room in any five minutes, at most
    /// [`DEDUP_IDS_PER_SENDER`](crate::limits::DEDUP_IDS_PER_SENDER), beyond which none is remembered; 0: unlimited.
    pub sends_per_five_minutes: usize,
    /// Messages per second a room takes from clients; 0: unlimited.
    pub room_intake_per_second: u32,
    /// Fixed members of a room.
    pub fixed_members_max: usize,
    /// Connections of one account in one room; the next one takes the place of the oldest.
    pub connections_per_account_max: usize,
    /// Whether visitors without an account may enter.
    pub anonymous_enabled: bool,
    /// Which connections of an account give way to a new one in the same room.
    pub multi_client: MultiClient,
    /// Messages of high priority per second and room.
    pub high_priority_per_second: usize,
    /// How long a message of high priority is sent again to who enters.
    pub high_priority_resend_ms: i64,
    /// Ordinary messages per second that a connection is sent; 0: unlimited.
    pub downlink_normal_per_second: u32,
    /// Messages of high priority per second that a connection is sent; 0: unlimited.
    pub downlink_high_per_second: u32,
    /// Rooms made by the HTTP API that one account may be in at once.
    pub rooms_per_account_max: usize,
    /// Rooms made by clients that one account may be in at once.
    pub client_rooms_per_account_max: usize,
    /// Whether rooms made by clients keep a history.
    pub client_rooms_have_history: bool,
    /// Who judges what is said and shown; `None`: nobody.
    pub moderator: Option<SharedModerator>,
}

/// The multi-client policy of an application (chatroom.md §d.4): who gives way when an account enters a room once more.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum MultiClient {
    /// Nobody, up to the limit on connections.
    #[default]
    Coexist,
    /// Every other connection.
    Single,
    /// Other connections of the same group: desktops and browsers are one, telephones the other.
    OneDesktopOneMobile,
    /// Other connections of the same client type.
    SameType,
    /// Connections whose client type stands beside that of the new one.
    Custom(Vec<(u32, u32)>),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            sends_per_second: limits::SENDS_PER_SECOND,
            sends_burst: limits::SENDS_BURST,
            sends_per_five_minutes: 0,
            room_intake_per_second: limits::ROOM_INTAKE_PER_SECOND,
            fixed_members_max: limits::FIXED_MEMBERS_MAX,
            connections_per_account_max: limits::CONNECTIONS_PER_ACCOUNT_MAX,
            anonymous_enabled: true,
            multi_client: MultiClient::Coexist,
            high_priority_per_second: limits::HIGH_PRIORITY_PER_SECOND,
            high_priority_resend_ms: limits::HIGH_PRIORITY_RESEND_MS,
            downlink_normal_per_second: 0,
            downlink_high_per_second: 0,
            rooms_per_account_max: limits::ROOMS_PER_ACCOUNT_MAX,
            client_rooms_per_account_max: limits::CLIENT_ROOMS_PER_ACCOUNT_MAX,
            client_rooms_have_history: false,
            moderator: None,
        }
    }
}
