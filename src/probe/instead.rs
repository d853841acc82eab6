//! What answers where a broker was expected, as a finding. Asked after a failure only.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::{Found, OtherPath, Probe};
use crate::diagnose::ways;
use crate::diagnose::{self, About, Finding};
use crate::net::websocket::DEFAULT_PATH;
use crate::net::{Endpoint, tls};

/// How long one is asked once more who has said nothing.
const SHORT: Duration = Duration::from_secs(1);

/// The finding after another look at the place: what a failed connection alone does not tell.
pub async fn look_again(probe: Probe<'_>, finding: Finding) -> Finding {
    let tls = probe.route.tls.as_ref();
    let in_clear = tls.is_none() && probe.route.websocket.is_none();
    let better = match finding.about {
        Some(About::NothingListens) => return of_refusal(probe, finding).await,
        Some(About::Closed) if in_clear => of_mqtt(probe).await,
        Some(About::Closed | About::NotMqtt | About::SpeaksHttp) if probe.route.websocket.is_none() => {
            by_http(probe, tls).await
        }
        Some(About::NoTls) => of_tls(probe, false).await,
        // A web server may wait for the end of a line. Nobody waits for long where nothing was said before.
        Some(About::Silent) if probe.route.websocket.is_none() => {
            after_silence(Probe { time_limit: probe.time_limit.min(SHORT), ..probe }, tls).await
        }
        Some(About::NoWebSocket) if tls.is_none() => of_websocket(probe).await,
        Some(About::WrongPath) => return of_path(probe, tls, finding).await,
        _ => None,
    };
    better.unwrap_or(finding)
}

/// What speaks at the port, when it is not MQTT in clear.
pub async fn of_mqtt(probe: Probe<'_>) -> Option<Finding> {
    match probe.tls().await {
        Found::Tls => Some(answers_tls(probe)),
        Found::Unreachable => None,
        _ => by_http(probe, None).await,
    }
}

/// As [`of_mqtt`], where CONNECT in clear was not answered.
pub async fn of_silent(probe: Probe<'_>) -> Option<Finding> {
    match probe.tls().await {
        Found::Tls => Some(answers_tls(probe)),
        Found::Unreachable => None,
        _ => after_silence(probe, None).await,
    }
}

/// What speaks at the port in clear where a WebSocket was expected and none was opened.
pub async fn of_websocket(probe: Probe<'_>) -> Option<Finding> {
    if probe.tls().await == Found::Tls {
        return Some(answers_tls(probe));
    }
    (probe.plain_mqtt().await == Found::Mqtt).then(|| {
        Finding::error("proto.ws-vs-mqtt", format!("{} speaks plain MQTT, and no WebSockets", probe.endpoint()))
            .evidence("it answers a CONNECT without a WebSocket")
            .fix("leave out --ws, or use a mqtt:// URL")
    })
}

fn answers_tls(probe: Probe<'_>) -> Finding {
    diagnose::plain_to_tls(probe.endpoint(), probe.route.websocket.is_some()).evidence("it answers a TLS ClientHello")
}

/// What answers where TLS was expected. `was_mute`: nothing came, also when TLS began.
pub async fn of_tls(probe: Probe<'_>, was_mute: bool) -> Option<Finding> {
    let place = probe.endpoint();
    match probe.plain_mqtt().await {
        Found::Mqtt => Some(
            Finding::error("tls.tls-to-plain", format!("{place} has no TLS: it answers MQTT in clear"))
                .about(About::NoTls)
                .evidence("it answers a CONNECT without TLS")
                .fix(diagnose::WITHOUT_TLS),
        ),
        // Some WebSocket servers answer what is no HTTP with a page and no head.
        Found::Other(bytes) if !bytes.is_empty() => by_http(probe, None).await.or_else(|| Some(strange(place, &bytes))),
        Found::Unreachable | Found::Tls => None,
        Found::Silence if was_mute => None,
        Found::Silence | Found::Http { .. } | Found::Closed | Found::Other(_) => by_http(probe, None).await,
    }
}

/// What an HTTP request brings to light, in clear or in TLS.
pub async fn by_http(probe: Probe<'_>, tls: Option<&tls::Client>) -> Option<Finding> {
    let Found::Http { status, takes_mqtt } = probe.http(tls.cloned(), probe.path()).await else { return None };
    if tls.is_none()
        && let Some(finding) = tls_behind(probe, status).await
    {
        return Some(finding);
    }
    let finding = speaks_http(probe, status, takes_mqtt);
    Some(match (takes_mqtt, tls) {
        (false, _) => of_path(probe, tls, finding).await,
        (true, None) => finding,
        (true, Some(_)) => finding.fix("add --ws, or use a wss:// URL"),
    })
}

/// The finding for a port of TLS that answers 400 in clear, as web servers do that are asked so for HTTPS.
pub async fn tls_behind(probe: Probe<'_>, status: u16) -> Option<Finding> {
    (status == 400 && probe.tls().await == Found::Tls)
        .then(|| answers_tls(probe).evidence("what is sent in clear it answers with HTTP status 400"))
}

