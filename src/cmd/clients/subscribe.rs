//! `moskit sub`, and `mosquitto_sub`: prints the messages of its subscriptions.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until};

use super::debug_lines;
use super::printer::Printer;
use super::recorder::Recorder;
use super::retained_end::{RetainedEnd, Turn};
use super::session::{self, Setup};
use super::{ending, leaving, manuals, setup};
use crate::client::{Client, Ending};
use crate::cmd::applet::{Applet, Invocation};
use crate::cmd::connect;
use crate::cmd::connect::args::{ClientArgs, Strict, Verb};
use crate::cmd::connect::outcome::Outcome;
use crate::cmd::connect::runtime;
use crate::mqtt::packet::{PacketId, Properties, Publish, PublishRef, QoS, ReasonCode, SubAck, Subscription};
use crate::mqtt::session::{Event, SendError, Session};
use crate::os::signal::{Signal, SignalKind};
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "sub",
    mosquitto_name: Some("mosquitto_sub"),
    about: "Subscribe and print messages",
    command: || connect::options::command("sub", APPLET.about, connect::options::SUB),
    run,
    manual: manuals::SUB,
};

/// How long a lost connection stays lost before the next attempt.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Ended by a signal or `-W` before the broker had accepted.
const TOO_EARLY: Exit = Exit(255);

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let args = setup::read(&APPLET, Verb::Sub, invocation, term)?;
    let printer = Printer::new(&args, invocation.as_mosquitto, term);
    let setup = session::prepare(Verb::Sub, invocation, &args, term)?;
    let as_mosquitto = invocation.as_mosquitto;
    session::run(Verb::Sub, async move { Subscribing::new(&args, setup, printer, as_mosquitto)?.run(term).await })
}

/// A run of sub.
struct Subscribing<'a> {
    args: &'a ClientArgs,
    setup: Setup,
    client: Client,
    showing: Showing<'a>,
    signals: Signals,
    /// When `-W` ends it; set by the first connection.
    timeout_at: Option<Instant>,
    /// The broker has accepted at least once.
    accepted: bool,
    /// The cause of a connection that ended before that has been told.
    explained: bool,
    /// `--retained-only`: whether the broker has more.
    retained_end: Option<RetainedEnd>,
    /// Retained messages that are being removed and not yet acknowledged.
    removals: HashSet<PacketId>,
}

/// Which messages are shown, and how many more.
struct Showing<'a> {
    args: &'a ClientArgs,
    printer: Printer,
    /// `--record`
    recorder: Option<Recorder>,
    /// Messages that `-C` still waits for.
    left: Option<u32>,
    /// Nothing more is shown; removals may still be on their way.
    over: bool,
}

/// What becomes of a message.
enum Verdict {
    /// The options leave it out.
    PassOver,
    /// Nothing is shown any more.
    TooLate,
    Show,
    /// It ends the program.
    Enough,
}

/// What is to be done after an event.
enum Step {
    Go,
    /// Leave with this exit code.
    Leave(Exit),
}

/// What ended the wait.
enum Woken {
    Moved(Result<(), Ending>),
    Signal,
    TimedOut,
}

impl<'a> Subscribing<'a> {
    fn new(args: &'a ClientArgs, mut setup: Setup, printer: Printer, as_mosquitto: bool) -> Result<Self, Failure> {
        let client = Client::new(setup.session());
        Ok(Self {
            args,
            setup,
            client,
            showing: Showing { args, printer, recorder: Recorder::start(args)?, left: args.count, over: false },
            signals: Signals::new()?,
            timeout_at: None,
            accepted: false,
            explained: false,
            retained_end: (args.retained_only && !as_mosquitto).then(RetainedEnd::default),
            removals: HashSet::new(),
        })
    }

