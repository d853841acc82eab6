//! RMQTT: counts per client, in one answer.

use serde_json::Value;

use super::http::{Api, HttpError, number, optional_number, text};
use super::{Item, Note, Session, Snapshot, Total, Want};

/// Clients asked for.
const LIMIT: usize = 100_000;

pub(super) fn read(api: &mut Api, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, HttpError> {
    let mut snapshot = Snapshot::default();
    snapshot.notes.push(Note::CannotTell("topics nor ages"));
    let path = format!("/api/v1/clients?_limit={LIMIT}");
    let answer = api.get(&path)?;
    let clients = answer.as_array().ok_or(HttpError::NotUnderstood { path })?;
    for client in clients {
        let (id, user) = (text(client, "clientid"), text(client, "username"));
        if want.client.as_deref().is_some_and(|wanted| wanted != id) {
            continue;
        }
        snapshot.sessions += 1;
        each(Item::Session(Session {
            client: id,
            user,
            connected: client.get("connected").and_then(Value::as_bool),
            queue_limit: optional_number(client, "max_mqueue").filter(|limit| *limit > 0),
            in_flight_limit: optional_number(client, "max_inflight").filter(|limit| *limit > 0),
            ..Session::default()
        }));
        let (queued, in_flight) = (number(client, "mqueue_len"), number(client, "inflight"));
        each(Item::Total(Total { client: id, user, queued, in_flight, bytes: None, oldest: None }));
    }
    if clients.len() >= LIMIT {
        snapshot.notes.push(Note::Incomplete(format!("the list was cut at {LIMIT} clients")));
    }
    Ok(snapshot)
}
