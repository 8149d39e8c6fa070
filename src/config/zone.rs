//! The time zone of hours and days.

use serde::{Deserialize, Serialize};

use crate::limits::TALLY_QUARTER_MS;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// A time zone that is always as far from UTC: `"UTC"`, or `"+08:00"` and the like, in whole quarters of an hour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeZone {
    ahead_ms: i64,
}

impl TimeZone {
    /// How far it is ahead of UTC, in milliseconds.
    pub fn ahead_ms(self) -> i64 {
        self.ahead_ms
    }
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
}
