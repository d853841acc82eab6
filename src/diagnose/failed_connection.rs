//! Connections that do not come about, that end, and that the broker refuses.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use crate::client::Ending;
use crate::escape::without_logins;
use crate::mqtt::packet::{ConnAck, DecodeError, PacketType, ProtocolVersion, ReasonCode};
use crate::mqtt::session::SessionError;
use crate::net::authority::HostAndPort;
use crate::net::endpoint::host_and_port;
use crate::net::{Attempt, ConnectError, Endpoint, reason};
use crate::pki::certificate::Certificate;
use crate::term::Foreign;

use super::{About, Attempted, Finding, Sent, scram, shell};

/// Why no address of the broker could be reached.
pub fn not_connected(error: &ConnectError, attempted: &Attempted<'_>) -> Finding {
    match error {
        ConnectError::Lookup { name, error } => no_address(name, &reason(error)),
        ConnectError::BindLookup { name, .. } if name.is_empty() => {
            Finding::error("net.dns", "the local address given with -A is empty")
                .fix("is a variable of the shell unset? Its value became an empty word")
        }
        ConnectError::BindLookup { name, .. } => {
            Finding::error("net.dns", format!("the local address `{name}` given with -A has no address"))
                .fix("list this machine's addresses: ip address")
        }
        ConnectError::Unreachable { host, port, attempts } => unreachable(host, *port, attempts, attempted),
        ConnectError::TimedOut(limit) => not_connected_within(*limit, attempted),
        ConnectError::Proxy { proxy, error } => super::ways::proxy(proxy, error, attempted),
        ConnectError::Everywhere(failures) => {
            let reasons = failures.iter().map(|(endpoint, error)| {
                if let ConnectError::TimedOut(share) = error {
                    let seconds = share.as_secs_f64();
                    return format!(
                        "{endpoint} did not answer within {seconds:.1} s, its share of --connect-timeout [net.timeout]"
                    );
                }
                let finding = not_connected(error, &Attempted { endpoint, ..*attempted });
                format!("{} [{}]", finding.what, finding.id)
            });
            let reasons: Vec<_> = reasons.collect();
            Finding::error(
                "net.no-host",
                format!("none of {} hosts could be reached: {}", reasons.len(), reasons.join("; ")),
            )
            .fix(shared_port(failures).unwrap_or_else(|| {
                let first = failures.first().map_or(attempted.endpoint, |(endpoint, _)| endpoint);
                format!("more of the first: {}", Attempted { endpoint: first, ..*attempted }.check_command())
            }))
        }
        ConnectError::WebSocket(error) => super::ways::websocket(error, attempted),
        ConnectError::Tls(failure) => super::tls::handshake(failure, attempted),
        ConnectError::Unix { path, error } => {
            let word = shell::path(path);
            let path = path.display();
            let fix = match error.kind() {
                ErrorKind::PermissionDenied => format!("who may use it: ls -l {word}"),
                ErrorKind::NotFound => format!("is the broker running, with `listener 0 {path}`?"),
                _ => format!("is there a broker behind it? ls -l {word}"),
            };
            Finding::error("net.unix", format!("the socket `{path}` cannot be opened: {}", reason(error))).fix(fix)
        }
    }
}

/// Nothing came about within the time for all of connecting; which of its steps took it is not known.
fn not_connected_within(limit: Duration, attempted: &Attempted<'_>) -> Finding {
    let place = attempted.place();
    let what = format!("no connection to {place} came about within {} s (--connect-timeout)", limit.as_secs_f64());
    Finding::error("net.timeout", what).fix(format!("which step takes so long: {}", attempted.check_command()))
}

/// The resolver knows no address of `name`.
pub fn no_address(name: &str, why: &str) -> Finding {
    let name = &*without_logins(name);
    let why = why.strip_prefix("failed to lookup address information: ").unwrap_or(why);
    let finding = Finding::error("net.dns", format!("the name `{name}` has no address: {why}"));
    if let Some((address, zone)) = name.split_once('%')
        && address.parse::<std::net::Ipv6Addr>().is_ok()
    {
        let word = shell::quoted(zone);
        return Finding::error("net.zone", format!("`{zone}` behind % is no interface of this machine"))
            .fix(format!("which ones there are: ip link; ip link show {word}"));
    }
    let is_local = Path::new(name).extension().is_some_and(|last| last.eq_ignore_ascii_case("local"));
    if name.contains("://") {
        finding.fix(format!("a URL goes after -L: -L {}", shell::quoted(&as_url(name))))
    } else if name.contains(':') {
        let (host, port) = with_port(name).unwrap_or(("HOST".to_owned(), "PORT".to_owned()));
        finding.fix(format!("a port goes after -p: -h {} -p {port}", shell::quoted(&host)))
    } else if is_local {
        finding
            .evidence("names in .local are found by mDNS, which this resolver may not ask")
            .fix(format!("avahi-resolve -n {}", shell::quoted(name)))
    } else {
        finding.fix(format!("check the spelling, or ask the resolver: getent hosts {}", shell::quoted(name)))
    }
}

