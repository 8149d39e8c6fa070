//! Cuts frames out of a stream of bytes, without copying a body (wire.md §2).

use bytes::{Buf, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::frame::{FLAG_COMPRESSED, FLAG_RESPONSE, Frame, FrameError, Header, checksum};
use crate::limits::{FRAME_BYTES_MAX, HEADER_BYTES};

/// The frame layer of one connection. Holds no buffer: bytes stay where they were received.
#[derive(Clone, Copy, Debug)]
pub struct FrameCodec {
    frame_bytes_max: usize,
}

impl Default for FrameCodec {
    fn default() -> FrameCodec {
        FrameCodec::new(FRAME_BYTES_MAX)
    }
}

impl FrameCodec {
    /// A codec that refuses frames of more than `frame_bytes_max` bytes, header included.
    pub fn new(frame_bytes_max: usize) -> FrameCodec {
        FrameCodec { frame_bytes_max }
    }

    /// Changes the limit, as login does.
    pub fn set_frame_bytes_max(&mut self, frame_bytes_max: usize) {
        self.frame_bytes_max = frame_bytes_max;
    }

    /// Reads a header as far as bytes have arrived; `None` until all 16 are there. What can be refused is refused at once.
    fn header(&self, src: &[u8]) -> Result<Option<Header>, FrameError> {
        let Some(&magic) = src.first() else { return Ok(None) };
        if magic >> 4 != 0xC {
            return Err(FrameError::NotOurs { found: magic });
        }
        if magic & 0x0F != 1 {
            return Err(FrameError::UnknownVersion { version: magic & 0x0F });
        }
        let Some(head) = src.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let header = Header {
            flags: head[1],
            kind: u16::from_le_bytes([head[2], head[3]]),
            length: u32::from_le_bytes([head[4], head[5], head[6], head[7]]),
            sequence: u32::from_le_bytes([head[8], head[9], head[10], head[11]]),
        };
        if header.flags & !(FLAG_RESPONSE | FLAG_COMPRESSED) != 0 {
            return Err(FrameError::ReservedFlag { flags: header.flags });
        }
        let bytes = header.length as u64 + HEADER_BYTES as u64;
        if bytes > self.frame_bytes_max as u64 {
            return Err(FrameError::TooLong { bytes, max: self.frame_bytes_max });
        }
        Ok(Some(header))
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(header) = self.header(src)? else { return Ok(None) };
        let wire_len = HEADER_BYTES + header.length as usize;
        if src.len() < wire_len {
            return Ok(None);
        }
        let found = u32::from_le_bytes([src[12], src[13], src[14], src[15]]);
        let computed = checksum(&src[..12], &src[HEADER_BYTES..wire_len]);
        if found != computed {
            return Err(FrameError::BadChecksum { found, computed });
        }
        if header.flags & FLAG_COMPRESSED != 0 {
            return Err(FrameError::Compressed);
        }
        let mut frame = src.split_to(wire_len);
        frame.advance(HEADER_BYTES);
        Ok(Some(Frame { header, body: frame.freeze() }))
    }
}

impl Encoder<Frame> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), FrameError> {
        let bytes = frame.wire_len() as u64;
        if bytes > self.frame_bytes_max as u64 {
            return Err(FrameError::TooLong { bytes, max: self.frame_bytes_max });
        }
        frame.encode(dst);
        Ok(())
    }
}
