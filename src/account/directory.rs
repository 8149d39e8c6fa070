//! All applications and accounts of a node, in memory.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::model::{Account, App, NewAccount, is_longer};
use super::secret::random_hex;
use super::token::{self, Refusal, Term};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, ByAccount, Epoch, UnixMs};
use crate::limits;
use crate::text::is_blank;

/// Parts the accounts of an application lie in, so that a part that grows holds up few.
const SHARDS: usize = 64;

/// Bits of an account's number that hold the epoch in which it was given: with the 32 of the running number, what a user's takes.
const NUMBER_EPOCH_BITS: u32 = 22;

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

/// How soon something has to be on disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Urgency {
    /// Before the call returns.
    Now,
    /// With some later commit: it can be learned again. The call must not wait for the disk.
    Soon,
}

/// Keeps what has to outlive the process. Called without any lock of the directory held.
pub trait Keeper: Send + Sync {
    /// Keeps an application; durable when it returns.
    fn keep_app(&self, app: &App) -> Result<(), Status>;

    /// Keeps an account of the application with this key.
    fn keep_account(&self, app_key: &str, account: &Account, urgency: Urgency) -> Result<(), Status>;
}

/// What a login brings along, unchecked.
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

/// What an HTTP call says about who makes it, unchecked.
#[derive(Clone, Copy)]
pub struct HttpCall<'a> {
    /// Which application.
    pub app_key: &'a str,
    /// At most 4096 characters.
    pub nonce: &'a str,
    /// Unix seconds: exactly ten digits, so that none can move between it and the nonce, which are signed without a separator.
    pub cur_time: &'a str,
    /// SHA1 of secret, nonce and time, in hex.
    pub check_sum: &'a str,
}

/// Stands in where there is no application, so that checking a call takes as long.
const NOBODYS_SECRET: &str = "0123456789abcdef0123456789abcdef";

/// Who has logged in.
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
}

/// All applications and accounts of a node. Any thread may use it; look-ups hold a lock for the time of one map access.
pub struct Directory {
    keeper: Arc<dyn Keeper>,
    auto_register: bool,
    apps: RwLock<HashMap<String, Arc<Tenant>>>,
    /// Told of each name that has become an account's.
    registered: OnceLock<Registered>,
    /// The epoch of the store in which numbers are given out, and how many were.
    epoch: AtomicU64,
    given: AtomicU32,
    /// One change of an account at a time, so that what is kept last is also what is remembered.
    changes: [Mutex<()>; SHARDS],
}

/// An application with its accounts.
struct Tenant {
    app: Arc<App>,
    /// The log has said that the application mints tokens of a life it does not list.
    warned: AtomicBool,
    accounts: Arc<[Shard; SHARDS]>,
}

type Registered = Box<dyn Fn(&str, &AccountId) + Send + Sync>;

type Shard = RwLock<ByAccount<Slot>>;

struct Slot {
    account: Arc<Account>,
    /// False while the keeper is at work on a new account: it may still come to nothing.
    kept: bool,
}

impl Tenant {
    fn verify_dynamic(&self, id: &AccountId, spelled: &str, offered: &str, now: UnixMs) -> Result<Term, Status> {
        token::verify(&self.app, id, spelled, offered, now).map_err(|refusal| {
            if let Refusal::Unlisted(seconds) = refusal
                && !self.warned.swap(true, Ordering::Relaxed)
            {
                let app = &self.app.key;
                tracing::warn!(%app, seconds, "tokens of a life that token_ttls does not list are refused: list it, or mint JWTs");
            }
            refusal.into()
        })
    }
}

impl Directory {
    /// An empty directory. With `auto_register` the first valid dynamic token of an unknown account creates it.
    pub fn new(keeper: Arc<dyn Keeper>, auto_register: bool) -> Directory {
        let changes = std::array::from_fn(|_| Mutex::default());
        Directory {
            keeper,
            auto_register,
            apps: RwLock::default(),
            registered: OnceLock::new(),
            epoch: AtomicU64::default(),
            given: AtomicU32::default(),
            changes,
        }
    }

