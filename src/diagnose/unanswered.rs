//! A connection that ends before the broker answers CONNECT.

use crate::net::Endpoint;
use crate::net::tls::{Alert, Seen};

use super::tls::{alert, certificate_required, inspect_own};
use super::{About, Attempted, Finding};

/// How a connection ended before the broker answered CONNECT.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unanswered<'a> {
    /// What the peer said instead of CONNACK, as far as it was read.
    pub first_bytes: &'a [u8],
    /// Its last alert ([`crate::net::Stream::last_words`]).
    pub alert: Option<Alert>,
    /// What the handshake showed, over TLS.
    pub seen: Option<&'a Seen>,
}

/// Why a connection ended before the broker answered CONNECT.
pub fn unanswered(ended: &Unanswered<'_>, attempted: &Attempted<'_>) -> Finding {
    let place = attempted.place();
    if let (Some(given), Some(seen)) = (ended.alert, ended.seen) {
        return alert(given, seen, attempted);
    }
    if let Some(seen) = ended.seen {
        if seen.asked_for_certificate.is_some() && !seen.sent_certificate {
            return certificate_required(seen);
        }
        if seen.asked_for_certificate.is_some() {
            return Finding::error("client.refused", format!("{place} hung up after it saw the client certificate"))
                .about(About::OwnCertificate)
                .fix(inspect_own(attempted));
        }
    }
    // A TLS record begins with its type and a version: an alert is 21, 3.
    if attempted.tls.is_none() && ended.first_bytes.starts_with(&[21, 3]) {
        return plain_to_tls(attempted.endpoint);
    }
    if ended.first_bytes.starts_with(b"HTTP/") {
        return Finding::error("proto.ws-vs-mqtt", format!("{place} speaks HTTP, so MQTT goes over WebSockets there"))
            .about(About::Http)
            .fix("add --ws, or use a ws:// URL");
    }
    if !ended.first_bytes.is_empty() {
        return Finding::error("proto.not-mqtt", format!("{place} does not speak MQTT"))
            .about(About::NotMqtt)
            .fix("which service listens there?");
    }
    let is_tls_port = matches!(attempted.port(), Some(443 | 8443 | 8883 | 8884 | 8885 | 8886));
    if attempted.tls.is_none() && is_tls_port {
        return plain_to_tls(attempted.endpoint);
    }
    let finding = Finding::error("proto.closed", format!("{place} closed the connection without an answer to CONNECT"))
        .about(About::Closed);
    let hint = match (attempted.tls.is_some(), attempted.websocket, attempted.endpoint) {
        (_, _, Endpoint::Unix(_)) | (true, true, _) => "the broker's log says why",
        (true, false, _) => "it may want WebSockets (--ws), or refuse the client: the broker's log says why",
        (false, true, _) => "it may want TLS (--cafile FILE): the broker's log says why",
        (false, false, _) => "it may want TLS (--cafile FILE) or WebSockets (--ws): the broker's log says why",
    };
    finding.fix(hint)
}

/// The place speaks TLS and we spoke in clear.
pub fn plain_to_tls(place: &Endpoint) -> Finding {
    Finding::error("tls.plain-to-tls", format!("{place} speaks TLS, and we did not"))
        .about(About::Tls)
        .fix("add --cafile FILE, or use a mqtts:// URL for certificates that the operating system knows")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::Options;

    #[test]
    fn what_the_peer_says_instead_of_connack_tells_its_protocol() {
        let options = Options::default();
        let id = |first_bytes: &[u8], port, tls: bool| {
            let endpoint = Endpoint::new("mqtt.lan", port).unwrap();
            let tls = tls.then_some(&options);
            let attempted = Attempted { endpoint: &endpoint, tls, websocket: false, now: 0 };
            unanswered(&Unanswered { first_bytes, ..Unanswered::default() }, &attempted).id
        };
        assert_eq!(id(&[21, 3, 1, 0, 2, 2, 70], 1883, false), "tls.plain-to-tls");
        assert_eq!(id(b"", 8883, false), "tls.plain-to-tls");
        assert_eq!(id(b"", 8883, true), "proto.closed");
        assert_eq!(id(b"HTTP/1.1 400 Bad Request\r\n", 80, false), "proto.ws-vs-mqtt");
        assert_eq!(id(b"SSH-2.0-OpenSSH", 22, false), "proto.not-mqtt");
        assert_eq!(id(b"", 1883, false), "proto.closed");
    }

    #[test]
    fn a_server_that_wanted_a_certificate_and_hung_up_is_told_so() {
        let endpoint = Endpoint::new("mqtt.lan", 8883).unwrap();
        let options = Options::default();
        let attempted = Attempted { endpoint: &endpoint, tls: Some(&options), websocket: false, now: 0 };
        let seen = Seen { asked_for_certificate: Some(Vec::new()), ..Seen::default() };
        let ended = Unanswered { seen: Some(&seen), ..Unanswered::default() };
        let finding = unanswered(&ended, &attempted);
        assert_eq!(finding.id, "client.cert-required");
        assert_eq!(finding.what, "the broker asks for a client certificate, and none was given");
    }
}
