//! Faults on demand, to test what clients do about them. Pure: packets of one connection are shown to a
//! [`Watcher`], which says what is to become of each.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::mqtt::packet::{Decoder, Packet, ProtocolVersion};

/// How `--fault` is written, with what each does.
pub const HELP: &[(&str, &str)] = &[
    ("connack=5", "answer CONNECT with this code (reason code in version 5) and close; 0 to 255"),
    ("delay=200ms on=puback", "hold such packets, and those behind them, for so long (ms, s)"),
    ("drop on=publish every=10", "leave out every tenth such packet"),
    ("close after=3 packets", "close the connection after the third packet of the client"),
    ("close on=suback", "close the connection in place of such a packet"),
    ("truncate on=connack", "send half of such a packet and close"),
    ("expired-cert", "with --tls: a server certificate that ended yesterday"),
    ("wrong-host-cert", "with --tls: a server certificate for another host"),
    ("… client=sensor-*", "only for client ids like this; * stands for anything"),
    ("… from=client", "packets that the client sends; without it those that it gets"),
    ("… every=N", "only each Nth time"),
];

/// What a fault may begin with, for completions.
pub fn beginnings() -> Vec<&'static str> {
    let word = |form: &'static str| {
        let word = form.split(' ').next().unwrap_or(form);
        word.find('=').map_or(word, |at| &word[..=at])
    };
    let mut beginnings: Vec<_> = HELP.iter().map(|(form, _)| word(form)).filter(|word| *word != "…").collect();
    beginnings.dedup();
    beginnings
}

/// The names that `on=` knows, by packet type number.
const PACKETS: [(&str, u8); 15] = [
    ("connect", 1),
    ("connack", 2),
    ("publish", 3),
    ("puback", 4),
    ("pubrec", 5),
    ("pubrel", 6),
    ("pubcomp", 7),
    ("subscribe", 8),
    ("suback", 9),
    ("unsubscribe", 10),
    ("unsuback", 11),
    ("pingreq", 12),
    ("pingresp", 13),
    ("disconnect", 14),
    ("auth", 15),
];

const CONNACK: u8 = 2;

/// What `--fault` asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub on_packets: Vec<Fault>,
    pub certificate: Option<BadCertificate>,
}

/// A certificate that clients should refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCertificate {
    Expired,
    WrongHost,
}

/// One fault that concerns packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    action: Action,
    /// Packet type; `None` = any.
    on: Option<u8>,
    from_client: bool,
    client: Option<String>,
    /// Only each so many-th time.
    every: u64,
    /// Only after so many packets.
    after: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    ConnAck(u8),
    Delay(Duration),
    Drop,
    Close,
    Truncate,
}

/// What is wrong with the text of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultProblem {
    /// The first word says what happens.
    UnknownFault(String),
    UnknownWord(String),
    Value(String),
}

/// What becomes of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Pass,
    PassAfter(Duration),
    Drop,
    Close,
    /// Send this in its place, then close.
    LastWords(Bytes),
    /// Pass it, then close.
    PassAndClose,
}

impl Faults {
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, FaultProblem> {
        let mut faults = Self::default();
        for text in texts {
            match text.trim() {
                "expired-cert" => faults.certificate = Some(BadCertificate::Expired),
                "wrong-host-cert" => faults.certificate = Some(BadCertificate::WrongHost),
                text => faults.on_packets.push(parse_one(text)?),
            }
        }
        Ok(faults)
    }
}

fn parse_one(text: &str) -> Result<Fault, FaultProblem> {
    let mut words = text.split_ascii_whitespace();
    let first = words.next().unwrap_or_default();
    let wrong = || FaultProblem::Value(first.to_owned());
    let action = match first.split_once('=') {
        Some(("connack", code)) => Action::ConnAck(code.parse().map_err(|_| wrong())?),
        Some(("delay", time)) => Action::Delay(duration(time).ok_or_else(wrong)?),
        None if first == "drop" => Action::Drop,
        None if first == "close" => Action::Close,
        None if first == "truncate" => Action::Truncate,
        _ => return Err(FaultProblem::UnknownFault(first.to_owned())),
    };
    let on = matches!(action, Action::ConnAck(_)).then_some(CONNACK);
    let mut fault = Fault { action, on, from_client: false, client: None, every: 1, after: 0 };
    for word in words {
        let wrong = || FaultProblem::Value(word.to_owned());
        let count = |value: &str| value.parse().ok().filter(|count| *count > 0).ok_or_else(wrong);
        match word.split_once('=') {
            Some(("on", name)) => {
                let known = PACKETS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                fault.on = Some(known.ok_or_else(wrong)?.1);
            }
            Some(("client", pattern)) => fault.client = Some(pattern.to_owned()),
            Some(("from", "client")) => fault.from_client = true,
            Some(("from", "broker")) => fault.from_client = false,
            Some(("every", value)) => fault.every = count(value)?,
            Some(("after", value)) => {
                fault.after = count(value)?;
                // Counted are the packets that the client sends: those it decides about.
                fault.from_client = true;
            }
            None if word == "packets" || word == "packet" => {}
            _ => return Err(FaultProblem::UnknownWord(word.to_owned())),
        }
    }
    Ok(fault)
}

