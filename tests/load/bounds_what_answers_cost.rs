//! Many clients that ask for much and read nothing, or little, cost the server a bounded amount of memory and the others no time; what
//! is asked is answered once all the same. The claim about time, that others wait at most twice as long, wants a machine that does
//! nothing else: `--nocapture` prints both.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::ask::{batch_offer, came, element, info, text};
use crate::support::peer::login;
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup, quantile, wait_until};
use bytes::BytesMut;
use chatroom::wire::{Request, Response, pb};
use socket2::SockRef;

const CLIENTS: usize = 60;
const REQUESTS: u32 = 100;
const GROWTH_MAX: u64 = 32 << 20;
/// How long each kind of request is attacked with, and how long it is calm between.
const PHASE: Duration = Duration::from_millis(300);

/// A room that has much to tell: elements, members, messages and a long description.
struct Archive {
    server: Server,
    room: i64,
    owner: Peer,
    members: Vec<Peer>,
}

impl Archive {
    fn new(limits: &str) -> Archive {
        let config = UNLIMITED.replace("[limits]\n", &format!("[limits]\n{limits}"));
        let server = Server::start(Setup { config, memory: true, workers: Some(2), ..Setup::default() });
        let admin = server.admin();
        admin.create_user("owner");
        let ext = long(4000);
        let room = admin.create_room_with("owner", "archive", &[("inOutNotification", "0"), ("ext", &ext)]);
        let mut owner = Peer::join(&server, "owner", room);
        for batch in 0..2 {
            let elements = (0..90).map(|number| element(&format!("{batch}-{number}"), &"v".repeat(4096))).collect();
            owner.done(batch_offer(room, elements, ""));
        }
        for number in 0..120 {
            let draft = pb::MessageSendRequest {
                notify_target_tags: Some(TAGGED.into()),
                ..text(room, &number.to_string(), &"m".repeat(4096))
            };
            owner.done(Request::MessageSend(Box::new(draft)));
        }
        let pairs = |count: usize, value: &str| (0..count).map(|number| (format!("k{number}"), value.repeat(8))).collect();
        let attributes = pairs(5, &"v".repeat(125));
        owner.done(Request::AttributesSet(pb::AttributesSetRequest { room_id: room, attributes, ..Default::default() }));
        let members: Vec<Peer> = (0..50).map(|number| member(&server, room, &format!("member{number}"))).collect();
        let (accounts, attributes) = (some_members(50), pairs(2, &"v".repeat(8)));
        let set = pb::MemberAttributesSetRequest { room_id: room, accounts, attributes, ..Default::default() };
        owner.done(Request::MemberAttributesSet(Box::new(set)));
        Archive { server, room, owner, members }
    }

    fn requests(&self) -> Vec<(&'static str, Request)> {
        let room_id = self.room;
        let accounts = some_members(20);
        let keys = (0..90).map(|number| format!("1-{number}")).collect();
        let tag = "tag".to_owned();
        vec![
            ("queue list", Request::QueueList(pb::QueueListRequest { room_id, ..Default::default() })),
            ("queue multiget", Request::QueueMultiGet(pb::QueueMultiGetRequest { room_id, keys })),
            ("members", Request::MemberList(pb::MemberListRequest { room_id, query: 2, limit: 100, ..Default::default() })),
            ("members by name", Request::MemberLookup(pb::MemberLookupRequest { room_id, accounts })),
            (
                "members by tag",
                Request::MemberListByTag(pb::MemberListByTagRequest {
                    room_id,
                    tag: tag.clone(),
                    limit: 100,
                    ..Default::default()
                }),
            ),
            ("history", Request::MessageHistory(pb::MessageHistoryRequest { room_id, limit: 100, ..Default::default() })),
            (
                "history by tags",
                Request::MessageHistoryByTags(pb::MessageHistoryByTagsRequest {
                    room_id,
                    tags: vec![tag],
                    limit: 100,
                    ..Default::default()
                }),
            ),
            ("room info", info(room_id)),
            ("peek", Request::QueuePeek(pb::QueuePeekRequest { room_id })),
            ("attributes", Request::AttributesList(pb::AttributesListRequest { room_id })),
            (
                "attributes of members",
                Request::MemberAttributesList(pb::MemberAttributesListRequest { room_id, ..Default::default() }),
            ),
            (
                "attributes by name",
                Request::MemberAttributesLookup(pb::MemberAttributesLookupRequest { room_id, accounts: some_members(50) }),
            ),
        ]
    }
}

fn some_members(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("member{number}")).collect()
}

const TAGGED: &str = "{\"tag\":\"tag\"}";

/// So many characters of three bytes each.
fn long(chars: usize) -> String {
    "\u{754c}".repeat(chars)
}

