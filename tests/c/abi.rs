//! C and C++ programs against the shared library: compiled as C99, C11 and C++17 with every warning an error, run under the
//! sanitizers and under Valgrind, and talking through a real `chatroomd`.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::process::APP_KEY;
use crate::support::{Server, Setup};
use crate::workshop::{
    How, PROGRAM_PATIENCE, Workshop, compiled, finish, in_all_builds, instrumented, library, must, root, run, says, server,
};
use bytes::BytesMut;
use chatroom::wire::{FrameCodec, Packet, Request, Response, pb};
use tokio_util::codec::Decoder;

/// A server that accepts every login and then answers nothing.
fn silent_server() -> SocketAddr {
    crate::scripted::serving(answer_login)
}

fn answer_login(mut stream: TcpStream) {
    let (mut codec, mut inbox, mut chunk) = (FrameCodec::default(), BytesMut::new(), [0; 4096]);
    loop {
        match stream.read(&mut chunk) {
            Ok(len) if len > 0 => inbox.extend_from_slice(&chunk[..len]),
            _ => return,
        }
        while let Ok(Some(frame)) = codec.decode(&mut inbox) {
            if let Ok(Packet::Request { sequence, request: Request::Login(login) }) = Packet::decode(frame) {
                let answer = pb::LoginResponse { account: login.account, heartbeat_seconds: 30, ..Default::default() };
                let mut out = BytesMut::new();
                Response::Login(Box::new(answer)).encode(sequence, &mut out);
                if stream.write_all(&out).is_err() {
                    return;
                }
            }
        }
    }
}

/// An address where nobody listens: a free port might be somebody's before it is used.
const REFUSED: &str = "127.0.0.1:1";

#[test]
fn the_abi_holds_without_a_network() {
    in_all_builds("tests/c/abi.c", &Vec::new);
}

#[test]
fn clients_close_and_are_freed_at_any_moment() {
    let silent = silent_server();
    in_all_builds("tests/c/closing.c", &|| vec![silent.to_string(), REFUSED.into()]);
}

#[test]
fn requests_are_cancelled_flushed_and_ended_alike() {
    instrumented("tests/c/pending.c", &[silent_server().to_string()]);
}

#[test]
fn the_hosts_process_keeps_its_signals_and_callbacks_have_a_stack() {
    instrumented("tests/c/process.c", &[REFUSED.into()]);
}

#[test]
fn every_operation_reaches_a_real_server() {
    let server = server();
    let admin = server.admin();
    let (amy, bob) = (admin.create_user("amy"), admin.create_user("bob"));
    in_all_builds("tests/c/tour.c", &|| {
        let room = admin.create_room("amy", "tour").to_string();
        let arguments = [&server.wire.to_string(), APP_KEY, &room, "amy", &amy, "bob", &bob];
        arguments.map(String::from).to_vec()
    });
}

#[test]
fn every_other_operation_says_what_it_was_told_and_shows_what_it_was_answered() {
    let address = crate::scripted::server();
    in_all_builds("tests/c/every.c", &|| vec![address.to_string()]);
}

#[test]
fn a_request_goes_out_as_the_protobuf_the_host_brings_and_its_answer_comes_back_so() {
    let server = server();
    let admin = server.admin();
    let amy = admin.create_user("amy");
    in_all_builds("tests/c/raw.c", &|| {
        let room = admin.create_room("amy", "raw").to_string();
        [&server.wire.to_string(), APP_KEY, &room, "amy", &amy].map(String::from).to_vec()
    });
}

#[test]
fn the_wrapper_for_cpp_owns_what_it_is_given() {
    let server = server();
    let admin = server.admin();
    let (amy, bob) = (admin.create_user("amy"), admin.create_user("bob"));
    in_all_builds("tests/c/wrap.cpp", &|| {
        let room = admin.create_room("amy", "wrap").to_string();
        [&server.wire.to_string(), APP_KEY, &room, "amy", &amy, "bob", &bob].map(String::from).to_vec()
    });
}

