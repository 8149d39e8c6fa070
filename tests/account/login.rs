//! Who gets in, who does not, and with which code: chatroom.md §c.1 "Checks in order" up to the account, and §d.1.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatroom::account::{Account, App, Directory, Keeper, Login, NewAccount, Secret, Urgency, dynamic_token};
use chatroom::error::{Code, Status, Sub};
use chatroom::id::{AccountId, Epoch, SubjectId, SubjectKind, UnixMs};
use parking_lot::Mutex;

const NOW: UnixMs = UnixMs(1_700_000_000_000);
const SECRET: &str = "0123456789abcdef";

/// Remembers what it was asked to keep, and fails when told to.
#[derive(Default)]
struct Notebook {
    kept: Mutex<Vec<(String, String, Urgency)>>,
    fails: AtomicBool,
}

impl Keeper for Notebook {
    fn keep_app(&self, app: &App) -> Result<(), Status> {
        self.note("", &app.key, Urgency::Now)
    }

    fn keep_account(&self, app_key: &str, account: &Account, urgency: Urgency) -> Result<(), Status> {
        self.note(app_key, account.id.as_str(), urgency)
    }
}

impl Notebook {
    fn note(&self, app_key: &str, name: &str, urgency: Urgency) -> Result<(), Status> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(Status::new(Code::Busy, "the disk is full"));
        }
        self.kept.lock().push((app_key.to_owned(), name.to_owned(), urgency));
        Ok(())
    }
}

fn directory(auto_register: bool) -> (Directory, Arc<Notebook>) {
    let notebook = Arc::new(Notebook::default());
    let directory = Directory::new(notebook.clone(), auto_register);
    directory.insert_app(App::new("demo", Secret::new(SECRET)).unwrap());
    directory.insert_app(App { disabled: true, ..App::new("closed", Secret::new(SECRET)).unwrap() });
    directory.insert_app(App { anonymous_enabled: false, ..App::new("named", Secret::new(SECRET)).unwrap() });
    let alice =
        Account { token: Secret::new("t0k3n"), name: "Alice".to_owned(), icon: "https://a".to_owned(), ..account("alice") };
    directory.load_account("demo", alice).unwrap();
    directory.load_account("demo", Account { token: Secret::new("t0k3n"), blocked: true, ..account("mallory") }).unwrap();
    directory.load_account("demo", Account { token: Secret::new("t0k3n"), muted: true, ..account("mute") }).unwrap();
    (directory, notebook)
}

fn account(name: &str) -> Account {
    Account::new(AccountId::parse(name).unwrap())
}

fn login<'a>() -> Login<'a> {
    Login { app_key: "demo", account: "alice", token: "t0k3n", device_id: "d1", ..Login::default() }
}

fn dynamic<'a>(account: &'a str, token: &'a str) -> Login<'a> {
    Login { account, token, auth_type: 1, ..login() }
}

fn code(directory: &Directory, login: &Login<'_>) -> Code {
    directory.verify_login(login, NOW).map_or_else(|status| status.code, |_| Code::Ok)
}

#[test]
fn a_login_without_app_key_is_414_and_with_an_unknown_or_disabled_one_403() {
    // S000-001
    let (directory, _) = directory(false);
    assert_eq!(code(&directory, &Login { app_key: "", ..login() }), Code::BadParameter);
    assert_eq!(code(&directory, &Login { app_key: "nobody", ..login() }), Code::Forbidden);
    assert_eq!(code(&directory, &Login { app_key: "closed", ..login() }), Code::Forbidden);
}

#[test]
fn a_login_without_account_is_414_and_with_an_unknown_one_302() {
    // S000-002
    let (directory, _) = directory(false);
    assert_eq!(code(&directory, &Login { account: "", ..login() }), Code::BadParameter);
    assert_eq!(code(&directory, &Login { account: "nobody", ..login() }), Code::WrongToken);
    let token = dynamic_token("demo", SECRET, "nobody", NOW.0, 60);
    assert_eq!(code(&directory, &dynamic("nobody", &token)), Code::WrongToken);
}

