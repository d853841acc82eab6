//! How pub, sub and rr end when the connection does: Mosquitto's line, its exit code, then the cause
//! and a hint.

use std::io;
use std::time::Duration;

use super::feed::Place;
use super::stop::Stop;
use crate::client::{Ending, Remains, StartError};
use crate::cmd::connect::args::Verb;
use crate::cmd::connect::outcome::{Outcome, failure};
use crate::diagnose::{self, Attempted, Finding, Sent, Unanswered};
use crate::mqtt::packet::{
    ConnAck, DecodeError, Disconnect, EncodeError, PacketId, PropertyOwner, ProtocolVersion, ReasonCode, refusal_text,
};
use crate::mqtt::session::{SendError, SessionError};
use crate::net::socks::{Reply, SocksError};
use crate::net::tls::{self, Cause, alert_in};
use crate::net::tunnel::TunnelError;
use crate::net::websocket::WebSocketError;
use crate::net::{ConnectError, ProxyError, reason};
use crate::oauth::{OAuthError, Unusable};
use crate::term::{Exit, Failure, Foreign, Term, plural};

/// Exit code and line of Mosquitto, and what we know beyond them; [`failure`] makes one of the three.
pub type Explanation = (Exit, String, Option<Finding>);

/// The first attempt to connect did not come about. Mosquitto ends with 1, but for what happens behind
/// the TCP connection: there its proxy and WebSockets code has numbers of its own.
pub fn not_connected(error: &StartError, attempted: &Attempted<'_>) -> Explanation {
    let error = match error {
        StartError::Connect(error) => error,
        StartError::Send(_) => return (Exit::FAILED, "Unable to connect (Invalid input).\n".to_owned(), None),
    };
    let (exit, line) = end_of(error);
    (exit, line, Some(diagnose::not_connected(error, attempted)))
}

fn end_of(error: &ConnectError) -> (Exit, String) {
    let numbered = |outcome: Outcome| (Exit(outcome as u8), format!("Error: {}\n", outcome.text()));
    match error {
        // The proxy's address is the one that is connected to.
        ConnectError::Proxy { error: ProxyError::NotReached(error), .. } => end_of(error),
        ConnectError::TimedOut(_) => (Exit::FAILED, "Error: Connection timed out\n".to_owned()),
        ConnectError::Everywhere(_) => (Exit::FAILED, "Unable to connect (No host could be reached).\n".to_owned()),
        ConnectError::Lookup { .. } | ConnectError::BindLookup { .. } => {
            (Exit::FAILED, "Unable to connect (Lookup error).\n".to_owned())
        }
        ConnectError::Unreachable { .. } | ConnectError::Unix { .. } => {
            let last = error.last_os_error().map(reason).unwrap_or_default();
            (Exit::FAILED, format!("Error: {last}\n"))
        }
        ConnectError::Proxy { error, .. } => numbered(proxy_outcome(error)),
        ConnectError::Tls(_) => (Exit::FAILED, "Unable to connect (A TLS error occurred).\n".to_owned()),
        ConnectError::WebSocket(WebSocketError::Closed) => numbered(Outcome::ConnectionLost),
        ConnectError::WebSocket(_) => numbered(Outcome::Unknown),
    }
}

/// Whether a connection that was lost and could not be made again is worth another attempt. Mosquitto tries again
/// what fails before a peer has answered, and takes a wrong answer for the last word.
pub fn is_tried_again(error: &StartError) -> bool {
    match error {
        StartError::Send(_) => false,
        StartError::Connect(error) => is_worth_another(error),
    }
}

/// Whether a token endpoint that granted nothing may do so later. What it has judged, it will judge the same again.
pub fn is_asked_again(error: &OAuthError) -> bool {
    match error {
        OAuthError::Connect(error) => is_worth_another(error),
        OAuthError::TimedOut(_) | OAuthError::Http(_) | OAuthError::Answer(Unusable::Busy { .. }) => true,
        OAuthError::TooLarge { .. } | OAuthError::Unsendable | OAuthError::Answer(_) => false,
    }
}

