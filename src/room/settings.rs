//! What an operator may set about rooms; the defaults are those of the table of limits.

use std::sync::Arc;

use super::moderator::Rewritten;
use super::report::Reports;
use crate::error::{Code, Status, Sub};
use crate::limits;
use crate::subject::{Moderated, Rules, SharedModerator};
use crate::wire::pb;

// Client types (chatroom.md §a.5).
const CLIENT_ANDROID: u16 = 1;
const CLIENT_IOS: u16 = 2;
const CLIENT_PC: u16 = 4;
const CLIENT_WEB: u16 = 16;
const CLIENT_MAC: u16 = 64;
const CLIENT_HARMONY: u16 = 65;

/// The settings a room works by. Shared by all rooms of an application.
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
    /// True if visitors without an account may enter.
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
    /// Rooms made by one account that everybody has left and that wait for their end; at so many it makes no other.
    pub client_rooms_left_per_account_max: usize,
    /// The same of all accounts of the application.
    pub client_rooms_left_per_app_max: usize,
    /// True if rooms made by clients keep a history.
    pub client_rooms_have_history: bool,
    /// Robots in a room.
    pub robots_max: usize,
    /// How long a robot stays after it was added, or added again.
    pub robot_ttl_ms: i64,
    /// Who judges what is said and shown; `None`: nobody.
    pub moderator: Option<SharedModerator>,
    /// What the application is told of the room; `None`: nothing, and then nothing is made for it.
    pub reports: Option<Arc<Reports>>,
}

impl Settings {
    /// Row 14 of chatroom.md §c.0 on a message: 403 where it is refused.
    pub(super) fn moderate_message(&self, request: &pb::MessageSendRequest) -> Result<Rewritten, Status> {
        self.moderator.as_ref().map_or_else(|| Ok(Rewritten::default()), |moderator| moderator.message(request))
    }

    /// Row 14 of chatroom.md §c.0 on what a member shows: 13005 where a text may not stand.
    pub(super) fn moderate_profile(&self, texts: [&str; 3]) -> Result<(), Status> {
        self.moderator.as_ref().map_or(Ok(()), |moderator| moderator.profile(&texts))
    }

    /// Row 14 of chatroom.md §c.0 on what a room shows: 403 where a text may not stand.
    pub(super) fn moderate_room(&self, texts: [&str; 4]) -> Result<(), Status> {
        let refused = || Status::with_sub(Code::Forbidden, Sub::RoomModerated);
        let stands = self.moderator.as_ref().is_none_or(|moderator| moderator.lets_stand(Moderated::Room, &texts));
        if stands { Ok(()) } else { Err(refused()) }
    }
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

impl MultiClient {
    /// True if a connection of an account gives way to a new one of the same account from another device.
    pub(super) fn displaces(&self, new: Kind, old: Kind) -> bool {
        match self {
            MultiClient::Coexist => false,
            MultiClient::Single => true,
            MultiClient::OneDesktopOneMobile => new.group().is_some() && new.group() == old.group(),
            // A custom type takes the place of the client type where one of the two has it.
            MultiClient::SameType if new.custom != 0 || old.custom != 0 => new.custom == old.custom,
            MultiClient::SameType => new.client == old.client,
            MultiClient::Custom(pairs) => pairs.contains(&(new.client.into(), old.client.into())),
        }
    }
}

/// What kind of client is on a connection, as far as the multi-client policy asks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Kind {
    /// Number of the client type.
    pub client: u16,
    /// The application's own type; 0: none.
    pub custom: u32,
}

/// What `one_desktop_one_mobile` allows one of each of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Group {
    Desktop,
    Mobile,
}

impl Kind {
    /// The group of the client type; one that chatroom.md §d.4 puts into neither displaces nobody and is displaced by nobody.
    fn group(self) -> Option<Group> {
        match self.client {
            CLIENT_PC | CLIENT_MAC | CLIENT_WEB => Some(Group::Desktop),
            CLIENT_ANDROID | CLIENT_IOS | CLIENT_HARMONY => Some(Group::Mobile),
            _ => None,
        }
    }
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
            client_rooms_left_per_account_max: limits::CLIENT_ROOMS_LEFT_PER_ACCOUNT_MAX,
            client_rooms_left_per_app_max: limits::CLIENT_ROOMS_LEFT_PER_APP_MAX,
            client_rooms_have_history: false,
            robots_max: limits::ROBOTS_PER_ROOM_MAX,
            robot_ttl_ms: limits::ROBOT_TTL_SECONDS * 1000,
            moderator: None,
            reports: None,
        }
    }
}

/// The same settings for every application, for good.
impl Rules<Settings> for Settings {
    fn settings(&self, _app_key: &str) -> Arc<Settings> {
        Arc::new(self.clone())
    }

    fn version(&self) -> u64 {
        0
    }
}
