//! The house rules that can be read off the files: who may use whom, how long a file may be, what the core must not call, and
//! that documents speak of what is there. A failure names the file, the line and what to do.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom. `error`, `limits`, `id` and `text` are open to everyone, and a module may use itself.
const ARROWS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("limits", &[]),
    ("id", &[]),
    ("text", &[]),
    ("planted", &[]),
    ("wire", &[]),
    ("tls", &[]),
    ("session", &["wire"]),
    ("subject", &["wire"]),
    ("room", &["wire", "subject"]),
    ("user", &["wire", "subject"]),
    // Of the kinds of subjects nothing but which there are: see `only_one_file_of_dispatch_knows_which_kinds_there_are`.
    ("dispatch", &["wire", "subject", "room", "user"]),
    ("log", &["wire"]),
    ("account", &[]),
    ("front", &["wire", "session", "subject", "room", "user", "dispatch", "account"]),
    ("config", &["room", "account", "tls"]),
    ("hooks", &["front", "wire", "room", "log", "account"]),
    ("figures", &["wire", "dispatch", "log"]),
    (
        "server",
        &[
            "front", "session", "wire", "subject", "room", "user", "dispatch", "log", "account", "tls", "config", "hooks",
            "figures",
        ],
    ),
    // Of wire the packet types: the HTTP API reaches the same commands, and those carry them.
    ("admin", &["server", "config", "figures", "room", "log", "account", "wire"]),
    ("client", &["session", "wire", "tls"]),
    ("capi", &["client", "wire"]),
    ("cli", &["client", "session", "wire", "account", "tls"]),
    // Of server what does no I/O: see `the_simulation_does_no_io`.
    ("sim", &["front", "session", "wire", "subject", "room", "user", "dispatch", "log", "account", "server"]),
    ("bin", &["server", "config", "admin", "client", "cli", "sim"]),
];
const OPEN: [&str; 5] = ["error", "limits", "id", "text", "planted"];

/// The deterministic core: it does no I/O and reads no clock.
const CORE: [&str; 7] = ["wire", "session", "subject", "room", "user", "dispatch", "front"];
/// What the core must not name, and what stands for it there.
const NOT_IN_CORE: &[(&str, &str)] = &[
    ("tokio", "the core runs without a runtime; I/O belongs to server/ and client/"),
    ("std::net", "sockets belong to server/ and client/"),
    ("std::fs", "disk belongs to log/"),
    ("std::thread", "threads belong to server/"),
    ("Instant::now", "take the time as an argument: id::Time"),
    ("SystemTime", "take the time as an argument: id::UnixMs"),
    ("thread_rng", "take randomness from the entry or from a seed"),
    ("getrandom", "take randomness from the entry or from a seed"),
    ("rand::", "take randomness from the entry or from a seed"),
    ("fastrand::Rng::new", "take randomness from the entry or from a seed"),
];
/// What must stand nowhere in `src/`.
const NOWHERE: [&str; 5] = ["todo!", "unimplemented!", "dbg!", "FIXME", "XXX"];

const LINES_MAX: usize = 600;
const LINES_GOOD: usize = 400;
const BIN_LINES_MAX: usize = 100;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A file of ours that holds code.
struct Source {
    /// From the root of the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// The module of `src/` the file belongs to: the folder, or the file itself.
    fn module(&self) -> &str {
        let inside = self.path.strip_prefix("src/").expect("asked of files in src/ only");
        inside.split(['/', '.']).next().unwrap_or(inside)
    }

    /// The lines that run in production, with their numbers: without comments and without the tests at the foot.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines: Vec<&str> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| {
            pair[0].trim() == "#[cfg(test)]" && pair[1].trim_start().starts_with("mod ") && pair[1].trim_end().ends_with('{')
        });
        let end = tests.unwrap_or(lines.len());
        lines.into_iter().take(end).enumerate().map(|(at, line)| (at + 1, without_comment(line)))
    }
}

