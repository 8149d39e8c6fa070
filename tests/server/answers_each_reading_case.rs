//! Every row of wire.md §2 against a real server: the exact answer, then the exact end, or the connection that lives on.

use std::time::Instant;

use crate::support::{PATIENCE, Peer, Server};
use bytes::{Bytes, BytesMut};
use chatroom::wire::frame::{FLAG_COMPRESSED, FLAG_RESPONSE};
use chatroom::wire::{Frame, PacketKind, Request, Response, pb};
use prost::Message as _;

const KIND_UNKNOWN: u16 = 0x7FFF;
const PING: u16 = PacketKind::Ping as u16;

/// A frame with a right checksum.
fn frame(flags: u8, kind: u16, sequence: u32, body: &[u8]) -> Vec<u8> {
    let mut bytes = BytesMut::new();
    Frame::new(kind, flags, sequence, Bytes::copy_from_slice(body)).encode(&mut bytes);
    bytes.to_vec()
}

/// A header that promises `length` bytes, and nothing after it. No checksum can be wrong yet.
fn promise(length: u32) -> Vec<u8> {
    let mut bytes = frame(0, PING, 1, b"");
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    bytes
}

fn next(peer: &mut Peer) -> Frame {
    peer.frame(Instant::now() + PATIENCE).expect("a frame comes")
}

/// Expects one `Status` push with this code, then the end of the connection.
fn expect_last_word(peer: &mut Peer, code: i32) -> pb::Status {
    let found = next(peer);
    assert_eq!((found.header.kind, found.header.sequence, found.header.flags), (0, 0, 0), "a status push: {found:?}");
    let status = pb::Status::decode(found.body).expect("a status push has a status");
    assert_eq!(status.code, code, "{}", status.desc);
    peer.expect_closed();
    status
}

/// Expects the answer to this request to be nothing but a status.
fn expect_answer(peer: &mut Peer, kind: u16, sequence: u32, code: i32) {
    let found = next(peer);
    assert_eq!((found.header.kind, found.header.sequence, found.header.flags), (kind, sequence, FLAG_RESPONSE));
    let status = pb::Status::decode(found.body).expect("every response can be read as a status");
    assert_eq!(status.code, code, "{}", status.desc);
}

/// Expects that nothing came before the answer to a ping sent now.
fn expect_alive(peer: &mut Peer) {
    peer.write(&frame(0, PING, 4_000_000_000, b"clock")).expect("the connection lives");
    let found = next(peer);
    assert_eq!((found.header.kind, found.header.sequence, found.header.flags), (PING, 4_000_000_000, FLAG_RESPONSE));
    assert_eq!(&found.body[..], b"clock");
}

/// A connection before and one after login.
fn both(server: &Server, account: &str) -> [Peer; 2] {
    [Peer::connect(server.wire), logged_in(server, account)]
}

fn logged_in(server: &Server, account: &str) -> Peer {
    let (peer, answer) = Peer::log_in(server, crate::support::peer::login(account, None));
    assert_eq!(answer.code, 0, "{}", answer.desc);
    peer
}

#[test]
fn an_incomplete_frame_waits_for_the_rest() {
    let server = Server::start_unlimited();
    for mut peer in both(&server, "waits") {
        let ping = frame(0, PING, 7, b"in pieces");
        for byte in &ping[..ping.len() - 1] {
            peer.write(&[*byte]).unwrap();
        }
        // Another connection is answered meanwhile, so the pieces have been read and nothing was said to them.
        expect_alive(&mut Peer::connect(server.wire));
        peer.write(&ping[ping.len() - 1..]).unwrap();
        assert_eq!(next(&mut peer), Frame::new(PING, FLAG_RESPONSE, 7, Bytes::from_static(b"in pieces")));
    }
}

