//! CONNECT, and the limits that CONNACK names.

use std::time::Instant;

use super::target::{How, Login, Target, milliseconds};
use crate::client::Ending;
use crate::diagnose::{self, About, Finding, Sent, Unanswered, shell, ways};
use crate::examine::report::{MILLISECONDS, Stage};
use crate::mqtt::packet::{ConnAck, DecodeError, ProtocolVersion, refusal_text};
use crate::mqtt::session::SessionError;
use crate::net::ConnectError;
use crate::net::tls::{self, Seen};
use crate::net::websocket::WebSocketError;
use crate::probe::{self, NotOpened, instead};
use crate::talk::{Answer, Ended, begins_like_answer};
use crate::term::Foreign;

/// A broker that let us in.
pub struct Accepted {
    pub version: ProtocolVersion,
    pub connack: ConnAck,
}

/// How we show ourselves to the broker.
#[derive(Clone, Copy)]
pub struct Trust<'a> {
    pub how: How,
    pub login: &'a Login,
}

/// What the failure of one version says of the others, from the one that is the cause to the one that explains least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reach {
    /// It is not about the version: no other is tried.
    Port,
    /// The broker has read CONNECT and does not let us in.
    Refused,
    /// The connection ended without an answer, perhaps because of the version.
    Unanswered,
    /// The broker says that it does not speak this version, and nothing of who we are.
    Version,
}

/// A version that did not get through.
struct Failed {
    version: ProtocolVersion,
    reach: Reach,
    finding: Finding,
}

/// Tries version 5, then 3.1.1, or only the version that the user wants.
pub async fn connect(target: &Target, trust: Trust<'_>) -> (Stage, Option<Accepted>) {
    let mut stage = Stage::new("connect");
    let versions = match target.version {
        Some(version) => vec![version],
        // Before version 5 there is no password without a user name [MQTT-3.1.2-22].
        None if trust.login.password.is_some() && trust.login.username.is_none() => vec![ProtocolVersion::V5],
        None => vec![ProtocolVersion::V5, ProtocolVersion::V311],
    };
    let mut accepted = None;
    let mut failures: Vec<Failed> = Vec::new();
    for version in versions {
        let start = Instant::now();
        let (reach, finding) = match try_connect(target, trust, version).await {
            Ok(Answer::Accepted(connack, mut talk)) => {
                stage.fact(fact_name(version), "accepted");
                // The CONNECT asked for a clean start: pub, sub and rr leave such a broker [MQTT-3.2.2-4].
                if connack.session_present {
                    let broken = Ending::Session(SessionError::UnexpectedSessionPresent);
                    stage.findings.extend(diagnose::lost(&broken, &target.attempted()));
                }
                if let Some(credentials) = &trust.login.scram {
                    let again = talk.log_in_again(credentials).await;
                    stage.fact("log_in_again", logged_in_again(&again));
                    if let Err(Ended::Distrusted(why)) = again {
                        stage.found(diagnose::scram::distrust(why));
                    }
                }
                talk.close().await;
                if accepted.is_none() {
                    stage.fact(MILLISECONDS, milliseconds(start));
                    accepted = Some(Accepted { version, connack });
                }
                continue;
            }
            Ok(Answer::Refused(connack)) => {
                stage.fact(fact_name(version), format!("refused with {}", connack.code));
                let is_version = matches!((version, connack.code), (ProtocolVersion::V5, 132) | (_, 1));
                let reach = if is_version { Reach::Version } else { Reach::Refused };
                (reach, refused(target, trust, version, &connack).await)
            }
            Ok(Answer::Ended(ended)) => {
                stage.fact(fact_name(version), "no answer");
                unanswered(target, trust, version, ended).await
            }
            Err(finding) => (Reach::Port, *finding),
        };
        failures.push(Failed { version, reach, finding });
        if reach == Reach::Port {
            break;
        }
    }
    conclude(&mut stage, accepted.as_ref(), failures);
    (stage, accepted)
}

