//! What frames mean: requests, responses and pushes, each kind bound to its protobuf type in one
//! table, which `build/packets.rs` writes from the options in `proto/`.

use bytes::{Bytes, BytesMut};

use super::frame::{FLAG_RESPONSE, Frame, Header, VERSIONS, encode_message};
use super::pb::{self, PacketKind};
use super::store;
use crate::error::{Code, FailedKeys, Status};

/// Why a frame's body could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PacketError {
    /// The kind is not one of ours, or not one that can be asked, answered or pushed.
    UnknownKind {
        /// The kind found.
        kind: u16,
    },
    /// The body is not valid protobuf for its kind.
    BadBody {
        /// The kind of the frame.
        kind: PacketKind,
        /// What the decoder says.
        reason: String,
    },
}

impl std::fmt::Display for PacketError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PacketError::UnknownKind { kind } => write!(f, "kind {kind:#06x} is not known here"),
            PacketError::BadBody { kind, reason } => write!(f, "body of {}: {reason}", kind.as_str_name()),
        }
    }
}

impl std::error::Error for PacketError {}

macro_rules! packets {
    (
        requests { $($request:ident($request_type:ty) => $response_type:ty, $request_kind:ident;)* }
        pushes { $($push:ident($push_type:ty), $push_kind:ident;)* }
    ) => {
        /// What a client asks of the server (a ping also goes the other way).
        #[derive(Clone, PartialEq, Debug)]
        #[allow(missing_docs)]
        pub enum Request { Ping(Bytes), $($request($request_type),)* }

        /// What comes back: exactly one for every request, of the request's kind.
        #[derive(Clone, PartialEq, Debug)]
        #[allow(missing_docs)]
        pub enum Response { Ping(Bytes), $($request($response_type),)* }

        /// What the server tells unasked.
        #[derive(Clone, PartialEq, Debug)]
        #[allow(missing_docs)]
        pub enum Push { $($push($push_type),)* }

        impl Request {
            /// The kind in the frame's header.
            pub fn kind(&self) -> PacketKind {
                match self { Request::Ping(_) => PacketKind::Ping, $(Request::$request(_) => PacketKind::$request_kind,)* }
            }

            /// Reads the body of a request.
            pub fn decode(kind: u16, mut body: Bytes) -> Result<Request, PacketError> {
                Request::decode_in_place(kind, &mut body)
            }

            fn decode_in_place(kind: u16, body: &mut Bytes) -> Result<Request, PacketError> {
                match known(kind)? {
                    PacketKind::Ping => Ok(Request::Ping(std::mem::take(body))),
                    $(PacketKind::$request_kind => Ok(Request::$request(read(PacketKind::$request_kind, body)?)),)*
                    _ => Err(PacketError::UnknownKind { kind }),
                }
            }

            /// Appends the request's frame to `out`. `sequence` must not be 0.
            pub fn encode(&self, sequence: u32, out: &mut BytesMut) {
                match self {
                    Request::Ping(body) => Frame::new(PacketKind::Ping as u16, 0, sequence, body.clone()).encode(out),
                    $(Request::$request(message) => encode_message(out, PacketKind::$request_kind as u16, 0, sequence, message),)*
                }
            }
        }

        impl Response {
            /// The kind in the frame's header.
            pub fn kind(&self) -> PacketKind {
                match self { Response::Ping(_) => PacketKind::Ping, $(Response::$request(_) => PacketKind::$request_kind,)* }
            }

            /// Reads the body of a response.
            pub fn decode(kind: u16, mut body: Bytes) -> Result<Response, PacketError> {
                Response::decode_in_place(kind, &mut body)
            }

            fn decode_in_place(kind: u16, body: &mut Bytes) -> Result<Response, PacketError> {
                match known(kind)? {
                    PacketKind::Ping => Ok(Response::Ping(std::mem::take(body))),
                    $(PacketKind::$request_kind => Ok(Response::$request(read(PacketKind::$request_kind, body)?)),)*
                    _ => Err(PacketError::UnknownKind { kind }),
                }
            }

            /// Appends the response's frame to `out`.
            pub fn encode(&self, sequence: u32, out: &mut BytesMut) {
                match self {
                    Response::Ping(body) => Frame::new(PacketKind::Ping as u16, FLAG_RESPONSE, sequence, body.clone()).encode(out),
                    $(Response::$request(message) => {
                        encode_message(out, PacketKind::$request_kind as u16, FLAG_RESPONSE, sequence, message);
                    })*
                }
            }
        }

        impl Push {
            /// The kind in the frame's header.
            pub fn kind(&self) -> PacketKind {
                match self { $(Push::$push(_) => PacketKind::$push_kind,)* }
            }

            /// Reads the body of a push.
            pub fn decode(kind: u16, mut body: Bytes) -> Result<Push, PacketError> {
                Push::decode_in_place(kind, &mut body)
            }

            fn decode_in_place(kind: u16, body: &mut Bytes) -> Result<Push, PacketError> {
                match known(kind)? {
                    $(PacketKind::$push_kind => Ok(Push::$push(read(PacketKind::$push_kind, body)?)),)*
                    _ => Err(PacketError::UnknownKind { kind }),
                }
            }

            /// Appends the push's frame to `out`.
            pub fn encode(&self, out: &mut BytesMut) {
                match self { $(Push::$push(message) => encode_message(out, PacketKind::$push_kind as u16, 0, 0, message),)* }
            }
        }
    };
}