fn is_worth_another(error: &ConnectError) -> bool {
    match error {
        ConnectError::Everywhere(failures) => failures.iter().any(|(_, error)| is_worth_another(error)),
        ConnectError::Proxy { error: ProxyError::TimedOut | ProxyError::NotReached(_), .. } => true,
        ConnectError::Proxy { error: ProxyError::Tls(failure), .. } => is_passing(failure),
        ConnectError::Proxy { error, .. } => proxy_outcome(error) == Outcome::NotConnected,
        ConnectError::WebSocket(error) => {
            matches!(error, WebSocketError::Closed | WebSocketError::TimedOut | WebSocketError::Io(_))
        }
        ConnectError::Tls(failure) => is_passing(failure),
        _ => true,
    }
}

/// Whether TLS failed for what may be over soon.
fn is_passing(failure: &tls::Failure) -> bool {
    matches!(failure.cause, Cause::Closed | Cause::TimedOut | Cause::Io(_))
}

/// A later attempt to connect that is the last one. TLS that fails then has a number of its own.
pub fn not_connected_again(error: &StartError, attempted: &Attempted<'_>) -> Explanation {
    match error {
        StartError::Connect(error @ ConnectError::Tls(_)) => {
            let line = format!("Error: {}\n", Outcome::Errno.text());
            (Exit(Outcome::Errno as u8), line, Some(diagnose::not_connected(error, attempted)))
        }
        error => not_connected(error, attempted),
    }
}

/// Of SOCKS5 as Mosquitto numbers it, of HTTP by the same meaning.
fn proxy_outcome(error: &ProxyError) -> Outcome {
    match error {
        ProxyError::Socks(SocksError::MethodRefused | SocksError::Reply(Reply::NotAllowed))
        | ProxyError::Tunnel(TunnelError::Status { code: 403, .. }) => Outcome::Auth,
        ProxyError::Socks(SocksError::Reply(
            Reply::NetworkUnreachable | Reply::HostUnreachable | Reply::ConnectionRefused,
        ))
        | ProxyError::Tunnel(TunnelError::Status { code: 502..=504, .. }) => Outcome::NotConnected,
        ProxyError::Socks(SocksError::Reply(Reply::Other(_))) => Outcome::InvalidInput,
        _ => Outcome::Proxy,
    }
}

/// What a connection that ended amounts to in Mosquitto's numbers.
pub fn outcome(ending: &Ending) -> Outcome {
    match ending {
        // TLS that goes wrong in the middle. An alert is the broker's way to hang up.
        Ending::Io(error) if error.kind() == io::ErrorKind::InvalidData && alert_in(error).is_none() => Outcome::Errno,
        Ending::Closed | Ending::Io(_) => Outcome::ConnectionLost,
        Ending::Session(SessionError::KeepAlive) => Outcome::Keepalive,
        Ending::Session(SessionError::Authentication(_)) => Outcome::Auth,
        Ending::Session(SessionError::NoConnAck) => Outcome::Timeout,
        Ending::Session(SessionError::Decode(error)) => match error {
            DecodeError::PacketTooLarge { .. } => Outcome::Oversize,
            DecodeError::DuplicateProperty(_) => Outcome::DuplicateProperty,
            DecodeError::UnexpectedPacket(_)
            | DecodeError::UnknownPacketType(_)
            | DecodeError::PropertyNotAllowed(_)
            | DecodeError::PropertyValue(_)
            | DecodeError::QoS(_)
            | DecodeError::PacketIdZero(_)
            | DecodeError::NoTopicName
            | DecodeError::NoSubAckCode
            | DecodeError::ConnAckFlags(_) => Outcome::Protocol,
            _ => Outcome::Malformed,
        },
        Ending::Session(SessionError::TopicAlias(_) | SessionError::UnknownTopicAlias(_)) => Outcome::TopicAliasInvalid,
        Ending::Session(_) => Outcome::Protocol,
    }
}

/// Whether a connection that ended so is made again: all but the results that Mosquitto's loop ends after, and a server that
/// is not believed.
pub fn is_retried(ending: &Ending) -> bool {
    !matches!(outcome(ending), Outcome::Protocol | Outcome::Errno | Outcome::Auth)
}

/// Whether CONNECT was not answered in time.
pub fn is_unanswered(ending: &Ending) -> bool {
    matches!(ending, Ending::Session(SessionError::NoConnAck))
}

