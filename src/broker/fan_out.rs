//! A message for very many clients. It is delivered in slices, and its publisher is answered at the end.
//!
//! Until then the publisher's next packet waits, so that its messages keep their order [MQTT-4.6.0-6]. Who unsubscribes
//! meanwhile may still be delivered to, and gets the UNSUBACK when that is over [MQTT-3.10.4-2].

use std::sync::Arc;

use super::jobs::{Answer, FanOut, InOrder, Job, Receiver, Receivers};
use super::message::Message;
use super::session::SessionKey;
use super::slice::{Progress, Slice};
use super::{Broker, ConnectionId, Now};
use crate::mqtt::packet::{Ack, Packet, ReasonCode};

/// Messages whose receivers are listed at once: each list is as long as the subscriptions at a topic. Others wait.
const LISTS: usize = 16;

/// Messages without a client that wait until earlier ones are delivered. A round of `$SYS` is a quarter of it.
const WAITING: usize = 256;

impl Broker {
    /// A message of a client that goes to very many.
    pub(super) fn fan_out(
        &mut self,
        session_key: SessionKey,
        message: Arc<Message>,
        answer: Option<(ConnectionId, Answer)>,
        now: Now,
    ) {
        let fan_out = FanOut { message, publisher: Some(session_key), receivers: None, answer, given_until: None };
        self.begin(session_key, Job::FanOut(Box::new(fan_out)), now);
    }

    /// A message of nobody who is connected: a will, or of the broker itself. They are delivered one after the other.
    pub(super) fn fan_out_later(&mut self, message: Arc<Message>, now: Now) {
        self.put_off(FanOut { message, publisher: None, receivers: None, answer: None, given_until: None }, now);
    }

    /// Where many wait already, the first of them are delivered at once: who makes them faster than they can be delivered
    /// waits with all others, in place of filling our memory.
    fn put_off(&mut self, fan_out: FanOut, now: Now) {
        while self.fan_outs.len() >= WAITING {
            self.go_on_fanning_out_later(&mut Slice::new(), now);
        }
        self.fan_outs.push_back(fan_out);
    }

    /// Whether messages of the broker itself wait for earlier ones.
    pub fn is_fanning_out(&self) -> bool {
        !self.fan_outs.is_empty()
    }

    /// Does a slice of what has no client any more.
    pub(super) fn go_on_fanning_out_later(&mut self, slice: &mut Slice, now: Now) {
        let Some(mut fan_out) = self.fan_outs.pop_front() else { return };
        if self.go_on_fanning_out(&mut fan_out, slice, now) != Progress::Done {
            self.fan_outs.push_front(fan_out);
        }
    }

    /// Whether a message of the same client goes to very many though its session has ended, as a will does: a client that is
    /// back comes behind what it has published before [MQTT-4.6.0-6].
    pub(super) fn has_earlier_fan_out(&self, message: &Message) -> bool {
        if self.fan_outs.is_empty() {
            return false;
        }
        let client_id = &message.source.client_id;
        self.fan_outs.iter().any(|earlier| earlier.message.source.client_id == *client_id)
    }

    /// Delivers them to all who are left, and what stands in the queue before them.
    pub(super) fn finish_earlier_fan_outs(&mut self, message: &Message, now: Now) {
        while self.has_earlier_fan_out(message) {
            self.go_on_fanning_out_later(&mut Slice::new(), now);
        }
    }

    /// Delivers to all who are left.
    pub(super) fn finish_fan_outs(&mut self, now: Now) {
        while self.is_fanning_out() {
            self.go_on_fanning_out_later(&mut Slice::new(), now);
        }
    }

    /// What the client has published goes to all who are left before anything that has to come behind it.
    pub(super) fn finish_fan_outs_of(&mut self, session_key: SessionKey, now: Now) {
        while let Some(session) = self.sessions.get_mut(session_key)
            && let Some(at) = session.jobs.list.iter().position(|job| matches!(job, Job::FanOut(_)))
            && let Some(Job::FanOut(mut fan_out)) = session.jobs.list.remove(at)
        {
            // It does not wait for a list as it would among others.
            if fan_out.receivers.is_none() {
                self.finish_earlier_fan_outs(&fan_out.message, now);
                let in_order = self.order_of(fan_out.publisher, fan_out.answer, fan_out.given_until);
                fan_out.receivers = Some(self.receivers(&fan_out.message, fan_out.publisher, in_order));
            }
            while self.go_on_fanning_out(&mut fan_out, &mut Slice::new(), now) != Progress::Done {}
        }
    }

