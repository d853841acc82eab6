//! The store as the server sees it: whether it has what the core changed, or is waited for, or fails.

use std::io;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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

/// Handing a few changes to the store's thread and waking up for its answer takes as long as writing them. So they are
/// written at once, until that takes this long: then the disk is slow, and the thread waits for it, for so many times as
/// long.
const AT_ONCE_MOST: Duration = Duration::from_millis(2);
const SLOW_PAUSES: u32 = 500;

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
    /// From when on little is committed at once.
    at_once_from: Monotonic,
}

struct Writer {
    /// Whoever commits has it; `None` once it is closed.
    store: Arc<Mutex<Option<Store>>>,
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
        let (pending, at_once_from) = (Vec::new(), Monotonic::default());
        Ok(Self { writer, health: Health::Well, pending, is_writing: false, at_once_from })
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
    /// fails it is tried now and then. `changes`: takes what is new, if `has_changes`. Returns the answer if it is there at
    /// once; nothing else wakes those who waited for it.
    pub(super) fn keep(
        &mut self,
        has_changes: bool,
        changes: impl FnOnce() -> Vec<Change>,
        now: Monotonic,
    ) -> Option<Answer> {
        let writer = self.writer.as_ref()?;
        if self.is_writing {
            return None;
        }
        let (changes, open_anew) = match self.health {
            Health::Well if !has_changes => return None,
            Health::Busy { retry, .. } | Health::Failing { retry, .. } if retry > now => return None,
            Health::Well => (changes(), false),
            Health::Busy { .. } => (std::mem::take(&mut self.pending), false),
            Health::Failing { open_anew, .. } => (changes(), open_anew),
        };
        if self.health == Health::Well && self.at_once_from <= now {
            let began = Instant::now();
            let written = writer.commit_at_once(&changes);
            if let Some(pause) = pause_after(began.elapsed()) {
                self.at_once_from = now + pause;
            }
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
        let store = Arc::new(Mutex::new(Some(store)));
        let of_thread = Arc::clone(&store);
        let work = move || write(&of_thread, &ordered, &answer);
        let thread = std::thread::Builder::new().name("store".into()).spawn(work)?;
        Ok(Self { store, orders, answers, thread })
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

/// How long after the beginning of a commit on the loop none is made there, if that one `took` too long: a slow disk
/// holds up everybody for no more than a small part of the time.
fn pause_after(took: Duration) -> Option<Duration> {
    (took > AT_ONCE_MOST).then(|| took.saturating_mul(1 + SLOW_PAUSES))
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
        // The answer goes before the log is moved. What comes meanwhile waits until it is, whoever would write it.
        let has_long_log = open.has_long_log();
        drop(place);
        if answers.send(answer).is_err() {
            return;
        }
        if has_long_log && let Some(open) = &*store.lock().unwrap_or_else(PoisonError::into_inner) {
            // A log that cannot be moved grows, and a commit says when it cannot.
            let _ = open.move_log();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_disk_holds_up_the_loop_for_a_small_part_of_the_time() {
        assert_eq!(pause_after(AT_ONCE_MOST), None);
        // Also one that takes longer than any pause that does not depend on it.
        for took in [3, 900, 1_000, 1_500, 60_000].map(Duration::from_millis) {
            let free = pause_after(took).unwrap().checked_sub(took);
            assert!(free.is_some_and(|free| free >= 100 * took), "{took:?}: {free:?}");
        }
    }
}
