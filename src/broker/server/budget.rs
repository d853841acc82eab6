//! How long commits may keep the loop from what else there is to do.
//!
//! Handing a few changes to the store's thread and waking up for its answer takes as long as writing them. So they are written
//! on the loop, unless the disk is slow: then the thread waits for it.

use std::time::Duration;

use crate::broker::Monotonic;

/// A commit that takes no longer than this holds up nobody.
const SHORT: Duration = Duration::from_millis(2);

/// What longer ones may take in all: at once, and as a part of the time. A thread that the system lets wait for its turn has a
/// slow one now and then, whatever the disk.
const MOST: Duration = Duration::from_millis(20);
const PART: u32 = 100;

/// What is left of the time that commits on the loop may take.
#[derive(Debug, Default)]
pub(super) struct Budget {
    /// What they have taken of it.
    spent: Duration,
    at: Monotonic,
}

impl Budget {
    pub(super) fn has_some(&mut self, now: Monotonic) -> bool {
        let regained = now.saturating_since(self.at) / PART;
        self.spent = self.spent.saturating_sub(regained);
        self.at = now;
        self.spent < MOST
    }

    /// A commit has taken so long.
    pub(super) fn spend(&mut self, took: Duration) {
        if took > SHORT {
            self.spent += took;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_holds_up_the_loop_for_a_small_part_of_the_time() {
        for took in [3, 10, 900, 1_500, 60_000].map(Duration::from_millis) {
            let (mut budget, mut now) = (Budget::default(), Monotonic::default());
            let (mut slow, mut all) = (Duration::ZERO, Duration::ZERO);
            while all < took * 1000 {
                // Another one after each millisecond.
                let mut step = Duration::from_millis(1);
                if budget.has_some(now) {
                    budget.spend(took);
                    step += took;
                    slow += took;
                }
                now += step;
                all += step;
            }
            assert!(slow < MOST + took + all / PART + took, "{took:?}: {slow:?} of {all:?}");
        }
    }

    #[test]
    fn a_commit_that_is_slow_once_leaves_the_next_on_the_loop() {
        let mut budget = Budget::default();
        let mut now = Monotonic::default();
        for _ in 0..10_000 {
            assert!(budget.has_some(now));
            budget.spend(Duration::from_millis(2));
            now += Duration::from_millis(1);
        }
        budget.spend(Duration::from_millis(15));
        assert!(budget.has_some(now));
        budget.spend(Duration::from_millis(15));
        assert!(!budget.has_some(now));
        assert!(budget.has_some(now + Duration::from_secs(2)));
    }
}
