//! The codec: bytes in, frames out, and frames back into bytes. For programs that have sockets of their own.

use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio_util::codec::Decoder;

use super::boundary::{Error, boundary, value};
use super::generated::chatroom_result;
use super::input;
use super::types::chatroom_bytes_t;
use crate::error::Code;
use crate::limits;
use crate::wire::frame::FLAG_RESPONSE;
use crate::wire::{Frame, FrameCodec, FrameError};

/// Flag of a frame: it answers a request.
pub const CHATROOM_FRAME_RESPONSE: u8 = 1;
/// Bytes of a frame's header.
pub const CHATROOM_HEADER_BYTES: usize = 16;
const _: () = assert!(CHATROOM_HEADER_BYTES == limits::HEADER_BYTES && CHATROOM_FRAME_RESPONSE == FLAG_RESPONSE);

/// Cuts a stream of bytes into frames, and checks each one. Does no I/O.
///
/// Threads:   one at a time.
/// Ends with: chatroom_codec_free.
pub struct chatroom_codec_t {
    codec: FrameCodec,
    buffer: BytesMut,
    /// What was wrong with the stream: it has no next frame.
    broken: Option<FrameError>,
}

/// A frame: a header and a body. Counted, and never changed.
///
/// Threads:   any, also several at once.
/// Ends with: chatroom_frame_unref, once for the call that made it and once for each chatroom_frame_ref.
pub struct chatroom_frame_t {
    frame: Frame,
}

fn code_of(error: FrameError) -> Code {
    match error {
        FrameError::UnknownVersion { .. } => Code::VersionTooOld,
        _ => Code::InvalidProtocol,
    }
}

fn broken(error: FrameError) -> Error {
    Error::new(code_of(error), format!("{error}: close the connection"))
}

/// Makes a codec that refuses frames of more than `frame_bytes_max` bytes, header included; 0 is 1 MiB, the largest is 16 MiB.
///
/// Returns 414 for other limits or a NULL `codec`.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_codec_new(frame_bytes_max: usize, codec: *mut *mut chatroom_codec_t) -> chatroom_result {
    boundary(|| {
        let out = input::out(codec, "codec")?;
        let codec = FrameCodec::new(frame_limit(frame_bytes_max)?);
        let made = Box::new(chatroom_codec_t { codec, buffer: BytesMut::new(), broken: None });
        // SAFETY: not NULL, and the caller promises that it can be written.
        unsafe { out.write(Box::into_raw(made)) };
        Ok(())
    })
}

fn frame_limit(frame_bytes_max: usize) -> Result<usize, Error> {
    match frame_bytes_max {
        0 => Ok(limits::FRAME_BYTES_MAX),
        limits::HEADER_BYTES..=limits::FRAME_BYTES_CEILING => Ok(frame_bytes_max),
        _ => Err(Error::new(Code::BadParameter, "frame_bytes_max must be 0 or 16 to 16777216")),
    }
}

/// Changes the limit for frames from here on, as the answer to a login does. 0 is 1 MiB.
///
/// Threads: see the type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_codec_set_frame_bytes_max(
    codec: *mut chatroom_codec_t,
    frame_bytes_max: usize,
) -> chatroom_result {
    boundary(|| {
        // SAFETY: the caller promises a codec of ours that no other thread is using.
        let codec = unsafe { codec.as_mut() }.ok_or_else(|| Error::null("codec"))?;
        codec.codec.set_frame_bytes_max(frame_limit(frame_bytes_max)?);
        Ok(())
    })
}

/// Takes bytes as they arrived, however they were cut. They are copied. `data` may be NULL when `len` is 0.
///
/// Returns 503 when 32 MiB wait to be taken as frames: call chatroom_codec_next first. Returns 509 or 201, as
/// chatroom_codec_next did, when the stream is broken.
/// Threads: see the type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_codec_feed(codec: *mut chatroom_codec_t, data: *const u8, len: usize) -> chatroom_result {
    boundary(|| {
        // SAFETY: the caller promises a codec of ours that no other thread is using.
        let codec = unsafe { codec.as_mut() }.ok_or_else(|| Error::null("codec"))?;
        // SAFETY: the caller promises `len` readable bytes at `data`.
        let data = unsafe { input::bytes(data.cast(), len, "data") }?;
        if let Some(error) = codec.broken {
            return Err(broken(error));
        }
        if codec.buffer.len().saturating_add(data.len()) > limits::CODEC_BYTES_MAX {
            return Err(Error::new(Code::Busy, "too many bytes wait in the codec: take frames out first"));
        }
        codec.buffer.extend_from_slice(data);
        Ok(())
    })
}

