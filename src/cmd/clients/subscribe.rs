//! `moskit sub`, and `mosquitto_sub`: prints the messages of its subscriptions.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::time::Instant;

use super::conversation::{self, Work};
use super::debug_lines::{self, Nameless};
use super::decoding::Decoding;
use super::exec::Exec;
use super::plan::Subscribe;
use super::printer::Printer;
use super::recorder::Recorder;
use super::retained_end::{RetainedEnd, Turn};
use super::session::{self, Setup};
use super::signals::Signals;
use super::stop::Stop;
use super::{ending, manuals, setup};
use crate::client::Client;
use crate::cmd::applet::{Applet, Invocation};
use crate::cmd::connect;
use crate::cmd::connect::args::{Strict, Verb};
use crate::cmd::connect::outcome::Outcome;
use crate::decode::{Decoded, FormatError, Match};
use crate::mqtt::packet::{PacketId, Properties, ProtocolVersion, Publish, PublishRef, QoS, SubAck, Subscription};
use crate::mqtt::session::{Event, SendError, Session};
use crate::mqtt::topic::TopicFilter;
use crate::term::{Exit, Failure, Term};

pub const APPLET: Applet = Applet {
    name: "sub",
    mosquitto_name: Some("mosquitto_sub"),
    as_mosquitto: |argument| connect::options::as_mosquitto(connect::options::SUB, argument),
    about: "Subscribe and print messages",
    command: || connect::options::command("sub", APPLET.about, connect::options::SUB),
    run,
    manual: manuals::SUB,
};

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let args = setup::read(&APPLET, Verb::Sub, invocation, term)?;
    let subscribe = Subscribe::new(&args, invocation, term)?;
    let timeout = subscribe.timeout;
    let (setup, work) = Subscribing::new(subscribe, term)?;
    session::run(Verb::Sub, false, conversation::hold(work, setup, timeout, term))
}

/// A run of sub.
struct Subscribing {
    subscriptions: Vec<Subscription>,
    properties: Properties,
    unsubscriptions: Vec<bytestring::ByteString>,
    unsubscribe_properties: Properties,
    showing: Showing,
    /// `--exec`
    exec: Option<Exec>,
    /// The broker has no word for whether it has kept the session, and was asked to.
    is_session_taken_for_kept: bool,
    /// `--retained-only`: whether the broker has more.
    retained_end: Option<RetainedEnd>,
    /// How it ends when all that was asked for is done.
    ends_with: Exit,
    remove_retained: bool,
    exit_after_suback: bool,
    shows_suback: bool,
    /// Under Mosquitto's name nothing is said that is not said there.
    as_mosquitto: bool,
    /// Without its SUBSCRIBE no message can come: no session is kept that could have subscriptions. Not under Mosquitto's name.
    has_nothing_else: bool,
    debug: Option<Nameless>,
    strict: Strict,
    /// Retained messages that are being removed and not yet acknowledged.
    removals: HashSet<PacketId>,
}

/// Which messages are shown, and how many more.
struct Showing {
    printer: Printer,
    /// `--record`
    recorder: Option<Recorder>,
    matching: Option<Match>,
    decoding: Option<Decoding>,
    /// The payload of the message that was judged last.
    decoded: Option<Result<Decoded, FormatError>>,
    filter_outs: Vec<TopicFilter>,
    no_retained: bool,
    retained_only: bool,
    /// Commands get what is not printed.
    prints: bool,
    /// Messages that `-C` still waits for.
    left: Option<u32>,
    /// Something was shown since the conversation asked.
    shown: bool,
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

impl Subscribing {
    fn new(subscribe: Subscribe, term: &mut Term) -> Result<(Setup, Self), Failure> {
        let Subscribe {
            plan,
            subscriptions,
            properties,
            unsubscriptions,
            unsubscribe_properties,
            mut printer,
            decoding,
            count,
            exit_after_suback,
            filter_outs,
            no_retained,
            retained_only,
            remove_retained,
            matching,
            record,
            execution,
            shows_suback,
            strict,
            ..
        } = subscribe;
        let debug = plan.log();
        let as_mosquitto = plan.as_mosquitto;
        let has_nothing_else = !plan.as_mosquitto && plan.connect.clean_start;
        // A session that is kept would keep the subscription at QoS 0, and lose what waits in it.
        let asks_for_the_end = retained_only && !plan.as_mosquitto && plan.connect.clean_start;
        let retained_end = asks_for_the_end.then(|| {
            RetainedEnd::new(subscriptions.iter().any(|subscription| subscription.options.retain_as_published))
        });
        let is_session_taken_for_kept = plan.version() == ProtocolVersion::V31 && !plan.connect.clean_start;
        let setup = Setup::new(plan, term)?;
        let recorder = record.map(|(path, rotation)| Recorder::start(&path, rotation)).transpose()?;
        printer.start(setup.host(), term);
        let showing = Showing {
            printer,
            recorder,
            matching,
            decoding,
            decoded: None,
            filter_outs,
            no_retained,
            retained_only,
            prints: execution.is_none(),
            left: count,
            shown: false,
            over: false,
        };
        let work = Self {
            subscriptions,
            properties,
            unsubscriptions,
            unsubscribe_properties,
            showing,
            exec: execution.map(Exec::new),
            is_session_taken_for_kept,
            retained_end,
            ends_with: Exit::OK,
            remove_retained,
            exit_after_suback,
            shows_suback,
            as_mosquitto,
            has_nothing_else,
            debug,
            strict,
            removals: HashSet::new(),
        };
        Ok((setup, work))
    }

