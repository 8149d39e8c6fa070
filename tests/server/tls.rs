//! TLS: for clients, for the HTTP API, for callbacks; and certificates that change while the server runs.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::pki::{Authority, Identity};
use crate::receiver::Receiver;
use crate::support::peer::{login, text_message};
use crate::support::process::{APP_KEY, APP_SECRET, UNLIMITED};
use crate::support::{PATIENCE, Peer, Server, Setup, quantile, wait_until};
use chatroom::limits;
use chatroom::wire::pb::{self, AuthType};
use chatroom::wire::{Push, Request, Response};
use rustls::{ClientConfig, ClientConnection, ServerConfig};
use socket2::SockRef;

const HOST: &str = "chat.example";

/// The section of the configuration for a listener with these files.
fn section(identity: &Identity) -> String {
    let (certificate, key) = (identity.certificate.display(), identity.key.display());
    format!("[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n")
}

/// A server that speaks TLS with clients, and whom they trust.
struct Secure {
    authority: Authority,
    identity: Identity,
    server: Server,
}

impl Secure {
    fn start(more: &str) -> Secure {
        let authority = Authority::new();
        let identity = authority.issue("wire", &[HOST]);
        let config = format!("{UNLIMITED}{more}\n{}", section(&identity));
        let server = Server::start(Setup { config, memory: true, workers: Some(1), ..Setup::default() });
        server.admin().create_user("owner");
        Secure { authority, identity, server }
    }

    fn address(&self) -> SocketAddr {
        self.server.tls.expect("the ready line names the TLS listener")
    }

    fn connect(&self) -> Peer {
        let config = self.authority.client(&["chatroom/1"]);
        Peer::try_connect_tls(self.address(), config, HOST).expect("the server is who it has to be")
    }

    fn log_in(&self, request: pb::LoginRequest) -> (Peer, pb::LoginResponse) {
        let mut peer = self.connect();
        match peer.call(Request::Login(Box::new(request))) {
            Response::Login(answer) => (peer, *answer),
            other => panic!("a login was answered with {other:?}"),
        }
    }

    fn join(&self, account: &str, room: i64) -> Peer {
        let (peer, answer) = self.log_in(login(account, Some(room)));
        assert_eq!((answer.code, answer.enter.map(|enter| enter.code)), (0, Some(0)), "{}", answer.desc);
        peer
    }

    /// A sample of the metrics, by how its line begins.
    fn metric(&self, begin: &str) -> f64 {
        metric(&self.server.admin().page("/metrics").1, begin)
    }
}

fn metric(page: &str, begin: &str) -> f64 {
    page.lines()
        .filter(|line| line.starts_with(begin))
        .filter_map(|line| line.split(' ').next_back()?.parse::<f64>().ok())
        .sum()
}

