//! What a CA has issued and revoked: an index of lines of JSON that only grows. Pure.
//!
//! The first line says whose index it is. Each line behind it is one event; the later one holds.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::certificate::Certificate;
use super::revocation::{Reason, Revocation};
use super::serial::{NoSerial, Serial};
use super::time::{instant, parse_utc};

/// The version of the form, in the first line.
const VERSION: u64 = 1;

/// The longest line: a certificate has at most 64 KB, and its names stand in the line once.
pub const LINE_LIMIT: usize = 256 * 1024;

/// The most revoked certificates of one CA. Lists of more would exceed what is read of one file.
pub const REVOKED_LIMIT: usize = 500_000;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The CA's subject, for people.
    pub authority: String,
    /// The SHA-256 of its public key, which tells a CA from one of the same name.
    pub key: String,
}

/// A line behind the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    Issued(Issued),
    Revoked(Serial, Revocation),
    /// A certificate that was on hold, and since then is good again.
    Released(Serial, i64),
}

/// A certificate, as far as it must be found again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    pub serial: Serial,
    pub subject: String,
    /// The first common name.
    pub name: Option<String>,
    /// As OpenSSL shows them: `DNS:mqtt.lan`.
    pub names: Vec<String>,
    /// Seconds since 1970.
    pub not_after: i64,
    /// Of the certificate, in hexadecimal digits; `None` if nobody had it when the line was written.
    pub sha256: Option<String>,
    /// Where it was written, from the index' folder on where it is below that.
    pub file: Option<String>,
}

/// Why a line says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It ends before its JSON does, as a line that was being written when the machine stopped.
    CutOff,
    NoJson,
    /// No `issued`, `revoked` or `released` with a serial number.
    NoEvent,
    /// This member is missing, or not what it should be.
    Member(&'static str),
    /// The form of a later version.
    Version(u64),
}

impl Header {
    pub fn of(authority: &Certificate) -> Self {
        Self { authority: authority.subject.to_string(), key: hexadecimal(&sha256(&authority.public_key.info)) }
    }

    pub fn line(&self) -> String {
        format!("{}\n", json!({"moskit_index": VERSION, "ca": self.authority, "key_sha256": self.key}))
    }

    pub fn parse(line: &str) -> Result<Self, Fault> {
        let value = object(line)?;
        match value["moskit_index"].as_u64() {
            Some(VERSION) => {}
            Some(later) => return Err(Fault::Version(later)),
            None => return Err(Fault::Member("moskit_index")),
        }
        Ok(Self { authority: text(&value, "ca")?, key: text(&value, "key_sha256")? })
    }
}

impl Issued {
    pub fn of(certificate: &Certificate, file: Option<String>) -> Result<Self, NoSerial> {
        Ok(Self {
            serial: Serial::of(&certificate.serial)?,
            subject: certificate.subject.to_string(),
            name: certificate.common_name().map(str::to_owned),
            names: certificate.alternative_names.iter().flatten().map(ToString::to_string).collect(),
            not_after: certificate.not_after,
            sha256: Some(hexadecimal(&sha256(&certificate.der))),
            file,
        })
    }

    /// Whether people mean this certificate by `name`: its common name or one of its alternative names.
    pub fn is_called(&self, name: &str) -> bool {
        let bare = |full: &str| full.split_once(':').is_some_and(|(_, bare)| bare == name);
        self.name.as_deref() == Some(name) || self.names.iter().any(|full| full == name || bare(full))
    }
}

impl Record {
    pub fn serial(&self) -> &Serial {
        match self {
            Self::Issued(issued) => &issued.serial,
            Self::Revoked(serial, _) | Self::Released(serial, _) => serial,
        }
    }

    /// The line with its end.
    pub fn line(&self) -> String {
        let value = match self {
            Self::Issued(it) => json!({
                "issued": it.serial.to_string(), "subject": it.subject, "name": it.name, "names": it.names,
                "not_after": instant(it.not_after), "sha256": it.sha256, "file": it.file,
            }),
            Self::Revoked(serial, it) => {
                json!({"revoked": serial.to_string(), "at": instant(it.at), "reason": it.reason.name()})
            }
            Self::Released(serial, at) => json!({"released": serial.to_string(), "at": instant(*at)}),
        };
        format!("{value}\n")
    }