    /// Has the numbers of accounts given out among those of this epoch, in which nobody else gives any: each start of a store has
    /// another one.
    pub fn number_in(&self, epoch: Epoch) {
        self.epoch.store(epoch.0, Ordering::Relaxed);
    }

    /// A number that no account of this node has: the epoch, and below it a running number, from 1. 500 when 4 billion were given.
    pub fn new_number(&self) -> Result<i64, Status> {
        let given = self.given.try_update(Ordering::Relaxed, Ordering::Relaxed, |given| given.checked_add(1));
        let running = given.ok().and_then(|given| given.checked_add(1));
        let running =
            running.ok_or_else(|| Status::new(Code::ServerError, "no number is left for an account: restart the server"))?;
        let epoch = self.epoch.load(Ordering::Relaxed) % (1 << NUMBER_EPOCH_BITS);
        Ok(i64::try_from(epoch << u32::BITS).unwrap_or(0) | i64::from(running))
    }

    /// Has `told` called with application and name of each account that comes to be, once it is there: whoever goes by that name without
    /// an account has to go. The first call counts.
    pub fn when_registered(&self, told: impl Fn(&str, &AccountId) + Send + Sync + 'static) {
        self.registered.get_or_init(|| Box::new(told));
    }

    /// Puts an application in, replacing the one with its key but not its accounts. For filling at start: nothing is kept.
    pub fn insert_app(&self, app: App) {
        let mut apps = self.apps.write();
        let accounts = apps.get(&app.key).map_or_else(|| Arc::new(empty_shards()), |tenant| tenant.accounts.clone());
        let tenant = Tenant { app: Arc::new(app), warned: AtomicBool::new(false), accounts };
        apps.insert(tenant.app.key.clone(), Arc::new(tenant));
    }

    /// Puts an application in and keeps it, as made at `now` unless it was made before. Waits for the disk.
    pub fn create_app(&self, app: App, now: UnixMs) -> Result<(), Status> {
        let made = self.app(&app.key).and_then(|before| before.made).unwrap_or(now);
        let app = App { made: Some(made), ..app };
        self.keeper.keep_app(&app)?;
        self.insert_app(app);
        Ok(())
    }

    /// Puts an account in, replacing the one with its name; 404 without the application. For filling at start: nothing is kept.
    pub fn load_account(&self, app_key: &str, account: Account) -> Result<(), Status> {
        let tenant = self.tenant(app_key).ok_or_else(|| Status::new(Code::NotFound, "no such application"))?;
        let mut shard = shard(&tenant, &account.id).write();
        shard.insert(account.id.clone(), Slot { account: Arc::new(account), kept: true });
        Ok(())
    }

    /// The application with this key, disabled or not.
    pub fn app(&self, key: &str) -> Option<Arc<App>> {
        self.tenant(key).map(|tenant| tenant.app.clone())
    }

    /// An account of an application.
    pub fn account(&self, app_key: &str, id: &AccountId) -> Option<Arc<Account>> {
        self.find(&*self.tenant(app_key)?, id)
    }

    /// Says who logs in, in the order of checks of chatroom.md §c.1 up to the account's block: application (403, 414 if none is
    /// named), parameters (414), anonymous visitors allowed (403), account and token (302, or 508), blocked (422).
    pub fn verify_login(&self, login: &Login<'_>, now: UnixMs) -> Result<Verified, Status> {
        let tenant = self.enabled(login.app_key)?;
        let named = check_parameters(login)?;
        if login.anonymous {
            return self.verify_anonymous(&tenant, named);
        }
        // Checked above: only an anonymous login may name no account.
        let id = named.ok_or_else(|| Status::bad_parameter("account is missing"))?;
        let (account, term) = match login.auth_type {
            0 => (self.verify_static(&tenant, &id, login.token)?, None),
            1 => {
                let term = tenant.verify_dynamic(&id, login.account, login.token, now)?;
                (self.find_or_register(&tenant, &id)?, Some(term))
            }
            CALLBACK => return Err(Status::new(Code::Unavailable, "whoever logs in by callback is asked about, not verified")),
            _ => return Err(Status::bad_parameter("auth_type must be 0 (static), 1 (dynamic) or 2 (callback)")),
        };
        let verified = admit(&account, term.map(|term| term.expires))?;
        Ok(Verified { token_seconds: term.map(|term| term.seconds), ..verified })
    }