    /// Its client has gone: the rest is delivered all the same.
    pub(super) fn adopt_fan_out(&mut self, fan_out: FanOut, now: Now) {
        self.put_off(FanOut { publisher: None, answer: None, ..fan_out }, now);
    }

    pub(super) fn go_on_fanning_out(&mut self, fan_out: &mut FanOut, slice: &mut Slice, now: Now) -> Progress {
        let FanOut { message, publisher, receivers, answer, given_until } = fan_out;
        let receivers = match receivers {
            Some(receivers) => receivers,
            None if publisher.is_some() && self.has_earlier_fan_out(message) => return self.behind_others(),
            // The first one of those without a client always goes on.
            None if self.fanning_out.len() >= LISTS && publisher.is_some() => return self.behind_others(),
            none => {
                let in_order = self.order_of(*publisher, *answer, *given_until);
                none.insert(self.receivers(message, *publisher, in_order))
            }
        };
        if receivers.in_order.is_some() && !self.put_in_order(receivers, slice) {
            return Progress::Cut;
        }
        let mut ends_here = false;
        if let (Some(session_key), &mut Some((_, Answer::PubComp(packet_id)))) = (*publisher, &mut *answer)
            && receivers.in_order.is_some()
        {
            while let Some(receiver) = self.next_in_order(session_key, packet_id, receivers, slice) {
                slice.spend(1);
                self.deliver_to(&receiver, receivers.begun, message, slice, now);
            }
            if receivers.has_next() {
                return Progress::Cut;
            }
            // That the message is done with goes into the transaction of its last receivers.
            ends_here = true;
        }
        while ends_here || !slice.is_over() {
            slice.spend(1);
            if let Some(receiver) = receivers.next() {
                self.deliver_to(&receiver, receivers.begun, message, slice, now);
                continue;
            }
            self.fanning_out.remove(&receivers.begun);
            if let (Some(session_key), Some((connection, answer))) = (*publisher, fan_out.answer.take()) {
                self.answer_publisher(session_key, connection, answer, now);
            }
            return Progress::Done;
        }
        Progress::Cut
    }

    /// `begun`: when the message was on its way to them first.
    fn deliver_to(&mut self, receiver: &Receiver, begun: u64, message: &Arc<Message>, slice: &mut Slice, now: Now) {
        match receiver {
            Receiver::Subscriber(subscriber) => {
                // A session that began since may have the key of one that has ended.
                if self.sessions.get(subscriber.session).is_some_and(|session| session.began <= begun) {
                    self.deliver_to_subscription(subscriber, subscriber.identifier.as_slice(), None, message, now);
                }
            }
            Receiver::Group(filter) => {
                let before = self.steps;
                self.deliver_to_group(filter, message, now);
                slice.spend((self.steps - before) as usize);
            }
        }
    }

    /// All who are to get the message, but that of a shared subscription its members are asked later.
    fn receivers(&mut self, message: &Message, publisher: Option<SessionKey>, in_order: Option<InOrder>) -> Receivers {
        let mut subscribers = Vec::new();
        self.find_subscribers(message, publisher, &mut subscribers);
        let groups = self.router.groups(&message.topic).to_vec().into_iter();
        let in_order = in_order.map(Box::new);
        self.moment += 1;
        self.fanning_out.insert(self.moment);
        Receivers { begun: self.moment, subscribers: subscribers.into_iter(), groups, in_order }
    }

    /// Whether something is under way to those who were subscribed at that moment.
    pub(super) fn fans_out_since(&self, moment: u64) -> bool {
        self.fanning_out.first().is_some_and(|&first| first <= moment)
    }

    fn answer_publisher(&mut self, session_key: SessionKey, connection: ConnectionId, answer: Answer, now: Now) {
        let Some(session) = self.sessions.get(session_key) else { return };
        let key = session.connection.filter(|&key| self.connections[key].id == connection);
        let packet = match answer {
            Answer::PubAck(packet_id) => {
                let Some(key) = key else { return };
                Packet::PubAck(self.reasoned(key, packet_id, ReasonCode::SUCCESS))
            }
            Answer::PubComp(packet_id) => {
                self.forget_incoming(session_key, packet_id);
                Packet::PubComp(Ack::new(packet_id))
            }
        };
        let Some(key) = key else { return };
        if self.storing {
            let before = self.connections[key].output.so_far();
            self.send(key, &packet);
            // The answer rests on the changes of earlier slices, too.
            self.rest_on_store(key, before);
        } else if self.journal.is_enabled() {
            // Some of the changes of earlier slices may be lost.
            self.end(key, super::Closing::ImplementationError, now);
        }
    }
}
