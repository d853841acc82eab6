//! Waiting messages as lines of JSON, from any broker by a pipe:
//! `{"client":"gw-1","topic":"plant/a","since":1795266101.7,"bytes":12,"qos":1}`.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Map, Value};

use super::age::{AgeFrom, parse_time, time_in_payload, time_of_number};
use super::{Error, Item, Note, Since, Snapshot, Source, Waiting, Want};
use crate::state::ids::UnixTime;
use crate::state::{Phase, mosquitto_db, sqlite};

/// The longest line: an MQTT payload in JSON is longer than any that a person pipes here.
const MAX_LINE: u64 = 16 * 1024 * 1024;
/// Lines that cannot be understood are named one by one up to here, then counted.
pub const BAD_LINES_NAMED: u64 = 5;
const PROGRESS_STEP: u64 = 4 * 1024 * 1024;

/// A file of NDJSON, or standard input.
#[derive(Debug)]
pub enum NdjsonSource {
    File(PathBuf),
    StandardInput,
}

/// One line. Only `client` has to be there. Names that are not here are ignored, so that whatever a
/// tool prints can be piped through.
struct Line {
    client: String,
    user: Option<String>,
    topic: Option<String>,
    publisher: Option<String>,
    filter: Option<String>,
    since: Option<UnixTime>,
    expires: Option<UnixTime>,
    bytes: Option<u64>,
    qos: u8,
    phase: Phase,
    retain: bool,
    dup: bool,
    /// Published by the client with QoS 2 and not released, instead of waiting for it.
    incoming: bool,
    payload: Option<String>,
    properties: Map<String, Value>,
    /// This many equal messages.
    count: u64,
}

impl Line {
    /// The error says what is wrong with the line.
    fn parse(line: &[u8]) -> Result<Self, String> {
        let mut fields = match serde_json::from_slice(line) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) => return Err("not a JSON object".into()),
            Err(error) => return Err(error.to_string()),
        };
        let fields = &mut fields;
        let publisher = ["publisher", "from", "source"].iter().find(|name| fields.contains_key(**name));
        let qos = match whole(fields, "qos")?.unwrap_or(0) {
            qos @ 0..=2 => qos as u8,
            _ => return Err("a QoS is 0, 1 or 2".into()),
        };
        let count = whole(fields, "count")?.unwrap_or(1);
        if count > MAX_COUNT {
            return Err(format!("a count of more than {MAX_COUNT}"));
        }
        Ok(Self {
            client: text(fields, "client")?.ok_or("`client` is missing")?,
            user: text(fields, "user")?,
            topic: text(fields, "topic")?,
            publisher: publisher.map_or(Ok(None), |name| text(fields, name))?,
            filter: text(fields, "filter")?,
            since: time(fields, "since")?,
            expires: time(fields, "expires")?,
            bytes: whole(fields, "bytes")?,
            qos,
            phase: phase(text(fields, "state")?.as_deref(), qos)?,
            retain: flag(fields, "retain")?,
            dup: flag(fields, "dup")?,
            incoming: flag(fields, "incoming")?,
            payload: text(fields, "payload")?,
            properties: match take(fields, "properties") {
                None => Map::new(),
                Some(Value::Object(properties)) => properties,
                Some(_) => return Err("`properties` is not an object".into()),
            },
            count,
        })
    }
}

/// A field; `null` is as good as none.
fn take(fields: &mut Map<String, Value>, name: &str) -> Option<Value> {
    fields.get_mut(name).map(Value::take).filter(|value| !value.is_null())
}