/// What became of a second login on the same connection, which a client needs where a broker ends logins after some time.
fn logged_in_again(again: &Result<(), Ended>) -> String {
    match again {
        Ok(()) => "accepted".to_owned(),
        Err(Ended::Disconnected(reason)) => format!("refused with {}", reason.0),
        Err(Ended::Distrusted(_)) => "not believed".to_owned(),
        Err(_) => "no answer".to_owned(),
    }
}

/// One version that works is enough, unless the user named one; then the list has only that.
fn conclude(stage: &mut Stage, accepted: Option<&Accepted>, mut failures: Vec<Failed>) {
    if let Some(accepted) = accepted {
        stage.findings.extend(failures.iter().map(|failed| despite(failed, accepted.version)));
        return;
    }
    let tried: Vec<_> = failures.iter().map(|failed| failed.version).collect();
    failures.sort_by_key(|failed| failed.reach);
    let mut failures = failures.into_iter();
    let Some(Failed { reach, mut finding, .. }) = failures.next() else { return };
    for other in failures {
        finding = finding.evidence(format!("{}: {}", other.version.name(), other.finding.what));
    }
    if reach == Reach::Version && tried.len() > 1 {
        finding = finding.fix(diagnose::other_versions(&tried));
    }
    stage.found(finding);
}

/// A version that did not get through while `accepted` did.
fn despite(failed: &Failed, accepted: ProtocolVersion) -> Finding {
    let (not, but) = (failed.version.name(), accepted.name());
    let finding = match failed.reach {
        Reach::Version => Finding::note("proto.version", format!("the broker has no {not}, only {but}")),
        Reach::Refused => {
            Finding::warning("proto.version", format!("the broker refuses us with {not} and takes {but}"))
                .fix("the broker's log says why")
        }
        Reach::Unanswered | Reach::Port => Finding::note(
            "proto.version",
            format!("the broker hangs up on {not} and takes {but}: it has probably no {not}"),
        ),
    };
    finding.evidence(failed.finding.what.clone())
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
    let stream = match target.open(trust.how).await {
        Ok(stream) => stream,
        Err(error) => return Err(Box::new(not_opened(target, error).await)),
    };
    let connect = target.connect_packet(version, trust.login);
    Ok(target.log_in(stream, &connect, trust.login).await)
}

async fn not_opened(target: &Target, error: NotOpened) -> Finding {
    match error {
        NotOpened::TimedOut => instead::silent(target.probe()),
        NotOpened::Error(error) => match *error {
            ConnectError::Tls(failure) => diagnose::tls::handshake(&failure, &target.attempted()),
            ConnectError::WebSocket(error) => no_websocket(target, &error).await,
            other => diagnose::not_connected(&other, &target.attempted()),
        },
    }
}

/// The answer to the HTTP request that opens a WebSocket.
async fn no_websocket(target: &Target, error: &WebSocketError) -> Finding {
    let place = target.endpoint();
    match error {
        WebSocketError::Status { code, .. } => {
            if target.tls.is_none()
                && let Some(finding) = instead::tls_behind(target.probe(), *code).await
            {
                return finding;
            }
            let finding = instead::speaks_http(target.probe(), *code, false);
            if finding.about != Some(About::WrongPath) {
                return finding;
            }
            instead::of_path(target.probe(), target.capture(), finding).await
        }
        WebSocketError::Field("Sec-WebSocket-Protocol") => instead::speaks_http(target.probe(), 101, false),
        WebSocketError::TimedOut => instead::silent(target.probe()),
        error => {
            let found = if target.tls.is_none() { instead::of_websocket(target.probe()).await } else { None };
            found.unwrap_or_else(|| {
                Finding::error("proto.ws-vs-mqtt", format!("{place} speaks no WebSocket: {error}"))
                    .fix(ways::WITHOUT_WEBSOCKET)
            })
        }
    }
}