/// The first words of a client, as they are on the wire.
fn client_hello(config: Arc<ClientConfig>) -> Vec<u8> {
    let mut client = ClientConnection::new(config, HOST.try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

/// Reads until the other side closes without a reset; panics if it does not.
fn read_to_end(mut stream: &TcpStream) -> Vec<u8> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut said = Vec::new();
    stream.read_to_end(&mut said).unwrap_or_else(|error| panic!("the server did not close cleanly: {error}"));
    said
}

#[test]
fn members_over_tls_and_over_plain_sockets_are_in_one_room() {
    let secure = Secure::start("");
    let room = secure.server.admin().create_quiet_room("owner", "both");
    let mut alice = secure.join("alice", room);
    assert_eq!(alice.tls().alpn_protocol(), Some(&b"chatroom/1"[..]));
    assert_eq!(alice.tls().protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    let mut bob = Peer::join(&secure.server, "bob", room);
    assert_eq!(alice.send_text(room, "a", "over TLS").code, 0);
    assert_eq!(bob.message().message_id, "a");
    assert_eq!(bob.send_text(room, "b", "plain").code, 0);
    assert_eq!(alice.message().message_id, "b");
    // As a page of history, more than the socket takes at once and many records long.
    let body = "x".repeat(4096);
    for number in 0..100 {
        assert_eq!(bob.send_text(room, &format!("long {number}"), &body).code, 0);
    }
    let history = alice.whole_history(room);
    assert_eq!(history.len(), 102);
    assert_eq!(secure.metric("chatroom_tls_handshakes_total{listener=\"wire\",result=\"done\"}"), 1.0);
}

#[test]
fn a_connection_over_tls_resumes_and_says_goodbye() {
    let secure = Secure::start("[timers]\ndetach_grace_ms = 60000\n");
    let room = secure.server.admin().create_quiet_room("owner", "resume");
    let (mut guest, first) = secure.log_in(login("guest", Some(room)));
    let entered = first.enter.expect("a login that enters is told how that went");
    let mut sender = Peer::join(&secure.server, "sender", room);
    let before = sender.send_text(room, "before", "text").seq;
    assert_eq!(guest.message().message_id, "before");
    guest.cut();
    let missed = sender.send_text(room, "missed", "text").seq;
    let position = pb::RoomPosition { room_id: room, epoch: entered.epoch, last_seq: before };
    let resume = Some(pb::Resume { token: first.resume_token, rooms: vec![position] });
    let (mut back, second) = secure.log_in(pb::LoginRequest { resume, ..login("guest", Some(room)) });
    assert!(second.resumed, "{}", second.desc);
    assert_eq!(back.message().seq, missed);
    assert!(matches!(back.call(Request::Logout(Default::default())), Response::Logout(status) if status.code == 0));
    ends_with_a_word(&mut back);
    let mut stranger = secure.connect();
    stranger.write(b"\x00 not a frame").unwrap();
    ends_with_a_word(&mut stranger);
    let mut patient = secure.join("patient", room);
    secure.server.terminate();
    loop {
        match patient.push() {
            Push::Kicked(kicked) => break assert!(kicked.may_reconnect),
            Push::Notification(_) => {}
            other => panic!("{other:?}"),
        }
    }
    ends_with_a_word(&mut patient);
}

/// Waits for the end of a connection, which over TLS is said: else anybody could have cut it.
fn ends_with_a_word(peer: &mut Peer) {
    loop {
        match peer.frame(Instant::now() + PATIENCE) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return assert!(!error.to_string().contains("close_notify"), "{error}");
            }
            Err(error) => panic!("expected the end of the connection, found {error}"),
        }
    }
}

#[test]
fn tls_1_2_is_spoken_and_keys_may_change() {
    let secure = Secure::start("");
    let old = secure.authority.client_of(&[&rustls::version::TLS12], &["chatroom/1"]);
    let mut peer = Peer::try_connect_tls(secure.address(), old, HOST).unwrap();
    assert_eq!(peer.tls().protocol_version(), Some(rustls::ProtocolVersion::TLSv1_2));
    assert!(matches!(peer.call(Request::Ping(Default::default())), Response::Ping(_)));
    let mut peer = secure.connect();
    for _ in 0..3 {
        peer.tls_mut().refresh_traffic_keys().unwrap();
        assert!(matches!(peer.call(Request::Ping(Default::default())), Response::Ping(_)));
    }
}

#[test]
fn a_hello_may_come_in_any_pieces() {
    let secure = Secure::start("");
    let mut client = ClientConnection::new(secure.authority.client(&["chatroom/1"]), HOST.try_into().unwrap()).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    // Records of one byte, which are cut once more on their way.
    let head = [0x16, 3, 1, 0, 1];
    let mut pieces: Vec<u8> = hello[5..].iter().flat_map(|byte| [&head[..], &[*byte]].concat()).collect();
    let mut socket = TcpStream::connect(secure.address()).unwrap();
    socket.set_nodelay(true).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let last = pieces.split_off(pieces.len() - 60);
    socket.write_all(&pieces).unwrap();
    for byte in last {
        socket.write_all(&[byte]).unwrap();
    }
    while client.is_handshaking() {
        client.complete_io(&mut socket).unwrap();
    }
    assert_eq!(client.alpn_protocol(), Some(&b"chatroom/1"[..]));
}

