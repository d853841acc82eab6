//! `sub --retained-only`: when a broker has sent all retained messages. Nothing in MQTT says so.
//!
//! After SUBACK the broker is asked something that it has to answer: UNSUBSCRIBE of a filter that nobody is subscribed to
//! [MQTT-3.10.4-5]. A broker that sends in order has sent the retained messages before its answer. One that looks them up
//! beside its connections may not have: therefore it is asked twice, with a pause in which nothing comes. One that sends
//! a retained message behind its answer does not keep the order: when it has sent all is not known then, whatever was
//! waited. At QoS 0 no message waits for an acknowledgement of another.

use std::time::{Duration, Instant};

use crate::mqtt::packet::PacketId;

/// So long nothing has come before the broker is asked for the last time.
const QUIET: Duration = Duration::from_millis(300);

/// An answer that has not come after this time is not waited for.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Wait,
    /// UNSUBSCRIBE from [`RetainedEnd::filter`], and tell [`RetainedEnd::asked`] its id.
    Ask,
    /// There are no more.
    Done,
    /// No more have come; but some came late, so that others may.
    PerhapsDone,
    /// The broker does not answer.
    Unknown,
}

/// Where the search for the end stands.
#[derive(Debug, Default)]
pub struct RetainedEnd {
    state: State,
    /// A retained message has come since the last question.
    heard: bool,
    /// One has come behind an answer.
    late: bool,
    /// What is published meanwhile has the flag of retained messages too (`--retain-as-published`), so that a late one means nothing.
    live_looks_retained: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Subscribing,
    /// Asked at once, if `quiet` is false, or after a pause in which nothing came.
    ToAsk {
        at: Option<Instant>,
        quiet: bool,
    },
    Asked {
        id: PacketId,
        at: Instant,
        quiet: bool,
    },
    Done,
}

impl RetainedEnd {
    /// `live_looks_retained`: live messages keep the flag that their publisher gave them.
    pub fn new(live_looks_retained: bool) -> Self {
        Self { live_looks_retained, ..Self::default() }
    }

    /// A filter that is none of those that are subscribed to.
    pub fn filter(is_subscribed: impl Fn(&str) -> bool) -> String {
        let mut filter = "moskit/retained/end".to_owned();
        while is_subscribed(&filter) {
            filter.push('/');
        }
        filter
    }

    /// A connection begins; the subscription is made again.
    pub fn begin_again(&mut self) {
        *self = Self::new(self.live_looks_retained);
    }

    /// SUBACK has come.
    pub fn subscribed(&mut self) {
        self.state = State::ToAsk { at: None, quiet: false };
        self.heard = false;
    }

    /// A retained message has come.
    pub fn heard(&mut self) {
        self.heard = true;
        self.late |= match self.state {
            State::Subscribing => false,
            State::ToAsk { at, .. } => at.is_some(),
            State::Asked { quiet, .. } => quiet,
            State::Done => true,
        };
    }

    pub fn asked(&mut self, id: PacketId, now: Instant) {
        if let State::ToAsk { quiet, .. } = self.state {
            self.state = State::Asked { id, at: now, quiet };
        }
    }

    /// UNSUBACK has come.
    pub fn answered(&mut self, answer: PacketId, now: Instant) {
        let State::Asked { id, quiet, .. } = self.state else { return };
        if id != answer {
            return;
        }
        let heard = std::mem::take(&mut self.heard);
        self.state = if quiet && !heard { State::Done } else { State::ToAsk { at: Some(now + QUIET), quiet: true } };
    }

    pub fn poll(&mut self, now: Instant) -> Turn {
        match &mut self.state {
            State::ToAsk { at: Some(at), .. } if *at > now => Turn::Wait,
            State::ToAsk { at: Some(at), .. } if std::mem::take(&mut self.heard) => {
                // The pause begins anew.
                *at = now + QUIET;
                Turn::Wait
            }
            State::ToAsk { .. } => Turn::Ask,
            State::Asked { at, .. } if now >= *at + ANSWER_TIMEOUT => Turn::Unknown,
            State::Subscribing | State::Asked { .. } => Turn::Wait,
            State::Done if self.late && !self.live_looks_retained => Turn::PerhapsDone,
            State::Done => Turn::Done,
        }
    }

