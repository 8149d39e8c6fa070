//! Positions that clients name: what was missed comes once and in order, over restarts and crashes, and a gap is told only where
//! something is lost (im.md §0.2, chatroom.md §d.7).

use crate::world::{World, enter, entered, room_of, text};
use chatroom::error::Code;
use chatroom::id::RoomId;
use chatroom::limits::FEED_FRAMES_MAX;
use chatroom::room::{Actor, Enter, Op, Settings};
use chatroom::wire::pb::{NotificationType, RoomEnterResponse, RoomPosition};
use chatroom::wire::{Push, pb};
use proptest::prelude::*;

fn at(epoch: u64, last_seq: u64) -> RoomPosition {
    RoomPosition { epoch, last_seq, ..RoomPosition::default() }
}

fn enter_from(room: RoomId, position: RoomPosition) -> Op {
    let request = pb::RoomEnterRequest { room_id: room.get(), position: Some(position), ..Default::default() };
    Op::Enter(Box::new(Enter { app_key: "app".into(), ..Enter::from_request(request) }))
}

fn come_back(world: &mut World, account: &str, room: RoomId, position: RoomPosition) -> (Actor, RoomEnterResponse) {
    let actor = world.connect(account);
    let answer = entered(world.command(&actor, room, enter_from(room, position)));
    (actor, answer)
}

/// A room with Ann and Bob in it, and the place Ann has seen.
fn world_of_two() -> (World, RoomId, Actor, Actor, RoomPosition) {
    let mut world = World::new(Settings::default());
    let room = room_of(0);
    world.create_by("boss", room);
    let (ann, bob) = (world.connect_to(0, "ann"), world.connect_to(1, "bob"));
    world.enter(&ann, room);
    let answer = world.enter(&bob, room);
    // Bob's own coming takes one number more.
    let seen = at(answer.epoch, answer.last_seq + 1);
    world.heard(&ann);
    world.heard(&bob);
    (world, room, ann, bob, seen)
}

fn say(world: &mut World, actor: &Actor, room: RoomId, body: &str) -> u64 {
    world.command(actor, room, text(body)).unwrap();
    world.records(room).last().unwrap().entry.seq.0
}

#[test]
fn after_a_clean_stop_what_was_missed_comes_once_and_in_order_and_nobody_is_told_of_a_gap() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    world.lose(&ann, true);
    say(&mut world, &bob, room, "one");
    world.stop_and_start();
    let (bob, answer) = come_back(&mut world, "bob", room, at(seen.epoch, seen.last_seq + 2));
    assert!(!answer.gap, "{answer:?}");
    say(&mut world, &bob, room, "two");
    let (ann, answer) = come_back(&mut world, "ann", room, seen);
    assert!(!answer.gap && !answer.resumed && answer.log_seq.is_some(), "{answer:?}");
    assert_eq!(answer.replayed, 2);
    say(&mut world, &bob, room, "three");
    assert_eq!(world.heard(&ann), ["one", "two", "301", "three"]);
}

#[test]
fn what_a_connection_of_another_life_of_the_node_said_is_not_taken_for_the_own() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    say(&mut world, &ann, room, "one");
    world.lose(&ann, true);
    world.lose(&bob, true);
    world.stop_and_start();
    // The numbers of connections begin anew.
    let bob = Actor { connection: ann.connection, ..bob };
    let answer = entered(world.command(&bob, room, enter_from(room, seen)));
    assert_eq!((answer.replayed, answer.gap), (1, false));
    say(&mut world, &bob, room, "two");
    world.lose(&bob, false);
    let again = world.connect("bob");
    let mut op = enter_from(room, seen);
    if let Op::Enter(enter) = &mut op {
        enter.replaces = bob.connection;
    }
    let answer = entered(world.command(&again, room, op));
    assert!(answer.resumed && !answer.gap, "{answer:?}");
    assert_eq!(world.heard(&again), ["one"]);
}

