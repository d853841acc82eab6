//! The rows that only a broker needs: whole sessions, wills, and what our own tables add to an entry.

use super::super::ids::{StoreId, UnixTime};
use super::super::{ClientMessage, Properties};
use super::read::{Reader, Unreadable, bytes, json, number, small, store_id};

/// A row of `clients`, with that of `moskit_session`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionRow<'a> {
    pub client_id: &'a [u8],
    pub username: Option<&'a [u8]>,
    /// Unix seconds: when the session was first stored.
    pub created_at: i64,
    /// Unix seconds at which the will is due, 0 when it is not.
    pub will_delay_time: i64,
    /// Unix seconds at which the session ends; 0 while connected and for sessions without end.
    pub session_expires: i64,
    pub listener_port: u16,
    /// 0: the client named none.
    pub max_packet_size: u32,
    pub max_qos: u8,
    pub retain_available: bool,
    /// Seconds; `u32::MAX` is never.
    pub session_expiry_interval: u32,
    pub will_delay_interval: u32,
    /// `None` while connected, and for rows that Mosquitto wrote.
    pub disconnected_at: Option<UnixTime>,
}

/// A row of `wills`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Will<'a> {
    pub client_id: &'a [u8],
    pub topic: &'a [u8],
    pub payload: &'a [u8],
    pub qos: u8,
    pub retain: bool,
    pub properties: Properties<'a>,
}

/// An entry of a queue as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    pub message: ClientMessage<'a>,
    /// What `client_msgs` has no column for. Most entries need none.
    pub detail: Option<EntryDetail<'a>>,
}

/// A row of `moskit_entry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryDetail<'a> {
    pub queued_at: UnixTime,
    /// Numbers in decimal with commas between.
    pub subscription_identifiers: &'a str,
    pub pubrel_order: u64,
}

impl Reader {
    /// Every session, whole.
    pub fn sessions(&self, mut each: impl FnMut(&SessionRow<'_>)) -> Result<(), Unreadable> {
        let (own, join) = if self.has_table("moskit_session")? {
            ("s.disconnected_at", "LEFT JOIN moskit_session s USING (client_id)")
        } else {
            ("NULL", "")
        };
        self.rows(
            &format!(
                "SELECT c.client_id, c.username, c.connection_time, c.will_delay_time, c.session_expiry_time,
                        c.listener_port, c.max_packet_size, c.max_qos, c.retain_available,
                        c.session_expiry_interval, c.will_delay_interval, {own}, c.username IS NULL
                 FROM clients c {join}"
            ),
            |row| {
                let disconnected_at = number(row, 11)?;
                each(&SessionRow {
                    client_id: bytes(row, 0)?,
                    username: if number(row, 12)? == 0 { Some(bytes(row, 1)?) } else { None },
                    created_at: number(row, 2)?,
                    will_delay_time: number(row, 3)?,
                    session_expires: number(row, 4)?,
                    listener_port: small(number(row, 5)?),
                    max_packet_size: small(number(row, 6)?),
                    max_qos: small(number(row, 7)?),
                    retain_available: number(row, 8)? != 0,
                    session_expiry_interval: u32::try_from(number(row, 9)?).unwrap_or(u32::MAX),
                    will_delay_interval: u32::try_from(number(row, 10)?).unwrap_or(u32::MAX),
                    disconnected_at: (disconnected_at != 0).then_some(UnixTime::from_nanos(disconnected_at)),
                });
                Ok(())
            },
        )
    }

    /// Whether our broker wrote the file: what `client_msgs` cannot tell is in tables of ours.
    pub fn is_ours(&self) -> Result<bool, Unreadable> {
        Ok(self.has_table("moskit_entry")? && self.has_table("moskit_session")?)
    }

    /// The clients that `moskit_session` knows to be away, and since when.
    pub fn disconnections(&self, mut each: impl FnMut(&[u8], UnixTime)) -> Result<(), Unreadable> {
        self.rows("SELECT client_id, disconnected_at FROM moskit_session", |row| {
            each(bytes(row, 0)?, UnixTime::from_nanos(number(row, 1)?));
            Ok(())
        })
    }

    /// Every will. Databases of schema 1.0 have none.
    pub fn wills(&self, mut each: impl FnMut(&Will<'_>)) -> Result<(), Unreadable> {
        if !self.has_table("wills")? {
            return Ok(());
        }
        self.rows(
            "SELECT client_id, CAST(topic AS BLOB), payload, qos, retain, CAST(properties AS BLOB) FROM wills",
            |row| {
                each(&Will {
                    client_id: bytes(row, 0)?,
                    topic: bytes(row, 1)?,
                    payload: bytes(row, 2)?,
                    qos: small(number(row, 3)?),
                    retain: number(row, 4)? != 0,
                    properties: json(bytes(row, 5)?),
                });
                Ok(())
            },
        )
    }

    /// What `moskit_entry` adds, with the client id, the position in its queue and the message, which have to be those of an
    /// entry.
    pub fn entry_details(&self, mut each: impl FnMut(&[u8], u64, StoreId, &EntryDetail<'_>)) -> Result<(), Unreadable> {
        if !self.has_table("moskit_entry")? {
            return Ok(());
        }
        let of_sessions = self.of_sessions()?;
        self.rows(
            &format!(
                "SELECT client_id, cmsg_id, queued_at, subscription_ids, pubrel_order, store_id
                 FROM moskit_entry {of_sessions}"
            ),
            |row| {
                let detail = EntryDetail {
                    queued_at: UnixTime::from_nanos(number(row, 2)?),
                    subscription_identifiers: std::str::from_utf8(bytes(row, 3)?).unwrap_or_default(),
                    pubrel_order: number(row, 4)?.max(0).cast_unsigned(),
                };
                each(bytes(row, 0)?, number(row, 1)?.cast_unsigned(), store_id(row, 5)?, &detail);
                Ok(())
            },
        )
    }
}
