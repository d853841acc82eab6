//! The facts of a reading as sentences: failures, warnings and the footer.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::diagnose::{self, Attempted, Finding, shell, state};
use crate::mqtt::packet::ProtocolVersion;
use crate::net::{ConnectError, Endpoint, reason, tls};
use crate::os::files;
use crate::queue::exchange::ExchangeError;
use crate::queue::http::HttpError;
use crate::queue::{Error, Note, Snapshot, ledger};
use crate::state::ids::UnixTime;
use crate::state::mosquitto_db::{self, Damage};
use crate::state::sqlite;
use crate::term::{Exit, Failure, Term, escape_controls, plural};

fn shown(path: &Path) -> String {
    escape_controls(&path.to_string_lossy()).into_owned()
}

/// A file or folder that the system does not give.
pub fn cannot_open(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(Exit::FAILED, format!("cannot read `{}`: {}", shown(path), reason(error)));
    if error.kind() == io::ErrorKind::PermissionDenied { failure.hint(who_may_read(path)) } else { failure }
}

fn who_may_read(path: &Path) -> String {
    let owner = std::fs::metadata(path).ok().and_then(|metadata| files::owner(&metadata));
    let word = shell::path(path);
    match owner {
        Some(owner) => {
            format!("only its owner (user id {}) and root may read it: sudo moskit qshape {word}", owner.user)
        }
        None => format!("a broker's folder is open to its own user and root: sudo moskit qshape {word}"),
    }
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

/// Where something was asked, for who has to say why it failed.
#[derive(Clone, Debug)]
pub struct Place {
    pub endpoint: Endpoint,
    pub tls: Option<tls::Options>,
    pub websocket: bool,
    pub version: ProtocolVersion,
}

impl Place {
    fn attempted(&self) -> Attempted<'_> {
        let now = UnixTime::from(SystemTime::now()).seconds();
        Attempted { endpoint: &self.endpoint, tls: self.tls.as_ref(), websocket: self.websocket, now }
    }
}

/// A source that could not be read at all; `place` is where it was asked.
pub fn cannot_read(error: &Error, place: Option<&Place>) -> Failure {
    match error {
        Error::Io(path, error)
        | Error::Db(path, mosquitto_db::Unreadable::Io(error))
        | Error::Sqlite(path, sqlite::Unreadable::Io(error)) => cannot_open(path, error),
        Error::Db(path, error) => cannot_read_db(&shown(path), error),
        Error::Sqlite(path, error) => cannot_read_sqlite(&shown(path), error),
        Error::Http(at, error) => cannot_ask(at, error, place),
        Error::Exchange(at, error) => {
            explained(format!("cannot read from {at}: {}", exchange_failed(error)), exchange_finding(error, place))
        }
    }
}

fn cannot_read_db(path: &str, error: &mosquitto_db::Unreadable) -> Failure {
    let exit = match error {
        mosquitto_db::Unreadable::Io(_) | mosquitto_db::Unreadable::NotAFile => Exit::FAILED,
        mosquitto_db::Unreadable::NotMosquittoDb | mosquitto_db::Unreadable::Version(_) => Exit::DAMAGED,
    };
    Failure::new(exit, format!("cannot read `{path}`: {}", state::mosquitto_db(error)))
}

fn cannot_read_sqlite(path: &str, error: &sqlite::Unreadable) -> Failure {
    let exit = match error {
        sqlite::Unreadable::Io(_) | sqlite::Unreadable::NotAFile | sqlite::Unreadable::ChangedMeanwhile => Exit::FAILED,
        sqlite::Unreadable::NotSqlite | sqlite::Unreadable::NotPersistSqlite | sqlite::Unreadable::Sqlite(_) => {
            Exit::DAMAGED
        }
    };
    Failure::new(exit, format!("cannot read `{path}`: {}", state::sqlite(error)))
}

