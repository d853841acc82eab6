//! What has become of the lines that pub has sent: which are acknowledged, and which of those that nobody acknowledges have
//! been read by the broker. Pure.

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::feed::Place;
use crate::mqtt::packet::{PacketId, QoS};
use crate::term::plural;

/// What has become of the lines, for whoever has to know when not all have arrived.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Those of QoS 1 and 2 whose flow is not over, in the order in which they were published.
    open: BTreeMap<u64, Place>,
    numbers: HashMap<PacketId, u64>,
    published: u64,
    at_most_once: u64,
    /// Those of QoS 0 of this connection that the broker may not have read, one batch for each PINGREQ.
    batches: VecDeque<Batch>,
    /// Those of QoS 0 that were lost with a connection, or may have been.
    lost: Option<Lost>,
}

/// Lines of QoS 0 between two PINGREQs.
#[derive(Clone, Debug)]
struct Batch {
    /// How many PINGREQs went before.
    pings: u64,
    messages: u64,
    bytes: usize,
    first: Place,
    last: Place,
    largest: (Place, usize),
}

impl Batch {
    fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.bytes += other.bytes;
        self.last = other.last;
        if other.largest.1 > self.largest.1 {
            self.largest = other.largest;
        }
    }
}

#[derive(Clone, Debug)]
struct Lost {
    messages: u64,
    first: Place,
}

impl Ledger {
    /// A message of so many bytes of payload was published, on a connection on which so many PINGREQs went before.
    #[inline]
    pub fn note_published(&mut self, id: PacketId, qos: QoS, place: Place, size: usize, pings: u64) {
        self.published += 1;
        if qos != QoS::AtMostOnce {
            self.open.insert(self.published, place);
            self.numbers.insert(id, self.published);
            return;
        }
        self.at_most_once += 1;
        match self.batches.back_mut().filter(|batch| batch.pings == pings) {
            Some(batch) => {
                batch.messages += 1;
                batch.bytes += size;
                if size > batch.largest.1 {
                    batch.largest = (place.clone(), size);
                }
                batch.last = place;
            }
            None => self.batches.push_back(Batch {
                pings,
                messages: 1,
                bytes: size,
                first: place.clone(),
                last: place.clone(),
                largest: (place, size),
            }),
        }
    }

    pub fn note_acknowledged(&mut self, id: PacketId) {
        self.take(id);
    }

    /// A message of QoS 1 or 2 was given up: its place.
    pub fn note_given_up(&mut self, id: PacketId) -> Option<Place> {
        let place = self.take(id);
        self.published -= u64::from(place.is_some());
        place
    }

    /// The number of a message of QoS 1 or 2 in the order of all.
    pub fn number(&self, id: PacketId) -> u64 {
        self.numbers.get(&id).copied().unwrap_or(u64::MAX)
    }

    /// Where a message of QoS 1 or 2 stands whose flow is not over.
    pub fn place(&self, id: PacketId) -> Option<&Place> {
        self.open.get(&self.number(id))
    }

    fn take(&mut self, id: PacketId) -> Option<Place> {
        self.numbers.remove(&id).and_then(|number| self.open.remove(&number))
    }

    /// All but the last so many messages of QoS 0 have been read by the broker.
    pub fn note_confirmed(&mut self, unconfirmed: u64) {
        let mut known: u64 = self.batches.iter().map(|batch| batch.messages).sum();
        while let Some(batch) = self.batches.front()
            && known - batch.messages >= unconfirmed
        {
            known -= batch.messages;
            self.batches.pop_front();
        }
    }

    /// Bytes of payloads of QoS 0 since so many PINGREQs went out.
    pub fn bytes_since(&self, pings: u64) -> usize {
        self.batches.back().filter(|batch| batch.pings == pings).map_or(0, |batch| batch.bytes)
    }

