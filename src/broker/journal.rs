//! Collects what is to be persisted, and counts which messages the persistent state refers to.

use std::collections::HashMap;
use std::sync::Arc;

use super::change::{Change, Direction, EntryRecord, EntryState};
use super::client::{Entry, Session};
use super::message::{Message, MessageId};

#[derive(Debug)]
pub(super) struct Journal {
    enabled: bool,
    changes: Vec<Change>,
    references: HashMap<MessageId, u32>,
}

impl Journal {
    pub(super) fn new(enabled: bool) -> Self {
        Self { enabled, changes: Vec::new(), references: HashMap::new() }
    }

    pub(super) fn take(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Whether changes of `session` are wanted.
    pub(super) fn covers(&self, session: &Session) -> bool {
        self.enabled && session.is_persistent()
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub(super) fn push(&mut self, change: Change) {
        if self.enabled {
            self.changes.push(change);
        }
    }

    /// A reference that came from the store itself.
    pub(super) fn restore(&mut self, id: MessageId) {
        if self.enabled {
            *self.references.entry(id).or_default() += 1;
        }
    }

    /// A message of the store that nothing refers to.
    pub(super) fn drop_orphan(&mut self, id: MessageId) {
        if self.enabled && !self.references.contains_key(&id) {
            self.changes.push(Change::Removed(id));
        }
    }

    pub(super) fn hold(&mut self, message: &Arc<Message>) {
        if !self.enabled {
            return;
        }
        let references = self.references.entry(message.id).or_default();
        *references += 1;
        if *references == 1 {
            self.changes.push(Change::Stored(Arc::clone(message)));
        }
    }

    pub(super) fn release(&mut self, id: MessageId) {
        if let Some(references) = self.references.get_mut(&id) {
            *references -= 1;
            if *references == 0 {
                self.references.remove(&id);
                self.changes.push(Change::Removed(id));
            }
        }
    }

    pub(super) fn queued(&mut self, session: &Session, entry: &Entry, direction: Direction) {
        if self.covers(session) {
            self.hold(&entry.message);
            self.changes.push(Change::Queued(Box::new(record(session, entry, direction))));
        }
    }

    pub(super) fn changed(&mut self, session: &Session, entry: &Entry, direction: Direction) {
        if self.covers(session) {
            self.changes.push(Change::EntryChanged(Box::new(record(session, entry, direction))));
        }
    }

    pub(super) fn removed(&mut self, session: &Session, entry: &Entry) {
        if self.covers(session) {
            let change = Change::EntryRemoved { client_id: session.id.clone(), sequence: entry.sequence };
            self.changes.push(change);
            self.release(entry.message.id);
        }
    }
}

fn record(session: &Session, entry: &Entry, direction: Direction) -> EntryRecord {
    EntryRecord {
        client_id: session.id.clone(),
        sequence: entry.sequence,
        message: entry.message.id,
        direction,
        packet_id: entry.packet_id,
        qos: entry.qos,
        retain: entry.retain,
        // As Mosquitto's: what is in flight has been sent, and goes out again as a duplicate only.
        dup: direction == Direction::Out && entry.state != EntryState::Queued,
        state: entry.state,
        subscription_identifiers: entry.identifiers.clone(),
        queued_at: entry.queued_at,
        pubrel_order: entry.pubrel_order,
    }
}
