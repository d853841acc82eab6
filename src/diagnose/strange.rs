//! Who stands where a broker was expected, by what it says first.

use bytes::BytesMut;

use super::{About, Finding};
use crate::mqtt::packet::{Decoder, PacketType, ProtocolVersion};
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
        _ if begins("220 ") || begins("220-") => greeting(first_bytes),
        _ if begins("* OK") => "IMAP",
        _ if begins("-ERR unknown command") || begins("-NOAUTH") || begins("-DENIED") => "the protocol of Redis",
        _ if begins("AMQP") => "AMQP",
        _ if begins("RFB 0") => "the protocol of VNC",
        // The first packet of a server: its length in three bytes, number 0, version 10, then the server's version.
        [_, 0, 0, 0, 10, b'0'..=b'9', ..] => "the protocol of MySQL",
        _ => return None,
    })
}

/// Who greets with a reply of 220: it opens SMTP (RFC 5321, 4.2), LMTP (RFC 2033, 4.1) and FTP (RFC 959, 5.4), and the server's own
/// words tell which, unless they fit several. The name of its host stands first, and is no word of it, unless it is a protocol
/// and the next says that it serves it.
fn greeting(first_bytes: &[u8]) -> &'static str {
    const FTP: [&str; 5] = ["FTP", "FTPD", "vsFTPd", "ProFTPD", "Pure-FTPd"];
    const SMTP: [&str; 2] = ["SMTP", "ESMTP"];
    const LMTP: [&str; 1] = ["LMTP"];
    const SERVES: [&str; 3] = ["server", "service", "daemon"];
    let is_one_of = |word: &str, names: &[&str]| names.iter().any(|name| word.eq_ignore_ascii_case(name));
    let text = String::from_utf8_lossy(first_bytes);
    let words = || {
        text.lines().filter_map(|line| line.strip_prefix("220")?.strip_prefix([' ', '-'])).flat_map(|line| {
            let mut words =
                line.split_whitespace().map(|word| word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()));
            let (first, second) = (words.clone().next().unwrap_or_default(), words.clone().nth(1).unwrap_or_default());
            let serves =
                [&FTP[..], &SMTP, &LMTP].iter().any(|names| is_one_of(first, names)) && is_one_of(second, &SERVES);
            if !serves && !line.starts_with(['(', '-']) && !line.starts_with("ProFTPD ") {
                words.next();
            }
            words
        })
    };
    let has = |names: &[&str]| words().any(|word| is_one_of(word, names));
    match (has(&SMTP), has(&LMTP), has(&FTP)) {
        (true, false, false) => "SMTP",
        (false, true, false) => "LMTP",
        (false, false, true) => "FTP",
        _ => "the protocol of an FTP or mail server",
    }
}

/// The packet of a broker's that the first bytes are, where they are one, and none of those that answer CONNECT. Other protocols do
/// not begin so: their words make no whole packet. Of a message that goes on behind the first bytes the topic has to be there.
pub fn early_packet(first_bytes: &[u8]) -> Option<PacketType> {
    let is_text = first_bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    if is_text || protocol(first_bytes).is_some() {
        return None;
    }
    let decoded = [ProtocolVersion::V5, ProtocolVersion::V311].into_iter().find_map(|version| {
        Decoder::client(version, first_bytes.len()).decode(&mut BytesMut::from(first_bytes)).ok().flatten()
    });
    match decoded {
        Some(packet) => Some(packet.kind())
            .filter(|kind| ![PacketType::ConnAck, PacketType::Disconnect, PacketType::Auth].contains(kind)),
        None => begins_message(first_bytes).then_some(PacketType::Publish),
    }
}

/// Whether a PUBLISH begins so, by its flags, its lengths and its topic.
fn begins_message(first_bytes: &[u8]) -> bool {
    let [flags @ 0x30..=0x3d, body @ ..] = first_bytes else { return false };
    let Some(size) = Decoder::announced(first_bytes) else { return false };
    let length_bytes = body.iter().position(|byte| byte & 0x80 == 0).map_or(0, |last| last + 1);
    let Some([high, low, rest @ ..]) = body.get(length_bytes..) else { return false };
    let topic = rest.get(..usize::from(u16::from_be_bytes([*high, *low])));
    flags & 0b110 != 0b110
        && size > first_bytes.len()
        && topic.is_some_and(|topic| std::str::from_utf8(topic).is_ok_and(is_topic))
}

fn is_topic(text: &str) -> bool {
    !text.is_empty() && !text.contains(['+', '#']) && !text.contains(char::is_control)
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

    const FTP_OR_MAIL: &str = "the protocol of an FTP or mail server";

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
            (b"220 gifts-sftp.lan ready\r\n", Some(FTP_OR_MAIL)),
            (b"220 ftp ready\r\n", Some(FTP_OR_MAIL)),
            (b"220 smtp ready\r\n", Some(FTP_OR_MAIL)),
            (b"220 gate.lan FTP and SMTP\r\n", Some(FTP_OR_MAIL)),
            (b"220 FTP server ready\r\n", Some("FTP")),
            (b"220 Ftp Service\r\n", Some("FTP")),
            (b"220-FTP Server\r\n220 mail.lan ESMTP\r\n", Some(FTP_OR_MAIL)),
            (b"220 SMTP service ready\r\n", Some("SMTP")),
            (b"220 mx.lan LMTP Postfix\r\n", Some("LMTP")),
            (b"220 \r\n", Some(FTP_OR_MAIL)),
            (b"2200\r\n", None),
            // Too little for SOCKS.
            (b"\x05\0", None),
            (b"\x05\xff", None),
            (b"J\0\0\0\x0a8.0.36\0", Some("the protocol of MySQL")),
            (b"", None),
            (b"220 hello\r\n", Some(FTP_OR_MAIL)),
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
    fn a_packet_that_comes_too_early_is_known_and_words_are_none() {
        let long = [b"\x30\xff\x7f\0\x01a".as_slice(), &[b'x'; 58]].concat();
        for (first_bytes, packet) in [
            (&b"\xd0\0\xd0\0"[..], Some(PacketType::PingResp)),
            (b"\x40\x02\0\x01", Some(PacketType::PubAck)),
            (b"\x90\x03\0\x01\0", Some(PacketType::SubAck)),
            (b"\x30\x05\0\x01ahi", Some(PacketType::Publish)),
            (&long, Some(PacketType::Publish)),
            // Begun and no more; none of a broker's; answers to CONNECT.
            (b"\xd0", None),
            (b"\x30\x05\0\x01", None),
            (b"\xc0\0", None),
            (b"\x20\x02\0\0", None),
            (b"\xe0\0", None),
            // A topic that is none, and words.
            (b"\x30\xff\x7f\0\x02a#xxxxx", None),
            (b"\x36\xff\x7f\0\x01axxxxx", None),
            (b"0\xff\xff\xff\x7fxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", None),
            (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", None),
            (b"220 mail.lan ESMTP Postfix\r\n", None),
            (b"500 Syntax error, command unrecognized\r\n500 Syntax error, command", None),
            (b"@PJL INFO ID\r\nHP LaserJet 4000 Series\r\n\x0c@PJL INFO STATUS\r\nCODE=1", None),
            (b"hello", None),
            (b"", None),
        ] {
            assert_eq!(early_packet(first_bytes), packet, "{first_bytes:?}");
        }
        // Whatever is printed makes no packet.
        for first in b' '..=b'~' {
            for second in b' '..=b'~' {
                let mut text = vec![b' '; 64];
                (text[0], text[1]) = (first, second);
                assert_eq!(early_packet(&text), None, "{first} {second}");
            }
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
