//! The broker's log: events and our own lines, stamped, to where the configuration wants them.

use std::io::ErrorKind;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use bytes::Bytes;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::state::wall;
use crate::broker::config::{LogDestination, LogSettings, LogTypes};
use crate::broker::log::{self, Line, TOPIC_EXPIRY};
use crate::broker::{Event, OwnMessage, Settings};
use crate::mqtt::packet::QoS;
use crate::os::files;
use crate::term::logbook::{Gravity, Keeper, Logbook, Place, Unopenable};

/// Lines on their way to a log topic, at most; more are dropped, as for every reader that is too slow.
const TOPIC_ROOM: usize = 1024;
/// syslog's number for daemons; `local0` is 16.
const DAEMON: u8 = 3;
const LOCAL_0: u8 = 16;

/// A log; clones write to the same one.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Mutex<Shared>>,
    logbook: Logbook,
    topics: mpsc::Sender<OwnMessage>,
}

struct Shared {
    settings: LogSettings,
    /// Whether standard error is a terminal.
    colour: bool,
    /// The settings, for the ports of listeners.
    broker: Settings,
    /// Looked for when a line first has a time in it: all names of zones are read for it.
    zone: LazyLock<TimeZone>,
}

/// The far ends of a log: the thread that writes, and the lines that the broker itself publishes.
pub struct LogEnds {
    pub keeper: Keeper,
    pub topics: mpsc::Receiver<OwnMessage>,
}

impl Log {
    /// Opens the destinations. One that cannot be opened, which comes back, leaves standard error, with errors only.
    pub fn open(mut settings: LogSettings, broker: Settings, colour: bool) -> (Self, LogEnds, Option<Unopenable>) {
        let places = places(&settings, colour);
        let (opened, unopenable) = match Logbook::open(&places) {
            Ok(opened) => (Ok(opened), None),
            Err(unopenable) => {
                settings.types = LogTypes::ERROR;
                settings.destinations = vec![LogDestination::Stderr];
                (Logbook::open(&[Place::Stderr { colour }]), Some(unopenable))
            }
        };
        let Ok((logbook, keeper)) = opened else { unreachable!("standard error needs no opening") };
        let (topics, published) = mpsc::channel(TOPIC_ROOM);
        let shared = Shared { settings, colour, broker, zone: LazyLock::new(TimeZone::system) };
        let log = Self { shared: Arc::new(Mutex::new(shared)), logbook, topics };
        (log, LogEnds { keeper, topics: published }, unopenable)
    }

    pub fn error(&self, text: impl Into<String>) {
        self.line(Line::new(LogTypes::ERROR, text));
    }

    pub fn warning(&self, text: impl Into<String>) {
        self.line(Line::new(LogTypes::WARNING, text));
    }

    pub fn notice(&self, text: impl Into<String>) {
        self.line(Line::new(LogTypes::NOTICE, text));
    }

    pub fn information(&self, text: impl Into<String>) {
        self.line(Line::new(LogTypes::INFORMATION, text));
    }

    /// A line that was asked for: to standard output, whatever the destinations are.
    pub fn print(&self, text: String) {
        self.logbook.print(text);
    }

    pub fn event(&self, event: &Event) {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        for line in log::lines(event, &shared.settings, &shared.broker) {
            self.write(line, &shared);
        }
    }

    /// New settings after a reload. Files are opened anew; where a destination cannot be opened, which comes back, those
    /// of before stay.
    pub fn reload(&self, mut settings: LogSettings, broker: Settings) -> Option<Unopenable> {
        let pipe = settings.destinations.iter().find_map(|destination| match destination {
            LogDestination::File(path) if files::is_pipe(path) => Some(path.clone()),
            _ => None,
        });
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let replaced = match pipe {
            // Opening it would wait for a reader, and every client for us.
            Some(path) => Err(Unopenable { place: Place::File(path), error: ErrorKind::InvalidInput.into() }),
            None => self.logbook.replace(&places(&settings, shared.colour)),
        };
        if replaced.is_err() {
            settings.destinations = std::mem::take(&mut shared.settings.destinations);
        }
        (shared.settings, shared.broker) = (settings, broker);
        replaced.err()
    }

    /// Opens the files anew: somebody has renamed them.
    pub fn reopen(&self) {
        self.logbook.reopen();
    }

    /// Whether errors are to be seen on standard error.
    pub fn shows_errors(&self) -> bool {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.settings.types.contains(LogTypes::ERROR)
            && shared.settings.destinations.contains(&LogDestination::Stderr)
    }

    fn line(&self, line: Line) {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.settings.types.contains(line.kind) {
            self.write(line, &shared);
        }
    }

    fn write(&self, line: Line, shared: &Shared) {
        let stamp = log::stamp(&shared.settings, wall(), || (*shared.zone).clone());
        if shared.settings.destinations.contains(&LogDestination::Topic)
            && let Some(topic) = line.topic()
        {
            // A full channel means that the broker is behind; the line is in the other destinations.
            let _ = self.topics.try_send(OwnMessage {
                topic: topic.into(),
                payload: Bytes::from(format!("{stamp}{}", line.text)),
                qos: QoS::ExactlyOnce,
                retain: false,
                expiry: Some(TOPIC_EXPIRY),
            });
        }
        self.logbook.write(gravity(line.kind), stamp, line.text);
    }
}

fn gravity(kind: LogTypes) -> Gravity {
    match kind {
        LogTypes::ERROR => Gravity::Error,
        LogTypes::WARNING => Gravity::Warning,
        LogTypes::INFORMATION => Gravity::Information,
        LogTypes::DEBUG | LogTypes::WEBSOCKETS | LogTypes::INTERNAL => Gravity::Debug,
        _ => Gravity::Notice,
    }
}

fn places(settings: &LogSettings, colour: bool) -> Vec<Place> {
    let place = |destination: &LogDestination| match destination {
        LogDestination::Stdout => Some(Place::Stdout { colour: false }),
        LogDestination::Stderr => Some(Place::Stderr { colour }),
        LogDestination::File(path) => Some(Place::File(path.clone())),
        LogDestination::Syslog => {
            let facility = settings.facility.map_or(DAEMON, |local| LOCAL_0 + local);
            Some(Place::Syslog { facility, name: "moskit" })
        }
        LogDestination::Topic => None,
    };
    settings.destinations.iter().filter_map(place).collect()
}
