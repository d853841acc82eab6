//! Who stands where a broker was expected, by what it says first.

use super::{About, Finding};
use crate::net::Endpoint;

/// The protocol that begins so. `None`: it is not known here.
pub fn protocol(first_bytes: &[u8]) -> Option<&'static str> {
    let begins = |with: &str| {
        let begin = first_bytes.get(..with.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(with.as_bytes()))
    };
    Some(match first_bytes {
        _ if begins("SSH-") => "SSH",
        // Some servers answer what is no request with a page and no head.
        _ if begins("HTTP/") || begins("<!DOCTYPE HTML") || begins("<html") => "HTTP",
        // A frame of SETTINGS on stream 0 (RFC 9113, 3.4).
        [0, 0, _, 4, _, 0, 0, 0, 0, ..] => "HTTP/2",
        _ if begins("220 ") || begins("220-") => return greeting(first_bytes),
        _ if begins("* OK") => "IMAP",
        _ if begins("-ERR unknown command") || begins("-NOAUTH") || begins("-DENIED") => "the protocol of Redis",
        _ if begins("AMQP") => "AMQP",
        _ if begins("RFB 0") => "the protocol of VNC",
        // The first packet of a server: its length in three bytes, number 0, version 10, then the server's version.
        [_, 0, 0, 0, 10, b'0'..=b'9', ..] => "the protocol of MySQL",
        _ => return None,
    })
}

/// Who greets with a reply of 220: it opens SMTP (RFC 5321, 4.2) and FTP (RFC 959, 5.4), and the server's own words tell which,
/// unless they fit both. The name of its host stands first, and is no word of it.
fn greeting(first_bytes: &[u8]) -> Option<&'static str> {
    let text = String::from_utf8_lossy(first_bytes);
    let words = || {
        text.lines().filter_map(|line| line.strip_prefix("220")?.strip_prefix([' ', '-'])).flat_map(|line| {
            let is_no_name = line.starts_with(['(', '-']) || line.starts_with("ProFTPD ");
            line.split_whitespace()
                .skip(usize::from(!is_no_name))
                .map(|word| word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()))
        })
    };
    let has = |names: &[&str]| words().any(|word| names.iter().any(|name| word.eq_ignore_ascii_case(name)));
    match (has(&["SMTP", "ESMTP"]), has(&["FTP", "FTPD", "vsFTPd", "ProFTPD", "Pure-FTPd"])) {
        (true, false) => Some("SMTP"),
        (false, true) => Some("FTP"),
        (true, true) | (false, false) => None,
    }
}

/// Whether these bytes are the start of a CONNACK, and not all of it: its type, a length that has room for flags and code, and
/// flags of which only the last bit may be set [MQTT-3.2.2-1]. Other protocols do not begin so.
pub fn is_begun_connack(first_bytes: &[u8]) -> bool {
    match first_bytes {
        [0x20] | [0x20, 0x80..=0xff] => true,
        [0x20, length @ 2..=0x7f, rest @ ..] => rest.len() < usize::from(*length) && has_flags_of_connack(rest),
        [0x20, 0x80..=0xff, 1..=0x7f, rest @ ..] => has_flags_of_connack(rest),
        _ => false,
    }
}

fn has_flags_of_connack(body: &[u8]) -> bool {
    matches!(body, [] | [0 | 1, ..])
}

/// The first bytes as evidence, of which nothing controls a terminal.
pub fn it_says(first_bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(first_bytes).chars().take(40).collect();
    format!("it says {text:?}")
}

/// The finding for first bytes that are neither MQTT nor TLS nor HTTP. `place`: as it is named in sentences.
pub fn strange(place: &str, endpoint: &Endpoint, first_bytes: &[u8]) -> Finding {
    let (what, which) = match protocol(first_bytes) {
        Some(protocol) => (format!("{place} speaks {protocol}, and not MQTT"), ""),
        None => (format!("{place} does not speak MQTT"), "which service listens there? "),
    };
    let finding = Finding::error("proto.not-mqtt", what).about(About::NotMqtt).evidence(it_says(first_bytes));
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
            (b"220 smtp.example.com FTP server (vsFTPd 3.0) ready\r\n", Some("FTP")),
            (b"220 ProFTPD 1.3.5 Server (Debian)\r\n", Some("FTP")),
            (b"220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\r\n", Some("FTP")),
            (b"220 ftp.lan ESMTP\r\n", Some("SMTP")),
            (b"220-mail.lan ESMTP Exim 4.96\r\n220-ftp ready\r\n", Some("SMTP")),
            // A host's name is its own, and what fits both is neither.
            (b"220 gifts-sftp.lan ready\r\n", None),
            (b"220 ftp ready\r\n", None),
            (b"220 smtp ready\r\n", None),
            (b"220 gate.lan FTP and SMTP\r\n", None),
            // Too little for SOCKS.
            (b"\x05\0", None),
            (b"\x05\xff", None),
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

    #[test]
    fn a_connack_has_begun_where_nothing_else_can_begin_so() {
        for begun in [&b"\x20"[..], b"\x20\x02", b"\x20\x02\0", b"\x20\x13\0\0\x10", b"\x20\x80", b"\x20\xff\x01\x01\0"]
        {
            assert!(is_begun_connack(begun), "{begun:x?}");
        }
        // Whole, wrong, or a text.
        for other in [&b"\x20\x02\0\0"[..], b"\x20\x01", b"\x20\x02\x02", b" hello", b"  1", b"\x30\x02", b""] {
            assert!(!is_begun_connack(other), "{other:x?}");
        }
    }
}
