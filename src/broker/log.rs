//! Events as the log lines that people grep for. Pure: where lines go is `term::Logbook`'s work.

use std::fmt::Write;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::config::{LogSettings, LogTypes};
use super::event::{Offence, PacketSummary, PublishSummary};
use super::{Closing, Event, Interest, Loss, Settings, WallTime};
use crate::jwt;
use crate::mqtt::packet::{DecodeError, PacketId, PacketType, ProtocolVersion};

/// Characters of a line, at most; client ids and topics may be longer than a log should be.
const LINE_MOST: usize = 1000;

/// One line: its kind, which is exactly one of [`LogTypes`], and its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub kind: LogTypes,
    pub text: String,
}

impl Line {
    pub fn new(kind: LogTypes, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// The `$SYS` topic under which `log_dest topic` publishes lines of this kind; debug lines never.
    pub fn topic(&self) -> Option<&'static str> {
        Some(match self.kind {
            LogTypes::ERROR => "$SYS/broker/log/E",
            LogTypes::WARNING => "$SYS/broker/log/W",
            LogTypes::NOTICE => "$SYS/broker/log/N",
            LogTypes::INFORMATION => "$SYS/broker/log/I",
            LogTypes::SUBSCRIBE => "$SYS/broker/log/M/subscribe",
            LogTypes::UNSUBSCRIBE => "$SYS/broker/log/M/unsubscribe",
            _ => return None,
        })
    }
}

/// How long a line that was published as a message is worth reading.
pub const TOPIC_EXPIRY: Duration = Duration::from_secs(20);

/// The events that lines are made of.
pub fn interest(log: &LogSettings) -> Interest {
    let wants = |kind| log.types.contains(kind);
    Interest {
        notices: wants(LogTypes::NOTICE) || wants(LogTypes::INFORMATION),
        packets: wants(LogTypes::DEBUG),
        subscriptions: wants(LogTypes::SUBSCRIBE) || wants(LogTypes::UNSUBSCRIBE),
    }
}

/// What stands before each line: seconds since 1970, or a strftime format, or nothing.
pub fn stamp(log: &LogSettings, wall: WallTime, zone: impl FnOnce() -> TimeZone) -> String {
    if !log.timestamp {
        return String::new();
    }
    let seconds = wall.since_epoch().as_secs();
    match &log.timestamp_format {
        None => format!("{seconds}: "),
        Some(format) => {
            let time = Timestamp::from_second(seconds.cast_signed()).unwrap_or(Timestamp::MAX).to_zoned(zone());
            // A format that strftime does not know is shown as it is.
            let text = jiff::fmt::strtime::format(format, &time).unwrap_or_else(|_| format.clone());
            format!("{text}: ")
        }
    }
}

/// The lines that `event` makes under these settings.
pub fn lines(event: &Event, log: &LogSettings, settings: &Settings) -> Vec<Line> {
    let mut lines = all_lines(event, log, settings);
    lines.retain(|line| log.types.contains(line.kind));
    for line in &mut lines {
        if let Some((cut, _)) = line.text.char_indices().nth(LINE_MOST) {
            line.text.truncate(cut);
        }
    }
    lines
}

