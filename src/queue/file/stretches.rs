//! The rows of a table cut into stretches, which two readers take by turns.

use std::ops::RangeInclusive;

/// Bytes of the file for each stretch: some thousand rows, if their numbers are spread evenly.
const BYTES: u64 = 1024 * 1024;

/// Most stretches: each takes a query or two.
const MOST: u64 = 1 << 16;

/// Who reads a stretch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The thread that counts.
    Here,
    /// The other one.
    There,
}

/// The rows of one table.
#[derive(Clone, Debug)]
pub(super) struct Stretches {
    rows: Option<RangeInclusive<i64>>,
    count: u64,
    /// Of so many stretches one is read here.
    share: u64,
}

impl Stretches {
    /// Cuts the rows of a table that are numbered so, if it has any, in a file of `length` bytes. Of `share` stretches one is read
    /// by the thread that counts.
    pub fn new(rows: Option<RangeInclusive<i64>>, length: u64, share: u64) -> Self {
        Self { rows, count: (length / BYTES).clamp(1, MOST), share }
    }

    /// The number of the first row.
    pub fn first(&self) -> Option<i64> {
        self.rows.as_ref().map(|rows| *rows.start())
    }

    /// From the first row to the last one.
    pub fn iter(&self) -> impl Iterator<Item = (Turn, RangeInclusive<i64>)> {
        let (first, last) =
            self.rows.clone().map_or((0, -1), |rows| (i128::from(*rows.start()), i128::from(*rows.end())));
        let step = (last - first) / i128::from(self.count) + 1;
        (0..self.count).filter_map(move |place| {
            let start = first + i128::from(place) * step;
            let end = (start + step - 1).min(last);
            let rows = i64::try_from(start).ok()?..=i64::try_from(end).ok()?;
            let turn = if place.is_multiple_of(self.share) { Turn::Here } else { Turn::There };
            (!rows.is_empty()).then_some((turn, rows))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_stretch_and_both_readers_have_some() {
        let tables = [0..=0, 1..=1, -3..=5, 1..=1_000_000, i64::MIN..=i64::MAX, i64::MAX - 2..=i64::MAX, 5..=104];
        for (rows, length) in
            tables.into_iter().flat_map(|rows| [0, BYTES * 100, u64::MAX].map(|length| (rows.clone(), length)))
        {
            let stretches: Vec<_> = Stretches::new(Some(rows.clone()), length, 3).iter().collect();
            assert_eq!(*stretches[0].1.start(), *rows.start());
            assert_eq!(stretches.last().map(|(_, last)| *last.end()), Some(*rows.end()));
            assert!(
                stretches.windows(2).all(|pair| pair[0].1.end().checked_add(1) == Some(*pair[1].1.start())),
                "{rows:?}"
            );
            assert!(stretches.iter().all(|(_, rows)| !rows.is_empty()));
            let here = stretches.iter().filter(|(turn, _)| *turn == Turn::Here).count();
            assert_eq!(here, stretches.len().div_ceil(3), "{rows:?} of {length}");
        }
        assert_eq!(Stretches::new(None, BYTES * 100, 2).iter().count(), 0);
    }
}
