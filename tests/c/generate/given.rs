//! What C hands in: the structs it fills in, and how they and the arguments of calls become packets.

use std::fmt::Write as _;

use super::described::{Described, Field, Message, Shape, Struct, doc, going_on, rust, sentence, snake};

/// What stands in one place of a struct, or among the arguments of a call.
pub struct Place<'a> {
    /// The way from the message to the field: by its parts, or itself.
    pub way: Vec<&'a Field>,
    /// NULL is refused.
    pub required: bool,
}

/// The places that a list names, one word each: `name`, `part.name`, with `!` for what must be there.
pub fn places<'a>(described: &'a Described, message: &'a Message, list: &str) -> Vec<Place<'a>> {
    let place = |word: &str| {
        let (way, required) = word.strip_suffix('!').map_or((word, false), |way| (way, true));
        let mut at = message;
        let mut fields = Vec::new();
        for name in way.split('.') {
            let field = at.field(name);
            if let Shape::Message(inner) = &field.shape {
                at = described.message(inner);
            }
            fields.push(field);
        }
        Place { way: fields, required }
    };
    list.split_whitespace().filter(|word| !matches!(*word, "flags" | "_")).map(place).collect()
}

impl<'a> Place<'a> {
    pub fn field(&self) -> &'a Field {
        self.way.last().expect("a way leads to a field")
    }
}

/// The name of a field in C.
pub fn c_name(field: &Field) -> &str {
    if field.c.name.is_empty() { &field.name } else { &field.c.name }
}

/// The name of the length of a list in C.
pub fn count_name(field: &Field) -> String {
    let name = c_name(field);
    if field.c.count.is_empty() { format!("{}_count", name.strip_suffix('s').unwrap_or(name)) } else { field.c.count.clone() }
}

/// What a list of the name is called for people: `accounts`, `error_keys` as `keys`.
pub fn for_people(field: &Field) -> &str {
    c_name(field).rsplit('_').next().unwrap_or_default()
}

/// What a field says, in C.
pub fn says(field: &Field) -> String {
    let text = match &field.shape {
        _ if !field.c.says.is_empty() => sentence(&field.c.says),
        Shape::Enumeration(of) if field.says.is_empty() => format!("A `chatroom_{}`.", snake(of)),
        Shape::Enumeration(of) => format!("A `chatroom_{}`: {}", snake(of), going_on(&field.says)),
        _ => field.says.clone(),
    };
    assert!(!text.is_empty(), "{} is seen by C: it needs a comment", field.name);
    text
}

/// The fields in C of one place: name, type, documentation.
pub fn columns(described: &Described, place: &Place, in_struct: bool) -> Vec<(String, String, String)> {
    let field = place.field();
    let (name, says) = (c_name(field).to_owned(), says(field));
    let one = |of: &str| vec![(name.clone(), of.to_owned(), says.clone())];
    let counted = |of: &str| {
        let how_many = format!("How many {} there are.", for_people(field));
        vec![(name.clone(), of.to_owned(), says.clone()), (count_name(field), "usize".to_owned(), how_many)]
    };
    match (&field.shape, field.repeated) {
        (Shape::Number(_), false) if field.c.signed && field.c.bit == 0 => one("i32"),
        (Shape::Number(of), false) => one(of),
        (Shape::Number(of), true) => counted(&format!("*const {of}")),
        (Shape::Enumeration(_), _) => one("i32"),
        (Shape::Bool, _) => one(if in_struct { "u32" } else { "i32" }),
        (Shape::Text, false) => one("*const c_char"),
        (Shape::Text, true) => counted("*const *const c_char"),
        (Shape::Bytes, _) => vec![
            (name.clone(), "*const c_void".to_owned(), says),
            (format!("{name}_len"), "usize".to_owned(), format!("Bytes of `{name}`.")),
        ],
        (Shape::Pairs, _) => counted("*const chatroom_pair_t"),
        (Shape::Message(inner), repeated) => {
            let given = given(described.message(inner));
            let of = format!("*const chatroom_{}_t", given.name);
            if repeated { counted(&of) } else { one(&of) }
        }
    }
}