include!(concat!(env!("OUT_DIR"), "/packets.rs"));

/// A frame, understood.
#[derive(Clone, PartialEq, Debug)]
pub enum Packet {
    /// Non-zero sequence, flag RESPONSE clear.
    Request {
        /// The request's id.
        sequence: u32,
        /// What is asked.
        request: Request,
    },
    /// Flag RESPONSE set.
    Response {
        /// The id of the request this answers.
        sequence: u32,
        /// The answer.
        response: Response,
    },
    /// Sequence 0.
    Push(Push),
}

impl Packet {
    /// Reads a frame's body. A zero sequence is a push, the flag RESPONSE a response, anything else a request.
    #[inline]
    pub fn decode(mut frame: Frame) -> Result<Packet, PacketError> {
        let (Header { kind, sequence, .. }, body) = (frame.header, &mut frame.body);
        if frame.header.flags & FLAG_RESPONSE != 0 {
            Ok(Packet::Response { sequence, response: Response::decode_in_place(kind, body)? })
        } else if sequence == 0 {
            Ok(Packet::Push(Push::decode_in_place(kind, body)?))
        } else {
            Ok(Packet::Request { sequence, request: Request::decode_in_place(kind, body)? })
        }
    }

    /// Appends the packet's frame to `out`.
    pub fn encode(&self, out: &mut BytesMut) {
        match self {
            Packet::Request { sequence, request } => request.encode(*sequence, out),
            Packet::Response { sequence, response } => response.encode(*sequence, out),
            Packet::Push(push) => push.encode(out),
        }
    }
}

/// Appends the answer that says nothing but a status, under any kind (wire.md §3: every response can be read as a `Status`).
pub fn encode_status(kind: u16, sequence: u32, status: &Status, out: &mut BytesMut) {
    if let Some(failed) = &status.failed {
        return encode_failed_keys(kind, sequence, status, failed, out);
    }
    encode_message(out, kind, FLAG_RESPONSE, sequence, &pb::Status::from(status));
}

/// Appends the frame of a push whose body is encoded already.
pub fn encode_push_body(kind: PacketKind, body: &Bytes, out: &mut BytesMut) {
    Frame::new(kind as u16, 0, 0, body.clone()).encode(out);
}

/// Appends the refusal of a change of attributes, with the keys it failed for.
fn encode_failed_keys(kind: u16, sequence: u32, status: &Status, failed: &[FailedKeys], out: &mut BytesMut) {
    let pb::Status { code, sub, desc, .. } = pb::Status::from(status);
    if kind == PacketKind::MemberAttributesSet as u16 {
        let member = |failed: &FailedKeys| pb::MemberAttributes {
            account: failed.account.clone(),
            attributes: Vec::new(),
            error_keys: failed.keys.clone(),
        };
        let members = failed.iter().map(member).collect();
        let response = pb::MemberAttributesSetResponse { code, sub, desc, members, error_accounts: Vec::new() };
        return encode_message(out, kind, FLAG_RESPONSE, sequence, &response);
    }
    let error_keys = failed.iter().flat_map(|failed| failed.keys.iter().cloned()).collect();
    let response = pb::AttributesChangeResponse { code, sub, desc, error_keys };
    encode_message(out, kind, FLAG_RESPONSE, sequence, &response);
}

/// Appends a history answer whose items are still the bytes the members received.
pub fn encode_history(kind: u16, sequence: u32, response: &store::RawHistoryResponse, out: &mut BytesMut) {
    encode_message(out, kind, FLAG_RESPONSE, sequence, response);
}

impl From<&Status> for pb::Status {
    fn from(status: &Status) -> pb::Status {
        pb::Status {
            code: if status.is_ok() { 0 } else { status.number() },
            sub: status.sub_number(),
            desc: status.desc.clone().into_owned(),
            supported_versions: if status.code == Code::VersionTooOld { VERSIONS.to_vec() } else { Vec::new() },
            retry_after_ms: status.retry_after_ms,
        }
    }
}

fn known(kind: u16) -> Result<PacketKind, PacketError> {
    PacketKind::try_from(i32::from(kind)).map_err(|_| PacketError::UnknownKind { kind })
}

/// Reads a message into the place where it stays: for `T = Box<…>` it never moves.
#[inline]
fn read<T: prost::Message + Default>(kind: PacketKind, body: &mut Bytes) -> Result<T, PacketError> {
    let mut message = T::default();
    match message.merge(body) {
        Ok(()) => Ok(message),
        Err(error) => Err(PacketError::BadBody { kind, reason: error.to_string() }),
    }
}
