//! The bare loop: what the kernel alone costs.
//!
//! It reads whatever has arrived from a publisher, counts the whole trigger messages in it, and writes as many copies of one
//! pre-built frame to each receiver of that publisher's room, with one write call per receiver and wake-up. It parses
//! nothing, checks nothing, stores nothing and answers nothing.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use crate::wire_bytes::{FrameHeader, HEADER_BYTES};

/// Copies of the frame that are held ready to be written at once.
const COPIES: usize = 256;
const LISTENER: Token = Token(usize::MAX);

/// What a connection says first: who it is, and how long the messages of a publisher are.
pub struct Hello {
    /// Index of the room.
    pub room: u32,
    /// Whether this connection publishes rather than receives.
    pub publisher: bool,
    /// Bytes of one trigger message.
    pub trigger_bytes: u32,
}

impl Hello {
    /// The hello's bytes.
    pub fn encode(&self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.room.to_le_bytes());
        bytes[4..8].copy_from_slice(&u32::from(self.publisher).to_le_bytes());
        bytes[8..].copy_from_slice(&self.trigger_bytes.to_le_bytes());
        bytes
    }

    fn decode(bytes: [u8; 12]) -> Hello {
        let word = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        Hello { room: word(0), publisher: word(4) != 0, trigger_bytes: word(8) }
    }
}

struct Line {
    stream: TcpStream,
    hello: Option<Hello>,
    /// Bytes of a trigger message that is not complete.
    partial: usize,
    /// Bytes of frames the socket did not take.
    owed: usize,
}

/// Listens on a free port, prints it, and serves until killed. `push` is the frame to repeat.
pub fn serve(push: &[u8]) -> io::Result<()> {
    let copies = push.repeat(COPIES);
    let mut poll = Poll::new()?;
    let mut listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    println!("bare ready {}", listener.local_addr()?);
    let mut events = Events::with_capacity(1024);
    let mut lines: Vec<Line> = Vec::new();
    let mut rooms: Vec<Vec<usize>> = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    stream.set_nodelay(true)?;
                    let token = Token(lines.len());
                    poll.registry().register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
                    lines.push(Line { stream, hello: None, partial: 0, owed: 0 });
                }
                continue;
            }
            let index = event.token().0;
            if event.is_writable() && lines[index].owed > 0 {
                pay(&mut lines[index], &copies, push.len());
            }
            if event.is_readable() {
                read(index, &mut lines, &mut rooms, &mut buffer, &copies, push.len());
            }
        }
    }
}

fn read(index: usize, lines: &mut [Line], rooms: &mut Vec<Vec<usize>>, buffer: &mut [u8], copies: &[u8], push_bytes: usize) {
    if lines[index].hello.is_none() {
        let mut hello = [0; 12];
        if lines[index].stream.read_exact(&mut hello).is_err() {
            return;
        }
        let hello = Hello::decode(hello);
        let room = hello.room as usize;
        if rooms.len() <= room {
            rooms.resize_with(room + 1, Vec::new);
        }
        if !hello.publisher {
            rooms[room].push(index);
        }
        lines[index].hello = Some(hello);
        let welcome = [0; HEADER_BYTES];
        lines[index].stream.write_all(&FrameHeader::WELCOME.encode(welcome)).expect("a fresh socket takes 16 bytes");
        return;
    }
    loop {
        let line = &mut lines[index];
        let len = match line.stream.read(buffer) {
            Ok(0) | Err(_) => return,
            Ok(len) => len,
        };
        let Some(hello) = line.hello.as_ref().filter(|hello| hello.publisher) else { continue };
        let (room, trigger_bytes) = (hello.room as usize, hello.trigger_bytes as usize);
        let arrived = line.partial + len;
        line.partial = arrived % trigger_bytes;
        let messages = arrived / trigger_bytes;
        if messages > 0 {
            for &receiver in &rooms[room] {
                let line = &mut lines[receiver];
                let before = line.owed;
                line.owed += messages * push_bytes;
                if before == 0 {
                    pay(line, copies, push_bytes);
                }
            }
        }
        if len < buffer.len() {
            return;
        }
    }
}

/// Writes what is owed, as far as the socket takes it. What is owed always ends with a whole frame.
fn pay(line: &mut Line, copies: &[u8], push_bytes: usize) {
    while line.owed > 0 {
        let start = (push_bytes - line.owed % push_bytes) % push_bytes;
        let end = copies.len().min(start + line.owed);
        match line.stream.write(&copies[start..end]) {
            Ok(len) => line.owed -= len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Err(_) => line.owed = 0,
        }
    }
}