#[test]
fn a_flood_of_handshakes_does_not_hold_up_those_who_talk() {
    let secure = Secure::start("");
    let room = secure.server.admin().create_quiet_room("owner", "flood");
    let (mut sender, mut receiver) = (secure.join("sender", room), secure.join("receiver", room));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let hello = client_hello(secure.authority.client(&["chatroom/1"]));
            for _ in 0..40 {
                // Each costs the server a signature, and the flood next to nothing.
                let crowd: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(secure.address()).unwrap()).collect();
                for mut stream in &crowd {
                    stream.write_all(&hello).unwrap();
                }
                for mut stream in &crowd {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    assert!(stream.read(&mut [0; 64]).unwrap() > 0, "each is answered");
                }
            }
            over.store(true, Ordering::Release);
        });
        let mut latencies_us = Vec::new();
        while !over.load(Ordering::Acquire) || latencies_us.len() < 50 {
            let begin = Instant::now();
            let id = latencies_us.len().to_string();
            assert_eq!(sender.send_text(room, &id, "text").code, 0);
            assert_eq!(receiver.message().message_id, id);
            latencies_us.push(begin.elapsed().as_micros() as u64);
        }
        let (median, longest) = (quantile(&mut latencies_us, 0.5), quantile(&mut latencies_us, 1.0));
        println!("{} messages meanwhile, median {median} us, longest {longest} us", latencies_us.len());
        assert!(median <= 100_000 && longest <= 3_000_000, "median {median} us, longest {longest} us");
    });
}

#[test]
fn a_crowd_that_comes_at_once_gets_in() {
    let secure = Secure::start("");
    let (address, config) = (secure.address(), secure.authority.client(&["chatroom/1"]));
    let sockets: Vec<TcpStream> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
    let mut clients: Vec<ClientConnection> =
        (0..200).map(|_| ClientConnection::new(config.clone(), HOST.try_into().unwrap()).unwrap()).collect();
    // All of them speak first, and only then does anybody listen.
    for (client, mut socket) in clients.iter_mut().zip(&sockets) {
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        while client.wants_write() {
            client.write_tls(&mut socket).unwrap();
        }
    }
    for (client, mut socket) in clients.iter_mut().zip(&sockets) {
        while client.is_handshaking() {
            client.complete_io(&mut socket).unwrap();
        }
    }
    wait_until("200 handshakes", || secure.metric("chatroom_tls_handshakes_total{listener=\"wire\",result=\"done\"}") == 200.0);
}

#[test]
fn who_speaks_something_else_is_closed() {
    let secure = Secure::start("");
    // The wire protocol at the TLS listener.
    let mut frame = bytes::BytesMut::new();
    Request::Ping(Default::default()).encode(1, &mut frame);
    let stream = TcpStream::connect(secure.address()).unwrap();
    (&stream).write_all(&frame).unwrap();
    let said = read_to_end(&stream);
    drop(stream);
    assert!(said.is_empty() || said[0] == 0x15, "nothing but an alert: {said:02x?}");
    wait_until("the failed handshake", || {
        secure.metric("chatroom_tls_handshakes_total{listener=\"wire\",result=\"failed\"}") == 1.0
    });
    wait_until("the reason", || secure.metric("chatroom_connections_closed_total{reason=\"not_ours\"}") == 1.0);
    // TLS at the plain listener.
    let stream = TcpStream::connect(secure.server.wire).unwrap();
    (&stream).write_all(&client_hello(secure.authority.client(&["chatroom/1"]))).unwrap();
    assert_eq!(read_to_end(&stream), b"", "the wire protocol says nothing to strangers");
    // Another protocol over TLS, and a client that trusts somebody else.
    let refused = Peer::try_connect_tls(secure.address(), secure.authority.client(&["http/1.1"]), HOST);
    assert!(refused.err().unwrap().to_string().contains("NoApplicationProtocol"));
    let refused = Peer::try_connect_tls(secure.address(), Authority::new().client(&["chatroom/1"]), HOST);
    assert!(refused.err().unwrap().to_string().contains("UnknownIssuer"));
    let refused = Peer::try_connect_tls(secure.address(), secure.authority.client(&["chatroom/1"]), "else.example");
    assert!(refused.err().unwrap().to_string().contains("not valid for name"));
    // Nobody was disturbed.
    let mut unnamed = Peer::try_connect_tls(secure.address(), secure.authority.client(&[]), HOST).unwrap();
    assert!(matches!(unnamed.call(Request::Ping(Default::default())), Response::Ping(_)));
}

