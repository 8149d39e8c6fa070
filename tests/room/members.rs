//! Roles, lists, mutes and kicks: what they do to a member and what the room hears.

use crate::world::*;
use chatroom::error::{Code, Sub};
use chatroom::room::{Actor, Audience, Op, Presence, Settings};
use chatroom::wire::Response;
use chatroom::wire::pb::{self, KickReason, MemberType, NotificationType, RoleChange};

fn kick(account: &str) -> Op {
    Op::Kick(pb::MemberKickRequest { room_id: 7, account: account.into(), notify_ext: "enough".into() })
}

fn temp_mute(account: &str, seconds: u32) -> Op {
    Op::TempMute(pb::MemberTempMuteRequest { room_id: 7, account: account.into(), seconds, ..Default::default() })
}

// S000-028
#[test]
fn only_the_creator_makes_and_unmakes_administrators() {
    let mut world = World::new();
    let (boss, alice, bob) = (world.enter("boss"), world.enter("alice"), world.enter("bob"));
    let outcome = world.set_role(&boss, "alice", RoleChange::Administrator, true).unwrap();
    assert_eq!(kind(&outcome), NotificationType::AdministratorAdd);
    assert_eq!((outcome.audience.clone(), outcome.durable, outcome.in_history), (Audience::All, true, true));
    assert_eq!(notice(&outcome).targets, ["alice"]);
    assert_eq!(world.member(&bob, "alice").unwrap().r#type(), MemberType::Administrator);
    let status = world.set_role(&alice, "bob", RoleChange::Administrator, true).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Forbidden, Some(Sub::OwnerOnly)));
    let outcome = world.set_role(&boss, "alice", RoleChange::Administrator, false).unwrap();
    assert_eq!(kind(&outcome), NotificationType::AdministratorRemove);
    assert_eq!(world.member(&bob, "alice").unwrap().r#type(), MemberType::Common);
    let repeated = world.set_role(&boss, "alice", RoleChange::Administrator, false).unwrap_err();
    assert_eq!((repeated.code, repeated.sub), (Code::Repeated, Some(Sub::MemberRepeated)));
}

// S000-029
#[test]
fn ordinary_members_keep_their_level_and_end_as_visitors() {
    let mut world = World::new();
    let (boss, _alice) = (world.enter("boss"), world.enter("alice"));
    let request = pb::MemberSetRoleRequest { level: 3, ..role("alice", RoleChange::Common, true) };
    let outcome = world.apply(&boss, Op::SetRole(request)).unwrap();
    assert_eq!(kind(&outcome), NotificationType::CommonAdd);
    assert_eq!(notice(&outcome).role_changed.as_ref().unwrap().level, 3);
    let Response::MemberSetRole(reply) = &outcome.reply else { panic!("{:?}", outcome.reply) };
    assert_eq!(reply.member.as_ref().unwrap().level, Some(3));
    let outcome = world.set_role(&boss, "alice", RoleChange::Common, false).unwrap();
    assert_eq!(kind(&outcome), NotificationType::CommonRemove);
    assert_eq!(world.member(&boss, "alice").unwrap().r#type(), MemberType::Visitor);
    // A member that is not here has no place left at all.
    world.set_role(&boss, "carol", RoleChange::Common, true).unwrap();
    world.set_role(&boss, "carol", RoleChange::Common, false).unwrap();
    assert_eq!(world.member(&boss, "carol"), None);
}

// S000-030, S003-008
#[test]
fn a_blocked_account_hears_it_leaves_and_stays_out() {
    let mut world = World::new();
    let (boss, phone, desk) = (world.enter("boss"), world.enter("alice"), world.enter("alice"));
    let outcome = world.set_role(&boss, "alice", RoleChange::Blocklist, true).unwrap();
    assert_eq!((kind(&outcome), outcome.audience.clone()), (NotificationType::BlocklistAdd, Audience::All));
    assert_eq!(left(&outcome), [phone.connection.unwrap(), desk.connection.unwrap()]);
    assert!(outcome.kicks.iter().all(|kick| kick.kicked.reason() == KickReason::Blocklisted && kick.kicked.room_id == 7));
    let status = world.apply(&phone, Op::Enter(Box::new(enter("")))).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Blocklisted, Some(Sub::MemberBlocklisted)));
    let outcome = world.set_role(&boss, "alice", RoleChange::Blocklist, false).unwrap();
    assert_eq!(kind(&outcome), NotificationType::BlocklistRemove);
    assert_eq!(world.code(&phone, Op::Enter(Box::new(enter("")))), Code::Ok);
}