/// The URL that was meant by one in place of a host, with the schemes that `-L` has: other clients call them otherwise.
fn as_url(name: &str) -> String {
    let (scheme, rest) = name.split_once("://").unwrap_or(("mqtt", name));
    let scheme = match scheme.to_ascii_lowercase().as_str() {
        "mqtts" | "ssl" | "tls" | "mqtt+ssl" => "mqtts",
        "ws" | "http" => "ws",
        "wss" | "https" => "wss",
        _ => "mqtt",
    };
    let (place, topic) = rest.split_once('/').unwrap_or((rest, ""));
    let place = if place.is_empty() { "HOST" } else { place };
    format!("{scheme}://{place}/{}", if topic.is_empty() { "TOPIC" } else { topic })
}

/// The host and the port that a name is, which resolvers know as neither.
fn with_port(name: &str) -> Option<(String, String)> {
    let HostAndPort { host, port } = HostAndPort::parse(name).ok()?;
    Some((host, port?.to_string()))
}

/// What to type where one of several hosts was typed with its port: they have one port together.
fn shared_port(failures: &[(Endpoint, ConnectError)]) -> Option<String> {
    let names: Vec<_> = failures.iter().filter_map(|(endpoint, _)| endpoint.host()).collect();
    let taken_apart: Vec<_> = names.iter().map(|name| with_port(name)).collect();
    let first = &taken_apart.iter().flatten().next()?.1;
    let port = if taken_apart.iter().flatten().all(|(_, port)| port == first) { first } else { "PORT" };
    let hosts: Vec<_> =
        names.iter().zip(&taken_apart).map(|(name, parts)| parts.as_ref().map_or(*name, |(host, _)| host)).collect();
    Some(format!("all hosts have one port, which goes after -p: -h {} -p {port}", shell::quoted(&hosts.join(","))))
}

fn unreachable(host: &str, port: u16, attempts: &[Attempt], attempted: &Attempted<'_>) -> Finding {
    let mut tried: Vec<_> = attempts.iter().map(|attempt| attempt.address.ip().to_string()).collect();
    // With -A one address is tried from several.
    tried.dedup();
    let tried = tried.join(", ");
    let place = host_and_port(host, port);
    // A machine without IPv6 has no way to the host's other address: what the address that it can reach did tells more.
    let no_way =
        |attempt: &Attempt| matches!(attempt.error.kind(), ErrorKind::NetworkUnreachable | ErrorKind::AddrNotAvailable);
    let has_way = !attempts.iter().all(no_way);
    let telling = || attempts.iter().filter(move |attempt| !has_way || !no_way(attempt));
    let all = |kind| telling().all(|attempt| attempt.error.kind() == kind);
    if all(ErrorKind::ConnectionRefused) {
        let finding = Finding::error("net.refused", format!("nothing listens on {place} (tried {tried})"))
            .about(About::NothingListens);
        let is_own = attempts.iter().all(|attempt| attempt.address.ip().is_loopback());
        return match (is_own, attempted.tls) {
            (true, None) => finding.fix(format!("is the broker running? For a trial: moskit broker -p {port}")),
            (true, Some(_)) => finding.fix(format!("is the broker running, with a listener on port {port}?")),
            (false, _) => finding.fix(
                "is the broker running? mosquitto 2 without a `listener` line accepts connections from its own machine only",
            ),
        };
    }
    // Of two addresses one may refuse and the other be silent: `localhost` is ::1 and 127.0.0.1.
    let refuses = |attempt: &&Attempt| attempt.error.kind() == ErrorKind::ConnectionRefused;
    let is_silent = |attempt: &&Attempt| attempt.error.kind() == ErrorKind::TimedOut;
    if telling().any(|attempt| is_silent(&attempt)) && telling().all(|attempt| is_silent(&attempt) || refuses(&attempt))
    {
        let refusing: Vec<_> = telling().filter(refuses).map(|attempt| attempt.address.ip().to_string()).collect();
        let but = if refusing.is_empty() { String::new() } else { format!("; {} refuses", refusing.join(", ")) };
        return Finding::error("net.timeout", format!("{place} does not answer (tried {tried}{but})"))
            .fix("is the host up? A firewall that drops packets looks like this, too");
    }
    if all(ErrorKind::AddrNotAvailable) && attempts.iter().any(|attempt| attempt.from.is_some()) {
        return Finding::error("net.local-address", "the address given with -A is none of this machine's")
            .fix("list this machine's addresses: ip address");
    }
    let needs_zone = |attempt: &Attempt| match attempt.address {
        std::net::SocketAddr::V6(address) => address.ip().is_unicast_link_local() && address.scope_id() == 0,
        std::net::SocketAddr::V4(_) => false,
    };
    if attempts.iter().all(needs_zone) {
        return Finding::error("net.zone", format!("{host} is an address of one link, and which link is not said"))
            .fix(format!("add the interface: {host}%INTERFACE; ip link lists them"));
    }
    let last = attempts.last().map(|attempt| reason(&attempt.error)).unwrap_or_default();
    let finding = Finding::error("net.unreachable", format!("{place} cannot be reached (tried {tried}): {last}"));
    match attempts.last() {
        Some(attempt) if matches!(attempt.error.kind(), ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable) => {
            let address = attempt.address.ip();
            finding.fix(format!("is that the broker's address, and the host up? the way to it: ip route get {address}"))
        }
        _ => finding.fix("are host and port those of the broker, and does no firewall stand between?"),
    }
}

