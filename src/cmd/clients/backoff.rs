//! After which pauses, and how often, a connection is made again. Pure: the chance is passed in.

use std::time::Duration;

/// `--reconnect-wait`, `--reconnect-max` and `--retry`, after all checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// The pause before the first attempt, and the shortest of all.
    pub least: Duration,
    /// The longest pause.
    pub most: Duration,
    /// So many attempts in a row may fail; `None` = as many as it takes.
    pub attempts: Option<u32>,
}

impl Policy {
    /// Mosquitto's clients try again each second, without an end.
    pub const MOSQUITTO: Self = Self { least: Duration::from_secs(1), most: Duration::from_secs(1), attempts: None };

    /// What holds where nothing is said: soon at first, and rarely when a broker stays away, for a thousand clients that all
    /// come back at the same time keep it from starting.
    pub const DEFAULT: Self = Self { least: Duration::from_secs(1), most: Duration::from_secs(30), attempts: None };
}

/// The attempts in a row, so far.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    policy: Policy,
    attempts: u32,
}

impl Backoff {
    pub fn new(policy: Policy) -> Self {
        Self { policy, attempts: 0 }
    }

    /// Attempts since something got through.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// What was tried has got through: the next pause is the shortest again.
    pub fn reset(&mut self) {
        self.attempts = 0;
    }

    /// The pause before the next attempt, which is one; `None` after the last. The longest that it may be doubles with each
    /// attempt, and `chance`, 0 to `u32::MAX`, says where between that and the shortest it lies, so that clients which were
    /// lost together do not come back together.
    pub fn next_pause(&mut self, chance: u32) -> Option<Duration> {
        if self.policy.attempts.is_some_and(|most| self.attempts >= most) {
            return None;
        }
        // Beyond 2^31 times the shortest pause is every longest one.
        let doubled = self.policy.least.saturating_mul(1 << self.attempts.min(31));
        self.attempts = self.attempts.saturating_add(1);
        let spread = doubled.min(self.policy.most).saturating_sub(self.policy.least);
        Some(self.policy.least + spread.mul_f64(f64::from(chance) / f64::from(u32::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pauses(policy: Policy, chance: u32, count: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(policy);
        std::iter::from_fn(|| backoff.next_pause(chance)).take(count).collect()
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let seconds: Vec<_> = [1, 2, 4, 8, 16, 30, 30].map(|seconds| seconds * SECOND).into();
        assert_eq!(pauses(Policy::DEFAULT, u32::MAX, 7), seconds);
        assert_eq!(pauses(Policy::DEFAULT, u32::MAX, 1000)[999], 30 * SECOND);
        assert_eq!(pauses(Policy::MOSQUITTO, 12_345, 3), [SECOND; 3]);
    }

    #[test]
    fn chance_lies_between_the_shortest_and_the_longest() {
        assert_eq!(pauses(Policy::DEFAULT, 0, 7), [SECOND; 7]);
        let half = pauses(Policy::DEFAULT, u32::MAX / 2, 7);
        assert_eq!(half[0], SECOND);
        for (pause, most) in half[1..].iter().zip([2, 4, 8, 16, 30, 30]) {
            let middle = (SECOND + most * SECOND) / 2;
            assert!(pause.abs_diff(middle) < Duration::from_millis(1), "{pause:?} of {most}");
        }
    }

    #[test]
    fn the_last_attempt_is_the_last_until_something_gets_through() {
        let mut backoff = Backoff::new(Policy { attempts: Some(2), ..Policy::DEFAULT });
        assert!(backoff.next_pause(0).is_some() && backoff.next_pause(0).is_some());
        assert_eq!((backoff.next_pause(0), backoff.attempts()), (None, 2));
        backoff.reset();
        assert_eq!((backoff.next_pause(u32::MAX), backoff.attempts()), (Some(SECOND), 1));
    }

    #[test]
    fn no_pause_is_longer_than_clocks_can_add() {
        let century = Duration::from_secs(100 * 365 * 86_400);
        let policy = Policy { least: century, most: century, attempts: None };
        assert_eq!(pauses(policy, u32::MAX, 40)[39], century);
    }
}
