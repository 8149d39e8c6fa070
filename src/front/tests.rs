//! One of two workers, of which the other does nothing, and one connection, which is logged in.

use std::sync::atomic::AtomicI64;

use bytes::BytesMut;

use super::budgets::Budgets;
use super::connection::{Identity, Resume};
use super::journey::Journey;
use super::steps::Step;
use super::*;
use crate::account::{Account, App, Directory, Keeper, TokenKind, Urgency};
use crate::dispatch::{Asked, Bundle, HubConfig, Item, Mail, owner_of};
use crate::id::{AccountId, DeviceId, Epoch, Seq};
use crate::limits::{ANSWERS_UNDER_WAY_MAX, MAILBOX_BYTES_MAX};
use crate::room::{Ask, Op, Query, Settings};
use crate::session::SessionConfig;
use crate::subject::{AccountKey, Audience, Class, Downlink};
use crate::wire::{FrameCodec, Packet, PacketKind, Request, Response, pb};

const SEQUENCE: u32 = 7;

/// Keeps what was written.
#[derive(Default)]
struct Wire(Vec<u8>);

impl Line for Wire {
    fn send(&mut self, bytes: &[u8]) -> Sent {
        self.0.extend_from_slice(bytes);
        Sent::All
    }

    fn has_gone(&self, _wants_to_hear: bool) -> bool {
        false
    }
}

/// Keeps no account.
struct Nowhere;

impl Keeper for Nowhere {
    fn keep_app(&self, _app: &App) -> Result<(), Status> {
        Ok(())
    }

    fn keep_account(&self, _app_key: &str, _account: &Account, _urgency: Urgency) -> Result<(), Status> {
        Ok(())
    }
}

/// Applications of which nothing special has been said.
struct Plain;

impl Apps for Plain {
    fn version(&self) -> u64 {
        0
    }

    fn table(&self) -> Arc<AppTable> {
        Arc::default()
    }
}

fn front() -> (Front<Wire>, ConnId) {
    let bounds = Bounds {
        connections_max: 10,
        connections_per_address_max: 10,
        backlog_bytes_max: crate::limits::BACKLOG_BYTES_MAX,
        answers_bytes_max: 64 << 20,
        unfinished_bytes_max: 64 << 20,
    };
    // The account is owned by this worker whatever the key, the application by chance.
    let accounts = (0..).map(|key| [3, key]).find(|key| AccountKey::new(*key).app("app").owner(2) == 0).unwrap();
    let common = Arc::new(Common::new(CommonConfig {
        session: SessionConfig::default(),
        bounds,
        apps: Arc::new(Plain),
        accounts: Arc::new(Directory::new(Arc::new(Nowhere), false)),
        keys: Keys { aliases: [1; 32], resume: [2; 32], accounts },
        pressures: Pressure::of_workers(2),
        post: Arc::new(|_, _| panic!("nobody is ordered anything")),
        post_about_accounts: Arc::new(|_, _| panic!("nobody else owns what this is about")),
    }));
    let hub = Hub::new(HubConfig {
        worker: 0,
        workers: 2,
        epoch: Epoch(1),
        seed: 1,
        rules: Arc::new(Settings::default()),
        feed_bytes_max: 1 << 20,
        detach_grace_ms: 30_000,
        last_room: Arc::new(AtomicI64::new(0)),
        accounts: common.account_key(),
    });
    let stopwatch = Stopwatch::new(Time::default);
    let mut front = Front::new(FrontConfig { worker: 0, common: common.clone(), hub, seed: 1, stopwatch });
    front.set_clock(Time(1_000_000), UnixMs(1_700_000_000_000));
    let address = core::net::Ipv4Addr::LOCALHOST.into();
    common.let_in(address).unwrap();
    let id = front.adopt(Wire::default(), address);
    front.connection(id).unwrap().identity = Some(Box::new(Identity {
        account: AccountId::parse("ann").unwrap(),
        app_key: "app".into(),
        anonymous: false,
        globally_muted: false,
        client_type: 1,
        custom_client_type: 0,
        token_kind: TokenKind::Static,
        long_token: false,
        face: None,
        device_id: DeviceId::default(),
    }));
    (front, id)
}

