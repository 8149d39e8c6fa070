//! Dynamic tokens: which let in, whom, and until when (chatroom.md §d.1).

use crate::world::{APP, SECRET, World, claims, encoded};
use chatroom::account::{TokenKind, dynamic_token};
use chatroom::error::Code;
use chatroom::id::{AccountId, UnixMs};
use chatroom::limits::{TOKEN_LIVES_DEFAULT, TOKEN_SKEW_MS};
use proptest::prelude::*;

/// When the application was made: 2026-01-01.
const MADE: i64 = 1_767_225_600_000;
const DAY: i64 = 86_400_000;
/// Ten months later.
const NOW: i64 = MADE + 300 * DAY;

fn world() -> World {
    World::new(MADE, |_| {})
}

fn listing(lives: &[u64]) -> World {
    World::new(MADE, |tokens| tokens.listed = lives.to_vec())
}

fn token(account: &str, time: i64, life: u64) -> String {
    dynamic_token(APP, SECRET, account, time, life)
}

/// The claims of a token with another time and life, as a token.
fn with_digits(token: &str, time: &str, life: &str) -> String {
    let signature = claims(token)["signature"].as_str().unwrap().to_owned();
    encoded(&format!("{{\"signature\":\"{signature}\",\"curTime\":{time},\"ttl\":{life}}}"))
}

#[test]
fn a_dynamic_token_is_base64_of_the_json_of_signature_time_and_life() {
    let token = dynamic_token("key", "secret", "alice", 1_700_000_000_000, 600);
    // SHA1 of keyalice1700000000000600secret.
    let expected = "292bb71cc7ea8c2871a5cccb7dc39de995f35724";
    assert_eq!(claims(&token), serde_json::json!({ "signature": expected, "curTime": 1_700_000_000_000_i64, "ttl": 600 }));
}

#[test]
fn a_dynamic_token_is_valid_until_its_last_millisecond() {
    let (world, token) = (world(), token("alice", NOW, 600));
    assert_eq!(world.expires("alice", &token, NOW), Ok(NOW + 600_000));
    assert_eq!(world.expires("alice", &token, NOW + 599_999), Ok(NOW + 600_000));
    assert_eq!(world.code("alice", &token, NOW + 600_000), Code::TokenExpired);
    assert_eq!(world.code("alice", token.trim_end_matches('='), NOW), Code::Ok, "the padding may be missing");
}

#[test]
fn a_dynamic_token_from_a_clock_that_is_a_minute_ahead_is_taken_and_no_more() {
    let (world, token) = (world(), token("alice", NOW + TOKEN_SKEW_MS, 600));
    assert_eq!(world.code("alice", &token, NOW), Code::Ok);
    assert_eq!(world.code("alice", &token, NOW - 1), Code::WrongToken);
}