/// A line as far as its comment. A `//` after a colon is part of an address in a text.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//").map(|at| from + at) {
        if at == 0 || line.as_bytes()[at - 1] != b':' {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be listed").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// The files of a folder that end in one of `extensions`.
fn files(folder: &str, extensions: &[&str]) -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join(folder), &mut paths);
    let ours = |path: &&PathBuf| path.extension().is_some_and(|end| extensions.iter().any(|wanted| end == *wanted));
    let source = |path: &PathBuf| {
        let inside = path.strip_prefix(root()).expect("found below the root");
        Source {
            path: inside.to_string_lossy().replace('\\', "/"),
            text: fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", inside.display())),
        }
    };
    paths.iter().filter(ours).map(source).collect()
}

/// The sources of the library and the binaries, without files that hold nothing but tests.
fn sources() -> Vec<Source> {
    let mut sources = files("src", &["rs"]);
    sources.retain(|source| !source.path.ends_with("/tests.rs") && !source.path.contains("/tests/"));
    assert!(sources.len() > 20, "src/ was not found where it belongs");
    sources
}

/// Whether `text[at..]` begins a word of its own.
fn begins_word(text: &str, at: usize) -> bool {
    !text[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_')
}

/// The top-level modules named behind each `root::` in `code`, groups included: `crate::{a, b::c}` names a and b.
fn modules_behind(code: &str, root: &str) -> Vec<String> {
    let name = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let mut found = Vec::new();
    for (at, matched) in code.match_indices(root) {
        if !begins_word(code, at) {
            continue;
        }
        let rest = &code[at + matched.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push(name(rest));
            continue;
        };
        let mut depth = 0;
        let mut begins = true;
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => begins = true,
                c if begins && depth == 0 && !c.is_whitespace() => {
                    found.push(name(&group[at..]));
                    begins = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// Panics with everything that was found, so that one run shows all of it.
fn refuse(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn modules_use_only_what_the_arrows_allow() {
    let modules: BTreeSet<&str> = ARROWS.iter().map(|arrow| arrow.0).collect();
    let mut found = Vec::new();
    for source in sources() {
        let module = source.module();
        if source.path == "src/lib.rs" {
            continue;
        }
        let Some((_, allowed)) = ARROWS.iter().find(|arrow| arrow.0 == module) else {
            found.push(format!("{}: module `{module}` has no arrows: give it a line in ARROWS", source.path));
            continue;
        };
        // One text per file, because a group of imports may span lines; the line is found again for the message.
        let code: String = source.code().map(|(_, line)| format!("{line}\n")).collect();
        let prefix = if module == "bin" { "chatroom::" } else { "crate::" };
        for used in modules_behind(&code, prefix).into_iter().collect::<BTreeSet<String>>() {
            let known = modules.contains(used.as_str());
            if known && used != module && !OPEN.contains(&used.as_str()) && !allowed.contains(&used.as_str()) {
                let line = source.code().find(|(_, line)| line.contains(&used)).map_or(0, |(number, _)| number);
                let may = if allowed.is_empty() { "nothing else".to_owned() } else { allowed.join(", ") };
                found.push(format!("{}:{line}: {module} uses {used}, but may use {may}", source.path));
            }
        }
        // As many `super` as the file lies deep lead to the root, past the arrows.
        let depth = source.path.split('/').count() - 1 - usize::from(source.path.ends_with("/mod.rs"));
        for (number, line) in source.code() {
            if module != "bin" && line.contains(&"super::".repeat(depth.max(1))) && depth > 0 {
                found.push(format!("{}:{number}: this `super::` is the root of the crate: write `crate::`", source.path));
            }
        }
    }
    refuse("Modules reach where no arrow leads", &found);
}

/// What declares a type that other files may name.
const DECLARATIONS: [&str; 6] =
    ["pub struct ", "pub enum ", "pub trait ", "pub(super) struct ", "pub(super) enum ", "pub(super) trait "];

/// A file of room/: what it is called, which other files it uses, and what it holds.
struct RoomFile {
    name: String,
    uses: BTreeSet<String>,
    /// It says what a room does, and is no noun.
    has_operations: bool,
    /// Types that other files may name.
    declares: bool,
}

/// The files of room/ that make it up; fuzzing drives it from outside.
fn room_files() -> Vec<RoomFile> {
    let name = |path: &str| path.trim_start_matches("src/room/").trim_end_matches(".rs").to_owned();
    let mut sources = sources();
    sources.retain(|source| source.module() == "room" && !source.path.ends_with("/mod.rs") && !source.path.contains("fuzzing"));
    let names: BTreeSet<String> = sources.iter().map(|source| name(&source.path)).collect();
    let file = |source: &Source| {
        let code: String = source.code().map(|(_, line)| format!("{line}\n")).collect();
        let uses = ["super::", "crate::room::"].iter().flat_map(|root| modules_behind(&code, root));
        RoomFile {
            name: name(&source.path),
            uses: uses.filter(|used| names.contains(used)).collect(),
            has_operations: code.lines().any(|line| line == "impl Room {" || line == "impl Subject for Room {"),
            declares: code.lines().any(|line| DECLARATIONS.iter().any(|declares| line.starts_with(declares))),
        }
    };
    sources.iter().map(file).collect()
}

#[test]
fn nouns_of_a_room_do_not_know_what_it_does_and_no_file_goes_in_a_circle() {
    let mut files = room_files();
    assert!(files.len() > 30, "src/room/ was not found where it belongs");
    let operations: BTreeSet<String> = files.iter().filter(|file| file.has_operations).map(|file| file.name.clone()).collect();
    let mut found = Vec::new();
    for file in &files {
        if file.has_operations && file.declares && file.name != "state" {
            found.push(format!("src/room/{}.rs declares a type and has `impl Room`: one file for each", file.name));
        }
        for used in file.uses.iter().filter(|used| !file.has_operations && operations.contains(*used)) {
            found.push(format!("src/room/{}.rs is a noun and uses {used}.rs, which knows the room", file.name));
        }
    }
    // Whoever uses nobody who is left, or is used by nobody who is left, stands in no circle.
    loop {
        let left: BTreeSet<String> = files.iter().map(|file| file.name.clone()).collect();
        files.iter_mut().for_each(|file| file.uses.retain(|used| *used != file.name && left.contains(used)));
        let used: BTreeSet<String> = files.iter().flat_map(|file| file.uses.clone()).collect();
        files.retain(|file| !file.uses.is_empty() && used.contains(&file.name));
        if files.len() == left.len() {
            break;
        }
    }
    found.extend(files.iter().map(|file| format!("src/room/{}.rs stands in a circle with {:?}", file.name, file.uses)));
    refuse("The files of room/ know too much of each other", &found);
}

#[test]
fn only_one_file_of_dispatch_knows_which_kinds_there_are() {
    let mut found = Vec::new();
    let names_a_kind = |line: &str| line.contains("crate::room") || line.contains("crate::user");
    let all = sources();
    for source in all.iter().filter(|source| source.module() == "dispatch" && !source.path.ends_with("/kinds.rs")) {
        for (number, line) in source.code().filter(|(_, line)| names_a_kind(line)) {
            found.push(format!("{}:{number}: `{}`: what every subject has stands in subject/", source.path, line.trim()));
        }
    }
    refuse("Dispatch is about subjects, not about rooms or users", &found);
}

/// Modules that know of no single operation: what they have to know of one, its subject says.
const NAME_NO_OPERATION: [&str; 1] = ["dispatch"];

#[test]
fn dispatch_names_no_operation() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| NAME_NO_OPERATION.contains(&source.module())) {
        for (number, line) in source.code() {
            for root in ["Op::", "Query::"] {
                for (at, _) in line.match_indices(root).filter(|(at, _)| begins_word(line, *at)) {
                    if line[at + root.len()..].starts_with(|first: char| first.is_uppercase()) {
                        let name: String =
                            line[at..].chars().take_while(|c| c.is_alphanumeric() || ":_".contains(*c)).collect();
                        found.push(format!(
                            "{}:{number}: `{name}`: have its subject say what is to be known of it",
                            source.path
                        ));
                    }
                }
            }
        }
    }
    refuse("A single operation is named where none should be known", &found);
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| CORE.contains(&source.module())) {
        for (number, line) in source.code() {
            for (word, instead) in NOT_IN_CORE {
                let codec = source.path == "src/wire/codec.rs" && line.contains("tokio_util::codec");
                if !codec && line.match_indices(word).any(|(at, _)| begins_word(line, at)) {
                    found.push(format!("{}:{number}: `{word}` in the core: {instead}", source.path));
                }
            }
        }
    }
    refuse("The core must stay deterministic", &found);
}

/// What the log must not name: it keeps records without knowing what they say.
const NOT_IN_LOG: [&str; 6] = ["Op::", "Command", "Expression", "pb::", "Room::", "Record::decode"];

#[test]
fn the_log_names_no_operation() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.module() == "log") {
        for (number, line) in source.code() {
            for word in NOT_IN_LOG.iter().filter(|word| line.match_indices(**word).any(|(at, _)| begins_word(line, at))) {
                found.push(format!("{}:{number}: `{word}` in the log: give it as a fact beside the record", source.path));
            }
        }
    }
    refuse("Records are opaque to the log", &found);
}