fn given(message: &Message) -> &Struct {
    message.given.as_ref().unwrap_or_else(|| panic!("C hands {} in: it needs the option `given`", message.name))
}

/// The value of a field of the packet, from where it stands in C.
fn read(described: &Described, place: &Place, base: &str, flags: &str) -> String {
    let field = place.field();
    let (name, value) = (c_name(field), format!("{base}{}", rust(c_name(field))));
    let count = format!("{base}{}", count_name(field));
    let flag = flag_of(field, flags);
    match (&field.shape, field.repeated) {
        (Shape::Number(_), false) if field.c.signed && field.c.bit == 0 => format!("u32::try_from({value}).ok()"),
        (Shape::Number(_) | Shape::Enumeration(_), false) if field.optional && field.c.bit != 0 => {
            format!("has({flag}).then_some({value})")
        }
        (Shape::Number(_), false) if field.optional => format!("({value} != 0).then_some({value})"),
        (Shape::Number(_), false) | (Shape::Enumeration(_), _) => value,
        (Shape::Number(_), true) => format!("input::array({value}, {count}, \"{name}\")?.to_vec()"),
        (Shape::Bool, _) if field.c.negated => format!("({value} != 0).then_some(false)"),
        (Shape::Bool, _) if field.optional && field.c.bit != 0 => format!("has({flag}).then_some({value} != 0)"),
        (Shape::Bool, _) if field.optional => panic!("{}: C needs a flag, or `negated`", field.name),
        (Shape::Bool, _) => format!("{value} != 0"),
        (Shape::Text, true) => format!("input::texts({value}, {count}, \"{name}\")?"),
        (Shape::Text, false) if field.c.not_empty => format!("input::not_empty({value}, \"{name}\")?"),
        (Shape::Text, false) if place.required => format!("input::required({value}, \"{name}\")?"),
        (Shape::Text, false) if field.optional => format!("input::maybe_text({value}, \"{name}\")?.map(str::to_owned)"),
        (Shape::Text, false) => format!("input::text({value}, \"{name}\")?"),
        (Shape::Bytes, _) => format!("Bytes::copy_from_slice(input::bytes({value}, {base}{name}_len, \"{name}\")?)"),
        (Shape::Pairs, _) => format!("input::pairs({value}, {count}, \"{name}\")?"),
        (Shape::Message(inner), repeated) => {
            let of = format!("chatroom_{}_t", given(described.message(inner)).name);
            match (repeated, place.required) {
                (true, _) => format!(
                    "input::array({value}, {count}, \"{name}\")?.iter().map(|one| {of}::read(one)).collect::<Result<_, _>>()?"
                ),
                (false, true) => format!("Some({of}::read({value})?)"),
                (false, false) => format!("if {value}.is_null() {{ None }} else {{ Some({of}::read({value})?) }}"),
            }
        }
    }
}

/// The constant of a field's flag.
pub fn flag_of(field: &Field, flags: &str) -> String {
    let name = if field.c.flag.is_empty() { field.name.to_uppercase() } else { field.c.flag.clone() };
    format!("CHATROOM_{flags}_{name}")
}

/// The fields that flags stand for: those of the message, and of its parts.
pub fn flagged<'a>(described: &'a Described, message: &'a Message) -> Vec<&'a Field> {
    let mut fields: Vec<&Field> = Vec::new();
    for field in &message.fields {
        if field.c.bit != 0 {
            fields.push(field);
        }
        if let Shape::Message(inner) = &field.shape
            && !field.repeated
        {
            let inner = described.message(inner);
            // A part with a struct of its own has its flags there.
            if inner.given.is_none() && inner.lent.is_none() {
                fields.extend(inner.fields.iter().filter(|field| field.c.bit != 0));
            }
        }
    }
    fields.sort_by_key(|field| field.c.bit);
    fields
}

