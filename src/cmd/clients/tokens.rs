//! The token of an OAuth server that is the password: asked for anew for each connection, and before it expires on one that
//! lasts.

use std::fmt;
use std::future::pending;
use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::sleep_until;

use crate::oauth::{Grant, Granted, OAuthError, fetch};
use crate::term::Secret;

/// The next token is asked for when a tenth of the lifetime is left, or so much at most.
const LONGEST_MARGIN: Duration = Duration::from_secs(60);
/// So much is left at least: a connection has to be made with it.
const SHORTEST_MARGIN: Duration = Duration::from_secs(1);
/// A token that is good for less is used as it is: the next one would be asked for as soon as this one has come.
const SHORTEST_LIFETIME: Duration = Duration::from_secs(3);
/// The pause after an endpoint that grants nothing, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

type Fetching = Pin<Box<dyn Future<Output = Result<Granted, OAuthError>>>>;

/// The token there is, and what is known of its end.
pub struct Tokens {
    grant: Grant,
    /// There is one that no connection was made with.
    is_fresh: bool,
    /// When the next is to be asked for, on a connection that lasts.
    due: Option<Instant>,
    ends: Option<Instant>,
    /// A request that is under way.
    fetching: Option<Fetching>,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("url", &self.grant.url).field("due", &self.due).finish_non_exhaustive()
    }
}

/// When the token after one that is good for so long is asked for, if it is.
fn time_to_renew(lifetime: Duration) -> Option<Duration> {
    let margin = (lifetime / 10).clamp(SHORTEST_MARGIN, LONGEST_MARGIN);
    (lifetime >= SHORTEST_LIFETIME).then(|| lifetime.saturating_sub(margin))
}

impl Tokens {
    pub fn new(grant: Grant) -> Self {
        Self { grant, is_fresh: false, due: None, ends: None, fetching: None }
    }

    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// The broker has accepted it. Whatever ends the connection, the next one gets another: the broker may have ended it because
    /// of this one.
    pub fn note_used(&mut self) {
        self.is_fresh = false;
    }

    /// A token for the connection that is to be made, if there is none that was not used yet.
    pub async fn for_connection(&mut self) -> Result<Option<Secret>, OAuthError> {
        let now = Instant::now();
        self.fetching = None;
        if self.is_fresh && self.due.or(self.ends).is_none_or(|at| now < at) {
            return Ok(None);
        }
        self.due = None;
        let granted = fetch(&self.grant).await?;
        Ok(Some(self.take(granted)))
    }

    /// Waits until it is time for the next token, and for that. After an error it waits for the next attempt when it is called
    /// again; without a token that expires, for ever. It may be left at any point and goes on when it is called again.
    pub async fn renewed(&mut self) -> Result<Secret, OAuthError> {
        if self.fetching.is_none() {
            let Some(due) = self.due else { return pending().await };
            sleep_until(due.into()).await;
        }
        let grant = &self.grant;
        let fetching = self.fetching.get_or_insert_with(|| {
            let grant = grant.clone();
            Box::pin(async move { fetch(&grant).await })
        });
        let result = fetching.await;
        self.fetching = None;
        match result {
            Ok(granted) => Ok(self.take(granted)),
            Err(error) => {
                self.due = next_attempt(self.ends, Instant::now());
                Err(error)
            }
        }
    }

    /// How long the token is good that is used now.
    pub fn left(&self) -> Option<Duration> {
        self.ends.map(|at| at.saturating_duration_since(Instant::now()))
    }

    fn take(&mut self, granted: Granted) -> Secret {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let lifetime = granted.lifetime_at(since_1970.as_secs().cast_signed());
        let now = Instant::now();
        self.is_fresh = true;
        self.ends = lifetime.map(|lifetime| now + lifetime);
        self.due = lifetime.and_then(time_to_renew).map(|time| now + time);
        granted.token
    }
}

/// When an endpoint that granted nothing is asked again: half-way to the end of the token there is, and not once that has
/// come, since the broker then ends the connection or keeps it.
fn next_attempt(ends: Option<Instant>, now: Instant) -> Option<Instant> {
    let left = ends?.saturating_duration_since(now);
    (left > SHORTEST_MARGIN).then(|| now + (left / 2).min(LONGEST_PAUSE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_token_is_asked_for_before_the_end_of_this_one() {
        let seconds = Duration::from_secs;
        for (lifetime, time) in [(0, None), (2, None), (3, Some(2)), (5, Some(4)), (100, Some(90)), (3600, Some(3540))]
        {
            assert_eq!(time_to_renew(seconds(lifetime)), time.map(seconds), "{lifetime}");
        }
    }

    #[test]
    fn an_endpoint_that_grants_nothing_is_asked_again_while_there_is_time() {
        let now = Instant::now();
        let seconds = Duration::from_secs;
        for (left, pause) in [(600, Some(30)), (40, Some(20)), (4, Some(2)), (1, None), (0, None)] {
            let expected = pause.map(|pause| now + seconds(pause));
            assert_eq!(next_attempt(Some(now + seconds(left)), now), expected, "{left}");
        }
        assert_eq!(next_attempt(None, now), None);
    }
}