/// Messages of which it is not known what has become of them.
#[derive(Clone, Copy, Debug)]
pub struct UnderWay {
    /// Of QoS 1 and 2.
    pub unacknowledged: usize,
    /// Of QoS 0.
    pub unconfirmed: u64,
}

/// The connection ended before the work was done, and nobody connects again. `remains` is there if it
/// ended before the broker had accepted.
pub fn lost(
    ending: &Ending,
    remains: Option<&Remains>,
    sent: Sent,
    under_way: UnderWay,
    attempted: &Attempted<'_>,
) -> Explanation {
    let outcome = outcome(ending);
    // What breaks the rules of TLS or of WebSockets is no silence.
    let silent = match ending {
        Ending::Closed => true,
        Ending::Io(error) => error.kind() != io::ErrorKind::InvalidData || alert_in(error).is_some(),
        Ending::Session(_) => false,
    };
    let finding = match remains {
        // The answer has begun, and its rest did not come, or is more than is taken.
        Some(remains) if is_unanswered(ending) && diagnose::is_begun_connack(&remains.first_bytes) => {
            diagnose::lost(ending, attempted)
        }
        Some(_) if outcome == Outcome::Oversize => diagnose::lost(ending, attempted),
        Some(remains) if silent || !remains.first_bytes.is_empty() => Some(diagnose::unanswered(
            &Unanswered {
                sent,
                first_bytes: &remains.first_bytes,
                alert: remains.alert,
                seen: remains.seen.as_ref(),
                is_neither_tls_nor_http: false,
            },
            attempted,
        )),
        _ => match (diagnose::lost(ending, attempted), what_is_under_way(under_way)) {
            (None, None) => None,
            (None, Some((what, fix))) => {
                let what = format!("the broker closed the connection; {what}");
                Some(Finding::error("connection.closed", what).fix(fix))
            }
            // A broker that closes a connection with bytes unread resets it.
            (Some(finding), Some((what, fix))) if matches!(ending, Ending::Io(_)) => {
                let fix = finding.fix.clone().unwrap_or_else(|| fix.to_owned());
                Some(Finding { what: format!("{}; {what}", finding.what), ..finding }.fix(fix))
            }
            (finding, _) => finding,
        },
    };
    (Exit(outcome as u8), format!("Error: {}\n", outcome.text()), finding)
}

/// What is said of messages that were under way when the connection ended without a word, and what may be the reason.
fn what_is_under_way(UnderWay { unacknowledged, unconfirmed }: UnderWay) -> Option<(String, &'static str)> {
    match (unacknowledged, unconfirmed) {
        (0, 0) => None,
        (0, _) => Some((unread(unconfirmed), REFUSES_AT_MOST_ONCE)),
        (_, 0) => Some((format!("{} not acknowledged", count(unacknowledged)), REFUSES_MESSAGES)),
        _ => Some((format!("{} not acknowledged, {}", count(unacknowledged), unread(unconfirmed)), REFUSES_MESSAGES)),
    }
}

/// `2 messages with QoS 0 may not have arrived`
pub fn unread(messages: u64) -> String {
    format!("{} with QoS 0 may not have arrived", plural(messages, "message"))
}

/// What an end comes to where messages of QoS 0 were lost with a connection, or may have been: that is the failure where
/// there is no other. `losses` says how many.
pub fn with_losses(losses: Option<String>, ended: Result<Exit, Failure>, term: &mut Term) -> Result<Exit, Failure> {
    match (losses, ended) {
        (Some(losses), Ok(Exit::OK)) => {
            let outcome = Outcome::ConnectionLost;
            let finding = Finding::error("connection.closed", losses).fix(REFUSES_AT_MOST_ONCE);
            Err(failure(Exit(outcome as u8), &format!("Error: {}\n", outcome.text()), Some(finding)))
        }
        (losses, ended) => {
            if let Some(losses) = losses {
                term.note(losses);
            }
            ended
        }
    }
}

/// Why a broker that says nothing may not want a message.
const REFUSES_MESSAGES: &str = "the message may be larger than the broker takes (max_packet_size), not allowed, or of a QoS that it does \
    not have (RabbitMQ 3 and NATS have no QoS 2): try a lower -q, or -V mqttv5, which says why";