#[test]
fn a_login_with_a_wrong_token_is_302_and_with_the_right_one_200() {
    // S000-003
    let (directory, _) = directory(false);
    let refused = directory.verify_login(&Login { token: "t0k3m", ..login() }, NOW).unwrap_err();
    assert_eq!((refused.code, refused.sub), (Code::WrongToken, Some(Sub::InvalidToken)));
    assert_eq!(code(&directory, &Login { token: "", ..login() }), Code::BadParameter);
    let verified = directory.verify_login(&login(), NOW).unwrap();
    assert_eq!((verified.account.as_str(), verified.nick.as_str(), verified.avatar.as_str()), ("alice", "Alice", "https://a"));
    assert_eq!((verified.anonymous, verified.globally_muted, verified.expires), (false, false, None));
}

#[test]
fn an_unknown_account_and_a_wrong_token_are_told_in_the_same_words() {
    let (directory, _) = directory(false);
    let unknown = directory.verify_login(&Login { account: "nobody", ..login() }, NOW).unwrap_err();
    let wrong = directory.verify_login(&Login { token: "no", ..login() }, NOW).unwrap_err();
    assert_eq!(unknown, wrong);
}

#[test]
fn accounts_log_in_without_regard_to_case() {
    let (directory, _) = directory(false);
    assert_eq!(directory.verify_login(&Login { account: "ALICE", ..login() }, NOW).unwrap().account.as_str(), "alice");
    for signed in ["ALICE", "alice"] {
        let token = dynamic_token("demo", SECRET, signed, NOW.0, 60);
        assert_eq!(code(&directory, &dynamic("ALICE", &token)), Code::Ok, "{signed}");
    }
}

