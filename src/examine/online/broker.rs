//! CONNECT, and the limits that CONNACK names.

use std::time::Instant;

use super::target::{How, Login, Target, milliseconds};
use crate::diagnose::{self, About, Finding, Severity, Unanswered};
use crate::examine::report::Stage;
use crate::mqtt::packet::{ConnAck, DecodeError, ProtocolVersion, refusal_text};
use crate::net::ConnectError;
use crate::net::tls::{self, Seen};
use crate::net::websocket::WebSocketError;
use crate::probe::{self, NotOpened, instead};
use crate::talk::{Answer, Ended, Talk};

/// A broker that let us in.
pub struct Accepted {
    pub version: ProtocolVersion,
    pub connack: ConnAck,
}

/// The login that may be used, and what to say if it may not.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    pub how: How,
    pub login: &'a Login,
    /// Login or certificate were given and are held back.
    pub withheld: bool,
}

/// Tries version 5, then 3.1.1, or only the version that the user wants.
pub async fn connect(target: &Target, trust: Trust<'_>) -> (Stage, Option<Accepted>) {
    let mut stage = Stage::new("connect");
    if trust.withheld {
        stage.found(
            Finding::note(
                "connect.withheld",
                "login and client certificate were not sent: the server's certificate failed",
            )
            .fix("to send them all the same: --trust-anyway"),
        );
    }
    let versions = match target.version {
        Some(version) => vec![version],
        None => vec![ProtocolVersion::V5, ProtocolVersion::V311],
    };
    let mut accepted = None;
    let mut failures = Vec::new();
    for version in versions {
        let start = Instant::now();
        match try_connect(target, trust, version).await {
            Ok(Answer::Accepted(connack, talk)) => {
                talk.close().await;
                stage.fact(fact_name(version), "accepted");
                if accepted.is_none() {
                    stage.fact("milliseconds", milliseconds(start));
                    accepted = Some(Accepted { version, connack });
                }
            }
            Ok(Answer::Refused(connack)) => {
                stage.fact(fact_name(version), format!("refused with {}", connack.code));
                failures.push(refused(target, trust, version, &connack).await);
            }
            Ok(Answer::Ended(ended)) => {
                stage.fact(fact_name(version), "no answer");
                let finding = unanswered(target, trust, version, ended).await;
                // Another version of MQTT would meet the same.
                let is_about_the_port =
                    matches!(finding.about, Some(About::NoTls | About::Tls | About::Http | About::Silence));
                failures.push(finding);
                if is_about_the_port {
                    break;
                }
            }
            Err(finding) => {
                failures.push(*finding);
                break;
            }
        }
    }
    conclude(&mut stage, accepted.as_ref(), failures, trust);
    (stage, accepted)
}

/// One version that works is enough, unless the user named one; then the list has only that.
fn conclude(stage: &mut Stage, accepted: Option<&Accepted>, failures: Vec<Finding>, trust: Trust<'_>) {
    match accepted {
        Some(Accepted { version: ProtocolVersion::V311, .. }) if !failures.is_empty() => {
            let note = Finding::note("proto.version", "the broker has no MQTT 5, only 3.1.1");
            stage.found(failures.into_iter().fold(note, |note, failure| note.evidence(failure.what)));
        }
        Some(_) => {}
        // Without the login a refusal says nothing about the login.
        None if trust.withheld => {
            stage.findings.extend(failures.into_iter().take(1).map(|finding| finding.severity(Severity::Note)));
        }
        None => stage.findings.extend(failures.into_iter().take(1)),
    }
}

fn fact_name(version: ProtocolVersion) -> &'static str {
    match version {
        ProtocolVersion::V5 => "mqtt_5",
        ProtocolVersion::V311 => "mqtt_3.1.1",
        ProtocolVersion::V31 => "mqtt_3.1",
    }
}

