//! Writes `src/capi/generated/` and the methods of `include/chatroom.hpp` from what `proto/` says, with the options of `proto/chatroom/v1/options.proto`. The files are kept
//! with the sources, to be read and to be built without this: here they are compared, and `CHATROOM_BLESS=1` writes them anew. Where the
//! old ones cannot be compiled with what `proto/` says now, `--no-default-features` writes them without compiling them.

mod calls;
mod constants;
mod described;
mod given;
mod lent;
mod wrapper;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use calls::Answer;
use described::{Described, InC};

/// What every file begins with.
const MADE: &str =
    "Made from `proto/` by `tests/c/generate`: change it there, then `CHATROOM_BLESS=1 cargo test --test c generate`.";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/capi/generated")
}

/// The files of calls, in the order of the header.
pub fn families() -> Vec<String> {
    Described::read().families()
}

/// The names in C of the enumerations.
pub fn enumerations() -> Vec<String> {
    constants::names(&Described::read())
}

/// The files by their names.
fn files() -> BTreeMap<String, String> {
    let described = Described::read();
    let mut files = BTreeMap::new();
    let mut file = |name: &str, says: &str, body: &str| {
        files.insert(format!("{name}.rs"), formatted(&format!("//! {says}\n//!\n//! {MADE}\n\n{}\n", body.trim_end())));
    };
    file("results", "The numeric result of everything.", &constants::results());
    file("constants", "Numbers with names.", &constants::constants(&described));
    let (structs, reading) = given(&described);
    file("given", "What C fills in: structs that grow at their ends.", &structs);
    file("reading", "What reads the structs that C filled in.", &reading);
    let (structs, lending) = lent(&described);
    file("lent", "What C is shown: structs that point into packets.", &structs);
    file("lending", "What lends C its views of packets.", &lending);
    for family in described.families() {
        file(&family, &format!("Requests of `proto/chatroom/v1/{family}.proto`."), &requests(&described, &family));
    }
    let mut modules: Vec<&str> = files.keys().map(|name| name.trim_end_matches(".rs")).collect();
    modules.sort_unstable();
    let module = module(&modules);
    files.insert("mod.rs".into(), module);
    files
}

/// What the files share: each of them uses all that is in scope here.
fn module(names: &[&str]) -> String {
    let modules: String = names.iter().map(|name| format!("mod {name};\n")).collect();
    let inside = |name: &str| matches!(name, "lending" | "reading");
    let shown: String = names.iter().filter(|name| !inside(name)).map(|name| format!("pub use {name}::*;\n")).collect();
    let says = "What follows from `proto/` alone: constants, structs, and the calls of all requests but a few.";
    formatted(&format!("//! {says}\n//!\n//! {MADE}\n\n{modules}\n{shown}pub(in crate::capi) use lending::*;\n\n{SCOPE}"))
}

/// What the files use.
const SCOPE: &str = "\
use std::ffi::{c_char, c_void};

use bytes::Bytes;

use super::answer::{Lend, request_of, tell_count, tell_done, tell_view};
use super::boundary::Error;
use super::client::{chatroom_client_t, on};
use super::input::{self, Growing};
use super::lend::{Arena, chatroom_history_t, chatroom_rooms_t, flag};
use super::request::{chatroom_count_fn, chatroom_done_fn};
use super::types::{UserData, chatroom_bytes_t, chatroom_destructor_fn, chatroom_pair_t, chatroom_status_t};
use crate::wire::{Request, Response, pb};
";

/// Rust as `cargo fmt` would have it.
fn formatted(code: &str) -> String {
    let root = env!("CARGO_MANIFEST_DIR");
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--emit", "stdout", "--config-path", root])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("rustfmt belongs to the toolchain: rustup component add rustfmt");
    let mut stdin = rustfmt.stdin.take().expect("its input is piped");
    stdin.write_all(code.as_bytes()).expect("rustfmt reads all of it");
    drop(stdin);
    let output = rustfmt.wait_with_output().expect("rustfmt ends");
    assert!(output.status.success(), "this is no Rust:\n{code}");
    String::from_utf8(output.stdout).expect("Rust is text")
}

/// The structs that C fills in, and what reads them.
fn given(described: &Described) -> (String, String) {
    let (mut structs, mut reading) = (String::from("use super::*;\n"), String::from("use super::*;\n"));
    for message in &described.messages {
        if let Some(given) = message.given.as_ref().filter(|given| !given.by_hand) {
            structs += &format!("\n{}", given::declaration(described, message, given));
            reading += &format!("\n{}", given::reading(described, message, given));
        }
    }
    (structs, reading)
}

/// The views that a call is answered with.
fn answers(described: &Described) -> Vec<&str> {
    let mut views = Vec::new();
    for message in &described.messages {
        if let Some(operation) = &message.operation
            && message.calls.iter().any(|call| !call.by_hand)
            && let Answer::View(view, field) = calls::answer(described, message, operation)
            && !views.iter().any(|(known, _)| *known == view)
        {
            views.push((view, field));
        }
    }
    views.into_iter().map(|(view, _)| view).collect()
}

