//! A connection that ends before the broker answers CONNECT.

use crate::mqtt::packet::ProtocolVersion;
use crate::net::Endpoint;
use crate::net::tls::{Alert, Seen};

use super::lists::either;
use super::tls::{accepted_issuers, alert};
use super::{About, Attempted, Finding, Sent, early_packet, is_begun_connack, protocol, strange};

/// How a connection ended before the broker answered CONNECT.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered<'a> {
    pub sent: Sent,
    /// What the peer said instead of CONNACK, as far as it was read.
    pub first_bytes: &'a [u8],
    /// Its last alert ([`crate::net::Stream::last_words`]).
    pub alert: Option<Alert>,
    /// What the handshake showed, over TLS.
    pub seen: Option<&'a Seen>,
    /// The port was asked, and speaks neither TLS nor HTTP.
    pub is_neither_tls_nor_http: bool,
}

/// Why a connection ended before the broker answered CONNECT.
pub fn unanswered(ended: &Unanswered<'_>, attempted: &Attempted<'_>) -> Finding {
    let place = attempted.place();
    if let (Some(given), Some(seen)) = (ended.alert, ended.seen) {
        return alert(given, seen, attempted);
    }
    // A TLS record begins with its type and a version: an alert is 21, 3.
    if attempted.tls.is_none() && ended.first_bytes.starts_with(&[21, 3]) {
        return plain_to_tls(attempted.endpoint, attempted.websocket.is_some());
    }
    if protocol(ended.first_bytes) == Some("HTTP") {
        return Finding::error("proto.ws-vs-mqtt", format!("{place} speaks HTTP, and not plain MQTT"))
            .about(About::SpeaksHttp)
            .fix("if it has MQTT, then over WebSockets: add --ws, or use a ws:// URL");
    }
    if is_begun_connack(ended.first_bytes) {
        return Finding::error(
            "proto.closed",
            format!("{place} closed the connection in the middle of its answer to CONNECT"),
        )
        .fix("the broker may have ended, or something between cut the connection: the broker's log says why");
    }
    if let Some(packet) = early_packet(ended.first_bytes) {
        return Finding::error(
            "proto.violation",
            format!("{place} broke the protocol: it sent {} before it accepted the connection", packet.name()),
        )
        .fix("whatever answers there speaks MQTT, and not as a broker does: is it the broker's port? Its log may say more");
    }
    if !ended.first_bytes.is_empty() {
        return strange(&place, attempted.endpoint, ended.first_bytes);
    }
    let Sent { version, .. } = ended.sent;
    let login = ended.sent.lacks().unwrap_or("with a login");
    Finding::error(
        "proto.closed",
        format!("{place} closed the connection without an answer to CONNECT ({}, {login})", version.name()),
    )
    .about(About::Closed)
    .fix(format!("it may {}: the broker's log says why", either(&reasons(ended, attempted))))
}

/// What makes servers hang up without a word, the likeliest first. None of it is known.
fn reasons(ended: &Unanswered<'_>, attempted: &Attempted<'_>) -> Vec<String> {
    let may_be_tls =
        attempted.tls.is_none() && !ended.is_neither_tls_nor_http && !matches!(attempted.endpoint, Endpoint::Unix(_));
    let may_be_websocket = attempted.websocket.is_none()
        && !ended.is_neither_tls_nor_http
        && !matches!(attempted.endpoint, Endpoint::Unix(_));
    let is_tls_port = matches!(attempted.port(), Some(443 | 8443 | 8883 | 8884 | 8885 | 8886));
    let wants_tls = || "want TLS (--cafile FILE)".to_owned();
    let mut reasons = Vec::new();
    if may_be_tls && is_tls_port {
        reasons.push(wants_tls());
    }
    if ended.sent.version == ProtocolVersion::V5 {
        reasons.push("not speak MQTT 5 (-V mqttv311)".to_owned());
    }
    if let Some(seen) = ended.seen.filter(|seen| seen.asked_for_certificate.is_some()) {
        reasons.push(if seen.sent_certificate {
            "refuse the client certificate".to_owned()
        } else {
            format!(
                "insist on the client certificate that it asked for{} (--cert FILE --key FILE)",
                accepted_issuers(seen)
            )
        });
    }
    reasons.push(match ended.sent.lacks() {
        Some(_) => "want a login (-u NAME, --pw-file FILE)".to_owned(),
        None => "refuse the login".to_owned(),
    });
    if may_be_tls && !is_tls_port {
        reasons.push(wants_tls());
    }
    if may_be_websocket {
        reasons.push("want WebSockets (--ws)".to_owned());
    }
    reasons
}

