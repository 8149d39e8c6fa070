//! `chatroom join` as somebody sits before it: lines go in, lines come out, each awaited with a deadline.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

/// How long a line may take on a machine that does other work meanwhile.
const PATIENCE: Duration = Duration::from_secs(20);

/// The client with these arguments, run to its end.
pub fn chatroom(arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_chatroom"));
    let mut child = without_environment(&mut command)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("chatroom can be started");
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A program that needs no input may have ended already.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().expect("a child can be waited for")
}

/// Standard output as text.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Standard error as text.
pub fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn without_environment(command: &mut Command) -> &mut Command {
    for name in ["SERVER", "APP", "ACCOUNT", "TOKEN", "SECRET", "ROOM", "ADMIN"] {
        command.env_remove(format!("CHATROOM_{name}"));
    }
    command
}

/// A terminal in a room.
pub struct Terminal {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Terminal {
    /// Starts the client; stdout and stderr appear as one, as on a screen.
    pub fn open(arguments: &[&str]) -> Terminal {
        let mut command = Command::new(env!("CARGO_BIN_EXE_chatroom"));
        let mut child = without_environment(&mut command)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("chatroom can be started");
        let stdin = child.stdin.take();
        let (sender, lines) = mpsc::channel();
        let outputs: [Box<dyn Read + Send>; 2] =
            [Box::new(child.stdout.take().expect("stdout is piped")), Box::new(child.stderr.take().expect("stderr is piped"))];
        for output in outputs {
            let sender = sender.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(output).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        return;
                    }
                }
            });
        }
        Terminal { child, stdin, lines, seen: Vec::new() }
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        writeln!(stdin, "{line}").expect("the client reads its input");
    }

    /// Waits for a line with these words, seen before or not, and returns it.
    pub fn expect(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(line) = self.seen.iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.seen.push(line),
                Err(_) => panic!("waited in vain for {words:?}; there was: {:#?}", self.seen),
            }
        }
    }

    /// Everything that appeared so far.
    pub fn screen(&mut self) -> &[String] {
        self.seen.extend(self.lines.try_iter());
        &self.seen
    }

    /// Ends the input and waits for the program to end.
    pub fn close(mut self) -> i32 {
        drop(self.stdin.take());
        self.wait()
    }

    /// Waits for the program to end by itself: its exit code.
    pub fn wait(mut self) -> i32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                return status.code().unwrap_or(-1);
            }
            assert!(Instant::now() < deadline, "chatroom still runs; there was: {:#?}", self.screen());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
