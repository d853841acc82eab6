//! SUBSCRIBE and UNSUBSCRIBE.

use std::collections::VecDeque;

use bytestring::ByteString;

use super::change::{Change, SubscriptionRecord};
use super::connection::ConnectionKey;
use super::event::{Closing, Event, Offence};
use super::jobs::{Job, Subscribing, Unsubscribing};
use super::retained::wants_retained;
use super::retained_messages::RetainedMessages;
use super::router::Subscriber;
use super::session::SessionKey;
use super::slice::{Progress, SLICE, Slice};
use super::{Broker, ConnectionId, Now};
use crate::mqtt::packet::{
    Packet, PacketId, Properties, QoS, ReasonCode, SubAck, Subscribe, Subscription, SubscriptionIdentifier,
    SubscriptionOptions, UnsubAck, Unsubscribe,
};
use crate::mqtt::topic::{SubscriptionFilter, TopicError, levels};

impl Broker {
    pub(super) fn subscribe(&mut self, key: ConnectionKey, session_key: SessionKey, subscribe: Subscribe, now: Now) {
        let Subscribe { packet_id, properties, subscriptions } = subscribe;
        let parsed = subscriptions.into_iter().map(|Subscription { filter, options }| Ok((parse(filter)?, options)));
        let filters: Vec<_> = match parsed.collect() {
            Ok(filters) => filters,
            Err((reason, why)) => {
                self.offended(key, Offence::NotAFilter);
                self.refuse(key, reason, why, now);
                return;
            }
        };
        if !self.takes_codes(key, packet_id, filters.len()) {
            self.refuse(key, ReasonCode::PACKET_TOO_LARGE, Closing::PacketTooLarge, now);
            return;
        }
        let subscribing = Subscribing {
            connection: self.connections[key].id,
            packet_id,
            identifier: properties.subscription_identifier().and_then(SubscriptionIdentifier::new),
            codes: Vec::with_capacity(filters.len()),
            filters,
            is_acknowledged: false,
            fresh: VecDeque::new(),
            matching: None,
        };
        self.begin(session_key, Job::Subscribe(Box::new(subscribing)), now);
    }

    pub(super) fn go_on_subscribing(
        &mut self,
        session_key: SessionKey,
        subscribing: &mut Subscribing,
        slice: &mut Slice,
        now: Now,
    ) -> Progress {
        // One after the other [MQTT-3.8.4-5], so that the codes have the order of the filters [MQTT-3.9.3-1].
        while let Some((filter, options)) = subscribing.filters.get(subscribing.codes.len()) {
            if slice.is_over() {
                return Progress::Cut;
            }
            slice.spend(levels(filter));
            let number = subscribing.codes.len();
            let (code, fresh) = self.subscribe_one(session_key, filter, *options, subscribing.identifier, number);
            subscribing.codes.push(code);
            subscribing.fresh.extend(fresh);
        }
        if !subscribing.is_acknowledged {
            subscribing.is_acknowledged = true;
            if let Some(key) = self.still_connected(session_key, subscribing.connection) {
                let codes = std::mem::take(&mut subscribing.codes);
                // No filter is left, whatever the number of codes.
                subscribing.filters.clear();
                let packet_id = subscribing.packet_id;
                // The answer [MQTT-3.8.4-1] by its packet id [MQTT-3.8.4-2] [MQTT-2.2.1-6]. It has no property that could make
                // it too large [MQTT-3.9.2-1] [MQTT-3.9.2-2].
                self.send(key, &Packet::SubAck(SubAck { packet_id, properties: Properties::new(), codes }));
            }
        }
        while let Some((subscriber, filter)) = subscribing.fresh.front() {
            if slice.is_over() {
                return Progress::Cut;
            }
            let matching =
                subscribing.matching.get_or_insert_with(|| self.retained.matching(filter.topic_filter(), slice));
            // They are lent to what is done with the rest of the broker, and most are copied from there to the socket's bytes.
            let retained = std::mem::replace(&mut self.retained, RetainedMessages::none());
            let is_full = loop {
                if self.waits_for_reader(session_key) {
                    break true;
                }
                let Some(message) = retained.next(filter.topic_filter(), matching, slice) else {
                    break false;
                };
                self.deliver_retained(subscriber, &message, now);
            };
            self.retained = retained;
            if is_full {
                return Progress::Full;
            }
            if !matching.is_done() {
                return Progress::Cut;
            }
            subscribing.matching = None;
            subscribing.fresh.pop_front();
        }
        Progress::Done
    }

