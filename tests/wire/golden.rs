//! The bytes of wire.md, held to one by one: golden frames of every kind, every cut, every flipped bit, and what is refused.
//!
//! `CHATROOM_BLESS=1` writes the golden frames anew, which a released version never does.

use std::collections::BTreeSet;
use std::fs;

use crate::wire_files::{blessing, bytes, golden, hex, path};
use bytes::{Bytes, BytesMut};
use chatroom::limits::{FRAME_BYTES_MAX, FRAME_BYTES_MAX_BEFORE_LOGIN, HEADER_BYTES};
use chatroom::wire::packet::encode_history;
use chatroom::wire::{
    Frame, FrameCodec, FrameError, Packet, PacketError, PacketKind, Push, Request, Response, describe, pb, store,
};
use prost::Message;
use tokio_util::codec::{Decoder, Encoder};

fn encoded(packet: &Packet) -> BytesMut {
    let mut bytes = BytesMut::new();
    packet.encode(&mut bytes);
    bytes
}

fn decode(bytes: &[u8]) -> Result<Option<Frame>, FrameError> {
    FrameCodec::default().decode(&mut BytesMut::from(bytes))
}

#[test]
fn the_frame_of_the_specification_is_reproduced() {
    let expected = bytes("C1 00 01 00 00 00 00 00 01 00 00 00 4B 5E AA E7");
    let ping = Packet::Request { sequence: 1, request: Request::Ping(Bytes::new()) };
    assert_eq!(encoded(&ping), expected);
    assert_eq!(Packet::decode(decode(&expected).unwrap().unwrap()), Ok(ping));
}

#[test]
fn golden_frames_decode_and_encode_to_the_same_bytes() {
    let mut samples = crate::samples::samples();
    let with_sample: BTreeSet<String> = samples.iter().map(|(name, _)| name.clone()).collect();
    let kept = golden();
    for name in crate::made_up::names().difference(&with_sample) {
        let packet = match kept.get(name) {
            Some(bytes) => Packet::decode(decode(bytes).unwrap().unwrap()).unwrap(),
            None => crate::made_up::made_up(name),
        };
        samples.push((name.clone(), packet));
    }
    if blessing() {
        for (name, packet) in &samples {
            let bytes = encoded(packet);
            let description = describe(&decode(&bytes).unwrap().unwrap());
            let title = description.lines().next().unwrap().split(", ").take(2).collect::<Vec<_>>().join(", ");
            fs::write(path(&format!("tests/data/wire/{name}.hex")), format!("# {title}\n{}", hex(&bytes))).unwrap();
        }
    }
    let mut golden = golden();
    for (name, packet) in samples {
        let bytes = golden.remove(&name).unwrap_or_else(|| panic!("{name}.hex is missing; CHATROOM_BLESS=1 writes it"));
        let mut buffer = BytesMut::from(&bytes[..]);
        let frame = FrameCodec::default().decode(&mut buffer).unwrap().unwrap();
        assert!(buffer.is_empty(), "{name} is one frame");
        let decoded = Packet::decode(frame.clone()).unwrap();
        assert_eq!(decoded, packet, "{name}");
        assert_eq!(encoded(&decoded), bytes, "{name}");
        let mut again = BytesMut::new();
        FrameCodec::default().encode(frame, &mut again).unwrap();
        assert_eq!(again, bytes, "{name}");
    }
    assert!(golden.is_empty(), "files without a sample: {:?}", golden.keys());
}

#[test]
fn a_packet_of_every_kind_can_be_made_up_and_travels() {
    for name in crate::made_up::names() {
        let packet = crate::made_up::made_up(&name);
        let frame = decode(&encoded(&packet)).unwrap().unwrap();
        assert_eq!(Packet::decode(frame.clone()), Ok(packet), "{name}");
        // Requests without fields, and answers that are only a status, have nothing to say.
        let is_bare = describe(&frame).lines().filter(|line| !line.contains("status: 200")).count() == 1;
        let says_nothing = ["ping", "logout", "room_leave_all"].iter().any(|bare| name.starts_with(bare));
        assert!(!is_bare || says_nothing || name.ends_with("_response"), "{name}");
    }
}

#[test]
fn every_kind_has_its_golden_frames_and_no_other() {
    let names: BTreeSet<String> = golden().into_keys().collect();
    for kind in (0..=u16::MAX).filter_map(|number| PacketKind::try_from(i32::from(number)).ok()) {
        let (number, name) = (kind as u16, kind.as_str_name().trim_start_matches("PACKET_KIND_").to_ascii_lowercase());
        let unknown = PacketError::UnknownKind { kind: number };
        let roles = [
            ("request", Request::decode(number, Bytes::new()).err()),
            ("response", Response::decode(number, Bytes::new()).err()),
            ("push", Push::decode(number, Bytes::new()).err()),
        ];
        let mut found = 0;
        for (role, error) in roles {
            let offered = error.as_ref() != Some(&unknown);
            assert_eq!(names.contains(&format!("{name}_{role}")), offered, "{name}_{role}");
            found += usize::from(offered);
        }
        assert!(found > 0, "{name}");
        // wire.md §3: pushes of a block start at 0x80 within it; a status is the one exception.
        let is_push = Push::decode(number, Bytes::new()).err() != Some(unknown);
        assert_eq!(is_push, number & 0xFF >= 0x80 || kind == PacketKind::Status, "{name}");
    }
}

