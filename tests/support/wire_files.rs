//! The golden frames under tests/data/wire: a line that says what it is, then the bytes in hexadecimal.
#![allow(dead_code)] // Each test binary uses its part.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use chatroom::wire::{Frame, describe};

/// A path below the root of the repository.
pub fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// Whether files are to be written instead of compared: `CHATROOM_BLESS=1`.
pub fn blessing() -> bool {
    std::env::var_os("CHATROOM_BLESS").is_some()
}

/// Every golden frame by name.
pub fn golden() -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(path("tests/data/wire")).expect("the folder of golden frames") {
        let path = entry.expect("a readable folder").path();
        if path.extension().is_some_and(|extension| extension == "hex") {
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            all.insert(name, bytes(&fs::read_to_string(&path).expect("a readable file")));
        }
    }
    all
}

/// The bytes written in hexadecimal, comment lines left out.
pub fn bytes(text: &str) -> Vec<u8> {
    let digits: String = text.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace).collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).expect("hexadecimal digits")).collect()
}

/// Bytes in hexadecimal, sixteen to a line: the first line is the header.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for line in bytes.chunks(16) {
        let words: Vec<String> = line.iter().map(|byte| format!("{byte:02X}")).collect();
        let _ = writeln!(text, "{}", words.join(" "));
    }
    text
}

/// Compares a file with what it should hold, or writes it.
pub fn expect_file(below: &str, expected: &str) {
    if blessing() {
        fs::write(path(below), expected).expect("a writable file");
    } else {
        let found = fs::read_to_string(path(below)).unwrap_or_default();
        assert!(found == expected, "{below} is not what it should be; CHATROOM_BLESS=1 writes it anew");
    }
}

/// Fields whose values are this server's and this moment's. All others are as they are written down.
const OWN: [&str; 12] = [
    "room_id",
    "connection_id",
    "server_time_ms",
    "create_time_ms",
    "update_time_ms",
    "enter_time_ms",
    "time_ms",
    "epoch",
    "seq",
    "last_seq",
    "log_seq",
    "resume_token",
];

/// What a frame says, line by line, without what is this server's own.
pub fn meaning(frame: &Frame) -> String {
    let text = describe(frame);
    let (title, fields) = text.split_once('\n').unwrap_or((&text, ""));
    let title = title.split(',').next().unwrap_or_default();
    let field = |line: &str| match line.split_once(": ") {
        Some((name, _)) if OWN.contains(&name.trim()) => format!("{name}: …\n"),
        _ => format!("{line}\n"),
    };
    format!("{title}\n{}", fields.lines().map(field).collect::<String>())
}
