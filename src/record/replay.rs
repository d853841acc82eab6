//! Which records are played again, where to, and when. Pure: the clock is passed in.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use super::Record;
use crate::mqtt::topic::{TopicError, TopicFilter, TopicName, matches};
use crate::state::ids::UnixTime;

/// The longest wait for a record: clocks end somewhere.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// How fast records follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Speed {
    /// As many times as fast as they were received; more than 0.
    Times(f64),
    /// As fast as they can be sent.
    Maximum,
}

impl Speed {
    /// `2x`, `0.5`, `max`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "max" {
            return Some(Self::Maximum);
        }
        let times: f64 = text.strip_suffix('x').unwrap_or(text).parse().ok()?;
        // So that neither an hour at the highest nor a nanosecond at the lowest speed leaves the range of a clock.
        (1e-6..=1e9).contains(&times).then_some(Self::Times(times))
    }
}

/// An end of the part that is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    At(UnixTime),
    /// So long after the first record.
    After(Duration),
}

/// A beginning of topics that becomes another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    pub from: String,
    pub to: String,
}

impl Mapping {
    /// `a/=b/`. The first `=` parts the two; either may be empty.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('=')?;
        if from.contains(['+', '#', '\0']) || to.contains(['+', '#', '\0']) {
            return None;
        }
        Some(Self { from: from.to_owned(), to: to.to_owned() })
    }
}

/// Which records are played, and under which topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The first record of these and later ones; records without a time are played when neither bound is set.
    pub from: Option<Bound>,
    /// The record at this time is played, later ones are not.
    pub to: Option<Bound>,
    /// Topics match one of these, or there are none.
    pub filters: Vec<TopicFilter>,
    /// The first that fits applies.
    pub mappings: Vec<Mapping>,
}

/// What becomes of a record.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    Play(Record<'a>),
    PassOver,
}

impl Choice {
    /// Judges a record. `first` is the time of the first record that has one.
    pub fn judge<'a>(&self, mut record: Record<'a>, first: Option<UnixTime>) -> Result<Verdict<'a>, TopicError> {
        if !self.is_within(record.received, first) {
            return Ok(Verdict::PassOver);
        }
        let Some(topic) = &record.topic else { return Ok(Verdict::Play(record)) };
        if !self.filters.is_empty() && !self.filters.iter().any(|filter| matches(filter, topic)) {
            return Ok(Verdict::PassOver);
        }
        let mapping =
            self.mappings.iter().find_map(|Mapping { from, to }| Some((topic.strip_prefix(from.as_str())?, to)));
        if let Some((rest, to)) = mapping {
            let mapped = format!("{to}{rest}");
            TopicName::check(&mapped)?;
            record.topic = Some(Cow::Owned(mapped));
        }
        Ok(Verdict::Play(record))
    }

    fn is_within(&self, received: Option<UnixTime>, first: Option<UnixTime>) -> bool {
        let position = |bound: Bound, time: UnixTime| match bound {
            Bound::At(at) => Some(time.cmp(&at)),
            Bound::After(after) => {
                first.map(|first| i128::from(time.nanos_since(first)).cmp(&(after.as_nanos() as i128)))
            }
        };
        match received {
            None => self.from.is_none() && self.to.is_none(),
            Some(time) => {
                let not_before =
                    self.from.is_none_or(|from| position(from, time).is_some_and(std::cmp::Ordering::is_ge));
                let not_after = self.to.is_none_or(|to| position(to, time).is_some_and(std::cmp::Ordering::is_le));
                not_before && not_after
            }
        }
    }
}

/// When each record of a recording is due. Every time is reckoned from the first one, so that nothing adds up.
#[derive(Debug)]
pub struct Pace {
    speed: Speed,
    /// When the record of this time was due; the beginning of this round.
    origin: Option<(UnixTime, Instant)>,
    /// When the last record was due: none is due before one that stands before it.
    last: Option<Instant>,
}

impl Pace {
    pub fn new(speed: Speed) -> Self {
        Self { speed, origin: None, last: None }
    }

    /// When a record is due. One without a time is due with the one before it.
    pub fn due(&mut self, received: Option<UnixTime>, now: Instant) -> Instant {
        let Speed::Times(times) = self.speed else { return now };
        let last = *self.last.get_or_insert(now);
        let Some(time) = received else { return last };
        let (first, start) = *self.origin.get_or_insert((time, last));
        let nanos = time.nanos_since(first).max(0);
        // A double has every whole number of nanoseconds of the first hundred days; the conversion saturates.
        let after = Duration::from_nanos((nanos as f64 / times) as u64).min(LONGEST);
        let due = start.checked_add(after).unwrap_or(last).max(last);
        self.last = Some(due);
        due
    }

    /// The recording begins anew: its first record is due with the last one of this round.
    pub fn begin_again(&mut self) {
        self.origin = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(topic: &str, seconds: i64) -> Record<'_> {
        Record {
            received: Some(UnixTime::from_seconds(seconds)),
            topic: Some(Cow::Borrowed(topic)),
            ..Record::default()
        }
    }

