//! Who connects and where to: the flags every conversation needs.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;

use super::failure::Failure;
use crate::account::jwt;
use crate::client::{self, Client, ClientOptions, Events, Trust};
use crate::id::UnixMs;
use crate::limits;
use crate::wire::pb;

/// Life of the tokens made from a secret, in seconds. They are renewed before they end.
const TOKEN_TTL_SECONDS: u64 = 24 * 60 * 60;

#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Where {
    /// Where the server accepts clients, as tls://HOST:PORT if over TLS; repeat for more addresses, which are tried in turn
    #[arg(long, value_name = "HOST:PORT", env = "CHATROOM_SERVER", value_delimiter = ',', default_value = "127.0.0.1:7400")]
    pub(super) server: Vec<String>,
    /// Over TLS: trust the certificates in this PEM file, in place of those the system trusts
    #[arg(long, value_name = "FILE", env = "CHATROOM_CA")]
    pub(super) ca: Option<PathBuf>,
    /// The application's key
    #[arg(long, value_name = "KEY", env = "CHATROOM_APP")]
    pub(super) app: String,
}

#[derive(Args, Clone)]
#[group(skip)]
pub(super) struct Who {
    #[command(flatten)]
    pub(super) place: Where,
    /// The account; with --secret it defaults to $USER and four random digits
    #[arg(long, value_name = "NAME", env = "CHATROOM_ACCOUNT")]
    account: Option<String>,
    /// The account's static token
    #[arg(long, env = "CHATROOM_TOKEN", hide_env_values = true, requires = "account", required_unless_present = "secret")]
    token: Option<String>,
    /// The application's secret, out of which a token for any account is made
    #[arg(long, env = "CHATROOM_SECRET", hide_env_values = true, conflicts_with = "token")]
    secret: Option<String>,
    /// The room
    #[arg(long, value_name = "ID", env = "CHATROOM_ROOM", value_parser = clap::value_parser!(i64).range(1..))]
    pub(super) room: i64,
    /// The name others see in the room; the account's own unless given
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    nick: String,
}

/// A connection that is in its room.
pub(super) struct Entered {
    pub(super) client: Client,
    pub(super) events: Events,
    pub(super) account: String,
    pub(super) answer: Box<pb::RoomEnterResponse>,
}

impl Who {
    /// Connects, logs in and enters the room.
    pub(super) async fn enter(&mut self) -> Result<Entered, Failure> {
        let account = self.account.get_or_insert_with(made_up_account).clone();
        let trust = self.place.ca.clone().map_or(Trust::System, Trust::File);
        reach(&self.place.server, &trust).await?;
        let (client, mut events) = client::start(ClientOptions {
            addresses: self.place.server.clone(),
            trust,
            app_key: self.place.app.clone(),
            account: account.clone(),
            token: self.fresh_token().or_else(|| self.token.clone()).unwrap_or_default(),
            auth_type: if self.secret.is_some() { pb::AuthType::Dynamic } else { pb::AuthType::Static },
            ..ClientOptions::default()
        });
        let request = pb::RoomEnterRequest { room_id: self.room, nick: self.nick.clone(), ..Default::default() };
        let entrant = client.clone();
        let entering = async move {
            entrant.connect().await?;
            entrant.enter(request).await
        };
        tokio::pin!(entering);
        // Nobody else reads the events yet, and unread ones would keep the answer from coming in.
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut entering => break answer,
                Some(event) = events.next() => if let client::Event::WillReconnect { delay_ms, .. } = event {
                    eprintln!("no login yet, trying again in {:.1} s", delay_ms as f64 / 1000.0);
                },
            }
        };
        Ok(Entered { client, events, account, answer: answer? })
    }

    /// A new token, if there is a secret to make it from.
    pub(super) fn fresh_token(&self) -> Option<String> {
        let account = self.account.as_deref()?;
        self.secret.as_deref().map(|secret| token(&self.place.app, secret, account))
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

/// Looks whether anybody listens at one of the addresses. A client would try for ever, and a person would wait for it.
async fn reach(addresses: &[String], trust: &Trust) -> Result<(), Failure> {
    let patience = Duration::from_millis(limits::CONNECT_TIMEOUT_MS);
    let mut refusals = Vec::new();
    let mut advice = "Is chatroomd running there? Its line `chatroomd ready wire=…` says where it listens";
    for address in addresses {
        let refusal = match tokio::time::timeout(patience, client::reach(address, trust)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => {
                if error.kind() == std::io::ErrorKind::InvalidData {
                    advice = "If the server is the right one, --ca FILE names the certificate to trust";
                }
                error.to_string()
            }
            Err(_) => "no connection in time".to_owned(),
        };
        refusals.push(format!("{address}: {refusal}"));
    }
    Err(Failure::unreachable(format!("no server at {}. {advice}", refusals.join(", "))))
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

    #[tokio::test]
    async fn an_address_without_a_listener_is_said_at_once() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        assert!(reach(&["nowhere.invalid:1".to_owned(), address.clone()], &Trust::System).await.is_ok());
        drop(listener);
        let failure = reach(std::slice::from_ref(&address), &Trust::System).await.unwrap_err();
        assert!(failure.to_string().contains(&address), "{failure}");
    }
}
