//! `certgen expiry`: how long certificates and revocation lists are still good, for monitoring.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::content::items;
use super::dates::{DAY, from_now, instant, now};
use super::deadline::Deadline;
use super::inspect::files_of;
use super::openmetrics::Metrics;
use super::options::ExpiryArgs;
use super::peer::{address, look};
use crate::net::reason;
use crate::term::{Exit, Failure, Term, escape_controls, without_logins};

/// How it stands, in the words and codes of monitoring plugins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Critical,
    Unknown,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
            Self::Unknown => "UNKNOWN",
        }
    }

    fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::OK,
            Self::Warning => Exit::FAILED,
            Self::Critical => Exit::DAMAGED,
            Self::Unknown => Exit::USAGE,
        }
    }

    /// The worst decides: what is known to be critical is worse than what is not known.
    fn badness(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Unknown => 2,
            Self::Critical => 3,
        }
    }
}

pub fn run(args: &ExpiryArgs, term: &mut Term) -> Result<Exit, Failure> {
    if args.crit > args.warn {
        return Err(Failure::new(Exit::USAGE, "--crit is longer than --warn, which would never warn"));
    }
    let now = now();
    let mut worst = State::Ok;
    let mut metrics = Metrics::default();
    for target in &args.targets {
        let (deadlines, unknown) = deadlines(target);
        for deadline in &deadlines {
            let state = state(deadline, args, now);
            if state.badness() > worst.badness() {
                worst = state;
            }
            if args.openmetrics {
                metrics.add(deadline);
            } else {
                show(deadline, state, args.json, now, term);
            }
        }
        for (place, why) in unknown {
            if State::Unknown.badness() > worst.badness() {
                worst = State::Unknown;
            }
            let (place, why) = (without_logins(&place), without_logins(&why));
            if args.openmetrics {
                metrics.add_unreadable(&place);
                term.note(format_args!("error: {}: {}", escape_controls(&place), escape_controls(&why)));
            } else if args.json {
                term.json(json!({"state": "UNKNOWN", "target": place, "error": why}));
            } else {
                term.line(format_args!("UNKNOWN   {}: {}", escape_controls(&place), escape_controls(&why)));
            }
        }
    }
    if args.openmetrics {
        term.write(metrics.render().as_bytes());
    }
    Ok(worst.exit())
}

fn state(deadline: &Deadline, args: &ExpiryArgs, now: i64) -> State {
    match deadline.at.map(|at| at - now) {
        Some(left) if left < args.crit => State::Critical,
        Some(left) if left < args.warn => State::Warning,
        _ => State::Ok,
    }
}

fn show(deadline: &Deadline, state: State, as_json: bool, now: i64, term: &mut Term) {
    let Deadline { place, at, .. } = deadline;
    let what = deadline.what();
    if as_json {
        let days = at.map(|at| (at - now).div_euclid(DAY));
        term.json(json!({
            "state": state.name(), "target": place, "what": what, "not_after": at.map(instant), "days_left": days,
        }));
        return;
    }
    let when = match at {
        Some(at) if *at < now => format!("expired {}, {}", from_now(*at, now), instant(*at)),
        Some(at) => format!("expires {}, {}", from_now(*at, now), instant(*at)),
        None => "never expires".to_owned(),
    };
    term.line(format_args!("{:9} {}: {} {when}", state.name(), escape_controls(place), escape_controls(&what)));
}

/// What expires at a target, and what could not be looked at with the reason.
fn deadlines(target: &str) -> (Vec<Deadline>, Vec<(String, String)>) {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    let why = |failure: Failure| failure.message.unwrap_or_default();
    if let Some((host, port)) = address(target) {
        match look(&host, port) {
            Ok(peer) => {
                found.extend(peer.presented.iter().map(|certificate| Deadline::of_certificate(target, certificate)));
            }
            Err(failure) => unknown.push((target.to_owned(), why(failure))),
        }
        return (found, unknown);
    }
    let path = Path::new(target);
    let files: Vec<PathBuf> = if path.is_dir() {
        match files_of(path) {
            Ok(files) => files,
            Err(error) => {
                unknown.push((target.to_owned(), reason(&error)));
                Vec::new()
            }
        }
    } else {
        vec![path.to_owned()]
    };
    for file in files {
        let place = file.display().to_string();
        match items(&file) {
            Ok(items) => {
                let before = found.len();
                found.extend(items.iter().filter_map(|item| Deadline::of(&place, item)));
                if found.len() == before && !path.is_dir() {
                    unknown.push((place, "nothing in it expires".to_owned()));
                }
            }
            Err(failure) => unknown.push((place, why(failure))),
        }
    }
    if found.is_empty() && unknown.is_empty() {
        unknown.push((target.to_owned(), "no certificate in it".to_owned()));
    }
    (found, unknown)
}