#[test]
fn a_handshake_that_does_not_go_on_ends_with_the_time_for_the_login() {
    let secure = Secure::start("[timers]\nlogin_timeout_ms = 1000\n");
    let hello = client_hello(secure.authority.client(&["chatroom/1"]));
    let begin = Instant::now();
    let (silent, half) = (TcpStream::connect(secure.address()).unwrap(), TcpStream::connect(secure.address()).unwrap());
    (&half).write_all(&hello[..hello.len() / 2]).unwrap();
    let shaken = secure.connect();
    read_to_end(&silent);
    read_to_end(&half);
    assert!(begin.elapsed() >= Duration::from_secs(1), "they had {:?}", begin.elapsed());
    let mut shaken = shaken;
    let Ok(Push::Kicked(kicked)) = shaken.try_push(PATIENCE) else { panic!("who can be told is told") };
    assert_eq!(kicked.reason(), pb::KickReason::Silent);
    shaken.expect_closed();
    wait_until("the reason", || secure.metric("chatroom_connections_closed_total{reason=\"login_timeout\"}") == 3.0);
}

#[test]
fn what_breaks_off_or_is_forged_ends_the_connection_and_nothing_else() {
    let secure = Secure::start("");
    let room = secure.server.admin().create_quiet_room("owner", "broken");
    let mut steady = secure.join("steady", room);
    let hello = client_hello(secure.authority.client(&["chatroom/1"]));
    for end in [0, 1, 5, hello.len() - 1] {
        let stream = TcpStream::connect(secure.address()).unwrap();
        (&stream).write_all(&hello[..end]).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        read_to_end(&stream);
    }
    // The head of a record that never comes.
    let cut = secure.join("cut", room);
    cut.stream().write_all(&[0x17, 3, 3, 0, 100]).unwrap();
    cut.stream().shutdown(Shutdown::Write).unwrap();
    read_to_end(cut.stream());
    // A record nobody has enciphered.
    let forged = secure.join("forged", room);
    let mut record = vec![0x17, 3, 3, 0, 32];
    record.extend([0x5A; 32]);
    forged.stream().write_all(&record).unwrap();
    read_to_end(forged.stream());
    // A record longer than one may be.
    let long = secure.join("long", room);
    long.stream().write_all(&[0x17, 3, 3, 0xFF, 0xFF]).unwrap();
    read_to_end(long.stream());
    assert_eq!(steady.send_text(room, "m", "still here").code, 0);
}