#[test]
fn numbers_that_presence_took_go_on_after_a_clean_stop() {
    let (mut world, room, .., seen) = world_of_two();
    assert!(world.records(room).last().unwrap().entry.seq.0 < seen.last_seq, "presence is in no log");
    world.stop_and_start();
    let (_, answer) = come_back(&mut world, "ann", room, seen);
    assert_eq!((answer.gap, answer.last_seq), (false, seen.last_seq));
}

#[test]
fn presence_that_a_crash_took_back_is_no_loss_for_who_knows_how_far_the_log_goes() {
    let (mut world, room, _, bob, _) = world_of_two();
    let logged = say(&mut world, &bob, room, "kept");
    world.connect("carol");
    let carol = world.connect("carol");
    let seen = world.enter(&carol, room).last_seq + 1;
    world.restart();
    let (_, answer) = come_back(&mut world, "ann", room, at(1, seen));
    assert_eq!((answer.gap, answer.log_seq, answer.replayed), (false, Some(logged), 0));
    // Others' coming has taken numbers anew, so that the position seems to be reached again.
    let (_, again) = come_back(&mut world, "bob", room, at(1, seen));
    assert_eq!((again.gap, again.log_seq), (false, Some(logged)));
}

#[test]
fn a_message_that_a_crash_took_back_shows_in_how_far_the_log_goes() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    world.commits = false;
    world.ask(&bob, room, text("lost"));
    world.settle();
    assert_eq!(world.heard(&ann), ["lost"]);
    world.commits = true;
    world.restart();
    let (_, answer) = come_back(&mut world, "ann", room, at(1, seen.last_seq + 1));
    assert!(answer.log_seq.unwrap() <= seen.last_seq, "{answer:?}");
}

#[test]
fn what_comes_while_the_log_is_read_follows_what_it_holds() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    world.lose(&ann, true);
    say(&mut world, &bob, room, "missed");
    world.holds_replays = true;
    let ann = world.connect_to(0, "ann");
    let sequence = world.ask(&ann, room, enter_from(room, seen));
    world.settle();
    say(&mut world, &bob, room, "meanwhile");
    assert!(world.take_answer(&ann, sequence).is_none(), "the answer says how much was missed");
    assert_eq!(world.heard(&ann), [""; 0]);
    world.read_replays();
    world.settle();
    assert_eq!(entered(world.take_answer(&ann, sequence).unwrap()).replayed, 1);
    say(&mut world, &bob, room, "after");
    assert_eq!(world.heard(&ann), ["missed", "301", "meanwhile", "after"]);
}

#[test]
fn who_leaves_while_the_log_is_read_is_answered_and_hears_nothing() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    world.lose(&ann, true);
    say(&mut world, &bob, room, "missed");
    world.holds_replays = true;
    let ann = world.connect_to(1, "ann");
    let sequence = world.ask(&ann, room, enter_from(room, seen));
    world.settle();
    world.command(&ann, room, Op::Exit).unwrap();
    world.read_replays();
    world.settle();
    assert!(world.take_answer(&ann, sequence).is_some());
    assert_eq!(world.heard(&ann), [""; 0]);
}

#[test]
fn a_position_of_an_epoch_nobody_knows_is_told_of_a_gap() {
    let (mut world, room, .., seen) = world_of_two();
    world.stop_and_start();
    let (_, older) = come_back(&mut world, "ann", room, at(0, seen.last_seq));
    assert!(older.gap && older.log_seq.is_none(), "{older:?}");
    let (_, newer) = come_back(&mut world, "bob", room, at(99, 1));
    assert!(newer.gap && newer.log_seq.is_none(), "a store that was put back to an earlier state: {newer:?}");
}

