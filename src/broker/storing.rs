//! What waits for the store, and what is refused while it fails.
//!
//! Every packet by which a client learns that something is kept rests on a commit, and is handed out after it. While the
//! store fails, the state in memory goes on: what is taken from it is written later, and nothing is added that a client
//! would have to learn is kept.
//!
//! The store writes beside the core: while it writes one batch of changes, the next gathers. What rests on the first goes
//! out when that is stored, though more that rests on the second has come behind it.
//!
//! What one batch has is bounded: who makes many changes waits while the next one is full, so that another's change has to wait
//! for few.

use super::change::Change;
use super::connection::ConnectionKey;
use super::event::Closing;
use super::held::Held;
use super::output::{HELD_ANSWERS, Part};
use super::refusal::SERVER_UNAVAILABLE;
use super::session::{Session, SessionKey};
use super::session_end::session_expiry;
use super::slice::Progress;
use super::waiting_steps::Step;
use super::{Broker, Now};
use crate::mqtt::packet::{Ack, ConnAck, Connect, Disconnect, Packet, Properties, ProtocolVersion, ReasonCode};

/// Changes that a client may still make while the next batch is full.
const SHARE: u64 = 64;

impl Broker {
    /// Whether there is something that must be on the disk before the outputs that rest on it are handed out.
    pub fn has_changes(&self) -> bool {
        self.journal.has_changes()
    }

    /// Whether some of it is waited for, or it is much. The rest may wait for a few milliseconds.
    pub fn has_urgent_changes(&self) -> bool {
        self.journal.has_urgent_changes()
    }

    /// What is to be written, all of it or nothing. [`Broker::handle_stored`] or [`Broker::handle_store_failed`] says what
    /// became of it before more is taken.
    pub fn take_changes(&mut self) -> Vec<Change> {
        self.journal.hand_over()
    }

    /// The store has what was taken last, and works.
    pub fn handle_stored(&mut self, now: Now) {
        self.journal.stored();
        self.leftovers_stored();
        self.go_on_after_store();
        if self.storing {
            return;
        }
        self.storing = true;
        for key in self.connections.keys() {
            let Some(waiting) = self.connections[key].waiting.take() else { continue };
            for step in waiting.steps {
                self.take_step(key, step, now);
            }
        }
    }

    /// The store takes nothing for now, not what was taken last either. The connections that wait
    /// for it are ended: what was to be acknowledged may be lost.
    pub fn handle_store_failed(&mut self, taken: Vec<Change>, now: Now) {
        self.journal.take_back(taken);
        if !self.storing {
            return;
        }
        for key in self.connections.keys() {
            let is_postponed = self.connections[key].postponed.is_some();
            if is_postponed || self.rests_on_store(key) || self.will_rest_on_store(key) {
                self.take_back(key, now);
            }
        }
        self.go_on_after_store();
        self.storing = false;
    }

    fn go_on_after_store(&mut self) {
        self.listed.extend(self.unstored.drain(..));
        let Held { connections, sessions, .. } = std::mem::take(&mut self.held);
        for key in connections {
            if let Some(connection) = self.connections.get_mut(key) {
                connection.output.awaits_store = false;
                self.idle.push_back(connection.id);
            }
        }
        for session_key in sessions {
            if self.sessions.contains(session_key) {
                self.list_work(session_key);
            }
        }
    }

    /// Whether the next batch is full, and will be written: the store will answer.
    pub(super) fn is_batch_full(&self) -> bool {
        self.storing && self.journal.is_full()
    }

    /// How something goes on that comes behind others, which may wait for the store.
    pub(super) fn behind_others(&self) -> Progress {
        if self.is_batch_full() { Progress::Held } else { Progress::Cut }
    }

    /// Lets the rest of something wait that has noted changes since there were `before`, and with which the batch is full.
    pub(super) fn hold(&self, progress: Progress, before: u64) -> Progress {
        let is_held = progress == Progress::Cut && self.journal.noted() > before && self.is_batch_full();
        if is_held { Progress::Held } else { progress }
    }

    /// Lets a client's next packets wait while many answers to it wait for the store, or where it has added its share to a batch
    /// that was full.
    pub(super) fn await_store(&mut self, key: ConnectionKey) {
        let Some(connection) = self.connections.get(key) else { return };
        let output = &connection.output;
        let has_many_answers = output.control_bytes > HELD_ANSWERS && self.rests_on_store(key);
        if !output.awaits_store && (has_many_answers || self.has_had_its_share(key)) {
            self.connections[key].output.awaits_store = true;
            self.held.connections.push(key);
        }
    }

