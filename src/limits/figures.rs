//! What is counted by hours and days (rest-api.md §4.14).

/// Rooms of one list of figures, and what is kept of an hour or a day that is over, for each of the three orders.
pub const TOP_ROOMS_MAX: u32 = 500;
/// Rooms of such a list, unless asked for otherwise.
pub const TOP_ROOMS: u32 = 100;
/// Days for which figures are kept.
pub const FIGURES_DAYS: i64 = 30;
/// Accounts of a room that are counted exactly within an hour or a day; of more the number is estimated, with a standard error of
/// one in 64.
pub const FIGURES_EXACT_MAX: usize = 4096;
/// What [`FIGURES_EXACT_MAX`] is reduced to, by halves, when all rooms together have too many accounts.
pub const FIGURES_EXACT_MIN: usize = 16;
/// Accounts held for all rooms, hours and days together, 8 bytes each.
pub const FIGURES_ACCOUNTS_MAX: usize = 32 * 1024 * 1024;
/// Rooms held for the hour and the day that are not over, some 200 bytes each; further rooms are not counted.
pub const FIGURES_ROOMS_MAX: usize = 4 * 1024 * 1024;
/// How long after its end an hour or a day takes what a slow worker still has of it.
pub const FIGURES_LATE_MS: i64 = 60_000;
/// How often what has been counted is written down: what a killed process may lose.
pub const FIGURES_WRITE_MS: u64 = 2000;
/// Batches of what workers have counted that may wait; further ones are lost, and that is counted too.
pub const FIGURES_QUEUE_MAX: usize = 1024;
/// Rows written down, or removed, at once.
pub const FIGURES_STEP: usize = 4096;
/// Bytes of rows written down at once, but for the last room of them.
pub const FIGURES_STEP_BYTES: usize = 1024 * 1024;
/// Rows of accounts of a room in an hour or day; with the next one they become one.
pub const FIGURES_ROWS_MAX: u16 = 16;
