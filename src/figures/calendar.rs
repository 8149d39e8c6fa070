//! Hours and days in one time zone.

use crate::id::UnixMs;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Length of time that figures are of: an hour or a day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Period {
    /// From a full hour to the next.
    Hour,
    /// From midnight to midnight.
    Day,
}

impl Period {
    pub(super) const ALL: [Period; 2] = [Period::Hour, Period::Day];

    fn ms(self) -> i64 {
        match self {
            Period::Hour => HOUR_MS,
            Period::Day => DAY_MS,
        }
    }
}

/// One hour or one day.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Span {
    pub period: Period,
    pub start: UnixMs,
}

impl Span {
    /// The hour or day in which a moment lies, where clocks are so far ahead of UTC.
    pub fn of(period: Period, at: UnixMs, ahead_ms: i64) -> Span {
        let local = at.0.saturating_add(ahead_ms);
        let start = UnixMs(local.saturating_sub(local.rem_euclid(period.ms())).saturating_sub(ahead_ms));
        Span { period, start }
    }

    /// When the next one begins.
    pub fn end(self) -> UnixMs {
        UnixMs(self.start.0.saturating_add(self.period.ms()))
    }
}

/// The first moment of the day that lies so many days before the one that is now.
pub(super) fn days_before(now: UnixMs, days: i64, ahead_ms: i64) -> UnixMs {
    UnixMs(Span::of(Period::Day, now, ahead_ms).start.0.saturating_sub(days * DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How far a zone is ahead of UTC.
    fn zone(text: &str) -> i64 {
        crate::config::TimeZone::try_from(text.to_owned()).unwrap().ahead_ms()
    }

    #[test]
    fn hours_and_days_begin_where_the_zone_has_them() {
        // 2023-11-14 22:13:20 UTC.
        let at = UnixMs(1_700_000_000_000);
        let start = |period, text| Span::of(period, at, zone(text)).start.0;
        assert_eq!(start(Period::Hour, "UTC"), 1_699_999_200_000);
        assert_eq!(start(Period::Day, "UTC"), 1_699_920_000_000);
        // There it is 06:13:20 of the next day.
        assert_eq!(start(Period::Day, "+08:00"), 1_699_977_600_000);
        assert_eq!(start(Period::Hour, "+08:00"), 1_699_999_200_000);
        // There it is 03:58:20.
        assert_eq!(start(Period::Hour, "+05:45"), 1_699_996_500_000);
        assert_eq!(Span::of(Period::Hour, at, zone("UTC")).end().0, 1_700_002_800_000);
        // A moment that begins a day belongs to it, and one before 1970 to its own.
        assert_eq!(Span::of(Period::Day, UnixMs(1_699_920_000_000), zone("UTC")).start.0, 1_699_920_000_000);
        assert_eq!(Span::of(Period::Day, UnixMs(-1), zone("UTC")).start.0, -86_400_000);
    }
}