/// The structs that C is shown, and what lends them.
fn lent(described: &Described) -> (String, String) {
    let (mut structs, mut lending) = (String::from("use super::*;\n"), String::from("use super::*;\n"));
    for view in answers(described) {
        structs += &format!("\n{}", calls::completion(view));
    }
    let is_whole = |name: &str| {
        described.messages.iter().any(|request| {
            request.operation.as_ref().is_some_and(|operation| {
                let answer = described.answer(request, operation);
                let shown = answer.shows.is_empty().then_some(&answer.name);
                let inner = (!answer.shows.is_empty()).then(|| match &answer.field(&answer.shows).shape {
                    described::Shape::Message(inner) => inner,
                    _ => &answer.name,
                });
                shown.or(inner).is_some_and(|shown| shown == name)
            })
        })
    };
    for message in &described.messages {
        let Some(of) = message.lent.as_ref().filter(|of| !of.by_hand) else { continue };
        if of.like.is_empty() {
            structs += &format!("\n{}", lent::declaration(described, message, of));
        }
        lending += &format!("\n{}", lent::lending(described, message, of));
        if is_whole(&message.name) {
            lending += &format!("\n{}", lent::whole(described, message, of));
        }
    }
    (structs, lending)
}

fn requests(described: &Described, family: &str) -> String {
    let mut out = String::from("use super::*;\n");
    for message in described.messages.iter().filter(|message| message.file == family) {
        let Some(operation) = &message.operation else { continue };
        for call in message.calls.iter().filter(|call| !call.by_hand) {
            out += &format!("\n{}", calls::call(described, message, operation, call));
        }
    }
    out
}

/// Compares with what is committed, or writes it down if `CHATROOM_BLESS` is set.
pub fn compare(path: &Path, made: &str) {
    if std::env::var_os("CHATROOM_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder can be made");
        std::fs::write(path, made).expect("the file can be written");
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    if let Some((line, (want, have))) =
        made.lines().zip(committed.lines().chain(std::iter::repeat(""))).enumerate().find(|(_, (want, have))| want != have)
    {
        panic!(
            "{}:{} is {have:?} and should be {want:?}; CHATROOM_BLESS=1 cargo test --test c NAME writes it anew",
            path.display(),
            line + 1
        );
    }
    assert_eq!(made.len(), committed.len(), "{} has more than it should", path.display());
}

#[test]
fn what_is_generated_is_what_proto_says() {
    let files = files();
    for (name, made) in &files {
        compare(&folder().join(name), made);
    }
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("include/chatroom.hpp");
    let text = std::fs::read_to_string(&path).expect("the wrapper for C++ is there");
    let (before, rest) = text.split_once(wrapper::BEGINS).expect("the wrapper says where its methods begin");
    let (_, after) = rest.split_once(wrapper::ENDS).expect("the wrapper says where its methods end");
    let methods = wrapper::methods(&Described::read());
    compare(&path, &format!("{before}{}{methods}{}{after}", wrapper::BEGINS, wrapper::ENDS));

    let listed = std::fs::read_dir(folder()).expect("src/capi/generated is there");
    let names = listed.map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned());
    let strangers: Vec<String> = names.filter(|name| !files.contains_key(name)).collect();
    assert!(strangers.is_empty(), "{strangers:?} are not made by this: delete them");
}

#[test]
fn a_request_of_which_the_options_say_nothing_about_c_is_a_struct_and_a_call_all_the_same() {
    let mut described = Described::read();
    for message in &mut described.messages {
        (message.given, message.lent) = (None, None);
        message.calls.clear();
        message.shows.clear();
        message.fields.iter_mut().for_each(|field| field.c = InC::default());
    }
    described.complete();
    let structs = |name: &str| {
        let message = described.message(name);
        given::declaration(&described, message, message.given.as_ref().expect("it is handed in"))
            + &given::reading(&described, message, message.given.as_ref().expect("it is handed in"))
    };
    let update = structs("RoomUpdateRequest");
    for line in [
        "pub struct chatroom_update_room_t {",
        "    pub struct_size: usize,",
        "    pub flags: u32,",
        "    pub name: *const c_char,",
        "name: input::maybe_text(ours.name, \"name\")?.map(str::to_owned),",
        "queue_level: has(CHATROOM_UPDATE_ROOM_QUEUE_LEVEL).then_some(ours.queue_level),",
        "silent: ours.silent != 0,",
    ] {
        assert!(update.contains(line), "{line}: {update}");
    }
    assert!(
        constants::constants(&described).contains("pub const CHATROOM_UPDATE_ROOM_QUEUE_LEVEL: u32 = 32;"),
        "the bit of its number"
    );
    let calls = requests(&described, "member");
    for line in [
        "pub unsafe extern \"C\" fn chatroom_client_lookup_members(\n    client: *const chatroom_client_t,\n    members: *const \
         chatroom_lookup_members_t,\n    done: chatroom_member_list_fn,",
        "let request = unsafe { chatroom_lookup_members_t::read(members)? };",
    ] {
        assert!(calls.contains(line), "{line}: {calls}");
    }
    let shown = ["MemberListResponse", "Member", "OnlineConnection"].map(|name| {
        let message = described.message(name);
        lent::declaration(&described, message, message.lent.as_ref().expect("it is shown"))
    });
    for (text, line) in shown.iter().zip([
        "    pub members: *const *const chatroom_member_t,",
        "    pub connections: *const *const chatroom_online_connection_t,",
        "pub struct chatroom_online_connection_t {",
    ]) {
        assert!(text.contains(line), "{line}: {text}");
    }
}
