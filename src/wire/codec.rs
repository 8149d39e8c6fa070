//! Cuts frames out of a stream of bytes, without copying a body (wire.md §2).

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use super::frame::{FLAG_COMPRESSED, FLAG_RESPONSE, Frame, FrameError, Header, MAGIC_V1, checksum};
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

    /// Cuts the next frame out of `src`. Never reserves: how much is read at a time is the reader's business.
    #[inline]
    pub fn cut(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(head) = src.first_chunk::<HEADER_BYTES>() else {
            return src.first().map_or(Ok(()), |first| check_magic(*first)).map(|()| None);
        };
        let header = self.header(head)?;
        let body_len = header.length as usize;
        let Some(body) = src[HEADER_BYTES..].get(..body_len) else { return Ok(None) };
        let [covered @ .., a, b, c, d] = head;
        let (found, computed) = (u32::from_le_bytes([*a, *b, *c, *d]), checksum(covered, body));
        if found != computed {
            return Err(FrameError::BadChecksum { found, computed });
        }
        src.advance(HEADER_BYTES);
        // An empty body must not keep the receive buffer alive.
        let body = if body_len == 0 { Bytes::new() } else { src.split_to(body_len).freeze() };
        Ok(Some(Frame { header, body }))
    }

    /// Judges a header. What can be refused is refused before a byte of the body is waited for.
    #[inline]
    fn header(&self, head: &[u8; HEADER_BYTES]) -> Result<Header, FrameError> {
        check_magic(head[0])?;
        let flags = head[1];
        if flags & !FLAG_RESPONSE != 0 {
            let reserved = flags & !(FLAG_RESPONSE | FLAG_COMPRESSED) != 0;
            return Err(if reserved { FrameError::ReservedFlag { flags } } else { FrameError::Compressed });
        }
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
        let bytes = u64::from(length) + HEADER_BYTES as u64;
        if bytes > self.frame_bytes_max as u64 {
            return Err(FrameError::TooLong { bytes, max: self.frame_bytes_max });
        }
        let kind = u16::from_le_bytes([head[2], head[3]]);
        Ok(Header { flags, kind, length, sequence: u32::from_le_bytes([head[8], head[9], head[10], head[11]]) })
    }
}

/// The first byte decides whether to go on at all, before the rest of the header is there.
#[inline]
fn check_magic(found: u8) -> Result<(), FrameError> {
    match (found, found >> 4) {
        (MAGIC_V1, _) => Ok(()),
        (_, 0xC) => Err(FrameError::UnknownVersion { version: found & 0x0F }),
        _ => Err(FrameError::NotOurs { found }),
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = FrameError;

    #[inline]
    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        self.cut(src)
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