#[test]
fn a_store_that_comes_back_costs_a_gap_only_where_something_was_lost() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    let quiet = room_of(1);
    world.create_by("boss", quiet);
    world.enter(&bob, quiet);
    say(&mut world, &bob, room, "kept");
    world.heard(&ann);
    world.heard(&bob);
    world.commits = false;
    let sequence = world.ask(&bob, room, text("lost"));
    world.settle();
    assert_eq!(world.heard(&ann), ["lost"]);
    world.reopen_store();
    assert_eq!(world.take_answer(&bob, sequence).unwrap().unwrap_err().code, Code::ServerError);
    let told = world.heard_pushes(&ann);
    let [Push::Gap(gap), Push::RoomEpoch(epoch)] = &told[..] else { panic!("{told:?}") };
    let logged = seen.last_seq + 1;
    assert_eq!((gap.first_seq, gap.last_seq, epoch.epoch, epoch.log_seq), (logged + 1, logged + 1, 2, logged));
    let told: Vec<Push> = world.heard_pushes(&bob).into_iter().filter(|push| !matches!(push, Push::RoomEpoch(_))).collect();
    assert!(matches!(&told[..], [Push::Gap(gap)] if gap.room_id == room.get()), "{told:?}");
    // The numbers are given again, and everybody is still there.
    say(&mut world, &bob, room, "anew");
    assert_eq!(world.heard(&ann), ["anew"]);
    world.command(&ann, room, text("answer")).unwrap();
    assert_eq!(world.heard(&bob), ["answer"]);
}

#[test]
fn who_comes_back_while_a_commit_fails_is_told_that_what_it_would_have_covered_is_missing() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    world.lose(&ann, true);
    say(&mut world, &bob, room, "kept");
    world.commits = false;
    world.ask(&bob, room, text("lost"));
    world.settle();
    let ann = world.connect("ann");
    let sequence = world.ask(&ann, room, enter_from(room, seen));
    world.settle();
    assert!(world.take_answer(&ann, sequence).is_none(), "it waits for the commit");
    world.hubs.iter_mut().for_each(chatroom::dispatch::Hub::on_log_failed);
    world.settle();
    let answer = entered(world.take_answer(&ann, sequence).unwrap());
    assert_eq!((answer.replayed, answer.gap), (1, true));
    assert_eq!((answer.gap_first, answer.gap_last), (answer.last_seq, answer.last_seq), "{answer:?}");
    assert_eq!(world.heard(&ann), ["kept", "301"]);
}

#[test]
fn a_slow_reader_that_is_put_out_is_told_what_it_has_missed() {
    let (mut world, room, ann, ..) = world_of_two();
    world.block(&ann);
    let boss = crate::world::over_http("boss");
    for number in 0..FEED_FRAMES_MAX + 100 {
        world.command(&boss, room, text(&number.to_string())).unwrap();
    }
    world.pass(1000);
    let kick = pb::MemberKickRequest { room_id: room.get(), account: "ann".into(), ..Default::default() };
    world.command(&boss, room, Op::Kick(kick)).unwrap();
    let heard = world.heard_pushes(&ann);
    let (Push::Gap(gap), Push::Message(first)) = (&heard[0], &heard[1]) else { panic!("{:?}", &heard[..2]) };
    assert_eq!(
        (gap.last_seq + 1, heard.len() as u64),
        (first.seq, FEED_FRAMES_MAX as u64 + 102 - (gap.last_seq - gap.first_seq))
    );
}

#[test]
fn what_was_said_while_nobody_was_here_is_missing_for_who_resumes_as_well() {
    let (mut world, room, ann, bob, seen) = world_of_two();
    say(&mut world, &bob, room, "before");
    world.lose(&ann, true);
    world.lose(&bob, true);
    let news =
        pb::MessageSendRequest { room_id: room.get(), message_id: "news".into(), body: "news".into(), ..Default::default() };
    world.command(&crate::world::over_http("boss"), room, Op::Send(Box::new(news))).unwrap();
    let ann = world.connect_to(0, "ann");
    world.enter(&ann, room);
    world.lose(&ann, false);
    let again = world.connect_to(0, "ann");
    let mut op = enter_from(room, seen);
    if let Op::Enter(enter) = &mut op {
        enter.replaces = ann.connection;
    }
    let answer = entered(world.command(&again, room, op));
    assert!(answer.resumed && !answer.gap, "{answer:?}");
    assert_eq!(world.heard(&again), ["before", "news"]);
}