#[test]
fn the_golden_ping_is_answered_before_login() {
    let server = Server::start_unlimited();
    let mut peer = Peer::connect(server.wire);
    peer.write(&[0xC1, 0, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0x4B, 0x5E, 0xAA, 0xE7]).unwrap();
    assert_eq!(next(&mut peer), Frame::new(PING, FLAG_RESPONSE, 1, Bytes::new()));
}

#[test]
fn another_protocol_is_closed_without_a_word() {
    let server = Server::start_unlimited();
    for bytes in [&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], b"\x16\x03\x01", b"\0", b"\xFF"] {
        for mut peer in both(&server, "other") {
            peer.write(bytes).unwrap();
            peer.expect_closed();
        }
    }
}

#[test]
fn an_unknown_version_is_told_the_known_ones() {
    let server = Server::start_unlimited();
    let mut whole = frame(0, PING, 1, b"");
    whole[0] = 0xC2;
    for bytes in [whole, vec![0xC0], vec![0xCF; 16]] {
        for mut peer in both(&server, "version") {
            peer.write(&bytes).unwrap();
            assert_eq!(expect_last_word(&mut peer, 201).supported_versions, [1]);
        }
    }
}

#[test]
fn a_login_of_another_version_is_told_the_known_ones() {
    let server = Server::start_unlimited();
    let mut peer = Peer::connect(server.wire);
    let request = pb::LoginRequest { protocol_version: 9, ..crate::support::peer::login("newer", None) };
    peer.write(&frame(0, PacketKind::Login as u16, 7, &request.encode_to_vec())).unwrap();
    let found = next(&mut peer);
    assert_eq!((found.header.kind, found.header.sequence), (PacketKind::Login as u16, 7));
    let status = pb::Status::decode(found.body).expect("every response can be read as a status");
    assert_eq!((status.code, &status.supported_versions[..]), (201, &[1][..]));
    peer.expect_closed();
}

#[test]
fn a_reserved_flag_ends_the_connection() {
    let server = Server::start_unlimited();
    for bit in 2..8 {
        for mut peer in both(&server, "flag") {
            peer.write(&frame(1 << bit, PING, 1, b"")).unwrap();
            expect_last_word(&mut peer, 509);
        }
    }
}

#[test]
fn a_compressed_frame_nobody_agreed_on_ends_the_connection() {
    let server = Server::start_unlimited();
    for mut peer in both(&server, "compressed") {
        peer.write(&frame(FLAG_COMPRESSED, PING, 1, &[0; 600])).unwrap();
        expect_last_word(&mut peer, 509);
    }
}

#[test]
fn a_length_over_the_limit_is_refused_by_its_header_alone() {
    let server = Server::start_unlimited();
    let (before, after) = (4 * 1024 - 16, 1024 * 1024 - 16);
    for length in [before + 1, 1 << 30, u32::MAX] {
        let mut peer = Peer::connect(server.wire);
        peer.write(&promise(length)).unwrap();
        expect_last_word(&mut peer, 509);
    }
    for length in [after + 1, 1 << 30, u32::MAX] {
        let mut peer = logged_in(&server, "length");
        peer.write(&promise(length)).unwrap();
        expect_last_word(&mut peer, 509);
    }
    // At the limit itself the server waits for the rest, so a second connection is answered and the first is still open.
    let mut peer = logged_in(&server, "length");
    let body = vec![0; after as usize];
    peer.write(&frame(0, KIND_UNKNOWN, 9, &body)).unwrap();
    expect_answer(&mut peer, KIND_UNKNOWN, 9, 404);
}

#[test]
fn a_wrong_checksum_ends_the_connection() {
    let server = Server::start_unlimited();
    for place in [8, 12, 15, 16] {
        for mut peer in both(&server, "checksum") {
            let mut bytes = frame(0, PING, 1, b"body");
            bytes[place] ^= 0x10;
            peer.write(&bytes).unwrap();
            expect_last_word(&mut peer, 509);
        }
    }
}

