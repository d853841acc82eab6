//! The broker's records as rows of the tables.

use std::collections::HashSet;
use std::num::{NonZeroU32, NonZeroU64};
use std::time::Duration;

use bytestring::ByteString;

use super::acknowledged::Acknowledged;
use super::entry_rows::EntryRows;
use super::error::StoreError;
use crate::broker::{
    Change, ClientRecord, Direction, EntryRecord, EntryState, Message, PORTION_OF_ENTRIES, PORTION_OF_SUBSCRIPTIONS,
    Restored, SessionExpiry, SubscriptionRecord, WallTime, WillRecord,
};
use crate::mqtt::packet::{PacketId, QoS, SubscriptionIdentifier, SubscriptionOptions};
use crate::state::ids::{StoreId, UnixTime};
use crate::state::sqlite::{Entry, EntryDetail, SessionRow, Transaction, Will};
use crate::state::{self, ClientMessage, Properties, Subscription, properties};

type Written = Result<(), StoreError>;
type RowWritten = Result<(), rusqlite::Error>;

/// An entry that was queued within this time of its message needs no row of its own to say when.
const SAME_MOMENT: Duration = Duration::from_secs(1);

/// Writes a change. Entries that are removed may be still to be, by `acknowledged`.
pub(super) fn write(
    change: &Change,
    transaction: &Transaction<'_>,
    entry_rows: &mut EntryRows,
    acknowledged: &mut Acknowledged,
) -> Written {
    // Between two entries go the messages of both, whose rows say nothing of entries.
    if !matches!(change, Change::EntryRemoved { .. } | Change::Removed(_)) {
        acknowledged.remove(transaction)?;
    }
    match change {
        Change::EntryRemoved { client_id, sequence } => {
            return acknowledged.take(client_id, *sequence, transaction, entry_rows);
        }
        Change::ClientRemoved(client_id) => {
            transaction.remove_session(client_id.as_bytes())?;
            return remove_portion(client_id, transaction, entry_rows);
        }
        Change::LeftoversRemoved(client_id) => return remove_portion(client_id, transaction, entry_rows),
        Change::Queued(entry) => return write_entry(entry, transaction, entry_rows),
        Change::EntryChanged(entry) => return change_entry(entry, transaction, entry_rows),
        Change::Client(record) => {
            // Its rows would be taken for those of the session that begins.
            while entry_rows.has_leftovers(&record.client_id) {
                remove_portion(&record.client_id, transaction, entry_rows)?;
            }
            transaction.put_session(&session(record))
        }
        Change::Will(client_id, will) => write_will(client_id, will, transaction),
        Change::WillRemoved(client_id) => transaction.remove_will(client_id.as_bytes()),
        Change::Subscribed(client_id, record) => transaction.put_subscription(&subscription(client_id, record)),
        Change::Unsubscribed { client_id, filter } => {
            transaction.remove_subscription(client_id.as_bytes(), filter.as_bytes())
        }
        Change::Stored(message) => write_message(message, transaction),
        Change::Removed(id) => transaction.remove_message(StoreId(id.0)),
        Change::Retained { topic, message } => transaction.put_retained(topic.as_bytes(), StoreId(message.0)),
        Change::RetainedRemoved { topic } => transaction.remove_retained(topic.as_bytes()),
    }?;
    Ok(())
}

/// Writes a whole state into an empty file.
pub(super) fn write_all(state: &Restored, transaction: &Transaction<'_>, entry_rows: &mut EntryRows) -> Written {
    let retained: HashSet<_> = state.retained.iter().collect();
    for message in &state.messages {
        write_message(message, transaction)?;
        if retained.contains(&message.id) {
            transaction.put_retained(message.topic.as_bytes(), StoreId(message.id.0))?;
        }
    }
    for client in &state.clients {
        let client_id = &client.record.client_id;
        transaction.put_session(&session(&client.record))?;
        if let Some(will) = &client.will {
            write_will(client_id, will, transaction)?;
        }
        for record in &client.subscriptions {
            transaction.put_subscription(&subscription(client_id, record))?;
        }
        client.entries.iter().try_for_each(|entry| write_entry(entry, transaction, entry_rows))?;
    }
    Ok(())
}

