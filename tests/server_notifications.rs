//! Every notification of chatroom.md §g over a real server: what it carries, who hears it, and who must not.
//!
//! A cast of members watches: the creator on two devices, an administrator, a visitor on two devices, an anonymous visitor, and an
//! outsider in another room. After each cause a marker, who is an administrator of both rooms and does nothing else, sends a
//! message; what a peer has heard before that mark is all it hears of the cause.
#![cfg(feature = "server")]

mod support;

use chatroom::wire::pb::{self, KickReason, NotificationType, QueueEvent, RoleChange};
use chatroom::wire::{Push, Request};
use support::ask;
use support::peer::login;
use support::{Peer, Server};

/// Who watches; each is a connection of the account before the slash.
const CAST: [&str; 6] = ["owner/1", "owner/2", "chief/1", "guest/1", "guest/2", "ghost/1"];

/// A room, its members, and somebody who is not one of them.
struct Stage {
    server: Server,
    room: i64,
    elsewhere: i64,
    members: Vec<(&'static str, Peer)>,
    outsider: Peer,
    marker: Peer,
    marks: u32,
}

fn account_of(member: &str) -> &str {
    member.split('/').next().unwrap_or(member)
}

fn nick_of(account: &str) -> String {
    format!("Nick of {account}")
}

/// A login of one of the cast.
fn login_of(member: &str, room: i64) -> pb::LoginRequest {
    let account = account_of(member);
    let anonymous = account == "ghost";
    let token = if anonymous { String::new() } else { login(account, None).token };
    let enter = pb::RoomEnterRequest { room_id: room, nick: nick_of(account), ..Default::default() };
    pb::LoginRequest { device_id: member.into(), anonymous, token, enter: Some(enter), ..login(account, None) }
}

fn join(server: &Server, member: &str, room: i64) -> Peer {
    join_with(server, login_of(member, room))
}

fn join_with(server: &Server, request: pb::LoginRequest) -> Peer {
    let (peer, answer) = Peer::log_in(server, request);
    assert_eq!(answer.code, 0, "{answer:?}");
    peer
}

impl Stage {
    /// A room that does not tell who comes and goes, with the whole cast in it.
    fn new() -> Stage {
        Stage::with(false)
    }

    fn with(in_out: bool) -> Stage {
        let server = Server::start_unlimited();
        let admin = server.admin();
        admin.create_user("owner");
        let room = match in_out {
            true => admin.create_room("owner", "the room"),
            false => admin.create_quiet_room("owner", "the room"),
        };
        let elsewhere = admin.create_quiet_room("owner", "another");
        let mut owner = join(&server, "owner/1", room);
        owner.done(ask::enter(elsewhere));
        let marker = {
            let mut marker = join(&server, "marker/1", room);
            for place in [room, elsewhere] {
                owner.done(ask::set_role(place, "marker", RoleChange::Administrator, true));
            }
            marker.done(ask::enter(elsewhere));
            marker
        };
        owner.done(ask::exit(elsewhere));
        let mut members = vec![("owner/1", owner)];
        members.extend(CAST[1..].iter().map(|member| (*member, join(&server, member, room))));
        members[0].1.done(ask::set_role(room, "chief", RoleChange::Administrator, true));
        let outsider = join(&server, "outsider/1", elsewhere);
        let mut stage = Stage { server, room, elsewhere, members, outsider, marker, marks: 0 };
        stage.heard();
        stage
    }

    fn member(&mut self, name: &str) -> &mut Peer {
        let found = self.members.iter_mut().find(|(member, _)| *member == name);
        &mut found.unwrap_or_else(|| panic!("{name} is not of the cast")).1
    }

    fn owner(&mut self) -> &mut Peer {
        self.member("owner/1")
    }

    /// What each member has heard by now. The outsider must have heard nothing.
    fn heard(&mut self) -> Vec<(&'static str, Vec<Push>)> {
        self.marks += 1;
        let mark = format!("mark {}", self.marks);
        for room in [self.room, self.elsewhere] {
            self.marker.done(ask::send(pb::MessageSendRequest { skip_history: true, ..ask::text(room, &mark, "mark") }));
        }
        assert_eq!(until(&mut self.outsider, &mark), [], "the outsider hears of another room");
        self.members.iter_mut().map(|(name, peer)| (*name, until(peer, &mark))).collect()
    }

