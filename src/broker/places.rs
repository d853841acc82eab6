//! Which packet ids are in flight to a client, where each stands, and the next that is free.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use crate::mqtt::flow::IdHasher;

/// From so many in flight on a map of all ids is kept, in 8 KB, so that a free one is found without asking for each.
const DENSE: usize = 4096;

/// Bits of one word of the map.
const BITS: u16 = 64;

#[derive(Debug, Default)]
pub(super) struct Places {
    by_id: HashMap<u16, u64, BuildHasherDefault<IdHasher>>,
    /// A bit for each packet id; 0, which is none, counts as taken.
    taken: Option<Box<[u64]>>,
}

impl Places {
    pub(super) fn get(&self, packet_id: u16) -> Option<u64> {
        self.by_id.get(&packet_id).copied()
    }

    pub(super) fn contains(&self, packet_id: u16) -> bool {
        self.by_id.contains_key(&packet_id)
    }

    pub(super) fn insert(&mut self, packet_id: u16, place: u64) {
        self.by_id.insert(packet_id, place);
        if let Some(taken) = &mut self.taken {
            taken[usize::from(packet_id / BITS)] |= 1 << (packet_id % BITS);
        } else if self.by_id.len() >= DENSE {
            let mut taken = vec![0; usize::from(u16::MAX / BITS) + 1].into_boxed_slice();
            for id in self.by_id.keys().copied().chain([0]) {
                taken[usize::from(id / BITS)] |= 1 << (id % BITS);
            }
            self.taken = Some(taken);
        }
    }

    pub(super) fn remove(&mut self, packet_id: u16) {
        self.by_id.remove(&packet_id);
        if let Some(taken) = self.taken.as_mut().filter(|_| packet_id != 0) {
            taken[usize::from(packet_id / BITS)] &= !(1 << (packet_id % BITS));
        }
        // Far below the number at which it is made, so that it is not made and dropped again and again.
        if self.by_id.len() < DENSE / 2 {
            self.taken = None;
        }
    }

    /// The first free id after `last`, with 1 after 65,535. `None` when all are in flight.
    pub(super) fn next_free(&self, last: u16) -> Option<u16> {
        let Some(taken) = &self.taken else {
            // Fewer are in flight than are asked for here, of which one may be 0.
            let following = (1..=DENSE + 1).map(|step| last.wrapping_add(step as u16));
            return following.filter(|&id| id != 0).find(|&id| !self.contains(id));
        };
        let first = last.wrapping_add(1);
        let (begin, words) = (usize::from(first / BITS), taken.len());
        let behind = |index: usize, mask: u64| {
            let free = !taken[index] & mask;
            (free != 0).then(|| (index * usize::from(BITS)) as u16 + free.trailing_zeros() as u16)
        };
        let not_before = u64::MAX << (first % BITS);
        behind(begin, not_before)
            .or_else(|| (begin + 1..words).chain(0..begin).find_map(|index| behind(index, u64::MAX)))
            .or_else(|| behind(begin, !not_before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found by asking for each id in turn.
    fn asked_for(places: &Places, last: u16) -> Option<u16> {
        let following = (1..=u16::MAX).map(|step| last.wrapping_add(step)).chain([last]);
        following.filter(|&id| id != 0).find(|&id| !places.contains(id))
    }

    #[test]
    fn the_next_free_id_is_the_one_that_asking_for_each_would_find() {
        let mut places = Places::default();
        let mut random: u32 = 1;
        for round in 0..40_000_u32 {
            // Numerical Recipes' generator; its high bits are the good ones.
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (id, last) = ((random >> 16) as u16, (random >> 8) as u16);
            // It grows to about 6,000 in flight and shrinks again, twice.
            if (round / 10_000).is_multiple_of(2) && id != 0 && !random.is_multiple_of(5) {
                places.insert(id, u64::from(round));
            } else {
                let some = places.by_id.keys().copied().next().unwrap_or(1);
                places.remove(some);
            }
            assert_eq!(places.next_free(last), asked_for(&places, last), "after {last}");
        }
    }

    #[test]
    fn one_free_id_among_all_is_found_and_none_when_there_is_none() {
        let mut places = Places::default();
        (1..=u16::MAX).for_each(|id| places.insert(id, id.into()));
        assert_eq!(places.next_free(7), None);
        for free in [1, 63, 64, 4095, 65_535] {
            places.remove(free);
            for last in [0, free.wrapping_sub(1), free, free.wrapping_add(1), 65_535] {
                assert_eq!(places.next_free(last), Some(free), "after {last}");
            }
            places.insert(free, 0);
        }
        (1..=u16::MAX).for_each(|id| places.remove(id));
        assert_eq!((places.next_free(65_535), places.taken.is_none()), (Some(1), true));
    }
}
