//! Questions to applications over HTTP, and their verdicts (chatroom.md §e.9).

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::ConnId;
use crate::limits::{CALLBACKS_IN_FLIGHT_MAX, LOGIN_CALLBACK_MS, SEND_CALLBACK_MS};

/// Subject of a question to an application.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Callback {
    /// True if somebody may log in, or stay with a new token.
    Login,
    /// True if a message may be sent.
    Send,
}

impl Callback {
    /// How long the application may take, in milliseconds.
    pub fn patience_ms(self) -> u64 {
        match self {
            Callback::Login => LOGIN_CALLBACK_MS,
            Callback::Send => SEND_CALLBACK_MS,
        }
    }
}

/// A question on its way to an application. Its verdict goes to [`Front::on_verdict`](super::Front::on_verdict).
#[derive(Debug)]
pub struct Call {
    /// The asking request, and the application.
    pub called: Called,
    /// The question: a JSON object.
    pub question: Question,
}

/// The request for whose sake an application is asked, and the subject.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Called {
    pub(super) connection: ConnId,
    pub(super) sequence: u32,
    pub(super) asking: Asking,
}

/// An application, and what it is asked about.
pub(super) type Asking = (Arc<str>, Callback);

impl Called {
    /// Which application is asked.
    pub fn app_key(&self) -> &str {
        &self.asking.0
    }

    /// Its subject.
    pub fn callback(&self) -> Callback {
        self.asking.1
    }
}

/// Question to an application.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Question {
    /// About a login, or a new token.
    Login(Box<LoginQuestion>),
    /// About a message.
    Send(Box<SendQuestion>),
}

/// Question to an application about a login, or about a new token.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LoginQuestion {
    pub(super) app_key: String,
    pub(super) accid: String,
    pub(super) token: String,
    pub(super) login_ext: String,
    pub(super) client_type: u32,
    pub(super) ip: String,
}

/// Question to an application about a message.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SendQuestion {
    pub(super) app_key: String,
    pub(super) room_id: i64,
    pub(super) from: String,
    pub(super) from_client_type: u32,
    pub(super) msg_id: String,
    pub(super) r#type: i32,
    pub(super) sub_type: u32,
    pub(super) body: String,
    pub(super) attach: String,
    pub(super) ext: String,
    pub(super) to_accids: Vec<String>,
    pub(super) env: String,
    pub(super) callback_ext: String,
}

// Tokens and bodies are for nobody's eyes.
impl std::fmt::Debug for LoginQuestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginQuestion").field("accid", &self.accid).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for SendQuestion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SendQuestion").field("msg_id", &self.msg_id).finish_non_exhaustive()
    }
}

/// Verdict of an application.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Verdict {
    /// 200 for yes.
    pub code: i64,
    /// When a login's token expires, in milliseconds since 1970.
    #[serde(default, rename = "expireAt")]
    pub expire_at_ms: Option<i64>,
    /// Text that is sent in place of a message's body.
    #[serde(default)]
    pub body: Option<String>,
}

/// Why there is no answer that can be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoAnswer {
    /// None came in time.
    Timeout,
    /// The host cannot be reached, or breaks off.
    Unreachable,
    /// The answer is not 2xx.
    Status,
    /// The answer is no JSON object with a `code`, or too long.
    Unreadable,
}

impl NoAnswer {
    /// A word for logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            NoAnswer::Timeout => "timeout",
            NoAnswer::Unreachable => "unreachable",
            NoAnswer::Status => "status",
            NoAnswer::Unreadable => "unreadable",
        }
    }
}

/// How many calls a worker has under way, by application and by what it is asked about.
#[derive(Default)]
pub(super) struct CallsUnderWay(HashMap<Asking, usize>);

impl CallsUnderWay {
    /// Takes one of the places there are; false: all are taken.
    pub fn begin(&mut self, asking: &Asking) -> bool {
        let count = self.0.entry(asking.clone()).or_default();
        let has_room = *count < CALLBACKS_IN_FLIGHT_MAX;
        *count += usize::from(has_room);
        has_room
    }

    /// Gives it back.
    pub fn end(&mut self, asking: &Asking) {
        if let Some(count) = self.0.get_mut(asking) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.0.remove(asking);
            }
        }
    }
}
