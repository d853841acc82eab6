//! Whether a conversation gets on: the bounds of what is waited for and tried again. Pure; the time and the chance are passed in.

use std::time::{Duration, Instant};

use super::backoff::{Backoff, Policy};

/// A connection that lasted longer than this has served its purpose, even if nothing came over it.
const LASTING: Duration = Duration::from_secs(10);

/// So many connections in a row may be accepted and ended at once before anything gets through: the same would happen to
/// the next one.
pub const MOST_IN_VAIN: u32 = 5;

/// With which of these the reason is told: a broker that starts anew ends one such connection, and no second one.
const SAID_AT: u32 = 2;

/// So many connections in a row may be taken over by the broker's own word. Each new one throws the other client out, and a
/// single takeover may be somebody who came by mistake and has left.
pub const MOST_TAKEN_OVER: u32 = 3;

/// A connection that lasted longer than this was not part of a loop of takeovers, however long the other client waits before
/// it comes back.
const TAKEOVER_MEMORY: Duration = Duration::from_secs(600);

/// What has got through on the present connection, and on those before.
#[derive(Debug)]
pub struct Progress {
    /// When the broker accepted the present connection.
    accepted_at: Option<Instant>,
    /// A message or an acknowledgement has come over it.
    got_through: bool,
    in_vain: u32,
    /// Connections in a row that another client has taken over, as the broker said.
    taken_over: u32,
    /// Connections in a row that the broker closed soon, without a word, while nothing was to be answered.
    closed_idle: u32,
    /// Since when something is unacknowledged and no acknowledgement has come.
    waiting_since: Option<Instant>,
    /// Since when a request is unanswered, and how many were.
    asked: Option<(Instant, usize)>,
    /// When the first connection ended after which nothing has got through.
    lost_at: Option<Instant>,
    backoff: Backoff,
}

/// How a connection ended, as far as it matters for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The broker said that another client with this id has come.
    TakenOver,
    /// It was closed, by the broker or by what stands before it, without a word.
    Closed {
        /// The user chose the client id, so others may have it too.
        has_own_id: bool,
        /// Something was sent and not answered: it may be what the broker minds.
        owed: bool,
    },
    Other,
}

/// What follows from the end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outlook {
    TryAgain,
    /// And say why it ended.
    SayAndTryAgain,
    /// So many were in vain.
    GiveUp(u32),
    /// So many ended because another client has the same id.
    TakenOver(u32),
}

impl Progress {
    pub fn new(policy: Policy) -> Self {
        Self {
            accepted_at: None,
            got_through: false,
            in_vain: 0,
            taken_over: 0,
            closed_idle: 0,
            waiting_since: None,
            asked: None,
            lost_at: None,
            backoff: Backoff::new(policy),
        }
    }

    pub fn handle_accepted(&mut self, now: Instant) {
        self.accepted_at = Some(now);
        self.got_through = false;
        self.waiting_since = None;
        self.asked = None;
    }

    /// An acknowledgement came.
    pub fn note_acknowledged(&mut self) {
        self.waiting_since = None;
        self.note_got_through();
    }

    /// Something came, be it a message, which acknowledges nothing.
    pub fn note_got_through(&mut self) {
        self.got_through = true;
        self.lost_at = None;
        self.backoff.reset();
    }

    /// An attempt to connect has failed: the broker was away, and whoever threw us out is not the reason.
    pub fn note_not_connected(&mut self, now: Instant) {
        self.lost_at.get_or_insert(now);
        self.closed_idle = 0;
    }

    /// The present connection, or the attempt at one, has ended.
    pub fn handle_ended(&mut self, parting: Parting, now: Instant) -> Outlook {
        self.waiting_since = None;
        self.asked = None;
        self.lost_at.get_or_insert(now);
        let Some(accepted_at) = self.accepted_at.take() else { return Outlook::TryAgain };
        let lasted = now - accepted_at;
        let taken_over = self.count_takeovers(parting, lasted);
        if self.got_through || lasted >= LASTING {
            self.in_vain = 0;
            if lasted >= LASTING {
                self.backoff.reset();
            }
        } else {
            self.in_vain += 1;
        }
        match self.in_vain {
            _ if taken_over.is_some() => Outlook::TakenOver(taken_over.unwrap_or_default()),
            MOST_IN_VAIN.. => Outlook::GiveUp(self.in_vain),
            SAID_AT => Outlook::SayAndTryAgain,
            _ => Outlook::TryAgain,
        }
    }

