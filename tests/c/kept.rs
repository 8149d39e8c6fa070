//! What was built against the header of before goes on: `tests/abi` keeps that header, its list of symbols, a program, and what
//! `abidw` says of the interface.
//!
//! After a release: copy `include/chatroom.h` and `include/chatroom.symbols` to `tests/abi`, and `tests/c/tour.c` with `check.h`;
//! then `CHATROOM_BLESS=1 cargo test --test c kept` writes `tests/abi/chatroom.abi` anew.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::process::APP_KEY;
use crate::workshop::{How, Workshop, must, root, run, server, succeeds, valgrind};

/// Structs that stand in arrays, and so never grow; all others may, at their ends (docs/c-abi.md, "How it grows").
const NEVER_GROW: [&str; 2] = ["chatroom_bytes_t", "chatroom_item_t"];

fn kept(name: &str) -> PathBuf {
    root().join("tests/abi").join(name)
}

/// The functions of the header that is kept.
fn functions() -> Vec<String> {
    let list = fs::read_to_string(kept("chatroom.symbols")).expect("tests/abi/chatroom.symbols is there");
    list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.split_once(' ')?.0.to_owned())).collect()
}

/// A source that names every function, struct and enum of the header that is kept, so that its debug information tells all of them.
fn everything() -> String {
    let header = fs::read_to_string(kept("chatroom.h")).expect("tests/abi/chatroom.h is there");
    let named = |start: &'static str| {
        let name = move |line: &str| {
            let name = line.strip_prefix(start)?.split_whitespace().next()?;
            name.starts_with("chatroom_").then(|| name.to_owned())
        };
        header.lines().filter_map(name).collect::<Vec<_>>()
    };
    let (functions, structs, enums) = (functions(), named("typedef struct "), named("enum "));
    assert!(functions.len() > 60 && structs.len() > 25 && enums.len() > 12, "the header is read as it is written");
    let mut source = String::from("#include \"chatroom.h\"\nstruct everything {\n");
    source.extend(functions.iter().map(|name| format!("    __typeof__(&{name}) {name}_;\n")));
    source.extend(structs.iter().map(|name| format!("    struct {name} *{name}_;\n")));
    source.extend(enums.iter().map(|name| format!("    enum {name} *{name}_;\n")));
    source += "};\nextern const struct everything chatroom_everything;\nconst struct everything chatroom_everything = {\n";
    source.extend(functions.iter().map(|name| format!("    .{name}_ = &{name},\n")));
    source + "};\n"
}

/// What `abidw` says of the interface as a header in this folder declares it.
fn interface(workshop: &Workshop, include: &Path) -> String {
    let built = workshop.path("everything.so");
    fs::write(workshop.path("everything.c"), everything()).expect("the workshop is writable");
    let mut gcc = Command::new("gcc");
    // By its name alone: the dump has it, and must say the same each time.
    gcc.current_dir(workshop.path("")).args(["-std=gnu99", "-Wall", "-Werror", "-g", "-shared", "-fPIC", "-I"]);
    gcc.arg(include).arg("everything.c").arg("-o").arg(&built);
    must(gcc.arg("-L").arg(workshop.path("")).args(["-lchatroom", "-Wl,-z,defs"]));
    must(Command::new("abidw").args(["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs"]).arg(&built))
}

/// The value of an attribute in a line of a dump.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_once(&format!(" {name}='"))?.1.split('\'').next()
}

/// Name, size and the names of the fields of each struct in a dump.
fn structs(dump: &str) -> BTreeMap<&str, (&str, Vec<&str>)> {
    let mut found = BTreeMap::new();
    let mut name = "";
    for line in dump.lines() {
        if line.trim_start().starts_with("<class-decl ") {
            name = attribute(line, "name").unwrap_or_default();
            if let Some(size) = attribute(line, "size-in-bits") {
                found.insert(name, (size, Vec::new()));
            }
        } else if line.trim_start().starts_with("<var-decl ") {
            let field = attribute(line, "name").unwrap_or_default();
            found.entry(name).and_modify(|(_, fields)| fields.push(field));
        }
    }
    found
}

/// A dump without the fields that its structs have at their ends and did not have before.
fn without_growth(before: &str, after: &str) -> String {
    let (small, large) = (structs(before), structs(after));
    let mut text = String::new();
    let (mut most, mut fields, mut is_cut) = (usize::MAX, 0, false);
    for line in after.lines() {
        let mut line = line.to_owned();
        if line.trim_start().starts_with("<class-decl ") {
            let name = attribute(&line, "name").unwrap_or_default();
            (most, fields) = (usize::MAX, 0);
            if let (Some(was), Some(is)) = (small.get(name), large.get(name))
                && is.1.len() > was.1.len()
                && is.1.starts_with(&was.1)
                && !NEVER_GROW.contains(&name)
            {
                most = was.1.len();
                line = line.replace(&format!("size-in-bits='{}'", is.0), &format!("size-in-bits='{}'", was.0));
            }
        } else if line.contains("<data-member ") {
            fields += 1;
            is_cut = fields > most;
        }
        if !is_cut {
            text += &line;
            text.push('\n');
        }
        is_cut &= !line.contains("</data-member>");
    }
    text
}

