//! Frames for people: what `chatroom decode` prints. Not for logs, where bodies do not belong.
//!
//! Fields are read off the `Debug` form of the generated types, so that a new field needs no line here. What is absent on the wire
//! is left out, bytes that are text are shown as text, and tokens are not shown at all.

use std::fmt::{Debug, Write};
use std::iter::Peekable;
use std::str::Chars;

use super::frame::Frame;
use super::packet::{Packet, Push, Request, Response};
use super::pb::{self, PacketKind};
use crate::error::{Code, SUBS};

/// Bytes of a body shown in hexadecimal.
const HEX_BYTES_MAX: usize = 256;
/// Fields that let their owner in: their length is shown, their text is not.
const SECRETS: [&str; 2] = ["token", "resume_token"];

/// Says what a frame is: a line about its header, then its fields, each on a line of its own, indented by what they belong to.
pub fn describe(frame: &Frame) -> String {
    let header = frame.header;
    let mut out = format!(
        "{}, sequence {}, {} body bytes, checksum {:#010x} ok\n",
        title(frame),
        header.sequence,
        header.length,
        frame.checksum(),
    );
    match Packet::decode(frame.clone()) {
        Ok(packet) => print_fields(&mut out, 1, fields_of_packet(&packet)),
        Err(error) => {
            let _ = writeln!(out, "  unreadable: {error}");
            // Any response can be read as a status, that of an unknown kind too (wire.md §3).
            match <pb::Status as prost::Message>::decode(frame.body.clone()) {
                Ok(status) if frame.is_response() => print_fields(&mut out, 1, with_status(fields_of(&status))),
                _ => {
                    let _ = writeln!(out, "  body: {}", hex(&frame.body));
                }
            }
        }
    }
    out
}

/// The fields of a packet, each on a line of its own, indented by what they belong to.
pub fn describe_fields(packet: &Packet) -> String {
    let mut out = String::new();
    print_fields(&mut out, 0, fields_of_packet(packet));
    out
}

/// The kind's name as in `kind.proto`, its number, and who speaks.
fn title(frame: &Frame) -> String {
    let kind = frame.header.kind;
    let name = PacketKind::try_from(i32::from(kind)).map_or("unknown kind", |kind| kind.as_str_name());
    let role = match (frame.is_response(), frame.header.sequence) {
        (true, _) => "response",
        (false, 0) => "push",
        (false, _) => "request",
    };
    format!("{} {kind:#06x} {role}", name.trim_start_matches("PACKET_KIND_"))
}

/// A value as people read it.
enum Shown {
    /// Not on the wire.
    Absent,
    /// One word or one text.
    Leaf(String),
    List(Vec<Shown>),
    Fields(Vec<(String, Shown)>),
}

type Fields = Vec<(String, Shown)>;

fn fields_of_packet(packet: &Packet) -> Fields {
    match packet {
        Packet::Request { request: Request::Ping(body), .. } | Packet::Response { response: Response::Ping(body), .. } => {
            vec![("body".to_owned(), text_or_hex(body))]
        }
        Packet::Request { request, .. } => fields_of(request),
        Packet::Response { response, .. } => with_status(fields_of(response)),
        Packet::Push(Push::Status(status)) => with_status(fields_of(status)),
        Packet::Push(push) => fields_of(push),
    }
}

fn fields_of(message: &impl Debug) -> Fields {
    let debug = format!("{message:?}");
    let value = (Reader { chars: debug.chars().peekable() }).value();
    let Some(Shown::Fields(mut fields)) = value else { return vec![("value".to_owned(), Shown::Leaf(debug))] };
    // The variant of `Request`, `Response` or `Push` around a message says nothing the title has not said.
    let in_variant = fields.first().is_some_and(|(name, _)| name.starts_with(|first: char| first.is_ascii_uppercase()));
    match fields.pop_if(|_| in_variant) {
        Some((_, Shown::Fields(inner))) => inner,
        // A message without fields is only a name.
        Some(_) => Vec::new(),
        None => fields,
    }
}