/// Takes the next frame out. `*frame` becomes NULL when more bytes are needed, otherwise a frame to unref.
///
/// Returns 509 for a stream that is broken, and 201 for one of another protocol version; so does every later call, and the
/// connection is to be closed.
/// Threads: see the type.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_codec_next(
    codec: *mut chatroom_codec_t,
    frame: *mut *mut chatroom_frame_t,
) -> chatroom_result {
    boundary(|| {
        // SAFETY: the caller promises a codec of ours that no other thread is using.
        let codec = unsafe { codec.as_mut() }.ok_or_else(|| Error::null("codec"))?;
        let out = input::out(frame, "frame")?;
        if let Some(error) = codec.broken {
            return Err(broken(error));
        }
        let next = codec.codec.decode(&mut codec.buffer).map_err(|error| {
            codec.broken = Some(error);
            codec.buffer = BytesMut::new();
            broken(error)
        })?;
        let next = next.map_or(std::ptr::null(), |frame| Arc::into_raw(Arc::new(chatroom_frame_t { frame })));
        // SAFETY: not NULL, and the caller promises that it can be written.
        unsafe { out.write(next.cast_mut()) };
        Ok(())
    })
}

/// Ends a codec. Frames taken from it live on. NULL is nothing to do.
///
/// Threads: must be the last call with this codec.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_codec_free(codec: *mut chatroom_codec_t) {
    value((), || {
        if !codec.is_null() {
            // SAFETY: the caller promises a codec of ours, made by `Box::into_raw`, and that this is its last use.
            drop(unsafe { Box::from_raw(codec) });
        }
    });
}

/// The frame's kind: what its body is. 0 for NULL.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_frame_kind(frame: *const chatroom_frame_t) -> u16 {
    // SAFETY: the caller promises a frame of ours, or NULL.
    value(0, || unsafe { frame.as_ref() }.map_or(0, |frame| frame.frame.header.kind))
}

/// The frame's flags: `CHATROOM_FRAME_RESPONSE` or 0. 0 for NULL.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_frame_flags(frame: *const chatroom_frame_t) -> u8 {
    // SAFETY: the caller promises a frame of ours, or NULL.
    value(0, || unsafe { frame.as_ref() }.map_or(0, |frame| frame.frame.header.flags))
}

/// The request the frame belongs to; 0 in a push, and for NULL.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_frame_sequence(frame: *const chatroom_frame_t) -> u32 {
    // SAFETY: the caller promises a frame of ours, or NULL.
    value(0, || unsafe { frame.as_ref() }.map_or(0, |frame| frame.frame.header.sequence))
}

/// The frame's body: protobuf, as its kind says. Valid until the frame's last unref. Empty for NULL.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_frame_body(frame: *const chatroom_frame_t) -> chatroom_bytes_t {
    value(chatroom_bytes_t::EMPTY, || {
        // SAFETY: the caller promises a frame of ours, or NULL.
        unsafe { frame.as_ref() }.map_or(chatroom_bytes_t::EMPTY, |frame| chatroom_bytes_t::lend(&frame.frame.body))
    })
}

/// Counts the frame up and returns it. Copies nothing. NULL for NULL.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_frame_ref(frame: *mut chatroom_frame_t) -> *mut chatroom_frame_t {
    value(frame, || {
        if !frame.is_null() {
            // SAFETY: the caller promises a frame that is still counted; frames are made by `Arc::into_raw` only.
            unsafe { Arc::increment_strong_count(frame) };
        }
        frame
    })
}

/// Counts the frame down; it ends with its last count. NULL is nothing to do.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_frame_unref(frame: *mut chatroom_frame_t) {
    value((), || {
        if !frame.is_null() {
            // SAFETY: the caller promises a count of its own, which ends here; frames are made by `Arc::into_raw` only.
            unsafe { Arc::decrement_strong_count(frame) };
        }
    });
}

/// Writes a whole frame, checksum included, to `out`, which holds `cap` bytes: 16 and `body_len` are needed. `*len` becomes the
/// number of bytes written. `body` may be NULL when `body_len` is 0.
///
/// A request has a `sequence` of its own, its answer the same one and the flag `CHATROOM_FRAME_RESPONSE`, a push 0.
/// Returns 414 for other flags, for a body of more than 16 MiB - 16, and for too small a `cap`.
/// Threads: any.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_frame_build(
    kind: u16,
    flags: u8,
    sequence: u32,
    body: *const u8,
    body_len: usize,
    out: *mut u8,
    cap: usize,
    len: *mut usize,
) -> chatroom_result {
    boundary(|| {
        // SAFETY: the caller promises `body_len` readable bytes at `body`.
        let body = unsafe { input::bytes(body.cast(), body_len, "body") }?;
        let out = input::out(out, "out")?;
        let len = input::out(len, "len")?;
        if flags & !FLAG_RESPONSE != 0 {
            return Err(Error::new(Code::BadParameter, "flags must be 0 or CHATROOM_FRAME_RESPONSE"));
        }
        if body.len() > limits::FRAME_BYTES_CEILING - limits::HEADER_BYTES {
            return Err(Error::new(Code::BadParameter, "body_len must be at most 16777200"));
        }
        if cap < limits::HEADER_BYTES + body.len() {
            return Err(Error::new(Code::BadParameter, "cap must be at least 16 more than body_len"));
        }
        let mut bytes = BytesMut::new();
        Frame::new(kind, flags, sequence, Bytes::copy_from_slice(body)).encode(&mut bytes);
        // SAFETY: neither is NULL; the caller promises `cap` writable bytes at `out`, and there are no more than that.
        unsafe {
            out.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            len.write(bytes.len());
        }
        Ok(())
    })
}
