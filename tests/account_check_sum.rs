//! The checksum of HTTP calls: rest-api.md §1.1, in the order of its table.
#![cfg(feature = "server")]

use std::sync::Arc;

use chatroom::account::{Account, App, Directory, HttpCall, Keeper, Secret, Urgency, check_sum};
use chatroom::error::{Code, Status};
use chatroom::id::UnixMs;

struct Nowhere;

impl Keeper for Nowhere {
    fn keep_app(&self, _: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _: &str, _: &Account, _: Urgency) -> Result<(), Status> {
        Ok(())
    }
}

const SECRET: &str = "0123456789abcdef";
const SUM: &str = "0687168be8ee7e9b57a548e644b310ffa9e7fc39";
const TIME: i64 = 1_451_217_360;

fn check(app_key: &str, nonce: &str, cur_time: &str, sum: &str, now_seconds: i64) -> Code {
    let directory = Directory::new(Arc::new(Nowhere), false);
    directory.insert_app(App::new("demo", Secret::new(SECRET)).unwrap());
    directory.insert_app(App { disabled: true, ..App::new("closed", Secret::new(SECRET)).unwrap() });
    let source = [127, 0, 0, 1].into();
    let call = HttpCall { app_key, nonce, cur_time, check_sum: sum, source };
    let result = directory.check_http(&call, UnixMs(now_seconds * 1000));
    result.map_or_else(|status| status.code, |()| Code::Ok)
}

#[test]
fn the_published_vector_is_taken_in_either_case() {
    // S002-002
    assert_eq!(check("demo", "12345", "1451217360", SUM, TIME), Code::Ok);
    assert_eq!(check("demo", "12345", "1451217360", &SUM.to_uppercase(), TIME), Code::Ok);
}

#[test]
fn a_missing_or_malformed_header_is_414_before_anything_else() {
    let long = "n".repeat(129);
    for (app_key, nonce, cur_time, sum) in [
        ("", "12345", "1451217360", SUM),
        ("nobody", "", "1451217360", SUM),
        ("nobody", "12345", "", SUM),
        ("nobody", "12345", "1451217360", ""),
        ("nobody", "12345", "now", SUM),
        ("nobody", "12345", "-1451217360", SUM),
        ("nobody", "12345", "+1451217360", SUM),
        ("nobody", "12345", "1451217360.0", SUM),
        ("nobody", "12345", "99999999999999999999", SUM),
        ("nobody", &long, "1451217360", SUM),
    ] {
        assert_eq!(check(app_key, nonce, cur_time, sum, TIME), Code::BadParameter, "{app_key} {nonce} {cur_time} {sum}");
    }
    let nonce = "n".repeat(128);
    assert_eq!(check("demo", &nonce, "1451217360", &check_sum(SECRET, &nonce, "1451217360"), TIME), Code::Ok);
}

#[test]
fn an_unknown_or_disabled_application_is_403() {
    assert_eq!(check("nobody", "12345", "1451217360", SUM, TIME), Code::Forbidden);
    assert_eq!(check("closed", "12345", "1451217360", SUM, TIME), Code::Forbidden);
}

#[test]
fn a_clock_may_be_five_minutes_off_and_no_more() {
    // S002-003
    for (now, expected) in
        [(TIME - 300, Code::Ok), (TIME + 300, Code::Ok), (TIME - 301, Code::Forbidden), (TIME + 301, Code::Forbidden)]
    {
        assert_eq!(check("demo", "12345", "1451217360", SUM, now), expected, "{now}");
    }
    let farthest = i64::MAX.to_string();
    assert_eq!(check("demo", "12345", &farthest, &check_sum(SECRET, "12345", &farthest), -1), Code::Forbidden);
}

#[test]
fn a_checksum_of_anything_else_is_403() {
    let mut flipped = SUM.to_owned();
    flipped.replace_range(39.., "8");
    for sum in [flipped.as_str(), &SUM[..39], &format!("{SUM}0"), "x", &"g".repeat(40), &"é".repeat(20)] {
        assert_eq!(check("demo", "12345", "1451217360", sum, TIME), Code::Forbidden, "{sum}");
    }
    assert_eq!(check("demo", "12346", "1451217360", SUM, TIME), Code::Forbidden);
    assert_eq!(check("demo", "12345", "1451217361", SUM, TIME), Code::Forbidden);
}
