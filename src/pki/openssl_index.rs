//! `index.txt`, in which `openssl ca` and easy-rsa keep what a CA has issued: a line a certificate, six fields between tabs.

use jiff::civil::DateTime;

use super::revocation::{Reason, Revocation};
use super::serial::Serial;
use super::time::since_1970;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Valid and expired ones have none.
    pub revocation: Option<Revocation>,
    /// Seconds since 1970.
    pub not_after: i64,
    pub serial: Serial,
    /// As OpenSSL writes names on one line: `/O=Lab/CN=dev1`.
    pub subject: String,
}

/// Which field says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There are not six.
    Fields,
    /// Not `V`, `R` or `E`.
    Status,
    Expiry,
    Revocation,
    Serial,
}

impl Row {
    pub fn parse(line: &str) -> Result<Self, Fault> {
        let fields: Vec<_> = line.split('\t').collect();
        let [status, expiry, revoked, serial, _file, subject] = fields[..] else { return Err(Fault::Fields) };
        let revocation = match (status, revoked) {
            ("V" | "E", "") => None,
            ("R", revoked) => Some(revocation(revoked).ok_or(Fault::Revocation)?),
            ("V" | "E", _) => return Err(Fault::Revocation),
            _ => return Err(Fault::Status),
        };
        Ok(Self {
            revocation,
            not_after: time(expiry).ok_or(Fault::Expiry)?,
            serial: serial.parse().map_err(|_| Fault::Serial)?,
            subject: subject.to_owned(),
        })
    }

    /// The last common name in the subject.
    pub fn common_name(&self) -> Option<&str> {
        let (_, rest) = self.subject.rsplit_once("/CN=")?;
        // A slash belongs to the name unless an attribute begins behind it.
        let is_attribute = |rest: &str| {
            rest.split_once('=')
                .is_some_and(|(kind, _)| !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        let end = rest.match_indices('/').map(|(at, _)| at).find(|at| is_attribute(&rest[at + 1..]));
        Some(&rest[..end.unwrap_or(rest.len())])
    }
}

/// `YYMMDDHHMMSSZ`, with the reason behind a comma, and with that a hold's instruction or a time.
fn revocation(field: &str) -> Option<Revocation> {
    let mut parts = field.split(',');
    let at = time(parts.next()?)?;
    let reason = match parts.next() {
        None => Reason::Unspecified,
        // OpenSSL's own words for what is a hold, a compromise, with more behind it.
        Some("holdInstruction") => Reason::CertificateHold,
        Some("keyTime") => Reason::KeyCompromise,
        Some("CAkeyTime") => Reason::AuthorityCompromise,
        Some(name) => Reason::find(name)?,
    };
    Some(Revocation { at, reason })
}

/// UTCTime or GeneralizedTime.
fn time(text: &str) -> Option<i64> {
    let digits = text.strip_suffix('Z').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let (year, rest) = digits.split_at_checked(digits.len().checked_sub(10)?)?;
    let number: i16 = year.parse().ok()?;
    let year = match year.len() {
        // RFC 5280, 4.1.2.5.1
        2 if number < 50 => 2000 + number,
        2 => 1900 + number,
        4 => number,
        _ => return None,
    };
    let part = |at: usize| rest[at..at + 2].parse::<i8>().ok();
    let time = DateTime::new(year, part(0)?, part(2)?, part(4)?, part(6)?, part(8)?, 0).ok()?;
    Some(since_1970(time))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_as_openssl_writes_them() {
        let row = Row::parse("V\t271224100000Z\t\t4F\tunknown\t/C=DE/O=Lab/CN=dev1").unwrap();
        assert_eq!((row.not_after, row.revocation, row.common_name()), (1_829_642_400, None, Some("dev1")));
        let row =
            Row::parse("R\t20271224100000Z\t260102000000Z,keyCompromise\t01\tunknown\t/CN=a/b/emailAddress=x@lan")
                .unwrap();
        assert_eq!(row.revocation, Some(Revocation { at: 1_767_312_000, reason: Reason::KeyCompromise }));
        assert_eq!((row.not_after, row.common_name()), (1_829_642_400, Some("a/b")));
        let held =
            Row::parse("R\t271224100000Z\t260102000000Z,holdInstruction,holdInstructionReject\t01\tunknown\t/CN=a");
        assert_eq!(held.unwrap().revocation.unwrap().reason, Reason::CertificateHold);
    }

    #[test]
    fn a_row_that_says_nothing_says_which_field() {
        let rows = [
            ("V\t271224100000Z\t4F\tunknown\t/CN=dev1", Fault::Fields),
            ("X\t271224100000Z\t\t4F\tunknown\t/CN=dev1", Fault::Status),
            ("V\t271324100000Z\t\t4F\tunknown\t/CN=dev1", Fault::Expiry),
            ("V\t27é224100000Z\t\t4F\tunknown\t/CN=dev1", Fault::Expiry),
            ("R\t271224100000Z\t\t4F\tunknown\t/CN=dev1", Fault::Revocation),
            ("R\t271224100000Z\t260102000000Z,stolen\t4F\tunknown\t/CN=dev1", Fault::Revocation),
            ("V\t271224100000Z\t260102000000Z\t4F\tunknown\t/CN=dev1", Fault::Revocation),
            ("V\t271224100000Z\t\tdev1\tunknown\t/CN=dev1", Fault::Serial),
        ];
        for (row, fault) in rows {
            assert_eq!(Row::parse(row), Err(fault), "{row}");
        }
    }
}