pub(super) fn write_entry(entry: &EntryRecord, transaction: &Transaction<'_>, entry_rows: &mut EntryRows) -> Written {
    let row = entry_rows.place(&entry.client_id, entry.sequence)?;
    with_entry(entry, |columns| {
        note_detail(columns, row, entry_rows);
        transaction.put_entry(row, columns)
    })?;
    Ok(())
}

/// Changes an entry; one that is not there is left alone.
fn change_entry(entry: &EntryRecord, transaction: &Transaction<'_>, entry_rows: &mut EntryRows) -> Written {
    let Some(row) = entry_rows.find(&entry.client_id, entry.sequence) else { return Ok(()) };
    with_entry(entry, |columns| {
        note_detail(columns, row, entry_rows);
        transaction.change_entry(row, columns)
    })?;
    Ok(())
}

fn note_detail(entry: &Entry<'_>, row: i64, entry_rows: &mut EntryRows) {
    if entry.detail.is_some() {
        entry_rows.detailed(row);
    }
}

/// Removes a portion of what a session has left that has ended, and notes whether there may be more: readers leave that out.
fn remove_portion(client_id: &ByteString, transaction: &Transaction<'_>, entry_rows: &mut EntryRows) -> Written {
    let id = client_id.as_bytes();
    let mut is_some_left = false;
    for block in entry_rows.blocks_of(client_id) {
        let (first, mut last) = block.rows().into_inner();
        if let Some(next) = transaction.entry_behind(first..=last, PORTION_OF_ENTRIES)? {
            is_some_left = true;
            last = next - 1;
        }
        transaction.remove_entries(first..=last)?;
        if entry_rows.all_removed(first..=last) {
            transaction.remove_details(id, block.sequence(first)..=block.sequence(last))?;
        }
    }
    is_some_left |= transaction.remove_subscriptions(id, PORTION_OF_SUBSCRIPTIONS)? == PORTION_OF_SUBSCRIPTIONS;
    match (entry_rows.has_leftovers(client_id), is_some_left) {
        (false, true) => transaction.note_leftovers(id)?,
        (true, false) => transaction.forget_leftovers(id)?,
        (false, false) | (true, true) => {}
    }
    entry_rows.ended(client_id, is_some_left);
    Ok(())
}

fn write_message(message: &Message, transaction: &Transaction<'_>) -> RowWritten {
    let json = properties::to_json(&message.properties);
    let properties = json.as_deref().map_or(Properties::None, |text| Properties::Json(text.as_bytes()));
    transaction.put_message(&message_row(message, properties))
}

/// `properties` as the format holds them.
pub(super) fn message_row<'a>(message: &'a Message, properties: Properties<'a>) -> state::Message<'a> {
    state::Message {
        store_id: StoreId(message.id.0),
        // The time is rounded up: nothing expires early.
        expires: message
            .expires_at
            .map(|at| (at + Duration::from_nanos(999_999_999)).since_epoch().as_secs().cast_signed()),
        source_mid: message.packet_id.map_or(0, PacketId::get),
        source_id: message.source.client_id.as_bytes(),
        source_username: message.source.username.as_ref().map_or(&[][..], |name| name.as_bytes()),
        source_port: message.source.listener_port,
        topic: message.topic.as_bytes(),
        qos: message.qos as u8,
        retain: message.retain,
        payload_len: message.payload.len() as u32,
        payload: Some(&message.payload),
        properties,
    }
}

fn write_will(client_id: &str, will: &WillRecord, transaction: &Transaction<'_>) -> RowWritten {
    let json = properties::will_to_json(&will.properties);
    transaction.put_will(&Will {
        client_id: client_id.as_bytes(),
        topic: will.topic.as_bytes(),
        payload: &will.payload,
        qos: will.qos as u8,
        retain: will.retain,
        properties: json.as_deref().map_or(Properties::None, |text| Properties::Json(text.as_bytes())),
    })
}

