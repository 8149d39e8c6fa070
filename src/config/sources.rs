//! Where values come from: defaults, then the file, then the environment, then flags; the last one wins.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};
use toml::{Table, Value};

use super::{AppConfig, Config, ConfigError};
use crate::account::Secret;

/// The chat room server.
///
/// Without flags it listens on loopback only, keeps its data in ./chatroom-data, and on an empty folder makes an application
/// and a room of its own. Every key of the file can also be given as CHATROOMD_<SECTION>_<KEY> in the environment or with --set;
/// flags win over the environment, the environment over the file. docs/configuration.md lists all keys.
#[derive(Parser)]
#[command(name = "chatroomd", version, max_term_width = 100)]
struct Flags {
    /// Read this TOML file (also CHATROOMD_CONFIG)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where clients connect; port 0 takes a free one [default: 127.0.0.1:7400]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Where the HTTP API, health and metrics are; port 0 takes a free one [default: 127.0.0.1:7480]
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
    /// The folder for everything that is kept [default: chatroom-data]
    #[arg(long, value_name = "DIR", conflicts_with = "memory")]
    data: Option<PathBuf>,
    /// Keep nothing: rooms, accounts and history end with the process
    #[arg(long)]
    memory: bool,
    /// An application that may use the server; may be given several times (also CHATROOMD_APP, separated by commas)
    #[arg(long = "app", value_name = "KEY:SECRET")]
    apps: Vec<String>,
    /// Threads with connections; 0: one per core [default: 0]
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// When a send is acknowledged: commit, or interval(1s) [default: commit]
    #[arg(long, value_name = "WHEN")]
    durability: Option<String>,
    /// error, warn, info, debug or trace [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// text or json [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Set any key of the file, as in --set limits.connections_max=5000; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_pair)]
    pairs: Vec<(String, String)>,
    /// Check the configuration, say whether it is right, and exit
    #[arg(long)]
    check_config: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// Operator commands on a data folder. Without a command the server serves.
#[derive(Clone, PartialEq, Eq, Debug, Subcommand)]
pub enum Command {
    /// Read a data folder to the last byte and say whether everything is whole; changes nothing
    Verify {
        /// The data folder, or a backup
        data: PathBuf,
    },
    /// Copy a data folder, also while a server runs on it; the copy can be served, verified and restored
    Backup {
        /// The data folder
        #[arg(long, value_name = "DIR", default_value = "chatroom-data", env = "CHATROOMD_DATA")]
        data: PathBuf,
        /// Folder for the copy: empty or not existing
        target: PathBuf,
    },
    /// Fill an empty data folder from a backup
    Restore {
        /// The backup
        backup: PathBuf,
        /// The data folder: one that is empty or does not exist
        data: PathBuf,
    },
}

/// The command that stands on a command line; `None` where the server is to serve, or the line cannot be understood.
pub fn command<I, T>(args: I) -> Option<Command>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    Flags::try_parse_from(args).ok()?.command
}

/// Every key but `apps` with its default.
pub(super) fn defaults() -> Vec<(String, Value)> {
    values(&Config::default())
}

/// Every key but `apps` with its value.
fn values(config: &Config) -> Vec<(String, Value)> {
    let table = Table::try_from(config).expect("the values are numbers, texts and addresses, all of which TOML has");
    let mut keys = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(section) => keys.extend(section.into_iter().map(|(key, value)| (format!("{name}.{key}"), value))),
            value => keys.push((name, value)),
        }
    }
    keys
}

/// The keys whose values differ in two configurations, but `apps`.
pub(super) fn differences(one: &Config, other: &Config) -> Vec<String> {
    let pairs = values(one).into_iter().zip(values(other));
    pairs.filter(|((_, one), (_, other))| one != other).map(|((key, _), _)| key).collect()
}

/// A default as the file would have it.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        // No default holds a character that TOML escapes; a test reads them all back.
        value => format!("\"{}\"", value.as_str().unwrap_or_default()),
    }
}

/// The variable of the environment that sets a key.
fn variable(key: &str) -> String {
    format!("CHATROOMD_{}", key.replace('.', "_").to_ascii_uppercase())
}

