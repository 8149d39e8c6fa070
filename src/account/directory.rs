//! All applications and accounts of a node: applications in memory, accounts on disk, and of these in memory as many as fit.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use super::cache::{Begun, Cache, Found, PARTS, Stamp, part_number};
use super::known::Known;
use super::model::{Account, App, NewAccount, is_longer};
use super::token::{self, Refusal, Term};
use crate::error::{Code, Status, Sub};
use crate::id::{AccountId, Epoch, UnixMs};
use crate::limits;

/// Bits of an account's number that hold the epoch in which it was given: with the 32 of the running number, what a user's takes.
const NUMBER_EPOCH_BITS: u32 = 22;

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

    /// Reads an account of the application with this key, as it was kept last. Reads the disk. Where nothing is kept there is none.
    fn read_account(&self, app_key: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        let _ = (app_key, id);
        Ok(None)
    }
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

/// All applications and accounts of a node. Any thread may use it; what says that it reads or waits for the disk is not for workers,
/// all else holds a lock for the time of one map access.
pub struct Directory {
    keeper: Arc<dyn Keeper>,
    pub(super) auto_register: bool,
    apps: RwLock<HashMap<String, Arc<Tenant>>>,
    accounts: Cache,
    /// Told of each name that has become an account's.
    registered: OnceLock<Registered>,
    /// The epoch of the store in which numbers are given out, and how many were.
    epoch: AtomicU64,
    given: AtomicU32,
    /// One change of an account at a time, so that what is kept last is also what is remembered.
    changes: [Mutex<()>; PARTS],
}

/// An application of the node.
pub(super) struct Tenant {
    pub(super) app: Arc<App>,
    /// Stands for the application in the rows of its accounts.
    number: u32,
    /// The log has said that the application mints tokens of a life it does not list.
    warned: AtomicBool,
}

/// An account as it is known, and as of when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// The account; `None`: there is none of this name.
    pub known: Option<Known>,
    pub(super) stamp: Stamp,
}

type Registered = Box<dyn Fn(&str, &AccountId) + Send + Sync>;

impl Tenant {
    pub(super) fn verify_dynamic(&self, id: &AccountId, spelled: &str, offered: &str, now: UnixMs) -> Result<Term, Status> {
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
        Directory::bounded(keeper, auto_register, limits::ACCOUNT_CACHE_BYTES)
    }

