//! A client that is in use goes on with each newer server: dialogues of the client library, recorded byte by byte, are replayed to
//! the server of today, which must answer everything that it answered then.
//!
//! `tests/data/dialogues` has a file for each. A line is a frame, `>` of the client or `<` of the server, or a cue: `connect`, `cut`
//! and `closed` for the connection, `bob says WORDS` and `kick` for what others do. A file never changes once its client is released.
//! `CHATROOM_BLESS=1 cargo test --test client dialogues` records those that are absent, with the client of today.
//!
//! What the server of then gave the client and the client gave back, tokens, numbers of rooms, epochs and seqs, is replaced by what
//! the server of today gives; times differ. An answer may have more fields than it had.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use crate::peer::{event, options, soon};
use crate::support::process::APP_KEY;
use crate::support::{PATIENCE, Peer, Server, wait_until};
use crate::wire_files::{blessing, bytes, meaning, path};
use bytes::BytesMut;
use chatroom::client::{Client, ClientOptions, Event, Events, State, start};
use chatroom::wire::{Frame, FrameCodec, Packet, Push, Request, Response, pb};
use tokio_util::codec::Decoder;

const NAMES: [&str; 3] = ["enter_and_send", "resume", "kick"];

/// A server with a room, in which Bob is.
struct Scene {
    server: Server,
    room_id: i64,
    token: String,
    bob: Peer,
    said: usize,
}

impl Scene {
    /// With so many rooms made before it, and messages sent in it: its numbers are others then.
    fn new(before: usize) -> Scene {
        let server = Server::start_unlimited();
        let admin = server.admin();
        admin.create_user("owner");
        let token = admin.create_user("alice");
        for _ in 0..before {
            admin.create_room("owner", "another");
        }
        let room_id = admin.create_room("owner", "Lobby");
        let mut bob = Peer::join(&server, "bob", room_id);
        (0..before).for_each(|number| assert_eq!(bob.send_text(room_id, &format!("before-{number}"), "before").code, 0));
        Scene { server, room_id, token, bob, said: 0 }
    }

    /// Has somebody else do something.
    fn cue(&mut self, cue: &str) {
        if let Some(words) = cue.strip_prefix("bob says ") {
            self.said += 1;
            assert_eq!(self.bob.send_text(self.room_id, &format!("bob-{}", self.said), words).code, 0);
        } else {
            assert_eq!(cue, "kick");
            let kick = [("roomid", &*self.room_id.to_string()), ("accid", "owner"), ("targetAccid", "alice")];
            assert_eq!(self.server.admin().call("chatroom/kickMember", &kick)["code"], 200);
        }
    }
}

/// What goes over a relay, written down before it is passed on.
#[derive(Clone, Default)]
struct Tape {
    lines: Arc<Mutex<Vec<String>>>,
    /// Both ends of the connection there is.
    ends: Arc<Mutex<Vec<TcpStream>>>,
    /// Held while nobody is to be connected.
    closed: Arc<Mutex<()>>,
}

impl Tape {
    fn write(&self, line: String) {
        self.lines.lock().unwrap().push(line);
    }

