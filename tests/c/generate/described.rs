//! What `proto/` says, with the options of `proto/chatroom/v1/options.proto`: read from the descriptors that the build makes.

use std::collections::{BTreeMap, HashMap};

use prost::Message as _;

/// The descriptors of protobuf (google/protobuf/descriptor.proto), as far as they matter here, with our options in them.
mod raw {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Files {
        #[prost(message, repeated, tag = "1")]
        pub file: Vec<File>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct File {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(string, tag = "2")]
        pub package: String,
        #[prost(message, repeated, tag = "4")]
        pub message: Vec<Message>,
        #[prost(message, repeated, tag = "5")]
        pub enumeration: Vec<Enumeration>,
        #[prost(message, optional, tag = "9")]
        pub source: Option<Source>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Source {
        #[prost(message, repeated, tag = "1")]
        pub location: Vec<Location>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Location {
        #[prost(int32, repeated, tag = "1")]
        pub path: Vec<i32>,
        #[prost(string, tag = "3")]
        pub leading: String,
        #[prost(string, tag = "4")]
        pub trailing: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Message {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, repeated, tag = "2")]
        pub field: Vec<Field>,
        #[prost(message, optional, tag = "7")]
        pub options: Option<MessageOptions>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct MessageOptions {
        #[prost(message, optional, tag = "50001")]
        pub op: Option<Operation>,
        #[prost(int32, optional, tag = "50002")]
        pub push: Option<i32>,
        #[prost(message, optional, tag = "50010")]
        pub given: Option<super::Struct>,
        #[prost(message, optional, tag = "50011")]
        pub lent: Option<super::Struct>,
        #[prost(message, repeated, tag = "50012")]
        pub call: Vec<super::Call>,
        #[prost(string, tag = "50013")]
        pub shows: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Operation {
        #[prost(int32, tag = "1")]
        pub kind: i32,
        #[prost(int32, tag = "3")]
        pub does: i32,
        #[prost(string, tag = "7")]
        pub answer: String,
        #[prost(string, tag = "8")]
        pub name: String,
        #[prost(string, tag = "9")]
        pub c_name: String,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Field {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(uint32, tag = "3")]
        pub number: u32,
        #[prost(int32, tag = "4")]
        pub label: i32,
        #[prost(int32, tag = "5")]
        pub kind: i32,
        #[prost(string, tag = "6")]
        pub type_name: String,
        #[prost(bool, tag = "17")]
        pub optional: bool,
        #[prost(message, optional, tag = "8")]
        pub options: Option<FieldOptions>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct FieldOptions {
        #[prost(message, optional, tag = "50010")]
        pub c: Option<super::InC>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Enumeration {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(message, repeated, tag = "2")]
        pub value: Vec<Value>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Value {
        #[prost(string, tag = "1")]
        pub name: String,
        #[prost(int32, tag = "2")]
        pub number: i32,
    }
}

/// `chatroom.v1.CStruct`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Struct {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub fields: String,
    #[prost(string, tag = "3")]
    pub says: String,
    #[prost(string, tag = "4")]
    pub flags: String,
    #[prost(string, tag = "5")]
    pub flags_of: String,
    #[prost(bool, tag = "6")]
    pub in_arrays: bool,
    #[prost(bool, tag = "7")]
    pub by_hand: bool,
    #[prost(string, tag = "8")]
    pub like: String,
}

/// `chatroom.v1.CCall`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Call {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub arguments: String,
    #[prost(string, tag = "3")]
    pub says: String,
    #[prost(string, tag = "4")]
    pub through: String,
    #[prost(bool, tag = "5")]
    pub by_hand: bool,
}

/// `chatroom.v1.CField`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct InC {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(string, tag = "2")]
    pub count: String,
    #[prost(string, tag = "3")]
    pub says: String,
    #[prost(uint32, tag = "4")]
    pub bit: u32,
    #[prost(string, tag = "5")]
    pub flag: String,
    #[prost(string, tag = "6")]
    pub flag_says: String,
    #[prost(bool, tag = "7")]
    pub negated: bool,
    #[prost(string, tag = "8")]
    pub there_with: String,
    #[prost(bool, tag = "9")]
    pub signed: bool,
    #[prost(bool, tag = "10")]
    pub not_empty: bool,
}

/// Everything of the wire protocol that C sees or may see.
pub struct Described {
    pub messages: Vec<Message>,
    pub enums: Vec<Enumeration>,
    by_name: HashMap<String, usize>,
}

pub struct Message {
    pub name: String,
    /// The file without its ending: `queue`.
    pub file: String,
    pub says: String,
    pub fields: Vec<Field>,
    /// Of a request: what is asked.
    pub operation: Option<Operation>,
    /// Of a push: the number of its kind.
    pub push: Option<i32>,
    pub given: Option<Struct>,
    pub lent: Option<Struct>,
    pub calls: Vec<Call>,
    /// The field that C is answered with, where it is not the whole.
    pub shows: String,
}

pub struct Operation {
    pub kind: i32,
    pub is_query: bool,
    /// The call in C, without what all begin with.
    pub name: String,
    /// The message it is answered with.
    pub answer: String,
}

#[derive(Clone)]
pub struct Field {
    pub name: String,
    pub number: u32,
    pub says: String,
    pub shape: Shape,
    pub repeated: bool,
    pub optional: bool,
    pub c: InC,
}

#[derive(Clone, PartialEq)]
pub enum Shape {
    /// A number, by its type in Rust.
    Number(&'static str),
    Bool,
    Text,
    Bytes,
    /// By its name.
    Enumeration(String),
    Message(String),
    /// Texts by texts.
    Pairs,
}

pub struct Enumeration {
    pub name: String,
    pub says: String,
    /// Name, number, comment.
    pub values: Vec<(String, i32, String)>,
}

impl Described {
    pub fn read() -> Described {
        let bytes: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
        let files = raw::Files::decode(bytes).expect("the build writes descriptors");
        let mut described = Described { messages: Vec::new(), enums: Vec::new(), by_name: HashMap::new() };
        for file in files.file.iter().filter(|file| file.package == "chatroom.v1" && !file.name.ends_with("options.proto")) {
            let comments: BTreeMap<&[i32], &raw::Location> =
                file.source.iter().flat_map(|source| &source.location).map(|location| (&*location.path, location)).collect();
            let says = |path: &[i32]| comments.get(path).map(|at| comment(&at.leading, &at.trailing)).unwrap_or_default();
            let stem = file.name.rsplit('/').next().unwrap_or_default().trim_end_matches(".proto").to_owned();
            for (at, message) in (0..).zip(&file.message) {
                described.by_name.insert(message.name.clone(), described.messages.len());
                let options = message.options.clone().unwrap_or_default();
                described.messages.push(Message {
                    name: message.name.clone(),
                    file: stem.clone(),
                    says: says(&[4, at]),
                    fields: (0..).zip(&message.field).map(|(place, field)| of(field, says(&[4, at, 2, place]))).collect(),
                    operation: options.op.map(|op| Operation {
                        kind: op.kind,
                        is_query: op.does == 1,
                        name: [op.c_name, op.name].into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
                        answer: op.answer,
                    }),
                    push: options.push,
                    given: options.given,
                    lent: options.lent,
                    calls: options.call,
                    shows: options.shows,
                });
            }
            for (at, it) in (0..).zip(&file.enumeration) {
                let value = |(place, value): (i32, &raw::Value)| (value.name.clone(), value.number, says(&[5, at, 2, place]));
                let values = (0..).zip(&it.value).map(value).collect();
                described.enums.push(Enumeration { name: it.name.clone(), says: says(&[5, at]), values });
            }
        }
        described.complete();
        described
    }

