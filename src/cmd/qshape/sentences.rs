//! The facts of a reading as sentences: failures, warnings and the footer.

use std::path::Path;

use crate::diagnose::state;
use crate::net::reason;
use crate::queue::{Note, Snapshot, ledger};
use crate::state::ids::UnixTime;
use crate::state::mosquitto_db::Damage;
use crate::term::{Exit, Failure, escape_controls, plural};

fn shown(path: &Path) -> String {
    escape_controls(&path.to_string_lossy()).into_owned()
}

pub fn cannot_use_ledger(path: &Path, error: &ledger::Error) -> Failure {
    let path = shown(path);
    let message = match error {
        ledger::Error::Read(error) => format!("cannot read the ledger `{path}`: {}", reason(error)),
        ledger::Error::TooLong => format!("cannot use the ledger `{path}`: it is longer than any ledger can be"),
        ledger::Error::NotALedger => {
            format!("cannot use the ledger `{path}`: it is not a list of [time, counter] that only grows")
        }
        ledger::Error::Write(error) => format!("cannot write the ledger `{path}`: {}", reason(&error.cause)),
    };
    Failure::new(Exit::FAILED, message)
}

/// What is to be said of a reading besides its table.
pub fn note(note: &Note) -> String {
    match note {
        Note::StoredOnce => {
            "stored messages are counted here, each once: it may wait for many clients, or for none".into()
        }
        Note::AtIntervals => {
            "the broker counts anew every sys_interval seconds, 10 unless configured: these numbers may be that old"
                .into()
        }
        Note::EmptyFile => "the file is empty".into(),
        Note::StoredTwice(id) => format!("store id {} twice; the last one counts", id.0),
        Note::UnknownChunk { kind, at, length } => format!("unknown chunk {kind} ({length} bytes) at {at}, skipped"),
        Note::UnknownChunks { more } => format!("{more} more unknown chunks, skipped"),
        Note::Damage(found) => damage(found),
        Note::MaybeCut { unreferenced, stored } => format!(
            "nobody waits for {unreferenced} of {stored} stored messages: the file may have been cut between two chunks"
        ),
        Note::UsersUncertain => {
            "user names written by Mosquitto 1.6.11 to 2.0.15 may be those of another client".into()
        }
        Note::BadLine { line, why } => format!("line {line} is not understood: {}", escape_controls(why)),
        Note::BadLines { more } => format!("{more} more lines are not understood"),
        Note::NotKnown(what) => format!("this source cannot tell {what}"),
        Note::Experimental(what) => format!("experimental: {what} was never tried on a real server"),
        Note::NoList { client, why } => {
            format!("the messages of `{}` cannot be listed: {}", escape_controls(client), escape_controls(why))
        }
        Note::Dropped(count) => format!("the broker has dropped {} since it started", plural(*count, "message")),
        Note::Incomplete(why) => format!("not everything was read: {}", escape_controls(why)),
    }
}

fn damage(damage: &Damage) -> String {
    let what = state::damage(damage);
    match damage {
        Damage::Io(_) | Damage::NoChunks | Damage::StrayTail { .. } | Damage::IdSize { .. } => what,
        _ => format!("{what}; what was read before is shown"),
    }
}

/// A moment in UTC, to the second.
pub fn moment(time: UnixTime) -> String {
    jiff::Timestamp::from_second(time.seconds()).map_or_else(|_| time.seconds().to_string(), |time| time.to_string())
}

/// An age in its largest sensible unit: `90 s`, `45 min`, `7.5 h`, `12 d`.
pub fn age(nanos: i64) -> String {
    let seconds = nanos as f64 / 1e9;
    match seconds {
        below if below < 120.0 => format!("{:.0} s", below.max(0.0)),
        below if below < 7_200.0 => format!("{:.0} min", below / 60.0),
        below if below < 172_800.0 => format!("{:.1} h", below / 3_600.0),
        more => format!("{:.1} d", more / 86_400.0),
    }
}

/// A source as it is named to people.
pub fn source_name(word: &str) -> &str {
    if word == "-" { "standard input" } else { word }
}

/// What was read, from where, and how old it is.
pub fn snapshot_line(word: &str, snapshot: &Snapshot, now: UnixTime) -> String {
    let from = format!("{} ({})", escape_controls(source_name(word)), snapshot.kind);
    let Some(taken_at) = snapshot.taken_at else { return from };
    let old = now.nanos_since(taken_at);
    let ago = if old > 1_000_000_000 { format!(" ({} ago)", age(old)) } else { String::new() };
    format!("{from}, as of {}{ago}", moment(taken_at))
}
