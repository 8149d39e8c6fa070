//! The client library, from Rust and on the command line, with a server it reaches over TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::hall::Hall;
use crate::peer::{event, soon};
use crate::pki::Authority;
use crate::support::process::{APP_KEY, APP_SECRET};
use crate::support::{Server, Setup};
use chatroom::client::{Client, ClientOptions, Event, Events, Trust, start};
use chatroom::wire::pb;

/// A room behind TLS, and the authority that vouches for its server.
struct Secure {
    hall: Hall,
    authority: Authority,
}

impl Secure {
    fn new() -> Secure {
        let authority = Authority::new();
        let identity = authority.issue("wire", &["localhost"]);
        let (certificate, key) = (identity.certificate.display(), identity.key.display());
        let hall =
            Hall::configured(&format!("[tls]\nlisten = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nkey = \"{key}\"\n"));
        Secure { hall, authority }
    }

    fn address(&self, host: &str) -> String {
        format!("tls://{host}:{}", self.hall.server.tls.expect("the ready line names the TLS listener").port())
    }

    fn client(&self, account: &str, host: &str, trust: Trust) -> (Client, Events) {
        let enter = Some(pb::RoomEnterRequest { room_id: self.hall.room_id, ..Default::default() });
        let options = self.hall.options(account, &self.address(host));
        start(ClientOptions { enter, trust, reconnect_attempts_max: Some(0), ..options })
    }

    async fn enter(&self, account: &str) -> (Client, Events) {
        let (client, mut events) = self.client(account, "localhost", Trust::File(self.authority.file()));
        soon(client.connect()).await.unwrap();
        event(&mut events, |event| matches!(event, Event::Entered(_)).then_some(())).await;
        (client, events)
    }
}

fn draft(room_id: i64, id: usize) -> pb::MessageSendRequest {
    let body = "long ".repeat(800).into_bytes().into();
    pb::MessageSendRequest { room_id, message_id: format!("m{id}"), body, ..Default::default() }
}

#[tokio::test]
async fn two_clients_talk_over_tls_as_fast_as_they_like() {
    let secure = Secure::new();
    let (alice, mut alice_hears) = secure.enter("alice").await;
    let (bob, mut bob_hears) = secure.enter("bob").await;
    // More at once than sockets and records hold.
    let sends = (0..500).map(|id| {
        let alice = alice.clone();
        tokio::spawn(async move { alice.send(draft(secure.hall.room_id, id)).await })
    });
    let sends: Vec<_> = sends.collect();
    for id in 0..500 {
        let heard = event(&mut bob_hears, |event| match event {
            Event::Message(message) => Some(message.message_id.clone()),
            _ => None,
        });
        assert_eq!(heard.await, format!("m{id}"));
    }
    for send in sends {
        soon(send).await.unwrap().unwrap();
    }
    soon(bob.send(draft(secure.hall.room_id, 500))).await.unwrap();
    event(&mut alice_hears, |event| matches!(event, Event::Message(message) if message.message_id == "m500").then_some(()))
        .await;
    soon(alice.disconnect()).await;
    soon(bob.disconnect()).await;
}

#[tokio::test]
async fn a_server_nobody_vouches_for_is_not_talked_to() {
    let secure = Secure::new();
    let stranger = Authority::new();
    let ours = || Trust::File(secure.authority.file());
    let cases = [
        ("localhost", Trust::System, "UnknownIssuer"),
        ("localhost", Trust::File(stranger.file()), "UnknownIssuer"),
        // The certificate is for a name, and this is a number.
        ("127.0.0.1", ours(), "not valid for name"),
        ("localhost", Trust::File(PathBuf::from("/nowhere/ca.pem")), "'/nowhere/ca.pem' cannot be read"),
    ];
    for (host, trust, words) in cases {
        let (client, _events) = secure.client("alice", host, trust);
        let refused = soon(client.connect()).await.unwrap_err();
        assert!(refused.desc.contains(words), "{host}: {refused}");
    }
    let config = secure.authority.client(&["chatroom/1"]);
    let (client, _events) = secure.client("alice", "localhost", Trust::Config(config));
    soon(client.connect()).await.unwrap();
}

#[test]
fn the_command_line_client_takes_a_tls_address() {
    let secure = Secure::new();
    let (address, room) = (secure.address("localhost"), secure.hall.room_id.to_string());
    let send = |more: &[&str]| {
        let mut arguments =
            vec!["send", "--server", &address, "--app", APP_KEY, "--secret", APP_SECRET, "--room", &room, "--account", "carol"];
        arguments.extend_from_slice(more);
        arguments.push("hello");
        crate::terminal::chatroom(&arguments, "")
    };
    let ca = secure.authority.file().display().to_string();
    let sent = send(&["--ca", &ca]);
    assert_eq!(sent.status.code(), Some(0), "{}", crate::terminal::complained(&sent));
    let refused = send(&[]);
    assert_eq!(refused.status.code(), Some(3));
    let words = crate::terminal::complained(&refused);
    assert!(words.contains("UnknownIssuer") && words.contains("--ca FILE"), "{words}");
}

/// Runs a line of a shell in a folder; what it said.
fn shell(line: &str, folder: &Path) -> String {
    let output = Command::new("sh").args(["-euc", line]).current_dir(folder).output().expect("there is a shell");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}: {complaint} (`make setup` installs what the tests need)");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_the_documents_say_of_tls_can_be_pasted() {
    let page = include_str!("../../docs/configuration.md").split("\n## TLS\n").nth(1).expect("there is a chapter");
    let blocks: Vec<String> =
        page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap().replace("\\\n", " ")).collect();
    let command = |begin: &str| {
        let mut lines = blocks.iter().flat_map(|block| block.lines());
        lines.find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("no {begin} in the chapter")).to_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    shell(&command("openssl"), folder.path());
    let place = format!("={}/server.", folder.path().display());
    let arguments = command("chatroomd").replace("=server.", &place).replace("7443", "0");
    let arguments = arguments.split_whitespace().skip(1).map(str::to_owned).collect();
    let server = Server::start(Setup { arguments, no_app: true, ..Setup::default() });

    let curl = command("curl").replace("127.0.0.1:7480", &server.admin.to_string());
    assert_eq!(shell(&curl, folder.path()), "ready\n");
    let line = server.line(crate::support::PATIENCE).expect("a line to paste follows the ready line");
    let secret = line.split_whitespace().skip_while(|word| *word != "--secret").nth(1).expect("it has a secret");
    let port = server.tls.expect("the ready line names the TLS listener").port().to_string();
    let ca = format!("{}/server.pem", folder.path().display());
    let join = command("chatroom join").replace("7443", &port).replace("SECRET", secret).replace("server.pem", &ca);
    let mut terminal = crate::terminal::Terminal::open(&join.split_whitespace().skip(1).collect::<Vec<_>>());
    terminal.expect("entered room 1");
    assert_eq!(terminal.close(), 0);
}