/// Puts one line in place of the three fields every response begins with.
fn with_status(fields: Fields) -> Fields {
    let (status, rest): (Fields, Fields) =
        fields.into_iter().partition(|(name, _)| ["code", "sub", "desc"].contains(&name.as_str()));
    let number = |wanted: &str| {
        let leaf = status.iter().find(|(name, _)| name == wanted);
        leaf.and_then(|(_, value)| if let Shown::Leaf(text) = value { text.parse::<i32>().ok() } else { None })
    };
    let code = number("code").unwrap_or(Code::Ok.number());
    let mut line = format!("{code} {}", Code::from_number(code).map_or("(not a code we know)", |code| code.row().meaning));
    if let Some(sub) = number("sub") {
        let meaning = SUBS.iter().find(|row| row.1 == sub).map_or("not a sub code we know", |row| row.2);
        let _ = write!(line, ", {sub} {meaning}");
    }
    if let Some((_, Shown::Leaf(desc))) = status.iter().find(|(name, _)| name == "desc") {
        let _ = write!(line, ": {desc}");
    }
    let mut fields = vec![("status".to_owned(), Shown::Leaf(line))];
    fields.extend(rest);
    fields
}

fn print_fields(out: &mut String, depth: usize, fields: Fields) {
    for (name, value) in fields {
        match value {
            Shown::Absent => {}
            Shown::Leaf(text) if SECRETS.contains(&name.as_str()) => {
                let chars = text.chars().count().saturating_sub(2);
                let _ = writeln!(out, "{:width$}{name}: ({chars} characters, not shown)", "", width = 2 * depth);
            }
            value => {
                let _ = write!(out, "{:width$}{name}:", "", width = 2 * depth);
                print_value(out, depth, value);
            }
        }
    }
}

/// Prints what stands behind a colon, and ends the line.
fn print_value(out: &mut String, depth: usize, value: Shown) {
    match value {
        Shown::Absent => out.push_str(" absent\n"),
        Shown::Leaf(text) => {
            let _ = writeln!(out, " {text}");
        }
        Shown::List(items) if items.iter().all(|item| !matches!(item, Shown::List(_) | Shown::Fields(_))) => {
            let words: Vec<&str> =
                items.iter().map(|item| if let Shown::Leaf(text) = item { text } else { "absent" }).collect();
            let _ = writeln!(out, " {}", words.join(", "));
        }
        Shown::List(items) => {
            out.push('\n');
            for (place, item) in items.into_iter().enumerate() {
                let _ = write!(out, "{:width$}{}:", "", place + 1, width = 2 * (depth + 1));
                print_value(out, depth + 1, item);
            }
        }
        Shown::Fields(fields) => {
            out.push('\n');
            print_fields(out, depth + 1, fields);
        }
    }
}

/// Text in quotes where the bytes are text, hexadecimal where they are not.
fn text_or_hex(bytes: &[u8]) -> Shown {
    match std::str::from_utf8(bytes) {
        Ok("") => Shown::Absent,
        Ok(text) => Shown::Leaf(format!("{text:?}")),
        Err(_) => Shown::Leaf(hex(bytes)),
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut out = String::new();
    for byte in bytes.iter().take(HEX_BYTES_MAX) {
        let _ = write!(out, "{byte:02x} ");
    }
    match bytes.len().saturating_sub(HEX_BYTES_MAX) {
        0 => out.truncate(out.trim_end().len()),
        more => {
            let _ = write!(out, "and {more} bytes more");
        }
    }
    out
}

/// Reads the derived `Debug` form of a value. `None` means that it is not of that form; then it is shown as it is.
struct Reader<'a> {
    chars: Peekable<Chars<'a>>,
}