/// The place speaks TLS and we spoke in clear, a WebSocket or MQTT at once.
pub fn plain_to_tls(place: &Endpoint, by_websocket: bool) -> Finding {
    let scheme = if by_websocket { "wss" } else { "mqtts" };
    Finding::error("tls.plain-to-tls", format!("{place} speaks TLS, and we did not"))
        .fix(format!("add --cafile FILE, or use a {scheme}:// URL for certificates that the operating system knows"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::Options;

    const SENT: Sent = Sent {
        version: ProtocolVersion::V311,
        username: false,
        password: false,
        client_id: false,
        will: false,
        scram: None,
    };

    fn closed(sent: Sent) -> Unanswered<'static> {
        Unanswered { sent, first_bytes: b"", alert: None, seen: None, is_neither_tls_nor_http: false }
    }

    #[test]
    fn what_the_peer_says_instead_of_connack_tells_its_protocol() {
        let options = Options::default();
        let id = |first_bytes: &[u8], port, tls: bool| {
            let endpoint = Endpoint::new("mqtt.lan", port).unwrap();
            let tls = tls.then_some(&options);
            let attempted = Attempted { endpoint: &endpoint, tls, websocket: None, now: 0 };
            unanswered(&Unanswered { first_bytes, ..closed(SENT) }, &attempted).id
        };
        assert_eq!(id(&[21, 3, 1, 0, 2, 2, 70], 1883, false), "tls.plain-to-tls");
        assert_eq!(id(b"", 8883, true), "proto.closed");
        assert_eq!(id(b"HTTP/1.1 400 Bad Request\r\n", 80, false), "proto.ws-vs-mqtt");
        assert_eq!(id(b"SSH-2.0-OpenSSH", 22, false), "proto.not-mqtt");
        assert_eq!(id(b"", 1883, false), "proto.closed");
    }

    fn said(ended: &Unanswered<'_>, port: u16, tls: Option<&Options>) -> (String, String) {
        let endpoint = Endpoint::new("mqtt.lan", port).unwrap();
        let finding = unanswered(ended, &Attempted { endpoint: &endpoint, tls, websocket: None, now: 0 });
        assert_eq!(finding.id, "proto.closed");
        (finding.what, finding.fix.unwrap())
    }

    #[test]
    fn a_silent_end_names_version_and_login_and_takes_no_port_for_a_proof() {
        let (what, fix) = said(&closed(SENT), 1883, None);
        assert!(what.ends_with("(MQTT 3.1.1, no login was given)"), "{what}");
        assert!(fix.starts_with("it may want a login (-u NAME") && fix.contains("or want WebSockets (--ws)"), "{fix}");
        let fix = said(&closed(SENT), 8883, None).1;
        assert!(fix.starts_with("it may want TLS (--cafile FILE), want a login"), "{fix}");
        let sent = Sent { version: ProtocolVersion::V5, username: true, password: true, ..SENT };
        let (what, fix) = said(&Unanswered { is_neither_tls_nor_http: true, ..closed(sent) }, 1883, None);
        assert!(what.ends_with("(MQTT 5, with a login)"), "{what}");
        assert_eq!(fix, "it may not speak MQTT 5 (-V mqttv311) or refuse the login: the broker's log says why");
    }

    #[test]
    fn a_certificate_that_was_asked_for_is_the_reason_only_by_an_alert() {
        let options = Options::default();
        let asked = Seen { asked_for_certificate: Some(Vec::new()), ..Seen::default() };
        let showed = Seen { sent_certificate: true, ..asked.clone() };
        let v5 = Sent { version: ProtocolVersion::V5, ..SENT };
        let fix = said(&Unanswered { seen: Some(&asked), ..closed(v5) }, 8883, Some(&options)).1;
        assert!(fix.starts_with("it may not speak MQTT 5 (-V mqttv311), insist on the client certificate"), "{fix}");
        let fix = said(&Unanswered { seen: Some(&showed), ..closed(SENT) }, 8883, Some(&options)).1;
        assert!(fix.starts_with("it may refuse the client certificate, want a login"), "{fix}");
        let endpoint = Endpoint::new("mqtt.lan", 8883).unwrap();
        let attempted = Attempted { endpoint: &endpoint, tls: Some(&options), websocket: None, now: 0 };
        for (code, seen, id) in [
            (116, &asked, "client.cert-required"),
            (42, &asked, "client.cert-required"),
            (42, &showed, "client.refused"),
        ] {
            let ended = Unanswered { seen: Some(seen), alert: Some(Alert(code)), ..closed(v5) };
            assert_eq!(unanswered(&ended, &attempted).id, id, "{code}");
        }
    }
}
