//! The stored messages of one file by id: columns that exist only if somebody looks at them, since a
//! file of 2 GB holds twenty million messages.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::properties;
use crate::queue::age::{self, AgeFrom};
use crate::queue::{Since, Want};
use crate::state::Message;
use crate::state::ids::{StoreId, UnixTime};

/// Ids stored twice that are named one by one; more are a broken file anyway.
const TWICE_NAMED: usize = 20;

/// What is remembered of the messages read so far.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Ascending, once [`Messages::sort`]ed.
    ids: Vec<u64>,
    /// Unix seconds, 0 for never; empty as long as no message expires.
    expires: Vec<i64>,
    bytes: Vec<u32>,
    topics: Vec<u32>,
    publishers: Vec<u32>,
    dated: Vec<Option<UnixTime>>,
    kept: Vec<Kept>,
    names: Names,
    columns: Columns,
    /// Only these are kept, if not all are.
    only: Option<HashSet<u64>>,
    referenced: Vec<u64>,
    pub twice: Vec<StoreId>,
    /// Where the last one was found, and how far from the one before: entries come at regular distances.
    last: usize,
    stride: usize,
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
    index: HashMap<Rc<str>, u32>,
    texts: Vec<Rc<str>>,
}

impl Names {
    fn of(&mut self, bytes: &[u8]) -> u32 {
        let text = String::from_utf8_lossy(bytes);
        if let Some(number) = self.index.get(text.as_ref()) {
            return *number;
        }
        let text: Rc<str> = text.into();
        let number = self.texts.len() as u32;
        self.texts.push(Rc::clone(&text));
        self.index.insert(text, number);
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
        Self { columns, only, ..Self::default() }
    }

