//! RabbitMQ with its MQTT plugin: the depth of each session's queues. Messages are never fetched,
//! because that takes them out and puts them back, changed.

use serde_json::Value;

use super::http::{Api, HttpError, number, optional_number, text};
use super::paging::pages;
use super::split::Place;
use super::{Item, Note, Session, Snapshot, Total, Want};
use crate::http::encode;
use crate::state::ids::UnixTime;

/// The most that the management plugin gives at once.
const PAGE: usize = 500;
/// A server that gives more than was asked for is believed up to here.
const MOST: usize = 10 * PAGE;
const PREFIX: &str = "mqtt-subscription-";
const COLUMNS: &str = "name,messages,messages_ready,messages_unacknowledged,message_bytes,head_message_timestamp,\
                       consumers";

pub(super) fn read(
    api: &mut Api,
    vhost: &str,
    want: &Want,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<Snapshot, HttpError> {
    let mut snapshot = Snapshot::default();
    snapshot.notes.push(Note::NotKnown("topics, nor the age of any but a queue's first message"));
    let mut notes = Vec::new();
    pages(&mut notes, |page| {
        let path = format!(
            "/api/queues/{}?page={page}&page_size={PAGE}&name={}&use_regex=true&columns={COLUMNS}",
            encode(vhost),
            encode(format!("^{PREFIX}")),
        );
        let answer =
            api.list(&path, Place::Field("items"), MOST, &mut |queue| one_queue(queue, want, &mut snapshot, each))?;
        Ok(page < number(&answer, "page_count"))
    })?;
    snapshot.notes.extend(notes);
    Ok(snapshot)
}

/// The client that a queue belongs to: each has one for QoS 0 and one for QoS 1. An id may hold such
/// an ending itself, so only the last one goes.
fn client_of(queue: &str) -> Option<&str> {
    let rest = queue.strip_prefix(PREFIX)?;
    rest.strip_suffix("qos1").or_else(|| rest.strip_suffix("qos0"))
}

fn one_queue(queue: &Value, want: &Want, snapshot: &mut Snapshot, each: &mut dyn FnMut(Item<'_>)) {
    let Some(client) = client_of(text(queue, "name")) else { return };
    if want.client.as_deref().is_some_and(|wanted| wanted != client) {
        return;
    }
    snapshot.sessions += 1;
    let connected = optional_number(queue, "consumers").map(|consumers| consumers > 0);
    each(Item::Session(Session { client, connected, ..Session::default() }));
    each(Item::Total(Total {
        client,
        user: "",
        // A queue whose statistics are not there yet has only `messages`, or nothing.
        queued: optional_number(queue, "messages_ready").unwrap_or_else(|| number(queue, "messages")),
        in_flight: number(queue, "messages_unacknowledged"),
        bytes: optional_number(queue, "message_bytes"),
        oldest: queue
            .get("head_message_timestamp")
            .and_then(Value::as_i64)
            .filter(|seconds| *seconds > 0)
            .map(UnixTime::from_seconds),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_ending_of_a_queue_is_its_qos() {
        assert_eq!(client_of("mqtt-subscription-gwqos1"), Some("gw"));
        assert_eq!(client_of("mqtt-subscription-aqos1bqos1qos0"), Some("aqos1bqos1"));
        assert_eq!(client_of("mqtt-will-a"), None);
        assert_eq!(client_of("mqtt-subscription-a"), None);
    }
}