/// An API that gave no usable answer.
fn cannot_ask(at: &str, error: &HttpError, place: Option<&Place>) -> Failure {
    let failed = |why: String| Failure::new(Exit::FAILED, format!("cannot read from {at}: {why}"));
    match error {
        HttpError::System(error) => failed(reason(error)),
        HttpError::Connect(error) => explained(
            format!("cannot read from {at}: {}", not_connected(error)),
            place.map(|place| of_an_api(diagnose::not_connected(error, &place.attempted()))),
        ),
        HttpError::Timeout(limit) => {
            failed(format!("no answer within {} s", limit.as_secs_f64())).hint("--timeout SECONDS waits longer")
        }
        HttpError::Protocol(error) => failed(format!("it does not speak HTTP as it should: {error}")),
        HttpError::Status { code: code @ (401 | 403), .. } => {
            failed(format!("it refuses (HTTP {code})")).hint("--api-key-file FILE, with USER:PASSWORD or a token in it")
        }
        HttpError::Status { code, path, said } if said.is_empty() => failed(format!("HTTP {code} for {path}")),
        HttpError::Status { code, path, said } => failed(format!("HTTP {code} for {path}: {}", escape_controls(said))),
        HttpError::TooLong { path } => failed(format!("the answer for {path} is broken off or longer than 64 MiB")),
        HttpError::NotUnderstood { path } => failed(format!("the answer for {path} is not what this API gives"))
            .hint("is it the right port, and kind of broker?"),
    }
}

/// A port on which nothing listens is not the broker's for MQTT.
fn of_an_api(finding: Finding) -> Finding {
    if finding.id == "net.refused" {
        finding.fix("does the broker run, with its HTTP API on this port?")
    } else {
        finding
    }
}

fn not_connected(error: &ConnectError) -> String {
    match error {
        ConnectError::Lookup { name, .. } => format!("the name {name} has no address"),
        ConnectError::Tls(_) => "the TLS handshake failed".into(),
        other => other.last_os_error().map_or_else(|| "it cannot be reached".into(), reason),
    }
}

/// A session that could not be ended.
pub fn cannot_end(place: &Place, error: &ExchangeError) -> Failure {
    let line = format!("cannot end the session at {}: {}", place.endpoint, exchange_failed(error));
    explained(line, exchange_finding(error, Some(place)))
}

/// What went wrong, why, and what to do about it.
fn explained(line: String, finding: Option<Finding>) -> Failure {
    let failure = Failure::new(Exit::FAILED, line);
    let Some(finding) = finding else { return failure };
    let failure = failure.cause(&finding.what, finding.id);
    match finding.fix {
        Some(fix) => failure.hint(fix),
        None => failure,
    }
}

fn exchange_finding(error: &ExchangeError, place: Option<&Place>) -> Option<Finding> {
    let place = place?;
    match error {
        ExchangeError::Connect(error) => Some(diagnose::not_connected(error, &place.attempted())),
        ExchangeError::Refused(answer) => diagnose::refused(place.version, answer, None),
        _ => None,
    }
}

fn exchange_failed(error: &ExchangeError) -> String {
    match error {
        ExchangeError::System(error) | ExchangeError::Io(error) => reason(error),
        ExchangeError::Connect(error) => not_connected(error),
        ExchangeError::Encode(_) => "the client id, user name or password does not fit into a packet".into(),
        ExchangeError::Decode(_) | ExchangeError::Unexpected => "the broker does not answer as MQTT says".into(),
        ExchangeError::Refused(answer) => format!("the broker refuses with code {}", answer.code),
        ExchangeError::Timeout(limit) => format!("no answer within {} s", limit.as_secs_f64()),
    }
}

/// What is to be said of a reading besides its table.
pub fn note(note: &Note) -> String {
    match note {
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
        Note::CannotTell(what) => format!("this source cannot tell {what}"),
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
        Damage::Io(_) | Damage::StrayTail { .. } | Damage::IdSize { .. } => what,
        _ => format!("{what}; what was read before is shown"),
    }
}

/// Tells all notes; damage cannot be kept quiet. Returns whether there is any.
pub fn tell_notes(snapshot: &Snapshot, term: &mut Term) -> bool {
    for found in &snapshot.notes {
        let line = format!("warning: {}", note(found));
        if found.is_damage() {
            term.complain(line);
        } else {
            term.note(line);
        }
    }
    snapshot.notes.iter().any(Note::is_damage)
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
