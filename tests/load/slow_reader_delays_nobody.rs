//! One member of a thousand stops reading: the others hear as fast as before, and the server keeps no queue for it.

use std::time::{Duration, Instant};

use crate::support::peer::{login, text_message};
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup, raise_open_files};
use chatroom::wire::{Push, Request, pb};
use socket2::SockRef;

/// Members of each of the two rooms.
const MEMBERS: usize = 1000;
const BODY_BYTES: usize = 4096;
/// Messages of one block, and pairs of blocks that are compared.
const BLOCK: usize = 2;
const PAIRS: usize = 80;
/// What the slow reader may make the server grow by: half of what it does not read.
const GROWTH_MAX_BYTES: u64 = 10 << 20;

/// A room whose members read, and its publisher.
struct Hall {
    room: i64,
    name: String,
    publisher: Peer,
    members: Vec<Peer>,
    sent: usize,
}

impl Hall {
    fn new(server: &Server, name: &str) -> Hall {
        let room = server.admin().create_quiet_room("owner", name);
        let publisher = Peer::join(server, "owner", room);
        Hall { room, name: name.to_owned(), publisher, members: Vec::new(), sent: 0 }
    }

    fn fill(&mut self, server: &Server, members: usize) {
        self.members = (0..members).map(|number| Peer::join(server, &format!("{}{number}", self.name), self.room)).collect();
    }

    /// Sends until the server says that a reader lags behind: then its sockets hold all they can.
    fn clog(&mut self, server: &Server) {
        let deadline = Instant::now() + PATIENCE;
        while metric(server, "chatroom_lagging_readers") < 1.0 {
            assert!(Instant::now() < deadline, "nobody lags after {} messages", self.sent);
            self.block();
        }
        // From here on everything it does not read would pile up, if the server kept it: twice as much as may be.
        for _ in 0..2 * GROWTH_MAX_BYTES as usize / BODY_BYTES / BLOCK {
            self.block();
        }
    }

    /// Sends a block, one message after the other has reached every member, and returns how long it took.
    fn block(&mut self) -> Duration {
        let body = "m".repeat(BODY_BYTES);
        let begin = Instant::now();
        for _ in 0..BLOCK {
            self.sent += 1;
            let draft = pb::MessageSendRequest { skip_history: true, ..text_message(self.room, &self.sent.to_string(), &body) };
            self.publisher.call(Request::MessageSend(Box::new(draft)));
            let id = self.sent.to_string();
            for member in &mut self.members {
                assert_eq!(member.message().message_id, id, "each message, in order");
            }
        }
        begin.elapsed()
    }
}

#[test]
fn one_of_a_thousand_members_stops_reading() {
    let _alone = crate::alone();
    let needed = 2 * MEMBERS as u64 + 200;
    let files = raise_open_files(needed);
    assert!(files >= needed, "{needed} files must be open, and only {files} may be: raise the hard limit (ulimit -Hn)");
    // One worker, so that both rooms are served alike. A short feed, so that the slow reader is soon overtaken. Members say
    // nothing here and are not to be closed for that.
    let config =
        UNLIMITED.replace("[limits]\n", "[limits]\nfeed_bytes_max = 262144\n") + "[timers]\nidle_timeout_ms = 3600000\n";
    let server = Server::start(Setup { config, memory: true, workers: Some(1), ..Setup::default() });
    server.admin().create_user("owner");
    let (mut calm, mut troubled) = (Hall::new(&server, "calm"), Hall::new(&server, "troubled"));
    let slow = slow_reader(&server, troubled.room);
    calm.block();
    let before = server.rss_bytes();
    troubled.clog(&server);
    let clogged = server.rss_bytes();
    // The log in memory keeps what is sent; so many messages that nobody fails to read show how much that is.
    while calm.sent < troubled.sent {
        calm.block();
    }
    let grown_while_clogging = (clogged.saturating_sub(before)).saturating_sub(server.rss_bytes().saturating_sub(clogged));
    calm.fill(&server, MEMBERS);
    troubled.fill(&server, MEMBERS - 1);
    calm.block();
    troubled.block();
    let (before, sent_before) = (server.rss_bytes(), calm.sent + troubled.sent);
    let ratio = compare(&mut troubled, &mut calm);
    let kept = (calm.sent + troubled.sent - sent_before) as u64 * BODY_BYTES as u64;
    let grown = grown_while_clogging + server.rss_bytes().saturating_sub(before).saturating_sub(kept);
    println!("{} messages to the slow reader's room: time of a block x {ratio:.2}, memory grew by {grown}", troubled.sent);
    assert!(ratio <= 1.10, "with the slow reader a block takes the others {ratio:.2} times as long");
    assert!(grown < GROWTH_MAX_BYTES, "memory grew by {grown} bytes");
    expect_gap_or_goodbye(slow, troubled.sent);
}

/// The sum of a metric over its labels.
fn metric(server: &Server, name: &str) -> f64 {
    let (_, text) = server.admin().page("/metrics");
    let of = |line: &str| line.strip_prefix(name)?.rsplit_once(' ')?.1.parse::<f64>().ok();
    text.lines().filter_map(of).sum()
}

/// How much longer a block takes in one room than in the other: the median over pairs of blocks, in alternating order.
fn compare(troubled: &mut Hall, calm: &mut Hall) -> f64 {
    let mut ratios: Vec<f64> = (0..PAIRS)
        .map(|pair| {
            let (with, without) = if pair % 2 == 0 {
                let with = troubled.block();
                (with, calm.block())
            } else {
                let without = calm.block();
                (troubled.block(), without)
            };
            with.as_secs_f64() / without.as_secs_f64()
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!("with a slow reader a block takes {:.2} of the time it takes without", ratios[PAIRS / 2]);
    ratios[PAIRS / 2]
}

/// A member whose receive buffer is small and which reads nothing after its login.
fn slow_reader(server: &Server, room: i64) -> Peer {
    let mut peer = Peer::connect(server.wire);
    SockRef::from(peer.stream()).set_recv_buffer_size(8 * 1024).expect("a socket has a buffer");
    peer.call(Request::Login(Box::new(login("slow", Some(room)))));
    peer
}

/// When the slow reader reads again, it finds each message once and in order, or is told which are missing, or is told to go.
fn expect_gap_or_goodbye(mut slow: Peer, sent: usize) {
    SockRef::from(slow.stream()).set_recv_buffer_size(4 << 20).expect("a socket has a buffer");
    let mut next_seq = None;
    let (mut heard, mut skipped) = (0, 0);
    loop {
        match slow.try_push(PATIENCE) {
            Ok(Push::Message(message)) => {
                assert!(next_seq.is_none_or(|next| message.seq == next), "seq {} after {next_seq:?}", message.seq);
                next_seq = Some(message.seq + 1);
                heard += 1;
                if message.message_id == sent.to_string() {
                    break;
                }
            }
            Ok(Push::Gap(gap)) => {
                assert!(next_seq.is_none_or(|next| gap.first_seq == next), "gap from {} after {next_seq:?}", gap.first_seq);
                skipped += gap.last_seq - gap.first_seq + 1;
                next_seq = Some(gap.last_seq + 1);
            }
            Ok(Push::Kicked(kicked)) => {
                assert_eq!(kicked.reason, pb::KickReason::Silent as i32, "{kicked:?}");
                return;
            }
            Ok(_) => {}
            Err(error) => panic!("neither a gap nor a goodbye after {heard} messages: {error}"),
        }
    }
    println!("the slow reader heard {heard} messages and was told of {skipped} it missed");
    assert!(skipped > 0, "it was never overtaken: the test proves nothing");
}