    /// The client's connection, if it is the one with this name.
    fn still_connected(&self, session_key: SessionKey, connection: ConnectionId) -> Option<ConnectionKey> {
        self.sessions[session_key].connection.filter(|&key| self.connections[key].id == connection)
    }

    /// Subscribes to the filter with this number in its packet. Gives the code of the SUBACK, and what retained messages
    /// are wanted for.
    fn subscribe_one(
        &mut self,
        session_key: SessionKey,
        plain: &SubscriptionFilter,
        options: SubscriptionOptions,
        identifier: Option<SubscriptionIdentifier>,
        number: usize,
    ) -> (ReasonCode, Option<(Subscriber, SubscriptionFilter)>) {
        let settings = &self.settings;
        let session = &self.sessions[session_key];
        let listener = self.listener(session.listener);
        let filter = plain.mounted(listener.mount_point.as_deref().unwrap_or_default());
        let fits = settings.max_subscriptions_per_packet.is_none_or(|limit| number < limit as usize)
            && session.subscriptions.takes(&filter, settings.max_subscriptions)
            && self.can_keep(session_key, &filter);
        if !fits {
            self.note_filter(plain, None);
            return (ReasonCode::QUOTA_EXCEEDED, None);
        }
        self.note_filter(plain, Some(options.qos));
        let (subscriber, is_new) = self.add_subscription(session_key, &filter, options, identifier);
        // The code is the QoS that is granted, or says that the subscription failed [MQTT-3.8.4-7].
        let wanted = wants_retained(&filter, subscriber.options.retain_handling, is_new);
        (ReasonCode(subscriber.options.qos as u8), wanted.then_some((subscriber, filter)))
    }

    /// Whether the client takes a SUBACK or UNSUBACK with so many codes; both are of one length.
    fn takes_codes(&self, key: ConnectionKey, packet_id: PacketId, count: usize) -> bool {
        let connection = &self.connections[key];
        connection.takes(|| {
            let codes = vec![ReasonCode::SUCCESS; count];
            Packet::SubAck(SubAck { packet_id, properties: Properties::new(), codes }).encoded_len(connection.version)
        })
    }

    /// Whether the subscription lasts as long as its session. While the store fails, one that is there can be renewed.
    fn can_keep(&self, session_key: SessionKey, filter: &SubscriptionFilter) -> bool {
        let session = &self.sessions[session_key];
        self.storing
            || !self.journal.covers(session)
            || session.subscriptions.contains(filter) && self.is_stored(session)
    }

    fn note_filter(&mut self, filter: &SubscriptionFilter, granted: Option<QoS>) {
        if self.interest.packets {
            self.events.push_back(Event::Filter { filter: filter.text().clone(), granted });
        }
    }

    /// Says whether it is new.
    fn add_subscription(
        &mut self,
        session_key: SessionKey,
        filter: &SubscriptionFilter,
        mut options: SubscriptionOptions,
        identifier: Option<SubscriptionIdentifier>,
    ) -> (Subscriber, bool) {
        // [MQTT-3.2.2-10]
        options.qos = options.qos.min(self.listener(self.sessions[session_key].listener).max_qos);
        let subscriber = Subscriber { session: session_key, options, identifier };
        let is_new = self.router.subscribe(filter, subscriber);
        self.before_filters_change(session_key);
        let session = &mut self.sessions[session_key];
        session.subscriptions.insert(filter);
        let session = &self.sessions[session_key];
        if self.journal.covers(session) {
            let record = SubscriptionRecord { filter: filter.text().clone(), options, identifier };
            self.journal.push(Change::Subscribed(session.id.clone(), record));
            if self.storing {
                self.promise(session_key);
            }
        }
        if self.interest.subscriptions {
            let session = &self.sessions[session_key];
            let filter = filter.text().clone();
            self.events.push_back(Event::Subscribed { client: session.id.clone(), qos: options.qos, filter });
        }
        (subscriber, is_new)
    }

