//! `moskit pub`, and `mosquitto_pub`: publishes a message, or each line of its input.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytestring::ByteString;
use tokio::time::timeout;

use super::conversation::{self, Work};
use super::feed::{Defaults, Feed, Outgoing, Place};
use super::plan::{Messages, Publish};
use super::sent::Ledger;
use super::session::{self, Setup};
use super::signals::Signals;
use super::stop::Stop;
use super::unsent::Unsent;
use super::{ending, manuals, setup};
use crate::client::Client;
use crate::cmd::applet::{Applet, Invocation};
use crate::cmd::connect;
use crate::cmd::connect::arg_error::ArgError;
use crate::cmd::connect::args::{Strict, Verb};
use crate::cmd::connect::outcome::Outcome;
use crate::mqtt::packet::{self, PacketId, ProtocolVersion, QoS, ReasonCode};
use crate::mqtt::session::{Acknowledged, Event, SendError, Session};
use crate::term::{Exit, Failure, Foreign, Progress, Term};

pub const APPLET: Applet = Applet {
    name: "pub",
    mosquitto_name: Some("mosquitto_pub"),
    as_mosquitto: |argument| connect::options::as_mosquitto(connect::options::PUB, argument),
    about: "Publish messages",
    command: || connect::options::command("pub", APPLET.about, connect::options::PUB),
    run,
    manual: manuals::PUB,
};

/// Bytes of output that may wait for the socket before no more lines are read.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// After so many bytes of messages of QoS 0 the broker is asked whether it has read them: if it ends the connection, it can be
/// said which ones it may have minded.
const UNCONFIRMED_LIMIT: usize = 64 * 1024;

/// How long `-l` tries to connect again when its input has ended and lines are not acknowledged.
const RECONNECT_LIMIT: Duration = Duration::from_secs(30);

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let args = setup::read(&APPLET, Verb::Pub, invocation, term)?;
    let Some(publish) = Publish::new(&args, invocation, term)? else {
        let text = "Error: Both topic and message must be supplied.";
        if !invocation.as_mosquitto {
            let hint = match (&args.topic, &args.payload) {
                (None, None) => {
                    "give -t TOPIC and -m TEXT; -f FILE, -s or -l take the payload from elsewhere, -n sends none"
                }
                (None, Some(_)) => "give the topic: -t TOPIC",
                _ => "give the payload: -m TEXT, -f FILE, or -s or -l for standard input; -n sends an empty one",
            };
            return Err(ArgError::hinted(text, hint).into_failure(&invocation.program));
        }
        term.complain(text);
        let usage = APPLET.help(invocation, term);
        term.write(usage.as_bytes());
        return Err(Failure::silent(Exit::FAILED));
    };
    let Publish { plan, messages, defaults, common_topic, strict, timeout, unsent } = publish;
    let (as_mosquitto, version) = (plan.as_mosquitto, plan.version());
    let setup = Setup::new(plan, term)?;
    let unsent = unsent.map(|path| Unsent::start(&path)).transpose()?;
    let refusals = Refusals { strict, common_topic, refused: None };
    let keeps = unsent.is_some();
    let conversation = match messages {
        Messages::Repeated { topic, payload, times, delay } => {
            let Defaults { qos, retain, properties, .. } = defaults;
            let message = packet::Publish { dup: false, qos, retain, topic, packet_id: None, properties, payload };
            let (left, next, lost) = (times, Next::Connecting, 0);
            let work = Repeating { message, left, delay, next, lost, as_mosquitto, refusals, unsent };
            conversation::hold(work, setup, timeout, term)
        }
        Messages::Lines(feed) => {
            let ledger = Ledger::default();
            let progress = None;
            let work = PublishingLines {
                feed,
                defaults,
                version,
                refusals,
                progress,
                as_mosquitto,
                ledger,
                refused: None,
                summary: None,
                given_up: Vec::new(),
                unsent,
                losses_said: 0,
            };
            conversation::hold(work, setup, timeout, term)
        }
    };
    session::run(Verb::Pub, keeps, conversation)
}

/// What the broker says of messages that it does not take.
struct Refusals {
    strict: Strict,
    /// The topic that all messages have, where they have one.
    common_topic: Option<ByteString>,
    /// `--strict` found one: the exit code at the end.
    refused: Option<Exit>,
}

