//! What a client was sent before the store knows that it was.
//!
//! A message at QoS 1 that waited may be sent again after a kill, with the packet id that was stored with it and with DUP. So
//! nothing has to be stored before it is sent, if the number of such messages has a bound: after a kill, so many of the oldest
//! that wait for a client which was there get DUP [MQTT-3.3.1-1]. That it is in flight is noted later, if it still is.

/// How many of a session's messages may have been sent though they wait, as far as the store knows.
pub(super) const MOST_AHEAD: u64 = 512;

/// What the store knows of a session's messages on their way, by their sequences.
#[derive(Debug)]
pub(super) struct Ahead {
    /// What is in flight up to here is so in the store, too.
    noted: u64,
    /// Nothing up to here waits in the store that was sent, or removed. `None`: that is not known.
    settled: Option<u64>,
    /// A generation of the journal, and what [`Ahead::settled`] is once the store has it.
    settling: Option<(u64, u64)>,
    /// Something in flight may not be so in the store.
    pub(super) is_unnoted: bool,
}

impl Ahead {
    pub(super) const fn new() -> Self {
        Self { noted: 0, settled: None, settling: None, is_unnoted: false }
    }

    /// Whether the message of `sequence` may be sent before the store knows. `oldest`: the sequence of the oldest in flight
    /// that it does not know of. `generation`: of what is noted now.
    pub(super) fn takes(
        &mut self,
        sequence: u64,
        oldest: impl FnOnce(u64) -> Option<u64>,
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
            let up_to = oldest(self.noted).unwrap_or(sequence).saturating_sub(1);
            self.settling = Some((generation, up_to));
        }
        self.settled.is_some_and(|settled| sequence <= settled + MOST_AHEAD)
    }

    /// The newest in flight is noted as such in the store.
    pub(super) fn noted_newest(&mut self, sequence: u64) {
        // What was sent before it may not be.
        if !self.is_unnoted {
            self.noted = sequence;
        }
    }

    /// All up to `sequence` is noted. Says up to where it was before.
    pub(super) fn noted_all(&mut self, sequence: u64) -> u64 {
        self.is_unnoted = false;
        let before = self.noted;
        self.noted = before.max(sequence);
        before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_go_ahead_than_are_said_to_be_after_a_kill() {
        let mut ahead = Ahead::new();
        // The first rests on the store: what was removed before may not be so there yet.
        assert!(!ahead.takes(1001, |_| None, 7, |_| false));
        assert!(!ahead.takes(1002, |_| None, 7, |_| false));
        // 1,000 and all before are settled.
        assert!(ahead.takes(1003, |_| Some(1001), 8, |generation| generation <= 7));
        for sequence in 1004..=1512 {
            assert!(ahead.takes(sequence, |_| None, 9, |generation| generation <= 7), "{sequence}");
        }
        assert!(!ahead.takes(1513, |_| None, 9, |generation| generation <= 7));
        // The store has that all but what is in flight was acknowledged.
        assert!(!ahead.takes(1514, |_| Some(1510), 9, |generation| generation <= 8));
        assert!(ahead.takes(1515, |_| Some(1510), 10, |generation| generation <= 9));
    }

    #[test]
    fn what_is_noted_later_is_known_to_be_unnoted_until_then() {
        let mut ahead = Ahead::new();
        ahead.noted_newest(1);
        ahead.noted_newest(2);
        ahead.is_unnoted = true;
        ahead.noted_newest(4);
        assert_eq!(ahead.noted_all(4), 2);
        assert_eq!(ahead.noted_all(4), 4);
    }
}
