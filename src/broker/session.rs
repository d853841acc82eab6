//! What is remembered of one client: its subscriptions, the queue of what it is to get, its half-done QoS 2
//! publishes, its will and when all that ends.

use std::collections::VecDeque;
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::sync::Arc;

use bytestring::ByteString;

use super::access::Identity;
use super::ahead::Sent;
use super::change::{ClientRecord, EntryState, WillRecord};
use super::clock::{Monotonic, WallTime};
pub(super) use super::entry::{Entry, WrongState};
use super::filters::Filters;
use super::in_flight::InFlight;
use super::incoming::Incoming;
use super::jobs::Jobs;
use super::message::Source;
use super::slab::ConnectionKey;
pub(super) use super::slab::SessionKey;
use super::{ListenerId, SessionExpiry, Settings};
use crate::mqtt::packet::{PacketId, QoS};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: ByteString,
    pub(super) username: Option<Box<str>>,
    pub(super) listener: ListenerId,
    /// It comes from the store, which has only the port of its listener: several have it, or none has it any more. Its source has
    /// that port.
    pub(super) is_listener_guessed: bool,
    /// The client's connection; `None` while it is away.
    pub(super) connection: Option<ConnectionKey>,
    pub(super) expiry: SessionExpiry,
    /// The Maximum Packet Size of the last connection, in bytes; `None` = no limit.
    pub(super) max_packet_size: Option<NonZeroU32>,
    pub(super) created_at: WallTime,
    /// When the last connection ended; `None` while there is one.
    pub(super) disconnected_at: Option<WallTime>,
    /// When the session expires; set while the client is away, if it does expire.
    pub(super) expires_at: Option<Monotonic>,
    pub(super) will: Option<Box<PendingWill>>,
    /// When the will is sent; set while the client is away and its will waits.
    pub(super) will_due: Option<Monotonic>,
    /// Where [`Timers`](super::timers::Timers) keeps the deadline of this session.
    pub(super) timer: Option<Monotonic>,
    pub(super) subscriptions: Filters,
    /// What its client has asked for and is not done yet.
    pub(super) jobs: Jobs,
    pub(super) outgoing: Outgoing,
    pub(super) incoming: Incoming,
    pub(super) last_sequence: u64,
    /// When the session began, by [`Broker::moment`](super::Broker::moment); 0 for one that is older than the broker.
    pub(super) began: u64,
    /// While it is kept, the generation of the journal in which something of it was last added that its client learns is
    /// kept: the session itself, a subscription, a QoS 2 message of its own. Once it has ceased to be, the last of its entries
    /// of then.
    in_store: u64,
    /// What its messages say of it; made with the first of a connection.
    pub(super) source: Option<Arc<Source>>,
    /// Whether the log has a line that messages are dropped; one per connection is enough.
    pub(super) drop_noticed: bool,
}

/// Entries that a queue has room for from its first on.
const FEW: usize = 4;

/// A will with its delay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PendingWill {
    pub(super) will: WillRecord,
    /// The Will Delay Interval, in seconds.
    pub(super) delay: u32,
}

impl Session {
    pub(super) fn new(id: ByteString, listener: ListenerId, wall: WallTime) -> Self {
        Self {
            id,
            username: None,
            listener,
            is_listener_guessed: false,
            connection: None,
            expiry: SessionExpiry::WithConnection,
            max_packet_size: None,
            created_at: wall,
            disconnected_at: None,
            expires_at: None,
            will: None,
            will_due: None,
            timer: None,
            subscriptions: Filters::default(),
            jobs: Jobs::default(),
            outgoing: Outgoing::default(),
            incoming: Incoming::default(),
            last_sequence: 0,
            began: 0,
            in_store: 0,
            source: None,
            drop_noticed: false,
        }
    }

    /// Whether it outlives its connection.
    pub(super) fn is_persistent(&self) -> bool {
        self.expiry.is_persistent()
    }

    /// Something that its client learns is kept is noted in this generation of the journal.
    pub(super) fn promise(&mut self, generation: u64) {
        self.in_store = generation;
    }

    /// The last generation in which something was.
    pub(super) fn promised_in(&self) -> u64 {
        if self.is_persistent() { self.in_store } else { 0 }
    }

    /// It is to end with its connection, and is not kept any longer.
    pub(super) fn unpersist(&mut self) {
        self.expiry = SessionExpiry::WithConnection;
        self.in_store = self.last_sequence;
    }