    /// The first half of a login by callback, before the application is asked: the same checks up to the account's, which is what
    /// the application is asked about.
    pub fn check_callback_login(&self, login: &Login<'_>) -> Result<AccountId, Status> {
        self.enabled(login.app_key)?;
        check_parameters(login)?.ok_or_else(|| Status::bad_parameter("account is missing"))
    }

    /// The second half, after the application has said yes: an account that is unknown is created if accounts may register
    /// themselves, and is 302 otherwise; 508 if what the application vouches for is over by now; 422 for a blocked one.
    pub fn finish_callback_login(
        &self,
        app_key: &str,
        id: &AccountId,
        expires: Option<UnixMs>,
        now: UnixMs,
    ) -> Result<Verified, Status> {
        let tenant = self.enabled(app_key)?;
        let account = self.find_or_register(&tenant, id)?;
        if expires.is_some_and(|expires| expires <= now) {
            return Err(Status::new(Code::TokenExpired, "the token has expired: log in with a new one"));
        }
        admit(&account, expires)
    }

    /// Checks the token of a `renewToken`: how long it is good, `None` for a static one; 302 if it is not a valid token of this account,
    /// or not of the kind the session logged in with.
    pub fn verify_renewal(
        &self,
        app_key: &str,
        id: &AccountId,
        kind: TokenKind,
        offered: &str,
        now: UnixMs,
    ) -> Result<Option<Term>, Status> {
        let tenant = self.enabled(app_key)?;
        if offered.is_empty() || offered.len() > limits::TOKEN_BYTES_MAX {
            return Err(Status::bad_parameter("token must be 1-4096 bytes"));
        }
        let account = self.find(&tenant, id).ok_or_else(token::wrong_token)?;
        match kind {
            TokenKind::Static if account.token.matches(offered) => Ok(None),
            TokenKind::Dynamic => match tenant.verify_dynamic(id, id.as_str(), offered, now) {
                Err(status) if status.code == Code::TokenExpired => Err(token::wrong_token()),
                outcome => outcome.map(Some),
            },
            TokenKind::Static | TokenKind::Callback | TokenKind::Anonymous => Err(token::wrong_token()),
        }
    }

    /// Creates an account and keeps it: 414 for values out of bounds and for a name that is taken. Waits for the disk.
    pub fn create_account(&self, app_key: &str, new: NewAccount) -> Result<Arc<Account>, Status> {
        let tenant = self.enabled(app_key)?;
        let account = Arc::new(Account { number: self.new_number()?, ..new.check()? });
        match self.add(&tenant, account.clone(), Urgency::Now)? {
            Added::New => Ok(account),
            Added::Taken(_) => Err(Status::bad_parameter("already register")),
        }
    }

    /// Makes sure that a name is an account's: where it is none, one without a static token is created and kept. Waits for the disk.
    pub fn ensure_account(&self, app_key: &str, id: &AccountId) -> Result<(), Status> {
        let tenant = self.enabled(app_key)?;
        let account = Account { number: self.new_number()?, ..Account::new(id.clone()) };
        self.add(&tenant, Arc::new(account), Urgency::Now).map(drop)
    }

