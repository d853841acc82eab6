//! Which ids were there: a set of fingerprints that takes 16 bytes for each, and no room to grow into.

use std::collections::HashSet;

/// How many new ones are kept apart before they are put in order with the others.
const RECENT: usize = 1 << 15;

/// Fingerprints of ids.
#[derive(Debug, Default)]
pub struct Ids {
    sorted: Vec<u128>,
    recent: HashSet<u128>,
}

impl Ids {
    /// Of fingerprints in any order.
    pub fn of(mut all: Vec<u128>) -> Self {
        all.sort_unstable();
        all.dedup();
        all.shrink_to_fit();
        Self { sorted: all, recent: HashSet::new() }
    }

    pub fn has(&self, id: u128) -> bool {
        self.recent.contains(&id) || self.sorted.binary_search(&id).is_ok()
    }

    /// Where it stands among the others that are in order.
    fn place(&self, id: u128) -> Option<usize> {
        self.sorted.binary_search(&id).ok()
    }

    /// Adds an id; whether it was not there.
    pub fn insert(&mut self, id: u128) -> bool {
        if self.has(id) {
            return false;
        }
        self.recent.insert(id);
        if self.recent.len() >= RECENT {
            self.settle();
        }
        true
    }

    /// Puts the new ones in their places among the others, from the end on, so that no second copy of all is needed.
    pub fn settle(&mut self) {
        let mut recent: Vec<_> = self.recent.drain().collect();
        recent.sort_unstable();
        let (mut old, mut at) = (self.sorted.len(), self.sorted.len() + recent.len());
        self.sorted.reserve_exact(recent.len());
        self.sorted.resize(at, 0);
        while let Some(last) = recent.last() {
            at -= 1;
            if old > 0 && self.sorted[old - 1] > *last {
                old -= 1;
                self.sorted[at] = self.sorted[old];
            } else {
                self.sorted[at] = *last;
                recent.pop();
            }
        }
    }
}

/// Which ids of a source that can be read only once have come up. Of those that are done before only a bit is kept.
#[derive(Debug, Default)]
pub struct Earlier {
    /// A bit for each id that is done, in their order.
    done: Vec<u64>,
    new: Ids,
}

impl Earlier {
    /// Whether the id has come up before. `done` is always the same.
    pub fn is_again(&mut self, id: u128, done: &Ids) -> bool {
        let Some(place) = done.place(id) else { return !self.new.insert(id) };
        self.done.resize(done.sorted.len().div_ceil(64), 0);
        let (word, bit) = (&mut self.done[place / 64], 1 << (place % 64));
        let is_again = *word & bit != 0;
        *word |= bit;
        is_again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_up_twice_is_known_whether_it_was_done_or_not() {
        let done = Ids::of((0..200).collect());
        let mut earlier = Earlier::default();
        for id in [0, 63, 64, 199, 200, 1000] {
            assert!(!earlier.is_again(id, &done) && earlier.is_again(id, &done), "{id}");
        }
        assert_eq!(earlier.new.recent.len(), 2);
    }

    #[test]
    fn each_id_is_new_once_however_many_there_are() {
        let mut ids = Ids::of(vec![7, 3, 7]);
        assert!(ids.has(3) && ids.has(7) && !ids.has(5));
        assert!(!ids.insert(3) && !ids.insert(7));
        // In no order, and more than are kept apart.
        let many = (0..3 * RECENT as u128).map(|number| (number * 0x9e37_79b9_7f4a_7c15) % 1_000_003 + 10);
        let mut known = HashSet::new();
        for id in many {
            assert_eq!(ids.insert(id), known.insert(id), "{id}");
        }
        assert!(known.iter().all(|id| ids.has(*id)) && !ids.has(5));
        assert!(ids.sorted.is_sorted() && ids.sorted.len() + ids.recent.len() == known.len() + 2);
    }
}