/// What `abidiff` has to say against going from one interface to another; nothing when everything of before still works.
fn difference(workshop: &Workshop, before: &str, after: &str) -> String {
    let write = |name: &str, text: &str| {
        let path = workshop.path(name);
        fs::write(&path, text).expect("the workshop is writable");
        path
    };
    let output =
        run(Command::new("abidiff").arg(write("before.abi", before)).arg(write("after.abi", &without_growth(before, after))));
    if output.status.success() { String::new() } else { String::from_utf8_lossy(&output.stdout).into_owned() }
}

#[test]
fn the_interface_has_lost_nothing_since_the_header_that_is_kept() {
    let workshop = Workshop::new();
    let before = interface(&workshop, &root().join("tests/abi"));
    let path = kept("chatroom.abi");
    if std::env::var_os("CHATROOM_BLESS").is_some() {
        fs::write(&path, &before).expect("tests/abi is writable");
    }
    // The dump of one machine says nothing of the sizes of another; the header that is kept does everywhere.
    if cfg!(target_arch = "x86_64") {
        let dump = fs::read_to_string(&path).expect("tests/abi/chatroom.abi is there");
        assert_eq!(difference(&workshop, &dump, &before), "", "tests/abi/chatroom.h is no longer what its dump says");
    }
    let after = interface(&workshop, &root().join("include"));
    assert_eq!(difference(&workshop, &before, &after), "", "programs built before would break");

    let defined = |path: PathBuf| -> Vec<String> {
        let text = fs::read_to_string(path).expect("a header is text");
        text.lines().filter(|line| line.starts_with("#define CHATROOM_")).map(str::to_owned).collect()
    };
    let today = defined(root().join("include/chatroom.h"));
    let versions = ["CHATROOM_ABI_VERSION", "CHATROOM_VERSION"];
    let moved = |line: &&String| !today.contains(line) && !versions.iter().any(|name| line.contains(name));
    let moved: Vec<String> = defined(kept("chatroom.h")).iter().filter(moved).cloned().collect();
    assert!(moved.is_empty(), "programs have these compiled in: {moved:?}");
}

#[test]
fn a_broken_interface_is_seen_and_a_grown_one_passes() {
    let workshop = Workshop::new();
    let header = fs::read_to_string(kept("chatroom.h")).expect("tests/abi/chatroom.h is there");
    let before = interface(&workshop, &root().join("tests/abi"));
    let breaks = |changes: &[(&str, &str)]| {
        let folder = workshop.path("changed");
        fs::create_dir_all(&folder).expect("the workshop is writable");
        let changed = changes.iter().fold(header.clone(), |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        });
        fs::write(folder.join("chatroom.h"), changed).expect("the workshop is writable");
        !difference(&workshop, &before, &interface(&workshop, &folder)).is_empty()
    };
    let more = ("\n} chatroom_history_t;", "\n    uint64_t more;\n} chatroom_history_t;");
    assert!(!breaks(&[more]), "a lent struct grows at its end");
    assert!(
        !breaks(&[("CHATROOM_RESULT_OK = 0,", "CHATROOM_RESULT_OK = 0, CHATROOM_RESULT_NEW = 9999,")]),
        "a number is added"
    );
    assert!(breaks(&[("\n} chatroom_item_t;", "\n    uint64_t more;\n} chatroom_item_t;")]), "it stands in arrays");
    assert!(breaks(&[("    uint64_t reached_seq;", "    uint64_t more;\n    uint64_t reached_seq;")]), "a field moved");
    assert!(breaks(&[("    uint64_t reached_seq;\n", "")]), "a field is gone");
    assert!(breaks(&[("    uint64_t reached_seq;", "    int64_t reached_seq;"), more]), "a field is of another type");
    assert!(breaks(&[("CHATROOM_RESULT_WRONG_TOKEN = 302,", "CHATROOM_RESULT_WRONG_TOKEN = 303,")]), "a number moved");
    assert!(breaks(&[("chatroom_abi_version(void);", "chatroom_abi_version(int which);")]), "an argument was added");
}

#[test]
fn a_program_built_against_the_header_that_is_kept_runs_with_the_library_of_today() {
    let workshop = Workshop::new();
    let server = server();
    let admin = server.admin();
    let (amy, bob) = (admin.create_user("amy"), admin.create_user("bob"));
    let arguments = || {
        let room = admin.create_room("amy", "tour").to_string();
        [&server.wire.to_string(), APP_KEY, &room, "amy", &amy, "bob", &bob].map(String::from)
    };
    let program = workshop.compile_with(&root().join("tests/abi"), "tests/abi/tour.c", How::Plain("gcc", "c99"));
    succeeds(Command::new(&program).args(arguments()));
    succeeds(valgrind(&program).args(arguments()));
    let sanitized = workshop.compile_with(&root().join("tests/abi"), "tests/abi/tour.c", How::Sanitized("clang", "c11"));
    succeeds(Command::new(&sanitized).args(arguments()));
    // The same source against the header of today.
    let again = workshop.compile_with(&root().join("include"), "tests/abi/tour.c", How::Plain("clang", "c11"));
    succeeds(Command::new(&again).args(arguments()));
}