#[test]
fn an_anonymous_login_needs_no_token_and_gets_a_name() {
    // S000-006
    let (directory, _) = directory(false);
    let anonymous = Login { account: "", token: "", anonymous: true, nick: Some("guest"), ..login() };
    let verified = directory.verify_login(&anonymous, NOW).unwrap();
    let digits = verified.account.as_str().strip_prefix("anon_").unwrap();
    assert!(verified.anonymous && digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    assert_ne!(directory.verify_login(&anonymous, NOW).unwrap().account, verified.account);
    let again = Login { account: verified.account.as_str(), ..anonymous };
    assert_eq!(directory.verify_login(&again, NOW).unwrap().account, verified.account);
}

#[test]
fn an_anonymous_login_needs_a_nick_an_open_door_and_a_name_nobody_has() {
    let (directory, _) = directory(false);
    let anonymous = Login { account: "", token: "", anonymous: true, nick: Some("guest"), ..login() };
    assert_eq!(code(&directory, &Login { nick: Some(""), ..anonymous }), Code::BadParameter);
    // Without a room to enter yet there is no nick to ask for.
    assert_eq!(code(&directory, &Login { nick: None, ..anonymous }), Code::Ok);
    assert_eq!(code(&directory, &Login { account: "alice", ..anonymous }), Code::WrongToken);
    let refused = directory.verify_login(&Login { app_key: "named", ..anonymous }, NOW).unwrap_err();
    assert_eq!((refused.code, refused.sub), (Code::Forbidden, Some(Sub::AnonymousRefused)));
}

#[test]
fn a_dynamic_token_lets_in_until_it_expires_and_says_when() {
    let (directory, _) = directory(false);
    let token = dynamic_token("demo", SECRET, "alice", NOW.0 - 59_000, 60);
    assert_eq!(directory.verify_login(&dynamic("alice", &token), NOW).unwrap().expires, Some(UnixMs(NOW.0 + 1000)));
    let late = directory.verify_login(&dynamic("alice", &token), UnixMs(NOW.0 + 1000)).unwrap_err();
    assert_eq!(late.code, Code::TokenExpired);
    let of_another_app = dynamic_token("named", SECRET, "alice", NOW.0, 60);
    assert_eq!(code(&directory, &dynamic("alice", &of_another_app)), Code::WrongToken);
    assert_eq!(code(&directory, &Login { auth_type: 0, ..dynamic("alice", &token) }), Code::WrongToken);
}

#[test]
fn an_unknown_kind_of_token_is_414_and_one_that_is_not_offered_514() {
    let (directory, _) = directory(false);
    assert_eq!(code(&directory, &Login { auth_type: 2, ..login() }), Code::Unavailable);
    assert_eq!(code(&directory, &Login { auth_type: 3, ..login() }), Code::BadParameter);
    assert_eq!(code(&directory, &Login { auth_type: -1, ..login() }), Code::BadParameter);
}

#[test]
fn a_blocked_account_is_422_once_its_token_is_right_and_a_muted_one_gets_in() {
    let (directory, _) = directory(false);
    let blocked = directory.verify_login(&Login { account: "mallory", ..login() }, NOW).unwrap_err();
    assert_eq!((blocked.code, blocked.sub), (Code::AccountDisabled, Some(Sub::AccountBanned)));
    assert_eq!(code(&directory, &Login { account: "mallory", token: "no", ..login() }), Code::WrongToken);
    assert!(directory.verify_login(&Login { account: "mute", ..login() }, NOW).unwrap().globally_muted);
}

#[test]
fn each_check_comes_before_those_behind_it() {
    let (directory, _) = directory(false);
    let wrong_in_everything = Login {
        app_key: "closed",
        account: "not an account",
        token: "no",
        anonymous: true,
        nick: Some(""),
        device_id: "d1",
        ..Login::default()
    };
    assert_eq!(code(&directory, &wrong_in_everything), Code::Forbidden);
    assert_eq!(code(&directory, &Login { app_key: "named", ..wrong_in_everything }), Code::BadParameter);
    let anonymous_refused = Login { app_key: "named", account: "a", nick: Some("n"), ..wrong_in_everything };
    assert_eq!(code(&directory, &anonymous_refused), Code::Forbidden);
    assert_eq!(code(&directory, &Login { app_key: "demo", account: "mallory", ..anonymous_refused }), Code::WrongToken);
}

#[test]
fn parameters_end_at_their_limits() {
    let (directory, _) = directory(false);
    let long = "é".repeat(4097);
    let cut = |chars: usize| &long[..chars * 2];
    assert_eq!(code(&directory, &Login { device_id: cut(64), custom_tag: cut(32), login_ext: cut(4096), ..login() }), Code::Ok);
    for refused in [
        Login { device_id: cut(65), ..login() },
        Login { device_id: "", ..login() },
        Login { custom_tag: cut(33), ..login() },
        Login { login_ext: cut(4097), ..login() },
        Login { token: cut(2049), ..login() },
        Login { account: &"a".repeat(33), ..login() },
        Login { account: "white space", ..login() },
    ] {
        assert_eq!(code(&directory, &refused), Code::BadParameter);
    }
    assert_eq!(code(&directory, &Login { token: cut(2048), ..login() }), Code::WrongToken);
}

#[test]
fn the_first_valid_dynamic_token_creates_the_account_without_waiting_for_the_disk() {
    let (directory, notebook) = directory(true);
    let token = dynamic_token("demo", SECRET, "Bob", NOW.0, 60);
    for _ in 0..2 {
        let verified = directory.verify_login(&dynamic("Bob", &token), NOW).unwrap();
        assert_eq!((verified.account.as_str(), verified.nick.as_str()), ("bob", ""));
    }
    assert_eq!(*notebook.kept.lock(), [("demo".to_owned(), "bob".to_owned(), Urgency::Soon)]);
    // It has no static token, so none opens it; and nobody can be it without one.
    assert_eq!(code(&directory, &Login { account: "bob", token: "x", ..login() }), Code::WrongToken);
    assert_eq!(code(&directory, &Login { account: "bob", token: "", anonymous: true, ..login() }), Code::WrongToken);
}

#[test]
fn an_invalid_token_creates_nobody() {
    let (directory, notebook) = directory(true);
    let forged = dynamic_token("demo", "guess", "bob", NOW.0, 60);
    assert_eq!(code(&directory, &dynamic("bob", &forged)), Code::WrongToken);
    let expired = dynamic_token("demo", SECRET, "bob", NOW.0 - 60_000, 60);
    assert_eq!(code(&directory, &dynamic("bob", &expired)), Code::TokenExpired);
    assert_eq!(code(&directory, &Login { account: "bob", ..login() }), Code::WrongToken);
    assert!(directory.account("demo", &AccountId::parse("bob").unwrap()).unwrap().is_none() && notebook.kept.lock().is_empty());
}

#[test]
fn a_new_account_is_kept_before_it_is_answered_and_logs_in_with_its_token() {
    let (directory, notebook) = directory(false);
    let new = NewAccount { account: "Carol".to_owned(), name: "C".to_owned(), ..NewAccount::default() };
    let created = directory.create_account("demo", new.clone()).unwrap();
    assert_eq!((created.id.as_str(), created.token.reveal().len()), ("carol", 32));
    assert_eq!(*notebook.kept.lock(), [("demo".to_owned(), "carol".to_owned(), Urgency::Now)]);
    assert_eq!(code(&directory, &Login { account: "carol", token: created.token.reveal(), ..login() }), Code::Ok);
    let again = directory.create_account("demo", NewAccount { account: "CAROL".to_owned(), ..new.clone() }).unwrap_err();
    assert_eq!((again.code, &*again.desc), (Code::BadParameter, "already register"));
    // Every application has names of its own.
    assert!(directory.create_account("named", new).is_ok());
}

#[test]
fn every_account_gets_a_number_of_its_own_when_it_is_registered_and_none_an_earlier_start_gave() {
    let (directory, _) = directory(true);
    let mut numbers = Vec::new();
    for (epoch, accounts) in [(7, ["ann", "ben"]), (8, ["cat", "dan"])] {
        directory.number_in(Epoch(epoch));
        for name in accounts {
            let token = dynamic_token("demo", SECRET, name, NOW.0, 60);
            let first = directory.verify_login(&dynamic(name, &token), NOW).unwrap().number;
            assert_eq!(directory.verify_login(&dynamic(name, &token), NOW).unwrap().number, first);
            assert!(SubjectId::new(SubjectKind::User, first).is_ok());
            numbers.push(first);
        }
        let new = NewAccount { account: format!("eve{epoch}"), ..NewAccount::default() };
        numbers.push(directory.create_account("demo", new).unwrap().number);
    }
    assert!(numbers.is_sorted_by(|one, next| one < next), "{numbers:?}");
    let anonymous = Login { account: "", token: "", anonymous: true, nick: Some("N"), ..login() };
    assert_eq!(directory.verify_login(&anonymous, NOW).unwrap().number, 0);
}

#[test]
fn an_account_that_could_not_be_kept_was_never_there() {
    let (directory, notebook) = directory(true);
    notebook.fails.store(true, Ordering::SeqCst);
    let new = NewAccount { account: "carol".to_owned(), ..NewAccount::default() };
    assert_eq!(directory.create_account("demo", new.clone()).unwrap_err().code, Code::Busy);
    let token = dynamic_token("demo", SECRET, "carol", NOW.0, 60);
    assert_eq!(code(&directory, &dynamic("carol", &token)), Code::Busy);
    assert!(directory.account("demo", &AccountId::parse("carol").unwrap()).unwrap().is_none());
    notebook.fails.store(false, Ordering::SeqCst);
    assert!(directory.create_account("demo", new).is_ok());
}

#[test]
fn of_many_who_want_one_name_exactly_one_gets_it() {
    let (directory, notebook) = directory(true);
    let token = dynamic_token("demo", SECRET, "dave", NOW.0, 60);
    let created: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|number| {
                let (directory, token) = (&directory, &token);
                scope.spawn(move || {
                    assert_eq!(code(directory, &dynamic("dave", token)), Code::Ok);
                    let new = NewAccount { account: format!("erin{}", number % 2), ..NewAccount::default() };
                    usize::from(directory.create_account("demo", new).is_ok())
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((created, notebook.kept.lock().len()), (2, 3));
}

#[test]
fn a_new_application_is_kept_and_replacing_one_leaves_its_accounts() {
    let (directory, notebook) = directory(false);
    directory.create_app(App::new("fresh", Secret::random().unwrap()).unwrap(), NOW).unwrap();
    directory.create_app(App::new("fresh", Secret::random().unwrap()).unwrap(), UnixMs(NOW.0 + 1)).unwrap();
    assert_eq!(directory.app("fresh").unwrap().made, Some(NOW), "a change makes it no younger");
    assert_eq!(*notebook.kept.lock(), vec![(String::new(), "fresh".to_owned(), Urgency::Now); 2]);
    directory.insert_app(App::new("demo", Secret::new("another")).unwrap());
    assert!(directory.app("demo").unwrap().secret.matches("another"));
    assert_eq!(code(&directory, &login()), Code::Ok);
    assert_eq!(directory.load_account("nobody", account("a")).unwrap_err().code, Code::NotFound);
}

#[test]
fn nothing_secret_shows_in_debug_output() {
    let (directory, _) = directory(false);
    let (app, alice) =
        (directory.app("demo").unwrap(), directory.account("demo", &AccountId::parse("alice").unwrap()).unwrap());
    let shown = format!("{app:?} {alice:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("t0k3n"), "{shown}");
}