/// What the end of a connection tells about its cause, where it tells anything.
pub fn lost(ending: &Ending, attempted: &Attempted<'_>) -> Option<Finding> {
    Some(match ending {
        Ending::Closed => return None,
        Ending::Io(error) => Finding::error("net.lost", format!("the connection broke: {}", reason(error))),
        Ending::Session(SessionError::KeepAlive) => {
            Finding::error("keepalive", "the broker did not answer within the keep-alive time")
                .fix(format!("is the broker alive, and the network? find out: {}", attempted.check_command()))
        }
        Ending::Session(SessionError::NoConnAck) => Finding::error(
            "proto.silent",
            "the connection was accepted, and CONNECT was not answered within the time for answers (--answer-timeout)",
        )
        .about(About::Silent)
        .fix(format!("the broker may hang, or be none; find out: {}", attempted.check_command())),
        Ending::Session(SessionError::Decode(DecodeError::ConnAckWithoutProperties { .. })) => {
            Finding::error("proto.version", "the broker answers version 5 as one that knows only 3.1.1 and 3.1")
                .fix("use -V mqttv311")
        }
        Ending::Session(SessionError::Decode(DecodeError::PacketTooLarge { size, maximum })) => {
            oversize(*size, *maximum)
        }
        Ending::Session(SessionError::Decode(error)) => match broken_rule(*error) {
            Some(rule) => Finding::error("proto.violation", format!("the broker broke the protocol: {rule}")),
            None => Finding::error("proto.garbage", "what the other side sends is not MQTT, or is broken").fix(
                format!("is this the port of an MQTT broker? find out what answers: {}", attempted.check_command()),
            ),
        },
        // The standard has no such reason for PUBACK and PUBREC (§3.4.2.1), but Mosquitto answers with it.
        Ending::Session(SessionError::ReasonCode { reason: ReasonCode::PACKET_TOO_LARGE, .. }) => {
            Finding::error("publish.too-large", "the message is larger than the broker takes")
                .fix("send it in smaller parts, or raise message_size_limit in mosquitto.conf")
        }
        Ending::Session(SessionError::Authentication(why)) => scram::distrust(*why),
        Ending::Session(error @ SessionError::OtherFlow(PacketType::PubAck)) => {
            Finding::error("proto.violation", format!("the broker broke the protocol: {}", violation(*error)))
                .fix("RabbitMQ 3 answers messages of QoS 2 so, which it does not have: use -q 1")
        }
        Ending::Session(error) => {
            Finding::error("proto.violation", format!("the broker broke the protocol: {}", violation(*error)))
        }
    })
}

