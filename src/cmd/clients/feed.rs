//! What pub publishes line by line: lines of text, lines with their topic, records.

use std::borrow::Cow;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use bytestring::ByteString;
use tokio::io::AsyncReadExt as _;

use super::formats;
use super::replay::{self, Piece, Player};
use crate::cmd::connect::args::{ClientArgs, MAX_PAYLOAD};
use crate::cmd::connect::data_args::{DataArgs, PayloadForm};
use crate::decode::{self, Format, FormatError};
use crate::mqtt::packet::{NO_PROPERTIES, Properties, Property, ProtocolVersion, PublishRef, QoS};
use crate::mqtt::topic::{TopicError, TopicName};
use crate::record::{Choice, Lines, MAXIMUM_LINE, Pace, Record, RecordError, Speed, Unknown, Verdict};
use crate::state::ids::UnixTime;
use crate::term::{Exit, Failure, Term, plural};

/// Bytes of standard input read at once.
const INPUT_SIZE: usize = 64 * 1024;

/// From so many bytes on the message of a line owns it, so that the line is not kept beside its payload, nor a copy of that.
const LONG_LINE: usize = 1024 * 1024;

/// Bad lines that are told one by one; the others are counted.
const BAD_LINES_SHOWN: u64 = 5;

/// How a line becomes a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It is the payload.
    Payloads,
    /// It is a topic, a tab and the payload.
    TopicsAndPayloads,
    /// It is a record, moskit-record(5).
    Records(Unknown),
}

/// Why a line is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineError {
    Record(RecordError),
    /// Neither the record nor the options have one.
    NoTopic,
    NoPayload,
    /// No tab stands in a line that should have one.
    NoTab,
    Topic(TopicError),
    TopicText,
    Form(PayloadError),
}

/// Why a payload is not what it was said to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadError {
    Base64,
    Format(FormatError),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(error) => error.fmt(f),
            Self::NoTopic => f.write_str("`topic` is missing, and there is no -t"),
            Self::NoPayload => f.write_str("`payload` is missing, and `payload_b64` too"),
            Self::NoTab => f.write_str("no tab stands between topic and payload"),
            Self::TopicText => f.write_str("the topic is not UTF-8"),
            Self::Topic(error) => RecordError::Topic(*error).fmt(f),
            Self::Form(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for PayloadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Base64 => f.write_str("the payload is not valid base64"),
            Self::Format(error @ (FormatError::TooLarge | FormatError::Unfit(..) | FormatError::Trailing)) => {
                write!(f, "the payload cannot be encoded: {error}")
            }
            Self::Format(error) => write!(f, "the payload is {error}"),
        }
    }
}

/// How payloads are typed.
#[derive(Clone, Debug)]
pub enum Form {
    Written(PayloadForm),
    /// As JSON, which is brought into this format.
    Encoded(Format),
}

impl Form {
    pub fn of(data: &DataArgs) -> Result<Self, Failure> {
        Ok(match &data.encode {
            Some(kind) => Self::Encoded(formats::format(kind, data)?),
            None => Self::Written(data.payload_form),
        })
    }
}

/// The payload that stands for `text`.
pub fn payload<'a>(text: Cow<'a, [u8]>, form: &Form) -> Result<Cow<'a, [u8]>, PayloadError> {
    let form = match form {
        Form::Written(form) => *form,
        Form::Encoded(format) => {
            return decode::encode(format, &text).map(Cow::Owned).map_err(PayloadError::Format);
        }
    };
    match form {
        PayloadForm::Text => Ok(text),
        PayloadForm::Base64 => BASE64.decode(text.trim_ascii()).map(Cow::Owned).map_err(|_| PayloadError::Base64),
        PayloadForm::Hex => decode::encode(&Format::Hex, &text).map(Cow::Owned).map_err(PayloadError::Format),
        PayloadForm::Json => match decode::check_json(&text) {
            Ok(()) => Ok(text),
            Err(error) => Err(PayloadError::Format(error)),
        },
    }
}

/// What holds for every message that does not say otherwise.
#[derive(Clone, Debug)]
pub struct Defaults {
    pub topic: Option<ByteString>,
    pub qos: QoS,
    pub retain: bool,
    pub properties: Properties,
}

impl Defaults {
    pub fn new(args: &ClientArgs) -> Self {
        Self {
            topic: args.topic.clone().map(TopicName::into_inner),
            qos: args.qos,
            retain: args.retain,
            properties: args.properties.publish.clone(),
        }
    }
}