#[test]
fn those_who_go_while_the_store_has_failed_are_gone_when_it_is_back() {
    let (mut world, room, ann, bob, _) = world_of_two();
    world.commits = false;
    world.ask(&bob, room, text("lost"));
    world.settle();
    world.hubs.iter_mut().for_each(chatroom::dispatch::Hub::on_log_failed);
    world.lose(&ann, true);
    world.reopen_store();
    assert!(!world.is_here("ann", room) && world.is_here("bob", room));
}

fn instead_of(room: RoomId, lost: &Actor) -> Op {
    let request = pb::RoomEnterRequest { room_id: room.get(), ..Default::default() };
    let enter = Enter { app_key: "app".into(), replaces: lost.connection, ..Enter::from_request(request) };
    Op::Enter(Box::new(enter))
}

#[test]
fn a_kick_whose_word_was_lost_with_the_connection_is_told_and_one_who_came_in_again_is_in() {
    let (mut world, room, ann, ..) = world_of_two();
    let kick = || Op::Kick(pb::MemberKickRequest { room_id: room.get(), account: "ann".into(), ..Default::default() });
    world.command(&crate::world::over_http("boss"), room, kick()).unwrap();
    world.lose(&ann, false);
    let again = world.connect("ann");
    assert_eq!(world.command(&again, room, instead_of(room, &ann)).unwrap_err().code, Code::Forbidden);
    let ann = world.connect("ann");
    world.enter(&ann, room);
    world.command(&crate::world::over_http("boss"), room, kick()).unwrap();
    world.enter(&ann, room);
    world.lose(&ann, false);
    let again = world.connect("ann");
    assert!(entered(world.command(&again, room, instead_of(room, &ann))).resumed);
}

#[test]
fn a_kick_met_while_away_is_told_to_who_takes_the_connection_over() {
    let (mut world, room, ann, bob, _) = world_of_two();
    world.lose(&ann, false);
    let kick = pb::MemberKickRequest { room_id: room.get(), account: "ann".into(), ..Default::default() };
    world.command(&crate::world::over_http("boss"), room, Op::Kick(kick)).unwrap();
    let again = world.connect("ann");
    for _ in 0..2 {
        let refused = world.command(&again, room, instead_of(room, &ann)).unwrap_err();
        assert_eq!(refused.code, Code::Forbidden);
        assert_eq!(world.heard(&again), ["kicked 2 false"], "told as often as it is asked for");
        assert!(!world.is_here("ann", room));
    }
    // By a wish of its own it may enter again, and what was long ago counts no more.
    let wanted = world.connect("ann");
    world.enter(&wanted, room);
    world.lose(&wanted, true);
    world.pass(crate::world::GRACE_MS + 1000);
    let late = world.connect("ann");
    world.command(&late, room, instead_of(room, &ann)).unwrap();
    drop(bob);
}

/// What may happen to a room between two looks of one client.
#[derive(Clone, Debug)]
enum Step {
    Say,
    SayUncommitted,
    Come,
    Lose,
    Leave,
    Stop,
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Say),
        1 => Just(Step::SayUncommitted),
        2 => Just(Step::Come),
        1 => Just(Step::Lose),
        1 => Just(Step::Leave),
        1 => Just(Step::Stop),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..40)
}

/// Ann as a client of the library is, as far as positions go.
struct Reader {
    actor: Actor,
    seen: Vec<(u64, String)>,
    position: (u64, u64),
    lasting: u64,
}

