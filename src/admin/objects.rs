//! The objects of rest-api.md §3 as they are printed. Keys that do not belong to a call are `None` and left out.

use serde::Serialize;

use crate::account::Known;
use crate::wire::pb::{self, MemberType};

/// A room.
#[derive(Serialize)]
pub(super) struct Room<'a> {
    roomid: i64,
    valid: bool,
    muted: bool,
    announcement: Option<&'a str>,
    name: &'a str,
    broadcasturl: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    onlineusercount: Option<u64>,
    ext: &'a str,
    creator: &'a str,
    queuelevel: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    ionotify: Option<bool>,
    #[serde(rename = "delayInfo", skip_serializing_if = "Option::is_none")]
    delay_info: Option<DelayInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DelayInfo {
    delay_close_enable: bool,
    delay_close_policy: u32,
    delay_seconds: u32,
    /// 1 while the room is open and may yet close by itself.
    status: u32,
    start_time: i64,
}

impl<'a> Room<'a> {
    /// The object as `create` answers it.
    pub(super) fn new(info: &'a pb::RoomInfo) -> Room<'a> {
        let delay = info.delay_close.as_ref().filter(|delay| delay.policy != 0);
        Room {
            roomid: info.room_id,
            valid: info.valid,
            muted: info.muted,
            announcement: info.announcement.as_deref(),
            name: &info.name,
            broadcasturl: &info.broadcast_url,
            onlineusercount: None,
            ext: &info.ext,
            creator: &info.creator,
            queuelevel: info.queue_level,
            ionotify: None,
            delay_info: delay.map(|delay| DelayInfo {
                delay_close_enable: true,
                delay_close_policy: delay.policy,
                delay_seconds: delay.delay_seconds,
                status: u32::from(info.valid),
                start_time: delay.start_time_ms,
            }),
        }
    }

    /// The object as `get` answers it.
    pub(super) fn in_full(info: &'a pb::RoomInfo, with_online_count: bool) -> Room<'a> {
        let onlineusercount = with_online_count.then_some(info.online_count);
        Room { ionotify: Some(info.in_out_notification), onlineusercount, ..Room::new(info) }
    }
}

/// A member.
#[derive(Serialize)]
pub(super) struct Member<'a> {
    roomid: i64,
    accid: &'a str,
    nick: &'a str,
    avator: &'a str,
    ext: &'a str,
    r#type: &'static str,
    level: u32,
    #[serde(rename = "onlineStat")]
    online_stat: bool,
    #[serde(rename = "enterTime")]
    enter_time: Time,
    #[serde(rename = "joinTime", skip_serializing_if = "Option::is_none")]
    join_time: Option<Time>,
    #[serde(skip_serializing_if = "is_false")]
    blacklisted: bool,
    #[serde(rename = "Blocklisted", skip_serializing_if = "is_false")]
    blocklisted: bool,
    #[serde(skip_serializing_if = "is_false")]
    muted: bool,
    #[serde(rename = "tempMuted", skip_serializing_if = "is_false")]
    temp_muted: bool,
    #[serde(rename = "tempMuteTtl", skip_serializing_if = "is_zero")]
    temp_mute_ttl: u32,
    #[serde(rename = "isRobot", skip_serializing_if = "is_false")]
    is_robot: bool,
    #[serde(rename = "robotExpirAt", skip_serializing_if = "Option::is_none")]
    robot_expire: Option<u32>,
}

/// A time in milliseconds.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum Time {
    Number(i64),
    Quoted(Quoted),
}

/// A number in quotes.
#[derive(Clone, Copy)]
pub(super) struct Quoted(i64);

impl Serialize for Quoted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A member as one of its connections shows it. Here times stand in quotes.
#[derive(Serialize)]
pub(super) struct TaggedMember<'a> {
    #[serde(flatten)]
    member: Member<'a>,
    /// A single tag as it is, several as the text of a JSON array.
    tags: String,
    #[serde(rename = "notifyTargetTags")]
    target: &'a str,
}

