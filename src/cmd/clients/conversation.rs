//! The conversation of pub, sub and rr with a broker: connecting, one connection after the other, and the end.
//!
//! A verb says by [`Work`] what is its own: what it sends, what it shows, and when it is done.

use std::future::pending;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until};

use super::plan::Again;
use super::progress::{Outlook, Parting, Progress};
use super::session::Setup;
use super::signals::Signals;
use super::stop::Stop;
use super::turns::Turns;
use super::{debug_lines, ending, leaving};
use crate::client::{Client, Ending};
use crate::cmd::connect::args::Verb;
use crate::cmd::connect::outcome::{self, Outcome};
use crate::diagnose::Finding;
use crate::mqtt::packet::{Properties, ReasonCode};
use crate::mqtt::session::{Event, SendError, Session};
use crate::oauth::OAuthError;
use crate::term::{Exit, Failure, Secret, Term};

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

    /// The connection has ended so, and there will be another: what was not acknowledged on it can only be if it comes again.
    fn handle_closed(&mut self, _stop: &Stop, _session: &mut Session, _term: &mut Term) {}

    /// Whether it has something to keep at its end, so that a signal ends it in order.
    fn keeps(&self) -> bool {
        false
    }

    /// Brings what it has begun to an end, before DISCONNECT.
    async fn wind_up(&mut self, _stop: &Stop, _client: &mut Client, _signals: &mut Signals, _term: &mut Term) {}

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

    /// What is known of why its time was over before it was done.
    fn why_timed_out(&self) -> Option<Finding> {
        None
    }

    /// A message that cannot go out, as it is told.
    fn unsendable(&self, error: SendError) -> Failure {
        ending::not_sent(error)
    }
}

/// The whole conversation of `work`, from the first connection to the end. `timeout` is that of `-W`. It is large, and made on a
/// frame of its own: pages of the stack that are touched once are a good part of what a start takes.
#[inline(never)]
pub(super) fn hold<'a>(
    work: impl Work + 'a,
    setup: Setup,
    timeout: Option<Duration>,
    term: &'a mut Term,
) -> Pin<Box<dyn Future<Output = Result<Exit, Failure>> + 'a>> {
    Box::pin(hold_unboxed(work, setup, timeout, term))
}

