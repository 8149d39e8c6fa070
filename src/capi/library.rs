//! What the library says of itself.

use super::boundary::value;
use super::types::chatroom_bytes_t;
use crate::error::Code;
use std::ffi::c_char;

/// The version of the ABI this header describes. A program asserts at its start that `chatroom_abi_version()` is at least this:
/// `chatroom_abi_version() >= CHATROOM_ABI_VERSION`.
///
/// It grows when something is added; what there is stays as it is. The soname moves only when something is broken.
pub const CHATROOM_ABI_VERSION: u32 = 1;

/// The version of the ABI the loaded library has: `CHATROOM_ABI_VERSION` of the header it was built with. A library serves every
/// program whose header has the same version or a smaller one.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn chatroom_abi_version() -> u32 {
    CHATROOM_ABI_VERSION
}

/// The library's version, as in "0.1.0". NUL-terminated, and valid for as long as the library is loaded.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn chatroom_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// What a result means, in the fewest words; empty for a number that is none. Valid for as long as the library is loaded.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn chatroom_result_meaning(result: i32) -> chatroom_bytes_t {
    value(chatroom_bytes_t::EMPTY, || match code(result) {
        Some(code) => chatroom_bytes_t::lend(code.row().meaning.as_bytes()),
        None => chatroom_bytes_t::EMPTY,
    })
}

/// 1 if the same request, made again, may succeed without anybody changing anything; 0 otherwise.
///
/// Threads: any.
#[unsafe(no_mangle)]
pub extern "C" fn chatroom_result_is_retryable(result: i32) -> i32 {
    value(0, || code(result).is_some_and(Code::is_retryable).into())
}

/// The code behind a number of C, where success is 0.
fn code(result: i32) -> Option<Code> {
    Code::from_number(if result == 0 { Code::Ok.number() } else { result })
}