/// Somebody in the room of whom there is much to say: too much for the request that logs in.
fn member(server: &Server, room: i64, account: &str) -> Peer {
    let (mut peer, answer) = Peer::log_in(server, login(account, None));
    assert_eq!(answer.code, 0, "{account}: {}", answer.desc);
    let enter = pb::RoomEnterRequest { room_id: room, ext: long(3000), tags: vec!["tag".into()], ..Default::default() };
    peer.done(Request::RoomEnter(Box::new(enter)));
    peer
}

/// So many times the same request, one frame after the other.
fn volley(request: &Request, times: u32) -> BytesMut {
    let mut frames = BytesMut::new();
    (1..=times).for_each(|sequence| request.encode(1000 + sequence, &mut frames));
    frames
}

/// Sends and hears messages until `over`, and returns how long each took, in microseconds.
fn talk(sender: &mut Peer, receiver: &mut Peer, room: i64, over: impl Fn() -> bool, times: &mut Vec<u64>) {
    while !over() {
        let begin = Instant::now();
        let id = format!("talk{}-{}", times.len(), fastrand::u32(..));
        let draft = pb::MessageSendRequest { skip_history: true, ..text(room, &id, "text") };
        assert_eq!(came(&sender.call(Request::MessageSend(Box::new(draft)))).0, 200);
        assert_eq!(receiver.message().message_id, id);
        times.push(begin.elapsed().as_micros() as u64);
    }
}

#[test]
fn sixty_clients_that_ask_for_much_and_read_nothing_cost_little_memory_and_others_no_time() {
    let _alone = crate::alone();
    let archive = Archive::new("");
    let server = &archive.server;
    let quiet = server.admin().create_quiet_room("owner", "quiet");
    let (mut sender, mut receiver) = (Peer::join(server, "sender", quiet), Peer::join(server, "receiver", quiet));
    let (mut calm, mut troubled) = (Vec::new(), Vec::new());
    let baseline = AtomicU64::new(0);
    for (name, request) in archive.requests() {
        let mut greedy: Vec<Peer> =
            (0..CLIENTS).map(|number| Peer::join(server, &format!("greedy{number}"), archive.room)).collect();
        let begin = Instant::now();
        talk(&mut sender, &mut receiver, quiet, || begin.elapsed() > PHASE, &mut calm);
        baseline.fetch_max(server.rss_bytes(), Ordering::Relaxed);
        let before = troubled.len();
        let (over, most) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let frames = volley(&request, REQUESTS);
                // Whoever is put out hears nothing of it: it does not read.
                greedy.iter_mut().for_each(|peer| drop(peer.write(&frames)));
                let begin = Instant::now();
                while begin.elapsed() < PHASE {
                    most.fetch_max(server.rss_bytes(), Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(2));
                }
                over.store(true, Ordering::Release);
            });
            talk(&mut sender, &mut receiver, quiet, || over.load(Ordering::Acquire), &mut troubled);
        });
        let grown = most.load(Ordering::Relaxed).saturating_sub(baseline.load(Ordering::Relaxed));
        let slowest = quantile(&mut troubled[before..].to_vec(), 0.99);
        println!("{name}: memory grew by {} KiB; {} messages, p99 {slowest} us", grown / 1024, troubled.len() - before);
        assert!(grown <= GROWTH_MAX, "{name}: memory grew by {grown} bytes");
    }
    let (calm_p99, troubled_p99) = (quantile(&mut calm, 0.99), quantile(&mut troubled, 0.99));
    println!("p99 of {} messages: {calm_p99} us calm; of {}: {troubled_p99} us meanwhile", calm.len(), troubled.len());
    // What else the machine does is no fault of the server's: a second's halt is.
    assert!(troubled_p99 <= 2 * calm_p99 + 150_000, "{troubled_p99} us instead of {calm_p99} us");
}

/// Reads answers, so many bytes at a time with a pause between, and says which came how often.
fn read_slowly(peer: &mut Peer, answers: usize, piece: usize, pause: Duration) -> Vec<(u32, Response)> {
    let (mut codec, mut inbox) = (chatroom::wire::FrameCodec::new(16 << 20), BytesMut::new());
    let (mut chunk, mut found) = (vec![0; piece], Vec::new());
    let deadline = Instant::now() + PATIENCE;
    while found.len() < answers {
        assert!(Instant::now() < deadline, "only {} of {answers} answers came", found.len());
        peer.stream().set_read_timeout(Some(PATIENCE)).expect("a socket has a timeout");
        let len = peer.stream().read(&mut chunk).expect("the server answers");
        assert!(len > 0, "closed after {} of {answers} answers", found.len());
        inbox.extend_from_slice(&chunk[..len]);
        while let Some(frame) = codec.cut(&mut inbox).expect("the answers are frames") {
            if let chatroom::wire::Packet::Response { sequence, response } =
                chatroom::wire::Packet::decode(frame).expect("they can be read")
            {
                found.push((sequence, response));
            }
        }
        std::thread::sleep(pause);
    }
    found
}

