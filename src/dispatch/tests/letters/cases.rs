//! What is promised of letters (im.md §0.3), each rule by its number.

use super::*;

fn done(text: &str) -> (String, Result<String, Code>) {
    (text.into(), Ok("done".into()))
}

// L1, L2, L6
#[test]
fn a_letter_leaves_after_its_commit_and_its_verdict_after_the_other_one() {
    let mut world = World::new();
    let (from, to) = (owner_of(world.trays[0], WORKERS), owner_of(world.trays[1], WORKERS));
    assert_ne!(from, to);
    world.send(0, 1, "hello");
    world.turn(from);
    assert!(world.posts.is_empty() && world.disk.letters() == 0, "nothing leaves before the commit");
    world.commit(from);
    assert_eq!((world.answered(), world.disk.letters()), (vec![done("hello")], 1));
    world.turn(from);
    assert!(matches!(&world.posts[..], [(worker, Post::Letter(_))] if *worker == to));
    world.deliver();
    world.turn(to);
    world.turn(to);
    assert!(world.posts.is_empty() && world.tray(1).taken.is_empty(), "no verdict before the commit");
    world.commit(to);
    assert_eq!(world.tray(1).taken, ["hello"]);
    world.turn(to);
    assert!(matches!(&world.posts[..], [(worker, Post::Verdict(_, Verdict::Accepted))] if *worker == from));
    world.deliver();
    world.settle();
    assert_eq!(world.hubs[from].letters_waiting(), 0);
    // It is taken out with the next commit.
    world.send(0, 1, "again");
    world.settle();
    world.hubs.iter_mut().for_each(Hub::save_subjects);
    world.settle();
    assert_eq!((world.disk.letters(), world.tray(1).taken), (0, vec!["hello".into(), "again".into()]));
}

// L5, L7
#[test]
fn a_refusal_is_an_entry_of_both_before_anybody_is_told() {
    let mut world = World::new();
    let (from, to) = (owner_of(world.trays[0], WORKERS), owner_of(world.trays[1], WORKERS));
    world.send(0, 1, "?no");
    world.turn(from);
    world.commit(from);
    world.turn(from);
    world.deliver();
    world.turn(to);
    world.commit(to);
    let (op, note) = world.disk.entries.get(&(world.trays[1], Seq(1))).expect("a refused letter is an entry");
    assert!(op.is_none() && note.len() < 64, "{op:?} {}", note.len());
    world.turn(to);
    world.deliver();
    world.turn(from);
    assert!(world.answered().is_empty() && world.tray(0).returned.is_empty());
    world.commit(from);
    assert_eq!(world.answered(), [("?no".into(), Err(Code::Forbidden))]);
    assert_eq!((world.tray(0).returned, world.disk.letters()), (vec!["?no".into()], 0));
    assert_eq!(world.tray(1).taken, [""; 0]);
}

#[test]
fn an_answer_waits_for_the_verdict_no_longer_than_so_long() {
    let mut world = World::new();
    world.send(0, 1, "?yes");
    let from = owner_of(world.trays[0], WORKERS);
    world.turn(from);
    world.commit(from);
    world.turn(from);
    world.posts.clear();
    world.pass(VERDICT_TIMEOUT_MS - 1);
    assert!(world.answered().is_empty());
    world.pass(1);
    assert_eq!(world.answered(), [("?yes".into(), Ok("pending".into()))]);
    world.settle();
    assert_eq!((world.tray(1).taken, world.answered()), (vec!["?yes".into()], vec![]));
    // In time, it says what became of it.
    world.send(0, 1, "?soon");
    world.settle();
    assert_eq!(world.answered(), [done("?soon")]);
}

// L9
#[test]
fn a_letter_to_nobody_is_refused() {
    let mut world = World::new();
    world.send(0, 99, "?lost");
    world.send(0, 99, "-lost");
    world.settle();
    assert_eq!(world.answered(), [done("-lost"), ("?lost".into(), Err(Code::NotFound))]);
    assert_eq!((world.tray(0).returned, world.disk.letters()), (vec!["?lost".into()], 0));
}

