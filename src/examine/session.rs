//! `check session`: what a broker's files say of one client's session, and whether store and forward
//! will work for it.

use std::path::Path;

use super::report::{Report, Stage};
use crate::diagnose::when::{date, span};
use crate::diagnose::{Finding, Severity, shell, state};
use crate::net::reason;
use crate::queue::Item;
use crate::state::ids::UnixTime;
use crate::state::mosquitto_db::{self, Chunk};
use crate::state::sqlite;
use crate::state::usual;
use crate::state::{Client, ClientMessage, Direction, Keep, Phase, Subscription};
use crate::term::plural;

/// The most filters that are shown.
const SHOWN_FILTERS: usize = 10;

/// A session expiry interval that never ends.
const NEVER: u32 = u32::MAX;

/// What a source holds of the client.
#[derive(Default)]
pub struct Found {
    session: Option<Session>,
    /// `None` where the source does not tell.
    subscriptions: Option<Vec<(String, u8)>>,
    queued: u64,
    in_flight: u64,
    /// Ids that are not equal and nearly so: a typing error, or a random part.
    similar: Vec<String>,
}

#[derive(Default)]
struct Session {
    /// `None` where the source does not tell.
    expiry_interval: Option<u32>,
    connected: Option<bool>,
    dropped: Option<u64>,
    expires: Option<i64>,
    disconnected_at: Option<i64>,
}

impl Found {
    fn client(&mut self, id: &str, client: &Client<'_>) {
        if client.client_id == id.as_bytes() {
            self.session = Some(Session {
                expiry_interval: Some(client.session_expiry_interval),
                expires: client.session_expires,
                disconnected_at: client.disconnected_at,
                ..Session::default()
            });
        } else {
            self.other(id, &String::from_utf8_lossy(client.client_id));
        }
    }

    fn other(&mut self, id: &str, other: &str) {
        let alike =
            other.eq_ignore_ascii_case(id) || other.starts_with(id) || (!other.is_empty() && id.starts_with(other));
        if alike && self.similar.len() < 5 {
            self.similar.push(other.to_owned());
        }
    }

    /// What an API tells, which is less than a file holds.
    pub fn item(&mut self, id: &str, item: Item<'_>) {
        match item {
            Item::Session(session) if session.client == id => {
                self.session = Some(Session {
                    expiry_interval: session.never_expires.then_some(NEVER),
                    connected: session.connected,
                    dropped: session.dropped,
                    expires: session.expires.map(UnixTime::seconds),
                    disconnected_at: session.disconnected_at.map(UnixTime::seconds),
                });
                let filters = session.filters;
                self.subscriptions =
                    filters.map(|filters| filters.iter().map(|own| (own.filter.to_string(), own.qos)).collect());
            }
            Item::Session(session) => self.other(id, session.client),
            Item::Total(total) if total.client == id => {
                self.session.get_or_insert_default();
                self.queued = self.queued.saturating_add(total.queued);
                self.in_flight = self.in_flight.saturating_add(total.in_flight);
            }
            Item::Message(message) if message.client == id => {
                self.session.get_or_insert_default();
                if message.is_in_flight() { self.in_flight += 1 } else { self.queued += 1 }
            }
            _ => {}
        }
    }

    fn subscription(&mut self, id: &str, subscription: &Subscription<'_>) {
        if subscription.client_id == id.as_bytes() {
            let filter = String::from_utf8_lossy(subscription.filter).into_owned();
            self.subscriptions.get_or_insert_default().push((filter, subscription.qos));
        }
    }

    fn message(&mut self, id: &str, message: &ClientMessage<'_>) {
        if message.client_id == id.as_bytes() && message.direction == Direction::Outgoing {
            if message.phase() == Phase::Queued { self.queued += 1 } else { self.in_flight += 1 }
        }
    }
}

/// Adds the stages that follow the one of the source.
pub fn judge(id: &str, found: &Found, now: i64, report: &mut Report) {
    report.stages.push(session_stage(id, found, now));
    if found.session.is_some() {
        report.stages.push(match &found.subscriptions {
            Some(subscriptions) => subscriptions_stage(subscriptions),
            None => Stage::skipped("filters", "this source does not tell them"),
        });
        report.stages.push(queue_stage(found));
    }
}