/// Puts all sources together.
pub(super) fn read<I, T>(args: I, environment: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError>
where
    I: IntoIterator<Item = T>,
    T: Into<OsString> + Clone,
{
    let flags = Flags::try_parse_from(args).map_err(|error| ConfigError::Usage(Box::new(error)))?;
    let mut overlay = match flags.config.clone().or_else(|| environment("CHATROOMD_CONFIG").map(PathBuf::from)) {
        Some(path) => Overlay::from_file(&path)?,
        None => Overlay { table: Table::new() },
    };
    let mut apps = overlay.config("the configuration file")?.apps;
    for (key, _) in defaults() {
        let name = variable(&key);
        if let Some(text) = environment(&name) {
            overlay.set(&name, &key, &text)?;
        }
    }
    if let Some(text) = environment("CHATROOMD_APP") {
        put_apps(&mut apps, parse_apps("CHATROOMD_APP", text.split(',').filter(|app| !app.is_empty()))?);
    }
    for (key, text) in &flags.pairs {
        overlay.set(&format!("--set {key}"), key, text)?;
    }
    let texts = [
        ("--listen", "listen", flags.listen.map(|address| address.to_string())),
        ("--admin", "admin", flags.admin.map(|address| address.to_string())),
        ("--workers", "workers", flags.workers.map(|count| count.to_string())),
        ("--durability", "durability", flags.durability),
        ("--log-level", "log.level", flags.log_level),
        ("--log-format", "log.format", flags.log_format),
    ];
    for (name, key, text) in texts {
        if let Some(text) = text {
            overlay.set(name, key, &text)?;
        }
    }
    put_apps(&mut apps, parse_apps("--app", flags.apps.iter().map(String::as_str))?);
    let mut config = overlay.config("the configuration")?;
    if let Some(data) = flags.data {
        (config.data, config.memory) = (data, false);
    }
    config.memory |= flags.memory;
    (config.apps, config.check_only) = (apps, flags.check_config);
    Ok(config)
}

/// What has been said so far, in the shape of the file.
struct Overlay {
    table: Table,
}

impl Overlay {
    fn from_file(path: &Path) -> Result<Overlay, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() })?;
        let malformed = |error: toml::de::Error| ConfigError::Malformed { path: path.to_owned(), reason: place(&text, &error) };
        // Read into the configuration first: only then does the error name line and column.
        toml::from_str::<Config>(&text).map_err(malformed)?;
        Ok(Overlay { table: toml::from_str(&text).map_err(malformed)? })
    }

    /// Sets a key to a value that came as text; `name` is where it came from.
    fn set(&mut self, name: &str, key: &str, text: &str) -> Result<(), ConfigError> {
        let bad = |reason: String| ConfigError::BadValue { name: name.to_owned(), reason };
        let Some((_, default)) = defaults().into_iter().find(|(known, _)| known == key) else {
            return Err(bad(format!("there is no key '{key}'; docs/configuration.md lists all")));
        };
        let value = match default {
            Value::Integer(_) => Value::Integer(text.parse().map_err(|_| bad(format!("'{text}' is not a whole number")))?),
            Value::Boolean(_) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Value::Boolean(true),
                "false" | "0" => Value::Boolean(false),
                _ => return Err(bad(format!("'{text}' is neither true nor false"))),
            },
            _ => Value::String(text.to_owned()),
        };
        match key.split_once('.') {
            None => self.table.insert(key.to_owned(), value),
            Some((section, key)) => match self.table.entry(section).or_insert_with(|| Value::Table(Table::new())) {
                Value::Table(section) => section.insert(key.to_owned(), value),
                _ => return Err(bad(format!("'{section}' is not a section in the file"))),
            },
        };
        self.config(name).map(drop)
    }

    fn config(&self, name: &str) -> Result<Config, ConfigError> {
        let bad = |error: toml::de::Error| ConfigError::BadValue { name: name.to_owned(), reason: error.message().to_owned() };
        self.table.clone().try_into().map_err(bad)
    }
}

/// Where the file is wrong and why, without quoting the line: it may hold a secret.
fn place(text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| before.matches('\n').count().saturating_add(1));
    line.map_or_else(|| error.message().to_owned(), |line| format!("line {line}: {}", error.message()))
}

/// Adds applications; one with a key that is there already takes its place.
fn put_apps(apps: &mut Vec<AppConfig>, given: Vec<AppConfig>) {
    apps.retain(|app| given.iter().all(|new| new.key != app.key));
    apps.extend(given);
}

/// Reads applications from text; a refusal does not quote them.
fn parse_apps<'a>(name: &str, texts: impl Iterator<Item = &'a str>) -> Result<Vec<AppConfig>, ConfigError> {
    let parse = |text: &str| match text.split_once(':') {
        Some((key, secret)) if !key.is_empty() && !secret.is_empty() => Ok(AppConfig::new(key, Secret::new(secret))),
        _ => Err(ConfigError::BadValue { name: name.to_owned(), reason: "an application is written KEY:SECRET".to_owned() }),
    };
    texts.map(parse).collect()
}

fn parse_pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE, as in limits.connections_max=5000")?;
    Ok((key.to_owned(), value.to_owned()))
}