#[test]
fn every_response_can_be_read_as_a_status() {
    for (name, bytes) in golden().into_iter().filter(|(name, _)| name.ends_with("_response") && !name.contains("ping")) {
        let status = pb::Status::decode(decode(&bytes).unwrap().unwrap().body).unwrap();
        let refused = ["member_kick_response", "room_close_response"].contains(&name.as_str());
        assert_eq!((status.code, status.sub), if refused { (403, 113_428) } else { (0, 0) }, "{name}");
    }
}

#[test]
fn frames_fed_byte_by_byte_are_the_same_frames() {
    let stream: Vec<u8> = golden().into_values().flatten().collect();
    let (mut codec, mut whole) = (FrameCodec::default(), BytesMut::from(&stream[..]));
    let expected: Vec<Frame> = std::iter::from_fn(|| codec.decode(&mut whole).unwrap()).collect();
    assert_eq!(expected.len(), golden().len());

    let (mut buffer, mut found) = (BytesMut::new(), Vec::new());
    for byte in &stream {
        buffer.extend_from_slice(&[*byte]);
        found.extend(codec.decode(&mut buffer).unwrap());
    }
    assert!(buffer.is_empty());
    assert_eq!(found, expected);
}

#[test]
fn a_cut_frame_is_waited_for_and_never_an_error() {
    for (name, bytes) in golden() {
        for cut in 0..bytes.len() {
            assert_eq!(decode(&bytes[..cut]), Ok(None), "{name} cut at {cut}");
        }
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    for (name, bytes) in golden() {
        for place in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[place] ^= 1 << bit;
                match (place, decode(&bytes)) {
                    (_, Ok(Some(_))) => panic!("{name}: bit {bit} of byte {place} went unnoticed"),
                    // Only a length that grew makes a frame look unfinished.
                    (place, Ok(None)) => assert!((4..8).contains(&place), "{name}: bit {bit} of byte {place}"),
                    (place, Err(FrameError::BadChecksum { .. })) => assert!(place > 0, "{name}: bit {bit}"),
                    (_, Err(_)) => assert!(place < 8, "{name}: bit {bit} of byte {place}"),
                }
            }
        }
    }
}

#[test]
fn each_breach_of_the_frame_has_an_error_of_its_own() {
    let header = |magic: u8, flags: u8, length: u32| {
        let mut bytes = vec![magic, flags, 1, 0];
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    };
    assert_eq!(decode(&header(0x16, 0, 0)), Err(FrameError::NotOurs { found: 0x16 }));
    assert_eq!(decode(b"G"), Err(FrameError::NotOurs { found: b'G' }));
    assert_eq!(decode(&header(0xC2, 0, 0)), Err(FrameError::UnknownVersion { version: 2 }));
    assert_eq!(decode(&[0xC0]), Err(FrameError::UnknownVersion { version: 0 }));
    for bit in 2..8 {
        assert_eq!(decode(&header(0xC1, 1 << bit, 0)), Err(FrameError::ReservedFlag { flags: 1 << bit }));
    }
    assert_eq!(decode(&header(0xC1, 0b10, 4)), Err(FrameError::Compressed));
    assert_eq!(decode(&header(0xC1, 0b110, 4)), Err(FrameError::ReservedFlag { flags: 0b110 }));
    assert!(matches!(decode(&header(0xC1, 0, 0)), Err(FrameError::BadChecksum { found: 0, .. })));
    assert_eq!(
        decode(&header(0xC1, 0, u32::MAX)),
        Err(FrameError::TooLong { bytes: u64::from(u32::MAX) + 16, max: FRAME_BYTES_MAX })
    );
    // A stream that ends within a frame is the transport's failure.
    let mut half = BytesMut::from(&header(0xC1, 0, 4)[..]);
    assert_eq!(FrameCodec::default().decode_eof(&mut half), Err(FrameError::Transport));
}