#[test]
fn an_unknown_request_is_answered_404_and_the_connection_lives() {
    let server = Server::start_unlimited();
    let mut peer = logged_in(&server, "unknown");
    for kind in [KIND_UNKNOWN, 0x1000, 0x00FF] {
        peer.write(&frame(0, kind, 11, b"\xFF\xFF")).unwrap();
        expect_answer(&mut peer, kind, 11, 404);
    }
    expect_alive(&mut peer);
}

#[test]
fn an_unknown_push_or_response_is_ignored() {
    let server = Server::start_unlimited();
    let mut peer = logged_in(&server, "ignored");
    peer.write(&frame(0, KIND_UNKNOWN, 0, b"push")).unwrap();
    peer.write(&frame(FLAG_RESPONSE, KIND_UNKNOWN, 12, b"response")).unwrap();
    expect_alive(&mut peer);
}

#[test]
fn a_response_nobody_waits_for_is_ignored() {
    let server = Server::start_unlimited();
    let mut peer = logged_in(&server, "unasked");
    peer.write(&frame(FLAG_RESPONSE, PING, 13, b"")).unwrap();
    peer.write(&frame(FLAG_RESPONSE, PacketKind::MessageSend as u16, 14, b"")).unwrap();
    expect_alive(&mut peer);
}

#[test]
fn a_body_that_is_no_protobuf_is_414_for_a_request_and_nothing_for_the_rest() {
    let server = Server::start_unlimited();
    let mut peer = logged_in(&server, "body");
    let kind = PacketKind::MessageSend as u16;
    peer.write(&frame(0, kind, 15, b"\xFF\xFF\xFF")).unwrap();
    expect_answer(&mut peer, kind, 15, 414);
    peer.write(&frame(0, PacketKind::Message as u16, 0, b"\xFF\xFF\xFF")).unwrap();
    peer.write(&frame(FLAG_RESPONSE, kind, 16, b"\xFF\xFF\xFF")).unwrap();
    expect_alive(&mut peer);
}

#[test]
fn a_login_that_is_no_protobuf_ends_the_connection() {
    let server = Server::start_unlimited();
    let mut peer = Peer::connect(server.wire);
    peer.write(&frame(0, PacketKind::Login as u16, 1, b"\xFF\xFF\xFF")).unwrap();
    expect_last_word(&mut peer, 509);
}

#[test]
fn anything_but_login_and_ping_before_login_ends_the_connection() {
    let server = Server::start_unlimited();
    let known = PacketKind::RoomInfo as u16;
    for bytes in
        [frame(0, known, 1, b""), frame(0, KIND_UNKNOWN, 1, b""), frame(0, known, 0, b""), frame(FLAG_RESPONSE, PING, 1, b"")]
    {
        let mut peer = Peer::connect(server.wire);
        peer.write(&bytes).unwrap();
        expect_last_word(&mut peer, 509);
    }
}

#[test]
fn many_frames_in_one_write_are_answered_each() {
    let server = Server::start_unlimited();
    let mut peer = logged_in(&server, "many");
    let bytes: Vec<u8> = (1..=500).flat_map(|sequence| frame(0, PING, 100 + sequence, &sequence.to_le_bytes())).collect();
    peer.write(&bytes).unwrap();
    for sequence in 1..=500_u32 {
        let body = Bytes::copy_from_slice(&sequence.to_le_bytes());
        assert_eq!(next(&mut peer), Frame::new(PING, FLAG_RESPONSE, 100 + sequence, body));
    }
}

#[test]
fn what_is_known_but_not_offered_says_so_and_the_connection_lives() {
    let server = Server::start_unlimited();
    let mut peer = logged_in(&server, "later");
    match peer.call(Request::MessageRecall(Default::default())) {
        Response::MessageRecall(status) => assert!(matches!(status.code, 414 | 514), "{status:?}"),
        other => panic!("a recall was answered with {other:?}"),
    }
    expect_alive(&mut peer);
}
