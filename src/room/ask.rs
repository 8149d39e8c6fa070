//! Which requests are asked of a room, and which room that is.

use super::command::{Enter, Op, Query, Recall};
use super::entry::Ask;
use crate::error::{Code, Status};
use crate::id::{DeviceId, RoomId};
use crate::wire::{Request, pb};

impl Ask {
    /// The room a request is for, and what it is to that room.
    ///
    /// Fails with 414 if the room's number is none, with 514 if the operation is not offered yet, and with 509 for what is
    /// asked of a connection rather than of a room. Of an entering connection only the request is known here: the account's
    /// profile, the application and the device are for the caller to fill in.
    pub fn from_request(request: Request) -> Result<(RoomId, Ask), Status> {
        let command = |room: i64, op: Op| Ok((RoomId::new(room)?, Ask::Command(op)));
        let query = |room: i64, query: Query| Ok((RoomId::new(room)?, Ask::Query(query)));
        match request {
            Request::RoomEnter(asked) => command(asked.room_id, Op::Enter(Box::new(Enter::from_request(*asked)))),
            Request::RoomExit(asked) => command(asked.room_id, Op::Exit),
            Request::RoomInfo(asked) => query(asked.room_id, Query::Info(asked)),
            Request::RoomUpdate(asked) => command(asked.room_id, Op::Update(asked)),
            Request::RoomClose(asked) => command(asked.room_id, Op::Close(asked)),
            Request::RoomMute(asked) => command(asked.room_id, Op::MuteRoom(asked)),
            Request::MemberList(asked) => query(asked.room_id, Query::Members(asked)),
            Request::MemberLookup(asked) => query(asked.room_id, Query::Lookup(asked)),
            Request::MemberSetRole(asked) => command(asked.room_id, Op::SetRole(asked)),
            Request::MemberKick(asked) => command(asked.room_id, Op::Kick(asked)),
            Request::MemberTempMute(asked) => command(asked.room_id, Op::TempMute(asked)),
            Request::MemberUpdateSelf(asked) => command(asked.room_id, Op::UpdateSelf(asked)),
            Request::MessageSend(asked) => command(asked.room_id, Op::Send(asked)),
            Request::MessageHistory(asked) => query(asked.room_id, Query::History(asked)),
            Request::QueueInit(asked) => command(asked.room_id, Op::QueueInit(asked)),
            Request::QueueOffer(asked) => command(asked.room_id, Op::QueueOffer(asked)),
            Request::QueueBatchOffer(asked) => command(asked.room_id, Op::QueueBatchOffer(asked)),
            Request::QueuePoll(asked) => command(asked.room_id, Op::QueuePoll(asked)),
            Request::QueueList(asked) => query(asked.room_id, Query::QueueList(asked)),
            Request::QueuePeek(asked) => query(asked.room_id, Query::QueuePeek(asked)),
            Request::QueueMultiGet(asked) => query(asked.room_id, Query::QueueMultiGet(asked)),
            Request::QueueChange(asked) => command(asked.room_id, Op::QueueChange(asked)),
            Request::QueueDrop(asked) => command(asked.room_id, Op::QueueDrop(asked)),
            Request::MemberListByTag(asked) => query(asked.room_id, Query::MembersByTag(asked)),
            Request::MemberCountByTag(asked) => query(asked.room_id, Query::CountByTag(asked)),
            Request::MemberTagTempMute(asked) => command(asked.room_id, Op::TagTempMute(asked)),
            Request::MemberUpdateTags(asked) => command(asked.room_id, Op::UpdateTags(asked)),
            Request::MemberUpdateLocation(asked) => command(asked.room_id, Op::UpdateLocation(asked)),
            Request::MessageHistoryByTags(asked) => query(asked.room_id, Query::HistoryByTags(asked)),
            Request::MessageRecall(asked) => {
                command(asked.room_id, Op::Recall(Box::new(Recall { request: *asked, seq: None })))
            }
            Request::AttributesSet(asked) => command(asked.room_id, Op::SetAttributes(asked)),
            Request::AttributesDelete(asked) => command(asked.room_id, Op::DeleteAttributes(asked)),
            Request::AttributesBatch(asked) => command(asked.room_id, Op::BatchAttributes(asked)),
            Request::AttributesList(asked) => query(asked.room_id, Query::Attributes(asked)),
            Request::MemberAttributesSet(asked) => command(asked.room_id, Op::SetMemberAttributes(asked)),
            Request::MemberAttributesLookup(asked) => query(asked.room_id, Query::MemberAttributes(asked)),
            Request::MemberAttributesList(asked) => query(asked.room_id, Query::MemberAttributesList(asked)),
            Request::RoomCreate(_) | Request::RoomSwitch(_) | Request::RoomLeaveAll(_) | Request::KickDevices(_) => {
                Err(Status::new(Code::InvalidProtocol, "not a request to one room"))
            }
            Request::Ping(_) | Request::Login(_) | Request::Logout(_) | Request::RenewToken(_) => {
                Err(Status::new(Code::InvalidProtocol, "not a request to a room"))
            }
        }
    }
}

impl Enter {
    /// An entry of which only the client's wishes are known yet.
    pub fn from_request(request: pb::RoomEnterRequest) -> Enter {
        Enter {
            request,
            account_nick: String::new(),
            account_avatar: String::new(),
            app_key: String::new(),
            device_id: DeviceId::default(),
            custom_client_type: 0,
            replaces: None,
            leaves: None,
            over_quota: false,
            is_barred: false,
            client: None,
        }
    }
}
