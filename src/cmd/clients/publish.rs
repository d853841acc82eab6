//! `moskit pub`, and `mosquitto_pub`: publishes a message, or each line of its input.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use bytes::Bytes;
use bytestring::ByteString;
use tokio::time::sleep_until;

use super::debug_lines;
use super::feed::{self, Feed, Kind};
use super::session::{self, Setup};
use super::{ending, leaving, manuals, payload, setup};
use crate::client::{Client, Ending};
use crate::cmd::applet::{Applet, Invocation};
use crate::cmd::connect;
use crate::cmd::connect::args::{ClientArgs, PayloadSource, Strict, Verb};
use crate::cmd::connect::outcome::{self, Outcome};
use crate::mqtt::packet::{DecodeError, PacketId, PropertyOwner, Publish, QoS, ReasonCode};
use crate::mqtt::session::{Event, SendError};
use crate::record::Unknown;
use crate::term::{Exit, Failure, Foreign, Progress, Term};

pub const APPLET: Applet = Applet {
    name: "pub",
    mosquitto_name: Some("mosquitto_pub"),
    about: "Publish messages",
    command: || connect::options::command("pub", APPLET.about, connect::options::PUB),
    run,
    manual: manuals::PUB,
};

/// Bytes of output that may wait for the socket before no more lines are read.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// How long `-l` waits before it connects again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let args = setup::read(&APPLET, Verb::Pub, invocation, term)?;
    let source = match (&args.payload, payload::of(args.payload.as_ref())?, &args.topic) {
        (Some(PayloadSource::Records), ..) => {
            let unknown = if args.data.lenient { Unknown::Ignored } else { Unknown::Refused };
            Some(Source::Lines(Kind::Records(unknown)))
        }
        (Some(PayloadSource::StdinLines), ..) if args.data.topic_per_line => {
            Some(Source::Lines(Kind::TopicsAndPayloads))
        }
        (Some(PayloadSource::StdinLines), _, Some(_)) => Some(Source::Lines(Kind::Payloads)),
        (_, Some(text), Some(topic)) => {
            let payload = feed::payload(Cow::Borrowed(&text), args.data.payload_form)
                .map_err(|error| Failure::new(Exit::FAILED, error.to_string()))?;
            Some(Source::Fixed(topic.clone().into_inner(), Bytes::copy_from_slice(&payload)))
        }
        _ => None,
    };
    let Some(source) = source else {
        term.complain("Error: Both topic and message must be supplied.");
        let usage = APPLET.help(&invocation.program, term);
        term.write(usage.as_bytes());
        return Err(Failure::silent(Exit::FAILED));
    };
    let setup = session::prepare(Verb::Pub, invocation, &args, term)?;
    session::run(Verb::Pub, async move {
        let mut publishing = Publishing::new(&args, setup);
        match source {
            Source::Fixed(topic, payload) => publishing.repeat(topic, payload, term).await,
            Source::Lines(kind) => publishing.lines(kind, term).await,
        }
    })
}

/// What is published.
enum Source {
    /// One topic and payload, as often as `--repeat` says.
    Fixed(ByteString, Bytes),
    /// Each line of standard input.
    Lines(Kind),
}

/// A run of pub: the connection and what is still to be done on it.
struct Publishing<'a> {
    args: &'a ClientArgs,
    setup: Setup,
    client: Client,
    /// The broker has accepted at least once.
    accepted: bool,
    /// `--strict` found a refusal: the exit code at the end.
    refused: Option<Exit>,
}

/// What an event of the session means for the work.
enum Step {
    Connected,
    /// The flow of a message is over.
    Done(PacketId),
    /// The broker has said that it leaves.
    Left,
    Other,
}

/// Where a run of `--repeat` stands.
#[derive(Clone, Copy)]
enum Next {
    Connecting,
    /// The next message goes out then.
    At(Instant),
    /// The flow of this message is not over.
    Awaiting(PacketId),
    Finished,
}

impl<'a> Publishing<'a> {
    fn new(args: &'a ClientArgs, mut setup: Setup) -> Self {
        let client = Client::new(setup.session());
        Self { args, setup, client, accepted: false, refused: None }
    }

    /// One payload, `--repeat` times, each after the acknowledgement of the one before.
    async fn repeat(&mut self, topic: ByteString, payload: Bytes, term: &mut Term) -> Result<Exit, Failure> {
        self.setup.start(&mut self.client).await?;
        let mut left = self.args.repeat;
        let mut next = Next::Connecting;
        loop {
            let now = Instant::now();
            while let Some(step) = self.event(now, term).await? {
                next = match (step, next) {
                    (Step::Left, _) => {
                        let text = format!("Error: {}\n", Outcome::NotConnected.text());
                        return Err(outcome::failure(Exit(Outcome::NotConnected as u8), &text, None));
                    }
                    (Step::Connected, _) => Next::At(now),
                    (Step::Done(id), Next::Awaiting(awaited)) if id == awaited => self.after_one(left),
                    (_, next) => next,
                };
            }
            match next {
                Next::Finished => return self.leave(term).await,
                Next::At(at) if at <= now => {
                    let id = self.publish_fixed(&topic, &payload, now, term).await?;
                    left -= 1;
                    next = if self.args.qos == QoS::AtMostOnce {
                        self.write_out(term).await?;
                        self.after_one(left)
                    } else {
                        Next::Awaiting(id)
                    };
                }
                Next::At(_) | Next::Connecting | Next::Awaiting(_) => {
                    term.flush();
                    let wake = if let Next::At(at) = next { Some(at) } else { None };
                    let moved = tokio::select! {
                        moved = self.client.transfer() => moved,
                        () = sleep_until(wake.unwrap_or(now).into()), if wake.is_some() => Ok(()),
                    };
                    if let Err(ending) = moved {
                        return Err(self.lost(&ending).await);
                    }
                }
            }
        }
    }

