//! Times as users type them and as we print them: RFC 3339, UTC.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

use crate::cmd::duration::whole_seconds;
use crate::diagnose::when::since_1970;
pub use crate::diagnose::when::{DAY, days_until, from_now, instant};

/// Seconds since 1970, now. A clock before that counts as 1970.
pub fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed())
}

/// `2027-12-24`
pub fn date(seconds: i64) -> String {
    instant(seconds).split('T').next().unwrap_or_default().to_owned()
}

/// `2027-12-24`, which means its last second, or `2027-12-24T10:00:00Z` with any offset.
pub fn parse_instant(text: &str) -> Result<i64, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time.as_second());
    }
    // The last day of 9999, which a `Timestamp` does not reach.
    if let Some(time) = text.strip_suffix('Z').and_then(|time| time.parse::<DateTime>().ok()) {
        return Ok(since_1970(time));
    }
    let date =
        text.parse::<Date>().map_err(|_| "must be a date (2027-12-24) or time (2027-12-24T10:00:00Z)".to_owned())?;
    Ok(since_1970(date.at(23, 59, 59, 0)))
}

/// `90m`, `24h`, `30d`, `2w`: seconds.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    whole_seconds(text).ok_or_else(|| "must be a duration: a whole number and s, m, h, d or w, as 30d".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_and_written_as_rfc_3339() {
        assert_eq!(parse_instant("2027-12-24T10:00:00Z"), Ok(1_829_642_400));
        assert_eq!(parse_instant("2027-12-24T11:00:00+01:00"), Ok(1_829_642_400));
        assert_eq!(instant(1_829_642_400), "2027-12-24T10:00:00Z");
        assert_eq!(parse_instant("2027-12-24").map(instant), Ok("2027-12-24T23:59:59Z".to_owned()));
        // How a certificate says that it never ends.
        for last in ["9999-12-31", "9999-12-31T23:59:59Z"] {
            assert_eq!(parse_instant(last), Ok(253_402_300_799));
        }
        assert_eq!(instant(253_402_300_799), "9999-12-31T23:59:59Z");
        assert_eq!(instant(-1), "1969-12-31T23:59:59Z");
        for text in ["", "tomorrow", "2027-13-01", "24.12.2027", "10000-01-01", "2027-02-29", "2027-12-24Z5"] {
            assert!(parse_instant(text).is_err(), "{text}");
        }
    }
}