impl<'a> TaggedMember<'a> {
    pub(super) fn new(room: i64, member: &'a pb::Member, seed_aliases: bool) -> TaggedMember<'a> {
        let tags = match &member.tags[..] {
            [only] => only.clone(),
            tags => serde_json::to_string(tags).expect("tags are texts"),
        };
        let time = Time::Quoted(Quoted(member.enter_time_ms));
        let plain = Member::new(room, member, None, seed_aliases);
        let plain = Member { enter_time: time, join_time: seed_aliases.then_some(time), ..plain };
        TaggedMember { member: plain, tags, target: &member.notify_target_tags }
    }
}

impl<'a> Member<'a> {
    /// The same member in a list ordered by this time, by which its next page is asked for.
    pub(super) fn listed_at(self, time_ms: i64) -> Member<'a> {
        let time = Time::Number(time_ms);
        Member { enter_time: time, join_time: self.join_time.map(|_| time), ..self }
    }

    /// A member, and its account, whose name and icon stand in where the room knows no nick and avatar of somebody who is away.
    pub(super) fn new(room: i64, member: &'a pb::Member, account: Option<&'a Known>, seed_aliases: bool) -> Member<'a> {
        let profile = account.filter(|_| !member.online);
        let or = |own: &'a str, name: fn(&'a Known) -> &'a str| if own.is_empty() { profile.map_or("", name) } else { own };
        let enter_time = Time::Number(member.enter_time_ms);
        Member {
            roomid: room,
            accid: &member.account,
            nick: or(&member.nick, Known::nick),
            avator: or(&member.avatar, Known::avatar),
            ext: &member.ext,
            r#type: type_name(member.r#type),
            level: member.level.unwrap_or_default(),
            online_stat: member.online,
            enter_time,
            join_time: seed_aliases.then_some(enter_time),
            blacklisted: member.blocklisted,
            blocklisted: member.blocklisted && seed_aliases,
            muted: member.muted,
            temp_muted: member.temp_mute_seconds > 0,
            temp_mute_ttl: member.temp_mute_seconds,
            is_robot: member.robot,
            robot_expire: member.robot.then_some(member.robot_expire_seconds),
        }
    }
}

/// What the API calls a type of member (rest-api.md §2, chatroom.md §a.4).
pub(super) fn type_name(number: i32) -> &'static str {
    match MemberType::try_from(number) {
        Ok(MemberType::Common) => "COMMON",
        Ok(MemberType::Creator) => "CREATOR",
        Ok(MemberType::Administrator) => "MANAGER",
        Ok(MemberType::Visitor | MemberType::Virtual) => "TEMPORARY",
        Ok(MemberType::Anonymous) => "ANONYMOUS",
        Ok(MemberType::Limited) => "LIMITED",
        Ok(MemberType::Unset) | Err(_) => "UNSET",
    }
}

/// A message that was sent. Most numbers are quoted: typed clients need texts.
#[derive(Serialize)]
pub(super) struct SentMessage {
    pub(super) time: String,
    pub(super) msgid_client: String,
    #[serde(rename = "roomId", skip_serializing_if = "Option::is_none")]
    pub(super) room_id: Option<String>,
    #[serde(rename = "fromAccount")]
    pub(super) from_account: String,
    #[serde(rename = "fromNick")]
    pub(super) from_nick: String,
    #[serde(rename = "fromAvator")]
    pub(super) from_avatar: String,
    #[serde(rename = "fromClientType")]
    pub(super) from_client_type: &'static str,
    pub(super) r#type: String,
    pub(super) attach: String,
    pub(super) ext: String,
    #[serde(rename = "highPriorityFlag", skip_serializing_if = "Option::is_none")]
    pub(super) high_priority_flag: Option<u32>,
    #[serde(rename = "msgAbandonFlag", skip_serializing_if = "Option::is_none")]
    pub(super) abandon_flag: Option<&'static str>,
}

fn is_false(yes: &bool) -> bool {
    !yes
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}