#[test]
fn a_c_program_hears_why_it_cannot_connect() {
    let authority = crate::pki::Authority::new();
    let identity = authority.issue("wire", &["localhost"]);
    let (certificate, key) = (identity.certificate.display(), identity.key.display());
    let config = format!("[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
    let server = Server::start(Setup { config, memory: true, ..Setup::default() });
    let tls = server.tls.expect("the ready line names the TLS listener");
    let (ca, stranger) = (authority.file().display().to_string(), crate::pki::Authority::new());
    let workshop = Workshop::new();
    let program = compiled(&workshop, "tests/c/connect_reason.c");
    for (address, ca, code, will_retry, words) in [
        (REFUSED.to_owned(), "", 415, 1, "refused"),
        ("nosuch.invalid:7400".into(), "", 415, 1, "nosuch.invalid:7400"),
        (format!("tls://localhost:{}", tls.port()), "", 415, 1, "certificate"),
        (format!("tls://localhost:{}", tls.port()), &*stranger.file().display().to_string(), 415, 1, "certificate"),
        (format!("tls://127.0.0.1:{}", tls.port()), &*ca, 415, 1, "certificate"),
        (format!("tls://localhost:{}", tls.port()), "/nowhere/ca.pem", 414, 0, "'/nowhere/ca.pem' cannot be read"),
        // TLS on the plain port, and the reverse.
        (format!("tls://{}", server.wire), &*ca, 415, 1, "TLS"),
        (tls.to_string(), "", 509, 0, "tls://"),
        // The HTTP API.
        (server.admin.to_string(), "", 509, 0, "HTTP"),
        // The application is another one.
        (server.wire.to_string(), "", 403, 0, ""),
    ] {
        let said = says(&program, &[&address, ca, "wrong"]);
        let told = said.lines().find(|line| line.starts_with("connect_failed")).unwrap_or_else(|| panic!("{address}: {said}"));
        assert!(told.starts_with(&format!("connect_failed {code} {will_retry} ")) && told.contains(words), "{address}: {said}");
        let retryable = told.split(' ').nth(3).expect("four words at least");
        assert_eq!(retryable, will_retry.to_string(), "{address}: {told}");
        assert!(said.contains("log "), "{address}: {said}");
    }
}

#[test]
fn names_that_are_not_answered_for_do_not_hold_up_the_one_that_is() {
    let server = Server::start(Setup { memory: true, ..Setup::default() });
    let workshop = Workshop::new();
    let program = compiled(&workshop, "tests/c/slow_names.c");
    // The application is another one: the login gets that far, and is refused.
    let said = says(&program, &[&server.wire.port().to_string()]);
    assert!(said.starts_with("connect_failed 403 "), "{said}");
}

#[test]
fn a_c_program_that_is_put_out_of_its_last_room_ends_in_state_6() {
    let config = "[rooms]\nmulti_client = \"single\"\n".into();
    let server = Server::start(Setup { config, memory: true, ..Setup::default() });
    let admin = server.admin();
    admin.create_user("boss");
    let workshop = Workshop::new();
    let program = compiled(&workshop, "tests/c/put_out.c");
    std::thread::scope(|scope| {
        for reason in [1, 2, 3, 5, 6] {
            let (server, admin, program) = (&server, server.admin(), &program);
            scope.spawn(move || {
                let account = format!("a{reason}");
                let token = admin.create_user(&account);
                let room = admin.create_room("boss", "r").to_string();
                let join = || {
                    let arguments = [&server.wire.to_string(), APP_KEY, &room, &account, &token].map(String::from);
                    let mut command = Command::new(program);
                    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it runs")
                };
                let mut child = join();
                let mut out = std::io::BufReader::new(child.stdout.take().expect("stdout is piped"));
                while line(&mut out) != "entered\n" {}
                let mut other = None;
                match reason {
                    1 => drop(
                        admin.call("chatroom/toggleCloseStat", &[("roomid", &room), ("operator", "boss"), ("valid", "false")]),
                    ),
                    2 => drop(
                        admin.call("chatroom/kickMember", &[("roomid", &room), ("accid", "boss"), ("targetAccid", &account)]),
                    ),
                    3 => other = Some(join()),
                    5 => {
                        let who = [
                            ("roomid", &*room),
                            ("operator", "boss"),
                            ("target", &account),
                            ("opt", "-1"),
                            ("optvalue", "true"),
                        ];
                        admin.call("chatroom/setMemberRole", &who);
                    }
                    _ => drop(admin.call("user/block", &[("accid", &account), ("needkick", "true")])),
                }
                let mut said = String::new();
                out.read_to_string(&mut said).expect("a program says text");
                assert!(child.wait().expect("a child can be waited for").success(), "{reason}: {said}");
                if let Some(mut other) = other {
                    other.kill().expect("our own child can be killed");
                    other.wait().expect("a child can be waited for");
                }
                let lines: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("kicked")).collect();
                let expected = [&format!("kicked {reason}"), "disconnected 20001", "state 6", "final 6"];
                assert_eq!(lines, expected, "{said}");
                assert!(!said.contains("will_reconnect"), "{said}");
            });
        }
    });
}

