//! Changes of a password file's text. Lines that a change is not about are kept byte for byte.

use std::collections::HashMap;

use zeroize::Zeroizing;

use super::hash::Hash;
use super::line::{Line, lines};

/// The first line that is neither a record nor a comment nor blank; counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt {
    pub line: usize,
}

/// A user and what is kept of their password: a hash, or keys of SCRAM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub user: Vec<u8>,
    pub secret: String,
}

impl Record {
    /// The line of the file, with its end.
    pub fn line(&self) -> Vec<u8> {
        let mut line = self.user.clone();
        line.extend_from_slice(format!(":{}\n", self.secret).as_bytes());
        line
    }
}

/// What [`put`] made of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Put {
    pub text: Vec<u8>,
    /// For each record whether it took the place of one.
    pub updated: Vec<bool>,
    pub corrupt: Option<Corrupt>,
}

/// Gives each user of `records` the new hash: in the first of their lines, or on a line of its own
/// at the end. The last record of a user counts.
pub fn put(text: &[u8], records: &[Record]) -> Put {
    let last: HashMap<&[u8], usize> =
        records.iter().enumerate().map(|(index, record)| (record.user.as_slice(), index)).collect();
    let mut put =
        Put { text: Vec::with_capacity(text.len() + 256), updated: vec![false; records.len()], corrupt: None };
    for (number, line) in lines(text).enumerate() {
        let parsed = Line::parse(line);
        if parsed.is_corrupt() {
            put.corrupt = put.corrupt.or(Some(Corrupt { line: number + 1 }));
        }
        let replaced = parsed
            .whole_record()
            .and_then(|(user, _)| last.get(user).copied())
            .filter(|index| !std::mem::replace(&mut put.updated[*index], true));
        match replaced {
            Some(index) => put.text.extend_from_slice(&records[index].line()),
            None => put.text.extend_from_slice(line),
        }
    }
    for (index, record) in records.iter().enumerate() {
        if !put.updated[index] && last.get(record.user.as_slice()) == Some(&index) {
            end_last_line(&mut put.text);
            put.text.extend_from_slice(&record.line());
        }
    }
    put
}

/// What [`remove`] made of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Removed {
    pub text: Vec<u8>,
    pub lines: usize,
    pub corrupt: Option<Corrupt>,
}

/// Removes every line of `user`.
pub fn remove(text: &[u8], user: &[u8]) -> Removed {
    let mut removed = Removed { text: Vec::with_capacity(text.len()), lines: 0, corrupt: None };
    for (number, line) in lines(text).enumerate() {
        let parsed = Line::parse(line);
        if parsed.is_corrupt() {
            removed.corrupt = removed.corrupt.or(Some(Corrupt { line: number + 1 }));
        }
        if parsed.whole_record().is_some_and(|(name, _)| name == user) {
            removed.lines += 1;
        } else {
            removed.text.extend_from_slice(line);
        }
    }
    removed
}

/// A file whose plain-text passwords are to become hashes.
#[derive(Debug)]
pub struct PlainText<'a> {
    parts: Vec<Part<'a>>,
}

#[derive(Debug)]
enum Part<'a> {
    Kept(&'a [u8]),
    Plain { user: &'a [u8], password: &'a [u8] },
}

impl<'a> PlainText<'a> {
    /// Finds the plain-text passwords of `text`. What is a hash already is none of them, unless
    /// `hashes_too` says that the text of a hash is to be hashed like a password.
    pub fn find(text: &'a [u8], hashes_too: bool) -> Result<Self, Corrupt> {
        let mut parts = Vec::new();
        for (number, line) in lines(text).enumerate() {
            let parsed = Line::parse(line);
            parts.push(match parsed.whole_record() {
                Some((user, secret)) if hashes_too || Hash::parse(secret).is_err() => {
                    Part::Plain { user, password: secret }
                }
                None if parsed.is_corrupt() => return Err(Corrupt { line: number + 1 }),
                _ => Part::Kept(line),
            });
        }
        Ok(Self { parts })
    }

    /// The plain-text passwords, in the order of the file.
    pub fn passwords(&self) -> Vec<&'a [u8]> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Plain { password, .. } => Some(*password),
                Part::Kept(_) => None,
            })
            .collect()
    }

    /// The text with `hashes` in the place of the passwords, one for each and in their order.
    pub fn with_hashes(&self, hashes: Vec<String>) -> Zeroizing<Vec<u8>> {
        let mut hashes = hashes.into_iter();
        let mut text = Zeroizing::new(Vec::new());
        for part in &self.parts {
            match part {
                Part::Kept(line) => text.extend_from_slice(line),
                Part::Plain { user, .. } => {
                    let secret = hashes.next().expect("as many hashes as passwords");
                    end_last_line(&mut text);
                    text.extend_from_slice(&Record { user: user.to_vec(), secret }.line());
                }
            }
        }
        text
    }
}

