//! EMQX: every message of memory sessions with its age (5.6 and later), counts of the others.

use base64::Engine;
use serde_json::Value;

use super::http::{Api, HttpError, number, optional_number, text};
use super::paging::pages;
use super::split::Place;
use super::{Item, Note, Session, Since, Snapshot, Total, Waiting, Want};
use crate::http::encode;
use crate::state::Phase;
use crate::state::ids::UnixTime;

/// Clients and messages of one page; the API takes up to 10,000, and each page is one call into the
/// client's own process.
const PAGE: usize = 1000;
/// A server that gives more than was asked for is believed up to here.
const MOST: usize = 10 * PAGE;
const FIELDS: &str = "clientid,username,connected,disconnected_at,mqueue_len,mqueue_max,mqueue_dropped,\
                      inflight_cnt,inflight_max,expiry_interval,durable";
const NANOS_PER_MILLI: i64 = 1_000_000;

pub(super) fn read(api: &mut Api, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, HttpError> {
    let mut snapshot = Snapshot::default();
    if want.bytes && !want.payloads {
        snapshot.notes.push(Note::NotKnown("the sizes of messages"));
    }
    if let Some(client) = &want.client {
        match api.get(&format!("/api/v5/clients/{}", encode(client))) {
            Ok(found) => one_client(api, &Client::of(&found), want, &mut snapshot, each)?,
            Err(HttpError::Status { code: 404, .. }) => {}
            Err(error) => return Err(error),
        }
        return Ok(snapshot);
    }
    let mut notes = Vec::new();
    pages(&mut notes, |page| {
        let path = format!("/api/v5/clients?limit={PAGE}&page={page}&fields={FIELDS}");
        let mut clients = Vec::new();
        api.list(&path, Place::Field("data"), MOST, &mut |client| clients.push(Client::of(client)))?;
        for client in &clients {
            one_client(api, client, want, &mut snapshot, each)?;
        }
        Ok(clients.len() >= PAGE)
    })?;
    snapshot.notes.extend(notes);
    Ok(snapshot)
}

fn one_client(
    api: &mut Api,
    client: &Client,
    want: &Want,
    snapshot: &mut Snapshot,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<(), HttpError> {
    let Client { id, user, queued, in_flight, .. } = client;
    let (queued, in_flight) = (*queued, *in_flight);
    snapshot.sessions += 1;
    each(Item::Session(Session {
        client: id,
        connected: client.connected,
        disconnected_at: client.disconnected_at,
        queue_limit: client.queue_limit,
        in_flight_limit: client.in_flight_limit,
        dropped: client.dropped,
        ..Session::default()
    }));
    if queued == 0 && in_flight == 0 {
        return Ok(());
    }
    let mut listed = Listed::default();
    for (what, phase, count) in
        [("inflight_messages", Phase::WaitPuback, in_flight), ("mqueue_messages", Phase::Queued, queued)]
    {
        if count > 0 && listed.refused.is_none() {
            messages(api, id, user, what, phase, want, &mut listed, snapshot, each)?;
        }
    }
    if let Some(why) = listed.refused {
        if listed.count == 0 {
            each(Item::Total(Total { client: id, user, queued, in_flight, bytes: None, oldest: None }));
        }
        snapshot.notes.push(Note::NoList { client: id.to_owned(), why });
    }
    Ok(())
}

/// What is kept of a client until the page that it is on has been read.
struct Client {
    id: String,
    user: String,
    connected: Option<bool>,
    disconnected_at: Option<UnixTime>,
    queue_limit: Option<u64>,
    in_flight_limit: Option<u64>,
    dropped: Option<u64>,
    queued: u64,
    in_flight: u64,
}

impl Client {
    fn of(client: &Value) -> Self {
        Self {
            id: text(client, "clientid").to_owned(),
            user: text(client, "username").to_owned(),
            connected: client.get("connected").and_then(Value::as_bool),
            disconnected_at: super::age::parse_time(text(client, "disconnected_at")),
            queue_limit: optional_number(client, "mqueue_max").filter(|limit| *limit > 0),
            in_flight_limit: optional_number(client, "inflight_max").filter(|limit| *limit > 0),
            dropped: optional_number(client, "mqueue_dropped"),
            queued: number(client, "mqueue_len"),
            in_flight: number(client, "inflight_cnt"),
        }
    }
}

#[derive(Default)]
struct Listed {
    count: u64,
    /// Why the server does not list this client's messages.
    refused: Option<String>,
}

#[expect(clippy::too_many_arguments, reason = "one list of one client; grouping them would only rename them")]
fn messages(
    api: &mut Api,
    id: &str,
    user: &str,
    what: &str,
    phase: Phase,
    want: &Want,
    listed: &mut Listed,
    snapshot: &mut Snapshot,
    each: &mut dyn FnMut(Item<'_>),
) -> Result<(), HttpError> {
    let payload = if want.payloads { "base64" } else { "none" };
    let mut position = "none".to_owned();
    let mut notes = Vec::new();
    pages(&mut notes, |_| {
        let path = format!(
            "/api/v5/clients/{}/{what}?limit={PAGE}&payload={payload}&position={}",
            encode(id),
            encode(&position)
        );
        let mut found = 0;
        let answer = api.list(&path, Place::Field("data"), MOST, &mut |message| {
            found += 1;
            one_message(id, user, message, phase, each);
        });
        listed.count += found;
        let answer = match answer {
            Ok(answer) => answer,
            // Durable sessions (501), a client that has gone (404), a busy one (500), a closed door (403).
            Err(HttpError::Status { code, said, .. }) if matches!(code, 403 | 404 | 500 | 501) => {
                listed.refused = Some(format!("HTTP {code} {said}"));
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let next = answer.get("meta").map(|meta| text(meta, "position")).unwrap_or_default();
        let more = found > 0 && !next.is_empty() && next != position && next != "none" && next != "end_of_data";
        next.clone_into(&mut position);
        Ok(more)
    })?;
    snapshot.notes.extend(notes);
    Ok(())
}

fn one_message(id: &str, user: &str, message: &Value, phase: Phase, each: &mut dyn FnMut(Item<'_>)) {
    let payload = base64::engine::general_purpose::STANDARD.decode(text(message, "payload")).unwrap_or_default();
    let has_payload = message.get("payload").is_some();
    let qos = u8::try_from(number(message, "qos")).unwrap_or(0).min(2);
    // `inserted_at` of an entry in flight is when it was sent; `publish_at` is its age.
    let since = match message.get("publish_at").and_then(Value::as_i64) {
        Some(millis) => Since::Exact(UnixTime::from_nanos(millis.saturating_mul(NANOS_PER_MILLI))),
        None => Since::Unknown,
    };
    each(Item::Message(Waiting {
        client: id,
        user,
        topic: text(message, "topic"),
        topic_number: None,
        publisher: text(message, "from_clientid"),
        publisher_number: None,
        filter: None,
        bytes: payload.len() as u64,
        qos,
        phase: if phase != Phase::Queued && qos == 2 { Phase::WaitPubrec } else { phase },
        retain: false,
        dup: false,
        since,
        expires: None,
        payload: has_payload.then_some(&payload),
        properties: &[],
    }));
}
