//! What C is shown: structs that point into packets, and what lends them.

use std::fmt::Write as _;

use super::described::{Described, Field, Message, Shape, Struct, doc, rust, sentence, snake};
use super::given::{c_name, count_name, flag_of, flagged, for_people, list, says};

/// One place of a struct: the fields of the packet that fill it, of which the first that is there counts, and in which way.
struct Place<'a> {
    ways: Vec<Vec<&'a Field>>,
    /// All of the ways, one after the other, in place of the first.
    all: bool,
    /// Never NULL: where it is missing, the default stands for it.
    always: bool,
}

impl<'a> Place<'a> {
    fn field(&self) -> &'a Field {
        self.ways[0].last().expect("a way leads to a field")
    }
}

/// The words of a list that stand for fields of the message itself.
fn own(list: &str) -> impl Iterator<Item = &str> {
    list.split_whitespace().filter(|word| !matches!(*word, "flags" | "_") && !word.starts_with(char::is_uppercase))
}

/// `name`, `part.name`; `one|other` for the first of them that is there; `one+other` for lists one after the other; `!` for what is
/// never NULL.
fn place<'a>(described: &'a Described, message: &'a Message, word: &str) -> Place<'a> {
    let (ways, always) = word.strip_suffix('!').map_or((word, false), |ways| (ways, true));
    let way = |way: &str| {
        let mut at = message;
        let mut fields = Vec::new();
        for name in way.split('.') {
            if name.starts_with(char::is_uppercase) {
                at = described.message(name);
                continue;
            }
            let field = at.field(name);
            if let Shape::Message(inner) = &field.shape {
                at = described.message(inner);
            }
            fields.push(field);
        }
        fields
    };
    Place { ways: ways.split(['|', '+']).map(way).collect(), all: ways.contains('+'), always }
}

/// The struct in C that a message is lent as.
pub fn lent(message: &Message) -> &Struct {
    message.lent.as_ref().unwrap_or_else(|| panic!("C is shown {}: it needs the option `lent`", message.name))
}

/// The message that a struct in C is declared for.
pub fn declared<'a>(described: &'a Described, name: &str) -> &'a Message {
    let is = |message: &&Message| message.lent.as_ref().is_some_and(|lent| lent.name == name && lent.like.is_empty());
    described.messages.iter().find(is).unwrap_or_else(|| panic!("no message is lent as {name}"))
}

/// The fields in C of one place: name, type, documentation.
fn columns(described: &Described, place: &Place) -> Vec<(String, String, String)> {
    let field = place.field();
    let (name, text) = (c_name(field).to_owned(), says(field));
    let one = |of: &str| vec![(name.clone(), of.to_owned(), text.clone())];
    let counted = |of: &str, more: &str| {
        let how_many = format!("How many {} there are.", for_people(field));
        let text = format!("{}{more}.", text.trim_end_matches('.'));
        vec![(name.clone(), of.to_owned(), text), (count_name(field), "usize".to_owned(), how_many)]
    };
    match (&field.shape, field.repeated) {
        (Shape::Number(_) | Shape::Bool, false) if field.c.signed => one("i32"),
        (Shape::Number(of), false) => one(of),
        (Shape::Enumeration(_), false) => {
            let text = format!("{}, or a number this library does not know.", text.trim_end_matches('.'));
            vec![(name, "i32".to_owned(), text)]
        }
        (Shape::Bool, false) => one("u32"),
        (Shape::Text | Shape::Bytes, false) => one("chatroom_bytes_t"),
        (Shape::Text, true) => counted("*const chatroom_bytes_t", ""),
        (Shape::Message(inner), true) => {
            let of = format!("*const *const chatroom_{}_t", lent(described.message(inner)).name);
            counted(&of, ", in an array of pointers, none of them NULL")
        }
        (Shape::Message(inner), false) => {
            let of = format!("*const chatroom_{}_t", lent(described.message(inner)).name);
            let end = if place.always { "; never NULL." } else { "; NULL without." };
            vec![(name, of, format!("{}{end}", text.trim_end_matches('.')))]
        }
        _ => panic!("{}: C has no struct for lists of such", field.name),
    }
}

