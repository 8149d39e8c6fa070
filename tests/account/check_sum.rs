//! The checksum of HTTP calls: rest-api.md §1.1, in the order of its table.

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
    let call = HttpCall { app_key, nonce, cur_time, check_sum: sum };
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
    let long = "n".repeat(4097);
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
        // Signed alike: a digit of the nonce moved to the time, and one of the time to the nonce.
        ("demo", "1234", "51451217360", SUM),
        ("demo", "123451", "451217360", SUM),
        ("demo", "1234", "01451217360", SUM),
        ("demo", "12345", " 1451217360", SUM),
        ("nobody", &long, "1451217360", SUM),
    ] {
        assert_eq!(check(app_key, nonce, cur_time, sum, TIME), Code::BadParameter, "{app_key} {nonce} {cur_time} {sum}");
    }
    let nonce = "n".repeat(4096);
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
        [(TIME - 300, Code::Ok), (TIME + 300, Code::Ok), (TIME - 301, Code::BadParameter), (TIME + 301, Code::BadParameter)]
    {
        assert_eq!(check("demo", "12345", "1451217360", SUM, now), expected, "{now}");
    }
    let farthest = "9999999999";
    assert_eq!(check("demo", "12345", farthest, &check_sum(SECRET, "12345", farthest), i64::MIN / 1000), Code::BadParameter);
}

#[test]
fn a_checksum_of_anything_else_is_414() {
    let mut flipped = SUM.to_owned();
    flipped.replace_range(39.., "8");
    for sum in [flipped.as_str(), &SUM[..39], &format!("{SUM}0"), "x", &"g".repeat(40), &"é".repeat(20)] {
        assert_eq!(check("demo", "12345", "1451217360", sum, TIME), Code::BadParameter, "{sum}");
    }
    assert_eq!(check("demo", "12346", "1451217360", SUM, TIME), Code::BadParameter);
    assert_eq!(check("demo", "12345", "1451217361", SUM, TIME), Code::BadParameter);
}

#[test]
fn the_signature_of_a_webhook_that_was_overheard_makes_no_call() {
    // Posted on 2027-02-05; the last ten digits of its time are a second of the next night.
    let (posted_ms, call_seconds) = (1_801_801_900_000_i64, 1_801_900_000_i64);
    let digest = chatroom::account::body_digest(b"{}");
    let overheard = check_sum(SECRET, &digest, &posted_ms.to_string());
    let posted = posted_ms.to_string();
    let (before, cur_time) = posted.split_at(3);
    assert_eq!(cur_time, call_seconds.to_string());
    let nonce = format!("{digest}{before}");
    assert_eq!(check("demo", &nonce, cur_time, &overheard, call_seconds), Code::BadParameter);
    // A nonce of that form which no webhook can have had is as good as any.
    for before in ["999", "000", "17", "1801", "abc"] {
        let nonce = format!("{digest}{before}");
        assert_eq!(check("demo", &nonce, cur_time, &check_sum(SECRET, &nonce, cur_time), call_seconds), Code::Ok, "{before}");
    }
}

/// Nanoseconds that checking a call takes: the median of many batches, each of the variants in turn so that what disturbs one disturbs all.
fn medians(directory: &Directory, variants: &[HttpCall<'_>]) -> Vec<f64> {
    const BATCH: u32 = 64;
    const ROUNDS: usize = 401;
    let mut times = vec![Vec::with_capacity(ROUNDS); variants.len()];
    for round in 0..ROUNDS {
        for step in 0..variants.len() {
            let at = (round + step) % variants.len();
            let began = std::time::Instant::now();
            for _ in 0..BATCH {
                std::hint::black_box(directory.check_http(std::hint::black_box(&variants[at]), UnixMs(TIME * 1000))).ok();
            }
            times[at].push(began.elapsed().as_nanos() as f64 / f64::from(BATCH));
        }
    }
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    times.into_iter().map(median).collect()
}

#[test]
fn a_wrong_checksum_takes_as_long_wherever_it_is_wrong_and_whoever_it_names() {
    // S002-003
    let directory = Directory::new(Arc::new(Nowhere), false);
    directory.insert_app(App::new("demo", Secret::new(SECRET)).unwrap());
    directory.insert_app(App { disabled: true, ..App::new("gone", Secret::new(SECRET)).unwrap() });
    // As long as one block of SHA1, so that leaving it out would show.
    let nonce = "n".repeat(128);
    let right = check_sum(SECRET, &nonce, "1451217360");
    let wrong_at = |at: usize| {
        let other = if right.as_bytes()[at] == b'0' { "1" } else { "0" };
        format!("{}{other}{}", &right[..at], &right[at + 1..])
    };
    let (first, middle, last) = (wrong_at(0), wrong_at(20), wrong_at(39));
    let call = |app_key, cur_time, check_sum| HttpCall { app_key, nonce: &nonce, cur_time, check_sum };
    let variants = [
        call("demo", "1451217360", &first),
        call("demo", "1451217360", &middle),
        call("demo", "1451217360", &last),
        call("who?", "1451217360", &last),
        call("gone", "1451217360", &last),
        call("demo", "1451210000", &last),
    ];
    // A machine that is busy with something else may spoil a measurement; a program that leaks spoils all of them.
    let mut seen = Vec::new();
    for _ in 0..8 {
        let times = medians(&directory, &variants);
        let (least, most) = (times.iter().copied().fold(f64::MAX, f64::min), times.iter().copied().fold(0.0, f64::max));
        let (digits_least, digits_most) =
            (times[..3].iter().copied().fold(f64::MAX, f64::min), times[..3].iter().copied().fold(0.0, f64::max));
        println!("{times:.0?} ns");
        if digits_most <= digits_least * 1.03 && most <= least * 1.10 {
            return;
        }
        seen.push(times);
    }
    panic!("the time of a refusal tells something: {seen:.0?} ns");
}
