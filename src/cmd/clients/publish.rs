//! `moskit pub`, and `mosquitto_pub`: publishes a message, or each line of its input.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::time::sleep_until;

use super::debug_lines;
use super::session::{self, Setup};
use super::{ending, leaving, manuals, payload, setup};
use crate::client::{Client, Ending};
use crate::cmd::applet::{Applet, Invocation};
use crate::cmd::connect;
use crate::cmd::connect::args::{ClientArgs, MAX_PAYLOAD, PayloadSource, Strict, Verb};
use crate::cmd::connect::outcome::{self, Outcome};
use crate::mqtt::packet::{DecodeError, PacketId, PropertyOwner, Publish, PublishRef, QoS, ReasonCode};
use crate::mqtt::session::{Event, SendError};
use crate::term::{Exit, Failure, Foreign, Term};

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

/// Bytes of standard input read at once with `-l`.
const INPUT_SIZE: usize = 64 * 1024;

/// How long `-l` waits before it connects again.
const RECONNECT_DELAY: Duration = Duration::from_secs(1);

fn run(invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    let args = setup::read(&APPLET, Verb::Pub, invocation, term)?;
    let source = match &args.payload {
        None => None,
        Some(PayloadSource::Text(text)) => Some(Source::Fixed(text.clone())),
        Some(PayloadSource::Null) => Some(Source::Fixed(Bytes::new())),
        Some(PayloadSource::File(path)) => Some(Source::Fixed(payload::of_file(path)?)),
        Some(PayloadSource::Stdin) => Some(Source::Fixed(payload::of_stdin(std::io::stdin().lock())?)),
        Some(PayloadSource::StdinLines) => Some(Source::Lines),
    };
    let (Some(source), Some(topic)) = (source, args.topic.clone()) else {
        term.complain("Error: Both topic and message must be supplied.");
        let usage = APPLET.help(&invocation.program, term);
        term.write(usage.as_bytes());
        return Err(Failure::silent(Exit::FAILED));
    };
    let setup = session::prepare(Verb::Pub, invocation, &args, term)?;
    session::run(Verb::Pub, async move {
        let mut publishing = Publishing::new(&args, setup, topic.into_inner());
        match source {
            Source::Fixed(payload) => publishing.repeat(payload, term).await,
            Source::Lines => publishing.lines(term).await,
        }
    })
}

/// What is published.
enum Source {
    /// One payload, as often as `--repeat` says.
    Fixed(Bytes),
    /// Each line of standard input.
    Lines,
}

