//! Every row of the table in wire.md §2, and the order of a connection's life in §4.

use crate::link::*;
use bytes::BytesMut;
use chatroom::id::Time;
use chatroom::session::{CloseReason, ProtocolError, ServerOutput, ServerSession, SessionConfig};
use chatroom::wire::frame::FLAG_RESPONSE;
use chatroom::wire::{FrameCodec, FrameError, PacketKind, Request, Response, pb};
use tokio_util::codec::Decoder;

const T0: Time = Time(0);

fn config() -> SessionConfig {
    SessionConfig::default()
}

/// What the server says to bytes that are no frame.
fn on_bytes(bytes: &[u8]) -> Vec<ServerOutput> {
    let mut session = ServerSession::new(&config(), T0);
    let mut codec = FrameCodec::new(session.frame_bytes_max(&config()));
    let error = codec.decode(&mut BytesMut::from(bytes)).expect_err("not a frame");
    let mut out = Vec::new();
    session.on_frame_error(error, &mut out);
    assert_eq!(session.deadline(&config()), Time(u64::MAX), "a closed session waits for nothing");
    out
}

#[test]
fn another_protocol_is_closed_without_a_word() {
    assert_eq!(on_bytes(b"GET / HTTP/1.1\r\n"), [ServerOutput::Close(CloseReason::NotOurs)]);
}

#[test]
fn an_unknown_version_is_told_the_known_ones() {
    let out = on_bytes(&[0xC2]);
    let (kind, sequence, status) = status_in(&out);
    assert_eq!((kind, sequence, status.code), (0, 0, 201));
    assert_eq!(status.supported_versions, [1]);
    assert!(matches!(
        closed(&out),
        Some(CloseReason::Protocol(ProtocolError::Frame(FrameError::UnknownVersion { version: 2 })))
    ));
}

#[test]
fn a_reserved_flag_a_long_frame_a_wrong_checksum_and_compression_are_509() {
    let mut good = BytesMut::new();
    Request::Ping("body".into()).encode(1, &mut good);
    let flagged: Vec<u8> = good.iter().enumerate().map(|(at, byte)| if at == 1 { 0b100 } else { *byte }).collect();
    let mut long = good.to_vec();
    long[4..8].copy_from_slice(&(4096u32 - 15).to_le_bytes());
    let mut torn = good.to_vec();
    torn[16] ^= 1;
    let mut squeezed = BytesMut::new();
    raw(1, 0b10, 1, b"x").encode(&mut squeezed);
    for bytes in [&flagged[..], &long[..16], &torn[..], &squeezed[..]] {
        let out = on_bytes(bytes);
        let (kind, sequence, status) = status_in(&out);
        assert_eq!((kind, sequence, status.code), (PacketKind::Status as u16, 0, 509));
        assert!(matches!(closed(&out), Some(CloseReason::Protocol(ProtocolError::Frame(_)))));
    }
}

#[test]
fn a_lost_transport_is_not_talked_to() {
    let mut session = ServerSession::new(&config(), T0);
    let mut out = Vec::new();
    session.on_frame_error(FrameError::Transport, &mut out);
    session.on_frame_error(FrameError::Transport, &mut out);
    assert_eq!(out, [ServerOutput::Close(CloseReason::TransportLost)], "and closed once");
}

#[test]
fn before_login_only_login_and_ping_are_heard() {
    let kinds = [PacketKind::RoomInfo, PacketKind::Logout, PacketKind::MessageSend];
    let mut frames: Vec<_> = kinds.iter().map(|kind| raw(*kind as u16, 0, 1, b"")).collect();
    frames.push(raw(0x7777, 0, 1, b""));
    frames.push(raw(PacketKind::Message as u16, 0, 0, b""));
    frames.push(raw(PacketKind::RoomInfo as u16, FLAG_RESPONSE, 1, b""));
    frames.push(raw(PacketKind::Login as u16, 0, 1, &[0xFF, 0xFF]));
    for frame in frames {
        let kind = frame.header.kind;
        let out = answer(&mut ServerSession::new(&config(), T0), &config(), T0, frame);
        let (status_kind, sequence, status) = status_in(&out);
        assert_eq!((status_kind, sequence, status.code), (PacketKind::Status as u16, 0, 509), "kind {kind:#06x}");
        let wanted = match kind {
            2 => ProtocolError::BadBody { kind },
            kind => ProtocolError::BeforeLogin { kind },
        };
        assert_eq!(closed(&out), Some(CloseReason::Protocol(wanted)));
    }
}

#[test]
fn a_login_is_not_yet_accepted_while_it_is_verified() {
    let mut session = ServerSession::new(&config(), T0);
    answer(&mut session, &config(), T0, request(1, login()));
    assert!(!session.is_logged_in());
    assert_eq!(session.frame_bytes_max(&config()), 4096);
    let out = answer(&mut session, &config(), T0, request(2, Request::Ping("now?".into())));
    assert!(matches!(&out[..], [ServerOutput::Transmit(_)]));
    assert!(closed(&answer(&mut session, &config(), T0, request(3, info()))).is_some());
    session.accept_login(T0, None);
    assert!(!session.is_logged_in(), "what is closed stays closed");
}