// S000-031, S003-009
#[test]
fn a_muted_account_stays_and_cannot_send() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let outcome = world.set_role(&boss, "alice", RoleChange::Mute, true).unwrap();
    assert_eq!((kind(&outcome), outcome.presence.len()), (NotificationType::MuteAdd, 0));
    let status = world.apply(&alice, send(text("m", "hello"))).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Muted, Some(Sub::MemberMuted)));
    assert_eq!(world.member(&boss, "alice").unwrap().r#type(), MemberType::Limited);
    let outcome = world.set_role(&boss, "alice", RoleChange::Mute, false).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MuteRemove);
    assert_eq!(world.code(&alice, send(text("m", "hello"))), Code::Ok);
}

#[test]
fn both_restrictions_are_lifted_one_by_one() {
    let mut world = World::new();
    let boss = world.enter("boss");
    for change in [RoleChange::Mute, RoleChange::Blocklist] {
        world.set_role(&boss, "alice", change, true).unwrap();
    }
    let listed = world.set_role(&boss, "alice", RoleChange::Common, true).unwrap_err();
    assert_eq!((listed.code, listed.sub), (Code::Blocklisted, Some(Sub::TargetListed)));
    world.set_role(&boss, "alice", RoleChange::Blocklist, false).unwrap();
    let member = world.member(&boss, "alice").unwrap();
    assert_eq!((member.blocklisted, member.muted), (false, true));
    let listed = world.set_role(&boss, "alice", RoleChange::Common, true).unwrap_err();
    assert_eq!((listed.code, listed.sub), (Code::Muted, Some(Sub::TargetListed)));
    world.set_role(&boss, "alice", RoleChange::Mute, false).unwrap();
    assert_eq!(world.member(&boss, "alice"), None);
}

// S000-032
#[test]
fn a_kicked_account_hears_it_loses_all_its_connections_and_may_come_back() {
    let mut world = World::new();
    let (boss, phone, _desk) = (world.enter("boss"), world.enter("alice"), world.enter("alice"));
    let outcome = world.apply(&boss, kick("alice")).unwrap();
    assert_eq!((kind(&outcome), notice(&outcome).ext.as_str()), (NotificationType::MemberKicked, "enough"));
    assert_eq!((outcome.kicks.len(), outcome.presence.len()), (2, 2));
    assert!(outcome.kicks.iter().all(|kick| kick.kicked.reason() == KickReason::ManagerKick));
    assert!(outcome.presence.contains(&Presence::Left(phone.connection.unwrap())));
    let status = world.apply(&boss, kick("alice")).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::NotFound, Some(Sub::TargetOffline)));
    assert_eq!(world.code(&phone, Op::Enter(Box::new(enter("")))), Code::Ok);
}

// S003-012, S003-021, S003-022
#[test]
fn power_ends_at_equals_and_at_the_creator() {
    let mut world = World::new();
    let (boss, alice, _bob) = (world.enter("boss"), world.enter("alice"), world.enter("bob"));
    for account in ["alice", "bob"] {
        world.set_role(&boss, account, RoleChange::Administrator, true).unwrap();
    }
    for op in [kick("bob"), kick("boss"), temp_mute("bob", 5), Op::SetRole(role("bob", RoleChange::Mute, true))] {
        assert_eq!(world.code(&alice, op), Code::Forbidden);
    }
    let status = world.apply(&alice, kick("alice")).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Forbidden, Some(Sub::OperatorIsTarget)));
    assert_eq!(world.code(&boss, kick("bob")), Code::Ok);
}

