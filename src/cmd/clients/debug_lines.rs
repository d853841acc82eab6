//! The lines that `-d` prints, one for each packet.

use std::fmt::{self, Display};

use crate::mqtt::packet::ProtocolVersion;
use crate::mqtt::session::{Event, Session, Summary, Trace};
use crate::term::{Foreign, Term};

/// What a client without an id is called. With MQTT 5 the server assigns one, which CONNACK brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nameless {
    /// As Mosquitto's log has it: `null`, and printf's `(null)` in the lines of CONNACK.
    Null,
    /// In words.
    Said,
}

impl Nameless {
    pub const fn new(as_mosquitto: bool) -> Self {
        if as_mosquitto { Self::Null } else { Self::Said }
    }
}

/// A line of the log, as Mosquitto's clients print it. Not every trace has one.
#[derive(Debug)]
pub struct DebugLine<'a> {
    pub client_id: &'a str,
    pub nameless: Nameless,
    pub version: ProtocolVersion,
    pub trace: &'a Trace,
}

impl DebugLine<'_> {
    /// Whether Mosquitto prints anything for it.
    pub fn is_shown(&self) -> bool {
        !matches!(self.trace, Trace::Sending(Summary::ConnAck { .. } | Summary::SubAck | Summary::UnsubAck))
    }
}

impl Display for DebugLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, connack_name) = match (self.client_id, self.nameless) {
            ("", Nameless::Null) => ("null", "(null)"),
            ("", Nameless::Said) => ("without id", "without id"),
            // The server may have assigned it.
            (id, _) => (id, id),
        };
        let (name, connack_name) = (Foreign::new(name), Foreign::new(connack_name));
        match self.trace {
            Trace::Sending(packet) => {
                write!(f, "Client {name} sending ")?;
                sending(packet, self.version, f)
            }
            Trace::Received(Summary::Disconnect { reason }) => write!(f, "Received DISCONNECT ({})", reason.0),
            Trace::Received(Summary::ConnAck { code }) => write!(f, "Client {connack_name} received CONNACK ({code})"),
            Trace::Received(packet) => {
                write!(f, "Client {name} received ")?;
                received(packet, f)
            }
            Trace::DuplicateConnAck => write!(f, "Client {connack_name} received duplicate CONNACK"),
            Trace::ConnAckFlags(flags) => {
                write!(f, "Client {connack_name} received CONNACK with invalid connect flags ({flags})")
            }
            Trace::UnexpectedSessionPresent => {
                write!(f, "Client {connack_name} received CONNACK with session present when clean start was set")
            }
            Trace::UnknownPubRec(packet_id) => {
                write!(f, "Warning: Received PUBREC from {name} for an unknown packet identifier {packet_id}.")
            }
        }
    }
}

fn sending(packet: &Summary, version: ProtocolVersion, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match packet {
        Summary::PubAck { packet_id, reason } => write!(f, "PUBACK (m{packet_id}, rc{})", reason.0),
        Summary::PubRec { packet_id, reason } => write!(f, "PUBREC (m{packet_id}, rc{})", reason.0),
        Summary::PubRel { packet_id } => write!(f, "PUBREL (m{packet_id})"),
        Summary::PubComp { packet_id, .. } => write!(f, "PUBCOMP (m{packet_id})"),
        Summary::Subscribe { packet_id, filter, options } => {
            // The options byte without its QoS; before version 5 there is none.
            let bits = if version == ProtocolVersion::V5 { options.bits() & !3 } else { 0 };
            let qos = options.qos as u8;
            write!(f, "SUBSCRIBE (Mid: {packet_id}, Topic: {filter}, QoS: {qos}, Options: 0x{bits:02x})")
        }
        other => plain(other, f),
    }
}

fn received(packet: &Summary, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match packet {
        Summary::PubAck { packet_id, reason } => write!(f, "PUBACK (Mid: {packet_id}, RC:{})", reason.0),
        Summary::PubComp { packet_id, reason } => write!(f, "PUBCOMP (Mid: {packet_id}, RC:{})", reason.0),
        Summary::PubRec { packet_id, .. } => write!(f, "PUBREC (Mid: {packet_id})"),
        Summary::PubRel { packet_id } => write!(f, "PUBREL (Mid: {packet_id})"),
        other => plain(other, f),
    }
}

/// The packets whose line is the same in both directions, or that go in one only.
fn plain(packet: &Summary, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(match packet {
        Summary::Publish { dup, qos, retain, packet_id, topic, length } => {
            let (dup, qos, retain) = (u8::from(*dup), *qos as u8, u8::from(*retain));
            // A topic that an alias stands for prints as C's null.
            let topic = Foreign::new(topic.as_deref().unwrap_or("(null)"));
            return write!(f, "PUBLISH (d{dup}, q{qos}, r{retain}, m{packet_id}, '{topic}', ... ({length} bytes))");
        }
        Summary::Unsubscribe { packet_id, filter } => {
            return write!(f, "UNSUBSCRIBE (Mid: {packet_id}, Topic: {filter})");
        }
        Summary::Connect => "CONNECT",
        Summary::SubAck => "SUBACK",
        Summary::UnsubAck => "UNSUBACK",
        Summary::PingReq => "PINGREQ",
        Summary::PingResp => "PINGRESP",
        Summary::Disconnect { .. } => "DISCONNECT",
        _ => "AUTH",
    })
}

/// Prints the line of a trace, if it has one.
pub fn show(session: &Session, trace: &Trace, nameless: Nameless, term: &mut Term) {
    let line = DebugLine { client_id: session.client_id(), nameless, version: session.version(), trace };
    if line.is_shown() {
        term.line(line);
    }
}

/// Prints the lines that are still waiting in a session whose connection is over.
pub fn drain(session: &mut Session, nameless: Nameless, term: &mut Term) {
    while let Some(event) = session.poll_event() {
        if let Event::Trace(trace) = event {
            show(session, &trace, nameless, term);
        }
    }
}
