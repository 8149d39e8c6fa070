//! The README's first screen is true: what it says the server prints is printed, and the lines it says to paste work.

use std::time::Duration;

use crate::support::{Server, Setup};
use crate::terminal::{Terminal, chatroom, complained, said};

fn readme() -> String {
    std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).expect("README.md is there")
}

/// What stands behind a flag.
fn value_of<'a>(words: &[&'a str], flag: &str) -> &'a str {
    let place = words.iter().position(|word| *word == flag).unwrap_or_else(|| panic!("no {flag} in {words:?}"));
    words[place + 1]
}

#[test]
fn a_server_started_with_nothing_prints_the_line_that_two_people_paste() {
    let server = Server::start(Setup { no_app: true, ..Setup::default() });
    let line = server.line(Duration::from_secs(20)).expect("a line to paste follows the ready line");
    let words: Vec<&str> = line.split_whitespace().collect();
    let join: Vec<&str> = words[words.iter().rposition(|word| *word == "join").expect("the line joins")..].to_vec();
    let (secret, wire) = (value_of(&join, "--secret"), server.wire.to_string());
    assert_eq!(value_of(&join, "--server"), wire);

    // The same line, with the default port and another secret, is what the README shows.
    let shown = join.join(" ").replace(secret, "SECRET").replace(&wire, "127.0.0.1:7400");
    assert!(readme().contains(&shown), "README.md does not show `{shown}`");
    assert!(readme().contains("chatroomd ready wire=127.0.0.1:7400 admin=127.0.0.1:7480"));

    let mut one = Terminal::open(&join);
    one.expect("entered room 1");
    let mut two = Terminal::open(&join);
    two.expect("entered room 1");
    one.expect("came in");
    one.type_line("hello");
    two.expect(": hello");
    two.type_line("hello yourself");
    one.expect(": hello yourself");

    // The account of the C program.
    let (app, admin) = (value_of(&join, "--app"), server.admin.to_string());
    let token = chatroom(&["account", "--admin", &admin, "--app", app, "--secret", secret, "carol"], "");
    assert_eq!(token.status.code(), Some(0), "{}", complained(&token));
    let token = said(&token);
    let command = ["send", "--server", &wire, "--app", app, "--account", "carol", "--token", token.trim(), "--room", "1", "hi"];
    let sent = chatroom(&command, "");
    assert_eq!(sent.status.code(), Some(0), "{}", complained(&sent));
    one.expect("carol: hi");
    assert_eq!((one.close(), two.close()), (0, 0));
}

#[test]
fn every_file_the_readme_builds_from_is_there() {
    for word in readme().split_whitespace().filter(|word| word.starts_with("examples/") || word.starts_with("include/")) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(word.trim_matches(|c: char| "`.,)".contains(c)));
        assert!(path.exists(), "README.md speaks of {word}, which is not there");
    }
}
