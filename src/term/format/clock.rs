//! Local time as `%I`, JSON and `@` show it. What a second looks like is worked out once in it.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

use super::number::{put, put_padded};

const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A point in time, split at the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub seconds: i64,
    pub nanoseconds: u32,
}

impl From<SystemTime> for Moment {
    /// Clocks before 1970 show 1970.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self { seconds: since.as_secs() as i64, nanoseconds: since.subsec_nanos() }
    }
}

/// The local time zone, and the second that was shown last.
#[derive(Debug)]
pub struct Clock {
    /// The system's is looked for when a time is first shown: all names of zones are read for it, which takes longer than the
    /// rest of a start.
    zone: Option<TimeZone>,
    last: Option<Second>,
}

/// How a second looks on the wall.
#[derive(Debug)]
struct Second {
    at: i64,
    civil: DateTime,
    /// `YYYY-MM-DDTHH:MM:SS`
    date_and_time: Vec<u8>,
    /// `±hhmm`
    offset: [u8; 5],
    zone_name: String,
}

impl Clock {
    /// The zone of `TZ`, or else the system's.
    pub fn system() -> Self {
        Self { zone: None, last: None }
    }

    pub fn in_zone(zone: TimeZone) -> Self {
        Self { zone: Some(zone), last: None }
    }

    fn second(&mut self, now: Moment) -> &Second {
        let zone = self.zone.get_or_insert_with(TimeZone::system);
        let last = self.last.get_or_insert_with(|| Second::of(zone, now.seconds));
        if last.at != now.seconds {
            *last = Second::of(zone, now.seconds);
        }
        last
    }

    /// `YYYY-MM-DDTHH:MM:SS`
    pub fn date_and_time(&mut self, now: Moment) -> &[u8] {
        &self.second(now).date_and_time
    }

    /// `±hhmm`
    pub fn offset(&mut self, now: Moment) -> [u8; 5] {
        self.second(now).offset
    }

    /// One conversion as C's strftime prints it in the C locale; glibc's form for one it does not know.
    pub fn strftime(&mut self, conversion: u8, now: Moment, out: &mut Vec<u8>) {
        self.second(now).strftime(conversion, out);
    }
}

impl Second {
    fn of(zone: &TimeZone, at: i64) -> Self {
        let time = Timestamp::from_second(at).unwrap_or(Timestamp::MAX);
        let info = zone.to_offset_info(time);
        let civil = info.offset().to_datetime(time);
        let mut second = Self {
            at,
            civil,
            date_and_time: Vec::with_capacity(19),
            offset: offset(info.offset().seconds()),
            zone_name: info.abbreviation().to_owned(),
        };
        let mut text = Vec::with_capacity(19);
        second.strftime(b'F', &mut text);
        text.push(b'T');
        second.strftime(b'T', &mut text);
        second.date_and_time = text;
        second
    }