/// The same of QoS 0, of which it need not be refused at all.
const REFUSES_AT_MOST_ONCE: &str = "with -q 1 messages are acknowledged, and sent again where they are not. A broker that ends the connection itself may find one \
    larger than it takes (max_packet_size), retained where it keeps none, or not allowed: -V mqttv5 says why";

/// The broker refused CONNECT. pub prints a second line; rr takes its texts from the table of version 5
/// whatever the version.
pub fn refused(verb: Verb, version: ProtocolVersion, connack: &ConnAck, finding: Option<Finding>) -> Failure {
    let code = connack.code;
    let words_of = if verb == Verb::Rr { ProtocolVersion::V5 } else { version };
    let mut lines = format!("Connection error: {}", refusal_text(words_of, code));
    if version == ProtocolVersion::V5 && code == 132 && verb != Verb::Rr {
        lines.push_str(". Try connecting to an MQTT v5 broker, or use MQTT v3.x mode.");
    }
    lines.push('\n');
    if verb == Verb::Pub {
        let outcome = if (1..=5).contains(&code) { Outcome::Refused } else { Outcome::Protocol };
        lines += "Error: ";
        lines += outcome.text();
        lines.push('\n');
    }
    failure(Exit(code), &lines, finding)
}

/// A message cannot go out on this connection.
pub fn not_sent(error: SendError) -> Failure {
    let outcome = unsent(&error);
    failure(Exit(outcome as u8), &format!("Error: {}\n", outcome.text()), unsendable(error))
}

/// As [`not_sent`], for the one message of pub: Mosquitto leaves, and takes that for a connection that was lost.
pub fn not_sent_by_pub(error: SendError) -> Failure {
    // It would have sent this without retain.
    if error == SendError::RetainNotSupported {
        return not_sent(error);
    }
    let outcome = Outcome::ConnectionLost;
    let text = match error {
        SendError::QoSNotSupported { .. } => "Error: Message QoS not supported on broker, try a lower QoS.\n",
        SendError::Property { error: DecodeError::DuplicateProperty(_), .. } => "",
        SendError::Property { owner: PropertyOwner::Publish, .. } => {
            "Error: Protocol error when communicating with broker.\n"
        }
        _ => "",
    };
    let lines = format!("{text}Error: {}\n", outcome.text());
    failure(Exit(outcome as u8), &lines, unsendable(error))
}

/// The message of one line of many cannot go out. `others` says what was published.
pub fn line_not_sent(place: Option<&Place>, error: SendError, others: &str, can_be_skipped: bool) -> Failure {
    let outcome = unsent(&error);
    let finding = unsendable(error).unwrap_or_else(|| Finding::error("limits", why_unsent(error)));
    let place = place.map(|place| format!("{place}: ")).unwrap_or_default();
    let mut finding = Finding { what: format!("{place}{}; {others}", finding.what), ..finding };
    if can_be_skipped {
        let fix = finding.fix.take().map(|fix| format!("{fix}; ")).unwrap_or_default();
        finding.fix = Some(format!("{fix}--skip-bad passes over such lines"));
    }
    failure(Exit(outcome as u8), &format!("Error: {}\n", outcome.text()), Some(finding))
}

/// What a message that cannot go out amounts to in Mosquitto's numbers.
fn unsent(error: &SendError) -> Outcome {
    match error {
        SendError::QoSNotSupported { .. } => Outcome::QosNotSupported,
        SendError::PacketTooLarge { .. } => Outcome::Oversize,
        SendError::RetainNotSupported => Outcome::RetainNotSupported,
        SendError::NoProperties => Outcome::NotSupported,
        SendError::Property { error: DecodeError::DuplicateProperty(_), .. } => Outcome::DuplicateProperty,
        SendError::Property { .. } => Outcome::Protocol,
        SendError::NotConnected | SendError::NoFreePacketId | SendError::NoRandomNumbers | SendError::Encode(_) => {
            Outcome::ConnectionLost
        }
    }
}