impl Refusals {
    /// A refused message is a warning, and under `--strict` an exit code.
    fn note(&mut self, acknowledged: &Acknowledged, term: &mut Term) {
        let (id, reason) = (acknowledged.packet_id, acknowledged.reason);
        if reason.is_error() {
            ending::note_refused(id, reason, term);
            if let Some(why) = acknowledged.properties.reason_string() {
                term.note(Foreign::new(&why));
            }
            if self.strict >= Strict::Refusals {
                self.refused = Some(Exit(reason.0));
            }
        } else if reason == ReasonCode::NO_MATCHING_SUBSCRIBERS && self.strict == Strict::Subscribers {
            ending::note_nobody(id, self.common_topic.as_deref(), term);
            self.refused.get_or_insert(Exit(reason.0));
        }
    }

    fn done(&self) -> Stop {
        Stop::Done(self.refused.unwrap_or(Exit::OK))
    }
}

/// One message, `--repeat` times, each after the acknowledgement of the one before.
struct Repeating {
    message: packet::Publish,
    left: u32,
    delay: Duration,
    next: Next,
    /// Those of QoS 0 that were lost with a connection, or may have been.
    lost: u64,
    as_mosquitto: bool,
    refusals: Refusals,
    unsent: Option<Unsent>,
}

/// Where a run of `--repeat` stands.
#[derive(Clone, Copy)]
enum Next {
    Connecting,
    /// The next message goes out then.
    At(Instant),
    /// A message of QoS 0 is not written yet.
    Writing,
    /// The flow of this message is not over.
    Awaiting(PacketId),
    /// All are written, and whether the broker has read those of QoS 0 is asked.
    Confirming,
    Finished,
}

impl Repeating {
    /// What follows a message that is done.
    fn after_one(&self, now: Instant) -> Next {
        match self.left {
            0 if self.message.qos == QoS::AtMostOnce && !self.as_mosquitto => Next::Confirming,
            0 => Next::Finished,
            _ => Next::At(now + self.delay),
        }
    }

    fn publish(&mut self, session: &mut Session, now: Instant) -> Result<Next, Stop> {
        let id = session.publish(self.message.clone(), now).map_err(Stop::Unsendable)?;
        self.left -= 1;
        if self.message.qos > QoS::AtMostOnce {
            return Ok(Next::Awaiting(id));
        }
        // The question that follows the last one goes out in the same write.
        if let Next::Confirming = self.after_one(now) {
            session.ping(now);
        }
        Ok(Next::Writing)
    }
}

impl Work for Repeating {
    const NEEDS_OUTPUT: bool = false;