    /// One SUBSCRIBE with every `-t`, then an UNSUBSCRIBE for each `-U`. What cannot be sent is left out in silence by Mosquitto; we
    /// say so, and end where nothing could come.
    fn subscribe(&mut self, session: &mut Session, now: Instant, term: &mut Term) -> Result<(), Stop> {
        let mut subscriptions = self.subscriptions.clone();
        if let Some(end) = &mut self.retained_end {
            // Messages of QoS 1 and 2 wait for their place in the window, and others overtake them.
            for subscription in &mut subscriptions {
                subscription.options.qos = QoS::AtMostOnce;
            }
            end.begin_again();
        }
        if !subscriptions.is_empty()
            && let Err(error) = session.subscribe(subscriptions, self.properties.clone(), now)
        {
            if self.has_nothing_else {
                return Err(Stop::Unsendable(error));
            }
            ending::note_unsent("SUBSCRIBE", error, term);
        }
        for filter in &self.unsubscriptions {
            if let Err(error) = session.unsubscribe(vec![filter.clone()], self.unsubscribe_properties.clone(), now) {
                ending::note_unsent("UNSUBSCRIBE", error, term);
            }
        }
        Ok(())
    }

    fn subscribed(&mut self, suback: &SubAck, term: &mut Term) -> Result<(), Stop> {
        if self.shows_suback {
            let codes: Vec<_> = suback.codes.iter().map(|code| code.0.to_string()).collect();
            term.line(format_args!("Subscribed (mid: {}): {}", suback.packet_id, codes.join(", ")));
        }
        let denied = suback.codes.iter().find(|code| code.is_error()).copied();
        if let Some(code) = denied
            && self.strict >= Strict::Refusals
        {
            for (subscription, code) in self.subscriptions.iter().zip(&suback.codes).filter(|(_, code)| code.is_error())
            {
                term.note(format_args!(
                    "Warning: subscription to '{}' was denied: {}.",
                    subscription.filter,
                    code.text()
                ));
            }
            return Err(Stop::Done(Exit(code.0)));
        }
        if denied.is_some() && suback.codes.iter().all(|code| code.is_error()) {
            term.note("All subscription requests were denied.");
            return Err(Stop::Done(Exit::OK));
        }
        if !self.as_mosquitto {
            self.note_denied(suback, term);
        }
        if let Some(end) = &mut self.retained_end {
            end.subscribed();
        } else if !self.as_mosquitto {
            self.note_lowered(suback, term);
        }
        if self.exit_after_suback { Err(Stop::Done(Exit::OK)) } else { Ok(()) }
    }

    /// Where some of several subscriptions are granted, sub goes on, and says which are not.
    fn note_denied(&self, suback: &SubAck, term: &mut Term) {
        for (index, Subscription { filter, .. }) in self.subscriptions.iter().enumerate() {
            match suback.codes.get(index) {
                Some(code) if code.is_error() => {
                    term.note(format_args!(
                        "warning: the broker denies the subscription to '{filter}': {}",
                        code.text()
                    ));
                }
                Some(_) => {}
                // As many codes as filters are due [MQTT-3.8.4-6].
                None => term.note(format_args!("warning: the broker does not say whether it grants '{filter}'")),
            }
        }
    }

    /// A broker that grants less than was asked for says so here, and nowhere else.
    fn note_lowered(&self, suback: &SubAck, term: &mut Term) {
        for (subscription, granted) in self.subscriptions.iter().zip(&suback.codes) {
            let asked = subscription.options.qos as u8;
            if granted.0 < asked {
                term.note(format_args!(
                    "warning: the broker grants QoS {} where {asked} was asked for: '{}'",
                    granted.0, subscription.filter
                ));
            }
        }
    }