    /// Whether the store has, or is to have, the message of one of its entries.
    pub(super) fn has_stored(&self, entry: &Entry) -> bool {
        self.is_persistent() || entry.sequence <= self.in_store
    }

    /// The last of its entries for which that is so.
    pub(super) fn stored_until(&self) -> u64 {
        if self.is_persistent() { self.last_sequence } else { self.in_store }
    }

    pub(super) fn identity(&self) -> Identity<'_> {
        Identity { client_id: &self.id, username: self.username.as_deref(), listener: self.listener }
    }

    pub(super) fn username_text(&self) -> Option<ByteString> {
        self.username.as_deref().map(ByteString::from)
    }

    pub(super) fn source(&mut self, listener_port: u16) -> Arc<Source> {
        let Self { id, username, source, .. } = self;
        let make = || {
            let username = username.as_deref().map(ByteString::from);
            Arc::new(Source { client_id: id.clone(), username, listener_port })
        };
        Arc::clone(source.get_or_insert_with(make))
    }

    pub(super) fn next_sequence(&mut self) -> u64 {
        self.last_sequence += 1;
        self.last_sequence
    }

    pub(super) fn next_wakeup(&self) -> Option<Monotonic> {
        [self.expires_at, self.will_due].into_iter().flatten().min()
    }

    pub(super) fn record(&self, settings: &Settings) -> ClientRecord {
        let listener = settings.listeners.get(usize::from(self.listener.0));
        let guessed = self.source.as_ref().filter(|_| self.is_listener_guessed).map(|source| source.listener_port);
        ClientRecord {
            client_id: self.id.clone(),
            username: self.username_text(),
            listener_port: guessed.or(listener.map(|listener| listener.port)).unwrap_or(0),
            session_expiry: self.expiry,
            created_at: self.created_at,
            disconnected_at: self.disconnected_at,
            max_packet_size: self.max_packet_size,
            max_qos: listener.map_or(QoS::ExactlyOnce, |listener| listener.max_qos),
            retain_available: settings.retain_available,
            will_delay_interval: self.will.as_ref().map_or(0, |will| will.delay),
        }
    }
}

/// What a client is to get at QoS 1 and 2 (and 0, if asked for): in flight, then queued.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// From the first message at QoS 1 or 2 on, until the client goes away with nothing in flight.
    in_flight: Option<Box<InFlight>>,
    queue: VecDeque<Entry>,
    /// The bytes of the payloads that wait.
    queue_bytes: u64,
    /// The last id that was taken, 0 before the first: the next free one is looked for behind it.
    last_packet_id: u16,
    /// Some at the end of the queue have no packet id yet.
    unreserved: bool,
    /// How many at the head of the queue have one that does not hold any more: a long queue is not gone through for it.
    void_ids: usize,
}

impl Outgoing {
    pub(super) fn inflight(&self) -> impl Iterator<Item = &Entry> {
        self.in_flight().iter()
    }

    fn in_flight(&self) -> &InFlight {
        static NOTHING: InFlight = InFlight::new();
        self.in_flight.as_deref().unwrap_or(&NOTHING)
    }

    /// The client is away: what is empty gives its memory back.
    pub(super) fn rest(&mut self) {
        if self.in_flight().len() == 0 {
            self.in_flight = None;
        }
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }

    pub(super) fn queue(&self) -> impl Iterator<Item = &Entry> {
        self.queue.iter()
    }

    pub(super) fn is_queue_empty(&self) -> bool {
        self.queue.is_empty() && self.in_flight().unsent() == 0
    }

    /// Those in flight and those that wait.
    pub(super) fn len(&self) -> usize {
        self.in_flight().len() + self.queue.len()
    }

    pub(super) fn queued(&self) -> usize {
        self.queue.len()
    }

    pub(super) fn queued_bytes(&self) -> u64 {
        self.queue_bytes
    }

    /// Whether one more may be in flight [MQTT-4.9.0-2] [MQTT-3.3.4-9]. One always may, whatever its size.
    pub(super) fn has_room(&self, window: NonZeroU16, bytes: Option<u64>) -> bool {
        let sent = self.in_flight().len() - self.in_flight().unsent();
        sent < usize::from(window.get()) && (sent == 0 || bytes.is_none_or(|limit| self.in_flight().bytes < limit))
    }