impl Reader<'_> {
    fn value(&mut self) -> Option<Shown> {
        match *self.chars.peek()? {
            '"' => {
                let text = self.quoted()?;
                Some(if text.is_empty() { Shown::Absent } else { Shown::Leaf(format!("\"{text}\"")) })
            }
            '[' => {
                self.chars.next();
                let items = self.until(']', Reader::value)?;
                Some(if items.is_empty() { Shown::Absent } else { Shown::List(items) })
            }
            _ => self.named(),
        }
    }

    /// A number, a word, `b"bytes"`, `Variant(value)` or `Name { field: value }`.
    fn named(&mut self) -> Option<Shown> {
        let word = self.word();
        match self.chars.peek().copied() {
            Some('"') if word == "b" => Some(text_or_hex(&unescape(&self.quoted()?)?)),
            Some('(') => {
                self.chars.next();
                let mut inner = self.until(')', Reader::value)?;
                let value = if inner.len() == 1 { inner.remove(0) } else { Shown::List(inner) };
                Some(if word == "Some" { present(value) } else { Shown::Fields(vec![(word, value)]) })
            }
            // A blank also stands between the last field and the brace that ends the record.
            Some(' ') if self.chars.clone().nth(1) == Some('{') => {
                self.chars.nth(1);
                Some(Shown::Fields(self.until('}', Reader::field)?))
            }
            _ => Some(match word.as_str() {
                "" => return None,
                "0" | "0.0" | "false" | "None" => Shown::Absent,
                _ => Shown::Leaf(word),
            }),
        }
    }

    fn field(&mut self) -> Option<(String, Shown)> {
        let mut name = self.word();
        if name == "r" && self.chars.next_if_eq(&'#').is_some() {
            // A name that is a word of Rust's.
            name = self.word();
        }
        self.chars.next_if_eq(&':')?;
        self.chars.next_if_eq(&' ')?;
        Some((name, self.value()?))
    }

    /// What `one` reads, again and again, parted by commas and blanks, up to `end`.
    fn until<T>(&mut self, end: char, one: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut all = Vec::new();
        loop {
            while self.chars.next_if(|next| matches!(next, ',' | ' ')).is_some() {}
            if self.chars.next_if_eq(&end).is_some() {
                return Some(all);
            }
            all.push(one(self)?);
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while let Some(next) = self.chars.next_if(|next| next.is_alphanumeric() || matches!(next, '_' | '-' | '.' | '+')) {
            word.push(next);
        }
        word
    }

    /// What stands between two quotation marks, still escaped.
    fn quoted(&mut self) -> Option<String> {
        self.chars.next_if_eq(&'"')?;
        let mut text = String::new();
        loop {
            match self.chars.next()? {
                '"' => return Some(text),
                '\\' => {
                    text.push('\\');
                    text.push(self.chars.next()?);
                }
                other => text.push(other),
            }
        }
    }
}

/// What stands in a field with presence is on the wire, even where it is a default.
fn present(value: Shown) -> Shown {
    match value {
        Shown::Absent => Shown::Leaf("default".to_owned()),
        value => value,
    }
}

