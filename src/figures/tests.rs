//! Hours and days as they pass, without waiting for them.

use std::sync::Arc;

use super::*;
use crate::config::TimeZone;
use crate::dispatch::RoomTally;
use crate::id::AccountId;
use crate::log::MemoryLog;

/// 2023-11-14 22:00:00 UTC.
const HOUR: i64 = 1_699_999_200_000;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const LATE_MS: i64 = crate::limits::FIGURES_LATE_MS;

/// Room, active, enters, messages.
type Row = (i64, u32, u32, u32);

/// The figures of a node, and its store, which outlives them.
struct World {
    log: Arc<MemoryLog>,
    zone: i64,
    keeper: Keeper,
}

impl World {
    fn new(zone: &str) -> World {
        let (log, zone) = (Arc::new(MemoryLog::new().unwrap()), TimeZone::try_from(zone.to_owned()).unwrap().ahead_ms());
        let keeper = Keeper::load(log.clone(), [0; KEY_BYTES], zone, UnixMs(HOUR)).unwrap();
        World { log, zone, keeper }
    }

    /// A node killed, and started again at `now`.
    fn restart(&mut self, now: i64) {
        self.keeper = Keeper::load(self.log.clone(), [0; KEY_BYTES], self.zone, UnixMs(now)).unwrap();
    }

    /// So many messages in a room at `at`, and one enter of each of these accounts.
    fn count(&self, at: i64, room: i64, messages: u32, accounts: &[&str]) {
        self.count_in("app", at, at, room, messages, accounts);
    }

    fn count_in(&self, app_key: &str, now: i64, at: i64, room: i64, messages: u32, accounts: &[&str]) {
        let tally = RoomTally {
            app_key: app_key.into(),
            messages,
            enters: u32::try_from(accounts.len()).unwrap(),
            accounts: accounts.iter().map(|name| AccountId::parse(name).unwrap()).collect(),
        };
        let quarter = UnixMs(at - at.rem_euclid(900_000));
        let rooms = [(RoomId::new(room).unwrap(), tally)].into_iter().collect();
        self.keeper.add(UnixMs(now), vec![Tallies { quarter, rooms }]);
    }

    /// What the thread does every two seconds.
    fn tick(&self, now: i64) {
        self.keeper.write().unwrap();
        self.keeper.close(UnixMs(now)).unwrap();
    }

    /// Who leads by messages: start, and room, active, enters, messages of each.
    fn ask(&self, now: i64, period: Period, at: i64) -> Result<(i64, Vec<Row>), Code> {
        self.ask_of("app", now, period, at)
    }

    fn ask_of(&self, app_key: &str, now: i64, period: Period, at: i64) -> Result<(i64, Vec<Row>), Code> {
        let query = TopQuery { period, at: Some(UnixMs(at)), order: TopOrder::Messages, count: 100 };
        let found = self.keeper.top(UnixMs(now), app_key, &query).map_err(|status| status.code)?;
        let row = |figures: &RoomFigures| (figures.room.get(), figures.active, figures.enters, figures.messages);
        Ok((found.start.0, found.rooms.iter().map(row).collect()))
    }

    /// The rooms in an order.
    fn ranked(&self, now: i64, period: Period, at: i64, order: TopOrder) -> Vec<i64> {
        let query = TopQuery { period, at: Some(UnixMs(at)), order, count: 100 };
        let found = self.keeper.top(UnixMs(now), "app", &query).expect("the time lies in reach");
        found.rooms.iter().map(|figures| figures.room.get()).collect()
    }

    fn rows(&self, prefix: &[u8]) -> usize {
        self.log.scan_prefix(Space::Figures, prefix).unwrap().len()
    }
}