#[test]
fn who_does_not_read_over_tls_costs_no_more_than_over_a_plain_socket() {
    const BODY_BYTES: usize = 4096;
    const MESSAGES: usize = 3000;
    let more =
        "[limits]\nfeed_bytes_max = 262144\nclient_send_per_second = 0\nroom_intake_per_second = 0\nrequests_per_second = 0\n";
    let authority = Authority::new();
    let identity = authority.issue("wire", &[HOST]);
    let config = format!("{more}{}", section(&identity));
    let server = Server::start(Setup { config, memory: true, workers: Some(1), ..Setup::default() });
    server.admin().create_user("owner");
    let secure = Secure { authority, identity, server };
    let room = secure.server.admin().create_quiet_room("owner", "slow");
    let mut slow = secure.join("slow", room);
    SockRef::from(slow.stream()).set_recv_buffer_size(8 * 1024).unwrap();
    let mut quick = secure.join("quick", room);
    let mut publisher = Peer::join(&secure.server, "publisher", room);
    let body = "m".repeat(BODY_BYTES);
    for number in 0..MESSAGES {
        let draft = pb::MessageSendRequest { skip_history: true, ..text_message(room, &number.to_string(), &body) };
        publisher.call(Request::MessageSend(Box::new(draft)));
        assert_eq!(quick.message().message_id, number.to_string(), "each message, in order");
    }
    wait_until("the slow reader to be noticed", || secure.metric("chatroom_lagging_readers") == 1.0);
    SockRef::from(slow.stream()).set_recv_buffer_size(4 << 20).unwrap();
    // It reads again: what the sockets held, a gap, and what the feed holds.
    let (mut heard, mut gaps, mut last) = (0, 0, String::new());
    while last != (MESSAGES - 1).to_string() {
        match slow.push() {
            Push::Message(message) => (heard, last) = (heard + 1, message.message_id.clone()),
            Push::Gap(_) => gaps += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(gaps >= 1 && heard < MESSAGES / 2, "{heard} of {MESSAGES} messages were kept for it, {gaps} gaps");
    assert_eq!(slow.send_text(room, "again", "here").code, 0);
}

#[test]
fn who_asks_over_tls_and_does_not_read_the_answers_is_not_read_either_and_closed_as_slow_in_the_end() {
    let secure = Secure::start("\n[timers]\nheartbeat_ms = 1000\nidle_timeout_ms = 2000\n");
    let room = secure.server.admin().create_quiet_room("owner", "greedy");
    let mut owner = Peer::join(&secure.server, "owner", room);
    for number in 0..100 {
        owner.send_text(room, &number.to_string(), &"x".repeat(4096));
    }
    let mut greedy = secure.join("greedy", room);
    greedy.stream().set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let page = pb::MessageHistoryRequest { room_id: room, reverse: true, limit: 100, ..Default::default() };
    for _ in 0..500 {
        // The server stops reading.
        if greedy.ask(&Request::MessageHistory(page.clone())).is_err() {
            break;
        }
    }
    wait_until("the server to have enough", || secure.metric("chatroom_connections_closed_total{reason=\"slow\"}") == 1.0);
    let mut other = secure.join("other", room);
    assert_eq!(other.send_text(room, "after", "text").code, 0);
}

/// A real HTTP client that trusts `ca` alone.
fn https(ca: &std::path::Path) -> ureq::Agent {
    use ureq::tls::{Certificate, RootCerts, TlsConfig};
    let certificate = Certificate::from_pem(&fs::read(ca).unwrap()).unwrap();
    let tls = TlsConfig::builder()
        .root_certs(RootCerts::from([certificate]))
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()));
    ureq::Agent::config_builder().tls_config(tls.build()).timeout_global(Some(PATIENCE)).build().into()
}

#[test]
fn the_http_api_speaks_https_when_it_is_told_to() {
    let authority = Authority::new();
    let identity = authority.issue("http", &["127.0.0.1", HOST]);
    let set = |key: &str, path: &std::path::Path| ["--set".to_owned(), format!("http.{key}={}", path.display())];
    let arguments = [set("certificate", &identity.certificate), set("key", &identity.key)].concat();
    let server = Server::start(Setup { arguments, memory: true, ..Setup::default() });
    let ready = format!("https://{}/readyz", server.admin);
    assert_eq!(https(&authority.file()).get(&ready).call().unwrap().body_mut().read_to_string().unwrap(), "ready\n");
    let refused = https(&Authority::new().file()).get(&ready).call().unwrap_err();
    assert!(refused.to_string().contains("UnknownIssuer"), "{refused}");
    // The command-line client makes an account over it.
    let chatroom = |ca: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_chatroom"));
        let admin = format!("https://{}", server.admin);
        command.args(["account", "--admin", &admin, "--app", APP_KEY, "--secret", APP_SECRET, "alice"]).args(ca);
        command.env_remove("CHATROOM_CA").output().unwrap()
    };
    let made = chatroom(&["--ca", &authority.file().display().to_string()]);
    assert!(made.status.success() && !made.stdout.is_empty(), "{}", String::from_utf8_lossy(&made.stderr));
    assert_eq!(chatroom(&[]).status.code(), Some(3), "nobody vouches for the server");
    // Who does not speak TLS, and who stops in the midst of it, holds up nobody.
    let half = TcpStream::connect(server.admin).unwrap();
    (&half).write_all(&[0x16, 3, 1]).unwrap();
    let plain = TcpStream::connect(server.admin).unwrap();
    (&plain).write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let said = read_to_end(&plain);
    assert!(said.is_empty() || said[0] == 0x15, "nothing but an alert: {said:02x?}");
    let begin = Instant::now();
    let page = https(&authority.file()).get(format!("https://{}/metrics", server.admin)).call().unwrap();
    let page = page.into_body().read_to_string().unwrap();
    assert!(metric(&page, "chatroom_tls_handshakes_total{listener=\"http\",result=\"failed\"}") >= 2.0, "{page}");
    // A crowd that says nothing has its time too, and holds up nobody.
    let crowd: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(server.admin).unwrap()).collect();
    let crowded = Instant::now();
    assert_eq!(https(&authority.file()).get(&ready).call().unwrap().status(), 200);
    assert!(crowded.elapsed() < Duration::from_millis(limits::HTTPS_HANDSHAKE_MS), "{:?}", crowded.elapsed());
    read_to_end(&half);
    crowd.iter().for_each(|silent| drop(read_to_end(silent)));
    let time = Duration::from_millis(limits::HTTPS_HANDSHAKE_MS);
    assert!(begin.elapsed() >= time, "a handshake has its time: {:?}", begin.elapsed());
}

