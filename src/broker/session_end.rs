//! When sessions end, §3.1.2.11.2: what a client asks for, the broker's cap on it, the timer, and how what is left of an
//! ended session is taken apart.

use std::hash::BuildHasher;
use std::time::Duration;

use super::event::Event;
use super::jobs::Job;
use super::leftovers::StoredRows;
use super::remains::Remains;
use super::session::{Session, SessionKey};
use super::shared_seed::SharedSeed;
use super::slice::Slice;
use super::timers::Timer;
use super::{Broker, Now, SessionExpiry};
use crate::mqtt::packet::{Connect, ProtocolVersion};
use crate::mqtt::topic::levels;

/// DISCONNECT asks a session that ends with its connection to outlive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CannotOutlive;

impl Broker {
    /// DISCONNECT has another session expiry interval than CONNECT.
    pub(super) fn change_expiry(
        &mut self,
        session_key: SessionKey,
        expiry: SessionExpiry,
    ) -> Result<(), CannotOutlive> {
        let session = &self.sessions[session_key];
        // §3.14.2.2.2
        if !session.is_persistent() && expiry.is_persistent() {
            return Err(CannotOutlive);
        }
        if session.is_persistent() && !expiry.is_persistent() {
            self.unpersist(session_key);
        } else {
            self.sessions[session_key].expiry = expiry;
        }
        Ok(())
    }

    /// The connection of a session has ended: the session ends as well, or is kept until it expires or its client is back.
    pub(super) fn go_offline(&mut self, session_key: SessionKey, now: Now) {
        self.connected -= 1;
        let limit = self.settings.persistent_client_expiration;
        self.list_work(session_key);
        let session = &mut self.sessions[session_key];
        session.connection = None;
        session.disconnected_at = Some(now.wall);
        session.outgoing.rest();
        session.incoming.rest();
        if !session.is_persistent() {
            self.remove_session(session_key, now);
            return;
        }
        // Not before the connection has ended [MQTT-4.1.0-1].
        session.expires_at = expiry(session.expiry, limit).map(|after| now.elapsed + after);
        self.will_after_connection(session_key, now);
        self.note_in_flight(session_key);
        self.record_client(session_key);
        self.arm_session(session_key);
    }

    /// Sets the session's timer to the next moment at which it or its will is due.
    pub(super) fn arm_session(&mut self, session_key: SessionKey) {
        let session = &mut self.sessions[session_key];
        let at = session.next_wakeup();
        self.timers.arm(Timer::Session(session_key), &mut session.timer, at);
    }

    /// The session's timer has run out.
    pub(super) fn session_due(&mut self, session_key: SessionKey, now: Now) {
        let session = &mut self.sessions[session_key];
        session.timer = None;
        // [MQTT-4.1.0-2]
        if session.expires_at.is_some_and(|at| at <= now.elapsed) {
            let id = session.id.clone();
            self.note(|| Event::Expired { client: id });
            self.statistics.clients_expired += 1;
            self.remove_session(session_key, now);
            return;
        }
        self.will_after_delay(session_key, now);
        self.arm_session(session_key);
    }

    /// The session ends: nothing of it is there for anybody from now on, and what it took is freed in slices.
    pub(super) fn remove_session(&mut self, session_key: SessionKey, now: Now) {
        self.will_at_session_end(session_key, now);
        self.before_filters_change(session_key);
        let Some(session) = self.sessions.retire(session_key) else { return };
        let hash = SharedSeed.hash_one(&*session.id);
        if let Ok(entry) = self.by_client_id.find_entry(hash, |&key| key == session_key) {
            entry.remove();
        }
        if self.journal.covers(&session) {
            self.forget_stored(session.id.clone(), StoredRows::of(&session));
        }
        self.take_apart(session_key, session, now);
    }

    /// The session, which was kept so far, is to end with its connection: the store forgets it. The messages of its entries stay
    /// there until these go.
    pub(super) fn unpersist(&mut self, session_key: SessionKey) {
        let session = &mut self.sessions[session_key];
        let (client_id, rows) = (session.id.clone(), StoredRows::of(session));
        session.unpersist();
        if self.journal.is_enabled() {
            self.forget_stored(client_id, rows);
        }
    }

    /// Takes apart what is left of a session that is no longer among the others.
    fn take_apart(&mut self, session_key: SessionKey, mut session: Session, now: Now) {
        self.timers.arm(Timer::Session(session_key), &mut session.timer, None);
        self.timers.arm(Timer::Reader(session_key), &mut session.jobs.timer, None);
        for job in session.jobs.list.drain(..) {
            if let Job::FanOut(fan_out) = job {
                self.adopt_fan_out(*fan_out, now);
            }
        }
        let stored_until = session.stored_until();
        let remains = Remains {
            session: session_key,
            filters: session.subscriptions.into_iter(),
            incoming: session.incoming.into_entries(),
            outgoing: session.outgoing,
            stored_until,
        };
        self.clear_remains(remains, now);
    }

    /// Does a slice of what is left of an ended session.
    pub(super) fn clear_remains(&mut self, mut remains: Remains, now: Now) {
        if self.clear(&mut remains, &mut Slice::new(), now) {
            self.sessions.release(remains.session);
        } else {
            self.remains.push_back(remains);
        }
        join_freed_memory();
    }

    /// Says whether nothing is left.
    fn clear(&mut self, remains: &mut Remains, slice: &mut Slice, now: Now) -> bool {
        while !slice.is_over() {
            if let Some(filter) = remains.filters.next() {
                slice.spend(levels(&filter));
                self.router.unsubscribe(&filter, remains.session);
            } else if let Some(entry) = remains.incoming.next().or_else(|| remains.outgoing.take()) {
                slice.spend(1);
                let before = self.steps;
                self.pass_on(&entry, now);
                slice.spend((self.steps - before) as usize);
                if entry.sequence <= remains.stored_until {
                    self.journal.release(entry.message.id);
                }
            } else {
                return true;
            }
        }
        false
    }
}

/// The GNU C library joins small pieces of memory that were freed when it is next asked for a large one: those of a million
/// messages all at once, while everybody waits. So it is asked after each slice of them.
fn join_freed_memory() {
    /// Bytes, more than any piece that it keeps at hand for the next who asks.
    const LARGE: usize = 2048;
    std::hint::black_box(Vec::<u8>::with_capacity(LARGE));
}

/// How long the client wants its session to outlive the connection. Before version 5 that is for ever, unless it asks for
/// a clean session.
pub(super) fn session_expiry(connect: &Connect) -> SessionExpiry {
    match connect.version {
        ProtocolVersion::V5 => SessionExpiry::from_interval(connect.properties.session_expiry_interval().unwrap_or(0)),
        _ if connect.clean_start => SessionExpiry::WithConnection,
        _ => SessionExpiry::Never,
    }
}

/// How long a session lives without a connection: the smaller of the client's wish and the broker's limit,
/// `persistent_client_expiration`. `None`: for ever.
pub(super) fn expiry(wish: SessionExpiry, limit: Option<Duration>) -> Option<Duration> {
    match (wish.lifetime(), limit) {
        (Some(wish), Some(limit)) => Some(wish.min(limit)),
        (wish, limit) => wish.or(limit),
    }
}
