//! The stored messages of one file by id: columns that exist only if somebody looks at them, in few bits, since a
//! file of 2 GB holds twenty million messages.

use std::borrow::Cow;
use std::hash::BuildHasher;
use std::ops::RangeInclusive;

use hashbrown::{DefaultHashBuilder, HashSet, HashTable};

use super::ids::{Ids, Sequence};
use super::packed::Packed;
use super::properties;
use crate::queue::age::{self, AgeFrom, COUNTED_WITHIN, Dating};
use crate::queue::{Since, Want};
use crate::state::Message;
use crate::state::ids::{StoreId, UnixTime};

/// Ids stored twice that are named one by one; more are a broken file anyway.
const TWICE_NAMED: usize = 20;

/// How many messages are added between two looks at the memory.
const LOOK_EVERY: usize = 1024;

/// What is remembered of the messages read so far.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// They can be found, once [`Messages::sort`]ed.
    ids: Ids,
    /// Unix seconds, 0 for never; empty as long as no message expires.
    expires: Packed,
    bytes: Packed,
    topics: Packed,
    publishers: Packed,
    dated: Vec<Option<UnixTime>>,
    kept: Vec<Kept>,
    names: Names,
    columns: Columns,
    /// Only these are kept, if not all are.
    only: Option<HashSet<u64>>,
    referenced: Vec<u64>,
    pub twice: Vec<StoreId>,
    /// Bytes that may be remembered at once.
    limit: Option<usize>,
    is_full: bool,
    /// Of all that came, where not all are remembered at once.
    beyond: Option<Sequence>,
    /// How many slices before this one had, and of how many nothing was found that refers to them.
    passed: (u64, u64),
}

/// Which columns somebody looks at.
#[derive(Clone, Debug, Default)]
struct Columns {
    topics: bool,
    publishers: bool,
    bytes: bool,
    kept: bool,
    age_from: AgeFrom,
}

/// What is shown of single messages only.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept {
    pub payload: Option<Box<[u8]>>,
    pub properties: Vec<(String, String)>,
}

/// Topics and publishers, each text once.
#[derive(Debug, Default)]
struct Names {
    texts: Vec<Box<str>>,
    /// Their numbers, by their hashes.
    numbers: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Names {
    #[inline]
    fn of(&mut self, bytes: &[u8]) -> u32 {
        // Bytes of a text that is known need no look whether they are a text.
        self.find(bytes).unwrap_or_else(|| self.enter(bytes))
    }

    #[inline]
    fn find(&self, bytes: &[u8]) -> Option<u32> {
        let is_same = |number: &u32| self.texts[*number as usize].as_bytes() == bytes;
        self.numbers.find(self.hasher.hash_one(bytes), is_same).copied()
    }

    #[cold]
    fn enter(&mut self, bytes: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(bytes);
        if let Cow::Owned(replaced) = &text
            && let Some(number) = self.find(replaced.as_bytes())
        {
            return number;
        }
        let number = self.texts.len() as u32;
        self.texts.push(text.into());
        let hash = |number: &u32| self.hasher.hash_one(self.texts[*number as usize].as_bytes());
        self.numbers.insert_unique(hash(&number), number, hash);
        number
    }
}

impl Messages {
    /// Remembers what `want` needs; with `only`, of these messages alone.
    pub fn new(want: &Want, only: Option<HashSet<u64>>) -> Self {
        let columns = Columns {
            topics: want.topics || want.filters,
            publishers: want.publishers,
            bytes: want.bytes,
            kept: want.payloads || want.properties,
            age_from: want.age_from.clone(),
        };
        Self { columns, only, limit: want.memory, ..Self::default() }
    }

    /// Remembers all there are, however many.
    pub fn take_all(&mut self) {
        self.limit = None;
    }

    /// Remembers a message; no more once so many are that the limit is reached.
    #[inline(always)]
    pub fn add(&mut self, message: &Message<'_>) -> bool {
        if self.only.as_ref().is_some_and(|only| !only.contains(&message.store_id.0)) {
            return true;
        }
        if self.is_full {
            self.beyond.get_or_insert_with(|| self.ids.sequence().clone()).push(message.store_id.0);
            return false;
        }
        let expires = message.expires.unwrap_or(0);
        if expires != 0 || !self.expires.is_empty() {
            self.expires.fill_up(self.ids.len());
            self.expires.push(expires.cast_unsigned());
        }
        self.ids.push(message.store_id.0);
        if self.columns.bytes {
            self.bytes.push(u64::from(message.payload_len));
        }
        if self.columns.topics {
            let topic = self.names.of(message.topic);
            self.topics.push(u64::from(topic));
        }
        if self.columns.publishers {
            let publisher = self.names.of(message.source_id);
            self.publishers.push(u64::from(publisher));
        }
        if self.columns.age_from != AgeFrom::Store {
            self.dated.push(date(message, &self.columns.age_from));
        }
        if self.columns.kept {
            self.kept.push(Kept {
                payload: message.payload.map(Into::into),
                properties: properties::shown(message.properties),
            });
        }
        if self.ids.len().is_multiple_of(LOOK_EVERY) {
            self.is_full = self.limit.is_some_and(|limit| self.size() >= limit);
        }
        true
    }