    fn handle(&mut self, event: Event, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop> {
        match event {
            // A message that waits for its acknowledgement is sent again by the session.
            Event::Connected(_) if !matches!(self.next, Next::Awaiting(_) | Next::Finished) => {
                self.next = Next::At(now);
            }
            Event::Acknowledged(acknowledged) => {
                self.refusals.note(&acknowledged, term);
                if matches!(self.next, Next::Awaiting(awaited) if awaited == acknowledged.packet_id) {
                    self.next = self.after_one(now);
                }
            }
            Event::PingResp if matches!(self.next, Next::Confirming) && client.session().unconfirmed() == 0 => {
                self.next = Next::Finished;
            }
            Event::Unsendable { error, .. } => return Err(Stop::Unsendable(error)),
            // A message is nothing that pub shows: it is not acknowledged, and stays for a sub with this client id.
            _ => {}
        }
        // What comes right behind the last answer, be it DISCONNECT or nonsense, changes nothing of what has been done.
        if matches!(self.next, Next::Finished) { Err(self.refusals.done()) } else { Ok(()) }
    }

    fn act(&mut self, client: &mut Client, now: Instant, _: &mut Term) -> Result<(), Stop> {
        loop {
            self.next = match self.next {
                Next::Finished => return Err(self.refusals.done()),
                Next::At(at) if at <= now => self.publish(client.session(), now)?,
                Next::Writing if client.session().output().is_empty() => self.after_one(now),
                Next::Confirming if client.session().unconfirmed() == 0 => Next::Finished,
                Next::Confirming => {
                    client.session().ping(now);
                    return Ok(());
                }
                Next::At(_) | Next::Connecting | Next::Writing | Next::Awaiting(_) => return Ok(()),
            };
        }
    }

    fn wake(&self, _: bool) -> Option<Instant> {
        if let Next::At(at) = self.next { Some(at) } else { None }
    }

    /// A message of QoS 0 that was not written whole is sent again, where another connection is made. Others that the broker
    /// may not have read are not: at most once.
    fn handle_closed(&mut self, _: &Stop, session: &mut Session, _: &mut Term) {
        let resent = u64::from(matches!(self.next, Next::Writing));
        self.lost += session.unconfirmed().saturating_sub(resent);
        match self.next {
            Next::Writing => {
                self.left += 1;
                self.next = Next::Connecting;
            }
            Next::Confirming => self.next = Next::Finished,
            _ => {}
        }
    }

    fn keeps(&self) -> bool {
        self.unsent.is_some()
    }

    async fn wind_up(&mut self, stop: &Stop, _: &mut Client, _: &mut Signals, _: &mut Term) {
        let was_sent = match self.next {
            Next::Connecting | Next::At(_) => false,
            Next::Awaiting(_) => true,
            // Nobody acknowledges QoS 0, so that a message which was handed to a connection may have arrived: at most once.
            Next::Writing | Next::Confirming | Next::Finished => return,
        };
        if let (Some(unsent), false) = (&mut self.unsent, matches!(stop, Stop::Done(_))) {
            unsent.keep(&self.message.as_ref(), None, was_sent);
        }
    }

    fn finish(&mut self, exit: Exit, term: &mut Term) -> Result<Exit, Failure> {
        let kept = self.unsent.take().map_or(Ok(()), |unsent| unsent.finish(term));
        let losses = (self.lost > 0).then(|| ending::unread(self.lost));
        ending::with_losses(losses, kept.map(|()| exit), term)
    }

    fn connects_again(&self, _: &Stop, _: bool) -> bool {
        false
    }

    fn unsendable(&self, error: SendError) -> Failure {
        ending::not_sent_by_pub(error)
    }
}

/// A line whose message the broker does not take.
struct Refused {
    place: Option<Place>,
    error: SendError,
    /// It is the next one; otherwise others after it may have been published.
    is_next: bool,
}

/// Lost connections of which it is said which messages may be lost; of all it is said at the end.
const LOSSES_SHOWN: u32 = 5;

/// How long input that is to be kept may pause before its end is taken for reached: what comes later was not read, and
/// whoever writes it is told by the closed pipe.
const QUIET: Duration = Duration::from_secs(1);

/// How long it is waited for such input altogether, and from how many bytes of records on nothing more is read: whoever writes
/// without an end holds up neither the end of pub nor the disk.
const REST_WAIT: Duration = Duration::from_secs(10);
const REST_LIMIT: u64 = 1024 * 1024 * 1024;

/// Why no more of the rest of the input is read, if that is so.
fn why_no_more(waited: Duration, kept: u64) -> Option<&'static str> {
    if kept >= REST_LIMIT {
        Some("1 GiB is kept")
    } else if waited >= REST_WAIT {
        Some("its end did not come in 10 s")
    } else {
        None
    }
}

/// Each line is a message. The connection is made anew as often as needed; at QoS 1 and 2 no line is lost.
struct PublishingLines {
    feed: Box<Feed>,
    defaults: Defaults,
    version: ProtocolVersion,
    refusals: Refusals,
    /// How far the files are read, on a terminal.
    progress: Option<Progress>,
    as_mosquitto: bool,
    ledger: Ledger,
    /// The line whose message this broker does not take, and why: nothing after it is published.
    refused: Option<Refused>,
    /// What is said of them at the end, where not all are acknowledged.
    summary: Option<String>,
    /// Messages that were taken on one connection and that the broker of a later one does not take, and whether they have gone
    /// out before.
    given_up: Vec<(PacketId, packet::Publish, bool)>,
    unsent: Option<Unsent>,
    /// How often it was said that messages may be lost.
    losses_said: u32,
}

