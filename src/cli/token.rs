//! `chatroom token`: a token for an account, for whoever tries something out.

use clap::Args;

use super::failure::Failure;
use super::who::unix_ms;
use crate::account::jwt;
use crate::id::{AccountId, UnixMs};
use crate::limits::TOKEN_LIFE_SECONDS_MAX;

#[derive(Args)]
pub(super) struct Flags {
    /// The application's key
    #[arg(long, value_name = "KEY", env = "CHATROOM_APP")]
    app: String,
    /// The application's secret, which signs the token
    #[arg(long, env = "CHATROOM_SECRET", hide_env_values = true)]
    secret: String,
    /// For how long the token is good
    #[arg(long, value_name = "SECONDS", default_value_t = 86_400, value_parser = clap::value_parser!(u64).range(1..=TOKEN_LIFE_SECONDS_MAX))]
    ttl: u64,
    /// The account
    #[arg(value_name = "NAME")]
    name: String,
}

/// Prints a JWT. No server is asked.
pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    let account = AccountId::parse(&flags.name).map_err(|status| Failure::usage(status.desc))?;
    println!("{}", jwt(&flags.app, &flags.secret, account.as_str(), UnixMs(unix_ms()), flags.ttl));
    Ok(())
}