/// Rooms of the other worker.
fn theirs() -> impl Iterator<Item = RoomId> {
    (1..100).map(|number| RoomId::of_client(number << 2)).filter(|room| owner_of(*room, 2) == 1)
}

fn budgets(front: &Front<Wire>) -> Arc<Budgets> {
    front.common.budgets.clone()
}

/// The rooms that the other worker is asked to let the connection out of.
fn exits(front: &mut Front<Wire>) -> Vec<RoomId> {
    let is_exit = |mail: Mail| match mail {
        Mail::Request(request) if matches!(request.ask, Ask::Command(Op::Exit)) => Some(request.subject),
        _ => None,
    };
    front.take_mail(1).rooms.into_iter().filter_map(is_exit).collect()
}

#[test]
fn a_step_of_a_request_that_was_admitted_is_not_refused_by_an_overload_that_came_later() {
    let (mut front, id) = front();
    let [from, to] = theirs().take(2).collect::<Vec<_>>()[..] else { panic!("two of a hundred rooms") };
    let is_silent = |front: &mut Front<Wire>| front.line(id).unwrap().0.is_empty();
    let asked = |kind: PacketKind, room| Asked { connection: id, sequence: SEQUENCE, kind: kind as u16, subject: room };
    // The room it goes to has let it in; the overload came between.
    front.wait_for(id, SEQUENCE, Journey::Rooms(Step::Enter { from }));
    front.common.pressure(1).add(MAILBOX_BYTES_MAX);
    assert!(front.common.is_overloaded(from));
    front.answer(asked(PacketKind::RoomSwitch, to), Ok(Response::RoomEnter(Box::default())));
    assert_eq!(exits(&mut front), [from], "it is not in both rooms for that");
    assert!(front.staging.is_empty() && is_silent(&mut front), "nor is it answered before the last step");
    front.answer(asked(PacketKind::RoomSwitch, from), Ok(Response::RoomExit(pb::RoomExitResponse::default())));
    let mut staged: BytesMut = std::mem::take(&mut front.staging);
    let frame = FrameCodec::default().cut(&mut staged).unwrap().expect("the answer to the switch");
    let Ok(Packet::Response { sequence, response: Response::RoomSwitch(answer) }) = Packet::decode(frame) else {
        panic!("not an answer to a switch");
    };
    assert_eq!((sequence, answer.code, staged.len()), (SEQUENCE, 0, 0), "once");
    // What is asked anew is refused, as a whole.
    let hall = Some(pb::RoomCreateRequest { alias: "hall".into(), ..Default::default() });
    let again = pb::RoomSwitchRequest { from_room_id: from.get(), to: hall, create_missing: true };
    front.switch(id, SEQUENCE + 1, again);
    assert!(front.take_mail(1).is_empty() && !is_silent(&mut front));
}

