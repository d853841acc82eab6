//! A channel with room for one: what the core hands to a connection's task. The core hands over more only after
//! the last is written, so that one place is enough, and an idle connection costs no buffer.

use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;

#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<Slot>);

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
    /// Close once the bytes are written.
    pub(super) close: bool,
}

impl Mailbox {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn post(&self, mail: Mail) {
        let waker = {
            let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            slot.close |= mail.close;
            match &mut slot.bytes {
                // Only the last words of a connection come while others wait.
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
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = slot.bytes.take() {
            return Poll::Ready(Mail { bytes, close: slot.close });
        }
        if !slot.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            slot.waker = Some(context.waker().clone());
        }
        Poll::Pending
    }
}
