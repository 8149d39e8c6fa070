//! Every notification of chatroom.md §g over a real server: what it carries, who hears it, and who must not. Those that go by tags,
//! or tell of messages and attributes, stand in notifications_by_tags.rs and notifications_of_attributes.rs.

use crate::cast::{CAST, Stage, join, join_with, login_of, nick_of, notification, queue, set_role};
use crate::support::ask;
use chatroom::wire::pb::{self, KickReason, NotificationType, QueueEvent, RoleChange};
use chatroom::wire::{Push, Request};

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
    let mut expected = pb::Notification {
        operator_nick: "a new nick".into(),
        target_nicks: vec!["a new nick".into()],
        member_updated: Some(pb::MemberUpdated {
            nick: Some("a new nick".into()),
            avatar: Some("picture".into()),
            ext: Some("more".into()),
        }),
        ..stage.to("guest", stage.by("guest", NotificationType::MemberUpdated, "why"))
    };
    stage.expect_all(expected.clone());
    // It tells of the whole member, also of what stayed.
    let request = pb::MemberUpdateSelfRequest {
        room_id: room,
        ext: Some("other".into()),
        notify_ext: "why".into(),
        ..Default::default()
    };
    stage.member("guest/2").done(Request::MemberUpdateSelf(Box::new(request)));
    if let Some(updated) = &mut expected.member_updated {
        updated.ext = Some("other".into());
    }
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