fn duration(text: &str) -> Option<Duration> {
    if let Some(number) = text.strip_suffix("ms") {
        return number.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}

/// Watches the packets of one connection.
#[derive(Debug)]
pub struct Watcher {
    faults: Arc<Faults>,
    client_id: String,
    version: ProtocolVersion,
    /// How often each fault's packet has been seen.
    seen: Vec<u64>,
}

impl Watcher {
    pub fn new(faults: Arc<Faults>) -> Self {
        let seen = vec![0; faults.on_packets.len()];
        Self { faults, client_id: String::new(), version: ProtocolVersion::V311, seen }
    }

    /// A whole packet on its way; `from_client`: which one.
    pub fn judge(&mut self, packet: &[u8], from_client: bool) -> Verdict {
        let kind = packet.first().map_or(0, |first| first >> 4);
        if from_client && kind == 1 {
            self.greet(packet);
        }
        let faults = Arc::clone(&self.faults);
        for (fault, seen) in faults.on_packets.iter().zip(&mut self.seen) {
            let concerned = fault.from_client == from_client
                && fault.on.is_none_or(|on| on == kind)
                && fault.client.as_deref().is_none_or(|pattern| is_like(pattern, &self.client_id));
            if !concerned {
                continue;
            }
            *seen += 1;
            if *seen < fault.after || !seen.is_multiple_of(fault.every) {
                continue;
            }
            return match fault.action {
                Action::Delay(time) => Verdict::PassAfter(time),
                Action::Drop => Verdict::Drop,
                Action::Close if fault.after > 0 => Verdict::PassAndClose,
                Action::Close => Verdict::Close,
                Action::Truncate => Verdict::LastWords(Bytes::copy_from_slice(&packet[..packet.len().div_ceil(2)])),
                Action::ConnAck(code) => Verdict::LastWords(self.connack(code)),
            };
        }
        Verdict::Pass
    }

    /// Takes client id and version from the CONNECT.
    fn greet(&mut self, packet: &[u8]) {
        let mut decoder = Decoder::server(packet.len());
        if let Ok(Some(Packet::Connect(connect))) = decoder.decode(&mut BytesMut::from(packet)) {
            self.client_id = connect.client_id.to_string();
            self.version = connect.version;
        }
    }

    fn connack(&self, code: u8) -> Bytes {
        match self.version {
            ProtocolVersion::V5 => Bytes::copy_from_slice(&[0x20, 3, 0, code, 0]),
            ProtocolVersion::V31 | ProtocolVersion::V311 => Bytes::copy_from_slice(&[0x20, 2, 0, code]),
        }
    }
}

/// `*` stands for any characters, also none.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, rest)) => {
            let Some(text) = text.strip_prefix(before) else { return false };
            // The shortest stretch for this star leaves the most for the next.
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| is_like(rest, &text[at..]))
        }
    }
}

