//! What a broker's log says of its start, step by step, and of its own destinations.

use std::path::PathBuf;

use super::sentences;
use crate::broker::config::Notice;
use crate::broker::host::load::Doubt;
use crate::broker::host::log::Log;
use crate::broker::host::start::{Plan, Step};
use crate::broker::server::Bind;
use crate::broker::{Restored, log as lines};
use crate::os::account;
use crate::term::logbook::{Place, Unopenable};

/// Whom the log is for.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The file that the configuration was read from.
    pub file: Option<PathBuf>,
    /// Scripts look for what Mosquitto's log begins with.
    pub as_mosquitto: bool,
}

/// The lines before anything is opened.
pub fn beginning(plan: &Plan, origin: &Origin, log: &Log) {
    let is_root = account::is_root();
    if origin.as_mosquitto && is_root {
        log.information("Info: running mosquitto as user: root.");
        log.warning("Warning: Mosquitto should not be run as root/administrator.");
    }
    if !origin.as_mosquitto && origin.file.is_some() && is_root && plan.configuration.user.is_none() {
        log.warning("Warning: The broker runs as root: the configuration names no other user.");
    }
    log.information(format!("{} starting", plan.version));
    match &origin.file {
        Some(file) => log.information(format!("Config loaded from {}.", file.display())),
        None => log.information("Using default config."),
    }
    if origin.as_mosquitto {
        // Bridges and TLS-PSK are not here.
        for feature in ["Persistence", "TLS", "Websockets"] {
            log.information(format!("{feature} support available."));
        }
    }
    // Whoever reads the log knows which broker this is.
    let notices = plan.configuration.notices.iter().filter(|notice| !matches!(notice, Notice::Own { .. }));
    for notice in notices {
        match sentences::notice(notice) {
            (true, text) => log.warning(text),
            (false, text) => log.notice(text),
        }
    }
    if plan.local_only {
        log.notice("Starting in local only mode. Only clients on this machine can connect.");
        log.notice("A configuration with a listener opens the broker to others: moskit broker -c FILE");
    }
}

/// The lines of one step.
pub fn step(step: &Step<'_>, version: &str, log: &Log) {
    match step {
        Step::Doubts(found) => doubts(found, log),
        Step::Restored(restored) => self::restored(restored, log),
        Step::Missing(address) => {
            log.warning(format!("Warning: Unable to listen on {address}; it may be in use, or not there."));
        }
        Step::Opened(bind) => log.information(match bind {
            Bind::Tcp(address) if address.is_ipv4() => {
                format!("Opening ipv4 listen socket on port {}.", address.port())
            }
            Bind::Tcp(address) => format!("Opening ipv6 listen socket on port {}.", address.port()),
            Bind::Unix(path) => format!("Opening unix listen socket on path {}.", path.display()),
        }),
        Step::Running => log.information(format!("{version} running")),
    }
}

/// What is unusual about the files that guard access.
pub fn doubts(doubts: &[Doubt], log: &Log) {
    for doubt in doubts {
        log.warning(sentences::doubt(doubt));
    }
}

fn restored(restored: &Restored, log: &Log) {
    let entries: usize = restored.clients.iter().map(|client| client.entries.len()).sum();
    let subscriptions: usize = restored.clients.iter().map(|client| client.subscriptions.len()).sum();
    log.information(format!("Restored {} base messages", restored.messages.len()));
    log.information(format!("Restored {} retained messages", restored.retained.len()));
    log.information(format!("Restored {} clients", restored.clients.len()));
    log.information(format!("Restored {subscriptions} subscriptions"));
    log.information(format!("Restored {entries} client messages"));
    for line in lines::losses(&restored.losses, restored.more_losses) {
        log.error(line);
    }
}

/// A destination of the log that could not be opened, if there is one.
pub fn unopenable(unopenable: Option<&Unopenable>, log: &Log) {
    let Some(unopenable) = unopenable else { return };
    log.error(match &unopenable.place {
        Place::File(path) => format!("Error: Unable to open log file {} for writing.", path.display()),
        _ => format!("Error: Unable to open the system's log ({}).", unopenable.error),
    });
}
