//! Who is looked at first: the broker, or all else that is waited for.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::task::coop::has_budget_remaining;
use tokio::task::yield_now;

/// How long the broker may have something for us without a pause before the others are looked at all the same. What came before the
/// end of `-W` is mostly read within it.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// The broker goes first, so that what it has sent counts before a signal or the end of a time that comes with it.
///
/// A broker that always has something is broken off for a moment, in which the runtime learns of signals and input (it does only
/// while nothing runs on it), and then the others go first: after [`LOOK_EVERY`], and whenever the broker, be it with nothing but
/// pings of a WebSocket, has used up what tokio lets a task do in one go (its budget), without which everything else seems not to
/// be there.
#[derive(Debug, Default)]
pub struct Turns {
    others_are_next: bool,
    /// Since when each wait has ended with the broker, and none of the others was looked at.
    busy_since: Option<Instant>,
}

impl Turns {
    /// What comes of `broker` or of `others`, whichever ends. The other one is dropped where it stands.
    pub async fn wait<T>(&mut self, broker: impl Future<Output = T>, others: impl Future<Output = T>) -> T {
        if self.busy_since.get_or_insert_with(Instant::now).elapsed() >= LOOK_EVERY {
            self.others_are_next = true;
            yield_now().await;
        }
        let (mut broker, mut others) = (pin!(broker), pin!(others));
        poll_fn(|context| {
            if std::mem::take(&mut self.others_are_next) {
                self.busy_since = None;
                if let ready @ Poll::Ready(_) = others.as_mut().poll(context) {
                    return ready;
                }
            }
            if let ready @ Poll::Ready(_) = broker.as_mut().poll(context) {
                return ready;
            }
            if has_budget_remaining() {
                self.busy_since = None;
                return others.as_mut().poll(context);
            }
            self.others_are_next = true;
            context.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::{Duration, Instant};

    use tokio::task::coop::consume_budget;
    use tokio::time::sleep;

    use super::*;

    /// What no wait below takes on the slowest machine.
    const GENEROUS: Duration = Duration::from_secs(30);

    /// A time that comes while the broker is busy, as the others are: nothing without budget.
    async fn over() -> bool {
        sleep(Duration::from_millis(20)).await;
        false
    }

    #[tokio::test]
    async fn the_others_have_their_turn_beside_a_broker_that_never_pauses() {
        let mut turns = Turns::default();
        let begun = Instant::now();
        // It has something in each wait.
        let at_once = async |turns: &mut Turns, end: Instant| {
            let others = async {
                if Instant::now() < end {
                    consume_budget().await;
                    pending::<()>().await;
                }
                consume_budget().await;
                false
            };
            let broker = async {
                consume_budget().await;
                true
            };
            turns.wait(broker, others).await
        };
        let end = begun + Duration::from_millis(20);
        while at_once(&mut turns, end).await {
            assert!(begun.elapsed() < GENEROUS);
        }
        // It is busy within one wait, with what is nothing for us.
        let busy = async {
            while begun.elapsed() < GENEROUS {
                consume_budget().await;
            }
            true
        };
        assert!(!turns.wait(busy, over()).await);
    }

    #[tokio::test]
    async fn the_others_have_their_turn_in_time_beside_a_broker_that_makes_much_work() {
        let mut turns = Turns::default();
        let mut waits = 0;
        let broker = async || {
            consume_budget().await;
            std::thread::sleep(LOOK_EVERY / 10);
            true
        };
        while turns.wait(broker(), async { false }).await {
            waits += 1;
        }
        assert!(waits <= 10, "{waits}");
    }

    #[tokio::test]
    async fn what_the_broker_has_sent_counts_before_what_comes_with_it() {
        let mut turns = Turns::default();
        assert_eq!(turns.wait(async { "broker" }, async { "others" }).await, "broker");
        assert_eq!(turns.wait(pending(), async { "others" }).await, "others");
    }
}
