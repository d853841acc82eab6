//! A source that could not be opened, read or asked, and a session that could not be ended: the failure, with why and
//! what to do.

use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::client::Ending;
use crate::diagnose::{self, About, Attempted, Finding, Sent, Unanswered, shell, state};
use crate::mqtt::packet::ConnAck;
use crate::mqtt::session::SessionError;
use crate::net::websocket::Opening;
use crate::net::{ConnectError, Endpoint, reason, tls};
use crate::os::files;
use crate::queue::Error;
use crate::queue::exchange::ExchangeError;
use crate::queue::http::HttpError;
use crate::state::ids::UnixTime;
use crate::state::mosquitto_db;
use crate::state::sqlite;
use crate::talk::{Ended, begins_like_answer};
use crate::term::{Exit, Failure, escape_controls};

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

/// Where something was asked, for who has to say why it failed.
#[derive(Clone, Debug)]
pub struct Place {
    pub endpoint: Endpoint,
    pub tls: Option<tls::Options>,
    pub websocket: Option<Opening>,
    pub sent: Sent,
}

impl Place {
    fn attempted(&self) -> Attempted<'_> {
        let now = UnixTime::from(SystemTime::now()).seconds();
        Attempted { endpoint: &self.endpoint, tls: self.tls.as_ref(), websocket: self.websocket.as_ref(), now }
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
        Error::Disordered(path) => {
            Failure::new(Exit::DAMAGED, format!("cannot read `{}`: its messages are in no order", shown(path)))
        }
        Error::TotalsOnly(at) => {
            Failure::new(Exit::USAGE, format!("{at} tells totals under $SYS, and nothing of a single client"))
                .hint("the broker's file or its HTTP API in the place of it")
        }
        Error::Piped(path) => {
            let place = if path == Path::new("-") { "standard input".to_owned() } else { format!("`{}`", shown(path)) };
            Failure::new(Exit::FAILED, format!("{place} is a broker's file, which cannot be read by a pipe"))
                .hint("moskit qshape FILE")
        }
        Error::Http(at, error) => cannot_ask(at, error, place),
        Error::Exchange(at, error) => no_exchange(&format!("cannot read from {at}"), error, place),
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
        HttpError::Timeout(limit) => failed(format!("no answer within {} s", limit.as_secs_f64())).hint(LONGER),
        HttpError::Protocol(error) => failed(format!("it does not speak HTTP as it should: {error}")),
        HttpError::Status { code: code @ (401 | 403), .. } => {
            failed(format!("it refuses (HTTP {code})")).hint("--api-key-file FILE, with USER:PASSWORD or a token in it")
        }
        HttpError::Status { code, path, said } if said.is_empty() => failed(format!("HTTP {code} for {path}")),
        HttpError::Status { code, path, said } => failed(format!("HTTP {code} for {path}: {}", escape_controls(said))),
        HttpError::TooLong { path } => failed(format!("the answer for {path} is longer than any that a broker gives")),
        HttpError::BrokenOff { path } => failed(format!("the answer for {path} is broken off")),
        HttpError::TooMuch { bytes } => {
            failed(format!("its answers have more than {} MiB together", bytes / (1024 * 1024)))
                .hint("--client ID asks for one client")
        }
        HttpError::TooSlow(limit) => failed(format!("its answers have not ended within {} s", limit.as_secs_f64()))
            .hint("--timeout SECONDS gives each answer, and so all of them, more time"),
        HttpError::NotUnderstood { path } => failed(format!("the answer for {path} is not what this API gives"))
            .hint("is it the right port, and kind of broker?"),
    }
}

/// A port on which nothing listens is not the broker's for MQTT.
fn of_an_api(finding: Finding) -> Finding {
    if finding.about == Some(About::NothingListens) {
        finding.fix("does the broker run, with its HTTP API on this port?")
    } else {
        finding
    }
}

fn not_connected(error: &ConnectError) -> String {
    match error {
        ConnectError::Lookup { name, .. } => format!("the name {name} has no address"),
        ConnectError::Tls(_) => "the TLS handshake failed".into(),
        ConnectError::TimedOut(_) => "it does not answer".into(),
        ConnectError::Everywhere(_) => "no host can be reached".into(),
        ConnectError::Proxy { .. } => "there is no way through the proxy".into(),
        other => other.last_os_error().map_or_else(|| "it cannot be reached".into(), reason),
    }
}

