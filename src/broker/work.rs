//! Work that takes long is cut into slices, and others are served in between: SUBSCRIBE and UNSUBSCRIBE, retained messages,
//! long queues, messages for very many, the count of what waits, the list of all subscriptions, the tokens of those who are connected at a reload, and what is
//! left of sessions that have ended.
//!
//! While a session has work left, its client's next packet is not to be handled: the answer would overtake what was
//! asked for before. [`Broker::is_busy`] says so, and [`Broker::poll_idle`] when it is over.

use std::collections::VecDeque;
use std::time::Duration;

use super::connection::{Connection, ConnectionKey};
use super::jobs::Job;
use super::session::SessionKey;
use super::slice::{Progress, Slice};
use super::timers::Timer;
use super::{Broker, ConnectionId, Now};

/// How long retained messages wait for a client that does not read. Then they are dropped as QoS 0 messages are: one
/// that goes on writing without reading would otherwise wait for us as we do for it.
const READER_TIMEOUT: Duration = Duration::from_secs(30);

impl Broker {
    /// Whether packets of the connection have to wait for work that its client has asked for, or for the store.
    pub fn is_busy(&self, connection: ConnectionId) -> bool {
        let Some(key) = self.key_of(connection) else { return false };
        self.keeps_waiting(&self.connections[key])
    }

    pub(super) fn keeps_waiting(&self, connection: &Connection) -> bool {
        connection.output.awaits_store
            || connection.postponed.is_some()
            || connection.session.is_some_and(|session_key| !self.sessions[session_key].jobs.is_empty())
    }

    /// Whether [`Broker::handle_work`] is to be called.
    pub fn has_work(&self) -> bool {
        !self.working.is_empty()
            || self.has_work_for_nobody()
            || self.leftovers.lets_somebody_in()
            || self.counting.is_some()
            || self.is_listing()
            || !self.unproved.is_empty()
    }

    /// Whether there is work of which no client waits for an answer, and that may have much to store.
    fn has_work_for_nobody(&self) -> bool {
        !self.held.is_work
            && (!self.remains.is_empty()
                || self.leftovers.has_rows()
                || !self.fan_outs.is_empty()
                || self.sweeping.is_some())
    }

    /// Does a slice of what is left to do of each kind.
    pub fn handle_work(&mut self, now: Now) {
        self.work_for_client(now);
        self.let_in(now);
        self.go_on_counting(&mut Slice::new());
        self.go_on_listing(&mut Slice::new());
        self.go_on_proving(&mut Slice::new(), now);
        if !self.has_work_for_nobody() {
            return;
        }
        let before = self.journal.noted();
        self.work_for_nobody(now);
        self.held.is_work = self.hold(Progress::Cut, before) == Progress::Held;
    }

    fn work_for_nobody(&mut self, now: Now) {
        self.go_on_fanning_out_later(&mut Slice::new(), now);
        if let Some(remains) = self.remains.pop_front() {
            self.clear_remains(remains, now);
        }
        self.remove_leftovers();
        if let Some(after) = self.sweeping {
            self.sweep_after(after, now);
        }
    }

    /// A connection that is no longer busy.
    pub fn poll_idle(&mut self) -> Option<ConnectionId> {
        self.idle.pop_front()
    }

    /// The peer has gone, though packets of its still wait: nothing waits for it to read.
    pub fn handle_gone(&mut self, connection: ConnectionId) {
        let Some(key) = self.key_of(connection) else { return };
        self.connections[key].output.blocked = true;
        if let Some(session_key) = self.connections[key].session {
            self.give_up_reader(session_key);
        }
    }

    /// Begins with the job. What does not fit into a slice is done later.
    pub(super) fn begin(&mut self, session_key: SessionKey, job: Job, now: Now) {
        let jobs = &mut self.sessions[session_key].jobs;
        jobs.list.push_back(job);
        if jobs.list.len() == 1 {
            jobs.is_given_up = false;
            self.work(session_key, now);
        }
    }