    /// As [`Directory::new`], with so many bytes of accounts in memory.
    pub fn bounded(keeper: Arc<dyn Keeper>, auto_register: bool, bytes_max: usize) -> Directory {
        Directory {
            keeper,
            auto_register,
            apps: RwLock::default(),
            accounts: Cache::new(bytes_max),
            registered: OnceLock::new(),
            epoch: AtomicU64::default(),
            given: AtomicU32::default(),
            changes: std::array::from_fn(|_| Mutex::default()),
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
        let number = apps.get(&app.key).map_or_else(|| u32::try_from(apps.len()).unwrap_or(u32::MAX), |tenant| tenant.number);
        let tenant = Tenant { app: Arc::new(app), number, warned: AtomicBool::new(false) };
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

    /// Puts an account in if there is room for it; 404 without the application. For filling at start, with each account once: nothing is
    /// kept.
    pub fn load_account(&self, app_key: &str, account: Account) -> Result<(), Status> {
        let tenant = self.tenant(app_key).ok_or_else(|| Status::new(Code::NotFound, "no such application"))?;
        self.accounts.load(&account.id, Known::new(tenant.number, &account));
        Ok(())
    }

    /// True if there is room for more accounts of those the store holds.
    pub fn has_room(&self) -> bool {
        self.accounts.has_room()
    }

    /// The store holds more accounts than were put in.
    pub fn expect_more(&self) {
        self.accounts.expect_more();
    }

    /// The store may hold other accounts than it did: it was closed, and opened again.
    pub fn forget_accounts(&self) {
        self.accounts.forget();
    }

    /// Bytes of the accounts in memory.
    pub fn cached_bytes(&self) -> usize {
        self.accounts.bytes()
    }

    /// The application with this key, disabled or not.
    pub fn app(&self, key: &str) -> Option<Arc<App>> {
        self.tenant(key).map(|tenant| tenant.app.clone())
    }

    /// An account of an application, as far as memory knows; `None`: that has to be read.
    pub fn look(&self, app_key: &str, id: &AccountId) -> Option<Look> {
        match self.tenant(app_key) {
            Some(tenant) => self.look_in(&tenant, id),
            None => Some(self.nobody(id)),
        }
    }

    /// An account of an application, out of memory or read. Reads the disk.
    pub fn account(&self, app_key: &str, id: &AccountId) -> Result<Option<Known>, Status> {
        match self.look(app_key, id) {
            Some(look) => Ok(look.known),
            None => self.read(app_key, id).map(|look| look.known),
        }
    }

    pub(super) fn nobody(&self, id: &AccountId) -> Look {
        Look { known: None, stamp: self.accounts.stamp(id) }
    }

    /// True if nothing has changed about an account since a look at it.
    pub fn is_current(&self, id: &AccountId, look: &Look) -> bool {
        self.is_stamped(id, look.stamp)
    }

    pub(super) fn is_stamped(&self, id: &AccountId, stamp: Stamp) -> bool {
        self.accounts.stamp(id) == stamp
    }

    /// An account that memory does not know. Reads the disk.
    pub fn read(&self, app_key: &str, id: &AccountId) -> Result<Look, Status> {
        let stamp = self.accounts.stamp(id);
        let Some(tenant) = self.tenant(app_key) else { return Ok(Look { known: None, stamp }) };
        let read = self.kept(app_key, id)?.map(|account| Known::new(tenant.number, &account));
        let newer = read.clone().and_then(|known| self.accounts.learn(tenant.number, id, known, stamp));
        Ok(match newer {
            // Memory has it as of now, or it was lost again meanwhile: then the stamp is old.
            Some(known) => Look { known: Some(known), stamp },
            None => Look { known: read, stamp },
        })
    }

    /// All that is kept of an account. Reads the disk.
    pub fn profile(&self, app_key: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        self.kept(app_key, id)
    }

    /// As [`Directory::look`], for somebody who has proved to be this account: if accounts register themselves, one that is known to
    /// be missing is created.
    pub(super) fn look_or_register(&self, app_key: &str, id: &AccountId) -> Result<Option<Look>, Status> {
        let tenant = self.enabled(app_key)?;
        match self.look_in(&tenant, id) {
            Some(Look { known: None, .. }) if self.auto_register => self.register(&tenant, id, None),
            look => Ok(look),
        }
    }

    /// As [`Directory::read`], for somebody who has proved to be this account: if accounts register themselves, a missing one is
    /// created. Reads the disk. 503 if others change the account all the time.
    pub(super) fn read_or_register(&self, app_key: &str, id: &AccountId) -> Result<Look, Status> {
        let tenant = self.enabled(app_key)?;
        for _ in 0..limits::ACCOUNT_READS_MAX {
            let look = match self.look_in(&tenant, id) {
                Some(look) => look,
                None => self.read(app_key, id)?,
            };
            if look.known.is_some() || !self.auto_register {
                return Ok(look);
            }
            if let Some(look) = self.register(&tenant, id, Some(look.stamp))? {
                return Ok(look);
            }
        }
        Err(Status::new(Code::Busy, "the account changes too often; try again"))
    }

    /// Creates an account and keeps it: 414 for values out of bounds and for a name that is taken. Waits for the disk.
    pub fn create_account(&self, app_key: &str, new: NewAccount) -> Result<Account, Status> {
        let tenant = self.enabled(app_key)?;
        let account = Account { number: self.new_number()?, ..new.check()? };
        match self.add(&tenant, &account)? {
            Some(_) => Err(Status::bad_parameter("already register")),
            None => Ok(account),
        }
    }

    /// Makes sure that a name is an account's: where it is none, one without a static token is created and kept. Waits for the disk.
    pub fn ensure_account(&self, app_key: &str, id: &AccountId) -> Result<(), Status> {
        let tenant = self.enabled(app_key)?;
        let account = Account { number: self.new_number()?, ..Account::new(id.clone()) };
        self.add(&tenant, &account).map(drop)
    }

    /// Changes an account and keeps it: 404 if there is none, 414 for values out of bounds, or what `change` refuses it with; then
    /// nothing has changed. Waits for the disk.
    pub fn change_account(
        &self,
        app_key: &str,
        id: &AccountId,
        change: impl FnOnce(&mut Account) -> Result<(), Status>,
    ) -> Result<Account, Status> {
        let tenant = self.enabled(app_key)?;
        let _one_at_a_time = self.changes[part_number(id)].lock();
        let before = self.kept_with_number(app_key, id)?;
        let before = before.ok_or_else(|| Status::with_sub(Code::NotFound, Sub::AccountMissing))?;
        let mut account = before.clone();
        change(&mut account)?;
        account.check()?;
        if account.name != before.name {
            account.check_name()?;
        }
        if account != before {
            self.keeper.keep_account(&tenant.app.key, &account, Urgency::Now)?;
            self.accounts.put(id, Known::new(tenant.number, &account));
        }
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

    fn look_in(&self, tenant: &Tenant, id: &AccountId) -> Option<Look> {
        let (found, stamp) = self.accounts.find(tenant.number, id);
        match found {
            Found::Row(known) => Some(Look { known: Some(known), stamp }),
            Found::Nobody => Some(Look { known: None, stamp }),
            Found::Unread => None,
        }
    }

    /// An account as it is kept. Reads the disk.
    fn kept(&self, app_key: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        match self.keeper.read_account(app_key, id)? {
            Some(account) if account.number == 0 => {
                let _one_at_a_time = self.changes[part_number(id)].lock();
                self.kept_with_number(app_key, id)
            }
            kept => Ok(kept),
        }
    }

    /// An account as it is kept; a row of before accounts had numbers gets one. For one caller of a part at a time. Reads the disk.
    fn kept_with_number(&self, app_key: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        let Some(mut account) = self.keeper.read_account(app_key, id)? else { return Ok(None) };
        if account.number == 0 {
            account.number = self.new_number()?;
            // Durable before anything that names the number.
            self.keeper.keep_account(app_key, &account, Urgency::Soon)?;
        }
        Ok(Some(account))
    }

    /// Registers an account that has proved itself; `None` if it has to be read, or read again, whether there is one. `free` is as of
    /// when the disk had none.
    fn register(&self, tenant: &Tenant, id: &AccountId, free: Option<Stamp>) -> Result<Option<Look>, Status> {
        let account = Account { number: self.new_number()?, ..Account::new(id.clone()) };
        let known = Known::new(tenant.number, &account);
        let known = match self.accounts.begin(tenant.number, id, &known, free) {
            Begun::Unread => return Ok(None),
            Begun::Taken(known) => known,
            Begun::New => {
                self.keep_new(tenant, &account, Urgency::Soon)?;
                known
            }
        };
        Ok(Some(Look { known: Some(known), stamp: self.accounts.stamp(id) }))
    }

    /// Adds an account unless its name is taken: then what is known of it. Waits for the disk.
    fn add(&self, tenant: &Tenant, account: &Account) -> Result<Option<Known>, Status> {
        let known = Known::new(tenant.number, account);
        for _ in 0..limits::ACCOUNT_READS_MAX {
            let look = match self.look_in(tenant, &account.id) {
                Some(look) => look,
                None => self.read(&tenant.app.key, &account.id)?,
            };
            if look.known.is_some() {
                return Ok(look.known);
            }
            match self.accounts.begin(tenant.number, &account.id, &known, Some(look.stamp)) {
                Begun::Unread => {}
                Begun::Taken(known) => return Ok(Some(known)),
                Begun::New => return self.keep_new(tenant, account, Urgency::Now).map(|()| None),
            }
        }
        Err(Status::new(Code::Busy, "the account changes too often; try again"))
    }

    /// Keeps an account whose name was taken for it in memory, without a lock, so that of two who want it at once one is refused and
    /// what lies on disk is what the other brought.
    fn keep_new(&self, tenant: &Tenant, account: &Account, urgency: Urgency) -> Result<(), Status> {
        let kept = self.keeper.keep_account(&tenant.app.key, account, urgency);
        self.accounts.end(tenant.number, &account.id, kept.is_ok());
        if let (Ok(()), Some(told)) = (&kept, self.registered.get()) {
            told(&tenant.app.key, &account.id);
        }
        kept
    }

    /// The enabled application with this key: 414 if none is named, 403 if there is none.
    pub(super) fn enabled(&self, app_key: &str) -> Result<Arc<Tenant>, Status> {
        if app_key.is_empty() {
            return Err(Status::bad_parameter("app_key is missing"));
        }
        let tenant = self.tenant(app_key).filter(|tenant| !tenant.app.disabled);
        tenant.ok_or_else(|| Status::new(Code::Forbidden, "the application is unknown or disabled: check the app key"))
    }

    fn tenant(&self, app_key: &str) -> Option<Arc<Tenant>> {
        self.apps.read().get(app_key).cloned()
    }
}