#[test]
fn every_module_has_its_row_in_the_architecture() {
    let page = read("docs/architecture.md");
    let rows: BTreeSet<&str> = page.lines().filter_map(|line| line.strip_prefix("| `")?.split("/` |").next()).collect();
    // bin/ and the files that are open to all are told of below the table.
    let modules: BTreeSet<String> = sources().iter().map(|source| source.module().to_owned()).collect();
    let mut found = Vec::new();
    for (module, _) in ARROWS.iter().filter(|(name, _)| !OPEN.contains(name) && *name != "bin") {
        if modules.contains(*module) && !rows.contains(module) {
            found.push(format!("docs/architecture.md §2 has no row for `{module}/`: what it knows, and what it must not know"));
        }
    }
    let gone = rows.iter().filter(|row| row.bytes().all(|byte| byte.is_ascii_lowercase()) && !modules.contains(**row));
    found.extend(gone.map(|row| format!("docs/architecture.md §2 has a row for `{row}/`, which is not in src/")));
    refuse("The architecture and src/ differ", &found);
}

#[test]
fn the_simulation_does_no_io() {
    let mut found = Vec::new();
    let worlds = sources().into_iter().filter(|source| source.module() == "sim" && !source.path.ends_with("/cli.rs"));
    for source in worlds {
        for (at, line) in source.code() {
            let of_server = line.match_indices("server::").map(|(from, word)| &line[from + word.len()..]);
            let is_io = of_server.into_iter().any(|rest| !rest.starts_with("logbook") && !rest.starts_with("reader"));
            let clock = ["tokio", "std::net", "std::fs", "std::thread", "Instant::now", "SystemTime", "fastrand::Rng::new"];
            if is_io || clock.iter().any(|word| line.contains(word)) {
                found.push(format!("{}:{at}: the world is all there is: {}", source.path, line.trim()));
            }
        }
    }
    refuse("Simulated worlds come out of their seeds alone", &found);
}

