//! The header is what src/capi says, and the symbols are what include/chatroom.symbols says.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::generate::{compare, enumerations, families};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The files of the C ABI, in the order in which the header shows their functions.
fn sources() -> Vec<PathBuf> {
    let order = ["library.rs", "boundary.rs", "types.rs", "codec.rs", "client.rs", "options.rs", "request.rs"];
    let order: Vec<String> =
        order.map(str::to_owned).into_iter().chain(families().iter().map(|name| format!("{name}.rs"))).collect();
    let folders = ["src/capi", "src/capi/generated"].map(|folder| root().join(folder));
    let mut files: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("src/capi is there"))
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        // cbindgen follows the modules it names, and would show everything a second time.
        .filter(|path| !path.ends_with("mod.rs"))
        .collect();
    let place = |path: &PathBuf| order.iter().position(|name| path.ends_with(name)).unwrap_or(order.len());
    files.sort_by_key(|path| (place(path), path.clone()));
    files
}

fn header() -> String {
    let mut config = cbindgen::Config::from_file(root().join("cbindgen.toml")).expect("cbindgen.toml can be read");
    config.export.include.extend(enumerations());
    let builder = sources().into_iter().fold(cbindgen::Builder::new().with_config(config), cbindgen::Builder::with_src);
    let mut bytes = Vec::new();
    builder.generate().expect("the sources can be read").write(&mut bytes);
    String::from_utf8(bytes).expect("a header is text")
}

#[test]
fn the_header_is_the_one_the_sources_make() {
    compare(&root().join("include/chatroom.h"), &header());
}

/// Every exported function, with the ABI version that brought it.
fn symbols() -> BTreeMap<String, u32> {
    let path = root().join("include/chatroom.symbols");
    let text = std::fs::read_to_string(path).expect("include/chatroom.symbols is there");
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .map(|line| {
            let (name, version) = line.split_once(' ').expect("a name, a blank, an ABI version");
            (name.to_owned(), version.trim().parse().expect("an ABI version is a number"))
        })
        .collect()
}

/// The functions the sources export.
fn exported_by_sources() -> Vec<String> {
    let text: String = sources().iter().map(|path| std::fs::read_to_string(path).expect("it can be read")).collect();
    let mut names: Vec<String> = text
        .split("#[unsafe(no_mangle)]")
        .skip(1)
        .map(|after| {
            let after = after.split_once(" fn ").expect("a function follows").1;
            after.split_once('(').expect("with arguments").0.to_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn the_symbols_are_listed_with_the_version_that_brought_them() {
    let names = exported_by_sources();
    if std::env::var_os("CHATROOM_BLESS").is_some() {
        let known = std::fs::read_to_string(root().join("include/chatroom.symbols")).map(|_| symbols()).unwrap_or_default();
        let gone: Vec<&String> = known.keys().filter(|name| !names.contains(name)).collect();
        assert!(gone.is_empty(), "{gone:?} would be gone: that breaks the ABI, and moves the soname");
        let mut text = String::from("# Every exported symbol, and the ABI version (CHATROOM_ABI_VERSION) that brought it.\n");
        for name in &names {
            let version = known.get(name).copied().unwrap_or(chatroom::capi::CHATROOM_ABI_VERSION);
            text += &format!("{name} {version}\n");
        }
        std::fs::write(root().join("include/chatroom.symbols"), text).expect("the file can be written");
    }
    let listed: Vec<String> = symbols().into_keys().collect();
    assert_eq!(listed, names, "CHATROOM_BLESS=1 cargo test --test c header adds what is new");
    assert!(symbols().values().all(|version| (1..=chatroom::capi::CHATROOM_ABI_VERSION).contains(version)));
}

#[test]
fn the_header_declares_every_symbol_and_names_every_code() {
    let header = header();
    for name in symbols().keys() {
        assert_eq!(header.matches(&format!(" {name}(")).count() + header.matches(&format!("*{name}(")).count(), 1, "{name}");
    }
    for row in chatroom::error::CODES {
        let number = if row.number == 200 { 0 } else { row.number };
        assert!(header.contains(&format!(" = {number},")), "code {} is not in the header", row.number);
    }
    assert!(!header.contains("bool"), "from C come only integers, pointers and lengths");
}

#[test]
fn unsafe_is_written_under_capi_only_and_each_time_with_a_reason() {
    for path in sources() {
        let text = std::fs::read_to_string(&path).expect("it can be read");
        let lines: Vec<&str> = text.lines().collect();
        for (place, line) in lines.iter().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            let opens = code.contains("unsafe {") || code.trim_start().starts_with("unsafe impl");
            if opens {
                let reasoned = lines[place.saturating_sub(8)..=place].iter().any(|line| line.contains("SAFETY:"));
                assert!(reasoned, "{}:{} has no SAFETY", path.display(), place + 1);
            }
        }
    }
}
