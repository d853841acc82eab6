//! The store as the server sees it: whether it has what the core changed, or is waited for, or fails.

use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use tokio::sync::mpsc;

use super::budget::Budget;
use crate::broker::store::{Log, Store, StoreError};
use crate::broker::{Change, ClientRecord, Monotonic, SessionExpiry, WallTime};
use crate::mqtt::packet::QoS;

/// How long another program may write to the file before the store counts as failing. Meanwhile who needs the store
/// waits, and nobody else.
const BUSY_MOST: Duration = Duration::from_secs(5);

/// How often it is looked whether that program has ended.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// How long changes that nobody waits for are gathered.
const LATER: Duration = Duration::from_millis(10);

/// How often a long log is moved again for what was written while it was being moved.
const MOVES: usize = 4;

/// How long to wait before a store that failed is tried again.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

/// The store, with a thread of its own that writes to it: a long transaction, and a slow disk, hold up only who needs
/// what is written.
pub(super) struct Persistence {
    /// `None` for a state in memory.
    writer: Option<Writer>,
    health: Health,
    /// What another program keeps from being written.
    pending: Vec<Change>,
    is_writing: bool,
    /// What commits on the loop may take.
    budget: Budget,
    /// Since when there is something that nobody waits for.
    later_since: Option<Monotonic>,
}

/// What the core has noted for the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changes {
    None,
    /// Nobody waits for it.
    ForLater,
    Urgent,
}

struct Writer {
    /// Whoever commits has it; `None` once it is closed.
    store: Arc<Mutex<Option<Store>>>,
    log: Arc<Log>,
    /// Moves the log into the file, as it grows.
    moving: Option<JoinHandle<()>>,
    orders: std::sync::mpsc::Sender<Order>,
    answers: mpsc::UnboundedReceiver<Answer>,
    thread: JoinHandle<()>,
}

enum Order {
    Commit {
        changes: Vec<Change>,
        open_anew: bool,
    },
    Checkpoint,
    /// The last order: the store waits for another program if need be, and closes the file.
    Finish(Vec<Change>),
}

/// What became of an order.
#[derive(Debug)]
pub(super) enum Answer {
    Committed(Vec<Change>, Result<(), StoreError>),
    /// The log could not be moved into the file.
    NotMoved(StoreError),
    Finished(Result<(), StoreError>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    /// Another program writes to the file.
    Busy {
        since: Monotonic,
        retry: Monotonic,
    },
    Failing {
        retry: Monotonic,
        /// Whether the file is to be opened anew first.
        open_anew: bool,
    },
}

/// What became of the changes of the core.
#[derive(Debug)]
pub(super) enum StoreProgress {
    /// The store has them.
    Stored,
    /// The store has them, and had failed before.
    Recovered,
    /// They have to wait.
    Later,
    /// From now on the store fails. It does not have these.
    Failed(Vec<Change>, StoreError),
    /// It still fails, and does not have these.
    StillFailing(Vec<Change>),
}

impl Persistence {
    pub(super) fn start(store: Option<Store>) -> io::Result<Self> {
        let writer = store.map(Writer::start).transpose()?;
        let (health, pending, budget) = (Health::Well, Vec::new(), Budget::default());
        Ok(Self { writer, health, pending, is_writing: false, budget, later_since: None })
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.writer.is_some()
    }

    /// When [`Persistence::keep`] is to be called, even if there is nothing new.
    pub(super) fn due(&self) -> Option<Monotonic> {
        match self.health {
            _ if self.is_writing => None,
            Health::Busy { retry, .. } | Health::Failing { retry, .. } => Some(retry),
            Health::Well => self.later_since.map(|since| since + LATER),
        }
    }

    /// Whether changes are written now.
    pub(super) fn wants(&self, changes: Changes, now: Monotonic) -> bool {
        !self.is_writing
            && match (changes, self.health) {
                (_, Health::Busy { retry, .. } | Health::Failing { retry, .. }) => retry <= now,
                (Changes::None, Health::Well) => false,
                (Changes::ForLater, Health::Well) => self.later_since.is_some_and(|since| since + LATER <= now),
                (Changes::Urgent, Health::Well) => true,
            }
    }

