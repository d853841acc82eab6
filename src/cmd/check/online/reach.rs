//! The first stages: name, address, and what speaks there.

use std::time::Instant;

use super::probe::{self, Found};
use super::target::{How, NotOpened, Target, milliseconds};
use crate::cmd::check::report::Stage;
use crate::diagnose::{self, Finding};
use crate::net::{ConnectError, Endpoint, reason};

/// The name's addresses.
pub async fn dns(target: &Target) -> Stage {
    let (host, port) = match target.endpoint() {
        Endpoint::Tcp { host, port } => (host, *port),
        Endpoint::Unix(path) => {
            return Stage::skipped("dns", format!("`{}` is a socket of this machine", path.display()));
        }
    };
    if let Some(proxy) = &target.route.proxy {
        return Stage::skipped("dns", format!("the proxy {} finds the address", proxy.host));
    }
    let mut stage = Stage::new("dns");
    let start = Instant::now();
    match tokio::time::timeout(target.patience, tokio::net::lookup_host((host.as_str(), port))).await {
        Ok(Ok(addresses)) => {
            let mut found: Vec<String> = Vec::new();
            for address in addresses.take(64) {
                let address = address.ip().to_string();
                if !found.contains(&address) {
                    found.push(address);
                }
            }
            if found.is_empty() {
                stage.found(no_address(host, "the name has no address"));
            }
            stage.fact("addresses", found);
            stage.fact("milliseconds", milliseconds(start));
        }
        Ok(Err(error)) => stage.found(no_address(host, &reason(&error))),
        Err(_elapsed) => stage.found(no_address(host, "the resolver does not answer")),
    }
    stage
}

fn no_address(host: &str, why: &str) -> Finding {
    let finding = Finding::error("net.dns", format!("the name `{host}` has no address: {why}"));
    if host.rsplit('.').next().is_some_and(|last| last.eq_ignore_ascii_case("local")) {
        return finding
            .evidence("names in .local are found by mDNS, which this resolver may not ask")
            .fix(format!("avahi-resolve -n {host}"));
    }
    finding.fix(format!("check the spelling, or ask the resolver: getent hosts {host}"))
}

/// A connection that carries nothing.
pub async fn tcp(target: &Target) -> Stage {
    let mut stage = Stage::new("tcp");
    let start = Instant::now();
    match target.open(How::Plain).await {
        Ok(stream) => {
            if let Some((peer, own)) = stream.addresses() {
                stage.fact("connected_to", peer.to_string());
                stage.fact("from", own.ip().to_string());
            }
            stage.fact("milliseconds", milliseconds(start));
        }
        Err(NotOpened::Error(error)) => stage.found(unreachable(target, &error)),
        Err(NotOpened::TimedOut) => stage.found(
            Finding::error(
                "net.timeout",
                format!("{} does not answer within {} s", target.endpoint(), target.patience.as_secs_f32()),
            )
            .fix("is a firewall between, or the host down? ping it"),
        ),
    }
    stage
}

fn unreachable(target: &Target, error: &ConnectError) -> Finding {
    let finding = diagnose::not_connected(error, &target.attempted());
    if finding.id != "net.refused" || !is_own_address(target) {
        return finding;
    }
    // Mosquitto 2 without a `listener` line: loopback answers, the machine's other addresses refuse.
    if !reachable_on_loopback(target) {
        return finding;
    }
    Finding::error(
        "net.loopback-only",
        format!("{} refuses, but 127.0.0.1 answers: the broker listens on loopback only", target.endpoint()),
    )
    .evidence(finding.what)
    .fix("add `listener 1883` to mosquitto.conf, with `allow_anonymous true` or a `password_file`")
}

/// The host is an address of this machine that is not 127.0.0.1 itself.
fn is_own_address(target: &Target) -> bool {
    let Some(address) = target.endpoint().host().and_then(|host| host.parse::<std::net::IpAddr>().ok()) else {
        return false;
    };
    address != std::net::IpAddr::from([127, 0, 0, 1]) && std::net::UdpSocket::bind((address, 0)).is_ok()
}

fn reachable_on_loopback(target: &Target) -> bool {
    let Endpoint::Tcp { port, .. } = target.endpoint() else { return false };
    let loopback = std::net::SocketAddr::from(([127, 0, 0, 1], *port));
    std::net::TcpStream::connect_timeout(&loopback, target.patience).is_ok()
}

/// What speaks at the port, when it is not what was asked for; only asked after a failure.
pub async fn instead_of_mqtt(target: &Target, capture: &crate::net::tls::Client) -> Option<Finding> {
    let place = target.endpoint();
    match probe::tls(target, capture).await {
        Found::Tls => {
            return Some(
                Finding::error("tls.plain-to-tls", format!("{place} speaks TLS, and we did not"))
                    .evidence("it answers a TLS ClientHello")
                    .fix("add --cafile FILE, or use a mqtts:// URL for certificates that the operating system knows"),
            );
        }
        Found::Unreachable => return None,
        _ => {}
    }
    instead_by_http(target).await
}

/// What an HTTP request brings to light.
pub async fn instead_by_http(target: &Target) -> Option<Finding> {
    match probe::http(target, How::Plain).await {
        Found::Http { status, takes_mqtt } => Some(speaks_http(target, status, takes_mqtt)),
        _ => None,
    }
}

pub fn speaks_http(target: &Target, status: u16, takes_mqtt: bool) -> Finding {
    let place = target.endpoint();
    if takes_mqtt {
        return Finding::error("proto.ws-vs-mqtt", format!("{place} speaks MQTT over WebSockets, not plain MQTT"))
            .evidence(format!("HTTP status {status}, sub-protocol mqtt"))
            .fix("add --ws, or use a ws:// URL");
    }
    let finding = Finding::error(
        "proto.ws-vs-mqtt",
        format!("{place} speaks HTTP and offers no MQTT at /mqtt (status {status})"),
    );
    match status {
        101 => {
            finding.evidence("the answer has no `Sec-WebSocket-Protocol: mqtt`").fix("is it another WebSocket service?")
        }
        403 => finding.fix("the server forbids it: does it want an Origin header or a login at the proxy?"),
        404 => finding.fix("the path may be another one; EMQX and HiveMQ use /mqtt"),
        _ => finding.fix("which service listens there? give the port of the broker: -p PORT"),
    }
}

/// The finding for bytes that are nobody's protocol.
pub fn strange(target: &Target, first_bytes: &[u8]) -> Finding {
    let text: String = String::from_utf8_lossy(first_bytes).chars().take(40).collect();
    Finding::error("proto.not-mqtt", format!("{} does not speak MQTT", target.endpoint()))
        .evidence(format!("it says {text:?}"))
        .fix("which service listens there? give the port of the broker: -p PORT")
}

/// The finding for a peer that accepts and then says nothing.
pub fn silent(target: &Target) -> Finding {
    Finding::error(
        "proto.silent",
        format!(
            "{} accepts the connection and then says nothing for {} s",
            target.endpoint(),
            target.patience.as_secs_f32()
        ),
    )
    .fix("the broker may hang, or something between holds the bytes back; is it the broker's port?")
}
