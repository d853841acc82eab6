//! Waiting messages from a file that a broker keeps: a mosquitto.db or the tables of persist-sqlite.

mod batch;
mod ids;
mod messages;
mod packed;
mod properties;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read};
use std::mem;
use std::ops::{ControlFlow, RangeInclusive};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::SystemTime;

use batch::Batch;
use hashbrown::HashSet;
use messages::Messages;

use super::age::Dating;
use super::ledger::Ledger;
use super::{Error, Filter, Item, Note, Session, Since, Snapshot, Source, Waiting, Want};
use crate::mqtt::packet::SubscriptionIdentifier;
use crate::mqtt::topic::{SubscriptionFilter, matches};
use crate::state::ids::{StoreId, UnixTime};
use crate::state::mosquitto_db::{self, Chunk, ReadAhead, Visitor};
use crate::state::sqlite::{self, EntryColumns};
use crate::state::{Client, ClientMessage, Direction, Keep, Message, Properties, Subscription};

/// How often progress is told, in bytes of the file.
const PROGRESS_STEP: u64 = 4 * 1024 * 1024;

/// A database from this length on is read by two threads.
const THREAD_FROM: u64 = 4 * 1024 * 1024;

/// Chunks of unknown kinds that are named one by one; more are counted.
const UNKNOWN_CHUNKS_NAMED: u64 = 5;

/// A broker's file.
#[derive(Debug)]
pub struct FileSource {
    pub path: PathBuf,
    pub format: Format,
    /// Dates the messages of a broker that only counts them. A look at this file is added to it.
    pub ledger: Option<Ledger>,
    /// The moment that the file shows, if it is not the time of its last change.
    pub at: Option<UnixTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    MosquittoDb,
    Sqlite,
}

impl Source for FileSource {
    fn read(&mut self, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, Error> {
        match self.format {
            Format::MosquittoDb => self.read_db(want, each),
            Format::Sqlite => self.read_sqlite(want, each),
        }
    }
}

/// What has to be known before the messages are read: a file is read twice for it.
#[derive(Debug, Default)]
struct Ahead {
    filters: HashMap<String, Vec<Filter>>,
    /// The messages of the one client that is wanted.
    only: Option<HashSet<u64>>,
}

impl Ahead {
    fn is_needed(want: &Want) -> bool {
        want.filters || want.client.is_some()
    }

    fn new(want: &Want) -> Self {
        Self { filters: HashMap::new(), only: want.client.is_some().then(HashSet::new) }
    }

    fn subscription(&mut self, subscription: &Subscription<'_>) {
        let client = String::from_utf8_lossy(subscription.client_id).into_owned();
        let filter = String::from_utf8_lossy(subscription.filter).into_owned();
        self.filters.entry(client).or_default().push(Filter {
            filter: SubscriptionFilter::split(filter),
            qos: subscription.qos,
            identifier: SubscriptionIdentifier::new(subscription.identifier),
        });
    }

