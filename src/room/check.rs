//! Checks of single parameters (row 3 of chatroom.md §c.0). Each refusal is 414 and names its field.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::error::Status;
use crate::id::AccountId;
use crate::limits;
pub(super) use crate::subject::check::{chars, nick};

/// True if these bytes are a JSON object.
pub(super) fn is_object(text: &[u8]) -> bool {
    serde_json::from_slice::<BTreeMap<Cow<'_, str>, IgnoredAny>>(text).is_ok()
}

/// A text has 1 to `max` characters.
pub(super) fn chars_some(field: &'static str, text: &str, max: usize) -> Result<(), Status> {
    if text.is_empty() {
        return Err(Status::bad_parameter(format!("{field} must not be empty")));
    }
    chars(field, text, max)
}

/// Bytes are UTF-8 of at most `max` characters; gives the text.
pub(super) fn text<'a>(field: &'static str, bytes: &'a [u8], max: usize) -> Result<&'a str, Status> {
    let text = std::str::from_utf8(bytes).map_err(|_| Status::bad_parameter(format!("{field} must be UTF-8")))?;
    chars(field, text, max)?;
    Ok(text)
}

/// An account's name; the refusal names the field.
pub(super) fn account(field: &'static str, name: &str) -> Result<AccountId, Status> {
    AccountId::parse(name).map_err(|status| Status::bad_parameter(format!("{field}: {}", status.desc)))
}

/// A number is one, and has an end.
pub(super) fn finite(field: &'static str, number: f64) -> Result<f64, Status> {
    if number.is_finite() { Ok(number) } else { Err(Status::bad_parameter(format!("{field} must be a finite number"))) }
}

/// A tag has 1 to 32 characters, none of them a control character.
pub(super) fn tag(field: &'static str, tag: &str) -> Result<(), Status> {
    chars_some(field, tag, limits::TAG_CHARS_MAX)?;
    if tag.chars().any(char::is_control) {
        return Err(Status::bad_parameter(format!("{field} must not hold control characters")));
    }
    Ok(())
}

/// At most ten tags; each is given once, in the order in which they first come.
pub(super) fn tags(field: &'static str, tags: &[String]) -> Result<Vec<Arc<str>>, Status> {
    if tags.len() > limits::TAGS_MAX {
        return Err(Status::bad_parameter(format!("{field} must not be more than {}", limits::TAGS_MAX)));
    }
    let mut once: Vec<Arc<str>> = Vec::new();
    for own in tags {
        tag(field, own)?;
        if !once.iter().any(|known| **known == **own) {
            once.push(own.as_str().into());
        }
    }
    Ok(once)
}

/// Words that go into a notification.
pub(super) fn notify_ext(text: &str) -> Result<(), Status> {
    chars("notify_ext", text, limits::NOTIFY_EXT_CHARS_MAX)
}

/// How many items a page has: as many as asked for, or the most there are.
pub(super) fn page(limit: u32) -> Result<usize, Status> {
    match limit {
        0 => Ok(limits::PAGE_MAX as usize),
        1..=limits::PAGE_MAX => Ok(limit as usize),
        _ => Err(Status::bad_parameter(format!("limit must not exceed {}", limits::PAGE_MAX))),
    }
}

/// A point in time to page from.
pub(super) fn anchor(time_ms: i64) -> Result<(), Status> {
    if time_ms < 0 { Err(Status::bad_parameter("time_ms must not be negative")) } else { Ok(()) }
}
