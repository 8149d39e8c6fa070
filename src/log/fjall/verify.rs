//! A look at a folder for people: everything is read, nothing is changed.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::state::Word;
use super::survey::{Depth, Survey, survey};
use crate::log::LogError;

/// Reads a data folder to the last byte and says line by line what is in it. True: everything is whole.
pub fn verify(folder: &Path, progress: &mut dyn FnMut(u64, u64), say: &mut dyn FnMut(String)) -> Result<bool, LogError> {
    let unusable = |error: std::io::Error| LogError::Store(format!("{}: {error}", folder.display()));
    let _lock = match File::open(folder.join("lock")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        lock => Some(lock.map_err(unusable)?),
    };
    match _lock.as_ref().map(File::try_lock_shared) {
        Some(Err(TryLockError::WouldBlock)) => {
            let folder = folder.display();
            return Err(LogError::Store(format!(
                "{folder} is in use by a chatroomd: verify a backup of it, or stop it before"
            )));
        }
        Some(Err(TryLockError::Error(error))) => return Err(unusable(error)),
        Some(Ok(())) | None => {}
    }
    if !folder.join("store").try_exists().map_err(unusable)? && !folder.join("store.state").try_exists().map_err(unusable)? {
        return Err(LogError::Store(format!("{} holds no store of a chatroomd", folder.display())));
    }
    let found = survey(folder, Depth::All, progress).map_err(unusable)?;
    describe(&found, say);
    Ok(found.problems.is_empty())
}

fn describe(found: &Survey, say: &mut dyn FnMut(String)) {
    match &found.state {
        Word::Said(state) if state.clean => {
            say(format!("stopped cleanly after commit {}, format {}", state.commits, state.format))
        }
        Word::Said(state) => say(format!("not stopped cleanly; opened at commit {}, format {}", state.commits, state.format)),
        Word::Missing => say("nothing is known of the last stop: store.state is missing, as in format 1".into()),
        Word::Damaged => say("nothing is known of the last stop: store.state is damaged".into()),
    }
    for journal in &found.journals {
        let counted = journal.counted.map_or(String::new(), |(first, last)| format!(", numbers {first} to {last}"));
        say(format!("store/{}.jnl: {} whole commits{counted}, {} bytes", journal.number, journal.commits, journal.end));
    }
    let trees = found.trees;
    say(format!("{} keyspaces with {} tables, {} bytes", trees.keyspaces, trees.tables, trees.bytes));
    if let Some(told) = found.told {
        say(format!("commits that somebody was told of: {told}; newest in a journal: {}", found.commits().unwrap_or(0)));
    }
    found.notes.iter().for_each(|note| say(format!("note: {note}")));
    found.problems.iter().for_each(|problem| say(format!("PROBLEM: {problem}")));
    let words = match (found.problems.len(), found.is_torn) {
        (0, false) => "everything is whole".into(),
        (0, true) => "whole but for the torn end of the newest journal, which the next start cuts; the original is kept".into(),
        (count, _) => format!("{count} problems: the next start is refused, see docs/operations.md"),
    };
    say(words);
}
