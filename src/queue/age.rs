//! Since when a message waits: from its id, from a ledger of looks, or from something that the
//! operator names. Never guessed.

use super::ledger::Ledger;
use super::since::Since;
use crate::state::ids::{StoreId, UnixTime};

/// Ids that follow another one this closely were counted, not read from a clock: no broker stores
/// two messages within a microsecond.
pub(super) const COUNTED_WITHIN: u64 = 8;

/// Where a message's time is taken from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AgeFrom {
    /// The id that the broker gave it, or a ledger.
    #[default]
    Store,
    /// Its expiry, which all publishers set to this many seconds after publishing.
    Expiry { seconds: i64 },
    /// A number or an RFC 3339 time at this JSON pointer in its payload.
    Payload { pointer: String },
    /// The value of a user property of this name.
    Property { name: String },
}

impl AgeFrom {
    pub fn needs_payload(&self) -> bool {
        matches!(self, Self::Payload { .. })
    }

    pub fn needs_properties(&self) -> bool {
        matches!(self, Self::Property { .. })
    }
}

/// A time as publishers write it: RFC 3339, or a number since 1970 in seconds, or in milli-, micro-
/// or nanoseconds when it is too large for the unit before.
pub fn parse_time(text: &str) -> Option<UnixTime> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return time_of_number(number);
    }
    let time: jiff::Timestamp = text.parse().ok()?;
    i64::try_from(time.as_nanosecond()).ok().map(UnixTime::from_nanos)
}

/// The time that a number means, by its size.
pub fn time_of_number(number: f64) -> Option<UnixTime> {
    /// Seconds until the year 5138; as milliseconds, 1973.
    const SECONDS_LIMIT: f64 = 1e11;
    if !number.is_finite() || number < 0.0 {
        return None;
    }
    let units = [(SECONDS_LIMIT, 1e9), (SECONDS_LIMIT * 1e3, 1e6), (SECONDS_LIMIT * 1e6, 1e3), (9.2e18, 1.0)];
    let (_, nanos) = units.into_iter().find(|(limit, _)| number < *limit)?;
    // Whole units first: a float of nanoseconds would lose the last three digits.
    let whole = (number.trunc() as i64).saturating_mul(nanos as i64);
    Some(UnixTime::from_nanos(whole.saturating_add((number.fract() * nanos).round() as i64)))
}

/// The time at `pointer` of a JSON payload.
pub fn time_in_payload(payload: &[u8], pointer: &str) -> Option<UnixTime> {
    let value: serde_json::Value = serde_json::from_slice(payload).ok()?;
    match value.pointer(pointer)? {
        serde_json::Value::Number(number) => time_of_number(number.as_f64()?),
        serde_json::Value::String(text) => parse_time(text),
        _ => None,
    }
}

/// Dates messages by their ids.
#[derive(Debug, Default)]
pub struct Dating {
    /// Runs of ids that were counted, with the time of the next id that was not.
    counted: Vec<Counted>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    first: u64,
    last: u64,
    before: UnixTime,
}

impl Dating {
    /// For a file of these ids, ascending, in which nothing is younger than `snapshot`.
    pub fn new(ids: impl Iterator<Item = u64>, snapshot: UnixTime) -> Self {
        let mut counted = Vec::new();
        let mut before: Option<u64> = None;
        let mut run: Option<(u64, u64)> = None;
        for id in ids {
            let follows = before.is_some_and(|before| id - before <= COUNTED_WITHIN);
            before = Some(id);
            if follows && !StoreId(id).is_counter() {
                run = Some((run.map_or(id, |(first, _)| first), id));
            } else if let Some((first, last)) = run.take() {
                counted.push(Counted { first, last, before: StoreId(id).stored_at().unwrap_or(snapshot) });
            }
        }
        counted.extend(run.map(|(first, last)| Counted { first, last, before: snapshot }));
        Self { counted }
    }

    /// Since when the message of this id is stored.
    #[inline]
    pub fn since(&self, id: StoreId, ledger: Option<&Ledger>) -> Since {
        let Some(time) = id.stored_at() else {
            return ledger.map_or(Since::Unknown, |ledger| ledger.since(id));
        };
        let run = self.counted.partition_point(|run| run.last < id.0);
        match self.counted.get(run) {
            // The clock stood still, or an older broker went on counting: stored after the time that
            // the id shows and before the next message that has a time of its own.
            Some(run) if run.first <= id.0 => Since::Between { from: time, to: run.before.max(time) },
            _ => Since::Exact(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_the_units_that_publishers_use() {
        let expected = UnixTime::from_nanos(1_795_356_092_818_000_000);
        for text in ["1795356092.818", "1795356092818", "1795356092818000", "1795356092818000000"] {
            let off = parse_time(text).unwrap().nanos_since(expected);
            assert!(off.abs() < 1000, "{text} is off by {off} ns");
        }
        assert_eq!(parse_time("2026-11-22T14:01:32.818Z"), Some(expected));
        assert_eq!(parse_time("2026-11-22T15:01:32.818+01:00"), Some(expected));
        for text in ["", "yesterday", "-5", "nan", "1e30"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
        assert_eq!(time_in_payload(br#"{"a":[{"t":5}]}"#, "/a/0/t"), Some(UnixTime::from_seconds(5)));
        assert_eq!(time_in_payload(b"{", "/a"), None);
    }

    #[test]
    fn counted_ids_after_a_clock_id_are_bounds() {
        let clock = |seconds| StoreId::at(UnixTime::from_seconds(seconds)).0;
        let (first, later) = (1_795_000_000, 1_795_000_900);
        let ids = [3, clock(first), clock(first) + 1, clock(first) + 2, clock(later), clock(later) + 1];
        let dating = Dating::new(ids.into_iter(), UnixTime::from_seconds(1_795_001_000));
        let since = |place: usize| dating.since(StoreId(ids[place]), None);
        let between = |from, to| Since::Between { from, to: UnixTime::from_seconds(to) };
        let shown = |id| StoreId(id).stored_at().unwrap();
        assert_eq!(since(0), Since::Unknown);
        assert_eq!(since(1), Since::Exact(UnixTime::from_seconds(first)));
        assert_eq!(since(2), between(shown(ids[2]), later));
        assert_eq!(since(3), between(shown(ids[3]), later));
        assert_eq!(since(4), Since::Exact(UnixTime::from_seconds(later)));
        assert_eq!(since(5), between(shown(ids[5]), 1_795_001_000));
    }
}