/// The broker wants to go on with a login that pub, sub and rr cannot go on with.
pub fn asked_to_authenticate() -> Failure {
    let line = format!("Error: {}\n", Outcome::Auth.text());
    let finding = Finding::error(
        "auth.exchange",
        "the broker sent AUTH: it wants an authentication in several steps, of which -D connect gives only the first",
    )
    .fix("if it is SCRAM: --auth-method in place of -D connect authentication-method");
    failure(Exit(Outcome::Auth as u8), &line, Some(finding))
}

/// Whether a broker that ends the connection while a login is begun again minds the login: that it is wrong, or that there is one.
pub fn is_about_login_again(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::NOT_AUTHORIZED
            | ReasonCode::BAD_USER_NAME_OR_PASSWORD
            | ReasonCode::BAD_AUTHENTICATION_METHOD
            | ReasonCode::PROTOCOL_ERROR
            | ReasonCode::IMPLEMENTATION_SPECIFIC_ERROR
    )
}

/// The broker does not let the user go on who has logged in again.
pub fn login_again_refused(disconnect: &Disconnect) -> Failure {
    let line = format!("Error: {}\n", Outcome::Auth.text());
    let finding = Finding::error(
        "auth.again",
        format!("logging in again was refused (--reauth): {}", farewell(disconnect).what),
    )
    .fix("the user's keys may have changed; a broker that takes no second login on a connection wants none: leave out --reauth");
    failure(Exit(Outcome::Auth as u8), &line, Some(finding))
}

/// The login was begun again and is not answered.
pub fn login_again_unanswered(limit: Duration) -> Failure {
    let line = format!("Error: {}\n", Outcome::Timeout.text());
    let seconds = limit.as_secs_f64();
    let what = format!("logging in again (--reauth) was not answered within {seconds} s (--answer-timeout)");
    let finding = Finding::error("auth.again", what).fix("the broker may hang; its log may say more");
    failure(Exit(Outcome::Timeout as u8), &line, Some(finding))
}

/// The broker said DISCONNECT before the work was done, and nobody connects again. `known` is what is known of the reason
/// beyond that.
pub fn disconnected(disconnect: &Disconnect, known: Option<Finding>) -> Failure {
    not_connected_any_more(Some(known.unwrap_or_else(|| farewell(disconnect))))
}

/// Mosquitto's line and number for what needs a connection where there is none.
fn not_connected_any_more(finding: Option<Finding>) -> Failure {
    failure(Exit(Outcome::NotConnected as u8), &format!("Error: {}\n", Outcome::NotConnected.text()), finding)
}

/// What the broker's DISCONNECT says.
fn farewell(disconnect: &Disconnect) -> Finding {
    let reason = disconnect.reason;
    let mut what = format!("the broker ended the connection: {} (reason code {})", reason.text(), reason.0);
    if let Some(why) = disconnect.properties.reason_string() {
        what = format!("{what}: {}", Foreign::new(&why));
    }
    let finding = Finding::error("proto.disconnect", what);
    match reason {
        ReasonCode::NOT_AUTHORIZED => finding.fix("the broker's ACL does not allow this user what was just sent"),
        ReasonCode::PACKET_TOO_LARGE => finding.fix("send less at once, or raise max_packet_size in mosquitto.conf"),
        ReasonCode::SESSION_TAKEN_OVER => {
            finding.fix("another client uses the same client id: give each its own with -i, or leave out -i")
        }
        ReasonCode::QOS_NOT_SUPPORTED => finding.fix("use a lower QoS: -q 1 or -q 0"),
        _ => finding,
    }
}

/// What was sent has not been answered within the time for answers.
pub fn unanswered(messages: usize, requests: usize, limit: Duration) -> Failure {
    let line = format!("Error: {}\n", Outcome::Timeout.text());
    let seconds = limit.as_secs_f64();
    let finding = if messages > 0 {
        let what =
            format!("{} sent, and for {seconds} s (--answer-timeout) the broker acknowledged none", count(messages));
        Finding::error("ack.missing", what).fix("it may have been delivered or not; the broker's log may say more")
    } else {
        let what = format!(
            "{} unanswered, a SUBSCRIBE, UNSUBSCRIBE or PINGREQ, and for {seconds} s (--answer-timeout) the broker answered none",
            if requests == 1 { "1 request is".to_owned() } else { format!("{requests} requests are") }
        );
        Finding::error("ack.missing", what).fix("the broker may hang; its log may say more")
    };
    failure(Exit(Outcome::Timeout as u8), &line, Some(finding))
}

