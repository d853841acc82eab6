//! Messages and entries of queues on their way from the thread that reads them to the one that counts them.

use crate::state::ids::StoreId;
use crate::state::sqlite::Ends;
use crate::state::{ClientMessage, Direction, Message, Properties};

/// Rows in one batch, and bytes of their texts.
const ROWS: usize = 4096;
const BYTES: usize = 256 * 1024;

/// Batches that may wait.
pub(super) const WAITING: usize = 8;

/// Something of which many rows go together.
pub(super) trait Batch: Default {
    type Row<'a>;

    fn push(&mut self, row: &Self::Row<'_>);
    /// No more should be pushed.
    fn is_full(&self) -> bool;
    fn each(&self, each: impl FnMut(&Self::Row<'_>));
    /// No further batch is of this stretch.
    fn end_stretch(&mut self, ends: Ends);
    /// Where its stretch was found to begin and to end, if no further batch is of it.
    fn ends(&self) -> Option<Ends>;
}

/// What the columns of [`crate::state::sqlite::EntryColumns`] but for the details hold of some entries.
#[derive(Debug, Default)]
pub(super) struct Entries {
    rows: Vec<EntryRow>,
    clients: Texts,
    ends: Option<Ends>,
}

#[derive(Clone, Copy, Debug)]
struct EntryRow {
    store_id: StoreId,
    cmsg_id: u64,
    client: u32,
    qos: u8,
    state: u8,
    direction: Direction,
}

/// What messages are counted by: neither payloads nor properties.
#[derive(Debug, Default)]
pub(super) struct Messages {
    rows: Vec<MessageRow>,
    topics: Texts,
    publishers: Texts,
    ends: Option<Ends>,
}

#[derive(Clone, Copy, Debug)]
struct MessageRow {
    store_id: StoreId,
    expires: Option<i64>,
    payload_len: u32,
    topic: u32,
    publisher: u32,
}

/// Texts one behind the other, those that follow each other and are the same once.
#[derive(Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    /// The number of a text.
    #[inline]
    fn push(&mut self, text: &[u8]) -> u32 {
        if self.ends.is_empty() || !is_same(self.get(self.ends.len() as u32 - 1), text) {
            self.bytes.extend(text);
            self.ends.push(self.bytes.len());
        }
        self.ends.len() as u32 - 1
    }

    fn get(&self, number: u32) -> &[u8] {
        let number = number as usize;
        let start = if number == 0 { 0 } else { self.ends[number - 1] };
        &self.bytes[start..self.ends[number]]
    }
}

/// Texts that are not asked for are empty, and processors take long to compare no byte at no address.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

impl Batch for Entries {
    type Row<'a> = ClientMessage<'a>;

    #[inline]
    fn push(&mut self, entry: &ClientMessage<'_>) {
        if self.rows.is_empty() {
            self.rows.reserve_exact(ROWS);
        }
        let client = self.clients.push(entry.client_id);
        let &ClientMessage { store_id, cmsg_id, qos, state, direction, .. } = entry;
        self.rows.push(EntryRow { store_id, cmsg_id, client, qos, state, direction });
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS || self.clients.bytes.len() >= BYTES
    }

    fn each(&self, mut each: impl FnMut(&ClientMessage<'_>)) {
        for row in &self.rows {
            each(&ClientMessage {
                client_id: self.clients.get(row.client),
                cmsg_id: row.cmsg_id,
                store_id: row.store_id,
                mid: 0,
                qos: row.qos,
                retain: false,
                dup: false,
                direction: row.direction,
                state: row.state,
                properties: Properties::None,
                subscription_identifier: 0,
            });
        }
    }

    fn end_stretch(&mut self, ends: Ends) {
        self.ends = Some(ends);
    }

    fn ends(&self) -> Option<Ends> {
        self.ends
    }
}

impl Batch for Messages {
    type Row<'a> = Message<'a>;

    #[inline]
    fn push(&mut self, message: &Message<'_>) {
        if self.rows.is_empty() {
            self.rows.reserve_exact(ROWS);
        }
        let (topic, publisher) = (self.topics.push(message.topic), self.publishers.push(message.source_id));
        let &Message { store_id, expires, payload_len, .. } = message;
        self.rows.push(MessageRow { store_id, expires, payload_len, topic, publisher });
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= ROWS || self.topics.bytes.len() + self.publishers.bytes.len() >= BYTES
    }

    fn each(&self, mut each: impl FnMut(&Message<'_>)) {
        for row in &self.rows {
            each(&Message {
                store_id: row.store_id,
                expires: row.expires,
                source_mid: 0,
                source_id: self.publishers.get(row.publisher),
                source_username: &[],
                source_port: 0,
                topic: self.topics.get(row.topic),
                qos: 0,
                retain: false,
                payload_len: row.payload_len,
                payload: None,
                properties: Properties::None,
            });
        }
    }

    fn end_stretch(&mut self, ends: Ends) {
        self.ends = Some(ends);
    }

    fn ends(&self) -> Option<Ends> {
        self.ends
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
        let mut batch = Entries::default();
        for n in 0..ROWS as u64 {
            assert!(!batch.is_full());
            batch.push(&entry(n));
        }
        assert!(batch.is_full() && batch.ends().is_none());
        let mut n = 0;
        batch.each(|out| {
            assert_eq!(*out, entry(n));
            n += 1;
        });
        assert_eq!(n, ROWS as u64);
    }

    #[test]
    fn messages_come_out_as_they_went_in_and_long_texts_fill_a_batch() {
        let long = vec![b'x'; BYTES / 8];
        let message = |n: u64| Message {
            store_id: StoreId(n * n),
            expires: n.is_multiple_of(3).then_some(n as i64),
            source_mid: 0,
            source_id: [&b"p"[..], b"", b"p"][n as usize % 3],
            source_username: b"",
            source_port: 0,
            topic: if n.is_multiple_of(2) { &long } else { b"a/b" },
            qos: 0,
            retain: false,
            payload_len: n as u32,
            payload: None,
            properties: Properties::None,
        };
        let mut batch = Messages::default();
        let mut pushed = 0;
        while !batch.is_full() {
            batch.push(&message(pushed));
            pushed += 1;
        }
        batch.end_stretch(Ends::LAST);
        assert!((8..20).contains(&pushed) && batch.ends() == Some(Ends::LAST));
        let mut n = 0;
        batch.each(|out| {
            assert_eq!(*out, message(n));
            n += 1;
        });
        assert_eq!(n, pushed);
    }
}
