//! Cuts frames out of a stream of bytes, without copying a body (wire.md §2).

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::frame::{FLAG_COMPRESSED, FLAG_RESPONSE, Frame, FrameError, Header, MAGIC_V1, unseal};
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
        if magic != MAGIC_V1 {
            return Err(match magic >> 4 {
                0xC => FrameError::UnknownVersion { version: magic & 0x0F },
                _ => FrameError::NotOurs { found: magic },
            });
        }
        let Some(head) = src.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let header = Header {
            flags: head[1],
            kind: u16::from_le_bytes([head[2], head[3]]),
            length: u32::from_le_bytes([head[4], head[5], head[6], head[7]]),
            sequence: u32::from_le_bytes([head[8], head[9], head[10], head[11]]),
        };
        if header.flags & !FLAG_RESPONSE != 0 {
            let reserved = header.flags & !(FLAG_RESPONSE | FLAG_COMPRESSED) != 0;
            return Err(if reserved { FrameError::ReservedFlag { flags: header.flags } } else { FrameError::Compressed });
        }
        let bytes = u64::from(header.length) + HEADER_BYTES as u64;
        if bytes > self.frame_bytes_max as u64 {
            return Err(FrameError::TooLong { bytes, max: self.frame_bytes_max });
        }
        Ok(Some(header))
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = FrameError;

    /// Cuts the next frame out of `src`. Never reserves: how much is read at a time is the reader's business.
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(header) = self.header(src)? else { return Ok(None) };
        let body_len = header.length as usize;
        let Some(frame) = src.get_mut(..HEADER_BYTES + body_len) else { return Ok(None) };
        unseal(frame)?;
        src.advance(HEADER_BYTES);
        // An empty body must not keep the receive buffer alive.
        let body = if body_len == 0 { Bytes::new() } else { src.split_to(body_len).freeze() };
        Ok(Some(Frame { header, body }))
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
