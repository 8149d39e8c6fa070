//! The protocol as tables: its operations, pushes, messages and enumerations, as `proto/` describes them. `build/tables.rs` writes
//! them; programs and tests that treat all operations alike read them.

use super::pb::PacketKind;

/// A request and its answer.
#[derive(Debug)]
pub struct Operation {
    /// The kind in the frame's header.
    pub kind: PacketKind,
    /// The call in Rust, C++ and the terminal.
    pub name: &'static str,
    /// The call in C, behind `chatroom_client_`.
    pub c_name: &'static str,
    /// The subject it is asked of.
    pub subject: Subject,
    /// Its effect on that subject.
    pub does: Does,
    /// True if the log keeps it.
    pub logged: bool,
    /// Its name as a command or query of the subject.
    pub variant: &'static str,
    /// True if the subject adds something to the request, so that its command is written by hand.
    pub wrapped: bool,
    /// The rows of the permission table that it may need.
    pub rights: &'static [&'static str],
    /// The HTTP endpoints that do the same, as paths below the base.
    pub http: &'static [&'static str],
    /// The body of its request, with the operation's description.
    pub request: &'static Message,
    /// The body of its response.
    pub response: &'static Message,
}

/// The subject of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Subject {
    /// The session itself.
    Connection,
    /// The room that `room_id` of the request names.
    Room,
    /// The account of the session.
    User,
}

/// The effect of an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Does {
    /// It changes its subject.
    Command,
    /// It changes nothing.
    Query,
    /// It takes several steps, or begins with a search for its subject.
    Journey,
}

/// A push.
#[derive(Debug)]
pub struct Pushed {
    /// The kind in the frame's header.
    pub kind: PacketKind,
    /// Its body.
    pub message: &'static Message,
}

/// A protobuf message.
#[derive(Debug)]
pub struct Message {
    /// Its name in `proto/`.
    pub name: &'static str,
    /// The comment above it: one line or several.
    pub says: &'static str,
    /// Its fields in the order of the file.
    pub fields: &'static [Field],
}

impl Message {
    /// The first sentence of the comment.
    pub fn sentence(&self) -> &'static str {
        let line = self.says.lines().next().unwrap_or_default();
        line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.')
    }

    /// The field of a name.
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A field of a message.
#[derive(Debug)]
pub struct Field {
    /// Its name in `proto/`.
    pub name: &'static str,
    /// Its number.
    pub number: u32,
    /// The comment behind it, or above it.
    pub says: &'static str,
    /// The type of its value, or of each of its values.
    pub shape: Shape,
    /// How many values it has.
    pub label: Label,
    /// The choice (`oneof`) that it belongs to; empty: none.
    pub oneof: &'static str,
}

/// How many values a field has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Label {
    /// One; a default is not written. A message may be absent.
    Single,
    /// One or none: a default is written.
    Optional,
    /// Any number.
    Repeated,
}

/// The type of a value.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub enum Shape {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    Text,
    Bytes,
    Enum(&'static Enumeration),
    Message(&'static Message),
    /// Key and value.
    Map(&'static Shape, &'static Shape),
}

/// An enumeration.
#[derive(Debug)]
pub struct Enumeration {
    /// Its name in `proto/`.
    pub name: &'static str,
    /// The comment above it.
    pub says: &'static str,
    /// Its values in the order of the file.
    pub values: &'static [EnumValue],
}

/// A value of an enumeration.
#[derive(Debug)]
pub struct EnumValue {
    /// Its name without that of the enumeration: `OFFER`.
    pub name: &'static str,
    /// Its number on the wire.
    pub number: i32,
    /// The comment behind it.
    pub says: &'static str,
}

/// The operation of a kind; none for a push and a ping.
pub fn operation(kind: PacketKind) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.kind == kind)
}

/// `proto/` as a `google.protobuf.FileDescriptorSet`, with options and comments.
pub static DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

include!(concat!(env!("OUT_DIR"), "/operations.rs"));
