//! Logging in: what is asked of a login, and of the account it names (chatroom.md §c.1, §d.1).
//!
//! It takes three steps, because the account may have to be read in between: [`Directory::check_login`], a [`Look`] at the account, and
//! [`Directory::conclude_login`].

use super::cache::Stamp;
use super::directory::{Directory, Look, Tenant};
use super::model::is_longer;
use super::secret::random_hex;
use super::token::{self, Term};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, UnixMs};
use crate::limits;
use crate::text::is_blank;

/// `auth_type` of a login about which the application is asked.
pub const CALLBACK: i32 = 2;

/// How a session has proved who it is (chatroom.md §d.1). Both formats of dynamic tokens are one kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// By the account's own token.
    Static,
    /// By a token that the application has signed.
    Dynamic,
    /// By the word of the application, which was asked.
    Callback,
    /// Not at all.
    Anonymous,
}

/// The claims of a login, unchecked.
#[derive(Clone, Copy, Default)]
pub struct Login<'a> {
    /// Which application.
    pub app_key: &'a str,
    /// Who; may be empty when anonymous.
    pub account: &'a str,
    /// Static or dynamic token; not looked at when anonymous.
    pub token: &'a str,
    /// Number of the kind of token: 0 static, 1 dynamic, 2 third-party callback.
    pub auth_type: i32,
    /// For the third-party callback, at most 4096 characters.
    pub login_ext: &'a str,
    /// Without an account of the application.
    pub anonymous: bool,
    /// The nick of the room entered in the same round trip, if one is: required when anonymous.
    pub nick: Option<&'a str>,
    /// 1-64 characters.
    pub device_id: &'a str,
    /// At most 32 characters.
    pub custom_tag: &'a str,
}

/// The account that has logged in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Verified {
    /// The account; a made-up one for an anonymous login that named none.
    pub account: AccountId,
    /// Number of the account's user; 0 for an anonymous login.
    pub number: i64,
    /// Logged in without an account.
    pub anonymous: bool,
    /// Name of the account: the nick where a room knows no other.
    pub nick: String,
    /// Address of the account's avatar.
    pub avatar: String,
    /// Every send is 423.
    pub globally_muted: bool,
    /// When the token expires; `None`: never.
    pub expires: Option<UnixMs>,
    /// For how many seconds the token was made, if it is a dynamic one.
    pub token_seconds: Option<u64>,
    stamp: Stamp,
}

/// The account as a login has seen it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Seen {
    account: AccountId,
    anonymous: bool,
    globally_muted: bool,
    stamp: Stamp,
}

/// A change of an account since a login looked at it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Changed {
    /// Memory knows nothing of the account any more.
    Lost,
    /// The name of an anonymous visitor is an account's now.
    Taken,
    /// The account is blocked.
    Blocked,
    /// It may send in rooms no more, or again.
    Muted(bool),
}

/// A login that is in order as far as that can be said without its account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Claim {
    /// The account; a made-up one for an anonymous login that named none.
    pub account: AccountId,
    proof: Proof,
}

/// How a login proves itself.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Proof {
    /// By the static token that it brought along.
    Static,
    /// By a dynamic token, which is good.
    Dynamic(Term),
    /// By the word of the application: until when it holds.
    Word(Option<UnixMs>),
    /// Not at all; true if it named an account.
    Anonymous(bool),
}

impl Claim {
    /// Of an account for which the application has spoken, until then.
    pub fn by_callback(account: AccountId, expires: Option<UnixMs>) -> Claim {
        Claim { account, proof: Proof::Word(expires) }
    }

    /// True if nobody can have the account that the claim makes up.
    pub fn is_made_up(&self) -> bool {
        self.proof == Proof::Anonymous(false)
    }

    /// True if it is proved already whose claim it is, so that a missing account may be registered.
    pub fn is_proved(&self) -> bool {
        matches!(self.proof, Proof::Dynamic(_) | Proof::Word(_))
    }
}

impl Verified {
    /// The part of it that a change of the account may have overtaken.
    pub fn seen(&self) -> Seen {
        let Verified { account, anonymous, globally_muted, stamp, .. } = self;
        Seen { account: account.clone(), anonymous: *anonymous, globally_muted: *globally_muted, stamp: *stamp }
    }
}

