//! The conversation of pub, sub and rr with a broker: connecting, one connection after the other, and the end.
//!
//! A verb says by [`Work`] what is its own: what it sends, what it shows, and when it is done.

use std::future::pending;
use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until};

use super::progress::{Outlook, Progress};
use super::session::Setup;
use super::signals::Signals;
use super::stop::Stop;
use super::{debug_lines, ending, leaving};
use crate::client::{Client, Ending};
use crate::cmd::connect::args::Verb;
use crate::cmd::connect::outcome::Outcome;
use crate::mqtt::packet::ReasonCode;
use crate::mqtt::session::{Event, SendError};
use crate::term::{Exit, Failure, Term};

/// How long a lost connection stays lost before the next attempt.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// What one verb does in its conversation.
pub(super) trait Work {
    /// Whether its output is its purpose: without it, it stops.
    const NEEDS_OUTPUT: bool;

    /// What it ends with when a signal or `-W` comes before the broker has accepted, if that differs from what it ends with later.
    const TOO_EARLY: Option<Exit> = None;

    /// Acts on an event. The conversation itself sees to CONNACK's refusal, DISCONNECT, AUTH and the log.
    fn handle(&mut self, event: Event, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop>;

    /// Shows what needs no event; before each of them.
    fn show_plain(&mut self, _client: &mut Client, _now: Instant, _term: &mut Term) -> Result<(), Stop> {
        Ok(())
    }

    /// Sends what is to be sent, once there are no more events; or has done all.
    fn act(&mut self, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop>;

    /// Keeps what was shown, where it is kept, before it is acknowledged; whether it could be.
    fn keep(&mut self, _now: Instant) -> bool {
        true
    }

    /// When [`Self::act`], [`Self::keep`] or [`Self::tick`] has something to do, if nothing happens before.
    fn wake(&self, _is_connected: bool) -> Option<Instant> {
        None
    }

    /// After each wait.
    fn tick(&mut self, _now: Instant, _term: &mut Term) {}

    /// Whether there is room for what the broker sends. Without it nothing is read, and the broker waits.
    fn has_room(&self) -> bool {
        true
    }

    /// Whether input is waited for beside the broker's, also while the connection is lost: lines, or the ends of commands.
    fn wants_input(&mut self) -> bool {
        false
    }

    async fn read_input(&mut self) -> Result<(), Stop> {
        pending().await
    }

    /// The connection is gone: what was not acknowledged on it can only be if it comes again.
    fn handle_closed(&mut self) {}

    /// Brings what it has begun to an end, before DISCONNECT.
    async fn wind_up(&mut self, _client: &mut Client, _signals: &mut Signals, _term: &mut Term) {}

    /// Whether [`Self::show_plain`] has shown anything since this was asked last.
    fn take_shown(&mut self) -> bool {
        false
    }

    /// Whether it goes on with another connection after one that ended so. `accepted`: the broker has accepted at least once.
    fn connects_again(&self, stop: &Stop, accepted: bool) -> bool;

    /// How long it tries to connect again; without one, for as long as it takes.
    fn reconnect_limit(&self) -> Option<Duration> {
        None
    }

    /// At the end, which is to be `exit`: what it comes to.
    fn finish(&mut self, exit: Exit, _term: &mut Term) -> Result<Exit, Failure> {
        Ok(exit)
    }

    /// A message that cannot go out, as it is told.
    fn unsendable(&self, error: SendError) -> Failure {
        ending::not_sent(error)
    }
}

/// Holds the whole conversation of `work`, from the first connection to the end. `timeout` is that of `-W`, and begins with
/// the first connection.
pub(super) async fn hold(
    mut work: impl Work,
    mut setup: Setup,
    timeout: Option<Duration>,
    term: &mut Term,
) -> Result<Exit, Failure> {
    let client = Client::new(setup.session());
    let signals = Signals::of(setup.verb())?;
    let mut conversation = Conversation {
        setup,
        client,
        signals,
        timeout_at: None,
        accepted: false,
        explained: false,
        progress: Progress::default(),
    };
    let stop = match conversation.converse(&mut work, timeout, term).await {
        Ok(never) => match never {},
        Err(stop) => stop,
    };
    match conversation.end(stop, &mut work, term).await {
        Ok(exit) => work.finish(exit, term),
        Err(failure) => {
            // What was kept is complete even then. Two failures are two lines, the cause of the end last.
            if let Err(other) = work.finish(failure.exit, term) {
                other.show(term);
            }
            Err(failure)
        }
    }
}

/// A function that only ever stops.
enum Never {}

struct Conversation {
    setup: Setup,
    client: Client,
    signals: Signals,
    /// When `-W` ends it; set by the first connection.
    timeout_at: Option<Instant>,
    /// The broker has accepted at least once.
    accepted: bool,
    /// The cause of a connection that ended before that has been told.
    explained: bool,
    progress: Progress,
}

impl Conversation {
    /// One connection after the other.
    async fn converse(
        &mut self,
        work: &mut impl Work,
        timeout: Option<Duration>,
        term: &mut Term,
    ) -> Result<Never, Stop> {
        let reached = unless_stopped(self.client.connect(self.setup.routes()), &mut self.signals, None)
            .await?
            .map_err(Stop::NotConnected)?;
        self.setup.reached(reached);
        self.timeout_at = timeout.map(|after| Instant::now() + after);
        loop {
            let stop = match self.on_connection(work, term).await {
                Ok(never) => match never {},
                Err(stop) => stop,
            };
            self.after_connection(stop, work, term).await?;
            self.reconnect(work, term).await?;
        }
    }

    /// Everything on one connection.
    async fn on_connection<W: Work>(&mut self, work: &mut W, term: &mut Term) -> Result<Never, Stop> {
        loop {
            let now = Instant::now();
            loop {
                if self.is_held_up(work) {
                    break;
                }
                work.show_plain(&mut self.client, now, term)?;
                match self.client.poll_event(now) {
                    Ok(Some(event)) => self.handle(event, work, now, term)?,
                    Ok(None) => break,
                    Err(ending) => return Err(Stop::Lost(ending)),
                }
            }
            work.act(&mut self.client, now, term)?;
            if !self.acknowledge_shown(work, term) && W::NEEDS_OUTPUT {
                return Err(Stop::OutputFailed);
            }
            self.wait(work, now).await?;
            work.tick(Instant::now(), term);
        }
    }

    /// Nothing is read for now. Before CONNACK all that can come is awaited.
    fn is_held_up(&mut self, work: &impl Work) -> bool {
        !work.has_room() && self.client.session().is_connected()
    }

    fn handle(&mut self, event: Event, work: &mut impl Work, now: Instant, term: &mut Term) -> Result<(), Stop> {
        match &event {
            Event::Trace(trace) => {
                debug_lines::show(self.client.session(), trace, self.setup.nameless(), term);
                return Ok(());
            }
            Event::Connected(_) => {
                self.accepted = true;
                self.progress.handle_accepted(now);
            }
            Event::Message(_) | Event::Acknowledged(_) => self.progress.note_got_through(),
            Event::Auth(_) => return Err(Stop::AskedToAuthenticate),
            _ => {}
        }
        match event {
            Event::Refused(connack) => Err(Stop::Refused(connack)),
            Event::Disconnected(disconnect) => Err(Stop::Disconnected(disconnect)),
            event => work.handle(event, &mut self.client, now, term),
        }
    }

    /// Waits for the connection, the input, a signal, or the next time at which something is to be done.
    async fn wait(&mut self, work: &mut impl Work, now: Instant) -> Result<(), Stop> {
        let unacknowledged = self.client.session().unacknowledged();
        let is_connected = self.client.session().is_connected();
        let acknowledgement_due = self
            .setup
            .acknowledgement_limit()
            .filter(|_| is_connected)
            .and_then(|limit| self.progress.acknowledgement_due(unacknowledged > 0, limit, now));
        let wake = [self.timeout_at, acknowledgement_due, work.wake(is_connected)].into_iter().flatten().min();
        let wants_input = is_connected && work.wants_input();
        let is_held_up = self.is_held_up(work);
        let client = &mut self.client;
        let transfer = async { if is_held_up { client.write_only().await } else { client.transfer().await } };
        tokio::select! {
            biased;
            moved = transfer => moved.map_err(Stop::Lost),
            stop = self.signals.wait() => Err(stop),
            read = work.read_input(), if wants_input => read,
            () = sleep_until(wake.unwrap_or(now).into()), if wake.is_some() => {
                if wake == self.timeout_at {
                    Err(Stop::TimedOut)
                } else if wake == acknowledgement_due {
                    Err(Stop::Unacknowledged { messages: unacknowledged })
                } else {
                    Ok(())
                }
            }
        }
    }

    /// A connection has ended: whether there is to be another.
    async fn after_connection<W: Work>(&mut self, stop: Stop, work: &mut W, term: &mut Term) -> Result<(), Stop> {
        if !matches!(stop, Stop::Lost(_) | Stop::Disconnected(_)) {
            return Err(stop);
        }
        // The log of what led to it is still waiting, and what was shown may be written and acknowledged no more.
        debug_lines::drain(self.client.session(), self.setup.nameless(), term);
        if !self.acknowledge_shown(work, term) && W::NEEDS_OUTPUT {
            return Err(Stop::OutputFailed);
        }
        if !work.connects_again(&stop, self.accepted) {
            return Err(stop);
        }
        work.handle_closed();
        if work.take_shown() {
            self.progress.note_got_through();
        }
        let now = Instant::now();
        let outlook = self.progress.handle_ended(now);
        let messages = self.client.session().unacknowledged();
        if work.reconnect_limit().is_some_and(|limit| limit > Duration::ZERO && self.progress.lost_for(now) >= limit) {
            return Err(Stop::InVain { why: Box::new(stop), accepted: 0, messages });
        }
        // Before the broker has ever accepted, it may be the wrong place or the wrong way: trying again in silence helps nobody.
        let explains_more = self.setup.explains_more();
        match outlook {
            Outlook::GiveUp(accepted) if !self.setup.as_mosquitto() => {
                return Err(Stop::InVain { why: Box::new(stop), accepted, messages });
            }
            Outlook::SayAndTryAgain if explains_more => self.explain(&stop, term).await,
            _ if explains_more && !self.accepted && !self.explained => self.explain(&stop, term).await,
            _ => {}
        }
        self.client.close().await;
        Ok(())
    }

    /// Tells why a connection has ended that is made again.
    async fn explain(&mut self, stop: &Stop, term: &mut Term) {
        self.explained = true;
        let failure = match stop {
            Stop::Disconnected(disconnect) => ending::disconnected(disconnect),
            Stop::Lost(ending) => self.setup.lost(&mut self.client, self.accepted, ending).await,
            _ => return,
        };
        failure.show(term);
    }

    /// Connects again until it succeeds, or until something stops it.
    async fn reconnect(&mut self, work: &mut impl Work, term: &mut Term) -> Result<(), Stop> {
        loop {
            term.flush();
            unless_stopped(pause(work), &mut self.signals, self.timeout_at).await??;
            let connecting = async {
                self.setup.renew_login(self.client.session()).await?;
                Ok::<_, Failure>(self.client.connect(self.setup.routes()).await)
            };
            let error = match unless_stopped(connecting, &mut self.signals, self.timeout_at).await?? {
                Ok(reached) => {
                    self.setup.reached(reached);
                    return Ok(());
                }
                Err(error) if ending::is_tried_again(&error) => error,
                Err(error) => return Err(Stop::NotConnectedAgain(error)),
            };
            let lost_for = self.progress.lost_for(Instant::now());
            if work.reconnect_limit().is_some_and(|limit| lost_for >= limit) {
                let messages = self.client.session().unacknowledged();
                return Err(Stop::InVain { why: Box::new(Stop::NotConnectedAgain(error)), accepted: 0, messages });
            }
        }
    }

    /// The end, as what stopped it asks for.
    async fn end<W: Work>(mut self, stop: Stop, work: &mut W, term: &mut Term) -> Result<Exit, Failure> {
        work.wind_up(&mut self.client, &mut self.signals, term).await;
        match stop {
            Stop::Done(exit) => {
                self.leave(ReasonCode::SUCCESS, work, term).await;
                Ok(exit)
            }
            // Whoever ends the process says that its output is lost.
            Stop::OutputFailed => {
                self.leave(ReasonCode::SUCCESS, work, term).await;
                Ok(Exit::OK)
            }
            // Before CONNACK nothing has been promised to anybody.
            Stop::TimedOut | Stop::Signalled if !self.accepted && W::TOO_EARLY.is_some() => {
                Ok(W::TOO_EARLY.unwrap_or(Exit::FAILED))
            }
            Stop::TimedOut => {
                self.leave(ReasonCode::DISCONNECT_WITH_WILL, work, term).await;
                term.note("Timed out");
                Ok(Exit(Outcome::Timeout as u8))
            }
            Stop::Signalled => {
                self.leave(ReasonCode::DISCONNECT_WITH_WILL, work, term).await;
                Ok(Exit::OK)
            }
            // Mosquitto's rr takes the number of "not connected" for a good end.
            Stop::Disconnected(_) if self.setup.verb() == Verb::Rr && self.setup.as_mosquitto() => {
                self.leave(ReasonCode::SUCCESS, work, term).await;
                Ok(Exit::OK)
            }
            Stop::Disconnected(disconnect) => Err(ending::disconnected(&disconnect)),
            Stop::Lost(ending) => Err(self.lost(&ending).await),
            Stop::Refused(connack) => Err(self.setup.refused(&connack)),
            Stop::NotConnected(error) => Err(self.setup.not_connected(&error).await),
            Stop::NotConnectedAgain(error) => Err(self.setup.not_connected_again(&error).await),
            Stop::AskedToAuthenticate => Err(ending::asked_to_authenticate()),
            Stop::Unsendable(error) => {
                self.leave(ReasonCode::SUCCESS, work, term).await;
                Err(work.unsendable(error))
            }
            Stop::Unacknowledged { messages } => {
                self.leave(ReasonCode::SUCCESS, work, term).await;
                Err(ending::unacknowledged(messages))
            }
            Stop::InVain { why, accepted, messages } => {
                let why = match *why {
                    Stop::Lost(ending) => Some(self.lost(&ending).await),
                    Stop::Disconnected(disconnect) => Some(ending::disconnected(&disconnect)),
                    Stop::NotConnectedAgain(error) => Some(self.setup.not_connected_again(&error).await),
                    _ => None,
                };
                self.client.close().await;
                Err(ending::in_vain(why, accepted, messages))
            }
            Stop::Failed(failure) => Err(failure),
        }
    }

    /// Writes what has been shown and kept, and then lets the acknowledgements of it out; whether it could be written.
    fn acknowledge_shown(&mut self, work: &mut impl Work, term: &mut Term) -> bool {
        if work.keep(Instant::now()) {
            return leaving::acknowledge_shown(&mut self.client, term);
        }
        self.client.session().withhold_acknowledgements();
        false
    }

    async fn lost(&mut self, ending: &Ending) -> Failure {
        self.setup.lost(&mut self.client, self.accepted, ending).await
    }

    /// Ends the flows of what was shown, then DISCONNECT, and the end of the connection.
    async fn leave(&mut self, reason: ReasonCode, work: &mut impl Work, term: &mut Term) {
        if self.acknowledge_shown(work, term) {
            tokio::select! {
                () = leaving::settle(&mut self.client, self.setup.nameless(), term) => {}
                // One more signal: whoever sends it does not want to wait.
                _ = self.signals.wait() => {}
            }
        }
        let (properties, nameless) = (self.setup.disconnect_properties(), self.setup.nameless());
        leaving::leave(&mut self.client, reason, properties, nameless, term).await;
    }
}

/// The pause before the next attempt to connect. Input that is wanted is read meanwhile: it may end.
async fn pause(work: &mut impl Work) -> Result<(), Stop> {
    let reading = async {
        while work.wants_input() {
            work.read_input().await?;
        }
        pending().await
    };
    tokio::select! {
        () = sleep(RECONNECT_DELAY) => Ok(()),
        failed = reading => failed,
    }
}

/// Waits for `work`, unless a signal or the time of `-W` comes first.
async fn unless_stopped<T>(
    work: impl Future<Output = T>,
    signals: &mut Signals,
    timeout_at: Option<Instant>,
) -> Result<T, Stop> {
    tokio::select! {
        done = work => Ok(done),
        stop = signals.wait() => Err(stop),
        () = sleep_until(timeout_at.unwrap_or_else(Instant::now).into()), if timeout_at.is_some() => Err(Stop::TimedOut),
    }
}