    fn size(&self) -> usize {
        let columns = [&self.expires, &self.bytes, &self.topics, &self.publishers];
        self.ids.size()
            + columns.map(Packed::size).iter().sum::<usize>()
            + size_of_val(&self.dated[..])
            + size_of_val(&self.kept[..])
    }

    /// Whether more messages came than are remembered at once.
    pub fn are_sliced(&self) -> bool {
        self.beyond.is_some()
    }

    /// The ids that this slice may have, if there are several.
    pub fn slice(&self) -> Option<RangeInclusive<u64>> {
        if self.are_sliced() { self.ids.sequence().range() } else { None }
    }

    /// Whether the slices can be looked at one after the other: no id is in two of them, and each tells its time by itself.
    pub fn can_be_sliced(&self) -> bool {
        self.beyond.as_ref().is_none_or(|all| all.is_ordered() && !may_be_counted(all))
    }

    /// Forgets the messages for those of the next slice.
    pub fn next_slice(&mut self) {
        self.passed = (self.len(), self.unreferenced());
        self.ids = Ids::default();
        for column in [&mut self.expires, &mut self.bytes, &mut self.topics, &mut self.publishers] {
            *column = Packed::default();
        }
        self.dated.clear();
        self.kept.clear();
        self.is_full = false;
    }

    /// Makes them findable: only those of a file that no known broker wrote have to be sorted for it.
    pub fn sort(&mut self) {
        if !self.ids.sequence().is_ordered() {
            let ids: Vec<u64> = self.ids.iter().collect();
            let mut order: Vec<u32> = (0..ids.len() as u32).collect();
            order.sort_by_key(|place| ids[*place as usize]);
            self.keep_last_of_each(&ids, &mut order);
            self.reorder(&ids, &order);
        }
        self.referenced = vec![0; self.ids.len().div_ceil(64)];
    }

    fn keep_last_of_each(&mut self, ids: &[u64], order: &mut Vec<u32>) {
        let twice = &mut self.twice;
        // The sort is stable, so the last of equal ids is the last in the file.
        order.reverse();
        order.dedup_by(|later, kept| {
            let same = ids[*later as usize] == ids[*kept as usize];
            if same && twice.len() < TWICE_NAMED {
                twice.push(StoreId(ids[*kept as usize]));
            }
            same
        });
        order.reverse();
        twice.reverse();
    }

    fn reorder(&mut self, ids: &[u64], order: &[u32]) {
        fn by<T: Clone>(column: &mut Vec<T>, order: &[u32]) {
            if !column.is_empty() {
                *column = order.iter().map(|place| column[*place as usize].clone()).collect();
            }
        }
        fn packed_by(column: &mut Packed, order: &[u32]) {
            *column = order.iter().filter_map(|place| column.get(*place as usize)).collect();
        }
        self.ids = order.iter().map(|place| ids[*place as usize]).collect();
        packed_by(&mut self.expires, order);
        packed_by(&mut self.bytes, order);
        packed_by(&mut self.topics, order);
        packed_by(&mut self.publishers, order);
        by(&mut self.dated, order);
        by(&mut self.kept, order);
    }

    /// How many messages there are, those of slices before included.
    pub fn len(&self) -> u64 {
        self.passed.0 + self.ids.len() as u64
    }

    /// Dates them; nothing is younger than `snapshot`.
    pub fn dating(&self, snapshot: UnixTime) -> Dating {
        if !self.are_sliced() && may_be_counted(self.ids.sequence()) {
            Dating::new(self.ids.ascending(), snapshot)
        } else {
            Dating::default()
        }
    }

    /// The place of a message.
    #[inline(always)]
    pub fn find(&mut self, id: StoreId) -> Option<usize> {
        self.ids.find(id.0)
    }