/// Whether what lends a message needs memory beside the packet.
fn needs_arena(described: &Described, message: &Message) -> bool {
    let needs = |word: &str| {
        let place = place(described, message, word);
        let field = place.field();
        field.repeated || matches!(field.shape, Shape::Message(_))
    };
    own(&list(message, lent(message))).any(needs)
}

fn lend(described: &Described, inner: &str, value: &str) -> String {
    let inner = described.message(inner);
    let arena = if needs_arena(described, inner) { ", arena" } else { "" };
    format!("lend_{}({value}{arena})", snake(&inner.name))
}

/// What lends each of several.
fn each(described: &Described, inner: &str) -> String {
    let lend = lend(described, inner, "one");
    lend.strip_suffix("(one)").map_or_else(|| format!("|one| {lend}"), str::to_owned)
}

/// The parts a message's places lie in.
fn parts<'a>(places: &[Place<'a>]) -> Vec<&'a Field> {
    let mut parts: Vec<&Field> = Vec::new();
    for way in places.iter().flat_map(|place| &place.ways).filter(|way| way.len() > 1) {
        if !parts.iter().any(|part| part.name == way[0].name) {
            parts.push(way[0]);
        }
    }
    parts
}

fn source(way: &[&Field]) -> String {
    let base = if way.len() > 1 { rust(&way[0].name) } else { "packet".to_owned() };
    format!("{base}.{}", rust(&way[way.len() - 1].name))
}

/// The value of a place that holds no pointer to memory beside the packet.
fn value(place: &Place) -> String {
    let one = |way: &[&Field]| {
        let (field, source) = (way[way.len() - 1], source(way));
        match field.shape {
            Shape::Number(_) if field.c.signed => format!("{source}.map_or(-1, |it| i32::try_from(it).unwrap_or(i32::MAX))"),
            Shape::Bool if field.c.signed => format!("{source}.map_or(-1, i32::from)"),
            Shape::Number(_) if field.optional => format!("{source}.unwrap_or_default()"),
            Shape::Number(_) | Shape::Enumeration(_) => source,
            Shape::Bool => format!("{source}.into()"),
            Shape::Text if field.optional => format!("chatroom_bytes_t::maybe({source}.as_deref())"),
            Shape::Text => format!("chatroom_bytes_t::text(&{source})"),
            _ => format!("chatroom_bytes_t::lend(&{source})"),
        }
    };
    let Some((last, first)) = place.ways.split_last() else { return String::new() };
    let first = first.iter().map(|way| format!("if packet.{}.is_some() {{ {} }} else ", rust(&way[0].name), one(way)));
    let last = one(last);
    if place.ways.len() == 1 { last } else { format!("{}{{ {last} }}", first.collect::<String>()) }
}

/// The flags of a message that is lent.
fn flags(described: &Described, message: &Message, lent: &Struct) -> String {
    let bit = |field: &&Field| {
        let has = match field.shape {
            Shape::Bool => format!("packet.{}", field.name),
            _ => format!("packet.{}.is_some()", field.name),
        };
        format!("flag({has}, {})", flag_of(field, &lent.flags))
    };
    flagged(described, message).iter().map(bit).collect::<Vec<_>>().join("\n            | ")
}

/// The declaration of a struct that C is shown.
pub fn declaration(described: &Described, message: &Message, lent: &Struct) -> String {
    let mut text = if lent.says.is_empty() { message.says.clone() } else { sentence(&lent.says) };
    if !text.contains("Lent: ") {
        text += " Lent: valid until the callback returns.";
    }
    let mut out = doc("", &text);
    let _ = writeln!(out, "#[repr(C)]\npub struct chatroom_{}_t {{", lent.name);
    for word in list(message, lent).split_whitespace() {
        match word {
            "flags" => {
                let _ = writeln!(out, "    /// `CHATROOM_{}_*` bits.\n    pub flags: u32,", lent.flags);
            }
            "_" => out += "    /// Always 0.\n    pub reserved: u32,\n",
            _ => {
                for (name, of, says) in columns(described, &place(described, message, word)) {
                    out += &doc("    ", &says);
                    let _ = writeln!(out, "    pub {}: {of},", rust(&name));
                }
            }
        }
    }
    out + "}\n"
}