    /// What follows a message that is done, with `left` to go.
    fn after_one(&self, left: u32) -> Next {
        if left == 0 { Next::Finished } else { Next::At(Instant::now() + self.args.repeat_delay) }
    }

    async fn publish_fixed(
        &mut self,
        topic: &ByteString,
        payload: &Bytes,
        now: Instant,
        term: &mut Term,
    ) -> Result<PacketId, Failure> {
        let publish = Publish {
            dup: false,
            qos: self.args.qos,
            retain: self.args.retain,
            topic: topic.clone(),
            packet_id: None,
            properties: self.args.properties.publish.clone(),
            payload: payload.clone(),
        };
        match self.client.session().publish(publish, now) {
            Ok(id) => Ok(id),
            Err(error) => Err(self.unsendable(error, term).await),
        }
    }

    /// Each line of standard input is a message. The connection is made anew as often as needed; at
    /// QoS 1 and 2 no line is lost.
    async fn lines(&mut self, kind: Kind, term: &mut Term) -> Result<Exit, Failure> {
        let mut feed = Feed::new(kind, self.args)?;
        let mut told = None;
        self.setup.start(&mut self.client).await?;
        loop {
            match self.lines_on_connection(&mut feed, &mut told, term).await? {
                Some(exit) => return Ok(exit),
                None => self.reconnect(term).await?,
            }
        }
    }

    /// Publishes lines until the input ends (`Some`) or the connection does (`None`).
    async fn lines_on_connection(
        &mut self,
        feed: &mut Feed,
        progress: &mut Option<Progress>,
        term: &mut Term,
    ) -> Result<Option<Exit>, Failure> {
        loop {
            let now = Instant::now();
            loop {
                match self.event_or_ending(now, term)? {
                    Ok(Some(Step::Left)) => return Ok(None),
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(ending) if self.is_final(&ending) => return Err(self.lost(&ending).await),
                    Err(_) => return Ok(None),
                }
            }
            self.publish_lines(feed, now, term).await?;
            let drained = feed.is_drained() && self.client.session().output().is_empty();
            if drained && self.client.session().is_connected() && self.client.session().unacknowledged() == 0 {
                drop(progress.take());
                let exit = self.leave(term).await?;
                feed.finish(term)?;
                return Ok(Some(exit));
            }
            term.flush();
            if let Some((read, Some(length))) = feed.progress() {
                progress.get_or_insert_with(|| term.progress(length, "bytes")).reach(read);
            }
            let due = feed.due().filter(|_| self.client.session().is_connected());
            let wants_input = self.client.session().is_connected() && feed.wants_more();
            tokio::select! {
                moved = self.client.transfer() => match moved {
                    Ok(()) => {}
                    Err(ending) if self.is_final(&ending) => return Err(self.lost(&ending).await),
                    Err(_) => return Ok(None),
                },
                () = sleep_until(due.unwrap_or(now).into()), if due.is_some() => {}
                read = feed.read(), if wants_input => read.map_err(|error| {
                    Failure::verbatim(Exit::FAILED, format!("Error: Unable to read standard input: {}.\n", crate::net::reason(&error))).quietable()
                })?,
            }
        }
    }

    /// Publishes the complete lines that there are, as far as window and output have room.
    async fn publish_lines(&mut self, feed: &mut Feed, now: Instant, term: &mut Term) -> Result<(), Failure> {
        let version = self.setup.version();
        loop {
            let session = self.client.session();
            // Without a connection QoS 0 cannot be sent, and the QoS of a record is known when it is read.
            let room = if feed.is_at_most_once(self.args) { session.is_connected() } else { session.has_room() };
            if !room || !session.is_connected() || session.output().len() >= OUTPUT_LIMIT {
                return Ok(());
            }
            match feed.next(self.args, version, now, term, |publish| session.publish_ref(publish, now)) {
                None => return Ok(()),
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(self.unsendable(error, term).await),
            }
        }
    }

    async fn reconnect(&mut self, term: &mut Term) -> Result<(), Failure> {
        self.client.close().await;
        loop {
            term.flush();
            tokio::time::sleep(RECONNECT_DELAY).await;
            self.setup.renew_login(self.client.session()).await?;
            match self.client.connect(&self.setup.route).await {
                Ok(()) => return Ok(()),
                Err(error) if ending::is_tried_again(&error) => {}
                Err(error) => return Err(self.setup.not_connected_again(&error).await),
            }
        }
    }

