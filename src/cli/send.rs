//! `chatroom send`: one message, acknowledged.

use std::io::Read;

use clap::{Args, ValueEnum};

use super::failure::Failure;
use super::who::{Who, in_time};
use crate::wire::pb::{self, MessageType};

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    who: Who,
    /// What kind of message it is
    #[arg(long, value_enum, default_value_t = Kind::Text)]
    kind: Kind,
    /// The message; `-` reads it from standard input
    #[arg(value_name = "TEXT")]
    text: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// Text
    Text,
    /// A tip: text that is shown as a hint
    Tip,
    /// Anything the application agrees on
    Custom,
    /// A place: {"lng":…,"lat":…,"title":…}
    Geo,
}

/// Enters the room, sends, prints the seq of the message, leaves.
pub(super) async fn run(mut flags: Flags) -> Result<(), Failure> {
    let mut content = flags.text;
    if content == "-" {
        content.clear();
        std::io::stdin().read_to_string(&mut content)?;
        content.truncate(content.trim_end_matches(['\r', '\n']).len());
    }
    let entered = flags.who.enter().await?;
    // The answer is all that is wanted here.
    drop(entered.events);
    let sending = entered.client.send(request(flags.who.room, flags.kind, content));
    let answer = in_time(entered.deadline, sending).await;
    entered.client.disconnect().await;
    println!("{}", answer?.seq);
    Ok(())
}

fn request(room_id: i64, kind: Kind, content: String) -> pb::MessageSendRequest {
    let content = bytes::Bytes::from(content);
    let (kind, body, attach) = match kind {
        Kind::Text => (MessageType::Text, content, Default::default()),
        Kind::Tip => (MessageType::Tip, content, Default::default()),
        Kind::Custom => (MessageType::Custom, Default::default(), content),
        Kind::Geo => (MessageType::Geo, Default::default(), content),
    };
    pb::MessageSendRequest { room_id, r#type: kind.into(), body, attach, ..Default::default() }
}