#[test]
fn a_token_of_somebody_else_or_changed_in_any_part_is_refused() {
    let world = world();
    let good = token("alice", NOW, 600);
    let wrong = [
        token("bob", NOW, 600),
        dynamic_token("other", SECRET, "alice", NOW, 600),
        dynamic_token(APP, "guess", "alice", NOW, 600),
        with_digits(&good, &(NOW + 1).to_string(), "600"),
        with_digits(&good, &NOW.to_string(), "3600"),
        encoded(r#"{"signature":"","curTime":1793145600000,"ttl":600}"#),
        encoded(r#"{"curTime":1793145600000,"ttl":600}"#),
        encoded("[]"),
        "not base64!".to_owned(),
    ];
    for token in &wrong {
        assert_eq!(world.code("alice", token, NOW), Code::WrongToken, "{token}");
    }
}

#[test]
fn digits_are_exact_in_time_and_life() {
    let world = world();
    let good = token("alice", NOW, 600);
    let time = NOW.to_string();
    assert_eq!(world.code("alice", &with_digits(&good, &time, "600"), NOW), Code::Ok);
    // The same digits in every other form JSON or a lenient reader has for them.
    for (time, life) in [
        (format!("\"{time}\""), "600".to_owned()),
        (time.clone(), "\"600\"".to_owned()),
        (format!("0{time}"), "600".to_owned()),
        (format!("+{time}"), "600".to_owned()),
        (format!("-{time}"), "600".to_owned()),
        (format!("{time}.0"), "600".to_owned()),
        (time.clone(), "600.0".to_owned()),
        (time.clone(), "6e2".to_owned()),
        (time.clone(), "0600".to_owned()),
        (time.clone(), "-600".to_owned()),
        (time.clone(), "null".to_owned()),
    ] {
        assert_eq!(world.code("alice", &with_digits(&good, &time, &life), NOW), Code::WrongToken, "{time} {life}");
    }
    // A time of twelve or fourteen digits, correctly signed.
    for time in [NOW / 10, 999_999_999_999, 10_000_000_000_000, 1, 0, -1, i64::MIN, i64::MAX] {
        assert_eq!(world.code("alice", &token("alice", time, 600), NOW), Code::WrongToken, "{time}");
    }
    for life in [0, 1, 61, 599, 86_401, 25 * 86_400, u64::MAX] {
        assert_eq!(world.code("alice", &token("alice", NOW, life), NOW), Code::WrongToken, "{life}");
    }
}

#[test]
fn the_usual_lives_are_listed_and_an_application_that_mints_others_is_told_to_list_them() {
    let usual: Vec<u64> = [60, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 28_800, 43_200]
        .into_iter()
        .chain((1..=24).map(|days| days * 86_400))
        .collect();
    assert_eq!(usual, TOKEN_LIVES_DEFAULT);
    let refused = world().refusal("alice", &token("alice", NOW, 5400), NOW);
    assert!(refused.desc.contains("5400") && refused.desc.contains("token_ttls") && refused.desc.contains("JWT"), "{refused}");
    assert_eq!(listing(&[5400]).code("alice", &token("alice", NOW, 5400), NOW), Code::Ok);
    // Only who has a good signature is told.
    let forged = world().refusal("alice", &dynamic_token(APP, "guess", "alice", NOW, 5400), NOW);
    assert!(!forged.desc.contains("token_ttls"), "{forged}");
}

#[test]
fn a_token_whose_digits_name_another_account_is_refused_and_the_words_name_both_ways_out() {
    // alice179 + 1793145600345 + 600 is alice + 1791793145600 + 345600 as well: eleven days old, and good for four.
    let now = 1_791_793_145_600 + DAY;
    let (honest, time) = (World::new(MADE, |_| {}), 1_791_800_000_345);
    let both = token("alice179", time, 600);
    let stolen = with_digits(&both, "1791791800000", "345600");
    for (account, token) in [("alice179", &both), ("alice", &stolen)] {
        let refused = honest.refusal(account, token, now.max(time));
        assert_eq!(refused.code, Code::WrongToken);
        assert!(refused.desc.contains("token_ttls") && refused.desc.contains("JWT"), "{account}: {refused}");
    }
    // Where the application lists what it mints, the digits have one reading.
    let one = listing(&[600]);
    assert_eq!((one.code("alice179", &both, time), one.code("alice", &stolen, time)), (Code::Ok, Code::WrongToken));
    // And so they have where it began to mint after the other reading.
    let late = World::new(MADE, |tokens| tokens.since = Some(UnixMs(1_791_795_000_000)));
    assert_eq!((late.code("alice179", &both, time), late.code("alice", &stolen, time)), (Code::Ok, Code::WrongToken));
}

#[test]
fn an_application_may_have_been_made_before_it_came_here() {
    // 2025-11, before it was made on this server, and it says so.
    let time = MADE - 50 * DAY;
    let both = token(&format!("alice{}", &time.to_string()[..3]), NOW, 600);
    assert_eq!(world().code(&format!("alice{}", &time.to_string()[..3]), &both, NOW), Code::Ok);
    // A clock that stands before the application was made makes nothing unambiguous.
    let early = World::new(NOW + 1000 * DAY, |_| {});
    let both = token("alice179", 1_791_800_000_345, 600);
    assert_eq!(early.code("alice179", &both, 1_791_800_000_345), Code::WrongToken);
}

#[test]
fn an_application_can_switch_the_format_off() {
    let off = World::new(MADE, |tokens| tokens.vendor = false);
    let refused = off.refusal("alice", &token("alice", NOW, 600), NOW);
    assert!(refused.code == Code::WrongToken && refused.desc.contains("JWT"), "{refused}");
    assert_eq!(off.code("alice", &chatroom::account::jwt(APP, SECRET, "alice", UnixMs(NOW), 60), NOW), Code::Ok);
}

/// Pseudo-random numbers that repeat themselves.
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 16) % bound
    }
}

#[test]
fn few_honest_tokens_are_refused_and_next_to_none_where_the_application_lists_its_life() {
    const TOKENS: u64 = 2_500;
    let lives = [600, 3_600, 86_400, 604_800, 2_073_600];
    let endings = ["a letter", "digits", "the time"];
    println!("share of honest tokens refused in an application's first year, of {TOKENS} each");
    println!("{:>8}  {:<10} {:>12} {:>12}", "life", "account", "usual lives", "this life");
    for life in lives {
        for ending in endings {
            let worlds = [world(), listing(&[life])];
            let mut draw = Draw(life);
            let refused = worlds.map(|world| {
                let refuses = |_: &u64| {
                    let time = MADE + draw.below(365 * DAY as u64) as i64;
                    let account = match ending {
                        "a letter" => "alice".to_owned(),
                        "digits" => format!("user{}", draw.below(1_000_000)),
                        _ => format!("alice{}", &time.to_string()[..3]),
                    };
                    world.code(&account, &token(&account, time, life), time) != Code::Ok
                };
                (0..TOKENS).filter(refuses).count() as f64 / TOKENS as f64
            });
            println!("{life:>8}  {ending:<10} {:>11.3}% {:>11.3}%", refused[0] * 100.0, refused[1] * 100.0);
            assert!(refused[0] <= 0.005, "{life} s, account that ends in {ending}: {refused:?}");
            assert!(refused[1] <= 0.0001, "{life} s, account that ends in {ending}: {refused:?}");
        }
    }
}