    /// One message, in Mosquitto's order: filters, removal, print, count. One that comes too late or ends the
    /// program is not acknowledged: nobody has seen it.
    fn message(&mut self, publish: &Publish, session: &mut Session, now: Instant, term: &mut Term) -> Result<(), Stop> {
        match self.showing.judge(&publish.as_ref()) {
            Verdict::TooLate => return Ok(()),
            Verdict::Enough if self.retained_end.is_some() => return Ok(()),
            Verdict::Enough => return self.finish(),
            Verdict::PassOver => {
                match &mut self.exec {
                    Some(exec) => exec.pass_over(publish),
                    None => session.acknowledge(publish),
                }
                return Ok(());
            }
            Verdict::Show => {}
        }
        match &mut self.exec {
            Some(exec) => {
                // One that comes again after a lost connection was counted before.
                if !exec.take(publish) {
                    return Ok(());
                }
            }
            None => session.acknowledge(publish),
        }
        if self.remove_retained && publish.retain {
            match remove(session, publish, now) {
                Ok(acknowledged) => self.removals.extend(acknowledged),
                Err(error) => ending::note_unsent("PUBLISH", error, term),
            }
        }
        if let Some(end) = &mut self.retained_end {
            end.heard();
        }
        // Their lines of the log stand in front of the message.
        if let Some(nameless) = self.debug {
            debug_lines::drain(session, nameless, term);
        }
        if self.showing.show(publish.as_ref(), term).is_break() { self.finish() } else { Ok(()) }
    }

    /// `--retained-only`: asks whether the broker has more, and is done if not.
    fn look_for_retained_end(&mut self, session: &mut Session, now: Instant, term: &mut Term) -> Result<(), Stop> {
        let Some(end) = &mut self.retained_end else { return Ok(()) };
        let subscriptions = &self.subscriptions;
        if self.showing.over {
            return Ok(());
        }
        match end.poll(now) {
            Turn::Wait => Ok(()),
            Turn::Ask => {
                let filter = RetainedEnd::filter(|filter| {
                    subscriptions.iter().any(|subscription| subscription.filter == *filter)
                });
                match session.unsubscribe(vec![filter.into()], Properties::new(), now) {
                    Ok(id) => end.asked(id, now),
                    Err(error) => ending::note_unsent("UNSUBSCRIBE", error, term),
                }
                Ok(())
            }
            Turn::Done => self.finish(),
            Turn::PerhapsDone => {
                term.note(
                    "Warning: it is not known whether the broker has more retained messages: it sends them behind its answers.",
                );
                self.ends_with = Exit(Outcome::Timeout as u8);
                self.finish()
            }
            Turn::Unknown => {
                term.note(
                    "Warning: it is not known whether the broker has more retained messages: it does not answer.",
                );
                Err(Stop::Done(Exit(Outcome::Timeout as u8)))
            }
        }
    }

    /// Nothing more is printed. Removals that are on their way, and commands that run, are waited for.
    fn finish(&mut self) -> Result<(), Stop> {
        self.showing.over = true;
        self.done_if_over()
    }

    fn done_if_over(&self) -> Result<(), Stop> {
        let is_idle = self.exec.as_ref().is_none_or(Exec::is_idle);
        if self.showing.over && self.removals.is_empty() && is_idle { Err(Stop::Done(self.ends_with)) } else { Ok(()) }
    }
}

impl Work for Subscribing {
    const NEEDS_OUTPUT: bool = true;
    const TOO_EARLY: Option<Exit> = Some(Exit(255));