/// Looks for a client in the state that a broker keeps in a file.
pub fn check_file(id: &str, source: Option<&Path>, now: i64) -> Report {
    let mut report = Report::new(format!("session of client `{id}`"));
    let mut stage = Stage::new("source");
    let usual = || usual::file().map_err(|error| Box::new(unreadable(Path::new(usual::FOLDER), &reason(&error), true)));
    let named = |source: &Path| {
        let path = usual::in_folder(source);
        if path.is_dir() { Err(Box::new(without_file(&path))) } else { Ok(Some(path)) }
    };
    let path = match source.map_or_else(usual, named) {
        Ok(Some(path)) => path,
        other => {
            stage.found(other.map_or_else(|finding| *finding, |_| no_source(id)));
            report.is_unknown = true;
            report.stages.push(stage);
            return report;
        }
    };
    stage.fact("file", path.display().to_string());
    stage.findings.extend(age(&path, now, &mut stage.facts));
    match read(&path, id) {
        Ok((found, damage)) => {
            stage.findings.extend(damage);
            report.stages.push(stage);
            judge(id, &found, now, &mut report);
        }
        Err(finding) => {
            report.is_unknown = true;
            stage.found(*finding);
            report.stages.push(stage);
        }
    }
    report
}

fn no_source(id: &str) -> Finding {
    Finding::error("session.no-source", "no state of a broker was found here")
        .evidence(state::no_usual_file())
        .fix(format!("name its file or API: moskit check session -i {} FILE|URL", shell::quoted(id)))
}

/// Mosquitto writes its snapshot every half hour: what is younger is not in it.
fn age(path: &Path, now: i64, facts: &mut serde_json::Map<String, serde_json::Value>) -> Option<Finding> {
    let modified = std::fs::metadata(path).ok()?.modified().ok()?;
    let written = i64::try_from(modified.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs()).ok()?;
    facts.insert("written".to_owned(), date(written).into());
    let is_snapshot = path.extension().is_some_and(|extension| extension == "db");
    (is_snapshot && now - written > 60).then(|| {
        Finding::note(
            "session.old-snapshot",
            format!("the broker wrote this {} ago: what happened since is not in it", span(now - written)),
        )
        .fix("have it written now: kill -USR1 $(pidof mosquitto)")
    })
}

type Read = Result<(Found, Option<Finding>), Box<Finding>>;

fn read(path: &Path, id: &str) -> Read {
    match sqlite::Reader::open(path) {
        Ok(reader) => read_sqlite(&reader, path, id),
        Err(sqlite::Unreadable::NotSqlite) => read_snapshot(path, id),
        Err(error) => Err(Box::new(of_sqlite(path, &error))),
    }
}

/// A folder in which no broker's file is seen, be it that nobody may look.
fn without_file(folder: &Path) -> Finding {
    match usual::denied(folder) {
        Some(error) => unreadable(folder, &reason(&error), true),
        None => unreadable(folder, &state::no_file_in_folder(), false),
    }
}

fn unreadable(path: &Path, why: &str, is_refused: bool) -> Finding {
    let finding = Finding::error("session.unreadable", format!("`{}` cannot be read: {why}", path.display()));
    if is_refused {
        finding.fix(format!("who may read it: ls -l {}", shell::path(path)))
    } else {
        finding.fix("name the file in which the broker keeps its state: mosquitto.db or mosquitto.sqlite3")
    }
}

fn of_sqlite(path: &Path, error: &sqlite::Unreadable) -> Finding {
    unreadable(path, &state::sqlite(error), matches!(error, sqlite::Unreadable::Io(_)))
}

fn read_sqlite(reader: &sqlite::Reader, path: &Path, id: &str) -> Read {
    // A file tells all there are.
    let mut found = Found { subscriptions: Some(Vec::new()), ..Found::default() };
    let mut read = || {
        reader.clients(|client| found.client(id, client))?;
        reader.subscriptions(|subscription| found.subscription(id, subscription))?;
        reader.client_messages(|message| found.message(id, message))
    };
    match read() {
        Ok(()) => Ok((found, None)),
        Err(error) => Err(Box::new(of_sqlite(path, &error))),
    }
}

