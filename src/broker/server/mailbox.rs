//! A channel with room for one: what the core hands to a connection's task. The core hands over more only after
//! the last is written, so that one place is enough, and an idle connection costs no buffer. In the other direction it
//! counts what the core has still to handle.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;

/// Bytes of packets that a connection may have sent and the core not handled. Then no more is read from it, so that
/// what it sends waits at its end and not in our memory.
const UNHANDLED: usize = 64 * 1024;

#[derive(Debug, Default)]
pub(super) struct Mailbox {
    slot: Mutex<Slot>,
    unhandled: AtomicUsize,
}

#[derive(Debug, Default)]
struct Slot {
    bytes: Option<BytesMut>,
    close: bool,
    waker: Option<Waker>,
}

/// What came out of a mailbox.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mail {
    pub(super) bytes: BytesMut,
    /// The connection is to be closed once the bytes are written.
    pub(super) close: bool,
}

impl Mailbox {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// So many bytes are on their way to the core.
    pub(super) fn sent(&self, bytes: usize) {
        self.unhandled.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The core has handled so many bytes.
    pub(super) fn handled(&self, bytes: usize) {
        let before = self.unhandled.fetch_sub(bytes, Ordering::Relaxed);
        if before >= UNHANDLED && before - bytes < UNHANDLED {
            let waker = self.slot.lock().unwrap_or_else(PoisonError::into_inner).waker.take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }

    /// Whether the core has enough to do with what it was sent. Whoever has polled the mailbox before is woken when it
    /// has not.
    pub(super) fn is_full(&self) -> bool {
        self.unhandled.load(Ordering::Relaxed) >= UNHANDLED
    }

    pub(super) fn post(&self, mail: Mail) {
        let waker = {
            let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
            slot.close |= mail.close;
            match &mut slot.bytes {
                // Only the last bytes of a connection come while others wait.
                Some(bytes) => bytes.unsplit(mail.bytes),
                none => *none = Some(mail.bytes),
            }
            slot.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Mail> {
        let mut slot = self.slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = slot.bytes.take() {
            return Poll::Ready(Mail { bytes, close: slot.close });
        }
        if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            slot.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}