    async fn run(mut self, term: &mut Term) -> Result<Exit, Failure> {
        self.showing.printer.start(self.setup.host(), term);
        match unless_ended(self.setup.start(&mut self.client), &mut self.signals, None).await {
            Ok(started) => started?,
            Err(_) => return Ok(TOO_EARLY),
        }
        self.timeout_at = self.args.timeout.map(|after| Instant::now() + after);
        loop {
            match self.converse(term).await? {
                Ok(exit) => return self.showing.finish().map(|()| exit),
                // What was shown last could not be written: whatever comes after it could not either.
                Err(_) if term.out_failed().is_some() => {
                    self.client.close().await;
                    return self.showing.finish().map(|()| Exit::OK);
                }
                Err(ending) if ending::is_retried(&ending) => self.explain_once(&ending, term).await,
                Err(ending) => return Err(self.setup.lost(&mut self.client, self.accepted, &ending).await),
            }
            if let Some(exit) = self.reconnect(term).await? {
                return self.showing.finish().map(|()| exit);
            }
        }
    }

    /// The connection ended and is made again. Before the broker has ever accepted, it may be the wrong place
    /// or the wrong way, and trying again in silence helps nobody: under our own name the cause is told, once.
    async fn explain_once(&mut self, ending: &Ending, term: &mut Term) {
        if self.accepted || self.explained {
            return self.client.close().await;
        }
        self.explained = true;
        let failure = self.setup.lost(&mut self.client, false, ending).await;
        if self.setup.tells_more() {
            failure.tell(term);
        }
    }

    /// Everything on one connection: how the program ends, or how the connection did.
    async fn converse(&mut self, term: &mut Term) -> Result<Result<Exit, Ending>, Failure> {
        loop {
            let now = Instant::now();
            loop {
                if let Step::Leave(exit) = self.show_plain(now, term) {
                    return self.leave(exit, ReasonCode::SUCCESS, term).await.map(Ok);
                }
                let event = match self.client.poll_event(now) {
                    Ok(Some(event)) => event,
                    Ok(None) => break,
                    Err(ending) => {
                        self.drain_log(term);
                        self.acknowledge_shown(term);
                        return Ok(Err(ending));
                    }
                };
                match self.handle(event, now, term)? {
                    Ok(Step::Go) => {}
                    Ok(Step::Leave(exit)) => return self.leave(exit, ReasonCode::SUCCESS, term).await.map(Ok),
                    Err(ending) => {
                        self.acknowledge_shown(term);
                        return Ok(Err(ending));
                    }
                }
            }
            if self.removals.is_empty()
                && let Some(exit) = self.look_for_retained_end(now, term)
            {
                return self.leave(exit, ReasonCode::SUCCESS, term).await.map(Ok);
            }
            if self.showing.over && self.removals.is_empty() {
                return self.leave(Exit::OK, ReasonCode::SUCCESS, term).await.map(Ok);
            }
            if !self.acknowledge_shown(term) {
                return self.leave(Exit::OK, ReasonCode::SUCCESS, term).await.map(Ok);
            }
            match self.wait(now).await {
                Woken::Moved(Ok(())) => {}
                Woken::Moved(Err(ending)) => return Ok(Err(ending)),
                Woken::Signal => return self.interrupted(term).await.map(Ok),
                Woken::TimedOut => return self.timed_out(term).await.map(Ok),
            }
            self.showing.printer.tick(Instant::now(), term);
        }
    }

    async fn wait(&mut self, now: Instant) -> Woken {
        let retained = self.retained_end.as_ref().and_then(RetainedEnd::deadline);
        let recorder = self.showing.recorder.as_ref().and_then(Recorder::deadline);
        let wake = [self.timeout_at, self.showing.printer.deadline(), recorder, retained].into_iter().flatten().min();
        tokio::select! {
            biased;
            moved = self.client.transfer() => Woken::Moved(moved),
            alarm = self.signals.wait() => if alarm { Woken::TimedOut } else { Woken::Signal },
            () = sleep_until(wake.unwrap_or(now).into()), if wake.is_some() => {
                if wake == self.timeout_at { Woken::TimedOut } else { Woken::Moved(Ok(())) }
            }
        }
    }

    /// `-W`, or an alarm. Before CONNACK nothing has been promised to anybody.
    async fn timed_out(&mut self, term: &mut Term) -> Result<Exit, Failure> {
        if !self.accepted {
            return Ok(TOO_EARLY);
        }
        let exit = self.leave(Exit(Outcome::Timeout as u8), ReasonCode::DISCONNECT_WITH_WILL, term).await?;
        term.note("Timed out");
        Ok(exit)
    }