    /// Counts what the connection's packet has added to a batch that is full.
    fn has_had_its_share(&mut self, key: ConnectionKey) -> bool {
        let added = self.journal.noted() - self.noted_before;
        if added == 0 || !self.is_batch_full() {
            return false;
        }
        let all = self.held.added.entry(key).or_default();
        *all += added;
        *all >= SHARE
    }

    /// Whether something that waits for the connection's socket says that something is kept which the store does not have.
    pub(super) fn rests_on_store(&self, key: ConnectionKey) -> bool {
        self.storing && !self.journal.has_stored(self.connections[key].output.rests_on)
    }

    /// Whether the connection will get an answer about changes that are only half made.
    fn will_rest_on_store(&self, key: ConnectionKey) -> bool {
        let session = self.connections[key].session.map(|session_key| &self.sessions[session_key]);
        session.is_some_and(|session| self.journal.covers(session) && session.jobs.has_unacknowledged())
    }

    /// Whether an answer to the packet that is handled now may speak of changes that the store does not have: of its own,
    /// or, where the session is kept, of earlier ones.
    pub(super) fn rests_on_changes(&self, key: ConnectionKey) -> bool {
        let is_kept = |session_key| self.journal.covers(&self.sessions[session_key]);
        self.journal.is_ahead()
            && (self.journal.noted() > self.noted_before || self.connections[key].session.is_some_and(is_kept))
    }

    /// What was just put into the connection's output, behind `before`, rests on the changes that were made until now.
    pub(super) fn rest_on_store(&mut self, key: ConnectionKey, before: Part) {
        self.journal.urge();
        let journal = &self.journal;
        if journal.is_ahead() {
            let output = &mut self.connections[key].output;
            output.rest_on(journal.newest(), before, |generation| journal.has_stored(generation));
        }
    }

    /// Ends the connection in place of what was to be sent.
    fn take_back(&mut self, key: ConnectionKey, now: Now) {
        let connection = &mut self.connections[key];
        connection.output.clear();
        if connection.output.close {
            return;
        }
        let v5 = connection.version == ProtocolVersion::V5;
        let reason = ReasonCode::QUOTA_EXCEEDED;
        if !connection.is_greeted {
            // The first packet that a client gets is a CONNACK [MQTT-3.2.0-1].
            let code = if v5 { reason.0 } else { SERVER_UNAVAILABLE };
            self.send(key, &Packet::ConnAck(ConnAck { session_present: false, code, properties: Properties::new() }));
        } else if v5 {
            self.send(key, &Packet::Disconnect(Disconnect { reason, properties: Properties::new() }));
        }
        self.end(key, Closing::ImplementationError, now);
    }

    /// Whether a step of a QoS 2 flow has to wait for the store, which then takes it.
    pub(super) fn waits_for_store(&mut self, key: ConnectionKey, step: Step) -> bool {
        if self.storing {
            return false;
        }
        let waiting = self.connections[key].waiting.get_or_insert_default();
        if waiting.known.insert(step) {
            waiting.steps.push(step);
        }
        true
    }

    fn take_step(&mut self, key: ConnectionKey, step: Step, now: Now) {
        let Some(session_key) = self.connections[key].session else { return };
        match step {
            Step::PubRel(packet_id) => self.pubrel(key, session_key, &Ack::new(packet_id), now),
            Step::PubRec(packet_id) => self.send(key, &Packet::PubRel(Ack::new(packet_id))),
        }
    }

    /// Whether the client may learn that its session is kept, while the store fails.
    pub(super) fn is_stored(&self, session: &Session) -> bool {
        self.journal.has_stored(session.promised_in())
    }

    /// The client will learn that something of its session is kept.
    pub(super) fn promise(&mut self, session_key: SessionKey) {
        let session = &mut self.sessions[session_key];
        if self.journal.covers(session) {
            session.promise(self.journal.generation());
        }
    }

    /// Whether this CONNECT asks for something to be kept, while nothing can be. A session that is kept already may go
    /// on: its client can take what waits.
    pub(super) fn wants_store(&self, connect: &Connect, goes_on: Option<SessionKey>) -> bool {
        if self.storing || !session_expiry(connect).is_persistent() {
            return false;
        }
        let is_kept = goes_on.is_some_and(|session_key| self.is_stored(&self.sessions[session_key]));
        !is_kept || connect.will.is_some()
    }
}
