//! Durability: the process is killed without warning at fifty random moments under load and started again on the same folder.
//! Whatever it had acknowledged is there: messages once, in order, under their first numbers; roles, the queue and attributes as they
//! were; mutes with the time that remains; and transient elements for as long as their owners have to come back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::support::peer::{item_seq, item_time_ms, login, text_message};
use crate::support::process::UNLIMITED;
use crate::support::{PATIENCE, Peer, Server, Setup};
use chatroom::id::{RoomId, Seq, UnixMs};
use chatroom::log::{FjallLog, Log as _, Options};
use chatroom::room::{Room, Settings};
use chatroom::server::logbook;
use chatroom::wire::pb::{self, RoleChange};
use chatroom::wire::{Push, Request, Response, store};
use prost::Message as _;

const KILLS: usize = 50;
const SENDERS: usize = 3;
/// Messages a sender has on the way at once.
const WINDOW: usize = 8;
/// Longest time under load before a kill.
const LOAD_MS_MAX: u64 = 250;
/// Accounts whose role goes back and forth.
const TARGETS: [&str; 4] = ["t0", "t1", "t2", "t3"];
/// Ordinary members that are muted for a time, again and again.
const MUTED: [&str; 3] = ["m0", "m1", "m2"];
/// How long who was cut off has to come back.
const GRACE_MS: u64 = 500;
/// The owner's element that goes when the owner does not come back.
const OWNERS_SEAT: &str = "the owner's seat";

/// A place in the room: within an epoch it means one thing only.
type Place = (u64, u64);

/// What the test knows to be true, whatever is killed.
#[derive(Default)]
struct Known {
    /// Message id → where it was acknowledged.
    acknowledged: HashMap<String, Place>,
    /// Sent, and neither acknowledged nor yet seen to be lost or kept.
    unanswered: HashSet<String>,
    /// What each place was seen to mean.
    meaning: HashMap<Place, String>,
    /// Fixed members, as acknowledged.
    common: HashSet<&'static str>,
    /// The change that was on its way when the server was killed: it may have happened or not.
    role_in_doubt: Option<&'static str>,
    /// Queue elements, as acknowledged.
    queue: HashMap<String, String>,
    queue_in_doubt: Option<(String, String)>,
    /// Until when who is muted, as far as the mute was acknowledged: no sooner, and no later.
    mutes: HashMap<&'static str, (Instant, Instant)>,
    mute_in_doubt: Option<&'static str>,
    /// Attributes of the room, as acknowledged.
    attributes: HashMap<String, String>,
    attribute_in_doubt: Option<(String, String)>,
    /// Messages of the history up to here have been compared.
    checked_to: (u64, i64),
}

impl Known {
    fn sees(&mut self, place: Place, id: &str) {
        let meaning = self.meaning.entry(place).or_insert_with(|| id.to_owned());
        assert_eq!(meaning, id, "epoch {} seq {} means two things", place.0, place.1);
    }
}

/// What one sender did until the server was gone.
#[derive(Default)]
struct Sent {
    acknowledged: Vec<(String, Place)>,
    unanswered: Vec<String>,
    heard: Vec<(Place, String)>,
}

#[test]
fn fifty_kills_lose_nothing_that_was_acknowledged() {
    let seed = crate::support::seed();
    let mut random = fastrand::Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let config = format!("{UNLIMITED}\n[timers]\ndetach_grace_ms = {GRACE_MS}\n");
    let setup = || Setup { config: config.clone(), data: Some(folder.path().join("data")), ..Setup::default() };
    let mut server = Server::start(setup());
    let admin = server.admin();
    for account in ["owner"].iter().chain(&TARGETS).chain(&MUTED) {
        admin.create_user(account);
    }
    let room = admin.create_quiet_room("owner", "kept");
    let mut owner = Peer::join(&server, "owner", room);
    MUTED.iter().for_each(|member| set_common(&mut owner, room, member, true).expect("the server lives"));
    drop(owner);
    let (mut known, mut epoch) = (Known::default(), 0);
    let begin = Instant::now();
    for life in 0..KILLS {
        let load = Duration::from_micros(random.u64(5_000..LOAD_MS_MAX * 1000));
        epoch = live_until_killed(server, room, life, load, epoch, &mut known);
        server = Server::start(setup());
        check(&server, room, &mut known);
    }
    wait_until_transient_elements_are_gone(&server, room);
    known.checked_to = (0, 0);
    let kept = check(&server, room, &mut known);
    server.kill();
    check_replay(&folder.path().join("data"), room);
    println!("{KILLS} kills in {:?}: {} acknowledged, {kept} kept", begin.elapsed(), known.acknowledged.len());
    assert!(known.acknowledged.len() > KILLS, "the load was no load");
}