#[test]
fn a_file_fits_one_reading() {
    let mut found = Vec::new();
    let folders = ["src", "tests", "benches", "fuzz/fuzz_targets", "include", "proto", "examples"];
    let written = |source: &Source| !source.path.ends_with("/chatroom.h");
    let sources = folders.iter().flat_map(|folder| files(folder, &["rs", "c", "cpp", "h", "hpp", "proto"]));
    for source in sources.filter(written) {
        let lines = source.text.lines().count();
        let max = if source.path.starts_with("src/bin/") { BIN_LINES_MAX } else { LINES_MAX };
        if lines > max {
            found.push(format!("{}: {lines} lines, {max} are the most: split it by what it knows", source.path));
        } else if lines > LINES_GOOD {
            println!("{}: {lines} lines, getting long (limit {LINES_MAX})", source.path);
        }
    }
    refuse("Files are too long", &found);
}

#[test]
fn unsafe_and_exported_names_stay_in_the_c_interface() {
    let mut found = Vec::new();
    for source in sources().iter().filter(|source| source.module() != "capi") {
        for (number, line) in source.code() {
            for word in ["unsafe ", "unsafe{", "no_mangle", "export_name"] {
                if line.match_indices(word).any(|(at, _)| begins_word(line, at)) {
                    found.push(format!("{}:{number}: `{}` belongs to capi/ alone", source.path, word.trim()));
                }
            }
        }
    }
    refuse("What only the C interface may do is done elsewhere", &found);
}