    async fn interrupted(&mut self, term: &mut Term) -> Result<Exit, Failure> {
        if !self.accepted {
            return Ok(TOO_EARLY);
        }
        self.leave(Exit::OK, ReasonCode::DISCONNECT_WITH_WILL, term).await
    }

    /// How it ends without a connection.
    fn given_up(&self, timed_out: bool, term: &mut Term) -> Exit {
        match (self.accepted, timed_out) {
            (false, _) => TOO_EARLY,
            (true, false) => Exit::OK,
            (true, true) => {
                term.note("Timed out");
                Exit(Outcome::Timeout as u8)
            }
        }
    }

    /// Connects again until it succeeds: `None`; or until something ends the program.
    async fn reconnect(&mut self, term: &mut Term) -> Result<Option<Exit>, Failure> {
        loop {
            term.flush();
            if let Err(timed_out) = unless_ended(sleep(RECONNECT_DELAY), &mut self.signals, self.timeout_at).await {
                return Ok(Some(self.given_up(timed_out, term)));
            }
            let connecting = async {
                self.setup.renew_login(self.client.session()).await?;
                Ok(self.client.connect(&self.setup.route).await)
            };
            match unless_ended(connecting, &mut self.signals, self.timeout_at).await {
                Ok(connected) => match connected? {
                    Ok(()) => return Ok(None),
                    Err(error) if ending::is_tried_again(&error) => {}
                    Err(error) => return Err(self.setup.not_connected_again(&error).await),
                },
                Err(timed_out) => return Ok(Some(self.given_up(timed_out, term))),
            }
        }
    }

    /// Acts on one event. The outer error ends the program, the inner one the connection.
    fn handle(&mut self, event: Event, now: Instant, term: &mut Term) -> Result<Result<Step, Ending>, Failure> {
        Ok(Ok(match event {
            Event::Message(publish) => self.message(&publish, now, term),
            Event::Trace(trace) => {
                debug_lines::tell(self.client.session(), &trace, term);
                Step::Go
            }
            Event::Connected(_) => {
                self.accepted = true;
                self.subscribe(now, term);
                Step::Go
            }
            Event::Refused(connack) => {
                return Err(self.setup.refused(Verb::Sub, &connack));
            }
            Event::SubAck(suback) => self.subscribed(&suback, term),
            Event::Acknowledged(acknowledged) => {
                self.removals.remove(&acknowledged.packet_id);
                Step::Go
            }
            Event::Disconnected(_) => return Ok(Err(Ending::Closed)),
            Event::Auth(_) => return Err(ending::asked_to_authenticate()),
            // All that sub publishes are removals, and those of the connection before wait for this one.
            Event::Unsendable { packet_id, error } => {
                self.removals.remove(&packet_id);
                ending::note_unsent("PUBLISH", error, term);
                Step::Go
            }
            Event::UnsubAck(unsuback) => {
                if let Some(end) = &mut self.retained_end {
                    end.answered(unsuback.packet_id, now);
                }
                Step::Go
            }
        }))
    }

    /// One SUBSCRIBE with every `-t`, then an UNSUBSCRIBE for each `-U`. What cannot be sent in this
    /// version is left out in silence by Mosquitto; we say so.
    fn subscribe(&mut self, now: Instant, term: &mut Term) {
        let args = self.args;
        let mut options = args.subscription_options();
        if let Some(end) = &mut self.retained_end {
            // Messages of QoS 1 and 2 wait for their place in the window, and others overtake them.
            options.qos = QoS::AtMostOnce;
            end.begin_again();
        }
        let session = self.client.session();
        if !args.filters.is_empty() {
            let subscriptions = args
                .filters
                .iter()
                .map(|filter| Subscription { filter: filter.clone().into_inner(), options })
                .collect();
            if let Err(error) = session.subscribe(subscriptions, args.properties.subscribe.clone(), now) {
                ending::note_unsent("SUBSCRIBE", error, term);
            }
        }
        for filter in &args.unsubscribes {
            let filters = vec![filter.clone().into_inner()];
            if let Err(error) = session.unsubscribe(filters, args.properties.unsubscribe.clone(), now) {
                ending::note_unsent("UNSUBSCRIBE", error, term);
            }
        }
    }

