//! The store as the server sees it: whether it has what the core changed, or is waited for, or fails.

use std::io;
use std::num::NonZeroU32;
use std::thread::JoinHandle;
use std::time::Duration;

use bytestring::ByteString;
use tokio::sync::mpsc;

use crate::broker::store::{Store, StoreError};
use crate::broker::{Change, ClientRecord, Monotonic, SessionExpiry, WallTime};
use crate::mqtt::packet::QoS;

/// How long another program may write to the file before the store counts as failing. Meanwhile who needs the store
/// waits, and nobody else.
const BUSY_MOST: Duration = Duration::from_secs(5);

/// How often it is looked whether that program has ended.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

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
}

struct Writer {
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
        Ok(Self { writer, health: Health::Well, pending: Vec::new(), is_writing: false })
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.writer.is_some()
    }

    /// When the store is to be tried again, even if there is nothing new.
    pub(super) fn retry(&self) -> Option<Monotonic> {
        match self.health {
            Health::Busy { retry, .. } | Health::Failing { retry, .. } if !self.is_writing => Some(retry),
            _ => None,
        }
    }

    /// Has what is not stored yet written, all or nothing, unless the store has something to do. While it is busy or
    /// fails it is tried now and then. `changes`: takes what is new, if `has_changes`.
    pub(super) fn keep(&mut self, has_changes: bool, changes: impl FnOnce() -> Vec<Change>, now: Monotonic) {
        let Some(writer) = &self.writer else { return };
        if self.is_writing {
            return;
        }
        let (changes, open_anew) = match self.health {
            Health::Well if !has_changes => return,
            Health::Busy { retry, .. } | Health::Failing { retry, .. } if retry > now => return,
            Health::Well => (changes(), false),
            Health::Busy { .. } => (std::mem::take(&mut self.pending), false),
            Health::Failing { open_anew, .. } => (changes(), open_anew),
        };
        self.is_writing = true;
        writer.order(Order::Commit { changes, open_anew });
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
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || write(store, &ordered, &answer))?;
        Ok(Self { orders, answers, thread })
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
fn write(mut store: Store, orders: &std::sync::mpsc::Receiver<Order>, answers: &mpsc::UnboundedSender<Answer>) {
    for order in orders {
        let answer = match order {
            Order::Commit { changes, open_anew } => {
                if open_anew {
                    store.let_go();
                }
                // Something has to be written to see whether writing works.
                let written = if changes.is_empty() { store.commit(&trace()) } else { store.commit(&changes) };
                Answer::Committed(changes, written)
            }
            Order::Checkpoint => match store.checkpoint() {
                Ok(()) => continue,
                Err(error) => Answer::NotMoved(error),
            },
            Order::Finish(changes) => {
                let written = store.commit_last(&changes);
                let closed = store.close();
                // Nobody may be waiting any more.
                let _ = answers.send(Answer::Finished(written.and(closed)));
                return;
            }
        };
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
