//! Bytes ⇄ frame ⇄ packet: header, checksum, codec, packet kinds and the generated protobuf types (wire.md). No I/O, and no
//! idea that rooms exist.

pub mod codec;
mod describe;
pub mod fields;
pub mod frame;
mod fuzzing;
pub mod operations;
pub mod packet;

pub use codec::FrameCodec;
pub use describe::{describe, describe_fields};
pub use frame::{Frame, FrameError, Header};
#[doc(hidden)]
pub use fuzzing::{fuzz_frames, fuzz_packet};
pub use packet::{Packet, PacketError, Push, Request, Response};

#[allow(missing_docs, clippy::all, clippy::pedantic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/proto.rs"));
}

/// What a node keeps on disk: the types of `proto/chatroom/store/v1`.
pub use generated::chatroom::store::v1 as store;
/// What travels: the types of `proto/chatroom/v1`.
pub use generated::chatroom::v1 as pb;
pub use pb::PacketKind;