    /// Remembers that somebody waits for the message, or that it is retained.
    #[inline]
    pub fn refer(&mut self, place: usize) {
        self.referenced[place / 64] |= 1 << (place % 64);
    }

    /// Those of which this is remembered.
    pub fn referred(&self) -> impl Iterator<Item = StoreId> {
        let is_referred = |place: usize| self.referenced[place / 64] & 1 << (place % 64) != 0;
        self.ids.iter().enumerate().filter(move |(place, _)| is_referred(*place)).map(|(_, id)| StoreId(id))
    }

    pub fn unreferenced(&self) -> u64 {
        let referenced: u64 = self.referenced.iter().map(|word| u64::from(word.count_ones())).sum();
        self.passed.1 + self.ids.len() as u64 - referenced
    }

    pub fn expires(&self, place: usize) -> Option<UnixTime> {
        self.expires.get(place).filter(|at| *at != 0).map(|at| UnixTime::from_seconds(at.cast_signed()))
    }

    pub fn bytes(&self, place: usize) -> u64 {
        self.bytes.get(place).unwrap_or(0)
    }

    /// The topic or the publisher of a number; without one it is not known.
    pub fn name(&self, number: Option<u32>) -> &str {
        number.map_or("", |number| &self.names.texts[number as usize])
    }

    /// The number of the message's topic, if it was wanted, for those who remember something by topic.
    pub fn topic_number(&self, place: usize) -> Option<u32> {
        self.topics.get(place).map(|number| number as u32)
    }

    pub fn publisher_number(&self, place: usize) -> Option<u32> {
        self.publishers.get(place).map(|number| number as u32)
    }

    pub fn kept(&self, place: usize) -> Option<&Kept> {
        self.kept.get(place)
    }

    /// The time that the operator named, if the message has it.
    pub fn dated(&self, place: usize) -> Option<Since> {
        self.dated.get(place).copied().flatten().map(Since::Exact)
    }
}

/// Whether ids that should tell a time may have been counted.
fn may_be_counted(ids: &Sequence) -> bool {
    ids.largest().is_some_and(|last| !StoreId(last).is_counter()) && ids.may_be_within(COUNTED_WITHIN)
}

fn date(message: &Message<'_>, age_from: &AgeFrom) -> Option<UnixTime> {
    match age_from {
        AgeFrom::Store => None,
        AgeFrom::Expiry { seconds } => Some(UnixTime::from_seconds(message.expires?.saturating_sub(*seconds))),
        AgeFrom::Payload { pointer } => age::time_in_payload(message.payload?, pointer),
        AgeFrom::Property { name } => {
            let shown = properties::shown(message.properties);
            let (_, value) = shown.iter().find(|(known, _)| known == name)?;
            age::parse_time(value)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Properties;

    fn message(id: u64, topic: &'static str) -> Message<'static> {
        Message {
            store_id: StoreId(id),
            expires: (id == 5).then_some(100),
            source_mid: 0,
            source_id: b"p",
            source_username: b"",
            source_port: 0,
            topic: topic.as_bytes(),
            qos: 1,
            retain: false,
            payload_len: id as u32,
            payload: None,
            properties: Properties::None,
        }
    }

    #[test]
    fn messages_are_found_in_whatever_order_they_came() {
        let orders: [&[u64]; 4] = [&[1, 2, 3, 5, 90], &[90, 5, 3, 2, 1], &[3, 90, 1, 5, 2], &[5, 3, 5, 1, 2, 90]];
        for order in orders {
            let want = Want { topics: true, bytes: true, ..Want::default() };
            let mut messages = Messages::new(&want, None);
            for id in order {
                messages.add(&message(*id, ["even", "odd"][(*id % 2) as usize]));
            }
            messages.sort();
            assert_eq!(messages.ids.ascending().collect::<Vec<_>>(), [1, 2, 3, 5, 90], "{order:?}");
            assert_eq!(messages.twice.len(), order.len() - 5);
            for id in [1, 2, 3, 5, 90_u64] {
                let place = messages.find(StoreId(id)).unwrap();
                assert_eq!(messages.bytes(place), id);
                assert_eq!(messages.name(messages.topic_number(place)), ["even", "odd"][(id % 2) as usize]);
                assert_eq!(messages.expires(place).is_some(), id == 5);
                messages.refer(place);
            }
            assert_eq!(messages.unreferenced(), 0);
            assert_eq!([0, 4, 6, 89, 91, u64::MAX].map(|id| messages.find(StoreId(id))), [None; 6]);
        }
        assert_eq!(Messages::default().find(StoreId(1)), None);
    }
}
