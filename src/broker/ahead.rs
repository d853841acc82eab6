//! What a client was sent before the store knows that it was.
//!
//! A message at QoS 1 that waited may be sent again after a kill, with the packet id that was stored with it and with DUP. So
//! nothing has to be stored before it is sent, if the number of such messages has a bound: after a kill, so many of the oldest
//! that wait for a client which was there get DUP [MQTT-3.3.1-1]. That it is in flight is noted later, if it still is.

use std::collections::VecDeque;

use crate::mqtt::packet::PacketId;

/// How many of a session's messages may have been sent though they wait, as far as the store knows.
pub(super) const MOST_AHEAD: u64 = 512;

/// What the store knows of a session's messages on their way, by their sequences.
#[derive(Debug)]
pub(super) struct Ahead {
    /// What was sent before the store knows that it is in flight, in that order; some of it may not be in flight any more.
    unnoted: VecDeque<Sent>,
    /// Something was sent so since that was noted last.
    is_to_be_noted: bool,
    /// Nothing up to here waits in the store that was sent, or removed. `None`: that is not known.
    settled: Option<u64>,
    /// A generation of the journal, and what [`Ahead::settled`] is once the store has it.
    settling: Option<(u64, u64)>,
}

/// One message as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) packet_id: PacketId,
    pub(super) sequence: u64,
}

impl Ahead {
    pub(super) const fn new() -> Self {
        Self { unnoted: VecDeque::new(), is_to_be_noted: false, settled: None, settling: None }
    }

    /// Whether the message of `sequence` may be sent before the store knows. `generation`: of what is noted now.
    pub(super) fn takes(
        &mut self,
        sequence: u64,
        is_in_flight: impl Fn(Sent) -> bool,
        generation: u64,
        has_stored: impl Fn(u64) -> bool,
    ) -> bool {
        if let Some((generation, up_to)) = self.settling
            && has_stored(generation)
        {
            self.settled = Some(up_to);
            self.settling = None;
        }
        if self.settling.is_none() {
            while self.unnoted.front().is_some_and(|&oldest| !is_in_flight(oldest)) {
                self.unnoted.pop_front();
            }
            let oldest = self.unnoted.front().map_or(sequence, |oldest| oldest.sequence);
            self.settling = Some((generation, oldest.saturating_sub(1)));
        }
        self.settled.is_some_and(|settled| sequence <= settled + MOST_AHEAD)
    }

    /// The message is sent, and the store does not know. Says whether it is the first since such were noted last.
    pub(super) fn sent(&mut self, sent: Sent) -> bool {
        self.unnoted.push_back(sent);
        !std::mem::replace(&mut self.is_to_be_noted, true)
    }

    /// How many there are at most of which the store does not know. It is some more than [`MOST_AHEAD`] at most.
    pub(super) fn unnoted(&self) -> usize {
        self.unnoted.len()
    }

    /// What was sent before the store knows is noted, as far as it is still in flight.
    pub(super) fn take_unnoted(&mut self) -> VecDeque<Sent> {
        self.is_to_be_noted = false;
        std::mem::take(&mut self.unnoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(sequence: u64) -> Sent {
        Sent { packet_id: PacketId::new(sequence as u16).unwrap(), sequence }
    }

    #[test]
    fn no_more_go_ahead_than_are_said_to_be_after_a_kill() {
        let mut ahead = Ahead::new();
        let none = |_| false;
        // The first rests on the store: what was removed before may not be so there yet.
        assert!(!ahead.takes(1001, none, 7, |_| false));
        assert!(!ahead.takes(1002, none, 7, |_| false));
        // 1,000 and all before are settled.
        assert!(ahead.takes(1003, none, 8, |generation| generation <= 7));
        assert!(ahead.sent(sent(1003)));
        for sequence in 1004..=1512 {
            assert!(ahead.takes(sequence, none, 9, |generation| generation <= 7), "{sequence}");
            assert!(!ahead.sent(sent(sequence)));
        }
        assert!(!ahead.takes(1513, none, 9, |generation| generation <= 7));
        // The store has that all but these were acknowledged.
        let from_1510 = |sent: Sent| sent.sequence >= 1510;
        assert!(ahead.takes(1514, from_1510, 9, |generation| generation <= 8), "1,002 and all before are settled");
        assert!(!ahead.takes(1515, from_1510, 9, |generation| generation <= 8));
        assert!(ahead.takes(1516, from_1510, 10, |generation| generation <= 9));
        assert_eq!(ahead.unnoted(), 3, "those that were acknowledged are forgotten");
    }

    #[test]
    fn what_is_noted_later_is_known_until_then() {
        let mut ahead = Ahead::new();
        assert!(ahead.sent(sent(1)));
        assert!(!ahead.sent(sent(2)));
        assert_eq!(ahead.take_unnoted(), [sent(1), sent(2)]);
        assert_eq!(ahead.take_unnoted(), []);
        assert!(ahead.sent(sent(3)));
        // It was acknowledged, and is noted once all the same.
        ahead.takes(4, |_| false, 1, |_| true);
        assert_eq!(ahead.unnoted(), 0);
        assert!(!ahead.sent(sent(4)));
    }
}
