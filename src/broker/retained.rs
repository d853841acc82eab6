//! The rules of retained messages, §3.3.1.3: which are kept, who gets them when, and how they end.

use std::ops::Bound;
use std::sync::Arc;

use super::change::Change;
use super::deliver::Delivery;
use super::message::{Message, MessageId, Source};
use super::retained_messages::Matched;
use super::router::Subscriber;
use super::timers::Timer;
use super::{Broker, Identity, ListenerId, Now};
use crate::mqtt::packet::RetainHandling;
use crate::mqtt::topic::SubscriptionFilter;

/// Retained messages that a sweep looks at before others have their turn.
const SWEPT_AT_ONCE: usize = 1024;

/// Whether a subscription asks for retained messages, by its Retain Handling; `is_new`: it was not there before.
pub(super) fn wants_retained(filter: &SubscriptionFilter, handling: RetainHandling, is_new: bool) -> bool {
    // Shared subscriptions get none, §4.8.2.
    !filter.is_shared()
        && match handling {
            // [MQTT-3.3.1-9] [MQTT-3.8.4-4]
            RetainHandling::SendAtSubscribe => true,
            // [MQTT-3.3.1-10]
            RetainHandling::SendIfNew => is_new,
            // [MQTT-3.3.1-11]
            RetainHandling::DoNotSend => false,
        }
}

impl Broker {
    /// Keeps a message with RETAIN as that of its topic [MQTT-3.3.1-5].
    pub(super) fn retain(&mut self, message: &Arc<Message>) {
        // An empty payload takes the retained message away and is not retained itself [MQTT-3.3.1-6] [MQTT-3.3.1-7].
        if message.payload.is_empty() {
            self.unretain(&message.topic);
            return;
        }
        let old = self.retained.insert(message);
        if !is_persisted(&message.topic) {
            return;
        }
        self.journal.hold(message);
        self.journal.push(Change::Retained { topic: message.topic.clone(), message: message.id });
        if let Some(old) = old {
            self.journal.release(old);
        }
    }

    /// Takes the retained message of the topic away.
    pub(super) fn unretain(&mut self, topic: &str) {
        if let Some(old) = self.retained.remove(topic)
            && is_persisted(topic)
        {
            self.journal.push(Change::RetainedRemoved { topic: topic.into() });
            self.journal.release(old);
        }
    }

    /// Sets the timer to the next sweep, `retain_expiry_interval` from now.
    pub(super) fn arm_sweep(&mut self, now: Now) {
        let at = self.settings.retain_expiry_interval.map(|interval| now.elapsed + interval);
        self.timers.arm(Timer::RetainedSweep, &mut self.sweep, at);
    }

    /// Begins to remove retained messages whose time is over.
    pub(super) fn sweep(&mut self, now: Now) {
        self.sweep = None;
        self.sweep_after(Bound::Unbounded, now);
    }

    /// Does a slice of a sweep.
    pub(super) fn sweep_after(&mut self, after: Bound<MessageId>, now: Now) {
        let (expired, last) = self.retained.expired(after, SWEPT_AT_ONCE, now.wall);
        self.sweeping = last.map(Bound::Excluded);
        for topic in expired {
            self.unretain(&topic);
        }
        if self.sweeping.is_none() {
            self.arm_sweep(now);
        }
    }

    /// Delivers a retained message to a client that has just subscribed.
    pub(super) fn deliver_retained(&mut self, subscriber: &Subscriber, message: &Matched<'_>, now: Now) {
        let content = message.content();
        if self.settings.check_retain_source && !self.source_may_publish(message.source(), content.topic) {
            return;
        }
        let identifiers = subscriber.identifier.as_slice();
        let delivery = Delivery { qos: subscriber.options.qos, retain: true, identifiers, shared: None };
        self.deliver_content(subscriber.session, content, || message.whole(), &delivery, now);
    }

    /// Whether the client that a retained message or a will came from may still publish it, by the rules of the listener it came
    /// through. All that outlives a restart of that is its port: where several listeners have it, or none has any more, all of
    /// them must agree.
    pub(super) fn source_may_publish(&self, source: &Source, topic: &str) -> bool {
        // The broker itself may publish everything.
        if source.client_id.is_empty() {
            return true;
        }
        let may = |listener: usize| {
            let listener = ListenerId(listener as u16);
            let who = Identity { client_id: &source.client_id, username: source.username.as_deref(), listener };
            self.access.may_publish(who, topic)
        };
        let is_its = |listener: &usize| self.settings.listeners[*listener].port == source.listener_port;
        let listeners = 0..self.settings.listeners.len();
        if listeners.clone().any(|listener| is_its(&listener)) {
            listeners.filter(is_its).all(may)
        } else {
            listeners.into_iter().all(may)
        }
    }
}

/// Whether a retained message outlives the broker. `$SYS` is published anew at each start.
fn is_persisted(topic: &str) -> bool {
    !topic.starts_with("$SYS/")
}