    #[inline(always)]
    pub fn add(&mut self, message: &Message<'_>) {
        if self.only.as_ref().is_some_and(|only| !only.contains(&message.store_id.0)) {
            return;
        }
        let expires = message.expires.unwrap_or(0);
        if expires != 0 || !self.expires.is_empty() {
            self.expires.resize(self.ids.len(), 0);
            self.expires.push(expires);
        }
        self.ids.push(message.store_id.0);
        if self.columns.bytes {
            self.bytes.push(message.payload_len);
        }
        if self.columns.topics {
            let topic = self.names.of(message.topic);
            self.topics.push(topic);
        }
        if self.columns.publishers {
            let publisher = self.names.of(message.source_id);
            self.publishers.push(publisher);
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
    }

    /// Puts the messages in the order of their ids. 2.1 writes them so, 2.0 the other way round.
    pub fn sort(&mut self) {
        if !self.ids.is_sorted_by(|a, b| a < b) {
            let descending = self.ids.is_sorted_by(|a, b| a > b);
            let mut order: Vec<u32> = (0..self.ids.len() as u32).collect();
            if descending {
                order.reverse();
            } else {
                order.sort_by_key(|place| self.ids[*place as usize]);
                self.keep_last_of_each(&mut order);
            }
            self.reorder(&order);
        }
        self.referenced = vec![0; self.ids.len().div_ceil(64)];
    }

    fn keep_last_of_each(&mut self, order: &mut Vec<u32>) {
        let ids = &self.ids;
        let twice = &mut self.twice;
        let mut at = 0;
        // The sort is stable, so the last of equal ids is the last in the file.
        order.reverse();
        order.dedup_by(|later, kept| {
            at += 1;
            let same = ids[*later as usize] == ids[*kept as usize];
            if same && twice.len() < TWICE_NAMED {
                twice.push(StoreId(ids[*kept as usize]));
            }
            same
        });
        order.reverse();
        twice.reverse();
    }

    fn reorder(&mut self, order: &[u32]) {
        fn by<T: Clone>(column: &mut Vec<T>, order: &[u32]) {
            if !column.is_empty() {
                *column = order.iter().map(|place| column[*place as usize].clone()).collect();
            }
        }
        by(&mut self.ids, order);
        by(&mut self.expires, order);
        by(&mut self.bytes, order);
        by(&mut self.topics, order);
        by(&mut self.publishers, order);
        by(&mut self.dated, order);
        by(&mut self.kept, order);
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn ids(&self) -> &[u64] {
        &self.ids
    }

    /// The place of a message.
    #[inline]
    pub fn find(&mut self, id: StoreId) -> Option<usize> {
        let guess = self.last.wrapping_add(self.stride);
        let place = if self.ids.get(guess) == Some(&id.0) { guess } else { locate(&self.ids, id.0)? };
        self.stride = place.wrapping_sub(self.last);
        self.last = place;
        Some(place)
    }

    /// Remembers that somebody waits for the message, or that it is retained.
    #[inline]
    pub fn refer(&mut self, place: usize) {
        self.referenced[place / 64] |= 1 << (place % 64);
    }

    /// Those of which this is remembered.
    pub fn referred(&self) -> impl Iterator<Item = StoreId> {
        let is_referred = |place: usize| self.referenced[place / 64] & 1 << (place % 64) != 0;
        (0..self.ids.len()).filter(move |place| is_referred(*place)).map(|place| StoreId(self.ids[place]))
    }

    pub fn unreferenced(&self) -> u64 {
        self.ids.len() as u64 - self.referenced.iter().map(|word| u64::from(word.count_ones())).sum::<u64>()
    }

    pub fn expires(&self, place: usize) -> Option<UnixTime> {
        self.expires.get(place).filter(|at| **at != 0).map(|at| UnixTime::from_seconds(*at))
    }

    pub fn bytes(&self, place: usize) -> u64 {
        self.bytes.get(place).copied().map_or(0, u64::from)
    }

    pub fn topic(&self, place: usize) -> &str {
        self.name(&self.topics, place)
    }

    pub fn publisher(&self, place: usize) -> &str {
        self.name(&self.publishers, place)
    }

    fn name(&self, column: &[u32], place: usize) -> &str {
        column.get(place).map_or("", |number| &self.names.texts[*number as usize])
    }

    /// The number of the message's topic, for those who remember something by topic.
    pub fn topic_number(&self, place: usize) -> u32 {
        self.topics.get(place).copied().unwrap_or(0)
    }

    pub fn kept(&self, place: usize) -> Option<&Kept> {
        self.kept.get(place)
    }

    /// The time that the operator named, if the message has it.
    pub fn dated(&self, place: usize) -> Option<Since> {
        self.dated.get(place).copied().flatten().map(Since::Exact)
    }
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

/// Searches from where the id would stand if ids were spread evenly, which counters are and clock
/// ids nearly: the search is short and stays within few cache lines.
#[inline(never)]
fn locate(ids: &[u64], id: u64) -> Option<usize> {
    let (first, last) = (*ids.first()?, *ids.last()?);
    if id < first || id > last {
        return None;
    }
    let span = (last - first).max(1) as f64;
    let guess = (((id - first) as f64 / span) * (ids.len() - 1) as f64) as usize;
    let (mut low, mut high) = (guess, guess + 1);
    let mut step = 1;
    while ids[low] > id {
        high = low;
        low = low.saturating_sub(step);
        step *= 2;
    }
    while high < ids.len() && ids[high] <= id {
        low = high;
        high = (high + step).min(ids.len());
        step *= 2;
    }
    ids[low..high].binary_search(&id).ok().map(|place| low + place)
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
            assert_eq!(messages.ids(), [1, 2, 3, 5, 90], "{order:?}");
            assert_eq!(messages.twice.len(), order.len() - 5);
            for id in [1, 2, 3, 5, 90_u64] {
                let place = messages.find(StoreId(id)).unwrap();
                assert_eq!(messages.bytes(place), id);
                assert_eq!(messages.topic(place), ["even", "odd"][(id % 2) as usize]);
                assert_eq!(messages.expires(place).is_some(), id == 5);
                messages.refer(place);
            }
            assert_eq!(messages.unreferenced(), 0);
            assert_eq!([0, 4, 6, 89, 91, u64::MAX].map(|id| messages.find(StoreId(id))), [None; 6]);
        }
        assert_eq!(Messages::default().find(StoreId(1)), None);
    }

    #[test]
    fn every_id_is_found_however_the_ids_are_spread() {
        let ids: Vec<u64> = (0..2000_u64).map(|n| n * n * n + (n % 7)).collect();
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(locate(&ids, *id), Some(place));
            assert_eq!(locate(&ids, id + 1), ids.binary_search(&(id + 1)).ok());
        }
    }
}
