//! What C hands in, checked and copied before anything is done with it.

use std::ffi::{CStr, c_char, c_void};

use super::boundary::Error;
use super::types::chatroom_pair_t;
use crate::error::Code;

/// The largest `struct_size` that can be meant: a guard against a struct that was never initialised.
const STRUCT_BYTES_MAX: usize = 4096;

/// A pointer that results go to.
pub(super) fn out<T>(pointer: *mut T, name: &str) -> Result<*mut T, Error> {
    if pointer.is_null() { Err(Error::null(name)) } else { Ok(pointer) }
}

/// Bytes by pointer and length; NULL is allowed when there are none.
///
/// # Safety
/// `len` bytes at `data` can be read for as long as the result is used.
pub(super) unsafe fn bytes<'a>(data: *const c_void, len: usize, name: &str) -> Result<&'a [u8], Error> {
    if len == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::null(name));
    }
    if isize::try_from(len).is_err() {
        return Err(Error::new(Code::BadParameter, format!("the length of {name} cannot be")));
    }
    // SAFETY: not NULL, of a possible length, and the caller promises that much.
    Ok(unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// An array by pointer and length; NULL is allowed when it is empty.
///
/// # Safety
/// `count` values at `data` can be read, are aligned, and every bit pattern is valid for them, for as long as the result is used.
pub(super) unsafe fn array<'a, T>(data: *const T, count: usize, name: &str) -> Result<&'a [T], Error> {
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(Error::null(name));
    }
    if count > isize::MAX as usize / size_of::<T>().max(1) {
        return Err(Error::new(Code::BadParameter, format!("the length of {name} cannot be")));
    }
    // SAFETY: not NULL, of a possible length, and the caller promises that much.
    Ok(unsafe { std::slice::from_raw_parts(data, count) })
}

/// A NUL-terminated text in UTF-8; NULL is no text.
///
/// # Safety
/// `text` is NULL, or ends with a NUL within what can be read for as long as the result is used.
pub(super) unsafe fn maybe_text<'a>(text: *const c_char, name: &str) -> Result<Option<&'a str>, Error> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: not NULL, and the caller promises that it ends.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map(Some).map_err(|_| Error::new(Code::BadParameter, format!("{name} is not UTF-8")))
}

/// A NUL-terminated text in UTF-8; NULL stands for an empty one.
///
/// # Safety
/// As for [`maybe_text`].
pub(super) unsafe fn text(text: *const c_char, name: &str) -> Result<String, Error> {
    // SAFETY: the caller promises the same.
    Ok(unsafe { maybe_text(text, name) }?.unwrap_or_default().to_owned())
}

/// A NUL-terminated text in UTF-8 that must be there.
///
/// # Safety
/// As for [`maybe_text`].
pub(super) unsafe fn required(text: *const c_char, name: &str) -> Result<String, Error> {
    // SAFETY: the caller promises the same.
    unsafe { maybe_text(text, name) }?.map(str::to_owned).ok_or_else(|| Error::null(name))
}

/// A NUL-terminated text in UTF-8 that is not empty; NULL stands for none.
///
/// # Safety
/// As for [`maybe_text`].
pub(super) unsafe fn not_empty(text: *const c_char, name: &str) -> Result<String, Error> {
    // SAFETY: the caller promises the same.
    match unsafe { maybe_text(text, name) }? {
        Some("") => Err(Error::new(Code::BadParameter, format!("{name} must not be empty: NULL stands for none"))),
        text => Ok(text.unwrap_or_default().to_owned()),
    }
}

/// An array of NUL-terminated texts, none of them NULL.
///
/// # Safety
/// `count` pointers at `texts` can be read, each as for [`maybe_text`].
pub(super) unsafe fn texts(texts: *const *const c_char, count: usize, name: &str) -> Result<Vec<String>, Error> {
    // SAFETY: the caller promises the array, and pointers may have any bits.
    let texts = unsafe { array(texts, count, name) }?;
    // SAFETY: the caller promises each text.
    texts.iter().map(|text| unsafe { required(*text, name) }).collect()
}

