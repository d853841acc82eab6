//! From the tables to the state that a broker starts with.

use std::collections::{HashMap, HashSet};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;

use super::entry_rows::EntryRows;
use super::error::StoreError;
use super::repair::Repair;
use crate::broker::{
    ByIds, ClientRecord, Direction, EntryRecord, EntryState, Loss, MOST_LOSSES, Message, MessageId, Restored,
    RestoredClient, SessionExpiry, Source, SubscriptionRecord, WallTime, WillRecord,
};
use crate::mqtt::packet::{PacketId, Property, QoS, RetainHandling, SubscriptionIdentifier, SubscriptionOptions};
use crate::mqtt::topic::MAXIMUM_SEPARATORS;
use crate::state::ids::{StoreId, UnixTime};
use crate::state::sqlite::{EntryDetail, Reader, SessionRow, Will};
use crate::state::{self, ClientMessage, Keep, Subscription, properties};

/// Reads the file, and says what has to be put right in it, and where entries stand. An empty or absent one holds an empty
/// state.
pub(super) fn read(path: &Path, wall: WallTime) -> Result<(Restored, Repair, EntryRows), StoreError> {
    if std::fs::metadata(path).map_err(StoreError::Io)?.len() == 0 {
        return Ok(Default::default());
    }
    let reader = match Reader::open(path) {
        // The broker was killed before the tables were there. Whether the file is somebody else's, the writer will see.
        Err(state::sqlite::Unreadable::NotPersistSqlite) => return Ok(Default::default()),
        opened => opened?,
    };
    let mut state = Collected { is_ours: reader.is_ours()?, ..Collected::at(wall) };
    reader.sessions(|session| state.session(session))?;
    reader.wills(|will| state.will(will))?;
    reader.subscriptions(|subscription| state.subscription(subscription))?;
    reader.messages(Keep::ALL, |message| state.message(message))?;
    let mut details = HashMap::new();
    reader.entry_details(|client_id, sequence, message, detail| {
        details.insert((Bytes::copy_from_slice(client_id), sequence), (message, Detail::from(detail)));
    })?;
    reader.entries(|row, entry| {
        let detail = if details.is_empty() {
            None
        } else {
            details.remove(&(Bytes::copy_from_slice(entry.client_id), entry.cmsg_id))
        };
        let detail = detail.filter(|(message, _)| *message == entry.store_id).map(|(_, detail)| detail);
        state.entry(entry, Some(row), detail.as_ref());
    })?;
    state.repair.stray_rows |= !details.is_empty() || reader.has_leftovers()?;
    reader.retained(|_, id| state.retained(id))?;
    reader.finish()?;
    Ok(state.finish())
}

/// A row of `moskit_entry`, owned.
pub(super) struct Detail {
    queued_at: WallTime,
    subscription_identifiers: Vec<SubscriptionIdentifier>,
    pubrel_order: Option<NonZeroU64>,
}

impl From<&EntryDetail<'_>> for Detail {
    fn from(detail: &EntryDetail<'_>) -> Self {
        Self {
            queued_at: wall_time(detail.queued_at),
            subscription_identifiers: detail.subscription_identifiers.split(',').flat_map(str::parse).collect(),
            pubrel_order: NonZeroU64::new(detail.pubrel_order),
        }
    }
}

/// The state as it is read, from whichever format: sessions first, then messages, then entries.
#[derive(Default)]
pub(super) struct Collected {
    pub wall: WallTime,
    /// Our broker wrote it: sessions without a time since when they are away had a client.
    is_ours: bool,
    messages: Vec<Arc<Message>>,
    /// Which of them something refers to, once all are there and in the order of their ids.
    used: Option<Used>,
    clients: Vec<RestoredClient>,
    by_id: HashMap<Bytes, usize>,
    /// The client of the last entry: the next is often of the same.
    recent: usize,
    /// Client, direction and packet id of what is in flight.
    under_way: HashSet<(usize, bool, PacketId)>,
    /// Of the last message: the next often has the same.
    source: Arc<Source>,
    topic: ByteString,
    retained: Vec<MessageId>,
    last_id: MessageId,
    repair: Repair,
    entry_rows: EntryRows,
    losses: Vec<Loss>,
    more_losses: usize,
    /// What was left out because it had no partner.
    pub orphans: usize,
}

