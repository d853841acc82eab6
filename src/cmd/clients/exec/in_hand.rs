//! The messages whose commands have not ended, or whose acknowledgements wait for those of messages before them. Pure.
//!
//! Commands of one topic run one after the other. Acknowledgements go out in the order in which the messages came
//! [MQTT-4.6.0-2] [MQTT-4.6.0-3], whatever the order in which their commands end.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use bytestring::ByteString;

use crate::mqtt::packet::{PacketId, Publish, QoS};

/// Bytes of topics and payloads in hand above which no more is read. One message may be larger.
const MAXIMUM_BYTES: usize = 32 * 1024 * 1024;

/// Which message: they are numbered as they come.
pub type Number = u64;

/// How much may be in hand, and how much at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Commands at once.
    pub jobs: usize,
    /// Messages: the Receive Maximum.
    pub messages: usize,
    /// The broker keeps to it at QoS 1 and 2, §4.9. Before version 5 nobody does but us, by reading no more.
    pub is_announced: bool,
}

#[derive(Debug)]
pub struct InHand {
    limits: Limits,
    next: Number,
    messages: HashMap<Number, Message>,
    /// The messages of the present connection that are to be acknowledged, in the order in which they came.
    received: VecDeque<Number>,
    /// By packet id the messages above QoS 0 that may come again.
    by_id: HashMap<PacketId, Number>,
    /// Messages of lost connections whose commands have ended well, which may come again to be acknowledged.
    ended: HashMap<PacketId, Likeness>,
    /// Messages whose topic no command is running for.
    startable: VecDeque<Number>,
    /// The topics that a message of is startable or running, and the messages that wait behind it.
    topics: HashMap<ByteString, VecDeque<Number>>,
    running: usize,
    at_qos_0: usize,
    bytes: usize,
    is_stopped: bool,
}

#[derive(Debug)]
struct Message {
    publish: Publish,
    likeness: Likeness,
    state: State,
    /// It came on the present connection, which it can be acknowledged on.
    is_owed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Running,
    /// Its command has ended well, or none was to be run for it.
    Done,
    /// Its command has failed, and it is not acknowledged.
    Failed,
}

/// What a message that is sent again has in common with itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Likeness(u64);

impl Likeness {
    fn of(publish: &Publish) -> Self {
        let mut hasher = DefaultHasher::new();
        (&*publish.topic, &*publish.payload, publish.qos as u8).hash(&mut hasher);
        Self(hasher.finish())
    }
}

