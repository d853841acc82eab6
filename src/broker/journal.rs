//! Collects what is to be persisted until the store has it, and counts which messages the persistent state refers to.

use std::sync::Arc;

use super::change::{Change, Direction, EntryRecord, EntryState};
use super::condense::condense;
use super::message::{Message, MessageId};
use super::references::References;
use super::session::{Entry, Session};

/// Changes that one batch has seldom. Beyond them a store that fails has let them pile up, and what has no effect in
/// the end is left out.
const CONDENSED_FROM: usize = 64 * 1024;

/// Changes that one commit has, as a rule. While so many wait for it, those who make many more wait as well: writing them takes a few
/// milliseconds, and whoever needs one change stored waits for all that go with it.
const ENOUGH: usize = 1024;

/// The same in bytes of messages.
const ENOUGH_BYTES: u64 = 1024 * 1024;

/// Changes that nobody waits for are handed over when there are so many: far fewer than messages may be sent
/// [ahead](super::ahead::MOST_AHEAD).
const LATER_MOST: usize = 256;

#[derive(Debug)]
pub(super) struct Journal {
    enabled: bool,
    /// What the store has not been handed yet.
    changes: Vec<Change>,
    /// The bytes of the messages among them.
    bytes: u64,
    /// As many more changes would take as long as the heavy ones among them.
    weight: usize,
    /// At how many changes they are condensed next.
    condensed_at: usize,
    /// Counts what was handed to the store. It names what is noted now.
    generation: u64,
    /// The last generation that the store has.
    stored: u64,
    /// Counts the changes.
    noted: u64,
    /// Something is waited for.
    is_urgent: bool,
    references: References,
}

impl Journal {
    pub(super) fn new(enabled: bool) -> Self {
        Self {
            enabled,
            changes: Vec::new(),
            bytes: 0,
            weight: 0,
            condensed_at: CONDENSED_FROM,
            // 0 stands for all that was stored before.
            generation: 1,
            stored: 0,
            noted: 0,
            is_urgent: false,
            references: References::default(),
        }
    }

    /// Whether the store is to be handed something.
    pub(super) fn has_changes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Whether somebody waits for what the store is to be handed, or it is much.
    pub(super) fn has_urgent_changes(&self) -> bool {
        self.is_urgent || self.changes.len() >= LATER_MOST
    }

    /// Whether the next commit has enough to do.
    pub(super) fn is_full(&self) -> bool {
        self.changes.len() + self.weight >= ENOUGH || self.bytes >= ENOUGH_BYTES
    }

    /// Somebody waits for all that has been noted.
    pub(super) fn urge(&mut self) {
        self.is_urgent |= !self.changes.is_empty();
    }

    /// Whether there is something that the store does not have yet.
    pub(super) fn is_ahead(&self) -> bool {
        self.newest() > self.stored
    }

    /// What was noted since the last time, for the store.
    pub(super) fn hand_over(&mut self) -> Vec<Change> {
        self.generation += 1;
        self.is_urgent = false;
        self.condensed_at = CONDENSED_FROM;
        self.bytes = 0;
        self.weight = 0;
        std::mem::take(&mut self.changes)
    }

    /// The store has what it was handed last.
    pub(super) fn stored(&mut self) {
        self.stored = self.generation - 1;
    }

    /// The store does not have what it was handed last: it will be handed it again, with what was noted since.
    pub(super) fn take_back(&mut self, mut changes: Vec<Change>) {
        changes.append(&mut self.changes);
        self.changes = changes;
        self.is_urgent = true;
        self.condense_if_many();
    }

    /// Names what is noted now.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// The last generation in which something was noted, if the store does not have all.
    pub(super) fn newest(&self) -> u64 {
        if self.changes.is_empty() { self.generation - 1 } else { self.generation }
    }

    /// Whether the store has everything of this generation.
    pub(super) fn has_stored(&self, generation: u64) -> bool {
        generation <= self.stored
    }

    /// How many changes there have been, a heavy one counted as what it weighs.
    pub(super) fn noted(&self) -> u64 {
        self.noted
    }

    fn note(&mut self, change: Change) {
        self.is_urgent = true;
        self.note_for_later(change);
    }

    /// Notes what nobody waits for: after a kill the broker does some of its work again.
    fn note_for_later(&mut self, change: Change) {
        self.noted += 1;
        self.condense_if_many();
        self.changes.push(change);
    }

    fn condense_if_many(&mut self) {
        if self.changes.len() >= self.condensed_at {
            self.changes = condense(std::mem::take(&mut self.changes));
            self.condensed_at = CONDENSED_FROM.max(2 * self.changes.len());
        }
    }

    /// Whether changes of `session` are wanted.
    pub(super) fn covers(&self, session: &Session) -> bool {
        self.enabled && session.is_persistent()
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub(super) fn push(&mut self, change: Change) {
        // Their tables have an index of texts.
        let weight = match change {
            Change::Subscribed(..) | Change::Unsubscribed { .. } => 2,
            Change::Retained { .. } | Change::RetainedRemoved { .. } => 1,
            _ => 0,
        };
        self.push_heavy(change, weight);
    }

    /// Notes a change that takes as long as so many others.
    pub(super) fn push_heavy(&mut self, change: Change, weight: usize) {
        if self.enabled {
            self.note(change);
            self.noted += weight as u64;
            self.weight += weight;
        }
    }

    /// A reference that came from the store itself.
    pub(super) fn restore(&mut self, id: MessageId) {
        if self.enabled {
            self.references.add(id);
        }
    }

    /// A message of the store that nothing refers to.
    pub(super) fn drop_orphan(&mut self, id: MessageId) {
        if self.enabled {
            self.note(Change::Removed(id));
        }
    }

    pub(super) fn hold(&mut self, message: &Arc<Message>) {
        if self.enabled && self.references.add(message.id) {
            self.bytes += message.size();
            self.note(Change::Stored(Arc::clone(message)));
        }
    }

    pub(super) fn release(&mut self, id: MessageId) {
        if self.references.remove(id) {
            self.note_for_later(Change::Removed(id));
        }
    }

    pub(super) fn queued(&mut self, session: &Session, entry: &Entry, direction: Direction) {
        if self.covers(session) {
            self.hold(&entry.message);
            self.note(Change::Queued(Box::new(record(session, entry, direction))));
        }
    }

    pub(super) fn changed(&mut self, session: &Session, entry: &Entry, direction: Direction) {
        if self.covers(session) {
            self.note_for_later(Change::EntryChanged(Box::new(record(session, entry, direction))));
        }
    }

    pub(super) fn removed(&mut self, session: &Session, entry: &Entry) {
        if self.covers(session) {
            let change = Change::EntryRemoved { client_id: session.id.clone(), sequence: entry.sequence };
            self.note_for_later(change);
        }
        if session.has_stored(entry) {
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
        dup: direction == Direction::Out && (entry.dup || entry.state != EntryState::Queued),
        state: entry.state,
        subscription_identifiers: entry.by.identifiers().to_vec(),
        queued_at: entry.queued_at,
        pubrel_order: entry.pubrel_order,
    }
}