#[test]
fn of_an_anonymous_visitor_nothing_is_kept() {
    let mut world = World::new();
    let boss = world.enter("boss");
    let guest = chatroom::room::Actor { anonymous: true, ..world.connection("anon_1") };
    world.apply(&guest, Op::Enter(Box::new(enter("Guest")))).unwrap();
    for change in [RoleChange::Administrator, RoleChange::Common, RoleChange::Mute] {
        let status = world.set_role(&boss, "anon_1", change, true).unwrap_err();
        assert_eq!((status.code, status.sub), (Code::NotFound, Some(Sub::AnonymousRefused)));
    }
    let before = world.room.snapshot().len();
    let outcome = world.set_role(&boss, "anon_1", RoleChange::Blocklist, true).unwrap();
    assert_eq!((left(&outcome), outcome.durable), (vec![guest.connection.unwrap()], false));
    assert_eq!(world.room.snapshot().len(), before);
    assert_eq!(world.code(&guest, Op::Enter(Box::new(enter("Guest")))), Code::Ok);
}

#[test]
fn a_room_has_room_for_so_many_fixed_members() {
    let mut world = World::with(Settings { fixed_members_max: 2, ..Settings::default() });
    let boss = world.enter("boss");
    world.set_role(&boss, "alice", RoleChange::Common, true).unwrap();
    let status = world.set_role(&boss, "bob", RoleChange::Mute, true).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::OverQuota, Some(Sub::MemberQuota)));
    world.set_role(&boss, "alice", RoleChange::Administrator, true).unwrap();
}

// S000-033, S003-010
#[test]
fn a_temporary_mute_ends_by_itself_or_is_lifted() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let outcome = world.apply(&boss, temp_mute("alice", 60)).unwrap();
    assert_eq!((kind(&outcome), notice(&outcome).mute_seconds), (NotificationType::TempMuteAdd, 60));
    let status = world.apply(&alice, send(text("m", "hello"))).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::Muted, Some(Sub::TempMuted)));
    world.time_ms += 1_500;
    assert_eq!(world.member(&boss, "alice").unwrap().temp_mute_seconds, 59);
    // A second one counts from now on and does not add up.
    world.apply(&boss, temp_mute("alice", 10)).unwrap();
    world.time_ms += 9_999;
    assert_eq!(world.code(&alice, send(text("m", "hello"))), Code::Muted);
    world.time_ms += 1;
    assert_eq!(world.code(&alice, send(text("m", "hello"))), Code::Ok);
    assert_eq!(world.code(&boss, temp_mute("alice", 0)), Code::Repeated);
    world.apply(&boss, temp_mute("alice", 2_592_000)).unwrap();
    let outcome = world.apply(&boss, temp_mute("alice", 0)).unwrap();
    assert_eq!((kind(&outcome), notice(&outcome).mute_seconds), (NotificationType::TempMuteRemove, 2_592_000));
    assert_eq!(world.code(&boss, temp_mute("alice", 2_592_001)), Code::BadParameter);
}

#[test]
fn a_temporary_mute_waits_for_who_is_not_here_and_an_account_there_is_not_cannot_have_one() {
    // chatroom.md §b.1
    let mut world = World::new();
    let boss = world.enter("boss");
    world.apply(&boss, temp_mute("alice", 60)).unwrap();
    let alice = world.enter("alice");
    assert_eq!(world.member(&boss, "alice").unwrap().temp_mute_seconds, 60);
    assert_eq!(world.code(&alice, send(text("m", "hello"))), Code::Muted);
    world.time_ms += 60_000;
    assert_eq!(world.code(&alice, send(text("m", "hello"))), Code::Ok);
    assert_eq!(world.code(&boss, temp_mute("carol", 0)), Code::Repeated);
    let unknown = chatroom::room::Actor { names_nobody: true, ..boss.clone() };
    let status = world.apply(&unknown, temp_mute("nobody", 5)).unwrap_err();
    assert_eq!((status.code, status.sub), (Code::NotFound, Some(Sub::AccountMissing)));
    world.apply(&unknown, temp_mute("alice", 5)).unwrap();
}