#[test]
fn nothing_is_left_half_done() {
    let mut found = Vec::new();
    for source in files("src", &["rs"]) {
        for (number, line) in source.text.lines().enumerate() {
            for word in NOWHERE.iter().filter(|word| line.match_indices(**word).any(|(at, _)| begins_word(line, at))) {
                found.push(format!("{}:{}: `{word}`", source.path, number + 1));
            }
        }
    }
    for source in files("tests", &["rs"]).iter().filter(|source| source.path != "tests/house/architecture.rs") {
        for (number, line) in source.text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("#[ignore")) {
            found.push(format!("{}:{}: `{}`: a test that does not run is no test", source.path, number + 1, line.trim()));
        }
    }
    refuse("Something is left half done", &found);
}

#[test]
fn every_file_of_tests_is_a_module_of_its_layer() {
    let tests = files("tests", &["rs"]);
    let mut found = Vec::new();
    for source in &tests {
        let parts: Vec<&str> = source.path.split('/').collect();
        let [_, layer, file] = parts[..] else {
            if parts.len() == 2 {
                found.push(format!("{}: a program of its own: make it a module of a layer, tests/LAYER/", source.path));
            }
            continue;
        };
        let module = format!("mod {};", file.trim_end_matches(".rs"));
        let main = tests.iter().find(|source| source.path == format!("tests/{layer}/main.rs"));
        let is_named = |main: &Source| main.text.lines().any(|line| line.ends_with(&module));
        if layer != "support" && file != "main.rs" && !main.is_some_and(is_named) {
            found.push(format!("{}: never runs: write `{module}` in tests/{layer}/main.rs", source.path));
        }
    }
    refuse("Tests that belong to no program", &found);
}

/// What stands in quotation marks behind `key =` in Cargo.toml's first such line.
fn manifest_value(key: &str) -> String {
    let manifest = read("Cargo.toml");
    let line = manifest.lines().find(|line| line.split('=').next().is_some_and(|name| name.trim() == key));
    let value = line.and_then(|line| line.split('"').nth(1));
    value.unwrap_or_else(|| panic!("Cargo.toml has no `{key} = \"…\"`")).to_owned()
}

#[test]
fn manifest_changelog_and_readme_name_one_version_and_one_compiler() {
    let version = manifest_value("version");
    let compiler = manifest_value("rust-version");
    let changelog = read("CHANGELOG.md");
    let newest = changelog.lines().find_map(|line| line.strip_prefix("## ")).expect("CHANGELOG.md has no `## VERSION` heading");
    assert!(
        newest.split_whitespace().next() == Some(version.as_str()),
        "Cargo.toml says version {version}, the newest heading of CHANGELOG.md is `## {newest}`"
    );
    let readme = read("README.md");
    assert!(readme.contains(&version), "README.md does not name version {version} of Cargo.toml");
    assert!(
        readme.contains(&format!("Rust {compiler}")),
        "README.md does not name the compiler of Cargo.toml: write `Rust {compiler}`"
    );
}

#[test]
fn every_dependency_has_its_reason_in_the_decisions() {
    let decisions = read("docs/decisions.md");
    let mut section = String::new();
    let mut found = Vec::new();
    for line in read("Cargo.toml").lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned();
            continue;
        }
        let Some((name, _)) = line.split_once('=') else { continue };
        let name = name.trim().trim_end_matches(".workspace");
        let continues = line.starts_with(char::is_whitespace) || name.starts_with('"');
        if section.ends_with("dependencies") && !continues && !decisions.contains(&format!("| `{name}`")) {
            found.push(format!("`{name}` in [{section}]: add a row `| `{name}` | why | what else was looked at |`"));
        }
    }
    refuse("docs/decisions.md does not say why these are here", &found);
}

