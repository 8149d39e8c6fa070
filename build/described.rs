//! The operations and pushes as `proto/` describes them.

use std::collections::BTreeMap;
use std::error::Error;

use protox::prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, ExtensionDescriptor, MessageDescriptor, ReflectMessage, Value,
};

/// The package of the wire protocol.
pub const WIRE: &str = "chatroom.v1";

/// All that is described.
pub struct Protocol {
    /// All operations, in the order of their kinds.
    pub operations: Vec<Operation>,
    /// All pushes, in the order of their kinds.
    pub pushes: Vec<Push>,
    /// Every message of the wire protocol.
    pub messages: Vec<MessageDescriptor>,
    /// Every enumeration of the wire protocol.
    pub enums: Vec<EnumDescriptor>,
    boxed: ExtensionDescriptor,
}

/// One operation: a request with its answer.
pub struct Operation {
    /// The name of its kind in Rust: `QueueOffer`.
    pub kind: String,
    /// The number of its kind.
    pub number: i32,
    /// Its subject, as options.proto spells it.
    pub subject: String,
    /// `COMMAND`, `QUERY` or `JOURNEY`.
    pub does: String,
    pub logged: bool,
    pub rights: Vec<String>,
    pub http: Vec<String>,
    /// The call in Rust, C++ and the terminal.
    pub name: String,
    /// The call in C.
    pub c_name: String,
    /// Its name within its subject.
    pub variant: String,
    pub wrapped: bool,
    pub own_call: bool,
    pub request: MessageDescriptor,
    pub response: MessageDescriptor,
}

/// One push.
pub struct Push {
    /// The name of its kind in Rust.
    pub kind: String,
    pub number: i32,
    pub message: MessageDescriptor,
}

impl Protocol {
    /// Reads the options of every message of the wire protocol.
    pub fn read(pool: &DescriptorPool) -> Result<Protocol, Box<dyn Error>> {
        let extension = |name: &str| {
            let full = format!("{WIRE}.{name}");
            pool.get_extension_by_name(&full).ok_or_else(|| format!("proto/ lacks the option {full}"))
        };
        let (op, push, boxed) = (extension("op")?, extension("push")?, extension("boxed")?);
        let kinds = pool.get_enum_by_name(&format!("{WIRE}.PacketKind")).ok_or("proto/ lacks PacketKind")?;
        let in_wire = |package: &str, file: &str| package == WIRE && !file.ends_with("options.proto");
        let messages: Vec<MessageDescriptor> = pool
            .all_messages()
            .filter(|message| in_wire(message.package_name(), message.parent_file().name()) && !message.is_map_entry())
            .collect();
        let enums = pool.all_enums().filter(|it| in_wire(it.package_name(), it.parent_file().name())).collect();
        let by_name: BTreeMap<&str, &MessageDescriptor> = messages.iter().map(|message| (message.name(), message)).collect();

        let (mut operations, mut pushes) = (Vec::new(), Vec::new());
        for message in &messages {
            let options = message.options();
            if options.has_extension(&op)
                && let Value::Message(described) = &*options.get_extension(&op)
            {
                operations.push(Operation::read(message, described, &kinds, &by_name)?);
            } else if message.name().ends_with("Request") {
                return Err(format!("{} is a request without the option op", message.name()).into());
            }
            if options.has_extension(&push)
                && let Value::EnumNumber(number) = *options.get_extension(&push)
            {
                pushes.push(Push { kind: kind_name(&kinds, number)?, number, message: message.clone() });
            }
        }
        operations.sort_by_key(|operation| operation.number);
        pushes.sort_by_key(|push| push.number);
        for pair in operations.windows(2) {
            if pair[0].number == pair[1].number {
                return Err(format!("{} and {} have one kind", pair[0].request.name(), pair[1].request.name()).into());
            }
        }
        Ok(Protocol { operations, pushes, messages, enums, boxed })
    }

    /// True if packets hold a message on the heap.
    pub fn is_boxed(&self, message: &MessageDescriptor) -> bool {
        let options = message.options();
        options.has_extension(&self.boxed) && options.get_extension(&self.boxed).as_bool() == Some(true)
    }