    pub(super) fn unsubscribe(
        &mut self,
        key: ConnectionKey,
        session_key: SessionKey,
        unsubscribe: Unsubscribe,
        now: Now,
    ) {
        let Unsubscribe { packet_id, filters, .. } = unsubscribe;
        let filters: Vec<_> = match filters.into_iter().map(parse).collect() {
            Ok(filters) => filters,
            Err((reason, why)) => {
                self.refuse(key, reason, why, now);
                return;
            }
        };
        if !self.takes_codes(key, packet_id, filters.len()) {
            self.refuse(key, ReasonCode::PACKET_TOO_LARGE, Closing::PacketTooLarge, now);
            return;
        }
        let unsubscribing = Unsubscribing {
            connection: self.connections[key].id,
            packet_id,
            codes: Vec::with_capacity(filters.len()),
            filters,
            done_at: None,
        };
        self.begin(session_key, Job::Unsubscribe(Box::new(unsubscribing)), now);
    }

    pub(super) fn go_on_unsubscribing(
        &mut self,
        session_key: SessionKey,
        unsubscribing: &mut Unsubscribing,
        slice: &mut Slice,
    ) -> Progress {
        // One after the other [MQTT-3.10.4-6], so that the codes have the order of the filters [MQTT-3.11.3-1].
        while let Some(filter) = unsubscribing.filters.get(unsubscribing.codes.len()) {
            if slice.is_over() {
                return Progress::Cut;
            }
            slice.spend(levels(filter));
            let code = self.unsubscribe_one(session_key, filter);
            unsubscribing.codes.push(code);
        }
        let done_at = *unsubscribing.done_at.get_or_insert(self.moment);
        if self.fans_out_since(done_at) {
            // After the UNSUBACK nothing more is delivered for these filters [MQTT-3.10.4-2].
            slice.spend(SLICE);
            return self.behind_others();
        }
        if let Some(key) = self.still_connected(session_key, unsubscribing.connection) {
            let (packet_id, codes) = (unsubscribing.packet_id, std::mem::take(&mut unsubscribing.codes));
            // The answer [MQTT-3.10.4-4] by its packet id, whatever was there [MQTT-3.10.4-5] [MQTT-2.2.1-6]. It has no property
            // that could make it too large [MQTT-3.11.2-1] [MQTT-3.11.2-2].
            self.send(key, &Packet::UnsubAck(UnsubAck { packet_id, properties: Properties::new(), codes }));
        }
        Progress::Done
    }

    fn unsubscribe_one(&mut self, session_key: SessionKey, plain: &SubscriptionFilter) -> ReasonCode {
        if self.interest.packets {
            self.events.push_back(Event::FilterGone(plain.text().clone()));
        }
        let mount_point = self.listener(self.sessions[session_key].listener).mount_point.as_deref();
        let filter = plain.mounted(mount_point.unwrap_or_default());
        self.before_filters_change(session_key);
        let session = &mut self.sessions[session_key];
        // Filters are compared character by character [MQTT-3.10.4-1]. What is in flight or waits stays [MQTT-3.10.4-3].
        let existed = session.subscriptions.remove(&filter);
        if existed {
            self.router.unsubscribe(&filter, session_key);
            let client_id = session.id.clone();
            if self.journal.covers(&self.sessions[session_key]) {
                self.journal.push(Change::Unsubscribed { client_id, filter: filter.text().clone() });
            }
        }
        // Whether it was there or not, as with Mosquitto.
        if self.interest.subscriptions {
            let client = self.sessions[session_key].id.clone();
            self.events.push_back(Event::Unsubscribed { client, filter: filter.text().clone() });
        }
        // [MQTT-3.11.3-2]
        if existed { ReasonCode::SUCCESS } else { ReasonCode::NO_SUBSCRIPTION_EXISTED }
    }
}

/// The filter of a packet, taken apart. The reason codes for what is none are Mosquitto's, not 0x8F.
fn parse(filter: ByteString) -> Result<SubscriptionFilter, (ReasonCode, Closing)> {
    SubscriptionFilter::new(filter).map_err(|error| match error {
        TopicError::ShareName => (ReasonCode::PROTOCOL_ERROR, Closing::ProtocolError),
        _ => (ReasonCode::MALFORMED_PACKET, Closing::Malformed),
    })
}