    fn subscribed(&mut self, suback: &SubAck, term: &mut Term) -> Step {
        if self.args.debug && !self.args.quiet {
            let codes: Vec<_> = suback.codes.iter().map(|code| code.0.to_string()).collect();
            term.line(format_args!("Subscribed (mid: {}): {}", suback.packet_id, codes.join(", ")));
        }
        let denied = suback.codes.iter().find(|code| code.is_error()).copied();
        if let Some(code) = denied
            && self.args.strict >= Strict::Refusals
        {
            for (filter, code) in self.args.filters.iter().zip(&suback.codes).filter(|(_, code)| code.is_error()) {
                term.note(format_args!("Warning: subscription to '{}' was denied: {}.", &**filter, code.text()));
            }
            return Step::Leave(Exit(code.0));
        }
        if denied.is_some() && suback.codes.iter().all(|code| code.is_error()) {
            term.note("All subscription requests were denied.");
            return Step::Leave(Exit::OK);
        }
        if let Some(end) = &mut self.retained_end {
            end.subscribed();
        }
        if self.args.exit_after_suback { Step::Leave(Exit::OK) } else { Step::Go }
    }

    /// `--retained-only`: asks whether the broker has more, and leaves if not.
    fn look_for_retained_end(&mut self, now: Instant, term: &mut Term) -> Option<Exit> {
        match self.retained_end.as_mut()?.poll(now) {
            Turn::Wait => None,
            Turn::Ask => {
                let filter = RetainedEnd::filter(&self.args.filters);
                match self.client.session().unsubscribe(vec![filter.into()], Properties::new(), now) {
                    Ok(id) => self.retained_end.as_mut()?.asked(id, now),
                    Err(error) => ending::note_unsent("UNSUBSCRIBE", error, term),
                }
                None
            }
            Turn::Done => Some(Exit::OK),
            Turn::Unknown => {
                term.note(
                    "Warning: it is not known whether the broker has more retained messages: it does not answer.",
                );
                Some(Exit(Outcome::Timeout as u8))
            }
        }
    }

    /// The messages that ask for nothing but to be shown, straight from what was read.
    fn show_plain(&mut self, now: Instant, term: &mut Term) -> Step {
        if self.args.remove_retained {
            return Step::Go;
        }
        let showing = &mut self.showing;
        let end = &mut self.retained_end;
        let shown = self.client.show_plain(now, |publish| {
            let verdict = showing.judge(&publish);
            match (verdict, end.as_mut()) {
                // More retained ones may follow a live one.
                (Verdict::PassOver | Verdict::TooLate, _) | (Verdict::Enough, Some(_)) => ControlFlow::Continue(()),
                (Verdict::Enough, None) => ControlFlow::Break(()),
                (Verdict::Show, end) => {
                    end.into_iter().for_each(RetainedEnd::heard);
                    showing.show(publish, term)
                }
            }
        });
        if shown.is_break() { self.finish() } else { Step::Go }
    }

    /// One message, in Mosquitto's order: filters, removal, print, count. One that comes too late or ends the
    /// program is not acknowledged: nobody has seen it.
    fn message(&mut self, publish: &Publish, now: Instant, term: &mut Term) -> Step {
        match self.showing.judge(&publish.as_ref()) {
            Verdict::TooLate => return Step::Go,
            Verdict::Enough if self.retained_end.is_some() => {
                self.client.session().acknowledge(publish);
                return Step::Go;
            }
            Verdict::Enough => return self.finish(),
            Verdict::PassOver => {
                self.client.session().acknowledge(publish);
                return Step::Go;
            }
            Verdict::Show => self.client.session().acknowledge(publish),
        }
        if self.args.remove_retained && publish.retain {
            match remove(self.client.session(), publish, now) {
                Ok(acknowledged) => self.removals.extend(acknowledged),
                Err(error) => ending::note_unsent("PUBLISH", error, term),
            }
        }
        if let Some(end) = &mut self.retained_end {
            end.heard();
        }
        // Their lines of the log stand in front of the message.
        if self.args.debug {
            self.drain_log(term);
        }
        if self.showing.show(publish.as_ref(), term).is_break() { self.finish() } else { Step::Go }
    }