/// What our CONNECT says of the user; its client id is nobody's.
fn sent(target: &Target, trust: Trust<'_>, version: ProtocolVersion) -> Sent {
    let scram = trust.login.scram.as_ref().map(|credentials| credentials.mechanism);
    Sent { client_id: false, scram, ..Sent::from(&target.connect_packet(version, trust.login)) }
}

/// The user name as a word of a command.
fn user(trust: Trust<'_>) -> String {
    trust.login.username.as_deref().map_or_else(|| "USER".to_owned(), shell::quoted)
}

/// Refused: tries without login what a login may be the reason for.
async fn refused(target: &Target, trust: Trust<'_>, version: ProtocolVersion, connack: &ConnAck) -> Finding {
    let sent = sent(target, trust, version);
    let unknown = || {
        let reason = refusal_text(version, connack.code);
        Finding::error("connack.refused", format!("the broker refuses CONNECT: {reason}"))
            .fix("the broker's log says why")
    };
    let tls = target.tls.as_ref().map(|tls| &tls.options).filter(|_| trust.how == How::Real);
    let own = tls.and_then(tls::Options::own_certificate);
    let mut finding = diagnose::refused(sent, connack, own.as_ref())
        .unwrap_or_else(unknown)
        .evidence(format!("CONNACK code {}", connack.code));
    if let Some(why) = connack.properties.reason_string() {
        finding = finding.evidence(format!("it says: {}", Foreign::new(&why)));
    }
    if let Some(id) = &target.id {
        finding = finding
            .evidence(format!("check has a client id of its own: a broker that takes `{id}` alone refuses it, too"));
    }
    if matches!((version, connack.code), (ProtocolVersion::V5, 133) | (ProtocolVersion::V311 | ProtocolVersion::V31, 2))
    {
        // What `-i` names is not what this CONNECT had.
        finding = finding.fix("a shorter keep-alive: -k; or connect as the client itself: moskit sub -i ID -t TOPIC");
    }
    let is_whole = sent.username && sent.password;
    if !is_whole || finding.about != Some(About::Login) {
        return finding;
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
            .fix(format!("verify the login on the broker's machine: moskit passwd --verify {} FILE", user(trust))),
        _ => finding,
    }
}

