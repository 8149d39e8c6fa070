//! Accounts that memory does not hold: read when they are asked for, never older than the disk, and never more of them than fit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use chatroom::account::{Account, App, Changed, Directory, Keeper, Login, Look, NewAccount, Secret, Urgency, dynamic_token};
use chatroom::error::{Code, Status};
use chatroom::id::{AccountId, UnixMs};
use parking_lot::Mutex;

const APP: &str = "demo";
const SECRET: &str = "0123456789abcdef";
const NOW: UnixMs = UnixMs(1_700_000_000_000);
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes in which a few hundred accounts have room.
const SMALL: usize = 64 * 1024;

/// Whom it holds, to say that it is there, and to be let go by.
type Gate = (String, Sender<()>, Receiver<()>);

/// A disk of accounts. A gate holds the next read or write of one account until it is opened.
#[derive(Default)]
struct Disk {
    rows: Mutex<BTreeMap<String, Account>>,
    reads: AtomicUsize,
    writes: AtomicUsize,
    gate: Mutex<Option<Gate>>,
}

impl Disk {
    /// Holds what next concerns an account, after it was read or before it is written: says when it is there, and waits to be let go.
    fn hold(&self, account: &str) -> (Receiver<()>, Sender<()>) {
        let ((here, is_here), (open, opened)) = (channel(), channel());
        *self.gate.lock() = Some((account.to_owned(), here, opened));
        (is_here, open)
    }

    fn pass(&self, account: &AccountId) {
        let gate = self.gate.lock().take_if(|(held, ..)| held == account.as_str());
        if let Some((_, here, opened)) = gate {
            here.send(()).unwrap();
            opened.recv_timeout(PATIENCE).unwrap();
        }
    }
}

impl Keeper for Disk {
    fn keep_app(&self, _app: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _app_key: &str, account: &Account, _urgency: Urgency) -> Result<(), Status> {
        self.pass(&account.id);
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.rows.lock().insert(account.id.to_string(), account.clone());
        Ok(())
    }

    fn read_account(&self, _app_key: &str, id: &AccountId) -> Result<Option<Account>, Status> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let row = self.rows.lock().get(id.as_str()).cloned();
        self.pass(id);
        Ok(row)
    }
}

fn id(name: &str) -> AccountId {
    AccountId::parse(name).unwrap()
}

/// A directory with little memory, on a disk with more accounts than fit.
fn directory() -> (Directory, Arc<Disk>) {
    let disk = Arc::new(Disk::default());
    for number in 0..2000 {
        let account =
            Account { number: number + 1, token: Secret::new(format!("t{number}")), ..Account::new(id(&name(number))) };
        disk.rows.lock().insert(account.id.to_string(), account);
    }
    let directory = Directory::bounded(disk.clone(), true, SMALL);
    directory.insert_app(App::new(APP, Secret::new(SECRET)).unwrap());
    directory.expect_more();
    (directory, disk)
}

fn name(number: i64) -> String {
    format!("user{number}")
}

fn login<'a>(account: &'a str, token: &'a str) -> Login<'a> {
    Login { app_key: APP, account, token, device_id: "d", ..Login::default() }
}

fn code(directory: &Directory, login: &Login<'_>) -> Code {
    directory.verify_login(login, NOW).map_or_else(|status| status.code, |_| Code::Ok)
}

/// Reads an account as a host does for a front, on a thread of its own.
fn read(scope_of: &Arc<Directory>, name: &str) -> std::thread::JoinHandle<Look> {
    let (directory, id) = (scope_of.clone(), id(name));
    std::thread::spawn(move || directory.read_for(APP, &id, false).unwrap())
}

#[test]
fn every_account_logs_in_whatever_memory_holds_and_memory_stays_within_its_bound() {
    let (directory, disk) = directory();
    for round in 0..2 {
        for number in 0..2000 {
            let verified = directory.verify_login(&login(&name(number), &format!("t{number}")), NOW).unwrap();
            assert_eq!(verified.number, number + 1, "round {round}");
        }
    }
    assert!(directory.cached_bytes() <= SMALL && directory.cached_bytes() > SMALL / 2, "{}", directory.cached_bytes());
    let reads = disk.reads.load(Ordering::SeqCst);
    assert!(reads <= 4000, "each is read once at most: {reads}");
    let kept = (0..20).all(|_| code(&directory, &login("user1999", "t1999")) == Code::Ok);
    assert!(kept && disk.reads.load(Ordering::SeqCst) <= reads + 1, "one that is used is in memory");
}

#[test]
fn names_that_nobody_has_fill_no_memory_and_push_nobody_out() {
    let (directory, disk) = directory();
    assert_eq!(code(&directory, &login("user7", "t7")), Code::Ok);
    let (bytes, reads) = (directory.cached_bytes(), disk.reads.load(Ordering::SeqCst));
    for number in 0..5000 {
        assert_eq!(code(&directory, &login(&format!("nobody{number}"), "t")), Code::WrongToken);
    }
    assert_eq!(disk.reads.load(Ordering::SeqCst), reads + 5000, "one read for each");
    let forged = dynamic_token(APP, "guess", "nobody", NOW.0, 60);
    assert_eq!(code(&directory, &Login { auth_type: 1, ..login("nobody", &forged) }), Code::WrongToken);
    let anonymous = Login { anonymous: true, nick: Some("N"), ..login("", "") };
    assert_eq!(code(&directory, &anonymous), Code::Ok);
    assert_eq!(code(&directory, &login("user7", "t7")), Code::Ok);
    assert_eq!((directory.cached_bytes(), disk.reads.load(Ordering::SeqCst)), (bytes, reads + 5000), "and none beside");
}