    /// Assigns what is to wait its packet id at once, as Mosquitto does: ids of what expires in the queue are never seen.
    pub(super) fn reserve(&mut self, entry: &mut Entry) {
        // Ids grow along the queue, and while all are in flight there is none to assign.
        self.unreserved &= !self.queue.is_empty();
        self.unreserved |= self.in_flight().len() >= usize::from(u16::MAX);
        if entry.qos > QoS::AtMostOnce && !self.unreserved {
            entry.packet_id = Some(self.next_packet_id());
        }
    }

    pub(super) fn enqueue(&mut self, entry: Entry) {
        self.queue_bytes += entry.message.payload.len() as u64;
        if self.queue.len() == self.queue.capacity() {
            // Less ahead than doubling: of many sessions each has a queue.
            self.queue.reserve_exact((self.queue.len() / 2).max(FEW));
        }
        self.queue.push_back(entry);
    }

    pub(super) fn dequeue(&mut self) -> Option<Entry> {
        let mut entry = self.queue.pop_front()?;
        if self.void_ids > 0 {
            self.void_ids -= 1;
            entry.packet_id = None;
        }
        self.queue_bytes -= entry.message.payload.len() as u64;
        Some(entry)
    }

    /// Takes the entry in flight and returns it with its packet id, which an earlier one of the queue may have taken.
    pub(super) fn begin_flow(&mut self, mut entry: Entry) -> (PacketId, &Entry) {
        if entry.packet_id.is_some_and(|id| self.in_flight().contains(id)) {
            // More than all ids are out, and what holds this one is not yet acknowledged.
            entry.packet_id = None;
            self.unreserved = true;
            self.void_ids = self.queue.len();
        }
        let packet_id = entry.packet_id.unwrap_or_else(|| self.next_packet_id());
        entry.packet_id = Some(packet_id);
        entry.state = match entry.qos {
            QoS::ExactlyOnce => EntryState::WaitForPubRec,
            _ => EntryState::WaitForPubAck,
        };
        (packet_id, self.put_in_flight(packet_id, entry))
    }

    /// Whether the entry, which is to be sent next, may be sent before the store knows that it is in flight. `generation`: of
    /// what the journal notes now.
    pub(super) fn goes_ahead(&mut self, entry: &Entry, generation: u64, has_stored: impl Fn(u64) -> bool) -> bool {
        self.in_flight.get_or_insert_default().goes_ahead(entry, generation, has_stored)
    }

    /// What was sent last is noted later. Says whether it is the first.
    pub(super) fn note_later(&mut self) -> bool {
        let Some(in_flight) = &mut self.in_flight else { return false };
        let newest = in_flight.newest();
        let sent = newest.and_then(|entry| Some(Sent { packet_id: entry.packet_id?, sequence: entry.sequence }));
        sent.is_some_and(|sent| in_flight.ahead.sent(sent))
    }

    /// How much there is at most that is noted later.
    pub(super) fn unnoted(&self) -> usize {
        self.in_flight().ahead.unnoted()
    }

    /// What was to be noted later.
    pub(super) fn take_unnoted(&mut self) -> VecDeque<Sent> {
        self.in_flight.as_mut().map_or_else(VecDeque::new, |in_flight| in_flight.ahead.take_unnoted())
    }

    /// What was sent so, if it is still in flight.
    pub(super) fn find(&self, sent: Sent) -> Option<&Entry> {
        self.in_flight().find(sent)
    }

    fn put_in_flight(&mut self, packet_id: PacketId, entry: Entry) -> &Entry {
        let in_flight = self.in_flight.get_or_insert_default();
        in_flight.bytes += entry.message.payload.len() as u64;
        in_flight.push(packet_id, entry)
    }

    /// The one that was launched last.
    pub(super) fn newest(&self) -> Option<&Entry> {
        self.in_flight().newest()
    }

    /// 1, 2, 3 …, skipping those in use [MQTT-2.2.1-4] [MQTT-4.3.2-1] [MQTT-4.3.3-1]. The caller sees to it that fewer than
    /// all are in flight.
    fn next_packet_id(&mut self) -> PacketId {
        let packet_id = self.in_flight().next_free(self.last_packet_id).expect("fewer than all ids are in flight");
        self.last_packet_id = packet_id.get();
        packet_id
    }

    /// Takes out the entry that PUBACK [MQTT-4.3.2-3], PUBCOMP [MQTT-4.3.3-5] or a failing PUBREC ends. `None`: there is
    /// nothing with that packet id.
    pub(super) fn finish(&mut self, packet_id: PacketId, state: EntryState) -> Result<Option<Entry>, WrongState> {
        let Some(in_flight) = &mut self.in_flight else { return Ok(None) };
        let entry = in_flight.remove(packet_id, state)?;
        in_flight.bytes -= entry.as_ref().map_or(0, |entry| entry.message.payload.len() as u64);
        Ok(entry)
    }