/// A run of pub: the connection and what is still to be done on it.
struct Publishing<'a> {
    args: &'a ClientArgs,
    setup: Setup,
    client: Client,
    topic: bytestring::ByteString,
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
    fn new(args: &'a ClientArgs, mut setup: Setup, topic: bytestring::ByteString) -> Self {
        let client = Client::new(setup.session());
        Self { args, setup, client, topic, accepted: false, refused: None }
    }

    /// One payload, `--repeat` times, each after the acknowledgement of the one before.
    async fn repeat(&mut self, payload: Bytes, term: &mut Term) -> Result<Exit, Failure> {
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
                    let id = self.publish_fixed(&payload, now, term).await?;
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

    async fn publish_fixed(&mut self, payload: &Bytes, now: Instant, term: &mut Term) -> Result<PacketId, Failure> {
        let publish = Publish {
            dup: false,
            qos: self.args.qos,
            retain: self.args.retain,
            topic: self.topic.clone(),
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
    async fn lines(&mut self, term: &mut Term) -> Result<Exit, Failure> {
        self.setup.start(&mut self.client).await?;
        let mut stdin = tokio::io::stdin();
        let mut input = Lines::default();
        loop {
            match self.lines_on_connection(&mut stdin, &mut input, term).await? {
                Some(exit) => return Ok(exit),
                None => self.reconnect(term).await?,
            }
        }
    }

    /// Publishes lines until the input ends (`Some`) or the connection does (`None`).
    async fn lines_on_connection(
        &mut self,
        stdin: &mut tokio::io::Stdin,
        input: &mut Lines,
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
            self.publish_lines(input, now, term).await?;
            let drained = input.is_drained() && self.client.session().output().is_empty();
            if drained && self.client.session().is_connected() && self.client.session().unacknowledged() == 0 {
                return self.leave(term).await.map(Some);
            }
            term.flush();
            let wants_input = self.client.session().is_connected() && input.wants_more();
            tokio::select! {
                moved = self.client.transfer() => match moved {
                    Ok(()) => {}
                    Err(ending) if self.is_final(&ending) => return Err(self.lost(&ending).await),
                    Err(_) => return Ok(None),
                },
                read = input.read(stdin), if wants_input => read.map_err(|error| {
                    Failure::verbatim(Exit::FAILED, format!("Error: Unable to read standard input: {}.\n", crate::net::reason(&error))).quietable()
                })?,
            }
        }
    }

    /// Publishes the complete lines that there are, as far as window and output have room.
    async fn publish_lines(&mut self, input: &mut Lines, now: Instant, term: &mut Term) -> Result<(), Failure> {
        let (qos, retain) = (self.args.qos, self.args.retain);
        loop {
            let session = self.client.session();
            let room = if qos == QoS::AtMostOnce { session.is_connected() } else { session.has_room() };
            if !room || session.output().len() >= OUTPUT_LIMIT {
                return Ok(());
            }
            let Some(line) = input.peek() else { return Ok(()) };
            let publish = PublishRef {
                dup: false,
                qos,
                retain,
                topic: &self.topic,
                packet_id: None,
                properties: &self.args.properties.publish,
                payload: line,
            };
            let sent = session.publish_ref(publish, now);
            input.take();
            if let Err(error) = sent {
                return Err(self.unsendable(error, term).await);
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
            term.note(format_args!("Warning: Publish {id}: nobody is subscribed to '{}'.", self.topic));
            self.refused.get_or_insert(Exit(reason.0));
        }
    }

    /// With `-l` Mosquitto has numbers of their own for what cannot go out.
    fn unsendable_failure(&self, error: SendError) -> Failure {
        if self.args.payload == Some(PayloadSource::StdinLines) {
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

/// The lines of standard input, in pieces as they come.
#[derive(Default)]
struct Lines {
    buffer: BytesMut,
    /// Where in the buffer the next line starts.
    start: usize,
    /// Up to where the buffer has been searched for the line's end.
    searched: usize,
    /// The line found by `peek`: its end, and where the next one starts.
    found: Option<(usize, usize)>,
    at_end: bool,
}

impl Lines {
    /// The next line without its newline; the last one may lack it. One that no packet can hold is given as far as it
    /// has come, to be refused: its end may never come.
    fn peek(&mut self) -> Option<&[u8]> {
        if self.found.is_none() {
            let rest = &self.buffer[self.searched..];
            self.found = match memchr::memchr(b'\n', rest) {
                Some(at) => Some((self.searched + at, self.searched + at + 1)),
                None if self.is_last() || self.buffer.len() - self.start > MAX_PAYLOAD => {
                    Some((self.buffer.len(), self.buffer.len()))
                }
                None => {
                    self.searched = self.buffer.len();
                    None
                }
            };
        }
        self.found.map(|(end, _)| &self.buffer[self.start..end])
    }

    /// Goes on to the line after the one that `peek` gave.
    fn take(&mut self) {
        if let Some((_, next)) = self.found.take() {
            self.start = next;
            self.searched = next;
        }
    }

    /// What is left is the last line, without its newline.
    fn is_last(&self) -> bool {
        self.at_end && self.start < self.buffer.len()
    }

    /// Everything has been read and taken.
    fn is_drained(&self) -> bool {
        self.at_end && self.start == self.buffer.len()
    }

    /// Whether reading would help: there is no complete line left.
    fn wants_more(&mut self) -> bool {
        !self.at_end && self.peek().is_none()
    }

    /// Reads more. What is read stays even if the caller stops waiting.
    async fn read(&mut self, stdin: &mut tokio::io::Stdin) -> std::io::Result<()> {
        if self.start > 0 {
            bytes::Buf::advance(&mut self.buffer, self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.reserve(INPUT_SIZE);
        if stdin.read_buf(&mut self.buffer).await? == 0 {
            self.at_end = true;
        }
        Ok(())
    }
}