/// No CONNACK: what does the end tell, and what else may speak there?
async fn unanswered(target: &Target, trust: Trust<'_>, version: ProtocolVersion, ended: Ended) -> (Reach, Finding) {
    let seen = own_seen(target, trust).await;
    let (first_bytes, alert) = match ended {
        Ended::Garbage { error: DecodeError::ConnAckWithoutProperties { .. }, .. }
            if version == ProtocolVersion::V5 =>
        {
            let finding =
                Finding::error("proto.version", "the broker answers version 5 as one that knows only 3.1.1 and 3.1");
            return (Reach::Version, finding.fix("use -V mqttv311"));
        }
        Ended::Disconnected(reason) => {
            let finding = Finding::error(
                "connack.refused",
                format!("the broker said goodbye instead of CONNACK (reason {})", reason.0),
            );
            return (Reach::Refused, finding.fix("the broker's log says why"));
        }
        Ended::Distrusted(why) => return (Reach::Port, diagnose::scram::distrust(why)),
        Ended::Encode(_) => {
            let what = "the client id, user name or password does not fit into a packet";
            return (Reach::Port, Finding::error("client.packet", what).fix("each may have 65535 bytes"));
        }
        Ended::Io(error) => {
            let finding = Finding::error(
                "net.lost",
                format!("the connection to {} broke: {}", target.endpoint(), crate::net::reason(&error)),
            );
            return (Reach::Unanswered, finding);
        }
        Ended::Closed { first_bytes, alert } => (first_bytes, alert),
        Ended::TimedOut { first_bytes } if first_bytes.is_empty() => {
            return (Reach::Port, silent_or_other(target).await);
        }
        Ended::TimedOut { first_bytes } if diagnose::is_begun_connack(&first_bytes) => {
            return (Reach::Port, instead::unfinished(target.probe()));
        }
        Ended::Garbage { error: DecodeError::PacketTooLarge { size, maximum }, first_bytes }
            if begins_like_answer(&first_bytes) =>
        {
            return (Reach::Port, diagnose::oversize(size, maximum));
        }
        // A broker whose answer is wrong inside, or another protocol: the first byte alone does not tell.
        Ended::Garbage { first_bytes, .. } if begins_like_answer(&first_bytes) => {
            let what = format!("what {} answers to CONNECT is not MQTT, or is broken", target.endpoint());
            let finding = Finding::error("proto.garbage", what)
                .evidence(diagnose::it_says(&first_bytes))
                .fix("is this the port of an MQTT broker? Its log may say more");
            return (Reach::Port, finding);
        }
        Ended::TimedOut { first_bytes } | Ended::Garbage { first_bytes, .. } => (first_bytes, None),
    };
    // Who began to answer is a broker, and is not asked what else it may be; nor is who speaks MQTT otherwise.
    let has_begun = diagnose::is_begun_connack(&first_bytes) || diagnose::early_packet(&first_bytes).is_some();
    let is_in_clear = target.is_in_clear();
    let is_bare = target.route.websocket.is_none();
    match probe::by_first_bytes(&first_bytes) {
        probe::Found::Http { status, .. } if is_bare => {
            let found = instead::by_http(target.probe(), target.capture()).await;
            return (Reach::Port, found.unwrap_or_else(|| instead::speaks_http(target.probe(), status, false)));
        }
        probe::Found::Other(bytes) if !bytes.is_empty() && !has_begun => {
            // Some WebSocket servers answer what is no HTTP with a page and no head.
            let http = if is_bare { instead::by_http(target.probe(), target.capture()).await } else { None };
            let strange = || {
                let finding = instead::strange(target.endpoint(), &bytes);
                if is_bare {
                    return finding;
                }
                let what = format!("{} opens a WebSocket and does not speak MQTT in it", target.endpoint());
                Finding { what, ..finding }
                    .fix("is it another WebSocket service, or is MQTT at another path? --ws-path PATH")
            };
            return (Reach::Port, http.unwrap_or_else(strange));
        }
        _ => {}
    }
    let is_asked = is_in_clear && alert.is_none() && !has_begun;
    if is_asked && let Some(finding) = instead::of_mqtt(target.probe()).await {
        return (Reach::Port, finding);
    }
    // A WebSocket listener behind TLS takes CONNECT for bad HTTP and says nothing.
    let is_mute = is_bare && !is_in_clear && alert.is_none() && first_bytes.is_empty();
    if is_mute && let Some(finding) = instead::by_http(target.probe(), target.capture()).await {
        return (Reach::Port, finding);
    }
    // Who says something, or why TLS ended, says it to every version.
    let reach = if first_bytes.is_empty() && alert.is_none() { Reach::Unanswered } else { Reach::Port };
    let ended = Unanswered {
        sent: sent(target, trust, version),
        first_bytes: &first_bytes,
        alert,
        seen: seen.as_ref(),
        is_neither_tls_nor_http: is_asked,
    };
    (reach, diagnose::unanswered(&ended, &target.attempted()))
}

/// What the handshake of the refused connection showed; asked for again, because the talk is over.
async fn own_seen(target: &Target, trust: Trust<'_>) -> Option<Seen> {
    target.tls.as_ref()?;
    let stream = target.open(trust.how).await.ok()?;
    stream.session().map(|session| session.seen.clone())
}

async fn silent_or_other(target: &Target) -> Finding {
    let found = if target.is_in_clear() {
        instead::of_silent(target.probe()).await
    } else if target.route.websocket.is_none() {
        instead::after_silence(target.probe(), target.capture()).await
    } else {
        None
    };
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