fn read_snapshot(path: &Path, id: &str) -> Read {
    let mut reader = mosquitto_db::Reader::open(path, Keep::HEADS).map_err(|error| {
        let is_refused = matches!(error, mosquitto_db::Unreadable::Io(_));
        let why = match error {
            mosquitto_db::Unreadable::NotMosquittoDb => {
                "it is neither a mosquitto.db nor persist-sqlite's file".to_owned()
            }
            error => state::mosquitto_db(&error),
        };
        Box::new(unreadable(path, &why, is_refused))
    })?;
    let mut found = Found { subscriptions: Some(Vec::new()), ..Found::default() };
    loop {
        match reader.next_chunk() {
            Ok(Some(Chunk::Client(client))) => found.client(id, &client),
            Ok(Some(Chunk::Subscription(subscription))) => found.subscription(id, &subscription),
            Ok(Some(Chunk::ClientMessage(message))) => found.message(id, &message),
            Ok(Some(_)) => {}
            Ok(None) => return Ok((found, None)),
            Err(_) => {
                let at = reader.offset();
                let damage = Finding::error(
                    "session.damaged",
                    format!("`{}` is damaged at byte {at}: what follows was not read", path.display()),
                )
                .fix("moskit qshape tells more of the damage");
                return Ok((found, Some(damage)));
            }
        }
    }
}

fn session_stage(id: &str, found: &Found, now: i64) -> Stage {
    let mut stage = Stage::new("session");
    let Some(session) = &found.session else {
        let mut finding = Finding::error(
            "session.storefwd",
            format!("the broker keeps no session for `{id}`: nothing is stored for it"),
        )
        .evidence("a session is kept for a fixed id without clean session (MQTT 5: with a session expiry interval)")
        .fix(format!("connect once with: moskit sub -i {} -c -q 1 -t TOPIC", shell::quoted(id)));
        if !found.similar.is_empty() {
            finding = finding.evidence(format!("there are: {}", found.similar.join(", ")));
        }
        stage.found(finding);
        return stage;
    };
    match session.expiry_interval {
        None => {}
        Some(NEVER) => stage.fact("expires", "never"),
        Some(0) => stage.fact("expiry_interval", 0),
        Some(seconds) => stage.fact("expiry_interval", format!("{seconds} s")),
    }
    if let Some(connected) = session.connected {
        stage.fact("connected", connected);
    }
    if let Some(dropped) = session.dropped.filter(|dropped| *dropped > 0) {
        stage.found(
            Finding::warning(
                "session.queue-full",
                format!("the broker has dropped {} for it", plural(dropped, "message")),
            )
            .fix("raise the limit of its queue, or let the client come back"),
        );
    }
    if session.expiry_interval == Some(0) {
        stage.found(
            Finding::error("session.storefwd", "the session ends with its connection: nothing is stored")
                .fix("-c (MQTT 5: -c -x SECONDS)"),
        );
    }
    if let Some(at) = session.disconnected_at.filter(|at| *at > 0) {
        stage.fact("away_since", date(at));
    }
    if let Some(expires) = session.expires.filter(|expires| *expires > 0) {
        if expires <= now {
            stage.found(
                Finding::error("session.storefwd", format!("the session expired {} ago", span(now - expires)))
                    .fix("-x with more seconds"),
            );
        } else {
            stage.fact("ends_in", span(expires - now));
        }
    }
    stage
}

fn subscriptions_stage(subscriptions: &[(String, u8)]) -> Stage {
    let mut stage = Stage::new("filters");
    let shown = subscriptions.iter().take(SHOWN_FILTERS).map(|(filter, qos)| format!("{filter} (QoS {qos})"));
    stage.fact("filters", shown.collect::<Vec<_>>());
    if subscriptions.is_empty() {
        stage.found(
            Finding::error("session.storefwd", "the session has no subscriptions: nothing is stored")
                .fix("subscribe again: moskit sub -c -q 1 -t TOPIC"),
        );
    }
    let at_most_once = subscriptions.iter().filter(|(_, qos)| *qos == 0).count();
    if at_most_once > 0 {
        let all = at_most_once == subscriptions.len();
        let severity = if all { Severity::Error } else { Severity::Warning };
        let what = if all { "all filters are subscribed with QoS 0" } else { "some filters are subscribed with QoS 0" };
        stage.found(
            Finding::new(severity, "session.storefwd", format!("{what}: their messages are not stored"))
                .evidence("unless the broker has queue_qos0_messages")
                .fix("subscribe with -q 1; and publish with -q 1 too"),
        );
    }
    stage
}

fn queue_stage(found: &Found) -> Stage {
    let mut stage = Stage::new("queue");
    stage.fact("waiting", found.queued);
    stage.fact("in_flight", found.in_flight);
    if found.queued >= 1000 {
        stage.found(
            Finding::warning(
                "session.queue-full",
                format!("{} messages wait: Mosquitto drops new ones from 1000 on", found.queued),
            )
            .fix("raise max_queued_messages, or let the client come back"),
        );
    }
    stage
}
