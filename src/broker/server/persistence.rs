//! The store as the server sees it: whether it has what the core changed, or is waited for, or fails.

use std::time::Duration;

use bytestring::ByteString;

use crate::broker::store::{Store, StoreError};
use crate::broker::{Change, ClientRecord};
use crate::mqtt::packet::QoS;

/// How long another program may write to the file before the store counts as failing. Meanwhile who needs the store
/// waits, and nobody else.
const BUSY_MOST: Duration = Duration::from_secs(5);

/// How often it is looked whether that program has ended.
const BUSY_PAUSE: Duration = Duration::from_millis(10);

/// How long to wait before a store that failed is tried again.
const FAILURE_PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Persistence {
    /// Absent for a state in memory.
    store: Option<Store>,
    health: Health,
}

/// Times are on the monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Health {
    Well,
    /// Another program writes to the file.
    Busy {
        since: Duration,
        retry: Duration,
    },
    Failing {
        retry: Duration,
        /// Whether the file is to be opened anew first.
        open_anew: bool,
    },
}

/// What became of the changes of the core.
#[derive(Debug)]
pub(super) enum Progress {
    /// The store has them.
    Stored,
    /// The store has them, and had failed before.
    Recovered,
    /// They have to wait.
    Later,
    /// From now on the store fails.
    Failed(StoreError),
}

impl Persistence {
    pub(super) fn new(store: Option<Store>) -> Self {
        Self { store, health: Health::Well }
    }

    pub(super) fn is_enabled(&self) -> bool {
        self.store.is_some()
    }

    /// When the store is to be tried again, even if there is nothing new.
    pub(super) fn retry(&self) -> Option<Duration> {
        match self.health {
            Health::Well => None,
            Health::Busy { retry, .. } | Health::Failing { retry, .. } => Some(retry),
        }
    }

    /// Writes what is not stored yet, all or nothing. While the store is busy or fails it is tried now and then.
    pub(super) fn keep(&mut self, changes: &[Change], now: Duration) -> Progress {
        let Some(store) = &mut self.store else { return Progress::Stored };
        if self.health == Health::Well && changes.is_empty() {
            return Progress::Stored;
        }
        if let Health::Busy { retry, .. } | Health::Failing { retry, .. } = self.health
            && retry > now
        {
            return Progress::Later;
        }
        if let Health::Failing { open_anew: true, .. } = self.health {
            store.let_go();
        }
        // Something has to be written to see whether writing works.
        let written = if changes.is_empty() { store.commit(&trace()) } else { store.commit(changes) };
        match (written, self.health) {
            (Ok(()), Health::Failing { .. }) => {
                self.health = Health::Well;
                Progress::Recovered
            }
            (Ok(()), _) => {
                self.health = Health::Well;
                Progress::Stored
            }
            (Err(StoreError::Busy), Health::Well) => {
                self.health = Health::Busy { since: now, retry: now + BUSY_PAUSE };
                Progress::Later
            }
            (Err(StoreError::Busy), Health::Busy { since, .. }) if now < since + BUSY_MOST => {
                self.health = Health::Busy { since, retry: now + BUSY_PAUSE };
                Progress::Later
            }
            (Err(error), health) => {
                self.health =
                    Health::Failing { retry: now + FAILURE_PAUSE, open_anew: error.may_end_with_descriptor() };
                if matches!(health, Health::Failing { .. }) { Progress::Later } else { Progress::Failed(error) }
            }
        }
    }

    /// Moves the store's log into its file.
    pub(super) fn checkpoint(&mut self) -> Result<(), StoreError> {
        self.store.as_mut().map_or(Ok(()), Store::checkpoint)
    }

    /// Writes what is not stored yet, waiting for another program if need be, and closes the file.
    pub(super) fn finish(self, changes: &[Change]) -> Result<(), StoreError> {
        let Some(mut store) = self.store else { return Ok(()) };
        let written = store.commit_last(changes);
        let closed = store.close();
        written.and(closed)
    }
}

/// A client that comes and goes within one transaction. No client on the wire can have its id.
fn trace() -> [Change; 2] {
    let client_id = ByteString::from_static("\0");
    let record = ClientRecord {
        client_id: client_id.clone(),
        username: None,
        listener_port: 0,
        session_expiry_interval: 1,
        created_at: Duration::ZERO,
        disconnected_at: None,
        max_packet_size: u32::MAX,
        max_qos: QoS::ExactlyOnce,
        retain_available: true,
        will_delay_interval: 0,
    };
    [Change::Client(Box::new(record)), Change::ClientRemoved(client_id)]
}