    fn handle(&mut self, event: Event, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop> {
        match event {
            Event::Message(publish) => return self.message(&publish, client.session(), now, term),
            Event::Connected(connack) => {
                if let Some(exec) = &mut self.exec {
                    exec.handle_connected(connack.session_present || self.is_session_taken_for_kept);
                }
                self.subscribe(client.session(), now, term)?;
            }
            Event::SubAck(suback) => return self.subscribed(&suback, term),
            Event::Acknowledged(acknowledged) => {
                self.removals.remove(&acknowledged.packet_id);
            }
            // All that sub publishes are removals, and those of the connection before wait for this one.
            Event::Unsendable { packet_id, error, .. } => {
                self.removals.remove(&packet_id);
                ending::note_unsent("PUBLISH", error, term);
            }
            Event::UnsubAck(unsuback) => {
                if let Some(end) = &mut self.retained_end {
                    end.answered(unsuback.packet_id, now);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The messages that ask for nothing but to be shown, straight from what was read.
    #[inline]
    fn show_plain(&mut self, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop> {
        // A message that is in hand for longer needs a packet of its own.
        if self.remove_retained || self.exec.is_some() {
            return Ok(());
        }
        let showing = &mut self.showing;
        let end = &mut self.retained_end;
        let shown = client.show_plain(now, |publish| {
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
        if shown.is_break() { self.finish() } else { Ok(()) }
    }

    fn act(&mut self, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop> {
        if let Some(exec) = &mut self.exec {
            exec.acknowledge(client.session(), term);
            // What runs beside the one that has failed comes to its end.
            if exec.has_failed() && !exec.is_running() {
                return Err(Stop::Done(Exit::FAILED));
            }
        }
        if self.removals.is_empty() {
            self.look_for_retained_end(client.session(), now, term)?;
        }
        self.done_if_over()
    }

    fn keep(&mut self, now: Instant) -> bool {
        self.showing.recorder.as_mut().is_none_or(|recorder| recorder.write_due(now))
    }

    fn wake(&self, _: bool) -> Option<Instant> {
        let retained = self.retained_end.as_ref().and_then(RetainedEnd::deadline);
        let recorder = self.showing.recorder.as_ref().and_then(Recorder::deadline);
        [self.showing.printer.deadline(), recorder, retained].into_iter().flatten().min()
    }

    fn has_room(&self) -> bool {
        self.exec.as_ref().is_none_or(Exec::has_room)
    }

    fn wants_input(&mut self) -> bool {
        self.exec.as_ref().is_some_and(Exec::is_running)
    }

    async fn read_input(&mut self) -> Result<(), Stop> {
        if let Some(exec) = &mut self.exec {
            exec.ended().await;
        }
        Ok(())
    }

    fn handle_closed(&mut self, _: &Stop, _: &mut Session, _: &mut Term) {
        self.exec.iter_mut().for_each(Exec::handle_closed);
    }

    async fn wind_up(&mut self, _: &Stop, client: &mut Client, signals: &mut Signals, term: &mut Term) {
        if let Some(exec) = &mut self.exec {
            exec.wind_up(client.session(), signals, term).await;
        }
    }

    /// Ends the recording, and counts the commands.
    fn finish(&mut self, exit: Exit, term: &mut Term) -> Result<Exit, Failure> {
        self.showing.printer.finish(term);
        let recorded = self.showing.recorder.take().map_or(Ok(()), Recorder::finish);
        let exit = self.exec.as_mut().map_or(Ok(exit), |exec| exec.finish(exit, term));
        recorded.and(exit)
    }

    fn tick(&mut self, now: Instant, term: &mut Term) {
        self.showing.printer.tick(now, term);
    }

    fn take_shown(&mut self) -> bool {
        std::mem::take(&mut self.showing.shown)
    }

    /// Whatever comes to an end, but not to what has accepted a connection and never answered.
    fn connects_again(&self, stop: &Stop, accepted: bool) -> bool {
        match stop {
            Stop::Lost(ending) => ending::is_retried(ending) && (accepted || !ending::is_unanswered(ending)),
            _ => true,
        }
    }
}

impl Showing {
    #[inline]
    fn judge(&mut self, publish: &PublishRef<'_>) -> Verdict {
        self.printer.count();
        if self.over {
            Verdict::TooLate
        } else if self.retained_only && !publish.retain {
            Verdict::Enough
        } else if publish.retain && self.no_retained
            || self.filter_outs.iter().any(|filter| filter.matches(publish.topic))
            || (self.decoding.is_some() || self.matching.is_some()) && !self.matches(publish)
        {
            Verdict::PassOver
        } else {
            Verdict::Show
        }
    }

    /// Decodes the payload; whether what `--match` asks for is in it.
    fn matches(&mut self, publish: &PublishRef<'_>) -> bool {
        self.decoded = self.decoding.as_mut().and_then(|decoding| decoding.decode(publish));
        let Some(matching) = &self.matching else { return true };
        match &self.decoded {
            Some(Ok(Decoded::Json(json))) => matching.is_met(json),
            _ => matching.is_met(publish.payload),
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
        self.shown = true;
        if self.prints {
            self.printer.print(publish, self.decoded.take(), term);
        }
        match &mut self.left {
            Some(left) => {
                *left -= 1;
                if *left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            }
            None => ControlFlow::Continue(()),
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
