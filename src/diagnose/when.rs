//! Moments and spans of time in words.

pub use crate::pki::time::{instant, since_1970, utc};

pub const DAY: i64 = 86_400;

/// `2026-11-21 13:46Z`
pub fn date(seconds: i64) -> String {
    match utc(seconds) {
        Some(time) => time.strftime("%Y-%m-%d %H:%MZ").to_string(),
        None => format!("{seconds} s after 1970"),
    }
}

/// How many whole units of the largest that fits, with its name for tables and that for sentences. Days are counted here and
/// nowhere else: those that are complete.
fn in_largest_unit(seconds: u64) -> (u64, &'static str, &'static str) {
    match seconds {
        0..120 => (seconds, "s", "second"),
        120..7_200 => (seconds / 60, "min", "minute"),
        7_200..172_800 => (seconds / 3600, "h", "hour"),
        _ => (seconds / DAY.unsigned_abs(), "days", "day"),
    }
}

/// A span in its largest fitting unit: `40 s`, `12 min`, `23 h`, `365 days`.
pub fn span(seconds: i64) -> String {
    let (amount, unit, _) = in_largest_unit(u64::try_from(seconds).unwrap_or(0));
    format!("{amount} {unit}")
}

/// `in 30 days`, `3 hours ago`: roughly, in the largest unit that fits.
pub fn from_now(seconds: i64, now: i64) -> String {
    let (amount, _, unit) = in_largest_unit(seconds.abs_diff(now));
    let plural = if amount == 1 { "" } else { "s" };
    if seconds < now { format!("{amount} {unit}{plural} ago") } else { format!("in {amount} {unit}{plural}") }
}

/// Whole days from `now` until `then`. When it is over, those since then below 0, as sentences count them ("698 days ago"
/// is -698), and -1 on the first: what is over is never 0.
pub fn days_until(now: i64, then: i64) -> i64 {
    let days = then.saturating_sub(now) / DAY;
    if then < now { days.min(-1) } else { days }
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
    fn whole_days_are_counted_and_what_is_over_is_below_0() {
        let rows = [(DAY, 1), (DAY - 1, 0), (0, 0), (-1, -1), (-DAY, -1), (-2 * DAY + 1, -1), (-2 * DAY, -2)];
        for (seconds, days) in rows {
            assert_eq!(days_until(1000, 1000 + seconds), days, "{seconds}");
        }
        assert_eq!(days_until(1000, i64::MAX), (i64::MAX - 1000) / DAY);
    }

    #[test]
    fn numbers_and_sentences_count_the_same_days() {
        for seconds in [2 * DAY, 2 * DAY + 1, 3 * DAY - 1, 699 * DAY - 1] {
            let number = days_until(seconds, 0);
            assert_eq!(from_now(0, seconds), format!("{} days ago", -number));
            assert_eq!(span(seconds), format!("{} days", -number));
            assert_eq!(from_now(seconds, 0), format!("in {} days", days_until(0, seconds)));
        }
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
