//! Connections that do not come about, that end, and that the broker refuses.

use std::io::ErrorKind;

use crate::client::Ending;
use crate::mqtt::packet::{ConnAck, DecodeError, ProtocolVersion};
use crate::mqtt::session::SessionError;
use crate::net::{ConnectError, reason};

use super::{Attempted, Finding};

/// Why no address of the broker could be reached.
pub fn not_connected(error: &ConnectError, attempted: &Attempted<'_>) -> Finding {
    match error {
        ConnectError::Lookup { name, error } => {
            Finding::error("net.dns", format!("the name `{name}` has no address: {}", reason(error)))
                .fix(format!("check the spelling, or ask the resolver: getent hosts {name}"))
        }
        ConnectError::BindLookup { name, .. } => {
            Finding::error("net.dns", format!("the local address `{name}` given with -A has no address"))
                .fix("list this machine's addresses: ip address")
        }
        ConnectError::Unreachable { host, port, attempts } => {
            let tried: Vec<_> = attempts.iter().map(|attempt| attempt.address.ip().to_string()).collect();
            let tried = tried.join(", ");
            if attempts.iter().all(|attempt| attempt.error.kind() == ErrorKind::ConnectionRefused) {
                return Finding::error("net.refused", format!("nothing listens on {host}:{port} (tried {tried})"))
                    .fix("is the broker running? mosquitto 2 without a `listener` line accepts connections from its own machine only");
            }
            let last = attempts.last().map(|attempt| reason(&attempt.error)).unwrap_or_default();
            Finding::error("net.unreachable", format!("{host}:{port} cannot be reached (tried {tried}): {last}"))
                .fix(format!("check host, port and firewall: moskit check -h {host} -p {port}"))
        }
        ConnectError::Proxy { proxy, error } => {
            let place = format!("{}:{}", proxy.host, proxy.port);
            Finding::error("net.proxy", format!("the proxy {place} does not let us through: {error}"))
                .fix("check --proxy socks5h://[user[:password]@]host[:port], and what the proxy allows")
        }
        ConnectError::WebSocket(error) => Finding::error("proto.ws-vs-mqtt", error.to_string())
            .fix("is this the port of a WebSockets listener? Without --ws we speak plain MQTT"),
        ConnectError::Tls(failure) => super::tls::handshake(failure, attempted),
        ConnectError::Unix { path, error } => {
            let path = path.display();
            Finding::error("net.unix", format!("the socket `{path}` cannot be opened: {}", reason(error)))
                .fix(format!("is there a broker behind it? ls -l {path}"))
        }
    }
}

/// What the end of a connection tells about its cause, where it tells anything.
pub fn lost(ending: &Ending) -> Option<Finding> {
    Some(match ending {
        Ending::Closed => return None,
        Ending::Io(error) => Finding::error("net.lost", format!("the connection broke: {}", reason(error))),
        Ending::Session(SessionError::KeepAlive) => {
            Finding::error("keepalive", "the broker did not answer within the keep-alive time")
                .fix("is the broker alive, and the network? moskit check tells")
        }
        Ending::Session(SessionError::Decode(DecodeError::ConnAckWithoutProperties { .. })) => {
            Finding::error("proto.version", "the broker answers version 5 as one that knows only 3.1.1 and 3.1")
                .fix("use -V mqttv311")
        }
        Ending::Session(SessionError::Decode(_)) => {
            Finding::error("proto.garbage", "what the other side sends is not MQTT, or is broken")
                .fix("is this the port of an MQTT broker? moskit check tells what answers")
        }
        Ending::Session(error) => {
            Finding::error("proto.violation", format!("the broker broke the protocol: {}", violation(*error)))
        }
    })
}

fn violation(error: SessionError) -> String {
    match error {
        SessionError::BeforeConnAck(_) => "it sent something before it accepted the connection".to_owned(),
        SessionError::DuplicateConnAck => "it accepted the connection twice".to_owned(),
        SessionError::UnexpectedSessionPresent => "it found a session although a clean one was asked for".to_owned(),
        SessionError::UnexpectedClientId => "it assigned a client id although one was given".to_owned(),
        SessionError::ReasonCode { reason, .. } => {
            format!("it acknowledged with reason code {}, which that packet cannot have", reason.0)
        }
        SessionError::ReceiveMaximumExceeded => "it sent more QoS 2 messages than were asked for".to_owned(),
        SessionError::TopicAlias(alias) | SessionError::UnknownTopicAlias(alias) => {
            format!("it used the topic alias {alias}, which was never agreed on")
        }
        SessionError::Decode(_) | SessionError::KeepAlive => String::new(),
    }
}

/// Why a broker may have refused, and how to tell the reasons apart.
pub fn refused(version: ProtocolVersion, connack: &ConnAck) -> Option<Finding> {
    let is_v5 = version == ProtocolVersion::V5;
    Some(match (is_v5, connack.code) {
        (false, 1) | (true, 132) => {
            Finding::error("connack.version", "the broker does not speak this version of MQTT here")
                .fix("try another: -V mqttv5, -V mqttv311 or -V mqttv31")
        }
        (false, 2) | (true, 133) => Finding::error(
            "connack.identifier",
            "the broker does not accept the client id, or (mosquitto) a keep-alive above its maximum",
        )
        .fix("give an id with -i, or a shorter keep-alive with -k"),
        (false, 3) | (true, 136 | 137) => {
            Finding::error("connack.unavailable", "the broker is there but takes no connections now")
                .fix("try again later; its log says why")
        }
        (false, 4 | 5) | (true, 134 | 135) => Finding::error(
            "auth.refused",
            "the broker does not let this user in: wrong user name or password, no login where one is needed, \
             or a client id, will or address that it does not allow",
        )
        .fix("try the login alone, without -i and will options; the broker's log names the reason"),
        _ => return None,
    })
}