/// An array of keys with their values, NUL-terminated texts, none of them NULL. Of a key that comes twice the last value counts.
///
/// # Safety
/// `count` pairs at `pairs` can be read, each text as for [`maybe_text`].
pub(super) unsafe fn pairs<M: FromIterator<(String, String)>>(
    pairs: *const chatroom_pair_t,
    count: usize,
    name: &str,
) -> Result<M, Error> {
    // SAFETY: the caller promises the array, and pointers may have any bits.
    let pairs = unsafe { array(pairs, count, name) }?;
    // SAFETY: the caller promises each text.
    pairs.iter().map(|pair| unsafe { Ok((required(pair.key, "key")?, required(pair.value, "value")?)) }).collect()
}

/// Flags, all of them known.
pub(super) fn flags(flags: u32, known: u32, name: &str) -> Result<(), Error> {
    if flags & !known == 0 {
        return Ok(());
    }
    Err(Error::new(Code::BadParameter, format!("{name} has bits that this library does not know")))
}

/// A field that has no meaning yet: 0, so that it can be given one.
pub(super) fn reserved(field: u32, name: &str) -> Result<(), Error> {
    if field == 0 { Ok(()) } else { Err(Error::new(Code::BadParameter, format!("reserved of {name} must be 0"))) }
}

/// A struct that C fills in, that begins with `struct_size`, and that grows at its end.
///
/// # Safety
/// `repr(C)`, the first field is a `usize`, and every field is an integer, a float, a pointer or a nullable function pointer:
/// all bits zero is a value, and so is everything a C program can write there.
pub(super) unsafe trait Growing: Sized {}

/// The prefix that both sides know of a growing struct, the rest zero. Also says what is wrong with it, if anything: what was
/// read counts even then, because ownership of what is in it passes with the call.
///
/// # Safety
/// `theirs` is NULL, or `struct_size` bytes of it can be read.
pub(super) unsafe fn growing<T: Growing>(theirs: *const T, name: &str) -> (Option<T>, Result<(), Error>) {
    if theirs.is_null() {
        return (None, Err(Error::null(name)));
    }
    // SAFETY: not NULL; the header has the caller promise at least the field `struct_size`, which comes first.
    let len_theirs = unsafe { theirs.cast::<usize>().read_unaligned() };
    if !(size_of::<usize>()..=STRUCT_BYTES_MAX).contains(&len_theirs) {
        let error = format!("struct_size of {name} must be the size of the struct");
        return (None, Err(Error::new(Code::BadParameter, error)));
    }
    let len_ours = size_of::<T>();
    // SAFETY: the header has the caller promise `struct_size` readable bytes.
    let bytes = unsafe { std::slice::from_raw_parts(theirs.cast::<u8>(), len_theirs) };
    // SAFETY: zero is a value of every growing struct.
    let mut ours: T = unsafe { std::mem::zeroed() };
    // SAFETY: both sides hold that many bytes, and every bit pattern C can write is valid for integers and pointers.
    unsafe { (&raw mut ours).cast::<u8>().copy_from_nonoverlapping(bytes.as_ptr(), len_ours.min(len_theirs)) };
    if bytes.iter().skip(len_ours).any(|byte| *byte != 0) {
        let error = format!("an option newer than this library is set in {name}");
        return (Some(ours), Err(Error::new(Code::BadParameter, error)));
    }
    (Some(ours), Ok(()))
}

/// [`growing`] for a struct that owns nothing.
///
/// # Safety
/// As for [`growing`].
pub(super) unsafe fn plain<T: Growing>(theirs: *const T, name: &str) -> Result<T, Error> {
    // SAFETY: the caller promises the same.
    match unsafe { growing(theirs, name) } {
        (Some(ours), Ok(())) => Ok(ours),
        (_, Err(error)) => Err(error),
        (None, Ok(())) => Err(Error::null(name)),
    }
}
