//! RMQTT: counts per client. Its lists end, without a word, at a number of rows that its configuration
//! sets, so they are held against its number of sessions.

use serde_json::Value;

use super::http::{Api, HttpError, number, optional_number, text};
use super::split::Place;
use super::{Item, Note, Session, Snapshot, Total, Want};
use crate::http::encode;

/// Clients asked for: more than any configuration gives.
const LIMIT: usize = 1_000_000;
const CLIENTS: &str = "/api/v1/clients";
/// What it writes where a client gave no user name.
const NO_USER: &str = "undefined";

pub(super) fn read(api: &mut Api, want: &Want, each: &mut dyn FnMut(Item<'_>)) -> Result<Snapshot, HttpError> {
    let mut snapshot = Snapshot::default();
    snapshot.notes.push(Note::NotKnown("topics nor ages"));
    let clients = match &want.client {
        Some(client) => match api.get(&format!("{CLIENTS}/{}", encode(client))) {
            Ok(client) => vec![Client::of(&client)],
            Err(HttpError::Status { code: 404, .. }) => Vec::new(),
            Err(error) => return Err(error),
        },
        None => all(api, &mut snapshot)?,
    };
    for client in &clients {
        one_client(client, &mut snapshot, each);
    }
    Ok(snapshot)
}

/// All clients; those with messages queued, if its list ends before.
fn all(api: &mut Api, snapshot: &mut Snapshot) -> Result<Vec<Client>, HttpError> {
    let clients = list(api, &format!("{CLIENTS}?_limit={LIMIT}"))?;
    let totals = api.get("/api/v1/stats/sum")?;
    let sessions = totals.get("stats").map_or(0, |stats| number(stats, "sessions.count"));
    // Clients come and go between the two answers: a list that was cut lacks more than a few.
    if sessions <= clients.len() as u64 + clients.len() as u64 / 100 + 1 {
        return Ok(clients);
    }
    let queued = list(api, &format!("{CLIENTS}?_limit={LIMIT}&_gte_mqueue_len=1"))?;
    let cut =
        if queued.len() < clients.len() { "so clients with nothing queued are left out" } else { "and it is cut" };
    snapshot.notes.push(Note::Incomplete(format!(
        "it lists {} of its {sessions} sessions (max_row_limit of rmqtt-http-api), {cut}",
        clients.len()
    )));
    Ok(queued)
}

fn list(api: &mut Api, path: &str) -> Result<Vec<Client>, HttpError> {
    let mut clients = Vec::new();
    api.list(path, Place::Top, LIMIT, &mut |client| clients.push(Client::of(client)))?;
    Ok(clients)
}

/// What is kept of a client until it is known whether the list was whole.
struct Client {
    id: String,
    user: String,
    connected: Option<bool>,
    queue_limit: Option<u64>,
    in_flight_limit: Option<u64>,
    queued: u64,
    in_flight: u64,
}

impl Client {
    fn of(client: &Value) -> Self {
        let user = text(client, "username");
        Self {
            id: text(client, "clientid").to_owned(),
            user: if user == NO_USER { "" } else { user }.to_owned(),
            connected: client.get("connected").and_then(Value::as_bool),
            queue_limit: optional_number(client, "max_mqueue").filter(|limit| *limit > 0),
            in_flight_limit: optional_number(client, "max_inflight").filter(|limit| *limit > 0),
            queued: number(client, "mqueue_len"),
            in_flight: number(client, "inflight"),
        }
    }
}

fn one_client(client: &Client, snapshot: &mut Snapshot, each: &mut dyn FnMut(Item<'_>)) {
    let Client { id, user, connected, queue_limit, in_flight_limit, queued, in_flight } = client;
    let (queued, in_flight) = (*queued, *in_flight);
    snapshot.sessions += 1;
    each(Item::Session(Session {
        client: id,
        connected: *connected,
        queue_limit: *queue_limit,
        in_flight_limit: *in_flight_limit,
        ..Session::default()
    }));
    each(Item::Total(Total { client: id, user, queued, in_flight, bytes: None, oldest: None }));
}
