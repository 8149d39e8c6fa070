//! `chatroom account`: a new account with a static token, for a program that logs in with one.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use super::http::Caller;
use super::text::printable;
use super::who::seconds;

#[derive(Args)]
pub(super) struct Flags {
    /// Where the server accepts HTTP, as https://HOST:PORT if over TLS
    #[arg(long, value_name = "HOST:PORT", env = "CHATROOM_ADMIN", default_value = "127.0.0.1:7480")]
    admin: String,
    /// Over TLS: trust the certificates in this PEM file, in place of those the system trusts
    #[arg(long, value_name = "FILE", env = "CHATROOM_CA")]
    ca: Option<PathBuf>,
    /// The application's key
    #[arg(long, value_name = "KEY", env = "CHATROOM_APP")]
    app: String,
    /// The application's secret
    #[arg(long, env = "CHATROOM_SECRET", hide_env_values = true)]
    secret: String,
    /// Seconds after which to give up and say why
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// The account
    #[arg(value_name = "NAME")]
    name: String,
}

/// Makes the account over HTTP and prints its token.
pub(super) fn run(flags: &Flags) -> Result<(), Failure> {
    let caller = Caller::new(&flags.admin, flags.ca.as_deref(), flags.timeout, &flags.app, &flags.secret)?;
    let answer = caller.call("user/create", &[("accid", &flags.name)])?;
    match answer["info"]["token"].as_str() {
        Some(token) => println!("{}", printable(token)),
        None => return Err(Failure::failed(format!("user/create answered without a token: {answer}"))),
    }
    Ok(())
}