#[test]
fn an_hour_has_its_figures_at_once_and_keeps_them_when_it_is_over() {
    // S002-021
    let world = World::new("UTC");
    world.count(HOUR, 1, 3, &["alice", "bob"]);
    world.count(HOUR + 59 * 60_000, 1, 1, &["bob"]);
    world.count(HOUR + 1, 2, 9, &[]);
    let first = Ok((HOUR, vec![(2, 0, 0, 9), (1, 2, 3, 4)]));
    let last = HOUR + HOUR_MS - 1;
    assert_eq!(world.ask(last, Period::Hour, last), first);
    let next = HOUR + HOUR_MS;
    world.count(next, 1, 1, &["bob"]);
    for now in [next, next + LATE_MS - 1, next + LATE_MS, next + LATE_MS + 1, next + DAY_MS] {
        world.tick(now);
        assert_eq!(world.ask(now, Period::Hour, HOUR), first, "{}", now - next);
        assert_eq!(world.ask(now, Period::Hour, next), Ok((next, vec![(1, 1, 1, 1)])), "{}", now - next);
    }
    assert_eq!(world.rows(rows::OPEN), 0, "of what is over only the leaders are kept");
    assert_eq!(world.rows(b"k"), 3, "two hours and a day");
}

#[test]
fn a_day_has_no_figures_before_the_next_and_begins_where_the_zone_has_it() {
    // S002-021
    for (zone, day) in [("UTC", 1_699_920_000_000), ("+08:00", 1_699_977_600_000), ("-05:30", 1_699_939_800_000)] {
        let world = World::new(zone);
        world.count(day, 1, 1, &["alice"]);
        world.count(day + DAY_MS - 1, 1, 1, &["alice", "bob"]);
        world.count(day + DAY_MS, 1, 7, &["alice"]);
        assert_eq!(world.ask(day + DAY_MS - 1, Period::Day, day), Ok((day, vec![])), "{zone}");
        for now in [day + DAY_MS, day + DAY_MS + LATE_MS, day + 2 * DAY_MS - 1] {
            world.tick(now);
            assert_eq!(world.ask(now, Period::Day, day + 5), Ok((day, vec![(1, 2, 3, 2)])), "{zone}");
            assert_eq!(world.ask(now, Period::Day, now), Ok((day + DAY_MS, vec![])), "{zone}");
        }
    }
}

#[test]
fn rooms_are_ranked_by_users_active_users_and_messages_of_an_hour_and_of_a_day() {
    // S003-018
    let world = World::new("UTC");
    let next = HOUR + HOUR_MS;
    world.count(HOUR, 1, 9, &["alice"]);
    world.count(HOUR, 2, 1, &["alice", "bob", "carol"]);
    world.count(HOUR, 3, 0, &["dave", "dave", "dave", "dave"]);
    world.count(next, 3, 20, &["alice", "bob", "carol", "erin", "frank"]);
    let tomorrow = HOUR - HOUR.rem_euclid(DAY_MS) + DAY_MS;
    world.tick(tomorrow);
    let ranked = |period, at| {
        [TopOrder::Enters, TopOrder::Active, TopOrder::Messages].map(|order| world.ranked(tomorrow, period, at, order))
    };
    assert_eq!(ranked(Period::Hour, HOUR), [vec![3, 2, 1], vec![2, 1, 3], vec![1, 2, 3]]);
    assert_eq!(ranked(Period::Hour, next), [vec![3], vec![3], vec![3]]);
    assert_eq!(ranked(Period::Day, HOUR), [vec![3, 2, 1], vec![3, 2, 1], vec![3, 1, 2]]);
}

#[test]
fn figures_reach_thirty_days_back_and_not_into_the_future() {
    // S002-021
    let world = World::new("UTC");
    let day = HOUR - 22 * HOUR_MS;
    world.count(HOUR, 1, 1, &["alice"]);
    world.tick(HOUR + HOUR_MS + LATE_MS);
    world.tick(day + DAY_MS + LATE_MS);
    let (limit, beyond) = (day + 31 * DAY_MS - 1, day + 31 * DAY_MS);
    for (period, start) in [(Period::Hour, HOUR), (Period::Day, day)] {
        world.tick(limit);
        assert_eq!(world.ask(limit, period, HOUR), Ok((start, vec![(1, 1, 1, 1)])));
        assert_eq!(world.ask(beyond, period, HOUR), Err(Code::BadParameter));
        assert_eq!(world.ask(HOUR, period, start - 30 * DAY_MS - 1).is_ok(), period == Period::Hour);
        assert_eq!(world.ask(HOUR, period, -1), Err(Code::BadParameter));
        assert_eq!(world.ask(HOUR, period, i64::MAX), Err(Code::BadParameter));
    }
    // What has begun is no future, even where its end lies ahead.
    assert!(world.ask(HOUR, Period::Hour, HOUR + HOUR_MS - 1).is_ok());
    assert_eq!(world.ask(HOUR, Period::Hour, HOUR + HOUR_MS), Err(Code::BadParameter));
    assert!(world.ask(HOUR, Period::Day, day + DAY_MS - 1).is_ok());
    assert_eq!(world.ask(HOUR, Period::Day, day + DAY_MS), Err(Code::BadParameter));
    assert_eq!(world.rows(b"k"), 2);
    world.tick(beyond);
    assert_eq!((world.rows(b"k"), world.rows(b"o")), (0, 0), "what cannot be asked for is not kept");
}

