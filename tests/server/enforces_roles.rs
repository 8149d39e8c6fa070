//! Roles, blocklist, mutes and kicks, as members of a real server feel them.

use crate::support::{Peer, Server};
use chatroom::wire::pb::{self, KickReason, NotificationType, RoleChange};
use chatroom::wire::{Push, Request, Response};

struct Scene {
    server: Server,
    room: i64,
    owner: Peer,
    guest: Peer,
}

fn scene() -> Scene {
    scene_on(Server::start_unlimited())
}

fn scene_on(server: Server) -> Scene {
    let admin = server.admin();
    admin.create_user("owner");
    let room = admin.create_quiet_room("owner", "roles");
    let owner = Peer::join(&server, "owner", room);
    let guest = Peer::join(&server, "guest", room);
    Scene { server, room, owner, guest }
}

impl Scene {
    fn set_role(&mut self, account: &str, change: RoleChange, set: bool) -> i32 {
        set_role(&mut self.owner, self.room, account, change, set)
    }
}

fn set_role(peer: &mut Peer, room: i64, account: &str, change: RoleChange, set: bool) -> i32 {
    let request =
        pb::MemberSetRoleRequest { room_id: room, account: account.into(), change: change as i32, set, ..Default::default() };
    match peer.call(Request::MemberSetRole(request)) {
        Response::MemberSetRole(answer) => answer.code,
        other => panic!("a role change was answered with {other:?}"),
    }
}

