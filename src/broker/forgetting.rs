//! The store forgets sessions that have ended, in portions.
//!
//! A session with a million messages would be one commit of a fifth of a second, for which everybody waits who needs the next. So its
//! end is a commit of its own, with which nothing of it is anybody's any more, and its rows go in portions. They name their client,
//! and whoever reads the file would take them for those of its next session: that is not kept before they are gone, and its CONNECT
//! waits. A session that ends with its connection does not wait, as the store has nothing of it.

use bytestring::ByteString;

use super::change::Change;
use super::connection::ConnectionKey;
use super::leftovers::{Leftovers, StoredRows};
use super::postponed::Postponed;
use super::{Broker, Now};

impl Broker {
    /// The store forgets a session that has so many rows.
    pub(super) fn forget_stored(&mut self, client_id: ByteString, mut rows: StoredRows) {
        let weight = rows.take_portion();
        self.journal.push_heavy(Change::ClientRemoved(client_id.clone()), weight);
        if !rows.is_empty() {
            self.leftovers.clients.insert(client_id.clone(), None);
            self.leftovers.rows.push_back((client_id, rows));
        }
    }

    /// Notes that a portion of the rows goes.
    pub(super) fn remove_leftovers(&mut self) {
        let Some((client_id, rows)) = self.leftovers.rows.front_mut() else { return };
        let weight = rows.take_portion();
        self.journal.push_heavy(Change::LeftoversRemoved(client_id.clone()), weight);
        if rows.is_empty()
            && let Some((client_id, _)) = self.leftovers.rows.pop_front()
        {
            self.leftovers.clients.insert(client_id, Some(self.journal.generation()));
        }
    }

    /// Whether the store may have rows of a session of this client that has ended.
    pub(super) fn has_leftovers(&self, client_id: &str) -> bool {
        self.leftovers.clients.contains_key(client_id)
    }

    /// The CONNECT, which is right so far, waits for the rows to go.
    pub(super) fn postpone_connect(&mut self, key: ConnectionKey, postponed: Postponed) {
        self.connections[key].postponed = Some(Box::new(postponed));
        self.leftovers.waiting.push(key);
    }

    /// The store has written: the rows of some clients may be gone.
    pub(super) fn leftovers_stored(&mut self) {
        let Leftovers { clients, waiting, ready, .. } = &mut self.leftovers;
        let journal = &self.journal;
        clients.retain(|_, last| last.is_none_or(|generation| !journal.has_stored(generation)));
        waiting.retain(|&key| {
            // One that has ended meanwhile, another may have the key of.
            let postponed = self.connections.get(key).and_then(|connection| connection.postponed.as_ref());
            let waits = postponed.is_some_and(|postponed| clients.contains_key(&postponed.connect.client_id));
            if !waits {
                ready.push_back(key);
            }
            waits
        });
    }

    /// Takes a CONNECT that has waited.
    pub(super) fn let_in(&mut self, now: Now) {
        let Some(key) = self.leftovers.ready.pop_front() else { return };
        let Some(connection) = self.connections.get_mut(key) else { return };
        let Some(postponed) = connection.postponed.take() else { return };
        // Nobody is silent for whom we do not listen.
        connection.last_received = now.elapsed;
        self.idle.push_back(connection.id);
        self.noted_before = self.journal.noted();
        let Postponed { connect, proven } = *postponed;
        self.connect_with(key, connect, proven, now);
    }
}