// L4, L5
#[test]
fn letters_are_evaluated_in_order_and_once_however_they_come() {
    let mut world = World::new();
    let (from, to) = (owner_of(world.trays[0], WORKERS), owner_of(world.trays[1], WORKERS));
    let texts = ["a", "-no", "same", "b", "-no more", "c"];
    texts.iter().for_each(|text| world.send(0, 1, text));
    world.turn(from);
    world.commit(from);
    world.turn(from);
    let letters = std::mem::take(&mut world.posts);
    assert_eq!(letters.len(), texts.len());
    for at in [5, 1, 0, 0, 2, 3, 1, 4] {
        world.hubs[to].on_post(letters[at].1.clone());
        world.turn(to);
        world.commit(to);
    }
    world.turn(to);
    let verdict = |(_, post): &(usize, Post)| match post {
        Post::Verdict(sent, verdict) => (String::from_utf8(sent.body.to_vec()).unwrap(), verdict.clone()),
        Post::Letter(_) => panic!("only verdicts come back"),
    };
    let mut verdicts: Vec<(String, Verdict)> = world.posts.iter().map(verdict).collect();
    let refused = || Verdict::Refused(Status::new(Code::Forbidden, "not wanted"));
    let said = |text: &str, verdict| (text.to_owned(), verdict);
    let gaps: Vec<String> = verdicts.extract_if(.., |(_, verdict)| *verdict == Verdict::Gap).map(|(text, _)| text).collect();
    assert_eq!(gaps, ["c", "-no", "same", "b", "-no more"]);
    assert_eq!(verdicts, [said("a", Verdict::Accepted), said("a", Verdict::Accepted), said("-no", refused())]);
    world.settle();
    assert_eq!(world.tray(1).taken, ["a", "b", "c"]);
    assert_eq!(world.hubs[from].letters_waiting(), 0);
}

#[test]
fn too_many_letters_for_one_destination_refuse_the_next_command() {
    let mut world = World::new();
    let from = owner_of(world.trays[0], WORKERS);
    for number in 0..LETTERS_WAITING_MAX {
        world.send(0, 1, "x");
        if number == 0 {
            world.turn(from);
        }
    }
    world.turn(from);
    world.commit(from);
    world.turn(from);
    world.commit(from);
    world.answered();
    world.send(0, 1, "y");
    world.send(0, 2, "z");
    world.turn(from);
    world.commit(from);
    assert_eq!(world.answered(), [("y".into(), Err(Code::Busy)), done("z")]);
    world.settle();
    assert_eq!(world.tray(1).taken.len(), LETTERS_WAITING_MAX);
}

#[test]
fn a_subject_that_leaves_memory_knows_its_letters_when_it_comes_back() {
    let mut world = World::new();
    let to = owner_of(world.trays[1], WORKERS);
    world.send(0, 1, "one");
    world.send(0, 1, "-no");
    world.settle();
    let letters: Vec<Bytes> = world.disk.shards.values().cloned().collect();
    assert!(!letters.is_empty());
    world.hubs.iter_mut().for_each(Hub::save_subjects);
    let rows = world.disk.shards.clone();
    world.settle();
    assert!(world.disk.snapshots.contains_key(&world.trays[1]));
    // Old letters once more, from an outbox that has forgotten that they are done with.
    world.disk.shards = rows;
    world.start();
    world.settle();
    assert_eq!(world.tray(1).taken, ["one"]);
    assert_eq!(world.hubs[to].letters_waiting(), 0);
}

