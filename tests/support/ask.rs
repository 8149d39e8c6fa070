//! The requests of the wire protocol in a word each, and what an answer came to.

use std::time::Instant;

use bytes::BytesMut;
use chatroom::limits::HEADER_BYTES;
use chatroom::wire::pb::{self, RoleChange};
use chatroom::wire::{Request, Response};
use prost::Message;

use super::{PATIENCE, Peer};

/// Code and sub code of an answer; 200 for success, 0 for no sub code.
pub type Came = (i32, i32);

/// Success.
pub const OK: Came = (200, 0);

/// Reads any answer as a `Status` (wire.md §3).
pub fn status(response: &Response) -> pb::Status {
    let mut frame = BytesMut::new();
    response.encode(1, &mut frame);
    pb::Status::decode(&frame[HEADER_BYTES..]).expect("any response can be read as a Status")
}

/// Code and sub code of an answer.
pub fn came(response: &Response) -> Came {
    let status = status(response);
    (if status.code == 0 { 200 } else { status.code }, status.sub)
}

impl Peer {
    /// Sends a request and says what it came to.
    pub fn came(&mut self, request: Request) -> Came {
        came(&self.call(request))
    }

    /// Sends a request and reads its answer as a `Status`, `retry_after_ms` included. Pushes that come before it are lost.
    pub fn status(&mut self, request: &Request) -> pb::Status {
        let sequence = self.ask(request).expect("the server reads");
        loop {
            let frame = self.frame(Instant::now() + PATIENCE).expect("the server answers");
            if frame.header.sequence == sequence {
                return pb::Status::decode(frame.body).expect("any response can be read as a Status");
            }
        }
    }

    /// Sends a request that must succeed.
    pub fn done(&mut self, request: Request) -> Response {
        let response = self.call(request.clone());
        assert_eq!(came(&response).0, 200, "{request:?} was answered with {response:?}");
        response
    }
}

/// Enters a room.
pub fn enter(room: i64) -> Request {
    Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id: room, nick: "somebody".into(), ..Default::default() }))
}

/// Leaves a room.
pub fn exit(room: i64) -> Request {
    Request::RoomExit(pb::RoomExitRequest { room_id: room })
}

/// Gives or takes a role or restriction.
pub fn set_role(room: i64, account: &str, change: RoleChange, set: bool) -> Request {
    let (account, change) = (account.into(), change as i32);
    Request::MemberSetRole(pb::MemberSetRoleRequest { room_id: room, account, change, set, ..Default::default() })
}

/// Mutes somebody for a time; 0 lifts.
pub fn temp_mute(room: i64, account: &str, seconds: u32) -> Request {
    Request::MemberTempMute(pb::MemberTempMuteRequest { room_id: room, account: account.into(), seconds, ..Default::default() })
}

/// Mutes a tag for a time; 0 lifts.
pub fn tag_temp_mute(room: i64, tag: &str, seconds: u32) -> Request {
    Request::MemberTagTempMute(pb::MemberTagTempMuteRequest { room_id: room, tag: tag.into(), seconds, ..Default::default() })
}

/// Puts somebody out.
pub fn kick(room: i64, account: &str) -> Request {
    Request::MemberKick(pb::MemberKickRequest { room_id: room, account: account.into(), ..Default::default() })
}

/// Mutes or unmutes a room.
pub fn mute_room(room: i64, mute: bool) -> Request {
    Request::RoomMute(pb::RoomMuteRequest { room_id: room, mute, ..Default::default() })
}

/// Closes a room.
pub fn close(room: i64) -> Request {
    Request::RoomClose(pb::RoomCloseRequest { room_id: room, ..Default::default() })
}

/// Asks what a room is.
pub fn info(room: i64) -> Request {
    Request::RoomInfo(pb::RoomInfoRequest { room_id: room })
}

/// Changes a room's `ext`.
pub fn update_ext(room: i64, ext: &str) -> Request {
    Request::RoomUpdate(Box::new(pb::RoomUpdateRequest { room_id: room, ext: Some(ext.into()), ..Default::default() }))
}