/// The lines that are still to be published.
#[derive(Debug)]
pub struct Feed {
    source: Source,
    lines: Lines,
    /// The message of a long line, which is before them.
    held: Option<Held>,
    kind: Kind,
    form: Form,
    skips_bad: bool,
    /// Lines that were no messages and were passed over.
    skipped: u64,
    published: u64,
    /// What ended the reading: nothing after it is published.
    bad: Option<Bad>,
    /// What is left is read to be kept, and not published.
    rest: Option<Rest>,
    choice: Choice,
    pace: Pace,
    /// The time of the first record of this round that has one.
    first: Option<UnixTime>,
    /// When the next record is due.
    due: Option<Instant>,
    /// Properties cannot be sent in this version, and that has been said.
    warned: bool,
}

/// Where the lines come from.
#[derive(Debug)]
enum Source {
    Stdin(tokio::io::Stdin),
    /// `--replay`: the files, and the one that is being read.
    Files {
        player: Player,
        path: Arc<Path>,
    },
}

/// Where a message stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// `None` for standard input.
    file: Option<Arc<Path>>,
    line: u64,
    /// The time of its record.
    pub received: Option<UnixTime>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(path) => write!(f, "line {} of `{}`", self.line, path.display()),
            None => write!(f, "line {} of standard input", self.line),
        }
    }
}

impl Place {
    /// `lines 2 to 7 of standard input`: from this message to another.
    pub fn to(&self, last: &Self) -> String {
        if self == last {
            return self.to_string();
        }
        if self.file != last.file {
            return format!("{self} to {last}");
        }
        let whole = self.to_string();
        let place = whole.strip_prefix(&self.line()).unwrap_or_default();
        format!("lines {} to {}{place}", self.line, last.line)
    }

    #[cfg(test)]
    pub fn of_stdin(line: u64) -> Self {
        Self { file: None, line, received: None }
    }

    /// As it is written in full, but that nobody is told what standard input is who has no other.
    pub fn in_file(&self) -> String {
        if self.file.is_some() { self.to_string() } else { self.line() }
    }

    /// `line 2`
    pub fn line(&self) -> String {
        format!("line {}", self.line)
    }
}

impl Source {
    /// The file that is being read; `None` for standard input.
    fn file(&self) -> Option<Arc<Path>> {
        match self {
            Self::Files { path, .. } if !replay::is_stdin(path) => Some(Arc::clone(path)),
            _ => None,
        }
    }
}

/// What ended the reading.
#[derive(Debug)]
enum Bad {
    Line(Place, LineError),
    /// A file that cannot be read on.
    Source(Failure),
}

/// What could not be kept of the input that is left.
#[derive(Debug, Default)]
struct Rest {
    /// Lines that are no messages.
    bad_lines: u64,
    /// Files that cannot be read.
    unreadable: Vec<Failure>,
}

/// The message of a line, as far as it does not borrow from the options.
struct Message<'a> {
    topic: Cow<'a, str>,
    payload: Cow<'a, [u8]>,
    qos: QoS,
    retain: bool,
    /// Those of the options if there are none.
    properties: Properties,
}

/// The message of a long line, which owns what it is made of.
#[derive(Debug)]
struct Held {
    topic: ByteString,
    payload: Bytes,
    qos: QoS,
    retain: bool,
    properties: Properties,
    received: Option<UnixTime>,
    line: u64,
}

impl Held {
    /// Out of `whole`, which is the line of this number.
    fn new(message: Message<'_>, received: Option<UnixTime>, line: u64, whole: &Bytes) -> Self {
        Self {
            topic: (&*message.topic).into(),
            payload: match message.payload {
                // What is borrowed is a part of the line.
                Cow::Borrowed(part) => whole.slice_ref(part),
                Cow::Owned(payload) => payload.into(),
            },
            qos: message.qos,
            retain: message.retain,
            properties: message.properties,
            received,
            line,
        }
    }
}

/// A message that is to be published.
pub struct Outgoing<'a> {
    pub publish: PublishRef<'a>,
    /// Its payload, where it can be kept without a copy.
    pub payload: Option<&'a Bytes>,
    pub place: Place,
}

impl Feed {
    pub fn new(kind: Kind, args: &ClientArgs) -> Result<Self, Failure> {
        let data = &args.data;
        let source = if data.replays.is_empty() {
            Source::Stdin(tokio::io::stdin())
        } else {
            let rounds = data.rounds();
            Source::Files {
                player: Player::start(&data.replays, (rounds > 0).then_some(rounds))?,
                path: Path::new("-").into(),
            }
        };
        let limit = if matches!(kind, Kind::Records(_)) { MAXIMUM_LINE } else { MAX_PAYLOAD };
        Ok(Self {
            source,
            lines: Lines::new(limit),
            held: None,
            kind,
            form: Form::of(&args.data)?,
            skips_bad: args.data.skip_bad,
            skipped: 0,
            published: 0,
            bad: None,
            rest: None,
            choice: data.choice.clone(),
            pace: Pace::new(data.speed()),
            first: None,
            due: None,
            warned: false,
        })
    }

