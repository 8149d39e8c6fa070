//! Hours and days in one time zone.

use serde::{Deserialize, Serialize};

use crate::id::UnixMs;
use crate::limits::TALLY_QUARTER_MS;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A time zone that is always as far from UTC: `"UTC"`, or `"+08:00"` and the like, in whole quarters of an hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone {
    ahead_ms: i64,
}

impl TryFrom<String> for TimeZone {
    type Error = String;

    fn try_from(text: String) -> Result<TimeZone, String> {
        let ahead_ms = if text == "UTC" { Some(0) } else { ahead_ms(&text) };
        ahead_ms.map(|ahead_ms| TimeZone { ahead_ms }).ok_or_else(|| {
            format!(
                "'{text}' is not a time zone: write \"UTC\" or, say, \"+08:00\", from -14:00 to +14:00 in quarters of an hour"
            )
        })
    }
}

/// What `±HH:MM` stands for.
fn ahead_ms(text: &str) -> Option<i64> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':').filter(|(hours, minutes)| hours.len() == 2 && minutes.len() == 2)?;
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i64>().ok()).flatten();
    let ahead_ms = number(hours)? * HOUR_MS + number(minutes).filter(|minutes| *minutes < 60)? * MINUTE_MS;
    (ahead_ms <= 14 * HOUR_MS && ahead_ms % TALLY_QUARTER_MS == 0).then_some(sign * ahead_ms)
}

impl From<TimeZone> for String {
    fn from(zone: TimeZone) -> String {
        let minutes = zone.ahead_ms.abs() / MINUTE_MS;
        match zone.ahead_ms {
            0 => "UTC".to_owned(),
            ahead => format!("{}{:02}:{:02}", if ahead < 0 { '-' } else { '+' }, minutes / 60, minutes % 60),
        }
    }
}

/// What figures are of: an hour or a day.
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
    /// The hour or day in which a moment lies.
    pub fn of(period: Period, at: UnixMs, zone: TimeZone) -> Span {
        let local = at.0.saturating_add(zone.ahead_ms);
        let start = UnixMs(local.saturating_sub(local.rem_euclid(period.ms())).saturating_sub(zone.ahead_ms));
        Span { period, start }
    }

    /// When the next one begins.
    pub fn end(self) -> UnixMs {
        UnixMs(self.start.0.saturating_add(self.period.ms()))
    }
}

/// The first moment of the day that lies so many days before the one that is now.
pub(super) fn days_before(now: UnixMs, days: i64, zone: TimeZone) -> UnixMs {
    UnixMs(Span::of(Period::Day, now, zone).start.0.saturating_sub(days * DAY_MS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(text: &str) -> TimeZone {
        TimeZone::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_time_zone_is_utc_or_an_offset_in_quarters_of_an_hour() {
        for text in ["UTC", "+08:00", "-03:30", "+05:45", "+14:00", "-14:00"] {
            assert_eq!(String::from(zone(text)), text);
        }
        assert_eq!(zone("+00:00"), TimeZone::default());
        for text in ["", "utc", "+8", "08:00", "+08:10", "+14:15", "+1:000", "+08:60", "+-1:00", "Europe/Berlin", "é08:00"] {
            assert!(TimeZone::try_from(text.to_owned()).is_err(), "{text}");
        }
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
