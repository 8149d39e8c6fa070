//! `chatroom join`: a person, or a pipe, in a room.

use std::io::{self, BufRead, Write};
use std::time::Duration;

use clap::Args;
use tokio::sync::mpsc;

use super::failure::{Failure, with_advice};
use super::order::Order;
use super::text::{self, printable};
use super::who::{Entered, Who};
use crate::client::{Client, Event, Events};
use crate::error::{Code, Status};
use crate::wire::pb;

/// Lines read ahead of the one being sent.
const LINES_AHEAD: usize = 64;
/// The shortest wait after the server asked to slow down without saying for how long.
const SLOWER_MS: u32 = 100;

#[derive(Args)]
pub(super) struct Flags {
    #[command(flatten)]
    who: Who,
}

/// Stays in the room until the input ends, `/quit`, an interrupt, or the room's door.
pub(super) async fn run(mut flags: Flags) -> Result<(), Failure> {
    let Entered { client, events, account, answer, .. } = flags.who.enter().await?;
    let room = answer.room.unwrap_or_default();
    eprintln!(
        "entered room {} \"{}\" as {}, {} online; /help lists what you can do, /quit leaves",
        room.room_id,
        printable(&room.name),
        printable(&account),
        room.online_count
    );
    let outcome = tokio::select! {
        outcome = tell(&client, events, &flags.who) => outcome,
        outcome = listen(&client, flags.who.room) => outcome,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    client.disconnect().await;
    outcome
}

/// Prints what happens, until there is nothing more to happen.
async fn tell(client: &Client, mut events: Events, who: &Who) -> Result<(), Failure> {
    while let Some(event) = events.next().await {
        match event {
            Event::Message(message) => print(&text::message(&message))?,
            Event::Notification(notification) => print(&text::notification(&notification))?,
            Event::Gap(pb::Gap { first_seq, last_seq, .. }) => {
                print(&format!(
                    "* items {first_seq} to {last_seq} were left out, for this connection was too slow: /history has them"
                ))?;
            }
            Event::Entered(answer) if answer.gap => print("* back again; something was missed: /history has it")?,
            Event::Entered(_) => eprintln!("back again"),
            Event::Left { status, .. } => return Err(Failure::failed(format!("out of the room: {}", with_advice(&status)))),
            Event::Kicked(kicked) if kicked.may_reconnect => eprintln!("{}", text::kick(&kicked)),
            Event::Kicked(kicked) => return Err(Failure::failed(format!("out of the room: {}", text::kick(&kicked)))),
            Event::Disconnected(status) => {
                return Err(Failure::unreachable(format!("the connection is over: {}", with_advice(&status))));
            }
            Event::ConnectFailed { status, will_retry: true, delay_ms } => {
                let reason = printable(&status.to_string());
                eprintln!("connection lost: {reason}; trying again in {:.1} s", delay_ms as f64 / 1000.0);
            }
            Event::WillReconnect { .. } => {
                if let Some(token) = who.fresh_token() {
                    client.set_token(token).await;
                }
            }
            Event::TokenWillExpire(seconds) => match who.fresh_token() {
                // The answer comes over the socket that is read only while events are: it cannot be waited for here.
                Some(token) => drop(tokio::spawn(renew(client.clone(), token))),
                None => eprintln!("the token expires in {seconds} s"),
            },
            Event::LoggedIn { .. } | Event::State(_) | Event::RoomState(_) | Event::Log(_) | Event::Closed => {}
            // `Disconnected` says it.
            Event::ConnectFailed { .. } => {}
        }
    }
    Ok(())
}

async fn renew(client: Client, token: String) {
    if let Err(status) = client.renew_token(token).await {
        eprintln!("the token could not be renewed: {}", with_advice(&status));
    }
}

/// Does what the lines of the input ask for, one after the other, until they end.
async fn listen(client: &Client, room_id: i64) -> Result<(), Failure> {
    let mut lines = read_lines()?;
    while let Some(line) = lines.recv().await {
        match Order::parse(&line?) {
            Ok(Order::Quit) => break,
            Ok(order) => carry_out(order, client, room_id).await?,
            Err(expected) => eprintln!("{expected}"),
        }
    }
    Ok(())
}

async fn carry_out(order: Order, client: &Client, room_id: i64) -> Result<(), Failure> {
    loop {
        match order.clone().carry_out(client, room_id).await {
            Ok(answer) if answer.is_empty() => return Ok(()),
            Ok(answer) => return Ok(print(&answer)?),
            // A pipe is faster than a person: it waits for its turn.
            Err(Status { code: Code::TooFrequent, retry_after_ms, .. }) => {
                tokio::time::sleep(Duration::from_millis(retry_after_ms.max(SLOWER_MS).into())).await;
            }
            Err(status) => {
                eprintln!("{}", with_advice(&status));
                return Ok(());
            }
        }
    }
}

/// Reads standard input on a thread of its own. The thread ends with the process, wherever it waits.
fn read_lines() -> io::Result<mpsc::Receiver<io::Result<String>>> {
    let (sender, lines) = mpsc::channel(LINES_AHEAD);
    let read = move || {
        for line in io::stdin().lock().lines() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    };
    std::thread::Builder::new().name("stdin".to_owned()).spawn(read)?;
    Ok(lines)
}

/// One write per line, so that lines of two tasks never mix; an error instead of a panic when nobody reads any more.
fn print(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    out.flush()
}
