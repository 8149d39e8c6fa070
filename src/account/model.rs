//! What is known about an application and about an account.

use std::net::IpAddr;

use ipnet::IpNet;

use super::secret::Secret;
use super::token::TokenRules;
use crate::error::Status;
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::text::is_blank;

/// A tenant: accounts and rooms belong to exactly one application (chatroom.md §a.1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct App {
    /// 1-64 characters out of letters, digits, `_` and `-`.
    pub key: String,
    /// 1-64 characters. Signs HTTP calls and dynamic tokens.
    pub secret: Secret,
    /// Every login and every HTTP call fails with 403.
    pub disabled: bool,
    /// Logins without an account are let in.
    pub anonymous_enabled: bool,
    /// Networks its HTTP calls may come from; none: any. Others are 315.
    pub http_allowed: Vec<IpNet>,
    /// Which dynamic tokens its accounts log in with.
    pub tokens: TokenRules,
    /// When it was made on this server; `None`: not yet, or nobody knows.
    pub made: Option<UnixMs>,
}

impl App {
    /// An enabled application that lets anonymous visitors in; 414 for a key or secret out of bounds.
    pub fn new(key: impl Into<String>, secret: Secret) -> Result<App, Status> {
        let key = key.into();
        let plain = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        if key.is_empty() || key.len() > limits::APP_KEY_CHARS_MAX || !plain {
            return Err(Status::bad_parameter("an app key must be 1-64 letters, digits, '_' or '-'"));
        }
        if secret.is_empty() || is_longer(secret.reveal(), limits::APP_KEY_CHARS_MAX) {
            return Err(Status::bad_parameter("an app secret must be 1-64 characters"));
        }
        let (http_allowed, tokens) = (Vec::new(), TokenRules::default());
        Ok(App { key, secret, disabled: false, anonymous_enabled: true, http_allowed, tokens, made: None })
    }

    /// Whether HTTP calls of this application may come from an address, which is not an IPv4 address in IPv6's clothes.
    pub fn allows_http_from(&self, source: IpAddr) -> bool {
        self.http_allowed.is_empty() || self.http_allowed.iter().any(|network| network.contains(&source))
    }
}

/// Somebody who may log in (chatroom.md §a.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The account's name.
    pub id: AccountId,
    /// Number of the account's user among subjects (im.md §0.11), given when the account is registered and never again; 0: none yet.
    pub number: i64,
    /// The static token; empty: only dynamic tokens log in.
    pub token: Secret,
    /// At most 64 characters and 256 bytes; the nick where a room knows no other.
    pub name: String,
    /// Address of the avatar, at most 1024 characters.
    pub icon: String,
    /// At most 1024 characters, the application's own.
    pub ext: String,
    /// At most 256 characters.
    pub sign: String,
    /// At most 64 characters.
    pub email: String,
    /// At most 16 characters.
    pub birth: String,
    /// At most 32 characters.
    pub mobile: String,
    /// 0 unknown, 1 male, 2 female.
    pub gender: u32,
    /// Cannot log in: 422.
    pub blocked: bool,
    /// Cannot send anywhere: 423.
    pub muted: bool,
    /// Where else it cannot send.
    pub muted_in: MutedIn,
}

/// Parts of the service in which an account cannot send. Rooms are the only part this server has; the others are kept for who asks.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MutedIn {
    /// Messages to one other account.
    pub peers: bool,
    /// Teams.
    pub teams: bool,
    /// Rooms.
    pub rooms: bool,
    /// Circles.
    pub circles: bool,
}

impl Account {
    /// An account of which nothing is known but its name.
    pub fn new(id: AccountId) -> Account {
        Account {
            id,
            number: 0,
            token: Secret::default(),
            name: String::new(),
            icon: String::new(),
            ext: String::new(),
            sign: String::new(),
            email: String::new(),
            birth: String::new(),
            mobile: String::new(),
            gender: 0,
            blocked: false,
            muted: false,
            muted_in: MutedIn::default(),
        }
    }

    /// Whether every send in a room is 423.
    pub fn is_muted_in_rooms(&self) -> bool {
        self.muted || self.muted_in.rooms
    }

    /// 414 for a new name in which nothing can be seen: rooms show it as the nick.
    pub(super) fn check_name(&self) -> Result<(), Status> {
        if is_blank(&self.name) { Err(Status::bad_parameter("name must hold a character that can be seen")) } else { Ok(()) }
    }