/// A relay to a server that, once told to, moves no byte of the connections it has, and goes on to make others.
fn relay(to: SocketAddr, is_dead: std::sync::Arc<std::sync::atomic::AtomicBool>) -> SocketAddr {
    use std::sync::atomic::Ordering::SeqCst;
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("a listener has an address");
    let pump =
        move |mut from: TcpStream, mut into: TcpStream, dies: bool, is_dead: std::sync::Arc<std::sync::atomic::AtomicBool>| {
            let mut chunk = [0; 4096];
            while let Ok(len) = from.read(&mut chunk) {
                if dies && is_dead.load(SeqCst) {
                    // Takes what comes, neither forwards nor closes.
                    continue;
                }
                if len == 0 || into.write_all(&chunk[..len]).is_err() {
                    break;
                }
            }
            // Whoever has gone already needs no goodbye.
            let _ = into.shutdown(std::net::Shutdown::Both);
        };
    std::thread::spawn(move || {
        for (count, client) in listener.incoming().map_while(Result::ok).enumerate() {
            let server = TcpStream::connect(to).expect("the server listens");
            let clone = |stream: &TcpStream| stream.try_clone().expect("a socket can be cloned");
            for (from, into) in [(clone(&client), clone(&server)), (server, client)] {
                let is_dead = is_dead.clone();
                std::thread::spawn(move || pump(from, into, count == 0, is_dead));
            }
        }
    });
    address
}

#[test]
fn a_c_program_that_keeps_talking_notices_a_dead_link() {
    let config = "[timers]\nheartbeat_ms = 1000\nidle_timeout_ms = 12000\n".into();
    let server = Server::start(Setup { config, memory: true, ..Setup::default() });
    let admin = server.admin();
    let token = admin.create_user("amy");
    let room = admin.create_room("amy", "talk").to_string();
    let is_dead = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let address = relay(server.wire, is_dead.clone()).to_string();
    let workshop = Workshop::new();
    let mut command = Command::new(compiled(&workshop, "tests/c/busy.c"));
    command.args([&address, APP_KEY, &room, "amy", &token]).stdin(Stdio::null());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let mut out = std::io::BufReader::new(child.stdout.take().expect("stdout is piped"));
    assert_eq!(line(&mut out), "in\n");
    is_dead.store(true, std::sync::atomic::Ordering::SeqCst);
    let died = Instant::now();
    let (said, success) = finish(child, PROGRAM_PATIENCE);
    println!("in again {:.1} s after the link died", died.elapsed().as_secs_f64());
    assert!(success && died.elapsed() < Duration::from_secs(15), "{said}");
}