    /// Has what is not stored yet written, all or nothing, unless the store has something to do, or nobody waits for it. While
    /// the store is busy or fails it is tried now and then. `take`: takes what is new, of which there is as much as `changes`
    /// says. Returns the answer if it is there at once; nothing else wakes those who waited for it.
    pub(super) fn keep(
        &mut self,
        changes: Changes,
        take: impl FnOnce() -> Vec<Change>,
        now: Monotonic,
    ) -> Option<Answer> {
        let wants = self.wants(changes, now);
        self.later_since = match changes {
            Changes::ForLater if !wants => Some(self.later_since.unwrap_or(now)),
            _ => None,
        };
        let writer = self.writer.as_ref().filter(|_| wants)?;
        let (changes, open_anew) = match self.health {
            Health::Well => (take(), false),
            Health::Busy { .. } => (std::mem::take(&mut self.pending), false),
            Health::Failing { open_anew, .. } => (take(), open_anew),
        };
        if self.health == Health::Well && self.budget.has_some(now) {
            let began = Instant::now();
            let written = writer.commit_at_once(&changes);
            self.budget.spend(began.elapsed());
            if let Some(written) = written {
                return Some(Answer::Committed(changes, written));
            }
        }
        self.is_writing = true;
        writer.order(Order::Commit { changes, open_anew });
        None
    }

    /// Returns when an order is done; never without a store.
    pub(super) async fn answer(&mut self) -> Answer {
        let Some(writer) = &mut self.writer else { return std::future::pending().await };
        match writer.answers.recv().await {
            Some(answer) => answer,
            None if self.is_writing => has_ended(),
            // Nothing was ordered of it since it has ended.
            None => std::future::pending().await,
        }
    }

    /// What the answer to a commit leads to.
    pub(super) fn judge(
        &mut self,
        changes: Vec<Change>,
        written: Result<(), StoreError>,
        now: Monotonic,
    ) -> StoreProgress {
        self.is_writing = false;
        if let Some(writer) = &mut self.writer {
            writer.move_log();
        }
        match (written, self.health) {
            (Ok(()), Health::Failing { .. }) => {
                self.health = Health::Well;
                StoreProgress::Recovered
            }
            (Ok(()), _) => {
                self.health = Health::Well;
                StoreProgress::Stored
            }
            (Err(StoreError::Busy), Health::Well) => {
                self.health = Health::Busy { since: now, retry: now + BUSY_PAUSE };
                self.pending = changes;
                StoreProgress::Later
            }
            (Err(StoreError::Busy), Health::Busy { since, .. }) if now < since + BUSY_MOST => {
                self.health = Health::Busy { since, retry: now + BUSY_PAUSE };
                self.pending = changes;
                StoreProgress::Later
            }
            (Err(error), health) => {
                self.health =
                    Health::Failing { retry: now + FAILURE_PAUSE, open_anew: error.may_end_with_descriptor() };
                match health {
                    Health::Failing { .. } => StoreProgress::StillFailing(changes),
                    _ => StoreProgress::Failed(changes, error),
                }
            }
        }
    }

    /// Has the store's log moved into its file.
    pub(super) fn checkpoint(&mut self) {
        if let Some(writer) = &self.writer {
            writer.order(Order::Checkpoint);
        }
    }

    /// Writes what is not stored yet, waiting for another program if need be, and closes the file.
    pub(super) async fn finish(self, mut changes: Vec<Change>) -> Result<(), StoreError> {
        let Some(mut writer) = self.writer else { return Ok(()) };
        let mut before = self.pending;
        if self.is_writing {
            loop {
                match writer.answer().await {
                    Answer::Committed(_, Ok(())) => break,
                    Answer::Committed(changes, Err(_)) => {
                        before = changes;
                        break;
                    }
                    Answer::NotMoved(_) | Answer::Finished(_) => {}
                }
            }
        }
        before.append(&mut changes);
        if let Some(moving) = writer.moving.take() {
            // A panic has been reported by the thread itself.
            let _ = moving.join();
        }
        writer.order(Order::Finish(before));
        let finished = loop {
            match writer.answer().await {
                Answer::Finished(finished) => break finished,
                Answer::Committed(_, Err(error)) => break Err(error),
                Answer::Committed(_, Ok(())) | Answer::NotMoved(_) => {}
            }
        };
        // It has nothing more to do; a panic has been reported by the thread itself.
        let _ = writer.thread.join();
        finished
    }
}

impl Writer {
    fn start(store: Store) -> io::Result<Self> {
        let (orders, ordered) = std::sync::mpsc::channel();
        let (answer, answers) = mpsc::unbounded_channel();
        let log = Arc::clone(store.log());
        let store = Arc::new(Mutex::new(Some(store)));
        let of_thread = Arc::clone(&store);
        let work = move || write(&of_thread, &ordered, &answer);
        let thread = std::thread::Builder::new().name("store".into()).spawn(work)?;
        Ok(Self { store, log, moving: None, orders, answers, thread })
    }

