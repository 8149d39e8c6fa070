//! Where connections stand and how far they hear (chatroom.md §a.11).
//!
//! Who hears a message with coordinates is found without asking everybody: connections stand in grids of cells, one grid for
//! each class of distances, whose cells are as wide as its longest distance. Whoever hears a place stands in its cell or in one of
//! the cells around it.

use std::collections::{BTreeMap, BTreeSet};

use super::audience::Selection;
use super::check;
use crate::error::Status;
use crate::id::ConnId;
use crate::wire::pb;

/// Where a connection stands, how far it hears, and whether that counts.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub(super) struct Place {
    at: [f64; 3],
    distance: f64,
    enabled: bool,
}

impl Place {
    /// The place with what a request gives of it; 414 for what is no place.
    pub fn with(self, given: &pb::Location) -> Result<Place, Status> {
        let finite = |field, given: Option<f64>, old| check::finite(field, given.unwrap_or(old));
        let [x, y, z] = self.at;
        let at = [finite("x", given.x, x)?, finite("y", given.y, y)?, finite("z", given.z, z)?];
        let distance = finite("distance", given.distance, self.distance)?;
        if distance < 0.0 {
            return Err(Status::bad_parameter("distance must not be negative"));
        }
        Ok(Place { at, distance, enabled: given.enabled.unwrap_or(self.enabled) })
    }

    pub fn hears(&self, at: [f64; 3]) -> bool {
        !self.enabled || is_within(self.at, at, self.distance)
    }
}

/// True if two places are no further apart than `distance`, for all finite numbers.
fn is_within(one: [f64; 3], two: [f64; 3], distance: f64) -> bool {
    let apart = [one[0] - two[0], one[1] - two[1], one[2] - two[2]];
    let longest = apart.iter().fold(0.0_f64, |longest, side| longest.max(side.abs()));
    if longest > distance {
        return false;
    }
    // Squares of very large or very small numbers leave the range of f64: powers of two bring them back without rounding.
    let scale = if longest > power_of_two(500) {
        power_of_two(-600)
    } else if longest < power_of_two(-400) {
        power_of_two(600)
    } else {
        1.0
    };
    let squares: f64 = apart.iter().map(|side| (side * scale) * (side * scale)).sum();
    squares.sqrt() <= distance * scale
}

/// Two to this power, which must be one of f64.
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(u64::from((exponent + 1023).unsigned_abs()) << 52)
}

/// The least exponent of a power of two that is above a number which is not negative, as far as f64 has one.
fn exponent_above(number: f64) -> i32 {
    // Eleven bits of exponent behind the sign.
    let biased = (number.to_bits() >> 52) & 0x7FF;
    i32::try_from(biased).unwrap_or(0) - 1022
}

/// Classes of distances: cells of the class are two to its power wide.
const CLASS_MIN: i32 = -1022;
/// Cells without an end: one holds everything.
const CLASS_ENDLESS: i32 = 1024;

/// In which cell of which class a place stands.
type Cell = (i32, [i64; 3]);

/// The number of the cells of a class in which a place stands; `None` where no connection of the class can be near.
fn cell(class: i32, at: [f64; 3]) -> Option<[i64; 3]> {
    // No cell of a connection has a number beyond 2^51, see `cell_of`.
    const FAR: f64 = (1_u64 << 52) as f64;
    let width = if class >= CLASS_ENDLESS { f64::INFINITY } else { power_of_two(class) };
    let mut numbers = [0; 3];
    for (number, side) in numbers.iter_mut().zip(at) {
        let place = (side / width).floor();
        if place.abs() > FAR {
            return None;
        }
        *number = place as i64;
    }
    Some(numbers)
}

/// The cell a connection is kept in: wide enough for its distance, and for the precision its coordinates have.
fn cell_of(place: &Place) -> Cell {
    // A little wider than the distance, so that no rounding leads past the neighbouring cell.
    let for_distance = exponent_above(place.distance * (1.0 + power_of_two(-40)));
    let for_precision = place.at.iter().map(|side| exponent_above(side.abs())).max().unwrap_or(CLASS_MIN) - 50;
    let class = for_distance.max(for_precision).clamp(CLASS_MIN, CLASS_ENDLESS);
    (class, cell(class, place.at).unwrap_or_default())
}

/// Everybody who has said where it stands.
#[derive(Default)]
pub(super) struct Space {
    places: BTreeMap<ConnId, Place>,
    /// Those whose place counts, by cell.
    grid: BTreeSet<(i32, [i64; 3], ConnId)>,
    /// How many stand in the grid of each class.
    classes: BTreeMap<i32, usize>,
    /// Everybody whose place does not count; kept only while those are the fewer.
    elsewhere: Option<BTreeSet<ConnId>>,
}

