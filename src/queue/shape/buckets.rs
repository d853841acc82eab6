//! The columns of the table: half-open ranges of age, the last one without end.

/// More columns than anybody can read, and few enough to count in.
pub const MAX_BUCKETS: usize = 1000;
const NANOS_PER_MINUTE: f64 = 60e9;

/// How the columns grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Doubling,
    Linear,
}

/// The columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Buckets {
    /// Upper ends of all but the last, in minutes.
    minutes: Vec<f64>,
    /// The same in nanoseconds.
    ends: Vec<i64>,
}

impl Buckets {
    /// `count` columns (1 to [`MAX_BUCKETS`]), the first of `first_minutes`.
    pub fn new(count: usize, first_minutes: f64, scale: Scale) -> Self {
        let minutes: Vec<f64> = (0..count.clamp(1, MAX_BUCKETS) - 1)
            .map(|column| match scale {
                Scale::Doubling => first_minutes * 2_f64.powi(column as i32),
                Scale::Linear => first_minutes * (column + 1) as f64,
            })
            .collect();
        // A column that begins after the end of time is simply never reached: the cast saturates.
        let ends = minutes.iter().map(|end| (end * NANOS_PER_MINUTE) as i64).collect();
        Self { minutes, ends }
    }

    #[expect(clippy::len_without_is_empty, reason = "there is always at least one column")]
    pub fn len(&self) -> usize {
        self.ends.len() + 1
    }

    /// The column of an age. Negative ages, of a clock that was set back, are young.
    pub fn of(&self, age_nanos: i64) -> usize {
        self.ends.partition_point(|end| *end <= age_nanos)
    }

    /// The column of an age, which is nearly always `guess`, that of the message before.
    #[inline]
    pub fn near(&self, guess: usize, age_nanos: i64) -> usize {
        let begins = guess.checked_sub(1).is_none_or(|before| self.ends[before] <= age_nanos);
        let ends = self.ends.get(guess).is_none_or(|end| age_nanos < *end);
        if begins && ends { guess } else { self.of(age_nanos) }
    }

    /// Upper end of each column in seconds; the last has none.
    pub fn ends_in_seconds(&self) -> impl Iterator<Item = f64> {
        self.minutes.iter().map(|minutes| minutes * 60.0)
    }

    /// What stands above each column: its upper end in minutes, and `N+` for the last.
    pub fn heads(&self) -> Vec<String> {
        self.first_heads(self.len())
    }

    /// The same where no more than `count` columns are shown, the last of which holds all that is older.
    pub fn first_heads(&self, count: usize) -> Vec<String> {
        let ends = &self.minutes[..count.clamp(1, self.len()) - 1];
        let last = ends.last().copied().unwrap_or(0.0);
        ends.iter().map(f64::to_string).chain([format!("{last}+")]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(minutes: f64) -> i64 {
        (minutes * NANOS_PER_MINUTE) as i64
    }

    #[test]
    fn columns_are_half_open_and_the_last_has_no_end() {
        let buckets = Buckets::new(10, 5.0, Scale::Doubling);
        let of = |age| buckets.of(minutes(age));
        assert_eq!([of(-3.0), of(0.0), of(4.99), of(5.0), of(9.99), of(10.0)], [0, 0, 0, 1, 1, 2]);
        for (guess, age) in (0..10).flat_map(|guess| (-1..1300).map(move |age| (guess, age))) {
            assert_eq!(buckets.near(guess, minutes(age.into())), of(age.into()), "{age} minutes after column {guess}");
        }
        assert_eq!([of(639.9), of(640.0), of(1279.9), of(1280.0), buckets.of(i64::MAX)], [7, 8, 8, 9, 9]);
        assert_eq!(buckets.heads(), ["5", "10", "20", "40", "80", "160", "320", "640", "1280", "1280+"]);
    }

    #[test]
    fn linear_columns_are_multiples_of_the_first() {
        let buckets = Buckets::new(4, 60.0, Scale::Linear);
        assert_eq!(buckets.heads(), ["60", "120", "180", "180+"]);
        assert_eq!([0.0, 59.0, 60.0, 179.0, 180.0].map(|age| buckets.of(minutes(age))), [0, 0, 1, 2, 3]);
    }

    #[test]
    fn one_column_takes_all() {
        let buckets = Buckets::new(1, 5.0, Scale::Doubling);
        assert_eq!((buckets.heads(), buckets.of(minutes(1e6))), (vec!["0+".to_owned()], 0));
        assert_eq!(Buckets::new(2, 5.0, Scale::Doubling).heads(), ["5", "5+"]);
        assert_eq!(Buckets::new(3, 0.5, Scale::Doubling).heads(), ["0.5", "1", "1+"]);
    }

    #[test]
    fn the_end_of_time_is_no_overflow() {
        let buckets = Buckets::new(MAX_BUCKETS + 5, 5.0, Scale::Doubling);
        assert_eq!((buckets.len(), buckets.of(minutes(5.0))), (MAX_BUCKETS, 1));
    }
}