    /// 414, naming the first field that is out of bounds.
    pub(super) fn check(&self) -> Result<(), Status> {
        let fields = [
            ("name", &self.name, limits::NICK_CHARS_MAX),
            ("icon", &self.icon, limits::AVATAR_CHARS_MAX),
            ("ex", &self.ext, limits::ACCOUNT_EXT_CHARS_MAX),
            ("sign", &self.sign, limits::SIGN_CHARS_MAX),
            ("email", &self.email, limits::EMAIL_CHARS_MAX),
            ("birth", &self.birth, limits::BIRTH_CHARS_MAX),
            ("mobile", &self.mobile, limits::MOBILE_CHARS_MAX),
        ];
        for (name, value, chars_max) in fields {
            if is_longer(value, chars_max) {
                return Err(Status::bad_parameter(format!("{name} must be at most {chars_max} characters")));
            }
        }
        if self.gender > 2 {
            return Err(Status::bad_parameter("gender must be 0, 1 or 2"));
        }
        if is_longer(self.token.reveal(), limits::STATIC_TOKEN_CHARS_MAX) {
            return Err(Status::bad_parameter("token must be 1-128 characters"));
        }
        Ok(())
    }
}

/// What an account is created from; unchecked.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NewAccount {
    /// 1-32 characters out of letters, digits, `_`, `@`, `.` and `-`.
    pub account: String,
    /// The static token; `None` makes a random one.
    pub token: Option<Secret>,
    /// See [`Account::name`].
    pub name: String,
    /// See [`Account::icon`].
    pub icon: String,
    /// See [`Account::ext`].
    pub ext: String,
    /// See [`Account::sign`].
    pub sign: String,
    /// See [`Account::email`].
    pub email: String,
    /// See [`Account::birth`].
    pub birth: String,
    /// See [`Account::mobile`].
    pub mobile: String,
    /// See [`Account::gender`].
    pub gender: u32,
}

impl NewAccount {
    /// The account these values make; 414 names the first that is out of bounds.
    pub(super) fn check(self) -> Result<Account, Status> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'.' | b'-');
        if !self.account.bytes().all(plain) {
            return Err(Status::bad_parameter("accid must be letters, digits, '_', '@', '.' or '-'"));
        }
        let id = AccountId::parse(&self.account)?;
        let token = match self.token {
            Some(token) if token.is_empty() => return Err(Status::bad_parameter("token must be 1-128 characters")),
            Some(token) => token,
            None => Secret::random()?,
        };
        let account = Account {
            token,
            name: self.name,
            icon: self.icon,
            ext: self.ext,
            sign: self.sign,
            email: self.email,
            birth: self.birth,
            mobile: self.mobile,
            gender: self.gender,
            ..Account::new(id)
        };
        account.check()?;
        account.check_name()?;
        Ok(account)
    }
}

/// Whether a text has more than `chars_max` characters, looking no further than that.
pub(crate) fn is_longer(text: &str, chars_max: usize) -> bool {
    text.len() > chars_max && text.chars().nth(chars_max).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[test]
    fn an_app_key_and_its_secret_end_at_their_limits() {
        let secret = || Secret::new("s".repeat(64));
        assert!(App::new("a".repeat(64), secret()).is_ok());
        for key in ["", "a b", "ä", &"a".repeat(65)] {
            assert_eq!(App::new(key, secret()).unwrap_err().code, Code::BadParameter, "{key}");
        }
        assert!(App::new("key", Secret::default()).is_err());
        assert!(App::new("key", Secret::new("s".repeat(65))).is_err());
    }

    #[test]
    fn every_field_of_a_new_account_ends_at_its_limit() {
        let new = || NewAccount { account: "Alice".to_owned(), ..NewAccount::default() };
        assert_eq!(new().check().unwrap().id.as_str(), "alice");
        assert_eq!(new().check().unwrap().token.reveal().len(), 32);
        type Set = fn(&mut NewAccount, String);
        let fields: [(Set, usize); 8] = [
            (|new, text| new.name = text, 64),
            (|new, text| new.icon = text, 1024),
            (|new, text| new.ext = text, 1024),
            (|new, text| new.sign = text, 256),
            (|new, text| new.email = text, 64),
            (|new, text| new.birth = text, 16),
            (|new, text| new.mobile = text, 32),
            (|new, text| new.token = Some(Secret::new(text)), 128),
        ];
        for (set, chars_max) in fields {
            let mut fits = new();
            set(&mut fits, "é".repeat(chars_max));
            assert!(fits.check().is_ok(), "{chars_max}");
            let mut too_long = new();
            set(&mut too_long, "é".repeat(chars_max + 1));
            assert_eq!(too_long.check().unwrap_err().code, Code::BadParameter, "{chars_max}");
        }
        assert!(NewAccount { gender: 3, ..new() }.check().is_err());
        assert!(NewAccount { token: Some(Secret::default()), ..new() }.check().is_err());
        for account in ["", "a b", "a/b", "ä", &"a".repeat(33)] {
            assert!(NewAccount { account: account.to_owned(), ..new() }.check().is_err(), "{account}");
        }
    }
}
