//! Requests with their types: one method per operation.

use super::Client;
use crate::error::{Code, Status};
use crate::wire::{Request, Response, pb};

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($request:ident: $request_type:ty) => $variant:ident, $response_type:ty;)*) => {
        impl Client {
            $(
                $(#[$doc])*
                pub async fn $name(&self, $request: $request_type) -> Result<$response_type, Status> {
                    match self.request(Request::$variant($request.into())).await? {
                        Response::$variant(response) => Ok(response),
                        _ => Err(mismatch()),
                    }
                }
            )*
        }
    };
}

operations! {
    /// Enters a room. The client enters it again by itself after a lost connection.
    enter(request: pb::RoomEnterRequest) => RoomEnter, Box<pb::RoomEnterResponse>;
    /// Makes a room under a name of one's own, or with `enter_existing` enters it if it is there, and is in it.
    create_room(request: pb::RoomCreateRequest) => RoomCreate, Box<pb::RoomEnterResponse>;
    /// Leaves one room made by a client for another, as one step: refused, one is where one was.
    switch_room(request: pb::RoomSwitchRequest) => RoomSwitch, Box<pb::RoomEnterResponse>;
    /// Mutes or unmutes a whole room.
    mute_room(request: pb::RoomMuteRequest) => RoomMute, pb::Status;
    /// Changes a room's profile.
    update_room(request: pb::RoomUpdateRequest) => RoomUpdate, Box<pb::RoomInfoResponse>;
    /// Closes a room: everybody is put out, and nobody comes in until it is opened over HTTP.
    close_room(request: pb::RoomCloseRequest) => RoomClose, pb::Status;
    /// One page of a room's members.
    members(request: pb::MemberListRequest) => MemberList, pb::MemberListResponse;
    /// Certain members of a room, by account.
    lookup_members(request: pb::MemberLookupRequest) => MemberLookup, pb::MemberListResponse;
    /// One page of the connections that carry a tag, the newest first.
    members_by_tag(request: pb::MemberListByTagRequest) => MemberListByTag, pb::MemberListResponse;
    /// How many accounts carry a tag.
    count_by_tag(request: pb::MemberCountByTagRequest) => MemberCountByTag, pb::MemberCountByTagResponse;
    /// Gives or takes a role: administrator, ordinary member, blocklist, mute.
    set_role(request: pb::MemberSetRoleRequest) => MemberSetRole, Box<pb::MemberSetRoleResponse>;
    /// Takes a member out of a room.
    kick(request: pb::MemberKickRequest) => MemberKick, pb::Status;
    /// Mutes a member for a while; 0 seconds lift that.
    temp_mute(request: pb::MemberTempMuteRequest) => MemberTempMute, pb::MemberTempMuteResponse;
    /// Mutes everybody with a tag for a while; 0 seconds lift that.
    tag_temp_mute(request: pb::MemberTagTempMuteRequest) => MemberTagTempMute, pb::MemberTempMuteResponse;
    /// Changes the own profile in a room.
    update_self(request: pb::MemberUpdateSelfRequest) => MemberUpdateSelf, pb::Status;
    /// Changes the own tags in a room. The client carries them again after a lost connection.
    update_tags(request: pb::MemberUpdateTagsRequest) => MemberUpdateTags, pb::Status;
    /// Changes the own place in a room. The client stands there again after a lost connection.
    update_location(request: pb::MemberUpdateLocationRequest) => MemberUpdateLocation, pb::Status;
    /// Sends a message. Without a message id the client makes one. A send outlives a lost connection: it is repeated under
    /// the same id after the next login, and the server takes it once. After its deadline
    /// ([`ClientOptions::send_timeout_ms`](super::ClientOptions::send_timeout_ms)) it ends with 408 and is never repeated.
    send(request: pb::MessageSendRequest) => MessageSend, pb::MessageSendResponse;
    /// One page of a room's history.
    history(request: pb::MessageHistoryRequest) => MessageHistory, pb::MessageHistoryResponse;
    /// One page of what a room's history has for certain tags.
    history_by_tags(request: pb::MessageHistoryByTagsRequest) => MessageHistoryByTags, pb::MessageHistoryResponse;
    /// Recalls a message.
    recall(request: pb::MessageRecallRequest) => MessageRecall, pb::Status;
    /// Sets the size of a room's queue; what is in it stays.
    queue_init(request: pb::QueueInitRequest) => QueueInit, pb::Status;
    /// Adds an element to a room's queue, or changes it.
    queue_offer(request: pb::QueueOfferRequest) => QueueOffer, pb::QueueOfferResponse;
    /// Adds several elements to a room's queue, or changes them; the answer names those that could not be.
    queue_batch_offer(request: pb::QueueBatchOfferRequest) => QueueBatchOffer, pb::QueueBatchResponse;
    /// Takes an element out of a room's queue: the head without a key.
    queue_poll(request: pb::QueuePollRequest) => QueuePoll, pb::QueueElementResponse;
    /// A page of a room's queue, in its order; [`Client::whole_queue`] asks for all of it.
    queue_list(request: pb::QueueListRequest) => QueueList, pb::QueueListResponse;
    /// The head of a room's queue.
    queue_peek(request: pb::QueuePeekRequest) => QueuePeek, pb::QueueElementResponse;
    /// Certain elements of a room's queue, by key; those that are not there are left out.
    queue_multi_get(request: pb::QueueMultiGetRequest) => QueueMultiGet, pb::QueueListResponse;
    /// Changes several elements of a room's queue; the answer names those that are not there.
    queue_change(request: pb::QueueChangeRequest) => QueueChange, pb::QueueBatchResponse;
    /// Empties a room's queue.
    queue_drop(request: pb::QueueDropRequest) => QueueDrop, pb::QueueDropResponse;
    /// Sets attributes of a room; the answer names the keys that belong to others. Within a batch it succeeds at once.
    set_attributes(request: pb::AttributesSetRequest) => AttributesSet, pb::AttributesChangeResponse;
    /// Deletes attributes of a room; the answer names the keys that belong to others, or to nobody. Within a batch it succeeds
    /// at once.
    delete_attributes(request: pb::AttributesDeleteRequest) => AttributesDelete, pb::AttributesChangeResponse;
    /// Sets and deletes attributes of a room as one change, without [`Client::begin_attributes_batch`].
    batch_attributes(request: pb::AttributesBatchRequest) => AttributesBatch, pb::AttributesChangeResponse;
    /// A room's attributes.
    attributes(request: pb::AttributesListRequest) => AttributesList, pb::AttributesListResponse;
    /// Sets attributes of members of a room; an empty value deletes its key.
    set_member_attributes(request: pb::MemberAttributesSetRequest) => MemberAttributesSet, pb::MemberAttributesSetResponse;
    /// The attributes of certain members of a room.
    lookup_member_attributes(request: pb::MemberAttributesLookupRequest) => MemberAttributesLookup, pb::MemberAttributesListResponse;
    /// One page of the members of a room that have attributes, with these.
    member_attributes(request: pb::MemberAttributesListRequest) => MemberAttributesList, pb::MemberAttributesListResponse;
}

