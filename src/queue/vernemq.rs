//! VerneMQ: counts per session; topics on request, which reads its message store row by row.

use serde_json::Value;

use super::http::{Api, HttpError, number, optional_number, text};
use super::split::Place;
use super::{Item, Note, Session, Since, Snapshot, Total, Waiting, Want};
use crate::http::encode;
use crate::state::Phase;

/// Rows asked for; the server's own default is 100 a node.
const LIMIT: usize = 1_000_000;
/// Milliseconds that one row may take; the default of 100 leaves out busy sessions.
const ROW_TIMEOUT: u64 = 5000;

pub(super) fn read(api: &mut Api, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, HttpError> {
    let mut snapshot = Snapshot::default();
    snapshot.notes.push(Note::NotKnown("ages"));
    let columns = if want.topics { "&--msg_ref&--msg_qos&--routing_key" } else { "" };
    let only = want.client.as_ref().map_or_else(String::new, |client| format!("&--client_id={}", encode(client)));
    let path = format!(
        "/api/v1/session/show?--client_id&--user&--is_online&--offline_messages&--online_messages&--waiting_acks\
         {columns}{only}&--limit={LIMIT}&--rowtimeout={ROW_TIMEOUT}"
    );
    let mut rows = 0;
    api.list(&path, Place::Field("table"), LIMIT, &mut |row| {
        rows += 1;
        one_row(row, want, &mut snapshot, each);
    })?;
    if rows >= LIMIT {
        snapshot.notes.push(Note::Incomplete(format!("the list was cut at {LIMIT} rows")));
    }
    Ok(snapshot)
}

fn one_row(row: &Value, want: &Want, snapshot: &mut Snapshot, each: &mut dyn FnMut(Item<'_>)) {
    let (client, user) = (text(row, "client_id"), text(row, "user"));
    if client.is_empty() || want.client.as_deref().is_some_and(|wanted| wanted != client) {
        return;
    }
    if !text(row, "msg_ref").is_empty() {
        each(Item::Message(Waiting {
            client,
            user,
            topic: text(row, "routing_key"),
            topic_number: None,
            publisher: "",
            publisher_number: None,
            filter: None,
            bytes: 0,
            qos: u8::try_from(number(row, "msg_qos")).unwrap_or(0).min(2),
            phase: Phase::Queued,
            retain: false,
            dup: false,
            since: Since::Unknown,
            expires: None,
            payload: None,
            properties: &[],
        }));
        return;
    }
    snapshot.sessions += 1;
    let connected = row.get("is_online").and_then(Value::as_bool);
    each(Item::Session(Session { client, connected, ..Session::default() }));
    let queued = number(row, "offline_messages").saturating_add(number(row, "online_messages"));
    let in_flight = optional_number(row, "waiting_acks").unwrap_or(0);
    each(Item::Total(Total { client, user, queued, in_flight, bytes: None, oldest: None }));
}
