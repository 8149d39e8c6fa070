//! `chatroom load` against the real server: everything that was acknowledged arrives, once and in order.

use std::process::Output;

use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{Server, Setup};
use crate::terminal::{chatroom, complained, said};
use serde_json::Value;

/// Runs a load and returns its JSON report.
fn load(server: &Server, more: &[&str]) -> Value {
    let (wire, admin) = (server.wire.to_string(), server.admin.to_string());
    let mut command = vec!["load", "--server", &wire, "--admin", &admin, "--app", APP_KEY, "--secret", APP_SECRET, "--json"];
    command.extend_from_slice(more);
    let output = chatroom(&command, "");
    assert_eq!(output.status.code(), Some(0), "{} {}", said(&output), complained(&output));
    report(&output)
}

fn report(output: &Output) -> Value {
    serde_json::from_str(&said(output)).expect("the report is JSON")
}

#[test]
fn fifty_runs_whose_first_message_comes_at_once_count_no_loss_that_is_none() {
    let server = Server::start_unlimited();
    for round in 0..50 {
        // The first message leaves with the start of the run, while most connections have not looked at it yet.
        let run =
            ["--create", "1", "--connections", "100", "--window", "1", "--duration", "0.02", "--threads", "2", "--drain", "20"];
        let report = load(&server, &run);
        assert!(report["acknowledged"].as_u64() > Some(0), "round {round}: {report}");
        assert_eq!((&report["lost"], &report["doubled"]), (&0.into(), &0.into()), "round {round}: {report}");
    }
}

#[test]
fn a_schedule_loses_nothing_and_doubles_nothing() {
    let server = Server::start_unlimited();
    let report = load(
        &server,
        &["--create", "2", "--connections", "60", "--senders", "6", "--rate", "150", "--duration", "2", "--threads", "2"],
    );
    assert_eq!(report["sent"], 300, "{report}");
    assert_eq!(report["acknowledged"], 300, "{report}");
    // Thirty in each room, and the sender does not hear itself.
    assert_eq!(report["delivered"], 300 * 29, "{report}");
    for what in ["lost", "doubled", "disordered", "unanswered", "gaps"] {
        assert_eq!(report[what], 0, "{what}: {report}");
    }
    assert!(report["delivery_us"]["p50"].as_u64() <= report["delivery_us"]["max"].as_u64(), "{report}");
}

#[test]
fn a_window_is_kept_full_and_loses_nothing() {
    let server = Server::start(Setup { config: crate::support::process::UNLIMITED.into(), memory: true, ..Setup::default() });
    let report = load(&server, &["--create", "1", "--connections", "10", "--senders", "2", "--window", "4", "--duration", "1"]);
    assert!(report["acknowledged"].as_u64() > Some(20), "{report}");
    assert_eq!(report["acknowledged"], report["sent"], "{report}");
    assert_eq!((&report["lost"], &report["doubled"], &report["disordered"]), (&0.into(), &0.into(), &0.into()), "{report}");
}

#[test]
fn refusals_are_counted_by_code_and_are_no_losses() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    // One sender, far above the ten a second the server allows.
    let run = ["--create", "1", "--connections", "3", "--senders", "1", "--rate", "100", "--duration", "1"];
    let report = load(&server, &[&run[..], &["--allow-refusals"]].concat());
    assert!(report["refused"]["416"].as_u64() > Some(0), "{report}");
    let refused = report["refused"]["416"].as_u64().expect("a count");
    let acknowledged = report["acknowledged"].as_u64().expect("a count");
    assert_eq!(refused + acknowledged, 100, "{report}");
    assert_eq!(report["delivered"], 2 * acknowledged, "{report}");
    assert_eq!(report["lost"], 0, "{report}");
}

#[test]
fn a_run_in_which_messages_are_refused_fails_and_says_how_many() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let (wire, admin) = (server.wire.to_string(), server.admin.to_string());
    let place = ["load", "--server", &wire, "--admin", &admin, "--app", APP_KEY, "--secret", APP_SECRET, "--json"];
    let run = ["--create", "1", "--connections", "2", "--rate", "100", "--duration", "1"];
    let output = chatroom(&[&place[..], &run[..]].concat(), "");
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let refused = report(&output)["refused"]["416"].as_u64().expect("a count");
    assert!(complained(&output).contains(&format!("{refused} messages were refused")), "{}", complained(&output));
}

#[test]
fn a_time_that_nobody_can_wait_for_is_refused_before_the_run() {
    for flag in ["--drain", "--duration"] {
        let run = ["load", "--app", APP_KEY, "--secret", APP_SECRET, "--rooms", "1", "--rate", "1e-300", flag, "1e300"];
        let output = chatroom(&run, "");
        assert_eq!(output.status.code(), Some(2), "{}", complained(&output));
        assert!(complained(&output).contains("864000 seconds"), "{}", complained(&output));
    }
}

#[test]
fn people_get_a_table_and_no_progress_bar_in_a_pipe() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    server.admin().create_user("owner");
    let room = server.admin().create_quiet_room("owner", "Arena").to_string();
    let wire = server.wire.to_string();
    let command = [
        "load",
        "--server",
        &wire,
        "--app",
        APP_KEY,
        "--secret",
        APP_SECRET,
        "--rooms",
        &room,
        "--connections",
        "4",
        "--rate",
        "5",
        "--duration",
        "1",
    ];
    let output = chatroom(&command, "");
    let report = said(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(report.contains("deliveries    15,"), "{report}");
    assert!(report.contains("lost 0, doubled 0, out of order 0"), "{report}");
    assert!(report.contains("p99.9"), "{report}");
    assert_eq!(complained(&output), "");
}
