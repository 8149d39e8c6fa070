//! Figure 8: instructions in user mode that a message and a join cost, counted by callgrind: no other work of the machine moves them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use chatroom::wire::Response;

use crate::plan::{Pace, Plan, Target};
use crate::report::Report;
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup};
use crate::target::{join_frame, message, read_join_answer};

/// Members of the room in which messages are said.
const MEMBERS: usize = 10;
/// Messages before anything is counted, and after.
const MESSAGES: (u64, u64) = (500, 2_500);
/// Joins of rooms of ten that are counted.
const JOINS: usize = 1_000;

/// Counts both, of ours and of another program, and notes them.
pub fn measure(against: Option<&Path>, report: &mut Report) -> io::Result<()> {
    let own = Path::new(env!("CARGO_BIN_EXE_chatroomd"));
    for (name, program) in [("ours", Some(own)), ("the other chatroomd", against)] {
        let Some(program) = program else { continue };
        let least = count(program, MESSAGES.0, 0)?;
        let message = count(program, MESSAGES.1, 0)?.saturating_sub(least) / (MESSAGES.1 - MESSAGES.0);
        let join = count(program, MESSAGES.0, JOINS)?.saturating_sub(least) / JOINS as u64;
        report.notes.push(format!("8: {name}: {message} instructions for a message to {MEMBERS} members, {join} for a join"));
    }
    Ok(())
}

/// Instructions of a server from its start to its end, with so many messages and joins.
fn count(program: &Path, messages: u64, joins: usize) -> io::Result<u64> {
    let folder = tempfile::tempdir()?;
    let counts = folder.path().join("counts");
    let wrapper = folder.path().join("chatroomd");
    let (program, out) = (program.display(), counts.display());
    let script = format!("#!/bin/sh\nexec valgrind -q --tool=callgrind --callgrind-out-file={out} {program} \"$@\"\n");
    std::fs::write(&wrapper, script)?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    let setup = Setup { config: UNLIMITED.into(), memory: true, workers: Some(1), program: Some(wrapper), ..Setup::default() };
    let server = Server::start(setup);
    let admin = server.admin();
    admin.create_user("owner");
    // The rooms and members are there in every run, so that only what is counted makes the difference.
    let rooms: Vec<i64> =
        (0..=JOINS / MEMBERS).map(|number| admin.create_quiet_room("owner", &format!("room {number}"))).collect();
    let mut members: Vec<TcpStream> = Vec::new();
    for number in 1..=MEMBERS {
        members.push(join(&server, &format!("m{number}"), rooms[0])?);
    }
    let mut speaker = Peer::join(&server, "m0", rooms[0]);
    let plan = Plan {
        target: Target::Chatroom,
        address: server.wire,
        server_pid: server.pid(),
        rooms: rooms.clone(),
        publishers: 1,
        receivers: MEMBERS as u32,
        pace: Pace::Outstanding(1),
        body_bytes: 128,
        sample_every: 1,
    };
    for number in 0..messages {
        speaker.write(&message(&plan, 0, number))?;
        let answer = speaker.response(number as u32 + 2, PATIENCE)?;
        assert!(matches!(answer, Response::MessageSend(_)), "{answer:?}");
        if number % 50 == 0 {
            members.iter_mut().try_for_each(read_all)?;
        }
    }
    for number in 0..joins {
        members.push(join(&server, &format!("j{number}"), rooms[1 + number % (rooms.len() - 1)])?);
    }
    server.terminate();
    server.wait(Duration::from_secs(60));
    let text = std::fs::read_to_string(&counts)?;
    let total = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    total.and_then(|total| total.trim().parse().ok()).ok_or_else(|| io::Error::other("callgrind has written no total"))
}

/// Reads what has arrived, so that nobody falls behind.
fn read_all(stream: &mut TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    loop {
        match stream.read(&mut [0; 16 * 1024]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn join(server: &Server, account: &str, room: i64) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(server.wire)?;
    stream.set_nodelay(true)?;
    stream.write_all(&join_frame(account, room))?;
    read_join_answer(&mut stream)?;
    Ok(stream)
}