/// The whole log of the room, entry by entry from the first, gives the state that a start gives from snapshot and rest.
fn check_replay(data: &Path, room: i64) {
    let log = FjallLog::open(data, &Options::default()).expect("the folder opens after the last kill");
    let (id, settings) = (RoomId::new(room).expect("a room's id"), Arc::new(Settings::default()));
    let loaded = logbook::load(&log, id, UnixMs(i64::MAX / 2)).expect("the log is readable").expect("the room is in it");
    let snapshot = loaded.snapshot.expect("so many entries have left a snapshot");
    let mut as_started = Room::restore(id, settings.clone(), snapshot.head()).expect("the snapshot is readable");
    loaded.records.iter().for_each(|record| as_started.replay(&record.entry));
    let mut replayed = Room::new(id, settings);
    let mut entries = 0;
    loop {
        let after = Seq(replayed.next_seq().0 - 1);
        let records = log.follow(id.into(), after, 10_000).expect("the log is readable");
        if records.is_empty() {
            break;
        }
        entries += records.len();
        for entry in records {
            replayed.replay(&logbook::read(id, entry).expect("the entry is readable").entry);
        }
    }
    assert_eq!(lasting(&replayed), lasting(&as_started));
    println!("replayed {entries} entries");
}

/// A room's lasting state without the times of entry, which are presence's and not in the log.
fn lasting(room: &Room) -> store::Snapshot {
    let mut state = store::Snapshot::decode(&*room.snapshot()).expect("a room's own snapshot is readable");
    state.members.iter_mut().for_each(|member| member.enter_time_ms = 0);
    state
}

/// Loads the server, kills it after a while, and adds what it acknowledged. Returns its epoch.
fn live_until_killed(server: Server, room: i64, life: usize, load: Duration, epoch_before: u64, known: &mut Known) -> u64 {
    let (mut owner, answer) = Peer::log_in(&server, login("owner", Some(room)));
    let entered = answer.enter.expect("a login that enters is told how that went");
    assert_eq!((answer.code, entered.code), (0, 0), "{} {}", answer.desc, entered.desc);
    assert!(entered.epoch > epoch_before, "the epoch grows at every start");
    let address = server.wire;
    let mut peers: Vec<Peer> = (0..SENDERS).map(|number| Peer::join(&server, &format!("sender{number}"), room)).collect();
    peers.iter_mut().enumerate().for_each(|(number, peer)| take_seat(peer, room, &format!("seat of {number}")));
    take_seat(&mut owner, room, OWNERS_SEAT);
    let sent: Vec<Sent> = std::thread::scope(|scope| {
        let sending = |(number, peer)| scope.spawn(move || send_until_gone(peer, room, &format!("{life}-{number}")));
        let threads: Vec<_> = peers.into_iter().enumerate().map(sending).collect();
        let governing = scope.spawn(|| govern_until_gone(&mut owner, room, life, known));
        std::thread::sleep(load);
        server.kill();
        governing.join().expect("the owner finishes");
        threads.into_iter().map(|thread| thread.join().expect("a sender finishes")).collect()
    });
    assert!(Peer::try_connect(address).is_err(), "the server is gone");
    for sent in sent {
        for (id, place) in sent.acknowledged {
            known.sees(place, &id);
            known.acknowledged.insert(id, place);
        }
        for (place, id) in sent.heard {
            known.sees(place, &id);
        }
        known.unanswered.extend(sent.unanswered);
    }
    entered.epoch
}