    /// When [`RetainedEnd::poll`] has something to say, at the latest.
    pub fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::ToAsk { at, .. } => at,
            State::Asked { at, .. } => Some(at + ANSWER_TIMEOUT),
            State::Subscribing | State::Done => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    #[test]
    fn the_end_is_known_after_two_answers_with_a_quiet_pause_between() {
        let start = Instant::now();
        let mut end = RetainedEnd::default();
        assert_eq!(end.poll(start), Turn::Wait);
        end.subscribed();
        assert_eq!(end.poll(start), Turn::Ask);
        end.asked(id(2), start);
        end.heard();
        assert_eq!(end.poll(start), Turn::Wait);
        // The answer to something else.
        end.answered(id(1), start);
        assert_eq!(end.deadline(), Some(start + ANSWER_TIMEOUT));
        end.answered(id(2), start);
        assert_eq!((end.poll(start), end.deadline()), (Turn::Wait, Some(start + QUIET)));
        assert_eq!(end.poll(start + QUIET), Turn::Ask);
        end.asked(id(3), start + QUIET);
        end.answered(id(3), start + QUIET);
        assert_eq!(end.poll(start + QUIET), Turn::Done);
    }

    /// A message comes behind the first answer, and the second question goes out after two pauses.
    fn hear_behind_the_first_answer(end: &mut RetainedEnd, start: Instant) {
        end.subscribed();
        end.asked(id(1), start);
        end.answered(id(1), start);
        end.heard();
        assert_eq!(end.poll(start + QUIET), Turn::Wait);
        assert_eq!(end.poll(start + 2 * QUIET), Turn::Ask);
        end.asked(id(2), start + 2 * QUIET);
    }

    #[test]
    fn messages_that_come_late_are_waited_for() {
        let start = Instant::now();
        let mut end = RetainedEnd::default();
        hear_behind_the_first_answer(&mut end, start);
        end.heard();
        end.answered(id(2), start + 2 * QUIET);
        assert_eq!(end.poll(start + 2 * QUIET), Turn::Wait);
        assert_eq!(end.poll(start + 3 * QUIET), Turn::Ask);
        end.asked(id(3), start + 3 * QUIET);
        end.answered(id(3), start + 3 * QUIET);
        assert_eq!(end.poll(start + 3 * QUIET), Turn::PerhapsDone);
    }

    #[test]
    fn a_message_behind_an_answer_says_nothing_where_live_ones_look_retained() {
        let start = Instant::now();
        for (live_looks_retained, expected) in [(true, Turn::Done), (false, Turn::PerhapsDone)] {
            let mut end = RetainedEnd::new(live_looks_retained);
            end.begin_again();
            hear_behind_the_first_answer(&mut end, start);
            end.answered(id(2), start + 2 * QUIET);
            assert_eq!(end.poll(start + 2 * QUIET), expected);
        }
    }

    #[test]
    fn a_broker_that_does_not_answer_is_not_waited_for_for_ever() {
        let start = Instant::now();
        let mut end = RetainedEnd::default();
        end.subscribed();
        end.asked(id(1), start);
        assert_eq!(end.poll(start + ANSWER_TIMEOUT), Turn::Unknown);
        end.begin_again();
        assert_eq!(end.poll(start + ANSWER_TIMEOUT), Turn::Wait);
    }

    #[test]
    fn the_question_is_about_no_filter_of_ours() {
        let filters = ["moskit/retained/end"];
        assert_eq!(RetainedEnd::filter(|filter| filters.contains(&filter)), "moskit/retained/end/");
    }
}
