//! What there is now, for `$SYS`. Many messages are counted in slices, beside what else there is to do, so that their number
//! is that of some moments ago.

use super::machine::Broker;
use super::message::MessageId;
use super::session::SessionKey;
use super::slice::Slice;
use super::statistics::Census;
use super::stored_count::{Counting, StoredCount};

/// Entries of all queues that are counted when the number is asked for.
const COUNTED_AT_ONCE: usize = 64 * 1024;

impl Broker {
    /// What there is now. It walks all queues: for tests, and who asks for it by hand.
    pub fn census(&self) -> Census {
        self.census_with(self.count_at_once())
    }

    /// What there is now, but where very many messages wait: their number is that of some moments ago.
    pub fn recent_census(&mut self) -> Census {
        let stored = self.count_stored();
        self.census_with(stored)
    }

    fn census_with(&self, queued: StoredCount) -> Census {
        let outputs = || self.connections.iter().map(|(_, connection)| &connection.output);
        Census {
            clients: self.sessions.len(),
            connected: self.connected,
            subscriptions: self.router.subscriptions(),
            shared_subscriptions: self.router.shared(),
            retained: self.retained.len(),
            stored: self.retained.len() + queued.messages,
            stored_bytes: self.retained.bytes() + queued.bytes,
            open_connections: self.connections.len(),
            packets_out: outputs().map(|output| (output.packets + output.writing) as usize).sum(),
            packets_out_bytes: outputs().map(|output| output.bytes.len() + output.writing_bytes).sum(),
        }
    }

    /// Counts what waits now, or, where that is much, says what was counted last and begins anew.
    pub(super) fn count_stored(&mut self) -> StoredCount {
        let entries: usize =
            self.sessions.iter().map(|(_, session)| session.outgoing.len() + session.incoming.len()).sum();
        if entries <= COUNTED_AT_ONCE {
            self.counting = None;
            self.counted = self.count_at_once();
        } else if self.counting.is_none() {
            self.counting = Some(Counting::default());
        }
        self.counted
    }

    pub(super) fn count_at_once(&self) -> StoredCount {
        let mut counting = Counting::default();
        while !self.count_slice(&mut counting, &mut Slice::new()) {}
        counting.result()
    }

    /// Does a slice of a count.
    pub(super) fn go_on_counting(&mut self, slice: &mut Slice) {
        let Some(mut counting) = self.counting.take() else { return };
        if self.count_slice(&mut counting, slice) {
            self.counted = counting.result();
        } else {
            self.counting = Some(counting);
        }
    }

    /// Says whether all were looked at.
    fn count_slice(&self, counting: &mut Counting, slice: &mut Slice) -> bool {
        while !slice.is_over() {
            if counting.session as usize >= self.sessions.bound() {
                return true;
            }
            slice.spend(1);
            let Some(session) = self.sessions.get(SessionKey(counting.session)) else {
                counting.session += 1;
                continue;
            };
            if counting.queued == 0 {
                // At most as many as there are packet ids, twice.
                for entry in session.incoming.iter().chain(session.outgoing.inflight()) {
                    slice.spend(1);
                    self.count(counting, entry.message.id, entry.message.payload.len());
                }
            }
            // One is taken even where those before it have used the slice up: else they would be looked at for ever.
            for entry in session.outgoing.queue().skip(counting.queued) {
                slice.spend(1);
                counting.queued += 1;
                self.count(counting, entry.message.id, entry.message.payload.len());
                if slice.is_over() {
                    break;
                }
            }
            if counting.queued >= session.outgoing.queued() {
                counting.session += 1;
                counting.queued = 0;
            }
        }
        false
    }

    fn count(&self, counting: &mut Counting, id: MessageId, bytes: usize) {
        if !self.retained.contains(id) && counting.seen.insert(id) {
            counting.bytes += bytes as u64;
        }
    }
}
