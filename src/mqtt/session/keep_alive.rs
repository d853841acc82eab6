//! When to send PINGREQ and when to give up, as libmosquitto does.

use std::time::{Duration, Instant};

/// The times that one connection's keep-alive needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeepAlive {
    /// `None` = none.
    interval: Option<Duration>,
    sent: Instant,
    received: Instant,
    ping_unanswered: bool,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Nothing,
    Ping,
    GiveUp,
}

impl KeepAlive {
    pub(super) fn new(seconds: u16, now: Instant) -> Self {
        let mut keep_alive = Self { interval: None, sent: now, received: now, ping_unanswered: false };
        keep_alive.set_interval(seconds);
        keep_alive
    }

    pub(super) fn set_interval(&mut self, seconds: u16) {
        self.interval = (seconds > 0).then(|| Duration::from_secs(u64::from(seconds)));
    }

    #[inline]
    pub(super) fn note_sent(&mut self, now: Instant) {
        self.sent = now;
    }

    #[inline]
    pub(super) fn note_received(&mut self, now: Instant) {
        self.received = now;
    }

    /// When something went out last.
    pub(super) fn last_sent(&self) -> Instant {
        self.sent
    }

    pub(super) fn note_ping_answered(&mut self) {
        self.ping_unanswered = false;
    }

    /// When silence in one of the directions has lasted for the interval.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.interval.map(|interval| self.sent.min(self.received) + interval)
    }

    /// Whether a PINGREQ is to go out although something may still be read: giving up can wait, a ping cannot.
    #[inline]
    pub(super) fn is_ping_due(&self, now: Instant) -> bool {
        !self.ping_unanswered && self.deadline().is_some_and(|deadline| now >= deadline)
    }

    /// While nothing is read: whether a PINGREQ is to go out, be the one before it answered or not. What the server may have
    /// sent is not known, so it is not taken for silent.
    pub(super) fn ping_unheard(&mut self, now: Instant) -> bool {
        self.received = now;
        let is_due = self.interval.is_some_and(|interval| now >= self.sent + interval);
        if is_due {
            self.sent = now;
            self.ping_unanswered = true;
        }
        is_due
    }

    /// When [`KeepAlive::ping_unheard`] has something to do.
    pub(super) fn unheard_deadline(&self) -> Option<Instant> {
        self.interval.map(|interval| self.sent + interval)
    }

    /// `connected`: the server has accepted. Until it has, no PINGREQ is sent and the first interval is the last.
    pub(super) fn check(&mut self, connected: bool, now: Instant) -> Due {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Due::Nothing;
        }
        if !connected || self.ping_unanswered {
            return Due::GiveUp;
        }
        // [MQTT-3.1.2-20]. The server gets a whole interval to answer.
        self.sent = now;
        self.received = now;
        self.ping_unanswered = true;
        Due::Ping
    }
}
