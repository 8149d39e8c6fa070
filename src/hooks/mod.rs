//! What the node asks applications and tells them over HTTP (chatroom.md §e.9): callbacks, which decide on a login or a message, and
//! webhooks, which tell what has happened in rooms. May use: `front`, `log`, `room`, `account`, `wire`.

mod callback;
mod outgoing;
mod webhook;

pub(crate) use callback::Callbacks;
pub(crate) use outgoing::http_client;
pub(crate) use webhook::{Fresh, Receivers, Terms, Webhooks};
