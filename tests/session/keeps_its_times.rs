//! Timers of chatroom.md §d.3 and the rates of §c.0, on both sides.

use crate::link::*;
use chatroom::error::Code;
use chatroom::id::Time;
use chatroom::session::{ClientOutput, CloseReason, Loss, ServerOutput, ServerSession, SessionConfig};
use chatroom::wire::{Packet, Push, Request, pb};

const SECOND: u64 = 1_000_000;

fn config() -> SessionConfig {
    SessionConfig::default()
}

/// Lets a server session's next timer go off, and gives the time at which it does.
fn next_timeout(session: &mut ServerSession, out: &mut Vec<ServerOutput>) -> Time {
    let at = session.deadline(&config());
    session.on_timeout(&config(), Time(at.0 - 1), out);
    assert!(out.is_empty(), "not a microsecond early: {out:?}");
    session.on_timeout(&config(), at, out);
    at
}

fn kicked(out: &[ServerOutput]) -> pb::Kicked {
    match &out[0] {
        ServerOutput::Transmit(bytes) => match packet(bytes) {
            Packet::Push(Push::Kicked(kicked)) => *kicked,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_transport_without_login_lives_ten_seconds_pings_or_not() {
    let mut session = ServerSession::new(&config(), Time(0));
    answer(&mut session, &config(), Time(9 * SECOND), request(1, Request::Ping("".into())));
    let mut out = Vec::new();
    assert_eq!(next_timeout(&mut session, &mut out), Time(10 * SECOND));
    assert_eq!(closed(&out), Some(CloseReason::LoginTimeout));
    assert!(kicked(&out).may_reconnect);
}

#[test]
fn ninety_seconds_of_silence_end_a_connection_and_any_frame_is_life() {
    let mut session = logged_in(&config());
    assert_eq!(session.deadline(&config()), Time(90 * SECOND));
    answer(&mut session, &config(), Time(60 * SECOND), raw(0x7777, 0, 0, b""));
    let mut out = Vec::new();
    assert_eq!(next_timeout(&mut session, &mut out), Time(150 * SECOND));
    assert_eq!(closed(&out), Some(CloseReason::IdleTimeout));
    let kicked = kicked(&out);
    assert_eq!((kicked.reason(), kicked.may_reconnect), (pb::KickReason::Silent, true));
}

#[test]
fn a_token_is_warned_of_thirty_seconds_before_it_ends_the_session() {
    let mut session = ServerSession::new(&config(), Time(0));
    answer(&mut session, &config(), Time(0), request(1, login()));
    session.accept_login(Time(0), Some(Time(80 * SECOND)));
    let mut out = Vec::new();
    assert_eq!(next_timeout(&mut session, &mut out), Time(50 * SECOND));
    let [ServerOutput::Transmit(bytes)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(packet(bytes), Packet::Push(Push::TokenWillExpire(pb::TokenWillExpire { seconds: 30 })));

    // S004-012: a renewal in time, and the same again for the new token.
    session.renewed(Time(55 * SECOND), Some(Time(120 * SECOND)));
    answer(&mut session, &config(), Time(60 * SECOND), request(2, Request::Ping("".into())));
    out.clear();
    assert_eq!(next_timeout(&mut session, &mut out), Time(90 * SECOND));
    out.clear();
    assert_eq!(next_timeout(&mut session, &mut out), Time(120 * SECOND));
    assert_eq!(closed(&out), Some(CloseReason::TokenExpired));
    let kicked = kicked(&out);
    assert_eq!((kicked.reason(), kicked.may_reconnect), (pb::KickReason::TokenExpired, false));
}

#[test]
fn a_token_with_less_left_is_warned_of_at_once_with_the_rest() {
    let mut session = ServerSession::new(&config(), Time(0));
    answer(&mut session, &config(), Time(0), request(1, login()));
    session.accept_login(Time(0), Some(Time(12 * SECOND + 1)));
    let mut out = Vec::new();
    session.on_timeout(&config(), Time(0), &mut out);
    let [ServerOutput::Transmit(bytes)] = &out[..] else { panic!("{out:?}") };
    assert_eq!(packet(bytes), Packet::Push(Push::TokenWillExpire(pb::TokenWillExpire { seconds: 12 })));
    out.clear();
    session.on_timeout(&config(), Time(SECOND), &mut out);
    assert!(out.is_empty(), "once");
}

#[test]
fn a_hundred_requests_at_once_then_fifty_a_second() {
    let mut session = logged_in(&config());
    let mut ask = |now: Time, sequence: u32| {
        let out = answer(&mut session, &config(), now, request(sequence, info()));
        match &out[..] {
            [ServerOutput::Request { sequence, .. }] => {
                session.answered(*sequence);
                Ok(())
            }
            out => {
                let (kind, answered, status) = status_in(out);
                assert_eq!((kind, answered, status.code, out.len()), (info().kind() as u16, sequence, 416, 1));
                Err(status.retry_after_ms)
            }
        }
    };
    assert!((1..=100).all(|sequence| ask(Time(0), sequence).is_ok()));
    assert_eq!(ask(Time(0), 101), Err(20), "one request every 20 ms");
    assert_eq!(ask(Time(15_000), 102), Err(5));
    assert_eq!(ask(Time(20_000), 103), Ok(()));
    assert_eq!(ask(Time(20_000), 104), Err(20));
    let granted = (0..1000).filter(|at| ask(Time(20_000 + at * 1000), 200 + *at as u32).is_ok()).count();
    assert_eq!(granted, 49, "999 ms at 50 a second");
    assert!((1..=100).all(|sequence| ask(Time(60 * SECOND), 10_000 + sequence).is_ok()), "no more than the burst is saved up");
    assert!(ask(Time(60 * SECOND), 20_000).is_err());
}

#[test]
fn no_limit_of_the_rate_is_none() {
    let config = SessionConfig { requests_per_second: 0, ..config() };
    let mut session = logged_in(&config);
    for sequence in 1..=5000 {
        let out = answer(&mut session, &config, Time(0), request(sequence, info()));
        assert!(matches!(out[..], [ServerOutput::Request { .. }]));
        session.answered(sequence);
    }
}

#[test]
fn as_many_requests_may_wait_as_the_bound_says() {
    let config = SessionConfig { requests_per_second: 0, ..config() };
    let mut session = logged_in(&config);
    for sequence in 1..=1024 {
        assert!(matches!(
            answer(&mut session, &config, Time(0), request(sequence, info()))[..],
            [ServerOutput::Request { .. }]
        ));
    }
    let (_, sequence, status) = status_in(&answer(&mut session, &config, Time(0), request(1025, info())));
    assert_eq!((sequence, status.code), (1025, 503));
    session.answered(500);
    assert!(matches!(answer(&mut session, &config, Time(0), request(1025, info()))[..], [ServerOutput::Request { .. }]));
}

#[test]
fn a_client_beats_after_thirty_seconds_of_silence() {
    let mut link = Link::in_room_1();
    link.pass_ms(29_999);
    assert!(link.to_server.is_empty());
    link.pass_ms(1);
    assert!(matches!(packet(&link.to_server[0]), Packet::Request { request: Request::Ping(_), .. }));
    link.turn();
    link.pass_ms(20_000);
    link.request(info()).unwrap();
    link.turn();
    link.pass_ms(8_000);
    assert_eq!(link.take_results()[0].1.as_ref().unwrap_err().code, Code::Timeout);
    assert_eq!(link.to_server.len(), 1, "nothing at all has arrived since: a beat at once");
    link.turn();
    link.pass_ms(29_999);
    assert!(link.to_server.is_empty(), "the beat has put the next one off");
    link.pass_ms(1);
    assert_eq!(link.to_server.len(), 1);
    assert_eq!((link.closed, link.client.ignored()), (None, 0));
}

/// The pings among what the client has sent, taken; the rest is lost on its way.
fn pings(link: &mut Link) -> usize {
    let sent = std::mem::take(&mut link.to_server);
    sent.iter().filter(|bytes| matches!(packet(bytes), Packet::Request { request: Request::Ping(_), .. })).count()
}

// chatroom.md §d.3
#[test]
fn a_client_that_keeps_talking_into_a_dead_link_notices_within_thirteen_seconds() {
    let mut link = Link::in_room_1();
    for second in 0..8 {
        link.request(send(&format!("m{second}"))).unwrap();
        link.pass_ms(1_000);
        assert_eq!(pings(&mut link), usize::from(second == 7), "eight seconds after the first send");
    }
    link.request(send("m8")).unwrap();
    link.pass_ms(4_999);
    assert_eq!(link.closed, None);
    link.pass_ms(1);
    assert_eq!(link.closed, Some(CloseReason::PingTimeout));
    assert_eq!(link.cut(), Loss::Retry);
}

#[test]
fn an_unanswered_request_is_no_sign_of_death_while_anything_arrives() {
    let mut link = Link::in_room_1();
    link.request(send("m1")).unwrap();
    link.pass_ms(4_000);
    link.push(&message(11, "bob", "b1"));
    link.deliver_to_client();
    link.pass_ms(4_000);
    assert_eq!(link.take_results().len(), 1, "408");
    assert_eq!(pings(&mut link), 0);
}

#[test]
fn a_client_that_hears_nothing_for_thirty_seconds_beats_however_much_it_says() {
    let mut link = Link::new(pb::LoginRequest::default());
    // More patient with answers than with silence.
    let config = chatroom::session::ClientConfig { response_timeout_ms: 60_000, ..Default::default() };
    link.client = chatroom::session::ClientSession::new(config, 42, link.now);
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse::default());
    link.turn();
    for _ in 0..29 {
        link.pass_ms(1_000);
        link.request(info()).unwrap();
    }
    assert_eq!(pings(&mut link), 0);
    link.pass_ms(1_000);
    assert_eq!(pings(&mut link), 1);
    // Nor does one that reads nothing by itself; but the server is told that it lives.
    let now = link.now;
    link.push(&message(1, "bob", "b1"));
    link.deliver_to_client();
    link.client.pause();
    for _ in 0..35 {
        link.pass_ms(1_000);
        link.request(info()).unwrap();
    }
    assert_eq!((pings(&mut link), link.closed), (0, None));
    link.pass_ms(30_000);
    assert_eq!((pings(&mut link), link.now), (1, now.plus_ms(65_000)));
}

#[test]
fn a_send_ends_after_its_deadline_and_is_never_sent_again() {
    let mut link = Link::in_room_1();
    let id = link.request(send("m1")).unwrap();
    link.turn();
    link.pass_ms(1_000);
    link.cut();
    // Still within its time it is repeated, once per connection.
    link.pass_ms(54_000);
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { resume_token: "r2".into(), enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    assert!(matches!(&link.asked[..], [(_, Request::MessageSend(send))] if send.resend && send.message_id == "m1"));
    link.cut();
    link.pass_ms(4_999);
    assert!(link.take_results().is_empty());
    link.pass_ms(1);
    let results = link.take_results();
    assert_eq!((results[0].0, results[0].1.as_ref().unwrap_err().code), (id, Code::Timeout), "60 s after it was accepted");
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { resume_token: "r3".into(), enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    assert!(link.asked.is_empty());
}

#[test]
fn a_send_whose_time_passed_unnoticed_is_not_sent_by_the_login_that_is_read_first() {
    let mut link = Link::in_room_1();
    let id = link.request(send("m1")).unwrap();
    link.turn();
    link.cut();
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    // The process was stopped meanwhile: the answer lies there, and no timer has gone off.
    link.now = link.now.plus_ms(60_000);
    link.turn();
    assert!(link.asked.is_empty(), "{:?}", link.asked);
    let results = link.take_results();
    assert_eq!((results[0].0, results[0].1.as_ref().unwrap_err().code), (id, Code::Timeout));
}

#[test]
fn the_answer_to_a_send_is_not_waited_for_beyond_its_deadline() {
    let mut link = Link::in_room_1();
    link.cut();
    link.request(send("m1")).unwrap();
    link.pass_ms(58_000);
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    link.pass_ms(1_999);
    assert!(link.take_results().is_empty());
    link.pass_ms(1);
    assert_eq!(link.take_results()[0].1.as_ref().unwrap_err().code, Code::Timeout);
}

#[test]
fn what_is_cancelled_while_it_waits_is_never_sent() {
    let mut link = Link::in_room_1();
    let sent = link.request(send("m1")).unwrap();
    link.turn();
    link.cut();
    let waiting = link.request(send("m2")).unwrap();
    for id in [sent, waiting, waiting] {
        link.drive(|client, _, out| client.cancel(id, out));
    }
    let results = link.take_results();
    let desc = |at: usize| results[at].1.as_ref().unwrap_err().desc.to_string();
    assert_eq!(results.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [sent, waiting], "once each");
    assert!(results.iter().all(|(_, result)| result.as_ref().unwrap_err().code == Code::Cancelled));
    assert!(desc(0).contains("may have been done") && desc(1).contains("before it was sent"));
    link.up();
    link.turn();
    link.welcome(pb::LoginResponse { enter: Some(entered(1, 5, 10)), ..Default::default() });
    link.turn();
    assert!(link.asked.is_empty());
}

#[test]
fn a_beat_without_echo_for_five_seconds_is_death_unless_anything_is_heard() {
    let mut link = Link::in_room_1();
    link.pass_ms(30_000);
    link.pass_ms(4_000);
    link.push(&message(11, "bob", "m1"));
    link.deliver_to_client();
    link.pass_ms(10_000);
    assert_eq!(link.closed, None, "a message is life");
    link.pass_ms(16_000);
    link.pass_ms(4_999);
    assert_eq!(link.closed, None);
    link.pass_ms(1);
    assert_eq!(link.closed, Some(CloseReason::PingTimeout));
    assert_eq!(link.cut(), Loss::Retry);
}

#[test]
fn a_client_that_does_not_read_does_not_call_the_server_dead() {
    let mut link = Link::in_room_1();
    link.client.pause();
    link.pass_ms(60_000);
    assert_eq!(link.closed, None);
    let now = link.now;
    link.client.unpause(now);
    link.pass_ms(4_999);
    assert_eq!(link.closed, None);
    link.pass_ms(1);
    assert_eq!(link.closed, Some(CloseReason::PingTimeout));
}

#[test]
fn a_request_ends_after_eight_seconds_and_its_late_answer_is_ignored() {
    let mut link = Link::in_room_1();
    let id = link.request(send("m1")).unwrap();
    link.turn();
    let (sequence, _) = link.asked[0];
    link.pass_ms(7_999);
    assert!(link.take_results().is_empty());
    link.pass_ms(1);
    let results = link.take_results();
    assert_eq!((results[0].0, results[0].1.as_ref().unwrap_err().code), (id, Code::Timeout));
    link.answer(sequence, &chatroom::wire::Response::MessageSend(pb::MessageSendResponse::default()));
    link.turn();
    assert!(link.take_results().is_empty());
    assert_eq!((link.client.ignored(), link.closed), (1, None));
}

#[test]
fn a_login_without_answer_is_tried_again_elsewhere_after_eight_seconds() {
    let mut link = Link::new(pb::LoginRequest::default());
    link.up();
    link.pass_ms(8_000);
    assert!(matches!(&link.told[..], [ClientOutput::LoginRefused(status)] if status.code == Code::Timeout));
    assert_eq!(link.closed, Some(CloseReason::LoginTimeout));
    assert_eq!(link.cut(), Loss::Retry);
}

#[test]
fn what_waits_for_a_connection_ends_after_eight_seconds_and_a_send_after_sixty() {
    let mut link = Link::in_room_1();
    link.cut();
    let asked = link.request(info()).unwrap();
    link.request(send("m1")).unwrap();
    link.pass_ms(8_000);
    let results = link.take_results();
    assert_eq!(results.len(), 1);
    assert_eq!((results[0].0, results[0].1.as_ref().unwrap_err().code), (asked, Code::Timeout));
    assert_eq!(link.client.requests_open(), 1);
    link.pass_ms(51_999);
    assert_eq!(link.client.requests_open(), 1);
    link.pass_ms(1);
    assert_eq!(link.take_results()[0].1.as_ref().unwrap_err().code, Code::Timeout);
    assert_eq!(link.client.deadline(), None);
}
