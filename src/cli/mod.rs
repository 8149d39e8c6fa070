//! What the command-line client `chatroom` does: join a room, send a message, call any operation, make an account, make load, decode frames.
//!
//! Text of the room goes to stdout, everything about the connection to stderr, so that the program works in a pipe. May use
//! `client`, `session`, `wire`, and of `account` the making of tokens and checksums.

mod account;
mod call;
mod carry;
mod decode;
mod failure;
mod http;
mod join;
mod load;
mod order;
mod send;
mod text;
mod token;
mod who;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

/// What is printed under the help: scripts read exit codes, people rarely do.
const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused by the server, or failed
  2  the flags or the input are wrong
  3  no server was reached, or the connection is over
  4  load: messages were lost, doubled or out of order";

/// The flags of `chatroom`.
#[derive(Parser)]
#[command(name = "chatroom", version, about = "The command-line client of chatroomd", after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Enter a room: lines you type are sent, what others write is printed; /help lists more
    Join(join::Flags),
    /// Send one message and print its seq
    Send(send::Flags),
    /// Call any operation by name, with its fields as FIELD=VALUE, and print the answer
    Call(call::Flags),
    /// List the operations that `call` knows, or the fields of one
    Operations(call::ListFlags),
    /// Make an account and print its static token
    Account(account::Flags),
    /// Make a token for an account, signed with the application's secret, and print it
    Token(token::Flags),
    /// Make load: many connections, a rate or a window, and a report of throughput, latency and losses
    Load(load::Flags),
    /// Show the frames in hexadecimal digits or in a file as text
    Decode(decode::Flags),
}

impl Cli {
    /// Does what the flags say.
    pub fn run(self) -> ExitCode {
        let outcome = match self.command {
            Command::Join(flags) => on_one_thread(join::run(flags)),
            Command::Send(flags) => on_one_thread(send::run(flags)),
            Command::Call(flags) => on_one_thread(call::run(flags)),
            Command::Operations(flags) => call::list(&flags),
            Command::Account(flags) => account::run(&flags),
            Command::Token(flags) => token::run(&flags),
            Command::Load(flags) => load::run(&flags),
            Command::Decode(flags) => decode::run(&flags),
        };
        match outcome {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("chatroom: {failure}");
                failure.exit_code()
            }
        }
    }
}

/// Runs a conversation to its end on this thread.
fn on_one_thread(conversation: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::failed(format!("the system gives no event loop: {error}")))?;
    let outcome = runtime.block_on(conversation);
    // A look-up of names may hang; nobody waits for it.
    runtime.shutdown_background();
    outcome
}
