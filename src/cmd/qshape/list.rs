//! `moskit qshape list CLIENT`: what waits for one client, in the order it will get it.

use serde_json::{Value, json};

use super::options::ListArgs;
use super::options::selection;
use super::sentences::{age, moment, show_notes, snapshot_line};
use super::sources::Sources;
use super::table::not_known;
use crate::cmd::applet::Invocation;
use crate::cmd::connect::unreadable::cannot_read;
use crate::queue::select::Selection;
use crate::queue::{Item, Since, Snapshot, Waiting, Want};
use crate::state::Phase;
use crate::state::ids::UnixTime;
use crate::term::{Exit, Failure, Term, escape_controls, plural};

/// Narrower terminals get a narrower column of states, most of which are short.
const NARROW: u16 = 80;

pub fn run(args: &ListArgs, invocation: &Invocation, term: &mut Term) -> Result<Exit, Failure> {
    term.set_quiet(args.quiet.quiet);
    let sources = Sources::new(&args.from, invocation, term)?;
    let selection = selection(&args.selection)?;
    let want = Want {
        topics: true,
        publishers: true,
        bytes: true,
        payloads: args.payload,
        properties: true,
        client: Some(args.client.clone()),
        incoming: args.selection.incoming,
        age_from: sources.age_from.clone(),
        ..Want::default()
    };
    let mut listing =
        Listing { args, selection, seen: 0, shown: 0, undecided: 0, known: false, said: None, damaged: false };
    for word in &sources.words {
        listing.source(word, &sources, &want, term)?;
    }
    listing.end(term)
}

struct Listing<'a> {
    args: &'a ListArgs,
    selection: Selection,
    seen: u64,
    shown: u64,
    /// Messages of which it is not known whether `--older` takes them.
    undecided: u64,
    /// A session of this client was seen, or a message for it.
    known: bool,
    /// How many wait, from a source that lists none.
    said: Option<u64>,
    damaged: bool,
}

impl Listing<'_> {
    fn source(&mut self, word: &str, sources: &Sources, want: &Want, term: &mut Term) -> Result<(), Failure> {
        let now = sources.now(word);
        let mut source = sources.open(word)?;
        let read = source.read(want, &mut |item| match item {
            Item::Message(message) if message.client == self.args.client => self.message(&message, now, term),
            Item::Total(total) if total.client == self.args.client => {
                self.known = true;
                let said = self.said.get_or_insert(0);
                *said = said.saturating_add(total.waiting());
            }
            Item::Session(session) => self.known |= session.client == self.args.client,
            Item::Message(_) | Item::Total(_) | Item::Progress { .. } => {}
        });
        let snapshot = read.map_err(|error| cannot_read(&error, sources.place(word)))?;
        sources.keep_ledger(&snapshot, term)?;
        self.footer(word, &snapshot, now, term);
        Ok(())
    }

    fn message(&mut self, message: &Waiting<'_>, now: UnixTime, term: &mut Term) {
        self.known = true;
        if !self.selection.takes(message, now) {
            self.undecided += u64::from(self.selection.is_not_known(message, now));
            return;
        }
        self.seen += 1;
        if self.args.limit != 0 && self.seen > self.args.limit as u64 {
            return;
        }
        self.shown += 1;
        if self.args.json {
            term.json(as_json(message, self.payload(message), self.args.selection.incoming));
            return;
        }
        let width = if term.columns().is_some_and(|columns| columns < NARROW) { 20 } else { 30 };
        if self.shown == 1 {
            term.line(format_args!("{:>10} {:>9} {:>3} {:<width$} TOPIC", "AGE", "BYTES", "QOS", "STATE"));
        }
        term.line(format_args!(
            "{:>10} {:>9} {:>3} {:<width$} {}",
            age_text(message.since, now),
            message.bytes,
            message.qos,
            state_text(message, now),
            escape_controls(message.topic)
        ));
        for (name, value) in message.properties {
            term.line(format_args!("{:24}{}: {}", "", escape_controls(name), escape_controls(value)));
        }
        if let Some(payload) = self.payload(message) {
            term.line(format_args!("{:24}{}", "", payload_text(payload)));
        }
    }

    /// The payload, if it is asked for: a source may read it for the age alone.
    fn payload<'m>(&self, message: &Waiting<'m>) -> Option<&'m [u8]> {
        message.payload.filter(|_| self.args.payload)
    }

    fn footer(&mut self, word: &str, snapshot: &Snapshot, now: UnixTime, term: &mut Term) {
        term.note(snapshot_line(word, snapshot, now));
        self.damaged |= show_notes(snapshot, term);
    }

    fn end(self, term: &mut Term) -> Result<Exit, Failure> {
        let client = escape_controls(&self.args.client);
        if let Some(said) = self.said.filter(|_| self.seen == 0) {
            term.note(format_args!(
                "{} waiting for `{client}`, which this source does not list",
                plural(said, "message")
            ));
        } else if self.known {
            term.note(format_args!("{} waiting for `{client}`, {} shown", plural(self.seen, "message"), self.shown));
        } else if !self.damaged {
            return Err(Failure::new(Exit::FAILED, format!("no client `{client}` here"))
                .hint("moskit qshape lists the clients that have messages waiting"));
        }
        if !self.damaged && self.undecided > 0 {
            return Err(not_known(self.undecided));
        }
        Ok(if self.damaged { Exit::DAMAGED } else { Exit::OK })
    }
}