fn all_lines(event: &Event, log: &LogSettings, settings: &Settings) -> Vec<Line> {
    let notice = |text| vec![Line::new(LogTypes::NOTICE, text)];
    let information = |text| vec![Line::new(LogTypes::INFORMATION, text)];
    let debug = |text| vec![Line::new(LogTypes::DEBUG, text)];
    let comes_or_goes = |text| if log.connection_messages { notice(text) } else { Vec::new() };
    match event {
        Event::Opened { peer, listener } => {
            let port = settings.listeners.get(usize::from(listener.0)).map_or(0, |listener| listener.port);
            comes_or_goes(format!("New connection from {} on port {port}.", shown(peer)))
        }
        Event::MaxConnectionsExceeded { peer } => {
            // Mosquitto leaves the port out here.
            let host = peer.rsplit_once(':').map_or(&**peer, |(host, _)| host);
            notice(format!("Client connection from {} denied: max_connections exceeded.", shown(host)))
        }
        Event::Connected { client, peer, version, clean_start, keep_alive, username } => {
            let user = username.as_ref().map_or(String::new(), |name| format!(", u'{}'", shown(name)));
            comes_or_goes(format!(
                "New client connected from {} as {} (p{}, c{}, k{keep_alive}{user}).",
                shown(peer),
                shown(client),
                *version as u8,
                u8::from(*clean_start)
            ))
        }
        Event::Negotiated { client, session } => {
            comes_or_goes(format!("Client {} negotiated {session}", shown(client)))
        }
        Event::UnexpectedTls { peer } => {
            notice(format!("Client from {} appears to be using TLS to connect to a non-TLS listener.", shown(peer)))
        }
        Event::HandshakeFailed { peer, listener, why } => {
            let mut lines =
                all_lines(&Event::Opened { peer: peer.address.clone(), listener: *listener }, log, settings);
            let host = peer.host();
            let text = format!("Client {} [{}] disconnected: {}.", shown(&host), shown(&peer.address), shown(why));
            lines.extend(comes_or_goes(text));
            lines
        }
        Event::StoreFailed { why } => vec![Line::new(
            LogTypes::ERROR,
            format!("Error: The state cannot be stored: {}. What has to be kept is refused.", shown(why)),
        )],
        Event::StoreRecovered => notice("The state can be stored again.".to_owned()),
        Event::NoWill { .. } => debug("No will message specified.".to_owned()),
        Event::Will { topic, bytes, qos, retain, .. } => vec![
            Line::new(
                LogTypes::DEBUG,
                format!("Will message specified ({bytes} bytes) (r{}, q{}).", u8::from(*retain), *qos as u8),
            ),
            Line::new(LogTypes::DEBUG, format!("\t{}", shown(topic))),
        ],
        Event::Offended { client, peer, offence } => {
            offended(&shown(client), &shown(peer), *offence).map_or_else(Vec::new, information)
        }
        // Everybody goes then.
        Event::Disconnected { why: Closing::ShuttingDown, .. } => Vec::new(),
        Event::Disconnected { client, peer, why, .. } => {
            let head = format!("Client {} [{}] disconnected", shown(client), shown(peer));
            comes_or_goes(match why {
                Closing::Clean => format!("{head}."),
                why => format!("{head}: {why}."),
            })
        }
        Event::MessagesDropped { client } => {
            notice(format!("Outgoing messages are being dropped for client {}.", shown(client)))
        }
        Event::Expired { client } => notice(format!("Expiring client {} due to timeout.", shown(client))),
        Event::Subscribed { client, qos, filter } => {
            vec![Line::new(LogTypes::SUBSCRIBE, format!("{} {} {}", shown(client), *qos as u8, shown(filter)))]
        }
        Event::Unsubscribed { client, filter } => {
            vec![Line::new(LogTypes::UNSUBSCRIBE, format!("{} {}", shown(client), shown(filter)))]
        }
        Event::Filter { filter, granted: Some(qos) } => debug(format!("\t{} (QoS {})", shown(filter), *qos as u8)),
        Event::Filter { filter, granted: None } => debug(format!("\t{} (denied)", shown(filter))),
        Event::FilterGone(filter) => debug(format!("\t{}", shown(filter))),
        Event::Received(client, packet) => received(&shown(client), packet),
        Event::Sent(client, packet) => sent(&shown(client), packet),
        Event::PublishDenied { client, publish } => {
            debug(format!("Denied PUBLISH from {} {}", shown(client), publish_text(publish)))
        }
        Event::PublishTooLarge { client, publish } => {
            debug(format!("Dropped too large PUBLISH from {} {}", shown(client), publish_text(publish)))
        }
    }
}

