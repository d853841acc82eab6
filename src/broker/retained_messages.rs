//! The retained messages, by topic and by age.

use std::cmp::Ordering;
use std::hash::BuildHasher;
use std::ops::{Bound, Range};
use std::sync::Arc;

use bytestring::ByteString;
use hashbrown::HashTable;

use super::clock::WallTime;
use super::message::{Content, Message, MessageId, Source};
use super::packed::{Kept, Packed, text};
use super::sequence::{Place, Sequence};
use super::shared_seed::SharedSeed;
use super::slice::Slice;
use super::sources::Sources;
use crate::mqtt::topic;

/// There may be very many, and most are small: beside its text a message takes about 70 bytes. Its topic has a number for as
/// long as it is retained, and everything else is an order of these numbers.
#[derive(Debug)]
pub(super) struct RetainedMessages {
    /// By the numbers of their topics.
    list: Vec<Retained>,
    /// Numbers of `list` that stand for nothing.
    free: Vec<u32>,
    /// In several tables, each of which grows for itself: one would stand still for long when it has very many.
    by_topic: Vec<HashTable<u32>>,
    /// In the order of [`by_level`].
    sorted: Sequence,
    /// From the oldest on: ids grow.
    by_age: Sequence,
    /// Where packed messages came from.
    sources: Sources,
    /// The bytes of their payloads.
    bytes: u64,
}

#[derive(Debug)]
struct Retained {
    id: MessageId,
    message: Kept,
}

/// The messages that matched a filter at one moment, oldest first, as far as they are still there: one that was replaced
/// meanwhile went to its subscribers when it came.
#[derive(Debug)]
pub(super) enum Matching {
    /// Ids and numbers, newest first, to be taken from the end.
    Found(Vec<(MessageId, u32)>),
    /// There are too many to look for: all messages are gone through, up to the newest of that moment.
    Scan { after: Bound<MessageId>, newest: MessageId },
}

/// A message that matches a filter, as it is kept: most go to a client without being made whole for it.
#[derive(Debug)]
pub(super) enum Matched<'a> {
    Packed { id: MessageId, packed: &'a Packed, source: &'a Arc<Source> },
    Whole(&'a Arc<Message>),
}

/// Topics and levels that are visited at once; a filter that concerns more goes through all messages slice by slice.
const VISITS: usize = 4096;

/// Going through all costs at most about this many times what visiting those that match would.
const SCAN_FACTOR: usize = 16;

/// Tables by topic.
const TABLES: usize = 64;

/// Topics that are looked at one by one for the end of those below another, before they are divided.
const NEIGHBOURS: usize = 4;

/// Visits that take as long as dividing them does.
const SEARCH: usize = 8;

/// The id of a number that stands for nothing. The clock reaches it after 34,000 years.
const NOTHING: MessageId = MessageId(u64::MAX);

impl RetainedMessages {
    pub(super) fn new() -> Self {
        Self { by_topic: vec![HashTable::new(); TABLES], ..Self::none() }
    }

    /// Stands for them where they are lent, and takes none.
    pub(super) fn none() -> Self {
        Self {
            list: Vec::new(),
            free: Vec::new(),
            by_topic: Vec::new(),
            sorted: Sequence::default(),
            by_age: Sequence::default(),
            sources: Sources::default(),
            bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.list.len() - self.free.len()
    }

    /// Bytes of their payloads.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn contains(&self, id: MessageId) -> bool {
        self.by_age.get(self.place_of(id)).is_some_and(|number| self.id(number) == id)
    }

    /// Returns the id of the message it takes the place of.
    pub(super) fn insert(&mut self, message: &Arc<Message>) -> Option<MessageId> {
        let topic = message.topic.as_bytes();
        let hash = hash(topic);
        let found = self.number(topic, hash);
        let kept = Retained { id: message.id, message: Kept::new(message, || self.sources.hold(&message.source)) };
        self.bytes += message.payload.len() as u64;
        let (number, old) = if let Some(number) = found {
            let place = self.place_of(self.id(number));
            self.by_age.remove(place);
            let old = self.replace(number, kept);
            (number, Some(old))
        } else {
            (self.add(topic, hash, kept), None)
        };
        let is_newest = self.by_age.last().is_none_or(|last| self.id(last) < message.id);
        let place = if is_newest { self.by_age.end() } else { self.place_of(message.id) };
        self.by_age.insert(place, number);
        old
    }