impl PublishingLines {
    /// Publishes the complete lines that there are, as far as window and output have room.
    fn publish(&mut self, session: &mut Session, now: Instant, term: &mut Term) -> Result<(), Stop> {
        let defaults = &self.defaults;
        while self.refused.is_none() {
            // Without a connection QoS 0 cannot be sent, and the QoS of a record is known when it is read.
            let room = if self.feed.is_at_most_once(defaults) { session.is_connected() } else { session.has_room() };
            if !room || !session.is_connected() || session.output().len() >= OUTPUT_LIMIT {
                return Ok(());
            }
            let ledger = &mut self.ledger;
            let mut refused_at = None;
            let publish = |Outgoing { publish, payload, place }: Outgoing<'_>| {
                let sent = match payload {
                    Some(payload) if publish.qos > QoS::AtMostOnce => {
                        session.publish(publish.with_payload(payload.clone()), now)
                    }
                    _ => session.publish_ref(publish, now),
                };
                match sent {
                    Ok(id) => {
                        ledger.note_published(id, publish.qos, place, publish.payload.len(), session.pings());
                        Ok(())
                    }
                    Err(error) => {
                        refused_at = Some(place);
                        Err(error)
                    }
                }
            };
            match self.feed.next(defaults, self.version, now, term, publish) {
                None => return Ok(()),
                Some(Ok(())) => {}
                Some(Err(error)) if self.as_mosquitto => return Err(Stop::Unsendable(error)),
                Some(Err(error)) => match refused_at {
                    // What is kept for later is not passed over.
                    Some(place) if self.feed.skips_bad() && self.unsent.is_none() => {
                        self.feed.skip(&place, ending::why_unsent(error), term);
                    }
                    place => {
                        self.refused = Some(Refused { place, error, is_next: true });
                        return self.stop_if_kept(error);
                    }
                },
            }
        }
        Ok(())
    }

    /// What is not acknowledged is waited for, unless it is kept.
    fn stop_if_kept(&self, error: SendError) -> Result<(), Stop> {
        if self.unsent.is_some() { Err(Stop::Unsendable(error)) } else { Ok(()) }
    }

    /// Everything is published, and has every answer that it gets.
    fn stop_if_done(&mut self, session: &mut Session) -> Result<(), Stop> {
        let is_drained = self.feed.is_drained() || self.refused.is_some();
        let is_confirmed = self.as_mosquitto || session.unconfirmed() == 0;
        let is_written = session.is_connected() && session.output().is_empty();
        if !is_drained || !is_written || !is_confirmed || session.unacknowledged() > 0 {
            return Ok(());
        }
        self.ledger.note_confirmed(session.unconfirmed());
        self.progress = None;
        Err(match &self.refused {
            None => self.refusals.done(),
            Some(refused) => Stop::Unsendable(refused.error),
        })
    }

    /// A message that waited for this connection cannot go out on it.
    fn give_up(
        &mut self,
        given_up: (PacketId, packet::Publish, bool),
        error: SendError,
        term: &mut Term,
    ) -> Result<(), Stop> {
        let id = given_up.0;
        self.feed.note_given_up();
        if self.unsent.is_some() || self.as_mosquitto {
            // It is kept in its place among the others.
            let place = self.ledger.place(id).cloned();
            self.given_up.push(given_up);
            if self.as_mosquitto {
                return Err(Stop::Unsendable(error));
            }
            self.refused.get_or_insert(Refused { place, error, is_next: false });
            return self.stop_if_kept(error);
        }
        match self.ledger.note_given_up(id) {
            Some(place) if self.feed.skips_bad() => {
                self.feed.note_skipped(&place, ending::why_unsent(error), term);
            }
            place => {
                self.refused.get_or_insert(Refused { place, error, is_next: false });
            }
        }
        Ok(())
    }

    /// Keeps the messages that are not acknowledged, and the rest of the input, all in the order of the input.
    async fn keep_the_rest(&mut self, session: &mut Session, signals: &mut Signals, term: &mut Term) {
        let Some(unsent) = &mut self.unsent else { return };
        // The first message that a connection does not take has ended it; others may be told behind it.
        while let Some(event) = session.poll_event() {
            if let Event::Unsendable { packet_id, message, was_sent, .. } = event {
                self.given_up.push((packet_id, message, was_sent));
            }
        }
        let open = session.unacknowledged_messages();
        let given_up = self.given_up.iter().map(|(id, message, was_sent)| (*id, message, *was_sent));
        let mut kept: Vec<_> = open
            .into_iter()
            .chain(given_up)
            .map(|(id, message, was_sent)| (self.ledger.number(id), self.ledger.place(id), message, was_sent))
            .collect();
        kept.sort_by_key(|(number, ..)| *number);
        for (_, place, message, was_sent) in kept {
            unsent.keep(&message.as_ref(), place.and_then(|place| place.received), was_sent);
        }
        self.feed.keep_rest();
        let mut is_said = false;
        let mut waited = Duration::ZERO;
        while !unsent.has_failed() {
            let keep = |Outgoing { publish, place, .. }: Outgoing<'_>| {
                unsent.keep(&publish, place.received, false);
                Ok::<_, Infallible>(())
            };
            if self.feed.next(&self.defaults, self.version, Instant::now(), term, keep).is_some() {
                continue;
            }
            unsent.flush();
            if self.feed.is_drained() || !self.feed.wants_more() {
                return;
            }
            if let Some(why) = why_no_more(waited, unsent.bytes()) {
                let after = self.feed.reached().map(|place| format!(" after {place}")).unwrap_or_default();
                term.note(format_args!("the rest of the input{after} was not read: {why}"));
                return;
            }
            if !std::mem::replace(&mut is_said, true) {
                term.note("the rest of the input is kept, until it ends or pauses for a second, for 10 s at most");
            }
            let begun = Instant::now();
            let read = tokio::select! {
                read = timeout(QUIET, self.feed.read()) => read,
                // One more signal: whoever sends it does not want to wait.
                _ = signals.wait() => return,
            };
            waited += begun.elapsed();
            if !matches!(read, Ok(Ok(()))) {
                if self.feed.is_within_line() {
                    term.note("the last line has begun and not ended: it is not kept");
                }
                return;
            }
        }
    }
}