    /// PUBREC came; until then the PUBLISH is unacknowledged [MQTT-4.3.3-3]. `None`: for nothing that waits for one.
    pub(super) fn received(&mut self, packet_id: PacketId) -> Result<Option<&Entry>, WrongState> {
        let Some(in_flight) = &mut self.in_flight else { return Ok(None) };
        let pubrels = in_flight.pubrels + 1;
        let Some(entry) = in_flight.get_mut(packet_id) else { return Ok(None) };
        match entry.state {
            EntryState::WaitForPubRec => {
                entry.pubrel_order = NonZeroU64::new(pubrels);
                entry.state = EntryState::WaitForPubComp;
                in_flight.pubrels = pubrels;
                Ok(in_flight.get(packet_id))
            }
            EntryState::WaitForPubComp => Ok(None),
            _ => Err(WrongState),
        }
    }

    /// What was sent on this connection with the packet id.
    pub(super) fn sent(&self, packet_id: PacketId) -> Option<&Entry> {
        self.in_flight().get(packet_id)
    }

    /// The client is back: everything in flight is to be sent again.
    pub(super) fn rewind(&mut self) {
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.rewind();
        }
    }

    /// The next one in flight that is to be sent again; it counts as sent from now on.
    pub(super) fn resend(&mut self) -> Option<&mut Entry> {
        self.in_flight.as_mut()?.resend()
    }

    /// Removes what is in flight and `keep` refuses, and returns it. It is called before [`Outgoing::rewind`].
    pub(super) fn take_refused(&mut self, keep: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let Some(in_flight) = &mut self.in_flight else { return Vec::new() };
        let refused = in_flight.take_refused(keep);
        in_flight.bytes -= refused.iter().map(|entry| entry.message.payload.len() as u64).sum::<u64>();
        refused
    }

    /// Takes out any entry: the session has ended.
    pub(super) fn take(&mut self) -> Option<Entry> {
        self.in_flight.as_mut().and_then(|in_flight| in_flight.pop_first()).or_else(|| self.queue.pop_front())
    }

    /// Takes an entry from the store back.
    pub(super) fn restore(&mut self, mut entry: Entry) {
        if entry.state == EntryState::Queued {
            self.restore_reservation(&mut entry);
            self.enqueue(entry);
        } else if let Some(packet_id) = entry.packet_id {
            if self.queue.is_empty() {
                self.last_packet_id = packet_id.get();
            }
            let order = entry.pubrel_order.map_or(0, NonZeroU64::get);
            self.put_in_flight(packet_id, entry);
            if let Some(in_flight) = &mut self.in_flight {
                in_flight.pubrels = in_flight.pubrels.max(order);
            }
        }
    }

    /// Keeps the packet id of what waits if it is sure to be its own; if it is not, those behind it have none either.
    fn restore_reservation(&mut self, entry: &mut Entry) {
        if entry.qos == QoS::AtMostOnce {
            entry.packet_id = None;
            return;
        }
        // Ids grow along the queue, and begin again after the last.
        let is_behind = |id: u16| (1..1 << 15).contains(&id.wrapping_sub(self.last_packet_id));
        match entry.packet_id.map(PacketId::get) {
            Some(id) if is_behind(id) && !self.unreserved => self.last_packet_id = id,
            _ => {
                entry.packet_id = None;
                self.unreserved = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::broker::Message;
    use crate::broker::entry::ComesBy;

    fn waiting(packet_id: u16) -> Entry {
        let message = Message { qos: QoS::AtLeastOnce, ..Message::example() };
        Entry {
            message: Arc::new(message),
            sequence: 0,
            packet_id: PacketId::new(packet_id),
            qos: QoS::AtLeastOnce,
            retain: false,
            dup: false,
            state: EntryState::Queued,
            by: ComesBy::default(),
            queued_at: WallTime::default(),
            pubrel_order: None,
        }
    }

    fn id(number: u16) -> PacketId {
        PacketId::new(number).unwrap()
    }

    fn begin_next(outgoing: &mut Outgoing) -> u16 {
        let entry = outgoing.dequeue().unwrap();
        outgoing.begin_flow(entry).0.get()
    }

    #[test]
    fn packet_ids_are_settled_when_a_message_begins_to_wait_and_never_shared() {
        let mut outgoing = Outgoing::default();
        assert_eq!(outgoing.begin_flow(waiting(0)).0.get(), 1);
        for _ in 0..65_535 {
            let mut entry = waiting(0);
            outgoing.reserve(&mut entry);
            outgoing.enqueue(entry);
        }
        for id in 2..=65_535 {
            assert_eq!(begin_next(&mut outgoing), id);
        }
        // All are in use, and the one that waits was given the 2 of one that is not acknowledged yet.
        assert_eq!(outgoing.queue.back().unwrap().packet_id, PacketId::new(2));
        assert!(outgoing.finish(id(3), EntryState::WaitForPubAck).unwrap().is_some());
        assert_eq!(begin_next(&mut outgoing), 3);
    }

    /// Thread CPU time, since other programs run beside the tests.
    fn acknowledged_backwards(count: u16) -> Duration {
        let mut outgoing = Outgoing::default();
        for _ in 0..count {
            outgoing.begin_flow(waiting(0));
        }
        let start = crate::os::process::thread_time();
        for packet_id in (1..=count).rev() {
            assert!(outgoing.finish(id(packet_id), EntryState::WaitForPubAck).unwrap().is_some());
        }
        crate::os::process::thread_time().saturating_sub(start)
    }

    #[test]
    fn acknowledgements_in_reverse_cost_no_more_than_in_order() {
        let (few, many) = (acknowledged_backwards(4_000), acknowledged_backwards(64_000));
        assert!(many < few * 64, "sixteen times as many took {many:?} instead of {few:?}");
    }

    #[test]
    fn a_free_packet_id_is_found_quickly_with_nearly_all_in_flight() {
        let mut outgoing = Outgoing::default();
        let begin_another = |outgoing: &mut Outgoing| {
            outgoing.enqueue(waiting(0));
            begin_next(outgoing)
        };
        for _ in 0..u16::MAX {
            begin_another(&mut outgoing);
        }
        let start = crate::os::process::thread_time();
        // The one before the last: all others have to be passed over to find it.
        for number in (u16::MAX - 2000..u16::MAX).rev() {
            assert!(matches!(outgoing.finish(id(number), EntryState::WaitForPubAck), Ok(Some(_))));
            assert_eq!(begin_another(&mut outgoing), number);
        }
        let time = crate::os::process::thread_time().saturating_sub(start);
        assert!(time < Duration::from_millis(500), "{time:?}");
    }

    #[test]
    fn a_queue_of_a_few_has_room_for_few_and_gives_it_back() {
        let mut outgoing = Outgoing::default();
        for count in 1..=10 {
            outgoing.enqueue(waiting(0));
            assert!(outgoing.queue.capacity() <= count + FEW, "{} for {count}", outgoing.queue.capacity());
        }
        while outgoing.dequeue().is_some() {}
        outgoing.begin_flow(waiting(0));
        outgoing.rest();
        assert!(outgoing.in_flight.is_some() && outgoing.queue.capacity() == 0);
        assert!(matches!(outgoing.finish(id(1), EntryState::WaitForPubAck), Ok(Some(_))));
        outgoing.rest();
        assert!(outgoing.in_flight.is_none() && outgoing.is_queue_empty());
        assert!(matches!(outgoing.finish(id(1), EntryState::WaitForPubAck), Ok(None)));
    }

    #[test]
    fn a_session_and_an_entry_stay_small() {
        // One of them for each client, and one for each message that waits: what is seldom there belongs behind a pointer.
        assert!(size_of::<Session>() <= 304, "{}", size_of::<Session>());
        assert_eq!(size_of::<Option<Entry>>(), 48);
        // With the counts of its `Arc` no more than malloc keeps ready in its bins of small pieces.
        assert!(size_of::<Message>() <= 104, "{}", size_of::<Message>());
        assert!(size_of::<crate::broker::connection::Connection>() <= 256);
    }

    #[test]
    fn restored_packet_ids_are_kept_as_far_as_they_grow() {
        let mut outgoing = Outgoing::default();
        outgoing.restore(Entry { state: EntryState::WaitForPubAck, ..waiting(7) });
        for packet_id in [9, 10, 10, 11] {
            outgoing.restore(waiting(packet_id));
        }
        let mut last = waiting(0);
        outgoing.reserve(&mut last);
        outgoing.enqueue(last);
        let ids: Vec<_> = (0..5).map(|_| begin_next(&mut outgoing)).collect();
        assert_eq!(ids, [9, 10, 11, 12, 13]);
    }
}
