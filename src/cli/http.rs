//! Calls of the server's HTTP API, signed with the application's secret (rest-api.md §1.1).

use std::cell::OnceCell;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::failure::Failure;
use super::text::printable;
use super::who::unix_ms;
use crate::account::check_sum;
use crate::error::Code;
use crate::tls::{provider, read_certificates, system_certificates};

/// Prefix of the API's paths unless the server is configured otherwise.
const DEFAULT_BASE: &str = "/nimserver";
/// After how long a call that came too fast is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How much longer one goes on who makes many calls: the server blocks a hasty caller for ten seconds.
const BLOCKED: Duration = Duration::from_secs(12);

/// A caller with an application's authority.
pub(super) struct Caller<'a> {
    agent: ureq::Agent,
    admin: &'a str,
    /// Prefix of every path of the API; requested before the first call.
    base: OnceCell<String>,
    app: &'a str,
    secret: &'a str,
    /// Time for one attempt at a call.
    timeout: Duration,
    /// Time for a call with all its attempts.
    patience: Duration,
}

impl Caller<'_> {
    /// A caller of the API at `admin`, a `host:port` or an address with `https://`; of those, certificates that `ca` vouches for
    /// are good, or that the system trusts. `timeout` is the time for one call, whatever it takes.
    pub(super) fn new<'a>(
        admin: &'a str,
        ca: Option<&Path>,
        timeout: Duration,
        app: &'a str,
        secret: &'a str,
    ) -> Result<Caller<'a>, Failure> {
        let mut config = ureq::Agent::config_builder();
        if admin.starts_with("https://") {
            let trusted = match ca {
                Some(ca) => read_certificates(ca).map_err(|reason| Failure::usage(format!("--ca: {reason}")))?,
                None => system_certificates(),
            };
            let trusted = trusted.iter().map(|certificate| Certificate::from_der(certificate).to_owned());
            let tls = TlsConfig::builder().root_certs(RootCerts::from(trusted));
            config = config.tls_config(tls.unversioned_rustls_crypto_provider(provider()).build());
        }
        Ok(Caller { agent: config.build().into(), admin, base: OnceCell::new(), app, secret, timeout, patience: timeout })
    }

    /// For many calls in a row: one that the server blocks for its haste goes on when the block is over.
    pub(super) fn outlasting_blocks(mut self) -> Self {
        self.patience = self.timeout.max(BLOCKED);
        self
    }

    /// Calls an endpoint, `user/create` say, until it is not told to slow down; any other code than 200 is a failure.
    pub(super) fn call(&self, endpoint: &str, parameters: &[(&str, &str)]) -> Result<Value, Failure> {
        let until = Instant::now() + self.patience;
        loop {
            let answer = self.try_call(endpoint, parameters, until.min(Instant::now() + self.timeout))?;
            let code = answer["code"].as_i64().unwrap_or_default();
            if code == i64::from(Code::Ok.number()) {
                return Ok(answer);
            }
            if code != i64::from(Code::TooFrequent.number()) || Instant::now() + TRY_AGAIN >= until {
                let words = printable(answer["desc"].as_str().unwrap_or("no reason given"));
                return Err(Failure::failed(format!(
                    "{endpoint} over HTTP was refused: {code} {words}. Check --app and --secret."
                )));
            }
            std::thread::sleep(TRY_AGAIN);
        }
    }

    /// One attempt, which ends by this time.
    fn try_call(&self, endpoint: &str, parameters: &[(&str, &str)], until: Instant) -> Result<Value, Failure> {
        let lost = |error: &dyn std::fmt::Display| {
            Failure::unreachable(format!(
                "HTTP at {}: {error}. Does chatroomd's line `chatroomd ready … admin=…` say so too? Else give --admin",
                self.admin
            ))
        };
        let nonce = format!("{:032x}", fastrand::u128(..));
        let seconds = (unix_ms() / 1000).to_string();
        let base = match self.base.get() {
            Some(base) => base,
            None => {
                let found = self.find_base(until).map_err(|error| lost(&error))?;
                self.base.get_or_init(|| found)
            }
        };
        let request = self
            .agent
            .post(format!("{}{base}/{endpoint}.action", self.address()))
            .config()
            .timeout_global(Some(left(until)))
            .build()
            .header("AppKey", self.app)
            .header("CheckSum", check_sum(self.secret, &nonce, &seconds))
            .header("Nonce", nonce)
            .header("CurTime", seconds);
        let mut response = request.send_form(parameters.iter().copied()).map_err(|error| lost(&error))?;
        let text = response.body_mut().read_to_string().map_err(|error| lost(&error))?;
        serde_json::from_str(&text).map_err(|error| lost(&error))
    }

    fn address(&self) -> String {
        let scheme = if self.admin.contains("://") { "" } else { "http://" };
        format!("{scheme}{}", self.admin)
    }

    /// The server's `http.base`, as its description of the API says it; the default where it shows none, as behind a proxy.
    fn find_base(&self, until: Instant) -> Result<String, ureq::Error> {
        let description = self.agent.get(format!("{}/openapi.json", self.address()));
        let mut response = match description.config().timeout_global(Some(left(until))).build().call() {
            Ok(response) => response,
            Err(ureq::Error::StatusCode(_)) => return Ok(DEFAULT_BASE.to_owned()),
            Err(error) => return Err(error),
        };
        let description: Value = serde_json::from_str(&response.body_mut().read_to_string()?).unwrap_or_default();
        Ok(base_of(&description).to_owned())
    }
}

/// The time that is left until then, never none.
fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

/// The base that a description of the API names, if it is a path: nothing else may say where signed calls go.
fn base_of(description: &Value) -> &str {
    let is_path = |url: &&str| {
        url.is_empty() || (url.starts_with('/') && !url.ends_with('/') && url.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    description["servers"][0]["url"].as_str().filter(is_path).unwrap_or(DEFAULT_BASE)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_server_that_only_asks_for_patience_is_given_no_more_than_there_is() {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let admin = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                // A request may come in pieces; an answer more does no harm.
                while let Ok(1..) = stream.read(&mut [0; 4096]) {
                    let answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 12\r\n\r\n{\"code\":416}";
                    let _ = stream.write_all(answer.as_bytes());
                }
            }
        });
        let begun = Instant::now();
        let caller = Caller::new(&admin, None, Duration::from_secs(3), "app", "secret").unwrap();
        assert!(caller.call("user/create", &[]).is_err());
        assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    }

    #[test]
    fn only_a_path_is_taken_for_the_base() {
        let base = |url: Value| base_of(&json!({ "servers": [{ "url": url }] })).to_owned();
        for path in ["", "/api", "/a/b.c"] {
            assert_eq!(base(path.into()), path);
        }
        for other in ["@elsewhere.example", ".elsewhere.example/x", "https://elsewhere.example/api", ":1/x", "/a b", "/a/"] {
            assert_eq!(base(other.into()), DEFAULT_BASE, "{other}");
        }
        assert_eq!((base(Value::Null).as_str(), base_of(&Value::Null)), (DEFAULT_BASE, DEFAULT_BASE));
    }
}