/// The value of a field that has no place of its own: that of its flag.
fn by_flag(field: &Field, flags: &str) -> Option<String> {
    let flag = flag_of(field, flags);
    match field.shape {
        _ if field.c.bit == 0 => None,
        Shape::Bool if field.optional => Some(format!("has({flag}).then_some(false)")),
        Shape::Bool => Some(format!("has({flag})")),
        Shape::Number(_) if field.optional => Some(format!("has({flag}).then_some(0)")),
        _ => panic!("{}: a flag says nothing of it", field.name),
    }
}

/// What makes the packet `message` out of places: lines that come first, and the packet's value.
pub fn packet(described: &Described, message: &Message, places: &[Place], base: &str, flags: &str) -> (String, String) {
    let mut before = String::new();
    let literal = |message: &Message, values: Vec<(String, String)>| {
        if values.is_empty() {
            return format!("pb::{} {{}}", message.name);
        }
        let rest = if values.len() < message.fields.len() { "    ..Default::default()\n" } else { "" };
        let field = |(name, value): &(String, String)| {
            if name == value { format!("    {name},\n") } else { format!("    {name}: {value},\n") }
        };
        let fields: String = values.iter().map(field).collect();
        format!("pb::{} {{\n{fields}{rest}}}", message.name)
    };
    let mut values = Vec::new();
    for field in &message.fields {
        let own: Vec<&Place> = places.iter().filter(|place| place.way[0].name == field.name).collect();
        let value = match (&own[..], &field.shape) {
            ([], Shape::Message(inner)) if !field.repeated => {
                // A part without any place may have flags all the same.
                let inner = described.message(inner);
                assert!(inner.given.is_some() || inner.fields.iter().all(|field| field.c.bit == 0), "{}", field.name);
                continue;
            }
            ([], _) => match by_flag(field, flags) {
                Some(value) => value,
                None => continue,
            },
            ([place], _) if place.way.len() == 1 => read(described, place, base, flags),
            (parts, Shape::Message(inner)) => {
                let inner = described.message(inner);
                let mut inside = Vec::new();
                for part in &inner.fields {
                    let place = parts.iter().find(|place| place.way[1].name == part.name);
                    let value = place.map(|place| read(described, place, base, flags)).or_else(|| by_flag(part, flags));
                    inside.extend(value.map(|value| (rust(&part.name), value)));
                }
                let made = literal(inner, inside);
                if field.c.bit != 0 {
                    format!("has({}).then_some({})", flag_of(field, flags), made.replace('\n', "\n    "))
                } else if !field.c.there_with.is_empty() {
                    let there = c_name(inner.field(&field.c.there_with));
                    format!("({base}{there} != 0).then_some({})", made.replace('\n', "\n    "))
                } else {
                    let name = rust(&field.name);
                    let _ = writeln!(before, "let {name} = {made};");
                    format!("({name} != pb::{}::default()).then_some({name})", inner.name)
                }
            }
            _ => panic!("{} stands in two places", field.name),
        };
        values.push((rust(&field.name), value));
    }
    let made = literal(message, values);
    (before, made)
}

/// Whether what reads the places is unsafe.
pub fn is_unsafe(code: &str) -> bool {
    code.contains("input::") || code.contains("::read(")
}

pub fn indented(text: &str, depth: usize) -> String {
    let indent = "    ".repeat(depth);
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { format!("{indent}{line}\n") }).collect()
}

/// The name of an argument that is a struct: the last word of the struct's.
pub fn argument(given: &Struct) -> &str {
    given.name.rsplit('_').next().unwrap_or_default()
}

