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
    /// Mutes or unmutes a whole room.
    mute_room(request: pb::RoomMuteRequest) => RoomMute, pb::Status;
    /// Changes a room's profile.
    update_room(request: pb::RoomUpdateRequest) => RoomUpdate, Box<pb::RoomInfoResponse>;
    /// One page of a room's members.
    members(request: pb::MemberListRequest) => MemberList, pb::MemberListResponse;
    /// Certain members of a room, by account.
    lookup_members(request: pb::MemberLookupRequest) => MemberLookup, pb::MemberListResponse;
    /// Gives or takes a role: administrator, ordinary member, blocklist, mute.
    set_role(request: pb::MemberSetRoleRequest) => MemberSetRole, Box<pb::MemberSetRoleResponse>;
    /// Takes a member out of a room.
    kick(request: pb::MemberKickRequest) => MemberKick, pb::Status;
    /// Mutes a member for a while.
    temp_mute(request: pb::MemberTempMuteRequest) => MemberTempMute, pb::MemberTempMuteResponse;
    /// Changes the own profile in a room.
    update_self(request: pb::MemberUpdateSelfRequest) => MemberUpdateSelf, pb::Status;
    /// Changes the own tags in a room.
    update_tags(request: pb::MemberUpdateTagsRequest) => MemberUpdateTags, pb::Status;
    /// Changes the own place in a room.
    update_location(request: pb::MemberUpdateLocationRequest) => MemberUpdateLocation, pb::Status;
    /// Sends a message. Without a message id the client makes one. A send outlives a lost connection: it is repeated under
    /// the same id after the next login, and the server takes it once.
    send(request: pb::MessageSendRequest) => MessageSend, pb::MessageSendResponse;
    /// One page of a room's history.
    history(request: pb::MessageHistoryRequest) => MessageHistory, pb::MessageHistoryResponse;
    /// Recalls a message.
    recall(request: pb::MessageRecallRequest) => MessageRecall, pb::Status;
    /// Sets the size of a room's queue and empties it.
    queue_init(request: pb::QueueInitRequest) => QueueInit, pb::Status;
    /// Adds an element to a room's queue, or changes it.
    queue_offer(request: pb::QueueOfferRequest) => QueueOffer, pb::QueueOfferResponse;
    /// Takes an element out of a room's queue: the head without a key.
    queue_poll(request: pb::QueuePollRequest) => QueuePoll, pb::QueueElementResponse;
    /// A room's queue, in its order.
    queue_list(request: pb::QueueListRequest) => QueueList, pb::QueueListResponse;
    /// The head of a room's queue.
    queue_peek(request: pb::QueuePeekRequest) => QueuePeek, pb::QueueElementResponse;
    /// Empties a room's queue.
    queue_drop(request: pb::QueueDropRequest) => QueueDrop, pb::Status;
}

impl Client {
    /// Leaves a room.
    pub async fn exit(&self, room_id: i64) -> Result<(), Status> {
        self.request(Request::RoomExit(pb::RoomExitRequest { room_id })).await.map(drop)
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

    /// Logs the account out of other devices.
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
fn mismatch() -> Status {
    Status::new(Code::UnpackFailed, "the answer does not fit the request")
}