/// Another client with the same id comes each time that this one has come. `is_announced`: the broker said so.
pub fn taken_over(client_id: &str, times: u32, is_announced: bool) -> Failure {
    let id = Foreign::new(client_id);
    let what = if is_announced {
        format!(
            "another client uses the client id `{id}`: the broker gave it the session {times} times in a row (reason code 142)"
        )
    } else {
        format!(
            "{times} times in a row the broker accepted the client id `{id}` and closed the connection within seconds, while nothing was left to answer: another client seems to use the same id"
        )
    };
    let line = format!("Error: {}\n", ReasonCode::SESSION_TAKEN_OVER.text());
    let finding = Finding::error("session.takeover", what).fix("give each client its own id: -i ID, or leave out -i");
    failure(Exit(ReasonCode::SESSION_TAKEN_OVER.0), &line, Some(finding))
}

/// Nothing got through on any connection, or none came about any more. `why` is what the last one ended with, `accepted`
/// the number of connections that the broker accepted and ended at once, `attempts` that of all where it was the limit,
/// `messages` what is left unacknowledged.
pub fn in_vain(
    why: Option<Failure>,
    accepted: u32,
    attempts: Option<u32>,
    messages: usize,
    has_own_id: bool,
) -> Failure {
    let mut what = match attempts {
        _ if accepted > 0 => {
            format!(
                "{accepted} times in a row the broker accepted the connection and ended it before anything got through"
            )
        }
        Some(attempts) => {
            format!("the connection was lost, and could not be made again in {}", plural(attempts.into(), "attempt"))
        }
        None => "the connection was lost and could not be made again".to_owned(),
    };
    if messages > 0 {
        what = format!("{what}; {} not acknowledged", count(messages));
    }
    let (cause, hint) = why.map_or((None, None), |why| (why.cause, why.hint));
    if let Some(cause) = cause {
        what = format!("{what}; the last time: {cause}");
    }
    let finding = Finding::error("connection.in-vain", what);
    not_connected_any_more(Some(match (hint, accepted > 0 && messages > 0) {
        (Some(hint), _) => finding.fix(hint),
        (None, true) => finding.fix(REFUSES_MESSAGES),
        (None, false) if accepted > 0 && has_own_id => finding.fix(
            "another client may use the same client id (-i); the broker's log says why, and with -V mqttv5 it may say so itself",
        ),
        (None, false) => finding.fix("the broker's log says why; with -V mqttv5 it may say so itself"),
    }))
}

/// The same failure, which has come in spite of so many more attempts.
pub fn tried(why: Failure, times: u32) -> Failure {
    let cause = why.cause.clone().map(|cause| format!("after {}: {cause}", plural(times.into(), "more attempt")));
    Failure { cause, ..why }
}

/// Whether another attempt can mend what stopped the one before: a broker that is not reached, has no time, is lost or does
/// not answer. What it has judged, it will judge the same again.
pub fn may_be_mended(stop: &Stop) -> bool {
    match stop {
        Stop::NotConnected(error) | Stop::NotConnectedAgain(error) => is_tried_again(error),
        Stop::NoToken(error) => is_asked_again(error),
        Stop::Lost(ending) => is_retried(ending) && outcome(ending) != Outcome::Malformed,
        Stop::Disconnected(disconnect) => is_for_now(disconnect.reason),
        Stop::Refused(connack) => is_refused_for_now(connack),
        Stop::Unanswered { .. } => true,
        _ => false,
    }
}

/// The broker refuses CONNECT for a while only: 3 before version 5 is what 136 is in it.
pub fn is_refused_for_now(connack: &ConnAck) -> bool {
    connack.code == 3 || is_for_now(ReasonCode(connack.code))
}

/// The broker refuses CONNECT for what is its own affair: another of several hosts may accept. A login, a client id or a
/// version that one refuses is not tried on the next.
pub fn is_for_another_host(connack: &ConnAck) -> bool {
    is_refused_for_now(connack) || sends_elsewhere(ReasonCode(connack.code))
}