/// A session that could not be ended.
pub fn cannot_end(place: &Place, error: &ExchangeError) -> Failure {
    no_exchange(&format!("cannot end the session at {}", place.endpoint), error, Some(place))
}

fn no_exchange(what: &str, error: &ExchangeError, place: Option<&Place>) -> Failure {
    let failure = explained(format!("{what}: {}", exchange_failed(error)), exchange_finding(error, place));
    match error {
        ExchangeError::Timeout(_)
        | ExchangeError::Unanswered(Ended::TimedOut { .. }, _)
        | ExchangeError::Ended(Ended::TimedOut { .. }) => failure.hint(LONGER),
        _ => failure,
    }
}

const LONGER: &str = "--timeout SECONDS waits longer";

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
        ExchangeError::Refused(answer) => refused(place.sent, answer),
        ExchangeError::Unanswered(Ended::Distrusted(why), _) | ExchangeError::Ended(Ended::Distrusted(why)) => {
            Some(diagnose::scram::distrust(*why))
        }
        ExchangeError::Unanswered(ended, seen) => {
            let (first_bytes, alert) = match ended {
                Ended::Closed { first_bytes, alert } => (first_bytes, *alert),
                // An answer that is wrong inside is no other protocol.
                Ended::Garbage { first_bytes, .. } if !begins_like_answer(first_bytes) => (first_bytes, None),
                ended => return of_packets(ended, place),
            };
            let (sent, seen) = (place.sent, seen.as_deref());
            let ended = Unanswered { sent, first_bytes, alert, seen, is_neither_tls_nor_http: false };
            Some(diagnose::unanswered(&ended, &place.attempted()))
        }
        ExchangeError::Ended(ended) => of_packets(ended, place),
        ExchangeError::System(_) | ExchangeError::Unexpected | ExchangeError::Timeout(_) => None,
    }
}

/// Why the broker refused CONNECT, with a next step that there is here: neither the client id nor the keep-alive can be chosen, and
/// a source is named by its URL.
fn refused(sent: Sent, answer: &ConnAck) -> Option<Finding> {
    let finding = diagnose::refused(sent, answer, None)?;
    Some(match answer.code {
        2 | 133 => finding.fix("the broker's log says why"),
        156 | 157 => finding.fix("ask that one, if it is the right one"),
        _ => finding,
    })
}

/// What a conversation ended by that was one of packets so far, where that tells anything: as for the clients.
fn of_packets(ended: &Ended, place: &Place) -> Option<Finding> {
    let Ended::Garbage { error, .. } = ended else { return None };
    diagnose::lost(&Ending::Session(SessionError::Decode(*error)), &place.attempted())
}

fn exchange_failed(error: &ExchangeError) -> String {
    match error {
        ExchangeError::System(error) => reason(error),
        ExchangeError::Connect(error) => not_connected(error),
        ExchangeError::Unanswered(ended, _) | ExchangeError::Ended(ended) => broke_off(ended),
        ExchangeError::Unexpected => NOT_MQTT.into(),
        ExchangeError::Refused(answer) => format!("the broker refuses with code {}", answer.code),
        ExchangeError::Timeout(limit) => format!("no answer within {} s", limit.as_secs_f64()),
    }
}

const NOT_MQTT: &str = "the broker does not answer as MQTT says";

fn broke_off(ended: &Ended) -> String {
    match ended {
        Ended::Io(error) => reason(error),
        Ended::Encode(_) => "the client id, user name or password does not fit into a packet".into(),
        Ended::Garbage { .. } => NOT_MQTT.into(),
        Ended::Closed { alert: Some(alert), .. } => format!("the broker ended TLS ({alert})"),
        Ended::Closed { alert: None, .. } => "the broker closed the connection".into(),
        Ended::Disconnected(code) => format!("the broker ended the connection with code {}", code.0),
        Ended::Distrusted(_) => "the broker could not prove itself".into(),
        Ended::TimedOut { .. } => "no answer in time".into(),
    }
}