#[test]
fn who_switches_rooms_hears_the_new_one_after_the_answer() {
    let (mut front, id) = front();
    let [from, to] = theirs().take(2).collect::<Vec<_>>()[..] else { panic!("two of a hundred rooms") };
    let asked = |room| Asked { connection: id, sequence: SEQUENCE, kind: PacketKind::RoomSwitch as u16, subject: room };
    let turn = |front: &mut Front<Wire>, mail| {
        front.turn(Inbox { mail: Bundle::of_rooms(mail), ..Inbox::default() }, LogHealth::Well(Epoch(1)));
        front.take_mail(1);
        std::mem::take(&mut front.line(id).unwrap().0)
    };
    let item = |text: &'static [u8], seq| {
        let item = Item {
            frame: text.into(),
            seq: Seq(seq),
            audience: Audience::All,
            class: Class::Normal,
            downlink: Downlink::default(),
            at: Time::default(),
        };
        Mail::Frame { subject: to, item }
    };
    let open = Box::new(front.open(id, pb::RoomCreateRequest { alias: "hall".into(), ..Default::default() }).unwrap().1);
    front.wait_for(id, SEQUENCE, Journey::Rooms(Step::Look { from, to, open }));
    let looked = Response::MemberLookup(pb::MemberListResponse::default());
    assert!(turn(&mut front, vec![Mail::Answer(asked(from), Box::new(Ok(looked)))]).is_empty());
    let room = Some(pb::RoomInfo { room_id: to.get(), ..Default::default() });
    let entered = Response::RoomEnter(Box::new(pb::RoomEnterResponse { room, ..Default::default() }));
    let joined = Mail::Joined { subject: to, connection: id, replay: vec!["resent ".into()], held: None };
    let mail = vec![item(b"before ", 1), Mail::Answer(asked(to), Box::new(Ok(entered))), joined, item(b"first ", 2)];
    assert!(turn(&mut front, mail).is_empty(), "nothing before the answer");
    assert!(turn(&mut front, vec![item(b"second ", 3)]).is_empty());
    let left = Response::RoomExit(pb::RoomExitResponse::default());
    let heard = turn(&mut front, vec![Mail::Answer(asked(from), Box::new(Ok(left)))]);
    let mut frames = BytesMut::from(&heard[..]);
    let frame = FrameCodec::default().cut(&mut frames).unwrap().expect("the answer to the switch");
    let packet = Packet::decode(frame).unwrap();
    assert!(matches!(packet, Packet::Response { sequence: SEQUENCE, response: Response::RoomSwitch(_) }));
    assert_eq!(frames, "resent first second ");
    assert_eq!(turn(&mut front, vec![item(b"third", 4)]), b"third");
}

#[test]
fn what_stood_behind_a_judged_message_does_not_overtake_a_request_that_waits() {
    let (mut front, id) = front();
    let room = theirs().next().unwrap();
    front.common.pressure(1).set_behind(true);
    let offer = pb::QueueOfferRequest { room_id: room.get(), key: "song".into(), ..Default::default() };
    let offer = ServerOutput::Request { sequence: 1, request: Request::QueueOffer(Box::new(offer)) };
    front.go_on(id, [offer, ServerOutput::Logout { sequence: 2 }].into());
    assert!(front.take_mail(1).is_empty());
    let connection = front.connection(id).unwrap();
    assert_eq!((connection.phase, connection.pause), (Phase::Open, Pause::Busy));
    front.common.pressure(1).set_behind(false);
    front.resume(id);
    assert_eq!(front.take_mail(1).rooms.len(), 1, "the offer, before the logout");
    assert_eq!(front.connection(id).unwrap().phase, Phase::Closing);
}

#[test]
fn a_position_of_a_connection_taken_over_counts_for_one_entry() {
    let (mut front, id) = front();
    let room_id = theirs().next().unwrap().get();
    let seen = pb::RoomPosition { room_id, epoch: 3, last_seq: 9 };
    let resume = Resume { replaces: Some(ConnId::new(0, 9, 1)), rooms: vec![seen] };
    front.connection(id).unwrap().change_rare(|rare| rare.resume = Some(Box::new(resume)));
    let mut named = |sequence| {
        let request = Request::RoomEnter(Box::new(pb::RoomEnterRequest { room_id, ..Default::default() }));
        front.dispatch(id, ServerOutput::Request { sequence, request });
        let position = |mail| match mail {
            Mail::Request(request) => request.resume,
            _ => panic!("only requests are sent"),
        };
        front.take_mail(1).rooms.into_iter().map(position).collect::<Vec<_>>()
    };
    assert_eq!(named(1), [Some(Box::new(seen))]);
    // Who leaves and enters again has heard since what the position does not know of.
    assert_eq!(named(2), [None]);
}

const LARGE: u16 = PacketKind::QueueList as u16;

/// Asks a large question of a room of the other worker.
fn ask_for_much(front: &mut Front<Wire>, id: ConnId, sequence: u32) {
    let room = theirs().next().unwrap();
    let ask = Ask::Query(Query::QueueList(pb::QueueListRequest { room_id: room.get(), ..Default::default() }));
    front.ask(Asked { connection: id, sequence, kind: LARGE, subject: room }, ask);
}