    /// When the next record is due: until then there is nothing to publish.
    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// How much of the files has been read, and of how much.
    pub fn progress(&self) -> Option<(u64, Option<u64>)> {
        match &self.source {
            Source::Stdin(_) => None,
            Source::Files { player, .. } => Some(player.progress()),
        }
    }

    /// Whether all messages have QoS 0.
    pub fn is_at_most_once(&self, defaults: &Defaults) -> bool {
        !matches!(self.kind, Kind::Records(_)) && defaults.qos == QoS::AtMostOnce
    }

    /// Calls `publish` with the message of the next line and its place, if there is one: what it returns, and whether there
    /// was. A line whose message it did not take stays the next one. Lines that are no messages end the reading, or are
    /// passed over.
    pub fn next<E>(
        &mut self,
        defaults: &Defaults,
        version: ProtocolVersion,
        now: Instant,
        term: &mut Term,
        publish: impl FnOnce(Outgoing<'_>) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        if self.has_stopped() || self.due.is_some_and(|due| due > now) {
            return None;
        }
        self.due = None;
        loop {
            if let Some(held) = self.held.take() {
                return self.publish_held(held, defaults, version, now, term, publish);
            }
            let line = self.lines.peek()?;
            let (number, is_too_long) = (line.number, line.is_too_long);
            let is_record = matches!(self.kind, Kind::Records(_));
            if is_record && line.text.iter().all(u8::is_ascii_whitespace) {
                self.lines.take();
                continue;
            }
            let (choice, first) = (&self.choice, &mut self.first);
            let read = if is_too_long && is_record {
                Err(LineError::Record(RecordError::TooLong))
            } else if !is_too_long && line.text.len() >= LONG_LINE {
                let whole = self.lines.take_whole();
                match message_of(self.kind, &self.form, choice, first, defaults, &whole) {
                    Ok(message) => {
                        self.held = message.map(|(message, received)| Held::new(message, received, number, &whole));
                        continue;
                    }
                    Err(error) => Err(error),
                }
            } else {
                message_of(self.kind, &self.form, choice, first, defaults, line.text)
            };
            let error = match read {
                Ok(None) => {
                    self.lines.take();
                    continue;
                }
                Ok(Some((message, received))) => {
                    let due = self.pace.due(received, now);
                    if due > now {
                        self.due = Some(due);
                        return None;
                    }
                    let place = Place { file: self.source.file(), line: number, received };
                    let properties = properties_of(&message.properties, defaults, version, &mut self.warned, term);
                    let publish_ref = PublishRef {
                        dup: false,
                        qos: message.qos,
                        retain: message.retain,
                        topic: &message.topic,
                        packet_id: None,
                        properties,
                        payload: &message.payload,
                    };
                    let published = publish(Outgoing { publish: publish_ref, payload: None, place });
                    if published.is_ok() {
                        self.published += u64::from(self.rest.is_none());
                        self.lines.take();
                    }
                    return Some(published);
                }
                Err(error) => error,
            };
            if let Some(rest) = &mut self.rest {
                self.lines.take();
                rest.bad_lines += 1;
                if rest.bad_lines <= BAD_LINES_SHOWN {
                    let place = Place { file: self.source.file(), line: number, received: None };
                    term.note(format_args!("Warning: {} is not kept: {error}.", place.in_file()));
                }
                continue;
            }
            if !self.skips_bad || is_too_long {
                let place = Place { file: self.source.file(), line: number, received: None };
                self.bad = Some(Bad::Line(place, error));
                return None;
            }
            // A long line is taken already.
            self.lines.take();
            let place = Place { file: self.source.file(), line: number, received: None };
            self.note_skipped(&place, error, term);
        }
    }

