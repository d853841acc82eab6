//! Whether a conversation gets on: the bounds of what is waited for and tried again. Pure; the time is passed in.

use std::time::{Duration, Instant};

/// A connection that lasted longer than this has served its purpose, even if nothing came over it.
const LASTING: Duration = Duration::from_secs(10);

/// So many connections in a row may be accepted and ended at once before anything gets through: the same would happen to
/// the next one.
pub const MOST_IN_VAIN: u32 = 5;

/// With which of these the reason is told: a broker that starts anew ends one such connection, and no second one.
const SAID_AT: u32 = 2;

/// What has got through on the present connection, and on those before.
#[derive(Debug, Default)]
pub struct Progress {
    /// When the broker accepted the present connection.
    accepted_at: Option<Instant>,
    /// A message or an acknowledgement has come over it.
    got_through: bool,
    in_vain: u32,
    /// Since when something is unacknowledged and no acknowledgement has come.
    waiting_since: Option<Instant>,
    /// When the first connection ended after which nothing has got through.
    lost_at: Option<Instant>,
}

/// What follows from the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    TryAgain,
    /// And say why it ended.
    SayAndTryAgain,
    /// So many were in vain.
    GiveUp(u32),
}

impl Progress {
    pub fn handle_accepted(&mut self, now: Instant) {
        self.accepted_at = Some(now);
        self.got_through = false;
        self.waiting_since = None;
    }

    /// A message or an acknowledgement came.
    pub fn note_got_through(&mut self) {
        self.got_through = true;
        self.waiting_since = None;
        self.lost_at = None;
    }

    /// The present connection, or the attempt at one, has ended.
    pub fn handle_ended(&mut self, now: Instant) -> Outlook {
        self.waiting_since = None;
        self.lost_at.get_or_insert(now);
        let Some(accepted_at) = self.accepted_at.take() else { return Outlook::TryAgain };
        if self.got_through || now - accepted_at >= LASTING {
            self.in_vain = 0;
            return Outlook::TryAgain;
        }
        self.in_vain += 1;
        match self.in_vain {
            MOST_IN_VAIN.. => Outlook::GiveUp(self.in_vain),
            SAID_AT => Outlook::SayAndTryAgain,
            _ => Outlook::TryAgain,
        }
    }

    /// For how long nothing has got through since a connection ended.
    pub fn lost_for(&self, now: Instant) -> Duration {
        self.lost_at.map_or(Duration::ZERO, |at| now - at)
    }

    /// By when the next acknowledgement must have come, where something is unacknowledged.
    pub fn acknowledgement_due(&mut self, is_unacknowledged: bool, limit: Duration, now: Instant) -> Option<Instant> {
        if !is_unacknowledged {
            self.waiting_since = None;
            return None;
        }
        Some(*self.waiting_since.get_or_insert(now) + limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn connections_that_are_accepted_and_ended_at_once_are_few() {
        let mut now = Instant::now();
        let mut progress = Progress::default();
        let mut outlooks = Vec::new();
        for _ in 0..MOST_IN_VAIN {
            progress.handle_accepted(now);
            now += SECOND;
            outlooks.push(progress.handle_ended(now));
        }
        use Outlook::{GiveUp, SayAndTryAgain, TryAgain};
        assert_eq!(outlooks, [TryAgain, SayAndTryAgain, TryAgain, TryAgain, GiveUp(5)]);
        assert_eq!(progress.lost_for(now), 4 * SECOND);
    }

    #[test]
    fn what_gets_through_or_lasts_begins_the_count_anew_and_no_connection_counts_for_nothing() {
        let mut now = Instant::now();
        let mut progress = Progress::default();
        let mut end_after = |seconds: u32, got_through: bool, accepted: bool| {
            if accepted {
                progress.handle_accepted(now);
            }
            if got_through {
                progress.note_got_through();
            }
            now += seconds * SECOND;
            progress.handle_ended(now)
        };
        for _ in 0..3 {
            for _ in 0..MOST_IN_VAIN - 1 {
                end_after(9, false, true);
            }
            assert_eq!(end_after(1, true, true), Outlook::TryAgain);
            for _ in 0..MOST_IN_VAIN - 1 {
                end_after(1, false, true);
            }
            assert_eq!(end_after(10, false, true), Outlook::TryAgain);
            for _ in 0..2 * MOST_IN_VAIN {
                assert_eq!(end_after(1, false, false), Outlook::TryAgain);
            }
        }
    }

    #[test]
    fn an_acknowledgement_is_due_a_while_after_the_one_before() {
        let start = Instant::now();
        let at = |seconds: u32| start + seconds * SECOND;
        let mut progress = Progress::default();
        assert_eq!(progress.acknowledgement_due(false, 5 * SECOND, at(0)), None);
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(1)), Some(at(6)));
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(4)), Some(at(6)));
        progress.note_got_through();
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(5)), Some(at(10)));
        progress.handle_ended(at(6));
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(7)), Some(at(12)));
    }
}