#[test]
fn a_temporary_mute_survives_leaving_and_is_not_for_the_listed() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.apply(&boss, temp_mute("alice", 60)).unwrap();
    world.apply(&alice, Op::Exit).unwrap();
    let alice = world.enter("alice");
    assert_eq!(world.code(&alice, send(text("m", "hello"))), Code::Muted);
    world.set_role(&boss, "alice", RoleChange::Mute, true).unwrap();
    assert_eq!(world.code(&boss, temp_mute("alice", 60)), Code::Repeated);
    world.set_role(&boss, "alice", RoleChange::Mute, false).unwrap();
    let status = world.apply(&alice, send(text("m", "hello"))).unwrap_err();
    assert_eq!(status.sub, Some(Sub::TempMuted), "lifting one mute leaves the other");
}

// S000-023
#[test]
fn members_change_what_they_show_and_fixed_ones_may_keep_it() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    let change = |nick: &str, save| {
        Op::UpdateSelf(Box::new(pb::MemberUpdateSelfRequest { nick: Some(nick.into()), save, ..Default::default() }))
    };
    let outcome = world.apply(&alice, change("Al", true)).unwrap();
    assert_eq!(kind(&outcome), NotificationType::MemberUpdated);
    assert_eq!(message(&world.apply(&alice, send(text("m", "hello"))).unwrap()).from_nick, "Al");
    world.apply(&alice, Op::Exit).unwrap();
    let alice = world.enter("alice");
    assert_eq!(world.member(&boss, "alice").unwrap().nick, "", "a visitor's nick goes with it");
    world.set_role(&boss, "alice", RoleChange::Common, true).unwrap();
    world.apply(&alice, change("Ally", true)).unwrap();
    world.apply(&alice, Op::Exit).unwrap();
    assert_eq!(world.member(&boss, "alice").unwrap().nick, "Ally");
    let alice = world.enter("alice");
    assert_eq!(world.member(&boss, "alice").unwrap().nick, "Ally", "what was kept is shown again");
    world.apply(&alice, change("", false)).unwrap();
    assert_eq!(world.member(&boss, "alice").unwrap().nick, "", "what is cleared for now is not filled up from what is kept");
    assert_eq!(world.code(&boss, Op::UpdateSelf(Box::default())), Code::BadParameter);
}

#[test]
fn a_restriction_lifted_in_absence_names_the_member_it_was_on() {
    let mut world = World::new();
    let (boss, val) = (world.enter("boss"), world.enter("val"));
    world.set_role(&boss, "val", RoleChange::Common, true).unwrap();
    let profile = pb::MemberUpdateSelfRequest { nick: Some("Val".into()), save: true, ..Default::default() };
    let outcome = world.apply(&val, Op::UpdateSelf(Box::new(profile))).unwrap();
    let shown = notice(&outcome).member_updated.clone().expect("what the member shows");
    // chatroom.md §g, row 316: nick, avatar and ext of the member, whatever has changed.
    assert_eq!((shown.nick.as_deref(), shown.avatar.as_deref(), shown.ext.as_deref()), (Some("Val"), Some(""), Some("")));
    world.set_role(&boss, "val", RoleChange::Mute, true).unwrap();
    world.apply(&val, Op::Exit).unwrap();
    let outcome = world.set_role(&boss, "val", RoleChange::Mute, false).unwrap();
    assert_eq!(notice(&outcome).target_nicks, ["Val"]);
}

