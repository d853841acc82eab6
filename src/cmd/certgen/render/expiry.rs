//! What `certgen expiry` answers: lines and codes of monitoring plugins, JSON, metrics.

use serde_json::json;

use super::openmetrics::Metrics;
use crate::cmd::certgen::dates::{days_until, from_now, instant};
use crate::cmd::certgen::deadline::Deadline;
use crate::cmd::certgen::expiry::{Answer, Fact, State};
use crate::term::{Exit, Term, escape_controls};

/// The code of monitoring plugins.
pub fn exit(state: State) -> Exit {
    match state {
        State::Ok => Exit::OK,
        State::Warning => Exit::FAILED,
        State::Critical => Exit::DAMAGED,
        State::Unknown => Exit::USAGE,
    }
}

/// A line for each answer.
pub fn answers(answers: &[Answer], now: i64, term: &mut Term) {
    for Answer { state, fact } in answers {
        let (place, text) = match fact {
            Fact::Expires(deadline) => {
                (&deadline.place, format!("{} {}", escape_controls(&deadline.what()), when(deadline, now)))
            }
            Fact::Unknown { place, why } => (place, escape_controls(why).into_owned()),
        };
        term.line(format_args!("{:9} {}: {text}", state.name(), escape_controls(place)));
    }
}

fn when(deadline: &Deadline, now: i64) -> String {
    match deadline.at {
        Some(at) if at < now => format!("expired {}, {}", from_now(at, now), instant(at)),
        Some(at) => format!("expires {}, {}", from_now(at, now), instant(at)),
        None => "never expires".to_owned(),
    }
}

/// The same, one JSON object an answer.
pub fn answers_as_json(answers: &[Answer], now: i64, term: &mut Term) {
    for Answer { state, fact } in answers {
        term.json(match fact {
            Fact::Expires(deadline) => json!({
                "state": state.name(),
                "target": deadline.place,
                "what": deadline.what(),
                "not_after": deadline.at.map(instant),
                "days_left": deadline.at.map(|at| days_until(now, at)),
            }),
            Fact::Unknown { place, why } => json!({"state": state.name(), "target": place, "error": why}),
        });
    }
}

/// The same as metrics. Why something is not known stands on standard error.
pub fn answers_as_metrics(answers: &[Answer], term: &mut Term) {
    let mut metrics = Metrics::default();
    for answer in answers {
        match &answer.fact {
            Fact::Expires(deadline) => metrics.add(deadline),
            Fact::Unknown { place, why } => {
                metrics.add_unreadable(place);
                term.note(format_args!("error: {}: {}", escape_controls(place), escape_controls(why)));
            }
        }
    }
    term.write(metrics.render().as_bytes());
}