#[test]
fn an_account_that_changes_while_it_is_read_is_not_what_was_read() {
    let (directory, disk) = directory();
    let directory = Arc::new(directory);
    let (is_here, open) = disk.hold("user5");
    let reading = read(&directory, "user5");
    is_here.recv_timeout(PATIENCE).unwrap();
    // Read, and not told yet: now it is blocked and gets another token, which is acknowledged.
    let change = |account: &mut Account| {
        (account.blocked, account.token) = (true, Secret::new("other"));
        Ok(())
    };
    directory.change_account(APP, &id("user5"), change).unwrap();
    open.send(()).unwrap();
    let look = reading.join().unwrap();
    assert!(!directory.is_current(&id("user5"), &look), "who waited for it looks again");
    let known = directory.look(APP, &id("user5")).unwrap().known.unwrap();
    assert!(known.is_blocked(), "memory has the newer one");
    assert_eq!(code(&directory, &login("user5", "t5")), Code::WrongToken);
    assert_eq!(code(&directory, &login("user5", "other")), Code::AccountDisabled);
}

#[test]
fn a_change_that_is_pending_while_its_account_goes_from_memory_is_what_counts() {
    let (directory, disk) = directory();
    let directory = Arc::new(directory);
    assert_eq!(code(&directory, &login("user9", "t9")), Code::Ok);
    let (is_here, open) = disk.hold("user9");
    let changing = {
        let directory = directory.clone();
        std::thread::spawn(move || {
            directory.change_account(APP, &id("user9"), |account| {
                account.muted = true;
                Ok(())
            })
        })
    };
    // It has read the account, and holds it.
    is_here.recv_timeout(PATIENCE).unwrap();
    for number in 100..2000 {
        assert_eq!(code(&directory, &login(&name(number), &format!("t{number}"))), Code::Ok);
    }
    open.send(()).unwrap();
    changing.join().unwrap().unwrap();
    let verified = directory.verify_login(&login("user9", "t9"), NOW).unwrap();
    assert!(verified.globally_muted);
    assert_eq!(directory.changed_since(APP, &verified.seen()), None);
}

#[test]
fn a_login_can_tell_what_has_changed_about_its_account_since() {
    let (directory, _disk) = directory();
    let seen = directory.verify_login(&login("user9", "t9"), NOW).unwrap().seen();
    assert_eq!(directory.changed_since(APP, &seen), None);
    let change = |muted, blocked| {
        let change = |account: &mut Account| {
            (account.muted, account.blocked) = (muted, blocked);
            Ok(())
        };
        directory.change_account(APP, &id("user9"), change).unwrap();
        directory.account(APP, &id("user9")).unwrap();
        directory.changed_since(APP, &seen)
    };
    assert_eq!(change(true, false), Some(Changed::Muted(true)));
    assert_eq!(change(true, true), Some(Changed::Blocked));
    assert_eq!(change(false, false), None, "it is as it was");
    for number in 100..2000 {
        assert_eq!(code(&directory, &login(&name(number), &format!("t{number}"))), Code::Ok);
    }
    assert_eq!(directory.changed_since(APP, &seen), Some(Changed::Lost));
}

#[test]
fn of_many_who_register_one_name_that_memory_does_not_know_one_does() {
    let (directory, disk) = directory();
    let token = dynamic_token(APP, SECRET, "dave", NOW.0, 60);
    let numbers: Vec<i64> = std::thread::scope(|scope| {
        let registering = || {
            let login = Login { auth_type: 1, ..login("dave", &token) };
            directory.verify_login(&login, NOW).unwrap().number
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(registering)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(numbers.iter().all(|number| *number == numbers[0]), "{numbers:?}");
    assert_eq!(disk.writes.load(Ordering::SeqCst), 1);
    let taken = directory.create_account(APP, NewAccount { account: "user3".into(), ..NewAccount::default() });
    assert_eq!(taken.unwrap_err().code, Code::BadParameter, "that one is on disk alone");
}

#[test]
fn a_name_that_is_registered_while_it_is_looked_for_is_not_registered_again() {
    let (directory, disk) = directory();
    let directory = Arc::new(directory);
    let (is_here, open) = disk.hold("erin");
    let late = {
        let directory = directory.clone();
        std::thread::spawn(move || directory.read_for(APP, &id("erin"), true).unwrap().known.unwrap().number())
    };
    // It has found nobody, and does not know it yet.
    is_here.recv_timeout(PATIENCE).unwrap();
    let created = directory.create_account(APP, NewAccount { account: "erin".into(), ..NewAccount::default() }).unwrap();
    open.send(()).unwrap();
    assert_eq!(late.join().unwrap(), created.number);
    assert_eq!(disk.rows.lock()["erin"].number, created.number);
}

#[test]
fn what_a_store_that_was_opened_again_lost_is_read_again() {
    let (directory, disk) = directory();
    assert_eq!(code(&directory, &login("user1", "t1")), Code::Ok);
    disk.rows.lock().remove("user1");
    assert_eq!(code(&directory, &login("user1", "t1")), Code::Ok);
    directory.forget_accounts();
    assert_eq!(code(&directory, &login("user1", "t1")), Code::WrongToken);
}

#[test]
fn a_row_of_before_accounts_had_numbers_gets_one_when_it_is_read_and_keeps_it() {
    let (directory, disk) = directory();
    disk.rows.lock().insert("old".into(), Account { token: Secret::new("t"), ..Account::new(id("old")) });
    let first = directory.verify_login(&login("old", "t"), NOW).unwrap().number;
    directory.forget_accounts();
    let again = directory.verify_login(&login("old", "t"), NOW).unwrap().number;
    assert!(first > 0 && first == again && disk.rows.lock()["old"].number == first);
}