/// Changes one's own nick.
pub fn update_nick(room: i64, nick: &str) -> Request {
    let nick = Some(nick.into());
    Request::MemberUpdateSelf(Box::new(pb::MemberUpdateSelfRequest { room_id: room, nick, ..Default::default() }))
}

/// A text message that goes into the history.
pub fn text(room: i64, message_id: &str, body: &str) -> pb::MessageSendRequest {
    super::peer::text_message(room, message_id, body)
}

/// Sends.
pub fn send(message: pb::MessageSendRequest) -> Request {
    Request::MessageSend(Box::new(message))
}

/// Offers an element of the caller's.
pub fn offer(room: i64, key: &str, value: &str) -> Request {
    Request::QueueOffer(Box::new(pb::QueueOfferRequest {
        room_id: room,
        key: key.into(),
        value: value.to_owned().into_bytes().into(),
        ..Default::default()
    }))
}

/// Takes an element out of the queue; an empty key takes the head.
pub fn poll(room: i64, key: &str) -> Request {
    Request::QueuePoll(pb::QueuePollRequest { room_id: room, key: key.into() })
}

/// An element without owner.
pub fn element(key: &str, value: &str) -> pb::QueueElement {
    pb::QueueElement { key: key.into(), value: value.to_owned().into_bytes().into(), ..Default::default() }
}

/// Changes elements; with an `ext` everybody is told.
pub fn change(room: i64, elements: Vec<pb::QueueElement>, notify_ext: &str) -> Request {
    let (notify, notify_ext) = (!notify_ext.is_empty(), notify_ext.into());
    Request::QueueChange(pb::QueueChangeRequest { room_id: room, elements, notify, notify_ext })
}

/// Offers elements; with an `ext` everybody is told.
pub fn batch_offer(room: i64, elements: Vec<pb::QueueElement>, notify_ext: &str) -> Request {
    let (notify, notify_ext) = (!notify_ext.is_empty(), notify_ext.into());
    Request::QueueBatchOffer(pb::QueueBatchOfferRequest { room_id: room, elements, notify, notify_ext })
}

/// Changes the calling connection's tags.
pub fn update_tags(room: i64, tags: &[&str]) -> Request {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Request::MemberUpdateTags(Box::new(pb::MemberUpdateTagsRequest {
        room_id: room,
        tags,
        set_tags: true,
        ..Default::default()
    }))
}

/// Places the calling connection.
pub fn update_location(room: i64, x: f64, distance: f64) -> Request {
    let location = pb::Location { x: Some(x), y: Some(0.0), z: Some(0.0), distance: Some(distance), enabled: Some(true) };
    Request::MemberUpdateLocation(pb::MemberUpdateLocationRequest { room_id: room, location: Some(location) })
}

/// Takes a message back.
pub fn recall(room: i64, message_id: &str, from: &str, time_ms: i64) -> Request {
    let (message_id, from) = (message_id.into(), from.into());
    Request::MessageRecall(Box::new(pb::MessageRecallRequest {
        room_id: room,
        message_id,
        time_ms,
        from,
        ..Default::default()
    }))
}

/// Sets attributes of the room.
pub fn set_attributes(room: i64, pairs: &[(&str, &str)]) -> Request {
    Request::AttributesSet(pb::AttributesSetRequest { room_id: room, attributes: map(pairs), ..Default::default() })
}

/// Deletes attributes of the room.
pub fn delete_attributes(room: i64, keys: &[&str], force: bool) -> Request {
    let keys = keys.iter().map(|key| (*key).to_owned()).collect();
    Request::AttributesDelete(pb::AttributesDeleteRequest { room_id: room, keys, force })
}

/// Sets attributes of members.
pub fn set_member_attributes(room: i64, accounts: &[&str], pairs: &[(&str, &str)]) -> Request {
    let accounts = accounts.iter().map(|account| (*account).to_owned()).collect();
    let attributes = map(pairs);
    let request = pb::MemberAttributesSetRequest { room_id: room, accounts, attributes, force: true, ..Default::default() };
    Request::MemberAttributesSet(Box::new(request))
}

/// Pairs of key and value.
pub fn map(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}
