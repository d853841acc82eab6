//! Work of many tasks that computes for milliseconds, one bit of it after the other.
//!
//! All connections share one thread, which polls dozens of tasks that are ready before it looks at the core and at sockets again.
//! Hundreds of TLS handshakes at once would hold it for as long as they take in all.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// How often the thread looks at sockets, and does what they ask for, before the next bit: what comes is read, handled by the core,
/// and written.
const ROUNDS: usize = 4;

/// Whose turn it is. They come in the order in which they ask.
#[derive(Debug)]
pub(super) struct Pace(Semaphore);

impl Default for Pace {
    fn default() -> Self {
        Self(Semaphore::new(1))
    }
}

impl Pace {
    /// Does the work, each step of it when its turn comes and others have been served.
    pub(super) async fn keep<W: Future>(&self, work: W) -> W::Output {
        let mut work = pin!(work);
        loop {
            // The semaphore is never closed.
            let turn = self.0.acquire().await;
            for _ in 0..ROUNDS {
                yield_now().await;
            }
            let progress = poll_fn(|context| Poll::Ready(work.as_mut().poll(context))).await;
            drop(turn);
            if let Poll::Ready(output) = progress {
                return output;
            }
            until_woken().await;
        }
    }
}

/// Returns when the task is woken, by what its work waits for.
async fn until_woken() {
    let mut is_asleep = false;
    poll_fn(|_| {
        is_asleep = !is_asleep;
        if is_asleep { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[tokio::test]
    async fn others_are_served_between_two_steps_whoever_makes_them() {
        let local = tokio::task::LocalSet::new();
        let (served, pace) = (Rc::new(Cell::new(0)), Rc::new(Pace::default()));
        let work = |served: Rc<Cell<u32>>, pace: Rc<Pace>| async move {
            let mut seen = Vec::new();
            let steps = async {
                for _ in 0..3 {
                    seen.push(served.get());
                    yield_now().await;
                }
            };
            pace.keep(steps).await;
            seen
        };
        let of_all = local.run_until(async {
            let tasks: Vec<_> =
                (0..20).map(|_| tokio::task::spawn_local(work(Rc::clone(&served), Rc::clone(&pace)))).collect();
            let counting = Rc::clone(&served);
            let other = tokio::task::spawn_local(async move {
                loop {
                    counting.set(counting.get() + 1);
                    yield_now().await;
                }
            });
            let mut of_all = Vec::new();
            for task in tasks {
                of_all.extend(task.await.unwrap());
            }
            other.abort();
            of_all
        });
        let mut seen = of_all.await;
        seen.sort_unstable();
        assert_eq!(seen.len(), 60);
        assert!(seen.windows(2).all(|two| two[0] < two[1]), "{seen:?}");
    }

    #[tokio::test]
    async fn one_that_waits_for_its_peer_holds_up_nobody() {
        let pace = Pace::default();
        let (open, opened) = tokio::sync::oneshot::channel();
        let ((), ()) = tokio::join!(pace.keep(async { opened.await.unwrap() }), async {
            pace.keep(async {}).await;
            open.send(()).unwrap();
        });
    }
}
