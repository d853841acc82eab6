//! The QoS 2 messages of a client that wait for their PUBREL.

use std::collections::{BTreeMap, btree_map};

use super::entry::Entry;
use crate::mqtt::packet::PacketId;

/// Most clients have never sent any, and there is one for each session.
#[derive(Debug, Default)]
pub(super) struct Incoming(Option<Box<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    entries: BTreeMap<PacketId, Entry>,
    /// The sizes of their messages.
    bytes: u64,
}

impl Incoming {
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |waiting| waiting.entries.len())
    }

    /// Bytes of their topics, properties and payloads.
    pub(super) fn bytes(&self) -> u64 {
        self.0.as_ref().map_or(0, |waiting| waiting.bytes)
    }

    pub(super) fn contains(&self, packet_id: PacketId) -> bool {
        self.get(packet_id).is_some()
    }

    pub(super) fn get(&self, packet_id: PacketId) -> Option<&Entry> {
        self.0.as_ref()?.entries.get(&packet_id)
    }

    /// The size of its message stays as it is.
    pub(super) fn get_mut(&mut self, packet_id: PacketId) -> Option<&mut Entry> {
        self.0.as_mut()?.entries.get_mut(&packet_id)
    }

    /// The last packet id that none has.
    pub(super) fn last_free(&self) -> Option<PacketId> {
        (1..=u16::MAX).rev().filter_map(PacketId::new).find(|&packet_id| !self.contains(packet_id))
    }

    /// In the order of their packet ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter().flat_map(|waiting| waiting.entries.values())
    }

    /// Adds one, whose packet id no other has.
    pub(super) fn insert(&mut self, packet_id: PacketId, entry: Entry) {
        let waiting = self.0.get_or_insert_default();
        waiting.bytes += entry.message.size();
        waiting.entries.insert(packet_id, entry);
    }

    pub(super) fn remove(&mut self, packet_id: PacketId) -> Option<Entry> {
        let waiting = self.0.as_mut()?;
        let entry = waiting.entries.remove(&packet_id)?;
        waiting.bytes -= entry.message.size();
        Some(entry)
    }

    /// Takes out what `keep` refuses.
    pub(super) fn take_refused(&mut self, keep: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let refused: Vec<_> = self.iter().filter(|entry| !keep(entry)).filter_map(|entry| entry.packet_id).collect();
        refused.into_iter().filter_map(|packet_id| self.remove(packet_id)).collect()
    }

    /// The client is away: what is empty gives its memory back.
    pub(super) fn rest(&mut self) {
        if self.len() == 0 {
            self.0 = None;
        }
    }

    pub(super) fn into_entries(self) -> btree_map::IntoValues<PacketId, Entry> {
        self.0.map(|waiting| waiting.entries).unwrap_or_default().into_values()
    }
}