#[test]
fn muting_for_a_time_who_is_muted_for_good_repeats_what_is() {
    let mut world = World::new();
    let (boss, _val) = (world.enter("boss"), world.enter("val"));
    world.set_role(&boss, "val", RoleChange::Mute, true).unwrap();
    let refused = world.apply(&boss, temp_mute("val", 60)).unwrap_err();
    assert_eq!((refused.code, refused.sub), (Code::Repeated, Some(Sub::MemberRepeated)));
}

// chatroom.md §c.0, row 12
#[test]
fn a_profile_that_is_so_already_changes_nothing_and_tells_nobody() {
    let mut world = World::new();
    let (boss, val) = (world.enter("boss"), world.enter("val"));
    let profile =
        |save| Op::UpdateSelf(Box::new(pb::MemberUpdateSelfRequest { nick: Some("Val".into()), save, ..Default::default() }));
    world.apply(&val, profile(false)).unwrap();
    let refused = world.apply(&val, profile(false)).unwrap_err();
    assert_eq!((refused.code, refused.sub), (Code::NoChange, Some(Sub::IdenticalFields)));
    world.set_role(&boss, "val", RoleChange::Common, true).unwrap();
    world.apply(&val, profile(true)).expect("what is kept of it is not so yet");
    assert_eq!(world.code(&val, profile(true)), Code::NoChange);
}

#[test]
fn nobody_comes_anonymously_under_a_name_the_room_knows() {
    let mut world = World::new();
    let boss = world.enter("boss");
    world.set_role(&boss, "alice", RoleChange::Administrator, true).unwrap();
    world.set_role(&boss, "bob", RoleChange::Common, true).unwrap();
    for name in ["boss", "alice", "bob"] {
        let stranger = Actor { anonymous: true, ..world.connection(name) };
        assert_eq!(world.code(&stranger, Op::Enter(Box::new(enter("Nick")))), Code::WrongToken, "{name}");
    }
    let stranger = Actor { anonymous: true, ..world.connection("carol") };
    assert_eq!(world.code(&stranger, Op::Enter(Box::new(enter("Nick")))), Code::Ok);
}

// S003-013
#[test]
fn who_updates_itself_changes_nick_avatar_and_ext_and_nothing_else() {
    let mut world = World::new();
    let (boss, alice) = (world.enter("boss"), world.enter("alice"));
    world.set_role(&boss, "alice", RoleChange::Common, true).unwrap();
    world.apply(&boss, temp_mute("alice", 60)).unwrap();
    // Every field of the request: three of them say what the member shows, the others who is told and what is kept.
    let pb::MemberUpdateSelfRequest { room_id: _, nick: _, avatar: _, ext: _, silent: _, save: _, notify_ext: _ } =
        pb::MemberUpdateSelfRequest::default();
    let request = pb::MemberUpdateSelfRequest {
        room_id: 7,
        nick: Some("Al".into()),
        avatar: Some("http://pictures/al".into()),
        ext: Some("{}".into()),
        silent: false,
        save: true,
        notify_ext: "new".into(),
    };
    let before = world.member(&boss, "alice").unwrap();
    world.time_ms += 1;
    world.apply(&alice, Op::UpdateSelf(Box::new(request))).unwrap();
    let after = world.member(&boss, "alice").unwrap();
    assert_eq!((&*after.nick, &*after.avatar, &*after.ext), ("Al", "http://pictures/al", "{}"));
    let shown = |member: &pb::Member| pb::Member {
        nick: String::new(),
        avatar: String::new(),
        ext: String::new(),
        connections: member
            .connections
            .iter()
            .map(|connection| pb::OnlineConnection { nick: String::new(), avatar: String::new(), ..connection.clone() })
            .collect(),
        ..member.clone()
    };
    assert_eq!(shown(&after), shown(&before), "role, level, restrictions, tags and times are as they were");
}
