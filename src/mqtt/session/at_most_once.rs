//! Which messages of QoS 0 the server has read, as far as that can be known. Nobody acknowledges them (§4.3.1), but a server
//! takes the packets of a connection one after the other: the answer to a PINGREQ says that it has read what went before it.

use std::collections::VecDeque;

/// The messages of QoS 0 of one connection that nothing shows to have been read.
#[derive(Clone, Debug, Default)]
pub(super) struct AtMostOnce {
    /// Those after the last PINGREQ that is kept below.
    since_ping: u64,
    /// PINGREQs without an answer that somebody has an interest in: an asked one, and one of the keep-alive behind messages.
    pings: VecDeque<Ping>,
    sent: u64,
    answered: u64,
}

#[derive(Clone, Copy, Debug)]
struct Ping {
    /// Its number among the PINGREQs of the connection, from 1.
    number: u64,
    /// Messages between it and the one before.
    messages: u64,
    is_asked: bool,
}

impl AtMostOnce {
    #[inline]
    pub(super) fn note_published(&mut self) {
        self.since_ping += 1;
    }

    /// A PINGREQ goes out: the owner's question, or the keep-alive's.
    pub(super) fn note_ping(&mut self, is_asked: bool) {
        self.sent += 1;
        let messages = std::mem::take(&mut self.since_ping);
        if messages > 0 || is_asked {
            self.pings.push_back(Ping { number: self.sent, messages, is_asked });
        }
    }

    /// PINGRESP has come: whether it answers a question of the owner.
    pub(super) fn handle_answer(&mut self) -> bool {
        // Beyond those that were sent nothing can be answered.
        self.answered = (self.answered + 1).min(self.sent);
        let answered = self.answered;
        let is_first = self.pings.front().is_some_and(|ping| ping.number <= answered);
        is_first && self.pings.pop_front().is_some_and(|ping| ping.is_asked)
    }

    /// Messages that may not have been read.
    pub(super) fn unconfirmed(&self) -> u64 {
        self.since_ping + self.pings.iter().map(|ping| ping.messages).sum::<u64>()
    }

    /// Whether a question of the owner is without an answer.
    pub(super) fn is_asked(&self) -> bool {
        self.pings.iter().any(|ping| ping.is_asked)
    }

    /// PINGREQs of this connection.
    pub(super) fn pings(&self) -> u64 {
        self.sent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_confirms_what_went_before_its_ping_and_nothing_else() {
        let mut sent = AtMostOnce::default();
        sent.note_published();
        sent.note_ping(false);
        sent.note_published();
        sent.note_published();
        sent.note_ping(true);
        sent.note_published();
        assert_eq!((sent.unconfirmed(), sent.is_asked()), (4, true));
        assert!(!sent.handle_answer());
        assert_eq!(sent.unconfirmed(), 3);
        assert!(sent.handle_answer());
        assert_eq!((sent.unconfirmed(), sent.is_asked(), sent.pings()), (1, false, 2));
    }

    #[test]
    fn pings_without_messages_are_only_counted() {
        let mut sent = AtMostOnce::default();
        for _ in 0..3 {
            sent.note_ping(false);
        }
        sent.note_published();
        sent.note_ping(true);
        assert_eq!(sent.pings.len(), 1);
        for _ in 0..3 {
            assert!(!sent.handle_answer());
            assert_eq!(sent.unconfirmed(), 1);
        }
        assert!(sent.handle_answer());
        // A server that answers more often than it was asked confirms nothing by that.
        assert!(!sent.handle_answer());
        sent.note_published();
        assert_eq!(sent.unconfirmed(), 1);
    }
}