fn text(fields: &mut Map<String, Value>, name: &str) -> Result<Option<String>, String> {
    match take(fields, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{name}` is not a string")),
    }
}

fn whole(fields: &mut Map<String, Value>, name: &str) -> Result<Option<u64>, String> {
    take(fields, name).map(|value| value.as_u64().ok_or_else(|| format!("`{name}` is not a whole number"))).transpose()
}

fn flag(fields: &mut Map<String, Value>, name: &str) -> Result<bool, String> {
    take(fields, name)
        .map_or(Ok(false), |value| value.as_bool().ok_or_else(|| format!("`{name}` is not true or false")))
}

/// A number of seconds or RFC 3339.
fn time(fields: &mut Map<String, Value>, name: &str) -> Result<Option<UnixTime>, String> {
    let Some(value) = take(fields, name) else { return Ok(None) };
    let time = match &value {
        Value::Number(number) => number.as_f64().and_then(time_of_number),
        Value::String(text) => parse_time(text),
        _ => None,
    };
    time.map(Some).ok_or_else(|| format!("`{name}` is no time"))
}

fn phase(state: Option<&str>, qos: u8) -> Result<Phase, String> {
    match state {
        None | Some("queued") => Ok(Phase::Queued),
        Some("inflight" | "in flight" | "in_flight") if qos == 2 => Ok(Phase::WaitPubrec),
        Some("inflight" | "in flight" | "in_flight") => Ok(Phase::WaitPuback),
        Some(other) => Err(format!("state {other:?} is neither queued nor inflight")),
    }
}

/// More equal messages in one line than a person can mean.
const MAX_COUNT: u64 = 1_000_000;

impl Source for NdjsonSource {
    fn read(&mut self, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, Error> {
        match self {
            Self::StandardInput => {
                let now = UnixTime::from(SystemTime::now());
                read_lines(io::stdin().lock(), Path::new("-"), 0, Some(now), want, each)
            }
            Self::File(path) => {
                let failed = |error| Error::Io(path.clone(), error);
                let file = File::open(&path).map_err(failed)?;
                let metadata = file.metadata().map_err(failed)?;
                let taken_at = metadata.modified().ok().map(UnixTime::from);
                read_lines(BufReader::new(file), path, metadata.len(), taken_at, want, each)
            }
        }
    }
}

fn read_lines(
    mut input: impl BufRead,
    path: &Path,
    length: u64,
    taken_at: Option<UnixTime>,
    want: &Want,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot { kind: "NDJSON".into(), taken_at, ..Snapshot::default() };
    let mut line = Vec::new();
    let (mut number, mut bad, mut done, mut said) = (0, 0, 0, 0);
    loop {
        line.clear();
        let read = input.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
        let read = read.map_err(|error| Error::Io(path.to_owned(), error))? as u64;
        if read == 0 {
            break;
        }
        if number == 0 && (line.starts_with(&mosquitto_db::MAGIC[..3]) || line.starts_with(sqlite::MAGIC)) {
            return Err(Error::Piped(path.to_owned()));
        }
        done += read;
        number += 1;
        if length > 0 && done - said >= PROGRESS_STEP {
            said = done;
            each(Item::Progress { done, of: length.max(done) });
        }
        let why = if read == MAX_LINE && line.last() != Some(&b'\n') {
            skip_line(&mut input).map_err(|error| Error::Io(path.to_owned(), error))?;
            Some("longer than 16 MiB".to_owned())
        } else {
            read_line(line.trim_ascii(), want, &mut snapshot.incoming, each).err()
        };
        if let Some(why) = why {
            bad += 1;
            if bad <= BAD_LINES_NAMED {
                snapshot.notes.push(Note::BadLine { line: number, why });
            }
        }
    }
    if bad > BAD_LINES_NAMED {
        snapshot.notes.push(Note::BadLines { more: bad - BAD_LINES_NAMED });
    }
    Ok(snapshot)
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let buffer = input.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        let (count, ended) = memchr::memchr(b'\n', buffer).map_or((buffer.len(), false), |end| (end + 1, true));
        input.consume(count);
        if ended {
            return Ok(());
        }
    }
}

/// Hands out the message of a line, or counts it in `incoming`, which holds those that are not asked for.
fn read_line(line: &[u8], want: &Want, incoming: &mut u64, each: &mut dyn FnMut(Item<'_>)) -> Result<(), String> {
    if line.is_empty() {
        return Ok(());
    }
    let parsed = Line::parse(line)?;
    if want.client.as_deref().is_some_and(|client| client != parsed.client) {
        return Ok(());
    }
    if parsed.incoming {
        *incoming += parsed.count;
    }
    if parsed.incoming != want.incoming {
        return Ok(());
    }
    let named = match &want.age_from {
        AgeFrom::Store => None,
        AgeFrom::Expiry { seconds } => parsed
            .expires
            .map(|at| UnixTime::from_nanos(at.nanos().saturating_sub(seconds.saturating_mul(1_000_000_000)))),
        AgeFrom::Payload { pointer } => {
            parsed.payload.as_ref().and_then(|payload| time_in_payload(payload.as_bytes(), pointer))
        }
        AgeFrom::Property { name } => parsed.properties.get(name).and_then(Value::as_str).and_then(parse_time),
    };
    let since = named.or(parsed.since).map_or(Since::Unknown, Since::Exact);
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let properties: Vec<_> = parsed.properties.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    for _ in 0..parsed.count {
        each(Item::Message(Waiting {
            client: &parsed.client,
            user: parsed.user.as_deref().unwrap_or_default(),
            topic: parsed.topic.as_deref().unwrap_or_default(),
            topic_number: None,
            publisher: parsed.publisher.as_deref().unwrap_or_default(),
            publisher_number: None,
            filter: parsed.filter.as_deref(),
            bytes: parsed.bytes.or_else(|| parsed.payload.as_ref().map(|text| text.len() as u64)).unwrap_or(0),
            qos: parsed.qos,
            phase: parsed.phase,
            retain: parsed.retain,
            dup: parsed.dup,
            since,
            expires: parsed.expires,
            payload: parsed.payload.as_deref().map(str::as_bytes),
            properties: &properties,
        }));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let mut seen = Vec::new();
        let snapshot = read_lines(text.as_bytes(), Path::new("-"), 0, None, &Want::default(), &mut |item| {
            if let Item::Message(message) = item {
                let Waiting { client, topic, publisher, bytes, qos, phase, since, .. } = message;
                seen.push(format!("{client} {topic} {publisher} {bytes} {qos} {phase:?} {since:?}"));
            }
        })
        .unwrap();
        (seen, snapshot.notes.iter().map(|note| format!("{note:?}")).collect())
    }

    #[test]
    fn lines_are_messages_and_unknown_names_are_ignored() {
        let (seen, notes) = read(concat!(
            r#"{"client":"a","topic":"t","since":5,"bytes":7,"qos":1,"publisher":"p","x":[1]}"#,
            "\n\n",
            r#"{"client":"\u00e9","state":"inflight","qos":2,"since":"1970-01-01T00:00:05Z","count":2}"#,
        ));
        assert_eq!(
            seen,
            [
                "a t p 7 1 Queued Exact(UnixTime(5000000000))",
                "é   0 2 WaitPubrec Exact(UnixTime(5000000000))",
                "é   0 2 WaitPubrec Exact(UnixTime(5000000000))",
            ]
        );
        assert_eq!(notes, [""; 0]);
    }

    #[test]
    fn bad_lines_are_named_and_the_others_read() {
        let mut text: String =
            ["{", "[]", r#"{"topic":"t"}"#, r#"{"client":"a","qos":3}"#, r#"{"client":"a","since":"x"}"#]
                .map(|line| format!("{line}\n"))
                .concat();
        text.push_str("nonsense\nnonsense\n{\"client\":\"b\"}\n");
        let (seen, notes) = read(&text);
        assert_eq!(seen.len(), 1);
        assert_eq!(notes.len(), 6);
        assert!(notes[3].contains("line: 4") && notes[3].contains("a QoS is 0, 1 or 2"), "{notes:?}");
        assert_eq!(notes[5], "BadLines { more: 2 }");
    }
}
