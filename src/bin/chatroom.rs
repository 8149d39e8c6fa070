//! The command-line client: flags, run, exit code.

use std::process::ExitCode;

use chatroom::cli::Cli;
use clap::Parser;

fn main() -> ExitCode {
    Cli::parse().run()
}
