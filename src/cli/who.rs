//! Who connects and where to: the flags every conversation needs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use tokio::time::{Instant, timeout_at};

use super::failure::{Failure, with_advice};
use super::text::printable;
use crate::account::jwt;
use crate::client::{self, Client, ClientOptions, Event, Events, State, Trust};
use crate::error::{Code, Status};
use crate::id::UnixMs;
use crate::wire::pb;

/// Life of the tokens made from a secret, in seconds. They are renewed before they end.
const TOKEN_TTL_SECONDS: u64 = 24 * 60 * 60;

#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Where {
    /// Address of the server, as tls://HOST:PORT if over TLS; repeat for more addresses, which are tried in parallel
    #[arg(long, value_name = "HOST:PORT", env = "CHATROOM_SERVER", value_delimiter = ',', default_value = "127.0.0.1:7400")]
    pub(super) server: Vec<String>,
    /// Over TLS: trust the certificates in this PEM file, in place of those the system trusts
    #[arg(long, value_name = "FILE", env = "CHATROOM_CA")]
    pub(super) ca: Option<PathBuf>,
    /// The application's key
    #[arg(long, value_name = "KEY", env = "CHATROOM_APP")]
    pub(super) app: String,
    /// Seconds after which to give up and say why: until the connection is in and, where one thing is asked, answered
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(super) timeout: Duration,
}

/// A time in seconds that one can wait for.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("a number of seconds above 0 is expected, at most 86400".to_owned()),
    }
}

/// An account, and where it logs in.
#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Login {
    #[command(flatten)]
    place: Where,
    /// The account; with --secret it defaults to $USER and four random digits
    #[arg(long, value_name = "NAME", env = "CHATROOM_ACCOUNT")]
    account: Option<String>,
    /// The account's static token
    #[arg(long, env = "CHATROOM_TOKEN", hide_env_values = true, requires = "account", required_unless_present = "secret")]
    token: Option<String>,
    /// The application's secret, out of which a token for any account is made
    #[arg(long, env = "CHATROOM_SECRET", hide_env_values = true, conflicts_with = "token")]
    secret: Option<String>,
}

#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Who {
    #[command(flatten)]
    login: Login,
    /// The room
    #[arg(long, value_name = "ID", env = "CHATROOM_ROOM", value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) room: i64,
    /// The name others see in the room; the account's own unless given
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    nick: String,
}

/// A connection that has logged in, with the first answer it wanted.
pub(super) struct LoggedIn<T> {
    pub(super) client: Client,
    pub(super) events: Events,
    pub(super) account: String,
    pub(super) answer: T,
    /// When to give up waiting for what else is asked.
    pub(super) deadline: Instant,
}

/// A connection that is in its room.
pub(super) type Entered = LoggedIn<Box<pb::RoomEnterResponse>>;

impl Login {
    /// Connects, logs in and asks one thing first; gives up after `--timeout`, or at once where nobody listens.
    pub(super) async fn start<T>(
        &mut self,
        first: impl AsyncFnOnce(&Client) -> Result<T, Status>,
    ) -> Result<LoggedIn<T>, Failure> {
        let account = self.account.get_or_insert_with(made_up_account).clone();
        let trust = self.place.ca.clone().map_or(Trust::System, Trust::File);
        let (client, mut events) = client::start(ClientOptions {
            addresses: self.place.server.clone(),
            trust,
            app_key: self.place.app.clone(),
            account: account.clone(),
            token: self.fresh_token().or_else(|| self.token.clone()).unwrap_or_default(),
            auth_type: if self.secret.is_some() { pb::AuthType::Dynamic } else { pb::AuthType::Static },
            ..ClientOptions::default()
        });
        let entrant = client.clone();
        let entering = async move {
            entrant.connect().await?;
            first(&entrant).await
        };
        tokio::pin!(entering);
        let deadline = Instant::now() + self.place.timeout;
        let mut waiting = Waiting { place: &self.place, reason: None, was_reached: false };
        // Nobody else reads the events yet, and unread ones would keep the answer from coming in.
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut entering => break answer?,
                Some(event) = events.next() => waiting.on_event(event)?,
                () = tokio::time::sleep_until(deadline) => return Err(waiting.give_up()),
            }
        };
        Ok(LoggedIn { client, events, account, answer, deadline })
    }

    /// A new token, if there is a secret to make it from.
    fn fresh_token(&self) -> Option<String> {
        let account = self.account.as_deref()?;
        self.secret.as_deref().map(|secret| token(&self.place.app, secret, account))
    }
}

