//! Moments and spans of time in words.

pub use crate::pki::time::{instant, since_1970, utc};

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// `2026-11-21 13:46Z`
pub fn date(seconds: i64) -> String {
    match utc(seconds) {
        Some(time) => time.strftime("%Y-%m-%d %H:%MZ").to_string(),
        None => format!("{seconds} s after 1970"),
    }
}

/// A span in its largest fitting unit: `40 s`, `12 min`, `23 h`, `365 days`.
pub fn span(seconds: i64) -> String {
    let seconds = seconds.max(0);
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / MINUTE),
        7_200..=172_799 => format!("{} h", seconds / HOUR),
        _ => format!("{} days", seconds / DAY),
    }
}

/// `in 30 days`, `3 hours ago`: roughly, in the largest unit that fits.
pub fn from_now(seconds: i64, now: i64) -> String {
    let distance = seconds.abs_diff(now);
    let (amount, unit) = match distance {
        0..120 => (distance, "second"),
        120..7_200 => (distance / 60, "minute"),
        7_200..172_800 => (distance / 3600, "hour"),
        _ => (distance / DAY.unsigned_abs(), "day"),
    };
    let plural = if amount == 1 { "" } else { "s" };
    if seconds < now { format!("{amount} {unit}{plural} ago") } else { format!("in {amount} {unit}{plural}") }
}

/// Whole days from `now` until `then`; negative when it is over.
pub fn days_until(now: i64, then: i64) -> i64 {
    (then - now).div_euclid(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_told_in_a_unit_that_fits() {
        let rows = [(-5, "0 s"), (119, "119 s"), (120, "2 min"), (82_800, "23 h"), (172_800, "2 days")];
        for (seconds, text) in rows {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn a_moment_is_told_in_utc_and_one_beyond_the_calendar_as_a_number() {
        assert_eq!(date(1_795_268_760), "2026-11-21 13:46Z");
        assert_eq!(date(253_402_300_799), "9999-12-31 23:59Z");
        assert_eq!(date(i64::MAX), "9223372036854775807 s after 1970");
    }

    #[test]
    fn the_last_day_counts_as_none() {
        assert_eq!([days_until(0, DAY - 1), days_until(0, DAY), days_until(0, -1)], [0, 1, -1]);
    }

    #[test]
    fn distances_are_told_in_the_largest_unit_that_fits() {
        for (seconds, text) in
            [(90, "in 90 seconds"), (-3600, "60 minutes ago"), (DAY, "in 24 hours"), (-30 * DAY, "30 days ago")]
        {
            assert_eq!(from_now(1000 + seconds, 1000), text);
        }
    }
}
