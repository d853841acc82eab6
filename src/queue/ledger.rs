//! The ledger of looks, which dates the messages of brokers that only count them (Mosquitto 2.0 and
//! older): two numbers per look, the time and the highest id given out by then.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::since::Since;
use crate::state::ids::{StoreId, UnixTime};
use crate::whole_file::{self, Permission};

/// More looks than eleven years of one every five minutes hold; a longer file is none of ours.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// One look at a broker's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Look {
    at: UnixTime,
    last: StoreId,
}

/// All looks so far, in time order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    looks: Vec<Look>,
    /// The looks at a database that has been replaced since.
    replaced: Vec<Look>,
    changed: bool,
}

/// Why a ledger cannot be read or written.
#[derive(Debug)]
pub enum Error {
    Read(io::Error),
    TooLong,
    /// Not a JSON array of `[time, last id]`.
    NotALedger,
    Write(whole_file::Error),
}

impl Ledger {
    /// Reads a ledger; one that does not exist is empty.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let mut text = Vec::new();
        match File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut text)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(Error::Read(error)),
            Ok(_) if text.len() as u64 > MAX_BYTES => return Err(Error::TooLong),
            Ok(_) => {}
        }
        Self::parse(&text)
    }

    /// `[[seconds, last id], …]`.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        if text.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let pairs: Vec<(f64, u64)> = serde_json::from_slice(text).map_err(|_| Error::NotALedger)?;
        let mut looks = Vec::with_capacity(pairs.len());
        for (seconds, last) in pairs {
            if !(0.0..9.2e9).contains(&seconds) {
                return Err(Error::NotALedger);
            }
            looks.push(Look { at: UnixTime::from_nanos((seconds * 1e9) as i64), last: StoreId(last) });
        }
        let in_order = looks.is_sorted_by(|a, b| a.at <= b.at && a.last <= b.last);
        if in_order { Ok(Self { looks, ..Self::default() }) } else { Err(Error::NotALedger) }
    }

    /// Notes that at `at` the highest id given out was `last`. A look from before the last one adds
    /// nothing. If the counter went down the database was replaced, and the ledger starts over.
    pub fn look(&mut self, at: UnixTime, last: StoreId) {
        let Some(newest) = self.looks.last() else {
            self.looks.push(Look { at, last });
            self.changed = true;
            return;
        };
        if at <= newest.at {
            return;
        }
        if last < newest.last {
            self.replaced = std::mem::take(&mut self.looks);
        }
        // Of several looks at an idle broker only the first and the newest say something.
        if let [.., before, newest] = &mut self.looks[..]
            && before.last == last
            && newest.last == last
        {
            newest.at = at;
        } else {
            self.looks.push(Look { at, last });
        }
        self.changed = true;
    }

    /// Replaces the file if a look was added. New files can be read by their owner only. The looks at a
    /// database that was replaced stay beside it, under the name with `.old`.
    pub fn write(&self, path: &Path) -> Result<(), Error> {
        if !self.changed {
            return Ok(());
        }
        if self.starts_over() {
            let mut old = path.as_os_str().to_owned();
            old.push(".old");
            write_looks(&self.replaced, Path::new(&old))?;
        }
        write_looks(&self.looks, path)
    }

    /// The counter went down at the last look: the broker's database was replaced.
    pub fn starts_over(&self) -> bool {
        !self.replaced.is_empty()
    }

    /// When the message of counter id `id` was stored.
    pub fn since(&self, id: StoreId) -> Since {
        let seen = self.looks.partition_point(|look| look.last < id);
        match (self.looks.get(seen), seen.checked_sub(1).map(|before| self.looks[before])) {
            (Some(by), Some(after)) => Since::Look { after: after.at, by: by.at },
            // It was there at the first look: since when, nobody knows.
            (Some(by), None) => Since::Between { from: Since::EVER, to: by.at },
            (None, _) => Since::Unknown,
        }
    }
}

fn write_looks(looks: &[Look], path: &Path) -> Result<(), Error> {
    let pairs: Vec<String> =
        looks.iter().map(|look| format!("[{:.3}, {}]", look.at.nanos() as f64 / 1e9, look.last.0)).collect();
    let text = format!("[{}]\n", pairs.join(",\n "));
    whole_file::replace(path, text.as_bytes(), Permission::KeepOr(0o600)).map_err(Error::Write)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> UnixTime {
        UnixTime::from_seconds(seconds)
    }

    #[test]
    fn a_message_is_dated_by_the_first_look_that_saw_it() {
        let ledger = Ledger::parse(b"[[100, 10], [200, 20], [300, 20], [400.5, 30]]").unwrap();
        assert_eq!(ledger.since(StoreId(10)), Since::Between { from: Since::EVER, to: at(100) });
        assert_eq!(ledger.since(StoreId(11)), Since::Look { after: at(100), by: at(200) });
        assert_eq!(
            ledger.since(StoreId(21)),
            Since::Look { after: at(300), by: UnixTime::from_nanos(400_500_000_000) }
        );
        assert_eq!(ledger.since(StoreId(31)), Since::Unknown);
    }

    #[test]
    fn looks_are_added_forwards_only_and_a_lower_counter_starts_over() {
        let mut ledger = Ledger::default();
        for (time, last) in [(100, 10), (200, 20), (150, 15), (300, 20), (400, 20), (500, 25)] {
            ledger.look(at(time), StoreId(last));
        }
        assert_eq!(
            ledger.looks.iter().map(|look| (look.at.seconds(), look.last.0)).collect::<Vec<_>>(),
            [(100, 10), (200, 20), (400, 20), (500, 25)]
        );
        ledger.look(at(600), StoreId(3));
        assert_eq!((ledger.looks.len(), ledger.starts_over()), (1, true));
    }

    #[test]
    fn what_is_no_ledger_is_refused() {
        for text in ["{}", "[[1]]", "[[1,2],[0,3]]", "[[1,2],[2,1]]", "[[-1,2]]", "[[1,-2]]", "[[1e300,2]]", "x"] {
            assert!(matches!(Ledger::parse(text.as_bytes()), Err(Error::NotALedger)), "{text}");
        }
        assert_eq!(Ledger::parse(b" \n").unwrap(), Ledger::default());
    }

    #[test]
    fn a_written_ledger_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.json");
        let mut ledger = Ledger::read(&path).unwrap();
        ledger.look(at(100), StoreId(1));
        ledger.look(at(200), StoreId(7));
        ledger.write(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[[100.000, 1],\n [200.000, 7]]\n");
        assert_eq!(Ledger::read(&path).unwrap().looks, ledger.looks);
    }
}