/// The next notification but those about who comes and goes.
fn expect_notification(peer: &mut Peer, expected: NotificationType, target: &str) {
    let found = peer.notification();
    assert_eq!((found.r#type, found.targets), (expected as i32, vec![target.to_owned()]));
}

fn expect_kicked(peer: &mut Peer, expected: KickReason) {
    loop {
        if let Push::Kicked(kicked) = peer.push() {
            return assert_eq!(kicked.reason, expected as i32, "{kicked:?}");
        }
    }
}

#[test]
fn a_blocklisted_member_is_told_kicked_and_kept_out_until_removed() {
    // S000-030, S003-008
    let mut scene = scene();
    assert_eq!(scene.set_role("guest", RoleChange::Blocklist, true), 0);
    expect_notification(&mut scene.guest, NotificationType::BlocklistAdd, "guest");
    expect_kicked(&mut scene.guest, KickReason::Blocklisted);
    let (_, refused) = Peer::log_in(&scene.server, crate::support::peer::login("guest", Some(scene.room)));
    assert_eq!(refused.enter.map_or(refused.code, |enter| enter.code), 13003);
    assert_eq!(scene.set_role("guest", RoleChange::Blocklist, false), 0);
    Peer::join(&scene.server, "guest", scene.room);
}

#[test]
fn a_muted_member_stays_hears_and_cannot_send() {
    // S003-009
    let mut scene = scene();
    assert_eq!(scene.set_role("guest", RoleChange::Mute, true), 0);
    assert_eq!(scene.guest.send_text(scene.room, "a", "text").code, 13004);
    assert_eq!(scene.owner.send_text(scene.room, "b", "text").code, 0);
    assert_eq!(scene.guest.message().message_id, "b");
    assert_eq!(scene.set_role("guest", RoleChange::Mute, false), 0);
    assert_eq!(scene.guest.send_text(scene.room, "c", "text").code, 0);
}

#[test]
fn a_muted_room_hears_its_creator_and_administrators_only() {
    // S003-011
    let mut scene = scene();
    let mute = |mute| Request::RoomMute(pb::RoomMuteRequest { room_id: scene.room, mute, ..Default::default() });
    let Response::RoomMute(status) = scene.owner.call(mute(true)) else { panic!("no answer to a mute") };
    assert_eq!(status.code, 0, "{}", status.desc);
    assert_eq!(scene.guest.send_text(scene.room, "a", "text").code, 13006);
    assert_eq!(scene.owner.send_text(scene.room, "b", "text").code, 0);
    assert_eq!(scene.set_role("guest", RoleChange::Administrator, true), 0);
    assert_eq!(scene.guest.send_text(scene.room, "c", "text").code, 0);
    assert_eq!(scene.set_role("guest", RoleChange::Administrator, false), 0);
    let mute = Request::RoomMute(pb::RoomMuteRequest { room_id: scene.room, mute: false, ..Default::default() });
    let Response::RoomMute(status) = scene.owner.call(mute) else { panic!("no answer to an unmute") };
    assert_eq!(status.code, 0, "{}", status.desc);
    assert_eq!(scene.guest.send_text(scene.room, "d", "text").code, 0);
}

#[test]
fn a_kicked_member_is_told_why_and_may_come_back() {
    // S000-032, S003-012
    let mut scene = scene();
    let kick = pb::MemberKickRequest { room_id: scene.room, account: "guest".into(), ..Default::default() };
    let Response::MemberKick(status) = scene.owner.call(Request::MemberKick(kick.clone())) else {
        panic!("no answer to a kick")
    };
    assert_eq!(status.code, 0, "{}", status.desc);
    expect_notification(&mut scene.guest, NotificationType::MemberKicked, "guest");
    expect_kicked(&mut scene.guest, KickReason::ManagerKick);
    let mut back = Peer::join(&scene.server, "guest", scene.room);
    assert_eq!(back.send_text(scene.room, "back", "text").code, 0);
    // S003-022: a visitor may not do the same.
    let revenge = pb::MemberKickRequest { room_id: scene.room, account: "owner".into(), ..Default::default() };
    let Response::MemberKick(status) = back.call(Request::MemberKick(revenge)) else { panic!("no answer to a kick") };
    assert_eq!(status.code, 403);
}

#[test]
fn roles_blocklist_and_queue_survive_a_restart() {
    let kept = tempfile::tempdir().unwrap();
    let setup = || crate::support::Setup {
        config: crate::support::process::UNLIMITED.into(),
        data: Some(kept.path().join("data")),
        ..Default::default()
    };
    let mut scene = scene_on(Server::start(setup()));
    let admin = scene.server.admin();
    for account in ["helper", "enemy", "regular"] {
        admin.create_user(account);
    }
    assert_eq!(scene.set_role("helper", RoleChange::Administrator, true), 0);
    assert_eq!(scene.set_role("enemy", RoleChange::Blocklist, true), 0);
    assert_eq!(scene.set_role("regular", RoleChange::Common, true), 0);
    let offer = pb::QueueOfferRequest { room_id: scene.room, key: "song".into(), value: "la la".into(), ..Default::default() };
    let Response::QueueOffer(answer) = scene.owner.call(Request::QueueOffer(Box::new(offer))) else { panic!("no answer") };
    assert_eq!(answer.code, 0, "{}", answer.desc);
    let Scene { server, room, owner, guest } = scene;
    drop((owner, guest));
    server.terminate();
    assert!(server.wait(crate::support::PATIENCE).success());
    let server = Server::start(setup());
    let (_, refused) = Peer::log_in(&server, crate::support::peer::login("enemy", Some(room)));
    assert_eq!(refused.enter.map_or(refused.code, |enter| enter.code), 13003);
    let mut helper = Peer::join(&server, "helper", room);
    assert_eq!(set_role(&mut helper, room, "regular", RoleChange::Common, true), 417, "is one already");
    assert_eq!(set_role(&mut helper, room, "regular", RoleChange::Mute, true), 0, "an administrator may");
    let Response::QueueList(list) =
        helper.call(Request::QueueList(pb::QueueListRequest { room_id: room, ..Default::default() }))
    else {
        panic!("no list")
    };
    assert_eq!(list.elements.len(), 1);
    assert_eq!((list.elements[0].key.as_str(), &list.elements[0].value[..]), ("song", &b"la la"[..]));
}