impl Who {
    /// Connects, logs in and enters the room; gives up after `--timeout`, or at once where nobody listens.
    pub(super) async fn enter(&mut self) -> Result<Entered, Failure> {
        let request = pb::RoomEnterRequest { room_id: self.room, nick: self.nick.clone(), ..Default::default() };
        self.login.start(async |client| client.enter(request).await).await
    }

    /// A new token, if there is a secret to make it from.
    pub(super) fn fresh_token(&self) -> Option<String> {
        self.login.fresh_token()
    }
}

/// A JWT for an account, good from now on.
pub(super) fn token(app: &str, secret: &str, account: &str) -> String {
    jwt(app, secret, account, UnixMs(unix_ms()), TOKEN_TTL_SECONDS)
}

/// This machine's clock.
pub(super) fn unix_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Waits for an answer until it is time to give up.
pub(super) async fn in_time<T>(deadline: Instant, answer: impl Future<Output = Result<T, Status>>) -> Result<T, Failure> {
    match timeout_at(deadline, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Failure::unreachable("no answer in time, and what was asked may be done all the same: see --timeout")),
    }
}

/// A client that is on its way in: what it says of itself meanwhile.
struct Waiting<'a> {
    place: &'a Where,
    /// Why the last attempt failed.
    reason: Option<Status>,
    /// The present attempt got as far as a transport.
    was_reached: bool,
}

impl Waiting<'_> {
    fn on_event(&mut self, event: Event) -> Result<(), Failure> {
        match event {
            Event::State(State::Connecting) => self.was_reached = false,
            Event::State(State::Connected) => self.was_reached = true,
            // A client would go on trying; a person looks at the address.
            Event::ConnectFailed { status, will_retry: true, .. } if !self.was_reached && status.code == Code::NoServer => {
                return Err(Failure::unreachable(format!("no server at {}. {}", status.desc, self.advice())));
            }
            Event::ConnectFailed { status, will_retry: true, delay_ms } => {
                let reason = printable(&status.to_string());
                eprintln!("no login yet: {reason}; trying again in {:.1} s", delay_ms as f64 / 1000.0);
                self.reason = Some(status);
            }
            _ => {}
        }
        Ok(())
    }

    fn advice(&self) -> &'static str {
        if self.place.server.iter().any(|address| address.starts_with("tls://")) {
            "If the server is the right one, --ca FILE names the certificate to trust"
        } else {
            "Is chatroomd running there? Its line `chatroomd ready wire=…` says where it listens"
        }
    }

    fn give_up(&self) -> Failure {
        let reason = self.reason.as_ref().map_or_else(|| "no answer".to_owned(), with_advice);
        let (server, seconds) = (self.place.server.join(", "), self.place.timeout.as_secs_f64());
        Failure::unreachable(format!("not in at {server} after {seconds} s: {reason}"))
    }
}

/// A name for somebody who gave none: two terminals of one person are two members.
fn made_up_account() -> String {
    let user = std::env::var("USER").unwrap_or_default();
    let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let mut name: String = user.chars().filter(plain).take(20).collect::<String>().to_ascii_lowercase();
    if name.is_empty() {
        name.push_str("guest");
    }
    format!("{name}-{:04x}", fastrand::u16(..))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::AccountId;

    #[test]
    fn a_made_up_account_is_a_valid_one() {
        assert!(AccountId::parse(&made_up_account()).is_ok());
    }

    #[test]
    fn a_time_to_wait_is_a_number_of_seconds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for wrong in ["0", "-1", "x", "inf", "NaN", "100000"] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }
}
