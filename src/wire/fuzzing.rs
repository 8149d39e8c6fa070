//! What holds for any bytes at all: the bodies of the fuzz targets, here so that an ordinary build compiles them.

use bytes::{Bytes, BytesMut};

use super::codec::FrameCodec;
use super::describe::describe;
use super::frame::{FLAG_RESPONSE, Frame, FrameError};
use super::packet::Packet;
use crate::limits::{FRAME_BYTES_CEILING, HEADER_BYTES};

/// Reads `data` as a stream of frames, once whole and once in pieces, and panics unless both give the same frames and the same end.
pub fn fuzz_frames(data: &[u8]) {
    let whole = read([data]);
    // The lengths of the pieces follow from the data, so that a failure repeats itself.
    let mut state = crc32fast::hash(data) | 1;
    let mut rest = data;
    let pieces = std::iter::from_fn(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let len = (state as usize % 40 + 1).min(rest.len());
        let (piece, behind) = rest.split_at(len);
        rest = behind;
        (len > 0).then_some(piece)
    });
    assert_eq!(read(pieces), whole, "where a stream is cut makes no difference");

    let mut again = BytesMut::new();
    whole.0.iter().for_each(|frame| frame.encode(&mut again));
    assert!(data.starts_with(&again), "a frame encodes to the bytes it was read from");
}

/// Every frame of a stream, and what ended it.
fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Frame>, Option<FrameError>) {
    let (mut codec, mut buffer, mut frames) = (FrameCodec::default(), BytesMut::new(), Vec::new());
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match codec.cut(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error)),
            }
        }
    }
    (frames, None)
}

/// Reads `data` as one frame whose checksum and length are taken on trust, and panics unless the packet in it, encoded and decoded
/// again, encodes to the same bytes.
pub fn fuzz_packet(data: &[u8]) {
    let Some((head, body)) = data.split_first_chunk::<HEADER_BYTES>() else { return };
    let kind = u16::from_le_bytes([head[2], head[3]]);
    let sequence = u32::from_le_bytes([head[8], head[9], head[10], head[11]]);
    let frame = Frame::new(kind, head[1] & FLAG_RESPONSE, sequence, Bytes::copy_from_slice(body));
    assert!(!describe(&frame).is_empty(), "every frame has a description");
    let Ok(packet) = Packet::decode(frame) else { return };

    let (mut once, mut twice) = (BytesMut::new(), BytesMut::new());
    packet.encode(&mut once);
    let frame = FrameCodec::new(FRAME_BYTES_CEILING).cut(&mut once.clone()).expect("we encode frames we accept");
    let frame = frame.expect("we encode whole frames");
    Packet::decode(frame).expect("we encode packets we accept").encode(&mut twice);
    assert_eq!(once, twice, "a packet survives the wire");
}