    pub fn parse(line: &str) -> Result<Self, Fault> {
        if let Some(record) = revoked_as_written(line) {
            return Ok(record);
        }
        let value = object(line)?;
        let serial = |member| text(&value, member)?.parse().map_err(|NoSerial| Fault::Member(member));
        let at = || parse_utc(&text(&value, "at")?).ok_or(Fault::Member("at"));
        if value.get("issued").is_some() {
            return Ok(Self::Issued(Issued {
                serial: serial("issued")?,
                subject: text(&value, "subject")?,
                name: optional(&value, "name")?,
                names: texts(&value, "names")?,
                not_after: parse_utc(&text(&value, "not_after")?).ok_or(Fault::Member("not_after"))?,
                sha256: optional(&value, "sha256")?,
                file: optional(&value, "file")?,
            }));
        }
        if value.get("revoked").is_some() {
            let reason = Reason::find(&text(&value, "reason")?).ok_or(Fault::Member("reason"))?;
            return Ok(Self::Revoked(serial("revoked")?, Revocation { at: at()?, reason }));
        }
        if value.get("released").is_some() {
            return Ok(Self::Released(serial("released")?, at()?));
        }
        Err(Fault::NoEvent)
    }
}

/// A line of a revocation exactly as [`Record::line`] writes it, which is most lines of an index by the hundred thousand: without
/// JSON's freedom it is read in a tenth of the time. `None` of any other line, whatever it says.
fn revoked_as_written(line: &str) -> Option<Record> {
    let rest = line.strip_prefix(r#"{"revoked":""#)?;
    let (serial, rest) = rest.split_once(r#"","at":""#)?;
    let (at, rest) = rest.split_once(r#"","reason":""#)?;
    let reason = rest.strip_suffix('\n').unwrap_or(rest).strip_suffix(r#""}"#)?;
    // None of the three takes a quotation mark or a backslash, so there is no other way to read the line.
    let revocation = Revocation { at: parse_utc(at)?, reason: Reason::find(reason)? };
    Some(Record::Revoked(serial.parse().ok()?, revocation))
}

/// Which certificates are revoked, after all events so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revocations {
    revoked: BTreeMap<Serial, Revocation>,
    released: BTreeMap<Serial, i64>,
}

impl Revocations {
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Issued(_) => {}
            Record::Revoked(serial, new) => match self.revoked.get_mut(serial) {
                // Only what was on hold can still be revoked for good; else the first time counts.
                Some(old) if old.reason == Reason::CertificateHold => *old = *new,
                Some(_) => {}
                None => {
                    self.revoked.insert(serial.clone(), *new);
                }
            },
            Record::Released(serial, at) => {
                if self.revoked.get(serial).is_some_and(|old| old.reason == Reason::CertificateHold) {
                    self.revoked.remove(serial);
                    self.released.insert(serial.clone(), *at);
                }
            }
        }
    }

    pub fn get(&self, serial: &Serial) -> Option<Revocation> {
        self.revoked.get(serial).copied()
    }

    /// Whether the certificate was on hold once and is not any more.
    pub fn was_released(&self, serial: &Serial) -> bool {
        self.released.contains_key(serial) && !self.revoked.contains_key(serial)
    }

    pub fn len(&self) -> usize {
        self.revoked.len()
    }

    pub fn is_empty(&self) -> bool {
        self.revoked.is_empty()
    }

    /// By serial number.
    pub fn iter(&self) -> impl Iterator<Item = (&Serial, &Revocation)> {
        self.revoked.iter()
    }
}

pub(super) fn object(line: &str) -> Result<Value, Fault> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| if error.is_eof() { Fault::CutOff } else { Fault::NoJson })?;
    if value.is_object() { Ok(value) } else { Err(Fault::NoJson) }
}

pub(super) fn text(value: &Value, member: &'static str) -> Result<String, Fault> {
    value[member].as_str().map(str::to_owned).ok_or(Fault::Member(member))
}

fn optional(value: &Value, member: &'static str) -> Result<Option<String>, Fault> {
    if value[member].is_null() { Ok(None) } else { text(value, member).map(Some) }
}

pub(super) fn texts(value: &Value, member: &'static str) -> Result<Vec<String>, Fault> {
    let texts = value[member].as_array().ok_or(Fault::Member(member))?;
    texts.iter().map(|text| text.as_str().map(str::to_owned).ok_or(Fault::Member(member))).collect()
}

