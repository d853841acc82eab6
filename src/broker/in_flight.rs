//! What is in flight to a client: in the order of its first sending, and by packet id; and the next packet id that is free.
//!
//! Packet ids grow along the line as a rule, and clients acknowledge in that order. So an entry is looked for where its id says,
//! and only the ids that are elsewhere are kept in a table.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasherDefault;

use super::ahead::{Ahead, Sent};
use super::change::EntryState;
use super::entry::{Entry, WrongState};
use crate::mqtt::flow::IdHasher;
use crate::mqtt::packet::{PacketId, QoS};

/// Packet ids that there are, of which 0 is none.
const IDS: u64 = u16::MAX as u64;

/// From so many in flight on a map of all ids is kept, in 8 KB, so that a free one is found without asking for each.
const DENSE: usize = 4096;

/// Bits of one word of the map.
const BITS: u16 = 64;

/// Places in the line that may be empty, besides as many as are not.
const GAPS: usize = 64;

#[derive(Debug)]
pub(super) struct InFlight {
    /// From the oldest on. `None`: it was acknowledged before an older one.
    line: VecDeque<Option<Entry>>,
    /// The place of the first; the others follow.
    first: u64,
    /// Entries in the line.
    len: usize,
    /// The bytes of their payloads.
    pub(super) bytes: u64,
    /// The last number that a PUBREL has had.
    pub(super) pubrels: u64,
    /// How many at the end have not been sent on this connection yet.
    unsent: usize,
    /// The place of the first of those.
    first_unsent: u64,
    /// The packet id of the first place, less one, where ids and places grow together.
    head: u64,
    /// The places of the packet ids for which that does not hold.
    odd: HashMap<PacketId, u64, BuildHasherDefault<IdHasher>>,
    /// A bit for each packet id, where many are in flight; 0, which is none, counts as taken.
    taken: Option<Box<[u64]>>,
    /// What was sent before the store knows.
    pub(super) ahead: Ahead,
}

impl Default for InFlight {
    fn default() -> Self {
        Self::new()
    }
}