impl Work for PublishingLines {
    const NEEDS_OUTPUT: bool = false;

    fn handle(&mut self, event: Event, client: &mut Client, _: Instant, term: &mut Term) -> Result<(), Stop> {
        match event {
            Event::Acknowledged(acknowledged) => {
                self.ledger.note_acknowledged(acknowledged.packet_id);
                self.refusals.note(&acknowledged, term);
                return self.stop_if_done(client.session());
            }
            Event::PingResp => return self.stop_if_done(client.session()),
            Event::Unsendable { packet_id, message, was_sent, error } => {
                return self.give_up((packet_id, message, was_sent), error, term);
            }
            _ => {}
        }
        Ok(())
    }

    fn act(&mut self, client: &mut Client, now: Instant, term: &mut Term) -> Result<(), Stop> {
        let session = client.session();
        self.publish(session, now, term)?;
        self.ledger.note_confirmed(session.unconfirmed());
        let is_drained = self.feed.is_drained() || self.refused.is_some();
        if !self.as_mosquitto
            && session.unconfirmed() > 0
            && (is_drained || self.ledger.bytes_since(session.pings()) >= UNCONFIRMED_LIMIT)
        {
            session.ping(now);
        }
        self.stop_if_done(session)?;
        if let Some((read, Some(length))) = self.feed.progress() {
            self.progress.get_or_insert_with(|| term.progress(length, "bytes")).reach(read);
        }
        Ok(())
    }

    fn wake(&self, is_connected: bool) -> Option<Instant> {
        self.feed.due().filter(|_| is_connected)
    }

    fn wants_input(&mut self) -> bool {
        self.refused.is_none() && self.feed.wants_more()
    }

    /// What was sent with QoS 0 and not read is lost, and nobody else says so.
    fn handle_closed(&mut self, stop: &Stop, session: &mut Session, term: &mut Term) {
        if self.as_mosquitto {
            return;
        }
        self.ledger.note_confirmed(session.unconfirmed());
        if let Some(lost) = self.ledger.note_lost() {
            self.losses_said += 1;
            if self.losses_said <= LOSSES_SHOWN {
                term.note(format_args!("Warning: the connection was lost: {}; {lost}.", ending::in_words(stop)));
            }
        }
    }

    async fn read_input(&mut self) -> Result<(), Stop> {
        self.feed.read().await.map_err(|error| {
            let why = crate::net::reason(&error);
            let text = format!("Error: Unable to read standard input: {why}.\n");
            Stop::Failed(Failure::verbatim(Exit::FAILED, text).quietable())
        })
    }

    fn keeps(&self) -> bool {
        self.unsent.is_some()
    }

