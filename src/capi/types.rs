//! The types that every part of the ABI uses.

use std::ffi::{c_char, c_void};

use crate::error::{Code, Status};

/// Bytes lent to a callback: valid until it returns, unless what they belong to says otherwise. Not NUL-terminated. `data` is
/// NULL when there is nothing, and where "nothing" and "empty" differ, `data` tells them apart.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct chatroom_bytes_t {
    /// The first byte.
    pub data: *const u8,
    /// How many there are.
    pub len: usize,
}

impl chatroom_bytes_t {
    pub(super) const EMPTY: chatroom_bytes_t = chatroom_bytes_t { data: std::ptr::null(), len: 0 };

    /// Lends bytes; empty ones have an address too.
    pub(super) fn lend(bytes: &[u8]) -> chatroom_bytes_t {
        chatroom_bytes_t { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// Lends a text whose absence is an empty one on the wire.
    pub(super) fn text(text: &str) -> chatroom_bytes_t {
        if text.is_empty() { chatroom_bytes_t::EMPTY } else { chatroom_bytes_t::lend(text.as_bytes()) }
    }

    /// Lends a text that may be absent.
    pub(super) fn maybe(text: Option<&str>) -> chatroom_bytes_t {
        text.map_or(chatroom_bytes_t::EMPTY, |text| chatroom_bytes_t::lend(text.as_bytes()))
    }
}

/// Gives `user_data` back: called once, after the last use. May be NULL.
///
/// It runs on the client's callback thread, or, when the call it was given to fails, on the calling thread before that call
/// returns.
pub type chatroom_destructor_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// What a request came to. Lent: valid until the callback returns.
#[repr(C)]
pub struct chatroom_status_t {
    /// A `chatroom_result`: 0 is success. Of a message that the application's callback refused it may be a number of that
    /// callback's own, 20000 to 20099.
    pub code: i32,
    /// Refines the code; 0 for none.
    pub sub: i32,
    /// With code 416: how long to wait before trying again, in milliseconds.
    pub retry_after_ms: u32,
    /// 1 if the same request, made again, may succeed without anybody changing anything.
    pub retryable: u32,
    /// For people: what happened and what to do next.
    pub desc: chatroom_bytes_t,
}

impl chatroom_status_t {
    pub(super) fn lend(status: &Status) -> chatroom_status_t {
        chatroom_status_t {
            code: if status.is_ok() { 0 } else { status.number() },
            sub: status.sub_number(),
            retry_after_ms: status.retry_after_ms,
            retryable: status.code.is_retryable().into(),
            desc: match &*status.desc {
                "" if status.code == Code::Ok => chatroom_bytes_t::EMPTY,
                "" => chatroom_bytes_t::lend(status.code.row().meaning.as_bytes()),
                desc => chatroom_bytes_t::lend(desc.as_bytes()),
            },
        }
    }
}

/// A key and its value, both UTF-8 and NUL-terminated, none of them NULL. Never grows.
#[repr(C)]
pub struct chatroom_pair_t {
    /// The key.
    pub key: *const c_char,
    /// Its value.
    pub value: *const c_char,
}

/// The host's pointer, and how to give it back. Gives it back when dropped.
pub(super) struct UserData {
    data: *mut c_void,
    destructor: chatroom_destructor_fn,
}

// SAFETY: the header has the host promise that its pointer may be used on the callback thread; we only carry it there.
unsafe impl Send for UserData {}

impl UserData {
    pub(super) fn adopt(data: *mut c_void, destructor: chatroom_destructor_fn) -> UserData {
        UserData { data, destructor }
    }

    pub(super) fn get(&self) -> *mut c_void {
        self.data
    }
}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(destructor) = self.destructor {
            let _loud = super::boundary::Quiet::new(false);
            // SAFETY: the host gave the two together, and ownership ends here: this is the only call.
            unsafe { destructor(self.data) }
        }
    }
}
