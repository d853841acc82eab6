//! What a batch has made: a manifest, one line of JSON for each device. Pure.

use serde_json::json;

use super::index::{Fault, Issued, object, sha256, text, texts};
use super::serial::{NoSerial, Serial};
use super::time::{instant, parse_utc};

/// A device and what was made for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: String,
    pub serial: Serial,
    /// Of the certificate, in hexadecimal digits.
    pub sha256: String,
    /// Seconds since 1970.
    pub not_after: i64,
    /// From the manifest's folder on; the certificate, or the archive that holds it, is the first.
    pub files: Vec<String>,
    /// The SHA-256 of the public key of the CA that has signed it.
    pub authority: String,
}

impl Entry {
    /// `None` if the certificate's record lacks its fingerprint.
    pub fn of(id: &str, issued: &Issued, files: Vec<String>, authority: &str) -> Option<Self> {
        Some(Self {
            id: id.to_owned(),
            serial: issued.serial.clone(),
            sha256: issued.sha256.clone()?,
            not_after: issued.not_after,
            files,
            authority: authority.to_owned(),
        })
    }

    /// The line with its end.
    pub fn line(&self) -> String {
        let value = json!({
            "id": self.id, "serial": self.serial.to_string(), "sha256": self.sha256,
            "not_after": instant(self.not_after), "files": self.files, "ca_key_sha256": self.authority,
        });
        format!("{value}\n")
    }

    pub fn parse(line: &str) -> Result<Self, Fault> {
        let value = object(line)?;
        Ok(Self {
            id: text(&value, "id")?,
            serial: text(&value, "serial")?.parse().map_err(|NoSerial| Fault::Member("serial"))?,
            sha256: text(&value, "sha256")?,
            not_after: parse_utc(&text(&value, "not_after")?).ok_or(Fault::Member("not_after"))?,
            files: texts(&value, "files")?,
            authority: text(&value, "ca_key_sha256")?,
        })
    }

    /// What stands in the manifest's own folder of its files, the certificate last: whoever sees that has the rest.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.files.iter().rev().map(|file| file.split('/').next().unwrap_or_default()).collect();
        names.dedup();
        names
    }
}

/// A short stand-in for an id. That two of a million ids have the same is less likely than any fault of the machine.
pub fn fingerprint(id: &str) -> u128 {
    let digest = sha256(id.as_bytes());
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(files: &[&str]) -> Entry {
        Entry {
            id: "dev\"1".to_owned(),
            serial: "4F".parse().unwrap(),
            sha256: "00ff".to_owned(),
            not_after: 1_829_642_400,
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            authority: "aa".to_owned(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let entry = entry(&["dev1/dev1.crt", "dev1/dev1.key"]);
        let line = entry.line();
        assert!(line.ends_with('\n') && !line.trim_end().contains('\n'), "{line}");
        assert_eq!(Entry::parse(&line), Ok(entry));
        assert_eq!(Entry::parse("{\"id\":\"dev"), Err(Fault::CutOff));
        assert_eq!(Entry::parse("{\"id\":\"dev1\",\"serial\":\"x\"}"), Err(Fault::Member("serial")));
        assert_eq!(Entry::parse("{}"), Err(Fault::Member("id")));
    }

    #[test]
    fn the_certificate_comes_last_and_a_folder_once() {
        assert_eq!(entry(&["a.crt", "a.key", "a-chain.crt"]).names(), ["a-chain.crt", "a.key", "a.crt"]);
        assert_eq!(entry(&["a/a.crt", "a/a.key"]).names(), ["a"]);
        assert_eq!(entry(&["a.tar"]).names(), ["a.tar"]);
    }

    #[test]
    fn ids_that_differ_have_other_fingerprints() {
        assert_eq!(fingerprint("dev1"), fingerprint("dev1"));
        assert_ne!(fingerprint("dev1"), fingerprint("dev2"));
    }
}