impl InHand {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            next: 0,
            messages: HashMap::new(),
            received: VecDeque::new(),
            by_id: HashMap::new(),
            ended: HashMap::new(),
            startable: VecDeque::new(),
            topics: HashMap::new(),
            running: 0,
            at_qos_0: 0,
            bytes: 0,
            is_stopped: false,
        }
    }

    /// Takes a message to be run; whether it is. One that came before on a lost connection is not run again.
    pub fn handle_message(&mut self, publish: Publish) -> bool {
        if self.is_repeated(&publish) {
            return false;
        }
        let number = self.add(publish, State::Waiting);
        let topic = self.messages[&number].publish.topic.clone();
        if let Some(waiting) = self.topics.get_mut(&topic) {
            waiting.push_back(number);
        } else {
            self.topics.insert(topic, VecDeque::new());
            self.startable.push_back(number);
        }
        true
    }

    /// Takes a message that nothing is run for: its acknowledgement has its turn, too.
    pub fn handle_passed_over(&mut self, publish: Publish) {
        if publish.qos != QoS::AtMostOnce && !self.is_repeated(&publish) {
            self.add(publish, State::Done);
        }
    }

    /// Whether a message has come before and its command is known.
    fn is_repeated(&mut self, publish: &Publish) -> bool {
        let Some(id) = publish.packet_id else { return false };
        let likeness = Likeness::of(publish);
        if !publish.dup {
            // The id belongs to another message now.
            self.ended.remove(&id);
            return false;
        }
        if self.ended.remove(&id).is_some_and(|ended| ended == likeness) {
            self.add(publish.clone(), State::Done);
            return true;
        }
        let Some(number) = self.by_id.get(&id) else { return false };
        let Some(message) = self.messages.get_mut(number).filter(|message| message.likeness == likeness) else {
            return false;
        };
        if !std::mem::replace(&mut message.is_owed, true) {
            self.received.push_back(*number);
        }
        true
    }

    fn add(&mut self, mut publish: Publish, state: State) -> Number {
        let likeness = Likeness::of(&publish);
        if state == State::Done {
            publish.payload.clear();
        }
        let number = self.next;
        self.next += 1;
        let is_owed = publish.packet_id.is_some();
        if let Some(id) = publish.packet_id {
            self.by_id.insert(id, number);
            self.received.push_back(number);
        } else {
            self.at_qos_0 += 1;
        }
        self.bytes += size(&publish);
        self.messages.insert(number, Message { publish, likeness, state, is_owed });
        number
    }

    /// Whether more is to be read from the broker.
    pub fn has_room(&self) -> bool {
        let held_by_us = if self.limits.is_announced { self.at_qos_0 } else { self.messages.len() };
        // More than it was told to send is a fault of the broker, which gets nothing out of it.
        held_by_us < self.limits.messages && self.received.len() <= self.limits.messages && self.bytes < MAXIMUM_BYTES
    }

    /// Nothing is in hand.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// From now on nothing is begun.
    pub fn stop(&mut self) {
        self.is_stopped = true;
    }

    /// The next message whose command is to be run now. It counts as running.
    pub fn poll_start(&mut self) -> Option<(Number, &Publish)> {
        if self.is_stopped || self.running >= self.limits.jobs {
            return None;
        }
        let number = self.startable.pop_front()?;
        let message = self.messages.get_mut(&number)?;
        message.state = State::Running;
        self.running += 1;
        Some((number, &message.publish))
    }

    /// A command has ended. `is_over`: its message is done with, and may be acknowledged.
    pub fn handle_end(&mut self, number: Number, is_over: bool) {
        let Some(message) = self.messages.get_mut(&number) else { return };
        self.running -= 1;
        message.state = if is_over { State::Done } else { State::Failed };
        // Nobody needs the payload any more.
        let payload = std::mem::take(&mut message.publish.payload);
        self.bytes -= payload.len();
        let topic = message.publish.topic.clone();
        match self.topics.get_mut(&topic).and_then(VecDeque::pop_front) {
            Some(next) => self.startable.push_back(next),
            None => drop(self.topics.remove(&topic)),
        }
        if !message.is_owed {
            self.forget(number);
        }
    }

    /// The next message to be acknowledged: all that came before it are.
    pub fn poll_acknowledgement(&mut self) -> Option<Publish> {
        let number = *self.received.front()?;
        if self.messages.get(&number)?.state != State::Done {
            return None;
        }
        self.received.pop_front();
        self.remove(number)
    }

    /// The connection is gone: what was not acknowledged on it comes again, if the session is kept.
    pub fn handle_closed(&mut self) {
        for number in std::mem::take(&mut self.received) {
            let Some(message) = self.messages.get_mut(&number) else { continue };
            message.is_owed = false;
            if matches!(message.state, State::Done | State::Failed) {
                self.forget(number);
            }
        }
    }

    /// Another connection. Without the session nothing comes again; what is in hand is run all the same.
    pub fn handle_connected(&mut self, session_present: bool) {
        if !session_present {
            self.ended.clear();
            self.by_id.clear();
        }
    }

    /// Lets go of a message that cannot be acknowledged now, and remembers if it need not be run again.
    fn forget(&mut self, number: Number) {
        let Some(message) = self.messages.get(&number) else { return };
        let (is_done, likeness) = (message.state == State::Done, message.likeness);
        let is_known = |id: &PacketId| self.by_id.get(id) == Some(&number);
        let id = message.publish.packet_id.filter(is_known);
        self.remove(number);
        if let Some(id) = id.filter(|_| is_done) {
            self.ended.insert(id, likeness);
        }
    }

    fn remove(&mut self, number: Number) -> Option<Publish> {
        let publish = self.messages.remove(&number)?.publish;
        self.bytes -= size(&publish);
        match publish.packet_id {
            Some(id) if self.by_id.get(&id) == Some(&number) => drop(self.by_id.remove(&id)),
            Some(_) => {}
            None => self.at_qos_0 -= 1,
        }
        Some(publish)
    }
}