#[test]
fn the_limit_of_connections_counts_both_listeners() {
    let authority = Authority::new();
    let identity = authority.issue("wire", &[HOST]);
    let config = format!("[limits]\nconnections_max = 2\n{}", section(&identity));
    let server = Server::start(Setup { config, memory: true, ..Setup::default() });
    let secure = Secure { authority, identity, server };
    let mut plain = Peer::connect(secure.server.wire);
    assert!(matches!(plain.call(Request::Ping(Default::default())), Response::Ping(_)));
    let client = secure.authority.client(&["chatroom/1"]);
    let join = || Peer::try_connect_tls(secure.address(), client.clone(), HOST);
    let second = join().unwrap();
    assert!(join().is_err(), "a third was let in");
    drop(second);
    wait_until("a place to come free", || join().is_ok());
}

#[test]
fn a_new_certificate_is_shown_after_a_hangup_and_a_bad_one_never() {
    let secure = Secure::start("");
    let room = secure.server.admin().create_quiet_room("owner", "renewal");
    let shown = |peer: &Peer| peer.tls().peer_certificates().unwrap()[0].clone();
    let mut old = secure.join("old", room);
    assert_eq!(shown(&old), secure.identity.der);
    let century = || secure.metric("chatroom_tls_certificate_expires_seconds{listener=\"wire\"}");
    wait_until("the time it lasts", || century() > 70.0 * 365.0 * 86_400.0);
    let config = format!("{UNLIMITED}\n{}", section(&secure.identity));

    // A client that could resume its TLS session sees the new certificate too.
    let keen = secure.authority.client(&["chatroom/1"]);
    let mut first = Peer::try_connect_tls(secure.address(), keen.clone(), HOST).unwrap();
    first.call(Request::Ping(Default::default()));
    let mut again = Peer::try_connect_tls(secure.address(), keen.clone(), HOST).unwrap();
    again.call(Request::Ping(Default::default()));
    assert_eq!(again.tls().handshake_kind(), Some(rustls::HandshakeKind::Resumed));

    let renewed = secure.authority.issue("wire", &[HOST]);
    secure.server.reconfigure(&config);
    wait_until("the reload", || secure.metric("chatroom_reloads_total{result=\"done\"}") == 1.0);
    let mut new = secure.join("new", room);
    assert_eq!(shown(&new), renewed.der);
    let keen = Peer::try_connect_tls(secure.address(), keen, HOST).unwrap();
    assert_eq!((keen.tls().handshake_kind(), shown(&keen)), (Some(rustls::HandshakeKind::Full), renewed.der.clone()));
    assert_eq!(old.send_text(room, "m", "the old connection lives on").code, 0);
    assert_eq!(new.message().message_id, "m");

    let other = secure.authority.issue("other", &[HOST]);
    for (round, (file, content)) in [
        (&renewed.certificate, "not PEM".to_owned()),
        (&renewed.key, String::new()),
        (&renewed.key, fs::read_to_string(&other.key).unwrap()),
    ]
    .into_iter()
    .enumerate()
    {
        let good = fs::read_to_string(file).unwrap();
        fs::write(file, content).unwrap();
        secure.server.reconfigure(&config);
        let refused = round as f64 + 1.0;
        wait_until("the refusal", || secure.metric("chatroom_reloads_total{result=\"refused\"}") == refused);
        wait_until("the log to name the file", || secure.server.said().contains(&file.display().to_string()));
        assert_eq!(shown(&secure.connect()), renewed.der, "the old one is still shown");
        fs::write(file, good).unwrap();
    }
    let key = fs::read_to_string(&other.key).unwrap();
    let secret = key.lines().nth(1).unwrap();
    assert!(!secure.server.said().contains(secret), "a key has been written to the log");
}