/// The peer announces a larger packet than is taken: than was asked for, or than anything is before the broker has accepted.
pub fn oversize(size: usize, maximum: usize) -> Finding {
    let what = format!("the other side announces a packet of {size} bytes, and {maximum} are taken at most");
    Finding::error("proto.oversize", what).fix("is this the port of an MQTT broker? Its log may say more")
}

/// The rule that a packet breaks which is one as far as its lengths go, so that nobody but a broker has sent it.
fn broken_rule(error: DecodeError) -> Option<String> {
    Some(match error {
        DecodeError::PropertyValue(id) => format!("it sent {} with a value that it cannot have", id.name()),
        DecodeError::PropertyNotAllowed(id) => format!("it sent {} in a packet where it does not belong", id.name()),
        DecodeError::DuplicateProperty(id) => format!("it sent {} twice in one packet", id.name()),
        DecodeError::NoSubAckCode => "it answered SUBSCRIBE without a reason code".to_owned(),
        DecodeError::PacketIdZero(packet) => format!("it sent {} with the packet identifier 0", packet.name()),
        _ => return None,
    })
}

fn violation(error: SessionError) -> String {
    match error {
        SessionError::BeforeConnAck(packet) => format!("it sent {} before it accepted the connection", packet.name()),
        SessionError::DuplicateConnAck => "it accepted the connection twice".to_owned(),
        SessionError::UnexpectedSessionPresent => "it found a session although a clean one was asked for".to_owned(),
        SessionError::UnexpectedClientId => "it assigned a client id although one was given".to_owned(),
        SessionError::ReasonCode { reason, .. } => {
            format!("it acknowledged with reason code {}, which that packet cannot have", reason.0)
        }
        SessionError::OtherFlow(_) => "it acknowledged a message as another QoS does, or out of order".to_owned(),
        SessionError::ReceiveMaximumExceeded => "it sent more QoS 2 messages than were asked for".to_owned(),
        SessionError::TopicAlias(alias) | SessionError::UnknownTopicAlias(alias) => {
            format!("it used the topic alias {alias}, which was never agreed on")
        }
        SessionError::Decode(_)
        | SessionError::KeepAlive
        | SessionError::NoConnAck
        | SessionError::Authentication(_) => String::new(),
    }
}

/// Why a broker may have refused what was `sent`, and how to tell the reasons apart. `own` is the certificate that we
/// showed.
pub fn refused(sent: Sent, connack: &ConnAck, own: Option<&Certificate>) -> Option<Finding> {
    let is_v5 = sent.version == ProtocolVersion::V5;
    let is_nameless = own.is_some_and(|own| own.common_name().is_none());
    match (sent.scram, connack.code) {
        (Some(method), 140) => return Some(scram::unknown_method(method)),
        (Some(method), 134 | 135) => return Some(scram::refused(method).about(About::Login)),
        _ => {}
    }
    Some(match (is_v5, connack.code) {
        (false, 1) | (true, 132) => {
            Finding::error("connack.version", format!("the broker does not speak {} here", sent.version.name()))
                .fix(other_versions(&[sent.version]))
        }
        (false, 2) | (true, 133) => Finding::error(
            "connack.identifier",
            "the broker does not accept the client id, or (mosquitto) a keep-alive above its maximum",
        )
        .fix("give an id with -i, or a shorter keep-alive with -k"),
        (false, 3) | (true, 136 | 137 | 151 | 159) => {
            Finding::error("connack.unavailable", "the broker is there but takes no connections now")
                .fix("try again later; its log says why")
        }
        (true, 156 | 157) => elsewhere(connack),
        // Mosquitto says 5 of a wrong password, and 4 of a certificate without the name it is to give.
        (false, 4) | (true, 134) if is_nameless => Finding::error(
            "client.no-cn",
            "the broker refuses the user name, and the client certificate has no common name to be one",
        )
        .fix("moskit certgen client ID"),
        (false, 4 | 5) | (true, 134 | 135) => not_let_in(sent).about(About::Login),
        _ => return None,
    })
}

/// The broker sends its clients to another one (MQTT 5, 4.11), which they have to choose themselves: its word alone is no
/// reason to hand a login to another host.
fn elsewhere(connack: &ConnAck) -> Finding {
    let named = connack.properties.server_reference().map(|server| Foreign::new(&server).to_string());
    match named {
        Some(server) => {
            Finding::error("connack.elsewhere", format!("the broker sends its clients to another one: {server}"))
                .fix("if that is the right one: -h HOST -p PORT")
        }
        None => Finding::error("connack.elsewhere", "the broker sends its clients to another one, and names none")
            .fix("who runs it knows the other one: -h HOST"),
    }
}