#[test]
fn a_killed_node_goes_on_where_it_last_wrote_and_counts_nobody_twice() {
    // S002-021
    let mut world = World::new("UTC");
    world.count(HOUR, 1, 3, &["alice", "bob"]);
    world.tick(HOUR);
    world.count(HOUR, 1, 1, &["carol"]);
    world.tick(HOUR);
    world.count(HOUR, 2, 5, &["dave"]);
    world.restart(HOUR + 1000);
    assert_eq!(world.ask(HOUR + 1000, Period::Hour, HOUR), Ok((HOUR, vec![(1, 3, 3, 4)])), "what was not written is lost");
    world.count(HOUR + 1000, 1, 1, &["alice", "carol", "erin"]);
    world.tick(HOUR + 1000);
    world.restart(HOUR + 2000);
    assert_eq!(world.ask(HOUR + 2000, Period::Hour, HOUR), Ok((HOUR, vec![(1, 4, 6, 5)])));
    // It comes back when hour and day are over.
    let later = HOUR + 3 * HOUR_MS;
    world.restart(later);
    assert_eq!(world.ask(later, Period::Hour, HOUR), Ok((HOUR, vec![(1, 4, 6, 5)])));
    world.tick(later);
    assert_eq!(world.ask(later, Period::Hour, HOUR), Ok((HOUR, vec![(1, 4, 6, 5)])));
    assert_eq!(world.ask(later, Period::Day, HOUR), Ok((HOUR - 22 * HOUR_MS, vec![(1, 4, 6, 5)])));
    assert_eq!(world.rows(rows::OPEN), 0);
}

#[test]
fn a_node_killed_as_it_closes_an_hour_keeps_what_it_has_kept() {
    let mut world = World::new("UTC");
    for room in 1..=20 {
        world.count(HOUR, room, 1, &["alice"]);
    }
    world.tick(HOUR);
    let open = world.log.scan_prefix(Space::Figures, rows::OPEN).unwrap();
    let later = HOUR + HOUR_MS + LATE_MS;
    world.tick(later);
    let expected = world.ask(later, Period::Hour, HOUR);
    // Half of the hour's rows had not gone yet.
    let half = open.iter().step_by(2).map(|(key, value)| (key.to_vec(), Some(value.to_vec()))).collect();
    world.log.change(Space::Figures, half).unwrap();
    world.restart(later);
    world.tick(later);
    assert_eq!(world.ask(later, Period::Hour, HOUR), expected);
    assert_eq!(expected.unwrap().1.len(), 20);
}

#[test]
fn a_row_that_cannot_be_read_costs_its_room_alone_its_figures() {
    let mut world = World::new("UTC");
    world.count(HOUR, 1, 3, &["ann"]);
    world.count(HOUR, 2, 2, &["bob"]);
    world.tick(HOUR);
    let rows = world.log.scan_prefix(Space::Figures, rows::OPEN).unwrap();
    let of_room_1 = rows.iter().filter(|(key, _)| rows::read_room_key(key).is_some_and(|(_, _, room, _)| room.get() == 1));
    let broken = of_room_1.map(|(key, _)| (key.to_vec(), Some(vec![0xFF; 3]))).collect();
    world.log.change(Space::Figures, broken).unwrap();
    world.restart(HOUR + 1000);
    assert_eq!(world.ask(HOUR + 1000, Period::Hour, HOUR), Ok((HOUR, vec![(2, 1, 1, 2)])));
}