/// Sends with a few messages on the way until the connection breaks.
fn send_until_gone(mut peer: Peer, room: i64, prefix: &str) -> Sent {
    let mut sent = Sent::default();
    let mut waiting: HashMap<u32, String> = HashMap::new();
    'alive: for number in 0.. {
        let id = format!("{prefix}-{number}");
        let request = pb::MessageSendRequest { resend: true, ..text_message(room, &id, &id) };
        match peer.ask(&Request::MessageSend(Box::new(request))) {
            Ok(sequence) => waiting.insert(sequence, id),
            Err(_) => {
                sent.unanswered.push(id);
                break;
            }
        };
        while waiting.len() >= WINDOW {
            match peer.any_response(PATIENCE) {
                Ok((sequence, Response::MessageSend(answer))) => {
                    assert_eq!(answer.code, 0, "{}", answer.desc);
                    let id = waiting.remove(&sequence).expect("a response answers a request");
                    sent.acknowledged.push((id, (answer.epoch, answer.seq)));
                }
                Ok((_, other)) => panic!("a send was answered with {other:?}"),
                Err(_) => break 'alive,
            }
        }
    }
    // What the kernel still holds of a dead server's words counts as said.
    while let Ok((sequence, response)) = peer.any_response(Duration::from_millis(50)) {
        if let (Some(id), Response::MessageSend(answer)) = (waiting.remove(&sequence), response) {
            sent.acknowledged.push((id, (answer.epoch, answer.seq)));
        }
    }
    while let Ok(push) = peer.try_push(Duration::ZERO) {
        if let Push::Message(message) = push {
            sent.heard.push(((message.epoch, message.seq), message.message_id));
        }
    }
    sent.unanswered.extend(waiting.into_values());
    sent
}

/// Changes roles and the queue, one request at a time, until the connection breaks.
fn govern_until_gone(owner: &mut Peer, room: i64, life: usize, known: &mut Known) {
    for turn in 0.. {
        let target = TARGETS[turn % TARGETS.len()];
        let set = !known.common.contains(target);
        known.role_in_doubt = Some(target);
        if set_common(owner, room, target, set).is_err() {
            return;
        }
        if set {
            known.common.insert(target)
        } else {
            known.common.remove(target)
        };
        known.role_in_doubt = None;
        let (key, value) = (format!("key{}", turn % 20), format!("{life}-{turn}"));
        let offer =
            pb::QueueOfferRequest { room_id: room, key: key.clone(), value: value.clone().into(), ..Default::default() };
        known.queue_in_doubt = Some((key.clone(), value.clone()));
        match owner.try_call(&Request::QueueOffer(Box::new(offer))) {
            Ok(Response::QueueOffer(answer)) => assert_eq!(answer.code, 0, "{}", answer.desc),
            Ok(other) => panic!("an offer was answered with {other:?}"),
            Err(_) => return,
        }
        known.queue.insert(key, value);
        known.queue_in_doubt = None;
        if mute(owner, room, MUTED[turn % MUTED.len()], 1000 + turn as u32, known).is_err()
            || set_attribute(owner, room, format!("a{}", turn % 5), format!("{life}-{turn}"), known).is_err()
        {
            return;
        }
    }
}

fn set_common(owner: &mut Peer, room: i64, target: &str, set: bool) -> io::Result<()> {
    let change = pb::MemberSetRoleRequest {
        room_id: room,
        account: target.into(),
        change: RoleChange::Common as i32,
        set,
        ..Default::default()
    };
    match owner.try_call(&Request::MemberSetRole(change))? {
        Response::MemberSetRole(answer) => assert_eq!(answer.code, 0, "{target} {set}: {}", answer.desc),
        other => panic!("a role change was answered with {other:?}"),
    }
    Ok(())
}