/// Everything that may happen to letters, in any order: lost, repeated, late, in the wrong order, a kill between the two commits, a disk
/// that takes nothing for a while. At the end each is evaluated once, in the order in which it was written.
#[test]
fn whatever_happens_each_letter_is_evaluated_once_and_in_order() {
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        let mut sent = 0;
        for _ in 0..200 {
            match random.u8(0..24) {
                0..5 => {
                    let (from, to) = (random.usize(0..4), random.usize(0..4));
                    let kind = random.choice(["", "?", "no ", "-no ", "?no ", "same "]).unwrap();
                    sent += 1;
                    world.send(from, to, &format!("{kind}{from}-{sent}"));
                }
                5..12 => world.turn(random.usize(0..WORKERS)),
                12..16 => world.commit(random.usize(0..WORKERS)),
                16..19 => {
                    random.shuffle(&mut world.posts);
                    let posts = std::mem::take(&mut world.posts);
                    for (worker, post) in posts {
                        match random.u8(0..8) {
                            0 => {}
                            1 => world.posts.push((worker, post)),
                            2 => {
                                world.hubs[worker].on_post(post.clone());
                                world.posts.push((worker, post));
                            }
                            _ => world.hubs[worker].on_post(post),
                        }
                    }
                }
                19..21 => world.pass(random.u64(1..2000)),
                21 => {
                    // Part of what was on its way has reached the disk all the same.
                    for worker in 0..WORKERS {
                        let writes = world.writing[worker].take().filter(|_| random.bool());
                        writes.into_iter().for_each(|writes| world.disk.write(writes));
                    }
                    world.start();
                }
                22 => {
                    let worker = random.usize(0..WORKERS);
                    if world.writing[worker].take().is_some() {
                        world.hubs[worker].on_committed(false);
                        world.epoch += 1;
                        world.hubs[worker].on_log_back(Epoch(world.epoch));
                    }
                }
                _ => world.hubs[random.usize(0..WORKERS)].save_subjects(),
            }
        }
        // Whoever waits longest waits half a minute.
        for _ in 0..40 {
            world.settle();
            world.pass(1000);
        }
        world.hubs.iter_mut().for_each(Hub::save_subjects);
        world.settle();
        let waiting: usize = world.hubs.iter().map(Hub::letters_waiting).sum();
        assert_eq!((waiting, world.disk.letters()), (0, 0), "seed {seed}");
        let mut expected: BTreeMap<TrayId, Vec<String>> = BTreeMap::new();
        let mut returned: BTreeMap<TrayId, Vec<String>> = BTreeMap::new();
        for ((tray, _), (op, _)) in &world.disk.entries {
            let Some(Move::Send(to, text)) = op else { continue };
            match text {
                text if text.contains("no") && !text.starts_with('-') => returned.entry(*tray).or_default().push(text.clone()),
                text if text.contains("no") || text.contains("same") => {}
                text => expected.entry(*to).or_default().push(text.clone()),
            }
        }
        for (number, id) in world.trays.iter().enumerate() {
            let tray = world.tray(number);
            let sorted = |mut texts: Vec<String>| {
                texts.sort();
                texts
            };
            let of = |all: &BTreeMap<TrayId, Vec<String>>| all.get(id).cloned().unwrap_or_default();
            assert_eq!(sorted(tray.taken.clone()), sorted(of(&expected)), "seed {seed}, tray {number}");
            assert_eq!(sorted(tray.returned), sorted(of(&returned)), "seed {seed}, tray {number}");
            // From each source in its order.
            for from in 0..4 {
                let from = format!("{from}-");
                let own = |texts: &[String]| -> Vec<String> {
                    texts.iter().filter(|text| text.trim_start_matches('?').starts_with(&from)).cloned().collect()
                };
                assert_eq!(own(&tray.taken), own(&of(&expected)), "seed {seed}, tray {number}, from {from}");
            }
        }
        let names: BTreeSet<String> = world.answered().into_iter().map(|(text, _)| text).collect();
        assert!(names.len() <= sent, "nobody is answered who has not asked");
    }
}
