//! A directory with one application and the account `alice`, asked about tokens at any time.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use chatroom::account::{Account, App, Directory, Keeper, Login, Secret, TokenRules, Urgency, Verified};
use chatroom::error::{Code, Status};
use chatroom::id::{AccountId, UnixMs};

pub const APP: &str = "demo";
pub const SECRET: &str = "0123456789abcdef";

struct Nowhere;

impl Keeper for Nowhere {
    fn keep_app(&self, _: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _: &str, _: &Account, _: Urgency) -> Result<(), Status> {
        Ok(())
    }
}

/// A directory in which whoever has a good token has an account.
pub struct World {
    pub directory: Directory,
}

impl World {
    /// With an application made at a moment, whose rules of tokens `adjust` changes.
    pub fn new(made: i64, adjust: impl FnOnce(&mut TokenRules)) -> World {
        let directory = Directory::new(Arc::new(Nowhere), true);
        let mut app = App::new(APP, Secret::new(SECRET)).unwrap();
        app.made = Some(UnixMs(made));
        adjust(&mut app.tokens);
        directory.insert_app(app);
        let alice = Account { token: Secret::new("t0k3n"), ..Account::new(AccountId::parse("alice").unwrap()) };
        directory.load_account(APP, alice).unwrap();
        World { directory }
    }

    pub fn log_in(&self, account: &str, token: &str, now: i64) -> Result<Verified, Status> {
        let login = Login { app_key: APP, account, token, auth_type: 1, device_id: "d", ..Login::default() };
        self.directory.verify_login(&login, UnixMs(now))
    }

    pub fn code(&self, account: &str, token: &str, now: i64) -> Code {
        self.log_in(account, token, now).map_or_else(|status| status.code, |_| Code::Ok)
    }

    pub fn refusal(&self, account: &str, token: &str, now: i64) -> Status {
        self.log_in(account, token, now).map(|_| ()).expect_err("the token is refused")
    }

    pub fn expires(&self, account: &str, token: &str, now: i64) -> Result<i64, Code> {
        let verified = self.log_in(account, token, now).map_err(|status| status.code)?;
        Ok(verified.expires.expect("a dynamic token ends").0)
    }
}

/// What a token in the vendor's format says.
pub fn claims(token: &str) -> serde_json::Value {
    let json = STANDARD_NO_PAD.decode(token.trim_end_matches('=')).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// A token in the vendor's format that says this.
pub fn encoded(json: &str) -> String {
    STANDARD.encode(json)
}
