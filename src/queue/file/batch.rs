//! Entries of queues on their way from the thread that reads them to the one that counts them.

use crate::state::ids::StoreId;
use crate::state::{ClientMessage, Direction, Properties};

/// Entries in one batch.
const ENTRIES: usize = 4096;

/// Batches that may wait: 12 MB. A million entries is then read while their messages still are.
pub(super) const WAITING: usize = 192;

/// What the columns of [`crate::state::sqlite::EntryColumns::default`] hold of some entries, and their positions if asked for.
#[derive(Debug, Default)]
pub(super) struct Batch {
    entries: Vec<Entry>,
    positions: Vec<u64>,
    /// The client ids one behind the other, each once for all of its entries that follow each other.
    names: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    store_id: StoreId,
    client: u32,
    qos: u8,
    state: u8,
    direction: Direction,
}

impl Batch {
    pub fn is_full(&self) -> bool {
        self.entries.len() == ENTRIES
    }

    pub fn push(&mut self, entry: &ClientMessage<'_>, with_position: bool) {
        if self.ends.is_empty() || self.name(self.ends.len() - 1) != entry.client_id {
            self.names.extend(entry.client_id);
            self.ends.push(self.names.len());
        }
        if self.entries.is_empty() {
            self.entries.reserve_exact(ENTRIES);
        }
        self.entries.push(Entry {
            store_id: entry.store_id,
            client: self.ends.len() as u32 - 1,
            qos: entry.qos,
            state: entry.state,
            direction: entry.direction,
        });
        if with_position {
            self.positions.push(entry.cmsg_id);
        }
    }

    fn name(&self, client: usize) -> &[u8] {
        let start = if client == 0 { 0 } else { self.ends[client - 1] };
        &self.names[start..self.ends[client]]
    }

    pub fn iter(&self) -> impl Iterator<Item = ClientMessage<'_>> {
        self.entries.iter().enumerate().map(|(place, entry)| ClientMessage {
            client_id: self.name(entry.client as usize),
            cmsg_id: self.positions.get(place).copied().unwrap_or(0),
            store_id: entry.store_id,
            mid: 0,
            qos: entry.qos,
            retain: false,
            dup: false,
            direction: entry.direction,
            state: entry.state,
            properties: Properties::None,
            subscription_identifier: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_as_they_went_in() {
        let entry = |n: u64| ClientMessage {
            client_id: [&b"a"[..], b"", b"long", b"long"][n as usize % 4],
            cmsg_id: n,
            store_id: StoreId(n * n),
            mid: 0,
            qos: (n % 3) as u8,
            retain: false,
            dup: false,
            direction: if n.is_multiple_of(5) { Direction::Incoming } else { Direction::Outgoing },
            state: (n % 12) as u8,
            properties: Properties::None,
            subscription_identifier: 0,
        };
        let mut batch = Batch::default();
        for n in 0..ENTRIES as u64 {
            assert!(!batch.is_full());
            batch.push(&entry(n), true);
        }
        assert!(batch.is_full());
        assert!(batch.iter().eq((0..ENTRIES as u64).map(entry)));
    }
}