impl Client {
    /// Leaves a room.
    pub async fn exit(&self, room_id: i64) -> Result<pb::RoomExitResponse, Status> {
        match self.request(Request::RoomExit(pb::RoomExitRequest { room_id })).await? {
            Response::RoomExit(response) => Ok(response),
            _ => Err(mismatch()),
        }
    }

    /// Leaves every room made by a client; other rooms are not left.
    pub async fn leave_all(&self) -> Result<pb::RoomLeaveAllResponse, Status> {
        match self.request(Request::RoomLeaveAll(pb::RoomLeaveAllRequest {})).await? {
            Response::RoomLeaveAll(response) => Ok(response),
            _ => Err(mismatch()),
        }
    }

    /// What a room says of itself.
    pub async fn room_info(&self, room_id: i64) -> Result<pb::RoomInfo, Status> {
        match self.request(Request::RoomInfo(pb::RoomInfoRequest { room_id })).await? {
            Response::RoomInfo(response) => response.room.ok_or_else(mismatch),
            _ => Err(mismatch()),
        }
    }

    /// Gives the session a new token, which also serves the logins after lost connections.
    pub async fn renew_token(&self, token: impl Into<String>) -> Result<(), Status> {
        self.request(Request::RenewToken(pb::RenewTokenRequest { token: token.into() })).await.map(drop)
    }

    /// Puts other devices of the account out of the rooms they are in.
    pub async fn kick_devices(&self, device_ids: Vec<String>) -> Result<(), Status> {
        self.request(Request::KickDevices(pb::KickDevicesRequest { device_ids })).await.map(drop)
    }

    /// The time a ping takes to the server and back.
    pub async fn ping(&self) -> Result<std::time::Duration, Status> {
        let start = tokio::time::Instant::now();
        self.request(Request::Ping(bytes::Bytes::new())).await.map(|_| start.elapsed())
    }
}

/// An answer of the right kind that lacks what it is for: a server that breaks its word.
pub(super) fn mismatch() -> Status {
    Status::new(Code::UnpackFailed, "the answer does not fit the request")
}