    /// The job waits until others have had their turn.
    pub(super) fn postpone(&mut self, session_key: SessionKey, job: Job) {
        self.sessions[session_key].jobs.list.push_back(job);
        self.list_work(session_key);
    }

    fn work_for_client(&mut self, now: Now) {
        let Some(session_key) = self.working.pop_front() else { return };
        // It may have ended since, and another have its key.
        let Some(session) = self.sessions.get_mut(session_key) else { return };
        session.jobs.is_listed = false;
        self.work(session_key, now);
        let Some(session) = self.sessions.get(session_key) else { return };
        if session.jobs.is_empty()
            && let Some(key) = session.connection
        {
            self.idle.push_back(self.connections[key].id);
        }
    }

    fn work(&mut self, session_key: SessionKey, now: Now) {
        let session = &mut self.sessions[session_key];
        let Some(mut job) = session.jobs.list.pop_front() else { return };
        if let Some(key) = session.connection {
            // Whoever is served is not silent, though we do not listen meanwhile.
            self.connections[key].last_received = now.elapsed;
        }
        self.noted_before = self.journal.noted();
        let mut slice = Slice::new();
        let progress = match &mut job {
            Job::Subscribe(subscribing) => self.go_on_subscribing(session_key, subscribing, &mut slice, now),
            Job::Unsubscribe(unsubscribing) => self.go_on_unsubscribing(session_key, unsubscribing, &mut slice),
            Job::FillWindow => self.fill_window_slice(session_key, &mut slice, now),
            Job::FanOut(fan_out) => self.go_on_fanning_out(fan_out, &mut slice, now),
        };
        // What was done may have ended the session, and with it the job, but for a message on its way to others.
        if !self.sessions.contains(session_key) {
            if let Job::FanOut(fan_out) = job
                && progress != Progress::Done
            {
                self.adopt_fan_out(*fan_out, now);
            }
            return;
        }
        let progress = self.hold(progress, self.noted_before);
        let jobs = &mut self.sessions[session_key].jobs;
        if progress != Progress::Done {
            jobs.list.push_front(job);
        } else if jobs.list.is_empty() {
            // Each session that has ever subscribed would keep room for four jobs.
            jobs.list = VecDeque::new();
        }
        let due = (progress == Progress::Full).then(|| now.elapsed + READER_TIMEOUT);
        self.timers.arm(Timer::Reader(session_key), &mut jobs.timer, due);
        match progress {
            Progress::Full => {}
            Progress::Held => _ = self.held.sessions.insert(session_key),
            Progress::Done | Progress::Cut => self.list_work(session_key),
        }
    }

    /// The client has read, or does not have to any more.
    pub(super) fn list_work(&mut self, session_key: SessionKey) {
        if self.held.sessions.contains(&session_key) {
            return;
        }
        let jobs = &mut self.sessions[session_key].jobs;
        if !jobs.is_empty() && !jobs.is_listed {
            jobs.is_listed = true;
            self.working.push_back(session_key);
        }
    }

    /// The client has not read for too long, or is gone.
    pub(super) fn give_up_reader(&mut self, session_key: SessionKey) {
        let jobs = &mut self.sessions[session_key].jobs;
        self.timers.arm(Timer::Reader(session_key), &mut jobs.timer, None);
        jobs.is_given_up = true;
        self.list_work(session_key);
    }

    /// The client has a new connection, which it reads.
    pub(super) fn expect_reader(&mut self, session_key: SessionKey) {
        self.sessions[session_key].jobs.is_given_up = false;
        self.list_work(session_key);
    }

    pub(super) fn reader_due(&mut self, session_key: SessionKey) {
        self.sessions[session_key].jobs.timer = None;
        self.give_up_reader(session_key);
    }

    /// Whether retained messages wait for the client to read what it has been sent.
    pub(super) fn waits_for_reader(&self, session_key: SessionKey) -> bool {
        let session = &self.sessions[session_key];
        let is_full = |key: ConnectionKey| self.connections[key].output.is_full();
        session.jobs.waits_for_reader() && session.connection.is_some_and(is_full)
    }
}