    fn entry(&mut self, entry: &ClientMessage<'_>, want: &Want) {
        if let (Some(only), Some(client)) = (&mut self.only, &want.client)
            && entry.client_id == client.as_bytes()
        {
            only.insert(entry.store_id.0);
        }
    }
}

fn keep(want: &Want) -> Keep {
    Keep {
        topic: want.topics || want.filters,
        length: want.bytes,
        head: want.publishers,
        payload: want.payloads || want.age_from.needs_payload(),
        properties: want.properties || want.age_from.needs_properties(),
    }
}

impl FileSource {
    fn read_db(&mut self, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, Error> {
        let path = self.path.clone();
        let failed = |error| Error::Db(path.clone(), error);
        let file = File::open(&path).map_err(|error| Error::Io(path.clone(), error))?;
        let ahead = if Ahead::is_needed(want) { look_ahead(&file, want).map_err(failed)? } else { Ahead::default() };
        let mut reader = mosquitto_db::Reader::of(&file, keep(want)).map_err(failed)?;
        let taken_at = self.at.or_else(|| modified(&file));
        let mut reading = Reading::new(want, ahead, self.ledger.as_mut(), taken_at);
        let Some(version) = reader.version() else {
            reading.snapshot.kind = "mosquitto.db".into();
            reading.snapshot.notes.push(Note::EmptyFile);
            return Ok(reading.finish());
        };
        reading.snapshot.kind = format!("mosquitto.db version {version}");
        let length = reader.length();
        let mut progress_at = PROGRESS_STEP;
        loop {
            let at = reader.next_at();
            if at >= progress_at {
                progress_at = at + PROGRESS_STEP;
                each(Item::Progress { done: at, of: length });
            }
            match reader.visit_next(&mut First { reading: &mut reading, each: &mut *each }) {
                Ok(true) => {}
                Ok(false) => break,
                Err(damage) => reading.snapshot.notes.push(Note::Damage(damage)),
            }
            if reading.is_disordered {
                return Err(Error::Disordered(path));
            }
            if let (Some(ids), Some(_)) = (&reading.slices.ids, reading.slices.entries) {
                reading.slices.missing += reader.pass_entries(ids);
            }
        }
        if !reading.messages.can_be_sliced() {
            return Err(Error::Disordered(path));
        }
        reading.other_slices(&mut reader, each).map_err(|error| Error::Io(path.clone(), error))?;
        // 2.1, whose ids are no counters, writes them as they are.
        if want.users && version == 6 && reading.snapshot.counter.is_some() {
            reading.snapshot.notes.push(Note::UsersUncertain);
        }
        reading.settle(each);
        reading.maybe_cut();
        Ok(reading.finish())
    }

    fn read_sqlite(&mut self, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, Error> {
        let path = self.path.clone();
        let failed = |error| Error::Sqlite(path.clone(), error);
        let reader = sqlite::Reader::open(&self.path).map_err(failed)?;
        let length = path.metadata().map_or(0, |metadata| metadata.len());
        let is_worth_a_thread = length >= THREAD_FROM && !want.filters && want.client.is_none();
        let twin = if is_worth_a_thread { reader.twin().map_err(failed)? } else { None };
        let mut ahead = Ahead::new(want);
        if want.filters {
            reader.subscriptions(|subscription| ahead.subscription(subscription)).map_err(failed)?;
        }
        if want.client.is_some() {
            reader.entries_with(EntryColumns::default(), |_, entry| ahead.entry(entry, want)).map_err(failed)?;
        }
        let taken_at = self.at.or_else(|| reader.modified().map(UnixTime::from));
        let mut reading = Reading::new(want, ahead, None, taken_at);
        reading.messages.take_all();
        reading.snapshot.kind = "persist-sqlite".into();
        if reader.is_ours().map_err(failed)? {
            reading.snapshot.kind = "moskit broker's store".into();
            reading.ours = Some(Ours::read(&reader).map_err(failed)?);
        }
        // To count them takes a look at every page.
        let (messages, entries) = if want.progress { reader.counts().map_err(failed)? } else { (0, 0) };
        let mut rows = Rows { done: 0, of: messages + entries, length };
        let columns = EntryColumns {
            position: reading.ours.as_ref().is_some_and(|ours| !ours.queued_at.is_empty()),
            details: want.filters || want.client.is_some(),
        };
        let read = match twin {
            Some(twin) => read_beside(&reader, twin, columns, &mut reading, &mut rows, each),
            None => read_messages(&reader, &mut reading, &mut rows, each).and_then(|()| {
                reader.entries_with(columns, |_, entry| {
                    reading.entry(entry, each);
                    rows.next(each);
                })
            }),
        };
        read.map_err(failed)?;
        reader.finish().map_err(failed)?;
        reading.settle(each);
        Ok(reading.finish())
    }
}

/// The messages, and then the sessions.
fn read_messages(
    reader: &sqlite::Reader,
    reading: &mut Reading<'_>,
    rows: &mut Rows,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<(), sqlite::Unreadable> {
    reader.messages_by_row(keep(reading.want), |message| {
        let _ = reading.messages.add(message);
        rows.next(each);
    })?;
    reader.clients(|client| reading.session(client, each))
}

/// All, while another thread reads the entries, which takes as long as the messages and the counting.
fn read_beside(
    reader: &sqlite::Reader,
    twin: sqlite::Reader,
    columns: EntryColumns,
    reading: &mut Reading<'_>,
    rows: &mut Rows,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<(), sqlite::Unreadable> {
    let (sender, batches) = sync_channel::<Batch>(batch::WAITING);
    thread::scope(|scope| {
        let entries = scope.spawn(move || {
            let mut batch = Batch::default();
            twin.entries_until(columns, |_, entry| {
                batch.push(entry, columns.position);
                // Nobody takes them any more when the messages cannot be read.
                if batch.is_full() && sender.send(mem::take(&mut batch)).is_err() {
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
            let _ = sender.send(batch);
            Ok(())
        });
        let batches = batches;
        read_messages(reader, reading, rows, each)?;
        for batch in &batches {
            for entry in batch.iter() {
                reading.entry(&entry, each);
                rows.next(each);
            }
        }
        entries.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

fn look_ahead(file: &File, want: &Want) -> Result<Ahead, mosquitto_db::Unreadable> {
    let mut reader = mosquitto_db::Reader::of(file, Keep::default())?;
    let mut ahead = Ahead::new(want);
    // Damage is told by the second reading.
    while let Ok(true) = reader.visit_next(&mut LookAhead { ahead: &mut ahead, want }) {}
    Ok(ahead)
}

struct LookAhead<'a> {
    ahead: &'a mut Ahead,
    want: &'a Want,
}

impl Visitor for LookAhead<'_> {
    #[inline(always)]
    fn message(&mut self, _message: &Message<'_>, _at: u64) {}

    #[inline(always)]
    fn entry(&mut self, entry: &ClientMessage<'_>, _at: u64) {
        self.ahead.entry(entry, self.want);
    }

    fn other(&mut self, chunk: &Chunk<'_>, _at: u64) {
        if let Chunk::Subscription(subscription) = chunk {
            self.ahead.subscription(subscription);
        }
    }
}

/// What our own broker's tables add.
#[derive(Debug, Default)]
struct Ours {
    away: HashMap<Vec<u8>, UnixTime>,
    /// When an entry was queued, by its client, position and message, where that is not the time in its message's id.
    queued_at: HashMap<Vec<u8>, HashMap<(u64, StoreId), UnixTime>>,
}

impl Ours {
    fn read(reader: &sqlite::Reader) -> Result<Self, sqlite::Unreadable> {
        let mut ours = Self::default();
        reader.disconnections(|client, at| {
            ours.away.insert(client.to_vec(), at);
        })?;
        reader.entry_details(|client, position, message, detail| {
            ours.queued_at.entry(client.to_vec()).or_default().insert((position, message), detail.queued_at);
        })?;
        Ok(ours)
    }

    /// Since when an entry's message is stored. Our broker gives a whole batch of messages one time and ids
    /// that count on from it, so here neighbours are no sign of a clock that stood still; where it did,
    /// the entry has a time of its own.
    fn since(&self, entry: &ClientMessage<'_>) -> Option<Since> {
        let stored = entry.store_id.stored_at()?;
        let place = (entry.cmsg_id, entry.store_id);
        let queued = self.queued_at.get(entry.client_id).and_then(|of_client| of_client.get(&place));
        // A retained message is older than its place in the queue; nothing is younger.
        Some(Since::Exact(queued.map_or(stored, |queued| stored.min(*queued))))
    }
}

/// How far the reading of a database has got: rows stand for their share of its bytes.
struct Rows {
    done: u64,
    of: u64,
    length: u64,
}

impl Rows {
    fn next(&mut self, each: &mut dyn FnMut(Item<'_>)) {
        const STEP: u64 = 1 << 16;
        self.done += 1;
        if self.done.is_multiple_of(STEP) && self.of > 0 {
            let share = self.done as f64 / self.of as f64;
            each(Item::Progress { done: (self.length as f64 * share) as u64, of: self.length });
        }
    }
}

fn modified(file: &File) -> Option<UnixTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok().map(UnixTime::from)
}

/// One reading of one file.
struct Reading<'a> {
    want: &'a Want,
    ahead: Ahead,
    ledger: Option<&'a mut Ledger>,
    messages: Messages,
    /// Made when the first entry comes: by then all messages have been read.
    dating: Option<Dating>,
    /// Unless a message comes after it, as no known broker writes them: from then on entries wait for the end.
    mixed: bool,
    snapshot: Snapshot,
    /// The client of the entries being read, and its user name.
    client: String,
    user: String,
    users: HashMap<String, String>,
    /// Entries that came before their message, or before others: no known broker writes them so.
    early: Vec<EarlyEntry>,
    /// Messages that something was found to refer to before others came.
    referred: Vec<StoreId>,
    /// The filter that explains a topic, for the client being read.
    explained: HashMap<(Option<u32>, u32), Option<usize>>,
    /// In a file of our own broker.
    ours: Option<Ours>,
    unknown_chunks: u64,
    slices: Slices,
    /// There are slices, and a message that belongs to none.
    is_disordered: bool,
}

/// Where a file is gone on with that is read in slices of its messages.
#[derive(Default)]
struct Slices {
    /// The first message behind this slice.
    next: Option<u64>,
    /// The first chunk that is no message's.
    entries: Option<u64>,
    /// Entries of which no slice so far has the message.
    missing: u64,
    /// The ids that the messages of the first slice may have, once there are others.
    ids: Option<RangeInclusive<u64>>,
}

/// What is kept of an entry whose message may still come.
struct EarlyEntry {
    client: Vec<u8>,
    store_id: StoreId,
    qos: u8,
    state: u8,
    retain: bool,
    dup: bool,
    direction: Direction,
    subscription_identifier: u32,
}

impl EarlyEntry {
    fn of(entry: &ClientMessage<'_>) -> Self {
        Self {
            client: entry.client_id.to_vec(),
            store_id: entry.store_id,
            qos: entry.qos,
            state: entry.state,
            retain: entry.retain,
            dup: entry.dup,
            direction: entry.direction,
            subscription_identifier: entry.subscription_identifier,
        }
    }

    fn entry(&self) -> ClientMessage<'_> {
        ClientMessage {
            client_id: &self.client,
            cmsg_id: 0,
            store_id: self.store_id,
            mid: 0,
            qos: self.qos,
            retain: self.retain,
            dup: self.dup,
            direction: self.direction,
            state: self.state,
            properties: Properties::None,
            subscription_identifier: self.subscription_identifier,
        }
    }
}

/// Takes what the first reading of a file comes upon.
struct First<'r, 'a, 'e> {
    reading: &'r mut Reading<'a>,
    each: &'e mut dyn FnMut(Item<'_>),
}

impl Visitor for First<'_, '_, '_> {
    #[inline(always)]
    fn message(&mut self, message: &Message<'_>, at: u64) {
        self.reading.first_message(message, at);
    }

    #[inline(always)]
    fn entry(&mut self, entry: &ClientMessage<'_>, at: u64) {
        self.reading.first_entry(entry, at, self.each);
    }

    fn other(&mut self, chunk: &Chunk<'_>, at: u64) {
        self.reading.first_other(chunk, at, self.each);
    }
}

/// Takes what a reading for a later slice of the messages comes upon.
struct Later<'r, 'a, 'e> {
    reading: &'r mut Reading<'a>,
    each: &'e mut dyn FnMut(Item<'_>),
}

impl Visitor for Later<'_, '_, '_> {
    #[inline(always)]
    fn message(&mut self, message: &Message<'_>, at: u64) {
        if !self.reading.messages.add(message) {
            self.reading.slices.next.get_or_insert(at);
        }
    }

    #[inline(always)]
    fn entry(&mut self, entry: &ClientMessage<'_>, _at: u64) {
        self.reading.sliced_entry(entry, self.each);
    }

    fn other(&mut self, chunk: &Chunk<'_>, _at: u64) {
        if let Chunk::Retained(id) = chunk {
            self.reading.refer(*id);
        }
    }
}

impl<'a> Reading<'a> {
    fn new(want: &'a Want, ahead: Ahead, ledger: Option<&'a mut Ledger>, taken_at: Option<UnixTime>) -> Self {
        let messages = Messages::new(want, ahead.only.clone());
        let snapshot = Snapshot { taken_at, ..Snapshot::default() };
        Self {
            want,
            ahead,
            ledger,
            messages,
            dating: None,
            mixed: false,
            snapshot,
            client: String::new(),
            user: String::new(),
            users: HashMap::new(),
            early: Vec::new(),
            referred: Vec::new(),
            explained: HashMap::new(),
            ours: None,
            unknown_chunks: 0,
            slices: Slices::default(),
            is_disordered: false,
        }
    }

