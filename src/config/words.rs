//! The words a node moderates by: two files with one word a line.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::ConfigError;
use crate::limits;
use crate::room::{SharedModerator, WordList};

/// Moderation inside the rooms (chatroom.md §e.9). A text file each, one word a line, found anywhere in a text and in any case;
/// empty lines and lines that begin with `#` do not count. Read at the start and on SIGHUP.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Moderation {
    /// Words for which a text is refused; empty: none.
    pub refused_words: PathBuf,
    /// Words of messages that are replaced by `*`; empty: none.
    pub masked_words: PathBuf,
}

impl Moderation {
    /// Who judges texts by these words; `None` while no file is named. Reads the files.
    pub fn moderator(&self) -> Result<Option<SharedModerator>, ConfigError> {
        if self.refused_words.as_os_str().is_empty() && self.masked_words.as_os_str().is_empty() {
            return Ok(None);
        }
        let list = WordList::new(&words(&self.refused_words)?, &words(&self.masked_words)?);
        let list =
            list.map_err(|status| ConfigError::OutOfBounds { key: "moderation".to_owned(), reason: status.desc.into_owned() })?;
        Ok(Some(SharedModerator::new(list)))
    }
}

fn words(path: &Path) -> Result<Vec<String>, ConfigError> {
    if path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let unreadable = |reason: String| ConfigError::Unreadable { path: path.to_owned(), reason };
    let bytes = std::fs::metadata(path).map_err(|error| unreadable(error.to_string()))?.len();
    if bytes > limits::WORDS_BYTES_MAX {
        return Err(unreadable(format!("it has {bytes} bytes; at most {} are read", limits::WORDS_BYTES_MAX)));
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}