    /// Returns the id of the topic's message.
    pub(super) fn remove(&mut self, topic: &str) -> Option<MessageId> {
        let topic = topic.as_bytes();
        let hash = hash(topic);
        let number = self.number(topic, hash)?;
        if let Ok(entry) = table_mut(&mut self.by_topic, hash).find_entry(hash, |&other| other == number) {
            entry.remove();
        }
        let place = self.place_of(self.id(number));
        self.by_age.remove(place);
        let place = self.sorted.partition_point(|other| by_level(self.topic(other), topic) == Ordering::Less);
        self.sorted.remove(place);
        self.free.push(number);
        Some(self.replace(number, Retained { id: NOTHING, message: Kept::nothing() }))
    }

    /// Gives a new topic its number.
    fn add(&mut self, topic: &[u8], hash: u64, kept: Retained) -> u32 {
        let place = self.sorted.partition_point(|other| by_level(self.topic(other), topic) == Ordering::Less);
        let number = if let Some(number) = self.free.pop() {
            self.list[number as usize] = kept;
            number
        } else {
            self.list.push(kept);
            (self.list.len() - 1) as u32
        };
        self.sorted.insert(place, number);
        let list = &self.list;
        let rehash = |&number: &u32| self::hash(list[number as usize].message.topic());
        table_mut(&mut self.by_topic, hash).insert_unique(hash, number, rehash);
        number
    }

    fn replace(&mut self, number: u32, kept: Retained) -> MessageId {
        let old = std::mem::replace(&mut self.list[number as usize], kept);
        self.bytes -= old.message.payload().len() as u64;
        if let Kept::Packed(packed) = &old.message {
            self.sources.release(packed.source());
        }
        old.id
    }

    fn number(&self, topic: &[u8], hash: u64) -> Option<u32> {
        self.by_topic[table_of(hash)].find(hash, |&number| self.topic(number) == topic).copied()
    }

    fn topic(&self, number: u32) -> &[u8] {
        self.list[number as usize].message.topic()
    }

    fn id(&self, number: u32) -> MessageId {
        self.list[number as usize].id
    }

    fn message(&self, number: u32) -> Matched<'_> {
        let Retained { id, message } = &self.list[number as usize];
        match message {
            Kept::Packed(packed) => Matched::Packed { id: *id, packed, source: self.sources.get(packed.source()) },
            Kept::Whole(message) => Matched::Whole(message),
        }
    }

    /// The place by age of the message with the id, or of the next.
    fn place_of(&self, id: MessageId) -> Place {
        self.by_age.partition_point(|number| self.id(number) < id)
    }

    /// Numbers and ids from the one after `after` on, oldest first.
    fn after(&self, after: Bound<MessageId>) -> impl Iterator<Item = (u32, MessageId)> {
        let place = match after {
            Bound::Unbounded => Place::default(),
            Bound::Included(id) => self.place_of(id),
            Bound::Excluded(id) => self.by_age.partition_point(|number| self.id(number) <= id),
        };
        self.by_age.from(place).map(|number| (number, self.id(number)))
    }

    /// Begins to look for those that match the filter.
    pub(super) fn matching(&self, filter: &str, slice: &mut Slice) -> Matching {
        let left = VISITS.max(self.len() / SCAN_FACTOR);
        let mut search = Search { retained: self, path: Vec::new(), found: Vec::new(), left };
        let all = Branch { own: None, below: Place::default()..self.sorted.end() };
        let is_whole = search.descend(&all, filter).is_ok();
        slice.spend(left - search.left);
        if is_whole {
            search.found.sort_unstable_by(|a, b| b.cmp(a));
            return Matching::Found(search.found);
        }
        let newest = self.by_age.last().map_or(MessageId::default(), |last| self.id(last));
        Matching::Scan { after: Bound::Unbounded, newest }
    }

    /// The next of those that match. `None`: there is none, or the slice is over.
    pub(super) fn next(&self, filter: &str, matching: &mut Matching, slice: &mut Slice) -> Option<Matched<'_>> {
        match matching {
            Matching::Found(found) => loop {
                if slice.is_over() {
                    return None;
                }
                slice.spend(1);
                let (id, number) = found.pop()?;
                if self.id(number) == id {
                    return Some(self.message(number));
                }
            },
            Matching::Scan { after, newest } => {
                for (number, id) in self.after(*after).take_while(|&(_, id)| id <= *newest) {
                    if slice.is_over() {
                        return None;
                    }
                    slice.spend(1);
                    *after = Bound::Excluded(id);
                    if topic::matches(filter, text(self.topic(number))) {
                        return Some(self.message(number));
                    }
                }
                *matching = Matching::Found(Vec::new());
                None
            }
        }
    }

    /// The topics of those whose time is over, among `count` messages from the one after `after` on, and the last of these.
    pub(super) fn expired(
        &self,
        after: Bound<MessageId>,
        count: usize,
        wall: WallTime,
    ) -> (Vec<ByteString>, Option<MessageId>) {
        let mut expired = Vec::new();
        let mut last = None;
        for (number, id) in self.after(after).take(count) {
            last = Some(id);
            // What is packed has no time.
            if let Kept::Whole(message) = &self.list[number as usize].message
                && message.is_expired(wall)
            {
                expired.push(message.topic.clone());
            }
        }
        (expired, last)
    }
}

