//! HiveMQ (its commercial REST API): the length of each client's queue, one request a client.

use serde_json::Value;

use super::http::{Api, HttpError, number, optional_number, text};
use super::paging::pages;
use super::split::Place;
use super::{Item, Note, Session, Snapshot, Total, Want};
use crate::http::encode;

const CLIENTS: &str = "/api/v1/mqtt/clients";
const PAGE: usize = 500;
/// A server that gives more than was asked for is believed up to here.
const MOST: usize = 10 * PAGE;

pub(super) fn read(api: &mut Api, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, HttpError> {
    let mut snapshot = Snapshot::default();
    snapshot.notes.push(Note::NotKnown("topics, ages, nor what is in flight"));
    if let Some(client) = &want.client {
        one_client(api, client, &mut snapshot, each)?;
        return Ok(snapshot);
    }
    let mut next = format!("{CLIENTS}?limit={PAGE}");
    let mut notes = Vec::new();
    pages(&mut notes, |_| {
        let mut ids = Vec::new();
        let answer =
            api.list(&next, Place::Field("items"), MOST, &mut |client| ids.push(text(client, "id").to_owned()))?;
        for id in &ids {
            one_client(api, id, &mut snapshot, each)?;
        }
        let link = answer.get("_links").map(|links| text(links, "next")).unwrap_or_default();
        // The server names the next page; it is only followed where clients are listed.
        let more = link.starts_with(CLIENTS) && link != next;
        link.clone_into(&mut next);
        Ok(more)
    })?;
    snapshot.notes.extend(notes);
    Ok(snapshot)
}

fn one_client(
    api: &mut Api,
    id: &str,
    snapshot: &mut Snapshot,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<(), HttpError> {
    let path = format!("{CLIENTS}/{}", encode(id));
    let answer = match api.get(&path) {
        Ok(answer) => answer,
        // It has gone since the list was made.
        Err(HttpError::Status { code: 404, .. }) => return Ok(()),
        Err(error) => return Err(error),
    };
    let client = answer.get("client").ok_or(HttpError::NotUnderstood { path })?;
    snapshot.sessions += 1;
    each(Item::Session(Session {
        client: id,
        connected: client.get("connected").and_then(Value::as_bool),
        queue_limit: client.get("restrictions").and_then(|limits| optional_number(limits, "maxQueueSize")),
        ..Session::default()
    }));
    each(Item::Total(Total { client: id, queued: number(client, "messageQueueSize"), ..Total::default() }));
    Ok(())
}