    fn strftime(&self, conversion: u8, out: &mut Vec<u8>) {
        let date = self.civil.date();
        let (year, month, day) = (date.year().unsigned_abs().into(), date.month() as u64, date.day() as u64);
        let hour = self.civil.hour() as u64;
        let hour12 = (hour + 11) % 12 + 1;
        let weekday = days_since(Weekday::Sunday, date.weekday());
        let day_of_year = date.day_of_year() as u64;
        // Weeks of the year that begin on this day, with the days before the first of them in week 0.
        let week = |first: Weekday| (day_of_year + 6 - days_since(first, date.weekday())) / 7;
        let iso = date.iso_week_date();
        let mut several = |conversions: &[u8]| {
            for conversion in conversions {
                if conversion.is_ascii_alphabetic() { self.strftime(*conversion, out) } else { out.push(*conversion) }
            }
        };
        match conversion {
            b'c' => several(b"a b e T Y"),
            b'D' | b'x' => several(b"m/d/y"),
            b'F' => several(b"Y-m-d"),
            b'r' => several(b"I:M:S p"),
            b'R' => several(b"H:M"),
            b'T' | b'X' => several(b"H:M:S"),
            b'a' => out.extend_from_slice(&DAYS[weekday as usize].as_bytes()[..3]),
            b'A' => out.extend_from_slice(DAYS[weekday as usize].as_bytes()),
            b'b' | b'h' => out.extend_from_slice(&MONTHS[month as usize - 1].as_bytes()[..3]),
            b'B' => out.extend_from_slice(MONTHS[month as usize - 1].as_bytes()),
            b'C' => put_padded(year / 100, 2, b'0', out),
            b'd' => put_padded(day, 2, b'0', out),
            b'e' => put_padded(day, 2, b' ', out),
            b'g' => put_padded(u64::from(iso.year().unsigned_abs()) % 100, 2, b'0', out),
            b'G' => put(u64::from(iso.year().unsigned_abs()), out),
            b'H' => put_padded(hour, 2, b'0', out),
            b'I' => put_padded(hour12, 2, b'0', out),
            b'j' => put_padded(day_of_year, 3, b'0', out),
            b'k' => put_padded(hour, 2, b' ', out),
            b'l' => put_padded(hour12, 2, b' ', out),
            b'm' => put_padded(month, 2, b'0', out),
            b'M' => put_padded(self.civil.minute() as u64, 2, b'0', out),
            b'n' => out.push(b'\n'),
            b'p' => out.extend_from_slice(if hour < 12 { b"AM" } else { b"PM" }),
            b'P' => out.extend_from_slice(if hour < 12 { b"am" } else { b"pm" }),
            b's' => put(self.at.unsigned_abs(), out),
            b'S' => put_padded(self.civil.second() as u64, 2, b'0', out),
            b't' => out.push(b'\t'),
            b'u' => put(days_since(Weekday::Monday, date.weekday()) + 1, out),
            b'U' => put_padded(week(Weekday::Sunday), 2, b'0', out),
            b'V' => put_padded(iso.week() as u64, 2, b'0', out),
            b'w' => put(weekday, out),
            b'W' => put_padded(week(Weekday::Monday), 2, b'0', out),
            b'y' => put_padded(year % 100, 2, b'0', out),
            b'Y' => put(year, out),
            b'z' => out.extend_from_slice(&self.offset),
            b'Z' => out.extend_from_slice(self.zone_name.as_bytes()),
            b'%' => out.push(b'%'),
            unknown => out.extend_from_slice(&[b'%', unknown]),
        }
    }
}

fn days_since(first: Weekday, day: Weekday) -> u64 {
    day.since(first).unsigned_abs().into()
}

fn offset(seconds: i32) -> [u8; 5] {
    let sign = if seconds < 0 { b'-' } else { b'+' };
    let minutes = seconds.unsigned_abs() / 60;
    let digit = |number: u32| b'0' + (number % 10) as u8;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    [sign, digit(hours / 10), digit(hours), digit(minutes / 10), digit(minutes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(zone: &str, at: i64, conversions: &str) -> String {
        let mut clock = Clock::in_zone(TimeZone::posix(zone).unwrap());
        let mut out = Vec::new();
        for conversion in conversions.bytes() {
            clock.strftime(conversion, Moment { seconds: at, nanoseconds: 0 }, &mut out);
            out.push(b'|');
        }
        String::from_utf8(out).unwrap()
    }

    /// `date -d @SECONDS +…` of GNU coreutils, in the C locale.
    #[test]
    fn conversions_are_those_of_glibc() {
        let all = "aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZ%EQ+ ";
        assert_eq!(
            shown("UTC0", 1_795_365_826, all),
            "Sun|Sunday|Nov|November|Sun Nov 22 16:43:46 2026|20|22|11/22/26|22|2026-11-22|26|2026|Nov|16|04|326|16| 4|\
             11|43|\n|PM|pm|04:43:46 PM|16:43|1795365826|46|\t|16:43:46|7|47|47|0|46|11/22/26|16:43:46|26|2026|+0000|UTC|\
             %|%E|%Q|%+|% |"
        );
        // 1 January 2027 is a Friday and belongs to the last week of 2026.
        assert_eq!(
            shown("UTC0", 1_798_761_600, "FGgVUWjuwepIkl"),
            "2027-01-01|2026|26|53|00|00|001|5|5| 1|AM|12| 0|12|"
        );
    }

    #[test]
    fn zones_are_heeded_on_both_sides_of_a_change() {
        let berlin = "CET-1CEST,M3.5.0,M10.5.0/3";
        assert_eq!(shown(berlin, 1_792_889_999, "TzZ"), "02:59:59|+0200|CEST|");
        assert_eq!(shown(berlin, 1_792_890_000, "TzZ"), "02:00:00|+0100|CET|");
        assert_eq!(shown("XXX+3:30", 1_792_890_000, "TzZ"), "21:30:00|-0330|XXX|");
    }

    #[test]
    fn the_offset_is_hours_and_minutes() {
        assert_eq!(&offset(5 * 3600 + 1800), b"+0530");
        assert_eq!(&offset(-12 * 3600), b"-1200");
    }
}