impl Space {
    /// True if anybody's place counts.
    pub fn is_in_use(&self) -> bool {
        !self.grid.is_empty()
    }

    /// The place of a connection, which may not count.
    pub fn place(&self, connection: ConnId) -> Place {
        self.places.get(&connection).copied().unwrap_or_default()
    }

    /// True if a connection hears what is said at a place.
    pub fn reaches(&self, connection: ConnId, at: pb::Point) -> bool {
        self.places.get(&connection).is_none_or(|place| place.hears([at.x, at.y, at.z]))
    }

    /// A connection has come, and has said nothing of its place.
    pub fn arrived(&mut self, connection: ConnId) {
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.insert(connection);
        }
    }

    /// A connection has gone; so many are left.
    pub fn left(&mut self, connection: ConnId, total: usize) {
        self.set(connection, Place::default(), total);
        if let Some(elsewhere) = &mut self.elsewhere {
            elsewhere.remove(&connection);
        }
        self.settle(total);
    }

    /// One connection, of so many, stands where another stood.
    pub fn replace(&mut self, old: ConnId, new: ConnId, total: usize) {
        let place = self.place(old);
        self.left(old, total);
        self.arrived(new);
        self.set(new, place, total);
    }

    /// Puts a connection, of so many, at a place.
    pub fn set(&mut self, connection: ConnId, place: Place, total: usize) {
        let old =
            if place == Place::default() { self.places.remove(&connection) } else { self.places.insert(connection, place) };
        if let Some(old) = old.filter(|old| old.enabled) {
            let (class, numbers) = cell_of(&old);
            self.grid.remove(&(class, numbers, connection));
            if let Some(count) = self.classes.get_mut(&class) {
                *count -= 1;
                if *count == 0 {
                    self.classes.remove(&class);
                }
            }
        }
        if place.enabled {
            let (class, numbers) = cell_of(&place);
            self.grid.insert((class, numbers, connection));
            *self.classes.entry(class).or_default() += 1;
        }
        match &mut self.elsewhere {
            Some(elsewhere) if place.enabled => drop(elsewhere.remove(&connection)),
            Some(elsewhere) => drop(elsewhere.insert(connection)),
            None => {}
        }
        self.settle(total);
    }

    /// Lets go of those elsewhere when they have become the many: half as many as it takes to list them again, so that listing
    /// them is paid for by the changes in between.
    fn settle(&mut self, total: usize) {
        if self.grid.len() < total / 4 {
            self.elsewhere = None;
        }
    }

    /// Who hears what is said at a place: those it is near to, and those whose place does not count. Costs no more than these
    /// are, and those in the cells around it.
    pub fn select(&mut self, at: pb::Point, everyone: impl Iterator<Item = ConnId>, total: usize) -> Selection {
        if !self.is_in_use() {
            return Selection::everyone();
        }
        let near = Selection::of(self.near([at.x, at.y, at.z]));
        if self.elsewhere.is_none() && self.grid.len() > total / 2 {
            let counts = |connection: &ConnId| self.places.get(connection).is_some_and(|place| place.enabled);
            self.elsewhere = Some(everyone.filter(|connection| !counts(connection)).collect());
        }
        match &self.elsewhere {
            Some(elsewhere) => Selection::Only(elsewhere.iter().copied().collect()).or(near),
            None => {
                let located = self.places.iter().filter(|(_, place)| place.enabled).map(|(connection, _)| *connection);
                Selection::Except(located.filter(|connection| !near.admits(*connection)).collect())
            }
        }
    }

    /// Those who stand near enough to hear a place.
    fn near(&self, at: [f64; 3]) -> Vec<ConnId> {
        /// Rows of cells around a cell: a class with fewer connections is faster gone through.
        const ROWS: usize = 9;
        let (first_one, last_one) = (ConnId::from_raw(0), ConnId::from_raw(u64::MAX));
        let mut near = Vec::new();
        let mut add = |found: &(i32, [i64; 3], ConnId)| {
            let (_, _, connection) = *found;
            if self.places.get(&connection).is_some_and(|place| place.hears(at)) {
                near.push(connection);
            }
        };
        for (&class, &count) in &self.classes {
            let Some([x, y, z]) = cell(class, at) else { continue };
            if count <= ROWS {
                let (first, last) = ((class, [i64::MIN; 3], first_one), (class, [i64::MAX; 3], last_one));
                self.grid.range(first..=last).for_each(&mut add);
                continue;
            }
            for x in x - 1..=x + 1 {
                for y in y - 1..=y + 1 {
                    let (first, last) = ((class, [x, y, z - 1], first_one), (class, [x, y, z + 1], last_one));
                    self.grid.range(first..=last).for_each(&mut add);
                }
            }
        }
        near
    }

    /// Panics unless the grid and the counts fit the places.
    pub fn assert_consistent(&self, everyone: impl Iterator<Item = ConnId>) {
        let everyone: BTreeSet<ConnId> = everyone.collect();
        assert!(self.places.keys().all(|connection| everyone.contains(connection)));
        let enabled = self.places.iter().filter(|(_, place)| place.enabled);
        let grid = enabled.map(|(connection, place)| (cell_of(place), *connection));
        assert_eq!(self.grid, grid.map(|((class, numbers), connection)| (class, numbers, connection)).collect());
        assert_eq!(self.classes.values().sum::<usize>(), self.grid.len());
        if let Some(elsewhere) = &self.elsewhere {
            let located: BTreeSet<ConnId> = self.grid.iter().map(|(_, _, connection)| *connection).collect();
            assert_eq!(*elsewhere, everyone.difference(&located).copied().collect());
        }
    }
}