fn mute(owner: &mut Peer, room: i64, target: &'static str, seconds: u32, known: &mut Known) -> io::Result<()> {
    let request = pb::MemberTempMuteRequest { room_id: room, account: target.into(), seconds, ..Default::default() };
    known.mute_in_doubt = Some(target);
    let begin = Instant::now();
    match owner.try_call(&Request::MemberTempMute(request))? {
        Response::MemberTempMute(answer) => assert_eq!(answer.code, 0, "{target}: {}", answer.desc),
        other => panic!("a mute was answered with {other:?}"),
    }
    let length = Duration::from_secs(seconds.into());
    known.mutes.insert(target, (begin + length, Instant::now() + length));
    known.mute_in_doubt = None;
    Ok(())
}

fn set_attribute(owner: &mut Peer, room: i64, key: String, value: String, known: &mut Known) -> io::Result<()> {
    let attributes = BTreeMap::from([(key.clone(), value.clone())]);
    let request = pb::AttributesSetRequest { room_id: room, attributes, ..Default::default() };
    known.attribute_in_doubt = Some((key.clone(), value.clone()));
    match owner.try_call(&Request::AttributesSet(request))? {
        Response::AttributesSet(answer) => assert_eq!(answer.code, 0, "{key}: {}", answer.desc),
        other => panic!("an attribute was answered with {other:?}"),
    }
    known.attributes.insert(key, value);
    known.attribute_in_doubt = None;
    Ok(())
}

/// Puts an element into the queue that goes with whoever put it there.
fn take_seat(peer: &mut Peer, room: i64, key: &str) {
    let offer = pb::QueueOfferRequest { room_id: room, key: key.into(), transient: true, ..Default::default() };
    match peer.try_call(&Request::QueueOffer(Box::new(offer))) {
        Ok(Response::QueueOffer(answer)) => assert_eq!(answer.code, 0, "{}", answer.desc),
        Ok(other) => panic!("an offer was answered with {other:?}"),
        // The server was killed before it could answer.
        Err(_) => {}
    }
}

fn queue(owner: &mut Peer, room: i64) -> HashMap<String, String> {
    let Response::QueueList(list) =
        owner.call(Request::QueueList(pb::QueueListRequest { room_id: room, ..Default::default() }))
    else {
        panic!("no queue")
    };
    list.elements.into_iter().map(|e| (e.key, String::from_utf8(e.value.to_vec()).expect("values are text"))).collect()
}

/// Who had a seat and does not come back loses it, although the server that gave it was killed; the owner is back, and keeps his.
fn wait_until_transient_elements_are_gone(server: &Server, room: i64) {
    let mut owner = Peer::join(server, "owner", room);
    crate::support::wait_until("the seats of who did not come back to be gone", || {
        !queue(&mut owner, room).keys().any(|key| key.starts_with("seat of"))
    });
    assert!(queue(&mut owner, room).contains_key(OWNERS_SEAT), "the owner came back in time");
}