#[test]
fn the_limit_counts_the_header_and_grows_with_login() {
    let frame = |body_bytes: usize| Frame::new(0x0300, 0, 1, Bytes::from(vec![0; body_bytes]));
    let mut codec = FrameCodec::new(FRAME_BYTES_MAX_BEFORE_LOGIN);
    let largest = FRAME_BYTES_MAX_BEFORE_LOGIN - HEADER_BYTES;
    let mut bytes = BytesMut::new();
    codec.encode(frame(largest), &mut bytes).unwrap();
    assert_eq!(codec.decode(&mut bytes), Ok(Some(frame(largest))));

    let refused = FrameError::TooLong { bytes: 4097, max: 4096 };
    assert_eq!(codec.encode(frame(largest + 1), &mut bytes), Err(refused));
    assert!(bytes.is_empty(), "a refused frame leaves nothing behind");
    frame(largest + 1).encode(&mut bytes);
    assert_eq!(codec.decode(&mut bytes), Err(refused));
    codec.set_frame_bytes_max(FRAME_BYTES_MAX);
    assert_eq!(codec.decode(&mut bytes), Ok(Some(frame(largest + 1))));
}

#[test]
fn a_length_of_a_gibibyte_reserves_nothing() {
    let mut bytes = vec![0xC1, 0, 1, 0];
    bytes.extend_from_slice(&(1_u32 << 30).to_le_bytes());
    bytes.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
    let mut buffer = BytesMut::from(&bytes[..]);
    let capacity = buffer.capacity();
    let refused = Err(FrameError::TooLong { bytes: (1 << 30) + 16, max: FRAME_BYTES_MAX });
    assert_eq!(FrameCodec::default().decode(&mut buffer), refused);
    // Even a codec without a limit waits for bytes to arrive instead of making room for them.
    assert_eq!(FrameCodec::new(usize::MAX).decode(&mut buffer), Ok(None));
    assert_eq!(buffer.capacity(), capacity);
}

#[test]
fn a_decoded_body_lies_in_the_receive_buffer() {
    let message = pb::MessageSendRequest { room_id: 1, body: Bytes::from(vec![b'x'; 2000]), ..Default::default() };
    let bytes = encoded(&Packet::Request { sequence: 1, request: Request::MessageSend(Box::new(message)) });
    let mut buffer = BytesMut::with_capacity(8192);
    buffer.extend_from_slice(&bytes);
    let start = buffer.as_ptr() as usize;
    let received = start..start + buffer.len();

    let frame = FrameCodec::default().decode(&mut buffer).unwrap().unwrap();
    let Ok(Packet::Request { request: Request::MessageSend(message), .. }) = Packet::decode(frame) else {
        panic!("a send request")
    };
    let body = message.body.as_ptr() as usize;
    assert!(received.contains(&body) && body + message.body.len() <= received.end, "the body was copied");
}

#[test]
fn history_of_raw_items_has_the_bytes_of_decoded_ones() {
    let history = crate::samples::history();
    let raw = |item: &pb::HistoryItem| match item.item.as_ref().unwrap() {
        pb::history_item::Item::Message(message) => {
            store::RawHistoryItem { message: Some(message.encode_to_vec().into()), ..Default::default() }
        }
        pb::history_item::Item::Notification(notification) => {
            store::RawHistoryItem { notification: Some(notification.encode_to_vec().into()), ..Default::default() }
        }
    };
    let items = history.items.iter().map(raw).collect();
    let mut found = BytesMut::new();
    let response = store::RawHistoryResponse { items, has_more: true, ..Default::default() };
    encode_history(PacketKind::MessageHistory as u16, 9, &response, &mut found);
    assert_eq!(found, encoded(&Packet::Response { sequence: 9, response: Response::MessageHistory(history) }));
}

#[test]
fn a_kind_or_body_that_is_not_known_is_told_apart() {
    let frame = |kind: u16, flags: u8, sequence: u32| Frame::new(kind, flags, sequence, Bytes::from_static(&[0xFF]));
    for (flags, sequence) in [(0, 1), (1, 1), (0, 0)] {
        assert_eq!(Packet::decode(frame(0x0777, flags, sequence)), Err(PacketError::UnknownKind { kind: 0x0777 }));
    }
    // A push's number cannot be asked, nor a request's number be pushed.
    assert_eq!(Packet::decode(frame(0x0380, 0, 1)), Err(PacketError::UnknownKind { kind: 0x0380 }));
    assert_eq!(Packet::decode(frame(0x0300, 0, 0)), Err(PacketError::UnknownKind { kind: 0x0300 }));
    for (kind, flags, sequence) in [(0x0300, 0, 1), (0x0300, 1, 1), (0x0380, 0, 0)] {
        assert!(matches!(Packet::decode(frame(kind, flags, sequence)), Err(PacketError::BadBody { .. })));
    }
    // Unknown fields are tolerated.
    let newer = Frame::new(0x0101, 0, 1, Bytes::from_static(&[0x08, 0x05, 0xA0, 0x06, 0x01]));
    let exit = Request::RoomExit(pb::RoomExitRequest { room_id: 5 });
    assert_eq!(Packet::decode(newer), Ok(Packet::Request { sequence: 1, request: exit }));
}