    /// What follows where the options say nothing.
    pub fn complete(&mut self) {
        for at in 0..self.messages.len() {
            let kind = self.messages[at].operation.as_ref().map(|operation| self.kind(operation.kind));
            if let Some(operation) = self.messages[at].operation.as_mut().filter(|operation| operation.name.is_empty()) {
                operation.name = snake(&kind.expect("an operation has a kind"));
            }
            if let Some(like) = self.messages[at].lent.as_ref().map(|lent| lent.like.clone()).filter(|like| !like.is_empty()) {
                let declared = self.message(&like).lent.clone().unwrap_or_else(|| panic!("{like} is not lent"));
                self.messages[at].lent.as_mut().expect("it is lent").name = declared.name;
            }
            let message = &mut self.messages[at];
            if let Some(operation) = &message.operation
                && message.calls.is_empty()
            {
                message.calls.push(Call::default());
                if message.given.is_none() && !message.fields.is_empty() {
                    message.given = Some(Struct::of(&operation.name, &mut message.fields));
                }
            }
        }
        for at in 0..self.messages.len() {
            let Some(operation) = self.messages[at].operation.as_ref().filter(|operation| operation.is_query) else { continue };
            let answer = self.answer(&self.messages[at], operation);
            if answer.lent.is_none() && answer.shows.is_empty() {
                self.show(&answer.name.clone());
            }
        }
    }

