//! Another client, which must be served whatever is done beside it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::attacks::Client;
use crate::stalls::waits_for_a_processor;

/// A debug build takes ten times as long, on a machine that compiles something else meanwhile.
const LIMIT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1000 } else { 100 });

/// How long an attack without end is looked at.
pub const SHARE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 15 });

/// One who sends PINGREQs all the while.
pub struct Bystander {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

impl Bystander {
    pub fn watch(address: SocketAddr) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut client = Client::join(address, "bystander");
        let stopped = Arc::clone(&stop);
        // The attack begins behind the first answer, and one more PINGREQ goes out behind its end.
        let (first, begun) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut longest = Duration::ZERO;
            loop {
                let is_last = stopped.load(Ordering::Relaxed);
                let (sent, before) = (Instant::now(), waits_for_a_processor("self"));
                client.settle();
                let taken = sent.elapsed();
                if taken > longest {
                    longest = longest.max(taken.saturating_sub(waits_for_a_processor("self").saturating_sub(before)));
                }
                if is_last {
                    return longest;
                }
                let _ = first.send(());
                // A pace: pings back to back would be load themselves.
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        begun.recv().unwrap();
        Self { stop, thread }
    }

    #[track_caller]
    pub fn was_served(self, during: &str) {
        self.stop.store(true, Ordering::Relaxed);
        let longest = self.thread.join().unwrap();
        eprintln!("{during}: the longest answer to a PINGREQ took {longest:?}");
        assert!(longest < LIMIT, "{during}: {longest:?}");
    }
}
