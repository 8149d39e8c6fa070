//! Checks of single parameters that several kinds have (row 3 of chatroom.md §c.0). Each refusal is 414 and names its field.

use crate::error::Status;
use crate::limits;
use crate::text::is_blank;

/// A text has at most `max` characters.
pub fn chars(field: &'static str, text: &str, max: usize) -> Result<(), Status> {
    // Bytes are never fewer than characters, so most texts need no counting.
    if text.len() > max && text.chars().nth(max).is_some() {
        return Err(Status::bad_parameter(format!("{field} must not exceed {max} characters")));
    }
    Ok(())
}

/// A name has at most 64 characters; if it has any, one of them can be seen.
pub fn nick(text: &str) -> Result<(), Status> {
    chars("nick", text, limits::NICK_CHARS_MAX)?;
    if is_blank(text) { Err(Status::bad_parameter("nick must hold a character that can be seen")) } else { Ok(()) }
}