    /// As [`Feed::next`], of a long line.
    fn publish_held<E>(
        &mut self,
        held: Held,
        defaults: &Defaults,
        version: ProtocolVersion,
        now: Instant,
        term: &mut Term,
        publish: impl FnOnce(Outgoing<'_>) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        let due = self.pace.due(held.received, now);
        if due > now {
            self.due = Some(due);
            self.held = Some(held);
            return None;
        }
        let publish_ref = PublishRef {
            dup: false,
            qos: held.qos,
            retain: held.retain,
            topic: &held.topic,
            packet_id: None,
            properties: properties_of(&held.properties, defaults, version, &mut self.warned, term),
            payload: &held.payload,
        };
        let place = Place { file: self.source.file(), line: held.line, received: held.received };
        let published = publish(Outgoing { publish: publish_ref, payload: Some(&held.payload), place });
        if published.is_ok() {
            self.published += u64::from(self.rest.is_none());
        } else {
            self.held = Some(held);
        }
        Some(published)
    }

    /// Whether lines that cannot be published are passed over.
    pub fn skips_bad(&self) -> bool {
        self.skips_bad
    }

    /// The message of the next line cannot go out, and the line is passed over.
    pub fn skip(&mut self, place: &Place, why: impl fmt::Display, term: &mut Term) {
        if self.held.take().is_none() {
            self.lines.take();
        }
        self.note_skipped(place, why, term);
    }

    /// A message was given up that counted as published.
    pub fn note_given_up(&mut self) {
        self.published -= 1;
    }

    /// A line was passed over.
    pub fn note_skipped(&mut self, place: &Place, why: impl fmt::Display, term: &mut Term) {
        self.skipped += 1;
        if self.skipped <= BAD_LINES_SHOWN {
            term.note(format_args!("Warning: {} is skipped: {why}.", place.in_file()));
        }
    }

    /// Whether lines are records, which may be passed over.
    pub fn has_records(&self) -> bool {
        matches!(self.kind, Kind::Records(_))
    }

    /// `2 messages before it were published`, beside the line that ended it.
    pub fn published(&self, place: &str) -> String {
        let were = if self.published == 1 { "was" } else { "were" };
        format!("{} {place} {were} published", plural(self.published, "message"))
    }

    /// There is nothing more to be read, though not all may be published.
    pub fn is_at_end(&self) -> bool {
        self.has_stopped() || self.lines.is_at_end()
    }

    /// Nothing more will be published.
    pub fn is_drained(&self) -> bool {
        self.has_stopped() || self.held.is_none() && self.lines.is_drained()
    }

    /// Whether reading would help: there is no complete line left.
    pub fn wants_more(&mut self) -> bool {
        !self.has_stopped() && self.due.is_none() && self.held.is_none() && self.lines.wants_more()
    }

    /// The reading has ended at something that is no message. What is left is read on only to be kept.
    fn has_stopped(&self) -> bool {
        self.bad.is_some() && self.rest.is_none()
    }

    /// Whether something that is no message ended the reading, so that input may be left.
    pub fn is_cut_off(&self) -> bool {
        self.bad.is_some()
    }

    /// From now on what is left is read to be kept: nothing waits for its time, and what is no message ends nothing.
    pub fn keep_rest(&mut self) {
        self.pace = Pace::new(Speed::Maximum);
        self.due = None;
        if matches!(self.bad, Some(Bad::Line(..))) {
            self.lines.take();
        }
        self.rest = Some(Rest::default());
    }

    /// The last line that has been taken; `None` before the first.
    pub fn reached(&self) -> Option<Place> {
        let line = self.lines.taken();
        (line > 0).then(|| Place { file: self.source.file(), line, received: None })
    }

    /// Whether the beginning of a line has come, and its end has not.
    pub fn is_within_line(&self) -> bool {
        self.lines.is_within_line()
    }

    /// Reads more. What is read stays even if the caller stops waiting.
    pub async fn read(&mut self) -> std::io::Result<()> {
        match &mut self.source {
            Source::Stdin(stdin) => {
                let buffer = self.lines.buffer();
                buffer.reserve(INPUT_SIZE);
                if stdin.read_buf(buffer).await? == 0 {
                    self.lines.end();
                }
            }
            Source::Files { player, path: current } => match player.next().await {
                Some(Piece::Bytes(bytes)) => self.lines.buffer().extend_from_slice(&bytes),
                Some(Piece::Begin { path, is_first }) => {
                    self.lines.count_anew();
                    *current = path.into();
                    if is_first {
                        self.pace.begin_again();
                        self.first = None;
                    }
                }
                Some(Piece::Failed { path, why }) => {
                    let failure = replay::unreadable(&path, &why);
                    match &mut self.rest {
                        Some(rest) => rest.unreadable.push(failure),
                        None => self.bad = Some(Bad::Source(failure)),
                    }
                }
                None => self.lines.end(),
            },
        }
        Ok(())
    }

    /// How it went, once everything that was published is acknowledged: the failure if a line ended it.
    pub fn finish(&self, term: &mut Term) -> Result<(), Failure> {
        if let Some(rest) = &self.rest {
            for failure in &rest.unreadable {
                failure.show(term);
            }
            if rest.bad_lines > 0 {
                let are = if rest.bad_lines == 1 { "is no message and is" } else { "are no messages and are" };
                term.note(format_args!("{} of the rest {are} not kept", plural(rest.bad_lines, "line")));
            }
        }
        if self.skipped > 0 {
            term.note(format_args!("{} skipped, {} published.", plural(self.skipped, "bad line"), self.published));
        }
        let before = self.published("before it");
        let (place, error) = match &self.bad {
            None => return Ok(()),
            Some(Bad::Source(failure)) => {
                let mut failure = failure.clone();
                failure.message = failure.message.map(|message| format!("{message}; {before}"));
                return Err(failure);
            }
            Some(Bad::Line(place, error)) => (place, error),
        };
        let message = format!("{place}: {error}; {before}");
        let failure = Failure::new(Exit::FAILED, message);
        Err(match error {
            LineError::Record(RecordError::UnknownField(_)) => {
                failure.hint("--lenient ignores fields that a record does not have")
            }
            LineError::Record(_) => failure.hint("moskit man record describes a line; --skip-bad goes on after one"),
            _ => failure,
        })
    }
}

/// The message of a line and the time of its record; `None` where the options leave it out. `first` is the time of the first
/// record of the round.
fn message_of<'a>(
    kind: Kind,
    form: &Form,
    choice: &Choice,
    first: &mut Option<UnixTime>,
    defaults: &'a Defaults,
    text: &'a [u8],
) -> Result<Option<(Message<'a>, Option<UnixTime>)>, LineError> {
    let Kind::Records(unknown) = kind else {
        return of_text(kind, form, text, defaults).map(|message| Some((message, None)));
    };
    let record = Record::read(text, unknown).map_err(LineError::Record)?;
    *first = first.or(record.received);
    match choice.judge(record, *first).map_err(|error| LineError::Record(RecordError::Topic(error)))? {
        Verdict::PassOver => Ok(None),
        Verdict::Play(record) => {
            let received = record.received;
            of_record(record, defaults).map(|message| Some((message, received)))
        }
    }
}