impl Collected {
    pub fn at(wall: WallTime) -> Self {
        Self { wall, ..Self::default() }
    }

    pub fn session(&mut self, session: &SessionRow<'_>) {
        let client_id = text(session.client_id).filter(|id| !id.is_empty());
        // A blob and a text of the same bytes are two keys to SQLite.
        let Some(client_id) = client_id.filter(|_| !self.by_id.contains_key(session.client_id)) else {
            return self.lose(Loss::Session { client_id: lossy(session.client_id) });
        };
        let session_expiry = SessionExpiry::from_interval(session.session_expiry_interval);
        let is_finite = session_expiry != SessionExpiry::Never && session.session_expires > 0;
        let since = || at_second(session.session_expires - i64::from(session.session_expiry_interval));
        let record = ClientRecord {
            client_id,
            username: session.username.and_then(text),
            listener_port: session.listener_port,
            session_expiry,
            created_at: at_second(session.created_at),
            // Who was connected when the last broker ended counts as gone from now on.
            disconnected_at: Some(match session.disconnected_at {
                Some(at) => wall_time(at),
                None if is_finite => since(),
                None => self.wall,
            }),
            max_packet_size: NonZeroU32::new(session.max_packet_size),
            max_qos: qos(session.max_qos),
            retain_available: session.retain_available,
            will_delay_interval: session.will_delay_interval,
        };
        self.by_id.insert(Bytes::copy_from_slice(session.client_id), self.clients.len());
        let was_connected = self.is_ours && session.disconnected_at.is_none() && !is_finite;
        let (subscriptions, entries) = (Vec::new(), Vec::new());
        self.clients.push(RestoredClient { record, will: None, subscriptions, entries, was_connected });
    }

    fn client(&mut self, client_id: &[u8]) -> Option<&mut RestoredClient> {
        self.by_id.get(client_id).and_then(|index| self.clients.get_mut(*index))
    }

    /// Leaves a row out, and what hangs on it with it.
    fn lose(&mut self, loss: Loss) {
        self.orphans += 1;
        self.repair.stray_rows = true;
        if self.losses.len() < MOST_LOSSES {
            self.losses.push(loss);
        } else {
            self.more_losses += 1;
        }
    }

    pub fn will(&mut self, will: &Will<'_>) {
        let record = topic(will.topic).map(|topic| WillRecord {
            topic,
            payload: Bytes::copy_from_slice(will.payload),
            qos: qos(will.qos),
            retain: will.retain,
            properties: properties::read_will(will.properties),
        });
        match (self.client(will.client_id), record) {
            (Some(client), Some(record)) => client.will = Some(record),
            _ => self.lose(Loss::Will { client_id: lossy(will.client_id) }),
        }
    }

    pub fn subscription(&mut self, subscription: &Subscription<'_>) {
        let record = topic(subscription.filter).map(|filter| SubscriptionRecord {
            filter,
            options: options(subscription),
            identifier: SubscriptionIdentifier::new(subscription.identifier),
        });
        match (self.client(subscription.client_id), record) {
            (Some(client), Some(record)) => client.subscriptions.push(record),
            _ => self.lose(Loss::Subscription {
                client_id: lossy(subscription.client_id),
                filter: lossy(subscription.filter),
            }),
        }
    }

    pub fn message(&mut self, message: &state::Message<'_>) {
        let id = MessageId(message.store_id.0);
        let topic = if message.topic == self.topic.as_bytes() && !self.topic.is_empty() {
            self.topic.clone()
        } else {
            let Some(topic) = topic(message.topic) else {
                return self.lose(Loss::Message { id: id.0, topic: lossy(message.topic) });
            };
            self.topic = topic.clone();
            topic
        };
        let mut properties = properties::read(message.properties);
        if let Some(expires) = message.expires {
            // The interval itself is not kept. The time of expiry was rounded up to a second, so that the whole seconds
            // until then are those of the interval.
            let stored = message.store_id.stored_at().map_or(self.wall, wall_time);
            let seconds = at_second(expires).saturating_since(stored).as_secs();
            properties.push(Property::MessageExpiryInterval(u32::try_from(seconds).unwrap_or(u32::MAX)));
        }
        // Node ids of other brokers stand above the time and would put our own ids far into the future.
        self.last_id = self.last_id.max(MessageId(id.0 & OWN_ID_BITS));
        let stored = Message {
            id,
            topic,
            payload: Bytes::copy_from_slice(message.payload.unwrap_or_default()),
            qos: qos(message.qos),
            retain: message.retain,
            properties,
            expires_at: message.expires.map(at_second),
            packet_id: PacketId::new(message.source_mid),
            source: self.source(message),
        };
        self.messages.push(Arc::new(stored));
    }