fn received(client: &str, packet: &PacketSummary) -> Vec<Line> {
    let acknowledged = |kind: &str, packet_id: u16, reason: u8| {
        format!("Received {kind} from {client} (Mid: {packet_id}, RC:{reason})")
    };
    let text = match packet {
        PacketSummary::ConnAck { .. } => format!("Received CONNACK from {client}"),
        PacketSummary::Publish(publish) => format!("Received PUBLISH from {client} {}", publish_text(publish)),
        PacketSummary::PubAck { packet_id, reason } => acknowledged("PUBACK", packet_id.get(), reason.0),
        PacketSummary::PubRec { packet_id, .. } => format!("Received PUBREC from {client} (Mid: {packet_id})"),
        PacketSummary::PubRel { packet_id, .. } => format!("Received PUBREL from {client} (Mid: {packet_id})"),
        PacketSummary::PubComp { packet_id, reason } => acknowledged("PUBCOMP", packet_id.get(), reason.0),
        PacketSummary::Subscribe => format!("Received SUBSCRIBE from {client}"),
        PacketSummary::Unsubscribe => format!("Received UNSUBSCRIBE from {client}"),
        PacketSummary::SubAck => format!("Received SUBACK from {client}"),
        PacketSummary::UnsubAck => format!("Received UNSUBACK from {client}"),
        PacketSummary::PingReq => format!("Received PINGREQ from {client}"),
        PacketSummary::PingResp => format!("Received PINGRESP from {client}"),
        PacketSummary::Disconnect { .. } => format!("Received DISCONNECT from {client}"),
        PacketSummary::Auth => format!("Received AUTH from {client}"),
    };
    vec![Line::new(LogTypes::DEBUG, text)]
}

/// Mosquitto's lines for what a client must not do; not all of it has one.
fn offended(client: &str, peer: &str, offence: Offence) -> Option<String> {
    let (who, what) = match offence {
        Offence::NoConnect(first) => (peer, format!("First packet not CONNECT ({first:02X})")),
        Offence::NoClientId31 => (peer, "v3.1 CONNECT with zero length clientid".to_owned()),
        Offence::NoClientId => (peer, "CONNECT with zero length clientid when forbidden".to_owned()),
        Offence::TopicAlias(alias) => (client, format!("PUBLISH invalid topic alias ({alias})")),
        // Mosquitto takes no tokens, so it has no words for it.
        Offence::Token(why) => return Some(format!("The token of {client} is refused: {}.", refused_token(why))),
        Offence::Auth(ProtocolVersion::V5) => (client, "AUTH packet without existing auth-method".to_owned()),
        Offence::Auth(_) => (client, "AUTH packet when session not MQTT v5.0".to_owned()),
        Offence::NotAFilter => return Some(format!("Invalid subscription string from {client}, disconnecting.")),
        Offence::NoPacket { error, instead_of_connect } => match error {
            DecodeError::UnexpectedPacket(PacketType::Connect) => {
                return Some(format!("Bad client {peer} sending multiple CONNECT messages."));
            }
            DecodeError::UnexpectedPacket(_) if instead_of_connect => (peer, "First packet not CONNECT".to_owned()),
            DecodeError::Flags(first) if instead_of_connect && first >> 4 != PacketType::Connect as u8 => {
                (peer, format!("First packet not CONNECT ({first:02X})"))
            }
            DecodeError::UnexpectedPacket(kind) => {
                (client, format!("{} when not a bridge", format!("{kind:?}").to_uppercase()))
            }
            DecodeError::UnknownPacketType(_) => (peer, "RESERVED packet".to_owned()),
            DecodeError::ProtocolName => (peer, "CONNECT with invalid protocol".to_owned()),
            DecodeError::ConnectFlags(flags) => (peer, connect_flags(flags)),
            DecodeError::NoWillTopic => (peer, "Will with empty topic".to_owned()),
            DecodeError::PacketIdZero(kind) => (client, format!("{} with mid = 0", format!("{kind:?}").to_uppercase())),
            DecodeError::NoLocalOnShared => (client, "$share subscription with no-local set".to_owned()),
            _ => return None,
        },
    };
    Some(format!("Protocol error from {who}: {what}."))
}

/// What is wrong with the flags of a CONNECT.
fn connect_flags(flags: u8) -> String {
    let (reserved, will, qos, retain) = (flags & 1, flags >> 2 & 1, flags >> 3 & 3, flags >> 5 & 1);
    if reserved > 0 {
        format!("CONNECT with non-zero connect reserved flag ({flags:02X})")
    } else if qos == 3 {
        "CONNECT with invalid Will QoS (3)".to_owned()
    } else if will == 0 && (qos > 0 || retain > 0) {
        format!("CONNECT without Will with non-zero QoS ({qos}) or retain ({retain})")
    } else {
        "password without username, closing connection".to_owned()
    }
}