fn end_last_line(text: &mut Vec<u8>) {
    if text.last().is_some_and(|last| *last != b'\n') {
        text.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passwd::{Recipe, SALT_BYTES};

    fn record(user: &str) -> Record {
        Record { user: user.into(), secret: Hash::make(Recipe::Sha512, SALT_BYTES, b"pw").unwrap().to_string() }
    }

    fn line(record: &Record) -> String {
        String::from_utf8(record.line()).unwrap()
    }

    fn put_one(text: &str, record: &Record) -> (String, bool, Option<usize>) {
        let put = put(text.as_bytes(), std::slice::from_ref(record));
        (String::from_utf8(put.text).unwrap(), put.updated[0], put.corrupt.map(|corrupt| corrupt.line))
    }

    #[test]
    fn a_new_user_comes_last_and_a_missing_line_end_is_supplied() {
        let ann = record("ann");
        assert_eq!(put_one("", &ann), (line(&ann), false, None));
        assert_eq!(put_one("bob:x\n", &ann), (format!("bob:x\n{}", line(&ann)), false, None));
        assert_eq!(put_one("bob:x", &ann), (format!("bob:x\n{}", line(&ann)), false, None));
    }

    #[test]
    fn the_first_line_of_a_user_is_replaced_and_the_others_are_kept() {
        let ann = record("ann");
        let text = "# c\r\n  bob : x \r\n ann :old\nann:older\nend:y";
        let expected = format!("# c\r\n  bob : x \r\n{}ann:older\nend:y", line(&ann));
        assert_eq!(put_one(text, &ann), (expected, true, None));
    }

    #[test]
    fn a_corrupt_line_is_told_and_costs_nothing() {
        let ann = record("ann");
        let (text, updated, corrupt) = put_one("a:x\n\n#\ncorrupt\n:y\nz:w\n", &ann);
        assert_eq!(text, format!("a:x\n\n#\ncorrupt\n:y\nz:w\n{}", line(&ann)));
        assert_eq!((updated, corrupt), (false, Some(4)));
    }

    #[test]
    fn of_many_records_the_last_of_a_user_counts() {
        let records = [record("ann"), record("bob"), record("ann")];
        let put = put(b"bob:x\n", &records);
        assert_eq!(String::from_utf8(put.text).unwrap(), format!("{}{}", line(&records[1]), line(&records[2])));
        assert_eq!(put.updated, [false, true, false]);
    }

    #[test]
    fn every_line_of_a_removed_user_goes_and_the_others_are_kept() {
        let removed = remove(b"a:1\n a :2\nb:3 \r\n\nnot\na:4", b"a");
        assert_eq!(removed.text, b"b:3 \r\n\nnot\n");
        assert_eq!((removed.lines, removed.corrupt), (3, Some(Corrupt { line: 5 })));
        assert_eq!(remove(b"ab:1", b"a").lines, 0);
    }

    #[test]
    fn plain_passwords_become_hashes_and_hashes_stay() {
        let hashed = line(&record("old"));
        let text = format!("# c\n a : p w :lost\n{hashed}b:q");
        let plain = PlainText::find(text.as_bytes(), false).unwrap();
        assert_eq!(plain.passwords(), [&b"p w"[..], b"q"]);
        let hashes: Vec<_> = plain
            .passwords()
            .iter()
            .map(|pw| Hash::make(Recipe::Sha512, SALT_BYTES, pw).unwrap().to_string())
            .collect();
        let written = plain.with_hashes(hashes.clone());
        assert_eq!(str::from_utf8(&written).unwrap(), format!("# c\na:{}\n{hashed}b:{}\n", hashes[0], hashes[1]));
        assert_eq!(PlainText::find(text.as_bytes(), true).unwrap().passwords().len(), 3);
    }

    #[test]
    fn a_hash_without_line_end_before_a_plain_password_cannot_be_glued() {
        let text = line(&record("a"));
        let plain = PlainText::find(text.trim_end().as_bytes(), false).unwrap();
        assert_eq!(plain.with_hashes(Vec::new()).as_slice(), text.trim_end().as_bytes());
        assert_eq!(PlainText::find(b"a:x\n:y\n", false).unwrap_err(), Corrupt { line: 2 });
    }

    proptest::proptest! {
        #[test]
        fn other_lines_are_kept_whatever_they_are(text in "[ab:#\n $]{0,60}", user in "[ab]{1,2}") {
            let others = |text: &[u8]| -> Vec<Vec<u8>> {
                let is_other = |line: &&[u8]| Line::parse(line).whole_record().is_none_or(|(name, _)| name != user.as_bytes());
                lines(text).filter(is_other).map(|line| line.strip_suffix(b"\n").unwrap_or(line).to_vec()).collect()
            };
            let record = record(&user);
            let put = put(text.as_bytes(), std::slice::from_ref(&record));
            assert_eq!(others(&put.text), others(text.as_bytes()));
            assert!(lines(&put.text).any(|line| line == record.line()));
            let removed = remove(&put.text, user.as_bytes());
            assert_eq!(others(&removed.text), others(text.as_bytes()));
            assert!(removed.lines > 0 && remove(&removed.text, user.as_bytes()).lines == 0);
        }

        #[test]
        fn no_text_is_too_strange(text: Vec<u8>) {
            let _ = crate::passwd::File::parse(&text);
            let _ = Hash::parse(&text);
            if let Ok(plain) = PlainText::find(&text, false) {
                let count = plain.passwords().len();
                plain.with_hashes(vec![record("x").secret; count]);
            }
        }
    }
}
