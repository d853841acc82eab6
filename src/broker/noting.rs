//! That messages are in flight is noted behind their sending: with the end of their connection, and after a while.

use std::time::Duration;

use super::change::Direction;
use super::session::SessionKey;
use super::slice::Slice;
use super::timers::Timer;
use super::{Broker, Now};

/// How long what is in flight may wait in the store, as far as others see that read it.
const NOTED_AFTER: Duration = Duration::from_secs(1);

/// Steps that one session takes of a slice besides those for what is not noted of it.
const STEPS: usize = 8;

/// The pause until the next slice.
const PAUSE: Duration = Duration::from_millis(1);

impl Broker {
    /// What was sent to the session's client last is noted later.
    pub(super) fn note_later(&mut self, session_key: SessionKey, now: Now) {
        if self.sessions[session_key].outgoing.note_later() {
            self.unnoted.sessions.push_back(session_key);
            if self.unnoted.timer.is_none() {
                self.timers.arm(Timer::Noting, &mut self.unnoted.timer, Some(now.elapsed + NOTED_AFTER));
            }
        }
    }

    /// Notes what is in flight to some of the clients for which it is not noted yet.
    pub(super) fn noting_due(&mut self, now: Now) {
        self.unnoted.timer = None;
        if self.unnoted.due == 0 {
            self.unnoted.due = self.unnoted.sessions.len();
        }
        let mut slice = Slice::new();
        while self.unnoted.due > 0 && !slice.is_over() {
            self.unnoted.due -= 1;
            let Some(session_key) = self.unnoted.sessions.pop_front() else { break };
            slice.spend(STEPS + self.sessions.get(session_key).map_or(0, |session| session.outgoing.unnoted()));
            self.note_in_flight(session_key);
        }
        let wait = match (self.unnoted.due, self.unnoted.sessions.len()) {
            (0, 0) => return,
            (0, _) => NOTED_AFTER,
            _ => PAUSE,
        };
        self.timers.arm(Timer::Noting, &mut self.unnoted.timer, Some(now.elapsed + wait));
    }

    /// Notes what is in flight to the session's client and not noted yet.
    pub(super) fn note_in_flight(&mut self, session_key: SessionKey) {
        // It may have ended since.
        let Some(session) = self.sessions.get_mut(session_key) else { return };
        let unnoted = session.outgoing.take_unnoted();
        let session = &self.sessions[session_key];
        for entry in unnoted.into_iter().filter_map(|sent| session.outgoing.find(sent)) {
            self.journal.changed(session, entry, Direction::Out);
        }
    }
}
