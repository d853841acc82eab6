//! Going on from what the store kept.

use std::sync::Arc;
use std::time::Duration;

use super::ahead::MOST_AHEAD;
use super::by_ids::ByIds;
use super::change::{Direction, EntryRecord, EntryState, Restored, RestoredClient};
use super::leftovers::StoredRows;
use super::message::{Message, MessageId};
use super::router::Subscriber;
use super::session::{Entry, Session, SessionKey};
use super::session_end::expiry;
use super::will::restore_will;
use super::{Broker, ListenerId, Now};
use crate::mqtt::packet::QoS;
use crate::mqtt::topic::SubscriptionFilter;

impl Broker {
    /// What entries refer to and is not there is left out.
    pub(super) fn restore(&mut self, restored: Restored, now: Now) {
        self.last_id = restored.last_message_id;
        let mut messages = Messages::of(restored.messages);
        for id in restored.retained {
            if let Some(message) = messages.take(id) {
                self.journal.restore(id);
                if let Some(old) = self.retained.insert(message) {
                    self.journal.release(old);
                }
            }
        }
        for client in restored.clients {
            self.restore_client(client, &mut messages, now);
        }
        for (message, is_used) in messages.list.iter().zip(messages.used) {
            if !is_used {
                self.journal.drop_orphan(message.id);
            }
        }
    }

    fn restore_client(&mut self, restored: RestoredClient, messages: &mut Messages, now: Now) {
        let record = restored.record;
        // Such a session has ended with its connection, whatever program stored it.
        if !record.session_expiry.is_persistent() {
            let rows = StoredRows { entries: restored.entries.len(), subscriptions: restored.subscriptions.len() };
            self.forget_stored(record.client_id, rows);
            return;
        }
        let port = record.listener_port;
        // The listener it came by may be gone; then the first stands for it.
        let listener = self.settings.listeners.iter().position(|listener| listener.port == port).unwrap_or(0);
        let mut session = Session::new(record.client_id, ListenerId(listener as u16), record.created_at);
        session.username = record.username.map(|username| (*username).into());
        session.is_listener_guessed =
            self.settings.listeners.iter().filter(|listener| listener.port == port).count() != 1;
        if session.is_listener_guessed {
            session.source(port);
        }
        session.expiry = record.session_expiry;
        session.max_packet_size = record.max_packet_size;
        // Whoever was connected when the broker was killed went away at that moment, as far as anybody knows: now.
        let since = record.disconnected_at.unwrap_or(now.wall);
        session.disconnected_at = Some(since);
        let limit = self.settings.persistent_client_expiration;
        let away = now.wall.saturating_since(since);
        let left = |whole: Duration| now.elapsed + whole.saturating_sub(away);
        session.expires_at = expiry(session.expiry, limit).map(left);
        if let Some(will) = restored.will {
            restore_will(&mut session, will, record.will_delay_interval, left);
        }
        // What may have been sent is sent as such from now on [MQTT-3.3.1-1].
        let mut perhaps_sent = if restored.was_connected { MOST_AHEAD } else { 0 };
        let in_flight =
            |record: &&EntryRecord| record.direction == Direction::Out && record.state != EntryState::Queued;
        let last_sent = restored.entries.iter().rev().find(in_flight).map_or(0, |record| record.sequence);
        for record in restored.entries {
            let Some(message) = messages.take(record.message) else { continue };
            self.journal.restore(message.id);
            session.last_sequence = session.last_sequence.max(record.sequence);
            let direction = record.direction;
            let mut entry = Entry::restored(&record, Arc::clone(message));
            if perhaps_sent > 0 && entry.state == EntryState::Queued && entry.qos == QoS::AtLeastOnce {
                perhaps_sent -= 1;
                let was_sent = entry.packet_id.is_some() && entry.sequence < last_sent;
                if was_sent {
                    // One behind it has been in flight. Both are sent again in the order in which they were [MQTT-4.6.0-5].
                    entry.state = EntryState::WaitForPubAck;
                }
                if !std::mem::replace(&mut entry.dup, true) || was_sent {
                    self.journal.changed(&session, &entry, direction);
                }
            }
            match direction {
                Direction::Out => session.outgoing.restore(entry),
                Direction::In => {
                    let Some(packet_id) = entry.packet_id else { continue };
                    session.incoming.insert(packet_id, entry);
                }
            }
        }
        let session_key = self.add_session(session);
        for subscription in restored.subscriptions {
            self.restore_subscription(session_key, subscription);
        }
        self.record_client(session_key);
        self.arm_session(session_key);
        self.go_on_giving_out(session_key);
    }

    fn restore_subscription(&mut self, session_key: SessionKey, record: super::SubscriptionRecord) {
        let (options, identifier) = (record.options, record.identifier);
        let filter = SubscriptionFilter::split(record.filter);
        self.router.subscribe(&filter, Subscriber { session: session_key, options, identifier });
        self.sessions[session_key].subscriptions.insert(&filter);
    }
}

/// The messages of the store, and which of them something refers to.
struct Messages {
    list: Vec<Arc<Message>>,
    by_ids: ByIds,
    used: Vec<bool>,
}

impl Messages {
    fn of(list: Vec<Arc<Message>>) -> Self {
        let by_ids = ByIds::new(list.iter().map(|message| message.id));
        let used = vec![false; list.len()];
        Self { list, by_ids, used }
    }

    /// A message that something refers to.
    fn take(&mut self, id: MessageId) -> Option<&Arc<Message>> {
        let place = self.by_ids.find(id)?;
        self.used[place] = true;
        Some(&self.list[place])
    }
}