/// The function that lends a message as its struct.
pub fn lending(described: &Described, message: &Message, of: &Struct) -> String {
    let theirs = declared(described, &of.name);
    let own: Vec<Place> = own(&list(message, of)).map(|word| place(described, message, word)).collect();
    let (name, arena) = (&of.name, needs_arena(described, message));
    let takes = if arena { ", arena: &mut Arena" } else { "" };
    let head = format!("fn lend_{}(packet: &pb::{}{takes}) -> chatroom_{name}_t {{", snake(&message.name), message.name);
    let mut out = format!("/// Lends a `{}`.\npub(in crate::capi) {head}\n", message.name);
    for part in parts(&own) {
        let Shape::Message(inner) = &part.shape else { panic!("{} is no part", part.name) };
        let name = rust(&part.name);
        let _ =
            writeln!(out, "    let none = pb::{inner}::default();\n    let {name} = packet.{name}.as_ref().unwrap_or(&none);");
    }
    let mut values = String::new();
    for word in list(theirs, lent(theirs)).split_whitespace() {
        match word {
            "flags" => {
                let _ = writeln!(values, "        flags: {},", flags(described, message, of));
            }
            "_" => values += "        reserved: 0,\n",
            _ => {
                let column = place(described, theirs, word);
                let found = own.iter().find(|place| c_name(place.field()) == c_name(column.field()));
                values += &filled(described, &column, found, &mut out);
            }
        }
    }
    let _ = writeln!(out, "    chatroom_{name}_t {{\n{values}    }}\n}}");
    out
}

/// The lines that fill one place of a struct, `found` being what the packet has for it; what comes before them goes to `before`.
fn filled(described: &Described, column: &Place, found: Option<&Place>, before: &mut String) -> String {
    let field = column.field();
    let (name, count) = (rust(c_name(field)), count_name(field));
    let is_list = field.repeated;
    let Some(place) = found else {
        return match field.shape {
            _ if is_list => format!("        {name}: std::ptr::null(),\n        {count}: 0,\n"),
            Shape::Text | Shape::Bytes => format!("        {name}: chatroom_bytes_t::EMPTY,\n"),
            Shape::Message(_) => format!("        {name}: std::ptr::null(),\n"),
            _ => format!("        {name}: 0,\n"),
        };
    };
    let theirs = place.field();
    match &theirs.shape {
        Shape::Text if is_list => {
            let _ = writeln!(before, "    let ({name}, {count}) = arena.texts(&{});", source(&place.ways[0]));
            format!("        {name},\n        {count},\n")
        }
        Shape::Message(inner) if is_list => {
            // A single one and a list are gone through alike.
            let mut ways = place.ways.iter().map(|way| format!("{}.iter()", source(way)));
            let first = ways.next().unwrap_or_default();
            let all = ways.fold(first, |all, way| format!("{all}.chain({way})"));
            let lend = each(described, inner);
            assert!(place.ways.len() == 1 || place.all, "{name}: of several lists all are shown");
            let _ = writeln!(before, "    let {name} = {all}.map({lend}).collect();");
            let _ = writeln!(before, "    let ({name}, {count}) = arena.row({name});");
            format!("        {name},\n        {count},\n")
        }
        Shape::Message(inner) if place.always => {
            let whole = format!("{}.as_ref().unwrap_or(&pb::{inner}::default())", source(&place.ways[0]));
            let _ = writeln!(before, "    let {name} = {};", lend(described, inner, &whole));
            format!("        {name}: arena.one({name}),\n")
        }
        Shape::Message(inner) => {
            let source = source(&place.ways[0]);
            let _ = writeln!(before, "    let {name} = {source}.as_ref().map({});", each(described, inner));
            format!("        {name}: {name}.map_or(std::ptr::null(), |one| arena.one(one)),\n")
        }
        _ => {
            let value = value(place);
            if value == name { format!("        {name},\n") } else { format!("        {name}: {value},\n") }
        }
    }
}

/// The implementation that shows C an answer as a whole.
pub fn whole(described: &Described, message: &Message, of: &Struct) -> String {
    let arena = if needs_arena(described, message) { ", &mut Arena::default()" } else { "" };
    format!(
        "impl Lend for pb::{} {{\n    type View = chatroom_{name}_t;\n\n    fn lend_to(self, body: impl FnOnce(&chatroom_{name}_t)) {{\n        \
         body(&lend_{}(&self{arena}));\n    }}\n}}\n",
        message.name,
        snake(&message.name),
        name = of.name
    )
}