/// Nobody may wait any more, as when frames that wait take too much memory.
fn end_patience(front: &Front<Wire>) {
    let unfinished = &front.common.budgets.unfinished;
    while !unfinished.is_half_full() {
        assert!(unfinished.reserve(front.now, 1 << 20));
    }
}

#[test]
fn a_large_question_that_is_refused_gives_back_nothing_it_has_not_taken() {
    let (mut front, id) = front();
    let answers = &budgets(&front).answers;
    ask_for_much(&mut front, id, 1);
    let (taken, under_way) = (answers.bytes(), front.paused.under_way);
    assert!(taken > 0 && under_way == taken);
    end_patience(&front);
    // No more are under way at a time than a worker may have.
    front.paused.under_way = ANSWERS_UNDER_WAY_MAX;
    front.connection(id).unwrap().reserved = 0;
    ask_for_much(&mut front, id, 2);
    assert_eq!((answers.bytes(), front.paused.under_way), (taken, ANSWERS_UNDER_WAY_MAX));
    front.release(id, LARGE);
    assert_eq!(answers.bytes(), 0, "the first one has its answer");
}

#[test]
fn a_large_question_that_has_waited_long_enough_for_the_log_is_within_the_budgets() {
    let (mut front, id) = front();
    let answers = &budgets(&front).answers;
    front.common.pressure(1).set_behind(true);
    end_patience(&front);
    ask_for_much(&mut front, id, 1);
    assert!(answers.bytes() > 0 && front.connection(id).unwrap().reserved > 0);
    front.release(id, LARGE);
    assert_eq!((answers.bytes(), front.paused.under_way), (0, 0));
}

#[test]
fn what_is_asked_behind_a_request_of_several_rooms_is_asked_once_that_is_answered() {
    let (mut front, id) = front();
    let [from, to] = theirs().take(2).collect::<Vec<_>>()[..] else { panic!("two of a hundred rooms") };
    let left = || Ok(Response::RoomExit(pb::RoomExitResponse::default()));
    let switch = |subject| Asked { connection: id, sequence: SEQUENCE, kind: PacketKind::RoomSwitch as u16, subject };
    let ask_to_leave = |front: &mut Front<Wire>, sequence| {
        let request = Request::RoomExit(pb::RoomExitRequest { room_id: to.get() });
        front.go_on(id, [ServerOutput::Request { sequence, request }].into());
    };
    // The room it goes to has let it in; the one it comes from has not let it out yet.
    front.wait_for(id, SEQUENCE, Journey::Rooms(Step::Enter { from }));
    front.answer(switch(to), Ok(Response::RoomEnter(Box::default())));
    assert_eq!(exits(&mut front), [from]);
    ask_to_leave(&mut front, SEQUENCE + 1);
    front.resume(id);
    assert!(exits(&mut front).is_empty(), "an answer to that would come before the one that it is in");
    let turn = |front: &mut Front<Wire>, mail| {
        front.turn(Inbox { mail: Bundle::of_rooms(mail), ..Inbox::default() }, LogHealth::Well(Epoch(1)));
    };
    turn(&mut front, vec![Mail::Answer(switch(from), Box::new(left()))]);
    turn(&mut front, Vec::new());
    assert_eq!(exits(&mut front), [to]);
    // The same behind a request to leave all of them.
    front.wait_for(id, SEQUENCE + 2, Journey::Rooms(Step::LeaveAll { waiting: 1, left: Vec::new() }));
    ask_to_leave(&mut front, SEQUENCE + 3);
    assert!(exits(&mut front).is_empty());
    let all = Asked { connection: id, sequence: SEQUENCE + 2, kind: PacketKind::RoomLeaveAll as u16, subject: from };
    turn(&mut front, vec![Mail::Answer(all, Box::new(left()))]);
    turn(&mut front, Vec::new());
    assert_eq!(exits(&mut front), [to]);
    assert_eq!(front.connection(id).unwrap().pause, Pause::No);
}