    /// C is shown a message whose options do not say as what: a struct of its name, with all fields but those of a status.
    fn show(&mut self, name: &str) {
        let message = self.message(name);
        let is_status = |field: &&Field| matches!(&*field.name, "code" | "sub" | "desc") && name.ends_with("Response");
        let fields: Vec<&Field> = message.fields.iter().filter(|field| !is_status(field)).collect();
        let list = fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>().join(" ");
        let parts: Vec<String> = fields
            .iter()
            .filter_map(|field| match &field.shape {
                Shape::Message(inner) if self.message(inner).lent.is_none() => Some(inner.clone()),
                _ => None,
            })
            .collect();
        let says = if message.says.is_empty() { format!("What `{name}` says.") } else { message.says.clone() };
        let at = self.by_name[name];
        let short = snake(name.trim_end_matches("Response"));
        self.messages[at].lent = Some(Struct { name: short, fields: list, says, ..Struct::default() });
        parts.iter().for_each(|part| self.show(part));
    }

    /// The files that have requests, in the order of their kinds.
    pub fn families(&self) -> Vec<String> {
        let of = |message: &Message| Some((message.operation.as_ref()?.kind, message.file.clone()));
        let mut files: Vec<(i32, String)> = self.messages.iter().filter_map(of).collect();
        files.sort();
        let mut families: Vec<String> = Vec::new();
        for (_, file) in files {
            if !families.contains(&file) {
                families.push(file);
            }
        }
        families
    }

    /// The name of a kind: `QueueOffer`.
    pub fn kind(&self, number: i32) -> String {
        let kinds = self.enums.iter().find(|it| it.name == "PacketKind").expect("proto/ has kinds");
        let (name, ..) = kinds.values.iter().find(|value| value.1 == number).expect("a kind has a name");
        camel(name.trim_start_matches("PACKET_KIND_"))
    }

    /// The message a request is answered with: its own, or a status.
    pub fn answer(&self, request: &Message, operation: &Operation) -> &Message {
        let own = request.name.replace("Request", "Response");
        match &*operation.answer {
            "" if self.by_name.contains_key(&own) => self.message(&own),
            "" => self.message("Status"),
            named => self.message(named),
        }
    }