/// The declaration of a struct that C fills in.
pub fn declaration(described: &Described, message: &Message, given: &Struct) -> String {
    let list = list(message, given);
    let name = &given.name;
    let places = places(described, message, &list);
    let mut left = places.iter();
    let mut says = if given.says.is_empty() { message.says.clone() } else { sentence(&given.says) };
    if given.in_arrays {
        says += " Never grows.";
    } else {
        let (first, rest) = says.split_once("\n\n").unwrap_or((&says, ""));
        let rest = if rest.is_empty() { String::new() } else { format!("\n\n{rest}") };
        says = format!("{first} Set `struct_size` to its size and the rest to 0 before filling it in.{rest}");
    }
    let mut out = doc("", &says);
    let _ = writeln!(out, "#[repr(C)]\npub struct chatroom_{name}_t {{");
    if !given.in_arrays {
        let _ = writeln!(out, "    /// `sizeof(chatroom_{name}_t)`.\n    pub struct_size: usize,");
    }
    for word in list.split_whitespace() {
        match word {
            "flags" => {
                let _ = writeln!(out, "    /// `CHATROOM_{}_*` bits.\n    pub flags: u32,", given.flags);
            }
            "_" => out += "    /// Set it to 0.\n    pub reserved: u32,\n",
            _ => {
                for (name, of, says) in columns(described, left.next().expect("a place for each word"), true) {
                    out += &doc("    ", &says);
                    let _ = writeln!(out, "    pub {}: {of},", rust(&name));
                }
            }
        }
    }
    out += "}\n\n";
    if !given.in_arrays {
        let _ = writeln!(
            out,
            "// SAFETY: repr(C), led by a usize; integers, floats and pointers only.\nunsafe impl Growing for chatroom_{name}_t {{}}\n"
        );
    }
    out.trim_end().to_owned() + "\n"
}

/// What makes a packet of a struct that C filled in.
pub fn reading(described: &Described, message: &Message, given: &Struct) -> String {
    let list = list(message, given);
    let (name, argument) = (&given.name, argument(given));
    let places = places(described, message, &list);
    let (before, made) = packet(described, message, &places, "ours.", &given.flags);
    let mut out = String::new();
    let _ = writeln!(out, "impl chatroom_{name}_t {{");
    out += "    /// The packet that says what the struct says.\n    ///\n    /// # Safety\n";
    let (takes, promise) = if given.in_arrays {
        (format!("ours: &chatroom_{name}_t"), "The struct is as its documentation has it.")
    } else {
        (format!("theirs: *const chatroom_{name}_t"), "`theirs` is NULL or a struct as its documentation has it.")
    };
    let _ = writeln!(out, "    /// {promise}");
    let _ = writeln!(out, "    pub(in crate::capi) unsafe fn read({takes}) -> Result<pb::{}, Error> {{", message.name);
    if !given.in_arrays {
        out += "        // SAFETY: the caller promises the struct, which has the header's promise of `struct_size`.\n";
        let _ = writeln!(out, "        let ours = unsafe {{ input::plain(theirs, \"{argument}\") }}?;");
    }
    if list.split_whitespace().any(|word| word == "flags") {
        let flags: Vec<String> = flagged(described, message).iter().map(|field| flag_of(field, &given.flags)).collect();
        let _ = writeln!(out, "        let known = {};", flags.join("\n            | "));
        let _ = writeln!(out, "        input::flags(ours.flags, known, \"flags of {argument}\")?;");
        out += "        let has = |flag: u32| ours.flags & flag != 0;\n";
    }
    if list.split_whitespace().any(|word| word == "_") {
        let of = if given.in_arrays { format!("{argument}s") } else { argument.to_owned() };
        let _ = writeln!(out, "        input::reserved(ours.reserved, \"{of}\")?;");
    }
    let code = format!("{before}Ok({made})");
    if is_unsafe(&code) {
        out += "        // SAFETY: the caller promises each pointer in the struct.\n        unsafe {\n";
        out += &indented(&code, 3);
        out += "        }\n";
    } else {
        out += &indented(&code, 2);
    }
    out + "    }\n}\n"
}

/// The list of a struct's fields: its own, or all fields of the message in their order.
pub fn list(message: &Message, of: &Struct) -> String {
    if !of.fields.is_empty() {
        return of.fields.clone();
    }
    message.fields.iter().map(|field| field.name.clone()).collect::<Vec<_>>().join(" ")
}
