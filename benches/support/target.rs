//! How to speak to each target: how a connection joins, what a message looks like, how deliveries are counted.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use bytes::BytesMut;
use chatroom::wire::{Request, pb};
use prost::Message as _;

use crate::bare::Hello;
use crate::plan::{Plan, Target};
use crate::support::admin::dynamic_token;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::wire_bytes::{FrameHeader, HEADER_BYTES};

/// Connections that join at the same time.
const JOIN_BATCH: usize = 256;
/// Kind of a login.
const KIND_LOGIN: u16 = 2;

/// Opens the connections of a whole plan: room by room, the publishers before their receivers.
pub fn open_all(plan: &Plan) -> io::Result<Vec<TcpStream>> {
    let places: Vec<(usize, usize)> =
        (0..plan.rooms.len()).flat_map(|room| (0..plan.per_room()).map(move |who| (room, who))).collect();
    let mut streams = Vec::with_capacity(places.len());
    for batch in places.chunks(JOIN_BATCH) {
        let hellos: Vec<Vec<u8>> = batch.iter().map(|&(room, who)| hello(plan, room, who)).collect();
        let mut opened = Vec::with_capacity(batch.len());
        for hello in &hellos {
            let mut stream = TcpStream::connect(plan.address)?;
            stream.set_nodelay(true)?;
            stream.write_all(hello)?;
            opened.push(stream);
        }
        for (stream, &(_, who)) in opened.iter_mut().zip(batch) {
            welcome(plan, stream, who)?;
        }
        streams.extend(opened);
    }
    Ok(streams)
}

/// The first bytes of a connection.
fn hello(plan: &Plan, room: usize, who: usize) -> Vec<u8> {
    match plan.target {
        Target::Chatroom => join_frame(&format!("g{room}-{who}"), plan.rooms[room]),
        Target::Bare => {
            let trigger_bytes = message(plan, 0, 0).len() as u32;
            Hello { room: room as u32, publisher: plan.is_publisher(who), trigger_bytes }.encode().to_vec()
        }
        Target::Redis if plan.is_publisher(who) => b"*1\r\n$4\r\nPING\r\n".to_vec(),
        Target::Redis => format!("*2\r\n$9\r\nSUBSCRIBE\r\n$8\r\n{}\r\n", channel(room)).into_bytes(),
    }
}

/// A login with a dynamic token that enters a room, as one frame.
pub fn join_frame(account: &str, room: i64) -> Vec<u8> {
    let request = pb::LoginRequest {
        app_key: APP_KEY.into(),
        account: account.into(),
        token: dynamic_token(APP_KEY, APP_SECRET, account, 3600),
        auth_type: pb::AuthType::Dynamic as i32,
        client_type: 1,
        device_id: account.into(),
        protocol_version: 1,
        enter: Some(pb::RoomEnterRequest { room_id: room, ..Default::default() }),
        ..Default::default()
    };
    let mut out = BytesMut::new();
    Request::Login(Box::new(request)).encode(1, &mut out);
    out.to_vec()
}

/// Waits until the target has taken the connection in.
fn welcome(plan: &Plan, stream: &mut TcpStream, who: usize) -> io::Result<()> {
    match plan.target {
        Target::Chatroom => read_join_answer(stream),
        Target::Bare => stream.read_exact(&mut [0; HEADER_BYTES]),
        Target::Redis if plan.is_publisher(who) => stream.read_exact(&mut [0; b"+PONG\r\n".len()]),
        Target::Redis => stream.read_exact(&mut [0; b"*3\r\n$9\r\nsubscribe\r\n$8\r\nr0000000\r\n:1\r\n".len()]),
    }
}

/// Reads frames up to the answer to a login, which must be success, room included.
pub fn read_join_answer(stream: &mut TcpStream) -> io::Result<()> {
    loop {
        let mut head = [0; HEADER_BYTES];
        stream.read_exact(&mut head)?;
        let header = FrameHeader::decode(&head);
        let mut body = vec![0; header.length as usize];
        stream.read_exact(&mut body)?;
        if !header.response || header.kind != KIND_LOGIN {
            continue;
        }
        let answer = pb::LoginResponse::decode(&body[..]).map_err(io::Error::other)?;
        let entered = answer.enter.as_ref().map_or(404, |entered| entered.code);
        if answer.code != 0 || entered != 0 {
            return Err(io::Error::other(format!("join refused: {answer:?}")));
        }
        return Ok(());
    }
}

/// The bytes a publisher sends for its `number`-th message. Their length is the same for every number.
pub fn message(plan: &Plan, room: usize, number: u64) -> Vec<u8> {
    let body = vec![b'x'; plan.body_bytes];
    match plan.target {
        Target::Chatroom | Target::Bare => {
            let request = pb::MessageSendRequest {
                room_id: plan.rooms[room],
                message_id: format!("{number:012}"),
                r#type: pb::MessageType::Text as i32,
                body: body.into(),
                ..Default::default()
            };
            let mut out = BytesMut::new();
            // Sequence 1 was the login's.
            Request::MessageSend(Box::new(request)).encode(number as u32 + 2, &mut out);
            out.to_vec()
        }
        Target::Redis => {
            let mut out = format!("*3\r\n$7\r\nPUBLISH\r\n$8\r\n{}\r\n${}\r\n", channel(room), body.len()).into_bytes();
            out.extend_from_slice(&body);
            out.extend_from_slice(b"\r\n");
            out
        }
    }
}

/// Bytes of one delivery, for a target whose stream holds nothing but deliveries of one length.
pub fn fixed_delivery_bytes(plan: &Plan) -> Option<u32> {
    match plan.target {
        Target::Chatroom | Target::Bare => None,
        Target::Redis => {
            let head = format!("*3\r\n$7\r\nmessage\r\n$8\r\nr0000000\r\n${}\r\n", plan.body_bytes);
            Some((head.len() + plan.body_bytes + 2) as u32)
        }
    }
}

fn channel(room: usize) -> String {
    format!("r{room:07}")
}