impl Matched<'_> {
    pub(super) fn content(&self) -> Content<'_> {
        match self {
            Self::Packed { packed, .. } => packed.content(),
            Self::Whole(message) => Content::of(message),
        }
    }

    pub(super) fn source(&self) -> &Source {
        match self {
            Self::Packed { source, .. } => source,
            Self::Whole(message) => &message.source,
        }
    }

    pub(super) fn whole(&self) -> Arc<Message> {
        match self {
            Self::Packed { id, packed, source } => Arc::new(packed.unpack(*id, Arc::clone(source))),
            Self::Whole(message) => Arc::clone(message),
        }
    }
}

impl Matching {
    pub(super) fn is_done(&self) -> bool {
        matches!(self, Self::Found(found) if found.is_empty())
    }
}

/// A search for the topics that match a filter.
struct Search<'a> {
    retained: &'a RetainedMessages,
    /// The levels that the branch looked at has in common, each with the separator behind it.
    path: Vec<u8>,
    found: Vec<(MessageId, u32)>,
    /// Topics and levels that may still be visited.
    left: usize,
}

/// Topics that begin with the same levels.
struct Branch {
    /// The one that ends there.
    own: Option<u32>,
    /// Those below it, by their places in the order.
    below: Range<Place>,
}

/// More would have to be visited than may be at once.
struct TooMany;

