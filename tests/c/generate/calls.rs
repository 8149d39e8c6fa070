//! The calls of C: one for each request, or several where the options say so.

use std::fmt::Write as _;

use super::described::{Call, Described, Message, Operation, Shape, doc, going_on, rust, sentence};
use super::given::{argument, columns, indented, is_unsafe, packet, places};
use super::lent::lent;

/// What C is answered with.
pub enum Answer<'a> {
    /// The status alone.
    Done,
    /// A number, in the field of that name and type.
    Count(&'a str, &'a str),
    /// A struct: the answer as a whole, or the field of that name.
    View(&'a str, Option<&'a str>),
}

/// What a request is answered with.
pub fn answer<'a>(described: &'a Described, request: &'a Message, operation: &Operation) -> Answer<'a> {
    let answer = described.answer(request, operation);
    if answer.shows.is_empty() {
        return answer.lent.as_ref().map_or(Answer::Done, |lent| Answer::View(&lent.name, None));
    }
    let field = answer.field(&answer.shows);
    match &field.shape {
        Shape::Number(of) => Answer::Count(&field.name, of),
        Shape::Message(inner) => Answer::View(&lent(described.message(inner)).name, Some(&field.name)),
        _ => panic!("{}: C is answered with numbers and structs", answer.name),
    }
}

/// The name of the function that a view completes with.
pub fn function_type(view: &str) -> String {
    format!("chatroom_{}_fn", view.trim_end_matches("_page"))
}

/// The type of the function that a view completes with.
pub fn completion(view: &str) -> String {
    let (name, what) = (function_type(view), view.rsplit('_').next().unwrap_or(view));
    format!(
        "/// Completes a request. `{what}` is NULL unless the code is 0.\npub type {name} =\n    \
         Option<unsafe extern \"C\" fn(user_data: *mut c_void, status: *const chatroom_status_t, {what}: *const chatroom_{view}_t)>;\n"
    )
}

/// One call.
pub fn call(described: &Described, request: &Message, operation: &Operation, call: &Call) -> String {
    let kind = described.kind(operation.kind);
    let name = if call.name.is_empty() { &operation.name } else { &call.name };
    let places = places(described, request, &call.arguments);
    let by_struct = request.given.as_ref().filter(|_| call.arguments.is_empty());
    let mut text = if call.says.is_empty() { request.says.clone() } else { sentence(&call.says) };
    let mut arguments = String::new();
    let mut explained = String::new();
    if let Some(given) = by_struct {
        let _ = writeln!(arguments, "    {}: *const chatroom_{}_t,", argument(given), given.name);
    }
    for (name, of, says) in places.iter().flat_map(|place| columns(described, place, false)) {
        let _ = writeln!(arguments, "    {}: {of},", rust(&name));
        if !says.starts_with("How many ") && !says.starts_with("Bytes of ") && name != "room_id" {
            let _ = write!(explained, "\n- `{name}`: {}", going_on(&says));
        }
    }
    if !explained.is_empty() {
        text += &format!("\n\nArguments:{explained}");
    }
    text += "\n\nThreads: any. Does not block.";

    let (part, tell, done) = match answer(described, request, operation) {
        Answer::Done => (None, "tell_done(done)", "chatroom_done_fn".to_owned()),
        Answer::Count(field, of) => {
            let value = if of == "u64" { format!("Some(answer.{field})") } else { format!("Some(answer.{field}.into())") };
            (Some(value), "tell_count(part, done)", "chatroom_count_fn".to_owned())
        }
        Answer::View(view, field) => {
            let value = field.map_or("Some(answer)".to_owned(), |field| format!("answer.{field}"));
            (Some(value), "tell_view(part, done)", function_type(view))
        }
    };
    let part = part.map_or_else(String::new, |value| {
        format!("    let part = |response| match response {{\n        Response::{kind}(answer) => {value},\n        _ => None,\n    }};\n")
    });
    let body = if call.through.is_empty() {
        let (before, made) = match by_struct {
            Some(given) => (String::new(), format!("chatroom_{}_t::read({})?", given.name, argument(given))),
            None => packet(described, request, &places, "", ""),
        };
        let made = if is_unsafe(&format!("{before}{made}")) {
            let why = "// SAFETY: the caller promises each argument as the documentation has it.";
            if before.is_empty() && !made.contains('\n') {
                format!("{why}\nlet request = unsafe {{ {made} }};\n")
            } else {
                format!("{why}\nlet request = unsafe {{\n{}}};\n", indented(&format!("{before}{made}"), 1))
            }
        } else {
            format!("{before}let request = {made};\n")
        };
        indented(&format!("{made}shared.ask(request_of(Request::{kind}, request), user_data, {tell})"), 2)
    } else {
        let values: String = places.iter().map(|place| format!("{}, ", rust(&place.field().name))).collect();
        format!("        shared.ask_by(user_data, {tell}, |client, done| client.{}({values}done))\n", call.through)
    };
    format!(
        "{}#[unsafe(no_mangle)]\npub unsafe extern \"C\" fn chatroom_client_{name}(\n    client: *const chatroom_client_t,\n{arguments}    \
         done: {done},\n    user_data: *mut c_void,\n    destructor: chatroom_destructor_fn,\n) -> chatroom_result {{\n    \
         let user_data = UserData::adopt(user_data, destructor);\n{part}    on(client, |shared| {{\n{body}    }})\n}}\n",
        doc("", &text)
    )
}