    #[inline(always)]
    fn first_message(&mut self, message: &Message<'_>, at: u64) {
        if self.dating.is_some() {
            self.mix();
        }
        if !self.messages.add(message) {
            self.is_disordered |= self.mixed;
            self.slices.next.get_or_insert(at);
        }
    }

    #[inline(always)]
    fn first_entry(&mut self, entry: &ClientMessage<'_>, at: u64, each: &mut dyn FnMut(Item<'_>)) {
        if self.messages.are_sliced() {
            self.begin_entries(at);
            self.slices.missing += 1;
            self.sliced_entry(entry, each);
        } else if self.mixed {
            self.early.push(EarlyEntry::of(entry));
        } else {
            self.entry(entry, each);
        }
    }

    fn first_other(&mut self, chunk: &Chunk<'_>, at: u64, each: &mut dyn FnMut(Item<'_>)) {
        match chunk {
            Chunk::Configuration(configuration) => self.look(configuration.last_store_id),
            Chunk::Retained(id) if self.mixed => self.referred.push(*id),
            Chunk::Retained(id) => {
                self.begin_entries(at);
                self.refer(*id);
            }
            Chunk::Client(client) => self.session(client, each),
            Chunk::Message(_) | Chunk::ClientMessage(_) | Chunk::Subscription(_) => {}
            Chunk::Unknown { kind, at, length } => {
                self.unknown_chunks += 1;
                if self.unknown_chunks <= UNKNOWN_CHUNKS_NAMED {
                    self.snapshot.notes.push(Note::UnknownChunk { kind: *kind, at: *at, length: *length });
                }
            }
        }
    }