/// An account that an attacker would choose: what it ends in may be read as the beginning of a time.
fn account() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9]{1,20}", "[a-z]{1,4}1[678][0-9]{0,10}", "[0-9]{1,18}"]
}

/// A time of a token, often with an end that a life can begin with.
fn time() -> impl Strategy<Value = i64> {
    let ends = prop_oneof![Just(345), Just(777), Just(207), Just(1_209), Just(0), Just(3), Just(1)];
    let any = MADE..NOW;
    prop_oneof![any.clone(), (any, ends).prop_map(|(time, end)| time / 10_000 * 10_000 + end)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_cut_of_a_token_lets_another_account_in_or_this_one_for_longer(
        account in account(),
        time in time(),
        life in proptest::sample::select(&TOKEN_LIVES_DEFAULT[..]),
    ) {
        let world = world();
        let honest = token(&account, time, life);
        let text = format!("{account}{time}{life}");
        let ends = time + life as i64 * 1000;
        let digits = text.len() - text.bytes().rev().take_while(u8::is_ascii_digit).count();
        for name_end in digits.max(1)..text.len() - 1 {
            for time_end in name_end + 1..text.len() {
                let (other, cut_time, cut_life) = (&text[..name_end], &text[name_end..time_end], &text[time_end..]);
                if AccountId::parse(other).is_err() || (other == account && time_end == name_end + 13) {
                    continue;
                }
                let stolen = with_digits(&honest, cut_time, cut_life);
                let from = cut_time.parse().unwrap_or(i64::MAX);
                let until = from.saturating_add(cut_life.parse::<i64>().unwrap_or(i64::MAX).saturating_mul(1000));
                // Nobody has the token before it is made.
                for now in [time, ends, from, from.saturating_sub(TOKEN_SKEW_MS), until - 1].into_iter().filter(|now| *now >= time) {
                    prop_assert!(world.code(other, &stolen, now) != Code::Ok, "{text} lets {other} in at {now} as {cut_time} + {cut_life}");
                }
            }
        }
    }

    #[test]
    fn nothing_but_the_secret_makes_a_token(token in ".*", json in ".*", signature in "[0-9a-f]{40}", time: i64, life: u64) {
        let world = world();
        prop_assert!(world.code("alice", &token, NOW) != Code::Ok);
        prop_assert!(world.code("alice", &encoded(&json), NOW) != Code::Ok);
        let claims = format!(r#"{{"signature":"{signature}","curTime":{time},"ttl":{life}}}"#);
        prop_assert!(world.code("alice", &encoded(&claims), NOW) != Code::Ok);
    }
}

#[test]
fn a_renewal_takes_a_valid_token_of_the_kind_the_session_logged_in_with() {
    let world = world();
    let alice = AccountId::parse("alice").unwrap();
    let renew = |kind, token: &str| {
        let term = world.directory.verify_renewal(APP, &alice, kind, token, UnixMs(NOW)).map_err(|status| status.code)?;
        Ok(term.map(|term| term.expires.0))
    };
    let vendor = token("alice", NOW, 60);
    let jwt = chatroom::account::jwt(APP, SECRET, "alice", UnixMs(NOW), 60);
    for token in [&vendor, &jwt] {
        assert_eq!(renew(TokenKind::Dynamic, token), Ok(Some(NOW + 60_000)));
        assert_eq!(renew(TokenKind::Static, token), Err(Code::WrongToken));
        assert_eq!(renew(TokenKind::Anonymous, token), Err(Code::WrongToken));
    }
    assert_eq!(renew(TokenKind::Static, "t0k3n"), Ok(None));
    assert_eq!(renew(TokenKind::Dynamic, "t0k3n"), Err(Code::WrongToken));
    assert_eq!(renew(TokenKind::Anonymous, "t0k3n"), Err(Code::WrongToken));
    assert_eq!(renew(TokenKind::Dynamic, &token("alice", NOW - 60_000, 60)), Err(Code::WrongToken));
    assert_eq!(renew(TokenKind::Dynamic, &token("bob", NOW, 60)), Err(Code::WrongToken));
    assert_eq!(renew(TokenKind::Dynamic, ""), Err(Code::BadParameter));
}
