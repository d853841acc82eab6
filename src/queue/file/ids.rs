//! The ids of a file's messages in the order in which they stand there: ascending as 2.1 writes them, or descending as 2.0.

use std::ops::RangeInclusive;

use super::packed::Packed;

#[derive(Debug, Default)]
pub(super) struct Ids {
    packed: Packed,
    sequence: Sequence,
    /// Where the last one was found, and how far from the one before: entries come at regular distances.
    last: usize,
    stride: usize,
}

/// What is known of ids that came one after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    order: Order,
    first: Option<u64>,
    newest: Option<u64>,
    /// The smallest distance of two that follow each other.
    least_gap: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Order {
    #[default]
    Rising,
    Falling,
    None,
}

impl Sequence {
    #[inline]
    pub fn push(&mut self, id: u64) {
        if let Some(before) = self.newest {
            let gap = id.abs_diff(before);
            let order = if id > before { Order::Rising } else { Order::Falling };
            if order != self.order || gap == 0 {
                self.turn(order, gap);
            }
            self.least_gap = Some(self.least_gap.map_or(gap, |least| least.min(gap)));
        } else {
            self.first = Some(id);
        }
        self.newest = Some(id);
    }

    #[cold]
    fn turn(&mut self, order: Order, gap: u64) {
        self.order = if self.least_gap.is_none() && gap > 0 { order } else { Order::None };
    }

    /// Whether each is above the one before, or each below.
    pub fn is_ordered(&self) -> bool {
        self.order != Order::None
    }

    /// Whether two may be neighbours at no more than this distance.
    pub fn may_be_within(&self, distance: u64) -> bool {
        self.order == Order::None || self.least_gap.is_some_and(|gap| gap <= distance)
    }

    /// From the smallest to the largest, if they are in order.
    pub fn range(&self) -> Option<RangeInclusive<u64>> {
        let (first, newest) = (self.first?, self.newest?);
        Some(if self.order == Order::Falling { newest..=first } else { first..=newest })
    }

    /// The largest, if they are in order.
    pub fn largest(&self) -> Option<u64> {
        if self.order == Order::Falling { self.first } else { self.newest }
    }
}

impl Ids {
    pub fn len(&self) -> usize {
        self.packed.len()
    }

    /// Bytes of memory that they need.
    pub fn size(&self) -> usize {
        self.packed.size()
    }

    #[inline]
    pub fn push(&mut self, id: u64) {
        self.sequence.push(id);
        self.packed.push(id);
    }

    pub fn sequence(&self) -> &Sequence {
        &self.sequence
    }

    /// In the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = u64> {
        self.packed.iter()
    }

    /// From the smallest to the largest, if they are in order.
    pub fn ascending(&self) -> impl Iterator<Item = u64> {
        (0..self.len()).filter_map(|rank| self.packed.get(self.place(rank)))
    }

    /// The place of the smallest but so many; or of a place, how many are smaller.
    fn place(&self, rank: usize) -> usize {
        if self.sequence.order == Order::Falling { self.len() - 1 - rank } else { rank }
    }

    /// The place of an id, if they are in order.
    #[inline(always)]
    pub fn find(&mut self, id: u64) -> Option<usize> {
        let guess = self.last.wrapping_add(self.stride);
        let place = if self.packed.get(guess) == Some(id) { guess } else { self.locate(id)? };
        self.stride = place.wrapping_sub(self.last);
        self.last = place;
        Some(place)
    }

    /// Searches from where the id would stand if ids were spread evenly, which counters are and clock
    /// ids nearly: the search is short and stays within few cache lines.
    #[inline(never)]
    fn locate(&self, id: u64) -> Option<usize> {
        let at = |rank: usize| self.packed.get(self.place(rank)).unwrap_or(u64::MAX);
        let len = self.len();
        let (first, last) = (at(0), self.sequence.largest()?);
        if id < first || id > last {
            return None;
        }
        let span = (last - first).max(1) as f64;
        let guess = (((id - first) as f64 / span) * (len - 1) as f64) as usize;
        let (mut low, mut high) = (guess.min(len - 1), (guess + 1).min(len));
        let mut step = 1;
        while at(low) > id {
            high = low;
            low = low.saturating_sub(step);
            step *= 2;
        }
        while high < len && at(high) <= id {
            low = high;
            high = (high + step).min(len);
            step *= 2;
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            if at(middle) <= id {
                low = middle;
            } else {
                high = middle;
            }
        }
        (at(low) == id).then(|| self.place(low))
    }
}

impl FromIterator<u64> for Ids {
    fn from_iter<T: IntoIterator<Item = u64>>(numbers: T) -> Self {
        let mut ids = Self::default();
        numbers.into_iter().for_each(|id| ids.push(id));
        ids
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn check(numbers: &[u64]) {
        let mut ids: Ids = numbers.iter().copied().collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), numbers);
        assert_eq!(ids.len(), numbers.len());
        let places: HashMap<u64, usize> = numbers.iter().enumerate().map(|(place, id)| (*id, place)).collect();
        let is_sorted = numbers.is_sorted_by(|a, b| a < b) || numbers.is_sorted_by(|a, b| a > b);
        assert_eq!(ids.sequence().is_ordered(), is_sorted, "{numbers:?}");
        if !is_sorted {
            return;
        }
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        assert_eq!(ids.ascending().collect::<Vec<_>>(), sorted);
        assert_eq!(ids.sequence().largest(), sorted.last().copied());
        let least = sorted.windows(2).map(|pair| pair[1] - pair[0]).min();
        assert_eq!(
            [0, 8, u64::MAX].map(|gap| ids.sequence().may_be_within(gap)),
            [0, 8, u64::MAX].map(|gap| least.is_some_and(|least| least <= gap))
        );
        for id in numbers {
            for near in [id.saturating_sub(1), *id, id.saturating_add(1)] {
                assert_eq!(ids.find(near), places.get(&near).copied(), "{near} of {numbers:?}");
            }
        }
        assert_eq!([0, u64::MAX].map(|id| ids.find(id)), [0, u64::MAX].map(|id| places.get(&id).copied()));
    }

    #[test]
    fn every_id_is_found_however_the_ids_are_spread() {
        let cubes: Vec<u64> = (0..2000_u64).map(|n| n * n * n + (n % 7)).collect();
        let counted: Vec<u64> = (1..=700).collect();
        let bits: Vec<u64> = (0..64).map(|bit| 1 << bit).collect();
        let ends: Vec<u64> = (0..400).chain(u64::MAX - 399..=u64::MAX).collect();
        let leaps: Vec<u64> = (0..1000).map(|n| n / 100 * (1 << 40) + n % 100).collect();
        for ids in [cubes, counted, bits, ends, leaps, vec![], vec![u64::MAX], vec![5, 5], vec![1, 2, 2]] {
            check(&ids);
            check(&ids.iter().rev().copied().collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn any_ids_come_back(gaps in prop::collection::vec((0..60_u32, any::<u64>()), 0..700), turn in 0..9000_usize, falls: bool) {
            let mut id = u64::MAX / 2;
            let ids: Vec<u64> = gaps.iter().enumerate().map(|(place, (width, random))| {
                let gap = random >> (63 - width) | 1;
                id = if falls ^ (place == turn) { id.saturating_sub(gap) } else { id.saturating_add(gap) };
                id
            }).collect();
            check(&ids);
        }
    }
}