impl Directory {
    /// Checks a login as far as that goes without a look at its account, in the order of chatroom.md §c.1: application (403, 414 if
    /// none is named), parameters (414), anonymous visitors allowed (403), a dynamic token (302, or 508).
    pub fn check_login(&self, login: &Login<'_>, now: UnixMs) -> Result<Claim, Status> {
        let tenant = self.enabled(login.app_key)?;
        let named = check_parameters(login)?;
        if login.anonymous {
            return check_anonymous(&tenant, named);
        }
        // Checked above: only an anonymous login may name no account.
        let account = named.ok_or_else(|| Status::bad_parameter("account is missing"))?;
        let proof = match login.auth_type {
            0 => Proof::Static,
            1 => Proof::Dynamic(tenant.verify_dynamic(&account, login.account, login.token, now)?),
            CALLBACK => return Err(Status::new(Code::Unavailable, "whoever logs in by callback is asked about, not verified")),
            _ => return Err(Status::bad_parameter("auth_type must be 0 (static), 1 (dynamic) or 2 (callback)")),
        };
        Ok(Claim { account, proof })
    }

    /// The account of a claim, as far as memory knows; `None`: that has to be read. A missing one is created, if the claim is proved and
    /// accounts register themselves.
    pub fn look_for(&self, app_key: &str, claim: &Claim) -> Result<Option<Look>, Status> {
        match claim.is_proved() {
            true => self.look_or_register(app_key, &claim.account),
            false => Ok(self.look(app_key, &claim.account).or_else(|| claim.is_made_up().then(|| self.nobody(&claim.account)))),
        }
    }

    /// An account that memory does not know; a missing one is created where it `registers`. Reads the disk.
    pub fn read_for(&self, app_key: &str, id: &AccountId, registers: bool) -> Result<Look, Status> {
        if registers { self.read_or_register(app_key, id) } else { self.read(app_key, id) }
    }

    /// Says who logs in: 302 for an unknown account and a wrong static token, 508 if what the application vouched for is over by now, 422
    /// for a blocked account. The look must be [current](Directory::is_current).
    pub fn conclude_login(&self, claim: Claim, token: &str, look: &Look, now: UnixMs) -> Result<Verified, Status> {
        let Claim { account, proof } = claim;
        if let Proof::Anonymous(_) = proof {
            if look.known.is_some() {
                return Err(token::wrong_token());
            }
            let (nick, avatar, stamp) = (String::new(), String::new(), look.stamp);
            let (expires, token_seconds) = (None, None);
            let (number, anonymous, globally_muted) = (0, true, false);
            return Ok(Verified { account, number, anonymous, nick, avatar, globally_muted, expires, token_seconds, stamp });
        }
        let known = look.known.as_ref().ok_or_else(token::wrong_token)?;
        let (expires, token_seconds) = match proof {
            Proof::Static if !known.token_matches(token) => return Err(token::wrong_token()),
            Proof::Static | Proof::Anonymous(_) => (None, None),
            Proof::Dynamic(term) => (Some(term.expires), Some(term.seconds)),
            Proof::Word(Some(expires)) if expires <= now => {
                return Err(Status::new(Code::TokenExpired, "the token has expired: log in with a new one"));
            }
            Proof::Word(expires) => (expires, None),
        };
        known.check_open()?;
        Ok(Verified {
            account,
            number: known.number(),
            anonymous: false,
            nick: known.nick().to_owned(),
            avatar: known.avatar().to_owned(),
            globally_muted: known.is_muted_in_rooms(),
            expires,
            token_seconds,
            stamp: look.stamp,
        })
    }

    /// The change of an account since a login looked at it, if that matters to the login.
    pub fn changed_since(&self, app_key: &str, seen: &Seen) -> Option<Changed> {
        if self.is_stamped(&seen.account, seen.stamp) {
            return None;
        }
        match self.look(app_key, &seen.account) {
            None => Some(Changed::Lost),
            Some(Look { known: Some(_), .. }) if seen.anonymous => Some(Changed::Taken),
            Some(Look { known: Some(known), .. }) if known.is_blocked() => Some(Changed::Blocked),
            Some(Look { known: Some(known), .. }) if known.is_muted_in_rooms() != seen.globally_muted => {
                Some(Changed::Muted(known.is_muted_in_rooms()))
            }
            Some(_) => None,
        }
    }

