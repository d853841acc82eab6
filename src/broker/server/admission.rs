//! What connections need to know of the rules in force before they reach the core. Logins whose hashes take long
//! are checked on threads of their own: neither the core nor other connections wait.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;

use tokio::sync::{Semaphore, watch};
use tokio::task::spawn_blocking;

use crate::broker::access::SlowLogin;
use crate::broker::{Access, ListenerId};
use crate::mqtt::packet::Connect;

/// Hashes that are computed at once, at most: each may take a processor, and as much memory as its file asks for.
const AT_ONCE: usize = 4;

#[derive(Debug)]
pub(super) struct Admission {
    access: RwLock<Access>,
    max_packet_size: AtomicU32,
    permits: Arc<Semaphore>,
    reloads: watch::Sender<Reloads>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Reloads {
    /// Reloads that have begun and not ended: while there are any, no CONNECT is accepted.
    under_way: u32,
    begun: u64,
}

impl Admission {
    pub(super) fn new(access: Access, max_packet_size: u32) -> Arc<Self> {
        // Half of the processors are for messages.
        let at_once = available_parallelism().map_or(1, |all| (all.get() / 2).clamp(1, AT_ONCE));
        Arc::new(Self {
            access: RwLock::new(access),
            max_packet_size: AtomicU32::new(max_packet_size),
            permits: Arc::new(Semaphore::new(at_once)),
            reloads: watch::Sender::new(Reloads::default()),
        })
    }

    /// New rules are in force.
    pub(super) fn replace(&self, access: Access, max_packet_size: u32) {
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        self.max_packet_size.store(max_packet_size, Ordering::Relaxed);
    }

    /// The packet size limit of connections to come.
    pub(super) fn max_packet_size(&self) -> usize {
        self.max_packet_size.load(Ordering::Relaxed) as usize
    }

    /// Lets `new` know what the rules in force have learned.
    pub(super) fn hand_on_remembered(&self, new: &mut Access) {
        new.remember(&self.access.read().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is to be checked before the core gets this CONNECT.
    fn slow_login(&self, listener: ListenerId, connect: &Connect) -> Option<SlowLogin> {
        let password = connect.password.as_deref()?;
        let access = self.access.read().unwrap_or_else(PoisonError::into_inner);
        // Who logs in by SCRAM is asked for no password.
        if connect.properties.authentication_method().is_some() && access.scram_users(listener).is_some() {
            return None;
        }
        access.slow_login(listener, connect.username.as_deref(), password)
    }

    /// From now on every CONNECT waits in its task, until [`Admission::end_reload`].
    pub(super) fn begin_reload(&self) {
        self.reloads.send_modify(|reloads| {
            reloads.under_way += 1;
            reloads.begun += 1;
        });
    }

    pub(super) fn end_reload(&self) {
        self.reloads.send_modify(|reloads| reloads.under_way = reloads.under_way.saturating_sub(1));
    }

    /// Returns when no reload is under way, with how many there have been.
    pub(super) async fn wait_for_reloads(&self) -> u64 {
        let mut reloads = self.reloads.subscribe();
        // The sender lives as long as we do.
        reloads.wait_for(|reloads| reloads.under_way == 0).await.map_or(0, |reloads| reloads.begun)
    }

    /// Returns when the core may get this CONNECT: no reload is under way, and its login is checked by the rules in force.
    /// Returns how many reloads there have been.
    pub(super) async fn settle(&self, listener: ListenerId, connect: &Connect) -> u64 {
        loop {
            let begun = self.wait_for_reloads().await;
            let Some(login) = self.slow_login(listener, connect) else { return begun };
            self.check(login).await;
            // What was checked holds unless a reload has begun meanwhile.
            if self.reloads.borrow().begun == begun {
                return begun;
            }
        }
    }

    /// Whether the login is right.
    pub(super) async fn check(&self, login: SlowLogin) -> bool {
        // The semaphore is never closed. The permit goes with the work, which goes on even if nobody waits for it any more.
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return false };
        let checked = spawn_blocking(move || {
            let right = login.check();
            drop(permit);
            right
        });
        // It ends early only with the whole server.
        checked.await.unwrap_or(false)
    }
}