impl Search<'_> {
    fn descend(&mut self, branch: &Branch, filter: &str) -> Result<(), TooMany> {
        let (level, rest) = match filter.split_once('/') {
            Some((level, rest)) => (level, Some(rest)),
            None => (filter, None),
        };
        match level {
            "#" => {
                // `#` stands for its parent too, §4.7.1.2.
                self.see(branch.own)?;
                for part in self.matched_by_wildcard(&branch.below) {
                    self.see_all(part)?;
                }
            }
            "+" => {
                for part in self.matched_by_wildcard(&branch.below) {
                    self.follow_each(part, rest)?;
                }
            }
            _ => {
                let (levels, rest) = match filter.find(['+', '#']) {
                    Some(wildcard) => (&filter[..wildcard - 1], Some(&filter[wildcard..])),
                    None => (filter, None),
                };
                self.follow_levels(levels, rest)?;
            }
        }
        Ok(())
    }

    /// Of a branch, what a wildcard for its next level stands for. Wildcards at the first level do not match topics that
    /// begin with `$` [MQTT-4.7.2-1].
    fn matched_by_wildcard(&self, below: &Range<Place>) -> [Range<Place>; 2] {
        if !self.path.is_empty() {
            return [below.clone(), below.end..below.end];
        }
        let before = |rank: u16| {
            let sorted = &self.retained.sorted;
            sorted.partition_point(|number| {
                self.retained.topic(number).first().is_none_or(|&first| self::rank(first) < rank)
            })
        };
        let dollar = rank(b'$');
        [below.start..before(dollar), before(dollar + 1)..below.end]
    }

    fn see_all(&mut self, part: Range<Place>) -> Result<(), TooMany> {
        let mut place = part.start;
        while place < part.end {
            self.see(self.retained.sorted.get(place))?;
            place = self.retained.sorted.next(place);
        }
        Ok(())
    }

    /// Goes on with the rest of the filter in each branch of the next level.
    fn follow_each(&mut self, part: Range<Place>, rest: Option<&str>) -> Result<(), TooMany> {
        let retained = self.retained;
        let sorted = &retained.sorted;
        let above = self.path.len();
        let mut place = part.start;
        while place < part.end
            && let Some(number) = sorted.get(place)
        {
            let below = &retained.topic(number)[above..];
            let level = below.split(|&byte| byte == b'/').next().unwrap_or_default();
            let own = (level.len() == below.len()).then_some(number);
            self.path.extend(level);
            self.path.push(b'/');
            let start = if own.is_some() { sorted.next(place) } else { place };
            let end = self.end_of_branch(start, part.end)?;
            self.follow(&Branch { own, below: start..end }, rest)?;
            self.path.truncate(above);
            place = end;
        }
        Ok(())
    }

    /// Goes on with the rest of the filter in the branch of these levels, none of which is a wildcard.
    fn follow_levels(&mut self, levels: &str, rest: Option<&str>) -> Result<(), TooMany> {
        let retained = self.retained;
        let above = self.path.len();
        self.path.extend(levels.as_bytes());
        if rest.is_none() {
            self.see(retained.number(&self.path, hash(&self.path)))?;
        } else {
            let path = self.path.as_slice();
            let start =
                retained.sorted.partition_point(|number| by_level(retained.topic(number), path) == Ordering::Less);
            let own = retained.sorted.get(start).filter(|&number| retained.topic(number) == path);
            let start = if own.is_some() { retained.sorted.next(start) } else { start };
            self.path.push(b'/');
            let end = self.end_of_branch(start, retained.sorted.end())?;
            self.follow(&Branch { own, below: start..end }, rest)?;
        }
        self.path.truncate(above);
        Ok(())
    }

    fn follow(&mut self, branch: &Branch, rest: Option<&str>) -> Result<(), TooMany> {
        match rest {
            Some(filter) => {
                self.pass()?;
                self.descend(branch, filter)
            }
            None => self.see(branch.own),
        }
    }

    /// The end of the topics from `start` on, before `end`, that begin with the path.
    fn end_of_branch(&mut self, start: Place, end: Place) -> Result<Place, TooMany> {
        let sorted = &self.retained.sorted;
        let mut place = start;
        // Most branches have few topics.
        for _ in 0..NEIGHBOURS {
            match sorted.get(place) {
                Some(number) if place < end && self.retained.topic(number).starts_with(&self.path) => {
                    place = sorted.next(place);
                }
                _ => return Ok(place),
            }
        }
        self.left = self.left.checked_sub(SEARCH).ok_or(TooMany)?;
        Ok(sorted.partition_point_from(place, |number| {
            let topic = self.retained.topic(number);
            by_level(&topic[..topic.len().min(self.path.len())], &self.path) != Ordering::Greater
        }))
    }

    fn pass(&mut self) -> Result<(), TooMany> {
        self.left = self.left.checked_sub(1).ok_or(TooMany)?;
        Ok(())
    }

    fn see(&mut self, number: Option<u32>) -> Result<(), TooMany> {
        self.pass()?;
        self.found.extend(number.map(|number| (self.retained.id(number), number)));
        Ok(())
    }
}

fn hash(topic: &[u8]) -> u64 {
    SharedSeed.hash_one(topic)
}

/// The table for a hash, by bits that the table itself makes no use of while it has fewer than 2^32 topics.
const fn table_of(hash: u64) -> usize {
    (hash >> 40) as usize % TABLES
}

fn table_mut(tables: &mut [HashTable<u32>], hash: u64) -> &mut HashTable<u32> {
    &mut tables[table_of(hash)]
}