#[test]
fn no_decision_stands_twice() {
    let mut seen = BTreeSet::new();
    let (mut section, mut found) = (String::new(), Vec::new());
    for (number, line) in read("docs/decisions.md").lines().enumerate() {
        if line.starts_with('#') {
            line.clone_into(&mut section);
        } else if let Some(decision) = line.strip_prefix("| ").and_then(|row| row.split(" | ").next()) {
            // A crate may be used in several parts of the program, each with its own reason.
            let part = if decision.starts_with('`') || decision == "Decision" || decision == "Crate" { &*section } else { "" };
            if !seen.insert(format!("{part}{decision}")) {
                found.push(format!("docs/decisions.md:{}: {decision}", number + 1));
            }
        }
    }
    refuse("Decisions stand twice; keep the newer row", &found);
}

/// The name of the field, static or alias a line declares, if its type has a lock in it.
fn declared_lock(line: &str) -> Option<&str> {
    let line = line.trim();
    let (left, right) = match line.strip_prefix("type ") {
        Some(alias) => alias.split_once('=')?,
        None => line.split_once(':')?,
    };
    let declares = ["Mutex<", "RwLock<"].iter().any(|lock| right.match_indices(lock).any(|(at, _)| begins_word(right, at)));
    let left = left.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ").trim_start_matches("pub(super) ");
    let name = left.trim_start_matches("static ").split('<').next().unwrap_or_default().trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    (declares && is_name && line.ends_with([',', ';', '{'])).then_some(name)
}

#[test]
fn every_lock_has_its_row_and_every_row_its_lock() {
    let page = read("docs/locks.md");
    let rows: Vec<&str> = page.lines().filter(|line| line.starts_with("| `src/")).collect();
    let mut found = Vec::new();
    let mut declared = BTreeSet::new();
    for source in sources() {
        for (number, line) in source.code() {
            let Some(name) = declared_lock(line) else { continue };
            let start = format!("| `{}` | `{name}` |", source.path);
            if !rows.iter().any(|row| row.starts_with(&start)) {
                found.push(format!("{}:{number}: lock `{name}` has no row `{start} …`", source.path));
            }
            declared.insert(start);
        }
    }
    for row in &rows {
        if !declared.iter().any(|start| row.starts_with(start.as_str())) {
            found.push(format!("docs/locks.md: no such lock in src/: {}", row.chars().take(60).collect::<String>()));
        }
    }
    refuse("docs/locks.md and the locks differ", &found);
}

#[test]
fn the_documents_link_to_files_that_are_there() {
    let mut found = Vec::new();
    let mut pages = files("docs", &["md"]);
    pages.extend(
        ["README.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|path| Source { path: path.to_owned(), text: read(path) }),
    );
    for page in &pages {
        let folder = root().join(&page.path).parent().expect("a file has a folder").to_owned();
        for (number, line) in page.text.lines().enumerate() {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
                let outside = target.is_empty() || target.contains("://") || target.starts_with("mailto:");
                if !outside && !folder.join(target).exists() {
                    found.push(format!("{}:{}: link to `{target}`, which is not there", page.path, number + 1));
                }
            }
        }
    }
    refuse("Links lead nowhere", &found);
}

#[test]
fn this_test_sees_what_it_is_to_see() {
    let names = |code: &str| modules_behind(code, "crate::");
    assert_eq!(names("use crate::wire::{pb, Frame};"), ["wire"]);
    assert_eq!(names("use crate::{\n    error::{Code, Status},\n    room,\n};"), ["error", "room"]);
    assert_eq!(names("let x = crate::log::open(); mycrate::server::x();"), ["log"]);
    assert_eq!(without_comment("let a = 1; // crate::server"), "let a = 1; ");
    assert_eq!(without_comment(r#"let a = "http://x";"#), r#"let a = "http://x";"#);
    assert_eq!(declared_lock("    apps: RwLock<HashMap<String, App>>,"), Some("apps"));
    assert_eq!(declared_lock("    pub(super) inbox: Mutex<Inbox>,"), Some("inbox"));
    assert_eq!(declared_lock("type Shard = RwLock<HashMap<u8, u8>>;"), Some("Shard"));
    assert_eq!(declared_lock("fn lock(&self) -> MutexGuard<'_, u8> {"), None);
}