pub(super) fn sha256(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

/// Digits in lower case, as `sha256sum` prints them.
pub fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // writing to a string cannot fail
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn serial(text: &str) -> Serial {
        text.parse().unwrap()
    }

    #[test]
    fn a_revocation_means_the_same_however_it_is_spelt() {
        let written = Record::Revoked(serial("4F"), Revocation { at: 1_829_642_400, reason: Reason::KeyCompromise });
        let line = written.line();
        assert_eq!(revoked_as_written(&line), Some(written.clone()));
        assert_eq!(revoked_as_written(line.trim_end()), Some(written.clone()));
        for (from, to) in [("{\"", "{ \""), ("4F", "\\u0034F"), ("\"}", "\", \"more\": 1}"), ("\",\"at", "\" , \"at")] {
            let other = line.replacen(from, to, 1);
            assert_eq!(revoked_as_written(&other), None, "{other}");
            assert_eq!(Record::parse(&other), Ok(written.clone()), "{other}");
        }
        for wrong in ["x", "\"", "keyCompromise\\n"] {
            let other = line.replacen("keyCompromise", wrong, 1);
            assert!(Record::parse(&other).is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let issued = Issued {
            serial: serial("4F"),
            subject: "CN=dev\"1".to_owned(),
            name: Some("dev\"1".to_owned()),
            names: vec!["DNS:dev1".to_owned()],
            not_after: 253_402_300_799,
            sha256: None,
            file: Some("dev1.crt".to_owned()),
        };
        let records = [
            Record::Issued(issued),
            Record::Revoked(serial("4F"), Revocation { at: 1_829_642_400, reason: Reason::KeyCompromise }),
            Record::Released(serial("4F"), 1_829_642_400),
        ];
        for record in records {
            let line = record.line();
            assert!(line.ends_with('\n') && !line.trim_end().contains('\n'), "{line}");
            assert_eq!(Record::parse(&line), Ok(record));
        }
        let header = Header { authority: "CN=Lab".to_owned(), key: "00ff".to_owned() };
        assert_eq!(Header::parse(&header.line()), Ok(header));
    }

    #[test]
    fn an_edited_line_says_what_is_wrong_with_it() {
        let rows = [
            ("", Fault::CutOff),
            ("{\"revoked\":\"4F\",\"at\":\"2027", Fault::CutOff),
            ("# a comment", Fault::NoJson),
            ("[1]", Fault::NoJson),
            ("{}", Fault::NoEvent),
            (r#"{"revoked":"dev1","at":"2027-12-24T10:00:00Z","reason":"keyCompromise"}"#, Fault::Member("revoked")),
            (r#"{"revoked":"4F","at":"yesterday","reason":"keyCompromise"}"#, Fault::Member("at")),
            (r#"{"revoked":"4F","at":"2027-12-24T10:00:00Z","reason":"stolen"}"#, Fault::Member("reason")),
            (r#"{"issued":"4F","subject":"CN=a"}"#, Fault::Member("names")),
        ];
        for (line, fault) in rows {
            assert_eq!(Record::parse(line), Err(fault), "{line}");
        }
        assert_eq!(Header::parse(r#"{"moskit_index":2}"#), Err(Fault::Version(2)));
    }

    #[test]
    fn only_a_hold_can_be_lifted_and_else_the_first_revocation_counts() {
        let revoked = |at, reason| Record::Revoked(serial("4F"), Revocation { at, reason });
        let after = |records: &[Record]| {
            let mut all = Revocations::default();
            for record in records {
                all.apply(record);
            }
            (all.get(&serial("4F")).map(|it| it.at), all.was_released(&serial("4F")))
        };
        let released = Record::Released(serial("4F"), 9);
        let (hold, lost) = (revoked(1, Reason::CertificateHold), revoked(2, Reason::KeyCompromise));
        assert_eq!(after(&[hold.clone(), released.clone()]), (None, true));
        assert_eq!(after(&[hold.clone(), lost.clone()]), (Some(2), false));
        assert_eq!(after(&[lost.clone(), hold.clone()]), (Some(2), false));
        assert_eq!(after(&[lost.clone(), released.clone()]), (Some(2), false));
        assert_eq!(after(&[hold, released, lost]), (Some(2), false));
    }

    #[test]
    fn people_call_a_certificate_by_any_of_its_names() {
        let issued = Issued {
            serial: serial("4F"),
            subject: "O=Lab, CN=mqtt.lan".to_owned(),
            name: Some("mqtt.lan".to_owned()),
            names: vec!["DNS:broker.lan".to_owned(), "URI:urn:dev:1".to_owned()],
            not_after: 0,
            sha256: None,
            file: None,
        };
        for name in ["mqtt.lan", "broker.lan", "DNS:broker.lan", "urn:dev:1"] {
            assert!(issued.is_called(name), "{name}");
        }
        for name in ["mqtt", "lan", "DNS:mqtt.lan", "dev:1", ""] {
            assert!(!issued.is_called(name), "{name}");
        }
    }
}