impl Reader {
    fn listen(&mut self, world: &mut World) {
        for push in world.heard_pushes(&self.actor) {
            let (epoch, seq) = match push {
                Push::Message(message) => {
                    self.seen.push((message.seq, String::from_utf8(message.body.to_vec()).unwrap()));
                    self.lasting = self.lasting.max(message.seq);
                    (message.epoch, message.seq)
                }
                Push::Notification(notice) => {
                    assert!(matches!(notice.r#type(), NotificationType::MemberEnter | NotificationType::MemberExit));
                    (notice.epoch, notice.seq)
                }
                other => panic!("{other:?}"),
            };
            self.position = (self.position.0.max(epoch), self.position.1.max(seq));
        }
    }

    fn come_back(&mut self, world: &mut World, room: RoomId, replaces: Option<Actor>) {
        let position = at(self.position.0, self.position.1);
        let mut op = enter_from(room, position);
        if let (Op::Enter(enter), Some(lost)) = (&mut op, replaces) {
            enter.replaces = lost.connection;
        }
        self.actor = world.connect("ann");
        let answer = entered(world.command(&self.actor, room, op));
        let log_seq = answer.log_seq.expect("a position of an epoch that is known");
        assert!(!answer.gap, "nothing is missing: {answer:?}");
        // What is lost was never in the log, and what the library takes for lost was.
        let kept: Vec<u64> = world.records(room).iter().map(|record| record.entry.seq.0).collect();
        let lost = self.seen.iter().filter(|(seq, _)| *seq > log_seq).count();
        assert_eq!(lost > 0, self.lasting > log_seq);
        self.seen.retain(|(seq, _)| *seq <= log_seq);
        assert!(self.seen.iter().all(|(seq, _)| kept.contains(seq)), "{:?} of {kept:?}", self.seen);
        self.lasting = self.lasting.min(log_seq);
        self.position = (answer.epoch, self.position.1.min(log_seq));
        self.listen(world);
        self.position.1 = self.position.1.max(answer.last_seq);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_a_client_has_every_message_that_the_log_has_and_each_once(steps in steps()) {
        let mut world = World::new(Settings { sends_per_second: 0, ..Settings::default() });
        let room = room_of(0);
        world.create_by("boss", room);
        let actor = world.connect("ann");
        let first = world.enter(&actor, room);
        let mut ann = Reader { actor, seen: Vec::new(), position: (first.epoch, first.last_seq), lasting: 0 };
        let mut bob = world.connect("bob");
        world.enter(&bob, room);
        let mut said = 0;
        ann.listen(&mut world);
        for step in steps {
            match step {
                Step::Say | Step::SayUncommitted => {
                    world.commits &= !matches!(step, Step::SayUncommitted);
                    said += 1;
                    world.ask(&bob, room, text(&said.to_string()));
                    world.settle();
                }
                Step::Come => {
                    let guest = world.connect("carol");
                    world.ask(&guest, room, enter(room));
                    world.settle();
                    world.lose(&guest, true);
                }
                Step::Lose | Step::Leave => {
                    world.commits = true;
                    ann.listen(&mut world);
                    let lost = ann.actor.clone();
                    world.lose(&lost, matches!(step, Step::Leave));
                    said += 1;
                    world.command(&bob, room, text(&said.to_string())).unwrap();
                    ann.come_back(&mut world, room, matches!(step, Step::Lose).then_some(lost));
                }
                Step::Stop | Step::Crash => {
                    if matches!(step, Step::Stop) {
                        world.commits = true;
                        world.settle();
                        ann.listen(&mut world);
                        world.stop_and_start();
                    } else {
                        ann.listen(&mut world);
                        world.restart();
                        world.commits = true;
                    }
                    bob = world.connect("bob");
                    world.enter(&bob, room);
                    ann.come_back(&mut world, room, None);
                }
            }
            ann.listen(&mut world);
        }
        world.commits = true;
        world.settle();
        ann.listen(&mut world);
        let logged = world.records(room).iter().filter(|record| matches!(record.entry.command.op, Op::Send(_)));
        let logged: Vec<u64> = logged.map(|record| record.entry.seq.0).collect();
        prop_assert_eq!(ann.seen.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), logged);
    }
}