    pub fn message(&self, name: &str) -> &Message {
        &self.messages[*self.by_name.get(name).unwrap_or_else(|| panic!("proto/ has no message {name}"))]
    }
}

impl Struct {
    /// The struct of a request whose options say nothing of it: its fields in their order. What may be absent though its default is a value
    /// has a flag, the bit of its number, in front.
    fn of(name: &str, fields: &mut [Field]) -> Struct {
        let mut list: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let mut given = Struct { name: name.to_owned(), ..Struct::default() };
        for field in fields
            .iter_mut()
            .filter(|field| field.optional && matches!(field.shape, Shape::Number(_) | Shape::Bool | Shape::Enumeration(_)))
        {
            field.c.bit = 1u32.checked_shl(field.number - 1).expect("a field with a flag has a number up to 32");
            given.flags = name.to_uppercase();
            given.flags_of = format!("a `chatroom_{name}_t`");
        }
        if !given.flags.is_empty() {
            list.insert(0, "flags".to_owned());
        }
        given.fields = list.join(" ");
        given
    }
}

impl Message {
    pub fn field(&self, name: &str) -> &Field {
        let found = self.fields.iter().find(|field| field.name == name);
        found.unwrap_or_else(|| panic!("{} has no field {name}", self.name))
    }
}

fn of(field: &raw::Field, says: String) -> Field {
    let name = field.type_name.rsplit('.').next().unwrap_or_default().to_owned();
    let shape = match field.kind {
        1 => Shape::Number("f64"),
        3 => Shape::Number("i64"),
        4 => Shape::Number("u64"),
        5 | 17 => Shape::Number("i32"),
        8 => Shape::Bool,
        9 => Shape::Text,
        11 if name.ends_with("Entry") => Shape::Pairs,
        11 => Shape::Message(name),
        12 => Shape::Bytes,
        13 => Shape::Number("u32"),
        14 => Shape::Enumeration(name),
        other => panic!("{} is of a type without a shape in C: {other}", field.name),
    };
    Field {
        name: field.name.clone(),
        number: field.number,
        says,
        shape,
        repeated: field.label == 3,
        optional: field.optional,
        c: field.options.clone().unwrap_or_default().c.unwrap_or_default(),
    }
}

/// A comment as sentences: what names a place in a specification is for readers of `proto/`.
fn comment(leading: &str, trailing: &str) -> String {
    let text = if leading.trim().is_empty() { trailing } else { leading };
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("chatroom.md \u{a7}"));
    sentence(lines.collect::<Vec<_>>().join("\n").trim())
}

/// A text that begins with a capital and ends with a full stop.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let Some(first) = letters.next() else { return String::new() };
    let end = if text.ends_with(['.', ':']) { "" } else { "." };
    format!("{}{}{end}", first.to_uppercase(), letters.as_str())
}

/// A sentence that goes on another one: without its capital, unless it begins with an abbreviation.
pub fn going_on(sentence: &str) -> String {
    let mut letters = sentence.chars();
    if sentence.chars().nth(1).is_some_and(char::is_uppercase) {
        return sentence.to_owned();
    }
    let first = letters.next().map(|first| first.to_lowercase().to_string()).unwrap_or_default();
    first + letters.as_str()
}

/// The documentation of an item, wrapped: paragraphs stay apart.
pub fn doc(indent: &str, text: &str) -> String {
    let mut out = String::new();
    for (place, paragraph) in text.split("\n\n").enumerate() {
        if place > 0 {
            out += &format!("{indent}///\n");
        }
        for part in
            paragraph.split("\n- ").enumerate().map(|(at, part)| if at > 0 { format!("- {part}") } else { part.to_owned() })
        {
            let hanging = if part.starts_with("- ") { "  " } else { "" };
            let mut line = format!("{indent}///");
            for word in part.split_whitespace() {
                if line.chars().count() + 1 + word.chars().count() > 128 {
                    out += &line;
                    out.push('\n');
                    line = format!("{indent}/// {hanging}{word}");
                } else {
                    line.push(' ');
                    line += word;
                }
            }
            out += &line;
            out.push('\n');
        }
    }
    out
}

/// A name of a field as Rust spells it.
pub fn rust(name: &str) -> String {
    if name == "type" { "r#type".to_owned() } else { name.to_owned() }
}

/// `QueueOffer` of `QUEUE_OFFER`.
pub fn camel(name: &str) -> String {
    let part = |part: &str| part[..1].to_uppercase() + &part[1..].to_lowercase();
    name.split('_').filter(|word| !word.is_empty()).map(part).collect()
}

/// `queue_offer` of `QueueOffer`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}