impl fmt::Display for FaultProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFault(word) => write!(f, "`{word}` is no fault"),
            Self::UnknownWord(word) => write!(f, "`{word}` is no condition of a fault"),
            Self::Value(word) => write!(f, "the value in `{word}` is wrong"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONNECT: &[u8] = b"\x10\x14\x00\x04MQTT\x04\x02\x00\x3c\x00\x08sensor-1";
    const CONNECT_5: &[u8] = b"\x10\x15\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x08sensor-1";
    const CONNACK: &[u8] = &[0x20, 2, 0, 0];
    const PUBLISH: &[u8] = &[0x30, 4, 0, 1, b'a', b'x'];
    const PUBACK: &[u8] = &[0x40, 2, 0, 1];

    fn watcher(texts: &[&str]) -> Watcher {
        Watcher::new(Arc::new(Faults::parse(texts.iter().copied()).unwrap()))
    }

    #[test]
    fn a_connack_of_ones_own_ends_the_connection_of_clients_like_the_pattern() {
        let mut faulty = watcher(&["connack=5 client=sensor-*"]);
        assert_eq!(faulty.judge(CONNECT, true), Verdict::Pass);
        assert_eq!(faulty.judge(CONNACK, false), Verdict::LastWords(Bytes::from_static(&[0x20, 2, 0, 5])));
        let mut faulty = watcher(&["connack=135"]);
        faulty.judge(CONNECT_5, true);
        assert_eq!(faulty.judge(CONNACK, false), Verdict::LastWords(Bytes::from_static(&[0x20, 3, 0, 135, 0])));
        let mut other = watcher(&["connack=5 client=actor-*"]);
        other.judge(CONNECT, true);
        assert_eq!(other.judge(CONNACK, false), Verdict::Pass);
    }

    #[test]
    fn delays_concern_the_named_packet_only() {
        let mut faulty = watcher(&["delay=200ms on=puback"]);
        assert_eq!(faulty.judge(PUBACK, false), Verdict::PassAfter(Duration::from_millis(200)));
        assert_eq!(faulty.judge(PUBACK, true), Verdict::Pass);
        assert_eq!(faulty.judge(PUBLISH, false), Verdict::Pass);
    }

    #[test]
    fn every_nth_is_dropped() {
        let mut faulty = watcher(&["drop on=PUBLISH every=3 from=client"]);
        let verdicts: Vec<_> = (0..6).map(|_| faulty.judge(PUBLISH, true) == Verdict::Drop).collect();
        assert_eq!(verdicts, [false, false, true, false, false, true]);
    }

    #[test]
    fn the_connection_closes_after_so_many_packets_of_the_client() {
        let mut faulty = watcher(&["close after=3 packets"]);
        let verdicts: Vec<_> = [CONNECT, PUBLISH, PUBLISH].map(|packet| faulty.judge(packet, true)).into();
        assert_eq!(verdicts, [Verdict::Pass, Verdict::Pass, Verdict::PassAndClose]);
        assert_eq!(watcher(&["close on=connack"]).judge(CONNACK, false), Verdict::Close);
    }

    #[test]
    fn half_a_packet_is_its_first_half() {
        let mut faulty = watcher(&["truncate on=connack"]);
        assert_eq!(faulty.judge(CONNACK, false), Verdict::LastWords(Bytes::from_static(&[0x20, 2])));
    }

    #[test]
    fn bad_certificates_are_distinguished_from_faults_on_packets() {
        let faults = Faults::parse(["wrong-host-cert", "drop"]).unwrap();
        assert_eq!(faults.certificate, Some(BadCertificate::WrongHost));
        assert_eq!(faults.on_packets.len(), 1);
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let problem = |text| Faults::parse([text]).unwrap_err();
        assert_eq!(problem("explode"), FaultProblem::UnknownFault("explode".to_owned()));
        assert_eq!(problem(""), FaultProblem::UnknownFault(String::new()));
        assert_eq!(problem("drop when=never"), FaultProblem::UnknownWord("when=never".to_owned()));
        assert_eq!(problem("drop on=pong"), FaultProblem::Value("on=pong".to_owned()));
        assert_eq!(problem("drop every=0"), FaultProblem::Value("every=0".to_owned()));
        assert_eq!(problem("delay=fast"), FaultProblem::Value("delay=fast".to_owned()));
        assert_eq!(problem("connack=256"), FaultProblem::Value("connack=256".to_owned()));
    }

    #[test]
    fn every_example_of_the_help_is_understood() {
        for (example, _) in HELP.iter().filter(|(example, _)| !example.starts_with('…')) {
            assert!(Faults::parse([*example]).is_ok(), "{example}");
        }
    }

    #[test]
    fn stars_stand_for_anything() {
        for (pattern, text, like) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "ab", false),
            ("*", "", true),
            ("*ü*", "grün", true),
            ("a", "ab", false),
        ] {
            assert_eq!(is_like(pattern, text), like, "{pattern} {text}");
        }
    }
}
