//! That messages are in flight is noted behind their sending: with the end of their connection, and after a while.

use std::time::Duration;

use super::change::{Direction, EntryState};
use super::session::{Entry, SessionKey};
use super::timers::Timer;
use super::{Broker, Now};

/// How long what is in flight may wait in the store, as far as others see that read it.
const NOTED_AFTER: Duration = Duration::from_secs(1);

/// Sessions that are gone through before others have their turn, and the pause until the next.
const NOTED_AT_ONCE: usize = 64;
const PAUSE: Duration = Duration::from_millis(1);

impl Broker {
    /// What was sent to the session's client last is noted later.
    pub(super) fn note_later(&mut self, session_key: SessionKey, now: Now) {
        if self.sessions[session_key].outgoing.note_later() {
            self.unnoted.push(session_key);
            if self.noting.is_none() {
                self.timers.arm(Timer::Noting, &mut self.noting, Some(now.elapsed + NOTED_AFTER));
            }
        }
    }

    /// Notes what is in flight to some of the clients for which it is not noted yet.
    pub(super) fn noting_due(&mut self, now: Now) {
        self.noting = None;
        let rest = self.unnoted.len().saturating_sub(NOTED_AT_ONCE);
        for session_key in self.unnoted.split_off(rest) {
            self.note_in_flight(session_key);
        }
        if !self.unnoted.is_empty() {
            self.timers.arm(Timer::Noting, &mut self.noting, Some(now.elapsed + PAUSE));
        }
    }

    /// Notes all that is in flight to the session's client.
    pub(super) fn note_in_flight(&mut self, session_key: SessionKey) {
        // It may have ended since.
        let Some(session) = self.sessions.get_mut(session_key) else { return };
        let Some(noted) = session.outgoing.note_all() else { return };
        let session = &self.sessions[session_key];
        let is_unnoted = |entry: &&Entry| entry.state == EntryState::WaitForPubAck && entry.sequence > noted;
        for entry in session.outgoing.inflight().filter(is_unnoted) {
            self.journal.changed(session, entry, Direction::Out);
        }
    }
}
