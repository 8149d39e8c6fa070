//! Requests with their types: one method per operation, which `build/client.rs` writes from the options in `proto/`. Those that take
//! or give less than the messages are written here.

use super::Client;
use crate::error::{Code, Status};
use crate::wire::{Request, Response, pb};

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($request_type:ty) => $variant:ident, $response_type:ty;)*) => {
        impl Client {
            $(
                $(#[$doc])*
                pub async fn $name(&self, request: $request_type) -> Result<$response_type, Status> {
                    match self.request(Request::$variant(request.into())).await? {
                        Response::$variant(response) => Ok(response),
                        _ => Err(mismatch()),
                    }
                }
            )*

            /// Asks each of these once, with an empty request: for tests.
            #[doc(hidden)]
            pub async fn ask_for_everything(&self) -> Result<(), Status> {
                $(self.$name(Default::default()).await?;)*
                Ok(())
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/client.rs"));

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