    /// Exactly these members have heard exactly this notification, and nobody anything else.
    fn expect(&mut self, receivers: &[&str], mut expected: pb::Notification) {
        let mut place = None;
        for (name, heard) in self.heard() {
            let heard: Vec<_> = heard.into_iter().map(notification).collect();
            if !receivers.contains(&name) {
                assert_eq!(heard, [], "{name} must hear nothing of {:?}", expected.r#type());
                continue;
            }
            let [heard] = &heard[..] else { panic!("{name} must hear one {:?}, not {heard:?}", expected.r#type()) };
            // One item of the room's order: the same place for everybody.
            assert!(heard.seq > 0 && heard.time_ms > 0, "{heard:?}");
            assert_eq!(*place.get_or_insert((heard.seq, heard.time_ms, heard.epoch)), (heard.seq, heard.time_ms, heard.epoch));
            (expected.seq, expected.time_ms, expected.epoch) = (heard.seq, heard.time_ms, heard.epoch);
            assert_eq!(*heard, expected, "as {name} hears it");
        }
        assert!(place.is_some(), "somebody hears {:?}", expected.r#type());
    }

    /// The whole cast has heard exactly this notification.
    fn expect_all(&mut self, expected: pb::Notification) {
        self.expect(&CAST, expected);
    }

    /// Nobody hears anything.
    fn expect_silence(&mut self) {
        for (name, heard) in self.heard() {
            assert_eq!(heard, [], "{name} hears something");
        }
    }

    /// A notification of what the owner has done, without particulars.
    fn by_owner(&self, kind: NotificationType, ext: &str) -> pb::Notification {
        self.by("owner", kind, ext)
    }

    fn by(&self, operator: &str, kind: NotificationType, ext: &str) -> pb::Notification {
        pb::Notification {
            room_id: self.room,
            r#type: kind as i32,
            operator: operator.into(),
            operator_nick: nick_of(operator),
            ext: ext.into(),
            ..Default::default()
        }
    }

    /// The same, done to somebody.
    fn to(&self, target: &str, notice: pb::Notification) -> pb::Notification {
        pb::Notification { targets: vec![target.into()], target_nicks: vec![nick_of(target)], ..notice }
    }
}

/// Everything a peer hears up to the message with this id.
fn until(peer: &mut Peer, message_id: &str) -> Vec<Push> {
    let mut heard = Vec::new();
    loop {
        match peer.push() {
            Push::Message(message) if message.message_id == message_id => return heard,
            push => heard.push(push),
        }
    }
}

/// The notification that a push is. What §g does not ask for is left out: the role a restriction leaves, and who has left.
fn notification(push: Push) -> pb::Notification {
    let Push::Notification(notice) = push else { panic!("not a notification: {push:?}") };
    let mut notice = *notice;
    match notice.r#type() {
        NotificationType::AdministratorAdd | NotificationType::CommonAdd | NotificationType::MemberEnter => {}
        _ => (notice.role_changed, notice.entered) = (None, None),
    }
    notice
}

fn queue(event: QueueEvent, elements: &[(&str, &str)]) -> Option<pb::QueueChanged> {
    let change = |(key, value): &(&str, &str)| pb::QueueElementChange {
        key: (*key).into(),
        value: (*value).to_owned().into_bytes().into(),
    };
    Some(pb::QueueChanged { event: event as i32, elements: elements.iter().map(change).collect() })
}

/// `CAST` without those named.
fn all_but(names: &[&str]) -> Vec<&'static str> {
    CAST.into_iter().filter(|member| !names.contains(member)).collect()
}

fn set_role(room: i64, account: &str, change: RoleChange, set: bool, level: u32) -> Request {
    let (account, notify_ext) = (account.into(), "why".into());
    Request::MemberSetRole(pb::MemberSetRoleRequest { room_id: room, account, change: change as i32, set, level, notify_ext })
}

// S000-015, S003-020, S003-024
#[test]
fn n301_and_n302_tell_who_comes_and_goes_once_per_account() {
    let mut stage = Stage::with(true);
    let mut request = login_of("newcomer/1", stage.room);
    request.client_type = 16;
    if let Some(enter) = &mut request.enter {
        (enter.enter_ext, enter.avatar) = ("hello".into(), "picture".into());
    }
    let mut newcomer = join_with(&stage.server, request);
    let mut entered = stage.to("newcomer", stage.by("newcomer", NotificationType::MemberEnter, "hello"));
    entered.entered = Some(pb::Entered {
        client_type: 16,
        member_type: pb::MemberType::Visitor as i32,
        avatar: "picture".into(),
        ..Default::default()
    });
    // The one who enters hears it too (chatroom.md §c.1).
    assert_eq!(notification(newcomer.push()).r#type(), NotificationType::MemberEnter);
    stage.expect_all(entered);
    let mut second = join(&stage.server, "newcomer/2", stage.room);
    stage.expect_silence();
    second.done(ask::exit(stage.room));
    stage.expect_silence();
    newcomer.done(Request::Logout(pb::LogoutRequest {}));
    let left = stage.to("newcomer", stage.by("newcomer", NotificationType::MemberExit, ""));
    // Somebody who is gone shows no nick any more.
    let left = pb::Notification { operator_nick: nick_of("newcomer"), ..left };
    stage.expect_all(left);
}

// S000-015
#[test]
fn n301_tells_that_the_newcomer_is_muted_and_for_how_long() {
    let mut stage = Stage::with(true);
    let room = stage.room;
    let mut muted = join(&stage.server, "muted/1", room);
    let mut temp = join(&stage.server, "temp/1", room);
    stage.owner().done(ask::set_role(room, "muted", RoleChange::Mute, true));
    stage.owner().done(ask::temp_mute(room, "temp", 600));
    muted.done(ask::exit(room));
    temp.done(ask::exit(room));
    stage.heard();
    muted.done(ask::enter(room));
    let of = |stage: &mut Stage| {
        let (_, heard) = stage.heard().swap_remove(0);
        let mut heard: Vec<_> = heard.into_iter().map(notification).collect();
        heard.pop().and_then(|notice| notice.entered).expect("an entry is told")
    };
    let entered = of(&mut stage);
    assert_eq!((entered.muted, entered.temp_mute_seconds), (true, 0));
    temp.done(ask::enter(room));
    let entered = of(&mut stage);
    assert!(!entered.muted && (1..=600).contains(&entered.temp_mute_seconds), "{entered:?}");
}

#[test]
fn n301_and_n302_are_not_sent_where_the_room_does_not_want_them() {
    let mut stage = Stage::new();
    let mut newcomer = join(&stage.server, "newcomer/1", stage.room);
    newcomer.done(ask::exit(stage.room));
    stage.expect_silence();
}

// S000-030
#[test]
fn n303_and_n304_tell_of_the_blocklist_before_the_target_is_put_out() {
    let mut stage = Stage::new();
    let room = stage.room;
    let mut target = join(&stage.server, "target/1", room);
    stage.owner().done(set_role(room, "target", RoleChange::Blocklist, true, 0));
    let notice = stage.to("target", stage.by_owner(NotificationType::BlocklistAdd, "why"));
    let told = notification(target.push());
    assert_eq!((told.r#type(), &told.targets), (notice.r#type(), &notice.targets), "the target is told first");
    let Push::Kicked(kicked) = target.push() else { panic!("then it is put out") };
    assert_eq!((kicked.reason(), kicked.room_id, &*kicked.ext), (KickReason::Blocklisted, room, "why"));
    target.expect_closed_after_pushes();
    stage.expect_all(notice);
    stage.owner().done(set_role(room, "target", RoleChange::Blocklist, false, 0));
    let mut notice = stage.to("target", stage.by_owner(NotificationType::BlocklistRemove, "why"));
    // Of somebody who is not here and has no record, the room knows no nick.
    notice.target_nicks = vec![String::new()];
    stage.expect_all(notice);
}

// S000-031
#[test]
fn n305_and_n306_tell_of_permanent_mutes() {
    let mut stage = Stage::new();
    for (set, kind) in [(true, NotificationType::MuteAdd), (false, NotificationType::MuteRemove)] {
        let room = stage.room;
        stage.owner().done(set_role(room, "guest", RoleChange::Mute, set, 0));
        let notice = stage.to("guest", stage.by_owner(kind, "why"));
        stage.expect_all(notice);
    }
}

// S000-028
#[test]
fn n307_and_n308_tell_of_administrators() {
    let mut stage = Stage::new();
    let room = stage.room;
    stage.owner().done(set_role(room, "guest", RoleChange::Common, true, 7));
    stage.heard();
    stage.owner().done(set_role(room, "guest", RoleChange::Administrator, true, 0));
    let mut notice = stage.to("guest", stage.by_owner(NotificationType::AdministratorAdd, "why"));
    notice.role_changed = Some(pb::RoleChanged { r#type: pb::MemberType::Administrator as i32, level: 7 });
    stage.expect_all(notice);
    stage.owner().done(set_role(room, "guest", RoleChange::Administrator, false, 0));
    let notice = stage.to("guest", stage.by_owner(NotificationType::AdministratorRemove, "why"));
    stage.expect_all(notice);
}

// S000-029
#[test]
fn n309_and_n310_tell_of_ordinary_members() {
    let mut stage = Stage::new();
    let room = stage.room;
    stage.member("chief/1").done(set_role(room, "guest", RoleChange::Common, true, 5));
    let mut notice = stage.to("guest", stage.by("chief", NotificationType::CommonAdd, "why"));
    notice.role_changed = Some(pb::RoleChanged { r#type: pb::MemberType::Common as i32, level: 5 });
    stage.expect_all(notice);
    stage.member("chief/1").done(set_role(room, "guest", RoleChange::Common, false, 0));
    let notice = stage.to("guest", stage.by("chief", NotificationType::CommonRemove, "why"));
    stage.expect_all(notice);
}

// S000-021
#[test]
fn n311_tells_everybody_that_the_room_is_closed_and_then_puts_them_out() {
    let mut stage = Stage::new();
    let room = stage.room;
    stage.owner().done(Request::RoomClose(pb::RoomCloseRequest { room_id: room, notify_ext: "good night".into() }));
    let expected = stage.by_owner(NotificationType::RoomClosed, "good night");
    for (name, peer) in &mut stage.members {
        let heard = notification(peer.push());
        let place = pb::Notification { seq: heard.seq, time_ms: heard.time_ms, epoch: heard.epoch, ..expected.clone() };
        assert_eq!(heard, place, "as {name} hears it");
        let Push::Kicked(kicked) = peer.push() else { panic!("{name} is put out after it is told") };
        assert_eq!((kicked.reason(), kicked.room_id, &*kicked.ext), (KickReason::RoomClosed, room, "good night"));
        peer.expect_closed_after_pushes();
    }
    assert_eq!(stage.outsider.pushes_so_far(), []);
}

// S000-022, S003-004
#[test]
fn n312_tells_the_fields_of_the_room_that_changed() {
    let mut stage = Stage::new();
    let room = stage.room;
    let changed = pb::RoomUpdateRequest {
        room_id: room,
        name: Some("a new name".into()),
        announcement: Some("hear, hear".into()),
        broadcast_url: Some("rtmp://stream".into()),
        ext: Some("{\"a\":1}".into()),
        queue_level: Some(1),
        ..Default::default()
    };
    let request = pb::RoomUpdateRequest { notify_ext: "why".into(), ..changed.clone() };
    stage.member("chief/1").done(Request::RoomUpdate(Box::new(request)));
    let notice = stage.by("chief", NotificationType::RoomUpdated, "why");
    stage.expect_all(pb::Notification { room_updated: Some(changed.clone()), ..notice });
    // Of two fields of which one is as it was, the other one has changed.
    let request = pb::RoomUpdateRequest { room_id: room, ext: Some("other".into()), ..changed };
    stage.owner().done(Request::RoomUpdate(Box::new(request)));
    let changed = pb::RoomUpdateRequest { room_id: room, ext: Some("other".into()), ..Default::default() };
    let notice = stage.by_owner(NotificationType::RoomUpdated, "");
    stage.expect_all(pb::Notification { room_updated: Some(changed), ..notice });
}

// S000-032
#[test]
fn n313_tells_of_a_kick_the_target_included() {
    let mut stage = Stage::new();
    let room = stage.room;
    let mut devices = [join(&stage.server, "target/1", room), join(&stage.server, "target/2", room)];
    let request = pb::MemberKickRequest { room_id: room, account: "target".into(), notify_ext: "why".into() };
    stage.owner().done(Request::MemberKick(request));
    let notice = stage.to("target", stage.by_owner(NotificationType::MemberKicked, "why"));
    for device in &mut devices {
        let told = notification(device.push());
        assert_eq!((told.r#type(), &told.targets), (notice.r#type(), &notice.targets));
        let Push::Kicked(kicked) = device.push() else { panic!("then it is put out") };
        assert_eq!((kicked.reason(), kicked.room_id, &*kicked.ext), (KickReason::ManagerKick, room, "why"));
        device.expect_closed_after_pushes();
    }
    stage.expect_all(notice);
}

// S000-033
#[test]
fn n314_and_n315_tell_of_temporary_mutes() {
    let mut stage = Stage::new();
    let room = stage.room;
    let mute = |seconds| {
        let (account, notify_ext) = ("guest".into(), "why".into());
        Request::MemberTempMute(pb::MemberTempMuteRequest { room_id: room, account, seconds, silent: false, notify_ext })
    };
    stage.member("chief/1").done(mute(600));
    let notice = stage.to("guest", stage.by("chief", NotificationType::TempMuteAdd, "why"));
    stage.expect_all(pb::Notification { mute_seconds: 600, ..notice });
    stage.owner().done(mute(0));
    let notice = stage.to("guest", stage.by_owner(NotificationType::TempMuteRemove, "why"));
    // It tells the seconds that were left, rounded up.
    let left = stage.heard().into_iter().flat_map(|(_, heard)| heard).map(notification).collect::<Vec<_>>();
    assert_eq!(left.len(), CAST.len());
    for heard in left {
        assert!((500..=600).contains(&heard.mute_seconds), "{heard:?}");
        assert_eq!((heard.r#type(), heard.targets, heard.ext), (notice.r#type(), notice.targets.clone(), notice.ext.clone()));
    }
}

// S000-023
#[test]
fn n316_tells_what_a_member_has_changed_about_itself() {
    let mut stage = Stage::new();
    let room = stage.room;
    let request = pb::MemberUpdateSelfRequest {
        room_id: room,
        nick: Some("a new nick".into()),
        avatar: Some("picture".into()),
        ext: Some("more".into()),
        notify_ext: "why".into(),
        ..Default::default()
    };
    stage.member("guest/1").done(Request::MemberUpdateSelf(Box::new(request)));
    let expected = pb::Notification {
        operator_nick: "a new nick".into(),
        target_nicks: vec!["a new nick".into()],
        member_updated: Some(pb::MemberUpdated {
            nick: Some("a new nick".into()),
            avatar: Some("picture".into()),
            ext: Some("more".into()),
        }),
        ..stage.to("guest", stage.by("guest", NotificationType::MemberUpdated, "why"))
    };
    stage.expect_all(expected);
}

// S000-044, S000-045, S000-048
#[test]
fn n317_tells_of_each_change_of_the_queue() {
    let mut stage = Stage::new();
    let room = stage.room;
    for (value, _) in [("one", "new"), ("two", "changed in its place")] {
        stage.member("guest/1").done(ask::offer(room, "key", value));
        let notice = stage.by("guest", NotificationType::QueueChanged, "");
        stage.expect_all(pb::Notification { queue_changed: queue(QueueEvent::Offer, &[("key", value)]), ..notice });
    }
    stage.member("guest/1").done(ask::poll(room, ""));
    let notice = stage.by("guest", NotificationType::QueueChanged, "");
    stage.expect_all(pb::Notification { queue_changed: queue(QueueEvent::Poll, &[("key", "two")]), ..notice });
    stage.owner().done(ask::offer(room, "key", "three"));
    stage.heard();
    stage.owner().done(Request::QueueDrop(pb::QueueDropRequest { room_id: room }));
    let notice = stage.by_owner(NotificationType::QueueChanged, "");
    stage.expect_all(pb::Notification { queue_changed: queue(QueueEvent::Drop, &[]), ..notice });
}

// S003-011
#[test]
fn n318_and_n319_tell_that_the_room_is_muted_and_is_not() {
    let mut stage = Stage::new();
    let room = stage.room;
    for (mute, kind) in [(true, NotificationType::RoomMuted), (false, NotificationType::RoomUnmuted)] {
        let request = pb::RoomMuteRequest { room_id: room, mute, silent: false, notify_ext: "why".into() };
        stage.member("chief/1").done(Request::RoomMute(request.clone()));
        let notice = stage.by("chief", kind, "why");
        stage.expect_all(notice);
        // The same once more is no change.
        stage.owner().done(Request::RoomMute(request));
        stage.expect_silence();
    }
}

// S000-049
#[test]
fn n320_tells_of_changed_elements_and_of_those_that_went_with_their_owner() {
    let mut stage = Stage::new();
    let room = stage.room;
    for key in ["a", "b", "c"] {
        stage.owner().done(ask::offer(room, key, "old"));
    }
    stage.heard();
    let elements = vec![ask::element("a", "new"), ask::element("missing", "new"), ask::element("c", "new")];
    stage.owner().done(ask::change(room, elements, "why"));
    let notice = stage.by_owner(NotificationType::QueueBatchChanged, "why");
    stage.expect_all(pb::Notification {
        queue_changed: queue(QueueEvent::BatchUpdate, &[("a", "new"), ("c", "new")]),
        ..notice
    });

    let mut passenger = join(&stage.server, "passenger/1", room);
    let elements = ["x", "y"].map(|key| pb::QueueElement { transient: true, ..ask::element(key, "value") });
    passenger.done(ask::batch_offer(room, elements.to_vec(), ""));
    stage.expect_silence();
    passenger.done(ask::exit(room));
    let mut notice = stage.by("passenger", NotificationType::QueueBatchChanged, "");
    // It has left, and the room knows nothing of it any more.
    notice.operator_nick = String::new();
    stage.expect_all(pb::Notification {
        queue_changed: queue(QueueEvent::PartClear, &[("x", "value"), ("y", "value")]),
        ..notice
    });
}

#[test]
fn n324_tells_of_elements_offered_together() {
    let mut stage = Stage::new();
    let room = stage.room;
    let elements = vec![ask::element("a", "1"), ask::element("b", "2")];
    stage.member("guest/1").done(ask::batch_offer(room, elements.clone(), "why"));
    let notice = stage.by("guest", NotificationType::QueueBatchOffered, "why");
    stage.expect_all(pb::Notification { queue_changed: queue(QueueEvent::BatchOffer, &[("a", "1"), ("b", "2")]), ..notice });
    stage.member("guest/1").done(ask::batch_offer(room, elements, ""));
    stage.expect_silence();
}

// S000-022, S000-023, S000-033
#[test]
fn what_is_asked_for_silently_is_done_and_not_told() {
    let mut stage = Stage::new();
    let room = stage.room;
    let ext = Some("silent".to_owned());
    let silent = true;
    let requests = [
        Request::RoomUpdate(Box::new(pb::RoomUpdateRequest { room_id: room, ext: ext.clone(), silent, ..Default::default() })),
        Request::RoomMute(pb::RoomMuteRequest { room_id: room, mute: true, silent, ..Default::default() }),
        Request::RoomMute(pb::RoomMuteRequest { room_id: room, mute: false, silent, ..Default::default() }),
        Request::MemberTempMute(pb::MemberTempMuteRequest {
            room_id: room,
            account: "guest".into(),
            seconds: 60,
            silent,
            ..Default::default()
        }),
        Request::MemberTempMute(pb::MemberTempMuteRequest {
            room_id: room,
            account: "guest".into(),
            seconds: 0,
            silent,
            ..Default::default()
        }),
        Request::MemberUpdateSelf(Box::new(pb::MemberUpdateSelfRequest { room_id: room, ext, silent, ..Default::default() })),
        Request::QueueInit(pb::QueueInitRequest { room_id: room, size_limit: Some(9) }),
    ];
    for request in requests {
        stage.owner().done(request);
        stage.expect_silence();
    }
}

#[test]
fn what_is_refused_is_not_told() {
    let mut stage = Stage::new();
    let room = stage.room;
    let requests = [
        (403, ask::update_ext(room, "x")),
        (403, ask::close(room)),
        (403, ask::mute_room(room, true)),
        (403, ask::kick(room, "ghost")),
        (403, ask::temp_mute(room, "ghost", 60)),
        (403, set_role(room, "ghost", RoleChange::Blocklist, true, 0)),
        (404, ask::poll(room, "nothing")),
        (414, ask::offer(room, "", "value")),
    ];
    for (code, request) in requests {
        assert_eq!(stage.member("guest/1").came(request.clone()).0, code, "{request:?}");
        stage.expect_silence();
    }
}