    /// Has the log moved into the file, if it has become long, while commits go on.
    fn move_log(&mut self) {
        if !self.log.is_to_be_moved() || self.moving.as_ref().is_some_and(|moving| !moving.is_finished()) {
            return;
        }
        let (log, store) = (Arc::clone(&self.log), Arc::clone(&self.store));
        let work = move || {
            // A log that cannot be moved grows, and a commit says when it cannot.
            let _ = log.move_on();
            // What was written meanwhile is left. The less that is, the less is written until it is moved as well.
            for _ in 0..MOVES {
                if !log.is_long() {
                    return;
                }
                log.wait_for_disk();
                if log.is_to_begin_anew() {
                    // Whoever commits waits for the rest.
                    let _store = store.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = log.move_on();
                    return;
                }
                let _ = log.move_on();
            }
        };
        // Without a thread it goes on growing until there is one.
        self.moving = std::thread::Builder::new().name("log".into()).spawn(work).ok();
    }

    /// As [`Store::commit_at_once`]; `None` also while the thread has something to do.
    fn commit_at_once(&self, changes: &[Change]) -> Option<Result<(), StoreError>> {
        self.store.try_lock().ok()?.as_mut()?.commit_at_once(changes)
    }

    fn order(&self, order: Order) {
        // The thread lives until the last order, but for a panic: then the answer says so.
        let _ = self.orders.send(order);
    }

    async fn answer(&mut self) -> Answer {
        self.answers.recv().await.unwrap_or_else(has_ended)
    }
}

/// The answer of a thread that cannot answer.
fn has_ended() -> Answer {
    let error = io::Error::other("the thread that writes it has ended");
    Answer::Committed(Vec::new(), Err(StoreError::Io(error)))
}

/// Does what is ordered, one after the other.
fn write(
    store: &Mutex<Option<Store>>,
    orders: &std::sync::mpsc::Receiver<Order>,
    answers: &mpsc::UnboundedSender<Answer>,
) {
    for order in orders {
        let mut place = store.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(open) = &mut *place else { return };
        let answer = match order {
            Order::Commit { changes, open_anew } => {
                if open_anew {
                    open.let_go();
                }
                // Something has to be written to see whether writing works.
                let written = if changes.is_empty() { open.commit(&trace()) } else { open.commit(&changes) };
                Answer::Committed(changes, written)
            }
            Order::Checkpoint => match open.checkpoint() {
                Ok(()) => continue,
                Err(error) => Answer::NotMoved(error),
            },
            Order::Finish(changes) => {
                let written = open.commit_last(&changes);
                let closed = place.take().map_or(Ok(()), Store::close);
                // Nobody may be waiting any more.
                let _ = answers.send(Answer::Finished(written.and(closed)));
                return;
            }
        };
        drop(place);
        if answers.send(answer).is_err() {
            return;
        }
    }
}

/// A client that comes and goes within one transaction. No client on the wire can have its id.
fn trace() -> [Change; 2] {
    let client_id = ByteString::from_static("\0");
    let record = ClientRecord {
        client_id: client_id.clone(),
        username: None,
        listener_port: 0,
        session_expiry: SessionExpiry::After(NonZeroU32::MIN),
        created_at: WallTime::default(),
        disconnected_at: None,
        max_packet_size: None,
        max_qos: QoS::ExactlyOnce,
        retain_available: true,
        will_delay_interval: 0,
    };
    [Change::Client(Box::new(record)), Change::ClientRemoved(client_id)]
}