    /// All steps of a login at once. Reads the disk if memory does not know the account.
    pub fn verify_login(&self, login: &Login<'_>, now: UnixMs) -> Result<Verified, Status> {
        let claim = self.check_login(login, now)?;
        let look = match self.look_for(login.app_key, &claim)? {
            Some(look) => look,
            None => self.read_for(login.app_key, &claim.account, claim.is_proved())?,
        };
        self.conclude_login(claim, login.token, &look, now)
    }

    /// The first half of a login by callback, before the application is asked: the same checks up to the account's, which is what
    /// the application is asked about.
    pub fn check_callback_login(&self, login: &Login<'_>) -> Result<AccountId, Status> {
        self.enabled(login.app_key)?;
        check_parameters(login)?.ok_or_else(|| Status::bad_parameter("account is missing"))
    }

    /// Checks the token of a `renewToken` in one step. Reads the disk if memory does not know the account.
    pub fn verify_renewal(
        &self,
        app_key: &str,
        id: &AccountId,
        kind: TokenKind,
        offered: &str,
        now: UnixMs,
    ) -> Result<Option<Term>, Status> {
        let look = match self.look(app_key, id) {
            Some(look) => look,
            None => self.read(app_key, id)?,
        };
        self.conclude_renewal(app_key, (id, &look), kind, offered, now)
    }

    /// Checks the token of a `renewToken` of an account that was looked at: how long it is good, `None` for a static one; 302 if it is
    /// not a valid token of this account, or not of the kind the session logged in with.
    pub fn conclude_renewal(
        &self,
        app_key: &str,
        (id, look): (&AccountId, &Look),
        kind: TokenKind,
        offered: &str,
        now: UnixMs,
    ) -> Result<Option<Term>, Status> {
        let tenant = self.enabled(app_key)?;
        if offered.is_empty() || offered.len() > limits::TOKEN_BYTES_MAX {
            return Err(Status::bad_parameter("token must be 1-4096 bytes"));
        }
        let known = look.known.as_ref().ok_or_else(token::wrong_token)?;
        match kind {
            TokenKind::Static if known.token_matches(offered) => Ok(None),
            TokenKind::Dynamic => match tenant.verify_dynamic(id, id.as_str(), offered, now) {
                Err(status) if status.code == Code::TokenExpired => Err(token::wrong_token()),
                outcome => outcome.map(Some),
            },
            TokenKind::Static | TokenKind::Callback | TokenKind::Anonymous => Err(token::wrong_token()),
        }
    }
}

fn check_anonymous(tenant: &Tenant, named: Option<AccountId>) -> Result<Claim, Status> {
    if !tenant.app.anonymous_enabled {
        return Err(Status::with_sub(Code::Forbidden, Sub::AnonymousRefused));
    }
    let proof = Proof::Anonymous(named.is_some());
    let account = match named {
        Some(id) => id,
        None => AccountId::parse(&format!("anon_{}", random_hex::<8>()?))?,
    };
    Ok(Claim { account, proof })
}

/// Checks what a login must have; the account in its canonical form, if one is named.
fn check_parameters(login: &Login<'_>) -> Result<Option<AccountId>, Status> {
    if login.token.len() > limits::TOKEN_BYTES_MAX {
        return Err(Status::bad_parameter("token must be at most 4096 bytes"));
    }
    if login.token.is_empty() && !login.anonymous {
        return Err(Status::bad_parameter("token is missing"));
    }
    if login.device_id.is_empty() || is_longer(login.device_id, limits::DEVICE_ID_CHARS_MAX) {
        return Err(Status::bad_parameter("device_id must be 1-64 characters"));
    }
    if is_longer(login.login_ext, limits::LOGIN_EXT_CHARS_MAX) {
        return Err(Status::bad_parameter("login_ext must be at most 4096 characters"));
    }
    if is_longer(login.custom_tag, limits::CUSTOM_TAG_CHARS_MAX) {
        return Err(Status::bad_parameter("custom_tag must be at most 32 characters"));
    }
    if login.nick.is_some_and(is_blank) {
        return Err(Status::bad_parameter("nick must hold a character that can be seen"));
    }
    if login.anonymous && login.nick.is_some_and(str::is_empty) {
        return Err(Status::bad_parameter("nick is missing: an anonymous visitor needs one"));
    }
    match login.account {
        "" if login.anonymous => Ok(None),
        "" => Err(Status::bad_parameter("account is missing")),
        name => AccountId::parse(name).map(Some),
    }
}