    fn source(&mut self, message: &state::Message<'_>) -> Arc<Source> {
        let last = &*self.source;
        let last_name = last.username.as_ref().map_or(&[][..], |name| name.as_bytes());
        let is_same = last.client_id.as_bytes() == message.source_id
            && last_name == message.source_username
            && last.listener_port == message.source_port;
        if !is_same {
            self.source = Arc::new(Source {
                // A message is worth more than the name of who sent it.
                client_id: text(message.source_id).unwrap_or_default(),
                username: text(message.source_username).filter(|name| !name.is_empty()),
                listener_port: message.source_port,
            });
        }
        Arc::clone(&self.source)
    }

    fn used(&mut self) -> &mut Used {
        self.used.get_or_insert_with(|| Used::of(&mut self.messages))
    }

    /// The client of an entry.
    fn place_of(&mut self, client_id: &[u8]) -> Option<usize> {
        let is_recent =
            self.clients.get(self.recent).is_some_and(|client| client.record.client_id.as_bytes() == client_id);
        if !is_recent {
            self.recent = *self.by_id.get(client_id)?;
        }
        Some(self.recent)
    }

    /// `row`: its number, where it comes from our own tables.
    pub fn entry(&mut self, entry: &ClientMessage<'_>, row: Option<i64>, detail: Option<&Detail>) {
        let id = MessageId(entry.store_id.0);
        let loss =
            || Loss::Entry { client_id: lossy(entry.client_id), sequence: entry.cmsg_id, message: entry.store_id.0 };
        let wall = self.wall;
        let Some(place) = self.place_of(entry.client_id) else { return self.lose(loss()) };
        let Some(message) = self.used().by_ids.find(id) else { return self.lose(loss()) };
        let Some((state, packet_id)) = self.standing(place, entry) else {
            // The row goes when all are written anew.
            self.repair.renumber = true;
            return self.lose(loss());
        };
        let client = &mut self.clients[place];
        let sequence = client.entries.last().map_or(1, |last| last.sequence + 1);
        let in_order = (sequence..SEQUENCE_END).contains(&entry.cmsg_id);
        let record = EntryRecord {
            client_id: client.record.client_id.clone(),
            sequence: if in_order { entry.cmsg_id } else { sequence },
            message: id,
            direction: match entry.direction {
                state::Direction::Incoming => Direction::In,
                state::Direction::Outgoing => Direction::Out,
            },
            packet_id,
            qos: qos(entry.qos),
            retain: entry.retain,
            dup: entry.dup,
            state,
            subscription_identifiers: match detail {
                Some(detail) if !detail.subscription_identifiers.is_empty() => detail.subscription_identifiers.clone(),
                _ => SubscriptionIdentifier::new(entry.subscription_identifier).into_iter().collect(),
            },
            queued_at: detail
                .map_or_else(|| entry.store_id.stored_at().map_or(wall, wall_time), |detail| detail.queued_at),
            pubrel_order: detail.and_then(|detail| detail.pubrel_order),
        };
        let stands_right = row.is_none_or(|row| {
            let is_in_place = in_order && self.entry_rows.adopt(&record.client_id, record.sequence, row);
            if is_in_place && detail.is_some() {
                self.entry_rows.detailed(row);
            }
            is_in_place
        });
        client.entries.push(record);
        self.used().used[message] = true;
        self.repair.renumber |= !stands_right;
    }

    /// State and packet id of an entry. Of two under way with one packet id the later begins anew; `None` for one that
    /// nothing could end any more.
    fn standing(&mut self, client: usize, entry: &ClientMessage<'_>) -> Option<(EntryState, Option<PacketId>)> {
        let state = entry_state(entry);
        let packet_id = PacketId::new(entry.mid);
        if state == EntryState::Queued {
            return Some((state, packet_id));
        }
        let incoming = state == EntryState::WaitForPubRel;
        if let Some(id) = packet_id
            && (incoming || entry.qos > 0)
            && self.under_way.insert((client, incoming, id))
        {
            return Some((state, packet_id));
        }
        let is_unsettled = matches!(state, EntryState::WaitForPubAck | EntryState::WaitForPubRec);
        is_unsettled.then_some((EntryState::Queued, None))
    }