/// Compares what the server has with what is known; what was in doubt is known afterwards. Returns how many messages it read.
fn check(server: &Server, room: i64, known: &mut Known) -> usize {
    let mut owner = Peer::join(server, "owner", room);
    let kept = check_history(&mut owner, server.wire, room, known);
    let lookup = pb::MemberLookupRequest { room_id: room, accounts: TARGETS.iter().map(|&target| target.into()).collect() };
    let Response::MemberLookup(answer) = owner.call(Request::MemberLookup(lookup)) else { panic!("no members") };
    for target in TARGETS {
        let is_common = answer.members.iter().any(|m| m.account == target && m.r#type == pb::MemberType::Common as i32);
        if known.role_in_doubt == Some(target) {
            if is_common {
                known.common.insert(target)
            } else {
                known.common.remove(target)
            };
        }
        assert_eq!(is_common, known.common.contains(target), "role of {target}");
    }
    known.role_in_doubt = None;
    let mut found = queue(&mut owner, room);
    assert!(found.remove(OWNERS_SEAT).is_some(), "the owner came back in time");
    found.retain(|key, _| !key.starts_with("seat of"));
    if let Some((key, value)) = known.queue_in_doubt.take()
        && found.get(&key) == Some(&value)
    {
        known.queue.insert(key, value);
    }
    assert_eq!(found, known.queue, "the queue");
    check_mutes(&mut owner, room, known);
    check_attributes(&mut owner, room, known);
    kept
}

/// Who was muted for a time is muted for what remains of it.
fn check_mutes(owner: &mut Peer, room: i64, known: &mut Known) {
    let lookup = pb::MemberLookupRequest { room_id: room, accounts: MUTED.iter().map(|&name| name.into()).collect() };
    let begin = Instant::now();
    let Response::MemberLookup(answer) = owner.call(Request::MemberLookup(lookup)) else { panic!("no members") };
    let end = Instant::now();
    // The one that was on its way when the server was killed may have happened or not.
    if let Some(target) = known.mute_in_doubt.take() {
        known.mutes.remove(target);
    }
    for (target, (earliest, latest)) in &known.mutes {
        let member = answer.members.iter().find(|member| member.account == *target).expect("a fixed member is found");
        let remains = Duration::from_secs(member.temp_mute_seconds.into());
        // Seconds are rounded up.
        let bounds = (*earliest - end)..=(*latest - begin + Duration::from_secs(1));
        assert!(bounds.contains(&remains), "{target} is muted for {remains:?} more, which is not within {bounds:?}");
    }
}

fn check_attributes(owner: &mut Peer, room: i64, known: &mut Known) {
    let request = Request::AttributesList(pb::AttributesListRequest { room_id: room });
    let Response::AttributesList(list) = owner.call(request) else { panic!("no attributes") };
    let found: HashMap<String, String> = list.attributes.into_iter().map(|a| (a.key, a.value)).collect();
    if let Some((key, value)) = known.attribute_in_doubt.take()
        && found.get(&key) == Some(&value)
    {
        known.attributes.insert(key, value);
    }
    assert_eq!(found, known.attributes, "the attributes");
}

/// Reads the history from where it was last checked.
fn check_history(owner: &mut Peer, _address: SocketAddr, room: i64, known: &mut Known) -> usize {
    let mut found: HashSet<String> = HashSet::new();
    let (mut last_seq, mut time_ms) = known.checked_to;
    let whole = last_seq == 0;
    let since = last_seq;
    loop {
        let request = pb::MessageHistoryRequest { room_id: room, time_ms, last_seq, reverse: true, limit: 100, types: vec![] };
        let Response::MessageHistory(page) = owner.call(Request::MessageHistory(request)) else { panic!("no history") };
        assert_eq!(page.code, 0, "{}", page.desc);
        for item in &page.items {
            assert!(item_seq(item) > last_seq, "seq {} after {last_seq}", item_seq(item));
            assert!(item_time_ms(item) >= time_ms, "time never decreases");
            (last_seq, time_ms) = (item_seq(item), item_time_ms(item));
            let Some(pb::history_item::Item::Message(message)) = &item.item else { continue };
            let place = (message.epoch, message.seq);
            known.sees(place, &message.message_id);
            assert_eq!(message.body, message.message_id.as_bytes(), "content of {}", message.message_id);
            assert!(found.insert(message.message_id.clone()), "{} stands there twice", message.message_id);
            match known.acknowledged.get(&message.message_id) {
                Some(first) => assert_eq!(*first, place, "place of {}", message.message_id),
                None => {
                    assert!(known.unanswered.remove(&message.message_id), "{} was never sent", message.message_id);
                    known.acknowledged.insert(message.message_id.clone(), place);
                }
            }
        }
        if !page.has_more {
            break;
        }
        assert!(!page.items.is_empty(), "more was promised");
    }
    let expected = known.acknowledged.iter().filter(|(_, place)| whole || place.1 > since);
    for (id, place) in expected {
        assert!(found.contains(id), "{id} was acknowledged at {place:?} and is gone");
    }
    // What was on its way and is not there is lost for good.
    known.unanswered.clear();
    known.checked_to = (last_seq, time_ms);
    found.len()
}
