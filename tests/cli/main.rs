//! `chatroom`, the program for people, in a terminal of its own.
#![cfg(all(feature = "cli", feature = "server"))]

#[path = "../support/mod.rs"]
mod support;
#[path = "../support/terminal.rs"]
mod terminal;

mod call;
mod chat;
mod decode;
mod load;
mod moderation;