/// The order in which what is below a topic follows it at once: level by level.
fn by_level(one: &[u8], other: &[u8]) -> Ordering {
    let common = common(one, other);
    match (one.get(common), other.get(common)) {
        (Some(&one), Some(&other)) => rank(one).cmp(&rank(other)),
        (one, other) => one.is_some().cmp(&other.is_some()),
    }
}

/// The separator comes before every other byte.
const fn rank(byte: u8) -> u16 {
    if byte == b'/' { 0 } else { byte as u16 + 1 }
}

/// How many bytes are the same at the start of both.
fn common(one: &[u8], other: &[u8]) -> usize {
    let words = one.as_chunks::<8>().0.iter().zip(other.as_chunks::<8>().0);
    let words = 8 * words.take_while(|(one, other)| one == other).count();
    words + one[words..].iter().zip(&other[words..]).take_while(|(one, other)| one == other).count()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::broker::message::MessageId;

    fn message(id: u64, topic: &str) -> Arc<Message> {
        let payload = Bytes::from_static(b"x");
        Arc::new(Message { id: MessageId(id), topic: topic.into(), payload, retain: true, ..Message::example() })
    }

    /// Slice by slice.
    fn rest(retained: &RetainedMessages, filter: &str, mut matching: Matching) -> Vec<String> {
        let mut found = Vec::new();
        while !matching.is_done() {
            let mut slice = Slice::new();
            while let Some(message) = retained.next(filter, &mut matching, &mut slice) {
                found.push(message.content().topic.to_owned());
                assert_eq!(Content::of(&message.whole()), message.content());
            }
        }
        found
    }

    fn matching(retained: &RetainedMessages, filter: &str) -> Vec<String> {
        rest(retained, filter, retained.matching(filter, &mut Slice::new()))
    }

    #[test]
    fn filters_find_their_messages_oldest_first() {
        let mut retained = RetainedMessages::new();
        for (id, topic) in ["b", "a", "a/x", "a/y/z", "$SYS/x", "/"].iter().enumerate() {
            assert_eq!(retained.insert(&message(id as u64, topic)), None);
        }
        assert_eq!(matching(&retained, "#"), ["b", "a", "a/x", "a/y/z", "/"]);
        assert_eq!(matching(&retained, "a/#"), ["a", "a/x", "a/y/z"]);
        assert_eq!(matching(&retained, "+"), ["b", "a"]);
        assert_eq!(matching(&retained, "+/+"), ["a/x", "/"]);
        assert_eq!(matching(&retained, "$SYS/#"), ["$SYS/x"]);
        assert_eq!(matching(&retained, "a/y"), Vec::<String>::new());
    }

    #[test]
    fn a_filter_that_matches_many_is_cut_into_slices_and_finds_the_same() {
        let mut retained = RetainedMessages::new();
        let count = VISITS as u64 * 2;
        for id in 0..count {
            retained.insert(&message(id, &format!("{}/{id}", ["a", "b", "$c"][id as usize % 3])));
        }
        for filter in ["#", "+/+", "a/#", "a/7", "+/1", "$c/+"] {
            let expected: Vec<_> = (0..count)
                .map(|id| format!("{}/{id}", ["a", "b", "$c"][id as usize % 3]))
                .filter(|topic| topic::matches(filter, topic))
                .collect();
            let mut slice = Slice::new();
            let begun = retained.matching(filter, &mut slice);
            assert_eq!(matches!(begun, Matching::Scan { .. }), filter == "#" || filter == "+/+", "{filter}");
            assert_eq!(rest(&retained, filter, begun), expected, "{filter}");
        }
    }

    #[test]
    fn what_is_replaced_or_comes_while_others_are_found_is_not_found_again() {
        for others in [10, VISITS as u64 * 2] {
            let mut retained = RetainedMessages::new();
            for id in 0..others {
                retained.insert(&message(id, &format!("a/{id}")));
            }
            let begun = retained.matching("a/#", &mut Slice::new());
            assert_eq!(matches!(begun, Matching::Scan { .. }), others > 10);
            retained.insert(&message(others, "a/3"));
            retained.insert(&message(others + 1, "a/new"));
            retained.remove("a/5");
            let expected: Vec<_> = (0..others).filter(|id| ![3, 5].contains(id)).map(|id| format!("a/{id}")).collect();
            assert_eq!(rest(&retained, "a/#", begun), expected);
        }
    }

    #[test]
    fn a_topic_keeps_one_message() {
        let mut retained = RetainedMessages::new();
        retained.insert(&message(1, "a/b"));
        assert_eq!(retained.insert(&message(2, "a/b")), Some(MessageId(1)));
        assert_eq!((retained.len(), retained.bytes()), (1, 1));
        assert!(retained.contains(MessageId(2)) && !retained.contains(MessageId(1)));
        assert_eq!(retained.remove("a/b"), Some(MessageId(2)));
        assert_eq!(retained.remove("a/b"), None);
        assert_eq!((retained.len(), retained.bytes()), (0, 0));
        assert!(retained.sorted.is_empty() && retained.by_age.is_empty());
    }

    #[test]
    fn what_is_below_a_topic_follows_it_at_once() {
        let sorted = ["/", "//", "/a", "a", "a/", "a//b", "a/b", "a/b/c", "a/b!", "a!", "a!/b", "a\u{1}", "b"];
        let mut by_rank = sorted;
        by_rank.sort_by(|one, other| by_level(one.as_bytes(), other.as_bytes()));
        let levels = |topic: &str| topic.split('/').map(str::to_owned).collect::<Vec<_>>();
        let mut by_levels = sorted;
        by_levels.sort_by_key(|topic| levels(topic));
        assert_eq!(by_rank, by_levels);
        let long = |end: &str| format!("{}{end}", "0123456789/".repeat(4));
        for (one, other) in [("", "/"), ("", "x"), ("x", "y"), ("/", "!"), ("x/", "x!")] {
            assert_eq!(by_level(long(one).as_bytes(), long(other).as_bytes()), Ordering::Less, "{one} {other}");
            assert_eq!(by_level(long(other).as_bytes(), long(one).as_bytes()), Ordering::Greater);
        }
        assert_eq!(by_level(long("").as_bytes(), long("").as_bytes()), Ordering::Equal);
    }

    /// A number that looks like chance and is the same in each run.
    struct Dice(u64);

    impl Dice {
        fn roll(&mut self, sides: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % sides
        }

        fn levels(&mut self, of: &[&str]) -> String {
            let count = 1 + self.roll(4);
            let levels: Vec<_> = (0..count).map(|_| of[self.roll(of.len())]).collect();
            levels.join("/")
        }
    }

    #[test]
    fn whatever_comes_and_goes_filters_find_what_matches_them() {
        let names = ["", "a", "b", "aa", "a!", "$x", "\u{1}", "long name of a level"];
        let mut dice = Dice(7);
        let mut retained = RetainedMessages::new();
        // What is there, by topic.
        let mut there: std::collections::BTreeMap<String, u64> = std::collections::BTreeMap::new();
        for id in 1..4_000 {
            let topic = match dice.levels(&names) {
                empty if empty.is_empty() => "x".to_owned(),
                topic => topic,
            };
            if dice.roll(3) == 0 {
                assert_eq!(retained.remove(&topic), there.remove(&topic).map(MessageId));
            } else {
                assert_eq!(retained.insert(&message(id, &topic)), there.insert(topic, id).map(MessageId));
            }
            assert_eq!(retained.len(), there.len());
            if id % 10 > 0 {
                continue;
            }
            let mut filter = dice.levels(&["", "a", "aa", "a!", "$x", "+", "+", "long name of a level"]);
            if dice.roll(3) == 0 {
                filter += "/#";
            }
            let mut expected: Vec<_> = there
                .iter()
                .filter(|(topic, _)| topic::matches(&filter, topic))
                .map(|(topic, id)| (id, topic))
                .collect();
            expected.sort_unstable();
            let expected: Vec<_> = expected.into_iter().map(|(_, topic)| topic.clone()).collect();
            assert_eq!(matching(&retained, &filter), expected, "{filter}");
            let found = Matching::Scan { after: Bound::Unbounded, newest: MessageId(id) };
            assert_eq!(rest(&retained, &filter, found), expected, "{filter}");
        }
    }
}
