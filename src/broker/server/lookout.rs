//! Whether the core goes on looking for input after a commit, in place of letting its thread sleep.
//!
//! A client that publishes with a window sends what comes next as soon as what went before is acknowledged, which is after each
//! commit. That takes it some tens of microseconds; a thread that sleeps meanwhile, and the processor that halts with it, take
//! longer than that to be back. With 20 messages in flight that was a sixth of the time that a durable queue took to fill.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use crate::broker::Monotonic;

/// How long the core looks at most: the time of a commit of some hundred messages. Longer hardly gains anything.
const LOOKOUT: Duration = Duration::from_micros(200);

/// Commits that follow each other so soon, at most, are those of clients that go on at once. It is much longer than a commit and
/// what a client needs: a thread that has slept is late.
const SOON: Duration = Duration::from_millis(1);

/// When the core looks: after a commit that came [`SOON`] after the one before. So a message now and then costs nothing, and a
/// client that falls silent costs [`LOOKOUT`] once.
#[derive(Debug)]
pub(super) struct Lookout {
    /// With one processor the client would wait for us.
    is_possible: bool,
    last_commit: Option<Monotonic>,
    /// When looking ends.
    until: Monotonic,
}

impl Lookout {
    /// For this machine.
    pub(super) fn here() -> Self {
        Self::new(available_parallelism().map_or(1, NonZeroUsize::get))
    }

    fn new(processors: usize) -> Self {
        Self { is_possible: processors > 1, last_commit: None, until: Monotonic::default() }
    }

    /// What was waited for is stored.
    pub(super) fn handle_stored(&mut self, now: Monotonic) {
        if self.is_possible && self.last_commit.is_some_and(|last| now <= last + SOON) {
            self.until = now + LOOKOUT;
        }
        self.last_commit = Some(now);
    }

    pub(super) fn is_on(&self, now: Monotonic) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: u64) -> Monotonic {
        Monotonic::after_start(Duration::from_micros(micros))
    }

    #[test]
    fn the_core_looks_for_those_who_go_on_at_once() {
        let mut lookout = Lookout::new(2);
        lookout.handle_stored(at(5_000));
        assert!(!lookout.is_on(at(5_001)), "one commit is not many");
        lookout.handle_stored(at(6_000));
        assert!(lookout.is_on(at(6_001)) && lookout.is_on(at(6_199)));
        assert!(!lookout.is_on(at(6_200)), "the thread sleeps in the end");
        lookout.handle_stored(at(7_001));
        assert!(!lookout.is_on(at(7_002)), "the last commit is long ago");
        lookout.handle_stored(at(7_100));
        assert!(lookout.is_on(at(7_101)));
    }

    #[test]
    fn one_processor_is_left_to_the_client() {
        let mut lookout = Lookout::new(1);
        for moment in [1_000, 1_020, 1_040] {
            lookout.handle_stored(at(moment));
            assert!(!lookout.is_on(at(moment + 1)));
        }
    }
}