fn sent(client: &str, packet: &PacketSummary) -> Vec<Line> {
    let acknowledged =
        |kind: &str, packet_id: u16, reason: u8| format!("Sending {kind} to {client} (m{packet_id}, rc{reason})");
    let text = match packet {
        PacketSummary::ConnAck { session_present, code } => {
            format!("Sending CONNACK to {client} ({}, {code})", u8::from(*session_present))
        }
        PacketSummary::Publish(publish) => format!("Sending PUBLISH to {client} {}", publish_text(publish)),
        PacketSummary::PubAck { packet_id, reason } => acknowledged("PUBACK", packet_id.get(), reason.0),
        PacketSummary::PubRec { packet_id, reason } => acknowledged("PUBREC", packet_id.get(), reason.0),
        PacketSummary::PubRel { packet_id, .. } => format!("Sending PUBREL to {client} (m{packet_id})"),
        PacketSummary::PubComp { packet_id, .. } => format!("Sending PUBCOMP to {client} (m{packet_id})"),
        PacketSummary::Subscribe => format!("Sending SUBSCRIBE to {client}"),
        PacketSummary::SubAck => format!("Sending SUBACK to {client}"),
        PacketSummary::Unsubscribe => format!("Sending UNSUBSCRIBE to {client}"),
        PacketSummary::UnsubAck => format!("Sending UNSUBACK to {client}"),
        PacketSummary::PingReq => format!("Sending PINGREQ to {client}"),
        PacketSummary::PingResp => format!("Sending PINGRESP to {client}"),
        PacketSummary::Disconnect { reason } => format!("Sending DISCONNECT to {client} (rc{})", reason.0),
        PacketSummary::Auth => format!("Sending AUTH to {client}"),
    };
    vec![Line::new(LogTypes::DEBUG, text)]
}

fn publish_text(publish: &PublishSummary) -> String {
    let PublishSummary { dup, qos, retain, packet_id, topic, bytes } = publish;
    let (dup, retain, qos) = (u8::from(*dup), u8::from(*retain), *qos as u8);
    // Mosquitto shows 0 where there is no packet id.
    let packet_id = packet_id.map_or(0, PacketId::get);
    format!("(d{dup}, q{qos}, r{retain}, m{packet_id}, '{}', ... ({bytes} bytes))", shown(topic))
}

/// What of the state could not be read, a line each.
pub fn losses(losses: &[Loss], more: usize) -> Vec<String> {
    let line = |loss: &Loss| match loss {
        Loss::Session { client_id } => format!("the session of '{}' cannot be read", shown(client_id)),
        Loss::Will { client_id } => {
            format!("the will of '{}' belongs to no session, or has no topic", shown(client_id))
        }
        Loss::Subscription { client_id, filter } => {
            format!(
                "the subscription of '{}' to '{}' belongs to no session, or is no filter",
                shown(client_id),
                shown(filter)
            )
        }
        Loss::Message { id, topic } => format!("message {id} has no topic that can be one: '{}'", shown(topic)),
        Loss::Entry { client_id, sequence, message } => format!(
            "place {sequence} in the queue of '{}', message {message}, belongs to no session or no message",
            shown(client_id)
        ),
        Loss::Retained { message } => format!("a retained message, {message}, is not there"),
    };
    let mut lines: Vec<_> =
        losses.iter().map(|loss| format!("Error: Left out of the restored state: {}.", line(loss))).collect();
    if more > 0 {
        lines.push(format!("Error: Left out of the restored state: {more} more."));
    }
    lines
}