async fn hold_unboxed(
    mut work: impl Work,
    mut setup: Setup,
    timeout: Option<Duration>,
    term: &mut Term,
) -> Result<Exit, Failure> {
    let client = Client::new(setup.session());
    let signals = Signals::of(setup.verb(), work.keeps())?;
    let progress = Progress::new(setup.bounds().policy);
    let mut conversation = Conversation {
        setup,
        client,
        signals,
        timeout_at: None,
        accepted: false,
        explained: false,
        away_since: None,
        login_again_at: None,
        logging_in_since: None,
        leaving_by: None,
        turns: Turns::default(),
        progress,
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

/// How long what has been sent may take to be acknowledged before the connection is left for another one with a new token. What is
/// late is sent again there, as after a lost connection.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// How long the end takes where its time has come (`-W`): what the broker has neither taken nor answered by then is not waited
/// for. Its answers take a round trip, and it closes when it has read DISCONNECT.
const GRACE: Duration = Duration::from_millis(500);

/// What a wait ended with.
enum Woken {
    Moved(Result<(), Ending>),
    Stopped(Stop),
    Read(Result<(), Stop>),
    Renewed(Result<Secret, OAuthError>),
    /// The time has come that was waited for.
    Due,
}

/// A function that only ever stops.
enum Never {}

struct Conversation {
    setup: Setup,
    client: Client,
    signals: Signals,
    /// When `-W` ends it.
    timeout_at: Option<Instant>,
    /// The broker has accepted at least once.
    accepted: bool,
    /// The cause of a connection that ended before that has been told.
    explained: bool,
    /// There is no connection since then, and it was said that there will be another.
    away_since: Option<Instant>,
    /// When the login is begun again, and since when the broker has been asked for that.
    login_again_at: Option<Instant>,
    logging_in_since: Option<Instant>,
    /// A new token has come: nothing more is sent, and by then the connection is left.
    leaving_by: Option<Instant>,
    turns: Turns,
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
        let timeout_from = |now: Instant| timeout.map(|after| now + after);
        // Mosquitto's alarm is set by the first connection, however long that takes.
        if !self.setup.as_mosquitto() {
            self.timeout_at = timeout_from(Instant::now());
        }
        let mut failed = self.connect().await?.err();
        if self.setup.as_mosquitto() {
            self.timeout_at = timeout_from(Instant::now());
        }
        loop {
            let stop = match failed.take() {
                Some(stop) => stop,
                None => match self.on_connection(work, term).await {
                    Ok(never) => match never {},
                    Err(stop) => stop,
                },
            };
            if let Stop::TokenRenewed = stop {
                failed = self.change_token(work, term).await?.err();
                continue;
            }
            let Some(stop) = self.ask_another_host(stop, term).await? else { continue };
            let stop = self.after_connection(stop, work, term).await?;
            self.reconnect(stop, work, term).await?;
        }
    }

    async fn connect(&mut self) -> Result<Result<(), Stop>, Stop> {
        let connecting = async {
            self.setup.fetch_token(self.client.session()).await?;
            self.setup.connect(&mut self.client).await.map_err(Stop::NotConnected)
        };
        unless_stopped(connecting, &mut self.signals, self.timeout_at).await
    }

    /// Leaves the connection for one that begins with the new token. The session goes on if it is one that the broker keeps.
    async fn change_token<W: Work>(&mut self, work: &mut W, term: &mut Term) -> Result<Result<(), Stop>, Stop> {
        self.leaving_by = None;
        debug_lines::drain(self.client.session(), self.setup.nameless(), term);
        if !self.acknowledge_shown(work, term) && W::NEEDS_OUTPUT {
            return Err(Stop::OutputFailed);
        }
        if self.setup.is_watched() {
            term.note("the token is about to expire: connecting again with a new one");
        }
        work.handle_closed(&Stop::TokenRenewed, self.client.session(), term);
        self.progress.handle_left();
        let nameless = self.setup.nameless();
        leaving::leave(&mut self.client, ReasonCode::SUCCESS, &Properties::new(), nameless, term).await;
        self.away_since.get_or_insert_with(Instant::now);
        let connected = self.connect().await?;
        // The way to a broker that has accepted before is tried as after a lost connection.
        Ok(connected.map_err(|stop| match stop {
            Stop::NotConnected(error) => Stop::NotConnectedAgain(error),
            stop => stop,
        }))
    }

    /// Where one of several hosts takes nobody for now, the next is asked, at once. `None`: one of them has been reached.
    async fn ask_another_host(&mut self, stop: Stop, term: &mut Term) -> Result<Option<Stop>, Stop> {
        let Stop::Refused(connack) = &stop else { return Ok(Some(stop)) };
        let why = ending::in_words(&stop);
        let host = self.setup.endpoint().to_string();
        if !ending::is_for_another_host(connack) || !self.setup.pass_over(&why) {
            return Ok(Some(stop));
        }
        debug_lines::drain(self.client.session(), self.setup.nameless(), term);
        if self.setup.is_watched() {
            term.note(format_args!("{host}: {why}; asking the next host"));
        }
        self.client.close().await;
        let connecting = self.setup.connect_to_one_left(&mut self.client);
        // What the broker has said stays the reason, with what became of the others.
        let connected = unless_stopped(connecting, &mut self.signals, self.timeout_at).await?;
        Ok(connected.is_err().then_some(stop))
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
            self.log_in_again_if_due(now)?;
            match self.leaving_by {
                None => work.act(&mut self.client, now, term)?,
                Some(by) => {
                    let session = self.client.session();
                    let is_settled = session.unacknowledged() == 0 && session.unconfirmed() == 0;
                    if now >= by || is_settled && session.unanswered() == 0 {
                        return Err(Stop::TokenRenewed);
                    }
                    // Whether the broker has read what was sent at QoS 0 it says to those who ask.
                    if session.unconfirmed() > 0 {
                        session.ping(now);
                    }
                }
            }
            if !self.acknowledge_shown(work, term) && W::NEEDS_OUTPUT {
                return Err(Stop::OutputFailed);
            }
            self.wait(work, now, term).await?;
            work.tick(Instant::now(), term);
        }
    }

    /// Begins the login again (section 4.12.1) where its time has come.
    fn log_in_again_if_due(&mut self, now: Instant) -> Result<(), Stop> {
        if self.login_again_at.is_some_and(|at| at <= now) {
            self.login_again_at = None;
            self.client.session().authenticate_again(now).map_err(Stop::Unsendable)?;
            self.logging_in_since = Some(now);
        }
        Ok(())
    }

    /// The broker believes the login, the first or another.
    fn note_logged_in(&mut self, now: Instant) {
        self.logging_in_since = None;
        self.login_again_at = self.setup.bounds().reauth.map(|every| now + every);
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
                self.say_that_it_is_back(now, term);
                self.accepted = true;
                self.setup.note_accepted();
                self.note_logged_in(now);
                self.progress.handle_accepted(now);
            }
            Event::Message(_) => self.progress.note_got_through(),
            Event::Acknowledged(_) | Event::PingResp => self.progress.note_acknowledged(),
            Event::Auth(_) => return Err(Stop::AskedToAuthenticate),
            Event::Authenticated => self.note_logged_in(now),
            _ => {}
        }
        match event {
            Event::Refused(connack) => Err(Stop::Refused(connack)),
            Event::Disconnected(disconnect)
                if self.logging_in_since.is_some() && ending::is_about_login_again(disconnect.reason) =>
            {
                Err(Stop::LoginAgainRefused(disconnect))
            }
            Event::Disconnected(disconnect) => Err(Stop::Disconnected(disconnect)),
            event => work.handle(event, &mut self.client, now, term),
        }
    }

    /// Waits for the connection, the input, a signal, or the next time at which something is to be done.
    async fn wait(&mut self, work: &mut impl Work, now: Instant, term: &mut Term) -> Result<(), Stop> {
        let is_connected = self.client.session().is_connected();
        let (messages, requests) = (self.client.session().unacknowledged(), self.client.session().unanswered());
        let is_held_up = self.is_held_up(work);
        let limit = self.setup.bounds().answer.filter(|_| is_connected);
        let answer_due = match limit {
            Some(_) if is_held_up => {
                self.progress.note_held_up();
                None
            }
            Some(limit) => {
                let acknowledgement = self.progress.acknowledgement_due(messages > 0, limit, now);
                let answer = self.progress.answer_due(requests, limit, now);
                acknowledgement.into_iter().chain(answer).min()
            }
            None => None,
        };
        // Once the connection is to be left nothing more is begun on it.
        let is_staying = self.leaving_by.is_none();
        let next = if is_staying { work.wake(is_connected) } else { self.leaving_by };
        let login_due =
            self.logging_in_since.filter(|_| is_connected && !is_held_up).zip(limit).map(|(at, limit)| at + limit);
        let login_at = self.login_again_at.filter(|_| is_connected);
        let wake = [self.timeout_at, answer_due, login_due, login_at, next].into_iter().flatten().min();
        let wants_input = is_connected && is_staying && work.wants_input();
        let is_renewing = is_connected && is_staying && self.connects_for_token(work);
        let (setup, client, signals) = (&mut self.setup, &mut self.client, &mut self.signals);
        let transfer =
            async { Woken::Moved(if is_held_up { client.write_only().await } else { client.transfer().await }) };
        let others = async {
            tokio::select! {
                biased;
                stop = signals.wait() => Woken::Stopped(stop),
                read = work.read_input(), if wants_input => Woken::Read(read),
                renewed = setup.token_renewed(), if is_renewing => Woken::Renewed(renewed),
                () = until(wake), if wake.is_some() => Woken::Due,
            }
        };
        match self.turns.wait(transfer, others).await {
            Woken::Moved(moved) => moved.map_err(Stop::Lost),
            Woken::Stopped(stop) => Err(stop),
            Woken::Read(read) => read,
            Woken::Renewed(renewed) => {
                self.token_has_come(renewed, term);
                Ok(())
            }
            Woken::Due if wake == self.timeout_at => Err(Stop::TimedOut),
            Woken::Due if wake == login_due => {
                self.client.give_up_on_peer();
                Err(Stop::LoginAgainUnanswered(limit.unwrap_or_default()))
            }
            Woken::Due if wake == answer_due => {
                self.client.give_up_on_peer();
                Err(Stop::Unanswered { messages, requests, limit: limit.unwrap_or_default() })
            }
            Woken::Due => Ok(()),
        }
    }

    /// Whether the connection is left for another one when its token is about to expire: where it is made again when it is lost.
    fn connects_for_token(&self, work: &impl Work) -> bool {
        self.setup.bounds().again != Again::Never && work.connects_again(&Stop::TokenRenewed, true)
    }

    /// The next token, or why there is none; the one that is used now is good for a while.
    fn token_has_come(&mut self, renewed: Result<Secret, OAuthError>, term: &mut Term) {
        match renewed {
            Ok(token) => {
                self.setup.set_password(token, self.client.session());
                self.leaving_by = Some(Instant::now() + DRAIN_LIMIT);
            }
            Err(error) if self.setup.explains_more() => {
                let left = self.setup.token_left().unwrap_or_default();
                let why = self.setup.no_token(&error).cause.unwrap_or_default();
                term.note(format_args!(
                    "warning: the token cannot be renewed, and expires in {} s: {why}",
                    left.as_secs()
                ));
            }
            Err(_) => {}
        }
    }

    /// Whether what has failed is tried again, as far as `work` and the options have a say in it.
    fn is_tried_again(&self, stop: &Stop, work: &impl Work) -> bool {
        let usually = match stop {
            Stop::Lost(_) | Stop::Disconnected(_) => work.connects_again(stop, self.accepted),
            // The first attempt with a new token.
            Stop::NotConnectedAgain(error) => ending::is_tried_again(error) && work.connects_again(stop, true),
            Stop::NoToken(error) => self.accepted && ending::is_asked_again(error) && work.connects_again(stop, true),
            // The broker is back, and not ready yet for a client that it has accepted before.
            Stop::Refused(connack) => {
                !self.setup.as_mosquitto()
                    && self.accepted
                    && ending::is_refused_for_now(connack)
                    && work.connects_again(stop, true)
            }
            _ => false,
        };
        match self.setup.bounds().again {
            Again::Usual => usually,
            Again::Never => false,
            Again::Retry => usually || ending::may_be_mended(stop) || self.is_sent_elsewhere(stop),
        }
    }

    /// The broker has sent us to another server, and the user has named one.
    fn is_sent_elsewhere(&self, stop: &Stop) -> bool {
        matches!(stop, Stop::Disconnected(disconnect) if ending::sends_elsewhere(disconnect.reason))
            && self.setup.has_several_hosts()
    }

    /// How a connection ended, for what follows from it.
    fn parting(&mut self, stop: &Stop) -> Parting {
        match stop {
            Stop::Disconnected(disconnect) if disconnect.reason == ReasonCode::SESSION_TAKEN_OVER => Parting::TakenOver,
            Stop::Lost(Ending::Closed | Ending::Io(_)) => {
                let session = self.client.session();
                let owed = session.unacknowledged() > 0 || session.unanswered() > 0;
                Parting::Closed { has_own_id: self.setup.has_own_id(), owed }
            }
            _ => Parting::Other,
        }
    }

    /// A connection has ended, or none came about: whether there is to be another.
    async fn after_connection<W: Work>(&mut self, stop: Stop, work: &mut W, term: &mut Term) -> Result<Stop, Stop> {
        let again = self.is_tried_again(&stop, work);
        if !again && !matches!(stop, Stop::Lost(_) | Stop::Disconnected(_)) {
            return Err(stop);
        }
        // The log of what led to it is still waiting, and what was shown may be written and acknowledged no more.
        debug_lines::drain(self.client.session(), self.setup.nameless(), term);
        if !self.acknowledge_shown(work, term) && W::NEEDS_OUTPUT {
            return Err(Stop::OutputFailed);
        }
        if !again {
            return Err(stop);
        }
        work.handle_closed(&stop, self.client.session(), term);
        if work.take_shown() {
            self.progress.note_got_through();
        }
        let now = Instant::now();
        let parting = self.parting(&stop);
        let outlook = self.progress.handle_ended(parting, now);
        self.away_since.get_or_insert(now);
        let messages = self.client.session().unacknowledged();
        if self.lost_limit(work).is_some_and(|limit| limit > Duration::ZERO && self.progress.lost_for(now) >= limit) {
            return Err(Stop::InVain { why: Box::new(stop), accepted: 0, attempts: None, messages });
        }
        // Before the broker has ever accepted, it may be the wrong place or the wrong way: trying again in silence helps nobody,
        // unless it has an end that tells it.
        let explains_more = self.setup.explains_more() && self.setup.bounds().again != Again::Retry;
        match outlook {
            Outlook::TakenOver(times) if !self.setup.as_mosquitto() => {
                return Err(Stop::TakenOver { times, is_announced: parting == Parting::TakenOver });
            }
            Outlook::GiveUp(accepted) if !self.setup.as_mosquitto() => {
                return Err(Stop::InVain { why: Box::new(stop), accepted, attempts: None, messages });
            }
            // Whoever looks is told of each.
            Outlook::SayAndTryAgain if explains_more && !self.setup.is_watched() => self.explain(&stop, term).await,
            _ if explains_more && !self.accepted && !self.explained => self.explain(&stop, term).await,
            _ => {}
        }
        self.client.close().await;
        Ok(stop)
    }

    /// How long it is tried to connect again. Where the user says it himself, he knows better than `work`.
    fn lost_limit(&self, work: &impl Work) -> Option<Duration> {
        let bounds = self.setup.bounds();
        let is_said = bounds.policy.attempts.is_some() || (self.timeout_at.is_some() && !self.setup.as_mosquitto());
        work.reconnect_limit().filter(|_| !is_said)
    }

    /// Tells why a connection has ended that is made again.
    async fn explain(&mut self, stop: &Stop, term: &mut Term) {
        self.explained = true;
        let failure = match stop {
            Stop::Disconnected(disconnect) => self.setup.disconnected(disconnect),
            Stop::Lost(ending) => self.setup.lost(&mut self.client, self.accepted, ending).await,
            _ => return,
        };
        failure.show(term);
    }

    /// Connects again until it succeeds, or until something stops it. `stop` is why.
    async fn reconnect(&mut self, mut stop: Stop, work: &mut impl Work, term: &mut Term) -> Result<(), Stop> {
        // Once, for when none of the others can be reached, the one that said so is asked again.
        let mut is_elsewhere = self.is_sent_elsewhere(&stop) && self.setup.pass_over(&ending::in_words(&stop));
        loop {
            let pause = match self.progress.next_pause(chance()) {
                Ok(pause) => pause,
                Err(attempts) => return Err(self.used_up(stop, attempts)),
            };
            self.say_that_it_is_tried_again(&stop, pause, term);
            term.flush();
            unless_stopped(paused(pause, work), &mut self.signals, self.timeout_at).await??;
            // Under --retry there may not have been a first connection yet.
            let is_first = !self.accepted && matches!(stop, Stop::NotConnected(_) | Stop::NoToken(_));
            let not_connected = if is_first { Stop::NotConnected } else { Stop::NotConnectedAgain };
            let connecting = async {
                self.setup.renew_login(self.client.session()).await?;
                let connected = if std::mem::take(&mut is_elsewhere) {
                    self.setup.connect_to_one_left(&mut self.client).await
                } else {
                    self.setup.connect(&mut self.client).await
                };
                connected.map_err(not_connected)
            };
            match unless_stopped(connecting, &mut self.signals, self.timeout_at).await? {
                Ok(()) => return Ok(()),
                Err(error) => stop = error,
            }
            self.progress.note_not_connected(Instant::now());
            if !ending::may_be_mended(&stop) {
                return Err(stop);
            }
            let lost_for = self.progress.lost_for(Instant::now());
            if self.lost_limit(work).is_some_and(|limit| lost_for >= limit) {
                let messages = self.client.session().unacknowledged();
                return Err(Stop::InVain { why: Box::new(stop), accepted: 0, attempts: None, messages });
            }
        }
    }

    /// As many attempts were made as may be.
    fn used_up(&mut self, stop: Stop, attempts: u32) -> Stop {
        let why = Box::new(stop);
        if self.setup.bounds().again == Again::Retry {
            return Stop::Tried { why, times: attempts };
        }
        let messages = self.client.session().unacknowledged();
        Stop::InVain { why, accepted: 0, attempts: Some(attempts), messages }
    }

    fn say_that_it_is_tried_again(&self, stop: &Stop, pause: Duration, term: &mut Term) {
        if self.setup.is_watched() {
            let what = match stop {
                Stop::NotConnected(_) | Stop::NotConnectedAgain(_) | Stop::NoToken(_) => "no connection",
                _ if self.accepted => "connection lost",
                _ => "connection ended",
            };
            let why = ending::in_words(stop);
            term.note(format_args!("{what}: {why}; connecting again in {:.1} s", pause.as_secs_f64()));
        }
    }

    fn say_that_it_is_back(&mut self, now: Instant, term: &mut Term) {
        let Some(since) = self.away_since.take() else { return };
        if self.setup.is_watched() {
            let again = if self.accepted { " again" } else { "" };
            term.note(format_args!("connected{again}, after {:.1} s", (now - since).as_secs_f64()));
        }
    }

    /// The end, as what stopped it asks for.
    async fn end<W: Work>(mut self, stop: Stop, work: &mut W, term: &mut Term) -> Result<Exit, Failure> {
        work.wind_up(&stop, &mut self.client, &mut self.signals, term).await;
        match stop {
            Stop::Done(exit) => {
                self.leave(ReasonCode::SUCCESS, None, work, term).await;
                Ok(exit)
            }
            // Whoever ends the process says that its output is lost.
            Stop::OutputFailed => {
                self.leave(ReasonCode::SUCCESS, None, work, term).await;
                Ok(Exit::OK)
            }
            // Before CONNACK nothing has been promised to anybody.
            Stop::TimedOut | Stop::Signalled(_) if !self.accepted && W::TOO_EARLY.is_some() => {
                if matches!(stop, Stop::TimedOut) && !self.setup.as_mosquitto() {
                    term.note("Timed out: the broker has not accepted the connection");
                }
                Ok(W::TOO_EARLY.unwrap_or(Exit::FAILED))
            }
            Stop::TimedOut => {
                self.leave(ReasonCode::DISCONNECT_WITH_WILL, Some(Instant::now() + GRACE), work, term).await;
                let exit = Exit(Outcome::Timeout as u8);
                if let Some(finding) = work.why_timed_out().filter(|_| self.setup.explains_more()) {
                    return Err(outcome::failure(exit, "Timed out\n", Some(finding)));
                }
                term.note("Timed out");
                Ok(exit)
            }
            Stop::Signalled(number) => {
                self.leave(ReasonCode::DISCONNECT_WITH_WILL, None, work, term).await;
                // sub is meant to be ended so, pub is not.
                Ok(if self.setup.verb() == Verb::Pub { Exit(128 + number) } else { Exit::OK })
            }
            // Mosquitto's rr takes the number of "not connected" for a good end.
            Stop::Disconnected(_) if self.setup.verb() == Verb::Rr && self.setup.as_mosquitto() => {
                self.leave(ReasonCode::SUCCESS, None, work, term).await;
                Ok(Exit::OK)
            }
            Stop::Unsendable(error) => {
                self.leave(ReasonCode::SUCCESS, None, work, term).await;
                Err(work.unsendable(error))
            }
            stop @ (Stop::Unanswered { .. } | Stop::LoginAgainUnanswered(_)) => {
                self.leave(ReasonCode::SUCCESS, None, work, term).await;
                Err(self.failure(stop).await.unwrap_or(Failure::silent(Exit::FAILED)))
            }
            Stop::Tried { why, times } => {
                let failure = self.failure(*why).await.unwrap_or(Failure::silent(Exit::FAILED));
                self.client.close().await;
                Err(ending::tried(failure, times))
            }
            Stop::InVain { why, accepted, attempts, messages } => {
                let why = self.failure(*why).await;
                self.client.close().await;
                Err(ending::in_vain(why, accepted, attempts, messages, self.setup.has_own_id()))
            }
            Stop::TakenOver { times, is_announced } => {
                self.client.close().await;
                Err(ending::taken_over(self.client.session().client_id(), times, is_announced))
            }
            stop => Err(self.failure(stop).await.unwrap_or(Failure::silent(Exit::FAILED))),
        }
    }

    /// The failure that it is, if it is one of the connection.
    async fn failure(&mut self, stop: Stop) -> Option<Failure> {
        Some(match stop {
            Stop::Disconnected(disconnect) => self.setup.disconnected(&disconnect),
            Stop::NoToken(error) => self.setup.no_token(&error),
            Stop::Lost(ending) => self.lost(&ending).await,
            Stop::Refused(connack) => self.setup.refused(&connack),
            Stop::NotConnected(error) => self.setup.not_connected(&error).await,
            Stop::NotConnectedAgain(error) => self.setup.not_connected_again(&error).await,
            Stop::LoginAgainRefused(disconnect) => ending::login_again_refused(&disconnect),
            Stop::AskedToAuthenticate => ending::asked_to_authenticate(),
            Stop::Unanswered { messages, requests, limit } => ending::unanswered(messages, requests, limit),
            Stop::LoginAgainUnanswered(limit) => ending::login_again_unanswered(limit),
            Stop::Failed(failure) => failure,
            _ => return None,
        })
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

    /// Ends the flows of what was shown, then DISCONNECT, and the end of the connection; all of it until `by`, where there is
    /// a time for it.
    async fn leave(&mut self, reason: ReasonCode, by: Option<Instant>, work: &mut impl Work, term: &mut Term) {
        let (nameless, is_shown) = (self.setup.nameless(), self.acknowledge_shown(work, term));
        let (client, signals) = (&mut self.client, &mut self.signals);
        if is_shown {
            Turns::default().wait(leaving::settle(client, nameless, term), cut_short(signals, by)).await;
        }
        // It comes first, so that DISCONNECT is written even where the time is over.
        let leaving = leaving::leave(client, reason, self.setup.disconnect_properties(), nameless, term);
        Turns::default().wait(leaving, cut_short(signals, by)).await;
    }
}

/// What ends a leave-taking before its time: one more signal, for whoever sends it does not want to wait, or `by`.
async fn cut_short(signals: &mut Signals, by: Option<Instant>) {
    tokio::select! {
        _ = signals.wait() => {}
        () = until(by), if by.is_some() => {}
    }
}

/// Waits for a time. One that has come is there at once: a timer would wait for the runtime's clock.
async fn until(time: Option<Instant>) {
    if let Some(time) = time.filter(|time| *time > Instant::now()) {
        sleep_until(time.into()).await;
    }
}

/// What spreads clients that were lost together. Without a source of randomness they come back together.
fn chance() -> u32 {
    let mut random = [0; 4];
    let _ = aws_lc_rs::rand::fill(&mut random);
    u32::from_ne_bytes(random)
}

/// The pause before the next attempt to connect. Input that is wanted is read meanwhile: it may end.
async fn paused(pause: Duration, work: &mut impl Work) -> Result<(), Stop> {
    let reading = async {
        while work.wants_input() {
            work.read_input().await?;
        }
        pending().await
    };
    tokio::select! {
        () = sleep(pause) => Ok(()),
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
