//! Why a configuration is refused, in words that say what to do next.

use std::fmt;
use std::path::PathBuf;

/// Why a configuration is refused.
#[derive(Debug)]
pub enum ConfigError {
    /// The flags cannot be understood, or help or the version was asked for: print it and exit with its code.
    Usage(Box<clap::Error>),
    /// The file cannot be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The file is not TOML, or has a key or value the node does not know.
    Malformed {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        reason: String,
    },
    /// A variable of the environment or a flag has a value that cannot be read.
    BadValue {
        /// The variable or flag.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A value is readable but makes no sense.
    OutOfBounds {
        /// The key in the file's spelling.
        key: String,
        /// What would make sense.
        reason: String,
    },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConfigError::Usage(error) => write!(f, "{error}"),
            ConfigError::Unreadable { path, reason } => {
                write!(f, "cannot read the configuration file {}: {reason}; check --config or CHATROOMD_CONFIG", path.display())
            }
            ConfigError::Malformed { path, reason } => {
                let reason = reason.trim_end();
                write!(
                    f,
                    "the configuration file {} is not right:\n{reason}\ndocs/configuration.md lists every key",
                    path.display()
                )
            }
            ConfigError::BadValue { name, reason } => write!(f, "{name}: {}", reason.trim_end()),
            ConfigError::OutOfBounds { key, reason } => write!(f, "{key} {reason}"),
        }
    }
}

impl std::error::Error for ConfigError {}
