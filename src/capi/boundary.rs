//! Where Rust ends and C begins: panics stop here, and errors become numbers with a text beside them.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::generated::chatroom_result;
use crate::error::{Code, Status};

/// Why a call failed: the number the caller gets, and the words `chatroom_last_error_message` has for it.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) code: chatroom_result,
    pub(super) detail: String,
    /// Whether the call panicked: its handle cannot be trusted any more.
    pub(super) panicked: bool,
}

impl Error {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Error {
        Error { code: code.into(), detail: detail.into(), panicked: false }
    }

    /// 414 for a pointer that must not be NULL.
    pub(super) fn null(name: &str) -> Error {
        Error::new(Code::BadParameter, format!("{name} must not be NULL"))
    }

    fn panicked(panic: &(dyn Any + Send)) -> Error {
        let words = PANIC.take().or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()));
        let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Error { code: Code::ServerError.into(), detail: format!("a defect of this library: {words}"), panicked: true }
    }
}

impl From<Status> for Error {
    fn from(status: Status) -> Error {
        Error::new(status.code, status.to_string())
    }
}

thread_local! {
    static LAST_ERROR: RefCell<String> = const { RefCell::new(String::new()) };
    /// What the panic under way says, and where.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Whether a panic on this thread is ours to catch, so that its text must not reach stderr.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the texts of panics that are caught here off the host's stderr.
///
/// A hook is the only way Rust offers. A shared or static library has a copy of the Rust runtime to itself, and its hook with
/// it. A Rust program that calls these functions shares its hook with us: there the one it had goes on to be asked, for every
/// panic that does not happen inside a call into this library.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if QUIET.get() {
                let words = info.payload_as_str().unwrap_or("no words");
                let place = info.location().map(|place| format!(" at {place}")).unwrap_or_default();
                PANIC.set(Some(format!("{words}{place}")));
            } else {
                previous(info);
            }
        }));
    });
}

/// While this lives, panics of this thread are quiet, or loud again while the host's code runs.
pub(super) struct Quiet {
    before: bool,
}

impl Quiet {
    pub(super) fn new(quiet: bool) -> Quiet {
        if quiet {
            install_hook();
        }
        Quiet { before: QUIET.replace(quiet) }
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        QUIET.set(self.before);
    }
}

/// Runs what may panic, and makes an error of a panic.
pub(super) fn caught<T>(body: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    let _quiet = Quiet::new(true);
    // A body that panics may leave its handle half-changed, so handles check a `poisoned` flag first.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| Err(Error::panicked(&*panic)))
}

/// Runs the body of an exported function; no panic leaves it.
pub(super) fn boundary(body: impl FnOnce() -> Result<(), Error>) -> chatroom_result {
    match caught(body) {
        Ok(()) => chatroom_result::Ok,
        Err(error) => {
            LAST_ERROR.set(error.detail);
            error.code
        }
    }
}

/// Runs the body of an exported function that cannot fail but for defects of ours: those give `fallback`.
pub(super) fn value<T>(fallback: T, body: impl FnOnce() -> T) -> T {
    caught(|| Ok(body())).unwrap_or_else(|error| {
        LAST_ERROR.set(error.detail);
        fallback
    })
}

/// Copies the words of the calling thread's last failed call into `buf`, at most `cap` bytes with the NUL that ends them.
///
/// Returns the length of the whole text without NUL, so that a result of `cap` or more means that it was cut; 0 when no call
/// of this thread has failed. `buf` may be NULL when `cap` is 0. The text stays until the next failed call of this thread.
///
/// Threads: any. A binding reads it before it leaves the native frame, because goroutines and tasks move between threads.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn chatroom_last_error_message(buf: *mut c_char, cap: usize) -> usize {
    value(0, || {
        LAST_ERROR.with_borrow(|text| {
            if !buf.is_null() && cap > 0 {
                let len = text.floor_char_boundary(cap - 1);
                // SAFETY: the caller promises `cap` writable bytes at `buf`, and `len` is less than `cap`.
                unsafe {
                    buf.cast::<u8>().copy_from_nonoverlapping(text.as_ptr(), len);
                    buf.add(len).write(0);
                }
            }
            text.len()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_internal_with_its_words_and_place() {
        assert_eq!(boundary(|| panic!("spilt {}", "milk")), chatroom_result::ServerError);
        let text = LAST_ERROR.with_borrow(String::clone);
        assert!(text.contains("spilt milk at src/capi/boundary.rs"), "{text}");
    }

    /// Not a test of its own: what the next one runs in a process of its own, to look at its stderr.
    #[test]
    fn panics_inside_and_outside() {
        if std::env::var_os("CHATROOM_TEST_PANICS").is_some() {
            boundary(|| panic!("within the library"));
            let _ = catch_unwind(|| panic!("of the host"));
        }
    }

    #[test]
    fn the_text_of_a_caught_panic_stays_off_stderr_and_that_of_others_does_not() {
        let this = std::env::current_exe().expect("a running test has a path");
        let output = std::process::Command::new(this)
            .args(["--exact", "capi::boundary::tests::panics_inside_and_outside", "--nocapture"])
            .env("CHATROOM_TEST_PANICS", "1")
            .output()
            .expect("the test binary runs again");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{stderr}");
        assert!(!stderr.contains("within the library"), "{stderr}");
        assert!(stderr.contains("of the host"), "{stderr}");
    }

    #[test]
    fn a_message_is_cut_at_a_character_and_ended_with_nul() {
        boundary(|| Err(Error::new(Code::BadParameter, "naïve")));
        let mut buf = [1u8; 4];
        // SAFETY: the buffer has the four bytes named.
        let len = unsafe { chatroom_last_error_message(buf.as_mut_ptr().cast(), buf.len()) };
        assert_eq!((len, &buf), (6, b"na\0\x01"));
    }
}