fn session(record: &ClientRecord) -> SessionRow<'_> {
    let seconds_at = |time: WallTime| time.since_epoch().as_secs().cast_signed();
    let ends = record.disconnected_at.filter(|_| record.session_expiry != SessionExpiry::Never);
    SessionRow {
        client_id: record.client_id.as_bytes(),
        username: record.username.as_ref().map(|name| &**name.as_bytes()),
        created_at: seconds_at(record.created_at),
        will_delay_time: record
            .disconnected_at
            .filter(|_| record.will_delay_interval > 0)
            .map_or(0, |at| seconds_at(at) + i64::from(record.will_delay_interval)),
        session_expires: ends.map_or(0, |at| seconds_at(at) + i64::from(record.session_expiry.interval())),
        listener_port: record.listener_port,
        max_packet_size: record.max_packet_size.map_or(0, NonZeroU32::get),
        max_qos: record.max_qos as u8,
        retain_available: record.retain_available,
        session_expiry_interval: record.session_expiry.interval(),
        will_delay_interval: record.will_delay_interval,
        disconnected_at: record.disconnected_at.map(unix),
    }
}

pub(super) fn subscription<'a>(client_id: &'a str, record: &'a SubscriptionRecord) -> Subscription<'a> {
    Subscription {
        client_id: client_id.as_bytes(),
        filter: record.filter.as_bytes(),
        qos: record.options.qos as u8,
        options: option_bits(record.options),
        identifier: record.identifier.map_or(0, SubscriptionIdentifier::get),
    }
}

/// The options byte of the format: bit 2 is no-local, bit 3 retain-as-published, bits 4 and 5 are the retain handling.
fn option_bits(options: SubscriptionOptions) -> u8 {
    u8::from(options.no_local) << 2 | u8::from(options.retain_as_published) << 3 | (options.retain_handling as u8) << 4
}

pub(super) fn entry_row(entry: &EntryRecord) -> ClientMessage<'_> {
    ClientMessage {
        client_id: entry.client_id.as_bytes(),
        cmsg_id: entry.sequence,
        store_id: StoreId(entry.message.0),
        mid: entry.packet_id.map_or_else(|| future_packet_id(entry), PacketId::get),
        qos: entry.qos as u8,
        retain: entry.retain,
        dup: entry.dup,
        direction: match entry.direction {
            Direction::In => state::Direction::Incoming,
            Direction::Out => state::Direction::Outgoing,
        },
        state: entry.state as u8,
        properties: Properties::None,
        subscription_identifier: entry.subscription_identifiers.first().map_or(0, |identifier| identifier.get()),
    }
}

/// Mosquitto sends an entry with the packet id that it finds here. Ours has none yet where more wait than there are ids; it
/// gets one for Mosquitto's sake.
fn future_packet_id(entry: &EntryRecord) -> u16 {
    if entry.qos == QoS::AtMostOnce { 0 } else { (entry.sequence.wrapping_sub(1) % 65_535) as u16 + 1 }
}

fn with_entry(entry: &EntryRecord, write: impl FnOnce(&Entry<'_>) -> RowWritten) -> RowWritten {
    let identifiers = if entry.subscription_identifiers.len() > 1 {
        entry.subscription_identifiers.iter().map(SubscriptionIdentifier::to_string).collect::<Vec<_>>().join(",")
    } else {
        String::new()
    };
    let stored_at = StoreId(entry.message.0).stored_at();
    let at_once = stored_at.is_some_and(|stored| {
        let later = unix(entry.queued_at).nanos_since(stored);
        u128::from(later.unsigned_abs()) < SAME_MOMENT.as_nanos()
    });
    let is_plain =
        at_once && identifiers.is_empty() && entry.pubrel_order.is_none() && entry.state != EntryState::WaitForPubComp;
    write(&Entry {
        message: entry_row(entry),
        detail: (!is_plain).then_some(EntryDetail {
            queued_at: unix(entry.queued_at),
            subscription_identifiers: &identifiers,
            pubrel_order: entry.pubrel_order.map_or(0, NonZeroU64::get),
        }),
    })
}

fn unix(time: WallTime) -> UnixTime {
    UnixTime::from_nanos(i64::try_from(time.nanos_since_epoch()).unwrap_or(i64::MAX))
}