    /// Nothing more is printed. Removals that are on their way are waited for.
    fn finish(&mut self) -> Step {
        self.showing.over = true;
        if self.removals.is_empty() { Step::Leave(Exit::OK) } else { Step::Go }
    }

    /// Ends the flows of what was shown, then DISCONNECT, and the end.
    async fn leave(&mut self, exit: Exit, reason: ReasonCode, term: &mut Term) -> Result<Exit, Failure> {
        if self.acknowledge_shown(term) {
            tokio::select! {
                () = leaving::settle(&mut self.client, term) => {}
                // One more signal: whoever sends it does not want to wait.
                _ = self.signals.wait() => {}
            }
        }
        leaving::leave(&mut self.client, reason, &self.args.properties.disconnect, term).await;
        Ok(exit)
    }

    /// Writes what has been shown and recorded, and then lets the acknowledgements of it out; whether it could be written.
    fn acknowledge_shown(&mut self, term: &mut Term) -> bool {
        let now = Instant::now();
        if self.showing.recorder.as_mut().is_some_and(|recorder| !recorder.write_due(now)) {
            self.client.session().withhold_acknowledgements();
            return false;
        }
        leaving::acknowledge_shown(&mut self.client, term)
    }

    fn drain_log(&mut self, term: &mut Term) {
        debug_lines::drain(self.client.session(), term);
    }
}

impl Showing<'_> {
    /// Ends the recording.
    fn finish(&mut self) -> Result<(), Failure> {
        self.recorder.take().map_or(Ok(()), Recorder::finish)
    }

    #[inline]
    fn judge(&mut self, publish: &PublishRef<'_>) -> Verdict {
        self.printer.count();
        if self.over {
            Verdict::TooLate
        } else if self.args.retained_only && !publish.retain {
            Verdict::Enough
        } else if publish.retain && self.args.no_retained
            || self.args.filter_outs.iter().any(|filter| filter.matches(publish.topic))
            || self.args.data.matching.as_ref().is_some_and(|matching| !matching.is_met(publish.payload))
        {
            Verdict::PassOver
        } else {
            Verdict::Show
        }
    }

    /// Breaks with the last message of `-C`.
    #[inline]
    fn show(&mut self, publish: PublishRef<'_>, term: &mut Term) -> ControlFlow<()> {
        if let Some(recorder) = &mut self.recorder
            && !recorder.record(&publish)
        {
            return ControlFlow::Break(());
        }
        self.printer.print(publish, term);
        match &mut self.left {
            Some(left) if !self.args.message_rate => {
                *left -= 1;
                if *left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

/// An empty retained message takes the place of the retained one: the id that will be acknowledged, if one will.
fn remove(session: &mut Session, publish: &Publish, now: Instant) -> Result<Option<PacketId>, SendError> {
    let removal = |qos| Publish {
        dup: false,
        qos,
        retain: true,
        topic: publish.topic.clone(),
        packet_id: None,
        properties: Properties::new(),
        payload: bytes::Bytes::new(),
    };
    match session.publish(removal(QoS::AtLeastOnce), now) {
        Err(SendError::QoSNotSupported { .. }) => session.publish(removal(QoS::AtMostOnce), now).map(|_| None),
        sent => sent.map(Some),
    }
}

/// Waits for `work`, unless a signal or the time of `-W` comes first: then the error says whether it was the time.
async fn unless_ended<T>(
    work: impl Future<Output = T>,
    signals: &mut Signals,
    timeout_at: Option<Instant>,
) -> Result<T, bool> {
    tokio::select! {
        done = work => Ok(done),
        alarm = signals.wait() => Err(alarm),
        () = sleep_until(timeout_at.unwrap_or_else(Instant::now).into()), if timeout_at.is_some() => Err(true),
    }
}

/// The signals that end sub.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
    alarm: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: runtime::listen(SignalKind::interrupt())?,
            terminate: runtime::listen(SignalKind::terminate())?,
            alarm: runtime::listen(SignalKind::alarm())?,
        })
    }

    /// Whether the signal that came is SIGALRM.
    async fn wait(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => false,
            _ = self.terminate.recv() => false,
            _ = self.alarm.recv() => true,
        }
    }
}
