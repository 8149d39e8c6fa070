//! Which requests are asked of a room, and which room that is.

use super::command::{Enter, Op, Query, Recall};
use super::entry::Ask;
use crate::error::{Code, Status};
use crate::id::{DeviceId, RoomId};
use crate::wire::{Request, pb};

impl Ask {
    /// The room a request is for, and what it is to that room.
    ///
    /// Fails with 414 if the room's number is none, and with 509 for what is asked of a connection, of an account, or of several
    /// rooms. Of an entering connection only the request is known here: the account's profile, the application and the device are
    /// for the caller to fill in.
    pub fn from_request(request: Request) -> Result<(RoomId, Ask), Status> {
        let other = Status::new(Code::InvalidProtocol, "not a request to one room");
        let (room_id, ask) = asked!((return Err(other)) request => {
            Request::RoomEnter(asked) => (asked.room_id, Ask::Command(Op::Enter(Box::new(Enter::from_request(*asked))))),
            Request::RoomExit(asked) => (asked.room_id, Ask::Command(Op::Exit)),
            Request::MessageRecall(asked) => {
                (asked.room_id, Ask::Command(Op::Recall(Box::new(Recall { request: *asked, seq: None }))))
            }
        });
        Ok((RoomId::new(room_id)?, ask))
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
