//! Why the program ends without having done what it was told, and what to do about it.

use std::fmt;
use std::process::ExitCode;

use super::text::printable;
use crate::error::{Code, Remedy, Status, Sub};

/// The end of the program other than success: words for stderr and an exit code.
#[derive(Debug)]
pub(super) struct Failure {
    exit: u8,
    text: String,
}

impl Failure {
    /// Exit code 1: the server refused, or something here failed.
    pub(super) fn failed(text: impl Into<String>) -> Failure {
        Failure { exit: 1, text: text.into() }
    }

    /// Exit code 2: the flags or the input are wrong.
    pub(super) fn usage(text: impl Into<String>) -> Failure {
        Failure { exit: 2, text: text.into() }
    }

    /// Exit code 3: there is no connection, or none any more.
    pub(super) fn unreachable(text: impl Into<String>) -> Failure {
        Failure { exit: 3, text: text.into() }
    }

    /// Exit code 4: what was sent did not arrive once and in order.
    pub(super) fn broken_promise(text: impl Into<String>) -> Failure {
        Failure { exit: 4, text: text.into() }
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        let text = with_advice(&status);
        match status.code {
            Code::NoServer | Code::Timeout | Code::ChannelUnavailable => Failure::unreachable(text),
            _ => Failure::failed(text),
        }
    }
}

impl From<std::io::Error> for Failure {
    /// Standard input and output are all that is read and written this way.
    fn from(error: std::io::Error) -> Failure {
        Failure::failed(format!("standard input or output: {error}"))
    }
}

/// A status and what to do next.
pub(super) fn with_advice(status: &Status) -> String {
    match advice(status) {
        "" => printable(&status.to_string()),
        advice => format!("{}. {advice}", printable(&status.to_string())),
    }
}

fn advice(status: &Status) -> &'static str {
    match status.code {
        Code::NoServer => "Is chatroomd running there? Its line `chatroomd ready wire=…` says where it listens.",
        Code::Timeout => "The server is busy or the network is slow: try again.",
        Code::WrongToken => {
            "Check --account with --token, or --secret, against the server's; with --secret this clock must be right to a minute."
        }
        Code::TokenExpired => "Get a new token, or give --secret.",
        Code::Forbidden => match status.sub {
            Some(Sub::OperatorIsTarget) => "Nobody does that to themselves.",
            Some(_) => "Ask the room's creator for the right.",
            None => "Check --app; or ask the room's creator for the right.",
        },
        Code::NotFound if status.sub != Some(Sub::RoomMissing) => "/members and /history show who and what there is.",
        Code::NotFound => {
            "Check --room: rooms are made over HTTP, see `chatroom load --create` or POST chatroom/create.action."
        }
        Code::RoomClosed => "Its creator can open it again over HTTP.",
        Code::Blocklisted => "The room's creator or an administrator can take you off the list.",
        Code::Muted | Code::AccountMuted | Code::RoomMuted => {
            "You can read on; the room's creator or an administrator can lift it."
        }
        Code::TooFrequent => "Slow down, or raise the server's limits.",
        Code::OverQuota => "Take something away first.",
        Code::Unavailable => "This server does not offer it.",
        code => match code.row().remedy {
            Remedy::Retry | Remedy::RetryLater => "Try again.",
            Remedy::Report => "This is a defect: please report it with the server's log.",
            Remedy::LogIn => "Log in again.",
            Remedy::None | Remedy::Fix | Remedy::StayAway => "",
        },
    }
}