/// What a message is sent with: its own properties, or those of the options.
fn properties_of<'a>(
    own: &'a Properties,
    defaults: &'a Defaults,
    version: ProtocolVersion,
    warned: &mut bool,
    term: &mut Term,
) -> &'a Properties {
    if own.is_empty() {
        return &defaults.properties;
    }
    if version == ProtocolVersion::V5 {
        return own;
    }
    if !std::mem::replace(warned, true) {
        term.note("Warning: records have properties, which only -V mqttv5 sends: they are left out.");
    }
    &NO_PROPERTIES
}

fn fixed_topic(defaults: &Defaults) -> Result<Cow<'_, str>, LineError> {
    defaults.topic.as_ref().map(|topic| Cow::Borrowed(&**topic)).ok_or(LineError::NoTopic)
}

fn of_text<'a>(kind: Kind, form: &Form, line: &'a [u8], defaults: &'a Defaults) -> Result<Message<'a>, LineError> {
    let (topic, text) = if kind == Kind::TopicsAndPayloads {
        let at = memchr::memchr(b'\t', line).ok_or(LineError::NoTab)?;
        let topic = str::from_utf8(&line[..at]).map_err(|_| LineError::TopicText)?;
        TopicName::check(topic).map_err(LineError::Topic)?;
        (Cow::Borrowed(topic), &line[at + 1..])
    } else {
        (fixed_topic(defaults)?, line)
    };
    Ok(Message {
        topic,
        payload: payload(Cow::Borrowed(text), form).map_err(LineError::Form)?,
        qos: defaults.qos,
        retain: defaults.retain,
        properties: Properties::new(),
    })
}

fn of_record<'a>(mut record: Record<'a>, defaults: &'a Defaults) -> Result<Message<'a>, LineError> {
    // An alias belongs to a connection, and a client must not send an identifier [MQTT-3.3.4-6].
    record
        .properties
        .retain(|property| !matches!(property, Property::TopicAlias(_) | Property::SubscriptionIdentifier(_)));
    Ok(Message {
        topic: record.topic.map_or_else(|| fixed_topic(defaults), Ok)?,
        payload: record.payload.ok_or(LineError::NoPayload)?,
        qos: record.qos.unwrap_or(defaults.qos),
        retain: record.retain.unwrap_or(defaults.retain),
        properties: record.properties,
    })
}