/// A stranger's text without what would move the cursor, or look like another line.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Why a token lets nobody in; nothing that stands in it.
fn refused_token(why: jwt::Refused) -> &'static str {
    match why {
        jwt::Refused::Malformed => "it is malformed",
        jwt::Refused::Unsigned => "it is not signed",
        jwt::Refused::Extension => "it has an extension that must be understood",
        jwt::Refused::NoKey => "there is no key for its algorithm and key id",
        jwt::Refused::Signature => "its signature is wrong",
        jwt::Refused::NoExpiry => "it has no exp",
        jwt::Refused::Expired => "it has expired",
        jwt::Refused::NotYetValid => "it is not valid yet (nbf)",
        jwt::Refused::Issuer => "it is of another issuer (iss)",
        jwt::Refused::Audience => "it is for another audience (aud)",
        jwt::Refused::User => "it names no user, or another than CONNECT",
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU16;

    use super::*;
    use crate::broker::{ConnectionId, ListenerId};
    use crate::mqtt::packet::{ProtocolVersion, QoS, ReasonCode};

    fn everything() -> LogSettings {
        LogSettings { types: LogTypes::ALL, ..LogSettings::default() }
    }

    fn texts(event: &Event) -> Vec<(LogTypes, String)> {
        lines(event, &everything(), &Settings::default()).into_iter().map(|line| (line.kind, line.text)).collect()
    }

    fn one(event: &Event) -> String {
        let mut texts = texts(event);
        assert_eq!(texts.len(), 1, "{texts:?}");
        texts.remove(0).1
    }

    fn publish() -> PublishSummary {
        PublishSummary {
            dup: false,
            qos: QoS::AtLeastOnce,
            retain: true,
            packet_id: PacketId::new(7),
            topic: "a/b".into(),
            bytes: 12,
        }
    }

    #[test]
    fn clients_come_and_go_in_mosquittos_words() {
        let peer = || "127.0.0.1:5000".into();
        assert_eq!(
            one(&Event::Opened { peer: peer(), listener: ListenerId(0) }),
            "New connection from 127.0.0.1:5000 on port 1883."
        );
        assert_eq!(
            one(&Event::MaxConnectionsExceeded { peer: peer() }),
            "Client connection from 127.0.0.1 denied: max_connections exceeded."
        );
        assert_eq!(
            one(&Event::UnexpectedTls { peer: peer() }),
            "Client from 127.0.0.1:5000 appears to be using TLS to connect to a non-TLS listener."
        );
        let connected = |username: Option<&str>| Event::Connected {
            client: "c".into(),
            peer: peer(),
            version: ProtocolVersion::V311,
            clean_start: true,
            keep_alive: 60,
            username: username.map(Into::into),
        };
        assert_eq!(one(&connected(None)), "New client connected from 127.0.0.1:5000 as c (p4, c1, k60).");
        assert_eq!(
            one(&connected(Some("ann"))),
            "New client connected from 127.0.0.1:5000 as c (p4, c1, k60, u'ann')."
        );
        let gone = |why| Event::Disconnected { connection: ConnectionId(1), client: "c".into(), peer: peer(), why };
        assert_eq!(one(&gone(Closing::Clean)), "Client c [127.0.0.1:5000] disconnected.");
        assert_eq!(one(&gone(Closing::TakenOver)), "Client c [127.0.0.1:5000] disconnected: session taken over.");
    }

    #[test]
    fn what_clients_do_wrong_is_logged_in_mosquittos_words() {
        let no_packet = |error| Offence::NoPacket { error, instead_of_connect: false };
        let no_connect = |error| Offence::NoPacket { error, instead_of_connect: true };
        for (offence, text) in [
            (Offence::NoConnect(0xC0), "Protocol error from 1.2.3.4:5: First packet not CONNECT (C0)."),
            (no_connect(DecodeError::Flags(0x47)), "Protocol error from 1.2.3.4:5: First packet not CONNECT (47)."),
            (
                no_connect(DecodeError::ConnectFlags(0x1E)),
                "Protocol error from 1.2.3.4:5: CONNECT with invalid Will QoS (3).",
            ),
            (
                no_packet(DecodeError::UnexpectedPacket(PacketType::ConnAck)),
                "Protocol error from c: CONNACK when not a bridge.",
            ),
            (
                no_packet(DecodeError::UnexpectedPacket(PacketType::Connect)),
                "Bad client 1.2.3.4:5 sending multiple CONNECT messages.",
            ),
            (no_packet(DecodeError::PacketIdZero(PacketType::PubAck)), "Protocol error from c: PUBACK with mid = 0."),
            (Offence::TopicAlias(5), "Protocol error from c: PUBLISH invalid topic alias (5)."),
            (Offence::NotAFilter, "Invalid subscription string from c, disconnecting."),
        ] {
            let event = Event::Offended { client: "c".into(), peer: "1.2.3.4:5".into(), offence };
            assert_eq!(texts(&event), [(LogTypes::INFORMATION, text.to_owned())]);
        }
    }

    #[test]
    fn packets_are_logged_in_mosquittos_words() {
        let id = NonZeroU16::new(7).unwrap();
        let reason = ReasonCode(16);
        for (packet, came, went) in [
            (
                PacketSummary::Publish(publish()),
                "Received PUBLISH from c (d0, q1, r1, m7, 'a/b', ... (12 bytes))",
                "Sending PUBLISH to c (d0, q1, r1, m7, 'a/b', ... (12 bytes))",
            ),
            (
                PacketSummary::PubAck { packet_id: id, reason },
                "Received PUBACK from c (Mid: 7, RC:16)",
                "Sending PUBACK to c (m7, rc16)",
            ),
            (PacketSummary::PingReq, "Received PINGREQ from c", "Sending PINGREQ to c"),
            (
                PacketSummary::Disconnect { reason: ReasonCode(142) },
                "Received DISCONNECT from c",
                "Sending DISCONNECT to c (rc142)",
            ),
            (
                PacketSummary::ConnAck { session_present: true, code: 0 },
                "Received CONNACK from c",
                "Sending CONNACK to c (1, 0)",
            ),
        ] {
            assert_eq!(one(&Event::Received("c".into(), packet.clone())), came);
            assert_eq!(one(&Event::Sent("c".into(), packet)), went);
        }
        assert_eq!(one(&Event::Received("c".into(), PacketSummary::Subscribe)), "Received SUBSCRIBE from c");
        assert_eq!(one(&Event::Filter { filter: "a/#".into(), granted: Some(QoS::AtLeastOnce) }), "\ta/# (QoS 1)");
        assert_eq!(one(&Event::Filter { filter: "b".into(), granted: None }), "\tb (denied)");
        assert_eq!(one(&Event::FilterGone("b".into())), "\tb");
    }

    #[test]
    fn subscriptions_have_lines_of_their_own_kind() {
        let event = Event::Subscribed { client: "c".into(), qos: QoS::ExactlyOnce, filter: "a/#".into() };
        assert_eq!(texts(&event), [(LogTypes::SUBSCRIBE, "c 2 a/#".to_owned())]);
        let event = Event::Unsubscribed { client: "c".into(), filter: "a/#".into() };
        assert_eq!(texts(&event), [(LogTypes::UNSUBSCRIBE, "c a/#".to_owned())]);
        assert_eq!(Line::new(LogTypes::SUBSCRIBE, "").topic(), Some("$SYS/broker/log/M/subscribe"));
        assert_eq!(Line::new(LogTypes::DEBUG, "").topic(), None);
    }

    #[test]
    fn kinds_that_are_not_wanted_make_no_line() {
        let log = LogSettings { connection_messages: false, ..LogSettings::default() };
        let settings = Settings::default();
        let opened = Event::Opened { peer: "a".into(), listener: ListenerId(0) };
        assert_eq!(lines(&opened, &log, &settings), []);
        assert_eq!(lines(&Event::NoWill { client: "c".into() }, &LogSettings::default(), &settings), []);
        assert_eq!(lines(&Event::Expired { client: "c".into() }, &log, &settings).len(), 1);
        assert!(!interest(&log).packets && interest(&everything()).packets);
    }

    #[test]
    fn names_cannot_fake_a_line_nor_fill_the_log() {
        let text = one(&Event::Expired { client: "a\n1700000000: mosquitto\u{1b}[2J".into() });
        assert_eq!(text, "Expiring client a\\n1700000000: mosquitto\\u{1b}[2J due to timeout.");
        let text = one(&Event::Expired { client: "ü".repeat(5000).into() });
        assert_eq!(text.chars().count(), 1000);
    }

    #[test]
    fn time_stamps_are_seconds_or_a_format_or_nothing() {
        let wall = WallTime::after_epoch(Duration::from_secs(1_700_000_000));
        let stamped = |log: &LogSettings| stamp(log, wall, || TimeZone::UTC);
        assert_eq!(stamped(&LogSettings::default()), "1700000000: ");
        assert_eq!(stamped(&LogSettings { timestamp: false, ..LogSettings::default() }), "");
        let timestamp_format = Some("%Y-%m-%dT%H:%M:%S".to_owned());
        assert_eq!(stamped(&LogSettings { timestamp_format, ..LogSettings::default() }), "2023-11-14T22:13:20: ");
    }
}