#[test]
fn a_refused_login_is_the_end() {
    let mut session = ServerSession::new(&config(), T0);
    answer(&mut session, &config(), T0, request(1, login()));
    session.refuse_login();
    assert!(answer(&mut session, &config(), T0, request(2, login())).is_empty());
}

#[test]
fn a_ping_comes_back_before_and_after_login_up_to_64_bytes() {
    for mut session in [ServerSession::new(&config(), T0), logged_in(&config())] {
        let body = vec![7; 64];
        let out = answer(&mut session, &config(), T0, request(9, Request::Ping(body.clone().into())));
        let [ServerOutput::Transmit(bytes)] = &out[..] else { panic!("{out:?}") };
        assert_eq!(frame(bytes), response(9, &Response::Ping(body.into())));
        let out = answer(&mut session, &config(), T0, request(10, Request::Ping(vec![7; 65].into())));
        let (kind, sequence, status) = status_in(&out);
        assert_eq!((kind, sequence, status.code), (1, 10, 414));
        assert_eq!(closed(&out), None);
    }
}

#[test]
fn after_login_nonsense_is_answered_and_the_connection_lives() {
    let mut session = logged_in(&config());
    let cases = [
        (raw(0x7777, 0, 5, b"?"), 404),
        (raw(PacketKind::Kicked as u16, 0, 5, b""), 404),
        (raw(PacketKind::RoomInfo as u16, 0, 5, &[0xFF, 0xFF]), 414),
        (request(5, login()), 417),
    ];
    for (frame, code) in cases {
        let kind = frame.header.kind;
        let out = answer(&mut session, &config(), T0, frame);
        let (status_kind, sequence, status) = status_in(&out);
        assert_eq!((status_kind, sequence, status.code), (kind, 5, code));
        assert_eq!((out.len(), closed(&out)), (1, None));
    }
    assert_eq!(session.requests_in_flight(), 0, "what was answered at once does not wait");
}

#[test]
fn pushes_and_responses_of_a_client_are_ignored_and_counted() {
    let mut session = logged_in(&config());
    let frames = [
        raw(0x7777, 0, 0, b"?"),
        raw(PacketKind::Message as u16, 0, 0, &[0xFF]),
        raw(0x7777, FLAG_RESPONSE, 3, b""),
        raw(PacketKind::RoomInfo as u16, FLAG_RESPONSE, 3, b""),
    ];
    for frame in frames {
        assert!(answer(&mut session, &config(), T0, frame).is_empty());
    }
    assert_eq!(session.ignored(), 4);
    assert!(session.is_logged_in());
}

#[test]
fn a_sequence_that_still_waits_may_not_come_again() {
    let mut session = logged_in(&config());
    answer(&mut session, &config(), T0, request(8, info()));
    session.answered(8);
    let out = answer(&mut session, &config(), T0, request(8, info()));
    assert!(matches!(out[..], [ServerOutput::Request { sequence: 8, .. }]), "free again: {out:?}");
    let out = answer(&mut session, &config(), T0, request(8, info()));
    assert_eq!(status_in(&out).2.code, 509);
    assert_eq!(closed(&out), Some(CloseReason::Protocol(ProtocolError::SequenceReused { sequence: 8 })));
    assert!(answer(&mut session, &config(), T0, request(9, info())).is_empty(), "nothing is heard any more");
}

#[test]
fn every_kind_of_request_reaches_its_owner() {
    let mut session = logged_in(&config());
    let out = answer(&mut session, &config(), T0, request(2, Request::RenewToken(pb::RenewTokenRequest { token: "t".into() })));
    assert_eq!(out, [ServerOutput::RenewToken { sequence: 2, token: "t".into() }]);
    let out = answer(&mut session, &config(), T0, request(3, Request::Logout(pb::LogoutRequest {})));
    assert_eq!(out, [ServerOutput::Logout { sequence: 3 }]);
    let out = answer(&mut session, &config(), T0, request(4, info()));
    assert_eq!(out, [ServerOutput::Request { sequence: 4, request: info() }]);
    assert_eq!(session.requests_in_flight(), 3);
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_a_session_panic_or_speak_after_its_end(
        frames in proptest::collection::vec(
            (0u16..0x0500, 0u8..2, 0u32..6, proptest::collection::vec(proptest::prelude::any::<u8>(), 0..24)), 0..40),
        starts_logged_in: bool,
    ) {
        let config = config();
        let mut session = if starts_logged_in { logged_in(&config) } else { ServerSession::new(&config, T0) };
        let mut is_closed = false;
        for (kind, flags, sequence, body) in frames {
            let out = answer(&mut session, &config, T0, raw(kind, flags, sequence, &body));
            proptest::prop_assert!(!is_closed || out.is_empty());
            is_closed |= closed(&out).is_some();
            proptest::prop_assert!(!is_closed || matches!(out.last(), None | Some(ServerOutput::Close(_))));
        }
    }
}
