//! The methods of `chatroom::Client` in `include/chatroom.hpp`: one for each call.

use super::calls::{Answer, answer};
use super::described::{Call, Described, Message, Operation, Shape};
use super::given::{Place, argument, c_name, columns, places};

/// The lines between which the methods stand.
pub const BEGINS: &str = "    // Made from proto/ by tests/c/generate, from here\n";
pub const ENDS: &str = "    // to here.\n";
const COLUMNS: usize = 120;

/// All of the methods.
pub fn methods(described: &Described) -> String {
    let mut out = String::new();
    for family in described.families() {
        out += &format!("    // {family}.proto\n");
        for message in described.messages.iter().filter(|message| message.file == family) {
            let Some(operation) = &message.operation else { continue };
            for call in message.calls.iter().filter(|call| !call.by_hand) {
                out += &method(described, message, operation, call);
            }
        }
    }
    out
}

fn method(described: &Described, request: &Message, operation: &Operation, call: &Call) -> String {
    let name = if call.name.is_empty() { &operation.name } else { &call.name };
    let (mut takes, mut passes) = (Vec::new(), vec!["get()".to_owned()]);
    if let Some(given) = request.given.as_ref().filter(|_| call.arguments.is_empty()) {
        takes.push(format!("const chatroom_{}_t &{}", given.name, argument(given)));
        passes.push(format!("&{}", argument(given)));
    }
    for place in places(described, request, &call.arguments) {
        argue(described, &place, &mut takes, &mut passes);
    }
    let (done, told) = match answer(described, request, operation) {
        Answer::Done => ("Done".to_owned(), "told".to_owned()),
        Answer::Count(..) => ("DoneCount".to_owned(), "told_count".to_owned()),
        Answer::View(view, _) => (format!("DoneWith<chatroom_{view}_t>"), format!("told_with<chatroom_{view}_t>")),
    };
    takes.push(format!("{done} done"));
    passes.extend([format!("&{told}"), "keep(std::move(done))".to_owned(), format!("&drop<{done}>")]);
    let head = wrapped(&format!("    chatroom_result {name}("), &takes, ") {");
    let body = wrapped(&format!("        return chatroom_client_{name}("), &passes, ");");
    format!("{head}\n{body}\n    }}\n")
}

/// What one place takes in C++, and how it is passed to C.
fn argue(described: &Described, place: &Place, takes: &mut Vec<String>, passes: &mut Vec<String>) {
    let field = place.field();
    let name = c_name(field);
    match field.shape {
        Shape::Bytes => {
            takes.push(format!("std::string_view {name}"));
            passes.extend([format!("{name}.data()"), format!("{name}.size()")]);
        }
        Shape::Bool => {
            takes.push(format!("bool {name}"));
            passes.push(name.to_owned());
        }
        Shape::Message(_) if place.required => {
            let of = columns(described, place, false).remove(0).1;
            takes.push(format!("const {} &{name}", of.trim_start_matches("*const ")));
            passes.push(format!("&{name}"));
        }
        _ => {
            for (name, of, _) in columns(described, place, false) {
                takes.push(declared(&of, &name));
                passes.push(name);
            }
        }
    }
}

/// A type of Rust's in front of a name, as C++ writes it.
fn declared(of: &str, name: &str) -> String {
    let of = match of {
        "*const c_char" => "const char *",
        "*const *const c_char" => "const char *const *",
        "usize" => "std::size_t ",
        "f64" => "double ",
        _ => {
            return match of.strip_prefix("*const ") {
                Some(of) if of.starts_with("chatroom_") => format!("const {of} *{name}"),
                Some(of) => format!("const {}*{name}", number(of)),
                None => format!("{}{name}", number(of)),
            };
        }
    };
    format!("{of}{name}")
}

/// `std::int64_t ` of `i64`.
fn number(of: &str) -> String {
    let (kind, bits) = of.split_at(1);
    format!("std::{}int{bits}_t ", if kind == "u" { "u" } else { "" })
}

/// A list after an opening parenthesis, broken below it.
fn wrapped(opening: &str, items: &[String], closing: &str) -> String {
    let mut lines = vec![opening.to_owned()];
    for (at, item) in items.iter().enumerate() {
        let item = if at + 1 == items.len() { format!("{item}{closing}") } else { format!("{item},") };
        let line = lines.last_mut().expect("there is one");
        let gap = if line.ends_with('(') { "" } else { " " };
        if line.len() + gap.len() + item.len() > COLUMNS && !line.ends_with('(') {
            lines.push(format!("{}{item}", " ".repeat(opening.len())));
        } else {
            line.push_str(gap);
            line.push_str(&item);
        }
    }
    lines.join("\n")
}