/// The broker sends its clients to another server.
pub fn sends_elsewhere(reason: ReasonCode) -> bool {
    matches!(reason, ReasonCode::USE_ANOTHER_SERVER | ReasonCode::SERVER_MOVED)
}

/// The reasons of a broker that has no time or no room for now.
fn is_for_now(reason: ReasonCode) -> bool {
    matches!(
        reason,
        ReasonCode::SERVER_UNAVAILABLE
            | ReasonCode::SERVER_BUSY
            | ReasonCode::SERVER_SHUTTING_DOWN
            | ReasonCode::KEEP_ALIVE_TIMEOUT
            | ReasonCode::MESSAGE_RATE_TOO_HIGH
            | ReasonCode::QUOTA_EXCEEDED
            | ReasonCode::CONNECTION_RATE_EXCEEDED
            | ReasonCode::MAXIMUM_CONNECT_TIME
    )
}

/// Why a connection is made again, in one phrase.
pub fn in_words(stop: &Stop) -> String {
    let words = match stop {
        Stop::Lost(Ending::Closed) => "the broker closed it".to_owned(),
        Stop::Lost(Ending::Io(error)) => reason(error),
        Stop::Lost(Ending::Session(SessionError::KeepAlive)) => "the broker did not answer PINGREQ in time".to_owned(),
        Stop::Lost(Ending::Session(SessionError::NoConnAck)) => "the broker did not answer CONNECT in time".to_owned(),
        Stop::Lost(ending) => outcome(ending).text().to_lowercase(),
        Stop::Disconnected(disconnect) => farewell(disconnect).what,
        Stop::Refused(connack) => {
            // Codes up to 5 are those of the versions before 5.
            let version = if connack.code <= 5 { ProtocolVersion::V311 } else { ProtocolVersion::V5 };
            format!("the broker refused it: {} (code {})", refusal_text(version, connack.code), connack.code)
        }
        Stop::NotConnected(StartError::Connect(error)) | Stop::NotConnectedAgain(StartError::Connect(error)) => {
            error.to_string()
        }
        Stop::NoToken(_) => "there is no token to log in with".to_owned(),
        Stop::TokenRenewed => "its token was about to expire".to_owned(),
        Stop::Unanswered { limit, .. } => format!("the broker answered nothing for {} s", limit.as_secs_f64()),
        _ => "it ended".to_owned(),
    };
    Foreign::new(&words).to_string()
}

/// `1 message is`, `2 messages are`.
fn count(messages: usize) -> String {
    format!("{} {}", plural(messages as u64, "message"), if messages == 1 { "is" } else { "are" })
}

/// Why a message did not go out, where Mosquitto's line does not say it.
pub fn unsendable(error: SendError) -> Option<Finding> {
    match error {
        SendError::PacketTooLarge { size, maximum } => Some(
            Finding::error(
                "limits",
                format!("the packet has {}, and the broker takes {maximum} at most", plural(size as u64, "byte")),
            )
            .fix("send less at once, or raise max_packet_size in mosquitto.conf"),
        ),
        SendError::QoSNotSupported { maximum } => Some(
            Finding::error("limits", format!("the broker takes messages up to QoS {} only", maximum as u8))
                .fix(format!("use -q {}; RabbitMQ, NATS and cloud services have no QoS 2", maximum as u8)),
        ),
        SendError::RetainNotSupported => Some(
            Finding::error("limits", "the broker keeps no retained messages, and the message is one")
                .fix("publish without -r, or set retain_available in mosquitto.conf"),
        ),
        SendError::Property { error, .. } => Some(Finding::error(
            "proto.property",
            format!("the properties given with -D cannot be sent: {}", property(error)),
        )),
        SendError::NoProperties => Some(
            Finding::error("proto.property", "this version of MQTT has no properties: what -D gives cannot be sent")
                .fix("use version 5: -V mqttv5"),
        ),
        SendError::Encode(EncodeError::PacketTooLarge { length }) => Some(Finding::error(
            "limits",
            format!("topic and payload make a packet of {length} bytes, and MQTT has none above 268,435,455"),
        )),
        SendError::NotConnected | SendError::NoFreePacketId | SendError::NoRandomNumbers | SendError::Encode(_) => None,
    }
}