    /// Passes on what comes to an address of its own.
    fn relay(&self, to: SocketAddr) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let tape = self.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                drop(tape.closed.lock().unwrap());
                let far = TcpStream::connect(to).unwrap();
                tape.write("connect".into());
                let clone = |stream: &TcpStream| stream.try_clone().unwrap();
                *tape.ends.lock().unwrap() = vec![clone(&near), clone(&far)];
                for (from, into, mark) in [(clone(&near), clone(&far), '>'), (far, near, '<')] {
                    let tape = tape.clone();
                    std::thread::spawn(move || tape.pump(from, into, mark));
                }
            }
        });
        address
    }

    fn pump(&self, mut from: TcpStream, mut into: TcpStream, mark: char) {
        let (mut codec, mut inbox, mut chunk) = (FrameCodec::default(), BytesMut::new(), [0; 4096]);
        while let Ok(count @ 1..) = from.read(&mut chunk) {
            inbox.extend_from_slice(&chunk[..count]);
            while let Some(frame) = codec.decode(&mut inbox).expect("both speak the protocol") {
                let mut bytes = BytesMut::new();
                frame.encode(&mut bytes);
                let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                let title = meaning(&frame);
                self.write(format!("# {}\n{mark} {hex}", title.lines().next().unwrap_or_default()));
                if into.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
        if !self.ends.lock().unwrap().is_empty() && mark == '<' {
            self.write("closed".into());
        }
        let _ = into.shutdown(Shutdown::Both);
    }

    /// Ends what is written down of this connection, and cuts it.
    fn cut(&self) {
        for end in std::mem::take(&mut *self.ends.lock().unwrap()) {
            let _ = end.shutdown(Shutdown::Both);
        }
    }
}

fn client(scene: &Scene, address: &str, enter: bool) -> (Client, Events) {
    let enter = enter.then(|| pb::RoomEnterRequest { room_id: scene.room_id, nick: "Alice".into(), ..Default::default() });
    let (account, token) = ("alice".to_owned(), scene.token.clone());
    start(ClientOptions { app_key: APP_KEY.into(), account, token, enter, ..options(address) })
}

fn text(scene: &Scene, id: &str) -> pb::MessageSendRequest {
    pb::MessageSendRequest { room_id: scene.room_id, message_id: id.into(), body: "hello".into(), ..Default::default() }
}

async fn hears_bob(events: &mut Events) {
    event(events, |event| matches!(event, Event::Message(message) if message.from == "bob").then_some(())).await;
}

/// Plays a dialogue with the client of today: what is to be written down.
async fn record(name: &str) -> String {
    let (mut scene, tape) = (Scene::new(0), Tape::default());
    let address = tape.relay(scene.server.wire);
    let (client, mut events) = client(&scene, &address, name != "enter_and_send");
    let cue = |scene: &mut Scene, cue: &str| {
        tape.write(cue.to_owned());
        scene.cue(cue);
    };
    soon(client.connect()).await.unwrap();
    if name == "enter_and_send" {
        let enter = pb::RoomEnterRequest { room_id: scene.room_id, nick: "Alice".into(), ..Default::default() };
        soon(client.enter(enter)).await.unwrap();
    }
    soon(client.send(text(&scene, "alice-1"))).await.unwrap();
    cue(&mut scene, "bob says welcome");
    hears_bob(&mut events).await;
    match name {
        "enter_and_send" => {
            soon(client.exit(scene.room_id)).await.unwrap();
            soon(client.disconnect()).await;
        }
        "resume" => {
            let closed = tape.closed.lock().unwrap();
            tape.cut();
            tape.write("cut".into());
            cue(&mut scene, "bob says where are you");
            drop(closed);
            hears_bob(&mut events).await;
            soon(client.send(text(&scene, "alice-2"))).await.unwrap();
        }
        _ => {
            cue(&mut scene, "kick");
            event(&mut events, |event| matches!(event, Event::State(State::Exited)).then_some(())).await;
            let is_closed = || tape.lines.lock().unwrap().last().is_some_and(|line| line == "closed");
            wait_until("the server to close", is_closed);
        }
    }
    tape.cut();
    client.close();
    let lines = tape.lines.lock().unwrap();
    format!("# The client library {}, protocol 1.\n{}\n", env!("CARGO_PKG_VERSION"), lines.join("\n"))
}

/// Plays the client's part of what is written down, and compares the server's.
struct Replay {
    scene: Scene,
    stream: Option<TcpStream>,
    codec: FrameCodec,
    inbox: BytesMut,
    /// The last resume token.
    resume_token: String,
    /// What the server of then said, and what the one of today says in its place.
    numbers: HashMap<(&'static str, u64), u64>,
}

impl Replay {
    fn stream(&mut self) -> &mut TcpStream {
        self.stream.as_mut().expect("a dialogue begins with a connection")
    }

    /// The number of today in place of one of then.
    fn today(&self, what: &'static str, then: &mut u64) {
        *then = self.numbers.get(&(what, *then)).copied().unwrap_or(*then);
    }

    fn position(&self, position: &mut pb::RoomPosition) {
        position.room_id = self.scene.room_id;
        self.today("epoch", &mut position.epoch);
        self.today("seq", &mut position.last_seq);
    }

    /// A request of then, for this server.
    fn request(&self, recorded: &[u8]) -> BytesMut {
        let encoded = |sequence, request: &Request| {
            let mut bytes = BytesMut::new();
            request.encode(sequence, &mut bytes);
            bytes
        };
        let Packet::Request { sequence, mut request } =
            Packet::decode(frame(recorded)).expect("a request of then is one today")
        else {
            panic!("a client sends requests")
        };
        assert_eq!(encoded(sequence, &request), recorded, "nothing that the client says is lost");
        let room_id = self.scene.room_id;
        let entry = |enter: &mut pb::RoomEnterRequest| {
            enter.room_id = room_id;
            enter.position.iter_mut().for_each(|position| self.position(position));
        };
        match &mut request {
            Request::Login(login) => {
                login.token.clone_from(&self.scene.token);
                login.enter.iter_mut().for_each(entry);
                if let Some(resume) = &mut login.resume {
                    resume.token.clone_from(&self.resume_token);
                    resume.rooms.iter_mut().for_each(|position| self.position(position));
                }
            }
            Request::RoomEnter(enter) => entry(enter),
            Request::RoomExit(exit) => exit.room_id = room_id,
            Request::MessageSend(send) => send.room_id = room_id,
            Request::Logout(_) => {}
            other => panic!("write down what varies in {other:?}"),
        }
        encoded(sequence, &request)
    }

    /// The next frame of the server; nothing when it has closed.
    fn heard(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.codec.decode(&mut self.inbox).expect("the server speaks the protocol") {
                return Some(frame);
            }
            let mut chunk = [0; 4096];
            let count = self.stream().read(&mut chunk).expect("the server goes on");
            if count == 0 {
                return None;
            }
            self.inbox.extend_from_slice(&chunk[..count]);
        }
    }

    /// Compares, and learns which number stands for which.
    fn answer(&mut self, recorded: &[u8]) {
        let (then, now) = (frame(recorded), self.heard());
        let now = now.unwrap_or_else(|| panic!("the server closed instead of\n{}", meaning(&then)));
        let said = meaning(&now);
        let mut lines = said.lines();
        for line in meaning(&then).lines() {
            assert!(lines.any(|said| said == line), "{line} was said then, and is not now:\n{said}");
        }
        let seen = |frame: Frame| match Packet::decode(frame).expect("an answer of then is one today") {
            Packet::Response { response: Response::Login(login), .. } => (login.enter, login.resume_token, 0),
            Packet::Response { response: Response::RoomEnter(enter), .. } => (Some(*enter), String::new(), 0),
            Packet::Response { response: Response::MessageSend(sent), .. } => (None, String::new(), sent.seq),
            Packet::Push(Push::Message(message)) => (None, String::new(), message.seq),
            Packet::Push(Push::Notification(notice)) => (None, String::new(), notice.seq),
            _ => (None, String::new(), 0),
        };
        let (was, is) = (seen(then), seen(now));
        if !is.1.is_empty() {
            self.resume_token = is.1;
        }
        self.numbers.insert(("seq", was.2), is.2);
        if let (Some(was), Some(is)) = (was.0, is.0) {
            self.numbers.insert(("epoch", was.epoch), is.epoch);
            self.numbers.insert(("seq", was.last_seq), is.last_seq);
        }
    }

    fn line(&mut self, line: &str) {
        match line.split_once(' ') {
            Some((">", hex)) => {
                let request = self.request(&bytes(hex));
                self.stream().write_all(&request).expect("the server reads");
            }
            Some(("<", hex)) => self.answer(&bytes(hex)),
            None if line == "connect" => {
                let stream = TcpStream::connect(self.scene.server.wire).expect("the server accepts");
                stream.set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
                (self.stream, self.codec, self.inbox) = (Some(stream), FrameCodec::default(), BytesMut::new());
            }
            None if line == "cut" => self.stream = None,
            None if line == "closed" => assert!(self.heard().is_none(), "the server closes"),
            _ => self.scene.cue(line),
        }
    }
}

fn frame(bytes: &[u8]) -> Frame {
    FrameCodec::default().decode(&mut BytesMut::from(bytes)).expect("a frame of then is one today").expect("it is whole")
}

#[tokio::test]
async fn recorded_dialogues_of_clients_are_answered_as_they_were() {
    for name in NAMES {
        let file = path(&format!("tests/data/dialogues/{name}.txt"));
        if blessing() && !file.exists() {
            std::fs::write(&file, record(name).await).expect("the folder of dialogues is writable");
        }
        let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let (scene, codec, inbox) = (Scene::new(3), FrameCodec::default(), BytesMut::new());
        let mut replay = Replay { scene, stream: None, codec, inbox, resume_token: String::new(), numbers: HashMap::new() };
        println!("{name}");
        text.lines().filter(|line| !line.starts_with('#')).for_each(|line| replay.line(line));
    }
}
