//! What a login costs before it reaches a room. Budget: 5 microseconds each.

use std::hint::black_box;
use std::sync::Arc;

use chatroom::account::{Account, App, Directory, Keeper, Login, Secret, Urgency, dynamic_token};
use chatroom::error::Status;
use chatroom::id::{AccountId, UnixMs};
use criterion::{Criterion, criterion_group, criterion_main};

const NOW: UnixMs = UnixMs(1_700_000_000_000);
const ACCOUNTS: usize = 100_000;

struct Nowhere;

impl Keeper for Nowhere {
    fn keep_app(&self, _: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _: &str, _: &Account, _: Urgency) -> Result<(), Status> {
        Ok(())
    }
}

fn logins(criterion: &mut Criterion) {
    let secret = "0123456789abcdef0123456789abcdef";
    let directory = Directory::new(Arc::new(Nowhere), true);
    directory.insert_app(App::new("demo", Secret::new(secret)).expect("key and secret are within bounds"));
    let names: Vec<_> = (0..ACCOUNTS).map(|number| format!("member-{number}")).collect();
    for name in &names {
        let id = AccountId::parse(name).expect("the name is an account's");
        let account =
            Account { token: Secret::new("0123456789abcdef0123456789abcdef"), name: name.clone(), ..Account::new(id) };
        directory.load_account("demo", account).expect("the application is there");
    }
    let tokens: Vec<_> = names.iter().map(|name| dynamic_token("demo", secret, name, NOW.0, 3600)).collect();
    let mut next = 0;
    let mut turn = || {
        next = (next + 7919) % ACCOUNTS;
        next
    };
    let login = |place: usize| Login { app_key: "demo", account: &names[place], device_id: "device", ..Login::default() };
    criterion.bench_function("login/dynamic", |bench| {
        bench.iter(|| {
            let place = turn();
            let login = Login { token: &tokens[place], auth_type: 1, ..login(place) };
            assert!(directory.verify_login(black_box(&login), NOW).is_ok());
        });
    });
    criterion.bench_function("login/static", |bench| {
        bench.iter(|| {
            let login = Login { token: secret, ..login(turn()) };
            assert!(directory.verify_login(black_box(&login), NOW).is_ok());
        });
    });
    criterion.bench_function("login/anonymous", |bench| {
        bench.iter(|| {
            let login = Login { account: "", anonymous: true, nick: Some("guest"), ..login(0) };
            assert!(directory.verify_login(black_box(&login), NOW).is_ok());
        });
    });
}

criterion_group!(benches, logins);
criterion_main!(benches);