/// The broker acknowledged a message with a refusal.
pub fn note_refused(id: PacketId, reason: ReasonCode, term: &mut Term) {
    term.note(format_args!("Warning: Publish {id} failed: {}.", reason.text()));
}

/// The broker took a message that nobody is subscribed to.
pub fn note_nobody(id: PacketId, topic: Option<&str>, term: &mut Term) {
    match topic {
        Some(topic) => term.note(format_args!("Warning: Publish {id}: nobody is subscribed to '{topic}'.")),
        None => term.note(format_args!("Warning: Publish {id}: nobody is subscribed to its topic.")),
    }
}

/// A request that cannot be sent, such as properties in a version that has none.
pub fn note_unsent(packet: &str, error: SendError, term: &mut Term) {
    let why = why_unsent(error);
    term.note(format_args!("warning: {packet} was not sent: {why}"));
}

/// Why something was not sent, as one phrase.
pub fn why_unsent(error: SendError) -> String {
    match error {
        SendError::Property { error, .. } => format!("of the properties given with -D, {}", property(error)),
        SendError::NoProperties => "this version of MQTT has no properties, and -D gives some".to_owned(),
        SendError::PacketTooLarge { maximum, .. } => {
            format!("the broker takes packets of {} at most", plural(maximum as u64, "byte"))
        }
        SendError::QoSNotSupported { maximum } => format!("the broker takes messages up to QoS {} only", maximum as u8),
        SendError::RetainNotSupported => "the broker keeps no retained messages".to_owned(),
        SendError::NotConnected => "the connection is gone".to_owned(),
        SendError::NoFreePacketId => "65,535 others wait for their acknowledgements".to_owned(),
        SendError::NoRandomNumbers => "the system gives no random bytes".to_owned(),
        SendError::Encode(_) => "it is longer than a packet of MQTT can be".to_owned(),
    }
}

/// What is wrong with a property that was given.
fn property(error: DecodeError) -> String {
    match error {
        DecodeError::DuplicateProperty(id) => format!("{} is given twice", id.name()),
        DecodeError::PropertyValue(id) => format!("{} cannot have this value", id.name()),
        DecodeError::PropertyNotAllowed(id) => format!("{} does not belong there", id.name()),
        _ => "this version of MQTT has none".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::proxy::{Kind, Origin, Proxy};

    #[test]
    fn a_wrong_answer_is_the_last_word_and_silence_is_not() {
        let by_proxy = |error| {
            let (kind, host, origin) = (Kind::Http, "lan".to_owned(), Origin::Option);
            let proxy = Box::new(Proxy { kind, host, port: 1080, login: None, origin });
            is_tried_again(&StartError::Connect(ConnectError::Proxy { proxy, error }))
        };
        for (error, again) in [
            (ProxyError::Socks(SocksError::Reply(Reply::ConnectionRefused)), true),
            (ProxyError::Socks(SocksError::Reply(Reply::HostUnreachable)), true),
            (ProxyError::TimedOut, true),
            (ProxyError::Socks(SocksError::Reply(Reply::NotAllowed)), false),
            (ProxyError::Socks(SocksError::LoginRefused), false),
            (ProxyError::Socks(SocksError::Version(4)), false),
            (ProxyError::Tunnel(TunnelError::Status { code: 502, reason: String::new() }), true),
            (ProxyError::Tunnel(TunnelError::Status { code: 403, reason: String::new() }), false),
            (ProxyError::Tunnel(TunnelError::Login { ways: Vec::new() }), false),
        ] {
            let said = format!("{error:?}");
            assert_eq!(by_proxy(error), again, "{said}");
        }
        let by_websocket = |error| is_tried_again(&StartError::Connect(ConnectError::WebSocket(error)));
        assert!(by_websocket(WebSocketError::Closed) && by_websocket(WebSocketError::TimedOut));
        assert!(!by_websocket(WebSocketError::Field("Upgrade")));
        let unknown = ConnectError::Lookup { name: "b".to_owned(), error: io::Error::other("no such name") };
        assert!(is_tried_again(&StartError::Connect(unknown)));
    }
}
