//! Which changes of a list have no effect in the end.

use std::collections::HashSet;
use std::hash::BuildHasherDefault;

use bytestring::ByteString;

use super::change::Change;
use super::message::MessageId;
use crate::mqtt::flow::IdHasher;

/// The list without what later changes make void. Both lead to the same state.
pub(super) fn condense(changes: Vec<Change>) -> Vec<Change> {
    let passing = Passing::of(&changes);
    let mut replaced = Replaced::default();
    let mut kept: Vec<bool> =
        changes.iter().rev().map(|change| !passing.covers(change) && !replaced.is_by_later(change)).collect();
    kept.reverse();
    let mut kept = kept.into_iter();
    let mut changes = changes;
    changes.retain(|_| kept.next().unwrap_or(true));
    changes
}

/// What changes that come later put in the place of earlier ones. Asked from the last change to the first.
#[derive(Default)]
struct Replaced {
    clients: HashSet<ByteString>,
    wills: HashSet<ByteString>,
    subscriptions: HashSet<(ByteString, ByteString)>,
    entries: HashSet<(ByteString, u64)>,
    retained: HashSet<ByteString>,
}

impl Replaced {
    /// Whether `change` is made void by one that was asked about before.
    fn is_by_later(&mut self, change: &Change) -> bool {
        match change {
            Change::Client(record) => !self.clients.insert(record.client_id.clone()),
            Change::Will(client_id, _) | Change::WillRemoved(client_id) => !self.wills.insert(client_id.clone()),
            Change::Subscribed(client_id, record) => {
                !self.subscriptions.insert((client_id.clone(), record.filter.clone()))
            }
            Change::Unsubscribed { client_id, filter } => {
                !self.subscriptions.insert((client_id.clone(), filter.clone()))
            }
            Change::EntryChanged(entry) => !self.entries.insert((entry.client_id.clone(), entry.sequence)),
            Change::Retained { topic, .. } | Change::RetainedRemoved { topic } => !self.retained.insert(topic.clone()),
            // The session counts its entries from 1 again: those of before are others.
            Change::Queued(entry) => {
                self.entries.remove(&(entry.client_id.clone(), entry.sequence));
                false
            }
            Change::EntryRemoved { client_id, sequence } => {
                self.entries.insert((client_id.clone(), *sequence));
                false
            }
            Change::ClientRemoved(client_id) => {
                self.clients.insert(client_id.clone());
                self.wills.insert(client_id.clone());
                false
            }
            Change::LeftoversRemoved(_) | Change::Stored(_) | Change::Removed(_) => false,
        }
    }
}

/// What one batch both makes and removes: it need not touch the disk at all. A message to a client that
/// acknowledges at once is of this kind.
#[derive(Default)]
pub(super) struct Passing<'a> {
    entries: HashSet<(&'a ByteString, u64)>,
    messages: HashSet<MessageId, BuildHasherDefault<IdHasher>>,
}

impl<'a> Passing<'a> {
    pub(super) fn of(changes: &'a [Change]) -> Self {
        let mut made = Self::default();
        let mut passing = Self::default();
        // What is queued for who is away is only made, and what is drained only removed.
        let is_made = |change: &Change| matches!(change, Change::Queued(_) | Change::Stored(_));
        let is_removed = |change: &Change| matches!(change, Change::EntryRemoved { .. } | Change::Removed(_));
        let Some(first) = changes.iter().position(is_made) else { return passing };
        if !changes[first..].iter().any(is_removed) {
            return passing;
        }
        for change in &changes[first..] {
            match change {
                Change::Queued(entry) => {
                    let key = (&entry.client_id, entry.sequence);
                    // A session that began anew in this batch counts from 1 again: this entry is another one.
                    passing.entries.remove(&key);
                    made.entries.insert(key);
                }
                Change::EntryRemoved { client_id, sequence } if made.entries.contains(&(client_id, *sequence)) => {
                    passing.entries.insert((client_id, *sequence));
                }
                Change::Stored(message) => {
                    // Stored again after it was removed: it stays.
                    passing.messages.remove(&message.id);
                    made.messages.insert(message.id);
                }
                Change::Removed(id) if made.messages.contains(id) => {
                    passing.messages.insert(*id);
                }
                _ => {}
            }
        }
        passing
    }

    pub(super) fn covers(&self, change: &Change) -> bool {
        if self.entries.is_empty() && self.messages.is_empty() {
            return false;
        }
        match change {
            Change::Queued(entry) | Change::EntryChanged(entry) => {
                self.entries.contains(&(&entry.client_id, entry.sequence))
            }
            Change::EntryRemoved { client_id, sequence } => self.entries.contains(&(client_id, *sequence)),
            Change::Stored(message) => self.messages.contains(&message.id),
            Change::Removed(id) => self.messages.contains(id),
            _ => false,
        }
    }
}
