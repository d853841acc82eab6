//! What the core and a connection's task have in common: a channel with room for one, for what the core hands over. The core
//! hands over more only after the last is written, so that one place is enough, and the task writes from there: an idle
//! connection costs no buffer. In the other direction it counts what the core has still to handle.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use hashbrown::HashTable;

use crate::broker::ConnectionId;

/// Bytes of packets that a connection may have sent and the core not handled. Then no more is read from it, so that
/// what it sends waits at its end and not in our memory.
const UNHANDLED: usize = 64 * 1024;

#[derive(Debug)]
pub(super) struct Mailbox {
    /// The connection that it is of.
    pub(super) id: ConnectionId,
    slot: Mutex<Slot>,
    unhandled: AtomicUsize,
}

/// The mailboxes of all connections, by the id that each has.
#[derive(Debug, Default)]
pub(super) struct Mailboxes(HashTable<Arc<Mailbox>>);

#[derive(Debug, Default)]
pub(super) struct Slot {
    /// What is to be written.
    pub(super) bytes: BytesMut,
    /// The core has ended the connection; `bytes` is the rest.
    pub(super) close: bool,
    waker: Option<Waker>,
}

/// What goes into a mailbox.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) bytes: BytesMut,
    /// The connection is to be closed once the bytes are written.
    pub(super) close: bool,
}

impl Mailbox {
    pub(super) fn new(id: ConnectionId) -> Arc<Self> {
        Arc::new(Self { id, slot: Mutex::default(), unhandled: AtomicUsize::new(0) })
    }

    /// So many bytes are on their way to the core.
    pub(super) fn sent(&self, bytes: usize) {
        self.unhandled.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The core has handled so many bytes.
    pub(super) fn handled(&self, bytes: usize) {
        let before = self.unhandled.fetch_sub(bytes, Ordering::Relaxed);
        if before >= UNHANDLED && before - bytes < UNHANDLED {
            let waker = self.lock().waker.take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Whether the core has enough to do with what it was sent. Whoever has opened the mailbox before is woken when it
    /// has not.
    pub(super) fn is_full(&self) -> bool {
        self.unhandled.load(Ordering::Relaxed) >= UNHANDLED
    }

    pub(super) fn post(&self, mail: Mail) {
        let waker = {
            let mut slot = self.lock();
            slot.close |= mail.close;
            if slot.bytes.is_empty() {
                slot.bytes = mail.bytes;
            } else {
                // Only the last bytes of a connection come while others wait.
                slot.bytes.unsplit(mail.bytes);
            }
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// What is in it. When more comes, whoever asks is woken.
    pub(super) fn open(&self, context: &Context<'_>) -> MutexGuard<'_, Slot> {
        let mut slot = self.lock();
        if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            slot.waker = Some(context.waker().clone());
        }
        slot
    }

    /// Ready when the core has ended the connection.
    pub(super) fn poll_close(&self, context: &Context<'_>) -> Poll<()> {
        if self.open(context).close { Poll::Ready(()) } else { Poll::Pending }
    }

    /// The last bytes.
    pub(super) fn take_bytes(&self) -> BytesMut {
        std::mem::take(&mut self.lock().bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mailboxes {
    pub(super) fn get(&self, id: ConnectionId) -> Option<&Mailbox> {
        self.0.find(id.spread(), |mailbox| mailbox.id == id).map(|mailbox| &**mailbox)
    }

    /// A mailbox whose id no other has.
    pub(super) fn insert(&mut self, mailbox: Arc<Mailbox>) {
        self.0.insert_unique(mailbox.id.spread(), mailbox, |mailbox| mailbox.id.spread());
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Arc<Mailbox>> {
        let entry = self.0.find_entry(id.spread(), |mailbox| mailbox.id == id).ok()?;
        Some(entry.remove().0)
    }
}