    /// Changes an account and keeps it: 404 if there is none, 414 for values out of bounds, or what `change` refuses it with; then
    /// nothing has changed. Waits for the disk.
    pub fn change_account(
        &self,
        app_key: &str,
        id: &AccountId,
        change: impl FnOnce(&mut Account) -> Result<(), Status>,
    ) -> Result<Arc<Account>, Status> {
        let tenant = self.enabled(app_key)?;
        let _one_at_a_time = self.changes[shard_number(id)].lock();
        let before = self.find(&tenant, id).ok_or_else(|| Status::with_sub(Code::NotFound, Sub::AccountMissing))?;
        let mut account = Account::clone(&before);
        change(&mut account)?;
        account.check()?;
        if account.name != before.name {
            account.check_name()?;
        }
        if account == *before {
            return Ok(before);
        }
        let account = Arc::new(account);
        self.keeper.keep_account(&tenant.app.key, &account, Urgency::Now)?;
        shard(&tenant, id).write().insert(id.clone(), Slot { account: account.clone(), kept: true });
        Ok(account)
    }

    /// Checks who makes an HTTP call (rest-api.md §1.1, up to the checksum), in this order: 414 for a header that is missing (empty)
    /// or malformed, 403 for an unknown application, 414 for a clock more than 300 s off, and for a checksum that is not the
    /// application's.
    ///
    /// The checksum is computed and compared whatever else is wrong, with a made-up secret where there is no application, so that
    /// the time an answer takes tells nothing about either.
    pub fn check_http(&self, call: &HttpCall<'_>, now: UnixMs) -> Result<(), Status> {
        let bad_header = || Status::bad_parameter("bad http header");
        let HttpCall { app_key, nonce, cur_time, check_sum } = *call;
        if [app_key, nonce, cur_time, check_sum].iter().any(|header| header.is_empty())
            || is_longer(nonce, limits::NONCE_CHARS_MAX)
            || cur_time.len() != limits::CUR_TIME_DIGITS
            || !cur_time.bytes().all(|byte| byte.is_ascii_digit())
        {
            return Err(bad_header());
        }
        let seconds: i64 = cur_time.parse().map_err(|_| bad_header())?;
        let tenant = self.enabled(app_key);
        let secret = tenant.as_ref().map_or(NOBODYS_SECRET, |tenant| tenant.app.secret.reveal());
        let is_signed = token::check_sum_matches(secret, nonce, cur_time, check_sum);
        tenant?;
        let skew = seconds.checked_sub(now.0.div_euclid(1000)).and_then(i64::checked_abs).unwrap_or(i64::MAX);
        if skew > limits::HTTP_CLOCK_SKEW_SECONDS {
            return Err(Status::bad_parameter("CurTime is more than 300 s off: send Unix seconds and set your clock"));
        }
        if !is_signed {
            return Err(Status::bad_parameter("CheckSum must be SHA1(AppSecret + Nonce + CurTime) in hex"));
        }
        if token::is_of_a_webhook(nonce, cur_time, now) {
            return Err(Status::bad_parameter("this Nonce cannot be told from a webhook's signature: take another one"));
        }
        Ok(())
    }

    /// 315 if the application does not allow HTTP calls from an address.
    pub fn check_http_source(&self, app_key: &str, source: IpAddr) -> Result<(), Status> {
        match self.enabled(app_key)?.app.allows_http_from(source.to_canonical()) {
            true => Ok(()),
            false => Err(Status::new(Code::AddressRefused, "the application does not allow calls from this address")),
        }
    }

    fn verify_anonymous(&self, tenant: &Tenant, named: Option<AccountId>) -> Result<Verified, Status> {
        if !tenant.app.anonymous_enabled {
            return Err(Status::with_sub(Code::Forbidden, Sub::AnonymousRefused));
        }
        let account = match named {
            Some(id) if self.is_taken(tenant, &id) => return Err(token::wrong_token()),
            Some(id) => id,
            None => AccountId::parse(&format!("anon_{}", random_hex::<8>()?))?,
        };
        let (nick, avatar) = (String::new(), String::new());
        Ok(Verified {
            account,
            number: 0,
            anonymous: true,
            nick,
            avatar,
            globally_muted: false,
            expires: None,
            token_seconds: None,
        })
    }