#[test]
fn what_comes_late_counts_for_a_minute() {
    let world = World::new("UTC");
    let end = HOUR + HOUR_MS;
    world.count_in("app", end + LATE_MS - 1, end - 1, 1, 1, &["alice"]);
    world.tick(end + LATE_MS);
    world.count_in("app", end + LATE_MS, end - 1, 1, 1, &["bob"]);
    world.tick(end + LATE_MS);
    assert_eq!(world.ask(end + LATE_MS, Period::Hour, HOUR), Ok((HOUR, vec![(1, 1, 1, 1)])));
    let next_day = HOUR + 2 * HOUR_MS;
    assert_eq!(world.ask(next_day, Period::Day, HOUR).unwrap().1, [(1, 2, 2, 2)], "its day is not over");
}

#[test]
fn applications_do_not_see_each_other() {
    let mut world = World::new("UTC");
    world.count_in("app", HOUR, HOUR, 1, 1, &["alice"]);
    world.count_in("app2", HOUR, HOUR, 2, 2, &["alice"]);
    let later = HOUR + HOUR_MS + LATE_MS;
    for round in 0..3 {
        let asked = |app_key| world.ask_of(app_key, later, Period::Hour, HOUR).unwrap().1;
        assert_eq!(asked("app"), [(1, 1, 1, 1)], "{round}");
        assert_eq!(asked("app2"), [(2, 1, 1, 2)], "{round}");
        assert_eq!(asked("ap"), [], "{round}");
        world.tick(if round == 0 { HOUR } else { later });
        world.restart(if round == 0 { HOUR } else { later });
    }
}

#[test]
fn equal_rooms_stand_by_their_numbers_and_no_more_are_told_than_asked_for() {
    // S002-021
    let world = World::new("UTC");
    for room in [5, 3, 9, 4] {
        world.count(HOUR, room, if room == 9 { 2 } else { 1 }, &["alice"]);
    }
    let later = HOUR + HOUR_MS + LATE_MS;
    for now in [HOUR, later] {
        world.tick(now);
        let rooms = |order, count| {
            let query = TopQuery { period: Period::Hour, at: Some(UnixMs(HOUR)), order, count };
            let found = world.keeper.top(UnixMs(now), "app", &query).unwrap();
            found.rooms.iter().map(|figures| figures.room.get()).collect::<Vec<_>>()
        };
        assert_eq!(rooms(TopOrder::Messages, 100), [9, 3, 4, 5]);
        assert_eq!(rooms(TopOrder::Active, 100), [3, 4, 5, 9]);
        assert_eq!(rooms(TopOrder::Enters, 2), [3, 4]);
        assert_eq!(rooms(TopOrder::Messages, 1), [9]);
    }
}

#[test]
fn a_room_with_more_accounts_than_are_counted_exactly_is_estimated_and_survives_a_restart() {
    let mut world = World::new("UTC");
    let names: Vec<String> = (0..6000).map(|number| format!("a{number}")).collect();
    for some in names.chunks(500) {
        let some: Vec<&str> = some.iter().map(String::as_str).collect();
        world.count(HOUR, 1, 0, &some);
        world.tick(HOUR);
    }
    let active = |world: &World| f64::from(world.ask(HOUR, Period::Hour, HOUR).unwrap().1[0].1);
    let before = active(&world);
    assert!((before / 6000.0 - 1.0).abs() < 4.0 / 64.0, "{before}");
    world.restart(HOUR);
    let everybody: Vec<&str> = names.iter().map(String::as_str).collect();
    world.count(HOUR, 1, 0, &everybody);
    assert_eq!(active(&world), before, "nobody is new");
}

#[test]
fn the_rows_of_a_room_stay_few_and_lose_nobody() {
    let mut world = World::new("UTC");
    for number in 0..100_u32 {
        world.count(HOUR, 1, 0, &[&format!("a{number}"), "alice"]);
        world.tick(HOUR);
        let most = 2 * (1 + usize::from(crate::limits::FIGURES_ROWS_MAX));
        assert!(world.rows(rows::OPEN) <= most, "{number}");
        world.restart(HOUR);
        assert_eq!(world.ask(HOUR, Period::Hour, HOUR).unwrap().1, [(1, number + 2, 2 * (number + 1), 0)]);
    }
    world.tick(HOUR + 26 * HOUR_MS);
    assert_eq!(world.rows(rows::OPEN), 0);
}
