//! Wills: sent when a client is lost, after their delay.

use std::sync::Arc;
use std::time::Duration;

use super::change::Change;
use super::client::ClientKey;
use super::message::Message;
use super::{Broker, Now};

impl Broker {
    /// The will is taken back.
    pub(super) fn clear_will(&mut self, client: ClientKey) {
        let session = &mut self.sessions[client];
        session.will_due = None;
        if session.will.take().is_some() && self.journal.covers(session) {
            self.journal.push(Change::WillRemoved(session.id.clone()));
        }
    }

    /// The client id has a new connection. A will whose delay is not over is not sent any more, whether the session goes
    /// on [MQTT-3.1.3-9] or ends [MQTT-3.1.2-8]. One without a delay is sent as soon as the connection before is closed,
    /// so also where the session goes on.
    pub(super) fn take_back_delayed_will(&mut self, client: ClientKey, now: Now) {
        let session = &self.sessions[client];
        if session.will_due.is_some_and(|at| at <= now.elapsed) {
            self.publish_will(client, now);
        } else if session.will.as_ref().is_some_and(|will| will.delay > 0) {
            self.clear_will(client);
        }
    }

    /// Sends the will, if there is one.
    pub(super) fn publish_will(&mut self, client: ClientKey, now: Now) {
        let Some(pending) = self.sessions[client].will.clone() else { return };
        self.clear_will(client);
        let session = &mut self.sessions[client];
        if !self.access.may_publish(session.identity(), &pending.will.topic) {
            return;
        }
        let source = session.source(self.settings.listeners[usize::from(session.listener.0)].port);
        let will = pending.will;
        let expiry = will.properties.message_expiry_interval();
        let message = Arc::new(Message {
            id: self.next_id(now),
            topic: will.topic,
            payload: will.payload,
            qos: will.qos,
            retain: will.retain,
            properties: will.properties,
            expires_at: expiry.map(|seconds| now.wall + Duration::from_secs(u64::from(seconds))),
            packet_id: 0,
            source,
        });
        self.spread(&message, Some(client), now);
    }
}