    pub fn retained(&mut self, id: StoreId) {
        let id = MessageId(id.0);
        let used = self.used();
        if let Some(message) = used.by_ids.find(id) {
            used.used[message] = true;
            self.retained.push(id);
        } else {
            self.lose(Loss::Retained { message: id.0 });
        }
    }

    pub fn finish(mut self) -> (Restored, Repair, EntryRows) {
        let used = std::mem::take(&mut self.used().used);
        let mut is_used = used.into_iter();
        let read = self.messages.len();
        self.messages.retain(|_| is_used.next().unwrap_or_default());
        self.repair.stray_rows |= self.messages.len() < read;
        let messages = self.messages;
        let restored = Restored {
            last_message_id: self.last_id,
            messages,
            clients: self.clients,
            retained: self.retained,
            losses: self.losses,
            more_losses: self.more_losses,
        };
        (restored, self.repair, self.entry_rows)
    }
}

/// Which of the messages something refers to.
struct Used {
    by_ids: ByIds,
    used: Vec<bool>,
}

impl Used {
    /// Puts the messages in the order of their ids. Of two with one id the later counts.
    fn of(messages: &mut Vec<Arc<Message>>) -> Self {
        if !messages.is_sorted_by(|one, next| one.id < next.id) {
            messages.sort_by_key(|message| message.id);
            messages.dedup_by(|next, one| {
                let is_same = next.id == one.id;
                if is_same {
                    std::mem::swap(next, one);
                }
                is_same
            });
        }
        let by_ids = ByIds::new(messages.iter().map(|message| message.id));
        Self { by_ids, used: vec![false; messages.len()] }
    }
}

/// Numbers of entries that leave room for those to come; a client counts from 1.
const SEQUENCE_END: u64 = 1 << 62;

/// Most `/` in a topic with its mount point: trees of topics are walked level by level.
const MOST_SEPARATORS: usize = 4 * MAXIMUM_SEPARATORS;

/// The bits of an id below the node.
const OWN_ID_BITS: u64 = (1 << 54) - 1;

/// States that a snapshot holds for a moment only are read as the one that leads to the same packet.
fn entry_state(entry: &ClientMessage<'_>) -> EntryState {
    match (entry.direction, entry.state) {
        (state::Direction::Incoming, _) => EntryState::WaitForPubRel,
        (_, 3) => EntryState::WaitForPubAck,
        (_, 5) => EntryState::WaitForPubRec,
        // The entry waits for PUBCOMP, or PUBREL is about to be sent again.
        (_, 9 | 6) => EntryState::WaitForPubComp,
        (_, 2) if entry.mid != 0 => EntryState::WaitForPubAck,
        (_, 4) if entry.mid != 0 => EntryState::WaitForPubRec,
        _ => EntryState::Queued,
    }
}

fn options(subscription: &Subscription<'_>) -> SubscriptionOptions {
    SubscriptionOptions {
        qos: qos(subscription.qos),
        no_local: subscription.options & 0b100 != 0,
        retain_as_published: subscription.options & 0b1000 != 0,
        retain_handling: match subscription.options >> 4 & 0b11 {
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => RetainHandling::SendAtSubscribe,
        },
    }
}

fn qos(level: u8) -> QoS {
    QoS::try_from(level).unwrap_or(QoS::ExactlyOnce)
}

/// Bytes as text that people read.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn text(bytes: &[u8]) -> Option<ByteString> {
    ByteString::try_from(Bytes::copy_from_slice(bytes)).ok()
}

/// A topic, or a filter, that can be one.
fn topic(bytes: &[u8]) -> Option<ByteString> {
    text(bytes).filter(|topic| !topic.is_empty() && topic.matches('/').count() <= MOST_SEPARATORS)
}

/// Times before 1970 count as 1970.
fn wall_time(time: UnixTime) -> WallTime {
    WallTime::after_epoch(Duration::from_nanos(time.nanos().max(0).cast_unsigned()))
}

/// The moment so many seconds after 1970 began.
fn at_second(seconds: i64) -> WallTime {
    WallTime::after_epoch(Duration::from_secs(seconds.max(0).cast_unsigned()))
}
