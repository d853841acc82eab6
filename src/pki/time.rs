//! Moments as certificates hold them: seconds since 1970, up to the last of 9999.

use jiff::SignedDuration;
use jiff::civil::DateTime;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// `2027-12-24T10:00:00Z`
pub fn instant(seconds: i64) -> String {
    utc(seconds).map_or_else(|| format!("{seconds} s after 1970"), |time| format!("{time}Z"))
}

/// What calendar and clock show in UTC. Not jiff's `Timestamp`, which ends a day before the last second of 9999: that
/// second is how a certificate says that it never ends (RFC 5280, 4.1.2.5).
pub fn utc(seconds: i64) -> Option<DateTime> {
    EPOCH.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// Seconds since 1970 when calendar and clock in UTC show `time`.
pub fn since_1970(time: DateTime) -> i64 {
    time.duration_since(EPOCH).as_secs()
}

/// What [`instant`] writes, and nothing else.
pub fn parse_utc(text: &str) -> Option<i64> {
    text.strip_suffix('Z')?.parse().ok().map(since_1970)
}