/// Starts the example in its room, as its manual says.
fn chat(program: &Path, server: &Server, account: &str, token: &str, room: i64) -> Child {
    Command::new(program)
        .args([&server.wire.to_string(), APP_KEY, account, token, &room.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program that was just compiled runs")
}

#[test]
fn two_c_programs_chat_through_a_real_server() {
    let workshop = Workshop::new();
    for how in [How::Plain("gcc", "c99"), How::Plain("clang", "c11"), How::Sanitized("clang", "c99")] {
        let server = server();
        let admin = server.admin();
        let (amy_token, bob_token) = (admin.create_user("amy"), admin.create_user("bob"));
        let room = admin.create_room("amy", "chat");
        let program = workshop.compile("examples/c/chat.c", how);

        let mut amy = chat(&program, &server, "amy", &amy_token, room);
        let amy_in = amy.stdin.take().expect("stdin is piped");
        let mut amy_err = std::io::BufReader::new(amy.stderr.take().expect("stderr is piped"));
        let mut amy_out = std::io::BufReader::new(amy.stdout.take().expect("stdout is piped"));
        let heard = std::thread::spawn(move || {
            // She is in the room when she sees herself come in.
            let came_in = line(&mut amy_err);
            (came_in, amy_err, move || (line(&mut amy_out), line(&mut amy_out)))
        });
        let (came_in, mut amy_err, lines) = joined(heard);
        assert_eq!(came_in, "* amy came in\n");
        let mut bob = chat(&program, &server, "bob", &bob_token, room);
        writeln!(bob.stdin.take().expect("stdin is piped"), "here is bob\nand he leaves").expect("bob reads");
        let (said, success) = finish(bob, PROGRAM_PATIENCE);
        assert!(success, "{said}");
        let (first, second) = joined(std::thread::spawn(lines));
        assert_eq!((&*first, &*second), ("bob: here is bob\n", "bob: and he leaves\n"));
        let notices = joined(std::thread::spawn(move || (line(&mut amy_err), line(&mut amy_err))));
        assert_eq!((&*notices.0, &*notices.1), ("* bob came in\n", "* bob left\n"));
        drop(amy_in);
        let (said, success) = finish(amy, PROGRAM_PATIENCE);
        assert!(success, "{said}");
    }
}

#[test]
fn a_c_program_chats_over_tls_with_a_server_it_can_trust() {
    let authority = crate::pki::Authority::new();
    let identity = authority.issue("wire", &["localhost"]);
    let (certificate, key) = (identity.certificate.display(), identity.key.display());
    let more = format!("[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n");
    let config = format!("{}\n{more}", crate::support::process::UNLIMITED);
    let server = Server::start(Setup { config, memory: true, ..Setup::default() });
    let admin = server.admin();
    let (amy_token, bob_token) = (admin.create_user("amy"), admin.create_user("bob"));
    let room = admin.create_room("amy", "chat");
    let mut login = crate::support::peer::login("amy", Some(room));
    (login.token, login.auth_type) = (amy_token, pb::AuthType::Static as i32);
    let (mut amy, answer) = crate::support::Peer::log_in(&server, login);
    assert_eq!(answer.code, 0, "{}", answer.desc);
    let address = format!("tls://localhost:{}", server.tls.expect("the ready line names the TLS listener").port());
    let workshop = Workshop::new();
    for how in [How::Plain("gcc", "c99"), How::Sanitized("clang", "c11")] {
        let program = workshop.compile("examples/c/chat.c", how);
        let run = |ca: &str| {
            let mut command = Command::new(&program);
            command.args([&address, APP_KEY, "bob", &bob_token, &room.to_string(), ca]);
            let mut bob = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
            writeln!(bob.stdin.take().expect("stdin is piped"), "over TLS").expect("bob reads");
            bob
        };
        let (said, success) = finish(run(&authority.file().display().to_string()), PROGRAM_PATIENCE);
        assert!(success, "{said}");
        assert_eq!(&amy.message().body[..], b"over TLS");
    }
}

/// What a thread found, or a failure when it takes too long.
fn joined<T>(thread: std::thread::JoinHandle<T>) -> T {
    crate::support::wait_until("a line of a program", || thread.is_finished());
    thread.join().expect("the thread does not panic")
}

fn line(from: &mut impl std::io::BufRead) -> String {
    let mut line = String::new();
    from.read_line(&mut line).expect("the program lives");
    line
}

#[test]
fn layouts_are_those_of_64_and_of_32_bit_machines() {
    for compiler in ["gcc", "clang"] {
        for bits in [&["-m64"][..], &["-m32", "-ffreestanding"][..]] {
            let mut command = Command::new(compiler);
            command.args(bits).args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I"]);
            must(command.arg(root().join("include")).arg(root().join("tests/c/layout.c")));
        }
    }
}

#[test]
fn the_library_exports_what_the_list_says_and_carries_its_soname() {
    let list = std::fs::read_to_string(root().join("include/chatroom.symbols")).expect("include/chatroom.symbols is there");
    let listed: Vec<&str> =
        list.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(' ').next()).collect();
    let symbols = must(Command::new("nm").args(["-D", "--defined-only", "--format=posix"]).arg(library()));
    let exported: Vec<&str> = symbols.lines().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(exported, listed);

    let dynamic = must(Command::new("readelf").arg("--dynamic").arg("--wide").arg(library()));
    assert!(dynamic.contains("soname: [libchatroom.so.0]"), "{dynamic}");
    // Threads and thread-local values must not outlive the code.
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
}

#[test]
fn a_build_that_aborts_on_panic_is_refused() {
    let out = tempfile::tempdir().expect("a temporary folder can be made");
    let compile = |panic: &str| {
        let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        command.args(["--crate-type", "lib", "--emit", "metadata", "--out-dir"]).arg(out.path());
        run(command.arg("-C").arg(format!("panic={panic}")).arg(root().join("src/capi/guard.rs")))
    };
    assert!(compile("unwind").status.success());
    let refused = compile("abort");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("would end the host's process"), "{said}");
}

#[test]
fn a_phone_links_no_http_no_disk_and_no_nats() {
    let tree = must(
        Command::new(env!("CARGO"))
            .current_dir(root())
            .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none", "--format", "{p}"])
            .args(["--no-default-features", "--features", "capi,tls"]),
    );
    let packages: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(packages.contains(&"tokio") && packages.contains(&"prost"), "{tree}");
    for unwanted in [
        "axum",
        "hyper",
        "http",
        "reqwest",
        "fjall",
        "lsm-tree",
        "rusqlite",
        "redb",
        "async-nats",
        "clap",
        "serde_json",
        "toml",
        "tracing",
        "metrics",
        "mimalloc",
        "sha1",
        "hmac",
        "openssl-sys",
        "indicatif",
    ] {
        assert!(!packages.contains(&unwanted), "{unwanted} is linked into a phone's library:\n{tree}");
    }
}