    /// The connection is gone: which lines of QoS 0 may have gone with it.
    pub fn note_lost(&mut self) -> Option<String> {
        let mut batches = std::mem::take(&mut self.batches).into_iter();
        let mut all = batches.next()?;
        batches.for_each(|batch| all.add(batch));
        let lost = self.lost.get_or_insert_with(|| Lost { messages: 0, first: all.first.clone() });
        lost.messages += all.messages;
        let mut text = format!("{} with QoS 0 may not have arrived: ", plural(all.messages, "message"));
        text += &all.first.to(&all.last);
        if all.messages > 1 {
            let (largest, size) = &all.largest;
            text =
                format!("{text} (the largest is {}, with {} of payload)", largest.line(), plural(*size as u64, "byte"));
        } else {
            text = format!("{text} ({} of payload)", plural(all.largest.1 as u64, "byte"));
        }
        Some(text)
    }

    /// What is said at the end of messages of QoS 0 that may have been lost.
    pub fn losses(&self) -> Option<String> {
        let Lost { messages, first } = self.lost.as_ref()?;
        Some(format!("{} with QoS 0 may not have arrived, the first of them {first}", plural(*messages, "message")))
    }

    /// What is said of them at an end before the end; `None` if nothing was published.
    pub fn summary(&self) -> Option<String> {
        if self.published == 0 {
            return None;
        }
        let open = self.open.len() as u64;
        let acknowledged = self.published - self.at_most_once - open;
        let mut text = format!("{} sent", plural(self.published, "message"));
        if self.at_most_once > 0 {
            text = format!("{text}, {} of them with QoS 0, which nobody acknowledges", self.at_most_once);
        }
        if self.published > self.at_most_once {
            text = format!("{text}: {acknowledged} acknowledged, {open} not");
        }
        if let Some(first) = self.open.values().next() {
            text = format!("{text}; the first that is not is {first}");
        }
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Publishes a message of so many bytes with QoS 0.
    fn publish(ledger: &mut Ledger, line: u64, size: usize, pings: u64) {
        ledger.note_published(PacketId::MAX, QoS::AtMostOnce, Place::of_stdin(line), size, pings);
    }

    #[test]
    fn what_the_broker_has_read_is_not_lost_with_the_connection() {
        let mut ledger = Ledger::default();
        for line in 1..=3 {
            publish(&mut ledger, line, 10, 0);
        }
        publish(&mut ledger, 4, 500, 1);
        publish(&mut ledger, 5, 10, 1);
        publish(&mut ledger, 6, 20, 2);
        assert_eq!((ledger.bytes_since(2), ledger.bytes_since(3)), (20, 0));
        ledger.note_confirmed(6);
        ledger.note_confirmed(3);
        assert_eq!(
            ledger.note_lost().as_deref(),
            Some(
                "3 messages with QoS 0 may not have arrived: lines 4 to 6 of standard input (the largest is line 4, with 500 bytes of payload)"
            )
        );
        // The next connection begins with nothing.
        assert_eq!(ledger.note_lost(), None);
        publish(&mut ledger, 7, 10, 0);
        ledger.note_confirmed(0);
        assert_eq!(ledger.note_lost(), None);
        publish(&mut ledger, 8, 1, 1);
        assert_eq!(
            ledger.note_lost().as_deref(),
            Some("1 message with QoS 0 may not have arrived: line 8 of standard input (1 byte of payload)")
        );
        let said = "4 messages with QoS 0 may not have arrived, the first of them line 4 of standard input";
        assert_eq!(ledger.losses().as_deref(), Some(said));
    }

    #[test]
    fn a_message_that_is_given_up_was_not_sent() {
        let mut ledger = Ledger::default();
        for line in 1..=2 {
            let id = PacketId::new(line as u16).unwrap();
            ledger.note_published(id, QoS::AtLeastOnce, Place::of_stdin(line), 1, 0);
        }
        assert_eq!(ledger.note_given_up(PacketId::new(1).unwrap()), Some(Place::of_stdin(1)));
        ledger.note_acknowledged(PacketId::new(2).unwrap());
        assert_eq!(ledger.summary().as_deref(), Some("1 message sent: 1 acknowledged, 0 not"));
        assert_eq!(ledger.losses(), None);
    }
}