    /// Whether `-l` does not connect again: as sub, and nothing is to be hoped for from what has only ever
    /// answered nonsense.
    fn is_final(&self, ending: &Ending) -> bool {
        !ending::is_retried(ending) || !self.accepted && ending::outcome(ending) == Outcome::Malformed
    }

    /// The next event, told as `-d` wants it.
    async fn event(&mut self, now: Instant, term: &mut Term) -> Result<Option<Step>, Failure> {
        match self.event_or_ending(now, term)? {
            Ok(step) => Ok(step),
            Err(ending) => Err(self.lost(&ending).await),
        }
    }

    async fn lost(&mut self, ending: &Ending) -> Failure {
        self.setup.lost(&mut self.client, self.accepted, ending).await
    }

    fn event_or_ending(&mut self, now: Instant, term: &mut Term) -> Result<Result<Option<Step>, Ending>, Failure> {
        let event = match self.client.poll_event(now) {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(Ok(None)),
            Err(ending) => {
                // The log of what led to it is still waiting.
                debug_lines::drain(self.client.session(), term);
                return Ok(Err(ending));
            }
        };
        self.trace(&event, term);
        Ok(Ok(Some(match event {
            Event::Connected(_) => {
                self.accepted = true;
                Step::Connected
            }
            Event::Refused(connack) => return Err(self.setup.refused(Verb::Pub, &connack)),
            Event::Acknowledged(acknowledged) => {
                let (id, reason) = (acknowledged.packet_id, acknowledged.reason);
                self.note_reason(id, reason, acknowledged.properties.reason_string().as_deref(), term);
                Step::Done(id)
            }
            Event::Unsendable { error, .. } => return Err(self.unsendable_failure(error)),
            Event::Disconnected(_) => Step::Left,
            Event::Auth(_) => return Err(ending::asked_to_authenticate()),
            // A message is nothing that pub shows: it is not acknowledged, and stays for a sub with this client id.
            _ => Step::Other,
        })))
    }

    fn trace(&mut self, event: &Event, term: &mut Term) {
        if let Event::Trace(trace) = event {
            debug_lines::tell(self.client.session(), trace, term);
        }
    }

    /// A refused message is a warning, and under `--strict` an exit code.
    fn note_reason(&mut self, id: PacketId, reason: ReasonCode, why: Option<&str>, term: &mut Term) {
        if reason.is_error() {
            term.note(format_args!("Warning: Publish {id} failed: {}.", reason.text()));
            if let Some(why) = why {
                term.note(Foreign::new(why));
            }
            if self.args.strict >= Strict::Refusals {
                self.refused = Some(Exit(reason.0));
            }
        } else if reason == ReasonCode::NO_MATCHING_SUBSCRIBERS && self.args.strict == Strict::Subscribers {
            match &self.args.topic {
                Some(topic) if self.args.payload != Some(PayloadSource::Records) => {
                    term.note(format_args!("Warning: Publish {id}: nobody is subscribed to '{}'.", &**topic));
                }
                _ => term.note(format_args!("Warning: Publish {id}: nobody is subscribed to its topic.")),
            }
            self.refused.get_or_insert(Exit(reason.0));
        }
    }

    /// With `-l` Mosquitto has numbers of their own for what cannot go out.
    fn unsendable_failure(&self, error: SendError) -> Failure {
        if matches!(self.args.payload, Some(PayloadSource::StdinLines | PayloadSource::Records)) {
            return ending::not_sent(error);
        }
        unsendable_failure(error)
    }

    /// A message that cannot go out on this connection.
    async fn unsendable(&mut self, error: SendError, term: &mut Term) -> Failure {
        let failure = self.unsendable_failure(error);
        let _ = self.leave(term).await;
        failure
    }

    /// Waits until everything is written; what arrives meanwhile stays for later.
    async fn write_out(&mut self, term: &mut Term) -> Result<(), Failure> {
        term.flush();
        while !self.client.session().output().is_empty() {
            if let Err(ending) = self.client.transfer().await {
                return Err(self.lost(&ending).await);
            }
        }
        Ok(())
    }

    /// DISCONNECT, and the end.
    async fn leave(&mut self, term: &mut Term) -> Result<Exit, Failure> {
        leaving::leave(&mut self.client, ReasonCode::SUCCESS, &self.args.properties.disconnect, term).await;
        Ok(self.refused.unwrap_or(Exit::OK))
    }
}

/// Mosquitto leaves, and takes that for a connection that was lost.
fn unsendable_failure(error: SendError) -> Failure {
    let outcome = Outcome::ConnectionLost;
    let text = match error {
        SendError::QoSNotSupported { .. } => "Error: Message QoS not supported on broker, try a lower QoS.\n",
        SendError::Property { error: DecodeError::DuplicateProperty(_), .. } => "",
        SendError::Property { owner: PropertyOwner::Publish, .. } => {
            "Error: Protocol error when communicating with broker.\n"
        }
        _ => "",
    };
    let lines = format!("{text}Error: {}\n", outcome.text());
    outcome::failure(Exit(outcome as u8), &lines, ending::unsendable(error))
}
