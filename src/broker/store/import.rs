//! From a mosquitto.db of any version to a state of our own.

use std::path::Path;

use crate::broker::{Restored, WallTime};
use crate::state::mosquitto_db::{Chunk, Damage, Reader, Unreadable};
use crate::state::sqlite::SessionRow;
use crate::state::{Client, Keep};

use super::restore::Collected;

/// Why nothing can be imported.
#[derive(Debug)]
pub enum ImportError {
    Unreadable(Unreadable),
    /// The file is empty: no Mosquitto has finished writing it.
    Empty,
}

/// What was read from a mosquitto.db.
#[derive(Debug)]
pub struct Imported {
    pub state: Restored,
    /// Why reading ended early; what stands before the damage was read.
    pub damage: Option<Damage>,
    /// Entries without message, messages that nobody waits for, and the like: left out.
    pub orphans: usize,
}

/// Reads the mosquitto.db at `path`.
pub fn import(path: &Path, wall: WallTime) -> Result<Imported, ImportError> {
    let mut state = Collected::at(wall);
    let mut damage = None;
    // Old versions mix the kinds of chunks, and entries need their client and their message.
    for pass in [Pass::Sessions, Pass::Messages, Pass::Entries] {
        let mut reader = Reader::open(path, Keep::ALL).map_err(ImportError::Unreadable)?;
        if reader.version().is_none() {
            return Err(ImportError::Empty);
        }
        damage = loop {
            match reader.next_chunk() {
                Ok(Some(chunk)) => take(&mut state, pass, chunk),
                Ok(None) => break None,
                Err(found) => break Some(found),
            }
        };
    }
    let orphans = state.orphans;
    let (restored, ..) = state.finish();
    Ok(Imported { state: restored, damage, orphans })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Sessions,
    Messages,
    Entries,
}

fn take(state: &mut Collected, pass: Pass, chunk: Chunk<'_>) {
    match (pass, chunk) {
        (Pass::Sessions, Chunk::Client(client)) => state.session(&session(&client, state.wall)),
        (Pass::Messages, Chunk::Message(message)) => state.message(&message),
        (Pass::Entries, Chunk::ClientMessage(entry)) => state.entry(&entry, None, None),
        (Pass::Entries, Chunk::Subscription(subscription)) => state.subscription(&subscription),
        (Pass::Entries, Chunk::Retained(id)) => state.retained(id),
        _ => {}
    }
}

fn session<'a>(client: &Client<'a>, wall: WallTime) -> SessionRow<'a> {
    let since = client.disconnected_at;
    SessionRow {
        client_id: client.client_id,
        // Several 2.0 versions wrote the name of the client before; the next CONNECT has the right one.
        username: None,
        created_at: since.unwrap_or(wall.since_epoch().as_secs().cast_signed()),
        will_delay_time: 0,
        session_expires: client.session_expires.unwrap_or(0),
        listener_port: client.listener_port,
        max_packet_size: 0,
        max_qos: 2,
        retain_available: true,
        session_expiry_interval: client.session_expiry_interval,
        will_delay_interval: 0,
        disconnected_at: since.map(crate::state::ids::UnixTime::from_seconds),
    }
}