    async fn wind_up(&mut self, stop: &Stop, client: &mut Client, signals: &mut Signals, term: &mut Term) {
        self.progress = None;
        let is_done = matches!(stop, Stop::Done(_));
        if matches!(stop, Stop::Lost(_) | Stop::Disconnected(_)) {
            self.ledger.note_confirmed(client.session().unconfirmed());
            self.ledger.note_lost();
        }
        if !is_done && self.refused.is_none() && (!self.as_mosquitto || self.unsent.is_some()) {
            self.summary = self.ledger.summary();
        }
        if !is_done || self.feed.is_cut_off() {
            self.keep_the_rest(client.session(), signals, term).await;
        }
    }

    /// What ended the lines, if it was no end of the input, and what has become of them.
    fn finish(&mut self, exit: Exit, term: &mut Term) -> Result<Exit, Failure> {
        if let Some(summary) = self.summary.take() {
            term.note(summary);
        }
        let kept = self.unsent.take().map_or(Ok(()), |unsent| unsent.finish(term));
        let fed = match (self.feed.finish(term), kept) {
            (Err(failure), Err(other)) => {
                other.show(term);
                Err(failure)
            }
            (fed, kept) => fed.and(kept),
        };
        ending::with_losses(self.ledger.losses(), fed.map(|()| exit), term)
    }

    fn unsendable(&self, error: SendError) -> Failure {
        match &self.refused {
            Some(Refused { place, is_next, .. }) => {
                let others = self.feed.published(if *is_next { "before it" } else { "beside it" });
                ending::line_not_sent(place.as_ref(), error, &others, self.feed.has_records())
            }
            None => ending::not_sent(error),
        }
    }

    /// As sub, but not to what has only ever answered nonsense.
    fn connects_again(&self, stop: &Stop, accepted: bool) -> bool {
        match stop {
            Stop::Lost(ending) => {
                ending::is_retried(ending)
                    && (accepted || !ending::is_unanswered(ending) && ending::outcome(ending) != Outcome::Malformed)
            }
            _ => true,
        }
    }

    fn reconnect_limit(&self) -> Option<Duration> {
        let limit = if self.as_mosquitto { Duration::ZERO } else { RECONNECT_LIMIT };
        (self.feed.is_at_end() || self.refused.is_some()).then_some(limit)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Buf;

    use super::*;

    #[test]
    fn the_last_message_of_qos_0_goes_out_with_the_question_whether_it_was_read() {
        let connect = packet::Connect {
            version: ProtocolVersion::V311,
            bridge: false,
            clean_start: true,
            keep_alive: 60,
            client_id: "c".into(),
            will: None,
            username: None,
            password: None,
            properties: packet::Properties::new(),
        };
        let connack = packet::ConnAck { session_present: false, code: 0, properties: packet::Properties::new() };
        let now = Instant::now();
        let sent = |left, as_mosquitto| {
            let mut session = Session::new(connect.clone(), None);
            session.handle_connected(now).unwrap();
            session.output().clear();
            session.handle_packet(packet::Packet::ConnAck(connack.clone()), now).unwrap();
            let message = packet::Publish {
                dup: false,
                qos: QoS::AtMostOnce,
                retain: false,
                topic: "t".into(),
                packet_id: None,
                properties: packet::Properties::new(),
                payload: "m".into(),
            };
            let refusals = Refusals { strict: Strict::default(), common_topic: None, refused: None };
            let (next, delay) = (Next::At(now), Duration::ZERO);
            let mut work = Repeating { message, left, delay, next, lost: 0, as_mosquitto, refusals, unsent: None };
            assert!(matches!(work.publish(&mut session, now), Ok(Next::Writing)));
            session.output().chunk().to_vec()
        };
        let publish = b"\x30\x04\x00\x01tm";
        assert_eq!(sent(1, false), [&publish[..], &[0xc0, 0]].concat());
        assert_eq!(sent(2, false), publish);
        assert_eq!(sent(1, true), publish);
    }

    #[test]
    fn input_without_an_end_is_read_up_to_a_limit() {
        let short = REST_WAIT.saturating_sub(Duration::from_millis(1));
        assert_eq!(why_no_more(short, REST_LIMIT - 1), None);
        assert_eq!(why_no_more(REST_WAIT, 0), Some("its end did not come in 10 s"));
        assert_eq!(why_no_more(short, REST_LIMIT), Some("1 GiB is kept"));
    }
}
