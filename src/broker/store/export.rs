//! From our state to a mosquitto.db of version 6, for a Mosquitto with its built-in persistence.

use std::collections::HashSet;
use std::io;

use super::records::{entry_row, message_row, subscription};
use crate::broker::{Direction, EntryRecord, EntryState, Restored, RestoredClient, SessionExpiry};
use crate::mqtt::packet::{PacketId, QoS};
use crate::state::ids::StoreId;
use crate::state::mosquitto_db::Writer;
use crate::state::{Client, Configuration, Properties, properties};

/// Why the state cannot be written: a name that is too long for the format, or no memory.
#[derive(Debug)]
pub struct ExportError(pub io::Error);

/// A mosquitto.db and what it cannot hold.
#[derive(Debug)]
pub struct Exported {
    pub bytes: Vec<u8>,
    /// Mosquitto sends wills of a snapshot never: it has no place for them.
    pub wills_left_out: usize,
}

/// The bytes of a mosquitto.db with the whole of `state`.
pub fn export(state: &Restored) -> Result<Exported, ExportError> {
    let bytes = write(state).map_err(ExportError)?;
    Ok(Exported { bytes, wills_left_out: state.clients.iter().filter(|client| client.will.is_some()).count() })
}

fn write(state: &Restored) -> io::Result<Vec<u8>> {
    let mut file = Writer::new(Vec::new())?;
    file.configuration(&Configuration { shutdown: true, last_store_id: StoreId(state.last_message_id.0) })?;
    for message in &state.messages {
        let wire = properties::to_wire(&message.properties);
        let properties = if wire.is_empty() { Properties::None } else { Properties::Wire(&wire) };
        file.message(&message_row(message, properties))?;
    }
    for client in &state.clients {
        write_client(client, &mut file)?;
    }
    for client in &state.clients {
        for record in &client.subscriptions {
            file.subscription(&subscription(&client.record.client_id, record))?;
        }
    }
    state.retained.iter().try_for_each(|id| file.retained(StoreId(id.0)))?;
    file.finish()
}

fn write_client(client: &RestoredClient, file: &mut Writer<Vec<u8>>) -> io::Result<()> {
    let record = &client.record;
    let mut packet_ids = PacketIds::of(&client.entries);
    let mut rows: Vec<_> = client.entries.iter().map(entry_row).collect();
    for (row, entry) in rows.iter_mut().zip(&client.entries) {
        // Mosquitto sends an entry with the packet id in the file.
        if entry.packet_id.is_none() && entry.qos != QoS::AtMostOnce {
            row.mid = packet_ids.next();
        }
    }
    // First what is in flight from the client, then what is in flight to it, then what is queued; each in the order of the queue.
    rows.sort_by_key(|row| (row.direction as u8, row.state == EntryState::Queued as u8));
    let expires = record
        .disconnected_at
        .filter(|_| record.session_expiry != SessionExpiry::Never)
        .map(|at| at.since_epoch().as_secs().cast_signed() + i64::from(record.session_expiry.interval()));
    file.client(&Client {
        client_id: record.client_id.as_bytes(),
        username: record.username.as_ref().map_or(&[][..], |name| name.as_bytes()),
        last_mid: packet_ids.last,
        listener_port: record.listener_port,
        session_expires: expires,
        session_expiry_interval: record.session_expiry.interval(),
        disconnected_at: None,
    })?;
    rows.iter().try_for_each(|row| file.client_message(row))
}

/// Assigns packet ids that no other entry has.
struct PacketIds {
    taken: HashSet<u16>,
    last: u16,
}

impl PacketIds {
    fn of(entries: &[EntryRecord]) -> Self {
        let outgoing = entries.iter().filter(|entry| entry.direction == Direction::Out);
        let taken: HashSet<u16> = outgoing.filter_map(|entry| entry.packet_id).map(PacketId::get).collect();
        Self { last: taken.iter().copied().max().unwrap_or(0), taken }
    }

    fn next(&mut self) -> u16 {
        // A queue longer than the ids goes round, as Mosquitto's own does.
        for _ in 0..u16::MAX {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if !self.taken.contains(&self.last) {
                break;
            }
        }
        self.last
    }
}