/// One CONNECT with the id of nobody.
pub async fn try_connect(target: &Target, trust: Trust<'_>, version: ProtocolVersion) -> Result<Answer, Box<Finding>> {
    let stream = target.open(trust.how).await.map_err(|error| Box::new(not_opened(target, error)))?;
    let connect = target.connect_packet(version, trust.login);
    Ok(Talk::connect(stream, &connect, target.patience).await)
}

fn not_opened(target: &Target, error: NotOpened) -> Finding {
    match error {
        NotOpened::TimedOut => instead::silent(target.probe()),
        NotOpened::Error(error) => match *error {
            ConnectError::Tls(failure) => diagnose::tls::handshake(&failure, &target.attempted()),
            ConnectError::WebSocket(error) => no_websocket(target, &error),
            other => diagnose::not_connected(&other, &target.attempted()),
        },
    }
}

/// The answer to the HTTP request that opens a WebSocket.
fn no_websocket(target: &Target, error: &WebSocketError) -> Finding {
    let place = target.endpoint();
    match error {
        WebSocketError::Status { code, .. } => instead::speaks_http(place, *code, false),
        WebSocketError::Field("Sec-WebSocket-Protocol") => instead::speaks_http(place, 101, false),
        WebSocketError::TimedOut => instead::silent(target.probe()),
        error => Finding::error("proto.ws-vs-mqtt", format!("{place} speaks no WebSocket: {error}"))
            .fix("leave out --ws: this is probably a plain MQTT listener"),
    }
}

/// Refused: tries without login what a login may be the reason for.
async fn refused(target: &Target, trust: Trust<'_>, version: ProtocolVersion, connack: &ConnAck) -> Finding {
    let unknown = || {
        let reason = refusal_text(version, connack.code);
        Finding::error("connack.refused", format!("the broker refuses CONNECT: {reason}"))
            .fix("the broker's log says why")
    };
    let tls = target.tls.as_ref().map(|tls| &tls.options).filter(|_| !trust.withheld);
    let own = tls.and_then(tls::Options::own_certificate);
    let finding = diagnose::refused(version, connack, own.as_ref())
        .unwrap_or_else(unknown)
        .evidence(format!("CONNACK code {}", connack.code));
    if finding.about != Some(About::Login) {
        return finding;
    }
    if !trust.login.is_given() {
        return finding.evidence("no login was given").fix("give the login: -u NAME and --pw-file FILE or --pw-prompt");
    }
    let anonymous = Trust { login: &Login::default(), ..trust };
    match try_connect(target, anonymous, version).await {
        Ok(Answer::Accepted(_, talk)) => {
            talk.close().await;
            finding
                .evidence("without a login the broker lets us in: user name or password are wrong")
                .fix("correct -u and the password, or connect without")
        }
        Ok(Answer::Refused(_)) => finding
            .evidence(
                "without a login it refuses too: the user name, the password, or the client id is not what it expects",
            )
            .fix("verify the login on the broker's machine: moskit passwd --verify USER FILE"),
        _ => finding,
    }
}