impl InFlight {
    pub(super) const fn new() -> Self {
        Self {
            line: VecDeque::new(),
            first: 0,
            len: 0,
            bytes: 0,
            pubrels: 0,
            unsent: 0,
            first_unsent: 0,
            head: 0,
            odd: HashMap::with_hasher(BuildHasherDefault::new()),
            taken: None,
            ahead: Ahead::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn unsent(&self) -> usize {
        self.unsent
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.line.iter().flatten()
    }

    /// The one that was put in last.
    pub(super) fn newest(&self) -> Option<&Entry> {
        self.line.back()?.as_ref()
    }

    pub(super) fn contains(&self, packet_id: PacketId) -> bool {
        self.locate(packet_id).is_some()
    }

    /// What was sent on this connection with the packet id.
    pub(super) fn get(&self, packet_id: PacketId) -> Option<&Entry> {
        self.line[self.locate_sent(packet_id)?].as_ref()
    }

    pub(super) fn get_mut(&mut self, packet_id: PacketId) -> Option<&mut Entry> {
        let index = self.locate_sent(packet_id)?;
        self.line[index].as_mut()
    }

    /// Whether the entry may be sent before the store knows of it.
    pub(super) fn goes_ahead(&mut self, entry: &Entry, generation: u64, has_stored: impl Fn(u64) -> bool) -> bool {
        // At QoS 2 the packet id alone says after a kill which message it was. So it has to be stored as being in flight; and at
        // QoS 1 as that of the message [MQTT-4.4.0-1].
        let is_stored_with_id = entry.packet_id.is_some_and(|id| !self.contains(id));
        if entry.qos != QoS::AtLeastOnce || !is_stored_with_id {
            return false;
        }
        let mut ahead = std::mem::replace(&mut self.ahead, Ahead::new());
        let takes = ahead.takes(entry.sequence, |sent| self.find(sent).is_some(), generation, has_stored);
        self.ahead = ahead;
        takes
    }

    /// What was sent so, if it is still in flight.
    pub(super) fn find(&self, sent: Sent) -> Option<&Entry> {
        let entry = self.line[self.locate(sent.packet_id)?].as_ref();
        entry.filter(|entry| entry.sequence == sent.sequence)
    }

    /// Puts an entry at the end, with its packet id, which no other has.
    pub(super) fn push(&mut self, packet_id: PacketId, mut entry: Entry) -> &Entry {
        entry.packet_id = Some(packet_id);
        if self.line.len() > 2 * self.len + GAPS {
            self.close_gaps();
        }
        self.note_id(packet_id);
        self.len += 1;
        self.line.push_back(Some(entry));
        self.line.back().and_then(Option::as_ref).expect("it was just put there")
    }

    /// Takes out what was sent on this connection with the packet id, if it is in the state; says whether it is.
    pub(super) fn remove(&mut self, packet_id: PacketId, state: EntryState) -> Result<Option<Entry>, WrongState> {
        let Some(index) = self.locate_sent(packet_id) else { return Ok(None) };
        if self.line[index].as_ref().is_some_and(|entry| entry.state != state) {
            return Err(WrongState);
        }
        Ok(self.take_at(index))
    }

    pub(super) fn pop_first(&mut self) -> Option<Entry> {
        // No gap is at the head of the line.
        if self.line.is_empty() { None } else { self.take_at(0) }
    }

    /// Takes out what `keep` refuses. All count as sent.
    pub(super) fn take_refused(&mut self, keep: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let refused: Vec<_> = self.iter().filter(|entry| !keep(entry)).filter_map(|entry| entry.packet_id).collect();
        refused.into_iter().filter_map(|id| self.locate(id).and_then(|index| self.take_at(index))).collect()
    }

    /// The client is back: everything is to be sent again.
    pub(super) fn rewind(&mut self) {
        self.unsent = self.len;
        self.first_unsent = self.first;
        // PUBRELs go out in the order of their PUBRECs [MQTT-4.6.0-4]; their places among the others are free.
        let is_released =
            |entry: &Option<Entry>| entry.as_ref().is_some_and(|entry| entry.state == EntryState::WaitForPubComp);
        let released: Vec<_> = (0..self.line.len()).filter(|&index| is_released(&self.line[index])).collect();
        let mut entries: Vec<_> = released.iter().filter_map(|&index| self.line[index].take()).collect();
        entries.sort_by_key(|entry| entry.pubrel_order);
        for (index, entry) in released.into_iter().zip(entries) {
            if let Some(packet_id) = entry.packet_id {
                if self.usual_id(index) == packet_id {
                    self.odd.remove(&packet_id);
                } else {
                    self.odd.insert(packet_id, self.first + index as u64);
                }
            }
            self.line[index] = Some(entry);
        }
    }

    /// The next one that is to be sent again; it counts as sent from now on.
    pub(super) fn resend(&mut self) -> Option<&mut Entry> {
        if self.unsent == 0 {
            return None;
        }
        let from = self.first_unsent.saturating_sub(self.first) as usize;
        let index = (from..self.line.len()).find(|&index| self.line[index].is_some())?;
        self.unsent -= 1;
        self.first_unsent = self.first + index as u64 + 1;
        self.line[index].as_mut()
    }

    /// The first free id after `last`, with 1 after 65,535. `None` when all are in flight.
    pub(super) fn next_free(&self, last: u16) -> Option<PacketId> {
        let Some(taken) = &self.taken else {
            // Fewer are in flight than are asked for here, of which one may be 0.
            let following = (1..=DENSE + 1).map(|step| last.wrapping_add(step as u16));
            return following.filter_map(PacketId::new).find(|&id| !self.contains(id));
        };
        let first = last.wrapping_add(1);
        let (begin, words) = (usize::from(first / BITS), taken.len());
        let behind = |index: usize, mask: u64| {
            let free = !taken[index] & mask;
            (free != 0).then(|| (index * usize::from(BITS)) as u16 + free.trailing_zeros() as u16)
        };
        let not_before = u64::MAX << (first % BITS);
        behind(begin, not_before)
            .or_else(|| (begin + 1..words).chain(0..begin).find_map(|index| behind(index, u64::MAX)))
            .or_else(|| behind(begin, !not_before))
            .and_then(PacketId::new)
    }

    /// The packet id at an index of the line where both grow together.
    fn usual_id(&self, index: usize) -> PacketId {
        PacketId::MIN.saturating_add(((self.head + index as u64) % IDS) as u16)
    }

    /// Where in the line the packet id is.
    fn locate(&self, packet_id: PacketId) -> Option<usize> {
        let is_at = |index: usize| {
            self.line.get(index).and_then(Option::as_ref).is_some_and(|entry| entry.packet_id == Some(packet_id))
        };
        let ahead = u64::from(packet_id.get()) + IDS - 1 - self.head;
        let usual = if ahead >= IDS { ahead - IDS } else { ahead } as usize;
        if is_at(usual) {
            return Some(usual);
        }
        // With gaps in it, the line may be longer than there are ids.
        let round = usual + IDS as usize;
        if round < self.line.len() && is_at(round) {
            return Some(round);
        }
        if self.odd.is_empty() {
            return None;
        }
        self.odd.get(&packet_id).map(|place| (place - self.first) as usize)
    }

    fn locate_sent(&self, packet_id: PacketId) -> Option<usize> {
        let is_sent = |index: &usize| self.unsent == 0 || self.first + (*index as u64) < self.first_unsent;
        self.locate(packet_id).filter(is_sent)
    }

    /// The packet id will be at the end of the line.
    fn note_id(&mut self, packet_id: PacketId) {
        if self.line.is_empty() {
            self.head = (u64::from(packet_id.get()) + IDS - 1) % IDS;
        } else if self.usual_id(self.line.len()) != packet_id {
            self.odd.insert(packet_id, self.first + self.line.len() as u64);
        }
        let id = packet_id.get();
        if let Some(taken) = &mut self.taken {
            taken[usize::from(id / BITS)] |= 1 << (id % BITS);
        } else if self.len + 1 >= DENSE {
            let mut taken = vec![0; usize::from(u16::MAX / BITS) + 1].into_boxed_slice();
            for id in self.iter().filter_map(|entry| entry.packet_id).map(PacketId::get).chain([0, id]) {
                taken[usize::from(id / BITS)] |= 1 << (id % BITS);
            }
            self.taken = Some(taken);
        }
    }

    fn take_at(&mut self, index: usize) -> Option<Entry> {
        let entry = self.line[index].take()?;
        self.len -= 1;
        if self.unsent > 0 && self.first + index as u64 >= self.first_unsent {
            self.unsent -= 1;
        }
        let packet_id = entry.packet_id?;
        if !self.odd.is_empty() {
            self.odd.remove(&packet_id);
        }
        if let Some(taken) = &mut self.taken {
            let id = packet_id.get();
            taken[usize::from(id / BITS)] &= !(1 << (id % BITS));
            // Far below the number at which it is made, so that it is not made and dropped again and again.
            if self.len < DENSE / 2 {
                self.taken = None;
            }
        }
        while let Some(None) = self.line.front() {
            self.line.pop_front();
            self.first += 1;
            self.head = if self.head + 1 == IDS { 0 } else { self.head + 1 };
        }
        Some(entry)
    }

    /// Moves the entries together: else one that is never acknowledged would keep the places of all that were sent after it.
    fn close_gaps(&mut self) {
        let sent = self.len - self.unsent;
        self.line.retain(Option::is_some);
        self.first_unsent = self.first + sent as u64;
        self.odd.clear();
        let ids: Vec<_> = self.iter().filter_map(|entry| entry.packet_id).collect();
        let Some(oldest) = ids.first() else { return };
        self.head = (u64::from(oldest.get()) + IDS - 1) % IDS;
        for (index, id) in ids.into_iter().enumerate() {
            if self.usual_id(index) != id {
                self.odd.insert(id, self.first + index as u64);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::broker::clock::WallTime;
    use crate::broker::entry::ComesBy;
    use crate::broker::message::Message;
    use crate::broker::tests::Random;
    use crate::mqtt::packet::QoS;

    fn entry(sequence: u64) -> Entry {
        let message = Message { qos: QoS::ExactlyOnce, ..Message::example() };
        Entry {
            message: Arc::new(message),
            sequence,
            packet_id: None,
            qos: QoS::ExactlyOnce,
            retain: false,
            dup: false,
            state: EntryState::WaitForPubRec,
            by: ComesBy::default(),
            queued_at: WallTime::default(),
            pubrel_order: None,
        }
    }

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    fn remove(line: &mut InFlight, packet_id: PacketId) -> Option<Entry> {
        line.remove(packet_id, EntryState::WaitForPubRec).unwrap()
    }

    /// What a plain list of packet ids, with whether each was sent, would say.
    #[derive(Default)]
    struct Model {
        list: Vec<(PacketId, u64, bool)>,
    }

    impl Model {
        fn next_free(&self, last: u16) -> Option<PacketId> {
            let following = (1..=u16::MAX).map(|step| last.wrapping_add(step)).chain([last]);
            following.filter_map(PacketId::new).find(|&id| !self.list.iter().any(|one| one.0 == id))
        }
    }

    #[test]
    fn it_says_what_a_plain_list_would_say() {
        let mut random = Random(7);
        for round in 0..60 {
            let (mut line, mut model) = (InFlight::default(), Model::default());
            let mut last = random.below(65_536) as u16;
            for sequence in 0..400_u64 {
                match random.below(10) {
                    0..=4 => {
                        // As a rule the next id, now and then any.
                        if random.below(20) == 0 {
                            last = random.below(65_536) as u16;
                        }
                        let free = line.next_free(last);
                        assert_eq!(free, model.next_free(last), "round {round}");
                        // None is put behind one that is to be sent again.
                        if line.unsent() == 0 {
                            let free = free.unwrap();
                            last = free.get();
                            assert_eq!(line.push(free, entry(sequence)).sequence, sequence);
                            model.list.push((free, sequence, true));
                        }
                    }
                    5..=7 if !model.list.is_empty() => {
                        // The oldest, or any.
                        let at = if random.below(2) == 0 { 0 } else { random.below(model.list.len()) };
                        let (id, sequence, sent) = model.list[at];
                        assert_eq!(line.get(id).map(|entry| entry.sequence), sent.then_some(sequence));
                        let removed = line.remove(id, EntryState::WaitForPubRec).unwrap();
                        assert_eq!(removed.map(|entry| entry.sequence), sent.then_some(sequence), "round {round}");
                        if sent {
                            model.list.remove(at);
                        }
                    }
                    8 if random.below(8) == 0 => {
                        line.rewind();
                        model.list.iter_mut().for_each(|one| one.2 = false);
                    }
                    _ => {
                        let next = model.list.iter_mut().find(|one| !one.2);
                        let resent = line.resend().map(|entry| entry.sequence);
                        assert_eq!(resent, next.as_ref().map(|one| one.1));
                        if let Some(next) = next {
                            next.2 = true;
                        }
                    }
                }
                let (sequences, expected): (Vec<_>, Vec<_>) =
                    (line.iter().map(|entry| entry.sequence).collect(), model.list.iter().map(|one| one.1).collect());
                assert_eq!(sequences, expected, "round {round}");
                assert_eq!(
                    (line.len(), line.unsent()),
                    (expected.len(), model.list.iter().filter(|one| !one.2).count())
                );
            }
        }
    }

    #[test]
    fn what_waits_for_another_packet_stays() {
        let mut line = InFlight::default();
        line.push(id(7), entry(0));
        assert!(matches!(line.remove(id(7), EntryState::WaitForPubAck), Err(WrongState)));
        assert!(matches!(line.remove(id(8), EntryState::WaitForPubRec), Ok(None)));
        assert_eq!(remove(&mut line, id(7)).map(|entry| entry.sequence), Some(0));
    }

    #[test]
    fn one_that_is_never_acknowledged_keeps_no_place_for_those_that_are() {
        let mut line = InFlight::default();
        line.push(id(1), entry(0));
        for sequence in 1..200_000_u64 {
            let id = line.next_free((sequence % IDS) as u16).unwrap();
            line.push(id, entry(sequence));
            assert_eq!(remove(&mut line, id).map(|entry| entry.sequence), Some(sequence));
            assert!(line.line.len() <= 2 * line.len() + GAPS + 1);
        }
        assert_eq!(remove(&mut line, id(1)).map(|entry| entry.sequence), Some(0));
        assert!(line.line.is_empty() && line.odd.is_empty());
    }

    #[test]
    fn all_ids_can_be_in_flight_and_one_that_comes_free_is_found() {
        let mut line = InFlight::default();
        for number in 1..=u16::MAX {
            line.push(id(number), entry(number.into()));
        }
        assert_eq!(line.next_free(7), None);
        for free in [1, 63, 64, 4095, 65_535] {
            assert_eq!(remove(&mut line, id(free)).map(|entry| entry.packet_id), Some(Some(id(free))));
            for last in [0, free.wrapping_sub(1), free, free.wrapping_add(1), 65_535] {
                assert_eq!(line.next_free(last), Some(id(free)), "after {last}");
            }
            line.push(id(free), entry(0));
            assert_eq!(line.get(id(free)).map(|entry| entry.sequence), Some(0));
        }
        (1..=u16::MAX).for_each(|number| assert!(remove(&mut line, id(number)).is_some(), "{number}"));
        assert_eq!((line.next_free(65_535), line.taken.is_none()), (Some(id(1)), true));
    }

    #[test]
    fn the_map_of_ids_agrees_with_asking_for_each() {
        let (mut line, mut random) = (InFlight::default(), Random(1));
        let mut ids = Vec::new();
        for round in 0..24_000_u32 {
            let last = random.below(65_536) as u16;
            // It grows to about 6,000 in flight and shrinks again, twice.
            if (round / 6_000).is_multiple_of(2) {
                let id = line.next_free(last).unwrap();
                line.push(id, entry(0));
                ids.push(id);
            } else if !ids.is_empty() {
                let id = ids.swap_remove(random.below(ids.len()));
                assert!(remove(&mut line, id).is_some());
            }
            if round.is_multiple_of(64) {
                let asked = (1..=u16::MAX).map(|step| last.wrapping_add(step)).filter_map(PacketId::new);
                assert_eq!(line.next_free(last), asked.clone().find(|&id| !line.contains(id)), "after {last}");
            }
        }
    }
}