    fn verify_static(&self, tenant: &Tenant, id: &AccountId, offered: &str) -> Result<Arc<Account>, Status> {
        let account = self.find(tenant, id).ok_or_else(token::wrong_token)?;
        if account.token.matches(offered) { Ok(account) } else { Err(token::wrong_token()) }
    }

    fn find_or_register(&self, tenant: &Tenant, id: &AccountId) -> Result<Arc<Account>, Status> {
        if let Some(account) = self.find(tenant, id) {
            return Ok(account);
        }
        if !self.auto_register {
            return Err(token::wrong_token());
        }
        let account = Arc::new(Account { number: self.new_number()?, ..Account::new(id.clone()) });
        match self.add(tenant, account.clone(), Urgency::Soon)? {
            Added::New => Ok(account),
            Added::Taken(account) => Ok(account),
        }
    }

    /// Adds an account unless its name is taken. The name is taken first, in memory, and the keeper called without a lock, so that
    /// of two who want it at once one is refused and what lies on disk is what the other brought.
    fn add(&self, tenant: &Tenant, account: Arc<Account>, urgency: Urgency) -> Result<Added, Status> {
        let shard = shard(tenant, &account.id);
        {
            let mut accounts = shard.write();
            if let Some(slot) = accounts.get(&account.id) {
                return Ok(Added::Taken(slot.account.clone()));
            }
            accounts.insert(account.id.clone(), Slot { account: account.clone(), kept: false });
        }
        let kept = self.keeper.keep_account(&tenant.app.key, &account, urgency);
        let mut accounts = shard.write();
        match kept {
            Ok(()) => {
                if let Some(slot) = accounts.get_mut(&account.id) {
                    slot.kept = true;
                }
                drop(accounts);
                if let Some(told) = self.registered.get() {
                    told(&tenant.app.key, &account.id);
                }
                Ok(Added::New)
            }
            Err(status) => {
                accounts.remove(&account.id);
                Err(status)
            }
        }
    }

    /// The enabled application with this key: 414 if none is named, 403 if there is none.
    fn enabled(&self, app_key: &str) -> Result<Arc<Tenant>, Status> {
        if app_key.is_empty() {
            return Err(Status::bad_parameter("app_key is missing"));
        }
        let tenant = self.tenant(app_key).filter(|tenant| !tenant.app.disabled);
        tenant.ok_or_else(|| Status::new(Code::Forbidden, "the application is unknown or disabled: check the app key"))
    }

    fn tenant(&self, app_key: &str) -> Option<Arc<Tenant>> {
        self.apps.read().get(app_key).cloned()
    }

    fn find(&self, tenant: &Tenant, id: &AccountId) -> Option<Arc<Account>> {
        shard(tenant, id).read().get(id).filter(|slot| slot.kept).map(|slot| slot.account.clone())
    }

    fn is_taken(&self, tenant: &Tenant, id: &AccountId) -> bool {
        shard(tenant, id).read().contains_key(id)
    }
}

fn shard<'a>(tenant: &'a Tenant, id: &AccountId) -> &'a Shard {
    &tenant.accounts[shard_number(id)]
}

fn shard_number(id: &AccountId) -> usize {
    // Bits from the middle: the maps inside use the same hash, and place their entries by its lowest and highest bits.
    (id.hashed() >> 32) as usize % SHARDS
}

fn empty_shards() -> [Shard; SHARDS] {
    std::array::from_fn(|_| Shard::default())
}

/// An account that has proved itself, unless it is blocked.
fn admit(account: &Account, expires: Option<UnixMs>) -> Result<Verified, Status> {
    if account.blocked {
        return Err(Status::with_sub(Code::AccountDisabled, Sub::AccountBanned));
    }
    Ok(Verified {
        account: account.id.clone(),
        number: account.number,
        anonymous: false,
        nick: account.name.clone(),
        avatar: account.icon.clone(),
        globally_muted: account.is_muted_in_rooms(),
        expires,
        token_seconds: None,
    })
}

enum Added {
    New,
    Taken(Arc<Account>),
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