/// No CONNACK: what does the end tell, and what else may speak there?
async fn unanswered(target: &Target, trust: Trust<'_>, version: ProtocolVersion, ended: Ended) -> Finding {
    let seen = own_seen(target, trust).await;
    let (first_bytes, alert) = match ended {
        Ended::Garbage { error: DecodeError::ConnAckWithoutProperties { .. }, .. }
            if version == ProtocolVersion::V5 =>
        {
            return Finding::error(
                "proto.version",
                "the broker answers version 5 as one that knows only 3.1.1 and 3.1",
            )
            .fix("use -V mqttv311");
        }
        Ended::Disconnected(reason) => {
            return Finding::error(
                "connack.refused",
                format!("the broker said goodbye instead of CONNACK (reason {})", reason.0),
            )
            .fix("the broker's log says why");
        }
        Ended::Io(error) => {
            return Finding::error(
                "net.lost",
                format!("the connection to {} broke: {}", target.endpoint(), crate::net::reason(&error)),
            );
        }
        Ended::Closed { first_bytes, alert } => (first_bytes, alert),
        Ended::TimedOut { first_bytes } if first_bytes.is_empty() => return silent_or_other(target).await,
        Ended::TimedOut { first_bytes } | Ended::Garbage { first_bytes, .. } => (first_bytes, None),
    };
    match probe::by_first_bytes(&first_bytes) {
        probe::Found::Http { status, .. } if target.tls.is_none() => {
            let found = instead::by_http(target.probe()).await;
            return found.unwrap_or_else(|| instead::speaks_http(target.endpoint(), status, false));
        }
        probe::Found::Other(bytes) if !bytes.is_empty() => {
            // Some WebSocket servers answer what is no HTTP with a page and no head.
            let http = if target.tls.is_none() { instead::by_http(target.probe()).await } else { None };
            return http.unwrap_or_else(|| instead::strange(target.endpoint(), &bytes));
        }
        _ => {}
    }
    if target.tls.is_none()
        && alert.is_none()
        && target.route.websocket.is_none()
        && let Some(finding) = instead::of_mqtt(target.probe()).await
    {
        return finding;
    }
    diagnose::unanswered(&Unanswered { first_bytes: &first_bytes, alert, seen: seen.as_ref() }, &target.attempted())
}

/// What the handshake of the refused connection showed; asked for again, because the talk is over.
async fn own_seen(target: &Target, trust: Trust<'_>) -> Option<Seen> {
    target.tls.as_ref()?;
    let stream = target.open(trust.how).await.ok()?;
    stream.session().map(|session| session.seen.clone())
}

async fn silent_or_other(target: &Target) -> Finding {
    let found = if target.tls.is_none() { instead::of_mqtt(target.probe()).await } else { None };
    found.unwrap_or_else(|| instead::silent(target.probe()))
}

/// What CONNACK says the broker will do, and whether it is enough.
pub fn limits(target: &Target, accepted: &Accepted) -> Stage {
    if accepted.version != ProtocolVersion::V5 {
        return Stage::skipped("limits", "only MQTT 5 tells them");
    }
    let mut stage = Stage::new("limits");
    let properties = &accepted.connack.properties;
    let maximum_qos = properties.maximum_qos().unwrap_or(2);
    stage.fact("maximum_qos", maximum_qos);
    if maximum_qos < target.qos as u8 {
        stage.found(
            Finding::error(
                "limits",
                format!("QoS {} is asked for, and the broker takes {maximum_qos} at most", target.qos as u8),
            )
            .fix(format!("use -q {maximum_qos}")),
        );
    }
    if let Some(size) = properties.maximum_packet_size() {
        stage.fact("maximum_packet_size", size);
    }
    stage.fact("receive_maximum", properties.receive_maximum().unwrap_or(u16::MAX));
    if let Some(maximum) = properties.topic_alias_maximum() {
        stage.fact("topic_alias_maximum", maximum);
    }
    if let Some(seconds) = properties.server_keep_alive() {
        stage.fact("server_keep_alive", seconds);
        if seconds < target.keep_alive {
            stage.found(Finding::note(
                "keepalive",
                format!("the broker shortens the keep-alive from {} s to {seconds} s", target.keep_alive),
            ));
        }
    }
    if properties.retain_available() == Some(0) {
        stage.fact("retain", false);
        stage.found(Finding::note("limits", "the broker retains no messages: publishing with -r disconnects"));
    }
    if properties.wildcard_subscription_available() == Some(0) {
        stage.found(Finding::note("limits", "the broker takes no filters with wildcards"));
    }
    if properties.shared_subscription_available() == Some(0) {
        stage.found(Finding::note("limits", "the broker has no shared subscriptions"));
    }
    if let Some(seconds) = properties.session_expiry_interval() {
        stage.fact("session_expiry_interval", seconds);
    }
    stage
}