    fn begin_entries(&mut self, at: u64) {
        self.prepare();
        if self.slices.entries.is_none() {
            self.slices.entries = Some(at);
            self.slices.ids = self.messages.slice();
        }
        self.is_disordered |= !self.messages.can_be_sliced();
    }

    fn refer(&mut self, id: StoreId) {
        if let Some(place) = self.messages.find(id) {
            self.messages.refer(place);
        }
    }

    /// An entry whose message may be in another slice.
    fn sliced_entry(&mut self, entry: &ClientMessage<'_>, each: &mut dyn FnMut(Item<'_>)) {
        let Some(place) = self.messages.find(entry.store_id) else { return };
        // Of a file that is changed while it is read, more may be found than were missing.
        self.slices.missing = self.slices.missing.saturating_sub(1);
        self.messages.refer(place);
        let incoming = entry.direction == Direction::Incoming;
        self.snapshot.incoming += u64::from(incoming);
        if incoming == self.want.incoming {
            self.emit(entry, place, each);
        }
    }

    /// Reads the entries again for each of the other slices of the messages. What else there is to tell has been told.
    fn other_slices(
        &mut self,
        reader: &mut mosquitto_db::Reader<ReadAhead<'_>>,
        each: &mut dyn FnMut(Item<'_>),
    ) -> io::Result<()> {
        let entries = self.slices.entries;
        while let Some(next) = self.slices.next.take() {
            self.messages.next_slice();
            reader.go_to(next)?;
            let end = entries.unwrap_or(u64::MAX);
            while self.slices.next.is_none() && reader.next_at() < end {
                if !self.later(reader, each) {
                    break;
                }
            }
            self.messages.sort();
            let (Some(entries), Some(ids)) = (entries, self.messages.slice()) else { continue };
            reader.go_to(entries)?;
            while self.later(reader, each) {
                reader.pass_entries(&ids);
            }
        }
        self.snapshot.orphans += mem::take(&mut self.slices.missing);
        Ok(())
    }

    /// Takes the next chunk of a later reading, if there is one.
    #[inline(always)]
    fn later(&mut self, reader: &mut mosquitto_db::Reader<ReadAhead<'_>>, each: &mut dyn FnMut(Item<'_>)) -> bool {
        match reader.visit_next(&mut Later { reading: self, each }) {
            Ok(is_there) => is_there,
            Err(damage) => {
                self.found_again(damage);
                false
            }
        }
    }

    /// Damage ends each reading at one place and is told once. It is new where the file was changed, or the disk failed, meanwhile.
    #[cold]
    fn found_again(&mut self, damage: mosquitto_db::Damage) {
        if !self.is_damaged() {
            self.snapshot.notes.push(Note::Damage(damage));
        }
    }

    fn is_damaged(&self) -> bool {
        self.snapshot.notes.iter().any(|note| matches!(note, Note::Damage(_)))
    }

    /// Messages come after entries: to sort them for each would take for ever, so the rest waits for all.
    #[cold]
    fn mix(&mut self) {
        self.is_disordered |= self.messages.are_sliced();
        self.mixed = true;
        self.dating = None;
        self.referred.extend(self.messages.referred());
    }

    fn look(&mut self, last: StoreId) {
        if !last.is_counter() {
            return;
        }
        self.snapshot.counter = Some(last);
        if let (Some(ledger), Some(taken_at)) = (&mut self.ledger, self.snapshot.taken_at) {
            ledger.look(taken_at, last);
        }
    }

    fn session(&mut self, client: &Client<'_>, each: &mut dyn FnMut(Item<'_>)) {
        self.snapshot.sessions += 1;
        self.enter(client.client_id);
        if self.want.users {
            self.user = String::from_utf8_lossy(client.username).into_owned();
            self.users.insert(self.client.clone(), self.user.clone());
        }
        let away = self.ours.as_ref().and_then(|ours| ours.away.get(client.client_id)).copied();
        each(Item::Session(Session {
            client: &self.client,
            connected: away.map(|_| false),
            disconnected_at: away.or(client.disconnected_at.map(UnixTime::from_seconds)),
            expires: client
                .session_expires
                .filter(|_| client.session_expiry_interval != u32::MAX)
                .map(UnixTime::from_seconds),
            never_expires: client.session_expiry_interval == u32::MAX,
            filters: self.ahead.filters.get(&self.client).map(Vec::as_slice),
            ..Session::default()
        }));
    }

    /// Makes `client` the one whose entries are read.
    #[inline]
    fn enter(&mut self, client: &[u8]) {
        if self.client.as_bytes() != client {
            self.enter_other(client);
        }
    }

    #[cold]
    fn enter_other(&mut self, client: &[u8]) {
        self.client.clear();
        self.client.push_str(&String::from_utf8_lossy(client));
        self.user.clear();
        if let Some(user) = self.users.get(&self.client) {
            self.user.push_str(user);
        }
        self.explained.clear();
    }

    #[inline]
    fn prepare(&mut self) {
        if self.dating.is_none() {
            self.date();
        }
    }

    #[cold]
    fn date(&mut self) {
        self.messages.sort();
        let snapshot = self.snapshot.taken_at.unwrap_or_else(|| SystemTime::now().into());
        // Our own broker's ids tell the time also where they follow each other.
        let dating = if self.ours.is_some() { Dating::default() } else { self.messages.dating(snapshot) };
        self.dating = Some(dating);
    }

    #[inline(always)]
    fn entry(&mut self, entry: &ClientMessage<'_>, each: &mut dyn FnMut(Item<'_>)) {
        self.prepare();
        if !self.known_entry(entry, each) {
            self.early.push(EarlyEntry::of(entry));
        }
    }

    /// Says whether it is done with: an entry that is wanted needs its message.
    #[inline(always)]
    fn known_entry(&mut self, entry: &ClientMessage<'_>, each: &mut dyn FnMut(Item<'_>)) -> bool {
        // Of the messages of others none is remembered.
        if self.want.client.as_ref().is_some_and(|client| entry.client_id != client.as_bytes()) {
            return true;
        }
        let place = self.messages.find(entry.store_id);
        if let Some(place) = place {
            self.messages.refer(place);
        }
        let incoming = entry.direction == Direction::Incoming;
        if incoming != self.want.incoming {
            self.snapshot.incoming += u64::from(incoming && place.is_some());
            self.snapshot.orphans += u64::from(place.is_none());
            return true;
        }
        let Some(place) = place else { return false };
        self.snapshot.incoming += u64::from(incoming);
        self.emit(entry, place, each);
        true
    }

    #[inline]
    fn emit(&mut self, entry: &ClientMessage<'_>, place: usize, each: &mut dyn FnMut(Item<'_>)) {
        self.enter(entry.client_id);
        let filter = if self.want.filters { self.explain(entry, place) } else { None };
        let kept = self.messages.kept(place);
        let ours = || self.ours.as_ref().and_then(|ours| ours.since(entry));
        let since = self.messages.dated(place).or_else(ours).unwrap_or_else(|| {
            let dating = self.dating.as_ref().expect("prepared before any entry is emitted");
            dating.since(entry.store_id, self.ledger.as_deref())
        });
        let (topic, publisher) = (self.messages.topic_number(place), self.messages.publisher_number(place));
        each(Item::Message(Waiting {
            client: &self.client,
            user: &self.user,
            topic: self.messages.name(topic),
            topic_number: topic,
            publisher: self.messages.name(publisher),
            publisher_number: publisher,
            filter: filter.map(|filter| &*self.ahead.filters[&self.client][filter].filter),
            bytes: self.messages.bytes(place),
            qos: entry.qos,
            phase: entry.phase(),
            retain: entry.retain,
            dup: entry.dup,
            since,
            expires: self.messages.expires(place),
            payload: kept.and_then(|kept| kept.payload.as_deref()),
            properties: kept.map_or(&[], |kept| &kept.properties),
        }));
    }

    /// The filter that brought a message: the one of its subscription identifier, else the first
    /// that matches its topic.
    fn explain(&mut self, entry: &ClientMessage<'_>, place: usize) -> Option<usize> {
        let number = self.messages.topic_number(place);
        let topic = self.messages.name(number);
        let key = (number, entry.subscription_identifier);
        let identifier = SubscriptionIdentifier::new(entry.subscription_identifier);
        let filters = self.ahead.filters.get(&self.client)?;
        *self.explained.entry(key).or_insert_with(|| {
            let matching = |filter: &Filter| matches(filter.filter.topic_filter(), topic);
            let of_identifier = identifier
                .and_then(|_| filters.iter().position(|filter| filter.identifier == identifier && matching(filter)));
            of_identifier.or_else(|| filters.iter().position(matching))
        })
    }

    /// A file cut between two chunks looks whole, but much of what is stored has nobody who waits.
    fn maybe_cut(&mut self) {
        self.prepare();
        let (unreferenced, stored) = (self.messages.unreferenced(), self.messages.len());
        // Unacknowledged messages of connected clean sessions leave a few.
        if self.want.client.is_none() && !self.is_damaged() && unreferenced * 10 > stored {
            self.snapshot.notes.push(Note::MaybeCut { unreferenced, stored });
        }
    }

    /// All has been read: what had to wait for it is told.
    fn settle(&mut self, each: &mut dyn FnMut(Item<'_>)) {
        self.prepare();
        for id in mem::take(&mut self.referred) {
            self.refer(id);
        }
        for early in mem::take(&mut self.early) {
            if !self.known_entry(&early.entry(), each) {
                self.snapshot.orphans += 1;
            }
        }
    }

    fn finish(mut self) -> Snapshot {
        self.snapshot.notes.extend(self.messages.twice.drain(..).map(Note::StoredTwice));
        if let Some(more) = self.unknown_chunks.checked_sub(UNKNOWN_CHUNKS_NAMED).filter(|more| *more > 0) {
            self.snapshot.notes.push(Note::UnknownChunks { more });
        }
        self.snapshot.ledger = self.ledger.map(|ledger| ledger.clone());
        self.snapshot.stored = self.want.client.is_none().then_some(self.messages.len());
        self.snapshot
    }
}

/// What a file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Broker(Format),
    /// JSON objects, one a line.
    Lines,
    Other,
}

/// Looks at the first bytes of `path`. Of a pipe they would be gone then; no broker keeps its state in one.
pub fn format_of(path: &Path) -> io::Result<Found> {
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Ok(Found::Lines);
    }
    let mut start = Vec::new();
    File::open(path)?.take(mosquitto_db::HEAD_LEN as u64).read_to_end(&mut start)?;
    let is_db_name = path.extension().is_some_and(|extension| extension == "db");
    Ok(if start.starts_with(sqlite::MAGIC) {
        Found::Broker(Format::Sqlite)
    } else if start.starts_with(&mosquitto_db::MAGIC[..3]) || start.is_empty() || is_db_name {
        Found::Broker(Format::MosquittoDb)
    } else if start.trim_ascii_start().first().is_none_or(|byte| *byte == b'{') {
        Found::Lines
    } else {
        Found::Other
    })
}
