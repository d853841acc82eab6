//! Who stands where a broker was expected, by what it says first.

use super::{About, Finding};
use crate::net::Endpoint;

/// The protocol that begins so. `None`: it is not known here.
pub fn protocol(first_bytes: &[u8]) -> Option<&'static str> {
    let begins = |with: &str| {
        let begin = first_bytes.get(..with.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
    };
    // A reply of 220 opens SMTP (RFC 5321, 4.2) and FTP (RFC 959, 5.4); which, the server's own words tell.
    let greets_as = |word: &str| {
        (begins("220 ") || begins("220-"))
            && first_bytes.to_ascii_uppercase().windows(word.len()).any(|it| it == word.as_bytes())
    };
    Some(match first_bytes {
        _ if begins("SSH-") => "SSH",
        // Some servers answer what is no request with a page and no head.
        _ if begins("HTTP/") || begins("<!DOCTYPE HTML") || begins("<html") => "HTTP",
        // A frame of SETTINGS on stream 0 (RFC 9113, 3.4).
        [0, 0, _, 4, _, 0, 0, 0, 0, ..] => "HTTP/2",
        _ if greets_as("SMTP") => "SMTP",
        _ if greets_as("FTP") => "FTP",
        _ if begins("* OK") => "IMAP",
        _ if begins("-ERR unknown command") || begins("-NOAUTH") || begins("-DENIED") => "the protocol of Redis",
        _ if begins("AMQP") => "AMQP",
        _ if begins("RFB 0") => "the protocol of VNC",
        // The answer to the choice of a login (RFC 1928, 3).
        [5, 0 | 2 | 0xff] => "SOCKS 5",
        // The first packet of a server: its length in three bytes, number 0, version 10, then the server's version.
        [_, 0, 0, 0, 10, b'0'..=b'9', ..] => "the protocol of MySQL",
        _ => return None,
    })
}

/// The finding for first bytes that are neither MQTT nor TLS nor HTTP. `place`: as it is named in sentences.
pub fn strange(place: &str, endpoint: &Endpoint, first_bytes: &[u8]) -> Finding {
    let text: String = String::from_utf8_lossy(first_bytes).chars().take(40).collect();
    let (what, which) = match protocol(first_bytes) {
        Some(protocol) => (format!("{place} speaks {protocol}, and not MQTT"), ""),
        None => (format!("{place} does not speak MQTT"), "which service listens there? "),
    };
    let finding = Finding::error("proto.not-mqtt", what).about(About::NotMqtt).evidence(format!("it says {text:?}"));
    match endpoint {
        Endpoint::Unix(_) => finding.fix(format!("{which}give the socket of the broker: --unix PATH")),
        Endpoint::Tcp { .. } => finding.fix(format!("{which}give the port of the broker: -p PORT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_protocol_is_known_by_how_it_begins_and_what_is_like_none_is_not() {
        for (first_bytes, name) in [
            (&b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"[..], Some("SSH")),
            (b"HTTP/1.1 400 Bad Request\r\n", Some("HTTP")),
            (b"<!doctype html>\n<html lang=\"en\">", Some("HTTP")),
            (b"\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x80", Some("HTTP/2")),
            (b"220 mail.lan ESMTP Postfix\r\n", Some("SMTP")),
            (b"220 (vsFTPd 3.0.3)\r\n", Some("FTP")),
            (b"* OK [CAPABILITY IMAP4rev1] ready\r\n", Some("IMAP")),
            (b"-ERR unknown command '\x10!'\r\n", Some("the protocol of Redis")),
            (b"AMQP\0\0\x09\x01", Some("AMQP")),
            (b"\x05\xff", Some("SOCKS 5")),
            (b"J\0\0\0\x0a8.0.36\0", Some("the protocol of MySQL")),
            (b"", None),
            (b"220 hello\r\n", None),
            (b"\x05\xff\0", None),
            (b"hello", None),
            // CONNACK, and one that begins.
            (b"\x20\x02\0\0", None),
            (b"\x20", None),
        ] {
            assert_eq!(protocol(first_bytes), name, "{first_bytes:?}");
        }
    }
}
