//! The messages of one client, line by line.

use serde_json::{Value, json};

use crate::cmd::qshape::options::ListArgs;
use crate::cmd::qshape::sentences::{age, moment};
use crate::queue::{Since, Waiting};
use crate::state::Phase;
use crate::state::ids::UnixTime;
use crate::term::{Term, escape_controls, plural};

/// Narrower terminals get a narrower column of states, most of which are short.
const NARROW: u16 = 80;

/// One message, below a heading if it is the first.
pub fn waiting(message: &Waiting<'_>, now: UnixTime, args: &ListArgs, is_first: bool, term: &mut Term) {
    // A source may have read it for the age alone.
    let payload = message.payload.filter(|_| args.payload);
    if args.json {
        term.json(as_json(message, payload, args.selection.incoming));
        return;
    }
    let width = if term.columns().is_some_and(|columns| columns < NARROW) { 20 } else { 30 };
    if is_first {
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
    if let Some(payload) = payload {
        term.line(format_args!("{:24}{}", "", payload_text(payload)));
    }
}

/// How many wait for the client, and how many of them were shown; `None`: the source lists none.
pub fn counted(client: &str, waiting: u64, shown: Option<u64>, term: &mut Term) {
    let waiting = plural(waiting, "message");
    match shown {
        Some(shown) => term.note(format_args!("{waiting} waiting for `{client}`, {shown} shown")),
        None => term.note(format_args!("{waiting} waiting for `{client}`, which this source does not list")),
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