/// A receiver of callbacks behind TLS: what comes in is deciphered and handed on to a plain one.
fn behind_tls(identity: &Identity, plain: &Receiver) -> SocketAddr {
    let target: SocketAddr = plain.url().trim_start_matches("http://").split('/').next().unwrap().parse().unwrap();
    use rustls::pki_types::PrivateKeyDer;
    use rustls::pki_types::pem::PemObject;
    let key = PrivateKeyDer::from_pem_file(&identity.key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![identity.der.clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut plain = tokio::net::TcpStream::connect(target).await.unwrap();
                    // Ends with whichever side goes first.
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut plain).await;
                });
            }
        });
    });
    address
}

#[test]
fn a_callback_over_https_is_asked_if_somebody_trusted_vouches_for_it() {
    let receiver = Receiver::start(|_| (200, "{\"code\":200}".into()));
    let authority = Authority::new();
    let identity = authority.issue("callback", &["127.0.0.1"]);
    let address = behind_tls(&identity, &receiver);
    let start = |ca: &str| {
        let config = format!(
            "[tls]\nca = \"{ca}\"\n[log]\nlevel = \"debug\"\n[[apps]]\nkey = \"{APP_KEY}\"\nsecret = \"{APP_SECRET}\"\n\
             login_callback = \"https://{address}/callback\"\n"
        );
        Server::start(Setup { config, memory: true, no_app: true, ..Setup::default() })
    };
    let request = || pb::LoginRequest { auth_type: AuthType::Callback as i32, token: "word".into(), ..login("alice", None) };
    let server = start(&authority.file().display().to_string());
    let (_peer, answer) = Peer::log_in(&server, request());
    assert_eq!((answer.code, receiver.asked().len()), (0, 1), "{}", answer.desc);
    let server = start("");
    let (_peer, answer) = Peer::log_in(&server, request());
    assert_eq!((answer.code, receiver.asked().len()), (302, 1), "{}", answer.desc);
    wait_until("the log to say why", || server.said().contains("UnknownIssuer"));
}

#[test]
fn a_server_that_cannot_use_its_files_says_which_and_what_to_do() {
    let authority = Authority::new();
    let (identity, other) = (authority.issue("one", &[HOST]), authority.issue("other", &[HOST]));
    let start = |certificate: &std::path::Path, key: &std::path::Path| {
        let identity = Identity { certificate: certificate.into(), key: key.into(), der: identity.der.clone() };
        let refused = Server::try_start(Setup { config: section(&identity), memory: true, ..Setup::default() });
        refused.err().expect("such a server does not start")
    };
    let missing = authority.file().with_file_name("nowhere.pem");
    for (said, words) in [
        (start(&missing, &identity.key), ["tls.certificate is", "nowhere.pem' cannot be read"]),
        (start(&identity.certificate, &missing), ["tls.key is", "nowhere.pem' cannot be read"]),
        (start(&identity.certificate, &identity.certificate), ["tls.key is", "holds no private key"]),
        (start(&identity.key, &identity.key), ["tls.certificate is", "holds no certificate"]),
        (start(&identity.certificate, &other.key), ["tls.key is", "does not fit the certificate"]),
    ] {
        assert!(words.iter().all(|words| said.contains(words)), "{words:?}: {said}");
    }
    let refused = Server::try_start(Setup { config: "[tls]\nca = \"/nowhere/ca.pem\"\n".into(), ..Setup::default() });
    assert!(refused.err().unwrap().contains("tls.ca is of no use: '/nowhere/ca.pem' cannot be read"));
}