    /// We have left the present connection for another one, of our own accord.
    pub fn handle_left(&mut self) {
        self.accepted_at = None;
        self.waiting_since = None;
        self.asked = None;
    }

    /// How many takeovers there were in a row, if it is a loop of them.
    fn count_takeovers(&mut self, parting: Parting, lasted: Duration) -> Option<u32> {
        match parting {
            Parting::TakenOver => {
                self.closed_idle = 0;
                self.taken_over = if lasted < TAKEOVER_MEMORY { self.taken_over + 1 } else { 1 };
                Some(self.taken_over).filter(|count| *count >= MOST_TAKEN_OVER)
            }
            // Before MQTT 5 a broker has no word for it.
            Parting::Closed { has_own_id: true, owed: false } if lasted < LASTING => {
                self.closed_idle += 1;
                Some(self.closed_idle).filter(|count| *count >= MOST_IN_VAIN)
            }
            _ => {
                self.taken_over = 0;
                self.closed_idle = 0;
                None
            }
        }
    }

    /// The pause before the next attempt to connect; `Err` has the number of those that failed, where they were the last.
    pub fn next_pause(&mut self, chance: u32) -> Result<Duration, u32> {
        self.backoff.next_pause(chance).ok_or(self.backoff.attempts())
    }

    /// Attempts to connect since something got through.
    pub fn attempts(&self) -> u32 {
        self.backoff.attempts()
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

    /// By when the next of so many unanswered requests must have been answered. Messages that come meanwhile are no answer.
    pub fn answer_due(&mut self, unanswered: usize, limit: Duration, now: Instant) -> Option<Instant> {
        if unanswered == 0 {
            self.asked = None;
            return None;
        }
        let since = match self.asked {
            Some((since, before)) if unanswered >= before => since,
            _ => now,
        };
        self.asked = Some((since, unanswered));
        Some(since + limit)
    }

    /// Nothing is read for now, so no answer can come: what is waited for is waited for anew.
    pub fn note_held_up(&mut self) {
        self.waiting_since = None;
        self.asked = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn progress() -> Progress {
        Progress::new(Policy::DEFAULT)
    }

    #[test]
    fn connections_that_are_accepted_and_ended_at_once_are_few() {
        let mut now = Instant::now();
        let mut progress = progress();
        let mut outlooks = Vec::new();
        for _ in 0..MOST_IN_VAIN {
            progress.handle_accepted(now);
            now += SECOND;
            outlooks.push(progress.handle_ended(Parting::Other, now));
        }
        use Outlook::{GiveUp, SayAndTryAgain, TryAgain};
        assert_eq!(outlooks, [TryAgain, SayAndTryAgain, TryAgain, TryAgain, GiveUp(5)]);
        assert_eq!(progress.lost_for(now), 4 * SECOND);
    }

    #[test]
    fn what_gets_through_or_lasts_begins_the_count_anew_and_no_connection_counts_for_nothing() {
        let mut now = Instant::now();
        let mut progress = progress();
        let mut end_after = |seconds: u32, got_through: bool, accepted: bool| {
            if accepted {
                progress.handle_accepted(now);
            }
            if got_through {
                progress.note_got_through();
            }
            now += seconds * SECOND;
            progress.handle_ended(Parting::Other, now)
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

    /// The outlooks after connections that ended so, each after so many seconds in which a message came.
    fn outlooks(partings: &[(Parting, u32)]) -> Vec<Outlook> {
        let mut now = Instant::now();
        let mut progress = progress();
        let mut end = |&(parting, seconds)| {
            progress.handle_accepted(now);
            progress.note_got_through();
            now += seconds * SECOND;
            progress.handle_ended(parting, now)
        };
        partings.iter().map(&mut end).collect()
    }

    #[test]
    fn a_loop_of_takeovers_is_ended_though_messages_get_through() {
        use Outlook::{TakenOver, TryAgain};
        let told = (Parting::TakenOver, 1);
        assert_eq!(outlooks(&[told; 3]), [TryAgain, TryAgain, TakenOver(3)]);
        let idle = (Parting::Closed { has_own_id: true, owed: false }, 1);
        assert_eq!(outlooks(&[idle; 5]), [TryAgain, TryAgain, TryAgain, TryAgain, TakenOver(5)]);
    }

    #[test]
    fn what_is_no_loop_of_takeovers_is_not_taken_for_one() {
        let again = |parting, seconds| outlooks(&[(parting, seconds); 12]);
        for (parting, seconds) in [
            (Parting::TakenOver, 601),
            (Parting::Closed { has_own_id: true, owed: false }, 10),
            (Parting::Closed { has_own_id: true, owed: true }, 1),
            (Parting::Closed { has_own_id: false, owed: false }, 1),
            (Parting::Other, 1),
        ] {
            assert_eq!(again(parting, seconds), [Outlook::TryAgain; 12], "{parting:?} after {seconds} s");
        }
    }

    #[test]
    fn a_broker_that_starts_again_and_again_takes_nobody_over() {
        let mut now = Instant::now();
        let mut progress = progress();
        for _ in 0..12 {
            progress.handle_accepted(now);
            progress.note_got_through();
            now += SECOND;
            let parting = Parting::Closed { has_own_id: true, owed: false };
            assert_eq!(progress.handle_ended(parting, now), Outlook::TryAgain);
            progress.note_not_connected(now);
        }
    }

    #[test]
    fn pauses_grow_until_something_gets_through_or_a_connection_lasts() {
        let start = Instant::now();
        let mut progress = progress();
        let pause = |progress: &mut Progress| progress.next_pause(u32::MAX).map(|pause| pause.as_secs());
        assert_eq!([pause(&mut progress), pause(&mut progress), pause(&mut progress)], [Ok(1), Ok(2), Ok(4)]);
        progress.handle_accepted(start);
        progress.handle_ended(Parting::Other, start + SECOND);
        assert_eq!(pause(&mut progress), Ok(8));
        progress.handle_accepted(start);
        progress.handle_ended(Parting::Other, start + LASTING);
        assert_eq!([pause(&mut progress), pause(&mut progress)], [Ok(1), Ok(2)]);
        progress.note_got_through();
        assert_eq!(pause(&mut progress), Ok(1));
    }

    #[test]
    fn as_many_attempts_are_made_as_may_be() {
        let mut progress = Progress::new(Policy { attempts: Some(2), ..Policy::DEFAULT });
        assert!(progress.next_pause(0).is_ok() && progress.next_pause(0).is_ok());
        assert_eq!(progress.next_pause(0), Err(2));
    }

    #[test]
    fn an_acknowledgement_is_due_a_while_after_the_one_before() {
        let start = Instant::now();
        let at = |seconds: u32| start + seconds * SECOND;
        let mut progress = progress();
        assert_eq!(progress.acknowledgement_due(false, 5 * SECOND, at(0)), None);
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(1)), Some(at(6)));
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(4)), Some(at(6)));
        progress.note_got_through();
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(5)), Some(at(6)));
        progress.note_acknowledged();
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(5)), Some(at(10)));
        progress.handle_ended(Parting::Other, at(6));
        assert_eq!(progress.acknowledgement_due(true, 5 * SECOND, at(7)), Some(at(12)));
    }

    #[test]
    fn an_answer_is_due_whatever_messages_come() {
        let start = Instant::now();
        let at = |seconds: u32| start + seconds * SECOND;
        let mut progress = progress();
        assert_eq!(progress.answer_due(0, 5 * SECOND, at(0)), None);
        assert_eq!(progress.answer_due(1, 5 * SECOND, at(1)), Some(at(6)));
        progress.note_got_through();
        assert_eq!(progress.answer_due(2, 5 * SECOND, at(3)), Some(at(6)));
        // One of the two is answered.
        assert_eq!(progress.answer_due(1, 5 * SECOND, at(4)), Some(at(9)));
        progress.note_held_up();
        assert_eq!(progress.answer_due(1, 5 * SECOND, at(8)), Some(at(13)));
    }
}