/// The broker takes no login as this one: what is missing in it comes first, then what may be wrong.
fn not_let_in(sent: Sent) -> Finding {
    if let Some(lacks) = sent.lacks() {
        return Finding::error("auth.refused", format!("the broker does not let us in, and {lacks}"))
            .fix(sent.how_to_log_in());
    }
    let id = if sent.client_id { "the client id, " } else { "" };
    let will = if sent.will { "the will, " } else { "" };
    let finding = Finding::error(
        "auth.refused",
        format!(
            "the broker does not let this user in: the user name or the password is wrong, or it does not allow \
             {id}{will}this user or this address"
        ),
    );
    let verify = "verify it on the broker's machine: moskit passwd --verify USER FILE; its log names the reason";
    match (sent.client_id, sent.will) {
        (false, false) => finding.fix(verify),
        (true, false) => finding.fix(format!("try the login without -i, or {verify}")),
        (false, true) => finding.fix(format!("try the login without will options, or {verify}")),
        (true, true) => finding.fix(format!("try the login without -i and will options, or {verify}")),
    }
}

/// The options for the versions that have not been tried, the likeliest first.
pub fn other_versions(tried: &[ProtocolVersion]) -> String {
    let all = [
        (ProtocolVersion::V311, "-V mqttv311"),
        (ProtocolVersion::V5, "-V mqttv5"),
        (ProtocolVersion::V31, "-V mqttv31"),
    ];
    let left: Vec<_> = all.iter().filter(|(version, _)| !tried.contains(version)).map(|(_, option)| *option).collect();
    if left.is_empty() { "the broker's log says why".to_owned() } else { format!("try another: {}", left.join(" or ")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    use crate::mqtt::packet::PropertyId;
    use crate::net::websocket::{Header, Opening};

    fn not_reached(kind: ErrorKind, from: Option<&str>) -> Finding {
        let endpoint = Endpoint::new("mqtt.lan", 1883).unwrap();
        let attempt = |address: &str| Attempt {
            address: address.parse().unwrap(),
            from: from.map(|from| from.parse().unwrap()),
            error: kind.into(),
        };
        let attempts = vec![attempt("10.0.0.1:1883"), attempt("10.0.0.1:1883"), attempt("[::1]:1883")];
        let error = ConnectError::Unreachable { host: "mqtt.lan".to_owned(), port: 1883, attempts };
        not_connected(&error, &Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 })
    }

    #[test]
    fn addresses_that_do_not_accept_are_told_once_each_with_the_reason() {
        let finding = not_reached(ErrorKind::ConnectionRefused, None);
        assert_eq!(
            (finding.id, finding.what.as_str()),
            ("net.refused", "nothing listens on mqtt.lan:1883 (tried 10.0.0.1, ::1)")
        );
        assert_eq!(host_and_port("::1", 1883), "[::1]:1883");
        assert_eq!(not_reached(ErrorKind::TimedOut, None).id, "net.timeout");
        assert_eq!(not_reached(ErrorKind::AddrNotAvailable, Some("10.0.0.2:0")).id, "net.local-address");
        assert_eq!(not_reached(ErrorKind::HostUnreachable, None).id, "net.unreachable");
    }

    #[test]
    fn of_several_addresses_the_one_that_can_be_reached_tells_why() {
        let endpoint = Endpoint::new("mqtt.lan", 1883).unwrap();
        let told = |kinds: [ErrorKind; 2]| {
            let attempt = |(address, kind): (&str, ErrorKind)| Attempt {
                address: address.parse().unwrap(),
                from: None,
                error: kind.into(),
            };
            let attempts = ["[2001:db8::1]:1883", "10.0.0.1:1883"].into_iter().zip(kinds).map(attempt).collect();
            let error = ConnectError::Unreachable { host: "mqtt.lan".to_owned(), port: 1883, attempts };
            not_connected(&error, &Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 })
        };
        assert_eq!(told([ErrorKind::NetworkUnreachable, ErrorKind::ConnectionRefused]).id, "net.refused");
        assert_eq!(told([ErrorKind::NetworkUnreachable, ErrorKind::TimedOut]).id, "net.timeout");
        assert_eq!(told([ErrorKind::NetworkUnreachable; 2]).id, "net.unreachable");
        assert_eq!(told([ErrorKind::ConnectionRefused, ErrorKind::HostUnreachable]).id, "net.unreachable");
        let finding = told([ErrorKind::ConnectionRefused, ErrorKind::TimedOut]);
        let what = "mqtt.lan:1883 does not answer (tried 2001:db8::1, 10.0.0.1; 2001:db8::1 refuses)";
        assert_eq!((finding.id, finding.what.as_str()), ("net.timeout", what));
    }

    #[test]
    fn mosquittos_reason_for_a_large_message_is_told_as_that() {
        let lost_by = |reason| {
            let packet = PacketType::PubAck;
            let endpoint = Endpoint::new("mqtt.lan", 1883).unwrap();
            let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 };
            lost(&Ending::Session(SessionError::ReasonCode { packet, reason }), &attempted).unwrap().id
        };
        assert_eq!(lost_by(ReasonCode::PACKET_TOO_LARGE), "publish.too-large");
        assert_eq!(lost_by(ReasonCode::BANNED), "proto.violation");
    }

    #[test]
    fn a_broker_that_breaks_a_rule_is_told_which() {
        let lost_by = |error| {
            let endpoint = Endpoint::new("mqtt.lan", 1883).unwrap();
            let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 };
            let finding = lost(&Ending::Session(error), &attempted).unwrap();
            (finding.id, finding.what, finding.fix.is_some_and(|fix| fix.contains("-q 1")))
        };
        let decode = |error| lost_by(SessionError::Decode(error));
        for (told, what) in [
            (
                decode(DecodeError::PropertyValue(PropertyId::ReceiveMaximum)),
                "it sent receive-maximum with a value that it cannot have",
            ),
            (decode(DecodeError::NoSubAckCode), "it answered SUBSCRIBE without a reason code"),
            (
                lost_by(SessionError::BeforeConnAck(PacketType::PingResp)),
                "it sent PINGRESP before it accepted the connection",
            ),
        ] {
            assert_eq!(told, ("proto.violation", format!("the broker broke the protocol: {what}"), false));
        }
        assert_eq!(decode(DecodeError::Truncated).0, "proto.garbage");
        let (id, what, _) = decode(DecodeError::PacketTooLarge { size: 2_000_000, maximum: 1_048_576 });
        assert_eq!(
            (id, what.as_str()),
            ("proto.oversize", "the other side announces a packet of 2000000 bytes, and 1048576 are taken at most")
        );
        // A lower QoS helps against those only that answer QoS 2 as QoS 1.
        assert!(
            lost_by(SessionError::OtherFlow(PacketType::PubAck)).2
                && !lost_by(SessionError::OtherFlow(PacketType::PubRec)).2
        );
    }

    #[test]
    fn a_name_that_is_no_name_is_told_where_it_belongs() {
        let error = io::Error::other("failed to lookup address information: Name or service not known");
        let fix = |name| no_address(name, &error.to_string()).fix.unwrap();
        assert_eq!(fix("mqtt://lan"), "a URL goes after -L: -L mqtt://lan/TOPIC");
        assert_eq!(fix("tcp://lan:1883"), "a URL goes after -L: -L mqtt://lan:1883/TOPIC");
        assert_eq!(fix("SSL://lan"), "a URL goes after -L: -L mqtts://lan/TOPIC");
        assert_eq!(fix("https://lan/a/b"), "a URL goes after -L: -L wss://lan/a/b");
        assert_eq!(fix("://"), "a URL goes after -L: -L mqtt://HOST/TOPIC");
        assert_eq!(fix("lan:1883"), "a port goes after -p: -h lan -p 1883");
        assert_eq!(fix("[::1]:1883"), "a port goes after -p: -h ::1 -p 1883");
        assert_eq!(fix("lan:mqtt"), "a port goes after -p: -h HOST -p PORT");
        assert!(fix("fe80::1%nowhere9").contains("ip link show nowhere9"));
        assert_eq!(fix("printer.local"), "avahi-resolve -n printer.local");
        assert_eq!(
            no_address("lan", &error.to_string()).what,
            "the name `lan` has no address: Name or service not known"
        );
    }

    #[test]
    fn hosts_that_were_typed_with_ports_have_one_port_together() {
        let fix = |hosts: &[&str]| {
            let endpoint = Endpoint::new("a", 1883).unwrap();
            let failures = hosts.iter().map(|name| {
                let error = io::Error::other("Name or service not known");
                (Endpoint::new(name, 1883).unwrap(), ConnectError::Lookup { name: (*name).to_owned(), error })
            });
            let attempted = Attempted { endpoint: &endpoint, tls: None, websocket: None, now: 0 };
            not_connected(&ConnectError::Everywhere(failures.collect()), &attempted).fix.unwrap()
        };
        assert_eq!(fix(&["a", "b:1"]), "all hosts have one port, which goes after -p: -h a,b -p 1");
        assert_eq!(fix(&["a:7", "b:7"]), "all hosts have one port, which goes after -p: -h a,b -p 7");
        assert_eq!(fix(&["a:1", "b:2"]), "all hosts have one port, which goes after -p: -h a,b -p PORT");
        assert_eq!(fix(&["a", "b"]), "more of the first: moskit check -h a -p 1883");
        assert_eq!(fix(&["::1", "fe80::1"]), "more of the first: moskit check -h ::1 -p 1883");
    }

    fn why_refused(version: ProtocolVersion, code: u8, sent: [bool; 4]) -> (String, String) {
        let [username, password, client_id, will] = sent;
        let connack = ConnAck { session_present: false, code, properties: crate::mqtt::packet::Properties::new() };
        let finding =
            refused(Sent { version, username, password, client_id, will, scram: None }, &connack, None).unwrap();
        (finding.what, finding.fix.unwrap())
    }

    #[test]
    fn a_refused_login_is_told_by_what_was_given() {
        for (version, code) in [(ProtocolVersion::V311, 4), (ProtocolVersion::V311, 5), (ProtocolVersion::V5, 135)] {
            let said = |sent| why_refused(version, code, sent);
            assert!(said([false; 4]).0.ends_with("no login was given"));
            assert!(said([false, false, true, true]).1.starts_with("give the login: -u NAME"));
            let (what, fix) = said([true, false, false, false]);
            assert!(what.ends_with("no password was given") && fix.starts_with("give the password:"), "{what} {fix}");
            let (what, fix) = said([true, true, false, false]);
            assert!(!what.contains("client id") && !what.contains("will,"), "{what}");
            assert!(!fix.contains("-i") && !fix.contains("will options"), "{fix}");
            let (what, fix) = said([true, true, true, true]);
            assert!(what.contains("the client id, the will,") && fix.contains("without -i and will options"), "{what}");
        }
    }

    #[test]
    fn the_version_that_was_refused_is_not_advised() {
        for (version, option) in [(ProtocolVersion::V311, "-V mqttv311"), (ProtocolVersion::V5, "-V mqttv5")] {
            let code = if version == ProtocolVersion::V5 { 132 } else { 1 };
            let (what, fix) = why_refused(version, code, [false; 4]);
            assert!(what.contains(version.name()), "{what}");
            assert!(
                fix.contains("-V mqttv31")
                    && !fix.split(' ').collect::<Vec<_>>().join(" ").contains(&format!("{option} ")),
                "{fix}"
            );
        }
        assert_eq!(other_versions(&[ProtocolVersion::V5, ProtocolVersion::V311]), "try another: -V mqttv31");
    }

    #[test]
    fn the_command_that_looks_again_is_the_one_to_type() {
        let endpoint = Endpoint::new("mqtt.lan", 8883).unwrap();
        let options = crate::net::tls::Options { cafile: Some("my ca.crt".into()), ..Default::default() };
        let opening = Opening::new("/ws", vec![Header::new("X-Key", b"secret").unwrap()]).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: Some(&options), websocket: Some(&opening), now: 0 };
        let finding = lost(&Ending::Session(SessionError::KeepAlive), &attempted).unwrap();
        let command =
            "find out: moskit check -h mqtt.lan -p 8883 --cafile 'my ca.crt' --ws --ws-path /ws --header X-Key=…";
        assert!(finding.fix.unwrap().ends_with(command));
    }

    #[test]
    fn a_host_that_cannot_be_reached_is_not_answered_with_the_command_just_typed() {
        assert!(not_reached(ErrorKind::HostUnreachable, None).fix.unwrap().ends_with("ip route get ::1"));
        assert!(!not_reached(ErrorKind::PermissionDenied, None).fix.unwrap().contains("moskit check"));
    }
}
