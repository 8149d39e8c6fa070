//! Random commands against the room and against a plain second writing of the specification: both must say the same.
//!
//! `CHATROOM_SEED` names the seed, `CHATROOM_MODEL_COMMANDS` how many commands are tried; `CHATROOM_MODEL_SURVEY` goes through so
//! many rooms without stopping and shows one example of each kind of difference.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::model::World;
use crate::model::commands::{Source, Step};
use crate::model::life::{Difference, Life};
use crate::model::shrink;
use chatroom::room::{MultiClient, Settings};

/// Commands of an ordinary run: some forty seconds of one core without optimisation.
const COMMANDS: usize = 1_000_000;
/// Steps of one room's life.
const STEPS: usize = 600;

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// A room of either family; settings with low limits, so that they are reached.
fn world(rng: &mut fastrand::Rng) -> World {
    let mut settings = Settings { fixed_members_max: 7, connections_per_account_max: 2, ..Settings::default() };
    match rng.u32(0..4) {
        0 => {
            settings.sends_per_second = 2;
            settings.sends_burst = 3;
            settings.room_intake_per_second = 4;
        }
        1 => settings.connections_per_account_max = 10,
        2 => {
            settings.fixed_members_max = 1000;
            settings.sends_per_second = 0;
            settings.room_intake_per_second = 0;
        }
        _ => {}
    }
    settings.high_priority_per_second = if rng.bool() { 10 } else { 2 };
    settings.multi_client = match rng.u32(0..8) {
        0 => MultiClient::Single,
        1 => MultiClient::OneDesktopOneMobile,
        2 => MultiClient::SameType,
        3 => MultiClient::Custom(vec![(1, 16), (4, 4)]),
        _ => MultiClient::Coexist,
    };
    settings.robots_max = if rng.bool() { 2 } else { 1000 };
    settings.robot_ttl_ms = if rng.bool() { 5_000 } else { 86_400_000 };
    settings.anonymous_enabled = rng.u32(0..8) > 0;
    settings.client_rooms_have_history = rng.bool();
    World { settings, of_client: rng.u32(0..3) == 0 }
}

/// One room's life: the steps made, the commands applied, and the first difference.
fn live(seed: u64) -> (World, Vec<Step>, usize, Option<Difference>) {
    let mut source = Source { rng: fastrand::Rng::with_seed(seed), now: 0 };
    let world = world(&mut source.rng);
    let mut life = Life::new(&world);
    let mut steps = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        steps.push(source.step(&life.model));
        if let Err(difference) = life.step(&steps[steps.len() - 1]) {
            return (world, steps, life.commands, Some(difference));
        }
    }
    let difference = life.end().err();
    (world, steps, life.commands, difference)
}

/// What a difference looks like to whoever has to find its cause.
fn report(seed: u64, world: &World, steps: &[Step], difference: &Difference) -> String {
    let (fewest, same) = shrink::shrink(world, steps, difference);
    let count = (fewest.len(), steps.len());
    format!("CHATROOM_SEED={seed}, {} steps of {}\n{}{world:?}", count.0, count.1, shrink::describe(&fewest, &same))
}

#[test]
fn the_room_and_the_model_of_the_specification_say_the_same() {
    let seed = from_environment("CHATROOM_SEED").unwrap_or_else(|| fastrand::u64(..));
    let commands = from_environment("CHATROOM_MODEL_COMMANDS").map_or(COMMANDS, |count| usize::try_from(count).unwrap());
    println!("CHATROOM_SEED={seed}");
    if let Some(rooms) = from_environment("CHATROOM_MODEL_SURVEY") {
        return survey(seed, rooms);
    }
    let begun = std::time::Instant::now();
    // The rooms know nothing of each other: each thread takes the next one.
    let (rooms, done) = (AtomicU64::new(0), AtomicUsize::new(0));
    let found: Mutex<Option<String>> = Mutex::new(None);
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while done.load(Relaxed) < commands && found.lock().unwrap().is_none() {
                    let seed = seed.wrapping_add(rooms.fetch_add(1, Relaxed));
                    let (world, steps, applied, difference) = live(seed);
                    done.fetch_add(applied, Relaxed);
                    if let Some(difference) = difference {
                        found.lock().unwrap().get_or_insert_with(|| report(seed, &world, &steps, &difference));
                    }
                }
            });
        }
    });
    if let Some(report) = found.into_inner().unwrap() {
        panic!("{report}");
    }
    println!("{} commands in {} rooms, {:.1} s", done.into_inner(), rooms.into_inner(), begun.elapsed().as_secs_f64());
}

/// Every kind of difference in many rooms, with the fewest steps to each. For work on the model.
fn survey(seed: u64, rooms: u64) {
    std::panic::set_hook(Box::new(|_| {}));
    let mut kinds: std::collections::BTreeMap<String, (usize, u64, Difference)> = std::collections::BTreeMap::new();
    for room in 0..rooms {
        let seed = seed.wrapping_add(room);
        let mut source = Source { rng: fastrand::Rng::with_seed(seed), now: 0 };
        let world = world(&mut source.rng);
        let mut life = Life::new(&world);
        life.survey = Some(Vec::new());
        let mut steps = Vec::new();
        let mut last = None;
        for _ in 0..STEPS {
            steps.push(source.step(&life.model));
            let step = &steps[steps.len() - 1];
            let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.step(step)));
            match lived {
                Ok(Ok(())) => {}
                Ok(Err(difference)) => {
                    last = Some(difference);
                    break;
                }
                Err(_) => {
                    last = shrink::first_difference(&world, &steps);
                    break;
                }
            }
        }
        for difference in life.survey.take().unwrap_or_default().into_iter().chain(last) {
            if let Some(known) = kinds.get_mut(&difference.kind) {
                known.0 += 1;
                continue;
            }
            let (fewest, same) = match kinds.len() {
                0..12 => shrink::shrink_as(&world, &steps, &difference, true),
                _ => (steps[..=difference.step].to_vec(), difference.clone()),
            };
            let shown = if fewest.len() > 40 { &fewest[fewest.len() - 1..] } else { &fewest[..] };
            println!("--- CHATROOM_SEED={seed} {} steps\n{}", fewest.len(), shrink::describe(shown, &same));
            kinds.insert(difference.kind.clone(), (1, seed, same));
        }
    }
    for (kind, (count, seed, _)) in &kinds {
        println!("{count:6} {kind} (seed {seed})");
    }
}