/// Where a message is said.
pub(super) fn check_point(at: Option<&pb::Point>) -> Result<(), Status> {
    let Some(at) = at else { return Ok(()) };
    [("at.x", at.x), ("at.y", at.y), ("at.z", at.z)]
        .into_iter()
        .try_for_each(|(field, side)| check::finite(field, side).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn connection(number: usize) -> ConnId {
        ConnId::new(0, number as u32, number as u32)
    }

    /// Numbers at every scale, and near the borders of cells.
    fn side() -> impl Strategy<Value = f64> {
        let scaled = (-3..4_i32, -1074..1024_i32).prop_map(|(factor, exponent)| f64::from(factor) * 2.0_f64.powi(exponent));
        let finite = any::<f64>().prop_filter("finite", |side| side.is_finite());
        prop_oneof![3 => (-9..9_i32).prop_map(f64::from), 2 => -20.0..20.0_f64, 1 => scaled.prop_filter("finite", |s| s.is_finite()), 1 => finite]
    }

    fn point() -> impl Strategy<Value = [f64; 3]> {
        [side(), side(), side()]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

        /// The grid finds exactly those whom asking everybody finds, at every scale.
        #[test]
        fn the_grid_finds_whom_asking_everybody_finds(
            people in prop::collection::vec((point(), side(), 0..4_u8), 0..40),
            said in prop::collection::vec(point(), 1..8),
            gone in 0..40_usize,
        ) {
            let mut space = Space::default();
            let mut places = Vec::new();
            for (number, (at, distance, kind)) in people.into_iter().enumerate() {
                let place = Place { at, distance: distance.abs(), enabled: kind > 0 };
                space.arrived(connection(number));
                if kind == 3 {
                    // Twice, so that moving is tried as well.
                    space.set(connection(number), Place { at: [1.0; 3], distance: 2.0, enabled: true }, number + 1);
                }
                space.set(connection(number), place, number + 1);
                places.push(place);
            }
            let everyone = |places: &[Place]| (0..places.len()).map(connection).collect::<Vec<_>>();
            for at in said.iter().copied().chain(places.iter().map(|place| place.at).collect::<Vec<_>>()) {
                let heard = space.select(pb::Point { x: at[0], y: at[1], z: at[2] }, everyone(&places).into_iter(), places.len());
                for (number, place) in places.iter().enumerate() {
                    prop_assert_eq!(heard.admits(connection(number)), place.hears(at), "{:?} and {:?}", place, at);
                }
                space.assert_consistent(everyone(&places).into_iter());
            }
            while places.len() > gone {
                places.pop();
                space.left(connection(places.len()), places.len());
                space.assert_consistent(everyone(&places).into_iter());
            }
        }
    }

    #[test]
    fn distances_are_exact_at_every_scale() {
        for exponent in [-1060, -540, -400, -1, 0, 1, 300, 499, 501, 1000, 1020] {
            let scale = 2.0_f64.powi(exponent);
            let (one, two) = ([0.0, 0.0, 7.0 * scale], [3.0 * scale, 4.0 * scale, 7.0 * scale]);
            assert!(is_within(one, two, 5.0 * scale), "2^{exponent}");
            assert!(!is_within(one, two, 5.0 * scale * (1.0 - f64::EPSILON)) || exponent < -1022, "2^{exponent}");
        }
        assert!(is_within([1.0; 3], [1.0; 3], 0.0));
        assert!(!is_within([f64::MAX; 3], [f64::MIN; 3], f64::MAX));
        assert!(is_within([f64::MAX, 0.0, 0.0], [0.0; 3], f64::MAX));
        assert!(!is_within([0.0; 3], [f64::from_bits(1), 0.0, 0.0], 0.0));
    }
}