/// The bytes behind the `Debug` form of `Bytes`.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(next) = chars.next() {
        if next != '\\' {
            bytes.push(u8::try_from(next).ok()?);
            continue;
        }
        bytes.push(match chars.next()? {
            'n' => b'\n',
            'r' => b'\r',
            't' => b'\t',
            '0' => 0,
            'x' => u8::try_from(chars.next()?.to_digit(16)? << 4 | chars.next()?.to_digit(16)?).ok()?,
            other => u8::try_from(other).ok()?,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use bytes::{Bytes, BytesMut};
    use tokio_util::codec::Decoder;

    use super::*;
    use crate::error::{Status, Sub};
    use crate::wire::FrameCodec;
    use crate::wire::packet::encode_status;

    fn described(packet: &Packet) -> String {
        let mut bytes = BytesMut::new();
        packet.encode(&mut bytes);
        describe(&FrameCodec::default().decode(&mut bytes).unwrap().unwrap())
    }

    fn send(message: pb::MessageSendRequest) -> Packet {
        Packet::Request { sequence: 7, request: Request::MessageSend(Box::new(message)) }
    }

    #[test]
    fn text_is_shown_as_text_and_what_is_absent_is_left_out() {
        let text = described(&send(pb::MessageSendRequest {
            room_id: 12,
            message_id: "m-1".into(),
            body: Bytes::from_static("say \"héllo\"\n聊天".as_bytes()),
            ext: Bytes::from_static(&[0xFF, 0x00]),
            to_accounts: vec!["bob".into(), "carol".into()],
            at: Some(pb::Point { x: 1.5, y: -2e30, z: 0.0 }),
            abandon_ratio: Some(0),
            ..Default::default()
        }));
        let (title, fields) = text.split_once('\n').unwrap();
        assert!(title.starts_with("MESSAGE_SEND 0x0300 request, sequence 7, "), "{title}");
        assert!(title.ends_with(" ok"), "{title}");
        let expected = [
            "  room_id: 12",
            "  message_id: \"m-1\"",
            "  body: \"say \\\"héllo\\\"\\n聊天\"",
            "  ext: ff 00",
            "  abandon_ratio: default",
            "  to_accounts: \"bob\", \"carol\"",
            "  at:",
            "    x: 1.5",
            "    y: -2e30",
        ];
        assert_eq!(fields.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_response_begins_with_its_status_even_under_an_unknown_kind() {
        let mut bytes = BytesMut::new();
        encode_status(0x0777, 3, &Status::with_sub(Code::Forbidden, Sub::ManagersOnly), &mut bytes);
        let text = describe(&FrameCodec::default().decode(&mut bytes).unwrap().unwrap());
        assert!(text.starts_with("unknown kind 0x0777 response, sequence 3"), "{text}");
        assert!(
            text.contains("  status: 403 forbidden, 113428 manager operation only: \"manager operation only\"\n"),
            "{text}"
        );
        let empty = Packet::Response { sequence: 1, response: Response::Logout(pb::Status::default()) };
        assert!(described(&empty).ends_with("\n  status: 200 success\n"));
        let logout = Packet::Request { sequence: 1, request: Request::Logout(pb::LogoutRequest {}) };
        assert_eq!(described(&logout).lines().count(), 1);
    }

    #[test]
    fn lists_of_messages_are_numbered_and_indented() {
        let item = |body: &'static str| pb::HistoryItem {
            item: Some(pb::history_item::Item::Message(pb::Message {
                body: Bytes::from_static(body.as_bytes()),
                ..Default::default()
            })),
        };
        let history = pb::MessageHistoryResponse { items: vec![item("one"), item("two")], ..Default::default() };
        let text = described(&Packet::Response { sequence: 1, response: Response::MessageHistory(history) });
        assert!(text.contains("  items:\n    1:\n      item:\n        Message:\n          body: \"one\"\n    2:\n"), "{text}");
    }

    #[test]
    fn tokens_are_not_shown() {
        let login = pb::LoginRequest { account: "alice".into(), token: "s3cret".into(), ..Default::default() };
        let text = described(&Packet::Request { sequence: 1, request: Request::Login(Box::new(login)) });
        assert!(text.contains("  token: (6 characters, not shown)\n"), "{text}");
        assert!(!text.contains("s3cret"));
    }

    #[test]
    fn a_body_that_is_not_protobuf_is_shown_in_hexadecimal() {
        let text = describe(&Frame::new(PacketKind::RoomInfo as u16, 0, 5, Bytes::from_static(&[0xFF; 300])));
        assert!(text.contains("  unreadable: body of PACKET_KIND_ROOM_INFO: "), "{text}");
        assert!(text.ends_with("ff and 44 bytes more\n"), "{text}");
        let ping = Frame::new(PacketKind::Ping as u16, 0, 5, Bytes::from_static(b"tick"));
        assert!(describe(&ping).ends_with("\n  body: \"tick\"\n"));
    }
}
