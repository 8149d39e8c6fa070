//! Counts the mission: which rows of tests/data/mission.tsv are named by which test, and which by none.
//!
//! A row is what somebody who uses the engine can ask for, with the criterion by which it is done. Its column `part` says with
//! which part of the work it comes: `rooms` is what rooms do over the wire and through the C interface, `http` the HTTP API,
//! `storage` files and images, `beyond rooms` everything outside rooms. A test names a row by its id in a comment above it or
//! inside it. `make coverage-of-mission` prints the table.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rows, as the file has them.
const ROWS: &str = include_str!("../data/mission.tsv");

/// The parts of the work.
const PARTS: [&str; 4] = ["rooms", "http", "storage", "beyond rooms"];

/// The parts that are built: each of their rows is named by a test.
const BUILT: [&str; 2] = ["rooms", "http"];

/// One row of the mission.
struct Row {
    id: &'static str,
    area: &'static str,
    operation: &'static str,
    criterion: &'static str,
    part: &'static str,
}

fn rows() -> Vec<Row> {
    let mut lines = ROWS.lines();
    assert_eq!(lines.next(), Some("id\tarea\toperation\tcriterion\tpart"));
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split('\t').collect();
        let [id, area, operation, criterion, part] = cells[..] else { panic!("not five cells: {line}") };
        Row { id, area, operation, criterion, part }
    };
    lines.map(row).collect()
}

/// Which tests name which row: row, then `file: test`.
fn named() -> BTreeMap<String, BTreeSet<String>> {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in sources() {
        let text = fs::read_to_string(&path).expect("a source file is readable");
        let file = path.strip_prefix(root()).unwrap_or(&path).display().to_string();
        // In src/ only the unit tests count, which stand at the end of their file or in one of their own.
        let tests = if file.starts_with("src/") && !file.ends_with("/tests.rs") {
            text.find("#[cfg(test)]").map_or("", |place| &text[place..])
        } else {
            &text
        };
        for (id, test) in names_in(tests) {
            named.entry(id).or_default().insert(format!("{file}: {test}"));
        }
    }
    named
}

/// The ids in the comments of a file, each with the function it stands above or in.
fn names_in(text: &str) -> Vec<(String, String)> {
    let mut named = Vec::new();
    let mut waiting: Vec<String> = Vec::new();
    let mut function = String::from("the whole file");
    for line in text.lines() {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        if let Some(name) = code.split_once("fn ").and_then(|(_, rest)| rest.split(['(', '<']).next()) {
            function = name.into();
            named.extend(waiting.drain(..).map(|id| (id, function.clone())));
        }
        let is_inside = line.starts_with("    ") && !line.trim_start().starts_with("#[");
        for id in ids_in(comment) {
            if is_inside {
                named.push((id, function.clone()));
            } else {
                waiting.push(id);
            }
        }
    }
    named.extend(waiting.into_iter().map(|id| (id, "the whole file".into())));
    named
}

/// Everything in a text that has the form of an id: `S`, three digits, a dash, three digits.
fn ids_in(text: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        let bytes = word.as_bytes();
        bytes.len() == 8
            && bytes[0] == b'S'
            && bytes[4] == b'-'
            && bytes.iter().enumerate().all(|(place, byte)| place == 0 || place == 4 || byte.is_ascii_digit())
    };
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    words.filter(is_id).map(str::to_owned).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The files tests stand in, this one left out.
fn sources() -> Vec<PathBuf> {
    let mut folders = vec![root().join("tests"), root().join("src")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there").flatten() {
            let path = entry.path();
            let is_source =
                path.extension().is_some_and(|ext| ["rs", "c", "cpp", "h", "hpp"].iter().any(|known| ext == *known));
            if path.is_dir() {
                folders.push(path);
            } else if is_source && !path.ends_with("tests/house/mission.rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[test]
fn every_row_has_an_id_of_its_own_and_belongs_to_a_part() {
    let rows = rows();
    let ids: BTreeSet<_> = rows.iter().map(|row| row.id).collect();
    assert_eq!((ids.len(), rows.len()), (489, 489));
    for row in &rows {
        assert_eq!(ids_in(row.id), [row.id]);
        assert!(PARTS.contains(&row.part), "{}: {}", row.id, row.part);
        assert!(!row.operation.is_empty() && !row.criterion.is_empty(), "{}", row.id);
    }
}

#[test]
fn tests_name_no_row_that_is_not_there() {
    let rows = rows();
    for (id, tests) in named() {
        assert!(rows.iter().any(|row| row.id == id), "{id} is no row, but named by {tests:?}");
    }
}

#[test]
fn every_row_of_what_is_built_is_named_by_a_test() {
    let (rows, named) = (rows(), named());
    let mut missing = Vec::new();
    for part in PARTS {
        let of_part: Vec<_> = rows.iter().filter(|row| row.part == part).collect();
        let found = of_part.iter().filter(|row| named.contains_key(row.id)).count();
        println!("{part}: {found} of {} rows named", of_part.len());
        if !BUILT.contains(&part) {
            continue;
        }
        for row in of_part {
            match named.get(row.id) {
                Some(tests) => {
                    println!("{}  {} / {}", row.id, row.area, row.operation);
                    tests.iter().for_each(|test| println!("          {test}"));
                }
                None => missing.push(row),
            }
        }
    }
    let told = |row: &&Row| format!("{}  {} / {}: {}", row.id, row.area, row.operation, row.criterion);
    let missing: Vec<_> = missing.iter().map(told).collect();
    assert!(missing.is_empty(), "{} rows of what is built are named by no test:\n{}", missing.len(), missing.join("\n"));
}

#[test]
fn a_name_belongs_to_the_test_below_it_or_around_it() {
    let text = "\
// S000-001, S000-002
#[test]
fn first() {
    // S000-003: inside.
    let text = \"S000-004\";
}

/// S000-005
fn second() {}
";
    let found: Vec<_> = names_in(text);
    let expected = [("S000-001", "first"), ("S000-002", "first"), ("S000-003", "first"), ("S000-005", "second")];
    assert_eq!(found, expected.map(|(id, test)| (id.to_owned(), test.to_owned())));
}