#[test]
fn who_reads_slowly_gets_each_answer_once_whatever_it_asks_and_others_meanwhile() {
    let _alone = crate::alone();
    let mut archive = Archive::new("");
    let mut slow = Peer::connect(archive.server.wire);
    SockRef::from(slow.stream()).set_recv_buffer_size(16 * 1024).expect("a socket has a buffer");
    slow.call(Request::Login(Box::new(login("slow", Some(archive.room)))));
    let kinds = archive.requests();
    let mut frames = BytesMut::new();
    let mut expected = Vec::new();
    for round in 0..2 {
        for (place, (_, request)) in kinds.iter().enumerate() {
            let sequence = 100 + round * 100 + place as u32 * 4;
            request.encode(sequence, &mut frames);
            Request::Ping(Default::default()).encode(sequence + 1, &mut frames);
            let id = sequence.to_string();
            Request::MessageSend(Box::new(text(archive.room, &id, "text"))).encode(sequence + 2, &mut frames);
            expected.extend([sequence, sequence + 1, sequence + 2]);
        }
    }
    slow.write(&frames).expect("the server reads");
    // The others are served while it reads.
    let lists = std::thread::scope(|scope| {
        let others = scope.spawn(|| {
            for _ in 0..5 {
                let list = Request::QueueList(pb::QueueListRequest { room_id: archive.room, ..Default::default() });
                archive.owner.done(list);
            }
        });
        let found = read_slowly(&mut slow, expected.len(), 16 * 1024, Duration::from_micros(500));
        others.join().expect("the others are served");
        found
    });
    let mut sequences: Vec<u32> = lists.iter().map(|(sequence, _)| *sequence).collect();
    sequences.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sequences, expected, "each once");
    for (sequence, response) in &lists {
        assert_eq!(came(response).0, 200, "{sequence}");
    }
    assert_eq!(archive.members.len(), 50);
}

#[test]
fn lists_that_do_not_fit_into_the_lowest_limit_of_frames_cost_little_and_each_is_answered_once() {
    let _alone = crate::alone();
    const TIMES: u32 = 6;
    let config = UNLIMITED.replace("[limits]\n", "[limits]\nframe_bytes_max = 524288\n");
    let server = Server::start(Setup { config, memory: true, workers: Some(2), ..Setup::default() });
    server.admin().create_user("owner");
    let room = server.admin().create_quiet_room("owner", "low");
    let mut owner = Peer::join(&server, "owner", room);
    for number in 0..180 {
        owner.done(batch_offer(room, vec![element(&number.to_string(), &"v".repeat(4096))], ""));
    }
    let mut greedy: Vec<Peer> = (0..20).map(|number| Peer::join(&server, &format!("greedy{number}"), room)).collect();
    let before = server.rss_bytes();
    let list = Request::QueueList(pb::QueueListRequest { room_id: room, ..Default::default() });
    let frames = volley(&list, TIMES);
    greedy.iter_mut().for_each(|peer| peer.write(&frames).expect("the server reads"));
    let mut most = 0;
    for peer in &mut greedy {
        let mut sequences: Vec<u32> = (0..TIMES).map(|_| peer.any_response(PATIENCE).expect("it is answered").0).collect();
        most = most.max(server.rss_bytes());
        sequences.sort_unstable();
        assert!(sequences.into_iter().eq(1001..=1000 + TIMES), "each once");
    }
    let grown = most.saturating_sub(before);
    println!("memory grew by {} KiB", grown / 1024);
    assert!(grown <= GROWTH_MAX, "memory grew by {grown} bytes");
}

#[test]
fn who_reads_nothing_at_all_is_closed_and_what_waited_for_it_comes_free() {
    let _alone = crate::alone();
    let archive = Archive::new("answers_bytes_max = 4194304\n");
    let server = &archive.server;
    let list = Request::QueueList(pb::QueueListRequest { room_id: archive.room, ..Default::default() });
    let mut greedy: Vec<Peer> = (0..20).map(|number| Peer::join(server, &format!("greedy{number}"), archive.room)).collect();
    let frames = volley(&list, REQUESTS);
    greedy.iter_mut().for_each(|peer| drop(peer.write(&frames)));
    let mut reader = Peer::join(server, "reader", archive.room);
    let begin = Instant::now();
    for _ in 0..20 {
        reader.done(list.clone());
    }
    println!("twenty lists in {:?} while others block the way", begin.elapsed());
    drop(greedy);
    wait_until("the answers' room to come free", || {
        let (_, page) = server.admin().page("/metrics");
        page.lines().any(|line| line == "chatroom_answers_waiting_bytes 0")
    });
}
