//! `chatroomd verify`, `backup` and `restore`: what an operator does with a data folder.
//!
//! Exit codes: 0 done, and for `verify` everything is whole; 1 not so.

use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::control;
use crate::config::Command;
use crate::log::{Copied, FjallLog, Log as _, Options, give_to_owner, restore, verify};

/// Runs a command to its end.
pub fn run(command: &Command) -> ExitCode {
    match command {
        Command::Verify { data } => match verify(data, &mut progress("read"), &mut say) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => refused(&error),
        },
        Command::Backup { data, target } => outcome(backup(data, target), "backup", target),
        Command::Restore { backup, data } => {
            let mut told = progress("copied");
            let goes_on = &mut |done, total| {
                told(done, total);
                true
            };
            let restored = restore(backup, data, goes_on).map_err(|error| error.to_string());
            outcome(given_to_owner(data, restored), "restored", data)
        }
    }
}

fn backup(data: &Path, target: &Path) -> Result<Copied, String> {
    let target = std::path::absolute(target).map_err(|error| error.to_string())?;
    let inside = |folder: &Path| data.canonicalize().is_ok_and(|data| folder.starts_with(data));
    let place = target.ancestors().find_map(|folder| folder.canonicalize().ok()).unwrap_or_else(|| PathBuf::from("/"));
    if inside(&place) {
        return Err(format!("{} is inside the folder it is to be a copy of", target.display()));
    }
    if !data.join("store").is_dir() {
        return Err(format!("{} holds no store of a chatroomd", data.display()));
    }
    let mut told = progress("copied");
    let asked = control::ask_backup(data, &target, &mut |bytes| told(bytes, 0)).map_err(|error| error.to_string())?;
    asked.unwrap_or_else(|| {
        let copied = FjallLog::open(data, &Options::default()).and_then(|log| {
            log.backup(&target, &mut |copied| {
                told(copied.bytes, 0);
                true
            })
        });
        given_to_owner(data, copied.map_err(|error| error.to_string()))
    })
}

/// What has come of a command that may have made files in a data folder, once its user can read them.
fn given_to_owner(data: &Path, done: Result<Copied, String>) -> Result<Copied, String> {
    let given = give_to_owner(data);
    let copied = done?;
    given.map_err(|error| format!("{}: what was made there could not be given to its owner: {error}", data.display()))?;
    Ok(copied)
}

fn outcome(done: Result<Copied, String>, what: &str, folder: &Path) -> ExitCode {
    match done {
        Ok(Copied { rows, bytes, commits }) => {
            let rows = if rows == 0 { String::new() } else { format!("{rows} rows, ") };
            say(format!("{what}: {}: {rows}{bytes} bytes, up to commit {commits}", folder.display()));
            ExitCode::SUCCESS
        }
        Err(error) => refused(&error),
    }
}

fn refused(error: &dyn Display) -> ExitCode {
    eprintln!("chatroomd: {error}");
    ExitCode::FAILURE
}

fn say(line: String) {
    // Nobody may be reading any more, which changes nothing about the folder.
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Says once a second on standard error how far long work is: bytes, and of how many if that is known.
fn progress(what: &'static str) -> impl FnMut(u64, u64) {
    let mut told = Instant::now();
    move |done, total| {
        if told.elapsed() < Duration::from_secs(1) {
            return;
        }
        told = Instant::now();
        let of = if total == 0 { String::new() } else { format!(" of {}", total >> 20) };
        eprintln!("chatroomd: {what} {}{of} MiB", done >> 20);
    }
}