/// What an HTTP request brings to light where CONNECT was not answered: that may as well be a slow broker, and a web server beside
/// it at the same port.
pub async fn after_silence(probe: Probe<'_>, tls: Option<&tls::Client>) -> Option<Finding> {
    let Found::Http { status, takes_mqtt } = probe.http(tls.cloned(), probe.path()).await else { return None };
    if tls.is_none()
        && let Some(finding) = tls_behind(probe, status).await
    {
        return Some(finding);
    }
    let answers =
        if takes_mqtt { "has MQTT over WebSockets".to_owned() } else { format!("answers HTTP (status {status})") };
    let what = format!("{} {answers}, and did not answer CONNECT in time", probe.endpoint());
    let finding = Finding::error("proto.silent", what);
    Some(match (takes_mqtt, tls) {
        (true, None) => finding.fix("add --ws, or use a ws:// URL"),
        (true, Some(_)) => finding.fix("add --ws, or use a wss:// URL"),
        (false, _) => {
            let fix = "is it the broker's port? -p PORT; a broker that is slow, or behind something that passes HTTP on, needs more time";
            of_path(probe, tls, finding.fix(fix)).await
        }
    })
}

/// The path at which a web server has MQTT, where it does not at the one that was asked for.
pub async fn of_path(probe: Probe<'_>, tls: Option<&tls::Client>, finding: Finding) -> Finding {
    let place = probe.endpoint();
    let path = match probe.other_path(tls).await {
        OtherPath::At(path) => path,
        OtherPath::Nowhere(tried) if finding.about == Some(About::WrongPath) => {
            return finding.evidence(format!("and none at {}", tried.join(" and "))).fix(
                "if it has MQTT, its configuration tells the path: --ws-path PATH; if the broker is at another port: -p PORT",
            );
        }
        OtherPath::Nowhere(_) | OtherPath::Unknown => return finding,
    };
    let option = if path == DEFAULT_PATH {
        "add --ws without --ws-path".to_owned()
    } else {
        format!("add --ws --ws-path {path}")
    };
    Finding::error("ws.path", format!("{place} has MQTT over WebSockets at {path}, and not at {}", probe.shown_path()))
        .evidence(finding.what)
        .fix(option)
}

/// What a server that answers HTTP lacks for MQTT.
pub fn speaks_http(probe: Probe<'_>, status: u16, takes_mqtt: bool) -> Finding {
    let (place, path) = (probe.endpoint(), probe.shown_path());
    if takes_mqtt {
        return Finding::error("proto.ws-vs-mqtt", format!("{place} speaks MQTT over WebSockets, not plain MQTT"))
            .evidence(format!("HTTP status {status}, sub-protocol mqtt"))
            .fix("add --ws, or use a ws:// URL");
    }
    let finding = Finding::error(
        "proto.ws-vs-mqtt",
        format!("{place} speaks HTTP and offers no MQTT at {path} (status {status})"),
    );
    match status {
        101 => {
            finding.evidence("the answer has no `Sec-WebSocket-Protocol: mqtt`").fix("is it another WebSocket service?")
        }
        401 | 403 => finding.fix(
            "the server forbids it: does it want a login or an Origin? --header Authorization=@FILE, --header Origin=https://HOST",
        ),
        404 => finding.about(About::WrongPath).fix(ways::other_path(&path)),
        _ => finding.fix("which service listens there? give the port of the broker: -p PORT"),
    }
}

/// The finding for bytes that are nobody's protocol.
pub fn strange(place: &Endpoint, first_bytes: &[u8]) -> Finding {
    diagnose::strange(&place.to_string(), place, first_bytes)
}

/// The finding for a peer that accepts and then says nothing.
pub fn silent(probe: Probe<'_>) -> Finding {
    Finding::error(
        "proto.silent",
        format!(
            "{} accepts the connection and then says nothing for {} s",
            probe.endpoint(),
            probe.time_limit.as_secs_f32()
        ),
    )
    .fix("the broker may hang, or something between holds the bytes back; is it the broker's port?")
}

/// The finding for a broker that began to answer CONNECT and had no time to end it.
pub fn unfinished(probe: Probe<'_>) -> Finding {
    Finding::error(
        "proto.silent",
        format!(
            "{} began to answer CONNECT, and the rest did not come within {} s",
            probe.endpoint(),
            probe.time_limit.as_secs_f32()
        ),
    )
    .fix("the broker, or the way to it, may be slow: give it more time")
}

/// Nothing listens at an address of this machine: Mosquitto 2 without a `listener` line answers on loopback
/// alone.
pub async fn of_refusal(probe: Probe<'_>, finding: Finding) -> Finding {
    let Endpoint::Tcp { host, port } = probe.endpoint() else { return finding };
    let is_own = host.parse::<IpAddr>().is_ok_and(is_own_address);
    if finding.about != Some(About::NothingListens) || !is_own {
        return finding;
    }
    let loopback = SocketAddr::from(([127, 0, 0, 1], *port));
    let connecting = tokio::net::TcpStream::connect(loopback);
    if !matches!(tokio::time::timeout(probe.time_limit, connecting).await, Ok(Ok(_))) {
        return finding;
    }
    Finding::error(
        "net.loopback-only",
        format!("{} refuses, but 127.0.0.1 answers: the broker listens on loopback only", probe.endpoint()),
    )
    .evidence(finding.what)
    .fix(format!(
        "write `listener {port}` into mosquitto.conf, without an address behind the port, and say there who may connect: \
         `password_file`, or `allow_anonymous true`"
    ))
}

/// An address of this machine that is not 127.0.0.1 itself.
fn is_own_address(address: IpAddr) -> bool {
    address != IpAddr::from([127, 0, 0, 1]) && std::net::UdpSocket::bind((address, 0)).is_ok()
}