    /// The type in packets that holds a message.
    pub fn held(&self, message: &MessageDescriptor) -> String {
        if self.is_boxed(message) { format!("Box<pb::{}>", message.name()) } else { format!("pb::{}", message.name()) }
    }

    /// The type in packets that holds an answer.
    pub fn held_response(&self, operation: &Operation) -> String {
        // Of responses a status is the smallest: only as a push it is large beside the others.
        match operation.response.name() {
            "Status" => "pb::Status".to_owned(),
            _ => self.held(&operation.response),
        }
    }
}

impl Operation {
    /// The first sentence of its description.
    pub fn sentence(&self) -> String {
        let comment = comment(&self.request.parent_file(), self.request.path());
        let line = comment.lines().next().unwrap_or_default();
        line.split_once(". ").map_or(line, |(first, _)| first).trim_end_matches('.').to_owned() + "."
    }

    fn read(
        request: &MessageDescriptor,
        described: &DynamicMessage,
        kinds: &EnumDescriptor,
        messages: &BTreeMap<&str, &MessageDescriptor>,
    ) -> Result<Operation, Box<dyn Error>> {
        let text = |field: &str| match described.get_field_by_name(field).as_deref() {
            Some(Value::String(text)) => text.clone(),
            _ => String::new(),
        };
        let texts = |field: &str| match described.get_field_by_name(field).as_deref() {
            Some(Value::List(values)) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let yes = |field: &str| described.get_field_by_name(field).and_then(|value| value.as_bool()) == Some(true);
        let number =
            |field: &str| described.get_field_by_name(field).and_then(|value| value.as_enum_number()).unwrap_or_default();
        let word = |field: &str| {
            let of = described.descriptor().get_field_by_name(field).and_then(|field| field.kind().as_enum().cloned());
            of.and_then(|of| Some(of.get_value(number(field))?.name().to_owned())).unwrap_or_default()
        };
        let or = |given: String, otherwise: &str| if given.is_empty() { otherwise.to_owned() } else { given };

        let kind = kind_name(kinds, number("kind"))?;
        if request.name() != format!("{kind}Request") {
            return Err(format!("the request of the kind {kind} is to be {kind}Request, not {}", request.name()).into());
        }
        let own = format!("{kind}Response");
        let answer = or(text("answer"), if messages.contains_key(&*own) { &own } else { "Status" });
        let response = messages
            .get(&*answer)
            .ok_or_else(|| format!("{} is answered with {answer}, which is no message", request.name()))?;
        let name = or(text("name"), &snake(&kind));
        Ok(Operation {
            number: number("kind"),
            subject: word("subject"),
            does: word("does"),
            logged: yes("logged"),
            rights: texts("rights"),
            http: texts("http"),
            c_name: or(text("c_name"), &name),
            variant: or(text("variant"), &kind),
            name,
            kind,
            wrapped: yes("wrapped"),
            own_call: yes("own_call"),
            request: request.clone(),
            response: (*response).clone(),
        })
    }
}

/// The lines of the comment above a message, a field, an enumeration or a value; behind a field where there is none above.
pub fn comment(file: &protox::prost_reflect::FileDescriptor, path: &[i32]) -> String {
    let info = file.file_descriptor_proto().source_code_info.as_ref();
    let location = info.and_then(|info| info.location.iter().find(|location| location.path == path));
    let comment = location.and_then(|location| location.leading_comments.as_ref().or(location.trailing_comments.as_ref()));
    let lines: Vec<&str> = comment.map(|text| text.lines().map(str::trim).collect()).unwrap_or_default();
    lines.join("\n").trim().to_owned()
}

/// `PACKET_KIND_QUEUE_OFFER` as `QueueOffer`.
fn kind_name(kinds: &EnumDescriptor, number: i32) -> Result<String, Box<dyn Error>> {
    let value = kinds.get_value(number).ok_or_else(|| format!("{number:#06x} is no kind"))?;
    let words = value.name().trim_start_matches("PACKET_KIND_").split('_');
    Ok(words.map(|word| format!("{}{}", &word[..1], word[1..].to_ascii_lowercase())).collect())
}

/// `QueueOffer` as `queue_offer`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out
}
