//! The pages for who moves here speak of functions, requests and callbacks that exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in backticks of a cell.
fn names(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_function_callback_and_request_they_name_is_there() {
    let symbols = read("include/chatroom.symbols");
    let functions: BTreeSet<&str> =
        symbols.lines().filter_map(|line| line.strip_prefix("chatroom_client_")?.split(' ').next()).collect();
    let header = read("include/chatroom.h");
    let protos: String = ["attributes", "member", "message", "queue", "room", "session"]
        .iter()
        .map(|name| read(&format!("proto/chatroom/v1/{name}.proto")))
        .collect();
    let mut wrong = Vec::new();
    for page in ["docs/moving-from-nim.md", "docs/moving-from-zim.md"] {
        let text = read(page);
        let mut columns: Vec<&str> = Vec::new();
        for line in text.lines().filter(|line| line.starts_with("| ")) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            if cells.contains(&"Function") || cells[0] == "There" || cells.contains(&"Answer") {
                columns = cells;
                continue;
            }
            for (column, cell) in columns.iter().zip(&cells) {
                for name in names(cell) {
                    let word = name.trim_start_matches("chatroom_client_");
                    let is_there = match *column {
                        "Function" if word.starts_with("on_") => header.contains(&format!("(*{word})")),
                        "Function" if word.starts_with("CHATROOM_") => header.contains(&format!("#define {word} ")),
                        "Function" => functions.contains(word) || header.contains(&format!(" {word};")),
                        "On the wire" => protos.contains(&format!("message {word}")),
                        _ => true,
                    };
                    if !is_there {
                        wrong.push(format!("{page}: {name} in the column {column}"));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