/// How old a message is, or between which ages it must be.
fn age_text(since: Since, now: UnixTime) -> String {
    let old = |at: UnixTime| age(now.nanos_since(at));
    match since {
        Since::Exact(at) => old(at),
        Since::Look { by, .. } => format!(">= {}", old(by)),
        Since::Between { from: Since::EVER, to } => format!(">= {}", old(to)),
        Since::Between { from, .. } => format!("<= {}", old(from)),
        Since::Unknown => "?".into(),
    }
}

fn state_text(message: &Waiting<'_>, now: UnixTime) -> String {
    let mut words = vec![match message.phase {
        Phase::Queued => "queued",
        Phase::WaitPuback => "sent, no PUBACK",
        Phase::WaitPubrec => "sent, no PUBREC",
        Phase::WaitPubrel => "no PUBREL yet",
        Phase::WaitPubcomp => "released, no PUBCOMP",
        Phase::Sending => "being sent",
    }];
    let flags = [(message.is_expired(now), "expired"), (message.retain, "retained"), (message.dup, "dup")];
    words.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, word)| word));
    words.join(", ")
}

/// Text as text, other bytes as escapes.
fn payload_text(payload: &[u8]) -> String {
    payload
        .utf8_chunks()
        .flat_map(|chunk| {
            let invalid = chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}"));
            [escape_controls(chunk.valid()).into_owned()].into_iter().chain(invalid)
        })
        .collect()
}

/// The same names as NDJSON sources have, so a listing can be piped back in.
fn as_json(message: &Waiting<'_>, payload: Option<&[u8]>, is_incoming: bool) -> Value {
    let mut value = json!({
        "client": message.client,
        "topic": message.topic,
        "bytes": message.bytes,
        "qos": message.qos,
        "state": if message.is_in_flight() { "inflight" } else { "queued" },
        "retain": message.retain,
        "dup": message.dup,
    });
    let mut set = |name: &str, to: Value| value[name] = to;
    if !message.publisher.is_empty() {
        set("publisher", json!(message.publisher));
    }
    match message.since {
        Since::Exact(at) | Since::Look { by: at, .. } => set("since", json!(at.nanos() as f64 / 1e9)),
        Since::Between { .. } | Since::Unknown => {}
    }
    if let Some(expires) = message.expires {
        set("expires", json!(moment(expires)));
    }
    if !message.properties.is_empty() {
        // A user property may occur twice; an array keeps both.
        let pairs: Vec<_> = message.properties.iter().map(|(name, value)| json!([name, value])).collect();
        set("property_list", json!(pairs));
    }
    if is_incoming {
        set("incoming", json!(true));
    }
    match payload.map(std::str::from_utf8) {
        Some(Ok(text)) => set("payload", json!(text)),
        Some(Err(_)) => {
            use base64::Engine;
            let encoded = base64::engine::general_purpose::STANDARD.encode(payload.unwrap_or_default());
            set("payload_base64", json!(encoded));
        }
        None => {}
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_shown_without_touching_the_terminal() {
        assert_eq!(payload_text("é\u{1b}[2J\n".as_bytes()), "é\\x1b[2J\\n");
        assert_eq!(payload_text(b"a\xff\xfeb"), "a\\xff\\xfeb");
        assert_eq!(payload_text(b""), "");
    }
}