    fn played(choice: &Choice, topic: &str, seconds: i64) -> Option<String> {
        match choice.judge(record(topic, seconds), Some(UnixTime::from_seconds(100))).unwrap() {
            Verdict::Play(record) => Some(record.topic.unwrap().into_owned()),
            Verdict::PassOver => None,
        }
    }

    #[test]
    fn speeds_are_read_with_or_without_an_x() {
        assert_eq!(Speed::parse("2x"), Some(Speed::Times(2.0)));
        assert_eq!(Speed::parse("0.5"), Some(Speed::Times(0.5)));
        assert_eq!(Speed::parse("max"), Some(Speed::Maximum));
        for text in ["0", "-1", "nan", "inf", "fast", "", "x", "1e300"] {
            assert_eq!(Speed::parse(text), None, "{text}");
        }
    }

    #[test]
    fn an_hour_at_single_speed_does_not_drift() {
        let start = Instant::now();
        let mut pace = Pace::new(Speed::Times(1.0));
        let first = UnixTime::from_nanos(1_795_986_468_000_000_001);
        // A message each 7 ms, and whoever asks is always late.
        for step in 0..514_286_u64 {
            let nanos = step * 7_000_000;
            let received = UnixTime::from_nanos(first.nanos() + nanos as i64);
            let due =
                pace.due(Some(received), start + Duration::from_nanos(nanos + if step == 0 { 0 } else { 900_000 }));
            assert_eq!(due, start + Duration::from_nanos(nanos));
        }
    }

    #[test]
    fn another_speed_is_exact_to_a_microsecond_over_an_hour() {
        let start = Instant::now();
        for times in [0.3, 2.0, 7.0, 1000.0] {
            let mut pace = Pace::new(Speed::Times(times));
            pace.due(Some(UnixTime::from_seconds(0)), start);
            let due = pace.due(Some(UnixTime::from_seconds(3600)), start);
            let expected = 3600.0 / times;
            assert!(((due - start).as_secs_f64() - expected).abs() < 1e-6, "{times}");
        }
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_record_wait_or_overtake() {
        let start = Instant::now();
        let at = |seconds| Some(UnixTime::from_seconds(seconds));
        let mut pace = Pace::new(Speed::Times(1.0));
        let dues: Vec<_> =
            [at(10), at(12), at(5), None, at(13)].map(|time| (pace.due(time, start) - start).as_secs()).into();
        assert_eq!(dues, [0, 2, 2, 2, 3]);
    }

    #[test]
    fn a_recording_that_begins_again_goes_on_from_its_end() {
        let start = Instant::now();
        let at = |seconds| Some(UnixTime::from_seconds(seconds));
        let mut pace = Pace::new(Speed::Times(1.0));
        pace.due(at(10), start);
        pace.due(at(13), start);
        pace.begin_again();
        assert_eq!((pace.due(at(10), start) - start).as_secs(), 3);
        assert_eq!((pace.due(at(13), start) - start).as_secs(), 6);
    }

    #[test]
    fn the_longest_wait_is_one_that_clocks_can_have() {
        let start = Instant::now();
        let mut pace = Pace::new(Speed::Times(1e-6));
        pace.due(Some(UnixTime::from_nanos(i64::MIN)), start);
        assert!(pace.due(Some(UnixTime::from_nanos(i64::MAX)), start) <= start + LONGEST);
    }

    #[test]
    fn a_part_is_played_with_both_its_ends() {
        let at = |seconds| Some(Bound::At(UnixTime::from_seconds(seconds)));
        let choice = Choice { from: at(110), to: at(120), ..Choice::default() };
        let seconds = |choice: &Choice| -> Vec<i64> {
            [100, 109, 110, 115, 120, 121]
                .into_iter()
                .filter(|seconds| played(choice, "a", *seconds).is_some())
                .collect()
        };
        assert_eq!(seconds(&choice), [110, 115, 120]);
        let after = |seconds| Some(Bound::After(Duration::from_secs(seconds)));
        assert_eq!(seconds(&Choice { from: after(10), to: after(15), ..Choice::default() }), [110, 115]);
        let without_time = Record { topic: Some("a".into()), ..Record::default() };
        assert_eq!(choice.judge(without_time.clone(), None), Ok(Verdict::PassOver));
        assert_eq!(Choice::default().judge(without_time.clone(), None), Ok(Verdict::Play(without_time)));
    }

    #[test]
    fn topics_are_chosen_by_filters_before_they_are_mapped() {
        let choice = Choice {
            filters: vec![TopicFilter::new("a/#").unwrap(), TopicFilter::new("+/x").unwrap()],
            mappings: vec![Mapping::parse("a/=b/").unwrap(), Mapping::parse("=c/").unwrap()],
            ..Choice::default()
        };
        assert_eq!(played(&choice, "a/1", 0).as_deref(), Some("b/1"));
        assert_eq!(played(&choice, "b/1", 0), None);
        assert_eq!(played(&choice, "z/x", 0).as_deref(), Some("c/z/x"));
        assert_eq!(Mapping::parse("a/"), None);
        assert_eq!(Mapping::parse("a/#=b"), None);
        let emptied = Choice { mappings: vec![Mapping::parse("a=").unwrap()], ..Choice::default() };
        assert_eq!(emptied.judge(record("a", 0), None), Err(TopicError::Empty));
    }
}
