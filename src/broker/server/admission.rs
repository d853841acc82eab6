//! What connections need to know of the rules in force before they reach the core. Logins whose hashes take long
//! are checked on threads of their own: neither the core nor other connections wait.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::available_parallelism;

use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

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
}

impl Admission {
    pub(super) fn new(access: Access, max_packet_size: u32) -> Arc<Self> {
        // Half of the processors are for messages.
        let at_once = available_parallelism().map_or(1, |all| (all.get() / 2).clamp(1, AT_ONCE));
        Arc::new(Self {
            access: RwLock::new(access),
            max_packet_size: AtomicU32::new(max_packet_size),
            permits: Arc::new(Semaphore::new(at_once)),
        })
    }

    /// New rules are in force.
    pub(super) fn replace(&self, access: Access, max_packet_size: u32) {
        *self.access.write().unwrap_or_else(PoisonError::into_inner) = access;
        self.max_packet_size.store(max_packet_size, Ordering::Relaxed);
    }

    /// Of connections to come.
    pub(super) fn max_packet_size(&self) -> usize {
        self.max_packet_size.load(Ordering::Relaxed) as usize
    }

    /// Lets `new` know what the rules in force have learned.
    pub(super) fn teach(&self, new: &mut Access) {
        new.remember(&self.access.read().unwrap_or_else(PoisonError::into_inner));
    }

    /// What is to be checked before the core gets this CONNECT.
    pub(super) fn slow_login(&self, listener: ListenerId, connect: &Connect) -> Option<SlowLogin> {
        let password = connect.password.as_deref()?;
        let access = self.access.read().unwrap_or_else(PoisonError::into_inner);
        access.slow_login(listener, connect.username.as_deref(), password)
    }

    /// Returns when the core will know the answer.
    pub(super) async fn check(&self, login: SlowLogin) {
        // Never closed. The permit goes with the work, which goes on even if nobody waits for it any more.
        let Ok(permit) = Arc::clone(&self.permits).acquire_owned().await else { return };
        let checked = spawn_blocking(move || {
            login.check();
            drop(permit);
        });
        // It ends early only with the whole server.
        let _ = checked.await;
    }

    pub(super) async fn check_all(self: Arc<Self>, logins: Vec<SlowLogin>) {
        let mut checks = JoinSet::new();
        for login in logins {
            let all = Arc::clone(&self);
            checks.spawn(async move { all.check(login).await });
        }
        checks.join_all().await;
    }
}