fn size(publish: &Publish) -> usize {
    publish.topic.len() + publish.payload.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mqtt::packet::Properties;

    fn in_hand(jobs: usize) -> InHand {
        InHand::new(Limits { jobs, messages: 4, is_announced: true })
    }

    fn message(qos: QoS, id: u16, topic: &'static str) -> Publish {
        Publish {
            dup: false,
            qos,
            retain: false,
            topic: ByteString::from_static(topic),
            packet_id: PacketId::new(id),
            properties: Properties::new(),
            payload: vec![b'x'; usize::from(id)].into(),
        }
    }

    fn at_least_once(id: u16, topic: &'static str) -> Publish {
        message(QoS::AtLeastOnce, id, topic)
    }

    fn started(in_hand: &mut InHand) -> Vec<Number> {
        std::iter::from_fn(|| in_hand.poll_start().map(|(number, _)| number)).collect()
    }

    fn acknowledged(in_hand: &mut InHand) -> Vec<u16> {
        std::iter::from_fn(|| in_hand.poll_acknowledgement()).map(|publish| publish.packet_id.unwrap().get()).collect()
    }

    #[test]
    fn commands_of_one_topic_run_one_after_the_other_and_others_beside_them() {
        let mut in_hand = in_hand(2);
        for (id, topic) in [(1, "a"), (2, "a"), (3, "b"), (4, "c")] {
            in_hand.handle_message(at_least_once(id, topic));
        }
        assert_eq!(started(&mut in_hand), [0, 2]);
        in_hand.handle_end(2, true);
        assert_eq!(started(&mut in_hand), [3]);
        in_hand.handle_end(0, true);
        assert_eq!(started(&mut in_hand), [1]);
    }

    #[test]
    fn mqtt_4_6_0_2_acknowledgements_keep_the_order_of_the_messages() {
        let mut in_hand = in_hand(4);
        for (id, topic) in [(1, "a"), (2, "b"), (4, "d")] {
            in_hand.handle_message(at_least_once(id, topic));
        }
        in_hand.handle_passed_over(at_least_once(3, "c"));
        started(&mut in_hand);
        in_hand.handle_end(1, true);
        assert_eq!(acknowledged(&mut in_hand), [0; 0]);
        in_hand.handle_end(0, true);
        assert_eq!(acknowledged(&mut in_hand), [1, 2]);
        in_hand.handle_end(2, true);
        assert_eq!(acknowledged(&mut in_hand), [4, 3]);
        assert!(in_hand.is_empty() && in_hand.bytes == 0);
    }

    #[test]
    fn a_message_whose_command_fails_holds_back_all_that_came_after_it() {
        let mut in_hand = in_hand(4);
        for (id, topic) in [(1, "a"), (2, "b"), (3, "c")] {
            in_hand.handle_message(at_least_once(id, topic));
        }
        started(&mut in_hand);
        for (number, is_over) in [(2, true), (1, false), (0, true)] {
            in_hand.handle_end(number, is_over);
        }
        assert_eq!(acknowledged(&mut in_hand), [1]);
    }

    #[test]
    fn what_has_run_on_a_lost_connection_is_acknowledged_when_it_comes_again_and_not_run() {
        let mut in_hand = in_hand(1);
        for (id, topic) in [(1, "a"), (2, "b"), (3, "c")] {
            in_hand.handle_message(at_least_once(id, topic));
        }
        assert_eq!(started(&mut in_hand), [0]);
        in_hand.handle_end(0, true);
        assert_eq!(started(&mut in_hand), [1]);
        in_hand.handle_closed();
        in_hand.handle_connected(true);
        assert_eq!(acknowledged(&mut in_hand), [0; 0], "the connection that they came on is gone");
        for (id, topic) in [(1, "a"), (2, "b"), (3, "c")] {
            in_hand.handle_message(Publish { dup: true, ..at_least_once(id, topic) });
        }
        assert_eq!(acknowledged(&mut in_hand), [1]);
        in_hand.handle_end(1, true);
        assert_eq!(started(&mut in_hand), [2]);
        in_hand.handle_end(2, true);
        assert_eq!((started(&mut in_hand), acknowledged(&mut in_hand)), (vec![], vec![2, 3]));
        assert!(in_hand.is_empty());
    }

    #[test]
    fn an_id_that_another_message_has_now_is_no_repetition() {
        let mut in_hand = in_hand(1);
        in_hand.handle_message(at_least_once(1, "a"));
        started(&mut in_hand);
        in_hand.handle_closed();
        in_hand.handle_connected(true);
        in_hand.handle_end(0, true);
        // Once without DUP, once with another topic.
        in_hand.handle_message(at_least_once(1, "a"));
        assert_eq!(started(&mut in_hand), [1]);
        in_hand.handle_message(Publish { dup: true, ..at_least_once(1, "b") });
        in_hand.handle_end(1, true);
        assert_eq!(started(&mut in_hand), [2]);
        in_hand.handle_end(2, true);
        assert_eq!(acknowledged(&mut in_hand), [1, 1]);
    }

    #[test]
    fn without_its_session_what_is_in_hand_is_run_and_not_acknowledged() {
        let mut in_hand = in_hand(1);
        in_hand.handle_message(at_least_once(1, "a"));
        in_hand.handle_message(message(QoS::ExactlyOnce, 2, "b"));
        in_hand.handle_closed();
        in_hand.handle_connected(false);
        assert_eq!(started(&mut in_hand), [0]);
        in_hand.handle_end(0, true);
        assert_eq!(started(&mut in_hand), [1]);
        in_hand.handle_message(Publish { dup: true, ..at_least_once(1, "a") });
        in_hand.handle_end(1, true);
        assert_eq!(started(&mut in_hand), [2], "it is another session's");
        in_hand.handle_end(2, true);
        assert_eq!(acknowledged(&mut in_hand), [1]);
        assert!(in_hand.is_empty());
    }

    #[test]
    fn the_receive_maximum_bounds_what_is_in_hand() {
        let mut in_hand = in_hand(1);
        for _ in 0..4 {
            assert!(in_hand.has_room());
            in_hand.handle_message(message(QoS::AtMostOnce, 0, "a"));
        }
        assert!(!in_hand.has_room());
        started(&mut in_hand);
        in_hand.handle_end(0, true);
        assert!(in_hand.has_room());
        let mut before_5 = InHand::new(Limits { jobs: 1, messages: 2, is_announced: false });
        before_5.handle_message(at_least_once(1, "a"));
        assert!(before_5.has_room());
        before_5.handle_message(at_least_once(2, "a"));
        assert!(!before_5.has_room());
    }

    #[test]
    fn large_payloads_bound_it_earlier() {
        let mut in_hand = in_hand(1);
        in_hand.handle_message(Publish { payload: vec![0; MAXIMUM_BYTES].into(), ..at_least_once(1, "a") });
        assert!(!in_hand.has_room());
        started(&mut in_hand);
        in_hand.handle_end(0, true);
        assert!(in_hand.has_room());
    }

    #[test]
    fn nothing_is_begun_any_more_after_a_stop() {
        let mut in_hand = in_hand(2);
        in_hand.handle_message(at_least_once(1, "a"));
        in_hand.stop();
        assert_eq!(started(&mut in_hand), [0; 0]);
    }
}
